/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster/scheduler/scheduler.h"

#include "api/client/calls.h"
#include "api/client/events.h"
#include "api/client/informer.h"
#include "api/client/sections.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "cluster/scheduler/framework.h"
#include "cluster/scheduler/queue.h"

#include <errno.h>

#define TURN_MAX 64 /* decisions per turn of the loop, so that answers and events get in between \
	             */
#define BINDINGS_MAX 256 /* under way at once */

struct kt_scheduler {
	struct kt_client *client;
	struct kt_loop *loop;
	char *name;
	struct kt_calls *calls;
	struct kt_event_recorder *recorder;
	struct kt_informer *pods, *nodes, *namespaces;
	struct kt_snapshot snapshot;
	struct kt_pod_queue *queue;
	struct kt_arena arena; /* of one decision */
	struct kt_timer turn;  /* a cancellable "soon" */
	size_t n_bindings;
};

/* One binding under way. */
struct binding {
	struct kt_scheduler *scheduler;
	struct kt_object *pod;
	char *node;
};

static void wake(void *arg)
{
	struct kt_scheduler *scheduler = arg;

	if (!kt_timer_is_set(&scheduler->turn))
		kt_timer_set(&scheduler->turn, kt_loop_now_ns(scheduler->loop));
}

static void record(struct kt_scheduler *scheduler, const struct kt_object *pod, bool warning,
        const char *reason, const char *action, const char *message)
{
	struct kt_event event = {
	        .about = kt_event_ref_of(pod),
	        .type = warning ? "Warning" : "Normal",
	        .reason = reason,
	        .action = action,
	};

	event.about.kind = KT_SV("Pod");
	event.about.api_version = KT_SV("v1");
	kt_event_record(scheduler->recorder, &event, "%s", message);
}

static void binding_free(void *value)
{
	struct binding *binding = value;

	kt_object_unref(binding->pod);
	free(binding->node);
	free(binding);
}

static void bind_done(void *arg, struct kt_call *call)
{
	struct binding *binding = arg;
	struct kt_scheduler *scheduler = binding->scheduler;
	struct kt_sv uid = kt_object_uid(binding->pod);
	struct kt_queued_pod *queued = kt_pod_queue_find(scheduler->queue, uid);

	scheduler->n_bindings--;
	if (!call->err.code) {
		struct kt_sv namespace = kt_object_namespace(binding->pod),
		             name = kt_object_name(binding->pod);
		kt_auto_free char *text = kt_asprintf("Successfully assigned %.*s/%.*s to %s",
		        (int)namespace.len, namespace.p, (int)name.len, name.p, binding->node);

		record(scheduler, binding->pod, false, "Scheduled", "Binding", text);
		kt_pod_queue_remove(scheduler->queue, uid);
	} else {
		struct kt_pod_info *assumed = kt_map_get_sv(&scheduler->snapshot.pods_by_uid, uid);

		kt_log_debug("scheduler", "%s: %s", call->path, kt_err_message(&call->err));
		if (assumed && assumed->assumed)
			kt_snapshot_remove_pod(&scheduler->snapshot, uid);
		if (queued)
			kt_pod_queue_return(scheduler->queue, queued, 0);
	}
	binding_free(binding);
	wake(scheduler);
}

static void send_binding(
        struct kt_scheduler *scheduler, struct kt_object *pod, const struct kt_node_info *node)
{
	struct kt_sv namespace = kt_object_namespace(pod), name = kt_object_name(pod),
	             uid = kt_object_uid(pod);
	struct binding *binding = kt_new(struct binding);
	kt_auto_str body = KT_STR_INIT;
	struct kt_call_spec spec = {.method = "POST",
	        .body = &body,
	        .done = bind_done,
	        .arg = binding,
	        .drop = binding_free};

	binding->scheduler = scheduler;
	binding->pod = kt_object_ref(pod);
	binding->node = kt_strdup(node->name);
	scheduler->n_bindings++;
	kt_str_printf(&body,
	        "{\"apiVersion\":\"v1\",\"kind\":\"Binding\",\"metadata\":{\"name\":\"%.*s\","
	        "\"namespace\":\"%.*s\","
	        "\"uid\":\"%.*s\"},\"target\":{\"kind\":\"Node\",\"name\":\"%s\"}}",
	        (int)name.len, name.p, (int)namespace.len, namespace.p, (int)uid.len, uid.p,
	        node->name);
	kt_calls_send(scheduler->calls, &spec, "/api/v1/namespaces/%.*s/pods/%.*s/binding",
	        (int)namespace.len, namespace.p, (int)name.len, name.p);
}

static struct kt_json_at scheduled_condition(const struct kt_object *pod)
{
	struct kt_json_at list = kt_object_field(pod, KT_SECTION_STATUS, "conditions"), item;
	struct kt_json_iter it = {0};

	while (list.p && kt_json_next_element(list, &it, &item))
		if (kt_json_string_is(kt_json_member(item, "type"), "PodScheduled"))
			return item;
	return (struct kt_json_at){0};
}

/* Says in the pod's status why it waits, when that is not there already. */
static void write_condition(
        struct kt_scheduler *scheduler, const struct kt_object *pod, const char *message)
{
	struct kt_sv namespace = kt_object_namespace(pod), name = kt_object_name(pod),
	             uid = kt_object_uid(pod);
	struct kt_json_at have = scheduled_condition(pod);
	bool was_false = have.p && kt_json_string_is(kt_json_member(have, "status"), "False");
	kt_auto_str body = KT_STR_INIT;
	struct kt_call_spec spec = {
	        .method = "PATCH", .content_type = KT_PATCH_STRATEGIC, .body = &body};
	char now[KT_TIME_TEXT_MAX];
	int64_t generation;

	if (was_false && kt_json_string_is(kt_json_member(have, "reason"), "Unschedulable") &&
	        kt_json_string_is(kt_json_member(have, "message"), message))
		return;
	kt_str_printf(&body,
	        "{\"metadata\":{\"uid\":\"%.*s\"},\"status\":{\"conditions\":[{\"type\":"
	        "\"PodScheduled\","
	        "\"status\":\"False\",\"reason\":\"Unschedulable\",\"message\":",
	        (int)uid.len, uid.p);
	kt_json_write_string(&body, message, strlen(message));
	if (!was_false) {
		kt_time_format(kt_loop_wall_ns(scheduler->loop), now);
		kt_str_printf(&body, ",\"lastProbeTime\":null,\"lastTransitionTime\":\"%s\"", now);
	}
	if (kt_json_int64(kt_object_field(pod, KT_SECTION_METADATA, "generation"), &generation))
		kt_str_printf(&body, ",\"observedGeneration\":%lld", (long long)generation);
	kt_str_puts(&body, "}]}}");
	kt_calls_send(scheduler->calls, &spec, "/api/v1/namespaces/%.*s/pods/%.*s/status",
	        (int)namespace.len, namespace.p, (int)name.len, name.p);
}

static void schedule_one(struct kt_scheduler *scheduler, struct kt_queued_pod *queued)
{
	struct kt_pod_info *pod = kt_pod_info_create(queued->object);
	struct kt_decision decision;

	kt_framework_schedule(
	        &scheduler->snapshot, pod, scheduler->loop, &scheduler->arena, &decision);
	if (decision.node) {
		kt_snapshot_assume(&scheduler->snapshot, queued->object, decision.node);
		send_binding(scheduler, queued->object, decision.node);
	} else {
		record(scheduler, queued->object, true, "FailedScheduling", "Scheduling",
		        decision.message);
		write_condition(scheduler, queued->object, decision.message);
		/* With no node at all only a node can help. */
		kt_pod_queue_return(scheduler->queue, queued,
		        decision.wakes ? decision.wakes : KT_EVENT_NODE_ADDED);
	}
	kt_decision_finish(&decision);
	kt_pod_info_destroy(pod);
	kt_arena_reset(&scheduler->arena);
}

static void turn(struct kt_timer *timer)
{
	struct kt_scheduler *scheduler = kt_container_of(timer, struct kt_scheduler, turn);
	struct kt_queued_pod *queued;

	if (!kt_informer_synced(scheduler->nodes) || !kt_informer_synced(scheduler->pods) ||
	        !kt_informer_synced(scheduler->namespaces))
		return;
	for (int i = 0; i < TURN_MAX; i++) {
		if (scheduler->n_bindings >= BINDINGS_MAX)
			return; /* bind_done() goes on */
		queued = kt_pod_queue_pop(scheduler->queue);
		if (!queued)
			return;
		schedule_one(scheduler, queued);
	}
	wake(scheduler);
}

static bool is_assigned(const struct kt_object *pod)
{
	struct kt_sv node = {0};

	return pod && kt_json_string_sv(kt_object_field(pod, KT_SECTION_SPEC, "nodeName"), &node) &&
	       node.len;
}

static void queue_pod(struct kt_scheduler *scheduler, struct kt_object *object)
{
	struct kt_json_at name = kt_object_field(object, KT_SECTION_SPEC, "schedulerName");
	struct kt_pod_info *assumed =
	        kt_map_get_sv(&scheduler->snapshot.pods_by_uid, kt_object_uid(object));
	struct kt_pod_info *pod;
	const char *reason;
	bool gated;

	if (assumed || (name.p && !kt_json_string_is(name, scheduler->name)))
		return;
	if (object->deletion_timestamp.len || kt_pod_has_ended(object)) {
		kt_pod_queue_remove(scheduler->queue, kt_object_uid(object));
		return;
	}
	pod = kt_pod_info_create(object);
	gated = !kt_framework_pre_enqueue(pod, &scheduler->arena, &reason);
	kt_pod_info_destroy(pod);
	kt_arena_reset(&scheduler->arena);
	kt_pod_queue_put(scheduler->queue, object, gated);
}

/* An assigned pod (dis)appeared or changed: tell the waiting ones. */
static void pod_events(struct kt_scheduler *scheduler, const struct kt_object *old_object,
        const struct kt_object *new_object)
{
	bool was = is_assigned(old_object) && !kt_pod_has_ended(old_object);
	bool is = is_assigned(new_object) && !kt_pod_has_ended(new_object);

	if (is && !was)
		kt_pod_queue_event(scheduler->queue, KT_EVENT_POD_ADDED);
	else if (was && !is)
		kt_pod_queue_event(scheduler->queue, KT_EVENT_POD_REMOVED);
	else if (is && !kt_sv_eq(kt_object_span(old_object, old_object->labels),
	                       kt_object_span(new_object, new_object->labels)))
		kt_pod_queue_event(scheduler->queue, KT_EVENT_POD_CHANGED);
}

static void pod_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct kt_scheduler *scheduler = arg;

	/* A pod deleted and created again under its name while the watch was broken. */
	if (old_object && new_object &&
	        !kt_sv_eq(kt_object_uid(old_object), kt_object_uid(new_object))) {
		pod_changed(arg, old_object, NULL);
		old_object = NULL;
	}
	if (!new_object) {
		kt_pod_queue_remove(scheduler->queue, kt_object_uid(old_object));
		kt_snapshot_remove_pod(&scheduler->snapshot, kt_object_uid(old_object));
	} else if (is_assigned(new_object)) {
		/* A binding under way finds its pod here until it is answered. */
		if (!is_assigned(old_object))
			kt_pod_queue_remove(scheduler->queue, kt_object_uid(new_object));
		kt_snapshot_set_pod(&scheduler->snapshot, new_object);
	} else {
		queue_pod(scheduler, new_object);
	}
	pod_events(scheduler, old_object, new_object);
}

static bool differs(struct kt_json_at a, struct kt_json_at b)
{
	return !kt_sv_eq((struct kt_sv){a.p, a.len}, (struct kt_sv){b.p, b.len});
}

static uint32_t node_events(const struct kt_object *old_object, const struct kt_object *new_object)
{
	struct kt_json_at a = kt_object_doc(old_object), b = kt_object_doc(new_object);
	uint32_t events = 0;

	if (differs(kt_json_find(a, "status", "allocatable", NULL),
	            kt_json_find(b, "status", "allocatable", NULL)))
		events |= KT_EVENT_NODE_ALLOCATABLE;
	if (!kt_sv_eq(kt_object_span(old_object, old_object->labels),
	            kt_object_span(new_object, new_object->labels)))
		events |= KT_EVENT_NODE_LABELS;
	if (differs(kt_json_find(a, "spec", "taints", NULL),
	            kt_json_find(b, "spec", "taints", NULL)) ||
	        differs(kt_json_find(a, "spec", "unschedulable", NULL),
	                kt_json_find(b, "spec", "unschedulable", NULL)))
		events |= KT_EVENT_NODE_TAINTS;
	return events;
}

static void node_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct kt_scheduler *scheduler = arg;
	uint32_t events;

	if (!new_object) {
		kt_snapshot_remove_node(&scheduler->snapshot, kt_object_name(old_object));
		return;
	}
	events = old_object ? node_events(old_object, new_object) : KT_EVENT_NODE_ADDED;
	kt_snapshot_set_node(&scheduler->snapshot, new_object);
	if (events)
		kt_pod_queue_event(scheduler->queue, events);
}

/* Terms with a namespaceSelector ask for namespaces' labels. */
static void namespace_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct kt_scheduler *scheduler = arg;

	if (new_object)
		kt_snapshot_set_namespace(&scheduler->snapshot, new_object);
	else
		kt_snapshot_remove_namespace(&scheduler->snapshot, kt_object_name(old_object));
}

int kt_scheduler_create(const struct kt_scheduler_options *options,
        struct kt_scheduler **ret_scheduler, struct kt_err *err)
{
	struct kt_scheduler *scheduler;
	const char *name = options->name ? options->name : "default-scheduler";

	if (!options->client || !options->loop)
		return kt_fail(err, EINVAL, "a scheduler needs a client and a loop");
	scheduler = kt_new(struct kt_scheduler);
	scheduler->client = options->client;
	scheduler->loop = options->loop;
	scheduler->name = kt_strdup(name);
	scheduler->calls = kt_calls_create(options->client, options->loop, "kube-scheduler");
	scheduler->recorder = kt_event_recorder_create(
	        &(struct kt_event_recorder_options){.client = options->client,
	                .loop = options->loop,
	                .component = name,
	                .new_form = true});
	scheduler->pods = kt_informer_create(options->client, options->loop, "/api/v1/pods");
	scheduler->nodes = kt_informer_create(options->client, options->loop, "/api/v1/nodes");
	scheduler->namespaces =
	        kt_informer_create(options->client, options->loop, "/api/v1/namespaces");
	scheduler->queue = kt_pod_queue_create(options->loop, wake, scheduler);
	kt_snapshot_init(&scheduler->snapshot);
	kt_arena_init(&scheduler->arena);
	kt_timer_init(&scheduler->turn, options->loop, turn);
	kt_informer_add_handler(scheduler->nodes,
	        &(struct kt_informer_handler){
	                .on_change = node_changed, .on_synced = wake, .arg = scheduler});
	kt_informer_add_handler(scheduler->namespaces,
	        &(struct kt_informer_handler){
	                .on_change = namespace_changed, .on_synced = wake, .arg = scheduler});
	kt_informer_add_handler(scheduler->pods,
	        &(struct kt_informer_handler){
	                .on_change = pod_changed, .on_synced = wake, .arg = scheduler});
	*ret_scheduler = scheduler;
	return 0;
}

void kt_scheduler_start(struct kt_scheduler *scheduler)
{
	kt_informer_start(scheduler->namespaces);
	kt_informer_start(scheduler->nodes);
	kt_informer_start(scheduler->pods);
}

void kt_scheduler_destroy(struct kt_scheduler *scheduler)
{
	if (!scheduler)
		return;
	kt_timer_cancel(&scheduler->turn);
	kt_calls_destroy(scheduler->calls);
	kt_event_recorder_destroy(scheduler->recorder);
	kt_informer_destroy(scheduler->pods);
	kt_informer_destroy(scheduler->nodes);
	kt_informer_destroy(scheduler->namespaces);
	kt_pod_queue_destroy(scheduler->queue);
	kt_snapshot_finish(&scheduler->snapshot);
	kt_arena_finish(&scheduler->arena);
	free(scheduler->name);
	free(scheduler);
}
