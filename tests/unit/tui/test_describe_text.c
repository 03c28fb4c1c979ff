/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/support.h"

#include "base/json.h"
#include "tui/command/describe_text.h"
#include "tui/command/rule_lines.h"

static void test_align(void **state)
{
	static const char *const cases[][2] = {
	        {"a:\tb\nlonger:\tc\n", "a:       b\nlonger:  c\n"},
	        /* a line without the cell ends the column */
	        {"a:\tb\nhead\nlonger:\tc\n", "a:  b\nhead\nlonger:  c\n"},
	        {"a\tb\tc\n\taaa\td\n", "a  b    c\n   aaa  d\n"},
	        {"x\t\ty\nlong\t\tz\n", "x       y\nlong    z\n"},
	        {"\xc3\xa9\tb\nab\tc\n", "\xc3\xa9   b\nab  c\n"},
	        {"a:\t\x1b[31m\n", "a:  \\x1b[31m\n"},
	        {"", ""},
	};

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++) {
		kt_auto_str out = KT_STR_INIT;

		kt_describe_align(kt_sv_of(cases[i][0]), &out);
		assert_string_equal(kt_str_text(&out), cases[i][1]);
	}
}

static void test_rules(void **state)
{
	kt_auto_json json_t *rules = kt_json_parse(
	        KT_SV("[{\"apiGroups\":[\"\"],\"resources\":[\"pods\",\"pods/log\"],"
	              "\"verbs\":[\"get\"]},{\"apiGroups\":[\"\"],\"resources\":[\"pods\"],"
	              "\"verbs\":[\"list\",\"get\"]},{\"apiGroups\":[\"apps\"],\"resources\":["
	              "\"deployments/scale\"],\"resourceNames\":[\"web\"],\"verbs\":[\"*\"]},"
	              "{\"nonResourceURLs\":[\"/x\"],\"verbs\":[\"get\"]}]"),
	        NULL, NULL);
	kt_auto_str text = KT_STR_INIT;
	size_t n;
	struct kt_rule_line *lines = kt_rule_lines(rules, &n);

	(void)state;
	for (size_t i = 0; i < n; i++)
		kt_str_printf(&text, "%s|%s|%s|%s\n", lines[i].resource, lines[i].url,
		        lines[i].name, lines[i].verbs);
	kt_rule_lines_free(lines, n);
	assert_string_equal(kt_str_text(&text), "deployments.apps/scale||web|*\n"
	                                        "pods|||get list\n"
	                                        "|/x||get\n"
	                                        "pods/log|||get\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_align),
	        cmocka_unit_test(test_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
