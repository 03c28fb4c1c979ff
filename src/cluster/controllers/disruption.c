/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PodDisruptionBudget status: how many of the selected pods are healthy, how many must stay, and so
 * how many evictions are allowed now. */
#include "api/status.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "cluster/controllers/meta.h"
#include "cluster/controllers/table.h"

#define DISRUPTED_MAX_NS \
	(120 * KT_NS_PER_S) /* an eviction that led to nothing is forgotten after this */

struct disruption_controller {
	struct kt_reconciler *reconciler;
	struct kt_informer *budgets, *pods;
	struct kt_informer *owners[4];
};

/* Kinds that have spec.replicas; the informers in `owners`. */
static const struct {
	const char *kind, *path;
} scalable[] = {
        {"ReplicaSet", "/apis/apps/v1/replicasets"},
        {"StatefulSet", "/apis/apps/v1/statefulsets"},
        {"ReplicationController", "/api/v1/replicationcontrollers"},
        {"Deployment", "/apis/apps/v1/deployments"},
};

static struct kt_object *find_owner(const struct disruption_controller *own,
        const struct kt_object *object, const struct kt_owner *owner)
{
	for (size_t i = 0; i < KT_ARRAY_SIZE(scalable); i++) {
		struct kt_object *found;

		if (!kt_sv_is(owner->kind, scalable[i].kind))
			continue;
		found = kt_informer_get(own->owners[i], kt_object_namespace(object), owner->name);
		return found && kt_sv_eq(kt_object_uid(found), owner->uid) ? found : NULL;
	}
	return NULL;
}

/* The scale behind a pod, each owner once; a ReplicaSet of a Deployment counts as the Deployment.
 * -1: none, with a reason. */
static int64_t expected_by_owners(
        const struct disruption_controller *own, const kt_objects *pods, char **ret_reason)
{
	struct kt_map seen;
	int64_t sum = 0;

	kt_map_init(&seen, NULL);
	for (size_t i = 0; i < pods->n && sum >= 0; i++) {
		struct kt_owner owner, above;
		struct kt_object *object;

		if (!kt_controller_owner(pods->items[i], &owner)) {
			*ret_reason = kt_asprintf("found no controller ref for pod \"%.*s\"",
			        KT_SVP(kt_object_name(pods->items[i])));
			sum = -1;
			break;
		}
		object = find_owner(own, pods->items[i], &owner);
		if (!object) {
			*ret_reason = kt_asprintf("%.*s does not implement the scale subresource",
			        KT_SVP(owner.kind));
			sum = -1;
			break;
		}
		if (kt_controller_owner(object, &above) && find_owner(own, object, &above))
			object = find_owner(own, object, &above);
		if (kt_map_get_sv(&seen, kt_object_uid(object)))
			continue;
		kt_map_set_sv(&seen, kt_object_uid(object), &seen);
		sum += kt_int_at(object, "spec", "replicas", 1);
	}
	kt_map_finish(&seen);
	return sum;
}

/* expected and desired; false when the budget cannot be computed. */
static bool wanted(const struct disruption_controller *own, const json_t *spec,
        const kt_objects *pods, int64_t *ret_expected, int64_t *ret_desired, char **ret_reason)
{
	const json_t *least = json_object_get(spec, "minAvailable"),
	             *most = json_object_get(spec, "maxUnavailable");

	if (json_is_integer(least)) {
		*ret_expected = (int64_t)pods->n;
		*ret_desired = json_integer_value(least);
		return true;
	}
	*ret_expected = expected_by_owners(own, pods, ret_reason);
	if (*ret_expected < 0)
		return false;
	if (most)
		*ret_desired =
		        KT_MAX(*ret_expected - kt_int_or_percent(most, *ret_expected, true, 0), 0);
	else
		*ret_desired = kt_int_or_percent(least, *ret_expected, true, 1);
	return true;
}

/* Evictions that the API server noted and that have not shown yet; each holds back one. */
static json_t *still_disrupted(struct kt_pass *pass, const json_t *status, const kt_objects *pods)
{
	json_t *left = json_object(), *at;
	const char *name;

	json_object_foreach(json_object_get(status, "disruptedPods"), name, at) {
		int64_t since_ns = 0, due_ns;
		bool there = false;

		for (size_t i = 0; i < pods->n; i++)
			there = there || (kt_sv_is(kt_object_name(pods->items[i]), name) &&
			                         !kt_is_deleting(pods->items[i]));
		if (!there || kt_time_parse(kt_sv_of(json_string_value(at)), &since_ns) < 0)
			continue;
		due_ns = since_ns + DISRUPTED_MAX_NS;
		if (due_ns <= kt_pass_wall_ns(pass))
			continue;
		json_object_set(left, name, at);
		kt_pass_again_after_ms(pass, (due_ns - kt_pass_wall_ns(pass)) / KT_NS_PER_MS + 1);
	}
	return left;
}

static void set_condition(json_t *status, const struct kt_object *budget, int64_t allowed,
        const char *failure, int64_t wall_ns)
{
	json_t *conditions = kt_status_conditions(status);

	if (failure)
		kt_set_condition(conditions, "DisruptionAllowed", "False", "SyncFailed", failure,
		        wall_ns, false);
	else if (allowed > 0)
		kt_set_condition(conditions, "DisruptionAllowed", "True", "SufficientPods", "",
		        wall_ns, false);
	else
		kt_set_condition(conditions, "DisruptionAllowed", "False", "InsufficientPods", "",
		        wall_ns, false);
	json_object_set_new(kt_find_condition(conditions, "DisruptionAllowed"),
	        "observedGeneration", json_integer(kt_generation(budget)));
}

static void write_status(struct disruption_controller *own, struct kt_pass *pass,
        struct kt_object *budget, const json_t *tree, const kt_objects *pods)
{
	json_t *status = kt_status_tree(budget), *disrupted = still_disrupted(pass, status, pods);
	int64_t expected = 0, desired = 0, healthy = 0, allowed = 0;
	kt_auto_free char *failure = NULL, *path = NULL;
	bool known =
	        wanted(own, json_object_get(tree, "spec"), pods, &expected, &desired, &failure);

	for (size_t i = 0; i < pods->n; i++) {
		kt_auto_free char *name = kt_sv_dup(kt_object_name(pods->items[i]));

		healthy += kt_pod_is_ready(pods->items[i]) && !kt_is_deleting(pods->items[i]) &&
		           !json_object_get(disrupted, name);
	}
	if (known && expected > 0)
		allowed = KT_MAX(healthy - desired, 0);
	if (failure)
		kt_reconciler_event(own->reconciler, budget, "Warning",
		        "CalculateExpectedPodCountFailed",
		        "Failed to calculate the number of expected pods: %s", failure);
	if (json_object_size(disrupted))
		json_object_set(status, "disruptedPods", disrupted);
	else
		json_object_del(status, "disruptedPods");
	json_decref(disrupted);
	json_object_set_new(status, "disruptionsAllowed", json_integer(allowed));
	json_object_set_new(status, "currentHealthy", json_integer(known ? healthy : 0));
	json_object_set_new(status, "desiredHealthy", json_integer(desired));
	json_object_set_new(status, "expectedPods", json_integer(known ? expected : 0));
	json_object_set_new(status, "observedGeneration", json_integer(kt_generation(budget)));
	set_condition(status, budget, allowed, failure, kt_pass_wall_ns(pass));
	path = kt_asprintf("/apis/policy/v1/namespaces/%.*s/poddisruptionbudgets/%.*s",
	        KT_SVP(kt_object_namespace(budget)), KT_SVP(kt_object_name(budget)));
	kt_patch_status(pass, own->budgets, budget, path, status);
}

static void reconcile(void *arg, struct kt_pass *pass, const char *key)
{
	struct disruption_controller *own = arg;
	struct kt_object *budget = kt_pass_object(pass, own->budgets);
	struct kt_selector *selector = NULL;
	kt_auto_json json_t *tree = NULL;
	kt_auto_objects all = {0}, pods = {0};
	kt_auto_err err = KT_ERR_INIT;

	(void)key;
	if (!budget || kt_is_deleting(budget))
		return;
	tree = kt_object_tree(budget);
	if (kt_selector_of_json(kt_jget(tree, "spec.selector"), &selector, &err) < 0)
		return;
	kt_collect_indexed(own->pods, "namespace", kt_object_namespace(budget), &all);
	for (size_t i = 0; i < all.n; i++)
		if (!kt_pod_phase_is(all.items[i], "Succeeded") &&
		        !kt_pod_phase_is(all.items[i], "Failed") &&
		        kt_selector_matches(selector, all.items[i]))
			kt_vec_push(&pods, all.items[i]);
	kt_selector_destroy(selector);
	if (!pods.n)
		kt_reconciler_event(
		        own->reconciler, budget, "Normal", "NoPods", "No matching pods found");
	write_status(own, pass, budget, tree, &pods);
}

static bool add_budget(void *arg, struct kt_object *budget)
{
	struct disruption_controller *own = arg;

	kt_reconciler_add_object(own->reconciler, budget);
	return true;
}

static void budget_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	(void)old_object;
	if (new_object)
		add_budget(arg, new_object);
}

static void pod_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct disruption_controller *own = arg;

	if (!kt_informer_count(own->budgets))
		return;
	if (old_object && new_object &&
	        kt_pod_is_ready(old_object) == kt_pod_is_ready(new_object) &&
	        kt_pod_is_active(old_object) == kt_pod_is_active(new_object) &&
	        kt_sv_eq(kt_object_span(old_object, old_object->labels),
	                kt_object_span(new_object, new_object->labels)))
		return;
	kt_informer_each_indexed(own->budgets, "namespace",
	        kt_object_namespace(new_object ? new_object : old_object), add_budget, own);
}

/* A new scale is a new expectation. */
static void owner_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct disruption_controller *own = arg;

	if (old_object && new_object &&
	        kt_int_at(old_object, "spec", "replicas", 1) ==
	                kt_int_at(new_object, "spec", "replicas", 1))
		return;
	if (kt_informer_count(own->budgets))
		kt_informer_each_indexed(own->budgets, "namespace",
		        kt_object_namespace(new_object ? new_object : old_object), add_budget, own);
}

static void *create(struct kt_controllers *controllers)
{
	struct disruption_controller *own = kt_new(struct disruption_controller);

	own->reconciler =
	        kt_reconciler_create(&(struct kt_reconciler_options){.controllers = controllers,
	                .name = "controllermanager",
	                .reconcile = reconcile,
	                .arg = own});
	own->budgets = kt_controllers_informer(controllers, "/apis/policy/v1/poddisruptionbudgets");
	own->pods = kt_controllers_informer(controllers, "/api/v1/pods");
	for (size_t i = 0; i < KT_ARRAY_SIZE(scalable); i++) {
		own->owners[i] = kt_controllers_informer(controllers, scalable[i].path);
		kt_informer_add_handler(own->owners[i],
		        &(struct kt_informer_handler){.on_change = owner_changed, .arg = own});
	}
	kt_informer_add_handler(own->budgets,
	        &(struct kt_informer_handler){.on_change = budget_changed, .arg = own});
	kt_informer_add_handler(
	        own->pods, &(struct kt_informer_handler){.on_change = pod_changed, .arg = own});
	return own;
}

static void destroy(void *controller)
{
	struct disruption_controller *own = controller;

	kt_reconciler_destroy(own->reconciler);
	free(own);
}

const struct kt_controller kt_controller_disruption = {"disruption-controller", create, destroy};
