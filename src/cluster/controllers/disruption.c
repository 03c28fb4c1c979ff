/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PodDisruptionBudget status: how many of the selected pods are healthy, how many must stay, and so
 * how many evictions are allowed now. */
#include "api/schema/schema.h"
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

/* "daemonsets.apps does not implement …": of a kind we know that cannot be scaled. */
static char *why_no_scale(const struct kt_object *pod, const struct kt_owner *owner)
{
	struct kt_sv rest = owner->api_version, group = {0}, version = owner->api_version;
	const struct kt_kind *kind;

	if (memchr(rest.p, '/', rest.len)) {
		kt_sv_split(&rest, '/', &group);
		version = rest;
	}
	kt_auto_free char *group_text = kt_sv_dup(group), *version_text = kt_sv_dup(version),
	                  *kind_text = kt_sv_dup(owner->kind);

	kind = kt_builtin_kind(group_text, version_text, kind_text);
	if (!kind || kt_kind_subresource(kind, "scale"))
		return kt_asprintf(
		        "found no controllers for pod \"%.*s\"", KT_SVP(kt_object_name(pod)));
	return kt_asprintf("%s%s%s does not implement the scale subresource", kind->plural,
	        *group_text ? "." : "", group_text);
}

/* The sum of the scales behind the pods. */
struct scales {
	struct kt_map seen; /* uids of owners */
	int64_t sum;
	size_t n_unmanaged; /* pods that nobody controls */
};

/* Each owner counts once; a ReplicaSet of a Deployment counts as the Deployment. NULL, or why not
 * (heap). */
static char *add_scale(
        const struct disruption_controller *own, const struct kt_object *pod, struct scales *scales)
{
	struct kt_owner owner, above;
	struct kt_object *object;

	if (!kt_controller_owner(pod, &owner)) {
		scales->n_unmanaged++;
		return NULL;
	}
	object = find_owner(own, pod, &owner);
	if (!object)
		return why_no_scale(pod, &owner);
	if (kt_controller_owner(object, &above) && find_owner(own, object, &above))
		object = find_owner(own, object, &above);
	if (!kt_map_get_sv(&scales->seen, kt_object_uid(object))) {
		kt_map_set_sv(&scales->seen, kt_object_uid(object), scales);
		scales->sum += kt_int_at(object, "spec", "replicas", 1);
	}
	return NULL;
}

/* A budget of a share needs the whole, which pods of nobody have not. */
static void tell_unmanaged(
        const struct disruption_controller *own, struct kt_object *budget, const json_t *spec)
{
	struct kt_selector *selector = NULL;
	kt_auto_free char *text = NULL;

	if (kt_selector_of_json(json_object_get(spec, "selector"), &selector, NULL) < 0)
		return;
	text = kt_selector_text(selector);
	kt_selector_destroy(selector);
	kt_reconciler_event(own->reconciler, budget, "Warning", "UnmanagedPods",
	        "Pods selected by this PodDisruptionBudget (selector: %s) were found to be "
	        "unmanaged. As a result, the status of the PDB cannot be calculated correctly, "
	        "which may result in undefined behavior. To account for these pods please set "
	        "\".spec.minAvailable\" field of the PDB to an integer value.",
	        text);
}

/* -1: unknown, with a reason. */
static int64_t expected_by_owners(const struct disruption_controller *own, struct kt_object *budget,
        const json_t *spec, const kt_objects *pods, char **ret_reason)
{
	struct scales scales = {0};
	char *why = NULL;

	kt_map_init(&scales.seen, NULL);
	for (size_t i = 0; i < pods->n && !why; i++)
		why = add_scale(own, pods->items[i], &scales);
	kt_map_finish(&scales.seen);
	if (scales.n_unmanaged)
		tell_unmanaged(own, budget, spec);
	*ret_reason = why;
	return why ? -1 : scales.sum;
}

struct expectation {
	int64_t expected, desired;
	char *failure; /* heap; NULL: none */
};

/* expected and desired; false when the budget cannot be computed. */
static bool wanted(const struct disruption_controller *own, struct kt_object *budget,
        const json_t *spec, const kt_objects *pods, struct expectation *ret)
{
	const json_t *least = json_object_get(spec, "minAvailable"),
	             *most = json_object_get(spec, "maxUnavailable");

	if (!least && !most)
		return true;
	if (json_is_integer(least)) {
		ret->expected = (int64_t)pods->n;
		ret->desired = json_integer_value(least);
		return true;
	}
	ret->expected = expected_by_owners(own, budget, spec, pods, &ret->failure);
	if (ret->expected < 0)
		return false;
	if (most)
		ret->desired =
		        KT_MAX(ret->expected - kt_int_or_percent(most, ret->expected, true, 0), 0);
	else
		ret->desired = kt_int_or_percent(least, ret->expected, true, 1);
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

/* It tells of the generation that the counts are of. */
static void set_condition(json_t *status, const struct expectation *wish, int64_t wall_ns)
{
	json_t *conditions = kt_status_conditions(status),
	       *generation = json_object_get(status, "observedGeneration");

	if (wish->failure)
		kt_set_condition(conditions, "DisruptionAllowed", "False", "SyncFailed",
		        wish->failure, wall_ns, false);
	else if (kt_jint(status, "disruptionsAllowed", 0) > 0)
		kt_set_condition(conditions, "DisruptionAllowed", "True", "SufficientPods", "",
		        wall_ns, false);
	else
		kt_set_condition(conditions, "DisruptionAllowed", "False", "InsufficientPods", "",
		        wall_ns, false);
	if (generation)
		json_object_set(kt_find_condition(conditions, "DisruptionAllowed"),
		        "observedGeneration", generation);
}

static int64_t count_healthy(const kt_objects *pods, const json_t *disrupted)
{
	int64_t healthy = 0;

	for (size_t i = 0; i < pods->n; i++) {
		kt_auto_free char *name = kt_sv_dup(kt_object_name(pods->items[i]));

		healthy += kt_pod_is_ready(pods->items[i]) && !kt_is_deleting(pods->items[i]) &&
		           !json_object_get(disrupted, name);
	}
	return healthy;
}

static void set_counts(struct kt_pass *pass, const struct kt_object *budget, json_t *status,
        const struct expectation *wish, const kt_objects *pods)
{
	json_t *disrupted = still_disrupted(pass, status, pods);
	int64_t healthy = count_healthy(pods, disrupted),
	        allowed = wish->expected > 0 ? KT_MAX(healthy - wish->desired, 0) : 0;

	if (json_object_size(disrupted))
		json_object_set(status, "disruptedPods", disrupted);
	else
		json_object_del(status, "disruptedPods");
	json_decref(disrupted);
	json_object_set_new(status, "disruptionsAllowed", json_integer(allowed));
	json_object_set_new(status, "currentHealthy", json_integer(healthy));
	json_object_set_new(status, "desiredHealthy", json_integer(wish->desired));
	json_object_set_new(status, "expectedPods", json_integer(wish->expected));
	json_object_set_new(status, "observedGeneration", json_integer(kt_generation(budget)));
}

/* Nothing may be evicted; the counts stay as they were. */
static void set_failed(json_t *status)
{
	static const char *const counts[] = {"currentHealthy", "desiredHealthy", "expectedPods"};

	json_object_set_new(status, "disruptionsAllowed", json_integer(0));
	for (size_t i = 0; i < KT_ARRAY_SIZE(counts); i++)
		if (!json_object_get(status, counts[i]))
			json_object_set_new(status, counts[i], json_integer(0));
}

static void write_status(struct disruption_controller *own, struct kt_pass *pass,
        struct kt_object *budget, const json_t *tree, const kt_objects *pods)
{
	json_t *status = kt_status_tree(budget);
	struct expectation wish = {0};
	kt_auto_free char *path = NULL;

	if (wanted(own, budget, json_object_get(tree, "spec"), pods, &wish)) {
		set_counts(pass, budget, status, &wish, pods);
	} else {
		set_failed(status);
		kt_reconciler_event(own->reconciler, budget, "Warning",
		        "CalculateExpectedPodCountFailed",
		        "Failed to calculate the number of expected pods: %s", wish.failure);
	}
	set_condition(status, &wish, kt_pass_wall_ns(pass));
	free(wish.failure);
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
