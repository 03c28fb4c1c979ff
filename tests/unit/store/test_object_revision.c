/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A stored object's resourceVersion stands where the encoder writes it: encoding it again gives the
 * same bytes. */
#include "support/support.h"

#include "api/storage/object.h"

static void expect(const char *json, const char *want)
{
	struct kt_object *object = NULL, *stored, *again;

	assert_int_equal(kt_object_create(KT_SV("/k"), kt_sv_of(json), &object, NULL), 0);
	stored = kt_object_at_revision(object, 42);
	assert_string_equal(kt_object_json(stored), want);
	assert_true(kt_sv_is(kt_object_span(stored, stored->resource_version), "42"));
	again = kt_object_at_revision(stored, 1234);
	assert_true(kt_sv_is(kt_object_span(again, again->resource_version), "1234"));
	assert_true(kt_sv_is(kt_object_span(again, again->name), "x"));
	kt_object_unref(again);
	kt_object_unref(stored);
	kt_object_unref(object);
}

static void behind_uid_in_struct_order(void **state)
{
	(void)state;
	expect("{\"kind\":\"A\",\"metadata\":{\"name\":\"x\",\"uid\":\"u\",\"generation\":1}}",
	        "{\"kind\":\"A\",\"metadata\":{\"name\":\"x\",\"uid\":\"u\",\"resourceVersion\":"
	        "\"42\","
	        "\"generation\":1}}");
}

static void before_uid_where_keys_are_sorted(void **state)
{
	(void)state;
	expect("{\"apiVersion\":\"a/v1\",\"metadata\":{\"name\":\"x\",\"uid\":\"u\"}}",
	        "{\"apiVersion\":\"a/v1\",\"metadata\":{\"name\":\"x\",\"resourceVersion\":\"42\","
	        "\"uid\":\"u\"}}");
}

static void first_without_uid(void **state)
{
	(void)state;
	expect("{\"metadata\":{\"name\":\"x\"}}",
	        "{\"metadata\":{\"resourceVersion\":\"42\",\"name\":\"x\"}}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(behind_uid_in_struct_order),
	        cmocka_unit_test(before_uid_where_keys_are_sorted),
	        cmocka_unit_test(first_without_uid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
