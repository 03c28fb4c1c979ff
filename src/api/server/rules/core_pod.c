/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Pod kind: what is filled in and kept when one is created, updated, resized, or its status is
 * written. */
#include "api/server/rules/meta.h"
#include "api/server/rules/pod.h"
#include "api/server/rules/table.h"
#include "base/time.h"

static void set_text(json_t *object, const char *name, const char *text)
{
	json_object_set_new(object, name, json_string(text));
}

/* A gated pod says so from the start; the scheduler does not look at it. */
static void mark_gated(struct kt_rule_context *c, json_t *pod)
{
	if (!json_array_size(kt_jget(pod, "spec.schedulingGates")))
		return;
	char now[KT_TIME_TEXT_MAX];
	kt_time_format(c->now_ns, now);
	json_t *condition = json_pack("{s:s, s:s, s:s, s:s, s:s}", "type", "PodScheduled", "status",
	        "False", "lastTransitionTime", now, "reason", "SchedulingGated", "message",
	        "Scheduling is blocked due to non-empty scheduling gates");
	json_object_set_new(
	        json_object_get(pod, "status"), "conditions", json_pack("[o]", condition));
}

/* matchLabelKeys and mismatchLabelKeys become requirements of the selector, by the pod's own
 * labels. */
static void merge_label_keys(
        json_t *term, const json_t *labels, const char *keys_name, const char *operator)
{
	json_t *selector = json_object_get(term, "labelSelector"), *key;
	size_t i;
	json_array_foreach(json_object_get(term, keys_name), i, key) {
		const char *value =
		        json_string_value(json_object_get(labels, json_string_value(key)));
		if (!selector || !value)
			continue;
		json_t *expressions = json_object_get(selector, "matchExpressions");
		if (!expressions)
			json_object_set_new(
			        selector, "matchExpressions", expressions = json_array());
		json_array_append_new(expressions, json_pack("{s:O, s:s, s:[s]}", "key", key,
		                                           "operator", operator, "values", value));
	}
}

static void merge_affinity_keys(json_t *affinity, const json_t *labels)
{
	size_t i;
	json_t *term;
	json_array_foreach(
	        json_object_get(affinity, "requiredDuringSchedulingIgnoredDuringExecution"), i,
	        term) {
		merge_label_keys(term, labels, "matchLabelKeys", "In");
		merge_label_keys(term, labels, "mismatchLabelKeys", "NotIn");
	}
	json_array_foreach(
	        json_object_get(affinity, "preferredDuringSchedulingIgnoredDuringExecution"), i,
	        term) {
		json_t *inner = json_object_get(term, "podAffinityTerm");
		merge_label_keys(inner, labels, "matchLabelKeys", "In");
		merge_label_keys(inner, labels, "mismatchLabelKeys", "NotIn");
	}
}

static void merge_all_label_keys(json_t *pod)
{
	const json_t *labels = kt_jget(pod, "metadata.labels");
	json_t *spec = json_object_get(pod, "spec"), *constraint;
	merge_affinity_keys(kt_jget(spec, "affinity.podAffinity"), labels);
	merge_affinity_keys(kt_jget(spec, "affinity.podAntiAffinity"), labels);
	size_t i;
	json_array_foreach(json_object_get(spec, "topologySpreadConstraints"), i, constraint) {
		merge_label_keys(constraint, labels, "matchLabelKeys", "In");
	}
}

/* Projected volumes do not take trust bundles while that feature is off by default. */
static void drop_trust_bundles(json_t *spec)
{
	json_t *volume;
	size_t i;

	json_array_foreach(json_object_get(spec, "volumes"), i, volume) {
		json_t *sources = kt_jget(volume, "projected.sources");

		for (size_t s = 0; s < json_array_size(sources); s++)
			json_object_del(json_array_get(sources, s), "clusterTrustBundle");
	}
}

/* Nor do containers take a stop signal. */
static void drop_stop_signals(json_t *spec)
{
	static const char *const lists[] = {"initContainers", "containers", "ephemeralContainers"};
	json_t *container;
	size_t i;

	for (size_t l = 0; l < KT_ARRAY_SIZE(lists); l++)
		json_array_foreach(json_object_get(spec, lists[l]), i, container) {
			json_t *lifecycle = json_object_get(container, "lifecycle");

			if (json_object_del(lifecycle, "stopSignal") == 0 &&
			        json_object_size(lifecycle) == 0)
				json_object_del(container, "lifecycle");
		}
}

/* What belongs to features that are off by default. */
static void drop_disabled(json_t *spec)
{
	drop_trust_bundles(spec);
	drop_stop_signals(spec);
	json_object_del(spec, "workloadRef");
}

static int prepare_create(struct kt_rule_context *c, json_t *pod)
{
	json_t *status = json_object();
	set_text(status, "phase", "Pending");
	set_text(status, "qosClass", kt_pod_qos(json_object_get(pod, "spec")));
	json_object_set_new(pod, "status", status);
	mark_gated(c, pod);
	merge_all_label_keys(pod);
	kt_pod_take_apparmor(pod);
	return 0;
}

static json_t *mutable_copy(const json_t *value)
{
	return value ? json_deep_copy(value) : NULL;
}

static void take(json_t *object, const json_t *old, const char *name)
{
	json_t *value = mutable_copy(json_object_get(old, name));
	if (value)
		json_object_set_new(object, name, value);
	else
		json_object_del(object, name);
}

/* The first of podIPs is podIP, and the reverse; hostIPs likewise. */
static void pair_addresses(json_t *status, const char *single, const char *plural)
{
	const char *ip = kt_text_of(status, single);
	json_t *list = json_object_get(status, plural), *first = json_array_get(list, 0);
	if (!*ip && first)
		json_object_set(status, single, json_object_get(first, "ip"));
	else if (*ip && !first)
		json_object_set_new(status, plural, json_pack("[{s:s}]", "ip", ip));
	else if (*ip && strcmp(single, "podIP") == 0 && strcmp(kt_text_of(first, "ip"), ip) != 0)
		json_object_set_new(status, plural, json_pack("[{s:s}]", "ip", ip));
}

static void prepare_status(json_t *pod, const json_t *old)
{
	json_t *status = json_object_get(pod, "status"), *meta = json_object_get(pod, "metadata");
	if (!status)
		json_object_set_new(pod, "status", status = json_object());
	take(meta, json_object_get(old, "metadata"), "ownerReferences");
	if (!*kt_text_of(status, "qosClass"))
		take(status, json_object_get(old, "status"), "qosClass");
	pair_addresses(status, "podIP", "podIPs");
	pair_addresses(status, "hostIP", "hostIPs");
}

/* /ephemeralcontainers takes that one field of the spec, /resize the resources, whatever else was
 * sent. */
static void prepare_debug(json_t *pod, const json_t *old)
{
	kt_auto_json json_t *wanted = json_incref(kt_jget(pod, "spec.ephemeralContainers"));
	take(pod, old, "spec");
	take(pod, old, "status");
	json_t *spec = json_object_get(pod, "spec");
	if (wanted)
		json_object_set(spec, "ephemeralContainers", wanted);
	else
		json_object_del(spec, "ephemeralContainers");
	take(pod, old, "metadata");
}

static void resize_list(json_t *spec, const json_t *wanted, const char *list)
{
	json_t *containers = json_object_get(spec, list), *to = json_object_get(wanted, list),
	       *container, *other;
	size_t i, j;
	if (json_array_size(containers) != json_array_size(to))
		return;
	json_array_foreach(containers, i, container) {
		json_array_foreach(to, j, other) {
			if (strcmp(kt_text_of(container, "name"), kt_text_of(other, "name")) != 0)
				continue;
			take(container, other, "resources");
			take(container, other, "resizePolicy");
		}
	}
}

static void prepare_resize(json_t *pod, const json_t *old)
{
	kt_auto_json json_t *wanted = json_incref(json_object_get(pod, "spec"));
	take(pod, old, "spec");
	take(pod, old, "status");
	take(pod, old, "metadata");
	json_t *spec = json_object_get(pod, "spec");
	resize_list(spec, wanted, "containers");
	resize_list(spec, wanted, "initContainers");
}

static int prepare(struct kt_rule_context *c, json_t *pod, const json_t *old)
{
	drop_disabled(json_object_get(pod, "spec"));
	if (!old)
		return prepare_create(c, pod);
	if (!c->subresource)
		return 0;
	if (strcmp(c->subresource, "status") == 0)
		prepare_status(pod, old);
	else if (strcmp(c->subresource, "ephemeralcontainers") == 0)
		prepare_debug(pod, old);
	else if (strcmp(c->subresource, "resize") == 0)
		prepare_resize(pod, old);
	return 0;
}

static void validate(struct kt_rule_context *c, const json_t *pod, const json_t *old)
{
	struct kt_at root = kt_at_root(c, pod), spec = kt_at(&root, "spec"),
	             meta = kt_at(&root, "metadata");
	if (old && c->subresource && strcmp(c->subresource, "status") == 0) {
		kt_check_pod_status_update(c, pod, old);
		return;
	}
	struct kt_at annotations = kt_at(&meta, "annotations");
	kt_meta_validate(c, pod, NULL);
	kt_check_pod_annotations(c, &annotations, &spec);
	kt_check_pod_spec(c, &spec, meta.value, json_object_get(old, "spec"), true);
	if (!old) {
		struct kt_at ephemeral = kt_at(&spec, "ephemeralContainers");
		if (kt_at_n(&ephemeral))
			kt_add_forbidden(c, &ephemeral, "cannot be set on create");
	} else if (!c->subresource) {
		kt_check_pod_update(c, pod, old);
	} else if (strcmp(c->subresource, "ephemeralcontainers") == 0) {
		kt_check_pod_debug_update(c, pod, old);
	} else if (strcmp(c->subresource, "resize") == 0) {
		kt_check_pod_resize(c, pod, old);
	}
}

static void warn(struct kt_rule_context *c, const json_t *pod, const json_t *old)
{
	if (old) /* those who change pods are controllers */
		return;
	struct kt_at root = kt_at_root(c, pod), spec = kt_at(&root, "spec");
	kt_pod_warn(c, &spec, json_object_get(pod, "metadata"), NULL, true);
}

/* An unbound or finished pod goes at once; a running one gets its grace period from the kubelet. */
static int prepare_delete(struct kt_rule_context *c, json_t *pod, int64_t *grace_seconds)
{
	(void)c;
	const char *phase = kt_text_of(json_object_get(pod, "status"), "phase");
	if (*grace_seconds < 0)
		*grace_seconds = kt_jint(pod, "spec.terminationGracePeriodSeconds", 30);
	if (!*kt_text_of(json_object_get(pod, "spec"), "nodeName") ||
	        strcmp(phase, "Failed") == 0 || strcmp(phase, "Succeeded") == 0)
		*grace_seconds = 0;
	return 0;
}

const struct kt_rules kt_rules_core_pod = {
        .group = "",
        .kind = "Pod",
        .default_object = kt_pod_default,
        .prepare = prepare,
        .validate = validate,
        .warn = warn,
        .prepare_delete = prepare_delete,
};
