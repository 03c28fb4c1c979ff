/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Taint eviction: a pod on a node with a NoExecute taint that it does not tolerate goes; one that
 * tolerates it for a time goes when that is over. */
#include "api/status.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/controllers/meta.h"
#include "cluster/controllers/table.h"

struct eviction_controller {
	struct kt_reconciler *reconciler;
	struct kt_informer *nodes, *pods;
	struct kt_map waiting; /* keys of pods that go after their toleration */
};

static bool tolerates(struct kt_json_at toleration, struct kt_json_at taint, int64_t *ret_seconds)
{
	struct kt_json_at effect = kt_json_member(toleration, "effect"),
	                  key = kt_json_member(toleration, "key");
	struct kt_sv text = {0}, have = {0}, want = {0};

	*ret_seconds = -1;
	if (effect.p && kt_json_string_sv(effect, &text) && text.len &&
	        !kt_sv_is(text, "NoExecute"))
		return false;
	kt_json_string_sv(kt_json_member(taint, "key"), &want);
	if (key.p && kt_json_string_sv(key, &have) && have.len && !kt_sv_eq(have, want))
		return false;
	if (!kt_json_string_is(kt_json_member(toleration, "operator"), "Exists")) {
		struct kt_sv a = {0}, b = {0};

		kt_json_string_sv(kt_json_member(toleration, "value"), &a);
		kt_json_string_sv(kt_json_member(taint, "value"), &b);
		if (!have.len || !kt_sv_eq(a, b))
			return false;
	}
	kt_json_int64(kt_json_member(toleration, "tolerationSeconds"), ret_seconds);
	return true;
}

/* When the pod has to go because of this taint: wall; 0: now; -1: never. */
static int64_t due_for_taint(const struct kt_object *pod, struct kt_json_at taint, int64_t wall_ns)
{
	struct kt_json_at list = kt_field_of(pod, "spec", "tolerations"), item;
	struct kt_json_iter it = {0};
	int64_t since_ns = kt_time_at(taint, "timeAdded"), best_s = INT64_MAX, seconds;
	bool any = false;

	while (list.p && kt_json_next_element(list, &it, &item))
		if (tolerates(item, taint, &seconds)) {
			any = true;
			if (seconds >= 0)
				best_s = KT_MIN(best_s, seconds);
		}
	if (!any)
		return 0;
	if (best_s == INT64_MAX)
		return -1;
	return (since_ns ? since_ns : wall_ns) + best_s * KT_NS_PER_S;
}

static int64_t due_ns(const struct kt_object *node, const struct kt_object *pod, int64_t wall_ns)
{
	struct kt_json_at taints = kt_field_of(node, "spec", "taints"), taint;
	struct kt_json_iter it = {0};
	int64_t due = -1;

	while (taints.p && kt_json_next_element(taints, &it, &taint)) {
		int64_t one;

		if (!kt_json_string_is(kt_json_member(taint, "effect"), "NoExecute"))
			continue;
		one = due_for_taint(pod, taint, wall_ns);
		if (one >= 0 && (due < 0 || one < due))
			due = one;
	}
	return due;
}

static void evict(struct eviction_controller *own, struct kt_pass *pass, struct kt_object *pod)
{
	struct kt_sv namespace = kt_object_namespace(pod), name = kt_object_name(pod),
	             uid = kt_object_uid(pod);
	kt_auto_json json_t *body = json_pack("{s:{s:s%},s:{s:[{s:s,s:s,s:s,s:s,s:o}]}}",
	        "metadata", "uid", uid.p, uid.len, "status", "conditions", "type",
	        "DisruptionTarget", "status", "True", "reason", "DeletionByTaintManager", "message",
	        "Taint manager: deleting due to NoExecute taint", "lastTransitionTime",
	        kt_time_json(kt_pass_wall_ns(pass)));
	kt_auto_json json_t *options = json_pack("{s:s,s:s,s:{s:s%}}", "kind", "DeleteOptions",
	        "apiVersion", "v1", "preconditions", "uid", uid.p, uid.len);

	kt_reconciler_event(own->reconciler, pod, "Normal", "TaintManagerEviction",
	        "Marking for deletion Pod %.*s/%.*s", KT_SVP(namespace), KT_SVP(name));
	kt_pass_send(pass,
	        &(struct kt_pass_write){.method = "PATCH",
	                .content_type = KT_PATCH_STRATEGIC,
	                .body = body,
	                .informer = own->pods},
	        "/api/v1/namespaces/%.*s/pods/%.*s/status", KT_SVP(namespace), KT_SVP(name));
	kt_pass_send(pass,
	        &(struct kt_pass_write){
	                .method = "DELETE", .body = options, .informer = own->pods, .target = pod},
	        "/api/v1/namespaces/%.*s/pods/%.*s", KT_SVP(namespace), KT_SVP(name));
}

static void reconcile(void *arg, struct kt_pass *pass, const char *key)
{
	struct eviction_controller *own = arg;
	struct kt_object *pod = kt_pass_object(pass, own->pods), *node;
	int64_t wall_ns = kt_pass_wall_ns(pass), due;

	if (!pod || kt_is_deleting(pod) || !kt_pod_node(pod).len) {
		kt_map_del(&own->waiting, key);
		return;
	}
	node = kt_informer_get(own->nodes, (struct kt_sv){0}, kt_pod_node(pod));
	due = node ? due_ns(node, pod, wall_ns) : -1;
	if (due > wall_ns) {
		kt_map_set(&own->waiting, key, own);
		kt_pass_again_after_ms(pass, (due - wall_ns) / KT_NS_PER_MS + 1);
		return;
	}
	if (kt_map_del(&own->waiting, key) && due < 0)
		kt_reconciler_event(own->reconciler, pod, "Normal", "TaintManagerEviction",
		        "Cancelling deletion of Pod %s", key);
	if (due >= 0)
		evict(own, pass, pod);
}

static bool has_no_execute(const struct kt_object *node)
{
	struct kt_json_at taints = kt_field_of(node, "spec", "taints"), taint;
	struct kt_json_iter it = {0};

	while (taints.p && kt_json_next_element(taints, &it, &taint))
		if (kt_json_string_is(kt_json_member(taint, "effect"), "NoExecute"))
			return true;
	return false;
}

static void node_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct eviction_controller *own = arg;
	kt_auto_objects pods = {0};

	if (!new_object ||
	        (!has_no_execute(new_object) && (!old_object || !has_no_execute(old_object))))
		return;
	kt_collect_indexed(own->pods, "node", kt_object_name(new_object), &pods);
	for (size_t i = 0; i < pods.n; i++)
		kt_reconciler_add_object(own->reconciler, pods.items[i]);
}

static void pod_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct eviction_controller *own = arg;
	struct kt_object *node;

	/* Binding and tolerations decide; everything else leaves the answer as it was. */
	if (!new_object || !kt_pod_node(new_object).len ||
	        (old_object && kt_pod_node(old_object).len &&
	                kt_generation(old_object) == kt_generation(new_object)))
		return;
	node = kt_informer_get(own->nodes, (struct kt_sv){0}, kt_pod_node(new_object));
	if (node && has_no_execute(node))
		kt_reconciler_add_object(own->reconciler, new_object);
}

static void *create(struct kt_controllers *controllers)
{
	struct eviction_controller *own = kt_new(struct eviction_controller);

	kt_map_init(&own->waiting, NULL);
	own->reconciler =
	        kt_reconciler_create(&(struct kt_reconciler_options){.controllers = controllers,
	                .name = "taint-eviction-controller",
	                .reconcile = reconcile,
	                .arg = own});
	own->nodes = kt_controllers_informer(controllers, "/api/v1/nodes");
	own->pods = kt_controllers_informer(controllers, "/api/v1/pods");
	kt_controllers_index(controllers, "/api/v1/pods", "node", kt_index_by_node);
	kt_informer_add_handler(
	        own->nodes, &(struct kt_informer_handler){.on_change = node_changed, .arg = own});
	kt_informer_add_handler(
	        own->pods, &(struct kt_informer_handler){.on_change = pod_changed, .arg = own});
	return own;
}

static void destroy(void *controller)
{
	struct eviction_controller *own = controller;

	kt_reconciler_destroy(own->reconciler);
	kt_map_finish(&own->waiting);
	free(own);
}

const struct kt_controller kt_controller_taint_eviction = {
        "taint-eviction-controller", create, destroy};
