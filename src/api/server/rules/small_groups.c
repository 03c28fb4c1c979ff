/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Groups of one kind each: policy, coordination, scheduling, node; and core's pod templates. */
#include "api/machinery/names.h"
#include "api/server/rules/meta.h"
#include "api/server/rules/node_labels.h"
#include "api/server/rules/pod.h"
#include "api/server/rules/quantities.h"
#include "api/server/rules/workload.h"

static void validate_meta(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	if (old)
		kt_meta_validate_update(c, object, old);
	else
		kt_meta_validate(c, object, NULL);
}

/* PodDisruptionBudget: upstream checks nothing of its metadata beyond what all kinds share. */

static void validate_budget(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	static const char *const policies[] = {"AlwaysAllow", "IfHealthyBudget", NULL};
	static const char *const counts[] = {
	        "disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods", NULL};
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec"),
	             min = kt_at(&spec, "minAvailable");
	struct kt_at max = kt_at(&spec, "maxUnavailable"), selector = kt_at(&spec, "selector"),
	             status = kt_at(&root, "status");
	struct kt_at policy = kt_at(&spec, "unhealthyPodEvictionPolicy");
	if (old && c->subresource) {
		kt_check_counts(c, &status, counts);
		return;
	}
	if (min.value && max.value)
		kt_add_invalid(c, &spec, "minAvailable and maxUnavailable cannot be both set");
	if (min.value) {
		kt_check_int_or_percent(c, &min);
		kt_check_at_most_100_percent(c, &min);
	}
	if (max.value) {
		kt_check_int_or_percent(c, &max);
		kt_check_at_most_100_percent(c, &max);
	}
	kt_check_label_selector(c, &selector);
	if (policy.value)
		kt_check_in(c, &policy, policies);
}

const struct kt_rules kt_rules_policy_pod_disruption_budget = {
        .group = "policy",
        .kind = "PodDisruptionBudget",
        .validate = validate_budget,
};

/* Lease */

static void validate_lease(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec"),
	             seconds = kt_at(&spec, "leaseDurationSeconds");
	struct kt_at transitions = kt_at(&spec, "leaseTransitions");
	if (old)
		kt_meta_validate_common_update(c, object, old);
	else
		kt_meta_validate_common(c, object, NULL);
	if (seconds.value && kt_at_int(&seconds) <= 0)
		kt_add_invalid(c, &seconds, "must be greater than 0");
	kt_check_non_negative(c, &transitions);
}

/* Coordinated leader election is off by default. */
static int prepare_lease(struct kt_rule_context *c, json_t *object, const json_t *old)
{
	static const char *const dropped[] = {"strategy", "preferredHolder"};
	json_t *spec = json_object_get(object, "spec");
	(void)c;
	for (size_t i = 0; i < KT_ARRAY_SIZE(dropped); i++)
		if (!json_object_get(json_object_get(old, "spec"), dropped[i]))
			json_object_del(spec, dropped[i]);
	return 0;
}

const struct kt_rules kt_rules_coordination_lease = {
        .group = "coordination.k8s.io",
        .kind = "Lease",
        .prepare = prepare_lease,
        .validate = validate_lease,
};

/* PriorityClass */

#define USER_PRIORITY_MAX 1000000000

static const char *bad_system_class(struct kt_rule_context *c, const json_t *object)
{
	static const struct {
		const char *name;
		int64_t value;
	} known[] = {{"system-node-critical", 2000001000}, {"system-cluster-critical", 2000000000}};
	const char *name = kt_jstr(object, "metadata.name");
	for (size_t i = 0; i < KT_ARRAY_SIZE(known); i++) {
		if (strcmp(known[i].name, name) != 0)
			continue;
		if (kt_jint(object, "value", 0) != known[i].value)
			return kt_path(c->arena, "value of %s PriorityClass must be %lld", name,
			        (long long)known[i].value);
		return kt_bool_of(object, "globalDefault")
		               ? kt_path(c->arena,
		                         "globalDefault of %s PriorityClass must be false", name)
		               : NULL;
	}
	return kt_path(c->arena, "%s is not a known system priority class", name);
}

static void validate_priority_class(
        struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	static const char *const policies[] = {"PreemptLowerPriority", "Never", NULL};
	struct kt_at root = kt_at_root(c, object), value = kt_at(&root, "value"),
	             policy = kt_at(&root, "preemptionPolicy");
	struct kt_at meta = kt_at(&root, "metadata"), name = kt_at(&meta, "name");
	validate_meta(c, object, old);
	if (old) {
		if (!kt_same(value.value, json_object_get(old, "value")))
			kt_add_forbidden(c, &value, "may not be changed in an update.");
		kt_check_immutable(c, &policy, json_object_get(old, "preemptionPolicy"));
		return;
	}
	if (kt_starts_with(kt_at_text(&name), "system-")) {
		const char *why = bad_system_class(c, object);
		if (why)
			kt_add_forbidden(c, &name,
			        "priority class names with 'system-' prefix are reserved for "
			        "system use only. error: %s",
			        why);
	} else if (kt_at_int(&value) > USER_PRIORITY_MAX) {
		kt_add_forbidden(c, &value,
		        "maximum allowed value of a user defined priority is %d",
		        USER_PRIORITY_MAX);
	}
	if (policy.value && kt_check_required(c, &policy))
		kt_check_in(c, &policy, policies);
}

const struct kt_rules kt_rules_scheduling_priority_class = {
        .group = "scheduling.k8s.io",
        .kind = "PriorityClass",
        .validate = validate_priority_class,
};

/* RuntimeClass */

static void check_overhead(struct kt_rule_context *c, const struct kt_at *root)
{
	struct kt_at overhead = kt_at(root, "overhead"), fixed = kt_at(&overhead, "podFixed"),
	             shown = kt_at(&overhead, "limits");
	shown.value = fixed.value; /* checked, and reported, as a container's limits */
	shown.type = fixed.type;
	struct kt_keys keys = kt_at_keys(c, &shown);
	for (size_t i = 0; i < keys.n; i++) {
		struct kt_at at = kt_at_key(&shown, keys.names[i]);
		kt_check_container_resource_name(c, &at, keys.names[i]);
		kt_check_quantity(c, &at, keys.names[i]);
	}
}

static void validate_runtime_class(
        struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), handler = kt_at(&root, "handler"),
	             scheduling = kt_at(&root, "scheduling");
	struct kt_at selector = kt_at(&scheduling, "nodeSelector"),
	             tolerations = kt_at(&scheduling, "tolerations");
	kt_meta_validate_common(c, object, NULL);
	kt_check_format(c, &handler, "dns1123-label");
	if (old) {
		kt_meta_validate_common_update(c, object, old);
		kt_check_immutable(c, &handler, json_object_get(old, "handler"));
	}
	check_overhead(c, &root);
	kt_check_labels(c, &selector);
	kt_check_tolerations(c, &tolerations);
	KT_EACH(toleration, &tolerations) {
		for (size_t j = 0; j < kt_i_toleration; j++) {
			if (!json_equal(toleration.value, json_array_get(tolerations.value, j)))
				continue;
			kt_auto_json json_t *shown = json_pack("{s:s, s:s, s:s, s:s, s:O?}", "Key",
			        kt_text_of(toleration.value, "key"), "Operator",
			        kt_text_of(toleration.value, "operator"), "Value",
			        kt_text_of(toleration.value, "value"), "Effect",
			        kt_text_of(toleration.value, "effect"), "TolerationSeconds",
			        json_object_get(toleration.value, "tolerationSeconds"));
			kt_field_duplicate(&c->errors, kt_at_path(c, &toleration), shown);
			break;
		}
	}
}

static void warn_runtime_class(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), scheduling = kt_at(&root, "scheduling"),
	             selector = kt_at(&scheduling, "nodeSelector");
	(void)old;
	kt_warn_node_selector(c, &selector, true);
}

const struct kt_rules kt_rules_node_runtime_class = {
        .group = "node.k8s.io",
        .kind = "RuntimeClass",
        .validate = validate_runtime_class,
        .warn = warn_runtime_class,
};

/* PodTemplate */

static void default_pod_template(struct kt_rule_context *c, json_t *object)
{
	(void)c;
	kt_pod_spec_default(kt_jget(object, "template.spec"));
}

static void validate_pod_template(
        struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), template = kt_at(&root, "template");
	validate_meta(c, object, old);
	kt_check_pod_template(c, &template, json_object_get(old, "template"));
}

static void warn_pod_template(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), template = kt_at(&root, "template");
	kt_pod_template_warn(c, &template, json_object_get(old, "template"));
}

const struct kt_rules kt_rules_core_pod_template = {
        .group = "",
        .kind = "PodTemplate",
        .default_object = default_pod_template,
        .validate = validate_pod_template,
        .warn = warn_pod_template,
};
