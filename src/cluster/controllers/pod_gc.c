/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pod garbage collection: pods bound to a node that is gone, pods deleted before they were bound,
 * deleted ones of a node that somebody has declared out of service (KEP-2268), and, beyond a limit,
 * pods that have ended (the oldest first).
 */
#include "api/status.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/controllers/meta.h"
#include "cluster/controllers/table.h"

#define ENDED_MAX 12500            /* terminated-pod-gc-threshold */
#define ORPHAN_QUARANTINE_MS 40000 /* a node may come back */
#define OUT_OF_SERVICE "node.kubernetes.io/out-of-service"

struct pod_gc {
	struct kt_controllers *controllers;
	struct kt_reconciler *reconciler;
	struct kt_informer *nodes, *pods;
	size_t n_ended;
};

static bool has_ended(const struct kt_object *pod)
{
	return pod && (kt_pod_phase_is(pod, "Succeeded") || kt_pod_phase_is(pod, "Failed"));
}

static void force_delete(struct pod_gc *own, struct kt_pass *pass, struct kt_object *pod)
{
	struct kt_sv uid = kt_object_uid(pod);
	kt_auto_json json_t *options =
	        json_pack("{s:s,s:s,s:i,s:{s:s%}}", "kind", "DeleteOptions", "apiVersion", "v1",
	                "gracePeriodSeconds", 0, "preconditions", "uid", uid.p, uid.len);

	kt_pass_send(pass,
	        &(struct kt_pass_write){
	                .method = "DELETE", .body = options, .informer = own->pods, .target = pod},
	        "/api/v1/namespaces/%.*s/pods/%.*s", KT_SVP(kt_object_namespace(pod)),
	        KT_SVP(kt_object_name(pod)));
}

/* Nobody runs its pods any more, and somebody who knows has said so. */
static bool is_out_of_service(const struct kt_object *node)
{
	struct kt_json_at taints = kt_field_of(node, "spec", "taints"), taint;
	struct kt_json_iter it = {0};

	while (taints.p && kt_json_next_element(taints, &it, &taint))
		if (kt_json_string_is(kt_json_member(taint, "key"), OUT_OF_SERVICE))
			return !kt_condition_is_true(node, "Ready");
	return false;
}

/* An orphan that still runs is declared dead first, so that whoever counts it knows. why NULL: it
 * was to go anyway. */
static void fail_orphan(
        struct pod_gc *own, struct kt_pass *pass, struct kt_object *pod, const char *why)
{
	struct kt_sv uid = kt_object_uid(pod);
	kt_auto_json json_t *body = json_pack("{s:{s:s%},s:{s:s}}", "metadata", "uid", uid.p,
	        uid.len, "status", "phase", "Failed");

	if (why)
		json_object_set_new(json_object_get(body, "status"), "conditions",
		        json_pack("[{s:s,s:s,s:s,s:s,s:o}]", "type", "DisruptionTarget", "status",
		                "True", "reason", "DeletionByPodGC", "message", why,
		                "lastTransitionTime", kt_time_json(kt_pass_wall_ns(pass))));
	kt_pass_send(pass,
	        &(struct kt_pass_write){.method = "PATCH",
	                .content_type = KT_PATCH_STRATEGIC,
	                .body = body,
	                .informer = own->pods},
	        "/api/v1/namespaces/%.*s/pods/%.*s/status", KT_SVP(kt_object_namespace(pod)),
	        KT_SVP(kt_object_name(pod)));
}

static int compare_created(const void *va, const void *vb)
{
	struct kt_object *a = *(struct kt_object *const *)va, *b = *(struct kt_object *const *)vb;
	int64_t x = kt_created_ns(a), y = kt_created_ns(b);

	return x != y ? x < y ? -1 : 1 : kt_sv_cmp(kt_object_name(a), kt_object_name(b));
}

static bool collect_ended(void *arg, struct kt_object *pod)
{
	kt_objects *out = arg;

	if (has_ended(pod) && !kt_is_deleting(pod))
		kt_vec_push(out, pod);
	return true;
}

static void trim_ended(struct pod_gc *own, struct kt_pass *pass)
{
	kt_auto_objects ended = {0};

	kt_informer_each(own->pods, collect_ended, &ended);
	if (ended.n <= ENDED_MAX)
		return;
	qsort(ended.items, ended.n, sizeof(*ended.items), compare_created);
	for (size_t i = 0; i < ended.n - ENDED_MAX; i++)
		force_delete(own, pass, ended.items[i]);
}

/* Keys: "*" trims ended pods, else a pod. */
static void reconcile(void *arg, struct kt_pass *pass, const char *key)
{
	struct pod_gc *own = arg;
	struct kt_object *pod, *node;
	const char *why;

	if (strcmp(key, "*") == 0) {
		trim_ended(own, pass);
		return;
	}
	pod = kt_pass_object(pass, own->pods);
	if (!pod)
		return;
	node = kt_informer_get(own->nodes, (struct kt_sv){0}, kt_pod_node(pod));
	why = node                   ? NULL
	      : kt_pod_node(pod).len ? "PodGC: node no longer exists"
	                             : "PodGC: unscheduled and terminating";
	if ((node || !kt_pod_node(pod).len) && !kt_is_deleting(pod))
		return;
	if (node && !is_out_of_service(node))
		return;
	/* Dead and deleted already: a finalizer of somebody else holds it. */
	if (kt_is_deleting(pod) && has_ended(pod) &&
	        kt_int_at(pod, "metadata", "deletionGracePeriodSeconds", 0) == 0)
		return;
	if (!has_ended(pod))
		fail_orphan(own, pass, pod, why);
	force_delete(own, pass, pod);
}

static void quarantine(struct pod_gc *own, const struct kt_object *pod)
{
	kt_auto_free char *key = kt_asprintf(
	        "%.*s/%.*s", KT_SVP(kt_object_namespace(pod)), KT_SVP(kt_object_name(pod)));

	kt_reconciler_add_after_ms(own->reconciler, key, ORPHAN_QUARANTINE_MS);
}

static void pod_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct pod_gc *own = arg;
	struct kt_object *node;

	own->n_ended += (size_t)has_ended(new_object) - (size_t)has_ended(old_object);
	if (!new_object)
		return;
	if (own->n_ended > ENDED_MAX && has_ended(new_object))
		kt_reconciler_add(own->reconciler, "*");
	node = kt_informer_get(own->nodes, (struct kt_sv){0}, kt_pod_node(new_object));
	if (kt_is_deleting(new_object) &&
	        (!kt_pod_node(new_object).len || (node && is_out_of_service(node))))
		kt_reconciler_add_object(own->reconciler, new_object);
	else if (!old_object && kt_pod_node(new_object).len && !node)
		quarantine(own, new_object);
}

static void node_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct pod_gc *own = arg;
	kt_auto_objects pods = {0};

	if (new_object &&
	        (!is_out_of_service(new_object) || (old_object && is_out_of_service(old_object))))
		return;
	kt_collect_indexed(
	        own->pods, "node", kt_object_name(new_object ? new_object : old_object), &pods);
	for (size_t i = 0; i < pods.n; i++)
		if (!new_object)
			quarantine(own, pods.items[i]);
		else if (kt_is_deleting(pods.items[i]))
			kt_reconciler_add_object(own->reconciler, pods.items[i]);
}

static void *create(struct kt_controllers *controllers)
{
	struct pod_gc *own = kt_new(struct pod_gc);

	own->controllers = controllers;
	own->reconciler =
	        kt_reconciler_create(&(struct kt_reconciler_options){.controllers = controllers,
	                .name = "pod-garbage-collector",
	                .reconcile = reconcile,
	                .arg = own,
	                .parallel = 20});
	own->nodes = kt_controllers_informer(controllers, "/api/v1/nodes");
	own->pods = kt_controllers_informer(controllers, "/api/v1/pods");
	kt_controllers_index(controllers, "/api/v1/pods", "node", kt_index_by_node);
	kt_informer_add_handler(
	        own->pods, &(struct kt_informer_handler){.on_change = pod_changed, .arg = own});
	kt_informer_add_handler(
	        own->nodes, &(struct kt_informer_handler){.on_change = node_changed, .arg = own});
	return own;
}

static void destroy(void *controller)
{
	struct pod_gc *own = controller;

	kt_reconciler_destroy(own->reconciler);
	free(own);
}

const struct kt_controller kt_controller_pod_gc = {
        "pod-garbage-collector-controller", create, destroy};
