/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench: kt_api */
/*
 * What every write pays beside parsing: field management, patches, selectors, expressions. Each
 * stands beside one deep copy of the same pod by jansson, the least that work on a tree costs.
 */
#include "bench/bench.h"

#include "api/expr/cel.h"
#include "api/expr/jsonpath.h"
#include "api/machinery/managed.h"
#include "api/machinery/patch.h"
#include "api/machinery/selector.h"

#define CALLS 2000
#define CONTAINER \
	"\"image\":\"registry.example.com/team/app:1.2.3\",\"command\":[\"/" \
	"app\",\"--port=8080\"]," \
	"\"env\":[{\"name\":\"A\",\"value\":\"1\"},{\"name\":\"B\",\"value\":\"2\"},{\"name\":" \
	"\"NODE\"," \
	"\"valueFrom\":{\"fieldRef\":{\"apiVersion\":\"v1\",\"fieldPath\":\"spec.nodeName\"}}}]," \
	"\"ports\":[{\"containerPort\":8080,\"name\":\"http\",\"protocol\":\"TCP\"}," \
	"{\"containerPort\":9090,\"name\":\"metrics\",\"protocol\":\"TCP\"}]," \
	"\"resources\":{\"limits\":{\"cpu\":\"1\",\"memory\":\"1Gi\"},\"requests\":{\"cpu\":" \
	"\"100m\"," \
	"\"memory\":\"128Mi\"}},\"volumeMounts\":[{\"name\":\"data\",\"mountPath\":\"/data\"}," \
	"{\"name\":\"config\",\"mountPath\":\"/etc/app\",\"readOnly\":true}]," \
	"\"terminationMessagePath\":\"/dev/" \
	"termination-log\",\"terminationMessagePolicy\":\"File\"," \
	"\"imagePullPolicy\":\"IfNotPresent\",\"livenessProbe\":{\"httpGet\":{\"path\":\"/" \
	"healthz\"," \
	"\"port\":8080,\"scheme\":\"HTTP\"},\"periodSeconds\":10,\"timeoutSeconds\":1}"
#define CONDITION(name) \
	"{\"type\":\"" name \
	"\",\"status\":\"True\",\"lastTransitionTime\":\"2024-01-01T00:00:00Z\"}"

/* 3 KB, as a Deployment of two containers makes it. */
static const char pod_text[] =
        "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"web-7d4b9c6f5-x2x7k\","
        "\"namespace\":\"default\","
        "\"uid\":\"0b2f2d9c-3f63-4a5e-8b1c-1d7f3f6f7a11\",\"labels\":{\"app\":\"web\",\"tier\":"
        "\"front\","
        "\"pod-template-hash\":\"7d4b9c6f5\"},\"annotations\":{\"checksum/"
        "config\":\"7d4b9c6f5\"}},\"spec\":{"
        "\"containers\":[{\"name\":\"app\"," CONTAINER "},{\"name\":\"sidecar\"," CONTAINER "}],"
        "\"volumes\":[{\"name\":\"data\",\"emptyDir\":{}},{\"name\":\"config\",\"configMap\":{"
        "\"name\":\"web\","
        "\"defaultMode\":420}}],\"restartPolicy\":\"Always\",\"terminationGracePeriodSeconds\":30,"
        "\"dnsPolicy\":\"ClusterFirst\",\"serviceAccountName\":\"default\",\"schedulerName\":"
        "\"default-scheduler\","
        "\"nodeName\":\"node-1\",\"securityContext\":{}},\"status\":{\"phase\":\"Running\","
        "\"podIP\":\"10.0.0.1\","
        "\"conditions\":[" CONDITION("Ready") "," CONDITION("Initialized") "," CONDITION(
                "PodScheduled") "]}}";

static json_t *parse(const char *text)
{
	return kt_json_parse(kt_sv_of(text), NULL, NULL);
}

static void track_create(const struct kt_apply *apply, json_t *pod)
{
	json_object_del(json_object_get(pod, "metadata"), "managedFields");
	kt_managed_update(apply, pod, NULL, NULL);
}

/* managedFields as they were before, so that each round does the same. */
static void track_status(const struct kt_apply *apply, json_t *pod, const json_t *old)
{
	json_object_set(json_object_get(pod, "metadata"), "managedFields",
	        kt_jget(old, "metadata.managedFields"));
	kt_managed_update(apply, pod, old, NULL);
}

static void bench_managed(const json_t *pod, double floor_us)
{
	const struct kt_kind *kind = kt_builtin_kind("", "v1", "Pod");
	struct kt_apply apply = {.type = kind->type,
	        .kind = kind,
	        .api_version = "v1",
	        .manager = "kube-controller-manager",
	        .now_ns = 1700000000000000000};
	kt_auto_json json_t *created = json_deep_copy(pod);
	kt_auto_json json_t *changed = NULL;
	double ns = BENCH_BEST_NS(CALLS, track_create(&apply, created));

	bench_report(
	        "machinery: owners of a new 3 KB pod", ns / 1000, "us", "one deep copy", floor_us);
	changed = json_deep_copy(created);
	json_object_set_new(json_object_get(changed, "status"), "phase", json_string("Failed"));
	apply.subresource = "status";
	apply.manager = "kubelet";
	ns = BENCH_BEST_NS(CALLS, track_status(&apply, changed, created));
	bench_report(
	        "machinery: owners of a status update", ns / 1000, "us", "one deep copy", floor_us);
	apply.subresource = NULL;
	apply.manager = "bench";
	kt_auto_json json_t *config =
	        parse("{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":"
	              "\"web-7d4b9c6f5-x2x7k\",\"labels\":{\"x\":\"y\"}}}");
	ns = BENCH_BEST_NS(CALLS, json_decref(kt_apply_merge(&apply, created, config, NULL)));
	bench_report(
	        "machinery: apply a label to a pod", ns / 1000, "us", "one deep copy", floor_us);
}

static void bench_patches(const json_t *pod, double floor_us)
{
	const struct kt_type *type = kt_builtin_kind("", "v1", "Pod")->type;
	kt_auto_json json_t *strategic =
	        parse("{\"spec\":{\"containers\":[{\"name\":\"app\",\"image\":\"x\"}]}}");
	kt_auto_json json_t *list = parse(
	        "[{\"op\":\"replace\",\"path\":\"/spec/containers/0/image\",\"value\":\"x\"}]");
	double ns =
	        BENCH_BEST_NS(CALLS, json_decref(kt_patch_strategic(pod, strategic, type, NULL)));

	bench_report("machinery: strategic patch of an image", ns / 1000, "us", "one deep copy",
	        floor_us);
	ns = BENCH_BEST_NS(CALLS, json_decref(kt_patch_json(pod, list, NULL)));
	bench_report(
	        "machinery: JSON patch of an image", ns / 1000, "us", "one deep copy", floor_us);
}

static void bench_expressions(json_t *pod, double floor_us)
{
	const struct kt_cel_variable variables[] = {{.name = "object"}};
	const struct kt_cel_env env = {.variables = variables, .n_variables = 1};
	const struct kt_cel_binding bindings[] = {{"object", pod}};
	struct kt_cel_run run = {.bindings = bindings, .n_bindings = 1};
	const char *text =
	        "object.spec.containers.all(c, c.image.startsWith('registry.example.com/'))";
	kt_auto_cel struct kt_cel *cel = NULL;
	struct kt_selector *selector;
	struct kt_jsonpath *path;
	kt_auto_str out = KT_STR_INIT;
	double ns;

	if (kt_cel_compile(text, &env, &cel, NULL) < 0 ||
	        kt_selector_parse("app=web,tier in (front,back),!legacy", &selector, NULL) < 0 ||
	        kt_jsonpath_parse("{.spec.containers[*].image}", false, &path, NULL) < 0)
		return;
	ns = BENCH_BEST_NS(CALLS, kt_cel_test(cel, &run, NULL));
	bench_report("machinery: a CEL condition", ns / 1000, "us", "one deep copy", floor_us);
	ns = BENCH_BEST_NS(
	        CALLS, (kt_str_clear(&out), kt_jsonpath_print(path, pod, true, &out, NULL)));
	bench_report("machinery: a jsonpath", ns / 1000, "us", "one deep copy", floor_us);
	ns = BENCH_BEST_NS(
	        CALLS, kt_selector_matches_labels(selector, kt_jget(pod, "metadata.labels")));
	bench_report("machinery: a label selector", ns / 1000, "us", "one deep copy", floor_us);
	kt_jsonpath_destroy(path);
	kt_selector_destroy(selector);
}

int main(void)
{
	kt_auto_json json_t *pod = parse(pod_text);
	double floor_us = BENCH_BEST_NS(CALLS, json_decref(json_deep_copy(pod))) / 1000;

	bench_managed(pod, floor_us);
	bench_patches(pod, floor_us);
	bench_expressions(pod, floor_us);
	return 0;
}
