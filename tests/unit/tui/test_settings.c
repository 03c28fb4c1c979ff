/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/support.h"

#include "tui/settings.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/yaml.h"

static void note(void *arg, const char *where, const char *text)
{
	kt_str_printf(arg, "%s: %s\n", where, text);
}

static void test_columns(void **state)
{
	static const struct {
		const char *text, *name, *path;
		bool wide, hidden, right, time;
	} cases[] = {{"NAME", "NAME", NULL, false, false, false, false},
	        {"%CPU/L|W", "%CPU/L", NULL, true, false, false, false},
	        {"NODE:.spec.nodeName|WR", "NODE", ".spec.nodeName", true, false, true, false},
	        {"LAST SEEN:.lastTimestamp|T", "LAST SEEN", ".lastTimestamp", false, false, false,
	                true},
	        {"ZONE:.metadata.labels.topology\\.kubernetes\\.io/zone|H", "ZONE",
	                ".metadata.labels.topology\\.kubernetes\\.io/zone", false, true, false,
	                false},
	        {"NO:{.a|b}|NL", "NO", "{.a|b}", false, false, false, false}};
	static const char *const bad[] = {"", ":.spec", "A$B", "A:.x|split(\":\")|.[-1]"};
	struct kt_column_wish wish;
	const char *reason;

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++) {
		assert_true(kt_column_wish_parse(cases[i].text, &wish, &reason));
		assert_string_equal(wish.name, cases[i].name);
		assert_true(kt_streq(wish.path, cases[i].path));
		assert_int_equal(wish.wide, cases[i].wide);
		assert_int_equal(wish.hidden, cases[i].hidden);
		assert_int_equal(wish.right, cases[i].right);
		assert_int_equal(wish.time, cases[i].time);
		free(wish.name);
		free(wish.path);
	}
	for (size_t i = 0; i < KT_ARRAY_SIZE(bad); i++)
		assert_false(kt_column_wish_parse(bad[i], &wish, &reason));
}

static void test_views(void **state)
{
	static const char text[] = "views:\n"
	                           "  v1/pods:\n"
	                           "    sortColumn: AGE:desc\n"
	                           "    columns: [NAME, 'X:.a|b|c', 7]\n"
	                           "  v1/nodes: none\n";
	kt_auto_json json_t *tree = kt_yaml_parse_one(kt_sv_of(text), NULL);
	struct kt_settings settings = {0};
	kt_auto_str notes = KT_STR_INIT;

	(void)state;
	kt_settings_read_views(&settings, tree, note, &notes);
	kt_settings_read_views(&settings, tree, note, &notes); /* a later file takes its place */
	assert_int_equal(settings.views.n, 1);
	assert_string_equal(settings.views.items[0].sort, "AGE");
	assert_true(settings.views.items[0].descending);
	assert_int_equal(settings.views.items[0].columns.n, 1);
	assert_non_null(
	        strstr(kt_str_text(&notes), "v1/pods: \"X:.a|b|c\" is an expression of jq"));
	assert_non_null(strstr(kt_str_text(&notes), "v1/nodes: is no map"));
	kt_settings_finish(&settings);
}

static void test_config(void **state)
{
	static const char first[] = "k9s:\n"
	                            "  readOnly: true\n"
	                            "  ui: {headless: true, skin: nord, enableMouse: false}\n"
	                            "  logger: {tail: 200, textWrap: true}\n"
	                            "  noSuchThing: 1\n";
	static const char second[] = "k9s:\n"
	                             "  readOnly: false\n"
	                             "  skin: dracula\n"
	                             "  namespace: {active: a, favorites: [all, a, b, 3]}\n";
	kt_auto_json json_t *one = kt_yaml_parse_one(kt_sv_of(first), NULL),
	                    *two = kt_yaml_parse_one(kt_sv_of(second), NULL);
	struct kt_settings settings = {0};

	(void)state;
	kt_settings_read_config(&settings, one);
	assert_true(settings.readonly && settings.headless && settings.logs_wrap);
	assert_int_equal(settings.logs_tail, 200);
	assert_string_equal(settings.skin, "nord");
	kt_settings_read_config(&settings, two);
	assert_true(!settings.readonly && settings.headless);
	assert_string_equal(settings.skin, "dracula");
	assert_int_equal(settings.favourites.n, 2);
	kt_settings_finish(&settings);
}

static void test_jumps(void **state)
{
	static const char text[] = "jumps:\n"
	                           "  v1/services: {targetGVR: v1/pods, labelSelector: a=b}\n"
	                           "  v1/nodes: {labelSelector: a=b}\n";
	kt_auto_json json_t *tree = kt_yaml_parse_one(kt_sv_of(text), NULL);
	struct kt_settings settings = {0};
	kt_auto_str notes = KT_STR_INIT;

	(void)state;
	kt_settings_read_jumps(&settings, tree, note, &notes);
	assert_int_equal(settings.jumps.n, 1);
	assert_string_equal(settings.jumps.items[0].target, "v1/pods");
	assert_string_equal(settings.jumps.items[0].namespace, "");
	assert_non_null(strstr(kt_str_text(&notes), "v1/nodes: there is no targetGVR"));
	kt_settings_finish(&settings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_columns),
	        cmocka_unit_test(test_views),
	        cmocka_unit_test(test_config),
	        cmocka_unit_test(test_jumps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
