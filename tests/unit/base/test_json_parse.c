/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/json.h"
#include "support/support.h"

#include <errno.h>

static void check_round_trip(const char *text, const char *want)
{
	kt_auto_err err = {0};
	kt_auto_str out = {0};
	kt_auto_json json_t *value = kt_json_parse(kt_sv_of(text), NULL, &err);

	assert_string_equal(kt_err_message(&err), "");
	assert_non_null(value);
	kt_json_write(&out, value, 0);
	assert_string_equal(kt_str_text(&out), want);
}

static void test_values(void **state)
{
	(void)state;
	check_round_trip("null", "null");
	check_round_trip(" \r\n\t[ true , false ] ", "[true,false]");
	check_round_trip("{\"b\":1,\"a\":{}}", "{\"b\":1,\"a\":{}}");
	check_round_trip("\"\\u00e9\\ud83d\\ude00\\/\\b\\f\\n\\r\\t\\\"\\\\\"",
	        "\"\xc3\xa9\xf0\x9f\x98\x80/\\b\\f\\n\\r\\t\\\"\\\\\"");
	check_round_trip("\"a\\u0000b\"", "\"a\\u0000b\"");
	check_round_trip("\"\\ud800x\\udc00\"", "\"\xef\xbf\xbdx\xef\xbf\xbd\"");
	check_round_trip("\"\\ud83d\\u0041\"", "\"\xef\xbf\xbd"
	                                       "A\"");
	check_round_trip("\"gr\xc3\xbc\xc3\x9f"
	                 "e from a string of more than sixteen bytes\\n\"",
	        "\"gr\xc3\xbc\xc3\x9f"
	        "e from a string of more than sixteen bytes\\n\"");
	check_round_trip("{\"a\\u0062\":1}", "{\"ab\":1}");
	check_round_trip("{\"\":1}", "{\"\":1}");
}

static void test_numbers(void **state)
{
	(void)state;
	check_round_trip("[0,-0,9223372036854775807,-9223372036854775808]",
	        "[0,0,9223372036854775807,-9223372036854775808]");
	check_round_trip("[9223372036854775808,1e2,1.50,-2.5E-3,0.1]",
	        "[9223372036854776000,100,1.5,-0.0025,0.1]");
	check_round_trip(
	        "[1e21,1e-7,0.000001,1e20,5e-324,1.7976931348623157e308,123456789012345678901234]",
	        "[1e+21,1e-7,0.000001,100000000000000000000,5e-324,1.7976931348623157e+308,1."
	        "2345678901234569e+23]");
	check_round_trip("[0.3,2.2250738585072014e-308,4.35,0.1e1,-0.0,1234567.25]",
	        "[0.3,2.2250738585072014e-308,4.35,1,0,1234567.25]");
	kt_auto_json json_t *value =
	        kt_json_parse(KT_SV("[1,1.0,9223372036854775808]"), NULL, NULL);
	assert_true(json_is_integer(json_array_get(value, 0)));
	assert_true(json_is_real(json_array_get(value, 1)));
	assert_true(json_is_real(json_array_get(value, 2)));
}

static void test_errors(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
	        {"", "line 1, column 1: unexpected end of JSON input"},
	        {" ", "line 1, column 2: unexpected end of JSON input"},
	        {"{", "line 1, column 2: unexpected end of JSON input"},
	        {"{\"a\"", "line 1, column 5: unexpected end of JSON input"},
	        {"{\"a\":", "line 1, column 6: unexpected end of JSON input"},
	        {"{\"a\":1", "line 1, column 7: unexpected end of JSON input"},
	        {"\"abc", "line 1, column 5: unexpected end of JSON input"},
	        {"\"abc\\", "line 1, column 6: unexpected end of JSON input"},
	        {"\"abc\\\"", "line 1, column 7: unexpected end of JSON input"},
	        {"[1,]", "line 1, column 4: invalid character ']' looking for beginning of value"},
	        {"{\"a\":1,}", "line 1, column 8: invalid character '}' looking for beginning of "
	                       "object key string"},
	        {"{a:1}", "line 1, column 2: invalid character 'a' looking for beginning of object "
	                  "key string"},
	        {"{\"a\" 1}", "line 1, column 6: invalid character '1' after object key"},
	        {"{\n  \"\xc3\xa4\": 1\n  \"b\": 2\n}",
	                "line 3, column 3: invalid character '\"' after object key:value pair"},
	        {"{\"\xc3\xa4\" x", "line 1, column 6: invalid character 'x' after object key"},
	        {"[1 2]", "line 1, column 4: invalid character '2' after array element"},
	        {"1 2", "line 1, column 3: invalid character '2' after top-level value"},
	        {"trux", "line 1, column 4: invalid character 'x' in literal true (expecting 'e')"},
	        {"nul", "line 1, column 4: unexpected end of JSON input"},
	        {"True", "line 1, column 1: invalid character 'T' looking for beginning of value"},
	        {"01", "line 1, column 2: invalid character '1' after a leading zero in numeric "
	               "literal"},
	        {"1.x", "line 1, column 3: invalid character 'x' after decimal point in numeric "
	                "literal"},
	        {"1e+", "line 1, column 4: unexpected end of JSON input"},
	        {"-a", "line 1, column 2: invalid character 'a' in numeric literal"},
	        {"+1", "line 1, column 1: invalid character '+' looking for beginning of value"},
	        {"1e999", "line 1, column 1: number is out of range"},
	        {"\"\t\"", "line 1, column 2: invalid character '\\t' in string literal"},
	        {"\"a\\nb\x01\"", "line 1, column 6: invalid control character in string literal"},
	        {"\"\\x\"", "line 1, column 2: invalid character in string escape code"},
	        {"\"\\u12g4\"",
	                "line 1, column 2: invalid character in \\u hexadecimal character escape"},
	        {"\"\\u12\"",
	                "line 1, column 2: invalid character in \\u hexadecimal character escape"},
	        {"\"\xff\"", "line 1, column 2: invalid UTF-8 in string literal"},
	        {"\"\\n\xc3\"", "line 1, column 4: invalid UTF-8 in string literal"},
	        {"{\"a\\u0000\":1}", "line 1, column 2: \\u0000 is not allowed in an object key"},
	        {"\xef\xbb\xbf{}", "line 1, column 1: invalid character '\\xef' looking for "
	                           "beginning of value"},
	};

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++) {
		kt_auto_err err = {0};
		assert_null(kt_json_parse(kt_sv_of(cases[i].text), NULL, &err));
		assert_int_equal(err.code, -EINVAL);
		assert_string_equal(err.message, cases[i].message);
		assert_null(kt_json_parse(kt_sv_of(cases[i].text), NULL, NULL));
	}
}

/* Every prefix of a document is malformed, and reading it stays inside (the sanitizer watches). */
static void test_prefixes(void **state)
{
	static const char text[] = "{\"k\":[1,-2.5e-3,\"s\\u00e9\\ud83d\\ude00\",true,false,null,{"
	                           "\"x\":{}}],\"\xc3\xa4\":\"\"}";

	(void)state;
	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		char *copy = kt_memdup(text, len); /* exact size, no NUL behind */
		kt_auto_err err = {0};
		assert_null(kt_json_parse((struct kt_sv){copy, len}, NULL, &err));
		free(copy);
	}
}

static void test_depth(void **state)
{
	enum { DEEP = 100000 };
	kt_auto_free char *text = kt_alloc(DEEP);
	kt_auto_err err = {0};
	struct kt_json_parse_options options = {.depth_max = 3};

	(void)state;
	memset(text, '[', DEEP);
	assert_null(kt_json_parse((struct kt_sv){text, DEEP}, NULL, &err));
	assert_string_equal(err.message, "line 1, column 513: exceeded max depth");
	kt_auto_json json_t *fits = kt_json_parse(KT_SV("[[[1]],[[]]]"), &options, NULL);
	assert_non_null(fits);
	assert_null(kt_json_parse(KT_SV("[[[[]]]]"), &options, NULL));
}

static void add_path(void *arg, const char *path)
{
	kt_str_printf(arg, "%s;", path);
}

static void test_duplicates(void **state)
{
	kt_auto_str paths = {0};
	kt_auto_str out = {0};
	struct kt_json_parse_options options = {.on_duplicate = add_path, .arg = &paths};

	(void)state;
	kt_auto_json json_t *value =
	        kt_json_parse(KT_SV("{\"spec\":{\"c\":[{},{\"name\":1,\"name\":2,\"n\\u0061me\":3}]"
	                            "},\"spec\":{\"a\":0}}"),
	                &options, NULL);
	assert_non_null(value);
	assert_string_equal(kt_str_text(&paths), "spec.c[1].name;spec.c[1].name;spec;");
	kt_json_write(&out, value, 0);
	assert_string_equal(out.data, "{\"spec\":{\"a\":0}}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_values),
	        cmocka_unit_test(test_numbers),
	        cmocka_unit_test(test_errors),
	        cmocka_unit_test(test_prefixes),
	        cmocka_unit_test(test_depth),
	        cmocka_unit_test(test_duplicates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
