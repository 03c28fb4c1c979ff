/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What /metrics says can be read by those who are strict about the text format. */
#include "api/pipeline.h"

#include "base/map.h"
#include "base/mem.h"

static json_t *family_of(json_t *types, const char *name, size_t len)
{
	static const char *const endings[] = {"_bucket", "_sum", "_count"};
	kt_auto_free char *family = kt_strndup(name, len);

	for (size_t i = 0; i < KT_ARRAY_SIZE(endings); i++) {
		kt_auto_free char *base = kt_strdup(family);
		size_t base_len = strlen(base), end_len = strlen(endings[i]);
		if (base_len <= end_len || strcmp(base + base_len - end_len, endings[i]) != 0)
			continue;
		base[base_len - end_len] = '\0';
		json_t *type = json_object_get(types, base);
		if (type && !strcmp(json_string_value(type), "histogram"))
			return type;
	}
	return json_object_get(types, family);
}

/* Each name once: HELP, TYPE, and all of its samples behind them. */
static void test_text_format(void **state)
{
	struct kt_pipeline *f = *state;
	struct kt_waited w = {0};
	kt_auto_json json_t *types = json_object(), *current = NULL, *samples = json_object();

	kt_pipeline_request(f, f->admin, &w, "GET", "/metrics", NULL, NULL);
	assert_int_equal(w.call.status, 200);
	kt_auto_free char *text = kt_sv_dup(kt_call_body(&w.call));
	char *save = NULL;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char name[128], type[16];
		if (!strncmp(line, "# HELP ", 7))
			continue;
		if (sscanf(line, "# TYPE %127s %15s", name, type) == 2) {
			assert_null(json_object_get(types, name));
			json_decref(current);
			current = json_string(type);
			json_object_set(types, name, current);
			continue;
		}
		size_t len = strcspn(line, "{ ");
		json_t *family = family_of(types, line, len);
		if (family != current)
			fail_msg("not below its TYPE: %s", line);
		char *value = strrchr(line, ' ');
		assert_non_null(value);
		*value = '\0';
		if (json_object_get(samples, line))
			fail_msg("twice: %s", line);
		json_object_set_new(samples, line, json_true());
	}
	assert_non_null(json_object_get(samples,
	        "apiserver_flowcontrol_nominal_limit_seats{priority_level=\"catch-all\"}"));
	kt_call_finish(&w.call);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(
	                test_text_format, kt_pipeline_setup, kt_pipeline_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
