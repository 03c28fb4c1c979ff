/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/auth/authorize.h"

#include "api/server/auth/node.h"
#include "api/server/auth/rbac.h"
#include "api/server/auth/tokens.h"
#include "api/status.h"

#include <errno.h>

#define RBAC_GROUP "rbac.authorization.k8s.io"

struct kt_authorizer {
	struct kt_storage *storage;
	struct kt_rbac_index *index;
};

int kt_authorizer_create(struct kt_storage *storage, struct kt_loop *loop,
        struct kt_authorizer **ret_authorizer, struct kt_err *err)
{
	struct kt_authorizer *authorizer = kt_new(struct kt_authorizer);
	int r = kt_rbac_index_create(storage, loop, &authorizer->index, err);

	authorizer->storage = storage;
	if (r < 0) {
		free(authorizer);
		return r;
	}
	*ret_authorizer = authorizer;
	return 0;
}

void kt_authorizer_destroy(struct kt_authorizer *authorizer)
{
	if (!authorizer)
		return;
	kt_rbac_index_destroy(authorizer->index);
	free(authorizer);
}

int kt_authorizer_sync(struct kt_authorizer *authorizer, struct kt_err *err)
{
	return kt_rbac_index_sync(authorizer->index, err);
}

struct asking {
	struct kt_rbac_visitor base;
	const struct kt_attributes *attributes;
	bool allowed;
	char **ret_reason;
};

static bool ask_rule(struct kt_rbac_visitor *visitor, const struct kt_rbac_rule *rule)
{
	struct asking *asking = kt_container_of(visitor, struct asking, base);

	if (!kt_rbac_rule_allows(rule, asking->attributes))
		return true;
	asking->allowed = true;
	if (asking->ret_reason)
		*asking->ret_reason = kt_rbac_describe(visitor);
	return false;
}

static bool ask_rbac(
        struct kt_authorizer *authorizer, const struct kt_attributes *attributes, char **ret_reason)
{
	struct asking asking = {
	        .base.rule = ask_rule, .attributes = attributes, .ret_reason = ret_reason};
	const char *namespace = attributes->path ? "" : attributes->namespace;

	kt_rbac_visit(authorizer->index, attributes->user, namespace, &asking.base);
	if (!asking.allowed && asking.base.n_errors && ret_reason)
		*ret_reason = kt_asprintf(asking.base.n_errors > 1 ? "RBAC: [%s]" : "RBAC: %s",
		        kt_str_text(&asking.base.errors));
	kt_str_finish(&asking.base.errors);
	return asking.allowed;
}

/* A list or watch of one name (fieldSelector=metadata.name=x) asks about that name. Heap or NULL.
 */
static char *selected_name(const struct kt_attributes *a)
{
	struct kt_sv rest = kt_sv_of(a->field_selector), part, key;

	if (a->path || !a->field_selector || (a->name && *a->name))
		return NULL;
	while (kt_sv_split(&rest, ',', &part)) {
		if (!kt_sv_split(&part, '=', &key) || !kt_sv_is(key, "metadata.name") || !part.len)
			continue;
		if (*part.p == '=')
			part = (struct kt_sv){part.p + 1, part.len - 1};
		return part.len ? kt_sv_dup(part) : NULL;
	}
	return NULL;
}

bool kt_authorize(
        struct kt_authorizer *authorizer, const struct kt_attributes *asked, char **ret_reason)
{
	kt_auto_free char *node_reason = NULL, *selected = selected_name(asked);
	struct kt_attributes named = *asked;
	const struct kt_attributes *attributes = &named;
	const char *node;

	if (selected)
		named.name = selected;
	if (ret_reason)
		*ret_reason = NULL;
	if (kt_user_in_group(attributes->user, "system:masters"))
		return true;
	node = kt_node_of_user(attributes->user);
	if (node && kt_node_authorize(authorizer->storage, node, attributes, &node_reason))
		return true;
	if (ask_rbac(authorizer, attributes, ret_reason))
		return true;
	if (node_reason && ret_reason) {
		kt_auto_free char *rbac_reason = *ret_reason;

		*ret_reason = rbac_reason ? kt_asprintf("%s, %s", node_reason, rbac_reason)
		                          : kt_steal(&node_reason);
	}
	return false;
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

int kt_fail_forbidden(struct kt_err *err, const struct kt_attributes *a, const char *reason)
{
	kt_auto_free char *selected = selected_name(a);
	const char *group = or_empty(a->group), *name = selected ? selected : or_empty(a->name),
	           *sub = or_empty(a->subresource);
	kt_auto_str text = KT_STR_INIT;

	if (a->path) {
		kt_str_printf(&text, "forbidden: User \"%s\" cannot %s path \"%s\"", a->user->name,
		        a->verb, a->path);
	} else {
		kt_str_printf(&text, "%s%s%s ", a->resource, *group ? "." : "", group);
		if (*name)
			kt_str_printf(&text, "\"%s\" ", name);
		kt_str_printf(&text,
		        "is forbidden: User \"%s\" cannot %s resource \"%s%s%s\" in API group "
		        "\"%s\" ",
		        a->user->name, a->verb, a->resource, *sub ? "/" : "", sub, group);
		if (a->namespace && *a->namespace)
			kt_str_printf(&text, "in the namespace \"%s\"", a->namespace);
		else
			kt_str_puts(&text, "at the cluster scope");
	}
	if (reason)
		kt_str_printf(&text, ": %s", reason);
	kt_fail_reason(err, KT_REASON_FORBIDDEN, EPERM, "%s", kt_str_text(&text));
	if (err)
		kt_err_set_about(err, a->path ? NULL : group, a->path ? NULL : a->resource,
		        a->path ? NULL : name, NULL);
	return -EPERM;
}

struct listing {
	struct kt_rbac_visitor base;
	json_t *resource_rules, *path_rules;
};

static bool list_rule(struct kt_rbac_visitor *visitor, const struct kt_rbac_rule *rule)
{
	struct listing *listing = kt_container_of(visitor, struct listing, base);

	if (*rule->resources) {
		struct kt_rbac_rule part = *rule;

		part.urls = (const char *[]){NULL};
		json_array_append_new(listing->resource_rules, kt_rbac_rule_tree(&part));
	}
	if (*rule->urls) {
		json_t *tree = kt_rbac_rule_tree(rule);

		json_object_del(tree, "apiGroups");
		json_object_del(tree, "resources");
		json_object_del(tree, "resourceNames");
		json_array_append_new(listing->path_rules, tree);
	}
	return true;
}

json_t *kt_authorizer_rules(
        struct kt_authorizer *authorizer, const struct kt_user *user, const char *namespace)
{
	struct listing listing = {
	        .base.rule = list_rule, .resource_rules = json_array(), .path_rules = json_array()};
	json_t *status = json_object();

	kt_rbac_visit(authorizer->index, user, namespace, &listing.base);
	json_object_set_new(status, "resourceRules", listing.resource_rules);
	json_object_set_new(status, "nonResourceRules", listing.path_rules);
	/* What the Node authorizer gives cannot be listed. */
	json_object_set_new(status, "incomplete",
	        json_boolean(listing.base.n_errors > 0 || kt_node_of_user(user)));
	if (listing.base.n_errors)
		json_object_set_new(
		        status, "evaluationError", json_string(kt_str_text(&listing.base.errors)));
	else if (kt_node_of_user(user))
		json_object_set_new(status, "evaluationError",
		        json_string("node authorizer does not support user rule resolution"));
	kt_str_finish(&listing.base.errors);
	return status;
}

struct collecting {
	struct kt_rbac_visitor base;
	struct kt_arena *arena;
	json_t *rules;
};

static bool collect_rule(struct kt_rbac_visitor *visitor, const struct kt_rbac_rule *rule)
{
	struct collecting *collecting = kt_container_of(visitor, struct collecting, base);

	json_array_append_new(collecting->rules, kt_rbac_rule_tree(rule));
	return true;
}

/* user has every permission of wanted in the namespace, or 403. */
static int confirm_no_escalation(struct kt_authorizer *authorizer, const struct kt_user *user,
        const char *namespace, const struct kt_rbac_rules *wanted, const char *resource,
        const char *name, struct kt_err *err)
{
	kt_auto_arena arena = {0};
	kt_auto_json json_t *rules = json_array();
	kt_auto_str missing = KT_STR_INIT, errors = KT_STR_INIT;
	struct collecting collecting = {.base.rule = collect_rule, .rules = rules};
	struct kt_rbac_rules owned;

	kt_rbac_visit(authorizer->index, user, namespace, &collecting.base);
	errors = collecting.base.errors;
	owned = kt_rbac_rules_parse(&arena, rules);
	if (!kt_rbac_rules_missing(&owned, wanted, &missing))
		return 0;
	kt_auto_str text = KT_STR_INIT;
	kt_str_printf(&text, "%s." RBAC_GROUP " \"%s\" is forbidden: user \"%s\" (groups=[",
	        resource, name, user->name);
	for (char **group = user->groups; *group; group++)
		kt_str_printf(&text, "%s\"%s\"", group == user->groups ? "" : " ", *group);
	kt_str_printf(&text, "]) is attempting to grant RBAC permissions not currently held:%s",
	        kt_str_text(&missing));
	if (collecting.base.n_errors)
		kt_str_printf(&text, "; resolution errors: [%s]", kt_str_text(&errors));
	kt_fail_reason(err, KT_REASON_FORBIDDEN, EPERM, "%s", kt_str_text(&text));
	if (err)
		kt_err_set_about(err, RBAC_GROUP, resource, name, NULL);
	return -EPERM;
}

static bool may(struct kt_authorizer *authorizer, const struct kt_user *user, const char *verb,
        const char *resource, const char *namespace, const char *name)
{
	struct kt_attributes attributes = {
	        .user = user,
	        .verb = verb,
	        .group = RBAC_GROUP,
	        .version = "v1",
	        .resource = resource,
	        .namespace = namespace,
	        .name = name,
	};

	return kt_authorize(authorizer, &attributes, NULL);
}

static int check_role(struct kt_authorizer *authorizer, const struct kt_user *user,
        const char *resource, const char *namespace, const json_t *object, const json_t *old,
        struct kt_err *err)
{
	static const char *everything = "[{\"verbs\":[\"*\"],\"apiGroups\":[\"*\"],\"resources\":["
	                                "\"*\"]},{\"verbs\":[\"*\"],\"nonResourceURLs\":[\"*\"]}]";
	const char *name = or_empty(kt_jstr(object, "metadata.name"));
	const json_t *aggregation = json_object_get(object, "aggregationRule");
	kt_auto_arena arena = {0};
	struct kt_rbac_rules wanted;
	int r;

	if (may(authorizer, user, "escalate", resource, namespace, name))
		return 0;
	wanted = kt_rbac_rules_parse(&arena, json_object_get(object, "rules"));
	r = confirm_no_escalation(authorizer, user, namespace, &wanted, resource, name, err);
	if (r < 0 || !json_is_object(aggregation) ||
	        (old && json_equal(aggregation, json_object_get(old, "aggregationRule"))))
		return r;
	kt_auto_json json_t *all = kt_json_parse(kt_sv_of(everything), NULL, NULL);
	kt_auto_err why = KT_ERR_INIT;
	wanted = kt_rbac_rules_parse(&arena, all);
	if (confirm_no_escalation(authorizer, user, "", &wanted, resource, name, &why) == 0)
		return 0;
	kt_fail_reason(err, KT_REASON_FORBIDDEN, EPERM,
	        "%s." RBAC_GROUP " \"%s\" is forbidden: must have cluster-admin privileges to use "
	        "an aggregationRule",
	        resource, name);
	if (err)
		kt_err_set_about(err, RBAC_GROUP, resource, name, NULL);
	return -EPERM;
}

static int check_binding(struct kt_authorizer *authorizer, const struct kt_user *user,
        const char *resource, const char *namespace, const json_t *object, struct kt_err *err)
{
	const char *name = or_empty(kt_jstr(object, "metadata.name")),
	           *role = or_empty(kt_jstr(object, "roleRef.name"));
	bool is_cluster_role = kt_streq(kt_jstr(object, "roleRef.kind"), "ClusterRole");
	kt_auto_arena arena = {0};
	struct kt_rbac_rules wanted;

	if (may(authorizer, user, "bind", is_cluster_role ? "clusterroles" : "roles", namespace,
	            role))
		return 0;
	/* Read where it was stored: the index may be a moment behind. */
	kt_auto_json json_t *there =
	        is_cluster_role
	                ? kt_auth_read(authorizer->storage, "/registry/clusterroles/%s", role)
	                : kt_auth_read(
	                          authorizer->storage, "/registry/roles/%s/%s", namespace, role);
	if (!there)
		return kt_fail_not_found(err, RBAC_GROUP, resource, role);
	wanted = kt_rbac_rules_parse(&arena, json_object_get(there, "rules"));
	return confirm_no_escalation(authorizer, user, namespace, &wanted, resource, name, err);
}

/* The garbage collector changes owners and finalizers of roles whose rights it does not have. */
static bool only_owners_change(const json_t *object, const json_t *old)
{
	kt_auto_json json_t *a = json_deep_copy(object), *b = json_deep_copy(old);
	json_t *metas[] = {json_object_get(a, "metadata"), json_object_get(b, "metadata")};

	for (int i = 0; i < 2; i++) {
		json_object_del(metas[i], "ownerReferences");
		json_object_del(metas[i], "finalizers");
		json_object_del(metas[i], "resourceVersion");
		json_object_del(metas[i], "managedFields");
	}
	return json_equal(a, b);
}

int kt_rbac_check_write(struct kt_authorizer *authorizer, const struct kt_user *user,
        const char *resource, const char *namespace, const json_t *object, const json_t *old,
        struct kt_err *err)
{
	if (kt_user_in_group(user, "system:masters") || (old && only_owners_change(object, old)))
		return 0;
	if (!strcmp(resource, "roles") || !strcmp(resource, "clusterroles"))
		return check_role(
		        authorizer, user, resource, or_empty(namespace), object, old, err);
	if (!strcmp(resource, "rolebindings") || !strcmp(resource, "clusterrolebindings"))
		return check_binding(authorizer, user, resource, or_empty(namespace), object, err);
	return 0;
}
