/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * RBAC's rules: parsed from Role and ClusterRole trees, matched against what is asked, compared
 * with each other; and the index of all roles and bindings that a storage watch keeps true.
 *
 * The index has one read-write lock: readers hold it for one evaluation, the server's loop while it
 * takes in one change. It is held across no I/O; the visitor's callback must not block or take
 * other locks.
 */
#ifndef KT_API_SERVER_AUTH_RBAC_H
#define KT_API_SERVER_AUTH_RBAC_H

#include "api/server/auth/authorize.h"
#include "base/map.h"

#include <pthread.h>

/* Lists are NULL-terminated, never NULL, and live in the arena they were parsed into. */
struct kt_rbac_rule {
	const char **verbs, **groups, **resources, **names, **urls;
};

struct kt_rbac_rules {
	struct kt_rbac_rule *items;
	size_t n;
};

/* What is wrong with a tree is read as absent: it was validated when it was stored. */
struct kt_rbac_rules kt_rbac_rules_parse(struct kt_arena *arena, const json_t *rules);
bool kt_rbac_rule_allows(const struct kt_rbac_rule *rule, const struct kt_attributes *attributes);
json_t *kt_rbac_rule_tree(const struct kt_rbac_rule *rule);
/* Which single permissions of `wanted` no rule of `owned` gives: merged by resource, as
 * `{APIGroups:[""], …}` lines in order, each preceded by a line break. Returns false (and adds
 * nothing) when everything is covered. */
bool kt_rbac_rules_missing(
        const struct kt_rbac_rules *owned, const struct kt_rbac_rules *wanted, struct kt_str *out);

struct kt_rbac_index;

int kt_rbac_index_create(struct kt_storage *storage, struct kt_loop *loop,
        struct kt_rbac_index **ret_index, struct kt_err *err);
void kt_rbac_index_destroy(struct kt_rbac_index *index);
int kt_rbac_index_sync(struct kt_rbac_index *index, struct kt_err *err);

struct kt_rbac_visitor {
	/* One rule that applies to the user; the texts are filled lazily by kt_rbac_describe().
	 * Return false to stop. */
	bool (*rule)(struct kt_rbac_visitor *visitor, const struct kt_rbac_rule *rule);
	struct kt_str errors; /* bindings to roles that do not exist; the caller finishes it */
	size_t n_errors;
	/* the binding that is being visited */
	const struct kt_rbac_binding *binding;
	const struct kt_rbac_subject *subject;
};

/* Every rule that user has in namespace ("": cluster-wide ones alone). */
void kt_rbac_visit(struct kt_rbac_index *index, const struct kt_user *user, const char *namespace,
        struct kt_rbac_visitor *visitor);
/* `RBAC: allowed by RoleBinding "b/ns" of Role "r" to User "jane"`; only from within the visitor's
 * callback. */
char *kt_rbac_describe(const struct kt_rbac_visitor *visitor);
#endif
