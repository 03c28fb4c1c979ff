/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/autoscaler_versions.h"

#include "api/schema/schema.h"
#include "api/server/rules/unversioned.h"

#define METRICS "autoscaling.alpha.kubernetes.io/metrics"
#define CURRENT "autoscaling.alpha.kubernetes.io/current-metrics"
#define CONDITIONS "autoscaling.alpha.kubernetes.io/conditions"
#define BEHAVIOR "autoscaling.alpha.kubernetes.io/behavior"

/* One value of a metric: its name in version 1 and its place in version 2. */
struct pair {
	const char *v1, *v2, *v2_inner; /* v2_inner: within the member v2; NULL: v2 itself */
	bool always; /* an amount that version 1 writes even when there is none */
};

struct shape {
	const char *member; /* of a metric, by its type */
	struct pair pairs[6];
};

#define NAME \
	{ \
		"name", "name", NULL, false \
	}
#define METRIC_NAME \
	{ \
		"metricName", "metric", "name", false \
	}
#define CONTAINER \
	{ \
		"container", "container", NULL, false \
	}
#define TARGET \
	{ \
		"target", "describedObject", NULL, false \
	}
#define SELECTOR(v1) \
	{ \
		v1, "metric", "selector", false \
	}

static const struct shape specs[] = {
        {"object",
                {TARGET, METRIC_NAME, {"targetValue", "target", "value", true},
                        SELECTOR("selector"), {"averageValue", "target", "averageValue", false}}},
        {"pods", {METRIC_NAME, {"targetAverageValue", "target", "averageValue", true},
                         SELECTOR("selector")}},
        {"resource", {NAME, {"targetAverageUtilization", "target", "averageUtilization", false},
                             {"targetAverageValue", "target", "averageValue", false}}},
        {"containerResource",
                {NAME, {"targetAverageUtilization", "target", "averageUtilization", false},
                        {"targetAverageValue", "target", "averageValue", false}, CONTAINER}},
        {"external",
                {METRIC_NAME, SELECTOR("metricSelector"), {"targetValue", "target", "value", false},
                        {"targetAverageValue", "target", "averageValue", false}}},
};

static const struct shape statuses[] = {
        {"object",
                {TARGET, METRIC_NAME, {"currentValue", "current", "value", true},
                        SELECTOR("selector"), {"averageValue", "current", "averageValue", false}}},
        {"pods", {METRIC_NAME, {"currentAverageValue", "current", "averageValue", true},
                         SELECTOR("selector")}},
        {"resource", {NAME, {"currentAverageUtilization", "current", "averageUtilization", false},
                             {"currentAverageValue", "current", "averageValue", true}}},
        {"containerResource",
                {NAME, {"currentAverageUtilization", "current", "averageUtilization", false},
                        {"currentAverageValue", "current", "averageValue", true}, CONTAINER}},
        {"external", {METRIC_NAME, SELECTOR("metricSelector"),
                             {"currentValue", "current", "value", true},
                             {"currentAverageValue", "current", "averageValue", false}}},
};

static const size_t n_shapes = KT_ARRAY_SIZE(specs);

static json_t *flat(const struct shape *shape, const json_t *source)
{
	json_t *made = json_object();

	for (const struct pair *pair = shape->pairs; pair->v1; pair++) {
		json_t *value = json_object_get(source, pair->v2);
		if (pair->v2_inner)
			value = json_object_get(value, pair->v2_inner);
		if (value)
			json_object_set(made, pair->v1, value);
		else if (pair->always)
			json_object_set_new(made, pair->v1, json_string("0"));
	}
	return made;
}

/* What a target is measured by: version 1 does not say so. */
static const char *target_type(const json_t *target)
{
	if (json_object_get(target, "averageUtilization"))
		return "Utilization";
	return json_object_get(target, "averageValue") ? "AverageValue" : "Value";
}

static bool is_nought(const json_t *value)
{
	return kt_streq(json_string_value(value), "0");
}

static json_t *nested(const struct shape *shape, const json_t *source)
{
	json_t *made = json_object(), *target;

	for (const struct pair *pair = shape->pairs; pair->v1; pair++) {
		json_t *value = json_object_get(source, pair->v1), *into = made;
		if (pair->v2_inner && !(into = json_object_get(made, pair->v2))) {
			into = json_object();
			json_object_set_new(made, pair->v2, into);
		}
		if (value && !(pair->always && is_nought(value)))
			json_object_set(into, pair->v2_inner ? pair->v2_inner : pair->v2, value);
	}
	target = json_object_get(made, "target");
	if (target)
		json_object_set_new(target, "type", json_string(target_type(target)));
	return made;
}

static json_t *convert_metrics(const json_t *metrics, const struct shape *shapes,
        json_t *(*convert)(const struct shape *shape, const json_t *source))
{
	json_t *made = json_array(), *metric;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)metrics, i, metric) {
		json_t *one = json_object();
		json_object_set(one, "type", json_object_get(metric, "type"));
		for (size_t s = 0; s < n_shapes; s++) {
			const json_t *source = json_object_get(metric, shapes[s].member);
			if (source)
				json_object_set_new(
				        one, shapes[s].member, convert(&shapes[s], source));
		}
		json_array_append_new(made, one);
	}
	return made;
}

/* --- annotations --- */

/* Takes it away, whatever it holds; NULL when that cannot be read. */
static json_t *take_annotation(json_t *tree, const char *name)
{
	json_t *annotations = kt_jget(tree, "metadata.annotations");
	const char *text = json_string_value(json_object_get(annotations, name));
	json_t *value = text ? kt_json_parse(kt_sv_of(text), NULL, NULL) : NULL;

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

	if (!json_array_size(value) && !json_object_size(value))
		return;
	if (!annotations) {
		annotations = json_object();
		json_object_set_new(metadata, "annotations", annotations);
	}
	kt_json_write(&text, value, 0);
	json_object_set_new(annotations, name, json_string(kt_str_text(&text)));
}

/* Names of an unversioned struct to JSON names; Go reads them whatever their case. */
static json_t *versioned_names(const json_t *value)
{
	json_t *borrowed = (json_t *)(uintptr_t)value, *made, *element;
	const char *key;
	size_t i;

	if (json_is_array(value)) {
		made = json_array();
		json_array_foreach(borrowed, i, element)
			json_array_append_new(made, versioned_names(element));
		return made;
	}
	if (!json_is_object(value))
		return json_incref(borrowed);
	made = json_object();
	json_object_foreach(borrowed, key, element) {
		kt_auto_free char *name = kt_strdup(key);
		name[0] = name[0] >= 'A' && name[0] <= 'Z' ? (char)(name[0] - 'A' + 'a') : name[0];
		if (!json_is_null(element))
			json_object_set_new(made, name, versioned_names(element));
	}
	return made;
}

/* --- the two ways --- */

static json_t *cpu_metric(const char *member, json_t *value)
{
	return json_pack(
	        "{s:s,s:{s:s,s:o}}", "type", "Resource", "resource", "name", "cpu", member, value);
}

static void spec_to_v2(json_t *tree, json_t *spec)
{
	kt_auto_json json_t *more = take_annotation(tree, METRICS),
	                    *behavior = take_annotation(tree, BEHAVIOR);
	json_t *percent = json_object_get(spec, "targetCPUUtilizationPercentage");
	json_t *metrics = convert_metrics(more, specs, nested);

	if (percent)
		json_array_append_new(
		        metrics, cpu_metric("target", json_pack("{s:s,s:O}", "type", "Utilization",
		                                              "averageUtilization", percent)));
	json_object_del(spec, "targetCPUUtilizationPercentage");
	if (json_array_size(metrics))
		json_object_set(spec, "metrics", metrics);
	json_decref(metrics);
	if (json_is_object(behavior))
		json_object_set_new(spec, "behavior", versioned_names(behavior));
}

static void status_to_v2(json_t *tree, json_t *status)
{
	kt_auto_json json_t *more = take_annotation(tree, CURRENT),
	                    *conditions = take_annotation(tree, CONDITIONS);
	json_t *used = json_object_get(status, "currentCPUUtilizationPercentage");
	json_t *current = convert_metrics(more, statuses, nested);

	if (!json_is_array(more) && used)
		json_array_append_new(current,
		        cpu_metric("current", json_pack("{s:O}", "averageUtilization", used)));
	json_object_del(status, "currentCPUUtilizationPercentage");
	if (json_array_size(current))
		json_object_set(status, "currentMetrics", current);
	json_decref(current);
	if (json_is_array(conditions))
		json_object_set(status, "conditions", conditions);
}

void kt_autoscaler_v1_to_v2(json_t *tree)
{
	spec_to_v2(tree, json_object_get(tree, "spec"));
	status_to_v2(tree, json_object_get(tree, "status"));
}

static bool is_cpu_utilization(const json_t *metric, const char *path)
{
	return kt_streq(kt_jstr(metric, "resource.name"), "cpu") && kt_jget(metric, path);
}

static void spec_to_v1(json_t *tree, json_t *spec)
{
	static const char *const utilization = "resource.target.averageUtilization";
	const struct kt_type *type =
	        kt_type_lookup("io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerBehavior");
	json_t *metrics = json_object_get(spec, "metrics"), *metric;
	const json_t *behavior = json_object_get(spec, "behavior");
	size_t i;

	json_array_foreach(metrics, i, metric) {
		if (!is_cpu_utilization(metric, utilization))
			continue;
		json_object_set(
		        spec, "targetCPUUtilizationPercentage", kt_jget(metric, utilization));
		json_array_remove(metrics, i);
		break;
	}
	kt_auto_json json_t *others = convert_metrics(metrics, specs, flat);
	put_annotation(tree, METRICS, others);
	if (behavior) {
		kt_auto_json json_t *printed = kt_unversioned(type, behavior, NULL);
		put_annotation(tree, BEHAVIOR, printed);
	}
	json_object_del(spec, "metrics");
	json_object_del(spec, "behavior");
}

static void status_to_v1(json_t *tree, json_t *status)
{
	static const char *const utilization = "resource.current.averageUtilization";
	json_t *current = json_object_get(status, "currentMetrics"), *metric;
	size_t i;

	json_array_foreach(current, i, metric)
		if (is_cpu_utilization(metric, utilization))
			json_object_set(status, "currentCPUUtilizationPercentage",
			        kt_jget(metric, utilization));
	kt_auto_json json_t *all = convert_metrics(current, statuses, flat);
	put_annotation(tree, CURRENT, all);
	put_annotation(tree, CONDITIONS, json_object_get(status, "conditions"));
	json_object_del(status, "currentMetrics");
	json_object_del(status, "conditions");
}

void kt_autoscaler_v2_to_v1(json_t *tree)
{
	spec_to_v1(tree, json_object_get(tree, "spec"));
	status_to_v1(tree, json_object_get(tree, "status"));
}
