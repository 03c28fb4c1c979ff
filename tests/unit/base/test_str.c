/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "support/support.h"

#include <errno.h>

static void test_growing(void **state)
{
	kt_auto_str s = {0};

	(void)state;
	assert_string_equal(kt_str_text(&s), "");
	for (int i = 0; i < 1000; i++)
		kt_str_putc(&s, 'x');
	kt_str_printf(&s, "%0500d", 7);
	assert_int_equal(s.len, 1500);
	assert_int_equal(strlen(s.data), 1500);
	kt_str_truncate(&s, 3);
	kt_str_truncate(&s, 5);
	assert_string_equal(kt_str_text(&s), "xxx");
	kt_str_add(&s, NULL, 0);
	kt_auto_free char *text = kt_str_steal(&s);
	assert_string_equal(text, "xxx");
	kt_auto_free char *nothing = kt_str_steal(&s);
	assert_string_equal(nothing, "");
}

static void test_split(void **state)
{
	struct kt_sv rest = KT_SV("a,,b"), part;

	(void)state;
	assert_true(kt_sv_split(&rest, ',', &part));
	assert_true(kt_sv_is(part, "a"));
	assert_true(kt_sv_split(&rest, ',', &part));
	assert_true(kt_sv_is(part, ""));
	assert_true(kt_sv_split(&rest, ',', &part));
	assert_true(kt_sv_is(part, "b"));
	assert_false(kt_sv_split(&rest, ',', &part));
	rest = KT_SV("a,");
	assert_true(kt_sv_split(&rest, ',', &part));
	assert_true(kt_sv_split(&rest, ',', &part));
	assert_int_equal(part.len, 0);
	assert_false(kt_sv_split(&rest, ',', &part));
}

static void test_compare_and_trim(void **state)
{
	(void)state;
	assert_true(kt_sv_cmp(KT_SV("a"), KT_SV("ab")) < 0);
	assert_true(kt_sv_cmp(KT_SV("b"), KT_SV("ab")) > 0);
	assert_int_equal(kt_sv_cmp(KT_SV("\xff"), KT_SV("\xff")), 0);
	assert_true(kt_sv_cmp(KT_SV("\xff"), KT_SV("a")) > 0);
	assert_true(kt_sv_is(kt_sv_trim(KT_SV(" \t a b\r\n")), "a b"));
	assert_int_equal(kt_sv_trim(KT_SV(" \n ")).len, 0);
	assert_true(kt_streq(NULL, NULL));
	assert_false(kt_streq(NULL, ""));
	assert_true(kt_starts_with("abc", "ab"));
	assert_true(kt_ends_with("abc", "bc"));
	assert_false(kt_ends_with("c", "bc"));
}

static void test_int64(void **state)
{
	static const struct {
		const char *text;
		int rc;
		int64_t value;
	} cases[] = {
	        {"0", 0, 0},
	        {"-0", 0, 0},
	        {"+7", 0, 7},
	        {"007", 0, 7},
	        {"9223372036854775807", 0, INT64_MAX},
	        {"-9223372036854775808", 0, INT64_MIN},
	        {"9223372036854775808", -ERANGE, 0},
	        {"-9223372036854775809", -ERANGE, 0},
	        {"99999999999999999999x", -EINVAL, 0},
	        {"", -EINVAL, 0},
	        {"-", -EINVAL, 0},
	        {" 1", -EINVAL, 0},
	        {"1.0", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++) {
		int64_t value = 42;
		assert_int_equal(kt_sv_int64(kt_sv_of(cases[i].text), &value), cases[i].rc);
		assert_true(value == (cases[i].rc ? 42 : cases[i].value));
	}
}

static void test_hash(void **state)
{
	static const char text[] = "abcdefghijklmnopqrstuvwxyz0123456789";

	(void)state;
	/* Every prefix and every changed byte gives another hash. */
	for (size_t len = 1; len < sizeof(text); len++) {
		char copy[sizeof(text)];
		uint64_t hash = kt_hash_bytes(text, len);
		assert_true(hash != kt_hash_bytes(text, len - 1));
		for (size_t i = 0; i < len; i++) {
			memcpy(copy, text, sizeof(text));
			copy[i] ^= 1;
			assert_true(hash != kt_hash_bytes(copy, len));
		}
	}
}

static void test_hash_of_keys_is_of_the_process(void **state)
{
	uint64_t hash = kt_hash_bytes("a", 1), key = kt_hash_key("a", 1);
	struct kt_map map;

	(void)state;
	kt_hash_seed(1);
	assert_true(kt_hash_bytes("a", 1) == hash);
	assert_true(kt_hash_key("a", 1) != key);
	/* keys chosen to share a slot in one process do not in another */
	kt_map_init(&map, NULL);
	kt_map_set(&map, "a", &map);
	assert_ptr_equal(kt_map_get(&map, "a"), &map);
	kt_hash_seed(2);
	assert_null(kt_map_get(&map, "a"));
	kt_map_finish(&map);
}

static void test_secret_eq(void **state)
{
	(void)state;
	assert_true(kt_secret_eq("token", 5, "token", 5));
	assert_true(kt_secret_eq("", 0, "", 0));
	assert_false(kt_secret_eq("token", 5, "tokem", 5));
	assert_false(kt_secret_eq("token", 5, "tokentoken", 10));
	assert_false(kt_secret_eq("token", 5, "tok", 3));
	assert_false(kt_secret_eq("token", 5, "", 0));
	assert_false(kt_secret_eq("", 0, "t", 1));
}

static void test_utf8(void **state)
{
	static const struct {
		const char *text;
		bool valid;
	} cases[] = {
	        {"plain ascii of more than eight bytes", true},
	        {"gr\xc3\xbc\xc3\x9f"
	         "e",
	                true},
	        {"12345678\xe2\x82\xac", true},
	        {"\xf0\x9f\x98\x80", true},
	        {"\xf4\x8f\xbf\xbf", true},
	        {"\xc0\x80", false},         /* overlong */
	        {"\xe0\x80\x80", false},     /* overlong */
	        {"\xf0\x80\x80\x80", false}, /* overlong */
	        {"\xed\xa0\x80", false},     /* surrogate */
	        {"\xf4\x90\x80\x80", false}, /* beyond Unicode */
	        {"\xc3", false},
	        {"12345678\x80", false},
	        {"\xfe", false},
	};
	char out[4];
	uint32_t cp;

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++)
		assert_int_equal(
		        kt_utf8_valid(cases[i].text, strlen(cases[i].text)), cases[i].valid);
	assert_true(kt_utf8_valid(NULL, 0));
	for (uint32_t want = 0; want <= 0x10ffff; want += want < 0x3000 ? 1 : 257) {
		if (want >= 0xd800 && want <= 0xdfff)
			continue;
		size_t n = kt_utf8_encode(want, out);
		assert_int_equal(kt_utf8_decode(out, n, &cp), n);
		assert_int_equal(cp, want);
		assert_int_equal(kt_utf8_decode(out, n - 1, &cp), -EILSEQ);
	}
	assert_int_equal(kt_utf8_encode(0xd800, out), 3); /* U+FFFD */
	assert_memory_equal(out, "\xef\xbf\xbd", 3);
}

static void test_base64(void **state)
{
	static const struct {
		const char *plain, *standard, *url;
	} cases[] = {
	        {"", "", ""},
	        {"f", "Zg==", "Zg"},
	        {"fo", "Zm8=", "Zm8"},
	        {"foo", "Zm9v", "Zm9v"},
	        {"foob", "Zm9vYg==", "Zm9vYg"},
	        {"fooba", "Zm9vYmE=", "Zm9vYmE"},
	        {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
	        {"\xfb\xff\xfe", "+//+", "-__-"},
	};
	static const char *const broken[] = {"Z", "Zg", "Zg=", "Zg===", "=",
	        "Zm9v=", "Z=g=", "Zm8=Zm8=", "Zm9$", "Zm9-", "====", "Zg==Z"};

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++) {
		kt_auto_str text = {0}, back = {0};
		kt_base64_encode(&text, cases[i].plain, strlen(cases[i].plain));
		assert_string_equal(kt_str_text(&text), cases[i].standard);
		assert_int_equal(kt_base64_decode(&back, kt_sv_of(cases[i].standard)), 0);
		assert_string_equal(kt_str_text(&back), cases[i].plain);
		kt_str_clear(&text);
		kt_str_clear(&back);
		kt_base64url_encode(&text, cases[i].plain, strlen(cases[i].plain));
		assert_string_equal(kt_str_text(&text), cases[i].url);
		assert_int_equal(kt_base64url_decode(&back, kt_sv_of(cases[i].url)), 0);
		assert_string_equal(kt_str_text(&back), cases[i].plain);
	}
	for (size_t i = 0; i < KT_ARRAY_SIZE(broken); i++) {
		kt_auto_str out = {0};
		kt_str_puts(&out, "kept");
		assert_int_equal(kt_base64_decode(&out, kt_sv_of(broken[i])), -EINVAL);
		assert_string_equal(out.data, "kept");
	}
	kt_auto_str lines = {0};
	assert_int_equal(kt_base64_decode(&lines, KT_SV("Zm9v\r\nYm\nFy\n")), 0);
	assert_string_equal(lines.data, "foobar");
	assert_int_equal(kt_base64url_decode(&lines, KT_SV("Zg==")), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_growing),
	        cmocka_unit_test(test_split),
	        cmocka_unit_test(test_compare_and_trim),
	        cmocka_unit_test(test_int64),
	        cmocka_unit_test(test_hash),
	        cmocka_unit_test(test_hash_of_keys_is_of_the_process),
	        cmocka_unit_test(test_secret_eq),
	        cmocka_unit_test(test_utf8),
	        cmocka_unit_test(test_base64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
