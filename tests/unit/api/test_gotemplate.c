/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/expr/gotemplate.h"
#include "support/support.h"

static const char document[] =
        "{\"n\":3,\"s\":\"text\",\"t\":true,\"list\":[{\"name\":\"a\"},{\"name\":\"b\"}],"
        "\"map\":{\"y\":1,\"x\":[1,2]},\"none\":null,\"big\":10000000,\"real\":2.5}";

static int print(const char *template, struct kt_str *out, struct kt_err *err)
{
	kt_auto_json json_t *tree = kt_json_parse(KT_SV(document), NULL, NULL);
	struct kt_gotemplate *parsed;

	if (kt_gotemplate_parse(template, &parsed, err) < 0)
		return err->code;
	int r = kt_gotemplate_print(parsed, tree, out, err);

	kt_gotemplate_destroy(parsed);
	return r;
}

static void test_print(void **state)
{
	static const char *const cases[][2] = {
	        {"plain", "plain"},
	        {"{{.s}} {{.n}} {{.big}} {{.real}} {{.t}}", "text 3 10000000 2.5 true"},
	        {"{{.nothere}} {{.nothere.x}} {{.none}}", "<no value> <no value> <no value>"},
	        {"{{.map}} {{.list}}", "map[x:[1 2] y:1] [map[name:a] map[name:b]]"},
	        {"{{range .list}}{{.name}} {{$.n}};{{end}}", "a 3;b 3;"},
	        {"{{range $i, $e := .list}}{{$i}}{{$e.name}}{{end}}", "0a1b"},
	        {"{{range $k, $v := .map}}{{$k}}={{$v}} {{end}}", "x=[1 2] y=1 "},
	        {"{{range .nothere}}a{{else}}b{{end}}", "b"},
	        {"{{range 3}}{{.}}{{end}}", "012"},
	        {"{{range .list}}{{if eq .name \"a\"}}{{continue}}{{end}}{{.name}}{{break}}{{end}}",
	                "b"},
	        {"{{if .none}}a{{else if .n}}b{{else}}c{{end}}", "b"},
	        {"{{with .map}}{{.y}}{{end}}{{with .none}}x{{else with .s}}{{.}}{{end}}", "1text"},
	        {"{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}", "2"},
	        {"{{define \"x\"}}[{{.}}]{{end}}{{template \"x\" .s}}{{template \"x\"}}",
	                "[text][<no value>]"},
	        {"{{block \"b\" .map}}{{.y}}{{end}}", "1"},
	        {"a {{- .n -}} b{{/* c */}}", "a3b"},
	        {"{{.s | len | printf \"%03d\"}}", "004"},
	        {"{{printf \"%d %s %v %q %t|%5d|%-5s|%x\" 1 \"a\" .n \"q\" true 3 \"b\" 255}}",
	                "1 a 3 \"q\" true|    3|b    |ff"},
	        {"{{printf \"%s\" 1}} {{printf \"%d\"}} {{printf \"a\" 1}}",
	                "%!s(int=1) %!d(MISSING) a%!(EXTRA int=1)"},
	        {"{{index .map \"x\" 1}} {{(index .list 1).name}} {{index .map \"none\"}}",
	                "2 b <no value>"},
	        {"{{slice \"abcdef\" 1 3}} {{len .list}}", "bc 2"},
	        {"{{not .t}} {{and 1 0}} {{or 0 \"x\"}} {{eq 1 2 1}} {{lt 1 2}} {{ge \"b\" \"a\"}}",
	                "false 0 x true true true"},
	        {"{{html \"<a>\"}} {{js \"\\\"\"}} {{urlquery \"a b\"}}", "&lt;a&gt; \\\" a+b"},
	        {"{{base64decode \"aGk=\"}} {{exists . \"map\" \"x\"}} {{exists . \"q\"}}",
	                "hi true false"},
	        {"{{`raw\\n`}} {{'a'}} {{0x10}} {{1e3}} {{1.5}}", "raw\\n 97 16 1000 1.5"},
	};

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++) {
		kt_auto_str out = KT_STR_INIT;
		kt_auto_err err = KT_ERR_INIT;

		assert_int_equal(print(cases[i][0], &out, &err), 0);
		assert_string_equal(kt_str_text(&out), cases[i][1]);
	}
}

static void test_refusals(void **state)
{
	static const char *const cases[][2] = {
	        {"{{.a", "template: output:1: unclosed action"},
	        {"\n{{foo}}", "template: output:2: function \"foo\" not defined"},
	        {"{{$x}}", "template: output:1: undefined variable \"$x\""},
	        {"{{if}}x{{end}}", "template: output:1: missing value for if"},
	        {"{{range .a}}", "template: output:1: unexpected EOF"},
	        {"{{end}}", "template: output:1: unexpected {{end}}"},
	        {"{{break}}", "template: output:1: {{break}} outside {{range}}"},
	        {"{{\"a", "template: output:1: unterminated quoted string"},
	        {"{{.s.x}}", "template: output:1:4: executing \"output\" at <.s.x>: can't evaluate "
	                     "field x in type interface {}"},
	        {"{{eq .s.x 1}}", "template: output:1:7: executing \"output\" at <.s.x>: can't "
	                          "evaluate field x in type interface {}"},
	        {"{{index .list 9}}", "template: output:1:2: executing \"output\" at <index .list "
	                              "9>: error calling index: index out of range: 9"},
	        {"{{eq .s 1}}", "template: output:1:2: executing \"output\" at <eq .s 1>: error "
	                        "calling eq: incompatible types for comparison: string and int"},
	        {"{{len .n}}", "template: output:1:2: executing \"output\" at <len .n>: error "
	                       "calling len: len of type int64"},
	        {"{{nil}}", "template: output:1:2: executing \"output\" at <nil>: nil is not a "
	                    "command"},
	        {"{{template \"x\"}}", "template: output:1:11: executing \"output\" at <{{template "
	                               "\"x\"}}>: template \"x\" not defined"},
	};

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++) {
		kt_auto_str out = KT_STR_INIT;
		kt_auto_err err = KT_ERR_INIT;

		assert_true(print(cases[i][0], &out, &err) < 0);
		assert_string_equal(kt_err_message(&err), cases[i][1]);
	}
}

/* Neither endless loops nor endless templates. */
static void test_limits(void **state)
{
	static const char *const cases[] = {
	        "{{range 1000000000}}{{end}}",
	        "{{define \"x\"}}{{template \"x\"}}{{end}}{{template \"x\"}}",
	};

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++) {
		kt_auto_str out = KT_STR_INIT;
		kt_auto_err err = KT_ERR_INIT;

		assert_true(print(cases[i], &out, &err) < 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_print),
	        cmocka_unit_test(test_refusals),
	        cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
