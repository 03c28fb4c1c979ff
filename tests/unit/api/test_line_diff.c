/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/support.h"

#include "api/machinery/line_diff.h"

static void expect(const char *old_text, const char *new_text, const char *diff)
{
	kt_auto_str out = KT_STR_INIT;

	kt_line_diff(&out, old_text, new_text);
	assert_string_equal(kt_str_text(&out), diff);
}

static void test_hunks(void **state)
{
	(void)state;
	expect("a\nb\n", "a\nb\n", "");
	expect("", "a", "@@ -0,0 +1 @@\n+a\n");
	expect("a", "", "@@ -1 +0,0 @@\n-a\n");
	expect("1\n2\n3\n4\n5\n6\n7\n8\n9", "1\n2\n3\n4\nx\n6\n7\n8\n9",
	        "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n");
	/* Changes at both ends. */
	expect("a\n2\n3\n4\nb", "x\n2\n3\n4\ny", "@@ -1,5 +1,5 @@\n-a\n+x\n 2\n 3\n 4\n-b\n+y\n");
	/* Up to six lines between two changes stay in one hunk. */
	expect("a\n1\n2\n3\n4\n5\n6\nb", "x\n1\n2\n3\n4\n5\n6\ny",
	        "@@ -1,8 +1,8 @@\n-a\n+x\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+y\n");
	expect("a\n1\n2\n3\n4\n5\n6\n7\nb", "x\n1\n2\n3\n4\n5\n6\n7\ny",
	        "@@ -1,4 +1,4 @@\n-a\n+x\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+y\n");
	expect("1\n2\n3", "1\n2\n2\n3", "@@ -1,3 +1,4 @@\n 1\n 2\n+2\n 3\n");
}

/* In a long text a frequent line anchors no match, but still extends one. */
static void test_popular_lines(void **state)
{
	kt_auto_str before = KT_STR_INIT, after = KT_STR_INIT, out = KT_STR_INIT;

	(void)state;
	for (int i = 0; i < 150; i++) {
		kt_str_printf(&before, "{\nname %d\n", i);
		if (i != 75)
			kt_str_printf(&after, "{\nname %d\n", i);
	}
	kt_line_diff(&out, kt_str_text(&before), kt_str_text(&after));
	assert_string_equal(kt_str_text(&out),
	        "@@ -149,8 +149,6 @@\n {\n name 74\n {\n-name 75\n-{\n name 76\n {\n name 77\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_hunks),
	        cmocka_unit_test(test_popular_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
