/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/support.h"

#include "api/storage/object.h"
#include "base/mem.h"

#include <errno.h>

static struct kt_object *object_of(const char *json)
{
	struct kt_object *object = NULL;

	assert_int_equal(kt_object_create(KT_SV("/k"), kt_sv_of(json), &object, NULL), 0);
	return object;
}

static void assert_sv(struct kt_sv actual, const char *expected)
{
	kt_auto_free char *text = kt_sv_dup(actual);

	assert_string_equal(text, expected);
}

static const char full[] = "{\"kind\":\"Pod\",\"metadata\":{\"name\":\"n\",\"namespace\":\"ns\","
                           "\"uid\":\"u-1\",\"resourceVersion\":\"42\","
                           "\"labels\":{\"app\":\"web\",\"app.x\":\"y\"},\"annotations\":{\"a\":"
                           "\"b\"},\"ownerReferences\":[{\"uid\":\"o\"}],"
                           "\"finalizers\":[\"f\"],\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"},"
                           "\"spec\":{\"name\":\"not me\"}}";

static void check_full(const struct kt_object *object, const char *revision)
{
	struct kt_sv value;

	assert_sv(kt_object_name(object), "n");
	assert_sv(kt_object_namespace(object), "ns");
	assert_sv(kt_object_uid(object), "u-1");
	assert_sv(kt_object_span(object, object->resource_version), revision);
	assert_sv(kt_object_span(object, object->annotations), "{\"a\":\"b\"}");
	assert_sv(kt_object_span(object, object->owner_references), "[{\"uid\":\"o\"}]");
	assert_sv(kt_object_span(object, object->finalizers), "[\"f\"]");
	assert_sv(kt_object_span(object, object->deletion_timestamp), "2026-01-01T00:00:00Z");
	assert_sv(kt_object_span(object, object->spec), "{\"name\":\"not me\"}");
	assert_int_equal(object->status.len, 0);
	kt_auto_json json_t *metadata =
	        kt_json_parse(kt_object_span(object, object->metadata), NULL, NULL);
	assert_string_equal(json_string_value(json_object_get(metadata, "name")), "n");
	assert_true(kt_object_label(object, KT_SV("app"), &value));
	assert_sv(value, "web");
	assert_false(kt_object_label(object, KT_SV("ap"), &value));
	assert_int_equal(object->json_len, strlen(kt_object_json(object)));
}

static void test_header_is_read(void **state)
{
	kt_auto_object struct kt_object *object = object_of(full);

	(void)state;
	check_full(object, "42");
	assert_int_equal(object->revision, 42);
	assert_string_equal(kt_object_key(object), "/k");
	assert_string_equal(kt_object_json(object), full);
}

static void test_revision_is_replaced(void **state)
{
	kt_auto_object struct kt_object *object = object_of(full);
	kt_auto_object struct kt_object *longer = kt_object_at_revision(object, 123456789);
	kt_auto_object struct kt_object *shorter = kt_object_at_revision(longer, 7);

	(void)state;
	check_full(longer, "123456789");
	check_full(shorter, "7");
	assert_int_equal(shorter->revision, 7);
	kt_auto_json json_t *tree = kt_object_tree(shorter);
	assert_string_equal(kt_jstr(tree, "metadata.resourceVersion"), "7");
	assert_string_equal(kt_jstr(tree, "spec.name"), "not me");
}

static void check_added(const char *json, const char *expected)
{
	kt_auto_object struct kt_object *object = object_of(json);
	kt_auto_object struct kt_object *stored = kt_object_at_revision(object, 12);

	assert_string_equal(kt_object_json(stored), expected);
	assert_sv(kt_object_span(stored, stored->resource_version), "12");
	/* and once more, now that it is there */
	kt_auto_object struct kt_object *again = kt_object_at_revision(stored, 3);
	assert_sv(kt_object_span(again, again->resource_version), "3");
	assert_sv(kt_object_name(again), object->name.len ? "n" : "");
}

static void test_revision_is_added(void **state)
{
	(void)state;
	check_added("{\"metadata\":{\"name\":\"n\"}}",
	        "{\"metadata\":{\"resourceVersion\":\"12\",\"name\":\"n\"}}");
	check_added("{\"metadata\":{}}", "{\"metadata\":{\"resourceVersion\":\"12\"}}");
	check_added("{\"metadata\": { }}", "{\"metadata\": {\"resourceVersion\":\"12\" }}");
	check_added("{\"metadata\":{\"resourceVersion\":\"\",\"name\":\"n\"}}",
	        "{\"metadata\":{\"resourceVersion\":\"12\",\"name\":\"n\"}}");
}

static void test_no_metadata_is_an_error(void **state)
{
	struct kt_object *object = NULL;
	kt_auto_err err = KT_ERR_INIT;

	(void)state;
	assert_int_equal(kt_object_create(KT_SV("/k"), KT_SV("{\"a\":1}"), &object, &err), -EINVAL);
	assert_string_equal(kt_err_message(&err), "object has no metadata");
	assert_int_equal(
	        kt_object_create(KT_SV("/k"), KT_SV("{\"metadata\":3}"), &object, NULL), -EINVAL);
	assert_int_equal(kt_object_create(KT_SV("/k"), KT_SV(""), &object, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_header_is_read),
	        cmocka_unit_test(test_revision_is_replaced),
	        cmocka_unit_test(test_revision_is_added),
	        cmocka_unit_test(test_no_metadata_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
