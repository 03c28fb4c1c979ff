/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/err.h"
#include "support/support.h"

#include <errno.h>
#include <string.h>

static void test_fail_and_wrap(void **state)
{
	kt_auto_err err = {0};

	(void)state;
	assert_string_equal(kt_err_message(&err), "");
	assert_int_equal(kt_fail(&err, EINVAL, "bad %s", "port"), -EINVAL);
	assert_int_equal(err.code, -EINVAL);
	assert_int_equal(kt_wrap(&err, "service %s", "web"), -EINVAL);
	assert_string_equal(kt_err_message(&err), "service web: bad port");
	/* The arguments may be the message that goes away. */
	assert_int_equal(kt_fail(&err, -ENOENT, "again: %s", err.message), -ENOENT);
	assert_string_equal(err.message, "again: service web: bad port");
}

static void test_without_object(void **state)
{
	(void)state;
	assert_int_equal(kt_fail(NULL, EIO, "%d", 1), -EIO);
	assert_int_equal(kt_fail_reason(NULL, 3, EIO, "%d", 1), -EIO);
	kt_err_add_cause(NULL, NULL, NULL, "x");
	kt_err_clear(NULL);
	assert_string_equal(kt_err_message(NULL), "");
}

static void test_causes_move(void **state)
{
	kt_auto_err from = {0}, to = {0};

	(void)state;
	kt_fail(&to, EIO, "old");
	kt_fail_reason(&from, 7, EINVAL, "invalid");
	kt_err_add_cause(&from, "FieldValueInvalid", "spec.replicas", "must not be negative");
	kt_err_add_cause(&from, NULL, NULL, "and more");
	assert_int_equal(kt_err_move(&to, &from), -EINVAL);
	assert_int_equal(from.code, 0);
	assert_null(from.causes);
	assert_int_equal(to.reason, 7);
	assert_int_equal(to.n_causes, 2);
	assert_string_equal(to.causes[0].field, "spec.replicas");
	assert_null(to.causes[1].field);
	assert_string_equal(to.causes[1].message, "and more");
	assert_int_equal(kt_err_move(NULL, &to), -EINVAL);
	assert_int_equal(to.code, 0);
}

static void test_code_alone(void **state)
{
	struct kt_err err = {.code = -ENOSPC};

	(void)state;
	assert_string_equal(kt_err_message(&err), strerror(ENOSPC));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_fail_and_wrap),
	        cmocka_unit_test(test_without_object),
	        cmocka_unit_test(test_causes_move),
	        cmocka_unit_test(test_code_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
