/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What must be so once all is at rest. A status is not believed: it is held against the objects it
 * tells of. A rule is one function in the table below; it returns what is not yet so (heap), or
 * NULL.
 */
#include "sim/sim.h"

#include "sim/fields.h"

#include "api/machinery/selector.h"
#include "base/mem.h"

#define PODS "/registry/pods/"
#define JOB_TRACKING "batch.kubernetes.io/job-tracking"

struct rest {
	const struct kt_map *live;
	struct kt_map uids; /* of all that lives -> object */
};

static bool is_in_namespace_of(const struct kt_object *object, const struct kt_object *other)
{
	return kt_sv_eq(kt_object_namespace(object), kt_object_namespace(other));
}

/* Pods that an owner controls and that have not ended. */
static int64_t count_pods_of(const struct rest *rest, const struct kt_object *owner)
{
	const struct kt_object *pod;
	size_t it = 0;
	int64_t n = 0;

	while (sim_next(rest->live, PODS, &it, &pod))
		n += !sim_is_finished(pod) && kt_sv_eq(sim_controller(pod), kt_object_uid(owner));
	return n;
}

/* The named counts of status, each held against one number. */
static char *count_unrest(const struct kt_object *object, int64_t wanted, const char *const *names)
{
	for (; *names; names++) {
		int64_t is = sim_number(object, "status", *names, 0);
		if (is != wanted)
			return kt_asprintf("%s: status.%s is %lld, not %lld", kt_object_key(object),
			        *names, (long long)is, (long long)wanted);
	}
	return NULL;
}

static char *generation_unrest(const struct kt_object *object)
{
	if (sim_number(object, "status", "observedGeneration", 0) ==
	        sim_number(object, "metadata", "generation", 0))
		return NULL;
	return kt_asprintf("%s: its generation was not observed", kt_object_key(object));
}

static char *pods_unrest(const struct rest *rest, const struct kt_object *owner, int64_t wanted)
{
	int64_t n = count_pods_of(rest, owner);

	if (n == wanted)
		return NULL;
	return kt_asprintf("%s: has %lld pods, not %lld", kt_object_key(owner), (long long)n,
	        (long long)wanted);
}

static char *unrest_of_deployment(const struct rest *rest, const struct kt_object *d)
{
	static const char *const counts[] = {
	        "replicas", "updatedReplicas", "readyReplicas", "availableReplicas", NULL};
	int64_t wanted = sim_number(d, "spec", "replicas", 1), n_pods = 0;
	const struct kt_object *set;
	size_t it = 0;
	char *unrest = generation_unrest(d);

	while (sim_next(rest->live, "/registry/replicasets/", &it, &set))
		if (kt_sv_eq(sim_controller(set), kt_object_uid(d)))
			n_pods += count_pods_of(rest, set);
	if (!unrest && n_pods != wanted)
		unrest = kt_asprintf("%s: has %lld pods, not %lld", kt_object_key(d),
		        (long long)n_pods, (long long)wanted);
	if (!unrest && !sim_is_true(d, "Available"))
		unrest = kt_asprintf("%s: not Available", kt_object_key(d));
	return unrest ? unrest : count_unrest(d, wanted, counts);
}

/* A set of spec.replicas pods, which its status counts. */
static char *unrest_of_set(
        const struct rest *rest, const struct kt_object *set, const char *const *counts)
{
	int64_t wanted = sim_number(set, "spec", "replicas", 1);
	char *unrest = generation_unrest(set);

	if (!unrest)
		unrest = pods_unrest(rest, set, wanted);
	return unrest ? unrest : count_unrest(set, wanted, counts);
}

static char *unrest_of_replica_set(const struct rest *rest, const struct kt_object *set)
{
	static const char *const counts[] = {
	        "replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", NULL};

	return unrest_of_set(rest, set, counts);
}

static char *unrest_of_stateful_set(const struct rest *rest, const struct kt_object *set)
{
	static const char *const counts[] = {
	        "replicas", "readyReplicas", "availableReplicas", "currentReplicas", NULL};

	return unrest_of_set(rest, set, counts);
}

/* One pod on each node: all nodes are alike here. */
static char *unrest_of_daemon_set(const struct rest *rest, const struct kt_object *set)
{
	static const char *const counts[] = {"desiredNumberScheduled", "currentNumberScheduled",
	        "updatedNumberScheduled", "numberReady", "numberAvailable", NULL};
	static const char *const none[] = {"numberMisscheduled", "numberUnavailable", NULL};
	const struct kt_object *node;
	size_t it = 0;
	int64_t n_nodes = 0;
	char *unrest = generation_unrest(set);

	while (sim_next(rest->live, "/registry/minions/", &it, &node))
		n_nodes++;
	if (!unrest)
		unrest = pods_unrest(rest, set, n_nodes);
	if (!unrest)
		unrest = count_unrest(set, 0, none);
	return unrest ? unrest : count_unrest(set, n_nodes, counts);
}

static char *unrest_of_complete_job(const struct kt_object *job)
{
	int64_t completions = sim_number(job, "spec", "completions", 1);
	struct kt_sv indexes = sim_text(job, "status", "completedIndexes");
	char all[32] = "0";

	if (sim_number(job, "status", "succeeded", 0) < completions)
		return kt_asprintf("%s: complete with %lld of %lld", kt_object_key(job),
		        (long long)sim_number(job, "status", "succeeded", 0),
		        (long long)completions);
	if (!kt_sv_is(sim_text(job, "spec", "completionMode"), "Indexed"))
		return NULL;
	if (completions > 1)
		snprintf(all, sizeof(all), completions == 2 ? "0,1" : "0-%lld",
		        (long long)completions - 1);
	if (!kt_sv_is(indexes, all) || sim_number(job, "status", "succeeded", 0) != completions)
		return kt_asprintf("%s: complete with the indexes %.*s of %s", kt_object_key(job),
		        KT_SVP(indexes), all);
	return NULL;
}

static char *unrest_of_job(const struct rest *rest, const struct kt_object *job)
{
	static const char *const none[] = {"active", "ready", "terminating", NULL};
	const char *uncounted = "uncountedTerminatedPods";
	char *unrest = pods_unrest(rest, job, 0);

	if (!unrest)
		unrest = count_unrest(job, 0, none);
	if (unrest)
		return unrest;
	if (sim_is_true(job, "Complete") == sim_is_true(job, "Failed"))
		return kt_asprintf("%s: neither complete nor failed, %lld succeeded",
		        kt_object_key(job), (long long)sim_number(job, "status", "succeeded", 0));
	if (kt_json_find(kt_object_doc(job), "status", uncounted, "succeeded", NULL).p ||
	        kt_json_find(kt_object_doc(job), "status", uncounted, "failed", NULL).p)
		return kt_asprintf("%s: has uncounted pods", kt_object_key(job));
	return sim_is_true(job, "Complete") ? unrest_of_complete_job(job) : NULL;
}

/* Each address is one pod's. */
static char *address_unrest(const struct rest *rest, const struct kt_object *pod)
{
	struct kt_sv ip = sim_text(pod, "status", "podIP");
	const struct kt_object *other;
	size_t it = 0;

	while (sim_next(rest->live, PODS, &it, &other))
		if (other != pod && !sim_is_finished(other) &&
		        kt_sv_eq(sim_text(other, "status", "podIP"), ip))
			return kt_asprintf("%s and %s: both have %.*s", kt_object_key(pod),
			        kt_object_key(other), KT_SVP(ip));
	return NULL;
}

static char *unrest_of_pod(const struct rest *rest, const struct kt_object *pod)
{
	struct kt_sv phase = sim_text(pod, "status", "phase");

	if (!sim_text(pod, "spec", "nodeName").len && !sim_is_finished(pod))
		return kt_asprintf("%s: not bound", kt_object_key(pod));
	if (!kt_sv_is(phase, "Running") && !sim_is_finished(pod))
		return kt_asprintf("%s: phase %.*s", kt_object_key(pod), KT_SVP(phase));
	if (sim_is_finished(pod) && sim_has_finalizer(pod, JOB_TRACKING))
		return kt_asprintf("%s: ended, and its Job has not counted it", kt_object_key(pod));
	return sim_is_finished(pod) ? NULL : address_unrest(rest, pod);
}

static char *unrest_of_node(const struct rest *rest, const struct kt_object *node)
{
	struct kt_json_iter taints = {0};
	struct kt_json_at taint;

	(void)rest;
	if (!sim_is_true(node, "Ready"))
		return kt_asprintf("%s: not Ready", kt_object_key(node));
	if (kt_json_next_element(sim_field(node, "spec", "taints"), &taints, &taint))
		return kt_asprintf("%s: tainted", kt_object_key(node));
	return NULL;
}

static char *unrest_of_namespace(const struct rest *rest, const struct kt_object *namespace)
{
	kt_auto_free char *key = kt_asprintf(
	        "/registry/serviceaccounts/%.*s/default", KT_SVP(kt_object_name(namespace)));

	return kt_map_has(rest->live, key)
	               ? NULL
	               : kt_asprintf("%s: without a service account", kt_object_key(namespace));
}

/* Is ip an address of the service's slices that is ready? */
static bool is_endpoint(
        const struct rest *rest, const struct kt_object *service, struct kt_sv ip, int64_t *n_ready)
{
	const struct kt_object *slice;
	bool found = false;
	size_t it = 0;

	*n_ready = 0;
	while (sim_next(rest->live, "/registry/endpointslices/", &it, &slice)) {
		struct kt_json_iter endpoints = {0};
		struct kt_json_at endpoint;

		if (!kt_sv_eq(sim_controller(slice), kt_object_uid(service)))
			continue;
		while (kt_json_next_element(
		        kt_json_member(kt_object_doc(slice), "endpoints"), &endpoints, &endpoint)) {
			struct kt_json_iter addresses = {0};
			struct kt_json_at address;
			struct kt_sv text;

			if (!kt_json_bool(
			            kt_json_find(endpoint, "conditions", "ready", NULL), false))
				continue;
			++*n_ready;
			while (kt_json_next_element(
			        kt_json_member(endpoint, "addresses"), &addresses, &address))
				found = found ||
				        (kt_json_string_sv(address, &text) && kt_sv_eq(text, ip));
		}
	}
	return found;
}

/* The number of addresses in its Endpoints. */
static int64_t count_addresses(const struct rest *rest, const struct kt_object *service)
{
	kt_auto_free char *key = kt_asprintf("/registry/services/endpoints/%.*s/%.*s",
	        KT_SVP(kt_object_namespace(service)), KT_SVP(kt_object_name(service)));
	const struct kt_object *endpoints = kt_map_get(rest->live, key);
	struct kt_json_iter subsets = {0};
	struct kt_json_at subset, address;
	int64_t n = 0;

	while (endpoints &&
	        kt_json_next_element(
	                kt_json_member(kt_object_doc(endpoints), "subsets"), &subsets, &subset)) {
		struct kt_json_iter it = {0};
		while (kt_json_next_element(kt_json_member(subset, "addresses"), &it, &address))
			n++;
	}
	return endpoints ? n : -1;
}

/* The slices and the Endpoints hold the ready pods, and nothing else. */
static char *unrest_of_service(const struct rest *rest, const struct kt_object *service)
{
	kt_auto_json json_t *map = kt_json_tree(sim_field(service, "spec", "selector"));
	struct kt_selector *selector;
	const struct kt_object *pod;
	size_t it = 0;
	int64_t n_pods = 0, n_ready = 0;
	char *unrest = NULL;

	if (!map)
		return NULL;
	selector = kt_selector_of_map(map);
	is_endpoint(rest, service, KT_SV(""), &n_ready);
	while (!unrest && sim_next(rest->live, PODS, &it, &pod)) {
		if (!is_in_namespace_of(pod, service) || !kt_selector_matches(selector, pod) ||
		        !sim_is_true(pod, "Ready"))
			continue;
		n_pods++;
		if (!is_endpoint(rest, service, sim_text(pod, "status", "podIP"), &n_ready))
			unrest = kt_asprintf(
			        "%s: misses %s", kt_object_key(service), kt_object_key(pod));
	}
	kt_selector_destroy(selector);
	if (!unrest && (n_ready != n_pods || count_addresses(rest, service) != n_pods))
		unrest = kt_asprintf("%s: %lld ready in its slices, %lld in its Endpoints, %lld "
		                     "pods",
		        kt_object_key(service), (long long)n_ready,
		        (long long)count_addresses(rest, service), (long long)n_pods);
	return unrest;
}

static char *unrest_of_budget(const struct rest *rest, const struct kt_object *budget)
{
	kt_auto_json json_t *labels = kt_json_tree(sim_field(budget, "spec", "selector"));
	struct kt_selector *selector = NULL;
	const struct kt_object *pod;
	size_t it = 0;
	int64_t n_healthy = 0, n_counted = sim_number(budget, "status", "currentHealthy", 0);
	int64_t allowed = sim_number(budget, "status", "disruptionsAllowed", 0);
	int64_t desired = sim_number(budget, "status", "desiredHealthy", 0);

	if (kt_selector_of_json(labels, &selector, NULL) < 0)
		return kt_asprintf("%s: no selector", kt_object_key(budget));
	while (sim_next(rest->live, PODS, &it, &pod))
		n_healthy += is_in_namespace_of(pod, budget) &&
		             kt_selector_matches(selector, pod) && sim_is_true(pod, "Ready");
	kt_selector_destroy(selector);
	if (n_counted != n_healthy || allowed != KT_MAX(0, n_healthy - desired))
		return kt_asprintf("%s: %lld healthy, counted %lld, wants %lld, allows %lld",
		        kt_object_key(budget), (long long)n_healthy, (long long)n_counted,
		        (long long)desired, (long long)allowed);
	return generation_unrest(budget);
}

static int64_t count_kept(
        const struct rest *rest, const struct kt_object *quota, const char *prefix, bool unfinished)
{
	const struct kt_object *object;
	size_t it = 0;
	int64_t n = 0;

	while (sim_next(rest->live, prefix, &it, &object))
		n += is_in_namespace_of(object, quota) && !(unfinished && sim_is_finished(object));
	return n;
}

static char *unrest_of_quota(const struct rest *rest, const struct kt_object *quota)
{
	static const struct {
		const char *resource, *prefix;
		bool unfinished; /* what has ended does not count */
	} counted[] = {
	        {"pods", PODS, true},
	        {"count/pods", PODS, false},
	        {"count/jobs.batch", "/registry/jobs/", false},
	        {"services", "/registry/services/specs/", false},
	        {"configmaps", "/registry/configmaps/", false},
	};

	for (size_t i = 0; i < KT_ARRAY_SIZE(counted); i++) {
		struct kt_json_at used = kt_json_find(
		        kt_object_doc(quota), "status", "used", counted[i].resource, NULL);
		kt_auto_free char *text = kt_json_string_dup(used);
		int64_t n = count_kept(rest, quota, counted[i].prefix, counted[i].unfinished);

		if (!text || strtoll(text, NULL, 10) != n)
			return kt_asprintf("%s: %s used is %s, not %lld", kt_object_key(quota),
			        counted[i].resource, text ? text : "absent", (long long)n);
	}
	return NULL;
}

/* Both sides name each other, or the claim has nobody to use it. */
static char *unrest_of_claim(const struct rest *rest, const struct kt_object *claim)
{
	struct kt_sv name = sim_text(claim, "spec", "volumeName");
	kt_auto_free char *key = kt_asprintf("/registry/persistentvolumes/%.*s", KT_SVP(name));
	const struct kt_object *volume = kt_map_get(rest->live, key);
	struct kt_sv uid = {0};

	if (!name.len && kt_sv_is(sim_text(claim, "status", "phase"), "Pending"))
		return NULL;
	if (!volume || !kt_sv_is(sim_text(claim, "status", "phase"), "Bound") ||
	        !kt_json_string_sv(
	                kt_json_find(kt_object_doc(volume), "spec", "claimRef", "uid", NULL),
	                &uid) ||
	        !kt_sv_eq(uid, kt_object_uid(claim)))
		return kt_asprintf("%s: it and its volume disagree", kt_object_key(claim));
	return NULL;
}

static char *unrest_of_volume(const struct rest *rest, const struct kt_object *volume)
{
	struct kt_sv uid = {0};

	kt_json_string_sv(
	        kt_json_find(kt_object_doc(volume), "spec", "claimRef", "uid", NULL), &uid);
	if (uid.len && kt_map_get_sv(&rest->uids, uid))
		return NULL;
	return kt_asprintf("%s: its claim is gone", kt_object_key(volume));
}

static const struct {
	const char *prefix; /* of the store's keys */
	char *(*unrest)(const struct rest *rest, const struct kt_object *object);
} rules[] = {
        {"/registry/deployments/", unrest_of_deployment},
        {"/registry/replicasets/", unrest_of_replica_set},
        {"/registry/statefulsets/", unrest_of_stateful_set},
        {"/registry/daemonsets/", unrest_of_daemon_set},
        {"/registry/jobs/", unrest_of_job},
        {PODS, unrest_of_pod},
        {"/registry/minions/", unrest_of_node},
        {"/registry/namespaces/", unrest_of_namespace},
        {"/registry/services/specs/", unrest_of_service},
        {"/registry/poddisruptionbudgets/", unrest_of_budget},
        {"/registry/resourcequotas/", unrest_of_quota},
        {"/registry/persistentvolumeclaims/", unrest_of_claim},
        {"/registry/persistentvolumes/", unrest_of_volume},
};

/* One of the owners must exist, else the garbage collector has work left. */
static bool is_orphan(const struct rest *rest, const struct kt_object *object)
{
	struct kt_sv owners = kt_object_span(object, object->owner_references);
	struct kt_json_iter it = {0};
	struct kt_json_at owner;
	struct kt_sv uid;
	bool any = false;

	while (owners.p && kt_json_next_element(kt_json_doc(owners.p, owners.len), &it, &owner)) {
		any = true;
		if (kt_json_string_sv(kt_json_member(owner, "uid"), &uid) &&
		        kt_map_get_sv(&rest->uids, uid))
			return false;
	}
	return any;
}

static bool has_namespace(const struct rest *rest, const struct kt_object *object)
{
	struct kt_sv namespace = kt_object_namespace(object);
	kt_auto_free char *key = NULL;

	if (!namespace.len)
		return true;
	key = kt_asprintf("/registry/namespaces/%.*s", KT_SVP(namespace));
	return kt_map_has(rest->live, key);
}

static char *unrest_of(const struct rest *rest, const struct kt_object *object)
{
	const char *key = kt_object_key(object);
	char *unrest = NULL;

	if (object->deletion_timestamp.len)
		return kt_asprintf("%s: still being deleted", key);
	if (is_orphan(rest, object))
		return kt_asprintf("%s: its owner is gone", key);
	if (!has_namespace(rest, object) && !sim_is_kind(object, "Event"))
		return kt_asprintf("%s: its namespace is gone", key);
	for (size_t i = 0; i < KT_ARRAY_SIZE(rules) && !unrest; i++)
		if (strncmp(key, rules[i].prefix, strlen(rules[i].prefix)) == 0)
			unrest = rules[i].unrest(rest, object);
	return unrest;
}

char *sim_rest_unrest(const struct kt_map *live)
{
	struct rest rest = {.live = live};
	char *unrest = NULL;
	size_t it = 0;
	void *value;

	kt_map_init(&rest.uids, NULL);
	while (kt_map_next(live, &it, NULL, &value))
		kt_map_set_sv(&rest.uids, kt_object_uid(value), value);
	it = 0;
	while (!unrest && kt_map_next(live, &it, NULL, &value))
		unrest = unrest_of(&rest, value);
	kt_map_finish(&rest.uids);
	return unrest;
}
