/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared by openapi.c (documents), openapi_schema.c (types) and openapi_paths.c (operations). */
#ifndef KT_API_SCHEMA_OPENAPI_INTERNAL_H
#define KT_API_SCHEMA_OPENAPI_INTERNAL_H

#include "api/schema/openapi.h"
#include "base/json.h"
#include "base/map.h"

struct openapi {
	bool v3;
	json_t *schemas; /* by full name, as they are asked for */
	json_t *paths;
	json_t *group_versions; /* for kinds that every group has: [{"group", "version"}] */
};

/* {"$ref": …}; the schema itself is made when it is not there yet. */
json_t *openapi_ref(struct openapi *doc, const struct kt_type *type);
json_t *openapi_ref_name(struct openapi *doc, const char *name);
json_t *openapi_gvk(const char *group, const char *version, const char *kind);

/* The schema of a custom kind and of its list; built-in types are made by openapi_ref. */
void openapi_add_custom(struct openapi *doc, const struct kt_kind *kind);
/* Full name of the type of a kind's list: "io.k8s.api.core.v1.PodList". Heap. */
char *openapi_list_name(const struct kt_kind *kind);

void openapi_add_kind(struct openapi *doc, const struct kt_kind *kind);
/* The discovery paths of a group version: /apis/apps/v1/ */
void openapi_add_group_version(struct openapi *doc, const char *group, const char *version);
/* v2 only: /api/, /apis/, /apis/apps/, /version/ … */
void openapi_add_group(struct openapi *doc, const char *group);
void openapi_add_roots(struct openapi *doc);

#endif
