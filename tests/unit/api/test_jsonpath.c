/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/expr/jsonpath.h"
#include "support/support.h"

static const char document[] =
        "{\"kind\":\"List\",\"items\":[{\"kind\":\"None\",\"metadata\":{\"name\":\"127.0.0.1\","
        "\"labels\":{\"a.b/c\":\"d\"}},"
        "\"status\":{\"capacity\":{\"cpu\":\"4\"},\"addresses\":[{\"type\":\"LegacyHostIP\","
        "\"address\":\"127.0.0.1\"}],\"n\":1}},"
        "{\"kind\":\"None\",\"metadata\":{\"name\":\"127.0.0.2\"},\"status\":{\"capacity\":{"
        "\"cpu\":\"8\"},"
        "\"addresses\":[{\"type\":\"LegacyHostIP\",\"address\":\"127.0.0.2\"},{\"type\":"
        "\"another\",\"address\":\"127.0.0.3\"}],\"n\":2.5}}],"
        "\"users\":[{\"name\":\"myself\",\"user\":{}},{\"name\":\"e2e\",\"user\":{\"username\":"
        "\"admin\",\"password\":\"secret\"}}],"
        "\"t\":true,\"o\":{\"y\":1,\"x\":\"<\"},\"list\":[1,2,3,4,5]}";

static void test_print(void **state)
{
	static const char *const cases[][2] = {
	        {"kind is {.kind}", "kind is List"},
	        {"{.kind}", "List"},
	        {"{['kind']}", "List"},
	        {"{$.kind}", "List"},
	        {"{.items[*].metadata.name}", "127.0.0.1 127.0.0.2"},
	        {"{range .items[*]}[{.metadata.name}, {.status.capacity}] {end}",
	                "[127.0.0.1, {\"cpu\":\"4\"}] [127.0.0.2, {\"cpu\":\"8\"}] "},
	        {"{range .items[*]}{.metadata.name}{\"\\t\"}{range "
	         ".status.addresses[*]}{.address}{'|'}{end}{\"\\n\"}{end}end",
	                "127.0.0.1\t127.0.0.1|\n127.0.0.2\t127.0.0.2|127.0.0.3|\nend"},
	        {"{.users[?(@.name==\"e2e\")].user.password}", "secret"},
	        {"{.users[?(@.user.username)].name}", "e2e"},
	        {"{.items[?(@.status.n>1)].metadata.name}", "127.0.0.2"},
	        {"{.items[?(@.status.n>=1 && @.metadata.name!=\"127.0.0.2\")].metadata.name}",
	                "127.0.0.1"},
	        {"{.items[?(@.status.n==9 || @.status.n==1)].metadata.name}", "127.0.0.1"},
	        {"{.items[*]['metadata.name', 'kind']}", "None None"},
	        {"{..name}", "127.0.0.1 127.0.0.2 myself e2e"},
	        {"{.items[0].metadata.labels.a\\.b/c}", "d"},
	        {"{.items[0].metadata.labels['a.b/c']}", "d"},
	        {"{.list[1:3]}", "2 3"},
	        {"{.list[-1]}", "5"},
	        {"{.list[-2:]}", "4 5"},
	        {"{.list[0:5:2]}", "1 3 5"},
	        {"{.list[0,2]}", "1 3"},
	        {"{.list[:2]}", "1 2"},
	        {"{.list[*]}", "1 2 3 4 5"},
	        {"{.list}", "[1,2,3,4,5]"},
	        {"{.list[2:2]}", ""},
	        {"{.o}", "{\"x\":\"\\u003c\",\"y\":1}"},
	        {"{.t} {.items[1].status.n}", "true 2.5"},
	        {"{.o.*}", "1 <"},
	        {"plain", "plain"},
	        {"", ""},
	        {"{\"a\\\"b\"}", "a\"b"},
	};
	json_t *data = kt_json_parse(KT_SV(document), NULL, NULL);

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++) {
		struct kt_jsonpath *path = NULL;
		kt_auto_err err = KT_ERR_INIT;
		kt_auto_str out = KT_STR_INIT;

		if (kt_jsonpath_parse(cases[i][0], false, &path, &err) < 0 ||
		        kt_jsonpath_print(path, data, i == 12, &out, &err) < 0)
			fail_msg("%s: %s", cases[i][0], kt_err_message(&err));
		assert_string_equal(kt_str_text(&out), cases[i][1]);
		kt_jsonpath_destroy(path);
	}
	json_decref(data);
}

static void test_errors(void **state)
{
	static const char *const cases[][2] = {
	        {"{.kind", "unclosed action"},
	        {"{.missing}", "missing is not found"},
	        {"{.list[9]}", "array index out of bounds: index 9, length 5"},
	        {"{.list[x]}", "invalid array index x"},
	        {"{.list[1", "unterminated array"},
	        {"{.list[?(@.x}", "unterminated filter"},
	        {"{\"abc}", "unterminated quoted string"},
	        {"{foo}", "unrecognized identifier foo"},
	        {"{#}", "unrecognized character in action: U+0023 '#'"},
	        {"{end}", "not in range, nothing to end"},
	        {"{.kind[0]}", "string is not array or slice"},
	        {"{.list[?(@==\"a\")]}", "incompatible types for comparison"},
	};
	json_t *data = kt_json_parse(KT_SV(document), NULL, NULL);

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++) {
		struct kt_jsonpath *path = NULL;
		kt_auto_err err = KT_ERR_INIT;
		kt_auto_str out = KT_STR_INIT;
		int code = kt_jsonpath_parse(cases[i][0], false, &path, &err);

		if (code == 0)
			code = kt_jsonpath_print(path, data, false, &out, &err);
		if (code == 0)
			fail_msg("%s: no error", cases[i][0]);
		assert_string_equal(kt_err_message(&err), cases[i][1]);
		kt_jsonpath_destroy(path);
	}
	json_decref(data);
}

static void test_relaxed(void **state)
{
	static const char *const same[] = {".o.y", "o.y", "{.o.y}", "{o.y}"};
	json_t *data = kt_json_parse(KT_SV(document), NULL, NULL);
	struct kt_jsonpath *path = NULL;
	kt_auto_err err = KT_ERR_INIT;

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(same); i++) {
		kt_auto_str out = KT_STR_INIT;

		assert_int_equal(kt_jsonpath_parse(same[i], true, &path, NULL), 0);
		assert_int_equal(kt_jsonpath_print(path, data, false, &out, NULL), 0);
		assert_string_equal(kt_str_text(&out), "1");
		kt_jsonpath_destroy(path);
	}
	assert_true(kt_jsonpath_parse("{a}{b}", true, &path, &err) < 0);
	assert_string_equal(kt_err_message(&err),
	        "unexpected path string, expected a 'name1.name2' or '.name1.name2' or "
	        "'{name1.name2}' "
	        "or '{.name1.name2}'");
	json_decref(data);
}

static void test_find(void **state)
{
	json_t *data = kt_json_parse(KT_SV(document), NULL, NULL);
	struct kt_jsonpath *path = NULL;
	kt_auto_json json_t *found = NULL;

	(void)state;
	assert_int_equal(kt_jsonpath_parse(".items[*].status.n", true, &path, NULL), 0);
	found = kt_jsonpath_find(path, data, false, NULL);
	assert_int_equal(json_array_size(found), 2);
	assert_int_equal(json_integer_value(json_array_get(found, 0)), 1);
	kt_jsonpath_destroy(path);
	json_decref(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_print),
	        cmocka_unit_test(test_errors),
	        cmocka_unit_test(test_relaxed),
	        cmocka_unit_test(test_find),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
