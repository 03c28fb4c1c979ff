/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/json.h"
#include "support/support.h"

#include <errno.h>

static const char sample[] =
        " {\"metadata\" : "
        "{\"na\\u006de\":\"esc\\\"aped\",\"uid\":\"u-1\",\"n\":-5,\"big\":99999999999999999999},"
        "\"s\":\"}]{[\\\\\",\"list\":[1,\"two\",{\"x\":[[]]},null],\"yes\":true,\"no\":false,"
        "\"last\":null}";

static struct kt_json_at sample_doc(void)
{
	return kt_json_doc(sample, sizeof(sample) - 1);
}

static void check_at(struct kt_json_at at, const char *want)
{
	if (!want) {
		assert_null(at.p);
		return;
	}
	assert_non_null(at.p);
	assert_true(kt_sv_is((struct kt_sv){at.p, at.len}, want));
}

static void test_find(void **state)
{
	(void)state;
	check_at(kt_json_find(sample_doc(), "metadata", "uid", NULL), "\"u-1\"");
	check_at(kt_json_find(sample_doc(), "metadata", "name", NULL), "\"esc\\\"aped\"");
	check_at(kt_json_find(sample_doc(), "last", NULL), "null");
	check_at(kt_json_find(sample_doc(), "list", NULL), "[1,\"two\",{\"x\":[[]]},null]");
	check_at(kt_json_find(sample_doc(), "none", NULL), NULL);
	check_at(kt_json_find(sample_doc(), "s", "deeper", NULL), NULL);
	check_at(kt_json_find(sample_doc(), "metadata", "na\\u006de", NULL), NULL);
	check_at(kt_json_find(kt_json_doc("[]", 2), "a", NULL), NULL);
	check_at(kt_json_find(kt_json_doc(NULL, 0), "a", NULL), NULL);
}

static void test_scalars(void **state)
{
	struct kt_json_at metadata = kt_json_member(sample_doc(), "metadata");
	struct kt_json_at name = kt_json_member(metadata, "name");
	struct kt_sv text;
	int64_t number = 0;

	(void)state;
	assert_true(kt_json_is_string(name));
	assert_false(kt_json_string_sv(name, &text));
	kt_auto_free char *copy = kt_json_string_dup(name);
	assert_string_equal(copy, "esc\"aped");
	assert_true(kt_json_string_is(name, "esc\"aped"));
	assert_true(kt_json_string_sv(kt_json_member(metadata, "uid"), &text));
	assert_true(kt_sv_is(text, "u-1"));
	assert_false(kt_json_string_is(kt_json_member(metadata, "uid"), "u-12"));
	assert_true(kt_json_int64(kt_json_member(metadata, "n"), &number));
	assert_int_equal(number, -5);
	assert_false(kt_json_int64(kt_json_member(metadata, "big"), &number));
	assert_false(kt_json_int64(name, &number));
	assert_true(kt_json_bool(kt_json_member(sample_doc(), "yes"), false));
	assert_false(kt_json_bool(kt_json_member(sample_doc(), "no"), true));
	assert_true(kt_json_bool(kt_json_member(sample_doc(), "absent"), true));
	assert_null(kt_json_string_dup(kt_json_member(sample_doc(), "yes")));
	kt_auto_json json_t *tree = kt_json_tree(kt_json_member(sample_doc(), "list"));
	assert_int_equal(json_array_size(tree), 4);
}

static void test_iteration(void **state)
{
	struct kt_json_iter it = {0}, elements = {0};
	struct kt_json_at value;
	kt_auto_str seen = {0};
	struct kt_sv key;
	size_t n = 0;

	(void)state;
	while (kt_json_next_member(sample_doc(), &it, &key, &value))
		kt_str_printf(&seen, "%.*s ", (int)key.len, key.p);
	assert_string_equal(seen.data, "metadata s list yes no last ");
	assert_false(kt_json_next_member(sample_doc(), &it, &key, &value));
	while (kt_json_next_element(kt_json_member(sample_doc(), "list"), &elements, &value))
		n++;
	assert_int_equal(n, 4);
	check_at(value, "null");
	it = (struct kt_json_iter){0};
	assert_false(kt_json_next_element(kt_json_doc(" [ ] ", 5), &it, &value));
	it = (struct kt_json_iter){0};
	assert_false(kt_json_next_member(kt_json_doc(" { } ", 5), &it, &key, &value));
}

/*
 * Quotes, escapes and brackets at every offset against the 64-byte blocks that are skipped at once;
 * what the scanner finds is what the parser finds.
 */
static void test_block_borders(void **state)
{
	static const char *const values[] = {"\"\\\\\"", "\"\\\"]}\"", "\"]}]}]}]}]}]}]}\"",
	        "[[[[]]]]", "{\"\\\\\\\"}\":[\"{\"]}", "\"\\\\\\\\\\\\\\\"\\\\\""};

	(void)state;
	for (size_t pad = 0; pad < 140; pad++) {
		for (size_t v = 0; v < KT_ARRAY_SIZE(values); v++) {
			kt_auto_str text = {0}, expected = {0};
			kt_str_puts(&text, "{\"skip\":{\"pad\":\"");
			for (size_t i = 0; i < pad; i++)
				kt_str_putc(&text, 'x');
			kt_str_printf(&text, "\",\"v\":[%s,%s],\"w\":%s},\"end\":[%s]}", values[v],
			        values[v], values[v], values[v]);
			char *exact = kt_memdup(text.data, text.len);
			kt_str_printf(&expected, "[%s]", values[v]);
			check_at(kt_json_find(kt_json_doc(exact, text.len), "end", NULL),
			        expected.data);
			kt_auto_json json_t *tree =
			        kt_json_parse((struct kt_sv){exact, text.len}, NULL, NULL);
			assert_non_null(tree);
			free(exact);
		}
	}
}

/* Damaged documents: any answer, but no byte outside is read (the sanitizer watches). */
static void test_damage(void **state)
{
	size_t len = sizeof(sample) - 1;

	(void)state;
	for (size_t cut = 0; cut <= len; cut++) {
		char *copy = kt_memdup(sample, cut);
		struct kt_json_at at = kt_json_find(kt_json_doc(copy, cut), "last", NULL);
		assert_true(cut == len ? at.p != NULL : !at.p || at.len <= 4);
		free(copy);
	}
	for (size_t i = 0; i < len; i++) {
		char *copy = kt_memdup(sample, len);
		copy[i] = "\"\\{}[],:"[i % 8];
		struct kt_json_at at = kt_json_find(kt_json_doc(copy, len), "last", NULL);
		assert_true(!at.p || (at.p >= copy && at.p + at.len <= copy + len));
		free(copy);
	}
}

static void check_splice(
        const char *doc, const char *a, const char *b, const char *value, const char *want)
{
	const char *path[] = {a, b, NULL};
	struct kt_sv replacement = kt_sv_of(value);
	kt_auto_str out = {0};
	kt_auto_err err = {0};
	int rc = kt_json_splice(
	        &out, kt_json_doc(doc, strlen(doc)), path, value ? &replacement : NULL, &err);

	assert_int_equal(rc, want ? 0 : -EINVAL);
	assert_string_equal(kt_str_text(&out), want ? want : "");
	assert_int_equal(err.code, rc);
}

static void test_splice(void **state)
{
	static const char doc[] = "{\"a\":{\"x\":1, \"y\":[2]},\"b\":\"s\" , \"c\":{}}";

	(void)state;
	check_splice(doc, "a", "x", "{\"n\":0}",
	        "{\"a\":{\"x\":{\"n\":0}, \"y\":[2]},\"b\":\"s\" , \"c\":{}}");
	check_splice(doc, "b", NULL, "7", "{\"a\":{\"x\":1, \"y\":[2]},\"b\":7 , \"c\":{}}");
	check_splice(
	        doc, "a", "z", "7", "{\"a\":{\"x\":1, \"y\":[2],\"z\":7},\"b\":\"s\" , \"c\":{}}");
	check_splice(
	        doc, "c", "z", "7", "{\"a\":{\"x\":1, \"y\":[2]},\"b\":\"s\" , \"c\":{\"z\":7}}");
	check_splice(doc, "new", "z", "7",
	        "{\"a\":{\"x\":1, \"y\":[2]},\"b\":\"s\" , \"c\":{},\"new\":{\"z\":7}}");
	check_splice(doc, "a", "x", NULL, "{\"a\":{\"y\":[2]},\"b\":\"s\" , \"c\":{}}");
	check_splice(doc, "a", "y", NULL, "{\"a\":{\"x\":1},\"b\":\"s\" , \"c\":{}}");
	check_splice(doc, "b", NULL, NULL, "{\"a\":{\"x\":1, \"y\":[2]} , \"c\":{}}");
	check_splice(doc, "c", NULL, NULL, "{\"a\":{\"x\":1, \"y\":[2]},\"b\":\"s\"}");
	check_splice(doc, "none", "deep", NULL, doc);
	check_splice(doc, NULL, NULL, "[]", "[]");
	check_splice(doc, NULL, NULL, NULL, NULL);
	check_splice(doc, "b", "x", "1", NULL);
	check_splice("{}", "k\"q", NULL, "1", "{\"k\\\"q\":1}");
	check_splice("{\"k\\u0022q\":0}", "k\"q", NULL, "1", "{\"k\\u0022q\":1}");
	check_splice("{\"x\":1}", "x", NULL, NULL, "{}");
	check_splice("[]", "x", NULL, "1", NULL);
	check_splice("{\"x\":1", "y", NULL, "1", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_find),
	        cmocka_unit_test(test_scalars),
	        cmocka_unit_test(test_iteration),
	        cmocka_unit_test(test_block_borders),
	        cmocka_unit_test(test_damage),
	        cmocka_unit_test(test_splice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
