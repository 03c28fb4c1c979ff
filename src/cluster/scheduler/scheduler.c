/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster/scheduler/scheduler.h"

#include "api/client/calls.h"
#include "api/client/events.h"
#include "api/client/informer.h"
#include "api/client/sections.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "cluster/scheduler/claim_binder.h"
#include "cluster/scheduler/eviction.h"
#include "cluster/scheduler/framework.h"
#include "cluster/scheduler/inputs.h"
#include "cluster/scheduler/queue.h"

#include <errno.h>

#define TURN_MAX \
	64 /* decisions per turn of the loop, so that answers and events get in between \
	    */
#define BINDINGS_MAX 256 /* under way at once */

struct kt_scheduler {
	struct kt_client *client;
	struct kt_loop *loop;
	char *name;
	struct kt_calls *calls;
	struct kt_event_recorder *recorder;
	struct kt_informer *pods, *nodes, *namespaces;
	struct kt_inputs *inputs; /* all else */
	struct kt_snapshot snapshot;
	struct kt_claim_binder *claim_binder;
	struct kt_eviction eviction;
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

/* The decision came to nothing: the pod waits for its back-off and is tried again. */
static void take_back(struct kt_scheduler *scheduler, struct kt_sv uid)
{
	struct kt_pod_info *assumed = kt_map_get_sv(&scheduler->snapshot.pods_by_uid, uid);
	struct kt_queued_pod *queued = kt_pod_queue_find(scheduler->queue, uid);

	if (assumed && assumed->assumed)
		kt_snapshot_remove_pod(&scheduler->snapshot, uid);
	if (queued)
		kt_pod_queue_return(scheduler->queue, queued, 0);
}

static void bind_done(void *arg, struct kt_call *call)
{
	struct binding *binding = arg;
	struct kt_scheduler *scheduler = binding->scheduler;
	struct kt_sv uid = kt_object_uid(binding->pod);

	scheduler->n_bindings--;
	if (!call->err.code) {
		struct kt_sv namespace = kt_object_namespace(binding->pod),
		             name = kt_object_name(binding->pod);
		kt_auto_free char *text = kt_asprintf("Successfully assigned %.*s/%.*s to %s",
		        (int)namespace.len, namespace.p, (int)name.len, name.p, binding->node);

		record(scheduler, binding->pod, false, "Scheduled", "Binding", text);
		kt_pod_queue_remove(scheduler->queue, uid);
	} else {
		kt_log_debug("scheduler", "%s: %s", call->path, kt_err_message(&call->err));
		take_back(scheduler, uid);
	}
	binding_free(binding);
	wake(scheduler);
}

static void send_binding(struct kt_scheduler *scheduler, struct kt_object *pod, const char *node)
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
	binding->node = kt_strdup(node);
	scheduler->n_bindings++;
	kt_str_printf(&body,
	        "{\"apiVersion\":\"v1\",\"kind\":\"Binding\",\"metadata\":{\"name\":\"%.*s\","
	        "\"namespace\":\"%.*s\","
	        "\"uid\":\"%.*s\"},\"target\":{\"kind\":\"Node\",\"name\":\"%s\"}}",
	        (int)name.len, name.p, (int)namespace.len, namespace.p, (int)uid.len, uid.p, node);
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

/* What a pod in vain tried gets into its status. */
struct verdict {
	const char *message;
	bool set_nomination;
	const char *nominated; /* with set_nomination; NULL: none any longer */
};

static bool is_written(
        const struct kt_object *pod, struct kt_json_at condition, const struct verdict *verdict)
{
	return condition.p && kt_json_string_is(kt_json_member(condition, "status"), "False") &&
	       kt_json_string_is(kt_json_member(condition, "reason"), "Unschedulable") &&
	       kt_json_string_is(kt_json_member(condition, "message"), verdict->message) &&
	       (!verdict->set_nomination || kt_sv_is(kt_pod_nominated_node(pod),
	                                            verdict->nominated ? verdict->nominated : ""));
}

/* Says in the pod's status why it waits and for which node, when that is not there already. */
static void write_verdict(
        struct kt_scheduler *scheduler, const struct kt_object *pod, const struct verdict *verdict)
{
	struct kt_sv namespace = kt_object_namespace(pod), name = kt_object_name(pod);
	struct kt_json_at have = scheduled_condition(pod);
	kt_auto_str body = KT_STR_INIT;
	struct kt_call_spec spec = {
	        .method = "PATCH", .content_type = KT_PATCH_STRATEGIC, .body = &body};
	char now[KT_TIME_TEXT_MAX];
	int64_t generation;

	if (is_written(pod, have, verdict))
		return;
	kt_str_printf(
	        &body, "{\"metadata\":{\"uid\":\"%.*s\"},\"status\":{", KT_SVP(kt_object_uid(pod)));
	if (verdict->set_nomination && verdict->nominated)
		kt_str_printf(&body, "\"nominatedNodeName\":\"%s\",", verdict->nominated);
	else if (verdict->set_nomination && kt_pod_nominated_node(pod).len)
		kt_str_puts(&body, "\"nominatedNodeName\":null,");
	kt_str_puts(&body, "\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"False\","
	                   "\"reason\":\"Unschedulable\",\"message\":");
	kt_json_write_string(&body, verdict->message, strlen(verdict->message));
	if (!have.p || !kt_json_string_is(kt_json_member(have, "status"), "False")) {
		kt_time_format(kt_loop_wall_ns(scheduler->loop), now);
		kt_str_printf(&body, ",\"lastProbeTime\":null,\"lastTransitionTime\":\"%s\"", now);
	}
	if (kt_json_int64(kt_object_field(pod, KT_SECTION_METADATA, "generation"), &generation))
		kt_str_printf(&body, ",\"observedGeneration\":%lld", (long long)generation);
	kt_str_puts(&body, "}]}}");
	kt_calls_send(scheduler->calls, &spec, "/api/v1/namespaces/%.*s/pods/%.*s/status",
	        (int)namespace.len, namespace.p, (int)name.len, name.p);
}

/* The pod goes to the node; its claims first. */
static void accept(struct kt_scheduler *scheduler, struct kt_object *object,
        const struct kt_pod_info *pod, struct kt_node_info *node)
{
	struct kt_volume_plan plan;

	kt_volume_binding_plan(&scheduler->snapshot, pod, node, &scheduler->arena, &plan);
	kt_snapshot_assume(&scheduler->snapshot, object, node);
	if (!plan.n) {
		send_binding(scheduler, object, node->name);
		return;
	}
	/* It may take a while: others see where the pod will go (KEP-5278). */
	if (!kt_sv_is(kt_pod_nominated_node(object), node->name))
		kt_eviction_write_nomination(&scheduler->eviction, object, node->name);
	kt_claim_binder_bind(scheduler->claim_binder, object, node->name, &plan);
}

static void claims_done(void *arg, struct kt_object *pod, const char *node, const char *why)
{
	struct kt_scheduler *scheduler = arg;
	kt_auto_free char *text = NULL;

	if (!why) {
		send_binding(scheduler, pod, node);
		return;
	}
	text = kt_asprintf("running PreBind plugin \"VolumeBinding\": binding volumes: %s", why);
	record(scheduler, pod, true, "FailedScheduling", "Scheduling", text);
	take_back(scheduler, kt_object_uid(pod));
	wake(scheduler);
}

/* The pod waits, and says why; perhaps others make room for it. */
static void reject(struct kt_scheduler *scheduler, struct kt_queued_pod *queued,
        const struct kt_pod_info *pod, const struct kt_decision *decision)
{
	const struct kt_preemption *preemption = &decision->preemption;
	struct kt_node_info *node = preemption->chosen ? preemption->chosen->node : NULL;
	struct verdict verdict = {
	        .message = decision->message,
	        /* while it may not preempt it keeps what it has */
	        .set_nomination = preemption->eligible,
	        .nominated = node ? node->name : NULL,
	};
	/* With no node at all only a node can help. */
	uint32_t wakes = decision->wakes ? decision->wakes : KT_EVENT_NODE_ADDED;

	record(scheduler, queued->object, true, "FailedScheduling", "Scheduling",
	        decision->message);
	write_verdict(scheduler, queued->object, &verdict);
	if (preemption->eligible)
		kt_snapshot_nominate(&scheduler->snapshot, queued->object, node);
	if (node)
		kt_eviction_run(&scheduler->eviction, pod, preemption->chosen);
	kt_pod_queue_return(scheduler->queue, queued, node ? wakes | KT_EVENT_POD_REMOVED : wakes);
}

static void schedule_one(struct kt_scheduler *scheduler, struct kt_queued_pod *queued)
{
	struct kt_pod_info *pod = kt_pod_info_create(queued->object);
	struct kt_decision decision;

	kt_framework_schedule(
	        &scheduler->snapshot, pod, scheduler->loop, &scheduler->arena, &decision);
	if (decision.node)
		accept(scheduler, queued->object, pod, decision.node);
	else
		reject(scheduler, queued, pod, &decision);
	kt_decision_finish(&decision);
	kt_pod_info_destroy(pod);
	kt_arena_reset(&scheduler->arena);
}

static void eviction_failed(void *arg)
{
	struct kt_scheduler *scheduler = arg;

	kt_pod_queue_event(scheduler->queue, KT_EVENT_POD_REMOVED);
}

static void turn(struct kt_timer *timer)
{
	struct kt_scheduler *scheduler = kt_container_of(timer, struct kt_scheduler, turn);
	struct kt_queued_pod *queued;

	if (!kt_informer_synced(scheduler->nodes) || !kt_informer_synced(scheduler->pods) ||
	        !kt_informer_synced(scheduler->namespaces) || !kt_inputs_synced(scheduler->inputs))
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
	const char *reason;
	bool gated;

	if (assumed || (name.p && !kt_json_string_is(name, scheduler->name)))
		return;
	if (object->deletion_timestamp.len || kt_pod_has_ended(object)) {
		kt_pod_queue_remove(scheduler->queue, kt_object_uid(object));
		return;
	}
	gated = !kt_framework_pre_enqueue(object, &scheduler->arena, &reason);
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
		kt_claim_binder_forget(scheduler->claim_binder, kt_object_uid(old_object));
		kt_snapshot_remove_pod(&scheduler->snapshot, kt_object_uid(old_object));
	} else if (is_assigned(new_object)) {
		/* A binding under way finds its pod here until it is answered. */
		if (!is_assigned(old_object)) {
			kt_pod_queue_remove(scheduler->queue, kt_object_uid(new_object));
			kt_claim_binder_forget(scheduler->claim_binder, kt_object_uid(new_object));
		}
		kt_snapshot_set_pod(&scheduler->snapshot, new_object);
	} else {
		kt_snapshot_set_pod(&scheduler->snapshot, new_object);
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

static void input_changed(void *arg, uint32_t events, const char *claim)
{
	struct kt_scheduler *scheduler = arg;

	if (claim)
		kt_claim_binder_look(scheduler->claim_binder, claim);
	kt_pod_queue_event(scheduler->queue, events);
}

static void create_helpers(struct kt_scheduler *scheduler)
{
	scheduler->inputs = kt_inputs_create(&(struct kt_inputs_options){
	        .client = scheduler->client,
	        .loop = scheduler->loop,
	        .snapshot = &scheduler->snapshot,
	        .on_synced = wake,
	        .on_change = input_changed,
	        .arg = scheduler,
	});
	scheduler->claim_binder = kt_claim_binder_create(&(struct kt_claim_binder_options){
	        .loop = scheduler->loop,
	        .calls = scheduler->calls,
	        .snapshot = &scheduler->snapshot,
	        .done = claims_done,
	        .arg = scheduler,
	});
	scheduler->eviction = (struct kt_eviction){
	        .loop = scheduler->loop,
	        .calls = scheduler->calls,
	        .recorder = scheduler->recorder,
	        .snapshot = &scheduler->snapshot,
	        .scheduler_name = scheduler->name,
	        .failed = eviction_failed,
	        .arg = scheduler,
	};
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
	create_helpers(scheduler);
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
	kt_inputs_start(scheduler->inputs);
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
	kt_claim_binder_destroy(scheduler->claim_binder);
	kt_inputs_destroy(scheduler->inputs);
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
