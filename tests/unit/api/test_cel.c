/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/expr/cel.h"
#include "support/support.h"

static const struct kt_cel_variable variables[] = {{.name = "x"}, {.name = "o"}};
static const struct kt_cel_env env = {.variables = variables, .n_variables = 2};

static json_t *parse(const char *text)
{
	json_t *value = kt_json_parse(kt_sv_of(text), NULL, NULL);

	assert_non_null(value);
	return value;
}

/* The result as JSON text, or the error. */
static char *evaluate(const char *text)
{
	kt_auto_json json_t *x = parse("{\"a\":1,\"b\":[1,2,3],\"s\":\"h\\u00e4llo\",\"m\":{\"k\":"
	                               "\"v\"},\"n\":null,\"f\":1.5}");
	kt_auto_json json_t *o = parse("[{\"name\":\"p\",\"v\":1},{\"name\":\"q\",\"v\":2}]");
	const struct kt_cel_binding bindings[] = {{"x", x}, {"o", o}};
	struct kt_cel_run run = {.bindings = bindings, .n_bindings = 2};
	kt_auto_cel struct kt_cel *cel = NULL;
	kt_auto_json json_t *result = NULL;
	kt_auto_err err = KT_ERR_INIT;
	kt_auto_str out = KT_STR_INIT;

	if (kt_cel_compile(text, &env, &cel, &err) < 0 || kt_cel_eval(cel, &run, &result, &err) < 0)
		return kt_strdup(kt_err_message(&err));
	kt_json_write(&out, result, KT_JSON_SORT);
	return kt_str_steal(&out);
}

static void check(const char *const (*cases)[2], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		kt_auto_free char *got = evaluate(cases[i][0]);

		if (strcmp(got, cases[i][1]))
			fail_msg("%s: got %s, want %s", cases[i][0], got, cases[i][1]);
	}
}

static void test_language(void **state)
{
	static const char *const cases[][2] = {
	        {"1 + 2 * 3", "7"},
	        {"(1 + 2) * 3", "9"},
	        {"-7 / 2", "-3"},
	        {"-7 % 2", "-1"},
	        {"7u - 2u", "5"},
	        {"1.5 + 1.0", "2.5"},
	        {"'a' + \"b\"", "\"ab\""},
	        {"r'\\n' == '\\\\n'", "true"},
	        {"'\\x41\\u0042\\103'", "\"ABC\""},
	        {"'''a\nb'''", "\"a\\nb\""},
	        {"b'ab'", "\"YWI=\""},
	        {"0x10 + 1", "17"},
	        {"1e3", "1000"},
	        {"true || 1 / 0 > 0", "true"},
	        {"1 / 0 > 0 || true", "true"},
	        {"false && 1 / 0 > 0", "false"},
	        {"1 / 0 > 0 && true", "division by zero"},
	        {"x.a == 1 ? 'y' : 'n'", "\"y\""},
	        {"1 < 2 && 2 <= 2 && 3 > 2 && 3 >= 3 && 1 != 2", "true"},
	        {"dyn(1) == 1.0", "true"},
	        {"dyn(1) == 'a'", "false"},
	        {"2 in x.b", "true"},
	        {"'k' in x.m", "true"},
	        {"x.b[1]", "2"},
	        {"x['a']", "1"},
	        {"o[1].name", "\"q\""},
	        {"x.b[5]", "index out of bounds: 5"},
	        {"x.zz", "no such key: zz"},
	        {"has(x.n.zz)", "false"},
	        {"has(x.zz)", "false"},
	        {"has(x.m.k)", "true"},
	        {"[1, 2] + [3]", "[1,2,3]"},
	        {"{'a': 1, 'b': [2]}", "{\"a\":1,\"b\":[2]}"},
	        {"{'a': 1}.a", "1"},
	        {"x.n == null", "true"},
	        {"9223372036854775807 + 1", "integer overflow"},
	        {"type(1) == int && type('') == string && type(x) == map", "true"},
	        {"int('42') + int(3.9)", "45"},
	        {"string(1) + string(true) + string(2.5)", "\"1true2.5\""},
	        {"double('1.5')", "1.5"},
	        {"int('x')", "type conversion error from 'string' to 'int'"},
	        {"bool('true')", "true"},
	        {"!true", "false"},
	        {"-(x.a)", "-1"},
	};

	(void)state;
	check(cases, KT_ARRAY_SIZE(cases));
}

static void test_macros(void **state)
{
	static const char *const cases[][2] = {
	        {"x.b.all(e, e > 0)", "true"},
	        {"x.b.exists(e, e == 2)", "true"},
	        {"x.b.exists_one(e, e > 1)", "false"},
	        {"x.b.map(e, e * 2)", "[2,4,6]"},
	        {"x.b.map(e, e > 1, e * 10)", "[20,30]"},
	        {"x.b.filter(e, e != 2)", "[1,3]"},
	        {"x.m.all(k, x.m[k] == 'v')", "true"},
	        {"o.map(e, e.name)", "[\"p\",\"q\"]"},
	        {"x.b.all(i, v, v == i + 1)", "true"},
	        {"x.m.exists(k, v, k == 'k' && v == 'v')", "true"},
	        {"x.b.transformList(i, v, i * v)", "[0,2,6]"},
	        {"x.b.transformList(i, v, i > 0, v)", "[2,3]"},
	        {"x.m.transformMap(k, v, v + '!')", "{\"k\":\"v!\"}"},
	        {"x.b.transformMapEntry(i, v, {string(v): i})", "{\"1\":0,\"2\":1,\"3\":2}"},
	        {"cel.bind(y, x.a + 1, y * y)", "4"},
	        {"x.?a.orValue(5)", "1"},
	        {"x.?zz.orValue(5)", "5"},
	        {"x.?zz.hasValue()", "false"},
	        {"x.?m.?k.value()", "\"v\""},
	        {"x.b[?9].orValue(0)", "0"},
	        {"x.?a.optMap(v, v + 1).orValue(0)", "2"},
	        {"optional.none().or(optional.of(3)).value()", "3"},
	        {"[?x.?zz, ?x.?a]", "[1]"},
	        {"{?'k': x.?zz, 'j': 1}", "{\"j\":1}"},
	        {"has(x.m.k) && x.m.k.size() == 1", "true"},
	        {"[[1, 2], [3]].all(l, l.exists(e, e > 1))", "true"},
	};

	(void)state;
	check(cases, KT_ARRAY_SIZE(cases));
}

static void test_strings_and_lists(void **state)
{
	static const char *const cases[][2] = {
	        {"size(x.s)", "5"},
	        {"x.s.size()", "5"},
	        {"x.s.contains('\\u00e4')", "true"},
	        {"x.s.startsWith('h')", "true"},
	        {"x.s.endsWith('lo')", "true"},
	        {"x.s.matches('^h.llo$')", "true"},
	        {"'a1b22'.find('[0-9]+')", "\"1\""},
	        {"'a1b22'.find('([a-z])([0-9])')", "\"a1\""},
	        {"'a1b22'.findAll('[0-9]+')", "[\"1\",\"22\"]"},
	        {"'a1b22'.findAll('[0-9]*')", "[\"\",\"1\",\"22\"]"},
	        {"'a1b'.findAll('[0-9]*')", "[\"\",\"1\",\"\"]"},
	        {"'a1b22'.findAll('[0-9]', 2)", "[\"1\",\"2\"]"},
	        {"x.s.charAt(1) == '\\u00e4'", "true"},
	        {"x.s.indexOf('l')", "2"},
	        {"x.s.lastIndexOf('l')", "3"},
	        {"'AbC'.lowerAscii()", "\"abc\""},
	        {"'AbC'.upperAscii()", "\"ABC\""},
	        {"'aXbXc'.replace('X', '-')", "\"a-b-c\""},
	        {"'aXbXc'.replace('X', '-', 1)", "\"a-bXc\""},
	        {"'a,b,c'.split(',')", "[\"a\",\"b\",\"c\"]"},
	        {"'a,b,c'.split(',', 2)", "[\"a\",\"b,c\"]"},
	        {"'abc'.split('')", "[\"a\",\"b\",\"c\"]"},
	        {"x.s.substring(1, 3) == '\\u00e4l'", "true"},
	        {"'  a '.trim()", "\"a\""},
	        {"['a', 'b'].join('-')", "\"a-b\""},
	        {"'abc'.reverse()", "\"cba\""},
	        {"'%s is %d, %.2f %x'.format(['a', 5, 1.5, 255])", "\"a is 5, 1.50 ff\""},
	        {"'%s'.format([[1, 'x', {'k': true}]])", "\"[1, x, {k: true}]\""},
	        {"'abc'.substring(2, 9)", "index out of range: 9"},
	        {"[1, 2, 3].isSorted()", "true"},
	        {"[3, 1].isSorted()", "false"},
	        {"[1, 2, 3].sum()", "6"},
	        {"[1.5, 2.0].sum()", "3.5"},
	        {"[1, 3, 2].max()", "3"},
	        {"[1, 3, 2].min()", "1"},
	        {"[1, 2, 1].indexOf(2)", "1"},
	        {"[1, 2, 1].lastIndexOf(1)", "2"},
	        {"[3, 1, 2].sort()", "[1,2,3]"},
	        {"[1, 1, 2].distinct()", "[1,2]"},
	        {"[1, 2, 3].slice(1, 3)", "[2,3]"},
	        {"[[1], [2, [3]]].flatten()", "[1,2,[3]]"},
	        {"lists.range(3)", "[0,1,2]"},
	        {"[1, 2].reverse()", "[2,1]"},
	        {"sets.contains([1, 2], [2])", "true"},
	        {"sets.equivalent([1, 2], [2, 1, 1])", "true"},
	        {"sets.intersects([1], [2])", "false"},
	};

	(void)state;
	check(cases, KT_ARRAY_SIZE(cases));
}

static void test_kubernetes(void **state)
{
	static const char *const cases[][2] = {
	        {"quantity('1Gi').isGreaterThan(quantity('1G'))", "true"},
	        {"quantity('500m').add(quantity('1')).compareTo(quantity('1.5'))", "0"},
	        {"quantity('2k').asInteger()", "2000"},
	        {"quantity('1.5').isInteger()", "false"},
	        {"isQuantity('x')", "false"},
	        {"url('https://u@h.io:80/p/q?a=1&a=2').getHost()", "\"h.io:80\""},
	        {"url('https://h.io:80/p').getHostname()", "\"h.io\""},
	        {"url('https://h.io:80/p').getPort()", "\"80\""},
	        {"url('https://h.io/p?a=1&a=2').getQuery()['a']", "[\"1\",\"2\"]"},
	        {"isURL('nope')", "false"},
	        {"url('/p').getEscapedPath()", "\"/p\""},
	        {"ip('10.0.0.1').family()", "4"},
	        {"isIP('::1')", "true"},
	        {"isIP('010.0.0.1')", "false"},
	        {"ip('127.0.0.1').isLoopback()", "true"},
	        {"string(ip('2001:db8:0:0::1'))", "\"2001:db8::1\""},
	        {"ip.isCanonical('2001:db8::1')", "true"},
	        {"cidr('10.0.0.0/8').containsIP('10.1.2.3')", "true"},
	        {"cidr('10.0.0.0/8').containsCIDR('11.0.0.0/16')", "false"},
	        {"string(cidr('10.1.2.3/8').masked())", "\"10.0.0.0/8\""},
	        {"cidr('::/64').prefixLength()", "64"},
	        {"semver('1.2.3').isLessThan(semver('1.10.0'))", "true"},
	        {"semver('1.0.0-rc.1').compareTo(semver('1.0.0'))", "-1"},
	        {"format.dns1123Label().validate('ok').hasValue()", "false"},
	        {"format.named('dns1123Label').hasValue()", "true"},
	        {"format.dns1123Label().validate('NO').value().size()", "1"},
	        {"duration('1h') > duration('59m')", "true"},
	        {"duration('90s').getMinutes()", "1"},
	        {"string(duration('90s'))", "\"90s\""},
	        {"timestamp('2024-02-03T04:05:06Z').getFullYear()", "2024"},
	        {"timestamp('2024-02-03T04:05:06Z').getHours('+02:00')", "6"},
	        {"timestamp('2024-01-01T00:00:00Z') + duration('24h') == "
	         "timestamp('2024-01-02T00:00:00Z')",
	                "true"},
	        {"string(timestamp('2024-01-01T00:00:00.5Z'))", "\"2024-01-01T00:00:00.5Z\""},
	};

	(void)state;
	check(cases, KT_ARRAY_SIZE(cases));
}

static void test_errors(void **state)
{
	static const char *const cases[][2] = {
	        {"x >", "ERROR: <input>:1:4: Syntax error: mismatched input '<EOF>' expecting "
	                "{'[', '{', '(', '.', '-', '!', 'true', 'false', "
	                "'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | x "
	                ">\n | ...^"},
	        {"x.", "ERROR: <input>:1:3: Syntax error: no viable alternative at input '.'\n | "
	               "x.\n | ..^"},
	        {"x.a == 'b'x", "ERROR: <input>:1:11: Syntax error: extraneous input 'x' expecting "
	                        "<EOF>\n | x.a == 'b'x\n | ..........^"},
	        {"Not Valid!", "ERROR: <input>:1:5: Syntax error: mismatched input 'Valid' "
	                       "expecting <EOF>\n | Not Valid!\n | ....^"},
	        {"foo == 1", "ERROR: <input>:1:1: undeclared reference to 'foo' (in container "
	                     "'')\n | foo == 1\n | ^"},
	        {"foo(1)", "ERROR: <input>:1:4: undeclared reference to 'foo' (in container '')\n "
	                   "| foo(1)\n | ...^"},
	        {"1 == 'x'", "ERROR: <input>:1:3: found no matching overload for '_==_' applied to "
	                     "'(int, string)'\n | 1 == 'x'\n | ..^"},
	        {"1.startsWith('x')", "ERROR: <input>:1:13: found no matching overload for "
	                              "'startsWith' applied to 'int.(string)'\n"
	                              " | 1.startsWith('x')\n | ............^"},
	        {"", "ERROR: <input>:1:0: Syntax error: mismatched input '<EOF>' expecting {'[', "
	             "'{', '(', '.', '-', '!', 'true', 'false', "
	             "'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"},
	};
	kt_auto_free char *deep = NULL;
	kt_auto_str text = KT_STR_INIT;

	(void)state;
	check(cases, KT_ARRAY_SIZE(cases));
	for (int i = 0; i < 5000; i++)
		kt_str_putc(&text, '(');
	deep = evaluate(kt_str_text(&text));
	assert_non_null(strstr(deep, "recursion limit"));
}

static void test_cost(void **state)
{
	kt_auto_json json_t *x = json_array();
	const struct kt_cel_binding bindings[] = {{"x", x}, {"o", x}};
	struct kt_cel_run run = {.bindings = bindings, .n_bindings = 2};
	kt_auto_cel struct kt_cel *cel = NULL;
	kt_auto_err err = KT_ERR_INIT;

	(void)state;
	for (int i = 0; i < 2000; i++)
		json_array_append_new(x, json_integer(i));
	assert_int_equal(
	        kt_cel_compile("x.all(a, x.all(b, x.all(c, a + b + c >= 0)))", &env, &cel, NULL),
	        0);
	assert_true(kt_cel_test(cel, &run, &err) < 0);
	assert_string_equal(
	        kt_err_message(&err), "operation cancelled: actual cost limit exceeded");
	assert_true(kt_cel_uses(cel, "x") && !kt_cel_uses(cel, "o"));
	assert_string_equal(kt_cel_type(cel), "bool");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_language),
	        cmocka_unit_test(test_macros),
	        cmocka_unit_test(test_strings_and_lists),
	        cmocka_unit_test(test_kubernetes),
	        cmocka_unit_test(test_errors),
	        cmocka_unit_test(test_cost),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
