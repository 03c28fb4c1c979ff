/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/versions.h"

#include "api/codec/codec.h"
#include "api/machinery/limits.h"
#include "api/schema/crd.h"

const struct kt_kind *kt_versions_stored_kind(const struct kt_kind *kind)
{
	if (kt_streq(kind->version, kind->storage_version) && !kind->storage_prefix)
		return kind;
	const struct kt_kind_set *set = kind->set;
	for (size_t i = 0; i < set->n_kinds; i++) {
		const struct kt_kind *other = &set->kinds[i];
		if (kt_streq(other->version, kind->storage_version) &&
		        kt_streq(other->kind, kind->kind) &&
		        kt_streq(other->storage_prefix, kind->storage_prefix))
			return other;
	}
	return kind;
}

/* Canonical objects begin {"kind":"Pod","apiVersion":"v1", */
bool kt_versions_is_same(const struct kt_kind *kind, const struct kt_object *object)
{
	char api_version[256], head[512];

	kt_kind_api_version(kind, api_version, sizeof(api_version));
	int len = snprintf(head, sizeof(head), "{\"kind\":\"%s\",\"apiVersion\":\"%s\"", kind->kind,
	        api_version);
	if (len > 0 && (size_t)len < sizeof(head) && object->json_len > (uint32_t)len &&
	        !memcmp(kt_object_json(object), head, (size_t)len))
		return true;
	return kt_json_string_is(kt_json_member(kt_object_doc(object), "apiVersion"), api_version);
}

/* Was it stored before its definition became what it is? */
static bool is_stale(const struct kt_kind *kind, const struct kt_object *object)
{
	const struct kt_crd *crd = kt_crd_of_kind(kind);

	return crd && object->revision <= crd->since_revision;
}

bool kt_versions_is_native(const struct kt_kind *kind, const struct kt_object *object)
{
	return kt_versions_is_same(kind, object) && !is_stale(kind, object);
}

static void rename_key(json_t *tree, const char *from, const char *to)
{
	json_t *value = json_object_get(tree, from);

	if (!value)
		return;
	json_object_set(tree, to, value);
	json_object_del(tree, from);
}

static void event_to_core(json_t *tree)
{
	rename_key(tree, "note", "message");
	rename_key(tree, "regarding", "involvedObject");
	rename_key(tree, "deprecatedSource", "source");
	rename_key(tree, "deprecatedFirstTimestamp", "firstTimestamp");
	rename_key(tree, "deprecatedLastTimestamp", "lastTimestamp");
	rename_key(tree, "deprecatedCount", "count");
	rename_key(tree, "reportingController", "reportingComponent");
}

static void event_from_core(json_t *tree)
{
	rename_key(tree, "message", "note");
	rename_key(tree, "involvedObject", "regarding");
	rename_key(tree, "source", "deprecatedSource");
	rename_key(tree, "firstTimestamp", "deprecatedFirstTimestamp");
	rename_key(tree, "lastTimestamp", "deprecatedLastTimestamp");
	rename_key(tree, "count", "deprecatedCount");
	rename_key(tree, "reportingComponent", "reportingController");
}

#define HPA_METRICS "autoscaling.alpha.kubernetes.io/metrics"
#define HPA_CURRENT "autoscaling.alpha.kubernetes.io/current-metrics"
#define HPA_CONDITIONS "autoscaling.alpha.kubernetes.io/conditions"
#define HPA_BEHAVIOR "autoscaling.alpha.kubernetes.io/behavior"

static json_t *cpu_metric(json_t *target)
{
	return json_pack("{s:s,s:{s:s,s:o}}", "type", "Resource", "resource", "name", "cpu",
	        "target", target);
}

/* What version 1 has no field for travels in annotations. */
static json_t *take_annotation(json_t *tree, const char *name)
{
	json_t *annotations = kt_jget(tree, "metadata.annotations");
	const char *text = json_string_value(json_object_get(annotations, name));
	json_t *value = text ? kt_json_parse(kt_sv_of(text), NULL, NULL) : NULL;

	if (value)
		json_object_del(annotations, name);
	if (annotations && !json_object_size(annotations))
		json_object_del(json_object_get(tree, "metadata"), "annotations");
	return value;
}

static void put_annotation(json_t *tree, const char *name, const json_t *value)
{
	json_t *metadata = json_object_get(tree, "metadata");
	json_t *annotations = json_object_get(metadata, "annotations");
	kt_auto_str text = KT_STR_INIT;

	if (!value || !json_array_size(value))
		if (!json_is_object(value))
			return;
	if (!annotations) {
		annotations = json_object();
		json_object_set_new(metadata, "annotations", annotations);
	}
	kt_json_write(&text, value, 0);
	json_object_set_new(annotations, name, json_string(kt_str_text(&text)));
}

static void hpa_v1_to_v2(json_t *tree)
{
	json_t *spec = json_object_get(tree, "spec"), *status = json_object_get(tree, "status");
	json_t *metrics = json_array(), *current = json_array();
	json_t *percent = json_object_get(spec, "targetCPUUtilizationPercentage");
	json_t *used = json_object_get(status, "currentCPUUtilizationPercentage");
	kt_auto_json json_t *more = take_annotation(tree, HPA_METRICS);
	kt_auto_json json_t *more_current = take_annotation(tree, HPA_CURRENT);
	json_t *conditions = take_annotation(tree, HPA_CONDITIONS),
	       *behavior = take_annotation(tree, HPA_BEHAVIOR);

	if (json_is_array(more))
		json_array_extend(metrics, more);
	if (percent)
		json_array_append_new(
		        metrics, cpu_metric(json_pack("{s:s,s:O}", "type", "Utilization",
		                         "averageUtilization", percent)));
	if (json_is_array(more_current))
		json_array_extend(current, more_current);
	else if (used)
		json_array_append_new(
		        current, json_pack("{s:s,s:{s:s,s:{s:O}}}", "type", "Resource", "resource",
		                         "name", "cpu", "current", "averageUtilization", used));
	json_object_del(spec, "targetCPUUtilizationPercentage");
	json_object_del(status, "currentCPUUtilizationPercentage");
	if (json_array_size(metrics))
		json_object_set(spec, "metrics", metrics);
	if (json_array_size(current))
		json_object_set(status, "currentMetrics", current);
	json_decref(metrics);
	json_decref(current);
	if (conditions)
		json_object_set_new(status, "conditions", conditions);
	if (behavior)
		json_object_set_new(spec, "behavior", behavior);
}

static bool is_cpu_utilization(const json_t *metric, const char *path)
{
	return kt_streq(kt_jstr(metric, "resource.name"), "cpu") && kt_jget(metric, path);
}

/* Takes the cpu utilisation out of a list of metrics; returns it (borrowed by *spec) or NULL. */
static void split_cpu(json_t *metrics, const char *path, json_t *into, const char *key)
{
	size_t i;
	json_t *metric;

	json_array_foreach(metrics, i, metric) {
		if (!is_cpu_utilization(metric, path))
			continue;
		json_object_set(into, key, kt_jget(metric, path));
		json_array_remove(metrics, i);
		return;
	}
}

static void hpa_v2_to_v1(json_t *tree)
{
	json_t *spec = json_object_get(tree, "spec"), *status = json_object_get(tree, "status");
	json_t *metrics = json_object_get(spec, "metrics");
	json_t *current = json_object_get(status, "currentMetrics");
	json_t *cpu = NULL;
	size_t i;

	split_cpu(metrics, "resource.target.averageUtilization", spec,
	        "targetCPUUtilizationPercentage");
	put_annotation(tree, HPA_METRICS, metrics);
	json_array_foreach(current, i, cpu)
		if (is_cpu_utilization(cpu, "resource.current.averageUtilization"))
			json_object_set(status, "currentCPUUtilizationPercentage",
			        kt_jget(cpu, "resource.current.averageUtilization"));
	put_annotation(tree, HPA_CURRENT, current);
	put_annotation(tree, HPA_CONDITIONS, json_object_get(status, "conditions"));
	put_annotation(tree, HPA_BEHAVIOR, json_object_get(spec, "behavior"));
	json_object_del(spec, "metrics");
	json_object_del(spec, "behavior");
	json_object_del(status, "currentMetrics");
	json_object_del(status, "conditions");
}

static const struct {
	const char *kind, *from, *to;
	void (*convert)(json_t *tree);
} conversions[] = {
        {"Event", "events.k8s.io/v1", "v1", event_to_core},
        {"Event", "v1", "events.k8s.io/v1", event_from_core},
        {"HorizontalPodAutoscaler", "autoscaling/v1", "autoscaling/v2", hpa_v1_to_v2},
        {"HorizontalPodAutoscaler", "autoscaling/v2", "autoscaling/v1", hpa_v2_to_v1},
};

static void convert(const struct kt_kind *kind, json_t *tree)
{
	char to[256];
	const char *from = kt_jstr(tree, "apiVersion");

	kt_kind_api_version(kind, to, sizeof(to));
	for (size_t i = 0; from && i < KT_ARRAY_SIZE(conversions); i++)
		if (kt_streq(conversions[i].kind, kind->kind) &&
		        kt_streq(conversions[i].from, from) && kt_streq(conversions[i].to, to)) {
			conversions[i].convert(tree);
			break;
		}
	json_object_set_new(tree, "apiVersion", json_string(to));
}

/* Takes the tree. One version of a custom resource may know fewer fields than another: what it does
 * not know goes. */
static json_t *fitting(const struct kt_kind *kind, json_t **tree)
{
	json_t *pruned = NULL;

	if ((kind->flags & KT_KIND_CUSTOM) &&
	        kt_codec_normalize(*tree, kind->type, KT_STRICT_IGNORE, &pruned, NULL, NULL) == 0)
		return pruned;
	return kt_steal(tree);
}

/* Takes the tree: what the storage version does not know any more goes, what it has a default for
 * by now comes. */
static json_t *refreshed(const struct kt_kind *kind, json_t **tree)
{
	const struct kt_kind *stored = kt_versions_stored_kind(kind);
	json_t *fresh = fitting(stored, tree);

	kt_type_drop_nulls(stored->type, fresh);
	kt_type_default(stored->type, fresh);
	return fresh;
}

json_t *kt_versions_tree(const struct kt_kind *kind, const struct kt_object *object)
{
	kt_auto_json json_t *tree = kt_object_tree(object);

	if (is_stale(kind, object)) {
		json_t *fresh = refreshed(kind, &tree);

		json_decref(tree);
		tree = fresh;
	}
	if (kt_versions_is_same(kind, object))
		return kt_steal(&tree);
	convert(kind, tree);
	return fitting(kind, &tree);
}

json_t *kt_versions_convert(const struct kt_kind *kind, const json_t *tree)
{
	kt_auto_json json_t *copy = json_deep_copy(tree);

	convert(kind, copy);
	return fitting(kind, &copy);
}

json_t *kt_versions_to_stored(const struct kt_kind *kind, json_t *tree)
{
	const struct kt_kind *stored = kt_versions_stored_kind(kind);

	if (stored == kind)
		return json_incref(tree);
	kt_auto_json json_t *copy = json_deep_copy(tree);
	convert(stored, copy);
	return fitting(stored, &copy);
}
