/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Thousands of changed objects that a real API server answered: what it could not decode we refuse,
 * in its words. */
#include "support/support.h"

#include "support/golden.h"

#include "api/codec/codec.h"
#include "base/path.h"

#include <dirent.h>

static int n_refused, n_taken, n_different;

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

/* Refusals of later stages that are 400 as well. */
static bool is_decoding(const char *message)
{
	if (strstr(message, "strconv.ParseInt")) /* a conversion between versions, not decoding */
		return false;
	return strstr(message, "cannot be handled as a") ||
	       strstr(message, "the object provided is unrecognized") ||
	       strstr(message, "does not match the expected API version");
}

static void check_case(const char *file, const json_t *base, const json_t *test)
{
	const char *want = kt_jstr(test, "response.body.message");
	const char *api_version = kt_jstr(base, "apiVersion"), *kind = kt_jstr(base, "kind");
	const struct kt_codec_options options = {.media = KT_MEDIA_JSON,
	        .strict = KT_STRICT_STRICT,
	        .api_version = api_version,
	        .kind = kind};
	const char *slash = strchr(api_version, '/');
	kt_auto_free char *group =
	        slash ? kt_strndup(api_version, (size_t)(slash - api_version)) : kt_strdup("");
	const struct kt_type *type = kt_type_for_body(group, slash ? slash + 1 : api_version, kind);
	kt_auto_json json_t *object = NULL, *tree = NULL;
	kt_auto_str body = KT_STR_INIT;
	kt_auto_err err = KT_ERR_INIT;
	bool refused = kt_jint(test, "response.status", 0) == 400 && is_decoding(want), same;
	int r;

	if (!kt_streq(kt_jstr(test, "on"), "create"))
		return;
	object = golden_changed(base, test);
	if (!object)
		return;
	kt_json_write(&body, object, 0);
	r = kt_codec_decode((struct kt_sv){body.data, body.len}, type, &options, &tree, NULL, &err);
	same = refused ? r < 0 : r == 0;
	if (same && refused && !kt_jbool(test, "goText", false))
		same = strcmp(kt_err_message(&err), want) == 0;
	if (refused)
		n_refused++;
	else
		n_taken++;
	if (same || n_different++ > 20)
		return;
	print_message("%s %s %s\n  got  %s\n  want %s\n", file, kt_jstr(test, "op"),
	        kt_jstr(test, "path"), kt_err_message(&err), refused ? want : "(decoded)");
}

static void what_cannot_be_decoded_is_refused(void **state)
{
	KT_TEST_NEEDS_SHARED(folder, "golden/validation");
	DIR *dir = opendir(folder);
	struct dirent *entry;

	(void)state;
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		kt_auto_json json_t *file = NULL;
		json_t *test;
		size_t i;

		if (!kt_ends_with(entry->d_name, ".json"))
			continue;
		file = read_json(folder, entry->d_name);
		json_array_foreach(json_object_get(file, "cases"), i, test)
			check_case(entry->d_name, json_object_get(file, "base"), test);
	}
	closedir(dir);
	print_message("%d refused, %d taken\n", n_refused, n_taken);
	assert_true(n_refused > 1000);
	assert_int_equal(n_different, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(what_cannot_be_decoded_is_refused)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
