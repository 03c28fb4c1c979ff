/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pods: the words that every kubectl user reads. */
#include "api/server/cells_table.h"
#include "base/time.h"

/* A started and not yet ready init container with restartPolicy Always counts as one of the pod's.
 */
static bool is_sidecar(const json_t *pod, const char *name)
{
	size_t i;
	json_t *container;

	json_array_foreach(kt_jget(pod, "spec.initContainers"), i, container)
		if (kt_streq(kt_jstr(container, "name"), name))
			return kt_streq(kt_jstr(container, "restartPolicy"), "Always");
	return false;
}

static bool has_condition(const json_t *object, const char *type, const char *status)
{
	size_t i;
	json_t *condition;

	json_array_foreach(kt_jget(object, "status.conditions"), i, condition)
		if (kt_streq(kt_jstr(condition, "type"), type))
			return kt_streq(kt_jstr(condition, "status"), status);
	return false;
}

static json_t *pod_ready(const struct kt_cell_context *context)
{
	const json_t *pod = context->object;
	size_t total = json_array_size(kt_jget(pod, "spec.containers")), ready = 0, i;
	json_t *item;

	json_array_foreach(kt_jget(pod, "spec.initContainers"), i, item)
		total += kt_streq(kt_jstr(item, "restartPolicy"), "Always");
	json_array_foreach(kt_jget(pod, "status.initContainerStatuses"), i, item)
		ready += is_sidecar(pod, kt_jstr(item, "name")) &&
		         kt_jbool(item, "started", false) && kt_jbool(item, "ready", false);
	json_array_foreach(kt_jget(pod, "status.containerStatuses"), i, item)
		ready += kt_jbool(item, "ready", false) && kt_jget(item, "state.running");
	return json_sprintf("%zu/%zu", ready, total);
}

/* Why an init container holds the pod up; false when all are over. */
static bool init_reason(const json_t *pod, struct kt_str *out)
{
	json_t *statuses = kt_jget(pod, "status.initContainerStatuses"), *item;
	size_t total = json_array_size(kt_jget(pod, "spec.initContainers")), i;

	json_array_foreach(statuses, i, item) {
		const char *terminated = kt_jstr(item, "state.terminated.reason");
		const char *waiting = kt_jstr(item, "state.waiting.reason");
		if (kt_jget(item, "state.terminated") &&
		        kt_jint(item, "state.terminated.exitCode", 0) == 0)
			continue;
		if (is_sidecar(pod, kt_jstr(item, "name")) && kt_jbool(item, "started", false))
			continue;
		kt_str_clear(out);
		if (kt_jget(item, "state.terminated")) {
			if (terminated && *terminated)
				kt_str_printf(out, "Init:%s", terminated);
			else if (kt_jint(item, "state.terminated.signal", 0))
				kt_str_printf(out, "Init:Signal:%lld",
				        (long long)kt_jint(item, "state.terminated.signal", 0));
			else
				kt_str_printf(out, "Init:ExitCode:%lld",
				        (long long)kt_jint(item, "state.terminated.exitCode", 0));
		} else if (waiting && *waiting && strcmp(waiting, "PodInitializing") != 0) {
			kt_str_printf(out, "Init:%s", waiting);
		} else {
			kt_str_printf(out, "Init:%zu/%zu", i, total);
		}
		return true;
	}
	return false;
}

static void container_reason(const json_t *pod, struct kt_str *out)
{
	json_t *statuses = kt_jget(pod, "status.containerStatuses");
	bool has_running = false;

	/* The first container has the last word. */
	for (size_t i = json_array_size(statuses); i-- > 0;) {
		json_t *item = json_array_get(statuses, i);
		const char *waiting = kt_jstr(item, "state.waiting.reason");
		const char *terminated = kt_jstr(item, "state.terminated.reason");
		if (waiting && *waiting) {
			kt_str_clear(out);
			kt_str_puts(out, waiting);
		} else if (terminated && *terminated) {
			kt_str_clear(out);
			kt_str_puts(out, terminated);
		} else if (kt_jget(item, "state.terminated")) {
			int64_t signal = kt_jint(item, "state.terminated.signal", 0);
			kt_str_clear(out);
			kt_str_printf(out, signal ? "Signal:%lld" : "ExitCode:%lld",
			        (long long)(signal ? signal
			                           : kt_jint(item, "state.terminated.exitCode",
			                                     0)));
		} else if (kt_jbool(item, "ready", false) && kt_jget(item, "state.running")) {
			has_running = true;
		}
	}
	if (kt_streq(kt_str_text(out), "Completed") && has_running) {
		kt_str_clear(out);
		kt_str_puts(out, has_condition(pod, "Ready", "True") ? "Running" : "NotReady");
	}
}

static void add_phase(const json_t *pod, struct kt_str *out)
{
	const char *phase = kt_jstr(pod, "status.phase"), *reason = kt_jstr(pod, "status.reason");
	size_t i;
	json_t *condition;

	kt_str_puts(out, reason && *reason ? reason : phase ? phase : "");
	json_array_foreach(kt_jget(pod, "status.conditions"), i, condition)
		if (kt_streq(kt_jstr(condition, "type"), "PodScheduled") &&
		        kt_streq(kt_jstr(condition, "reason"), "SchedulingGated")) {
			kt_str_clear(out);
			kt_str_puts(out, "SchedulingGated");
		}
}

static json_t *pod_status(const struct kt_cell_context *context)
{
	const json_t *pod = context->object;
	kt_auto_str text = KT_STR_INIT;
	const char *phase = kt_jstr(pod, "status.phase");

	add_phase(pod, &text);
	if (!init_reason(pod, &text) || has_condition(pod, "Initialized", "True"))
		container_reason(pod, &text);
	if (kt_jget(pod, "metadata.deletionTimestamp")) {
		bool lost = kt_streq(kt_jstr(pod, "status.reason"), "NodeLost");
		bool over = kt_streq(phase, "Failed") || kt_streq(phase, "Succeeded");
		if (lost || !over) {
			kt_str_clear(&text);
			kt_str_puts(&text, lost ? "Unknown" : "Terminating");
		}
	}
	return json_string(kt_str_text(&text));
}

static void count_restarts(const json_t *statuses, const json_t *pod, bool sidecars_only,
        int64_t *restarts, int64_t *last_ns)
{
	size_t i;
	json_t *item;

	json_array_foreach(statuses, i, item) {
		const char *finished = kt_jstr(item, "lastState.terminated.finishedAt");
		int64_t when;
		if (sidecars_only && !is_sidecar(pod, kt_jstr(item, "name")))
			continue;
		*restarts += kt_jint(item, "restartCount", 0);
		if (finished && kt_time_parse(kt_sv_of(finished), &when) == 0)
			*last_ns = KT_MAX(*last_ns, when);
	}
}

static json_t *pod_restarts(const struct kt_cell_context *context)
{
	const json_t *pod = context->object;
	int64_t restarts = 0, last_ns = 0;
	char age[KT_TIME_TEXT_MAX];
	kt_auto_str reason = KT_STR_INIT;
	bool initializing = init_reason(pod, &reason) && !has_condition(pod, "Initialized", "True");

	count_restarts(kt_jget(pod, "status.initContainerStatuses"), pod, !initializing, &restarts,
	        &last_ns);
	if (!initializing)
		count_restarts(
		        kt_jget(pod, "status.containerStatuses"), pod, false, &restarts, &last_ns);
	if (!restarts || !last_ns)
		return json_sprintf("%lld", (long long)restarts);
	kt_duration_human(context->now_ns - last_ns, age);
	return json_sprintf("%lld (%s ago)", (long long)restarts, age);
}

static json_t *pod_ip(const struct kt_cell_context *context)
{
	const char *ip =
	        kt_jstr(json_array_get(kt_jget(context->object, "status.podIPs"), 0), "ip");

	return kt_cell_text_or_none(ip ? ip : kt_jstr(context->object, "status.podIP"));
}

static json_t *pod_node(const struct kt_cell_context *context)
{
	return kt_cell_text_or_none(kt_jstr(context->object, "spec.nodeName"));
}

static json_t *pod_nominated_node(const struct kt_cell_context *context)
{
	return kt_cell_text_or_none(kt_jstr(context->object, "status.nominatedNodeName"));
}

static json_t *pod_readiness_gates(const struct kt_cell_context *context)
{
	json_t *gates = kt_jget(context->object, "spec.readinessGates"), *gate;
	size_t ready = 0, i;

	if (!json_array_size(gates))
		return json_string("<none>");
	json_array_foreach(gates, i, gate)
		ready += has_condition(context->object, kt_jstr(gate, "conditionType"), "True");
	return json_sprintf("%zu/%zu", ready, json_array_size(gates));
}

json_t *kt_cell_row_conditions(const struct kt_cell_context *context)
{
	const char *phase = kt_jstr(context->object, "status.phase");
	bool succeeded = kt_streq(phase, "Succeeded");

	if (!context->kind->n_columns || !kt_streq(context->kind->columns[1].cell, "pod_ready"))
		return NULL;
	if (!succeeded && !kt_streq(phase, "Failed"))
		return NULL;
	return json_pack("[{s:s,s:s,s:s,s:s}]", "type", "Completed", "status", "True", "reason",
	        phase, "message",
	        succeeded ? "The pod has completed successfully." : "The pod failed.");
}

static const struct kt_cell_entry entries[] = {
        {"pod_ready", pod_ready},
        {"pod_status", pod_status},
        {"pod_restarts", pod_restarts},
        {"pod_ip", pod_ip},
        {"pod_node", pod_node},
        {"pod_nominated_node", pod_nominated_node},
        {"pod_readiness_gates", pod_readiness_gates},
        {NULL, NULL},
};
const struct kt_cell_group kt_cells_pod = {entries};
