/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/support.h"

#include "base/mem.h"
#include "tui/command/words.h"

static const char *lookup(void *arg, const char *name)
{
	(void)arg;
	return strcmp(name, "X") == 0 ? "a b" : NULL;
}

/* The words joined by '|', operators as their numbers in angle brackets. */
static void check(const char *line, const char *wanted, bool open)
{
	struct kt_tokens tokens;
	kt_auto_str text = KT_STR_INIT;

	kt_words_split(line, lookup, NULL, &tokens);
	for (size_t i = 0; i < tokens.n; i++) {
		kt_str_puts(&text, i ? "|" : "");
		if (tokens.items[i].kind == KT_TOKEN_WORD)
			kt_str_puts(&text, tokens.items[i].text);
		else
			kt_str_printf(&text, "<%d>", tokens.items[i].kind);
	}
	assert_string_equal(kt_str_text(&text), wanted);
	assert_int_equal(tokens.open, open);
	kt_tokens_finish(&tokens);
}

static void test_split(void **state)
{
	(void)state;
	check("", "", false);
	check("get pods -o wide", "get|pods|-o|wide", false);
	check("  a   # comment", "a", false);
	check("a#b", "a#b", false);
	check("'a b' \"c d\"e", "a b|c de", false);
	check("a\\ b", "a b", false);
	check("\"\\\"\\$X\\n\"", "\"$X\\n", false);
	check("'$X' $X \"${X}\" $", "$X|a b|a b|$", false);
	check("${X", "${X", false);
	check("$UNSET.", ".", false);
	check("a&b && c||d;e|f>g>>h<i<<j", "a&b|<2>|c|<3>|d|<1>|e|<4>|f|<5>|g|<6>|h|<7>|i|<8>|j",
	        false);
	check("jsonpath={.items[*].metadata.name}", "jsonpath={.items[*].metadata.name}", false);
}

static void test_open(void **state)
{
	(void)state;
	check("echo 'a", "echo|a", true);
	check("echo \"a", "echo|a", true);
	check("echo a\\", "echo|a", true);
	check("''", "", false);
}

static void test_positions(void **state)
{
	struct kt_tokens tokens;

	(void)state;
	kt_words_split("ab  'c d'|x", lookup, NULL, &tokens);
	assert_int_equal(tokens.n, 4);
	assert_int_equal(tokens.items[1].start, 4);
	assert_int_equal(tokens.items[1].end, 9);
	assert_true(tokens.items[1].quoted);
	assert_int_equal(tokens.items[2].end, 10);
	kt_tokens_finish(&tokens);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_split),
	        cmocka_unit_test(test_open),
	        cmocka_unit_test(test_positions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
