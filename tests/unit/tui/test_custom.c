/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/support.h"

#include "tui/custom.h"
#include "tui/screen.h"

static void assert_key(const char *name, uint32_t expected)
{
	uint32_t key = 0;

	assert_true(kt_custom_key_parse(name, &key));
	assert_int_equal(key, expected);
}

static void test_keys(void **state)
{
	static const char *const bad[] = {
	        "", "Hyper-A", "Ctrl-", "Ctrl-AB", "ctrl-a", "F13", "F0", "Shift-A ", "-a"};
	uint32_t key;

	(void)state;
	assert_key("a", 'a');
	assert_key("?", '?');
	assert_key("-", '-');
	assert_key("space", ' ');
	assert_key("Shift-A", 'A');
	assert_key("Shift-2", '@');
	assert_key("Ctrl-K", KT_KEY_CTRL | 'k');
	assert_key("F12", KT_KEY_F12);
	for (size_t i = 0; i < KT_ARRAY_SIZE(bad); i++)
		assert_false(kt_custom_key_parse(bad[i], &key));
}

static bool value(void *arg, const char *name, struct kt_str *out)
{
	(void)arg;
	if (!strcmp(name, "NAME"))
		kt_str_puts(out, "web");
	else if (!strcmp(name, "COL-%CPU/L"))
		kt_str_puts(out, "12");
	else if (!strcmp(name, "ON"))
		kt_str_puts(out, "true");
	else
		return false;
	return true;
}

static void assert_expanded(const char *text, const char *expected)
{
	kt_auto_str out = KT_STR_INIT;

	kt_custom_expand(text, value, NULL, &out);
	assert_string_equal(kt_str_text(&out), expected);
}

static void test_variables(void **state)
{
	(void)state;
	assert_expanded("deploy/$NAME in ${name}", "deploy/web in web");
	assert_expanded("${COL-%CPU/L}%", "12%");
	assert_expanded("$!ON ${!ON} $ON", "false false true");
	assert_expanded("$NAME-x $WHAT ${WHAT} $ $$ ${NAME", "$NAME-x $WHAT ${WHAT} $ $$ ${NAME");
	assert_expanded("$NAME$NAME", "webweb");
}

static void parse(struct kt_custom *custom, char what, const char *text, struct kt_str *warnings)
{
	kt_custom_parse(custom, what, "/somewhere/team.yaml", kt_sv_of(text), warnings);
}

static void test_aliases(void **state)
{
	struct kt_custom custom;
	kt_auto_str warnings = KT_STR_INIT;

	(void)state;
	kt_custom_init(&custom);
	parse(&custom, 'a',
	        "aliases:\n  pp: v1/pods\n  fred: pp kube-system\n"
	        "  pods: pods -A\n  a: b\n"
	        "  b: a\n  x: 3\n  no: nodes\n  y: yaml\n",
	        &warnings);
	assert_string_equal(kt_str_text(&warnings), "team.yaml: x: is no text\n");
	kt_auto_free char *fred = kt_custom_unalias(&custom, "fred /web"),
	                  *pods = kt_custom_unalias(&custom, "pods x"),
	                  *loop = kt_custom_unalias(&custom, "a"),
	                  *other = kt_custom_unalias(&custom, "nodes"),
	                  *word = kt_custom_unalias(&custom, "no"),
	                  *letter = kt_custom_unalias(&custom, "y pod/a");

	assert_string_equal(fred, "v1/pods kube-system /web");
	assert_string_equal(pods, "pods x"); /* an alias of itself is none */
	assert_true(!strcmp(loop, "a") || !strcmp(loop, "b"));
	assert_string_equal(other, "nodes");
	assert_string_equal(word, "nodes"); /* no boolean of YAML 1.1 */
	assert_string_equal(letter, "yaml pod/a");
	kt_custom_finish(&custom);
}

static void test_plugins(void **state)
{
	static const char one[] = "shortCut: Ctrl-L\ndescription: one\nscopes: [all]\n"
	                          "command: true\n";
	struct kt_custom custom;
	kt_auto_str warnings = KT_STR_INIT;

	(void)state;
	kt_custom_init(&custom);
	parse(&custom, 'p',
	        "plugins:\n"
	        "  a: {shortCut: Shift-A, description: A, scopes: [po], command: x, args: [1, b]}\n"
	        "  b: {shortCut: Shift-B, description: B, scopes: [po]}\n"
	        "  c: {shortCut: Shift-C, description: C, command: x}\n",
	        &warnings);
	assert_string_equal(kt_str_text(&warnings),
	        "team.yaml: b: there is no command\nteam.yaml: c: there are no scopes\n");
	parse(&custom, 'p', "a: {shortCut: Shift-Q, description: A2, scopes: [po], command: sh}\n",
	        &warnings);
	assert_int_equal(custom.keys.n, 1);
	assert_int_equal(custom.keys.items[0].key, 'Q');
	parse(&custom, 'p', "shortCut: Ctrl-L\ndescription: one\nscopes: [all]\ncommand: sh\n",
	        &warnings);
	assert_int_equal(custom.keys.n, 2);
	assert_string_equal(custom.keys.items[1].id, "team");
	kt_str_clear(&warnings);
	parse(&custom, 'p', one, &warnings); /* a boolean is no program */
	assert_string_equal(kt_str_text(&warnings), "team.yaml: team: there is no command\n");
	kt_str_clear(&warnings);
	parse(&custom, 'h', "hotKeys: [", &warnings);
	assert_true(warnings.len > 0);
	kt_custom_finish(&custom);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_keys),
	        cmocka_unit_test(test_variables), cmocka_unit_test(test_aliases),
	        cmocka_unit_test(test_plugins)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
