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

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_what_is_no_utf8_is_repaired),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
