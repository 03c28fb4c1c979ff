/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/widget/header.h"

#include "tui/keys.h"
#include "tui/plugin.h"

enum {
	INFO_WIDTH = 44,
	LABEL_WIDTH = 10,
	MENU_COLUMN_MAX = 34,
	LOGO_WIDTH = 26,
	BAR_WIDTH = 14,
	MENU_MAX = 64
};

static const char *const LOGO[KT_HEADER_ROWS] = {
        " _         _          ",
        "| |___   _| |__   ___ ",
        "| / / | | | '_ \\ / _ \\",
        "|   <| |_| | |_) |  __/",
        "|_|\\_\\\\__,_|_.__/ \\___|",
        "             t u i     ",
        "",
};

/* Information */

static void draw_fact(const struct kt_ui *ui, int row, int column, const char *label,
        const char *value, enum kt_role role)
{
	kt_draw_text(row, column, LABEL_WIDTH, label, strlen(label),
	        kt_ui_style(ui, KT_ROLE_INFO_FG, KT_ROLE_BODY_BG), false);
	struct kt_style style = kt_ui_style(ui, role, KT_ROLE_BODY_BG);

	style.attributes |= KT_ATTR_BOLD;
	kt_draw_text(row, column + LABEL_WIDTH, INFO_WIDTH - LABEL_WIDTH - 1,
	        *value ? value : "n/a", *value ? strlen(value) : 3, style, true);
}

static void draw_bar(const struct kt_ui *ui, int row, int column, double part, enum kt_role role)
{
	static const char *const eighths[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};
	int steps = (int)(part * BAR_WIDTH * 8 + 0.5);
	struct kt_style style = kt_ui_style(ui,
	        part >= 0.9   ? KT_ROLE_ROW_ERROR
	        : part >= 0.7 ? KT_ROLE_ROW_PENDING
	                      : role,
	        KT_ROLE_BODY_BG);
	struct kt_style empty = kt_ui_style(ui, KT_ROLE_ROW_COMPLETED, KT_ROLE_BODY_BG);

	for (int i = 0; i < BAR_WIDTH; i++, steps -= 8) {
		const char *cell = kt_screen_unicode() ? eighths[KT_MAX(KT_MIN(steps, 8), 0)]
		                   : steps >= 4        ? "#"
		                                       : ".";

		if (steps <= 0 && kt_screen_unicode())
			cell = "░";
		kt_draw_text(
		        row, column + i, 1, cell, strlen(cell), steps > 0 ? style : empty, false);
	}
}

static void draw_usage(const struct kt_ui *ui, int row, int column, const char *label,
        const char *text, double used, double all, enum kt_role role)
{
	double part = all > 0 ? KT_MAX(KT_MIN(used / all, 1), 0) : 0;

	draw_fact(ui, row, column, label, "", role);
	kt_draw_fill(row, column + LABEL_WIDTH, INFO_WIDTH - LABEL_WIDTH, ' ',
	        kt_ui_style(ui, role, KT_ROLE_BODY_BG));
	if (used < 0 || all <= 0) {
		draw_fact(ui, row, column, label, all > 0 ? text : "", role);
		return;
	}
	draw_bar(ui, row, column + LABEL_WIDTH, part, role);
	kt_auto_free char *numbers = kt_asprintf(" %3.0f%% %s", part * 100, text);

	kt_draw_text(row, column + LABEL_WIDTH + BAR_WIDTH,
	        INFO_WIDTH - LABEL_WIDTH - BAR_WIDTH - 1, numbers, strlen(numbers),
	        kt_ui_style(ui, role, KT_ROLE_BODY_BG), false);
}

static void usage_texts(const struct kt_ui_facts *facts, char cpu[64], char memory[64])
{
	const double gib = 1073741824.0;

	if (facts->cpu_used >= 0) {
		snprintf(cpu, 64, "%.3g/%.4g", facts->cpu_used, facts->cpu_all);
		snprintf(memory, 64, "%.3g/%.4gGi", facts->memory_used / gib,
		        facts->memory_all / gib);
	} else {
		snprintf(cpu, 64, "%.4g cores", facts->cpu_all);
		snprintf(memory, 64, "%.4gGi", facts->memory_all / gib);
	}
}

static void draw_info(const struct kt_ui *ui, struct kt_rect area)
{
	const struct kt_ui_facts *facts = &ui->facts;
	char version[128], revision[64] = "", cpu[64], memory[64], context[160];

	snprintf(context, sizeof(context), "%s%s", facts->context,
	        ui->readonly ? " [read-only]" : "");
	snprintf(version, sizeof(version), "%s (kube-tui " KT_VERSION ")",
	        *facts->server_version ? facts->server_version : "…");
	if (facts->revision)
		snprintf(revision, sizeof(revision), "%lld, %d node%s", (long long)facts->revision,
		        facts->nodes, facts->nodes == 1 ? "" : "s");
	usage_texts(facts, cpu, memory);
	draw_fact(ui, area.row, area.column, "Context:", context, KT_ROLE_INFO_SECTION);
	draw_fact(ui, area.row + 1, area.column, "Cluster:", facts->cluster, KT_ROLE_INFO_SECTION);
	draw_fact(ui, area.row + 2, area.column, "User:", facts->user, KT_ROLE_INFO_SECTION);
	draw_fact(ui, area.row + 3, area.column, "Version:", version, KT_ROLE_INFO_REV);
	draw_fact(ui, area.row + 4, area.column, "Revision:", revision, KT_ROLE_INFO_SECTION);
	draw_usage(ui, area.row + 5, area.column, "CPU:", cpu, facts->cpu_used, facts->cpu_all,
	        KT_ROLE_INFO_CPU);
	draw_usage(ui, area.row + 6, area.column, "MEM:", memory, facts->memory_used,
	        facts->memory_all, KT_ROLE_INFO_MEM);
}

/* Menu */

struct entry {
	uint32_t key;
	char *text;
	bool number;
};

static size_t collect(const struct kt_ui *ui, struct entry entries[MENU_MAX])
{
	const struct kt_view *view = kt_ui_top(ui);
	size_t n = 0;

	if (view && view->ops->context & KT_IN_TABLE && ui->favourites.n) {
		entries[n++] = (struct entry){'0', kt_strdup("all"), true};
		for (size_t i = 0; i < ui->favourites.n && i < 9; i++)
			entries[n++] = (struct entry){
			        '1' + (uint32_t)i, kt_strdup(ui->favourites.items[i]), true};
		while (n % KT_HEADER_ROWS)
			entries[n++] = (struct entry){0};
	}
	/* first, since the last ones may find no room */
	entries[n++] = (struct entry){
	        view && view->ops->types_text ? KT_KEY_F1 : '?', kt_strdup("Help"), false};
	for (const struct kt_binding *b = kt_bindings; view && b->line && n < MENU_MAX; b++)
		if (b->flags & KT_BINDING_MENU && b->help && kt_binding_applies(ui, view, b) &&
		        kt_binding_find(ui, view, b->key) == b)
			entries[n++] = (struct entry){b->key, kt_strdup(b->help), false};
	for (size_t i = 0; view && i < ui->custom.keys.n && n < MENU_MAX; i++) {
		const struct kt_custom_key *key = &ui->custom.keys.items[i];

		if (key->is_plugin && kt_plugin_applies(ui, view, key))
			entries[n++] = (struct entry){key->key, kt_strdup(key->description), false};
	}
	return n;
}

/* Widths of a column's keys and of its texts. */
static int column_width(const struct entry *entries, size_t n, size_t first, int *ret_key_width)
{
	int keys = 0, texts = 0;
	char name[32];

	for (size_t i = first; i < n && i < first + KT_HEADER_ROWS; i++) {
		if (!entries[i].text)
			continue;
		kt_key_name(entries[i].key, name);
		keys = KT_MAX(keys, (int)strlen(name) + 3);
		texts = KT_MAX(texts, kt_text_width(entries[i].text, strlen(entries[i].text)));
	}
	*ret_key_width = keys;
	return KT_MIN(keys + texts, MENU_COLUMN_MAX) + 2;
}

static void draw_entry(const struct kt_ui *ui, const struct entry *entry, int row, int column,
        int key_width, int room)
{
	char name[32], shown[40];
	struct kt_style style = kt_ui_style(
	        ui, entry->number ? KT_ROLE_MENU_NUM_KEY : KT_ROLE_MENU_KEY, KT_ROLE_BODY_BG);

	kt_key_name(entry->key, name);
	for (char *c = name; *c && name[1]; c++)
		*c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
	snprintf(shown, sizeof(shown), "<%s>", name);
	style.attributes |= KT_ATTR_BOLD;
	kt_draw_text(row, column, room, shown, strlen(shown), style, false);
	kt_draw_text(row, column + key_width, room - key_width, entry->text, strlen(entry->text),
	        kt_ui_style(ui, KT_ROLE_MENU_FG, KT_ROLE_BODY_BG), true);
}

/* Draws, or (find_row >= 0) looks for the entry at a place. */
static uint32_t menu(const struct kt_ui *ui, struct kt_rect area, int find_row, int find_column)
{
	struct entry entries[MENU_MAX] = {0};
	size_t n = collect(ui, entries);
	int column = area.column;
	uint32_t found = KT_KEY_NONE;

	for (size_t first = 0; first < n; first += KT_HEADER_ROWS) {
		int key_width, width = column_width(entries, n, first, &key_width);
		int room = KT_MIN(width, area.column + area.columns - column);

		for (size_t i = first; i < n && i < first + KT_HEADER_ROWS && room > key_width + 3;
		        i++) {
			int row = area.row + (int)(i - first);

			if (!entries[i].text)
				continue;
			if (find_row == row && find_column >= column &&
			        find_column < column + width)
				found = entries[i].key;
			if (find_row < 0)
				draw_entry(ui, &entries[i], row, column, key_width, room);
		}
		column += width;
	}
	for (size_t i = 0; i < n; i++)
		free(entries[i].text);
	return found;
}

static struct kt_rect menu_area(struct kt_rect area)
{
	int logo = area.columns >= 120 ? LOGO_WIDTH : 0;

	return (struct kt_rect){area.row, area.column + INFO_WIDTH, KT_HEADER_ROWS,
	        area.columns - INFO_WIDTH - logo};
}

void kt_header_draw(const struct kt_ui *ui, struct kt_rect area)
{
	draw_info(ui, area);
	menu(ui, menu_area(area), -1, -1);
	if (area.columns < 120)
		return;
	for (int i = 0; i < KT_HEADER_ROWS; i++)
		kt_draw_text(area.row + i, area.column + area.columns - LOGO_WIDTH, LOGO_WIDTH,
		        LOGO[i], strlen(LOGO[i]), kt_ui_style(ui, KT_ROLE_LOGO, KT_ROLE_BODY_BG),
		        false);
}

uint32_t kt_header_key_at(const struct kt_ui *ui, struct kt_rect area, int row, int column)
{
	return menu(ui, menu_area(area), row, column);
}

void kt_header_draw_line(const struct kt_ui *ui, struct kt_rect area)
{
	const struct kt_ui_facts *facts = &ui->facts;
	kt_auto_free char *text = kt_asprintf("%s  %s  rev %lld", facts->context,
	        facts->server_version, (long long)facts->revision);

	kt_draw_cell(area.row, area.column, area.columns, text,
	        kt_ui_style(ui, KT_ROLE_INFO_FG, KT_ROLE_BODY_BG));
}
