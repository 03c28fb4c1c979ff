/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Refusals of definitions, against a real API server's: schemas that are not structural and the
 * rest of the object. */
#include "support/support.h"

#include "support/golden.h"

#include "api/codec/codec.h"
#include "api/machinery/limits.h"
#include "api/schema/crd.h"
#include "base/path.h"

static int n_same, n_different, n_skipped;

/* What is decided elsewhere or read in Go's own texts: expressions, metadata, regular expressions,
 * structs, and how the validator of values words a null in an enum or a second error. */
static bool left_out(const char *message)
{
	static const char *const parts[] = {"x-kubernetes-validations", "metadata.",
	        "error parsing regexp", "Invalid value: []", "must be of type int32",
	        "Unsupported value: {}", "\"null\", \"green\""};

	if (strstr(message, "is invalid: metadata.name: Invalid value") &&
	        strstr(message, "must be spec.names.plural"))
		return false;
	for (size_t i = 0; i < KT_ARRAY_SIZE(parts); i++)
		if (strstr(message, parts[i]))
			return true;
	return false;
}

static void check(const char *name, const char *id, json_t *body, int64_t status, const char *want)
{
	const struct kt_type *type =
	        kt_type_for_body("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
	kt_auto_json json_t *tree = NULL;
	kt_auto_arena arena = {0};
	kt_auto_str text = KT_STR_INIT;

	if (status == 422 && left_out(want)) {
		n_skipped++;
		return;
	}
	kt_arena_init(&arena);
	if (kt_codec_normalize(body, type, KT_STRICT_IGNORE, &tree, NULL, NULL) < 0)
		return;
	struct kt_field_errors errors = {.arena = &arena};

	kt_type_default(type, tree);
	kt_crd_default(tree);
	kt_crd_validate(tree, NULL, &errors);
	kt_field_errors_text(&errors, &text);
	if (status == 201 ? text.len == 0 : text.len && kt_ends_with(want, kt_str_text(&text))) {
		n_same++;
		return;
	}
	n_different++;
	print_message("%s %s\n  got  %s\n  want %s\n", name, id, kt_str_text(&text),
	        status == 201 ? "" : want);
}

static void check_step(const char *name, json_t *step)
{
	json_t *body = kt_jget(step, "request.body");
	int64_t status = kt_jint(step, "response.status", 0);
	const char *want = kt_jstr(step, "response.body.message");

	if (kt_streq(kt_jstr(step, "request.method"), "POST") && (status == 201 || status == 422) &&
	        json_is_object(body) &&
	        kt_streq(kt_jstr(body, "kind"), "CustomResourceDefinition") &&
	        !(want && strstr(want, "metadata.name: Invalid value: \"Things.")) &&
	        !(want && strstr(want, "things.UPPER")))
		check(name, kt_jstr(step, "id"), body, status, want);
}

static void check_cases(const char *name, const json_t *file)
{
	json_t *test;
	size_t i;

	json_array_foreach(json_object_get(file, "cases"), i, test) {
		int64_t status = kt_jint(test, "response.status", 0);
		kt_auto_json json_t *body = NULL;

		if (!kt_streq(kt_jstr(test, "on"), "create") || kt_jbool(test, "goText", false) ||
		        (status != 201 && status != 422))
			continue;
		body = golden_changed(json_object_get(file, "base"), test);
		if (body)
			check(name, kt_jstr(test, "path"), body, status,
			        kt_jstr(test, "response.body.message"));
	}
}

static void check_file(const char *name)
{
	const char *path = kt_test_shared(name);
	kt_auto_str text = KT_STR_INIT;
	kt_auto_json json_t *file = NULL;
	json_t *step;
	size_t i;

	assert_non_null(path);
	assert_int_equal(kt_read_file(path, 64 << 20, &text, NULL), 0);
	for (char *p = strstr(text.data, "{ns}"); p; p = strstr(p, "{ns}"))
		memcpy(p, "name", 4); /* the namespace's name stands in the group */
	file = kt_json_parse((struct kt_sv){text.data, text.len}, NULL, NULL);
	json_array_foreach(json_object_get(file, "steps"), i, step)
		check_step(name, step);
	check_cases(name, file);
}

static void refusals_read_as_upstreams(void **state)
{
	KT_TEST_NEEDS_SHARED(folder, "golden/scenarios/custom");

	(void)state;
	(void)folder;
	check_file("golden/scenarios/custom/structural.json");
	check_file("golden/scenarios/custom/definition-rules.json");
	check_file("golden/validation/apiextensions_CustomResourceDefinition.json");
	print_message("%d as recorded, %d left out\n", n_same, n_skipped);
	assert_int_equal(n_different, 0);
	assert_true(n_same >= 250);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(refusals_read_as_upstreams)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
