/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/support.h"

#include "api/server/autoscaler_versions.h"

#define PREFIX "autoscaling.alpha.kubernetes.io/"

static json_t *parse(const char *text)
{
	kt_auto_err err = KT_ERR_INIT;
	json_t *value = kt_json_parse(kt_sv_of(text), NULL, &err);

	if (!value)
		fail_msg("%s", kt_err_message(&err));
	return value;
}

static void expect_annotation(const json_t *tree, const char *name, const char *text)
{
	const json_t *value = json_object_get(kt_jget(tree, "metadata.annotations"), name);

	assert_string_equal(json_string_value(value), text);
}

static void test_there_and_back(void **state)
{
	kt_auto_json json_t *tree = parse(
	        "{\"metadata\":{},\"spec\":{\"metrics\":["
	        "{\"type\":\"Resource\",\"resource\":{\"name\":\"cpu\",\"target\":{\"type\":"
	        "\"Utilization\",\"averageUtilization\":60}}},"
	        "{\"type\":\"Object\",\"object\":{\"describedObject\":{\"kind\":\"Service\","
	        "\"name\":\"s\"},\"target\":{\"type\":\"AverageValue\",\"averageValue\":\"5\"},"
	        "\"metric\":{\"name\":\"m\"}}}],"
	        "\"behavior\":{\"scaleDown\":{\"policies\":[{\"type\":\"Pods\",\"value\":1,"
	        "\"periodSeconds\":2}]}}},\"status\":{\"currentMetrics\":[{\"type\":\"Pods\","
	        "\"pods\":{\"metric\":{\"name\":\"p\"},\"current\":{\"averageValue\":\"7\"}}}]}}");
	kt_auto_json json_t *before = json_deep_copy(tree);

	(void)state;
	kt_autoscaler_v2_to_v1(tree);
	assert_int_equal(kt_jint(tree, "spec.targetCPUUtilizationPercentage", 0), 60);
	expect_annotation(tree, PREFIX "metrics",
	        "[{\"type\":\"Object\",\"object\":{\"target\":{\"kind\":\"Service\",\"name\":\"s\"}"
	        ","
	        "\"metricName\":\"m\",\"targetValue\":\"0\",\"averageValue\":\"5\"}}]");
	expect_annotation(tree, PREFIX "current-metrics",
	        "[{\"type\":\"Pods\",\"pods\":{\"metricName\":\"p\",\"currentAverageValue\":\"7\"}}"
	        "]");
	expect_annotation(tree, PREFIX "behavior",
	        "{\"ScaleUp\":null,\"ScaleDown\":{\"StabilizationWindowSeconds\":null,"
	        "\"SelectPolicy\":null,\"Policies\":[{\"Type\":\"Pods\",\"Value\":1,"
	        "\"PeriodSeconds\":2}],\"Tolerance\":null}}");
	kt_autoscaler_v1_to_v2(tree);
	/* The processor's use comes last. */
	json_t *metrics = kt_jget(before, "spec.metrics"), *cpu = json_array_get(metrics, 0);
	json_array_append(metrics, cpu);
	json_array_remove(metrics, 0);
	assert_true(json_equal(tree, before));
}

static void test_annotations_that_cannot_be_read(void **state)
{
	kt_auto_json json_t *tree =
	        parse("{\"metadata\":{\"annotations\":{\"" PREFIX "metrics\":\"garbage\"}},"
	              "\"spec\":{\"targetCPUUtilizationPercentage\":5}}");

	(void)state;
	kt_autoscaler_v1_to_v2(tree);
	assert_null(kt_jget(tree, "metadata.annotations"));
	assert_int_equal(json_array_size(kt_jget(tree, "spec.metrics")), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_there_and_back),
	        cmocka_unit_test(test_annotations_that_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
