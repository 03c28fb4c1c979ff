/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster/scheduler/eviction.h"

#include "api/client/sections.h"
#include "api/status.h"
#include "base/log.h"
#include "base/time.h"

#define PODS_PATH "/api/v1/namespaces/%.*s/pods/%.*s"

/* One victim, through its two calls. */
struct victim {
	struct kt_eviction *eviction;
	struct kt_object *pod;
};

static void victim_free(void *value)
{
	struct victim *victim = value;

	kt_object_unref(victim->pod);
	free(victim);
}

static void deleted(void *arg, struct kt_call *call)
{
	struct victim *victim = arg;
	struct kt_eviction *eviction = victim->eviction;
	struct kt_pod_info *pod =
	        kt_map_get_sv(&eviction->snapshot->pods_by_uid, kt_object_uid(victim->pod));

	if (call->err.code && kt_err_reason(&call->err) != KT_REASON_NOT_FOUND) {
		kt_log_debug("scheduler", "%s: %s", call->path, kt_err_message(&call->err));
		if (pod)
			pod->preempted = false;
		eviction->failed(eviction->arg);
	}
	victim_free(victim);
}

/* The condition is a courtesy: without it the pod is deleted all the same. */
static void marked(void *arg, struct kt_call *call)
{
	struct victim *victim = arg;
	struct kt_sv namespace = kt_object_namespace(victim->pod),
	             name = kt_object_name(victim->pod), uid = kt_object_uid(victim->pod);
	kt_auto_str body = KT_STR_INIT;
	struct kt_call_spec spec = {.method = "DELETE",
	        .body = &body,
	        .done = deleted,
	        .arg = victim,
	        .drop = victim_free};

	(void)call;
	kt_str_printf(&body,
	        "{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\",\"preconditions\":{\"uid\":"
	        "\"%.*s\"}}",
	        KT_SVP(uid));
	kt_calls_send(victim->eviction->calls, &spec, PODS_PATH, KT_SVP(namespace), KT_SVP(name));
}

static void write_generation(struct kt_str *body, const struct kt_object *pod)
{
	int64_t generation;

	if (kt_json_int64(kt_object_field(pod, KT_SECTION_METADATA, "generation"), &generation))
		kt_str_printf(body, ",\"observedGeneration\":%lld", (long long)generation);
}

static void evict(struct kt_eviction *eviction, struct kt_object *pod)
{
	struct victim *victim = kt_new(struct victim);
	kt_auto_str body = KT_STR_INIT;
	struct kt_call_spec spec = {.method = "PATCH",
	        .content_type = KT_PATCH_STRATEGIC,
	        .body = &body,
	        .done = marked,
	        .arg = victim,
	        .drop = victim_free};
	char now[KT_TIME_TEXT_MAX];

	victim->eviction = eviction;
	victim->pod = kt_object_ref(pod);
	kt_time_format(kt_loop_wall_ns(eviction->loop), now);
	kt_str_printf(&body,
	        "{\"metadata\":{\"uid\":\"%.*s\"},\"status\":{\"conditions\":[{\"type\":"
	        "\"DisruptionTarget\",\"status\":\"True\",\"reason\":\"PreemptionByScheduler\","
	        "\"message\":\"%s: preempting to accommodate a higher priority pod\","
	        "\"lastProbeTime\":null,\"lastTransitionTime\":\"%s\"",
	        KT_SVP(kt_object_uid(pod)), eviction->scheduler_name, now);
	write_generation(&body, pod);
	kt_str_puts(&body, "}]}}");
	kt_calls_send(eviction->calls, &spec, PODS_PATH "/status", KT_SVP(kt_object_namespace(pod)),
	        KT_SVP(kt_object_name(pod)));
}

static void tell(struct kt_eviction *eviction, const struct kt_object *pod,
        const struct kt_pod_info *preemptor, const char *node)
{
	struct kt_event event = {
	        .about = kt_event_ref_of(pod),
	        .type = "Normal",
	        .reason = "Preempted",
	        .action = "Preempting",
	};

	event.about.kind = KT_SV("Pod");
	event.about.api_version = KT_SV("v1");
	kt_event_record(eviction->recorder, &event, "Preempted by pod %.*s on node %s",
	        KT_SVP(preemptor->uid), node);
}

void kt_eviction_write_nomination(
        struct kt_eviction *eviction, const struct kt_object *pod, const char *node)
{
	kt_auto_str body = KT_STR_INIT;
	struct kt_call_spec spec = {
	        .method = "PATCH", .content_type = KT_PATCH_STRATEGIC, .body = &body};

	kt_str_printf(&body, "{\"metadata\":{\"uid\":\"%.*s\"},\"status\":{\"nominatedNodeName\":",
	        KT_SVP(kt_object_uid(pod)));
	if (node)
		kt_str_printf(&body, "\"%s\"}}", node);
	else
		kt_str_puts(&body, "null}}");
	kt_calls_send(eviction->calls, &spec, PODS_PATH "/status", KT_SVP(kt_object_namespace(pod)),
	        KT_SVP(kt_object_name(pod)));
}

/* They would be pushed aside anyway; let them look elsewhere. */
static void clear_lower_nominations(struct kt_eviction *eviction,
        const struct kt_pod_info *preemptor, struct kt_node_info *node)
{
	for (size_t i = node->nominated.n; i-- > 0;) {
		struct kt_pod_info *pod = node->nominated.items[i];
		kt_auto_object struct kt_object *object = kt_object_ref(pod->object);

		if (pod->priority >= preemptor->priority)
			continue;
		kt_snapshot_nominate(eviction->snapshot, object, NULL);
		kt_eviction_write_nomination(eviction, object, NULL);
	}
}

void kt_eviction_run(struct kt_eviction *eviction, const struct kt_pod_info *preemptor,
        const struct kt_candidate *candidate)
{
	for (size_t i = 0; i < candidate->n_victims; i++) {
		struct kt_pod_info *victim = candidate->victims[i];

		victim->preempted = true;
		if (victim->object->deletion_timestamp.len)
			continue;
		tell(eviction, victim->object, preemptor, candidate->node->name);
		evict(eviction, victim->object);
	}
	clear_lower_nominations(eviction, preemptor, candidate->node);
}
