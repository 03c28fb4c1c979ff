/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The order of admission plugins, switching them, and what the main ones do to a pod. */
#include "rules_harness.h"

static size_t place(const char *name)
{
	for (size_t i = 0; kt_admission_plugins[i]; i++)
		if (strcmp(kt_admission_plugins[i]->name, name) == 0)
			return i;
	fail_msg("no plugin %s", name);
	return 0;
}

static void test_plugins_have_upstreams_order(void **state)
{
	static const char *const order[] = {
	        "NamespaceLifecycle",
	        "ServiceAccount",
	        "TaintNodesByCondition",
	        "Priority",
	        "DefaultTolerationSeconds",
	        "StorageObjectInUseProtection",
	        "RuntimeClass",
	        "ResourceQuota",
	};
	(void)state;
	for (size_t i = 1; i < KT_ARRAY_SIZE(order); i++)
		assert_true(place(order[i - 1]) < place(order[i]));
}

static void test_unknown_plugin_is_refused(void **state)
{
	kt_auto_err err = KT_ERR_INIT;
	struct kt_admission *admission = NULL;
	(void)state;
	assert_int_equal(kt_admission_create("NoSuchThing", NULL, &admission, &err), -EINVAL);
	assert_null(admission);
	assert_non_null(strstr(err.message, "NoSuchThing"));
}

static struct answer create_pod(struct harness *h, const char *spec, json_t **ret_object)
{
	kt_auto_json json_t *body = json_pack(
	        "{s:s,s:s,s:{s:s}}", "apiVersion", "v1", "kind", "Pod", "metadata", "name", "p");
	json_object_set_new(body, "spec", json_loads(spec, 0, NULL));
	struct harness_write write = {
	        .kind = kt_builtin_kind("", "v1", "Pod"),
	        .namespace = "ns",
	        .body = body,
	};
	assert_non_null(write.kind);
	return harness_do(h, &write, ret_object);
}

static void prepare_namespace(struct harness *h)
{
	kt_auto_json json_t *space = json_pack("{s:s,s:s,s:{s:s},s:{s:s}}", "apiVersion", "v1",
	        "kind", "Namespace", "metadata", "name", "ns", "status", "phase", "Active");
	kt_auto_json json_t *account = json_pack("{s:s,s:s,s:{s:s,s:s}}", "apiVersion", "v1",
	        "kind", "ServiceAccount", "metadata", "name", "default", "namespace", "ns");
	harness_store(h, "/registry/namespaces/ns", space);
	harness_store(h, "/registry/serviceaccounts/ns/default", account);
}

static void test_pod_gets_token_and_tolerations(void **state)
{
	struct harness h;
	kt_auto_json json_t *pod = NULL;
	(void)state;
	harness_init(&h);
	prepare_namespace(&h);
	struct answer answer =
	        create_pod(&h, "{\"containers\":[{\"name\":\"c\",\"image\":\"i:1\"}]}", &pod);
	assert_int_equal(answer.status, 201);
	assert_string_equal(kt_jstr(pod, "spec.serviceAccountName"), "default");
	const char *volume = kt_jstr(pod, "spec.volumes.0.name");
	assert_true(kt_starts_with(volume, "kube-api-access-"));
	assert_string_equal(kt_jstr(pod, "spec.containers.0.volumeMounts.0.name"), volume);
	assert_int_equal(json_array_size(kt_jget(pod, "spec.tolerations")), 2);
	assert_int_equal(kt_jint(pod, "spec.priority", -1), 0);
	assert_string_equal(kt_jstr(pod, "status.qosClass"), "BestEffort");
	answer_finish(&answer);
	harness_finish(&h);
}

static void test_unknown_names_are_refused(void **state)
{
	struct harness h;
	(void)state;
	harness_init(&h);
	prepare_namespace(&h);
	struct answer class = create_pod(&h,
	        "{\"priorityClassName\":\"none\",\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]"
	        "}",
	        NULL);
	assert_int_equal(class.status, 403);
	struct answer account = create_pod(&h,
	        "{\"serviceAccountName\":\"none\",\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]"
	        "}",
	        NULL);
	assert_int_equal(account.status, 403);
	answer_finish(&class);
	answer_finish(&account);
	harness_finish(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_plugins_have_upstreams_order),
	        cmocka_unit_test(test_unknown_plugin_is_refused),
	        cmocka_unit_test(test_pod_gets_token_and_tolerations),
	        cmocka_unit_test(test_unknown_names_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
