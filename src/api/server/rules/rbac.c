/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Roles and bindings. Whether the caller may give these rights is authorization's business, not
 * validation's. */
#include "api/server/rules/meta.h"
#include "api/server/rules/pod.h"

#define GROUP "rbac.authorization.k8s.io"

static const char *const group_only[] = {GROUP, NULL};

static void check_rule(struct kt_rule_context *c, const struct kt_at *rule)
{
	struct kt_at verbs = kt_at(rule, "verbs"), urls = kt_at(rule, "nonResourceURLs"),
	             groups = kt_at(rule, "apiGroups");
	struct kt_at resources = kt_at(rule, "resources"), names = kt_at(rule, "resourceNames");
	if (!kt_at_n(&verbs))
		kt_add_required(c, &verbs, "verbs must contain at least one value");
	if (kt_at_n(&urls)) {
		if (c->kind->flags & KT_KIND_NAMESPACED)
			kt_add_invalid(
			        c, &urls, "namespaced rules cannot apply to non-resource URLs");
		if (kt_at_n(&groups) || kt_at_n(&resources) || kt_at_n(&names))
			kt_add_invalid(c, &urls,
			        "rules cannot apply to both regular resources and non-resource "
			        "URLs");
		return;
	}
	if (!kt_at_n(&groups))
		kt_add_required(c, &groups, "resource rules must supply at least one api group");
	if (!kt_at_n(&resources))
		kt_add_required(c, &resources, "resource rules must supply at least one resource");
}

static void check_aggregation(struct kt_rule_context *c, const struct kt_at *root)
{
	struct kt_at rule = kt_at(root, "aggregationRule"),
	             selectors = kt_at(&rule, "clusterRoleSelectors");
	if (!rule.value)
		return;
	if (!kt_at_n(&selectors))
		kt_add_required(c, &selectors,
		        "at least one clusterRoleSelector required if aggregationRule is non-nil");
	KT_EACH(selector, &selectors) {
		size_t before = c->errors.n;
		kt_check_label_selector(c, &selector);
		if (c->errors.n > before)
			kt_add_invalid_value(c, &selector, json_null(), "invalid label selector.");
	}
}

static void validate_role(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), rules = kt_at(&root, "rules");
	kt_meta_validate_both(c, object, old);
	KT_EACH(rule, &rules) {
		check_rule(c, &rule);
	}
	check_aggregation(c, &root);
}

/* A subject that is no service account lies in this group. */
static void default_binding(struct kt_rule_context *c, json_t *object)
{
	(void)c;
	size_t i;
	json_t *subject, *ref = json_object_get(object, "roleRef");
	json_array_foreach(json_object_get(object, "subjects"), i, subject) {
		const char *kind = kt_text_of(subject, "kind");
		if (!*kt_text_of(subject, "apiGroup") &&
		        (strcmp(kind, "User") == 0 || strcmp(kind, "Group") == 0))
			json_object_set_new(subject, "apiGroup", json_string(GROUP));
	}
	if (ref && !*kt_text_of(ref, "apiGroup"))
		json_object_set_new(ref, "apiGroup", json_string(GROUP));
}

static void check_subject(struct kt_rule_context *c, const struct kt_at *subject)
{
	static const char *const kinds[] = {"ServiceAccount", "User", "Group", NULL},
	                         *const none[] = {"", NULL};
	struct kt_at kind = kt_at(subject, "kind"), name = kt_at(subject, "name"),
	             group = kt_at(subject, "apiGroup");
	struct kt_at namespace = kt_at(subject, "namespace");
	kt_check_required(c, &name);
	if (kt_at_is(&kind, "ServiceAccount")) {
		kt_check_optional_format(c, &name, "dns1123-subdomain");
		kt_check_in(c, &group, none);
		if (!(c->kind->flags & KT_KIND_NAMESPACED))
			kt_check_required(c, &namespace);
	} else if (kt_at_is(&kind, "User") || kt_at_is(&kind, "Group")) {
		kt_check_in(c, &group, group_only);
	} else {
		kt_add_not_supported(c, &kind, kinds);
	}
}

static void validate_binding(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	static const char *const both[] = {"Role", "ClusterRole", NULL}, *const cluster[] = {
	                                                                         "ClusterRole",
	                                                                         NULL};
	struct kt_at root = kt_at_root(c, object), ref = kt_at(&root, "roleRef"),
	             group = kt_at(&ref, "apiGroup");
	struct kt_at kind = kt_at(&ref, "kind"), name = kt_at(&ref, "name"),
	             subjects = kt_at(&root, "subjects");
	kt_meta_validate_both(c, object, old);
	kt_check_in(c, &group, group_only);
	kt_check_in(c, &kind, c->kind->flags & KT_KIND_NAMESPACED ? both : cluster);
	if (kt_check_required(c, &name))
		kt_check_format(c, &name, "path-segment");
	KT_EACH(subject, &subjects) {
		check_subject(c, &subject);
	}
	if (old && !kt_same(ref.value, json_object_get(old, "roleRef")))
		kt_add_invalid(c, &ref, "cannot change roleRef");
}

#define ROLE(variable, name) \
	const struct kt_rules kt_rules_rbac_##variable = { \
	        .group = GROUP, \
	        .kind = name, \
	        .validate = validate_role, \
	}
#define BINDING(variable, name) \
	const struct kt_rules kt_rules_rbac_##variable = { \
	        .group = GROUP, \
	        .kind = name, \
	        .default_object = default_binding, \
	        .validate = validate_binding, \
	}
ROLE(role, "Role");
ROLE(cluster_role, "ClusterRole");
BINDING(role_binding, "RoleBinding");
BINDING(cluster_role_binding, "ClusterRoleBinding");
