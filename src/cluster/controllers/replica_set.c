/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ReplicaSet and ReplicationController: as many pods as spec.replicas says. Pods are created in
 * batches that double while all goes well, so that a quota or a webhook that refuses is asked a few
 * times and not ten thousand; the least valuable pods go first.
 */
#include "api/status.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/controllers/owned.h"
#include "cluster/controllers/table.h"

#define BURST_MAX 500 /* creations or deletions per pass, as upstream */

/* What differs between the two kinds. */
struct flavour {
	const char *component, *kind, *api_version, *group_path, *resource;
};

static const struct flavour replica_set = {
        "replicaset-controller", "ReplicaSet", "apps/v1", "/apis/apps/v1", "replicasets"};
static const struct flavour replication_controller = {"replication-controller",
        "ReplicationController", "v1", "/api/v1", "replicationcontrollers"};

struct replicator {
	const struct flavour *flavour;
	struct kt_reconciler *reconciler;
	struct kt_informer *sets, *pods;
	struct kt_owned owned;
	struct kt_map refusals; /* key -> text of the last refused creation or deletion, for the
	                           condition ReplicaFailure */
};

/* Creations of one pass. */
struct creation {
	struct replicator *own;
	struct kt_object *set;
	char *body;
	int64_t left, batch, under_way;
	bool failed;
	int refs;
};

static void creation_unref(void *value)
{
	struct creation *creation = value;

	if (--creation->refs > 0)
		return;
	kt_object_unref(creation->set);
	free(creation->body);
	free(creation);
}

static void create_batch(struct kt_pass *pass, struct creation *creation);

static void pod_created(struct kt_pass *pass, struct kt_call *call, void *arg)
{
	struct creation *creation = arg;
	struct kt_reconciler *reconciler = creation->own->reconciler;

	creation->under_way--;
	if (!call->err.code) {
		kt_auto_free char *name = kt_json_string_dup(
		        kt_json_find(kt_call_answer(call), "metadata", "name", NULL));

		kt_reconciler_event(reconciler, creation->set, "Normal", "SuccessfulCreate",
		        "Created pod: %s", name ? name : "");
	} else {
		creation->failed = true;
		kt_map_set(&creation->own->refusals, kt_pass_key(pass),
		        kt_strdup(kt_err_message(&call->err)));
		kt_pass_check(pass, call);
		/* A namespace that goes away says so itself. */
		if (kt_err_reason(&call->err) != KT_REASON_NOT_FOUND)
			kt_reconciler_event(reconciler, creation->set, "Warning", "FailedCreate",
			        "Error creating: %s", kt_err_message(&call->err));
	}
	if (creation->under_way == 0 && !creation->failed) {
		kt_map_del(&creation->own->refusals, kt_pass_key(pass));
		creation->batch *= 2;
		create_batch(pass, creation);
	}
}

static void create_batch(struct kt_pass *pass, struct creation *creation)
{
	struct kt_sv namespace = kt_object_namespace(creation->set);
	int64_t n = KT_MIN(creation->batch, creation->left);

	creation->left -= n;
	creation->under_way += n;
	for (int64_t i = 0; i < n; i++) {
		kt_auto_str text = KT_STR_INIT;

		kt_str_puts(&text, creation->body);
		creation->refs++;
		kt_pass_send(pass,
		        &(struct kt_pass_write){.method = "POST",
		                .text = &text,
		                .informer = creation->own->pods,
		                .done = pod_created,
		                .arg = creation,
		                .free_arg = creation_unref},
		        "/api/v1/namespaces/%.*s/pods", KT_SVP(namespace));
	}
}

/* n_have: what works already need not be tried carefully. */
static void create_pods(struct replicator *own, struct kt_pass *pass, struct kt_object *set,
        int64_t n, int64_t n_have)
{
	kt_auto_json json_t *template = kt_json_tree(kt_field_of(set, "spec", "template")),
	                    *pod = NULL;
	struct creation *creation = kt_new(struct creation);
	kt_auto_str body = KT_STR_INIT;
	struct kt_sv name = kt_object_name(set);
	kt_auto_free char *prefix = kt_asprintf("%.*s-", KT_SVP(name));

	pod = kt_pod_of_template(template, set, own->flavour->api_version, own->flavour->kind);
	json_object_set_new(json_object_get(pod, "metadata"), "generateName", json_string(prefix));
	kt_json_write(&body, pod, 0);
	creation->own = own;
	creation->set = kt_object_ref(set);
	creation->body = kt_str_steal(&body);
	creation->left = KT_MIN(n, BURST_MAX);
	creation->batch = kt_map_has(&own->refusals, kt_pass_key(pass)) ? 1 : KT_MAX(n_have, 1);
	creation->refs = 1;
	create_batch(pass, creation);
	creation_unref(creation);
}

/* --- which pods go first --- */

struct ranked {
	struct kt_object *pod;
	bool bound, ready;
	int phase; /* 0 Pending, 1 Unknown, 2 Running */
	int64_t cost, ready_ns, restarts, created_ns;
	int64_t neighbours; /* pods on the same node of this set and others of its owner */
};

static int64_t compare_int(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

/* The first of the order is deleted first. */
static int compare_ranked(const void *va, const void *vb)
{
	const struct ranked *a = va, *b = vb;

	if (a->bound != b->bound)
		return a->bound ? 1 : -1;
	if (a->phase != b->phase)
		return a->phase < b->phase ? -1 : 1;
	if (a->ready != b->ready)
		return a->ready ? 1 : -1;
	if (a->cost != b->cost)
		return (int)compare_int(a->cost, b->cost);
	if (a->neighbours != b->neighbours)
		return (int)compare_int(b->neighbours, a->neighbours);
	if (a->ready && a->ready_ns != b->ready_ns)
		return (int)compare_int(b->ready_ns, a->ready_ns);
	if (a->restarts != b->restarts)
		return (int)compare_int(b->restarts, a->restarts);
	if (a->created_ns != b->created_ns)
		return (int)compare_int(b->created_ns, a->created_ns);
	return kt_sv_cmp(kt_object_name(a->pod), kt_object_name(b->pod));
}

static int64_t restarts_of(const struct kt_object *pod)
{
	struct kt_json_at list = kt_field_of(pod, "status", "containerStatuses"), item;
	struct kt_json_iter it = {0};
	int64_t most = 0, n;

	while (list.p && kt_json_next_element(list, &it, &item))
		if (kt_json_int64(kt_json_member(item, "restartCount"), &n))
			most = KT_MAX(most, n);
	return most;
}

static struct ranked rank(struct kt_object *pod, const struct kt_map *per_node)
{
	kt_auto_free char *cost = kt_annotation(pod, "controller.kubernetes.io/pod-deletion-cost");
	struct kt_sv node = kt_pod_node(pod);
	struct ranked ranked = {
	        .pod = pod,
	        .bound = node.len > 0,
	        .ready = kt_pod_is_ready(pod),
	        .phase = kt_pod_phase_is(pod, "Running")   ? 2
	                 : kt_pod_phase_is(pod, "Unknown") ? 1
	                                                   : 0,
	        .ready_ns = kt_time_at(kt_condition(pod, "Ready"), "lastTransitionTime"),
	        .restarts = restarts_of(pod),
	        .created_ns = kt_created_ns(pod),
	};

	if (cost)
		kt_sv_int64(kt_sv_of(cost), &ranked.cost);
	if (node.len)
		ranked.neighbours = (int64_t)(intptr_t)kt_map_get_sv(per_node, node);
	return ranked;
}

static void pod_deleted(struct kt_pass *pass, struct kt_call *call, void *arg)
{
	struct creation *deletion = arg;
	struct kt_reconciler *reconciler = deletion->own->reconciler;

	if (!call->err.code)
		kt_reconciler_event(reconciler, deletion->set, "Normal", "SuccessfulDelete",
		        "Deleted pod: %s", deletion->body);
	else if (kt_err_reason(&call->err) != KT_REASON_NOT_FOUND)
		kt_reconciler_event(reconciler, deletion->set, "Warning", "FailedDelete",
		        "Error deleting: %s", kt_err_message(&call->err));
	kt_pass_check(pass, call);
}

static void delete_pod(
        struct replicator *own, struct kt_pass *pass, struct kt_object *set, struct kt_object *pod)
{
	struct kt_sv namespace = kt_object_namespace(pod), name = kt_object_name(pod),
	             uid = kt_object_uid(pod);
	struct creation *deletion = kt_new(struct creation);
	kt_auto_str text = KT_STR_INIT;

	deletion->own = own;
	deletion->set = kt_object_ref(set);
	deletion->body = kt_sv_dup(name);
	deletion->refs = 1;
	kt_str_printf(&text,
	        "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\",\"preconditions\":{\"uid\":\"%.*"
	        "s\"}}",
	        KT_SVP(uid));
	kt_pass_send(pass,
	        &(struct kt_pass_write){.method = "DELETE",
	                .text = &text,
	                .informer = own->pods,
	                .target = pod,
	                .done = pod_deleted,
	                .arg = deletion,
	                .free_arg = creation_unref},
	        "/api/v1/namespaces/%.*s/pods/%.*s", KT_SVP(namespace), KT_SVP(name));
}

static void count_per_node(
        const struct replicator *own, const struct kt_object *set, struct kt_map *per_node)
{
	kt_auto_objects pods = {0};

	kt_collect_indexed(own->pods, "controller", kt_object_uid(set), &pods);
	for (size_t i = 0; i < pods.n; i++) {
		struct kt_sv node = kt_pod_node(pods.items[i]);

		if (node.len && kt_pod_is_active(pods.items[i]))
			kt_map_set_sv(per_node, node,
			        (void *)((intptr_t)kt_map_get_sv(per_node, node) + 1));
	}
}

/* With the sets of the same Deployment: while it rolls, both serve together. */
static void count_family(
        const struct replicator *own, const struct kt_object *set, struct kt_map *per_node)
{
	kt_auto_objects sets = {0};
	struct kt_owner owner;

	if (!kt_controller_owner(set, &owner)) {
		count_per_node(own, set, per_node);
		return;
	}
	kt_collect_indexed(own->sets, "controller", owner.uid, &sets);
	for (size_t i = 0; i < sets.n; i++)
		count_per_node(own, sets.items[i], per_node);
}

static void delete_pods(struct replicator *own, struct kt_pass *pass, struct kt_object *set,
        const kt_objects *active, int64_t n)
{
	struct ranked *ranked = kt_new_array(struct ranked, active->n + 1);
	struct kt_map per_node;

	kt_map_init(&per_node, NULL);
	count_family(own, set, &per_node);
	for (size_t i = 0; i < active->n; i++)
		ranked[i] = rank(active->items[i], &per_node);
	qsort(ranked, active->n, sizeof(*ranked), compare_ranked);
	for (int64_t i = 0; i < KT_MIN(n, BURST_MAX); i++)
		delete_pod(own, pass, set, ranked[i].pod);
	kt_map_finish(&per_node);
	free(ranked);
}

/* --- status --- */

static bool has_all_labels(const struct kt_object *pod, const json_t *labels)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)labels, key, value) {
		struct kt_sv have;

		if (!kt_object_label(pod, kt_sv_of(key), &have) ||
		        !kt_sv_is(have, json_string_value(value)))
			return false;
	}
	return true;
}

/* The names in the text change with every try; the first one stays. */
static bool has_refusal(const json_t *status)
{
	const json_t *have =
	        kt_find_condition(json_object_get(status, "conditions"), "ReplicaFailure");

	return kt_streq(kt_jstr(have, "status"), "True") &&
	       kt_streq(kt_jstr(have, "reason"), "FailedCreate");
}

static void update_status(struct replicator *own, struct kt_pass *pass, struct kt_object *set,
        const kt_objects *pods, int64_t diff)
{
	int64_t min_ready_s = kt_int_at(set, "spec", "minReadySeconds", 0),
	        wall = kt_pass_wall_ns(pass), after_ms = -1;
	int64_t replicas = 0, labelled = 0, ready = 0, available = 0, terminating = 0;
	kt_auto_json json_t *labels = kt_json_tree(
	        kt_json_find(kt_object_doc(set), "spec", "template", "metadata", "labels", NULL));
	struct kt_sv namespace = kt_object_namespace(set), name = kt_object_name(set);
	kt_auto_free char *path = NULL;
	json_t *status = kt_status_tree(set);
	const char *refusal;

	for (size_t i = 0; i < pods->n; i++) {
		struct kt_object *pod = pods->items[i];
		int64_t due_ms = -1;

		if (!kt_pod_is_active(pod)) {
			terminating += kt_is_deleting(pod) && !kt_pod_phase_is(pod, "Succeeded") &&
			               !kt_pod_phase_is(pod, "Failed");
			continue;
		}
		replicas++;
		labelled += has_all_labels(pod, labels);
		ready += kt_pod_is_ready(pod);
		available += kt_pod_is_available(pod, min_ready_s, wall, &due_ms);
		if (due_ms >= 0 && (after_ms < 0 || due_ms < after_ms))
			after_ms = due_ms;
	}
	json_object_set_new(status, "replicas", json_integer(replicas));
	kt_set_count(status, "fullyLabeledReplicas", labelled);
	kt_set_count(status, "readyReplicas", ready);
	kt_set_count(status, "availableReplicas", available);
	if (own->flavour == &replica_set)
		json_object_set_new(status, "terminatingReplicas", json_integer(terminating));
	json_object_set_new(status, "observedGeneration", json_integer(kt_generation(set)));
	refusal = diff > 0 ? kt_map_get(&own->refusals, kt_pass_key(pass)) : NULL;
	if (refusal && !has_refusal(status))
		kt_set_condition(kt_status_conditions(status), "ReplicaFailure", "True",
		        "FailedCreate", refusal, wall, false);
	else if (!refusal && json_object_get(status, "conditions"))
		kt_remove_condition(kt_status_conditions(status), "ReplicaFailure");
	path = kt_asprintf("%s/namespaces/%.*s/%s/%.*s", own->flavour->group_path,
	        KT_SVP(namespace), own->flavour->resource, KT_SVP(name));
	kt_patch_status(pass, own->sets, set, path, status);
	if (after_ms >= 0)
		kt_pass_again_after_ms(pass, after_ms);
}

static struct kt_selector *selector_of(const struct replicator *own, const struct kt_object *set)
{
	kt_auto_json json_t *json = kt_json_tree(kt_field_of(set, "spec", "selector"));
	struct kt_selector *selector = NULL;
	kt_auto_err err = KT_ERR_INIT;

	if (own->flavour == &replication_controller)
		return kt_selector_of_map(json);
	return kt_selector_of_json(json, &selector, &err) < 0 ? NULL : selector;
}

static void reconcile(void *arg, struct kt_pass *pass, const char *key)
{
	struct replicator *own = arg;
	struct kt_object *set = kt_pass_object(pass, own->sets);
	kt_auto_objects pods = {0}, active = {0};
	struct kt_selector *selector;
	int64_t diff;

	if (!set)
		kt_map_del(&own->refusals, key);
	if (!set || !(selector = selector_of(own, set)))
		return;
	kt_claim_objects(&(struct kt_claim){.pass = pass,
	                         .informer = own->pods,
	                         .group_path = "/api/v1",
	                         .resource = "pods",
	                         .owner = set,
	                         .api_version = own->flavour->api_version,
	                         .kind = own->flavour->kind,
	                         .selector = selector},
	        &pods);
	kt_selector_destroy(selector);
	for (size_t i = 0; i < pods.n; i++)
		if (kt_pod_is_active(pods.items[i]))
			kt_vec_push(&active, pods.items[i]);
	diff = kt_int_at(set, "spec", "replicas", 1) - (int64_t)active.n;
	if (!kt_is_deleting(set) && diff > 0)
		create_pods(own, pass, set, diff, (int64_t)active.n);
	else if (!kt_is_deleting(set) && diff < 0)
		delete_pods(own, pass, set, &active, -diff);
	update_status(own, pass, set, &pods, diff);
}

static void *create_flavour(struct kt_controllers *controllers, const struct flavour *flavour)
{
	struct replicator *own = kt_new(struct replicator);
	kt_auto_free char *path = kt_asprintf("%s/%s", flavour->group_path, flavour->resource);

	own->flavour = flavour;
	kt_map_init(&own->refusals, free);
	own->reconciler =
	        kt_reconciler_create(&(struct kt_reconciler_options){.controllers = controllers,
	                .name = flavour->component,
	                .reconcile = reconcile,
	                .arg = own});
	own->sets = kt_controllers_informer(controllers, path);
	own->owned = (struct kt_owned){.reconciler = own->reconciler,
	        .owners = own->sets,
	        .kind = flavour->kind,
	        .takes_over = true};
	own->pods = kt_owned_watch(&own->owned, controllers, "/api/v1/pods");
	return own;
}

static void *create_replica_set(struct kt_controllers *controllers)
{
	return create_flavour(controllers, &replica_set);
}

static void *create_replication_controller(struct kt_controllers *controllers)
{
	return create_flavour(controllers, &replication_controller);
}

static void destroy(void *controller)
{
	struct replicator *own = controller;

	kt_reconciler_destroy(own->reconciler);
	kt_map_finish(&own->refusals);
	free(own);
}

const struct kt_controller kt_controller_replica_set = {
        "replicaset-controller", create_replica_set, destroy};
const struct kt_controller kt_controller_replication_controller = {
        "replication-controller", create_replication_controller, destroy};
