/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/support.h"

#include "tui/filter.h"

#include "base/mem.h"

static bool matches(const char *pattern, const char *text)
{
	struct kt_filter filter = {0};

	kt_filter_set(&filter, pattern);
	bool result = kt_filter_matches(&filter, text, strlen(text));

	kt_filter_finish(&filter);
	return result;
}

static void test_forms(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool expected;
	} cases[] = {{"web", "my-WEB-1", true}, {"^web", "my-web", false}, {"!web", "db", true},
	        {"!web", "web", false}, {"-f wbs", "web-server", true}, {"-fwbs", "swb", false},
	        {"Error|Crash", "CrashLoopBackOff", true}, {"a b", "xa bx", true},
	        {"a b", "ab", false}, {"[", "x[y", true}, {"[", "xy", false},
	        {"", "anything", true}, {"!", "anything", true}, {"(a)\\1", "aa", false},
	        {"(a)\\1", "x(a)\\1y", true}};

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++)
		if (matches(cases[i].pattern, cases[i].text) != cases[i].expected)
			fail_msg("%s on %s", cases[i].pattern, cases[i].text);
}

static void test_selectors(void **state)
{
	struct kt_filter filter = {0};

	(void)state;
	kt_filter_set(&filter, "-l app=web,tier!=db");
	assert_string_equal(filter.selector, "app=web,tier!=db");
	assert_false(kt_filter_is_set(&filter));
	kt_filter_set(&filter, "app=web");
	assert_string_equal(filter.selector, "app=web");
	kt_filter_set(&filter, "a=(b)");
	assert_null(filter.selector);
	kt_filter_finish(&filter);
}

/* A pattern that would take for ever gives up. */
static void test_is_bounded(void **state)
{
	char text[4096];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_false(matches("(a*)*b", text));
}

static void test_find(void **state)
{
	struct kt_filter filter = {0};
	size_t start, end;

	(void)state;
	kt_filter_set(&filter, "b+");
	assert_true(kt_filter_find(&filter, "abbab", 5, 0, &start, &end));
	assert_int_equal(start, 1);
	assert_int_equal(end, 3);
	assert_true(kt_filter_find(&filter, "abbab", 5, 3, &start, &end));
	assert_int_equal(start, 4);
	assert_false(kt_filter_find(&filter, "abbab", 5, 5, &start, &end));
	kt_filter_finish(&filter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_forms),
	        cmocka_unit_test(test_selectors), cmocka_unit_test(test_is_bounded),
	        cmocka_unit_test(test_find)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
