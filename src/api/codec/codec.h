/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bodies to trees and back: JSON, YAML and protobuf, guided by a kind's type. A decoded tree is
 * what Go's structs would hold, written as jansson: enum-like rules live in the tables
 * (schema/schema.h), not here.
 *
 * Shape of a decoded tree of a built-in type:
 *  - nulls are gone (null field: absent; null list element or map value: the zero value of its
 *    type);
 *  - fields that hold the zero value and are no pointers are absent, except structs, which are
 *    always there as objects ("status": {}), so that defaulting finds them; pointer fields keep
 *    an explicit zero;
 *  - quantities are strings in canonical form, times in RFC 3339 UTC, bytes base64; an
 *    int-or-string is what was sent;
 *  - unknown fields are dropped (and reported, see enum kt_strict).
 * Types with KT_FIELD_UNSTRUCTURED (from a CRD) are kept as sent, nulls and zeros too; unknown
 * fields are pruned unless the type preserves them. Encoding accepts any tree that fits the type,
 * and adds and drops zero values by itself.
 *
 * Trees and strings are the caller's. No state; any thread. Limits: KT_JSON_DEPTH_MAX, 100,000
 * reported fields are cut to 100.
 */
#ifndef KT_API_CODEC_CODEC_H
#define KT_API_CODEC_CODEC_H

#include "api/schema/schema.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "base/vec.h"

enum kt_media {
	KT_MEDIA_UNKNOWN,
	KT_MEDIA_JSON,
	KT_MEDIA_YAML,
	KT_MEDIA_PROTOBUF, /* application/vnd.kubernetes.protobuf */
};

/* From a Content-Type header: parameters are ignored, case too; "" and NULL are JSON. */
enum kt_media kt_media_parse(const char *content_type);
const char *kt_media_name(enum kt_media media); /* "application/json", … */

/* fieldValidation */
enum kt_strict { KT_STRICT_IGNORE, KT_STRICT_WARN, KT_STRICT_STRICT };

/* Texts for Warning headers: `unknown field "spec.bogus"`. */
struct kt_warnings {
	KT_VEC(char *) texts;
};
void kt_warnings_add(struct kt_warnings *warnings, const char *fmt, ...)
        __attribute__((format(printf, 2, 3)));
void kt_warnings_finish(struct kt_warnings *warnings);
#define kt_auto_warnings __attribute__((cleanup(kt_warnings_finish))) struct kt_warnings

struct kt_codec_options {
	enum kt_media media;
	enum kt_strict strict;
	/* What the URL says. A body without apiVersion or kind gets them; another one fails with
	 * 400. NULL: any, as sent. */
	const char *api_version, *kind;
	/* Kinds whose apiVersion or kind may differ, NULL-terminated pairs {apiVersion, kind}
	 * (DeleteOptions in any group). */
	const char *const *also;
	/* Where not NULL: the tree as it was sent, empty lists and all; a new reference, also when
	 * decoding fails behind the parser. NULL for protobuf, which knows no empty lists. */
	json_t **ret_sent;
	/* Leave out `Pod in version "v1" cannot be handled as a Pod: ` before the reason. */
	bool bare_errors;
};

/*
 * Bytes to a tree of `type`. Errors are EINVAL in upstream's words with status 400. With
 * KT_STRICT_WARN what is unknown or duplicate is added to warnings (may be NULL), with
 * KT_STRICT_STRICT it fails as `strict decoding error: …`.
 */
int kt_codec_decode(struct kt_sv body, const struct kt_type *type,
        const struct kt_codec_options *options, json_t **ret_tree, struct kt_warnings *warnings,
        struct kt_err *err);

/* apiVersion and kind of a body of any media type, without decoding it; heap strings, NULL where
 * absent. */
int kt_codec_peek(struct kt_sv body, enum kt_media media, char **ret_api_version, char **ret_kind,
        struct kt_err *err);

/*
 * Brings a parsed or patched tree into the shape above, in place (a new reference comes back since
 * a root may be replaced). Unknown fields, as in kt_codec_decode. For trees that come from patches
 * and from server-side apply.
 */
int kt_codec_normalize(json_t *tree, const struct kt_type *type, enum kt_strict strict,
        json_t **ret_tree, struct kt_warnings *warnings, struct kt_err *err);

/* Canonical JSON, appended to out: fields in table order after kind and apiVersion, map keys
 * sorted, zero values by the table's flags. */
void kt_codec_encode_json(struct kt_str *out, const struct kt_type *type, const json_t *tree);
/* The same as a tree (new reference). */
json_t *kt_codec_canonical(const struct kt_type *type, const json_t *tree);

/* With the "k8s\0" envelope; apiVersion and kind come from the tree. Fails for types without
 * protobuf numbers (custom resources). */
int kt_codec_encode_protobuf(
        struct kt_str *out, const struct kt_type *type, const json_t *tree, struct kt_err *err);
/*
 * application/vnd.kubernetes.protobuf;stream=watch: one frame (4 bytes big-endian length, then
 * WatchEvent without envelope whose object is an enveloped message). event_type: "ADDED",
 * "BOOKMARK", "ERROR", … tree is of `type` (Status for ERROR).
 */
int kt_codec_encode_protobuf_watch(struct kt_str *out, const char *event_type,
        const struct kt_type *type, const json_t *tree, struct kt_err *err);
/* True if every part of the type has protobuf numbers. */
bool kt_codec_has_protobuf(const struct kt_type *type);

/* An enveloped message to a tree, with apiVersion and kind as the envelope has them. */
int kt_protobuf_decode(
        struct kt_sv message, const struct kt_type *type, json_t **ret_tree, struct kt_err *err);

/* What Go's zero value of a type looks like in a tree, a new reference; NULL for what is written as
 * null. */
json_t *kt_codec_zero(const struct kt_type *type);

#endif
