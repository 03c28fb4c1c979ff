/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Custom resources against recorded answers: the schema's words, pruning and defaulting, and
 * validation rules. */
#include "api/machinery/limits.h"
#include "api/machinery/patch.h"
#include "api/schema/crd.h"
#include "api/status.h"
#include "golden.h"

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "field: message (reason)" lines in order of the text: the server's own order is random. */
static char *sorted_lines(char **lines, size_t n)
{
	kt_auto_str out = KT_STR_INIT;

	if (n)
		qsort(lines, n, sizeof(*lines), compare_lines);
	for (size_t i = 0; i < n; i++) {
		kt_str_printf(&out, "%s\n", lines[i]);
		free(lines[i]);
	}
	return kt_str_steal(&out);
}

static char *causes_of(const struct kt_err *err)
{
	kt_auto_free char **lines = kt_new_array(char *, err->n_causes + 1);

	for (size_t i = 0; i < err->n_causes; i++)
		lines[i] = kt_asprintf("%s: %s (%s)", err->causes[i].field, err->causes[i].message,
		        err->causes[i].reason);
	return sorted_lines(lines, err->n_causes);
}

static char *causes_recorded(const json_t *body)
{
	const json_t *causes = kt_jget(body, "details.causes");
	size_t n = json_array_size(causes);
	kt_auto_free char **lines = kt_new_array(char *, n + 1);

	for (size_t i = 0; i < n; i++) {
		const json_t *cause = json_array_get(causes, i);

		lines[i] = kt_asprintf("%s: %s (%s)", kt_jstr(cause, "field"),
		        kt_jstr(cause, "message"), kt_jstr(cause, "reason"));
	}
	return sorted_lines(lines, n);
}

static bool about_metadata(const json_t *body)
{
	const json_t *causes = kt_jget(body, "details.causes");

	for (size_t i = 0; i < json_array_size(causes); i++) {
		const char *field = kt_jstr(json_array_get(causes, i), "field");

		if (!field || kt_starts_with(field, "metadata") || !strcmp(field, "kind") ||
		        !strcmp(field, "apiVersion") || !strcmp(field, "patch"))
			return true;
	}
	return false;
}

static size_t check_step(
        const char *scenario, const json_t *step, const struct kt_kind *kind, const json_t *old)
{
	const json_t *response = json_object_get(step, "response");
	int64_t status = kt_jint(response, "status", 0);
	kt_auto_json json_t *object = json_deep_copy(kt_jget(step, "request.body"));
	kt_auto_arena arena = {0};
	struct kt_field_errors errors = {.arena = &arena};
	kt_auto_err err = KT_ERR_INIT;
	const json_t *body = json_object_get(response, "body");

	if (!json_is_object(object) || about_metadata(body) || (status != 201 && status != 422))
		return 0;
	kt_type_prune(kind->type, object);
	kt_type_drop_nulls(kind->type, object);
	kt_type_default(kind->type, object);
	kt_validate_custom(kind->type, object, old, &errors, NULL);
	kt_field_errors_fail(
	        &errors, kind->group, kind->kind, kt_jstr(object, "metadata.name"), &err);
	kt_auto_free char *got = causes_of(&err);
	kt_auto_free char *want = status == 201 ? kt_strdup("") : causes_recorded(body);
	if (strcmp(got, want))
		fail_msg("%s: %s:\n got %swant %s", scenario, kt_jstr(step, "id"), got, want);
	/* the record hides uids, also this one */
	if (status == 201 && strcmp(kt_jstr(step, "id"), "f-uuid-1") &&
	        !kt_json_equal(json_object_get(object, "spec"), json_object_get(body, "spec"))) {
		kt_auto_str text = KT_STR_INIT;

		kt_json_write(&text, object, 0);
		kt_str_puts(&text, "\nwant ");
		kt_json_write(&text, body, 0);
		fail_msg("%s: %s: %s", scenario, kt_jstr(step, "id"), kt_str_text(&text));
	}
	return 1;
}

static size_t run_scenario(const char *name)
{
	kt_auto_free char *relative = kt_asprintf("golden/scenarios/custom/%s.json", name);
	kt_auto_json json_t *scenario = golden_load(kt_test_shared(relative));
	const json_t *steps = json_object_get(scenario, "steps");
	kt_auto_crd struct kt_crd *crd = NULL;
	size_t checked = 0;

	for (size_t i = 0; i < json_array_size(steps); i++) {
		const json_t *step = json_array_get(steps, i);
		const json_t *body = kt_jget(step, "response.body");
		const char *kind = kt_jstr(step, "request.body.kind");

		if (strcmp(kt_jstr(step, "request.method"), "POST"))
			continue;
		if (kt_streq(kt_jstr(body, "kind"), "CustomResourceDefinition")) {
			kt_crd_unref(crd);
			crd = kt_crd_compile(body);
		} else if (crd && crd->set.n_kinds && kt_streq(kind, crd->set.kinds[0].kind)) {
			checked += check_step(name, step, &crd->set.kinds[0], NULL);
		}
	}
	return checked;
}

/* The scenario with {ns} filled in. */
static json_t *load_named(const char *path)
{
	kt_auto_json json_t *raw = golden_load(path);
	kt_auto_str text = KT_STR_INIT;
	kt_auto_str named = KT_STR_INIT;

	kt_json_write(&text, raw, 0);
	for (const char *p = kt_str_text(&text); *p;) {
		const char *at = strstr(p, "{ns}");
		size_t len = at ? (size_t)(at - p) : strlen(p);

		kt_str_add(&named, p, len);
		p += len;
		if (at) {
			kt_str_puts(&named, "space");
			p += strlen("{ns}");
		}
	}
	return kt_json_parse(kt_sv_of(kt_str_text(&named)), NULL, NULL);
}

/* Definitions with rules: does ours say the same about each? */
static void test_rule_definitions(void **state)
{
	KT_TEST_NEEDS_SHARED(path, "golden/scenarios/custom/cel-compile.json");
	kt_auto_json json_t *scenario = load_named(path);
	const json_t *steps = json_object_get(scenario, "steps");
	const char *only = getenv("KT_ONLY");
	size_t checked = 0;

	(void)state;
	for (size_t i = 0; i < json_array_size(steps); i++) {
		const json_t *step = json_array_get(steps, i);
		kt_auto_json json_t *definition = json_deep_copy(kt_jget(step, "request.body"));
		kt_auto_arena arena = {0};
		struct kt_field_errors errors = {.arena = &arena};
		kt_auto_err err = KT_ERR_INIT;

		if (!json_is_object(definition) || (only && strcmp(only, kt_jstr(step, "id"))))
			continue;
		kt_type_default(
		        kt_builtin_kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition")
		                ->type,
		        definition);
		kt_crd_default(definition);
		kt_crd_validate(definition, NULL, &errors);
		kt_field_errors_fail(&errors, "", "", "", &err);
		kt_auto_free char *got = causes_of(&err);
		kt_auto_free char *want = causes_recorded(kt_jget(step, "response.body"));
		if (strcmp(got, want))
			fail_msg("%s:\n got %swant %s", kt_jstr(step, "id"), got, want);
		checked++;
	}
	assert_true(checked > 20 || only);
}

static void test_scenarios(void **state)
{
	static const char *const names[] = {"keywords-1", "keywords-3", "keywords-many-errors",
	        "preserve-unknown", "cel-messages", "cel-libraries"};
	const char *only = getenv("KT_ONLY");

	(void)state;
	KT_TEST_NEEDS_SHARED(first, "golden/scenarios/custom/keywords-1.json");
	(void)first;
	for (size_t i = 0; i < KT_ARRAY_SIZE(names); i++)
		if (!only || !strcmp(only, names[i]))
			assert_true(run_scenario(names[i]) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_scenarios), cmocka_unit_test(test_rule_definitions)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
