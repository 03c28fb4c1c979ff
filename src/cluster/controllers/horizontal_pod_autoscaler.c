/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * HorizontalPodAutoscalers on resource metrics: every 15 seconds the usage of the target's pods is
 * compared with the wanted one. Up at once (at most to the double or by four), down only to the
 * highest wish of the last five minutes.
 */
#include "api/machinery/quantity.h"
#include "api/status.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/controllers/meta.h"
#include "cluster/controllers/resources.h"
#include "cluster/controllers/table.h"

#include <math.h>

#define PERIOD_MS 15000
#define TOLERANCE 0.1
#define DOWN_WINDOW_NS (300 * KT_NS_PER_S)
#define WISHES_MAX 32 /* more than one per period in the window */

/* What was wanted lately, for slow scaling down. */
struct wishes {
	struct {
		int64_t wall_ns, replicas;
	} items[WISHES_MAX];
	size_t n;
};

struct hpa_controller {
	struct kt_reconciler *reconciler;
	struct kt_informer *autoscalers, *pods;
	struct kt_cluster_resources *resources;
	struct kt_map wishes; /* key -> wishes */
};

/* One pass, across its calls. */
struct hpa_work {
	struct hpa_controller *own;
	struct kt_object *object;
	json_t *tree, *status;
	char *scale_path;
	int64_t current;
	char *selector;
	const char *metric; /* name of the one that decides */
	int64_t wanted;     /* -1: no metric could be read */
	int refs;           /* each call under way holds one */
};

static void work_unref(void *value)
{
	struct hpa_work *work = value;

	if (--work->refs > 0)
		return;
	kt_object_unref(work->object);
	json_decref(work->tree);
	json_decref(work->status);
	free(work->scale_path);
	free(work->selector);
	free(work);
}

static void condition(struct kt_pass *pass, struct hpa_work *work, const char *type, bool value,
        const char *reason, const char *message)
{
	kt_set_condition(kt_status_conditions(work->status), type, value ? "True" : "False", reason,
	        message, kt_pass_wall_ns(pass), false);
}

static void write_status(struct kt_pass *pass, struct hpa_work *work)
{
	kt_auto_free char *path = kt_asprintf(
	        "/apis/autoscaling/v2/namespaces/%.*s/horizontalpodautoscalers/%.*s",
	        KT_SVP(kt_object_namespace(work->object)), KT_SVP(kt_object_name(work->object)));

	json_object_set_new(
	        work->status, "observedGeneration", json_integer(kt_generation(work->object)));
	kt_set_count(work->status, "currentReplicas", work->current);
	if (!json_object_get(work->status, "desiredReplicas"))
		json_object_set_new(work->status, "desiredReplicas", json_integer(0));
	kt_patch_status(
	        pass, work->own->autoscalers, work->object, path, json_incref(work->status));
}

/* The highest wish of the window, this one included. */
static int64_t steady(
        struct hpa_controller *own, const char *key, int64_t wall_ns, int64_t replicas)
{
	struct wishes *wishes = kt_map_get(&own->wishes, key);
	int64_t highest = replicas;
	size_t kept = 0;

	if (!wishes) {
		wishes = kt_new(struct wishes);
		kt_map_set(&own->wishes, key, wishes);
	}
	for (size_t i = 0; i < wishes->n; i++) {
		if (wishes->items[i].wall_ns + DOWN_WINDOW_NS < wall_ns)
			continue;
		highest = KT_MAX(highest, wishes->items[i].replicas);
		wishes->items[kept++] = wishes->items[i];
	}
	wishes->n = kept;
	if (wishes->n == WISHES_MAX)
		memmove(wishes->items, wishes->items + 1, --wishes->n * sizeof(wishes->items[0]));
	wishes->items[wishes->n].wall_ns = wall_ns;
	wishes->items[wishes->n++].replicas = replicas;
	return highest;
}

static int64_t limit(struct kt_pass *pass, struct hpa_work *work, int64_t wanted)
{
	int64_t least = kt_jint(work->tree, "spec.minReplicas", 1);
	int64_t most = kt_jint(work->tree, "spec.maxReplicas", 1);
	int64_t step = KT_MAX(work->current * 2, work->current + 4);

	if (wanted > step) {
		wanted = step;
		condition(pass, work, "ScalingLimited", true, "ScaleUpLimit",
		        "the desired replica count is increasing faster than the maximum scale "
		        "rate");
	} else {
		condition(pass, work, "ScalingLimited", false, "DesiredWithinRange",
		        "the desired count is within the acceptable range");
	}
	if (wanted > most)
		condition(pass, work, "ScalingLimited", true, "TooManyReplicas",
		        "the desired replica count is more than the maximum replica count");
	else if (wanted < least)
		condition(pass, work, "ScalingLimited", true, "TooFewReplicas",
		        "the desired replica count is less than the minimum replica count");
	return KT_MAX(KT_MIN(wanted, most), least);
}

static bool out_of_bounds(const struct hpa_work *work)
{
	return work->current > kt_jint(work->tree, "spec.maxReplicas", 1) ||
	       work->current < kt_jint(work->tree, "spec.minReplicas", 1);
}

static char *rescale_reason(const struct hpa_work *work, int64_t replicas)
{
	if (work->current > kt_jint(work->tree, "spec.maxReplicas", 1))
		return kt_strdup("Current number of replicas above Spec.MaxReplicas");
	if (work->current < kt_jint(work->tree, "spec.minReplicas", 1))
		return kt_strdup("Current number of replicas below Spec.MinReplicas");
	if (replicas < work->current)
		return kt_strdup("All metrics below target");
	return kt_asprintf("%s resource utilization (percentage of request) above target",
	        work->metric ? work->metric : "cpu");
}

static void rescaled(struct kt_pass *pass, struct kt_call *call, void *arg)
{
	struct hpa_work *work = arg;
	int64_t replicas = kt_jint(work->status, "desiredReplicas", 0);
	kt_auto_free char *why = rescale_reason(work, replicas);

	if (call->err.code) {
		kt_reconciler_event(work->own->reconciler, work->object, "Warning", "FailedRescale",
		        "New size: %lld; reason: %s; error: %s", (long long)replicas, why,
		        kt_err_message(&call->err));
		condition(pass, work, "AbleToScale", false, "FailedUpdateScale",
		        kt_err_message(&call->err));
	} else {
		kt_reconciler_event(work->own->reconciler, work->object, "Normal",
		        "SuccessfulRescale", "New size: %lld; reason: %s", (long long)replicas,
		        why);
		json_object_set_new(
		        work->status, "lastScaleTime", kt_time_json(kt_pass_wall_ns(pass)));
	}
	write_status(pass, work);
	kt_pass_check(pass, call);
}

static void decide(struct kt_pass *pass, struct hpa_work *work)
{
	kt_auto_json json_t *body = NULL;
	int64_t wanted = work->wanted;

	if (wanted < work->current)
		wanted = KT_MIN(work->current,
		        steady(work->own, kt_pass_key(pass), kt_pass_wall_ns(pass), wanted));
	else
		steady(work->own, kt_pass_key(pass), kt_pass_wall_ns(pass), wanted);
	wanted = limit(pass, work, wanted);
	condition(pass, work, "AbleToScale", true,
	        wanted == work->current ? "ReadyForNewScale" : "SucceededRescale",
	        wanted == work->current ? "recommended size matches current size"
	                                : "the HPA controller was able to update the target scale");
	json_object_set_new(work->status, "desiredReplicas", json_integer(wanted));
	if (wanted == work->current) {
		write_status(pass, work);
		return;
	}
	body = json_pack("{s:{s:I}}", "spec", "replicas", (json_int_t)wanted);
	work->refs++;
	kt_pass_send(pass,
	        &(struct kt_pass_write){.method = "PATCH",
	                .content_type = KT_PATCH_MERGE,
	                .body = body,
	                .done = rescaled,
	                .arg = work,
	                .free_arg = work_unref},
	        "%s", work->scale_path);
}

/* --- metrics --- */

struct usage {
	int64_t used_milli, requested_milli, n_pods;
};

static int64_t requested(const struct kt_object *pod, const char *resource)
{
	struct kt_json_at list = kt_field_of(pod, "spec", "containers"), item;
	struct kt_json_iter it = {0};
	int64_t sum = 0;

	while (list.p && kt_json_next_element(list, &it, &item)) {
		kt_auto_free char *text = kt_json_string_dup(
		        kt_json_find(item, "resources", "requests", resource, NULL));

		sum += text ? kt_quantity_text_milli(text) : 0;
	}
	return sum;
}

static struct usage measure(struct hpa_work *work, const json_t *list, const char *resource)
{
	struct usage usage = {0};
	json_t *item, *container;
	size_t i, c;

	json_array_foreach(json_object_get(list, "items"), i, item) {
		const char *name = kt_jstr(item, "metadata.name");
		struct kt_object *pod = kt_informer_get(
		        work->own->pods, kt_object_namespace(work->object), kt_sv_of(name));

		if (!pod || !kt_pod_is_active(pod) || !kt_pod_is_ready(pod))
			continue;
		usage.n_pods++;
		usage.requested_milli += requested(pod, resource);
		json_array_foreach(json_object_get(item, "containers"), c, container) {
			const char *text = json_string_value(
			        json_object_get(json_object_get(container, "usage"), resource));

			usage.used_milli += text ? kt_quantity_text_milli(text) : 0;
		}
	}
	return usage;
}

/* What one metric wants; -1: it cannot say. Its present value is added to `current`. */
static int64_t wish_of(
        struct hpa_work *work, const json_t *metric, const json_t *list, json_t *current)
{
	const char *resource = kt_jstr(metric, "resource.name");
	const char *average = kt_jstr(metric, "resource.target.averageValue");
	int64_t target = kt_jint(metric, "resource.target.averageUtilization", 0);
	struct usage usage = {0};
	double ratio, now;
	json_t *value;
	char text[KT_QUANTITY_TEXT_MAX];

	if (!kt_streq(kt_jstr(metric, "type"), "Resource") || !resource)
		return -1;
	usage = measure(work, list, resource);
	if (!usage.n_pods || (target && !usage.requested_milli) || (!target && !average))
		return -1;
	kt_quantity_format(kt_quantity_from_milli(usage.used_milli / usage.n_pods,
	                           strcmp(resource, "cpu") == 0 ? KT_QUANTITY_DECIMAL_SI
	                                                        : KT_QUANTITY_BINARY_SI),
	        text);
	value = json_pack("{s:s}", "averageValue", text);
	if (target) {
		now = 100.0 * (double)usage.used_milli / (double)usage.requested_milli;
		json_object_set_new(value, "averageUtilization", json_integer((json_int_t)now));
		ratio = now / (double)target;
	} else {
		ratio = (double)usage.used_milli / (double)usage.n_pods /
		        (double)KT_MAX(kt_quantity_text_milli(average), 1);
	}
	json_array_append_new(current, json_pack("{s:s,s:{s:s,s:o}}", "type", "Resource",
	                                       "resource", "name", resource, "current", value));
	if (fabs(ratio - 1) <= TOLERANCE)
		return work->current;
	return (int64_t)ceil(ratio * (double)usage.n_pods);
}

static void metrics_read(struct kt_pass *pass, struct kt_call *call, void *arg)
{
	struct hpa_work *work = arg;
	struct kt_json_at at = kt_call_answer(call);
	kt_auto_json json_t *list = call->err.code || !at.p ? NULL : kt_json_tree(at);
	json_t *metric, *current = json_array();
	size_t i;

	json_array_foreach(kt_jget(work->tree, "spec.metrics"), i, metric) {
		int64_t wish = list ? wish_of(work, metric, list, current) : -1;

		if (wish > work->wanted) {
			work->wanted = wish;
			work->metric = kt_jstr(metric, "resource.name");
		}
	}
	if (json_array_size(current))
		json_object_set(work->status, "currentMetrics", current);
	json_decref(current);
	if (work->wanted < 0) {
		condition(pass, work, "ScalingActive", false, "FailedGetResourceMetric",
		        "the HPA was unable to compute the replica count: no metrics of ready pods "
		        "with requests");
		write_status(pass, work);
		return;
	}
	condition(pass, work, "ScalingActive", true, "ValidMetricFound",
	        "the HPA was able to successfully calculate a replica count from resource "
	        "utilization");
	decide(pass, work);
}

/* "a=b,c in (d)" as part of a URL. */
static char *escape(const char *text)
{
	struct kt_str out = KT_STR_INIT;

	for (const char *p = text; *p; p++) {
		if (strchr(" ,=()!<>%&+#", *p))
			kt_str_printf(&out, "%%%02X", (unsigned char)*p);
		else
			kt_str_putc(&out, *p);
	}
	return kt_str_steal(&out);
}

static void scale_read(struct kt_pass *pass, struct kt_call *call, void *arg)
{
	struct hpa_work *work = arg;
	struct kt_json_at at = kt_call_answer(call);
	kt_auto_json json_t *scale = call->err.code || !at.p ? NULL : kt_json_tree(at);
	kt_auto_free char *selector = NULL;

	if (!scale) {
		condition(pass, work, "AbleToScale", false, "FailedGetScale",
		        kt_err_message(&call->err));
		write_status(pass, work);
		return;
	}
	work->current = kt_jint(scale, "spec.replicas", 0);
	if (!work->current) {
		condition(pass, work, "ScalingActive", false, "ScalingDisabled",
		        "scaling is disabled since the replica count of the target is zero");
		write_status(pass, work);
		return;
	}
	if (out_of_bounds(work)) {
		/* Moved there whatever the metrics say, which are not asked for. */
		work->wanted = work->current;
		decide(pass, work);
		return;
	}
	selector =
	        escape(kt_jstr(scale, "status.selector") ? kt_jstr(scale, "status.selector") : "");
	work->refs++;
	kt_pass_send(pass,
	        &(struct kt_pass_write){
	                .method = "GET", .done = metrics_read, .arg = work, .free_arg = work_unref},
	        "/apis/metrics.k8s.io/v1beta1/namespaces/%.*s/pods?labelSelector=%s",
	        KT_SVP(kt_object_namespace(work->object)), selector);
}

static void reconcile(void *arg, struct kt_pass *pass, const char *key)
{
	struct hpa_controller *own = arg;
	struct kt_object *object = kt_pass_object(pass, own->autoscalers);
	struct kt_resource *resource;
	struct hpa_work *work;
	const char *version, *kind;

	if (!object || kt_is_deleting(object)) {
		kt_map_del(&own->wishes, key);
		return;
	}
	kt_pass_again_after_ms(pass, PERIOD_MS);
	work = kt_new(struct hpa_work);
	work->own = own;
	work->object = kt_object_ref(object);
	work->tree = kt_object_tree(object);
	work->status = kt_status_tree(object);
	work->wanted = -1;
	work->refs = 1;
	version = kt_jstr(work->tree, "spec.scaleTargetRef.apiVersion");
	kind = kt_jstr(work->tree, "spec.scaleTargetRef.kind");
	resource = kt_resource_of_kind(
	        own->resources, kt_sv_of(version ? version : "v1"), kt_sv_of(kind ? kind : ""));
	if (!resource) {
		condition(pass, work, "AbleToScale", false, "FailedGetScale",
		        "the HPA controller was unable to get the target's current scale: no "
		        "matches for kind");
		write_status(pass, work);
		work_unref(work);
		return;
	}
	{
		kt_auto_free char *path =
		        kt_controller_resource_path(resource, kt_object_namespace(object),
		                kt_sv_of(kt_jstr(work->tree, "spec.scaleTargetRef.name")));

		work->scale_path = kt_asprintf("%s/scale", path);
	}
	kt_pass_send(pass,
	        &(struct kt_pass_write){
	                .method = "GET", .done = scale_read, .arg = work, .free_arg = work_unref},
	        "%s", work->scale_path);
}

static void autoscaler_changed(
        void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct hpa_controller *own = arg;

	/* Its own status is no reason to look again before the period is over. */
	if (new_object && (!old_object || kt_generation(old_object) != kt_generation(new_object)))
		kt_reconciler_add_object(own->reconciler, new_object);
}

static void *create(struct kt_controllers *controllers)
{
	struct hpa_controller *own = kt_new(struct hpa_controller);

	kt_map_init(&own->wishes, free);
	own->reconciler =
	        kt_reconciler_create(&(struct kt_reconciler_options){.controllers = controllers,
	                .name = "horizontal-pod-autoscaler",
	                .reconcile = reconcile,
	                .arg = own});
	own->autoscalers = kt_controllers_informer(
	        controllers, "/apis/autoscaling/v2/horizontalpodautoscalers");
	own->pods = kt_controllers_informer(controllers, "/api/v1/pods");
	own->resources = kt_resources_of(controllers);
	kt_informer_add_handler(own->autoscalers,
	        &(struct kt_informer_handler){.on_change = autoscaler_changed, .arg = own});
	return own;
}

static void destroy(void *controller)
{
	struct hpa_controller *own = controller;

	kt_reconciler_destroy(own->reconciler);
	kt_map_finish(&own->wishes);
	free(own);
}

const struct kt_controller kt_controller_horizontal_pod_autoscaler = {
        "horizontal-pod-autoscaler-controller", create, destroy};
