/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/view/help.h"

#include "tui/command/help.h"
#include "tui/keys.h"
#include "tui/plugin.h"
#include "tui/view/output.h"
#include "tui/widget/move.h"

enum { COLUMN_WIDTH = 40, KEY_WIDTH = 15 };

struct entry {
	const char *section;
	char key[32];
	const char *text;
};

struct help_view {
	struct kt_view view;
	char *of;
	KT_VEC(struct entry) entries;
	size_t top;
	struct kt_rect area;
	size_t height; /* rows of the longest column */
};

static struct help_view *of_view(const struct kt_view *view)
{
	return kt_container_of((struct kt_view *)(uintptr_t)view, struct help_view, view);
}

static void title(struct kt_view *view, struct kt_str *out)
{
	kt_str_printf(out, "Help(%s)", of_view(view)->of);
}

static void add(struct help_view *v, const char *section, const char *key, const char *text)
{
	struct entry entry = {.section = section, .text = text};

	snprintf(entry.key, sizeof(entry.key), "%s", key);
	kt_vec_push(&v->entries, entry);
}

static void collect_own(struct help_view *v, const struct kt_view *below)
{
	char name[32];

	for (size_t i = 0; i < v->view.ui->custom.keys.n; i++) {
		const struct kt_custom_key *key = &v->view.ui->custom.keys.items[i];

		if (!kt_plugin_applies(v->view.ui, below, key) ||
		        (!key->override && kt_binding_find(v->view.ui, below, key->key)))
			continue;
		kt_key_name(key->key, name);
		add(v, key->is_plugin ? "Plugins" : "Hotkeys", name, key->description);
	}
}

/* Keys of the widgets, which are several or no command lines. */
enum {
	IN_TABLE = KT_IN_TABLE | KT_IN_XRAY,
	IN_TEXT = KT_IN_TEXT | KT_IN_LOG | KT_IN_YAML | KT_IN_DIFF,
	IN_EITHER = IN_TABLE | IN_TEXT
};

static const struct {
	unsigned contexts;
	const char *key, *text;
} MOVES[] = {
        {IN_EITHER, "Up k", "Up"},
        {IN_EITHER, "Down j", "Down"},
        {IN_EITHER, "PgUp Ctrl-B", "Page Up"},
        {IN_EITHER, "PgDn Ctrl-F", "Page Down"},
        {IN_EITHER, "Home g", "Top"},
        {IN_EITHER, "End Shift-G", "Bottom"},
        {IN_EITHER, "Left Right", "Scroll Sideways"},
        {KT_IN_TABLE, "Shift-Left", "Pick Column Left"},
        {KT_IN_TABLE, "Shift-Right", "Pick Column Right"},
        {KT_IN_EDIT, "Shift-Arrows", "Select"},
};

static void collect(struct help_view *v, const struct kt_view *below)
{
	bool own = false;
	char name[32];

	for (const struct kt_binding *b = kt_bindings; b->line; b++) {
		if (!own && strcmp(b->section, "Resource") != 0) {
			collect_own(v, below);
			own = true;
		}
		if (!b->help || !kt_binding_applies(v->view.ui, below, b) ||
		        kt_binding_find(v->view.ui, below, b->key) != b)
			continue;
		kt_key_name(b->key, name);
		add(v, b->section, name, b->help);
	}
	for (size_t i = 0; i < KT_ARRAY_SIZE(MOVES); i++)
		if (MOVES[i].contexts & (below->ops->context ? below->ops->context : KT_IN_TEXT))
			add(v, "Navigation", MOVES[i].key, MOVES[i].text);
	for (const struct kt_ui_verb *const *verb = kt_ui_verbs; *verb; verb++)
		if ((*verb)->help)
			add(v, "Command line", (*verb)->name, (*verb)->help);
	add(v, "Command line", "KIND", "table of a kind: pods [ns] [/filter] [@ctx]");
	for (const struct kt_command *const *command = kt_commands; *command; command++)
		add(v, "Commands", (*command)->name, (*command)->summary);
}

/* Where each line of the page stands: heads, entries, a blank between sections. */
struct line {
	const char *head;          /* of a section; NULL */
	const struct entry *entry; /* NULL with head, or for a blank */
};

struct lines {
	struct line *items;
	size_t n;
};

static void add_section(struct help_view *v, const char *section, struct lines *lines)
{
	if (lines->n)
		lines->items[lines->n++] = (struct line){0};
	lines->items[lines->n++] = (struct line){.head = section};
	for (size_t i = 0; i < v->entries.n; i++)
		if (!strcmp(v->entries.items[i].section, section))
			lines->items[lines->n++] = (struct line){.entry = &v->entries.items[i]};
}

static bool is_first_of_section(const struct help_view *v, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (!strcmp(v->entries.items[k].section, v->entries.items[i].section))
			return false;
	return true;
}

static void draw_line(struct kt_ui *ui, const struct line *line, int row, int column, int width)
{
	struct kt_style head = kt_ui_style(ui, KT_ROLE_HELP_SECTION, KT_ROLE_HELP_BG);
	struct kt_style key = kt_ui_style(ui, KT_ROLE_HELP_KEY, KT_ROLE_HELP_BG);
	struct kt_style text = kt_ui_style(ui, KT_ROLE_HELP_FG, KT_ROLE_HELP_BG);

	head.attributes = key.attributes = KT_ATTR_BOLD;
	if (line->head)
		kt_draw_text(row, column, width, line->head, strlen(line->head), head, true);
	if (!line->entry)
		return;
	kt_auto_free char *shown = kt_asprintf("<%s>", line->entry->key);

	kt_draw_text(row, column, KEY_WIDTH - 1, shown, strlen(shown), key, true);
	kt_draw_text(row, column + KEY_WIDTH, width - KEY_WIDTH - 1, line->entry->text,
	        strlen(line->entry->text), text, true);
}

static void draw(struct kt_view *view, struct kt_rect area)
{
	struct help_view *v = of_view(view);
	struct lines lines = {kt_new_array(struct line, 3 * v->entries.n + 1), 0};
	size_t columns = (size_t)KT_MAX(area.columns / COLUMN_WIDTH, 1), at = 0;
	int width = area.columns / (int)columns;

	for (int i = 0; i < area.rows; i++)
		kt_draw_fill(area.row + i, area.column, area.columns, ' ',
		        kt_ui_style(view->ui, KT_ROLE_HELP_FG, KT_ROLE_HELP_BG));
	for (size_t i = 0; i < v->entries.n; i++)
		if (is_first_of_section(v, i))
			add_section(v, v->entries.items[i].section, &lines);
	v->area = area;
	size_t per = (lines.n + columns - 1) / columns;

	v->height = per;
	for (size_t c = 0; c < columns; c++) {
		/* a column begins with no blank and ends with no head */
		while (at < lines.n && !lines.items[at].head && !lines.items[at].entry)
			at++;
		if (c + 1 == columns) /* the last takes what heads pushed out of the others */
			v->height = KT_MAX(per, lines.n - at);
		for (size_t i = 0; i < v->height && at < lines.n; i++) {
			int row = area.row + (int)i - (int)v->top;

			if (lines.items[at].head && c + 1 < columns && i + 1 == per)
				break;
			if (row >= area.row && row < area.row + area.rows)
				draw_line(view->ui, &lines.items[at], row,
				        area.column + 1 + (int)c * width, width - 1);
			at++;
		}
	}
	free(lines.items);
}

static bool key(struct kt_view *view, const struct kt_key *pressed)
{
	struct help_view *v = of_view(view);
	size_t rows = (size_t)KT_MAX(v->area.rows, 1),
	       last = v->height > rows ? v->height - rows : 0;
	enum kt_move move = pressed->code == ' ' ? KT_MOVE_PAGE_DOWN : kt_move_of(pressed->code);

	if (pressed->code == KT_KEY_MOUSE)
		move = pressed->mouse == KT_MOUSE_WHEEL_DOWN ? KT_MOVE_DOWN
		       : pressed->mouse == KT_MOUSE_WHEEL_UP ? KT_MOVE_UP
		                                             : KT_MOVE_NONE;
	v->top = kt_move_index(move, v->top, last + 1, rows);
	return move != KT_MOVE_NONE;
}

static void destroy(struct kt_view *view)
{
	struct help_view *v = of_view(view);

	kt_vec_finish(&v->entries);
	free(v->of);
	free(v);
}

static const struct kt_view_ops OPS = {
        .context = 0, .title = title, .draw = draw, .key = key, .destroy = destroy};

struct kt_view *kt_help_view_create(struct kt_ui *ui)
{
	struct help_view *v = kt_new(struct help_view);
	const struct kt_view *below = kt_ui_top(ui);

	v->view = (struct kt_view){.ops = &OPS, .ui = ui, .crumb = kt_strdup("help")};
	v->of = kt_strdup(below ? below->crumb : "");
	if (below)
		collect(v, below);
	return &v->view;
}

struct kt_view *kt_command_help_view_create(struct kt_ui *ui, const struct kt_command *command)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	kt_auto_free char *head = kt_asprintf("Help(%s)", command->name);

	if (out) {
		kt_help_command(command, out);
		fclose(out);
	}
	struct kt_view *view = kt_text_view_create(
	        ui, head, "help", (struct kt_sv){text ? text : "", len}, KT_DESCRIBE);

	free(text);
	return view;
}
