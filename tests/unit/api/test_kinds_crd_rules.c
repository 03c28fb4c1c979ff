/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Refusals of definitions, against a real API server's: schemas that are not structural and the
 * rest of the object. */
#include "support/support.h"

#include "api/codec/codec.h"
#include "api/schema/crd.h"
#include "base/path.h"

static int n_same, n_different, n_skipped;

/* What the tables do not say: expressions, defaults, Go's texts. */
static bool left_out(const char *message)
{
	return strstr(message, "x-kubernetes-validations") || strstr(message, ".default: ") ||
	       strstr(message, "error parsing regexp") || strstr(message, "\"Name\":") ||
	       strstr(message, "Invalid value: []");
}

static void check_step(const char *name, json_t *step)
{
	json_t *body = kt_jget(step, "request.body");
	const char *want = kt_jstr(step, "response.body.message");
	const struct kt_type *type =
	        kt_type_for_body("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
	kt_auto_json json_t *tree = NULL;
	kt_auto_arena arena;
	kt_auto_str text = KT_STR_INIT;
	int64_t status = kt_jint(step, "response.status", 0);

	if (!kt_streq(kt_jstr(step, "request.method"), "POST") ||
	        (status != 201 && status != 422) || !json_is_object(body) ||
	        !kt_streq(kt_jstr(body, "kind"), "CustomResourceDefinition"))
		return;
	if (status == 422 &&
	        (left_out(want) || strstr(want, "metadata.name: Invalid value: \"things.UPPER\"") ||
	                strstr(want, "metadata.name: Invalid value: \"Things."))) {
		n_skipped++;
		return;
	}
	kt_arena_init(&arena);
	if (kt_codec_normalize(body, type, KT_STRICT_IGNORE, &tree, NULL, NULL) < 0)
		return;
	struct kt_field_errors errors = {.arena = &arena};

	kt_crd_default(tree);
	kt_crd_validate(tree, NULL, &errors);
	kt_field_errors_text(&errors, &text);
	if (status == 201 ? text.len == 0 : text.len && kt_ends_with(want, kt_str_text(&text))) {
		n_same++;
		return;
	}
	n_different++;
	print_message("%s %s\n  got  %s\n  want %s\n", name, kt_jstr(step, "id"),
	        kt_str_text(&text), status == 201 ? "" : want);
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
	json_array_foreach(json_object_get(file, "steps"), i, step) check_step(name, step);
}

static void refusals_read_as_upstreams(void **state)
{
	KT_TEST_NEEDS_SHARED(folder, "golden/scenarios/custom");

	(void)state;
	(void)folder;
	check_file("golden/scenarios/custom/structural.json");
	check_file("golden/scenarios/custom/definition-rules.json");
	print_message("%d as recorded, %d left out\n", n_same, n_skipped);
	assert_int_equal(n_different, 0);
	assert_true(n_same >= 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(refusals_read_as_upstreams)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
