/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The themes there are; with an argument the word loads one, by name or path. */
#include "tui/keys.h"
#include "tui/view/list.h"

static struct kt_view *create(struct kt_ui *ui)
{
	static const char *const columns[] = {"Name", "Current", NULL};
	struct kt_view *view =
	        kt_list_view_create(ui, &(struct kt_list_view_options){.title = "Themes",
	                                        .crumb = "themes",
	                                        .columns = columns,
	                                        .enter = "skin {name}"});
	char **names = kt_theme_names();

	for (char **name = names; *name; name++) {
		kt_list_view_add(view, *name,
		        (const char *[]){*name, kt_streq(*name, ui->theme.name) ? "*" : ""},
		        KT_ROW_PLAIN);
		free(*name);
	}
	free(names);
	return view;
}

static void run(struct kt_ui *ui, const char *argument)
{
	kt_auto_err err = KT_ERR_INIT;
	kt_auto_free char *warnings = NULL;
	struct kt_theme theme;

	if (!*argument) {
		kt_ui_push(ui, create(ui));
		return;
	}
	if (kt_theme_load(argument, &theme, &warnings, &err) < 0) {
		kt_ui_flash(ui, KT_FLASH_ERROR, "%s", kt_err_message(&err));
		return;
	}
	kt_theme_finish(&ui->theme);
	ui->theme = theme;
	kt_screen_redraw();
	if (warnings)
		kt_ui_flash(ui, KT_FLASH_WARN, "%s: %s", argument, warnings);
}

const struct kt_ui_verb kt_screen_themes = {.name = "skin",
        .aliases = "theme skins themes",
        .help = "colours: choose a theme, or load one",
        .run = run};
