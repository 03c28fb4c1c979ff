/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an autoscaler's metrics want. Usage of pods that just started says little about the CPU they
 * will need: they count as idle when more are wanted, and not at all otherwise; pods without usage
 * count against every change.
 */
#include "cluster/controllers/hpa.h"

#include "api/machinery/quantity.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"

#include <math.h>

#define TOLERANCE 0.1
#define START_PERIOD_NS (300 * KT_NS_PER_S)
#define READY_DELAY_NS (30 * KT_NS_PER_S)

/* One metric of the spec, of all pods together. */
struct metric {
	struct hpa_work *work;
	const char *resource, *container; /* container NULL: all of the pod */
	int64_t target_percent;           /* 0: target_milli is the target */
	int64_t target_milli;
	int64_t n_pods, n_measured, n_missing, n_unready;
	int64_t used_milli, requested_milli; /* of the measured ones */
	int64_t missing_milli;               /* requests of those without usage */
	int64_t unready_milli;
	struct kt_str error;
};

/* The usage of one pod. */
struct sample {
	bool any;
	int64_t milli, wall_ns, window_ns;
};

static struct sample sample_of(const struct metric *metric, const json_t *list, struct kt_sv pod)
{
	struct sample sample = {0};
	json_t *item, *container;
	size_t i, c;

	json_array_foreach(json_object_get(list, "items"), i, item) {
		const char *time = kt_jstr(item, "timestamp"), *window = kt_jstr(item, "window");

		if (!kt_sv_is(pod, kt_jstr(item, "metadata.name")))
			continue;
		if (time)
			kt_time_parse(kt_sv_of(time), &sample.wall_ns);
		if (window)
			kt_duration_parse(kt_sv_of(window), &sample.window_ns);
		json_array_foreach(json_object_get(item, "containers"), c, container) {
			const char *text = json_string_value(json_object_get(
			        json_object_get(container, "usage"), metric->resource));

			if (!text || (metric->container && !kt_streq(metric->container,
			                                           kt_jstr(container, "name"))))
				continue;
			sample.any = true;
			sample.milli += kt_quantity_text_milli(text);
		}
		break;
	}
	return sample;
}

/* False, with the error, when a container does not say what it requests. */
static bool add_requests(struct metric *metric, const struct kt_object *pod, int64_t *ret_milli)
{
	struct kt_json_at list = kt_field_of(pod, "spec", "containers"), item;
	struct kt_json_iter it = {0};

	*ret_milli = 0;
	while (metric->target_percent && list.p && kt_json_next_element(list, &it, &item)) {
		kt_auto_free char *name = kt_json_string_dup(kt_json_member(item, "name")),
		                  *text = kt_json_string_dup(kt_json_find(
		                          item, "resources", "requests", metric->resource, NULL));

		if (metric->container && !kt_streq(metric->container, name))
			continue;
		if (!text) {
			kt_str_printf(&metric->error,
			        "missing request for %s in container %s of Pod %.*s",
			        metric->resource, name ? name : "", KT_SVP(kt_object_name(pod)));
			return false;
		}
		*ret_milli += kt_quantity_text_milli(text);
	}
	return true;
}

static bool is_unready(
        const struct metric *metric, const struct kt_object *pod, const struct sample *sample)
{
	struct kt_json_at ready = kt_condition(pod, "Ready");
	int64_t started_ns = kt_time_at(kt_json_member(kt_object_doc(pod), "status"), "startTime"),
	        since_ns = ready.p ? kt_time_at(ready, "lastTransitionTime") : 0;

	if (kt_pod_phase_is(pod, "Pending"))
		return true;
	if (strcmp(metric->resource, "cpu") != 0)
		return false;
	if (!ready.p || !started_ns)
		return true;
	if (metric->work->wall_ns < started_ns + START_PERIOD_NS)
		return !kt_pod_is_ready(pod) || sample->wall_ns < since_ns + sample->window_ns;
	return !kt_pod_is_ready(pod) && started_ns + READY_DELAY_NS > since_ns;
}

static bool add_pod(struct metric *metric, const json_t *list, const struct kt_object *pod)
{
	struct sample sample = sample_of(metric, list, kt_object_name(pod));
	int64_t requested;

	if (!add_requests(metric, pod, &requested))
		return false;
	metric->n_pods++;
	if (kt_pod_phase_is(pod, "Pending") || (sample.any && is_unready(metric, pod, &sample))) {
		metric->n_unready++;
		metric->unready_milli += requested;
	} else if (!sample.any) {
		metric->n_missing++;
		metric->missing_milli += requested;
	} else {
		metric->n_measured++;
		metric->used_milli += sample.milli;
		metric->requested_milli += requested;
	}
	return true;
}

static bool measure(struct metric *metric, const json_t *list)
{
	const struct hpa_work *work = metric->work;
	kt_auto_objects pods = {0};

	kt_collect_indexed(work->own->pods, "namespace", kt_object_namespace(work->object), &pods);
	for (size_t i = 0; i < pods.n; i++) {
		const struct kt_object *pod = pods.items[i];

		if (kt_is_deleting(pod) || kt_pod_phase_is(pod, "Failed") ||
		        !kt_selector_matches(work->selector, pod))
			continue;
		if (!add_pod(metric, list, pod))
			return false;
	}
	if (!metric->n_pods)
		kt_str_puts(&metric->error,
		        "no pods returned by selector while calculating replica count");
	else if (!metric->n_measured)
		kt_str_puts(&metric->error, "did not receive metrics for targeted pods (pods might "
		                            "be unready)");
	return !metric->error.len;
}

/* How much more (> 1) or less is used than wanted, by the measured pods and n more that use this
 * much and request that much. */
static double ratio_of(const struct metric *metric, int64_t n, int64_t used, int64_t requested)
{
	double sum = (double)(metric->used_milli + used);

	if (metric->target_percent)
		return sum * 100 / (double)KT_MAX(metric->requested_milli + requested, INT64_C(1)) /
		       (double)metric->target_percent;
	return sum / (double)(metric->n_measured + n) / (double)KT_MAX(metric->target_milli, 1);
}

static bool is_close(const struct hpa_work *work, double ratio)
{
	const char *up = kt_jstr(work->behavior, "scaleUp.tolerance"),
	           *down = kt_jstr(work->behavior, "scaleDown.tolerance");
	double up_by = up ? (double)kt_quantity_text_milli(up) / 1000 : TOLERANCE,
	       down_by = down ? (double)kt_quantity_text_milli(down) / 1000 : TOLERANCE;

	return ratio >= 1 - down_by && ratio <= 1 + up_by;
}

static int64_t replicas_for(const struct metric *metric)
{
	int64_t current = metric->work->current, n = 0, used = 0, requested = 0, replicas;
	double ratio = ratio_of(metric, 0, 0, 0), cautious;

	if (!metric->n_missing && !(metric->n_unready && ratio > 1))
		return is_close(metric->work, ratio)
		               ? current
		               : (int64_t)ceil(ratio * (double)metric->n_measured);
	if (metric->n_missing) {
		n += metric->n_missing;
		requested += metric->missing_milli;
		if (ratio < 1) /* as if they used all they may */
			used += metric->target_percent
			                ? metric->missing_milli *
			                          KT_MAX(metric->target_percent, 100) / 100
			                : metric->n_missing * metric->target_milli;
	}
	if (metric->n_unready && ratio > 1) {
		n += metric->n_unready;
		requested += metric->unready_milli;
	}
	cautious = ratio_of(metric, n, used, requested);
	if (is_close(metric->work, cautious) || (ratio < 1 && cautious > 1) ||
	        (ratio > 1 && cautious < 1))
		return current;
	replicas = (int64_t)ceil(cautious * (double)(metric->n_measured + n));
	if ((cautious < 1 && replicas > current) || (cautious > 1 && replicas < current))
		return current;
	return replicas;
}

static void write_current(const struct metric *metric, bool is_container, json_t *list)
{
	const char *key = is_container ? "containerResource" : "resource";
	bool cpu = strcmp(metric->resource, "cpu") == 0;
	char text[KT_QUANTITY_TEXT_MAX];
	json_t *current, *item;

	kt_quantity_format(kt_quantity_from_milli(metric->used_milli / metric->n_measured,
	                           cpu ? KT_QUANTITY_DECIMAL_SI : KT_QUANTITY_BINARY_SI),
	        text);
	current = json_pack("{s:s}", "averageValue", text);
	if (metric->target_percent)
		json_object_set_new(current, "averageUtilization",
		        json_integer(metric->used_milli * 100 /
		                     KT_MAX(metric->requested_milli, INT64_C(1))));
	item = json_pack("{s:s,s:{s:s,s:o}}", "type",
	        is_container ? "ContainerResource" : "Resource", key, "name", metric->resource,
	        "current", current);
	if (is_container)
		json_object_set_new(
		        json_object_get(item, key), "container", json_string(metric->container));
	json_array_append_new(list, item);
}

/* What could not be read, as condition, event and the first error of the pass. */
struct failure {
	const char *reason;
	struct kt_str text;  /* of the event; the condition adds to it */
	struct kt_str first; /* of FailedComputeMetricsReplicas */
	int64_t n;
};

static void fail(struct hpa_work *work, struct failure *failure, const char *reason,
        const char *what, const char *text)
{
	if (!failure->n++) {
		failure->reason = reason;
		kt_str_puts(&failure->text, text);
		kt_str_printf(&failure->first, "%s%s", what, text);
	}
	kt_reconciler_event(work->own->reconciler, work->object, "Warning", reason, "%s", text);
}

static void fail_resource(
        struct metric *metric, bool is_container, struct failure *failure, const char *why)
{
	kt_auto_free char *text = kt_asprintf("failed to get %s %s: %s", metric->resource,
	                          metric->target_percent ? "utilization" : "usage", why),
	                  *what = kt_asprintf("failed to get %s %s metric value: ",
	                          metric->resource, is_container ? "container" : "resource");

	fail(metric->work, failure,
	        is_container ? "FailedGetContainerResourceMetric" : "FailedGetResourceMetric", what,
	        text);
}

/* A metric of the pods' resources; -1: it says nothing. */
static int64_t read_resource(struct hpa_work *work, const json_t *spec, const json_t *list,
        const char *why, struct failure *failure, json_t *current)
{
	bool is_container = kt_streq(kt_jstr(spec, "type"), "ContainerResource");
	const json_t *source =
	        json_object_get(spec, is_container ? "containerResource" : "resource");
	const char *average = kt_jstr(source, "target.averageValue");
	struct metric metric = {.work = work,
	        .resource = kt_jstr(source, "name"),
	        .container = is_container ? kt_jstr(source, "container") : NULL,
	        .target_percent = average ? 0 : kt_jint(source, "target.averageUtilization", 0),
	        .target_milli = average ? kt_quantity_text_milli(average) : 0};
	int64_t replicas = -1;

	if (!metric.resource || (!average && !metric.target_percent))
		return -1;
	if (list && measure(&metric, list)) {
		replicas = replicas_for(&metric);
		write_current(&metric, is_container, current);
	} else {
		fail_resource(
		        &metric, is_container, failure, list ? kt_str_text(&metric.error) : why);
	}
	if (replicas > work->wanted) {
		work->wanted = replicas;
		free(work->metric);
		work->metric = kt_asprintf("%s %s", metric.resource,
		        metric.target_percent ? "resource utilization (percentage of request)"
		                              : "resource");
	}
	kt_str_finish(&metric.error);
	return replicas;
}

/* As Go prints a *LabelSelector. */
static void put_selector(struct kt_str *out, const json_t *selector)
{
	const char *key;
	json_t *value;

	if (!selector) {
		kt_str_puts(out, "nil");
		return;
	}
	kt_str_puts(out, "&LabelSelector{MatchLabels:map[string]string{");
	json_object_foreach(json_object_get(selector, "matchLabels"), key, value)
		kt_str_printf(out, "%s: %s,", key, json_string_value(value));
	kt_str_puts(out, "},MatchExpressions:[]LabelSelectorRequirement{},}");
}

#define UNSERVED \
	"unable to fetch metrics from custom metrics API: no known available metric versions " \
	"found"

static void refuse_pods(struct hpa_work *work, const json_t *source, struct failure *failure)
{
	kt_auto_free char *text =
	        kt_asprintf("unable to get metric %s: " UNSERVED, kt_jstr(source, "metric.name"));

	fail(work, failure, "FailedGetPodsMetric", "failed to get pods metric value: ", text);
}

static void refuse_object(struct hpa_work *work, const json_t *source, struct failure *failure)
{
	kt_auto_free char *text = kt_asprintf("unable to get metric %s: %s on %.*s %s/" UNSERVED,
	        kt_jstr(source, "metric.name"), kt_jstr(source, "describedObject.kind"),
	        KT_SVP(kt_object_namespace(work->object)), kt_jstr(source, "describedObject.name"));

	fail(work, failure, "FailedGetObjectMetric", "failed to get object metric value: ", text);
}

/* Its client has no discovery before it asks. */
static void refuse_external(struct hpa_work *work, const json_t *source, struct failure *failure)
{
	const char *name = kt_jstr(source, "metric.name");
	kt_auto_free char *what = kt_asprintf(
	        "failed to get %s external metric value: failed to get %s external metric: ", name,
	        name);
	kt_auto_str text = KT_STR_INIT;

	kt_str_printf(&text, "unable to get external metric %.*s/%s/",
	        KT_SVP(kt_object_namespace(work->object)), name);
	put_selector(&text, kt_jget(source, "metric.selector"));
	kt_str_printf(&text,
	        ": unable to fetch metrics from external metrics API: the server could not find "
	        "the requested resource (get %s.external.metrics.k8s.io)",
	        name);
	fail(work, failure, "FailedGetExternalMetric", what, kt_str_text(&text));
}

/* Metrics of APIs that nobody serves here. */
static void refuse_other(struct hpa_work *work, const json_t *spec, struct failure *failure)
{
	static const struct {
		const char *type, *source;
		void (*refuse)(
		        struct hpa_work *work, const json_t *source, struct failure *failure);
	} sources[] = {
	        {"Pods", "pods", refuse_pods},
	        {"Object", "object", refuse_object},
	        {"External", "external", refuse_external},
	};

	for (size_t i = 0; i < KT_ARRAY_SIZE(sources); i++)
		if (kt_streq(kt_jstr(spec, "type"), sources[i].type))
			sources[i].refuse(work, json_object_get(spec, sources[i].source), failure);
}

bool hpa_read_metrics(struct hpa_work *work, const json_t *list, const char *why)
{
	struct failure failure = {0};
	json_t *spec, *current = json_array();
	int64_t n = (int64_t)json_array_size(kt_jget(work->tree, "spec.metrics"));
	bool good;
	size_t i;

	json_array_foreach(kt_jget(work->tree, "spec.metrics"), i, spec) {
		const char *type = kt_jstr(spec, "type");

		if (kt_streq(type, "Resource") || kt_streq(type, "ContainerResource"))
			read_resource(work, spec, list, why, &failure, current);
		else
			refuse_other(work, spec, &failure);
	}
	if (json_array_size(current))
		json_object_set(work->status, "currentMetrics", current);
	else
		json_object_del(work->status, "currentMetrics");
	json_decref(current);
	/* Where one is unknown the others may ask for more, never for less. */
	good = work->wanted >= 0 && failure.n < n && !(failure.n && work->wanted < work->current);
	if (good) {
		hpa_condition(work, "ScalingActive", true, "ValidMetricFound",
		        "the HPA was able to successfully calculate a replica count from %s",
		        work->metric);
	} else if (failure.n) {
		hpa_condition(work, "ScalingActive", false, failure.reason,
		        "the HPA was unable to compute the replica count: %s",
		        kt_str_text(&failure.text));
		kt_reconciler_event(work->own->reconciler, work->object, "Warning",
		        "FailedComputeMetricsReplicas",
		        "invalid metrics (%lld invalid out of %lld), first error is: %s",
		        (long long)failure.n, (long long)n, kt_str_text(&failure.first));
	}
	kt_str_finish(&failure.text);
	kt_str_finish(&failure.first);
	return good;
}
