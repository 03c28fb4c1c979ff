/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs, and what goes with them. */
#include "tui/command/describe.h"

#include "base/time.h"

static void put_name(struct kt_describer *d, const json_t *object)
{
	kt_describe_put(d, "Name:\t%s\nNamespace:\t%s\n",
	        kt_describe_field(object, "metadata.name"),
	        kt_describe_field(object, "metadata.namespace"));
}

static void put_marks(struct kt_describer *d, const json_t *object)
{
	kt_describe_labels(d, "", "Labels", kt_jget(object, "metadata.labels"));
	kt_describe_annotations(d, "", "Annotations", kt_jget(object, "metadata.annotations"));
}

static void put_selector(struct kt_describer *d, const json_t *object)
{
	kt_auto_free char *text = kt_describe_selector(kt_jget(object, "spec.selector"), "<none>");

	kt_describe_put(d, "Selector:\t%s\n", text);
}

/* A number, or what is said without one. */
static void put_number(struct kt_describer *d, const char *label, const json_t *object,
        const char *path, const char *absent)
{
	const json_t *value = kt_jget(object, path);
	kt_auto_free char *text = kt_describe_value(value);

	if (value || absent)
		kt_describe_put(d, "%s:\t%s\n", label, value ? text : absent);
}

static long long number(const json_t *object, const char *path)
{
	return kt_jint(object, path, 0);
}

/* Deployment */

static bool is_owned_by(const json_t *object, const char *uid)
{
	json_t *owner;
	size_t i;

	json_array_foreach(kt_jget(object, "metadata.ownerReferences"), i, owner) {
		if (kt_jbool(owner, "controller", false) && kt_streq(kt_jstr(owner, "uid"), uid))
			return true;
	}
	return false;
}

static const char *revision_of(const json_t *object)
{
	const char *text = json_string_value(json_object_get(
	        kt_jget(object, "metadata.annotations"), "deployment.kubernetes.io/revision"));

	return text ? text : "";
}

static void put_replica_sets(struct kt_describer *d, const json_t *deployment)
{
	kt_auto_free char *selector =
	        kt_describe_selector(kt_jget(deployment, "spec.selector"), "");
	kt_auto_str query = KT_STR_INIT, old = KT_STR_INIT, now = KT_STR_INIT;
	json_t *set;
	size_t i;

	kt_url_escape(&query, selector);
	kt_auto_json json_t *list =
	        kt_describe_get(d, "/apis/apps/v1/namespaces/%s/replicasets?labelSelector=%s",
	                kt_describe_field(deployment, "metadata.namespace"), kt_str_text(&query));

	json_array_foreach(json_object_get(list, "items"), i, set) {
		struct kt_str *out =
		        !strcmp(revision_of(set), revision_of(deployment)) ? &now : &old;

		if (is_owned_by(set, kt_jstr(deployment, "metadata.uid")))
			kt_str_printf(out, "%s%s (%lld/%lld replicas created)",
			        out->len ? ", " : "", kt_describe_field(set, "metadata.name"),
			        number(set, "status.replicas"), number(set, "spec.replicas"));
	}
	kt_describe_put(d, "OldReplicaSets:\t%s\nNewReplicaSet:\t%s\n",
	        old.len ? kt_str_text(&old) : "<none>", now.len ? kt_str_text(&now) : "<none>");
}

void kt_describe_deployment(struct kt_describer *d, const json_t *object)
{
	const json_t *rolling = kt_jget(object, "spec.strategy.rollingUpdate");

	put_name(d, object);
	kt_describe_time(d, "CreationTimestamp", object, "metadata.creationTimestamp");
	put_marks(d, object);
	put_selector(d, object);
	kt_describe_put(d,
	        "Replicas:\t%lld desired | %lld updated | %lld total | %lld available | %lld "
	        "unavailable\n",
	        number(object, "spec.replicas"), number(object, "status.updatedReplicas"),
	        number(object, "status.replicas"), number(object, "status.availableReplicas"),
	        number(object, "status.unavailableReplicas"));
	kt_describe_put(d, "StrategyType:\t%s\nMinReadySeconds:\t%lld\n",
	        kt_describe_field(object, "spec.strategy.type"),
	        number(object, "spec.minReadySeconds"));
	if (rolling) {
		kt_auto_free char *less =
		        kt_describe_value(json_object_get(rolling, "maxUnavailable"));
		kt_auto_free char *more = kt_describe_value(json_object_get(rolling, "maxSurge"));

		kt_describe_put(d, "RollingUpdateStrategy:\t%s max unavailable, %s max surge\n",
		        less, more);
	}
	kt_describe_template(d, kt_jget(object, "spec.template"));
	kt_describe_conditions(d, object);
	put_replica_sets(d, object);
	kt_describe_events(d, object);
}

void kt_describe_replicaset(struct kt_describer *d, const json_t *object)
{
	put_name(d, object);
	put_selector(d, object);
	put_marks(d, object);
	kt_describe_controller(d, object);
	kt_describe_put(d, "Replicas:\t%lld current / %lld desired\n",
	        number(object, "status.replicas"), number(object, "spec.replicas"));
	kt_describe_pod_phases(d, object);
	kt_describe_template(d, kt_jget(object, "spec.template"));
	kt_describe_conditions(d, object);
	kt_describe_events(d, object);
}

static void put_claim(struct kt_describer *d, const json_t *claim)
{
	kt_auto_free char *modes = kt_describe_join(kt_jget(claim, "spec.accessModes"), " ");
	const char *class = kt_describe_field(claim, "spec.storageClassName");

	kt_describe_put(d, "  Name:\t%s\n  StorageClass:\t%s\n",
	        kt_describe_field(claim, "metadata.name"), class);
	kt_describe_labels(d, "  ", "Labels", kt_jget(claim, "metadata.labels"));
	kt_describe_annotations(d, "  ", "Annotations", kt_jget(claim, "metadata.annotations"));
	kt_describe_put(d, "  Capacity:\t%s\n  Access Modes:\t[%s]\n",
	        *kt_describe_field(claim, "spec.resources.requests.storage")
	                ? kt_describe_field(claim, "spec.resources.requests.storage")
	                : "<default>",
	        modes);
}

void kt_describe_statefulset(struct kt_describer *d, const json_t *object)
{
	const json_t *claims = kt_jget(object, "spec.volumeClaimTemplates");
	json_t *claim;
	size_t i;

	put_name(d, object);
	kt_describe_time(d, "CreationTimestamp", object, "metadata.creationTimestamp");
	put_selector(d, object);
	put_marks(d, object);
	kt_describe_put(d, "Replicas:\t%lld desired | %lld total\nUpdate Strategy:\t%s\n",
	        number(object, "spec.replicas"), number(object, "status.replicas"),
	        kt_describe_field(object, "spec.updateStrategy.type"));
	if (kt_jget(object, "spec.updateStrategy.rollingUpdate"))
		put_number(d, "  Partition", object, "spec.updateStrategy.rollingUpdate.partition",
		        NULL);
	kt_describe_pod_phases(d, object);
	kt_describe_template(d, kt_jget(object, "spec.template"));
	kt_describe_put(d, "Volume Claims:%s\n", json_array_size(claims) ? "" : "\t<none>");
	json_array_foreach(claims, i, claim)
		put_claim(d, claim);
	kt_describe_events(d, object);
}

void kt_describe_daemonset(struct kt_describer *d, const json_t *object)
{
	static const struct {
		const char *label, *path;
	} COUNTS[] = {
	        {"Desired Number of Nodes Scheduled", "status.desiredNumberScheduled"},
	        {"Current Number of Nodes Scheduled", "status.currentNumberScheduled"},
	        {"Number of Nodes Scheduled with Up-to-date Pods", "status.updatedNumberScheduled"},
	        {"Number of Nodes Scheduled with Available Pods", "status.numberAvailable"},
	        {"Number of Nodes Misscheduled", "status.numberMisscheduled"},
	};

	put_name(d, object);
	put_selector(d, object);
	kt_auto_free char *nodes =
	        kt_describe_selector(kt_jget(object, "spec.template.spec.nodeSelector"), "<none>");

	kt_describe_put(d, "Node-Selector:\t%s\n", nodes);
	put_marks(d, object);
	for (size_t i = 0; i < KT_ARRAY_SIZE(COUNTS); i++)
		kt_describe_put(d, "%s: %lld\n", COUNTS[i].label, number(object, COUNTS[i].path));
	kt_describe_pod_phases(d, object);
	kt_describe_template(d, kt_jget(object, "spec.template"));
	kt_describe_events(d, object);
}

/* Jobs */

static void put_duration(struct kt_describer *d, const json_t *object)
{
	const char *start = kt_jstr(object, "status.startTime"),
	           *end = kt_jstr(object, "status.completionTime");
	char text[KT_TIME_TEXT_MAX];
	int64_t from, to;

	if (!start || !end || kt_time_parse(kt_sv_of(start), &from) < 0 ||
	        kt_time_parse(kt_sv_of(end), &to) < 0)
		return;
	kt_duration_human(to - from, text);
	kt_describe_put(d, "Duration:\t%s\n", text);
}

static void put_pod_counts(struct kt_describer *d, const json_t *object)
{
	const json_t *ready = kt_jget(object, "status.ready");

	kt_describe_put(d, "Pods Statuses:\t%lld Active", number(object, "status.active"));
	if (ready)
		kt_describe_put(d, " (%lld Ready)", number(object, "status.ready"));
	kt_describe_put(d, " / %lld Succeeded / %lld Failed", number(object, "status.succeeded"),
	        number(object, "status.failed"));
	if (number(object, "status.terminating"))
		kt_describe_put(d, " / %lld Terminating", number(object, "status.terminating"));
	kt_describe_put(d, "\n");
}

void kt_describe_job(struct kt_describer *d, const json_t *object)
{
	put_name(d, object);
	put_selector(d, object);
	put_marks(d, object);
	kt_describe_controller(d, object);
	put_number(d, "Parallelism", object, "spec.parallelism", NULL);
	put_number(d, "Completions", object, "spec.completions", "<unset>");
	put_number(d, "Completion Mode", object, "spec.completionMode", NULL);
	put_number(d, "Suspend", object, "spec.suspend", NULL);
	put_number(d, "Backoff Limit", object, "spec.backoffLimit", NULL);
	put_number(d, "TTL Seconds After Finished", object, "spec.ttlSecondsAfterFinished", NULL);
	kt_describe_time(d, "Start Time", object, "status.startTime");
	kt_describe_time(d, "Completed At", object, "status.completionTime");
	put_duration(d, object);
	if (kt_jget(object, "spec.activeDeadlineSeconds"))
		kt_describe_put(d, "Active Deadline Seconds:\t%llds\n",
		        number(object, "spec.activeDeadlineSeconds"));
	put_pod_counts(d, object);
	if (kt_streq(kt_jstr(object, "spec.completionMode"), "Indexed"))
		kt_describe_put(d, "Completed Indexes:\t%s\n",
		        *kt_describe_field(object, "status.completedIndexes")
		                ? kt_describe_field(object, "status.completedIndexes")
		                : "<none>");
	kt_describe_template(d, kt_jget(object, "spec.template"));
	kt_describe_events(d, object);
}

static void put_active_jobs(struct kt_describer *d, const json_t *object)
{
	const json_t *active = kt_jget(object, "status.active");
	json_t *job;
	size_t i;

	kt_describe_put(d, "Active Jobs:\t");
	json_array_foreach(active, i, job)
		kt_describe_put(d, "%s%s", i ? ", " : "", kt_describe_field(job, "name"));
	kt_describe_put(d, json_array_size(active) ? "\n" : "<none>\n");
}

void kt_describe_cronjob(struct kt_describer *d, const json_t *object)
{
	const json_t *job = kt_jget(object, "spec.jobTemplate");
	char when[KT_DESCRIBE_TIME_MAX];

	put_name(d, object);
	put_marks(d, object);
	kt_describe_put(d, "Schedule:\t%s\n", kt_describe_field(object, "spec.schedule"));
	if (kt_jstr(object, "spec.timeZone"))
		kt_describe_put(d, "Time Zone:\t%s\n", kt_jstr(object, "spec.timeZone"));
	kt_describe_put(d, "Concurrency Policy:\t%s\nSuspend:\t%s\n",
	        kt_describe_field(object, "spec.concurrencyPolicy"),
	        kt_jbool(object, "spec.suspend", false) ? "True" : "False");
	put_number(d, "Successful Job History Limit", object, "spec.successfulJobsHistoryLimit",
	        "<unset>");
	put_number(d, "Failed Job History Limit", object, "spec.failedJobsHistoryLimit", NULL);
	if (kt_jget(object, "spec.startingDeadlineSeconds"))
		kt_describe_put(d, "Starting Deadline Seconds:\t%llds\n",
		        number(object, "spec.startingDeadlineSeconds"));
	else
		kt_describe_put(d, "Starting Deadline Seconds:\t<unset>\n");
	if (kt_jget(job, "spec.selector"))
		put_selector(d, job);
	else
		kt_describe_put(d, "Selector:\t<unset>\n");
	put_number(d, "Parallelism", job, "spec.parallelism", "<unset>");
	put_number(d, "Completions", job, "spec.completions", "<unset>");
	if (kt_jget(job, "spec.activeDeadlineSeconds"))
		kt_describe_put(d, "Active Deadline Seconds:\t%llds\n",
		        number(job, "spec.activeDeadlineSeconds"));
	kt_describe_template(d, kt_jget(job, "spec.template"));
	kt_describe_put(d, "Last Schedule Time:\t%s\n",
	        kt_describe_time_text(kt_jstr(object, "status.lastScheduleTime"), when));
	put_active_jobs(d, object);
	kt_describe_events(d, object);
}

/* HorizontalPodAutoscaler */

/* What a metric's target or current value says. */
static void metric_value(struct kt_str *out, const json_t *value)
{
	static const char *const FIELDS[] = {"averageValue", "value"};

	if (kt_jget(value, "averageUtilization")) {
		kt_str_printf(out, "%lld%%", number(value, "averageUtilization"));
		if (kt_jstr(value, "averageValue"))
			kt_str_printf(out, " (%s)", kt_jstr(value, "averageValue"));
		return;
	}
	for (size_t i = 0; i < KT_ARRAY_SIZE(FIELDS); i++) {
		if (kt_jstr(value, FIELDS[i])) {
			kt_str_puts(out, kt_jstr(value, FIELDS[i]));
			return;
		}
	}
	kt_str_puts(out, "<unknown>");
}

struct metric {
	const char *type; /* "Resource" */
	const char *key;  /* the member that has the details */
};

static const struct metric METRICS[] = {
        {"Resource", "resource"},
        {"ContainerResource", "containerResource"},
        {"Pods", "pods"},
        {"Object", "object"},
        {"External", "external"},
};

static void metric_name(struct kt_str *out, const struct metric *metric, const json_t *spec)
{
	const char *name = kt_describe_field(spec, "name"),
	           *measured = kt_describe_field(spec, "metric.name");
	bool utilization = kt_jget(spec, "target.averageUtilization") != NULL,
	     average = kt_jget(spec, "target.averageValue") != NULL;
	const char *share = utilization ? "  (as a percentage of request)" : "";

	if (!strcmp(metric->type, "Resource"))
		kt_str_printf(out, "resource %s on pods%s", name, share);
	else if (!strcmp(metric->type, "ContainerResource"))
		kt_str_printf(out, "resource %s of container \"%s\" on pods%s", name,
		        kt_describe_field(spec, "container"), share);
	else if (!strcmp(metric->type, "Pods"))
		kt_str_printf(out, "\"%s\" on pods", measured);
	else if (!strcmp(metric->type, "Object"))
		kt_str_printf(out, "\"%s\" on %s/%s%s", measured,
		        kt_describe_field(spec, "describedObject.kind"),
		        kt_describe_field(spec, "describedObject.name"),
		        average ? " (target average value)" : " (target value)");
	else
		kt_str_printf(
		        out, "\"%s\" (target %s)", measured, average ? "average value" : "value");
}

static void put_metrics(struct kt_describer *d, const json_t *object)
{
	const json_t *current = kt_jget(object, "status.currentMetrics");
	json_t *entry;
	size_t i;

	kt_describe_put(d, "Metrics:\t( current / target )\n");
	json_array_foreach(kt_jget(object, "spec.metrics"), i, entry) {
		for (size_t j = 0; j < KT_ARRAY_SIZE(METRICS); j++) {
			const json_t *spec = json_object_get(entry, METRICS[j].key),
			             *status = json_object_get(
			                     json_array_get(current, i), METRICS[j].key);
			kt_auto_str name = KT_STR_INIT, now = KT_STR_INIT, wanted = KT_STR_INIT;

			if (!kt_streq(kt_jstr(entry, "type"), METRICS[j].type))
				continue;
			metric_name(&name, &METRICS[j], spec);
			metric_value(&now, json_object_get(status, "current"));
			metric_value(&wanted, json_object_get(spec, "target"));
			kt_describe_put(d, "  %s:\t%s / %s\n", kt_str_text(&name),
			        kt_str_text(&now), kt_str_text(&wanted));
		}
	}
}

static void put_scaling(struct kt_describer *d, const json_t *object, const char *way)
{
	const json_t *behavior = kt_jget(kt_jget(object, "spec.behavior"), way);
	bool up = !strcmp(way, "scaleUp");
	json_t *policy;
	size_t i;

	if (!behavior)
		return;
	kt_describe_put(d, "  Scale %s:\n", up ? "Up" : "Down");
	if (kt_jget(behavior, "stabilizationWindowSeconds"))
		kt_describe_put(d, "    Stabilization Window: %lld seconds\n",
		        number(behavior, "stabilizationWindowSeconds"));
	kt_describe_put(d, "    Select Policy: %s\n    Policies:\n",
	        *kt_describe_field(behavior, "selectPolicy")
	                ? kt_describe_field(behavior, "selectPolicy")
	                : "Max");
	json_array_foreach(json_object_get(behavior, "policies"), i, policy)
		kt_describe_put(d, "      - Type: %s\tValue: %lld\tPeriod: %lld seconds\n",
		        kt_describe_field(policy, "type"), number(policy, "value"),
		        number(policy, "periodSeconds"));
}

void kt_describe_hpa(struct kt_describer *d, const json_t *object)
{
	const char *kind = kt_describe_field(object, "spec.scaleTargetRef.kind");
	json_t *condition;
	size_t i;

	put_name(d, object);
	put_marks(d, object);
	kt_describe_time(d, "CreationTimestamp", object, "metadata.creationTimestamp");
	kt_describe_put(d, "Reference:\t%s/%s\n", kind,
	        kt_describe_field(object, "spec.scaleTargetRef.name"));
	put_metrics(d, object);
	put_number(d, "Min replicas", object, "spec.minReplicas", "<unset>");
	put_number(d, "Max replicas", object, "spec.maxReplicas", "0");
	if (kt_jget(object, "spec.behavior")) {
		kt_describe_put(d, "Behavior:\n");
		put_scaling(d, object, "scaleUp");
		put_scaling(d, object, "scaleDown");
	}
	kt_describe_put(d, "%s pods:\t%lld current / %lld desired\n", kind,
	        number(object, "status.currentReplicas"), number(object, "status.desiredReplicas"));
	if (json_array_size(kt_jget(object, "status.conditions")))
		kt_describe_put(d, "Conditions:\n  Type\tStatus\tReason\tMessage\n"
		                   "  ----\t------\t------\t-------\n");
	json_array_foreach(kt_jget(object, "status.conditions"), i, condition)
		kt_describe_put(d, "  %s\t%s\t%s\t%s\n", kt_describe_field(condition, "type"),
		        kt_describe_field(condition, "status"),
		        kt_describe_field(condition, "reason"),
		        kt_describe_field(condition, "message"));
	kt_describe_events(d, object);
}

void kt_describe_pdb(struct kt_describer *d, const json_t *object)
{
	put_name(d, object);
	put_number(d, "Min available", object, "spec.minAvailable", NULL);
	put_number(d, "Max unavailable", object, "spec.maxUnavailable", NULL);
	if (kt_jget(object, "spec.selector"))
		put_selector(d, object);
	else
		kt_describe_put(d, "Selector:\t<unset>\n");
	kt_describe_put(d,
	        "Status:\n    Allowed disruptions:\t%lld\n    Current:\t%lld\n    Desired:\t%lld\n "
	        " "
	        "  Total:\t%lld\n",
	        number(object, "status.disruptionsAllowed"),
	        number(object, "status.currentHealthy"), number(object, "status.desiredHealthy"),
	        number(object, "status.expectedPods"));
	kt_describe_events(d, object);
}

void kt_describe_priorityclass(struct kt_describer *d, const json_t *object)
{
	kt_auto_free char *notes =
	        kt_describe_selector(kt_jget(object, "metadata.annotations"), "<none>");

	kt_describe_put(d,
	        "Name:\t%s\nValue:\t%lld\nGlobalDefault:\t%s\nPreemptionPolicy:\t%s\n"
	        "Description:\t%s\nAnnotations:\t%s\n",
	        kt_describe_field(object, "metadata.name"), number(object, "value"),
	        kt_jbool(object, "globalDefault", false) ? "true" : "false",
	        kt_describe_field(object, "preemptionPolicy"),
	        kt_describe_field(object, "description"), notes);
	kt_describe_events(d, object);
}
