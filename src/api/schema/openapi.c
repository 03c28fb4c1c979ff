/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/schema/openapi.h"

#include "api/schema/openapi_internal.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#define TITLE "Kubernetes"
#define CUSTOM_TITLE "Kubernetes CRD Swagger"
#define CUSTOM_VERSION "v0.1.0"
#define KUBERNETES_VERSION "1.35"

static json_t *security(void)
{
	return json_pack("{s:{s:s, s:s, s:s, s:s}}", "BearerToken", "description", "Bearer token",
	        "type", "apiKey", "name", "authorization", "in", "header");
}

static struct kt_buf *finish(json_t *document)
{
	kt_auto_str text = KT_STR_INIT;

	kt_json_write(&text, document, KT_JSON_SORT);
	json_decref(document);
	return kt_buf_from_str(&text);
}

/* The group versions of the built-in kinds and of those given, once each. */
static json_t *group_versions(const struct kt_openapi_kinds *kinds)
{
	json_t *list = json_array();
	const char *group = NULL, *version = NULL;

	for (size_t i = 0; i < kt_builtin_kinds.n_kinds + kinds->n_kinds; i++) {
		const struct kt_kind *kind = i < kt_builtin_kinds.n_kinds
		                                     ? &kt_builtin_kinds.kinds[i]
		                                     : kinds->kinds[i - kt_builtin_kinds.n_kinds];

		if (i >= kt_builtin_kinds.n_kinds && !(kind->flags & KT_KIND_CUSTOM))
			continue;
		if (kt_streq(kind->group, group) && kt_streq(kind->version, version))
			continue;
		group = kind->group;
		version = kind->version;
		json_array_append_new(
		        list, json_pack("{s:s, s:s}", "group", group, "version", version));
	}
	return list;
}

static struct openapi start(bool v3, const struct kt_openapi_kinds *kinds)
{
	return (struct openapi){v3, json_object(), json_object(), group_versions(kinds)};
}

struct kt_buf *kt_openapi_v3(
        const char *group, const char *version, const struct kt_openapi_kinds *kinds)
{
	struct openapi doc = start(true, kinds);

	openapi_add_group_version(&doc, group, version);
	for (size_t i = 0; i < kinds->n_kinds; i++)
		openapi_add_kind(&doc, kinds->kinds[i]);
	json_decref(doc.group_versions);
	/* Definitions have a document of another maker, and it says so. */
	bool custom = kinds->n_kinds && (kinds->kinds[0]->flags & KT_KIND_CUSTOM);
	return finish(json_pack("{s:s, s:{s:s, s:s}, s:o, s:{s:o, s:o}}", "openapi", "3.0.0",
	        "info", "title", custom ? CUSTOM_TITLE : TITLE, "version",
	        custom ? CUSTOM_VERSION : KUBERNETES_VERSION, "paths", doc.paths, "components",
	        "schemas", doc.schemas, "securitySchemes", security()));
}

struct kt_buf *kt_openapi_v2(const struct kt_openapi_kinds *kinds)
{
	struct openapi doc = start(false, kinds);
	const char *group = NULL, *version = NULL;

	openapi_add_roots(&doc);
	for (size_t i = 0; i < kinds->n_kinds; i++) {
		const struct kt_kind *kind = kinds->kinds[i];

		if (!kt_streq(kind->group, group) || !kt_streq(kind->version, version)) {
			group = kind->group;
			version = kind->version;
			if (*group)
				openapi_add_group(&doc, group);
			openapi_add_group_version(&doc, group, version);
		}
		openapi_add_kind(&doc, kind);
	}
	json_decref(doc.group_versions);
	return finish(json_pack("{s:s, s:{s:s, s:s}, s:o, s:o, s:o, s:[{s:[]}]}", "swagger", "2.0",
	        "info", "title", TITLE, "version", KUBERNETES_VERSION, "paths", doc.paths,
	        "definitions", doc.schemas, "securityDefinitions", security(), "security",
	        "BearerToken"));
}

void kt_openapi_hash(const struct kt_buf *document, char ret_text[KT_OPENAPI_HASH_TEXT])
{
	static const char digits[] = "0123456789ABCDEF";
	unsigned char hash[64];

	gnutls_hash_fast(GNUTLS_DIG_SHA512, document->data, document->len, hash);
	for (size_t i = 0; i < sizeof(hash); i++) {
		ret_text[2 * i] = digits[hash[i] >> 4];
		ret_text[2 * i + 1] = digits[hash[i] & 15];
	}
	ret_text[2 * sizeof(hash)] = '\0';
}

struct kt_buf *kt_openapi_v3_index(const struct kt_openapi_path *paths, size_t n_paths)
{
	json_t *all = json_object();

	for (size_t i = 0; i < n_paths; i++)
		json_object_set_new(all, paths[i].path,
		        json_pack("{s:o}", "serverRelativeURL",
		                json_sprintf(
		                        "/openapi/v3/%s?hash=%s", paths[i].path, paths[i].hash)));
	return finish(json_pack("{s:o}", "paths", all));
}
