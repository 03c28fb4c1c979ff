/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/yaml.h"
#include "support/support.h"

/* JSON in, YAML out; and the YAML reads back as the same JSON. */
static void check(const char *json, const char *want)
{
	kt_auto_json json_t *value = kt_json_parse(kt_sv_of(json), NULL, NULL);
	kt_auto_err err = {0};
	kt_auto_str out = {0};

	assert_non_null(value);
	kt_yaml_write(&out, value);
	assert_string_equal(kt_str_text(&out), want);
	kt_auto_json json_t *back = kt_yaml_parse_one((struct kt_sv){out.data, out.len}, &err);
	assert_string_equal(kt_err_message(&err), "");
	assert_true(json_equal(back, value));
}

static void test_layout(void **state)
{
	(void)state;
	check("{\"spec\":{\"list\":[{\"b\":1,\"a\":[]},[\"x\",2],{}],\"e\":{}},\"kind\":\"Pod\","
	      "\"l\":null,\"t\":true}",
	        "kind: Pod\nl: null\nspec:\n  e: {}\n  list:\n  - a: []\n    b: 1\n  - - x\n    - "
	        "2\n  - {}\nt: true\n");
	check("[]", "[]\n");
	check("\"x\"", "x\n");
}

static void test_quotes(void **state)
{
	static const char *const cases[][2] = {
	        {"\"\"", "\"\"\n"},
	        {"\"plain text\"", "plain text\n"},
	        {"\"true\"", "\"true\"\n"},
	        {"\"y\"", "\"y\"\n"},
	        {"\"null\"", "\"null\"\n"},
	        {"\"12\"", "\"12\"\n"},
	        {"\"1e3\"", "\"1e3\"\n"},
	        {"\"0x1f\"", "\"0x1f\"\n"},
	        {"\"22:22\"", "\"22:22\"\n"},
	        {"\"8080:80\"", "8080:80\n"},
	        {"\"2024-01-02T03:04:05Z\"", "\"2024-01-02T03:04:05Z\"\n"},
	        {"\"2024-13-02\"", "2024-13-02\n"},
	        {"\"100m\"", "100m\n"},
	        {"\"<<\"", "\"<<\"\n"},
	        {"\"-\"", "'-'\n"},
	        {"\"-x\"", "-x\n"},
	        {"\"*x\"", "'*x'\n"},
	        {"\"a: b\"", "'a: b'\n"},
	        {"\"a:b\"", "a:b\n"},
	        {"\"a #b\"", "'a #b'\n"},
	        {"\"it's: so\"", "'it''s: so'\n"},
	        {"\" x\"", "' x'\n"},
	        {"\"x \"", "'x '\n"},
	        {"\"{}\"", "'{}'\n"},
	        {"\"a\\tb\"", "\"a\\tb\"\n"},
	        {"\"gr\xc3\xbc\xc3\x9f\"", "gr\xc3\xbc\xc3\x9f\n"},
	        {"\"\xf0\x9f\x98\x80\"", "\"\\U0001F600\"\n"},
	        {"\"\\u0000\"", "\"\\0\"\n"},
	        {"\"a\\nb\"", "|-\n  a\n  b\n"},
	        {"\"a\\nb\\n\"", "|\n  a\n  b\n"},
	        {"\"a\\n\\n\"", "|+\n  a\n\n"},
	        {"\" a\\nb\"", "|2-\n   a\n  b\n"},
	        {"\"a \\nb\"", "\"a \\nb\"\n"},
	};

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++)
		check(cases[i][0], cases[i][1]);
}

static void test_numbers(void **state)
{
	(void)state;
	check("[17408852893874571000,1e20,1.5,1234567.25,0.00001,0.0001,-12.75,-5]",
	        "- 17408852893874571000\n- 1e+20\n- 1.5\n- 1.23456725e+06\n- 1e-05\n- 0.0001\n- "
	        "-12.75\n- -5\n");
}

static void test_key_order(void **state)
{
	(void)state;
	/* Numbers by value, letters behind everything else. */
	check("{\"a10\":1,\"a2\":1,\"b\":1,\"B\":1,\"f:x\":1,\".\":1,\"a\":1,\"a_b\":1,\"aB\":1,"
	      "\"a01\":1,\"a1\":1}",
	        ".: 1\nB: 1\na: 1\na_b: 1\na1: 1\na01: 1\na2: 1\na10: 1\naB: 1\nb: 1\nf:x: 1\n");
	check("{\"a\":1,\"\u00e9\":1,\"\u00d7\":1}", "\xc3\x97: 1\na: 1\n\xc3\xa9: 1\n");
	check("{\"true\":1,\"1\":1}", "\"1\": 1\n\"true\": 1\n");
}

static void test_folding(void **state)
{
	(void)state;
	check("{\"message\":\"0/4 nodes are available: 1 node(s) had untolerated taint, 3 "
	      "Insufficient cpu. preemption\"}",
	        "message: '0/4 nodes are available: 1 node(s) had untolerated taint, 3 "
	        "Insufficient\n"
	        "  cpu. preemption'\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_layout),
	        cmocka_unit_test(test_quotes),
	        cmocka_unit_test(test_numbers),
	        cmocka_unit_test(test_key_order),
	        cmocka_unit_test(test_folding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
