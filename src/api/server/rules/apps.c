/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Deployments, replica sets, daemon sets, controller revisions, and core's replication controllers.
 */
#include "api/machinery/names.h"
#include "api/server/rules/meta.h"
#include "api/server/rules/pod.h"
#include "api/server/rules/workload.h"

#include <errno.h>

static void default_template(struct kt_rule_context *c, json_t *object)
{
	(void)c;
	kt_pod_spec_default(kt_jget(object, "spec.template.spec"));
}

static void warn_template(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec"),
	             template = kt_at(&spec, "template");
	if (!c->subresource && !kt_is_same_generation(object, old))
		kt_pod_template_warn(c, &template, kt_jget(old, "spec.template"));
}

static bool is_status(const struct kt_rule_context *c)
{
	return c->subresource && strcmp(c->subresource, "status") == 0;
}

/* /status does not touch labels. */
static int prepare(struct kt_rule_context *c, json_t *object, const json_t *old)
{
	if (!is_status(c))
		return 0;
	json_t *labels = kt_jget(old, "metadata.labels"),
	       *meta = json_object_get(object, "metadata");
	if (labels)
		json_object_set_new(meta, "labels", json_deep_copy(labels));
	else
		json_object_del(meta, "labels");
	return 0;
}

static void check_selector_change(
        struct kt_rule_context *c, const struct kt_at *spec, const json_t *old)
{
	struct kt_at selector = kt_at(spec, "selector");
	if (old)
		kt_check_immutable(c, &selector, kt_jget(old, "spec.selector"));
}

/* Deployment */

static void check_deployment_strategy(struct kt_rule_context *c, const struct kt_at *strategy)
{
	static const char *const types[] = {"Recreate", "RollingUpdate", NULL};
	struct kt_at type = kt_at(strategy, "type"), rolling = kt_at(strategy, "rollingUpdate");
	if (kt_at_is(&type, "Recreate")) {
		if (rolling.value)
			kt_add_forbidden(c, &rolling,
			        "may not be specified when strategy `type` is 'Recreate'");
		return;
	}
	if (!kt_at_is(&type, "RollingUpdate")) {
		kt_add_not_supported(c, strategy, types);
		return;
	}
	if (!rolling.value) {
		kt_add_required(c, &rolling, "this should be defaulted and never be nil");
		return;
	}
	struct kt_at unavailable = kt_at(&rolling, "maxUnavailable"),
	             surge = kt_at(&rolling, "maxSurge");
	kt_check_int_or_percent(c, &unavailable);
	kt_check_int_or_percent(c, &surge);
	if (kt_int_or_percent_is_zero(unavailable.value) && kt_int_or_percent_is_zero(surge.value))
		kt_add_invalid(c, &unavailable, "may not be 0 when `maxSurge` is 0");
	kt_check_at_most_100_percent(c, &unavailable);
}

static void validate_deployment_spec(
        struct kt_rule_context *c, const struct kt_at *spec, const json_t *old)
{
	struct kt_at replicas = kt_at(spec, "replicas"), selector = kt_at(spec, "selector"),
	             template = kt_at(spec, "template");
	struct kt_at strategy = kt_at(spec, "strategy"), ready = kt_at(spec, "minReadySeconds");
	struct kt_at history = kt_at(spec, "revisionHistoryLimit"),
	             deadline = kt_at(spec, "progressDeadlineSeconds");
	kt_check_non_negative(c, &replicas);
	kt_check_workload_selector(c, &selector, &template);
	kt_check_pod_template(c, &template, kt_jget(old, "spec.template"));
	kt_check_always_restarts(c, &template, "Deployment");
	check_deployment_strategy(c, &strategy);
	kt_check_non_negative(c, &ready);
	kt_check_non_negative(c, &history);
	if (!deadline.value)
		return;
	kt_check_non_negative(c, &deadline);
	if (kt_at_int(&deadline) <= kt_at_int(&ready))
		kt_add_invalid(c, &deadline, "must be greater than minReadySeconds");
}

static const struct kt_status_checks deployment_status = {
        .counts = (const char *const[]){"observedGeneration", "replicas", "updatedReplicas",
                "readyReplicas", "availableReplicas", "unavailableReplicas", "terminatingReplicas",
                "collisionCount", NULL},
        .bounds = (const struct kt_status_bound[]){{"updatedReplicas", "replicas",
                                                           "status.replicas"},
                {"readyReplicas", "replicas", "status.replicas"},
                {"availableReplicas", "replicas", "status.replicas"},
                {"availableReplicas", "readyReplicas", "readyReplicas"}, {NULL, NULL, NULL}},
        .collisions = true,
};

static void validate_deployment(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec"),
	             status = kt_at(&root, "status");
	if (old)
		kt_meta_validate_update(c, object, old);
	else
		kt_meta_validate(c, object, NULL);
	if (is_status(c)) {
		kt_check_workload_status(c, &status, old, &deployment_status);
		return;
	}
	validate_deployment_spec(c, &spec, old);
	check_selector_change(c, &spec, old);
}

static void default_deployment(struct kt_rule_context *c, json_t *object)
{
	json_t *spec = json_object_get(object, "spec"),
	       *strategy = json_object_get(spec, "strategy");
	default_template(c, object);
	if (strcmp(kt_text_of(strategy, "type"), "RollingUpdate") != 0)
		return;
	json_t *rolling = json_object_get(strategy, "rollingUpdate");
	if (!rolling)
		json_object_set_new(strategy, "rollingUpdate", rolling = json_object());
	if (!json_object_get(rolling, "maxUnavailable"))
		json_object_set_new(rolling, "maxUnavailable", json_string("25%"));
	if (!json_object_get(rolling, "maxSurge"))
		json_object_set_new(rolling, "maxSurge", json_string("25%"));
}

/* Deployments, replica sets and replication controllers: pods are called after them. */
static void warn_named(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	if (!old && !c->subresource)
		kt_pod_names_warn(c, object);
	warn_template(c, object, old);
}

/* Old controllers are warned of once, when they are made. */
static void warn_replication_controller(
        struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	if (!old)
		warn_named(c, object, old);
}

const struct kt_rules kt_rules_apps_deployment = {
        .group = "apps",
        .kind = "Deployment",
        .annotations_count = true,
        .default_object = default_deployment,
        .prepare = prepare,
        .validate = validate_deployment,
        .warn = warn_named,
};

/* ReplicaSet and ReplicationController */

static const struct kt_status_checks replica_status = {
        .counts = (const char *const[]){"replicas", "fullyLabeledReplicas", "readyReplicas",
                "availableReplicas", "observedGeneration", "terminatingReplicas", NULL},
        .bounds = (const struct kt_status_bound[]){{"fullyLabeledReplicas", "replicas",
                                                           "status.replicas"},
                {"readyReplicas", "replicas", "status.replicas"},
                {"availableReplicas", "replicas", "status.replicas"},
                {"availableReplicas", "readyReplicas", "readyReplicas"}, {NULL, NULL, NULL}},
};

static void validate_replica_set(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec"),
	             status = kt_at(&root, "status");
	struct kt_at replicas = kt_at(&spec, "replicas"), ready = kt_at(&spec, "minReadySeconds");
	struct kt_at selector = kt_at(&spec, "selector"), template = kt_at(&spec, "template");
	if (old)
		kt_meta_validate_update(c, object, old);
	else
		kt_meta_validate(c, object, NULL);
	if (is_status(c)) {
		kt_check_workload_status(c, &status, old, &replica_status);
		return;
	}
	kt_check_non_negative(c, &replicas);
	kt_check_non_negative(c, &ready);
	kt_check_workload_selector(c, &selector, &template);
	kt_check_pod_template(c, &template, kt_jget(old, "spec.template"));
	kt_check_always_restarts(c, &template, "ReplicaSet");
	check_selector_change(c, &spec, old);
}

const struct kt_rules kt_rules_apps_replica_set = {
        .group = "apps",
        .kind = "ReplicaSet",
        .default_object = default_template,
        .prepare = prepare,
        .validate = validate_replica_set,
        .warn = warn_named,
};

/* Old controllers' labels and selector are the template's labels. */
static void default_replication_controller(struct kt_rule_context *c, json_t *object)
{
	json_t *labels = kt_jget(object, "spec.template.metadata.labels");
	json_t *spec = json_object_get(object, "spec"), *meta = json_object_get(object, "metadata");
	default_template(c, object);
	if (!json_object_size(labels))
		return;
	if (!json_object_size(json_object_get(spec, "selector")))
		json_object_set_new(spec, "selector", json_deep_copy(labels));
	if (!json_object_size(json_object_get(meta, "labels")))
		json_object_set_new(meta, "labels", json_deep_copy(labels));
}

static void validate_replication_controller(
        struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec"),
	             status = kt_at(&root, "status");
	struct kt_at replicas = kt_at(&spec, "replicas"), ready = kt_at(&spec, "minReadySeconds");
	struct kt_at selector = kt_at(&spec, "selector"), template = kt_at(&spec, "template");
	if (old)
		kt_meta_validate_update(c, object, old);
	else
		kt_meta_validate(c, object, NULL);
	if (is_status(c)) {
		kt_check_workload_status(c, &status, old, &replica_status);
		return;
	}
	kt_check_non_negative(c, &ready);
	if (!kt_at_n(&selector))
		kt_add_required(c, &selector, "");
	kt_check_non_negative(c, &replicas);
	if (!template.value) {
		kt_add_required(c, &template, "");
		return;
	}
	kt_auto_json json_t *as_selector = json_pack("{s:O?}", "matchLabels", selector.value);
	if (kt_at_n(&selector))
		kt_check_template_selected(c, &template, as_selector);
	kt_check_pod_template(c, &template, kt_jget(old, "spec.template"));
	kt_check_always_restarts(c, &template, "ReplicationController");
}

const struct kt_rules kt_rules_core_replication_controller = {
        .group = "",
        .kind = "ReplicationController",
        .default_object = default_replication_controller,
        .prepare = prepare,
        .validate = validate_replication_controller,
        .warn = warn_replication_controller,
};

/* DaemonSet */

/* Of "25%", and also of "25"; 0 of what is neither. */
static long long leading_number(const json_t *value)
{
	const char *text = json_string_value(value);
	char *end;
	if (!text)
		return json_integer_value(value);
	long long n = strtoll(text, &end, 10);
	if (*end == '%' && !kt_format_is("percent", text))
		return 0;
	return *end && strcmp(end, "%") != 0 ? 0 : n;
}

static void check_daemon_rolling(struct kt_rule_context *c, const struct kt_at *rolling)
{
	struct kt_at unavailable = kt_at(rolling, "maxUnavailable"),
	             surge = kt_at(rolling, "maxSurge");
	kt_check_int_or_percent(c, &unavailable);
	kt_check_int_or_percent(c, &surge);
	kt_check_at_most_100_percent(c, &unavailable);
	kt_check_at_most_100_percent(c, &surge);
	bool no_unavailable = leading_number(unavailable.value) == 0,
	     no_surge = leading_number(surge.value) == 0;
	if (no_unavailable && no_surge)
		kt_add_required(c, &unavailable, "cannot be 0 when maxSurge is 0");
	if (!no_unavailable && !no_surge)
		kt_add_invalid(c, &surge, "may not be set when maxUnavailable is non-zero");
}

static void check_daemon_strategy(struct kt_rule_context *c, const struct kt_at *strategy)
{
	static const char *const types[] = {"RollingUpdate", "OnDelete", NULL};
	struct kt_at type = kt_at(strategy, "type"), rolling = kt_at(strategy, "rollingUpdate");
	if (kt_at_is(&type, "OnDelete"))
		return;
	if (!kt_at_is(&type, "RollingUpdate"))
		kt_add_not_supported(c, strategy, types);
	else if (!rolling.value)
		kt_add_required(c, &rolling, "");
	else
		check_daemon_rolling(c, &rolling);
}

static const struct kt_status_checks daemon_status = {
        .counts = (const char *const[]){"currentNumberScheduled", "numberMisscheduled",
                "desiredNumberScheduled", "numberReady", "observedGeneration",
                "updatedNumberScheduled", "numberAvailable", "numberUnavailable", "collisionCount",
                NULL},
        .collisions = true,
};

static void default_daemon_set(struct kt_rule_context *c, json_t *object)
{
	json_t *strategy = kt_jget(object, "spec.updateStrategy");
	default_template(c, object);
	if (strcmp(kt_text_of(strategy, "type"), "RollingUpdate") != 0)
		return;
	json_t *rolling = json_object_get(strategy, "rollingUpdate");
	if (!rolling)
		json_object_set_new(strategy, "rollingUpdate", rolling = json_object());
	if (!json_object_get(rolling, "maxUnavailable"))
		json_object_set_new(rolling, "maxUnavailable", json_integer(1));
	if (!json_object_get(rolling, "maxSurge"))
		json_object_set_new(rolling, "maxSurge", json_integer(0));
}

/* How often the template changed, kept in an annotation for old clients. */
static int count_template(struct kt_rule_context *c, json_t *object, const json_t *old)
{
	static const char *const name = "deprecated.daemonset.template.generation";
	json_t *meta = json_object_get(object, "metadata"),
	       *annotations = json_object_get(meta, "annotations");
	const char *text = kt_text_of(annotations, name);
	char *end;
	errno = 0;
	int64_t n = strtoll(text, &end, 10);
	if (errno || *end)
		return kt_fail(&c->err, EINVAL,
		        "DaemonSet in version \"v1\" cannot be handled as a DaemonSet: "
		        "strconv.ParseInt: parsing \"%s\": invalid syntax",
		        text);
	if (old) {
		n = strtoll(kt_text_of(kt_jget(old, "metadata.annotations"), name), NULL, 10);
		n += !kt_same(kt_jget(object, "spec.template"), kt_jget(old, "spec.template"));
	}
	if (!annotations)
		json_object_set_new(meta, "annotations", annotations = json_object());
	json_object_set_new(annotations, name, json_sprintf("%lld", (long long)(n < 1 ? 1 : n)));
	return 0;
}

static int prepare_daemon_set(struct kt_rule_context *c, json_t *object, const json_t *old)
{
	int status = prepare(c, object, old);
	return status < 0 ? status : count_template(c, object, old);
}

static void validate_daemon_set(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec"),
	             status = kt_at(&root, "status");
	struct kt_at selector = kt_at(&spec, "selector"), template = kt_at(&spec, "template");
	struct kt_at ready = kt_at(&spec, "minReadySeconds"),
	             strategy = kt_at(&spec, "updateStrategy");
	struct kt_at history = kt_at(&spec, "revisionHistoryLimit");
	if (old)
		kt_meta_validate_update(c, object, old);
	else
		kt_meta_validate(c, object, NULL);
	if (is_status(c)) {
		kt_check_workload_status(c, &status, old, &daemon_status);
		return;
	}
	check_selector_change(c, &spec, old);
	size_t before = c->errors.n;
	kt_check_label_selector(c, &selector);
	if (c->errors.n == before)
		kt_check_template_selected(c, &template, selector.value);
	if (kt_selector_is_blank(selector.value))
		kt_add_invalid(c, &selector, "empty selector is invalid for daemonset");
	kt_check_pod_template(c, &template, kt_jget(old, "spec.template"));
	kt_check_always_restarts(c, &template, "DaemonSet");
	kt_check_non_negative(c, &ready);
	check_daemon_strategy(c, &strategy);
	kt_check_non_negative(c, &history);
}

const struct kt_rules kt_rules_apps_daemon_set = {
        .group = "apps",
        .kind = "DaemonSet",
        .default_object = default_daemon_set,
        .prepare = prepare_daemon_set,
        .validate = validate_daemon_set,
        .warn = warn_template,
};

/* ControllerRevision */

static void validate_controller_revision(
        struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), data = kt_at(&root, "data"),
	             revision = kt_at(&root, "revision");
	kt_meta_validate_both(c, object, old);
	if (!data.value)
		kt_add_required(c, &data, "data is mandatory");
	kt_check_non_negative(c, &revision);
	if (old)
		kt_check_immutable(c, &data, json_object_get(old, "data"));
}

const struct kt_rules kt_rules_apps_controller_revision = {
        .group = "apps",
        .kind = "ControllerRevision",
        .validate = validate_controller_revision,
};
