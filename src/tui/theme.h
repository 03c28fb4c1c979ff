/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Themes: one table of colour roles, filled from a YAML file in the form of k9s skins (which load
 * unmodified), over the stock theme. Unknown keys are passed over and bad values keep the stock
 * colour; both are told as warnings. UI thread only.
 */
#ifndef KT_TUI_THEME_H
#define KT_TUI_THEME_H

#include "base/err.h"
#include "tui/color.h"

/* X(role, "path below k9s:", stock colour). The order is that of the skin's documentation. */
#define KT_THEME_ROLES(X) \
	X(BODY_FG, "body.fgColor", "cadetblue") \
	X(BODY_BG, "body.bgColor", "default") \
	X(LOGO, "body.logoColor", "orange") \
	X(LOGO_MSG, "body.logoColorMsg", "white") \
	X(LOGO_INFO, "body.logoColorInfo", "green") \
	X(LOGO_WARN, "body.logoColorWarn", "mediumvioletred") \
	X(LOGO_ERROR, "body.logoColorError", "red") \
	X(PROMPT_FG, "prompt.fgColor", "cadetblue") \
	X(PROMPT_BG, "prompt.bgColor", "default") \
	X(PROMPT_SUGGEST, "prompt.suggestColor", "dodgerblue") \
	X(PROMPT_BORDER, "prompt.border.default", "seagreen") \
	X(PROMPT_BORDER_COMMAND, "prompt.border.command", "aqua") \
	X(HELP_FG, "help.fgColor", "cadetblue") \
	X(HELP_BG, "help.bgColor", "default") \
	X(HELP_SECTION, "help.sectionColor", "green") \
	X(HELP_KEY, "help.keyColor", "dodgerblue") \
	X(HELP_NUM_KEY, "help.numKeyColor", "fuchsia") \
	X(INFO_SECTION, "info.sectionColor", "white") \
	X(INFO_FG, "info.fgColor", "orange") \
	X(INFO_CPU, "info.cpuColor", "lawngreen") \
	X(INFO_MEM, "info.memColor", "darkturquoise") \
	X(INFO_REV, "info.k9sRevColor", "aqua") \
	X(DIALOG_FG, "dialog.fgColor", "cadetblue") \
	X(DIALOG_BG, "dialog.bgColor", "default") \
	X(DIALOG_BUTTON_FG, "dialog.buttonFgColor", "black") \
	X(DIALOG_BUTTON_BG, "dialog.buttonBgColor", "darkslateblue") \
	X(DIALOG_FOCUS_FG, "dialog.buttonFocusFgColor", "black") \
	X(DIALOG_FOCUS_BG, "dialog.buttonFocusBgColor", "dodgerblue") \
	X(DIALOG_LABEL, "dialog.labelFgColor", "white") \
	X(DIALOG_FIELD, "dialog.fieldFgColor", "white") \
	X(TITLE_FG, "frame.title.fgColor", "aqua") \
	X(TITLE_BG, "frame.title.bgColor", "default") \
	X(TITLE_HIGHLIGHT, "frame.title.highlightColor", "fuchsia") \
	X(TITLE_COUNTER, "frame.title.counterColor", "papayawhip") \
	X(TITLE_FILTER, "frame.title.filterColor", "seagreen") \
	X(BORDER, "frame.border.fgColor", "dodgerblue") \
	X(BORDER_FOCUS, "frame.border.focusColor", "lightskyblue") \
	X(MENU_FG, "frame.menu.fgColor", "white") \
	X(MENU_KEY, "frame.menu.keyColor", "dodgerblue") \
	X(MENU_NUM_KEY, "frame.menu.numKeyColor", "fuchsia") \
	X(CRUMB_FG, "frame.crumbs.fgColor", "black") \
	X(CRUMB_BG, "frame.crumbs.bgColor", "aqua") \
	X(CRUMB_ACTIVE, "frame.crumbs.activeColor", "orange") \
	X(ROW_NEW, "frame.status.newColor", "lightskyblue") \
	X(ROW_MODIFIED, "frame.status.modifyColor", "greenyellow") \
	X(ROW_ADDED, "frame.status.addColor", "dodgerblue") \
	X(ROW_PENDING, "frame.status.pendingColor", "darkorange") \
	X(ROW_ERROR, "frame.status.errorColor", "orangered") \
	X(ROW_HIGHLIGHT, "frame.status.highlightColor", "aqua") \
	X(ROW_KILLED, "frame.status.killColor", "mediumpurple") \
	X(ROW_COMPLETED, "frame.status.completedColor", "lightslategray") \
	X(TABLE_FG, "views.table.fgColor", "aqua") \
	X(TABLE_BG, "views.table.bgColor", "default") \
	X(TABLE_CURSOR_FG, "views.table.cursorFgColor", "black") \
	X(TABLE_CURSOR_BG, "views.table.cursorBgColor", "aqua") \
	X(TABLE_MARK, "views.table.markColor", "palegreen") \
	X(TABLE_HEADER_FG, "views.table.header.fgColor", "white") \
	X(TABLE_HEADER_BG, "views.table.header.bgColor", "default") \
	X(TABLE_SORTER, "views.table.header.sorterColor", "aqua") \
	X(TABLE_SORTED_COLUMN, "views.table.header.selectedSortColumnColor", "lightskyblue") \
	X(XRAY_FG, "views.xray.fgColor", "aqua") \
	X(XRAY_BG, "views.xray.bgColor", "default") \
	X(XRAY_CURSOR, "views.xray.cursorColor", "dodgerblue") \
	X(XRAY_CURSOR_TEXT, "views.xray.cursorTextColor", "black") \
	X(XRAY_GRAPHIC, "views.xray.graphicColor", "cadetblue") \
	X(CHART_BG, "views.charts.bgColor", "default") \
	X(CHART_FOCUS_FG, "views.charts.focusFgColor", "white") \
	X(CHART_FOCUS_BG, "views.charts.focusBgColor", "orange") \
	X(YAML_KEY, "views.yaml.keyColor", "steelblue") \
	X(YAML_VALUE, "views.yaml.valueColor", "papayawhip") \
	X(YAML_COLON, "views.yaml.colonColor", "white") \
	X(PICKER_MAIN, "views.picker.mainColor", "white") \
	X(PICKER_FOCUS, "views.picker.focusColor", "aqua") \
	X(PICKER_SHORTCUT, "views.picker.shortcutColor", "aqua") \
	X(LOG_FG, "views.logs.fgColor", "lightskyblue") \
	X(LOG_BG, "views.logs.bgColor", "default") \
	X(LOG_INDICATOR_FG, "views.logs.indicator.fgColor", "dodgerblue") \
	X(LOG_INDICATOR_BG, "views.logs.indicator.bgColor", "default") \
	X(LOG_ON, "views.logs.indicator.toggleOnColor", "limegreen") \
	X(LOG_OFF, "views.logs.indicator.toggleOffColor", "gray")

enum kt_role {
#define X(role, path, stock) KT_ROLE_##role,
	KT_THEME_ROLES(X)
#undef X
	        KT_ROLE_COUNT
};

struct kt_theme {
	char *name;
	kt_color colors[KT_ROLE_COUNT];
};

void kt_theme_stock(struct kt_theme *ret_theme);
/* By name or path: a path with '/', $K9S_SKIN-style names in kube-tui's themes folders, then k9s'
 * skins folder. Warnings (heap, one per line, NULL: none) tell what was passed over. -ENOENT when
 * there is no such theme. */
int kt_theme_load(
        const char *name, struct kt_theme *ret_theme, char **ret_warnings, struct kt_err *err);
/* From the text of a skin. */
int kt_theme_parse(const char *name, struct kt_sv text, struct kt_theme *ret_theme,
        char **ret_warnings, struct kt_err *err);
void kt_theme_finish(struct kt_theme *theme);
/* Names of all themes found, sorted, NULL-terminated heap array of heap strings. */
char **kt_theme_names(void);

#endif
