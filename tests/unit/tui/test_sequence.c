/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/support.h"

#include "tui/screen.h"
#include "tui/sequence.h"

#include "base/mem.h"

static void test_keys(void **state)
{
	static const struct {
		const char *text;
		uint32_t key;
	} cases[] = {{"[4~", KT_KEY_END}, {"[1~", KT_KEY_HOME}, {"[8~", KT_KEY_END},
	        {"OF", KT_KEY_END}, {"[F", KT_KEY_END}, {"[1;2A", KT_KEY_SHIFT_UP},
	        {"[1;2D", KT_KEY_SHIFT_LEFT}, {"[1;5C", KT_KEY_CTRL | KT_KEY_RIGHT},
	        {"[1;3B", KT_KEY_DOWN}, {"[3~", KT_KEY_DELETE},
	        {"[3;5~", KT_KEY_CTRL | KT_KEY_DELETE}, {"[11~", KT_KEY_F1}, {"[24~", KT_KEY_F12},
	        {"[16~", KT_KEY_NONE}, {"[25~", KT_KEY_NONE}, {"[Z", KT_KEY_BACKTAB},
	        {"[[A", KT_KEY_NONE}, {"[?1;2c", KT_KEY_NONE}, {"[27;5;13~", KT_KEY_NONE},
	        {"[I", KT_KEY_NONE}, {"[99999999999999999999~", KT_KEY_NONE}};

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++)
		if (kt_sequence_key(cases[i].text, strlen(cases[i].text)) != cases[i].key)
			fail_msg("%s: %#x", cases[i].text,
			        kt_sequence_key(cases[i].text, strlen(cases[i].text)));
}

static void test_end(void **state)
{
	static const char *const whole[] = {"[4~", "[1;5C", "OF", "[?1;2c", "[200~"};

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(whole); i++) {
		size_t len = strlen(whole[i]);

		for (size_t n = 1; n < len; n++)
			assert_false(kt_sequence_ends(whole[i], n));
		assert_true(kt_sequence_ends(whole[i], len));
	}
	/* what can become no sequence ends it: a control, another Esc */
	assert_true(kt_sequence_ends("[1\033", 3));
	assert_true(kt_sequence_ends("[11111111111111111111111111111111", KT_SEQUENCE_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_keys),
	        cmocka_unit_test(test_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
