/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What applying (patch_strategic.c) and making (patch_diff.c) strategic merge patches share; nobody
 * else includes it. */
#ifndef KT_API_MACHINERY_PATCH_INTERNAL_H
#define KT_API_MACHINERY_PATCH_INTERNAL_H

#include "api/machinery/patch.h"

#define KT_DIRECTIVE "$patch"
#define KT_RETAIN_KEYS "$retainKeys"
#define KT_SET_ORDER "$setElementOrder/"
#define KT_DELETE_PRIMITIVE "$deleteFromPrimitiveList/"

/* The field behind a key; NULL in maps and where the type is not known. */
const struct kt_field *kt_patch_field(const struct kt_type *type, const char *key);
/* The type of the value behind a key, of which field is what kt_patch_field() gave; may be NULL. */
const struct kt_type *kt_patch_type(const struct kt_type *type, const struct kt_field *field);
/* A new map that may share unchanged parts with document; NULL with err. */
json_t *kt_patch_map(const json_t *document, const json_t *patch, const struct kt_type *type,
        struct kt_err *err);
/* patch_merge.c */
json_t *kt_diff_three_way_merge(
        const json_t *last_applied, const json_t *modified, const json_t *live);

#endif
