/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/support.h"

#include "base/mem.h"
#include "tui/command/words.h"

static const char *variable(void *arg, const char *name)
{
	(void)arg;
	return strcmp(name, "X") == 0 ? "a b" : NULL;
}

/* The command itself, between two lines. */
static char *output(void *arg, const char *command)
{
	(*(int *)arg)++;
	return kt_asprintf("%s\n two\n\n", command);
}

/* The words joined by '|', operators as their numbers in angle brackets. */
static void check(const char *line, const char *wanted, bool open)
{
	int runs = 0;
	struct kt_expansion expansion = {.variable = variable, .output = output, .arg = &runs};
	struct kt_tokens tokens;
	kt_auto_str text = KT_STR_INIT;

	kt_words_split(line, &tokens);
	for (size_t i = 0; i < tokens.n; i++) {
		struct kt_words words = {0};

		if (tokens.items[i].kind == KT_TOKEN_WORD)
			kt_word_expand(line, &tokens.items[i], &expansion, &words);
		else
			kt_vec_push(&words.list, kt_asprintf("<%d>", tokens.items[i].kind));
		for (size_t w = 0; w < words.list.n; w++)
			kt_str_printf(&text, "%s%s", text.len ? "|" : "", words.list.items[w]);
		kt_words_finish(&words);
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

static void test_commands(void **state)
{
	(void)state;
	check("a $(b c) d", "a|b|c|two|d", false);
	check("a\"$(b c)\"d", "ab c\n twod", false);
	check("a$(b)c", "ab|twoc", false);
	check("'$(b)' \\$(b", "$(b)|$(b", false);
	check("$(a $(b) ')' \")\" (c) \\) | d; e)|f", "a|$(b)|')'|\")\"|(c)|\\)|||d;|e|two|<4>|f",
	        false);
	check("$(a", "a|two", true);
	check("$(a ')", "a|')|two", true);
}

static void test_whole(void **state)
{
	int runs = 0;
	struct kt_expansion expansion = {.variable = variable, .output = output, .arg = &runs};
	struct kt_tokens tokens;

	(void)state;
	kt_words_split("n=$(x  y)$X", &tokens);
	assert_int_equal(tokens.n, 1);
	assert_string_equal(tokens.items[0].text, "n=$(x  y)$X");
	kt_auto_free char *whole = kt_word_expand_whole("n=$(x  y)$X", tokens.items, &expansion);
	assert_string_equal(whole, "n=x  y\n twoa b");
	assert_int_equal(runs, 1);
	kt_tokens_finish(&tokens);
}

static void test_innermost(void **state)
{
	(void)state;
	assert_int_equal(kt_words_innermost("get pods"), 0);
	assert_int_equal(kt_words_innermost("get $(get"), 6);
	assert_int_equal(kt_words_innermost("get $(get $(x) \"$(y"), 18);
	assert_int_equal(kt_words_innermost("get '$(get"), 0);
	assert_int_equal(kt_words_innermost("a; x=$(b) # $(c"), 0);
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
	kt_words_split("ab  'c d'|x", &tokens);
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
	        cmocka_unit_test(test_commands),
	        cmocka_unit_test(test_whole),
	        cmocka_unit_test(test_innermost),
	        cmocka_unit_test(test_open),
	        cmocka_unit_test(test_positions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
