/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/support.h"

#include "tui/diff.h"

static void assert_merge(const char *base, const char *mine, const char *theirs,
        const char *expected, size_t conflicts)
{
	kt_auto_str out = KT_STR_INIT;

	assert_int_equal(kt_lines_merge(base, mine, theirs, &out), conflicts);
	assert_string_equal(kt_str_text(&out), expected);
}

static void test_diff(void **state)
{
	kt_auto_str out = KT_STR_INIT;

	(void)state;
	assert_int_equal(kt_lines_diff("a\nb\nc\n", "a\nb\nc\n", 3, &out), 0);
	assert_int_equal(out.len, 0);
	assert_int_equal(kt_lines_diff("a\nb\nc\nd\n", "a\nx\nc\nd\ne\n", 1, &out), 3);
	assert_string_equal(kt_str_text(&out), "@@ -1,4 +1,5 @@\n a\n-b\n+x\n c\n d\n+e\n");
	kt_str_clear(&out);
	assert_int_equal(kt_lines_diff("", "a\n", 3, &out), 1);
	assert_string_equal(kt_str_text(&out), "@@ -0,0 +1,1 @@\n+a\n");
}

static void test_far_changes_are_hunks_of_their_own(void **state)
{
	kt_auto_str out = KT_STR_INIT;

	(void)state;
	assert_int_equal(kt_lines_diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "x\n2\n3\n4\n5\n6\n7\n8\ny\n",
	                         1, &out),
	        4);
	assert_string_equal(
	        kt_str_text(&out), "@@ -1,2 +1,2 @@\n-1\n+x\n 2\n@@ -8,2 +8,2 @@\n 8\n-9\n+y\n");
}

static void test_merge(void **state)
{
	(void)state;
	assert_merge("a\nb\nc\n", "a\nb\nc\n", "a\nB\nc\n", "a\nB\nc\n", 0);
	assert_merge("a\nb\nc\n", "A\nb\nc\n", "a\nb\nC\n", "A\nb\nC\n", 0);
	assert_merge("a\nb\nc\n", "a\nX\nc\n", "a\nX\nc\n", "a\nX\nc\n", 0);
	/* neighbours, each changed by another side */
	assert_merge("a\nb\n", "A\nb\n", "a\nB\n", "A\nB\n", 0);
	assert_merge("a\nb\nc\n", "a\nc\n", "a\nb\nc\nd\n", "a\nc\nd\n", 0);
	assert_merge("a\nb\nc\n", "a\nM\nc\n", "a\nT\nc\n",
	        "a\n<<<<<<< mine\nM\n||||||| base\nb\n=======\nT\n>>>>>>> theirs\nc\n", 1);
	assert_merge("", "m\n", "", "m\n", 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_diff),
	        cmocka_unit_test(test_far_changes_are_hunks_of_their_own),
	        cmocka_unit_test(test_merge)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
