/* SPDX-License-Identifier: GPL-3.0-or-later */
/* HorizontalPodAutoscaler, in both versions: v1 has neither metrics nor behavior, and absent fields
 * are valid. */
#include "api/server/rules/meta.h"
#include "api/server/rules/pod.h"
#include "api/server/rules/quantities.h"
#include "api/server/rules/workload.h"
#include "api/server/versions.h"

#define MAX_PERIOD_SECONDS 1800
#define MAX_STABILIZATION_SECONDS 3600

static void check_segment(struct kt_rule_context *c, const struct kt_at *at)
{
	if (kt_check_required(c, at))
		kt_check_format(c, at, "path-segment");
}

static void check_reference(struct kt_rule_context *c, const struct kt_at *at, bool group_optional)
{
	struct kt_at kind = kt_at(at, "kind"), name = kt_at(at, "name"),
	             version = kt_at(at, "apiVersion");
	check_segment(c, &kind);
	check_segment(c, &name);
	const char *text = kt_at_text(&version), *slash = strchr(text, '/');
	if (group_optional)
		return;
	if (slash && strchr(slash + 1, '/'))
		kt_add_invalid(c, &version, "unexpected GroupVersion string: %s", text);
	else if (!slash && kt_at_is(&kind, "ReplicationController") && strcmp(text, "v1") == 0)
		return;
	else if (!slash || slash == text)
		kt_add_invalid(c, &version, "apiVersion must specify API group");
}

/* Metrics */

static void check_sign(struct kt_rule_context *c, const struct kt_at *at)
{
	if (at->value && kt_quantities_nanos(at->value) <= 0)
		kt_add_invalid(c, at, "must be positive");
}

static void check_target(struct kt_rule_context *c, const struct kt_at *target)
{
	static const char *const types[] = {"Utilization", "Value", "AverageValue", NULL};
	struct kt_at type = kt_at(target, "type"), value = kt_at(target, "value"),
	             average = kt_at(target, "averageValue");
	struct kt_at percent = kt_at(target, "averageUtilization");
	if (!*kt_at_text(&type))
		kt_add_required(c, &type, "must specify a metric target type");
	if (!kt_is_one_of(kt_at_text(&type), types))
		kt_add_invalid(c, &type, "must be either Utilization, Value, or AverageValue");
	check_sign(c, &value);
	check_sign(c, &average);
	if (percent.value && kt_at_int(&percent) < 1)
		kt_add_invalid(c, &percent, "must be greater than 0");
}

static void check_identifier(struct kt_rule_context *c, const struct kt_at *metric)
{
	struct kt_at name = kt_at(metric, "name");
	if (*kt_at_text(&name))
		kt_check_format(c, &name, "path-segment");
	else
		kt_add_required(c, &name, "must specify a metric name");
}

static void check_object_source(struct kt_rule_context *c, const struct kt_at *source)
{
	struct kt_at object = kt_at(source, "describedObject"), metric = kt_at(source, "metric"),
	             target = kt_at(source, "target");
	struct kt_at average = kt_at(&target, "averageValue");
	check_reference(c, &object, true);
	check_identifier(c, &metric);
	check_target(c, &target);
	if (!average.value && !json_object_get(target.value, "value"))
		kt_add_required(c, &average, "must set either a target value or averageValue");
}

static void check_external_source(struct kt_rule_context *c, const struct kt_at *source)
{
	struct kt_at metric = kt_at(source, "metric"), target = kt_at(source, "target");
	struct kt_at value = kt_at(&target, "value"), average = kt_at(&target, "averageValue");
	check_identifier(c, &metric);
	check_target(c, &target);
	if (!value.value && !average.value)
		kt_add_required(c, &average,
		        "must set either a target value for metric or a per-pod target");
	if (value.value && average.value)
		kt_add_forbidden(c, &value,
		        "may not set both a target value for metric and a per-pod target");
}

static void check_pods_source(struct kt_rule_context *c, const struct kt_at *source)
{
	struct kt_at metric = kt_at(source, "metric"), target = kt_at(source, "target"),
	             average = kt_at(&target, "averageValue");
	check_identifier(c, &metric);
	check_target(c, &target);
	if (!average.value || kt_quantities_nanos(average.value) <= 0)
		kt_add_required(c, &average, "must specify a positive target averageValue");
}

static void check_resource_target(struct kt_rule_context *c, const struct kt_at *target)
{
	struct kt_at percent = kt_at(target, "averageUtilization"),
	             average = kt_at(target, "averageValue");
	check_target(c, target);
	if (!percent.value && !average.value)
		kt_add_required(
		        c, &percent, "must set either a target raw value or a target utilization");
	if (percent.value && average.value)
		kt_add_forbidden(c, &average,
		        "may not set both a target raw value and a target utilization");
}

static void check_resource_source(struct kt_rule_context *c, const struct kt_at *source)
{
	struct kt_at name = kt_at(source, "name"), target = kt_at(source, "target");
	if (!*kt_at_text(&name))
		kt_add_required(c, &name, "must specify a resource name");
	check_resource_target(c, &target);
}

static void check_container_source(struct kt_rule_context *c, const struct kt_at *source)
{
	struct kt_at name = kt_at(source, "name"), container = kt_at(source, "container"),
	             target = kt_at(source, "target");
	if (*kt_at_text(&name))
		kt_check_container_resource_name(c, &name, kt_at_text(&name));
	else
		kt_add_required(c, &name, "must specify a resource name");
	if (!*kt_at_text(&container))
		kt_add_required(c, &container, "must specify a container");
	check_resource_target(c, &target);
}

/* In the order in which sources are looked at; only the first that is there is checked. */
static const struct {
	const char *type, *field;
	void (*check)(struct kt_rule_context *c, const struct kt_at *source);
} sources[] = {
        {"Object", "object", check_object_source},
        {"External", "external", check_external_source},
        {"Pods", "pods", check_pods_source},
        {"Resource", "resource", check_resource_source},
        {"ContainerResource", "containerResource", check_container_source},
};

static void check_metric(struct kt_rule_context *c, const struct kt_at *metric)
{
	static const char *const types[] = {
	        "ContainerResource", "External", "Object", "Pods", "Resource", NULL};
	struct kt_at type = kt_at(metric, "type");
	size_t found = 0;
	if (!*kt_at_text(&type))
		kt_add_required(c, &type, "must specify a metric source type");
	kt_check_in(c, &type, types);
	for (size_t i = 0; i < KT_ARRAY_SIZE(sources); i++) {
		struct kt_at source = kt_at(metric, sources[i].field);
		if (source.value && found++ == 0)
			sources[i].check(c, &source);
	}
	for (size_t i = 0; i < KT_ARRAY_SIZE(sources); i++) {
		struct kt_at source = kt_at(metric, sources[i].field);
		if (!source.value && kt_at_is(&type, sources[i].type))
			kt_add_required(c, &source,
			        "must populate information for the given metric source");
	}
	kt_check_in(c, &type, types); /* a second time, as upstream has it */
	for (size_t i = 0; found != 1 && i < KT_ARRAY_SIZE(sources); i++) {
		struct kt_at source = kt_at(metric, sources[i].field);
		if (source.value && !kt_at_is(&type, sources[i].type))
			kt_add_forbidden(c, &source, "must populate the given metric source only");
	}
}

static void check_metrics(
        struct kt_rule_context *c, const struct kt_at *metrics, const struct kt_at *min)
{
	bool scales_to_zero = false;
	KT_EACH(metric, metrics) {
		const char *type = kt_text_of(metric.value, "type");
		check_metric(c, &metric);
		if (strcmp(type, "Object") == 0 || strcmp(type, "External") == 0)
			scales_to_zero = true;
	}
	if (min->value && kt_at_int(min) == 0 && !scales_to_zero)
		kt_add_forbidden(c, metrics,
		        "must specify at least one Object or External metric to support scaling to "
		        "zero replicas");
}

/* Behavior */

static void check_policy(struct kt_rule_context *c, const struct kt_at *policy)
{
	static const char *const types[] = {"Percent", "Pods", NULL};
	struct kt_at type = kt_at(policy, "type"), value = kt_at(policy, "value"),
	             period = kt_at(policy, "periodSeconds");
	kt_check_in(c, &type, types);
	kt_check_positive(c, &value);
	kt_check_positive(c, &period);
	if (kt_at_int(&period) > MAX_PERIOD_SECONDS)
		kt_add_invalid(c, &period, "must be less than or equal to %d", MAX_PERIOD_SECONDS);
}

static void check_scaling_rules(struct kt_rule_context *c, const struct kt_at *rules)
{
	static const char *const selections[] = {"Disabled", "Max", "Min", NULL};
	struct kt_at window = kt_at(rules, "stabilizationWindowSeconds"),
	             select = kt_at(rules, "selectPolicy");
	struct kt_at policies = kt_at(rules, "policies"), tolerance = kt_at(rules, "tolerance");
	if (!rules->value)
		return;
	if (kt_at_int(&window) < 0)
		kt_add_invalid(c, &window, "must be greater than or equal to zero");
	if (kt_at_int(&window) > MAX_STABILIZATION_SECONDS)
		kt_add_invalid(
		        c, &window, "must be less than or equal to %d", MAX_STABILIZATION_SECONDS);
	if (select.value)
		kt_check_in(c, &select, selections);
	if (!kt_at_n(&policies))
		kt_add_required(c, &policies, "must specify at least one Policy");
	KT_EACH(policy, &policies) {
		check_policy(c, &policy);
	}
	if (tolerance.value)
		kt_check_non_negative_quantity(c, &tolerance);
}

static void validate_hub(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	static const char *const counts[] = {"currentReplicas", "desiredReplicas", NULL};
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec"),
	             min = kt_at(&spec, "minReplicas");
	struct kt_at max = kt_at(&spec, "maxReplicas"), target = kt_at(&spec, "scaleTargetRef"),
	             metrics = kt_at(&spec, "metrics");
	struct kt_at behavior = kt_at(&spec, "behavior"), up = kt_at(&behavior, "scaleUp"),
	             down = kt_at(&behavior, "scaleDown");
	struct kt_at status = kt_at(&root, "status");
	const json_t *old_min = kt_jget(old, "spec.minReplicas");
	int64_t least = old_min && json_integer_value(old_min) == 0 ? 0 : 1;
	if (old && c->subresource) {
		kt_meta_validate_update(c, object, old);
		kt_check_counts(c, &status, counts);
		return;
	}
	if (old)
		kt_meta_validate_update(c, object, old);
	else
		kt_meta_validate(c, object, NULL);
	if (min.value && kt_at_int(&min) < least)
		kt_add_invalid(c, &min, "must be greater than or equal to %lld", (long long)least);
	if (kt_at_int(&max) < 1)
		kt_add_invalid(c, &max, "must be greater than 0");
	if (min.value && kt_at_int(&max) < kt_at_int(&min))
		kt_add_invalid(c, &max, "must be greater than or equal to `minReplicas`");
	check_reference(c, &target, false);
	check_metrics(c, &metrics, &min);
	check_scaling_rules(c, &up);
	check_scaling_rules(c, &down);
}

/* Version 1 is validated as what it stands for. */
static void validate(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	const struct kt_kind *asked = c->kind;
	const json_t *subject = c->subject;
	kt_auto_json json_t *hub = kt_versions_to_stored(asked, (json_t *)(uintptr_t)object),
	                    *old_hub = kt_versions_to_stored(asked, (json_t *)(uintptr_t)old);
	c->kind = kt_versions_stored_kind(asked);
	c->subject = c->kind == asked ? subject : NULL;
	validate_hub(c, hub, old_hub);
	c->kind = asked;
	c->subject = subject;
}

/* Defaults: what a side of the behavior leaves open is filled in, on both sides once it is there.
 */

/* Policies that were sent as an empty list stay so, for validation to refuse. */
static bool wants_default(const json_t *sent, const json_t *rules, const char *key)
{
	return !json_object_get(rules, key) && !json_is_array(json_object_get(sent, key));
}

static void default_side(
        json_t *behavior, const json_t *sent, const char *name, const char *rules_text)
{
	json_t *rules = json_object_get(behavior, name), *value;
	kt_auto_json json_t *defaults = json_loads(rules_text, 0, NULL);
	const char *key;
	if (!rules)
		json_object_set_new(behavior, name, rules = json_object());
	json_object_foreach(defaults, key, value) {
		if (wants_default(json_object_get(sent, name), rules, key))
			json_object_set(rules, key, value);
	}
}

/* v1 keeps what it has no fields for in annotations. */
static bool v1_has_metrics(const json_t *object)
{
	return json_object_get(kt_jget(object, "metadata.annotations"),
	               "autoscaling.alpha.kubernetes.io/metrics") != NULL;
}

static void default_object(struct kt_rule_context *c, json_t *object)
{
	static const char *const metrics =
	        "[{\"type\":\"Resource\",\"resource\":{\"name\":\"cpu\",\"target\":{\"type\":"
	        "\"Utilization\",\"averageUtilization\":80}}}]";
	static const char *const up =
	        "{\"stabilizationWindowSeconds\":0,\"selectPolicy\":\"Max\",\"policies\":["
	        "{\"type\":\"Pods\",\"value\":4,\"periodSeconds\":15},{\"type\":\"Percent\","
	        "\"value\":100,\"periodSeconds\":15}]}";
	static const char *const down = "{\"selectPolicy\":\"Max\",\"policies\":[{\"type\":"
	                                "\"Percent\",\"value\":100,\"periodSeconds\":15}]}";
	json_t *spec = json_object_get(object, "spec"),
	       *behavior = json_object_get(spec, "behavior");
	if (!spec)
		return;
	if (strcmp(c->kind->version, "v1") == 0) {
		if (!json_object_get(spec, "targetCPUUtilizationPercentage") &&
		        !v1_has_metrics(object))
			json_object_set_new(
			        spec, "targetCPUUtilizationPercentage", json_integer(80));
		return;
	}
	if (!json_array_size(json_object_get(spec, "metrics")))
		json_object_set_new(spec, "metrics", json_loads(metrics, 0, NULL));
	if (!behavior)
		return;
	const json_t *sent = kt_jget(c->sent, "spec.behavior");
	default_side(behavior, sent, "scaleUp", up);
	default_side(behavior, sent, "scaleDown", down);
}

const struct kt_rules kt_rules_autoscaling_horizontal_pod_autoscaler = {
        .group = "autoscaling",
        .kind = "HorizontalPodAutoscaler",
        .default_object = default_object,
        .validate = validate,
};
