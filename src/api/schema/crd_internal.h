/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared by the crd_*.c files. */
#ifndef KT_API_SCHEMA_CRD_INTERNAL_H
#define KT_API_SCHEMA_CRD_INTERNAL_H

#include "api/schema/crd.h"

/* The type of a whole object: apiVersion, kind and metadata beside what the schema says; schema
 * NULL preserves everything. */
const struct kt_type *crd_root_type(struct kt_arena *arena, const json_t *schema, const char *name);

/* Structural and other rules of one openAPIV3Schema. */
void crd_validate_schema(
        const json_t *schema, const char *path, bool has_status, struct kt_field_errors *errors);

const char *crd_string(struct kt_arena *arena, const json_t *object,
        const char *path); /* a copy; NULL when absent */
const char *const *crd_strings(
        struct kt_arena *arena, const json_t *list); /* NULL-terminated copies; NULL when empty */

#endif
