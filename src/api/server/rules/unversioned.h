/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Values as upstream's unversioned structs print. Validation there works on types of its own, which
 * have no JSON names: in a message {"Name":"web","Value":"","ValueFrom":null} every field shows,
 * under its Go name, in the order of those structs. What is not known to differ stands in the order
 * of the kind tables. apimachinery's types (LabelSelector, ObjectMeta) print with their JSON names.
 * Trees in, new trees out; any thread.
 */
#ifndef KT_API_SERVER_RULES_UNVERSIONED_H
#define KT_API_SERVER_RULES_UNVERSIONED_H

#include "api/schema/schema.h"
#include "base/json.h"
#include "base/str.h"

/* sent: the same value as the caller wrote it, where empty lists that were written out are told
 * from absent ones; may be NULL. */
json_t *kt_unversioned(const struct kt_type *type, const json_t *value, const json_t *sent);
/* A unified diff of two values of a type, as it stands behind "may not change" and the like. */
void kt_unversioned_diff(struct kt_str *out, const struct kt_type *type, const json_t *old,
        const json_t *now, const json_t *sent);

#endif
