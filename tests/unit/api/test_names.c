/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/machinery/names.h"
#include "support/support.h"

static void test_good_and_bad(void **state)
{
	static const struct {
		const char *format, *value;
		size_t n; /* messages */
	} cases[] = {
	        {"dns1123-label", "a-1", 0},
	        {"dns1123-label", "", 1},
	        {"dns1123-label", "a.b", 1},
	        {"dns1123-label", "A", 1},
	        {"dns1123-subdomain", "a.b-c.9", 0},
	        {"dns1123-subdomain", "a..b", 1},
	        {"dns1123-subdomain", "a.", 1},
	        {"dns1035-label", "a1", 0},
	        {"dns1035-label", "1a", 1},
	        {"wildcard-dns", "*.a.b", 0},
	        {"wildcard-dns", "*", 1},
	        {"wildcard-dns", "a.b", 1},
	        {"fqdn", "a.b", 0},
	        {"fqdn", "a.b.", 0},
	        {"fqdn", "a", 1},
	        {"fully-qualified-name", "a.b.c", 0},
	        {"fully-qualified-name", "a.b", 1},
	        {"qualified-name", "a_B.c", 0},
	        {"qualified-name", "x.y/A", 0},
	        {"qualified-name", "", 2},
	        {"qualified-name", "/a", 1},
	        {"qualified-name", "a/b/c", 1},
	        {"qualified-name", "X/", 3},
	        {"label-value", "", 0},
	        {"label-value", "a b", 1},
	        {"path-segment", "A:b", 0},
	        {"path-segment", "a/%", 2},
	        {"path-segment", "..", 1},
	        {"config-map-key", "a.B_-", 0},
	        {"config-map-key", "..a", 1},
	        {"config-map-key", "", 1},
	        {"env-var-name", "A b.c", 0},
	        {"env-var-name", "A=B", 1},
	        {"c-identifier", "_a1", 0},
	        {"c-identifier", "1a", 1},
	        {"port-name", "http-2", 0},
	        {"port-name", "", 2},
	        {"port-name", "8080", 1},
	        {"port-name", "-a--b", 2},
	        {"percent", "10%", 0},
	        {"percent", "%", 1},
	        {"percent", "1.5%", 1},
	        {"ip", "010.0.0.1", 0},
	        {"ip", "10.0.0", 1},
	        {"ip", "::ffff:1.2.3.4", 0},
	        {"ip", "10.0.0.256", 1},
	        {"ip-strict", "010.0.0.1", 1},
	        {"ip-strict", "::ffff:1.2.3.4", 1},
	        {"cidr", "10.0.0.1/8", 0},
	        {"cidr", "10.0.0.0/33", 1},
	        {"cidr-strict", "10.0.0.1/8", 1},
	        {"cidr-strict", "2001:db8::/64", 0},
	        {"cidr-strict", "2001:db8::1/64", 1},
	};

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++) {
		struct kt_messages messages = {0};

		if (kt_format_check(cases[i].format, kt_sv_of(cases[i].value), &messages) !=
		        cases[i].n)
			fail_msg("%s of \"%s\": %zu messages", cases[i].format, cases[i].value,
			        messages.n);
	}
}

static void test_long(void **state)
{
	char name[300];
	struct kt_messages messages = {0};

	(void)state;
	memset(name, 'a', sizeof(name));
	assert_int_equal(
	        kt_format_check("dns1123-subdomain", (struct kt_sv){name, 254}, &messages), 1);
	assert_string_equal(messages.items[0], "must be no more than 253 characters");
	assert_int_equal(kt_format_check("label-value", (struct kt_sv){name, 64}, &messages), 1);
	assert_string_equal(messages.items[0], "must be no more than 63 bytes");
	assert_int_equal(kt_format_check("qualified-name", (struct kt_sv){name, 63}, &messages), 0);
}

static void test_errors(void **state)
{
	static const char *const supported[] = {"TCP", "UDP", NULL};
	kt_auto_arena arena = {0};
	struct kt_field_errors errors = {.arena = &arena};
	kt_auto_json json_t *bad = json_string("a\n\"b");
	kt_auto_json json_t *number = json_real(0.5);
	kt_auto_err err = KT_ERR_INIT;

	(void)state;
	kt_arena_init(&arena);
	assert_int_equal(kt_field_errors_fail(&errors, "apps", "Deployment", "x", &err), 0);
	kt_field_not_supported(&errors, "a.b", bad, supported);
	kt_field_invalid(&errors, "c", number, "too %s", "odd");
	kt_field_required(&errors, "d", "");
	kt_field_required(&errors, "d", "");
	kt_field_invalid(&errors, kt_path_key(&arena, "e", "k"), json_null(), "no");
	assert_true(kt_field_errors_fail(&errors, "apps", "Deployment", "x", &err) < 0);
	assert_string_equal(kt_err_message(&err),
	        "Deployment.apps \"x\" is invalid: [a.b: Unsupported value: \"a\\n\\\"b\": "
	        "supported values: \"TCP\", \"UDP\", "
	        "c: Invalid value: 0.5: too odd, d: Required value, e[k]: Invalid value: null: "
	        "no]");
	assert_int_equal(err.n_causes, 5);
	assert_string_equal(err.causes[1].reason, "FieldValueInvalid");
	assert_string_equal(err.causes[1].field, "c");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_good_and_bad),
	        cmocka_unit_test(test_long),
	        cmocka_unit_test(test_errors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
