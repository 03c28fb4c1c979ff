/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/support.h"

#include "tui/theme.h"

#include "base/mem.h"

static kt_color color(const char *name)
{
	kt_color value;

	kt_color_parse(name, &value);
	return value;
}

/* What skins of k9s contain besides good colours. */
static void test_odd_skins_load(void **state)
{
	static const char skin[] =
	        "# with anchors, a palette and things k9s passes over\n"
	        "foreground: &fg \"#f8f8f2\"\n"
	        "palette: {red: &red orangered}\n"
	        "k9s:\n"
	        "  body: {fgColor: *fg, bgColor: default, logoColor: linegreen}\n"
	        "  frame:\n"
	        "    status: {errorColor: *red, highlightcolor: aqua, newColor: '#fff'}\n"
	        "    border: {bgColor: black}\n"
	        "  views:\n"
	        "    help: {fgColor: black}\n"
	        "    xray: {showIcons: false, fgColor: -}\n"
	        "    yaml: {keyColor: , valueColor: 12}\n";
	struct kt_theme theme, stock;
	kt_auto_free char *warnings = NULL;
	kt_auto_err err = KT_ERR_INIT;

	(void)state;
	kt_theme_stock(&stock);
	assert_int_equal(kt_theme_parse("odd", KT_SV(skin), &theme, &warnings, &err), 0);
	assert_int_equal(theme.colors[KT_ROLE_BODY_FG], 0xf8f8f2);
	assert_int_equal(theme.colors[KT_ROLE_BODY_BG], KT_COLOR_DEFAULT);
	assert_int_equal(theme.colors[KT_ROLE_ROW_ERROR], color("orangered"));
	assert_int_equal(theme.colors[KT_ROLE_LOGO], stock.colors[KT_ROLE_LOGO]);
	assert_int_equal(theme.colors[KT_ROLE_ROW_NEW], stock.colors[KT_ROLE_ROW_NEW]);
	assert_int_equal(theme.colors[KT_ROLE_XRAY_FG], KT_COLOR_DEFAULT);
	assert_non_null(warnings);
	assert_non_null(strstr(warnings, "linegreen"));
	kt_theme_finish(&theme);
	kt_theme_finish(&stock);
}

static void test_what_is_no_skin(void **state)
{
	struct kt_theme theme;
	kt_auto_err err = KT_ERR_INIT;

	(void)state;
	assert_true(kt_theme_parse("none", KT_SV("a: b\n"), &theme, NULL, &err) < 0);
	kt_err_clear(&err);
	assert_true(kt_theme_parse("none", KT_SV("k9s: [\n"), &theme, NULL, &err) < 0);
	kt_err_clear(&err);
	assert_true(kt_theme_load("no-such-theme", &theme, NULL, &err) < 0);
}

/* Ours are whole: every role is named and every colour is one. */
static void test_our_themes(void **state)
{
	static const char *const names[] = {"midnight", "daylight", "ember", "forest", "ocean",
	        "rose", "sand", "contrast", "mono", "palette"};

	(void)state;
	for (size_t i = 0; i < KT_ARRAY_SIZE(names); i++) {
		kt_auto_free char *path = kt_asprintf("themes/%s.yaml", names[i]);
		kt_auto_free char *warnings = NULL;
		kt_auto_err err = KT_ERR_INIT;
		struct kt_theme theme;

		assert_int_equal(kt_theme_load(path, &theme, &warnings, &err), 0);
		assert_null(warnings);
		kt_theme_finish(&theme);
	}
}

static void test_colors_of_poor_terminals(void **state)
{
	(void)state;
	assert_int_equal(kt_color_nearest(KT_COLOR_DEFAULT, 256), -1);
	assert_int_equal(kt_color_nearest(0xff0000, 8), 1);
	assert_int_equal(kt_color_nearest(0x0000ff, 16), 12);
	assert_int_equal(kt_color_nearest(0x000000, 256), 16);
	assert_int_equal(kt_color_nearest(0xffffff, 256), 231);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_odd_skins_load),
	        cmocka_unit_test(test_what_is_no_skin), cmocka_unit_test(test_our_themes),
	        cmocka_unit_test(test_colors_of_poor_terminals)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
