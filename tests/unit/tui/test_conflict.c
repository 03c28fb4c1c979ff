/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/support.h"

#include "tui/conflict.h"
#include "tui/diff.h"

#include "base/mem.h"

static void assert_sv(struct kt_sv got, const char *expected)
{
	kt_auto_free char *text = kt_sv_dup(got);

	assert_string_equal(text, expected);
}

static void test_what_a_merge_writes_is_found(void **state)
{
	kt_auto_str merged = KT_STR_INIT;
	struct kt_conflict conflict;

	(void)state;
	assert_int_equal(kt_lines_merge("a\nb\nc\nd\ne\nf\n", "a\nB\nc\nd\ne\n",
	                         "a\nX\nY\nc\nd\ne\nF\n", &merged),
	        2);
	assert_true(kt_conflict_find(kt_str_text(&merged), 0, &conflict));
	assert_int_equal(conflict.start, 2);
	assert_sv(conflict.mine, "B\n");
	assert_sv(conflict.theirs, "X\nY\n");
	/* from behind the first on it is the second, behind that the first again */
	size_t end = conflict.end;

	assert_true(kt_conflict_find(kt_str_text(&merged), end, &conflict));
	assert_true(conflict.start >= end);
	assert_sv(conflict.mine, "");
	assert_sv(conflict.theirs, "F\n");
	assert_true(kt_conflict_find(kt_str_text(&merged), merged.len, &conflict));
	assert_int_equal(conflict.start, 2);
}

static void test_no_conflict(void **state)
{
	static const char *const texts[] = {"", "a: b\n", "<<<<<<< mine\na\n=======\nb\n",
	        "x <<<<<<< mine\n=======\n>>>>>>> theirs\n", "=======\n>>>>>>> theirs\n"};
	struct kt_conflict conflict;

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(texts); i++)
		assert_false(kt_conflict_find(texts[i], 0, &conflict));
}

static void test_without_the_base(void **state)
{
	struct kt_conflict conflict;

	(void)state;
	assert_true(kt_conflict_find("<<<<<<< mine\nm\n=======\nt\n>>>>>>> theirs", 3, &conflict));
	assert_sv(conflict.mine, "m\n");
	assert_sv(conflict.theirs, "t\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_a_merge_writes_is_found),
	        cmocka_unit_test(test_no_conflict), cmocka_unit_test(test_without_the_base)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
