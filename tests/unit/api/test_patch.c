/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/machinery/limits.h"
#include "api/machinery/patch.h"
#include "api/status.h"
#include "golden.h"

static json_t *parse(const char *text)
{
	json_t *value = kt_json_parse(kt_sv_of(text), NULL, NULL);

	assert_non_null(value);
	return value;
}

static void assert_json(const json_t *got, const char *want)
{
	kt_auto_json json_t *expected = parse(want);

	if (!kt_json_equal(got, expected)) {
		kt_auto_str text = KT_STR_INIT;

		kt_json_write(&text, got, KT_JSON_SORT);
		fail_msg("got %s, want %s", kt_str_text(&text), want);
	}
}

static void test_equal(void **state)
{
	kt_auto_json json_t *a = parse("{\"a\":[1,2.0,\"x\",null,{\"b\":true}]}");
	kt_auto_json json_t *b = parse("{\"a\":[1.0,2,\"x\",null,{\"b\":true}]}");
	kt_auto_json json_t *c = parse("{\"a\":[1,2,\"x\",null,{\"b\":false}]}");

	(void)state;
	assert_true(kt_json_equal(a, b));
	assert_false(kt_json_equal(a, c));
	assert_false(kt_json_equal(a, NULL));
}

static void test_merge(void **state)
{
	static const char *const cases[][3] = {
	        {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
	        {"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
	        {"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
	        {"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}",
	                "{\"a\":{\"b\":\"d\"}}"},
	        {"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
	};

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++) {
		kt_auto_json json_t *document = parse(cases[i][0]);
		kt_auto_json json_t *patch = parse(cases[i][1]);
		kt_auto_json json_t *result = kt_patch_merge(document, patch, NULL);

		assert_json(result, cases[i][2]);
		if (i == 4)
			continue;
		kt_auto_json json_t *back = kt_diff_merge(document, result);
		kt_auto_json json_t *again = kt_patch_merge(document, back, NULL);
		assert_true(kt_json_equal(again, result));
	}
}

/* Every value of `got` is in `want`; what only `want` has may be a default, but not something the
 * patch removed. */
static bool fits(const json_t *got, const json_t *want, const json_t *before)
{
	const char *key;
	json_t *value;

	if (json_is_object(got)) {
		json_object_foreach((json_t *)(uintptr_t)got, key, value) {
			const json_t *other = json_object_get(want, key);
			bool empty = json_is_null(value) ||
			             (json_is_object(value) && !json_object_size(value)) ||
			             (json_is_array(value) && !json_array_size(value));

			if (!strcmp(key, "status") || !strcmp(key, "generation") ||
			        !strcmp(key, "managedFields"))
				continue;
			if (!(empty && !other) && !fits(value, other, json_object_get(before, key)))
				return false;
		}
		json_object_foreach((json_t *)(uintptr_t)want, key, value)
			if (!json_object_get(got, key) && json_object_get(before, key))
				return false;
		return true;
	}
	if (json_is_array(got)) {
		if (json_array_size(got) != json_array_size(want))
			return false;
		for (size_t i = 0; i < json_array_size(got); i++)
			if (!fits(json_array_get(got, i), json_array_get(want, i), NULL))
				return false;
		return true;
	}
	return json_is_null(got)
	               ? kt_json_equal(want, NULL) || kt_streq(json_string_value(want), "")
	               : kt_json_equal(got, want);
}

static json_t *apply(
        const char *media, const json_t *document, const json_t *patch, struct kt_err *err)
{
	char group[64] = "", version[16];
	const char *api_version = kt_jstr(document, "apiVersion");
	const struct kt_kind *kind;

	if (kt_starts_with(media, "application/json-patch"))
		return kt_patch_json(document, patch, err);
	if (kt_starts_with(media, "application/merge-patch"))
		return kt_patch_merge(document, patch, err);
	if (sscanf(api_version, "%63[^/]/%15s", group, version) != 2) {
		snprintf(version, sizeof(version), "%s", api_version);
		group[0] = 0;
	}
	kind = kt_builtin_kind(group, version, kt_jstr(document, "kind"));
	assert_non_null(kind);
	return kt_patch_strategic(document, patch, kind->type, err);
}

static size_t check_step(
        const json_t *step, const json_t *document, const char *media, const json_t *patch)
{
	const json_t *response = json_object_get(step, "response");
	const json_t *body = json_object_get(response, "body");
	kt_auto_err err = KT_ERR_INIT;
	kt_auto_json json_t *result = apply(media, document, patch, &err);
	int64_t status = kt_jint(response, "status", 0);

	if (status == 200) {
		if (!result)
			fail_msg("%s: %s", kt_jstr(step, "id"), kt_err_message(&err));
		/* a pointer without a slash adds a field beside the others, which decoding drops */
		json_object_del(result, "k");
		if (!fits(result, body, document)) {
			kt_auto_str text = KT_STR_INIT;

			kt_json_write(&text, result, KT_JSON_SORT);
			fail_msg("%s: got %s", kt_jstr(step, "id"), kt_str_text(&text));
		}
		return 1;
	}
	if (result)
		return 0; /* refused by something behind the patch */
	assert_int_equal(kt_err_http_status(&err), status);
	if (!json_is_true(json_object_get(step, "goText")))
		assert_string_equal(kt_err_message(&err), kt_jstr(body, "message"));
	return 1;
}

static size_t check_scenario(const char *path)
{
	kt_auto_json json_t *scenario = golden_load(path);
	kt_auto_json json_t *objects = json_object();
	const json_t *steps = json_object_get(scenario, "steps");
	size_t checked = 0;

	for (size_t i = 0; i < json_array_size(steps); i++) {
		const json_t *step = json_array_get(steps, i);
		const char *url = kt_jstr(step, "request.path");
		const char *media = kt_jstr(step, "request.headers.Content-Type");
		const char *raw = kt_jstr(step, "request.raw");
		json_t *body = kt_jget(step, "response.body");
		json_t *patch = kt_jget(step, "request.body");
		kt_auto_json json_t *parsed =
		        raw ? kt_json_parse(kt_sv_of(raw), NULL, NULL) : json_incref(patch);
		const json_t *document = json_object_get(objects, url);
		kt_auto_free char *own = NULL;

		if (!strcmp(kt_jstr(step, "request.method"), "PATCH") && document && parsed &&
		        media)
			checked += check_step(step, document, media, parsed);
		if (kt_jint(step, "response.status", 500) >= 300 || !kt_jstr(body, "metadata.name"))
			continue;
		own = !strcmp(kt_jstr(step, "request.method"), "POST")
		              ? kt_asprintf("%s/%s", url, kt_jstr(body, "metadata.name"))
		              : kt_strdup(url);
		json_object_set(objects, own, body);
	}
	return checked;
}

static void test_recorded(void **state)
{
	static const struct {
		const char *name;
		size_t min;
	} scenarios[] = {{"json-errors", 25}, {"json-ops", 15}, {"strategic-directives", 15},
	        {"strategic-merge-keys", 15}};

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(scenarios); i++) {
		kt_auto_free char *relative =
		        kt_asprintf("golden/scenarios/patch/%s.json", scenarios[i].name);
		KT_TEST_NEEDS_SHARED(path, relative);
		size_t n = check_scenario(path);

		if (n < scenarios[i].min)
			fail_msg("%s: only %zu steps checked", scenarios[i].name, n);
	}
}

static void test_three_way(void **state)
{
	const struct kt_kind *kind = kt_builtin_kind("apps", "v1", "Deployment");
	kt_auto_json json_t *last =
	        parse("{\"spec\":{\"replicas\":2,\"template\":{\"spec\":{\"containers\":[{\"name\":"
	              "\"a\",\"image\":\"i:1\",\"env\":["
	              "{\"name\":\"X\",\"value\":\"1\"}]},{\"name\":\"old\",\"image\":\"o\"}]}}}}");
	kt_auto_json json_t *modified = parse("{\"spec\":{\"template\":{\"spec\":{\"containers\":[{"
	                                      "\"name\":\"a\",\"image\":\"i:2\"}]}}}}");
	kt_auto_json json_t *live =
	        parse("{\"spec\":{\"replicas\":2,\"template\":{\"spec\":{\"containers\":[{\"name\":"
	              "\"a\",\"image\":\"i:1\",\"env\":["
	              "{\"name\":\"X\",\"value\":\"1\"},{\"name\":\"Y\",\"value\":\"2\"}]},{"
	              "\"name\":\"old\",\"image\":\"o\"},"
	              "{\"name\":\"sidecar\",\"image\":\"s\"}]}}}}");
	kt_auto_json json_t *patch = kt_diff_three_way(last, modified, live, kind->type, NULL);
	kt_auto_json json_t *result = NULL;
	kt_auto_err err = KT_ERR_INIT;

	(void)state;
	assert_json(patch, "{\"spec\":{\"replicas\":null,\"template\":{\"spec\":{"
	                   "\"$setElementOrder/containers\":[{\"name\":\"a\"}],"
	                   "\"containers\":[{\"name\":\"a\",\"image\":\"i:2\",\"env\":null},{\"$"
	                   "patch\":\"delete\",\"name\":\"old\"}]}}}}");
	result = kt_patch_strategic(live, patch, kind->type, &err);
	assert_json(result, "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"a\","
	                    "\"image\":\"i:2\"},"
	                    "{\"name\":\"sidecar\",\"image\":\"s\"}]}}}}");
}

static void test_three_way_merge(void **state)
{
	kt_auto_json json_t *last = parse("{\"a\":1,\"b\":{\"c\":1}}");
	kt_auto_json json_t *modified = parse("{\"b\":{\"d\":2},\"l\":[1]}");
	kt_auto_json json_t *live = parse("{\"a\":1,\"b\":{\"c\":1,\"e\":5},\"x\":1}");
	kt_auto_json json_t *patch = kt_diff_three_way(last, modified, live, NULL, NULL);

	(void)state;
	assert_json(patch, "{\"a\":null,\"b\":{\"c\":null,\"d\":2},\"l\":[1]}");
}

/* n operations, each made of the one before: the document would double, or nest, without end. */
static void assert_bomb(const char *operation, int n)
{
	kt_auto_json json_t *document = parse("{\"a\":{\"b\":[1,2,3]},\"z\":{}}");
	kt_auto_str text = KT_STR_INIT;
	kt_auto_err err = KT_ERR_INIT;

	for (int i = 0; i < n; i++) {
		kt_str_puts(&text, i ? "," : "[");
		kt_str_printf(&text, operation, i, i, i);
	}
	kt_str_putc(&text, ']');
	kt_auto_json json_t *patch = parse(kt_str_text(&text));
	assert_null(kt_patch_json(document, patch, &err));
	assert_int_equal(kt_err_http_status(&err), 422);
}

static void test_json_patch_bombs(void **state)
{
	(void)state;
	assert_bomb("{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/a/l%d\"},"
	            "{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/a/r%d\"}",
	        100);
	assert_bomb("{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/a/x\"}", 5000);
	assert_bomb("{\"op\":\"add\",\"path\":\"/q%d\",\"value\":{}},"
	            "{\"op\":\"move\",\"from\":\"/z\",\"path\":\"/q%d/z\"},"
	            "{\"op\":\"move\",\"from\":\"/q%d\",\"path\":\"/z\"}",
	        1000);
}

static void test_json_patch_moves(void **state)
{
	kt_auto_json json_t *document = parse("{\"a\":{\"b\":[1,2,3]}}");
	kt_auto_json json_t *patch = parse("[{\"op\":\"move\",\"from\":\"/a/b\",\"path\":\"/c\"},"
	                                   "{\"op\":\"copy\",\"from\":\"/c\",\"path\":\"/a/d\"},"
	                                   "{\"op\":\"remove\",\"path\":\"/c/0\"}]");
	kt_auto_json json_t *into = parse("[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a/x\"}]");
	kt_auto_json json_t *result = kt_patch_json(document, patch, NULL);

	(void)state;
	assert_json(result, "{\"a\":{\"d\":[1,2,3]},\"c\":[2,3]}");
	assert_json(document, "{\"a\":{\"b\":[1,2,3]}}");
	assert_null(kt_patch_json(document, into, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_equal),
	        cmocka_unit_test(test_merge),
	        cmocka_unit_test(test_recorded),
	        cmocka_unit_test(test_three_way),
	        cmocka_unit_test(test_three_way_merge),
	        cmocka_unit_test(test_json_patch_bombs),
	        cmocka_unit_test(test_json_patch_moves),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
