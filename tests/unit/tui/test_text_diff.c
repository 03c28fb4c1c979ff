/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/support.h"

#include "base/mem.h"
#include "tui/command/text_diff.h"

/* Applies a diff to nothing but itself: the new text is what is not removed, the old what is not
 * added. */
static void rebuild(const struct kt_diff *diff, enum kt_diff_kind without, struct kt_str *out)
{
	for (size_t i = 0; i < diff->n; i++) {
		if (diff->lines[i].kind == without)
			continue;
		kt_str_add(out, diff->lines[i].text.p, diff->lines[i].text.len);
		kt_str_putc(out, '\n');
	}
}

static void check_diff(const char *a, const char *b, size_t n_changed)
{
	struct kt_diff diff;
	kt_auto_str old_text = KT_STR_INIT, new_text = KT_STR_INIT;

	kt_text_diff(a, b, &diff);
	rebuild(&diff, KT_DIFF_ADDED, &old_text);
	rebuild(&diff, KT_DIFF_REMOVED, &new_text);
	assert_string_equal(kt_str_text(&old_text), a);
	assert_string_equal(kt_str_text(&new_text), b);
	assert_int_equal(diff.n_changed, n_changed);
	kt_diff_finish(&diff);
}

static void test_diff(void **state)
{
	(void)state;
	check_diff("", "", 0);
	check_diff("a\n", "a\n", 0);
	check_diff("", "a\nb\n", 2);
	check_diff("a\nb\n", "", 2);
	check_diff("a\nb\nc\n", "a\nx\nc\n", 2);
	check_diff("a\nb\nc\na\nb\nb\na\n", "c\nb\na\nb\na\nc\n", 5);
}

static void test_diff_random(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 300; round++) {
		kt_auto_str a = KT_STR_INIT, b = KT_STR_INIT;
		struct kt_diff diff;
		kt_auto_str old_text = KT_STR_INIT, new_text = KT_STR_INIT;

		for (int i = 0; i < 40; i++) {
			seed = seed * 1664525 + 1013904223;
			kt_str_printf(seed >> 20 & 1 ? &a : &b, "%u\n", seed >> 28);
			if (seed >> 21 & 1)
				kt_str_printf(&b, "%u\n", seed >> 28);
		}
		kt_text_diff(kt_str_text(&a), kt_str_text(&b), &diff);
		rebuild(&diff, KT_DIFF_ADDED, &old_text);
		rebuild(&diff, KT_DIFF_REMOVED, &new_text);
		assert_string_equal(kt_str_text(&old_text), kt_str_text(&a));
		assert_string_equal(kt_str_text(&new_text), kt_str_text(&b));
		kt_diff_finish(&diff);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_diff),
	        cmocka_unit_test(test_diff_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
