/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * HorizontalPodAutoscalers on the usage of pods and of their containers: every 15 seconds it is
 * compared with the wanted one (hpa_metrics.c), and the target is scaled as fast as its behaviour
 * allows (hpa_behavior.c). There is no API of custom or external metrics here; a metric of these
 * says so.
 */
#include "cluster/controllers/hpa.h"

#include "api/status.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/controllers/table.h"

#define PERIOD_MS 15000

static void work_unref(void *value)
{
	struct hpa_work *work = value;

	if (--work->refs > 0)
		return;
	kt_object_unref(work->object);
	json_decref(work->tree);
	json_decref(work->status);
	kt_selector_destroy(work->selector);
	free(work->scale_path);
	free(work->metric);
	free(work->why);
	free(work);
}

void hpa_condition(struct hpa_work *work, const char *type, bool value, const char *reason,
        const char *message, ...)
{
	kt_auto_str text = KT_STR_INIT;
	va_list ap;

	va_start(ap, message);
	kt_str_vprintf(&text, message, ap);
	va_end(ap);
	kt_set_condition(kt_status_conditions(work->status), type, value ? "True" : "False", reason,
	        kt_str_text(&text), work->wall_ns, false);
}

static void write_status(struct kt_pass *pass, struct hpa_work *work, int64_t desired)
{
	kt_auto_free char *path = kt_asprintf(
	        "/apis/autoscaling/v2/namespaces/%.*s/horizontalpodautoscalers/%.*s",
	        KT_SVP(kt_object_namespace(work->object)), KT_SVP(kt_object_name(work->object)));

	kt_set_count(work->status, "currentReplicas", work->current);
	json_object_set_new(work->status, "desiredReplicas", json_integer(desired));
	kt_patch_status(
	        pass, work->own->autoscalers, work->object, path, json_incref(work->status));
}

static void rescaled(struct kt_pass *pass, struct kt_call *call, void *arg)
{
	struct hpa_work *work = arg;
	const char *error = call->err.code ? kt_err_message(&call->err) : "";
	int64_t change = work->wanted - work->current;

	if (call->err.code) {
		kt_reconciler_event(work->own->reconciler, work->object, "Warning", "FailedRescale",
		        "New size: %lld; reason: %s; error: %s", (long long)work->wanted, work->why,
		        error);
		hpa_condition(work, "AbleToScale", false, "FailedUpdateScale",
		        "the HPA controller was unable to update the target scale: %s", error);
		write_status(pass, work, work->current);
		kt_pass_check(pass, call);
		return;
	}
	kt_reconciler_event(work->own->reconciler, work->object, "Normal", "SuccessfulRescale",
	        "New size: %lld; reason: %s", (long long)work->wanted, work->why);
	hpa_condition(work, "AbleToScale", true, "SucceededRescale",
	        "the HPA controller was able to update the target scale to %lld",
	        (long long)work->wanted);
	hpa_remember(change > 0 ? &work->memory->ups : &work->memory->downs, work->wall_ns,
	        change > 0 ? change : -change);
	json_object_set_new(work->status, "lastScaleTime", kt_time_json(work->wall_ns));
	write_status(pass, work, work->wanted);
}

/* Scales to work->wanted, for work->why. */
static void rescale(struct kt_pass *pass, struct hpa_work *work)
{
	kt_auto_json json_t *body = NULL;

	if (work->wanted == work->current) {
		write_status(pass, work, work->current);
		return;
	}
	body = json_pack("{s:{s:I}}", "spec", "replicas", (json_int_t)work->wanted);
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

static void metrics_read(struct kt_pass *pass, struct kt_call *call, void *arg)
{
	struct hpa_work *work = arg;
	struct kt_json_at at = kt_call_answer(call);
	kt_auto_json json_t *list = call->err.code || !at.p ? NULL : kt_json_tree(at);
	kt_auto_free char *why = kt_asprintf(
	        "unable to get metrics: unable to fetch metrics from resource metrics API: %s",
	        call->err.code ? kt_err_message(&call->err) : "no answer");

	if (!hpa_read_metrics(work, list, why)) {
		write_status(pass, work, work->current);
		return;
	}
	if (work->wanted > work->current)
		work->why = kt_asprintf("%s above target", work->metric);
	else
		work->why = kt_strdup("All metrics below target");
	work->wanted = hpa_limit(work, work->wanted);
	rescale(pass, work);
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

/* The metrics of the pods that the scale selects. */
static void ask_for_metrics(struct kt_pass *pass, struct hpa_work *work, const char *selector)
{
	kt_auto_err err = KT_ERR_INIT;
	kt_auto_free char *escaped = NULL;

	if (!selector || !*selector || kt_selector_parse(selector, &work->selector, &err) < 0) {
		kt_reconciler_event(work->own->reconciler, work->object, "Warning",
		        "SelectorRequired", "selector is required");
		hpa_condition(work, "ScalingActive", false, "InvalidSelector",
		        "the HPA target's scale is missing a selector");
		write_status(pass, work, work->current);
		return;
	}
	escaped = escape(selector);
	work->refs++;
	kt_pass_send(pass,
	        &(struct kt_pass_write){
	                .method = "GET", .done = metrics_read, .arg = work, .free_arg = work_unref},
	        "/apis/metrics.k8s.io/v1beta1/namespaces/%.*s/pods?labelSelector=%s",
	        KT_SVP(kt_object_namespace(work->object)), escaped);
}

static void no_scale(struct kt_pass *pass, struct hpa_work *work, const char *why)
{
	kt_reconciler_event(
	        work->own->reconciler, work->object, "Warning", "FailedGetScale", "%s", why);
	hpa_condition(work, "AbleToScale", false, "FailedGetScale",
	        "the HPA controller was unable to get the target's current scale: %s", why);
	write_status(pass, work, kt_jint(work->status, "desiredReplicas", 0));
}

static void scale_read(struct kt_pass *pass, struct kt_call *call, void *arg)
{
	struct hpa_work *work = arg;
	struct kt_json_at at = kt_call_answer(call);
	kt_auto_json json_t *scale = call->err.code || !at.p ? NULL : kt_json_tree(at);

	if (!scale) {
		no_scale(pass, work, call->err.code ? kt_err_message(&call->err) : "no answer");
		return;
	}
	hpa_condition(work, "AbleToScale", true, "SucceededGetScale",
	        "the HPA controller was able to get the target's current scale");
	work->current = kt_jint(scale, "spec.replicas", 0);
	if (!work->memory->wishes.n)
		hpa_remember(&work->memory->wishes, work->wall_ns, work->current);
	if (!work->current && work->least) {
		hpa_condition(work, "ScalingActive", false, "ScalingDisabled",
		        "scaling is disabled since the replica count of the target is zero");
		write_status(pass, work, 0);
	} else if (work->current > work->most) {
		work->why = kt_strdup("Current number of replicas above Spec.MaxReplicas");
		work->wanted = work->most;
		rescale(pass, work);
	} else if (work->current < work->least) {
		work->why = kt_strdup("Current number of replicas below Spec.MinReplicas");
		work->wanted = work->least;
		rescale(pass, work);
	} else {
		ask_for_metrics(pass, work, kt_jstr(scale, "status.selector"));
	}
}

static struct hpa_memory *memory_of(struct hpa_controller *own, const char *key)
{
	struct hpa_memory *memory = kt_map_get(&own->memories, key);

	if (!memory) {
		memory = kt_new(struct hpa_memory);
		kt_map_set(&own->memories, key, memory);
	}
	return memory;
}

static struct hpa_work *work_create(
        struct hpa_controller *own, struct kt_pass *pass, struct kt_object *object)
{
	struct hpa_work *work = kt_new(struct hpa_work);

	work->own = own;
	work->memory = memory_of(own, kt_pass_key(pass));
	work->object = kt_object_ref(object);
	work->tree = kt_object_tree(object);
	work->status = kt_status_tree(object);
	work->behavior = kt_jget(work->tree, "spec.behavior");
	work->least = kt_jint(work->tree, "spec.minReplicas", 1);
	work->most = kt_jint(work->tree, "spec.maxReplicas", 1);
	work->wall_ns = kt_pass_wall_ns(pass);
	work->wanted = -1;
	work->refs = 1;
	return work;
}

/* Keys of the memory are kept as long as a pass may use it: a deleted one's goes with its next
 * pass. */
static void reconcile(void *arg, struct kt_pass *pass, const char *key)
{
	struct hpa_controller *own = arg;
	struct kt_object *object = kt_pass_object(pass, own->autoscalers);
	kt_auto_free char *path = NULL;
	struct kt_resource *resource;
	struct hpa_work *work;
	const char *version, *kind, *name;

	if (!object || kt_is_deleting(object)) {
		kt_map_del(&own->memories, key);
		return;
	}
	kt_pass_again_after_ms(pass, PERIOD_MS);
	work = work_create(own, pass, object);
	version = kt_jstr(work->tree, "spec.scaleTargetRef.apiVersion");
	kind = kt_jstr(work->tree, "spec.scaleTargetRef.kind");
	name = kt_jstr(work->tree, "spec.scaleTargetRef.name");
	resource = kt_resource_of_kind(
	        own->resources, kt_sv_of(version ? version : "v1"), kt_sv_of(kind ? kind : ""));
	if (!resource && !kt_cluster_resources_synced(own->resources)) {
		work_unref(work); /* resources_synced() comes back */
		return;
	}
	if (!resource) {
		const char *slash = version ? strchr(version, '/') : NULL;
		kt_auto_free char *why = kt_asprintf("no matches for kind \"%s\" in group \"%.*s\"",
		        kind ? kind : "", slash ? (int)(slash - version) : 0, slash ? version : "");

		no_scale(pass, work, why);
		work_unref(work);
		return;
	}
	path = kt_controller_resource_path(
	        resource, kt_object_namespace(object), kt_sv_of(name ? name : ""));
	work->scale_path = kt_asprintf("%s/scale", path);
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

static bool add_autoscaler(void *arg, struct kt_object *autoscaler)
{
	struct hpa_controller *own = arg;

	kt_reconciler_add_object(own->reconciler, autoscaler);
	return true;
}

/* Targets can be found now. */
static void resources_synced(void *arg)
{
	struct hpa_controller *own = arg;

	kt_informer_each(own->autoscalers, add_autoscaler, own);
}

static void *create(struct kt_controllers *controllers)
{
	struct hpa_controller *own = kt_new(struct hpa_controller);

	kt_map_init(&own->memories, free);
	own->reconciler =
	        kt_reconciler_create(&(struct kt_reconciler_options){.controllers = controllers,
	                .name = "horizontal-pod-autoscaler",
	                .reconcile = reconcile,
	                .arg = own});
	own->autoscalers = kt_controllers_informer(
	        controllers, "/apis/autoscaling/v2/horizontalpodautoscalers");
	own->pods = kt_controllers_informer(controllers, "/api/v1/pods");
	own->resources = kt_resources_of(controllers);
	kt_cluster_resources_add_handler(own->resources,
	        &(struct kt_resources_handler){.on_synced = resources_synced, .arg = own});
	kt_informer_add_handler(own->autoscalers,
	        &(struct kt_informer_handler){.on_change = autoscaler_changed, .arg = own});
	return own;
}

static void destroy(void *controller)
{
	struct hpa_controller *own = controller;

	kt_reconciler_destroy(own->reconciler);
	kt_map_finish(&own->memories);
	free(own);
}

const struct kt_controller kt_controller_horizontal_pod_autoscaler = {
        "horizontal-pod-autoscaler-controller", create, destroy};
