/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/json.h"
#include "support/support.h"

#include <locale.h>
#include <math.h>

static void check(json_t *value, unsigned flags, const char *want)
{
	kt_auto_str out = {0};

	kt_json_write(&out, value, flags);
	assert_string_equal(kt_str_text(&out), want);
	json_decref(value);
}

static void test_pretty(void **state)
{
	(void)state;
	check(kt_json_parse(KT_SV("{\"b\":[1,{\"x\":null}],\"a\":{},\"c\":[]}"), NULL, NULL),
	        KT_JSON_PRETTY | KT_JSON_SORT,
	        "{\n    \"a\": {},\n    \"b\": [\n        1,\n        {\n            \"x\": null\n "
	        "       }\n    ],\n"
	        "    \"c\": []\n}");
}

static void test_html(void **state)
{
	static const char text[] = "\"<a>&\xe2\x80\xa8\x7f plain text of some length & more\"";

	(void)state;
	check(kt_json_parse(kt_sv_of(text), NULL, NULL), KT_JSON_HTML,
	        "\"\\u003ca\\u003e\\u0026\\u2028\x7f plain text of some length \\u0026 more\"");
	check(kt_json_parse(kt_sv_of(text), NULL, NULL), 0,
	        "\"<a>&\\u2028\x7f plain text of some length & more\"");
}

static void test_bytes_that_are_no_text(void **state)
{
	kt_auto_str out = {0};

	(void)state;
	kt_json_write_string(&out, "a\xff\0\x01z", 5);
	assert_string_equal(out.data, "\"a\\ufffd\\u0000\\u0001z\"");
}

static void test_sort(void **state)
{
	kt_auto_json json_t *object = json_object();
	kt_auto_str out = {0};
	char key[16];

	(void)state;
	for (int i = 99; i >= 0; i--) {
		snprintf(key, sizeof(key), "k%02d", i);
		json_object_set_new(object, key, json_integer(i));
	}
	kt_json_write(&out, object, KT_JSON_SORT);
	const char *at = out.data;
	for (int i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "\"k%02d\"", i);
		at = strstr(at, key);
		assert_non_null(at);
	}
	check(kt_json_parse(KT_SV("{\"ab\":1,\"a\":2,\"B\":3}"), NULL, NULL), KT_JSON_SORT,
	        "{\"B\":3,\"a\":2,\"ab\":1}");
}

static void test_reals_read_back(void **state)
{
	uint64_t bits = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		double value, back;
		bits = bits * UINT64_C(6364136223846793005) + 1442695040888963407;
		memcpy(&value, &bits, sizeof(value));
		if (!isfinite(value))
			continue;
		kt_auto_json json_t *number = json_real(value);
		kt_auto_str out = {0};
		kt_json_write(&out, number, 0);
		kt_auto_json json_t *read =
		        kt_json_parse((struct kt_sv){out.data, out.len}, NULL, NULL);
		assert_non_null(read);
		back = json_number_value(read);
		assert_true(back == value);
	}
}

static void test_decimal_comma(void **state)
{
	(void)state;
	if (!setlocale(LC_NUMERIC, "de_DE.UTF-8")) {
		print_message("skipped: no locale with a decimal comma on this machine\n");
		skip();
	}
	check(kt_json_parse(KT_SV("[1.5,1.23456789012345678901e-5]"), NULL, NULL), 0,
	        "[1.5,0.000012345678901234568]");
	setlocale(LC_NUMERIC, "C");
}

static void test_paths(void **state)
{
	kt_auto_json json_t *root = kt_json_parse(
	        KT_SV("{\"metadata\":{\"name\":\"x\"},\"spec\":{\"c\":[{\"n\":5},{\"b\":true}]}}"),
	        NULL, NULL);

	(void)state;
	assert_string_equal(kt_jstr(root, "metadata.name"), "x");
	assert_null(kt_jstr(root, "metadata.none.deeper"));
	assert_null(kt_jstr(root, "metadata"));
	assert_null(kt_jstr(NULL, "metadata"));
	assert_int_equal(kt_jint(root, "spec.c.0.n", -1), 5);
	assert_int_equal(kt_jint(root, "spec.c.7.n", -1), -1);
	assert_int_equal(kt_jint(root, "spec.c.-1.n", -1), -1);
	assert_int_equal(kt_jint(root, "metadata.name", -1), -1);
	assert_true(kt_jbool(root, "spec.c.1.b", false));
	assert_true(kt_jbool(root, "spec.c.1.none", true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_pretty),
	        cmocka_unit_test(test_html),
	        cmocka_unit_test(test_bytes_that_are_no_text),
	        cmocka_unit_test(test_sort),
	        cmocka_unit_test(test_reals_read_back),
	        cmocka_unit_test(test_decimal_comma),
	        cmocka_unit_test(test_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
