/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answers of a real API server: decoding and encoding them again must change nothing, neither add a
 * zero value nor drop one. */
#include "support/support.h"

#include "api/codec/codec.h"
#include "base/path.h"

#include <dirent.h>

static int n_objects, n_wrong;

static json_t *read_json(const char *folder, const char *name)
{
	kt_auto_free char *path = kt_path_join(folder, name);
	kt_auto_str text = KT_STR_INIT;
	json_t *value;

	assert_int_equal(kt_read_file(path, 64 << 20, &text, NULL), 0);
	value = kt_json_parse((struct kt_sv){text.data, text.len}, NULL, NULL);
	assert_non_null(value);
	return value;
}

/* Places where the records leave out a part of the answer that cannot be made up. */
static bool has_gaps(const json_t *value)
{
	const char *key;
	json_t *member;
	size_t i;

	if (json_is_string(value))
		return strcmp(json_string_value(value), "<ignored>") == 0 ||
		       strcmp(json_string_value(value), "<port>") == 0;
	json_object_foreach((json_t *)(uintptr_t)value, key, member)
		if (has_gaps(member))
			return true;
	json_array_foreach(value, i, member)
		if (has_gaps(member))
			return true;
	return false;
}

static bool is_micro(const char *key)
{
	return strcmp(key, "eventTime") == 0 || strcmp(key, "renewTime") == 0 ||
	       strcmp(key, "acquireTime") == 0 || strcmp(key, "lastObservedTime") == 0;
}

/* The records have "<time>" where a time stood; any time will do. */
static json_t *with_times(json_t *value)
{
	const char *key;
	json_t *member, *copy;
	size_t i;

	if (json_is_string(value) && strcmp(json_string_value(value), "<time>") == 0)
		return json_string("2026-01-02T03:04:05Z");
	if (json_is_object(value)) {
		copy = json_object();
		json_object_foreach(value, key, member)
			json_object_set_new(copy, key,
			        is_micro(key) && json_is_string(member)
			                ? json_string("2026-01-02T03:04:05.000006Z")
			                : with_times(member));
		return copy;
	}
	if (json_is_array(value)) {
		copy = json_array();
		json_array_foreach(value, i, member)
			json_array_append_new(copy, with_times(member));
		return copy;
	}
	return json_incref(value);
}

static const struct kt_type *type_of(const json_t *object)
{
	const char *api_version = kt_jstr(object, "apiVersion"), *kind = kt_jstr(object, "kind");
	const char *slash = api_version ? strchr(api_version, '/') : NULL;
	kt_auto_free char *group =
	        slash ? kt_strndup(api_version, (size_t)(slash - api_version)) : kt_strdup("");

	return api_version && kind ? kt_type_for_body(group, slash ? slash + 1 : api_version, kind)
	                           : NULL;
}

static void check_object(const char *where, json_t *recorded)
{
	kt_auto_json json_t *object = with_times(recorded), *again = NULL, *tree = NULL;
	const struct kt_type *type = type_of(object);
	kt_auto_str want = KT_STR_INIT, got = KT_STR_INIT;
	kt_auto_err err = KT_ERR_INIT;

	if (!type || has_gaps(object) || strcmp(type->go_name, "PartialObjectMetadataList") == 0)
		return;
	n_objects++;
	if (kt_codec_normalize(object, type, KT_STRICT_STRICT, &tree, NULL, &err) < 0) {
		print_message("%s: %s\n", where, kt_err_message(&err));
		n_wrong++;
		return;
	}
	again = kt_codec_canonical(type, tree);
	if (json_equal(again, object))
		return;
	n_wrong++;
	kt_json_write(&want, object, KT_JSON_SORT);
	kt_json_write(&got, again, KT_JSON_SORT);
	size_t at = 0;
	while (got.data[at] == want.data[at])
		at++;
	size_t from = at > 100 ? at - 100 : 0;
	print_message(
	        "%s:\n  got  …%.200s\n  want …%.200s\n", where, got.data + from, want.data + from);
}

static void check_folder(const char *folder, bool scenarios)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		kt_auto_json json_t *file = NULL;
		json_t *step;
		size_t i;

		if (!kt_ends_with(entry->d_name, ".json"))
			continue;
		file = read_json(folder, entry->d_name);
		if (!scenarios) {
			check_object(entry->d_name, kt_jget(file, "response.body"));
			continue;
		}
		json_array_foreach(json_object_get(file, "steps"), i, step) {
			kt_auto_free char *where =
			        kt_asprintf("%s %s", entry->d_name, kt_jstr(step, "id"));

			check_object(where, kt_jget(step, "response.body"));
		}
	}
	closedir(dir);
}

static void validation_answers_stay(void **state)
{
	KT_TEST_NEEDS_SHARED(folder, "golden/validation");

	(void)state;
	n_objects = n_wrong = 0;
	check_folder(folder, false);
	print_message("%d objects\n", n_objects);
	assert_true(n_objects >= 60);
	assert_int_equal(n_wrong, 0);
}

static void scenario_answers_stay(void **state)
{
	KT_TEST_NEEDS_SHARED(folder, "golden/scenarios");
	static const char *const parts[] = {
	        "crud", "apply", "patch", "subresources", "list", "custom", "admission", "auth"};

	(void)state;
	n_objects = n_wrong = 0;
	for (size_t i = 0; i < KT_ARRAY_SIZE(parts); i++) {
		kt_auto_free char *path = kt_path_join(folder, parts[i]);

		check_folder(path, true);
	}
	print_message("%d objects\n", n_objects);
	assert_int_equal(n_wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(validation_answers_stay),
	        cmocka_unit_test(scenario_answers_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
