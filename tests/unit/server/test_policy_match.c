/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/admission/policy_match.h"
#include "support/support.h"

static json_t *parse(const char *text)
{
	json_t *value = kt_json_parse(kt_sv_of(text), NULL, NULL);

	assert_non_null(value);
	return value;
}

static struct kt_admission_context context_of(const char *group, const char *plural,
        const char *subresource, enum kt_admission_operation operation)
{
	return (struct kt_admission_context){
	        .kind = kt_builtin_resource(group, "v1", plural),
	        .subresource = subresource,
	        .operation = operation,
	        .namespace = "default",
	        .name = "x",
	};
}

#define RULES(text) "{\"resourceRules\":[" text "]}"
#define RULE(operations, groups, resources, more) \
	"{\"operations\":[" operations "],\"apiGroups\":[" groups "],\"apiVersions\":[\"*\"]," \
	"\"resources\":[" resources "]" more "}"

static void test_rules(void **state)
{
	static const struct {
		const char *match, *group, *plural, *subresource;
		enum kt_admission_operation operation;
		bool matches;
	} cases[] = {
	        {RULES(RULE("\"CREATE\"", "\"\"", "\"pods\"", "")), "", "pods", NULL,
	                KT_ADMIT_CREATE, true},
	        {RULES(RULE("\"CREATE\"", "\"\"", "\"pods\"", "")), "", "pods", NULL,
	                KT_ADMIT_UPDATE, false},
	        {RULES(RULE("\"CREATE\"", "\"\"", "\"pods\"", "")), "", "pods", "status",
	                KT_ADMIT_CREATE, false},
	        {RULES(RULE("\"*\"", "\"\"", "\"pods/*\"", "")), "", "pods", "status",
	                KT_ADMIT_UPDATE, true},
	        {RULES(RULE("\"*\"", "\"\"", "\"*/status\"", "")), "", "pods", "status",
	                KT_ADMIT_UPDATE, true},
	        {RULES(RULE("\"*\"", "\"*\"", "\"*\"", "")), "apps", "deployments", NULL,
	                KT_ADMIT_DELETE, true},
	        {RULES(RULE("\"*\"", "\"*\"", "\"*\"", "")), "", "pods", "log", KT_ADMIT_CONNECT,
	                false},
	        {RULES(RULE("\"*\"", "\"*\"", "\"*/*\"", "")), "", "pods", "log", KT_ADMIT_CONNECT,
	                true},
	        {RULES(RULE("\"*\"", "\"apps\"", "\"*\"", "")), "", "pods", NULL, KT_ADMIT_CREATE,
	                false},
	        {RULES(RULE("\"*\"", "\"*\"", "\"*\"", ",\"scope\":\"Cluster\"")), "", "pods", NULL,
	                KT_ADMIT_CREATE, false},
	        {RULES(RULE("\"*\"", "\"*\"", "\"*\"", ",\"scope\":\"Cluster\"")), "", "nodes",
	                NULL, KT_ADMIT_CREATE, true},
	        {RULES(RULE("\"*\"", "\"*\"", "\"*\"", ",\"resourceNames\":[\"y\"]")), "", "pods",
	                NULL, KT_ADMIT_CREATE, false},
	        {RULES(RULE("\"*\"", "\"*\"", "\"*\"", ",\"resourceNames\":[\"x\"]")), "", "pods",
	                NULL, KT_ADMIT_CREATE, true},
	        {"{\"excludeResourceRules\":[" RULE("\"*\"", "\"\"", "\"pods\"", "") "]}", "",
	                "pods", NULL, KT_ADMIT_CREATE, false},
	        {"{}", "", "pods", NULL, KT_ADMIT_CREATE, true},
	};

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++) {
		struct kt_admission_context a = context_of(
		        cases[i].group, cases[i].plural, cases[i].subresource, cases[i].operation);
		struct kt_policy_subject subject = {.a = &a};
		kt_auto_json json_t *match = parse(cases[i].match);

		if (kt_policy_matches(&subject, match) != cases[i].matches)
			fail_msg("case %zu: %s", i, cases[i].match);
	}
}

static void test_selectors(void **state)
{
	struct kt_admission_context a = context_of("", "pods", NULL, KT_ADMIT_UPDATE);
	kt_auto_json json_t *object = parse("{\"metadata\":{\"labels\":{\"app\":\"new\"}}}");
	kt_auto_json json_t *old = parse("{\"metadata\":{\"labels\":{\"app\":\"old\"}}}");
	kt_auto_json json_t *namespace = parse("{\"metadata\":{\"labels\":{\"env\":\"prod\"}}}");
	struct kt_policy_subject subject = {&a, object, old, namespace};
	static const struct {
		const char *match;
		bool matches;
	} cases[] = {
	        {"{\"objectSelector\":{\"matchLabels\":{\"app\":\"new\"}}}", true},
	        {"{\"objectSelector\":{\"matchLabels\":{\"app\":\"old\"}}}",
	                true}, /* either will do */
	        {"{\"objectSelector\":{\"matchLabels\":{\"app\":\"none\"}}}", false},
	        {"{\"namespaceSelector\":{\"matchLabels\":{\"env\":\"prod\"}}}", true},
	        {"{\"namespaceSelector\":{\"matchLabels\":{\"env\":\"test\"}}}", false},
	        {"{\"namespaceSelector\":{},\"objectSelector\":{}}", true},
	};

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++) {
		kt_auto_json json_t *match = parse(cases[i].match);

		if (kt_policy_matches(&subject, match) != cases[i].matches)
			fail_msg("case %zu: %s", i, cases[i].match);
	}
	assert_true(kt_policy_matches(&subject, NULL));
	assert_string_equal(kt_policy_operation(&a), "UPDATE");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_rules),
	        cmocka_unit_test(test_selectors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
