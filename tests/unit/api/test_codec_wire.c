/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every published sample of a kind in the tables: JSON and protobuf must be the same object, byte
 * for byte, both ways. */
#include "support/support.h"

#include "api/codec/codec.h"
#include "base/path.h"

#include <dirent.h>

static int n_samples;

static void read_all(const char *folder, const char *name, const char *suffix, struct kt_str *out)
{
	kt_auto_free char *path = kt_asprintf("%s/%s%s", folder, name, suffix);

	assert_int_equal(kt_read_file(path, 16 << 20, out, NULL), 0);
}

static const struct kt_type *type_of(const json_t *sample)
{
	const char *api_version = kt_jstr(sample, "apiVersion");
	const char *slash = api_version ? strchr(api_version, '/') : NULL;
	kt_auto_free char *group =
	        slash ? kt_strndup(api_version, (size_t)(slash - api_version)) : kt_strdup("");

	if (!api_version)
		return NULL;
	return kt_type_for_body(group, slash ? slash + 1 : api_version, kt_jstr(sample, "kind"));
}

static void expect_bytes(
        const char *name, const char *what, const struct kt_str *got, const struct kt_str *want)
{
	size_t at = 0;

	if (got->len == want->len && memcmp(got->data, want->data, got->len) == 0)
		return;
	while (at < got->len && at < want->len && got->data[at] == want->data[at])
		at++;
	size_t from = at > 60 ? at - 60 : 0;
	fail_msg("%s: %s differs at byte %zu\n got  …%.*s\n want …%.*s", name, what, at,
	        (int)KT_MIN(got->len - from, (size_t)160), got->data + from,
	        (int)KT_MIN(want->len - from, (size_t)160), want->data + from);
}

static void check_sample(const char *folder, const char *name)
{
	kt_auto_str json = KT_STR_INIT, pb = KT_STR_INIT, want = KT_STR_INIT, got = KT_STR_INIT,
	            bytes = KT_STR_INIT;
	kt_auto_json json_t *sample = NULL, *from_json = NULL, *from_pb = NULL;
	kt_auto_err err = KT_ERR_INIT;
	struct kt_codec_options options = {.media = KT_MEDIA_JSON, .strict = KT_STRICT_STRICT};
	const struct kt_type *type;

	read_all(folder, name, ".json", &json);
	sample = kt_json_parse((struct kt_sv){json.data, json.len}, NULL, NULL);
	assert_non_null(sample);
	type = type_of(sample);
	if (!type || !kt_codec_has_protobuf(type))
		return;
	n_samples++;
	read_all(folder, name, ".pb", &pb);
	kt_json_write(&want, sample, KT_JSON_HTML);
	if (kt_codec_decode((struct kt_sv){json.data, json.len}, type, &options, &from_json, NULL,
	            &err) < 0)
		fail_msg("%s: %s", name, kt_err_message(&err));
	kt_codec_encode_json(&got, type, from_json);
	expect_bytes(name, "JSON of JSON", &got, &want);
	assert_int_equal(kt_codec_encode_protobuf(&bytes, type, from_json, &err), 0);
	expect_bytes(name, "protobuf of JSON", &bytes, &pb);
	options.media = KT_MEDIA_PROTOBUF;
	if (kt_codec_decode((struct kt_sv){pb.data, pb.len}, type, &options, &from_pb, NULL, &err) <
	        0)
		fail_msg("%s: %s", name, kt_err_message(&err));
	kt_str_clear(&got);
	kt_codec_encode_json(&got, type, from_pb);
	expect_bytes(name, "JSON of protobuf", &got, &want);
}

static void published_samples_round_trip(void **state)
{
	KT_TEST_NEEDS_SHARED(folder, "reference/wire");
	DIR *dir = opendir(folder);
	struct dirent *entry;

	(void)state;
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		char *dot = strrchr(entry->d_name, '.');

		if (!dot || strcmp(dot, ".json") != 0)
			continue;
		*dot = '\0';
		check_sample(folder, entry->d_name);
	}
	closedir(dir);
	print_message("%d samples\n", n_samples);
	assert_true(n_samples >= 80);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(published_samples_round_trip)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
