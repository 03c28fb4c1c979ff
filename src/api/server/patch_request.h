/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The body of a PATCH request and its application to a document: JSON patch, merge patch, strategic
 * merge patch and server-side apply, chosen by Content-Type.
 */
#ifndef KT_API_SERVER_PATCH_REQUEST_H
#define KT_API_SERVER_PATCH_REQUEST_H

#include "api/server/pipeline.h"

enum kt_patch_type { KT_PATCH_JSON, KT_PATCH_MERGE, KT_PATCH_STRATEGIC, KT_PATCH_APPLY };

/* The options and the body: fills state->body and *ret_type. 415, 400, 422. */
int kt_patch_decode(struct kt_request *request, enum kt_patch_type *ret_type);
/* `document` patched and brought into the shape of `type` (warnings and strictness as the request
 * says). A new tree, or NULL with request->err. Not for KT_PATCH_APPLY. */
json_t *kt_patch_document(struct kt_request *request, enum kt_patch_type patch_type,
        const json_t *document, const struct kt_type *type);

#endif
