/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/yaml.h"
#include "support/support.h"

#include <errno.h>

/* Text to compact JSON, documents separated by "|", or the error. */
static void check(const char *text, const char *want)
{
	struct kt_yaml_docs docs;
	kt_auto_err err = {0};
	kt_auto_str out = {0};

	if (kt_yaml_parse(kt_sv_of(text), NULL, &docs, &err) < 0) {
		assert_int_equal(err.code, -EINVAL);
		kt_str_puts(&out, err.message);
	} else {
		for (size_t i = 0; i < docs.n; i++) {
			if (i)
				kt_str_putc(&out, '|');
			if (docs.docs[i].value)
				kt_json_write(&out, docs.docs[i].value, 0);
		}
		kt_yaml_docs_finish(&docs);
	}
	if (!kt_streq(kt_str_text(&out), want))
		print_message("of %s\n", text);
	assert_string_equal(kt_str_text(&out), want);
}

static void test_scalars(void **state)
{
	static const char *const cases[][2] = {
	        {"yes", "true"},
	        {"n", "false"},
	        {"Off", "false"},
	        {"oN", "\"oN\""},
	        {"~", "null"},
	        {"Null", "null"},
	        {"'yes'", "\"yes\""},
	        {"12", "12"},
	        {"+12", "12"},
	        {"017", "15"},
	        {"0o17", "15"},
	        {"0x1F", "31"},
	        {"-0x1f", "-31"},
	        {"0b101", "5"},
	        {"08", "8"},
	        {"1_000", "1000"},
	        {"_1", "\"_1\""},
	        {"1e3", "1000"},
	        {"1.0", "1"},
	        {"1.5", "1.5"},
	        {".5", "0.5"},
	        {".5_0", "0.5"},
	        {".5_", "\".5_\""},
	        {"1__0_.5_", "10.5"},
	        {"1.", "1"},
	        {".", "\".\""},
	        {"1e999", "\"1e999\""},
	        {"1.2.3", "\"1.2.3\""},
	        {"0x", "\"0x\""},
	        {"9223372036854775807", "9223372036854775807"},
	        {"9223372036854775808", "9223372036854776000"},
	        {"1:30", "\"1:30\""},
	        {"2024-01-02", "\"2024-01-02\""},
	        {"2024-01-02T03:04:05Z", "\"2024-01-02T03:04:05Z\""},
	        {"-", "[null]"},
	        {"'it''s'", "\"it's\""},
	        {"!!str 12", "\"12\""},
	        {"! 12", "\"12\""},
	        {"!!int 0x10", "16"},
	        {"!!float 3", "3"},
	        {"!!binary aGk=", "\"hi\""},
	        {"!custom 12", "\"12\""},
	        {"!!int x", "line 1, column 1: the value is no int"},
	        {"!!binary $", "line 1, column 1: !!binary value contains invalid base64 data"},
	        {".inf", "line 1, column 1: JSON has no value for infinity"},
	        {"[.nan]", "line 1, column 2: JSON has no value for NaN"},
	};

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++)
		check(cases[i][0], cases[i][1]);
}

static void test_collections(void **state)
{
	(void)state;
	check("a: 1\nb:\n- x\n- {z: [1, 2]}\nc:\n",
	        "{\"a\":1,\"b\":[\"x\",{\"z\":[1,2]}],\"c\":null}");
	check("on: 1\n1: 2\n1.5: 3\nno: 4\n", "{\"true\":1,\"1\":2,\"1.5\":3,\"false\":4}");
	check("a: |\n  x\n   y\nb: >-\n  x\n  y\n", "{\"a\":\"x\\n y\\n\",\"b\":\"x y\"}");
	check("a: &x {k: 1}\nb: *x\nc: [*x, *x]\n",
	        "{\"a\":{\"k\":1},\"b\":{\"k\":1},\"c\":[{\"k\":1},{\"k\":1}]}");
	check("a: |\n  x", "{\"a\":\"x\\n\"}");
	check("a: |-\n  x", "{\"a\":\"x\"}");
	check("? a\n: b\n", "{\"a\":\"b\"}");
	check("&k a: *k\n", "{\"a\":\"a\"}");
	check("~: 1\n", "line 1, column 1: invalid map key: it must be a string");
	check("? [a]\n: b\n", "line 1, column 3: invalid map key: it must be a scalar");
	check("a: *x\n", "line 1, column 4: unknown anchor 'x' referenced");
	check("&a [*a]\n", "line 1, column 5: anchor 'a' value contains itself");
	check("&a {x: &a 1, z: *a}\n", "{\"x\":1,\"z\":1}");
	check("{\"a\": 1, \"b\": [true, null], \"c\": \"\\ud83d\\ude00\\/\"}",
	        "{\"a\":1,\"b\":[true,null],\"c\":\"\xf0\x9f\x98\x80/\"}");
}

static void test_merge(void **state)
{
	(void)state;
	check("a: &x {k: 1, l: 2}\nb:\n  k: 0\n  <<: *x\n",
	        "{\"a\":{\"k\":1,\"l\":2},\"b\":{\"k\":0,\"l\":2}}");
	check("b:\n  <<: [{k: 1}, {k: 2, m: 3}]\n", "{\"b\":{\"k\":1,\"m\":3}}");
	check("\"<<\": 1\n", "{\"<<\":1}");
	check("a:\n  <<: 5\n",
	        "line 2, column 7: map merge requires map or sequence of maps as the value");
	check("<<: [1]\n",
	        "line 1, column 5: map merge requires map or sequence of maps as the value");
}

static void test_documents(void **state)
{
	(void)state;
	check("", "");
	check("# nothing\n", "");
	check("---\n", "");
	check("---\n---\na: 1\n---\n# c\n...\n---\n~\n", "|{\"a\":1}||null");
	check("\xef\xbb\xbf"
	      "a: 1\n",
	        "{\"a\":1}");
	check("{\"a\":1}\n---\n{\"b\":2}\n", "{\"a\":1}|{\"b\":2}");
}

static void test_errors(void **state)
{
	(void)state;
	check("a: b: c\n", "line 1, column 5: mapping values are not allowed in this context");
	check("a:\n\t- b\n", "line 2, column 1: found character that cannot start any token");
	check("a:\n  b: 1\n c: 2\n", "line 3, column 2: did not find expected key (while parsing a "
	                             "block mapping that begins on line 1)");
	check("a: \"x\nb: 1\n", "line 3, column 1: found unexpected end of stream");
	check("a: \"gr\xc3\xbc\"\nb: \xff\n", "line 2, column 4: invalid leading UTF-8 octet");
	check("a: \x01\n", "line 1, column 4: control characters are not allowed");
}

/* Each line refers nine times to the one before: 9^9 nodes from less than 1 KB. */
static void test_alias_bomb(void **state)
{
	kt_auto_str text = {0};
	struct kt_yaml_docs docs;
	kt_auto_err err = {0};

	(void)state;
	kt_str_puts(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 10; i++) {
		kt_str_printf(&text, "a%d: &a%d [", i, i);
		for (int k = 0; k < 9; k++)
			kt_str_printf(&text, "%s*a%d", k ? ", " : "", i - 1);
		kt_str_puts(&text, "]\n");
	}
	assert_int_equal(
	        kt_yaml_parse((struct kt_sv){text.data, text.len}, NULL, &docs, &err), -EINVAL);
	assert_non_null(strstr(err.message, "excessive aliasing"));
	/* Few nodes, but each a long string. */
	kt_str_clear(&text);
	kt_str_printf(&text, "a: &a '%0*d'\nb: [", 100000, 7);
	for (int i = 0; i < 5000; i++)
		kt_str_puts(&text, "*a, ");
	kt_str_puts(&text, "]\n");
	assert_int_equal(
	        kt_yaml_parse((struct kt_sv){text.data, text.len}, NULL, &docs, &err), -EINVAL);
}

static void test_depth(void **state)
{
	kt_auto_free char *text = kt_alloc(2000);
	struct kt_yaml_docs docs;
	kt_auto_err err = {0};

	(void)state;
	memset(text, '[', 2000);
	assert_int_equal(kt_yaml_parse((struct kt_sv){text, 2000}, NULL, &docs, &err), -EINVAL);
	assert_non_null(strstr(err.message, "exceeded max depth"));
}

static void add_duplicate(void *arg, const char *path, unsigned line)
{
	kt_str_printf(arg, "%s:%u;", path, line);
}

static void test_positions(void **state)
{
	static const char text[] = "# head\n"
	                           "apiVersion: v1\n"
	                           "spec:\n"
	                           "  containers:\n"
	                           "  - name: a\n"
	                           "    args: [x,\n"
	                           "      y]\n"
	                           "  - name: b\n"
	                           "    script: |\n"
	                           "      one\n"
	                           "      two\n"
	                           "last: \xc3\xa4\n"
	                           "spec: 1\n"
	                           "---\n"
	                           "b: 2\n";
	static const char want[] =
	        " 2:1>2:1-13 apiVersion 2:1>2:13-2 spec 3:1>4:3-11 spec.containers 4:3>5:3-11"
	        " spec.containers[0] 5:5>5:5-7 spec.containers[0].name 5:5>5:11-5"
	        " spec.containers[0].args 6:5>6:11-7 spec.containers[0].args[0] 6:12>6:12-6"
	        " spec.containers[0].args[1] 7:7>7:7-7 spec.containers[1] 8:5>8:5-11"
	        " spec.containers[1].name 8:5>8:11-8 spec.containers[1].script 9:5>9:13-11"
	        " last 12:1>12:7-12 spec 13:1>13:7-13";
	kt_auto_str duplicates = {0}, seen = {0};
	struct kt_yaml_options options = {
	        .positions = true, .on_duplicate = add_duplicate, .arg = &duplicates};
	struct kt_yaml_docs docs;

	(void)state;
	assert_int_equal(kt_yaml_parse(kt_sv_of(text), &options, &docs, NULL), 0);
	assert_int_equal(docs.n, 2);
	for (size_t i = 0; i < docs.docs[0].n_positions; i++) {
		const struct kt_yaml_position *p = &docs.docs[0].positions[i];
		kt_str_printf(&seen, "%s%s %u:%u>%u:%u-%u", i ? " " : "", p->path, p->line,
		        p->column, p->value_line, p->value_column, p->end_line);
	}
	assert_string_equal(seen.data, want);
	assert_string_equal(kt_str_text(&duplicates), "spec:13;");
	assert_int_equal(docs.docs[0].start_offset, 7);
	assert_int_equal(docs.docs[0].end_offset, docs.docs[1].start_offset);
	assert_memory_equal(text + docs.docs[1].start_offset, "---\nb: 2", 8);
	assert_int_equal(docs.docs[1].end_offset, sizeof(text) - 1);
	kt_yaml_docs_finish(&docs);
	kt_yaml_docs_finish(&docs);
}

static void test_parse_one(void **state)
{
	kt_auto_err err = {0};

	(void)state;
	kt_auto_json json_t *value = kt_yaml_parse_one(KT_SV("---\n# x\n---\na: 1\n---\n"), &err);
	assert_int_equal(kt_jint(value, "a", 0), 1);
	assert_null(kt_yaml_parse_one(KT_SV("a: 1\n---\nb: 1\n"), &err));
	assert_string_equal(err.message, "line 2, column 1: expected one document, found another");
	assert_null(kt_yaml_parse_one(KT_SV("\n# x\n"), &err));
	assert_string_equal(err.message, "line 1, column 1: the document is empty");
}

static void test_plain_keys(void **state)
{
	static const char text[] = "no: no\n1: a\n0x10: b\n<<: {y: c}\n'q': d\n";
	const struct kt_yaml_options options = {.plain_keys = true};
	struct kt_yaml_docs docs;
	kt_auto_str out = {0};

	(void)state;
	assert_return_code(kt_yaml_parse(kt_sv_of(text), &options, &docs, NULL), 0);
	kt_json_write(&out, docs.docs[0].value, 0);
	assert_string_equal(kt_str_text(&out),
	        "{\"no\":false,\"1\":\"a\",\"0x10\":\"b\",\"q\":\"d\",\"y\":\"c\"}");
	kt_yaml_docs_finish(&docs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_scalars),
	        cmocka_unit_test(test_collections),
	        cmocka_unit_test(test_merge),
	        cmocka_unit_test(test_documents),
	        cmocka_unit_test(test_errors),
	        cmocka_unit_test(test_alias_bomb),
	        cmocka_unit_test(test_depth),
	        cmocka_unit_test(test_positions),
	        cmocka_unit_test(test_plain_keys),
	        cmocka_unit_test(test_parse_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
