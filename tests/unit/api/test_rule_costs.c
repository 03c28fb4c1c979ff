/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the rules of a definition may cost at most, by where they stand. */
#include "support/support.h"

#include "api/machinery/rule_definitions.h"
#include "base/mem.h"
#include "base/str.h"

/* A schema of one field, with ' for ". NULL: not too dear; else what the first error says. */
static void check(const char *schema_text, const char *want)
{
	kt_auto_free char *text =
	        kt_asprintf("{'type':'object','properties':{'x':%s}}", schema_text);
	kt_auto_json json_t *schema = NULL;
	kt_auto_arena arena = {0};
	struct kt_field_errors errors = {.arena = &arena};
	kt_auto_str got = KT_STR_INIT;

	for (char *p = text; *p; p++)
		if (*p == '\'')
			*p = '"';
	schema = kt_json_parse(kt_sv_of(text), NULL, NULL);
	assert_non_null(schema);
	kt_arena_init(&arena);
	kt_rule_definitions_check(schema, "schema", true, &errors);
	kt_field_errors_text(&errors, &got);
	if (!want && got.len)
		fail_msg("%s\n%s", schema_text, kt_str_text(&got));
	if (want && !strstr(kt_str_text(&got), want))
		fail_msg("%s\nwant %s\ngot %s", schema_text, want, kt_str_text(&got));
}

#define LIST(limit, items) "{'type':'array'" limit ",'items':" items "}"
#define HOLDER(rule) \
	"{'type':'object','properties':{'a':{'type':'string'},'b':{'type':'string'}}," rule "}"
#define A_NEEDS_B "'x-kubernetes-validations':[{'rule':'!has(self.a) || has(self.b)'}]"
#define A_IS_FOUND "'x-kubernetes-validations':[{'rule':'self.a.contains(self.b)'}]"

/* Lists in lists without a limit hold no more than fits into one request. */
static void a_request_bounds_lists_in_lists(void **state)
{
	(void)state;
	check(LIST("", HOLDER(A_NEEDS_B)), NULL);
	check(LIST("", LIST("", HOLDER(A_NEEDS_B))), NULL);
	check(LIST("", LIST(",'maxItems':100000", LIST("", HOLDER(A_NEEDS_B)))), NULL);
	check("{'type':'object','additionalProperties':" LIST("", HOLDER(A_NEEDS_B)) "}", NULL);
}

static void limits_of_lists_are_multiplied(void **state)
{
	(void)state;
	check(LIST(",'maxItems':1000", LIST(",'maxItems':1000", HOLDER(A_NEEDS_B))), NULL);
	check(LIST(",'maxItems':10000", LIST(",'maxItems':1000", HOLDER(A_NEEDS_B))),
	        "estimated rule cost exceeds budget by factor of");
}

static void texts_without_a_limit_are_dear(void **state)
{
	(void)state;
	check(HOLDER(A_IS_FOUND), "estimated rule cost exceeds budget by factor of more than 100x");
	check("{'type':'object','properties':{'a':{'type':'string','maxLength':64},"
	      "'b':{'type':'string','maxLength':64}}," A_IS_FOUND "}",
	        NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(a_request_bounds_lists_in_lists),
	        cmocka_unit_test(limits_of_lists_are_multiplied),
	        cmocka_unit_test(texts_without_a_limit_are_dear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
