/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/machinery/selector.h"
#include "golden.h"

/* The names of objects in `objects` that match, joined with commas. */
static char *matching(const struct kt_selector *selector, const json_t *objects)
{
	kt_auto_str out = KT_STR_INIT;
	const char *name;
	json_t *object;

	json_object_foreach((json_t *)(uintptr_t)objects, name, object)
		if (kt_selector_matches_labels(selector, kt_jget(object, "metadata.labels")))
			kt_str_printf(&out, "%s%s", out.len ? "," : "", name);
	return kt_str_steal(&out);
}

static char *recorded(const json_t *body)
{
	const json_t *items = json_object_get(body, "items");
	kt_auto_str out = KT_STR_INIT;

	for (size_t i = 0; i < json_array_size(items); i++)
		kt_str_printf(&out, "%s%s", i ? "," : "",
		        kt_jstr(json_array_get(items, i), "metadata.name"));
	return kt_str_steal(&out);
}

static void check_step(const char *text, const json_t *objects, const json_t *response)
{
	const json_t *body = json_object_get(response, "body");
	struct kt_selector *selector = NULL;
	kt_auto_err err = KT_ERR_INIT;
	int code = kt_selector_parse(text, &selector, &err);

	if (kt_jint(response, "status", 0) == 200) {
		assert_int_equal(code, 0);
		kt_auto_free char *got = matching(selector, objects);
		kt_auto_free char *want = recorded(body);

		assert_string_equal(got, want);
	} else {
		assert_true(code < 0);
		assert_string_equal(kt_err_message(&err), kt_jstr(body, "message"));
	}
	kt_selector_destroy(selector);
}

static void test_recorded_label_selectors(void **state)
{
	KT_TEST_NEEDS_SHARED(path, "golden/scenarios/list/label-selectors.json");
	kt_auto_json json_t *scenario = golden_load(path);
	kt_auto_json json_t *objects = json_object();
	size_t i, n = 0;
	json_t *step;

	(void)state;
	/* "bare" has no labels and is listed first by name */
	json_object_set_new(objects, "bare", json_object());
	json_array_foreach(json_object_get(scenario, "steps"), i, step) {
		const char *url = kt_jstr(step, "request.path");
		json_t *body = kt_jget(step, "request.body");
		kt_auto_free char *text = golden_query(url, "labelSelector");

		if (!strcmp(kt_jstr(step, "request.method"), "POST"))
			json_object_set(objects, kt_jstr(body, "metadata.name"), body);
		if (!text)
			continue;
		check_step(text, objects, json_object_get(step, "response"));
		n++;
	}
	assert_true(n > 40);
}

static void test_text(void **state)
{
	static const char *const cases[][2] = {
	        {"b=1,a in (z, y,z),!c", "a in (y,z),b=1,!c"},
	        {"a==1,a!=2,k>3", "a==1,a!=2,k>3"},
	        {"", ""},
	};

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++) {
		struct kt_selector *selector = NULL;

		assert_int_equal(kt_selector_parse(cases[i][0], &selector, NULL), 0);
		kt_auto_free char *text = kt_selector_text(selector);
		assert_string_equal(text, cases[i][1]);
		assert_int_equal(kt_selector_is_empty(selector), !*cases[i][0]);
		kt_selector_destroy(selector);
	}
}

static json_t *parse(const char *text)
{
	json_t *value = kt_json_parse(kt_sv_of(text), NULL, NULL);

	assert_non_null(value);
	return value;
}

static void test_label_selector_object(void **state)
{
	kt_auto_json json_t *object = parse("{\"matchLabels\":{\"a\":\"1\"},\"matchExpressions\":["
	                                    "{\"key\":\"b\",\"operator\":\"NotIn\",\"values\":["
	                                    "\"x\"]},{\"key\":\"c\",\"operator\":\"Exists\"}]}");
	kt_auto_json json_t *good = parse("{\"a\":\"1\",\"c\":\"\"}");
	kt_auto_json json_t *bad = parse("{\"a\":\"1\",\"c\":\"\",\"b\":\"x\"}");
	kt_auto_json json_t *wrong =
	        parse("{\"matchExpressions\":[{\"key\":\"b\",\"operator\":\"Near\"}]}");
	struct kt_selector *selector = NULL;
	kt_auto_err err = KT_ERR_INIT;

	(void)state;
	assert_int_equal(kt_selector_of_json(object, &selector, NULL), 0);
	assert_true(kt_selector_matches_labels(selector, good));
	assert_false(kt_selector_matches_labels(selector, bad));
	assert_false(kt_selector_matches_labels(selector, NULL));
	assert_string_equal(kt_selector_exact(selector, "a"), "1");
	kt_selector_destroy(selector);
	assert_int_equal(kt_selector_of_json(NULL, &selector, NULL), 0);
	assert_false(kt_selector_matches_labels(selector, good));
	kt_selector_destroy(selector);
	assert_true(kt_selector_of_json(wrong, &selector, &err) < 0);
	assert_string_equal(
	        kt_err_message(&err), "\"Near\" is not a valid label selector operator");
}

/* Against the errors and exact values of recorded field selectors. */
static void test_recorded_field_selectors(void **state)
{
	KT_TEST_NEEDS_SHARED(path, "golden/scenarios/list/field-selectors-common.json");
	kt_auto_json json_t *scenario = golden_load(path);
	const struct kt_kind *config_map = kt_builtin_kind("", "v1", "ConfigMap");
	const struct kt_kind *namespace = kt_builtin_kind("", "v1", "Namespace");
	size_t i, n = 0;
	json_t *step;

	(void)state;
	json_array_foreach(json_object_get(scenario, "steps"), i, step) {
		const char *url = kt_jstr(step, "request.path");
		const struct kt_kind *kind = strstr(url, "configmaps") ? config_map : namespace;
		kt_auto_free char *text = golden_query(url, "fieldSelector");
		struct kt_selector *selector = NULL;
		kt_auto_err err = KT_ERR_INIT;

		if (!text)
			continue;
		if (kt_field_selector_parse(text, kind, &selector, &err) < 0)
			assert_string_equal(
			        kt_err_message(&err), kt_jstr(step, "response.body.message"));
		else
			assert_int_equal(kt_jint(step, "response.status", 0), 200);
		kt_selector_destroy(selector);
		n++;
	}
	assert_true(n > 20);
}

static void test_field_selector_matches(void **state)
{
	static const char pod[] = "{\"metadata\":{\"name\":\"p\",\"namespace\":\"ns\"},\"spec\":{"
	                          "\"nodeName\":\"n1\"},"
	                          "\"status\":{\"phase\":\"Running\"}}";
	static const struct {
		const char *text;
		bool matches;
	} cases[] = {
	        {"metadata.name=p", true},
	        {"metadata.name!=p", false},
	        {"spec.nodeName=n1,status.phase!=Pending", true},
	        {"status.phase=Pending", false},
	        {"spec.hostNetwork=false", true},
	        {"status.nominatedNodeName=", true},
	};
	const struct kt_kind *kind = kt_builtin_kind("", "v1", "Pod");
	struct kt_object *object = NULL;

	(void)state;
	assert_int_equal(
	        kt_object_create(KT_SV("/registry/pods/ns/p"), KT_SV(pod), &object, NULL), 0);
	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++) {
		struct kt_selector *selector = NULL;

		assert_int_equal(kt_field_selector_parse(cases[i].text, kind, &selector, NULL), 0);
		assert_int_equal(kt_selector_matches(selector, object), cases[i].matches);
		kt_selector_destroy(selector);
	}
	kt_object_unref(object);
}

/* What kinds without fields of their own refuse, whatever their scope. */
static void test_unknown_fields(void **state)
{
	static const struct {
		const char *group, *kind, *text, *message;
	} cases[] = {
	        {"", "ConfigMap", "data.k=v",
	                "\"data.k\" is not a known field selector: only \"metadata.name\", "
	                "\"metadata.namespace\""},
	        {"", "PersistentVolume", "name=v",
	                "\"name\" is not a known field selector: only \"metadata.name\", "
	                "\"metadata.namespace\""},
	        {"", "PersistentVolume", "metadata.namespace=", NULL},
	        {"", "Namespace", "metadata.namespace=x",
	                "field label not supported: metadata.namespace"},
	        {"", "Node", "spec.x=y", "field label not supported: spec.x"},
	};

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++) {
		const struct kt_kind *kind = kt_builtin_kind(cases[i].group, "v1", cases[i].kind);
		struct kt_selector *selector = NULL;
		kt_auto_err err = KT_ERR_INIT;

		assert_int_equal(kt_field_selector_parse(cases[i].text, kind, &selector, &err) < 0,
		        cases[i].message != NULL);
		if (cases[i].message)
			assert_string_equal(kt_err_message(&err), cases[i].message);
		kt_selector_destroy(selector);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_recorded_label_selectors),
	        cmocka_unit_test(test_text),
	        cmocka_unit_test(test_label_selector_object),
	        cmocka_unit_test(test_recorded_field_selectors),
	        cmocka_unit_test(test_field_selector_matches),
	        cmocka_unit_test(test_unknown_fields),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
