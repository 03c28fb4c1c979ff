/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ClusterRoles with an aggregationRule get the rules of all ClusterRoles that it selects, in order
 * of name, each once. */
#include "api/status.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/controllers/meta.h"
#include "cluster/controllers/table.h"

#define ROLES "/apis/rbac.authorization.k8s.io/v1/clusterroles"

struct aggregation_controller {
	struct kt_reconciler *reconciler;
	struct kt_informer *roles;
};

struct gathering {
	const struct kt_object *role;
	struct kt_selector *selector;
	json_t *rules;
};

static bool gather(void *arg, struct kt_object *role)
{
	struct gathering *g = arg;
	kt_auto_json json_t *rules = NULL;
	json_t *rule, *have;
	size_t i, h;

	if (role == g->role || !kt_selector_matches(g->selector, role))
		return true;
	rules = kt_json_tree(kt_json_member(kt_object_doc(role), "rules"));
	json_array_foreach(rules, i, rule) {
		bool known = false;

		json_array_foreach(g->rules, h, have)
			known = known || json_equal(have, rule);
		if (!known)
			json_array_append(g->rules, rule);
	}
	return true;
}

static void reconcile(void *arg, struct kt_pass *pass, const char *key)
{
	struct aggregation_controller *own = arg;
	struct kt_object *role = kt_pass_object(pass, own->roles);
	struct kt_json_at at = role ? kt_json_find(kt_object_doc(role), "aggregationRule",
	                                      "clusterRoleSelectors", NULL)
	                            : (struct kt_json_at){0};
	kt_auto_json json_t *selectors = at.p ? kt_json_tree(at) : NULL, *old = NULL, *body = NULL;
	struct gathering g = {.role = role, .rules = json_array()};
	json_t *selector;
	size_t i;

	json_array_foreach(selectors, i, selector) {
		kt_auto_err err = KT_ERR_INIT;

		if (kt_selector_of_json(selector, &g.selector, &err) < 0)
			continue;
		kt_informer_each(own->roles, gather, &g); /* in order of name */
		kt_selector_destroy(g.selector);
	}
	if (selectors && !kt_is_deleting(role)) {
		old = kt_json_tree(kt_json_member(kt_object_doc(role), "rules"));
		if (!json_equal(old, g.rules) &&
		        !(json_array_size(old) == 0 && json_array_size(g.rules) == 0)) {
			body = json_pack("{s:O}", "rules", g.rules);
			kt_pass_send(pass,
			        &(struct kt_pass_write){.method = "PATCH",
			                .content_type = KT_PATCH_MERGE,
			                .body = body,
			                .informer = own->roles},
			        ROLES "/%s", key);
		}
	}
	json_decref(g.rules);
}

static bool add_aggregated(void *arg, struct kt_object *role)
{
	struct aggregation_controller *own = arg;

	if (kt_json_member(kt_object_doc(role), "aggregationRule").p)
		kt_reconciler_add_object(own->reconciler, role);
	return true;
}

static void role_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct aggregation_controller *own = arg;

	(void)old_object;
	(void)new_object;
	/* Rules of one may be part of another that is part of a third. */
	kt_informer_each(own->roles, add_aggregated, own);
}

static void *create(struct kt_controllers *controllers)
{
	struct aggregation_controller *own = kt_new(struct aggregation_controller);

	own->reconciler =
	        kt_reconciler_create(&(struct kt_reconciler_options){.controllers = controllers,
	                .name = "clusterrole-aggregation-controller",
	                .reconcile = reconcile,
	                .arg = own});
	own->roles = kt_controllers_informer(controllers, ROLES);
	kt_informer_add_handler(
	        own->roles, &(struct kt_informer_handler){.on_change = role_changed, .arg = own});
	return own;
}

static void destroy(void *controller)
{
	struct aggregation_controller *own = controller;

	kt_reconciler_destroy(own->reconciler);
	free(own);
}

const struct kt_controller kt_controller_cluster_role_aggregation = {
        "clusterrole-aggregation-controller", create, destroy};
