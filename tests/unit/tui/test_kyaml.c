/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/support.h"

#include "tui/command/kyaml.h"

static void check(const char *json, const char *wanted)
{
	kt_auto_json json_t *value = kt_json_parse(kt_sv_of(json), NULL, NULL);
	kt_auto_str text = KT_STR_INIT;

	assert_non_null(value);
	kt_kyaml_write(&text, value);
	assert_string_equal(kt_str_text(&text), wanted);
}

static void test_keys(void **state)
{
	(void)state;
	check("{\"on\": 1, \"1-a\": 2, \"1.5\": 3, \"nan\": 4, \"a.b/c\": 5, \"-x\": 6, "
	      "\"\": null}",
	        "---\n{\n  \"on\": 1,\n  1-a: 2,\n  \"1.5\": 3,\n  \"nan\": 4,\n  a.b/c: 5,\n"
	        "  \"-x\": 6,\n  \"\": null,\n}\n");
}

static void test_lists(void **state)
{
	(void)state;
	check("{\"a\": [], \"b\": {}, \"c\": [1, true], \"d\": [{\"x\": \"y\"}, {\"x\": \"z\"}]}",
	        "---\n{\n  a: [],\n  b: {},\n  c: [\n    1,\n    true,\n  ],\n  d: [{\n    x: "
	        "\"y\",\n  }, {\n    x: \"z\",\n  }],\n}\n");
}

static void test_strings(void **state)
{
	(void)state;
	check("{\"a\": \"q\\\" \\\\ \\t\\u0001\\u2028\"}",
	        "---\n{\n  a: \"q\\\" \\\\ \t\\x01\\L\",\n}\n");
	check("{\"a\": \"one\\n  two\\n\\nend\"}",
	        "---\n{\n  a: \"\\\n     one\\n\\\n    \\  two\\n\\\n     \\n\\\n     end\\\n    "
	        "\",\n}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_keys),
	        cmocka_unit_test(test_lists),
	        cmocka_unit_test(test_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
