/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/support.h"

#include "api/server/rules/unversioned.h"

#define CORE "io.k8s.api.core.v1."

static json_t *parse(const char *text)
{
	kt_auto_err err = KT_ERR_INIT;
	json_t *value = kt_json_parse(kt_sv_of(text), NULL, &err);

	if (!value)
		fail_msg("%s", kt_err_message(&err));
	return value;
}

static void expect(const char *type, const char *text, const char *sent_text, const char *printed)
{
	kt_auto_json json_t *value = parse(text), *sent = sent_text ? parse(sent_text) : NULL;
	kt_auto_json json_t *tree = kt_unversioned(kt_type_lookup(type), value, sent);
	kt_auto_str out = KT_STR_INIT;

	kt_json_write(&out, tree, 0);
	assert_string_equal(kt_str_text(&out), printed);
}

static void test_names_and_zeros(void **state)
{
	(void)state;
	expect("io.k8s.api.rbac.v1.RoleRef",
	        "{\"kind\":\"Role\",\"apiGroup\":\"g\",\"name\":\"r\"}", NULL,
	        "{\"APIGroup\":\"g\",\"Kind\":\"Role\",\"Name\":\"r\"}");
	expect(CORE "ServicePort", "{\"port\":80}", NULL,
	        "{\"Name\":\"\",\"Protocol\":\"\",\"AppProtocol\":null,\"Port\":80,\"TargetPort\":"
	        "0,"
	        "\"NodePort\":0}");
	/* What was written out as empty is not nil. */
	expect(CORE "Capabilities", "{}", "{\"add\":[]}", "{\"Add\":[],\"Drop\":null}");
	/* apimachinery's types have JSON names. */
	expect(CORE "PodAffinityTerm", "{\"labelSelector\":{\"matchLabels\":{\"a\":\"b\"}}}", NULL,
	        "{\"LabelSelector\":{\"matchLabels\":{\"a\":\"b\"}},\"Namespaces\":null,"
	        "\"TopologyKey\":\"\",\"NamespaceSelector\":null,\"MatchLabelKeys\":null,"
	        "\"MismatchLabelKeys\":null}");
}

static void test_pod_diff(void **state)
{
	kt_auto_json json_t *before = parse("{\"nodeName\":\"n\",\"hostNetwork\":true}"),
	                    *after = parse("{\"nodeName\":\"m\",\"hostNetwork\":true}");
	kt_auto_str out = KT_STR_INIT;

	(void)state;
	kt_unversioned_diff(&out, kt_type_lookup(CORE "PodSpec"), before, after, NULL);
	assert_string_equal(kt_str_text(&out),
	        "@@ -10,7 +10,7 @@\n  \"NodeSelector\": null,\n  \"ServiceAccountName\": \"\",\n"
	        "  \"AutomountServiceAccountToken\": null,\n- \"NodeName\": \"n\",\n"
	        "+ \"NodeName\": \"m\",\n  \"SecurityContext\": {\n   \"HostNetwork\": true,\n"
	        "   \"HostPID\": false,\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_names_and_zeros),
	        cmocka_unit_test(test_pod_diff),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
