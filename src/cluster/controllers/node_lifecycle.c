/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Node life cycle: a node whose lease is not renewed becomes Unknown; conditions and cordoning show
 * as taints; the pods of a node that is not there are no longer ready. No node is polled: each has
 * one timer, due when its lease runs out.
 *
 * Pods are not driven out where it is likelier that we are cut off than that so many nodes died: of
 * no node when none is ready, and of no further node in a small zone most of whose nodes are not.
 */
#include "api/status.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/controllers/meta.h"
#include "cluster/controllers/table.h"

#define GRACE_S 50         /* node-monitor-grace-period */
#define STARTUP_GRACE_S 60 /* node-startup-grace-period */
#define LEASES "/apis/coordination.k8s.io/v1/leases"

#define ZONE_NODES_FEW 2        /* so many that are not ready never disrupt a zone */
#define ZONE_UNHEALTHY 0.55     /* unhealthy-zone-threshold */
#define ZONE_LARGE_NODES_MIN 51 /* above large-cluster-size-threshold eviction only slows down */

struct node_controller {
	struct kt_reconciler *reconciler;
	struct kt_informer *nodes, *leases, *pods;
	struct kt_map zones; /* "region/zone" -> struct zone */
	size_t n_ready;      /* nodes of all zones */
};

struct zone {
	size_t n_ready, n_not_ready;
};

/* When we last heard of the node; wall. */
static int64_t heard_ns(
        const struct node_controller *own, const struct kt_object *node, int64_t *ret_grace_s)
{
	struct kt_object *lease =
	        kt_informer_get(own->leases, KT_SV("kube-node-lease"), kt_object_name(node));
	int64_t ready_ns = kt_time_at(kt_condition(node, "Ready"), "lastHeartbeatTime"),
	        lease_ns = 0;

	*ret_grace_s = GRACE_S;
	if (lease) {
		lease_ns = kt_time_at(kt_json_member(kt_object_doc(lease), "spec"), "renewTime");
		/* A lease that is renewed seldom says so. */
		*ret_grace_s =
		        KT_MAX(GRACE_S, kt_int_at(lease, "spec", "leaseDurationSeconds", 0) + 10);
	}
	if (!ready_ns && !lease_ns) {
		*ret_grace_s = STARTUP_GRACE_S;
		return kt_created_ns(node);
	}
	return KT_MAX(ready_ns, lease_ns);
}

static void mark_unknown(
        struct node_controller *own, struct kt_pass *pass, const struct kt_object *node)
{
	static const char *const types[] = {
	        "Ready", "MemoryPressure", "DiskPressure", "PIDPressure"};
	json_t *status = kt_status_tree(node), *conditions = kt_status_conditions(status);
	kt_auto_free char *path = kt_asprintf("/api/v1/nodes/%.*s", KT_SVP(kt_object_name(node)));
	bool never = !kt_condition(node, "Ready").p;

	for (size_t i = 0; i < KT_ARRAY_SIZE(types); i++) {
		kt_set_condition(conditions, types[i], "Unknown",
		        never ? "NodeStatusNeverUpdated" : "NodeStatusUnknown",
		        never ? "Kubelet never posted node status."
		              : "Kubelet stopped posting node status.",
		        kt_pass_wall_ns(pass), false);
		if (never)
			json_object_set_new(kt_find_condition(conditions, types[i]),
			        "lastHeartbeatTime", kt_time_json(kt_created_ns(node)));
	}
	kt_patch_status(pass, own->nodes, node, path, status);
}

static void pod_marked(struct kt_pass *pass, struct kt_call *call, void *arg)
{
	if (!call->err.code)
		kt_reconciler_event(kt_pass_reconciler(pass), arg, "Warning", "NodeNotReady",
		        "Node is not ready");
	else if (kt_err_reason(&call->err) != KT_REASON_NOT_FOUND)
		kt_pass_check(pass, call);
}

static void object_free(void *value)
{
	kt_object_unref(value);
}

/* The pods stay, but nobody should be sent to them. */
static void mark_pods_not_ready(
        struct node_controller *own, struct kt_pass *pass, const struct kt_object *node)
{
	kt_auto_objects pods = {0};

	kt_collect_indexed(own->pods, "node", kt_object_name(node), &pods);
	for (size_t i = 0; i < pods.n; i++) {
		struct kt_object *pod = pods.items[i];
		kt_auto_json json_t *now = kt_time_json(kt_pass_wall_ns(pass)), *body = NULL;

		if (!kt_pod_is_ready(pod))
			continue;
		body = json_pack("{s:{s:s%},s:{s:[{s:s,s:s,s:O}]}}", "metadata", "uid",
		        kt_object_uid(pod).p, kt_object_uid(pod).len, "status", "conditions",
		        "type", "Ready", "status", "False", "lastTransitionTime", now);
		kt_pass_send(pass,
		        &(struct kt_pass_write){.method = "PATCH",
		                .content_type = KT_PATCH_STRATEGIC,
		                .body = body,
		                .informer = own->pods,
		                .done = pod_marked,
		                .arg = kt_object_ref(pod),
		                .free_arg = object_free},
		        "/api/v1/namespaces/%.*s/pods/%.*s/status",
		        KT_SVP(kt_object_namespace(pod)), KT_SVP(kt_object_name(pod)));
	}
}

/* --- zones --- */

static struct zone *zone_of(struct node_controller *own, const struct kt_object *node)
{
	struct kt_sv region = {0}, name = {0};
	struct zone *zone;

	kt_object_label(node, KT_SV("topology.kubernetes.io/region"), &region);
	kt_object_label(node, KT_SV("topology.kubernetes.io/zone"), &name);
	kt_auto_free char *key = kt_asprintf("%.*s/%.*s", KT_SVP(region), KT_SVP(name));

	zone = kt_map_get(&own->zones, key);
	if (!zone) {
		zone = kt_new(struct zone);
		kt_map_set(&own->zones, key, zone);
	}
	return zone;
}

static void count_node(struct node_controller *own, const struct kt_object *node, int change)
{
	struct zone *zone = zone_of(own, node);
	bool ready = kt_condition_is_true(node, "Ready");

	*(ready ? &zone->n_ready : &zone->n_not_ready) += (size_t)change;
	own->n_ready += ready ? (size_t)change : 0;
}

static bool is_disrupted(const struct zone *zone)
{
	size_t n = zone->n_ready + zone->n_not_ready;

	return zone->n_ready && zone->n_not_ready > ZONE_NODES_FEW && n < ZONE_LARGE_NODES_MIN &&
	       (double)zone->n_not_ready / (double)n >= ZONE_UNHEALTHY;
}

/* What decides over evictions of the node's zone. */
struct disruption {
	bool everywhere, here;
};

static struct disruption disruption_of(struct node_controller *own, const struct kt_object *node)
{
	return (struct disruption){
	        .everywhere = !own->n_ready, .here = is_disrupted(zone_of(own, node))};
}

/* --- taints --- */

static const struct {
	const char *condition, *status, *key, *effect;
} condition_taints[] = {
        {"Ready", "False", "node.kubernetes.io/not-ready", "NoSchedule"},
        {"Ready", "Unknown", "node.kubernetes.io/unreachable", "NoSchedule"},
        {"Ready", "False", "node.kubernetes.io/not-ready", "NoExecute"},
        {"Ready", "Unknown", "node.kubernetes.io/unreachable", "NoExecute"},
        {"MemoryPressure", "True", "node.kubernetes.io/memory-pressure", "NoSchedule"},
        {"DiskPressure", "True", "node.kubernetes.io/disk-pressure", "NoSchedule"},
        {"PIDPressure", "True", "node.kubernetes.io/pid-pressure", "NoSchedule"},
        {"NetworkUnavailable", "True", "node.kubernetes.io/network-unavailable", "NoSchedule"},
};

static bool is_ours(const json_t *taint)
{
	for (size_t i = 0; i < KT_ARRAY_SIZE(condition_taints); i++)
		if (kt_streq(kt_jstr(taint, "key"), condition_taints[i].key) &&
		        kt_streq(kt_jstr(taint, "effect"), condition_taints[i].effect))
			return true;
	return kt_streq(kt_jstr(taint, "key"), "node.kubernetes.io/unschedulable") &&
	       kt_streq(kt_jstr(taint, "effect"), "NoSchedule");
}

static const json_t *find_taint(const json_t *taints, const char *key, const char *effect)
{
	json_t *item;
	size_t i;

	json_array_foreach(taints, i, item)
		if (kt_streq(kt_jstr(item, "key"), key) &&
		        kt_streq(kt_jstr(item, "effect"), effect))
			return item;
	return NULL;
}

/* One that is there already keeps its timeAdded. */
static void want_taint(
        json_t *wanted, const json_t *have, const char *key, const char *effect, int64_t wall_ns)
{
	const json_t *old = find_taint(have, key, effect);

	if (old)
		json_array_append_new(wanted, json_deep_copy(old));
	else
		json_array_append_new(wanted, json_pack("{s:s,s:s,s:o}", "key", key, "effect",
		                                      effect, "timeAdded", kt_time_json(wall_ns)));
}

static bool may_evict(const json_t *have, size_t taint, struct disruption disruption)
{
	if (strcmp(condition_taints[taint].effect, "NoExecute") != 0)
		return true;
	return !disruption.everywhere &&
	       (!disruption.here || find_taint(have, condition_taints[taint].key, "NoExecute"));
}

static json_t *wanted_taints(const struct kt_object *node, const json_t *have,
        struct disruption disruption, int64_t wall_ns)
{
	json_t *wanted = json_array(), *item;
	size_t i;

	json_array_foreach(have, i, item)
		if (!is_ours(item))
			json_array_append(wanted, item);
	if (kt_json_bool(kt_field_of(node, "spec", "unschedulable"), false))
		want_taint(wanted, have, "node.kubernetes.io/unschedulable", "NoSchedule", wall_ns);
	for (size_t t = 0; t < KT_ARRAY_SIZE(condition_taints); t++) {
		struct kt_json_at condition = kt_condition(node, condition_taints[t].condition);

		if (condition.p &&
		        kt_json_string_is(
		                kt_json_member(condition, "status"), condition_taints[t].status) &&
		        may_evict(have, t, disruption))
			want_taint(wanted, have, condition_taints[t].key,
			        condition_taints[t].effect, wall_ns);
	}
	/* A node that never said anything is not ready. */
	if (!kt_condition(node, "Ready").p)
		want_taint(wanted, have, "node.kubernetes.io/not-ready", "NoSchedule", wall_ns);
	return wanted;
}

static bool same_set(const json_t *a, const json_t *b)
{
	json_t *item;
	size_t i;

	if (json_array_size(a) != json_array_size(b))
		return false;
	json_array_foreach(a, i, item)
		if (!find_taint(b, kt_jstr(item, "key"), kt_jstr(item, "effect")))
			return false;
	return true;
}

static void update_taints(
        struct node_controller *own, struct kt_pass *pass, const struct kt_object *node)
{
	struct kt_json_at at = kt_field_of(node, "spec", "taints");
	kt_auto_json json_t *have = at.p ? kt_json_tree(at) : json_array();
	kt_auto_json json_t *wanted = wanted_taints(
	                            node, have, disruption_of(own, node), kt_pass_wall_ns(pass)),
	                    *body = NULL;
	struct kt_sv version = kt_object_span(node, node->resource_version);

	if (same_set(have, wanted))
		return;
	body = json_pack("{s:{s:s%},s:{s:O}}", "metadata", "resourceVersion", version.p,
	        version.len, "spec", "taints", wanted);
	kt_pass_send(pass,
	        &(struct kt_pass_write){.method = "PATCH",
	                .content_type = KT_PATCH_MERGE,
	                .body = body,
	                .informer = own->nodes},
	        "/api/v1/nodes/%.*s", KT_SVP(kt_object_name(node)));
}

static void reconcile(void *arg, struct kt_pass *pass, const char *key)
{
	struct node_controller *own = arg;
	struct kt_object *node = kt_pass_object(pass, own->nodes);
	struct kt_json_at ready;
	int64_t grace_s, due_ns;

	(void)key;
	if (!node || kt_is_deleting(node))
		return;
	due_ns = heard_ns(own, node, &grace_s) + grace_s * KT_NS_PER_S;
	ready = kt_condition(node, "Ready");
	if (due_ns > kt_pass_wall_ns(pass)) {
		kt_pass_again_after_ms(pass, (due_ns - kt_pass_wall_ns(pass)) / KT_NS_PER_MS + 1);
	} else if (!ready.p || !kt_json_string_is(kt_json_member(ready, "status"), "Unknown")) {
		mark_unknown(own, pass, node);
		return; /* the change brings us back for the taints */
	}
	if (ready.p && !kt_json_string_is(kt_json_member(ready, "status"), "True"))
		mark_pods_not_ready(own, pass, node);
	update_taints(own, pass, node);
}

static bool add_node(void *arg, struct kt_object *node)
{
	struct node_controller *own = arg;

	kt_reconciler_add_object(own->reconciler, node);
	return true;
}

/* Where evictions stop or go on, all nodes are looked at again. */
static void count_change(struct node_controller *own, const struct kt_object *old_object,
        const struct kt_object *new_object)
{
	const struct kt_object *node = new_object ? new_object : old_object;
	struct disruption before = disruption_of(own, node), now;

	if (old_object)
		count_node(own, old_object, -1);
	if (new_object)
		count_node(own, new_object, 1);
	now = disruption_of(own, node);
	if (before.everywhere != now.everywhere || before.here != now.here)
		kt_informer_each(own->nodes, add_node, own);
}

static void node_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct node_controller *own = arg;

	count_change(own, old_object, new_object);
	if (!new_object) {
		kt_reconciler_event(own->reconciler, old_object, "Normal", "RemovingNode",
		        "Node %.*s event: Removing Node %.*s from Controller",
		        KT_SVP(kt_object_name(old_object)), KT_SVP(kt_object_name(old_object)));
		return;
	}
	if (!old_object)
		kt_reconciler_event(own->reconciler, new_object, "Normal", "RegisteredNode",
		        "Node %.*s event: Registered Node %.*s in Controller",
		        KT_SVP(kt_object_name(new_object)), KT_SVP(kt_object_name(new_object)));
	else if (kt_condition_is_true(old_object, "Ready") &&
	         !kt_condition_is_true(new_object, "Ready"))
		kt_reconciler_event(own->reconciler, new_object, "Normal", "NodeNotReady",
		        "Node %.*s status is now: NodeNotReady",
		        KT_SVP(kt_object_name(new_object)));
	kt_reconciler_add_object(own->reconciler, new_object);
}

/* A lease that runs out sooner or later than the one the node's timer was set by. */
static void lease_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct node_controller *own = arg;
	kt_auto_free char *node = NULL;

	if (!old_object || !new_object ||
	        kt_int_at(old_object, "spec", "leaseDurationSeconds", 0) ==
	                kt_int_at(new_object, "spec", "leaseDurationSeconds", 0) ||
	        !kt_sv_is(kt_object_namespace(new_object), "kube-node-lease"))
		return;
	node = kt_sv_dup(kt_object_name(new_object));
	kt_reconciler_add(own->reconciler, node);
}

static void *create(struct kt_controllers *controllers)
{
	struct node_controller *own = kt_new(struct node_controller);

	kt_map_init(&own->zones, free);
	own->reconciler =
	        kt_reconciler_create(&(struct kt_reconciler_options){.controllers = controllers,
	                .name = "node-controller",
	                .reconcile = reconcile,
	                .arg = own});
	own->nodes = kt_controllers_informer(controllers, "/api/v1/nodes");
	own->leases = kt_controllers_informer(controllers, LEASES);
	own->pods = kt_controllers_informer(controllers, "/api/v1/pods");
	kt_controllers_index(controllers, "/api/v1/pods", "node", kt_index_by_node);
	kt_informer_add_handler(
	        own->nodes, &(struct kt_informer_handler){.on_change = node_changed, .arg = own});
	kt_informer_add_handler(
	        own->leases, &(struct kt_informer_handler){.on_change = lease_changed, .arg = own});
	return own;
}

static void destroy(void *controller)
{
	struct node_controller *own = controller;

	kt_reconciler_destroy(own->reconciler);
	kt_map_finish(&own->zones);
	free(own);
}

const struct kt_controller kt_controller_node_lifecycle = {
        "node-lifecycle-controller", create, destroy};
