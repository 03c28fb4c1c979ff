/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * OpenAPI documents from the tables: v3 per group version, v2 for everything, as kubectl explain,
 * apply and client-go read them. Descriptions are the tables' own. Documents are pure functions of
 * the kinds given, so the caller caches them: by group version for built-in kinds (they never
 * change), until the set of definitions changes for others.
 *
 * The text is canonical JSON in a shared buffer; etag is the upper-case hex SHA-512 prefix of it
 * that stands in `?hash=` and ETag. Any thread.
 */
#ifndef KT_API_SCHEMA_OPENAPI_H
#define KT_API_SCHEMA_OPENAPI_H

#include "api/schema/schema.h"
#include "base/buf.h"

/* The kinds a document covers: the built-in ones of group and version, and those of these sets. */
struct kt_openapi_kinds {
	const struct kt_kind *const *kinds;
	size_t n_kinds;
};

/* /openapi/v3/apis/GROUP/VERSION: all kinds given must be of that group and version. */
struct kt_buf *kt_openapi_v3(
        const char *group, const char *version, const struct kt_openapi_kinds *kinds);
/* /openapi/v2 */
struct kt_buf *kt_openapi_v2(const struct kt_openapi_kinds *kinds);
/*
 * The v2 document as gnostic's protobuf. Go clients ask for
 * application/com.github.proto-openapi.spec.v2@v1.0+protobuf; the answer's Content-Type has a dot
 * where that has "@".
 */
struct kt_buf *kt_openapi_v2_protobuf(const struct kt_buf *document);
/* The hash of a document, as upper-case hex; stable across processes. */
#define KT_OPENAPI_HASH_TEXT 129
void kt_openapi_hash(const struct kt_buf *document, char ret_text[KT_OPENAPI_HASH_TEXT]);
/* /openapi/v3: {"paths": {"apis/apps/v1": {"serverRelativeURL":
 * "/openapi/v3/apis/apps/v1?hash=…"}}} */
struct kt_openapi_path {
	const char *path; /* "api/v1", "apis/apps/v1" */
	const char *hash;
};
struct kt_buf *kt_openapi_v3_index(const struct kt_openapi_path *paths, size_t n_paths);

#endif
