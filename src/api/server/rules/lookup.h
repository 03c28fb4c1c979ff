/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What rules and admission read and write besides the object at hand. Reads come from synced memory
 * and never block. */
#ifndef KT_API_SERVER_RULES_LOOKUP_H
#define KT_API_SERVER_RULES_LOOKUP_H

#include "api/server/rules/rules.h"

/* "/registry/pods/NAMESPACE/NAME" as an arena string; name "" gives the prefix with its closing
 * slash. NULL for an unknown resource. */
const char *kt_rule_key(struct kt_rule_context *c, const char *group, const char *plural,
        const char *namespace, const char *name);
/* A new tree, or NULL. ret_revision may be NULL. Without storage (some tests) nothing is there. */
json_t *kt_rule_read(struct kt_rule_context *c, const char *group, const char *plural,
        const char *namespace, const char *name);
json_t *kt_rule_read_key(struct kt_rule_context *c, const char *key, int64_t *ret_revision);
bool kt_rule_exists(struct kt_rule_context *c, const char *key);
int kt_rule_list(struct kt_rule_context *c, const char *group, const char *plural,
        const char *namespace, struct kt_storage_list *ret_list);

/* Adds a write to the object's transaction. value is encoded by type (NULL: as it is) and stays the
 * caller's. Nothing on a dry run. */
void kt_rule_also_put(struct kt_rule_context *c, const char *key, int64_t expect_revision,
        const struct kt_type *type, const json_t *value);
void kt_rule_also_delete(struct kt_rule_context *c, const char *key);

#endif
