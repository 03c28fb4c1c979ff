/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/status.h"
#include "base/json.h"
#include "support/support.h"

#include <errno.h>

static void test_what_is_no_utf8_is_repaired(void **state)
{
	kt_auto_err err = {0};

	(void)state;
	kt_fail(&err, EINVAL, "unexpected \xff\xfe after \xc3\xa4");
	kt_auto_json json_t *status = kt_status_of_err(&err, NULL);
	assert_string_equal(
	        kt_jstr(status, "message"), "unexpected \xef\xbf\xbd\xef\xbf\xbd after \xc3\xa4");
	assert_string_equal(kt_jstr(status, "reason"), "BadRequest");
}

static void test_answers_that_are_no_status(void **state)
{
	static const struct {
		int status;
		const char *body, *message;
	} cases[] = {
	        {404, "404 page not found\n", "the server could not find the requested resource"},
	        {403, " who are you? ", "who are you?"},
	        {500, "no \"disk\"",
	                "an error on the server (\"no \\\"disk\\\"\") has prevented the request "
	                "from "
	                "succeeding"},
	        {502, "{}",
	                "an error on the server (\"unknown\") has prevented the request from "
	                "succeeding"},
	        {418, "tea",
	                "the server responded with the status code 418 but did not return more "
	                "information"},
	        {409, "{\"kind\":\"Status\",\"message\":\"taken\"}", "taken"},
	};

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++) {
		kt_auto_err err = {0};

		assert_true(kt_err_of_status(&err, cases[i].status, kt_sv_of(cases[i].body)) < 0);
		assert_string_equal(kt_err_message(&err), cases[i].message);
		assert_int_equal(err.status, cases[i].status);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_what_is_no_utf8_is_repaired),
	        cmocka_unit_test(test_answers_that_are_no_status),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
