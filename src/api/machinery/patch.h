/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The three patches: JSON patch (RFC 6902), JSON merge patch (RFC 7386) and Kubernetes' strategic
 * merge patch, driven by the type's merge keys and patch strategies. Refusals carry upstream's
 * status: a JSON patch that does not fit is 422 with a text that tells nothing, directives that
 * contradict each other are 400 or 500 as recorded. Inputs are not changed; results are new trees
 * that may share nothing with them.
 */
#ifndef KT_API_MACHINERY_PATCH_H
#define KT_API_MACHINERY_PATCH_H

#include "api/schema/schema.h"
#include "base/err.h"
#include "base/json.h"

#define KT_PATCH_OPERATIONS_MAX 10000
/* What the copies of one JSON patch may add up to (the real server's limit), and its moves: what is
 * moved is walked to know how deep it is. */
#define KT_PATCH_COPY_BYTES_MAX ((size_t)3 << 20)
#define KT_PATCH_MOVE_BYTES_MAX ((size_t)64 << 20)

/* Deep equality; numbers by value (1 equals 1.0), NULL equals only NULL. */
bool kt_json_equal(const json_t *a, const json_t *b);

json_t *kt_patch_json(const json_t *document, const json_t *patch, struct kt_err *err);
json_t *kt_patch_merge(const json_t *document, const json_t *patch, struct kt_err *err);
json_t *kt_patch_strategic(const json_t *document, const json_t *patch, const struct kt_type *type,
        struct kt_err *err);

/* Client side. The merge patch that turns `from` into `to`; and kubectl apply's three-way strategic
 * (type given) or merge (type NULL) patch from the last applied, the new and the live object. */
json_t *kt_diff_merge(const json_t *from, const json_t *to);
json_t *kt_diff_three_way(const json_t *last_applied, const json_t *modified, const json_t *live,
        const struct kt_type *type, struct kt_err *err);

#endif
