/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which webhooks are asked about a write, and in which version they see it. */
#include "api/server/admission/webhook_call.h"
#include "api/status.h"
#include "support/support.h"

#include <errno.h>

static json_t *parse(const char *text)
{
	json_t *value = kt_json_parse(kt_sv_of(text), NULL, NULL);

	assert_non_null(value);
	return value;
}

#define HOOK(fields) \
	"{\"metadata\":{\"name\":\"c\"},\"webhooks\":[{\"name\":\"h.example.com\"," fields "}]}"
#define RULE(group, version, resources) \
	"\"rules\":[{\"operations\":[\"CREATE\"],\"apiGroups\":[\"" group \
	"\"],\"apiVersions\":[\"" version "\"],\"resources\":[" resources "]}]"

struct question {
	const char *configuration;
	const char *group, *version, *plural, *subresource;
	const char *object, *old, *namespace_object;
};

/* What kt_webhook_matches() says; *ret_kind where it matches. */
static int ask(const struct question *q, const struct kt_kind **ret_kind, struct kt_err *err)
{
	json_t *configuration = parse(q->configuration);
	struct kt_webhook_set *set = kt_webhook_set_create(&configuration, 1);
	struct kt_admission_context a = {
	        .kind = kt_builtin_resource(q->group, q->version, q->plural),
	        .subresource = q->subresource,
	        .namespace = "default",
	        .name = "x",
	};
	kt_auto_json json_t *object = q->object ? parse(q->object) : NULL;
	kt_auto_json json_t *old = q->old ? parse(q->old) : NULL;
	kt_auto_json json_t *namespace = q->namespace_object ? parse(q->namespace_object) : NULL;
	const struct kt_policy_subject subject = {&a, object, old, namespace};
	const struct kt_kind *kind = NULL;
	int r;

	assert_non_null(a.kind);
	assert_int_equal(set->n, 1);
	r = kt_webhook_matches(&set->hooks[0], &subject, &kind, err);
	if (ret_kind)
		*ret_kind = kind;
	kt_admission_finish(&a);
	kt_webhook_set_unref(set);
	return r;
}

#define POD "{\"metadata\":{\"name\":\"x\",\"labels\":{\"team\":\"a\"}}}"
#define SPACE "{\"metadata\":{\"name\":\"default\",\"labels\":{\"env\":\"prod\"}}}"
#define PODS RULE("", "v1", "\"pods\"")

static void test_selectors(void **state)
{
	static const struct {
		const char *fields, *plural, *object, *old;
		int wanted;
	} cases[] = {
	        {HOOK(PODS), "pods", POD, NULL, 1},
	        {HOOK(PODS ",\"objectSelector\":{}"), "pods", "{}", NULL, 1},
	        {HOOK(PODS ",\"objectSelector\":{\"matchLabels\":{\"team\":\"a\"}}"), "pods", POD,
	                NULL, 1},
	        {HOOK(PODS ",\"objectSelector\":{\"matchLabels\":{\"team\":\"b\"}}"), "pods", POD,
	                NULL, 0},
	        /* the object before counts as well */
	        {HOOK(PODS ",\"objectSelector\":{\"matchLabels\":{\"team\":\"a\"}}"), "pods",
	                "{\"metadata\":{}}", POD, 1},
	        {HOOK(PODS ",\"namespaceSelector\":{\"matchLabels\":{\"env\":\"prod\"}}"), "pods",
	                POD, NULL, 1},
	        {HOOK(PODS ",\"namespaceSelector\":{\"matchLabels\":{\"env\":\"dev\"}}"), "pods",
	                POD, NULL, 0},
	        /* what is in no namespace is never left out by it */
	        {HOOK(RULE("", "v1", "\"nodes\"") ",\"namespaceSelector\":{\"matchLabels\":{"
	                                          "\"env\":\"dev\"}}"),
	                "nodes", POD, NULL, 1},
	        /* a namespace is held against its own labels */
	        {HOOK(RULE("", "v1", "\"namespaces\"") ",\"namespaceSelector\":{\"matchLabels\":{"
	                                               "\"team\":\"a\"}}"),
	                "namespaces", POD, NULL, 1},
	        {HOOK(RULE("", "v1", "\"namespaces\"") ",\"namespaceSelector\":{\"matchLabels\":{"
	                                               "\"team\":\"b\"}}"),
	                "namespaces", POD, NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++) {
		kt_auto_err err = KT_ERR_INIT;
		const struct question q = {.configuration = cases[i].fields,
		        .group = "",
		        .version = "v1",
		        .plural = cases[i].plural,
		        .object = cases[i].object,
		        .old = cases[i].old,
		        .namespace_object = SPACE};

		if (ask(&q, NULL, &err) != cases[i].wanted)
			fail_msg("case %zu is answered wrongly", i);
	}
}

static void test_missing_namespace(void **state)
{
	kt_auto_err err = KT_ERR_INIT;
	const struct question q = {
	        .configuration =
	                HOOK(PODS ",\"namespaceSelector\":{\"matchLabels\":{\"a\":\"b\"}}"),
	        .group = "",
	        .version = "v1",
	        .plural = "pods",
	        .object = POD};

	(void)state;
	assert_true(ask(&q, NULL, &err) < 0);
	assert_int_equal(kt_err_reason(&err), KT_REASON_NOT_FOUND);
}

/* HorizontalPodAutoscalers have two versions, events two groups. */
static void test_equivalent_resources(void **state)
{
	static const struct {
		const char *fields, *group, *version, *plural, *seen; /* seen NULL: not asked */
	} cases[] = {
	        {HOOK(RULE("autoscaling", "v2", "\"*\"")), "autoscaling", "v2",
	                "horizontalpodautoscalers", "v2"},
	        {HOOK(RULE("autoscaling", "v2", "\"*\"")), "autoscaling", "v1",
	                "horizontalpodautoscalers", "v2"},
	        {HOOK(RULE("autoscaling", "v2", "\"*\"") ",\"matchPolicy\":\"Exact\""),
	                "autoscaling", "v1", "horizontalpodautoscalers", NULL},
	        {HOOK(RULE("autoscaling", "*", "\"*\"")), "autoscaling", "v1",
	                "horizontalpodautoscalers", "v1"},
	        {HOOK(RULE("", "v1", "\"events\"")), "events.k8s.io", "v1", "events", "v1"},
	        {HOOK(RULE("apps", "v1", "\"*\"")), "batch", "v1", "jobs", NULL},
	};

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++) {
		kt_auto_err err = KT_ERR_INIT;
		const struct question q = {.configuration = cases[i].fields,
		        .group = cases[i].group,
		        .version = cases[i].version,
		        .plural = cases[i].plural,
		        .object = "{}",
		        .namespace_object = SPACE};
		const struct kt_kind *kind = NULL;
		int r = ask(&q, &kind, &err);

		if (r != (cases[i].seen != NULL) || (r && !kt_streq(kind->version, cases[i].seen)))
			fail_msg("case %zu is answered wrongly", i);
	}
}

#define CONDITION(text, more) \
	HOOK(PODS ",\"matchConditions\":[{\"name\":\"c\",\"expression\":\"" text "\"}]" more)
#define IGNORE ",\"failurePolicy\":\"Ignore\""

static void test_conditions(void **state)
{
	static const struct {
		const char *fields;
		int wanted;
	} cases[] = {
	        {CONDITION("object.metadata.name == 'x'", ""), 1},
	        {CONDITION("object.metadata.name == 'y'", ""), 0},
	        {CONDITION("oldObject == null && request.operation == 'CREATE'", ""), 1},
	        /* What cannot be judged is never taken for true. */
	        {CONDITION("object.none.here == 1", ""), -1},
	        {CONDITION("object.none.here == 1", IGNORE), 0},
	        {CONDITION("authorizer.group('').resource('pods').check('get').allowed()", ""), -1},
	        {CONDITION("authorizer.group('').resource('pods').check('get').allowed()", IGNORE),
	                0},
	        /* false wins over what failed */
	        {HOOK(PODS
	                 ",\"matchConditions\":[{\"name\":\"a\",\"expression\":\"object.none.here "
	                 "== 1\"},{\"name\":\"b\",\"expression\":\"false\"}]"),
	                0},
	};

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++) {
		kt_auto_err err = KT_ERR_INIT;
		const struct question q = {.configuration = cases[i].fields,
		        .group = "",
		        .version = "v1",
		        .plural = "pods",
		        .object = POD,
		        .namespace_object = SPACE};
		int r = ask(&q, NULL, &err);

		if ((r > 0) - (r < 0) != cases[i].wanted)
			fail_msg("case %zu is answered with %d: %s", i, r, kt_err_message(&err));
		if (r < 0)
			assert_int_equal(kt_err_reason(&err), KT_REASON_FORBIDDEN);
	}
}

static void test_exempt(void **state)
{
	struct kt_admission_context a = {.kind = kt_builtin_resource("admissionregistration.k8s.io",
	                                         "v1", "validatingwebhookconfigurations")};

	(void)state;
	assert_true(kt_webhook_is_exempt(&a));
	a.kind = kt_builtin_resource("", "v1", "pods");
	assert_false(kt_webhook_is_exempt(&a));
}

/* The order is that of the configurations, and the version the first that we speak. */
static void test_set(void **state)
{
	json_t *configurations[] = {
	        parse(HOOK("\"admissionReviewVersions\":[\"v9\",\"v1beta1\",\"v1\"]")),
	        parse(HOOK("\"admissionReviewVersions\":[\"v1\"],\"timeoutSeconds\":3,"
	                   "\"clientConfig\":{\"caBundle\":\"YWJj\"}"))};
	struct kt_webhook_set *set = kt_webhook_set_create(configurations, 2);

	(void)state;
	assert_int_equal(set->n, 2);
	assert_string_equal(set->hooks[0].version, "v1beta1");
	assert_int_equal(set->hooks[0].timeout_s, 10);
	assert_null(set->hooks[0].ca_pem);
	assert_int_equal(set->hooks[1].timeout_s, 3);
	assert_string_equal(set->hooks[1].ca_pem, "abc");
	kt_webhook_set_unref(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_selectors),
	        cmocka_unit_test(test_missing_namespace),
	        cmocka_unit_test(test_equivalent_resources),
	        cmocka_unit_test(test_conditions),
	        cmocka_unit_test(test_exempt),
	        cmocka_unit_test(test_set),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
