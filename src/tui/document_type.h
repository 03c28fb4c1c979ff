/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Types that no table here has - custom resources, kinds of a newer server - from the server's
 * OpenAPI v3 document of their group, so that the editor completes and checks them as it does the
 * built-in ones. References are written out in place; where one leads back into itself, anything
 * goes. Pure.
 */
#ifndef KT_TUI_DOCUMENT_TYPE_H
#define KT_TUI_DOCUMENT_TYPE_H

#include "api/schema/schema.h"
#include "base/json.h"
#include "base/mem.h"

/* "/openapi/v3/apis/batch/v1", "/openapi/v3/api/v1"; heap. */
char *kt_document_path(const char *group, const char *version);
/* NULL when the document does not tell the kind. The type lives in arena and borrows *ret_schema,
 * which is the caller's. */
const struct kt_type *kt_document_type(struct kt_arena *arena, const json_t *document,
        const char *group, const char *version, const char *kind, json_t **ret_schema);

#endif
