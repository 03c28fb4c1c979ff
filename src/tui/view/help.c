/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/view/help.h"

#include "tui/command/help.h"
#include "tui/keys.h"
#include "tui/view/output.h"

enum { COLUMN_WIDTH = 40, KEY_WIDTH = 14, SECTIONS_MAX = 12 };

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

static void collect(struct help_view *v, const struct kt_view *below)
{
	char name[32];

	for (const struct kt_binding *b = kt_bindings; b->line; b++) {
		if (!b->help || !kt_binding_applies(v->view.ui, below, b) ||
		        kt_binding_find(v->view.ui, below, b->key) != b)
			continue;
		kt_key_name(b->key, name);
		add(v, b->section, name, b->help);
	}
	add(v, "Navigation", "Up k", "Up");
	add(v, "Navigation", "Down j", "Down");
	add(v, "Navigation", "PgUp Ctrl-B", "Page Up");
	add(v, "Navigation", "PgDn Ctrl-F", "Page Down");
	add(v, "Navigation", "Home g", "Top");
	add(v, "Navigation", "End Shift-G", "Bottom");
	add(v, "Navigation", "Left Right", "Scroll Columns");
	add(v, "Navigation", "Shift-Left", "Pick Column Left");
	add(v, "Navigation", "Shift-Right", "Pick Column Right");
	for (const struct kt_ui_verb *verb = kt_ui_verbs; verb->name; verb++)
		if (verb->help)
			add(v, "Command line", verb->name, verb->help);
	add(v, "Command line", "KIND", "table of a kind: pods [ns] [/filter] [@ctx]");
	for (const struct kt_command *const *command = kt_commands; *command; command++)
		add(v, "Commands", (*command)->name, (*command)->summary);
}

/* The next row of a section; false at its end. */
static void draw_section(struct help_view *v, const char *section, struct kt_rect area, int *row,
        int column, int width)
{
	struct kt_ui *ui = v->view.ui;
	struct kt_style head = kt_ui_style(ui, KT_ROLE_HELP_SECTION, KT_ROLE_HELP_BG);
	struct kt_style key = kt_ui_style(ui, KT_ROLE_HELP_KEY, KT_ROLE_HELP_BG);
	struct kt_style text = kt_ui_style(ui, KT_ROLE_HELP_FG, KT_ROLE_HELP_BG);

	head.attributes = key.attributes = KT_ATTR_BOLD;
	if (*row >= area.row && *row < area.row + area.rows)
		kt_draw_text(*row, column, width, section, strlen(section), head, true);
	++*row;
	for (size_t i = 0; i < v->entries.n; i++) {
		const struct entry *e = &v->entries.items[i];

		if (strcmp(e->section, section) != 0)
			continue;
		if (*row >= area.row && *row < area.row + area.rows) {
			kt_auto_free char *shown = kt_asprintf("<%s>", e->key);

			kt_draw_text(*row, column, KEY_WIDTH, shown, strlen(shown), key, true);
			kt_draw_text(*row, column + KEY_WIDTH, width - KEY_WIDTH - 1, e->text,
			        strlen(e->text), text, true);
		}
		++*row;
	}
	++*row;
}

static void draw(struct kt_view *view, struct kt_rect area)
{
	struct help_view *v = of_view(view);
	const char *sections[SECTIONS_MAX];
	size_t n_sections = 0, columns = (size_t)KT_MAX(area.columns / COLUMN_WIDTH, 1), per;
	int width = area.columns / (int)columns;

	v->area = area;
	for (size_t i = 0; i < v->entries.n; i++) {
		size_t s = 0;

		while (s < n_sections && strcmp(sections[s], v->entries.items[i].section) != 0)
			s++;
		if (s == n_sections && n_sections < SECTIONS_MAX)
			sections[n_sections++] = v->entries.items[i].section;
	}
	for (int i = 0; i < area.rows; i++)
		kt_draw_fill(area.row + i, area.column, area.columns, ' ',
		        kt_ui_style(view->ui, KT_ROLE_HELP_FG, KT_ROLE_HELP_BG));
	/* whole sections, column by column */
	per = (v->entries.n + 2 * n_sections + columns - 1) / columns;
	int row = area.row - (int)v->top, column = area.column + 1, longest = 0;

	for (size_t s = 0; s < n_sections; s++) {
		draw_section(v, sections[s], area, &row, column, width - 1);
		longest = KT_MAX(longest, row - area.row + (int)v->top);
		if (row - area.row + (int)v->top >= (int)per &&
		        column + 2 * width <= area.column + area.columns + 1) {
			column += width;
			row = area.row - (int)v->top;
		}
	}
	v->height = (size_t)KT_MAX(longest, 0);
}

static bool key(struct kt_view *view, const struct kt_key *pressed)
{
	struct help_view *v = of_view(view);
	size_t rows = (size_t)KT_MAX(v->area.rows, 1),
	       last = v->height > rows ? v->height - rows : 0;
	uint32_t code = pressed->code;
	bool wheel = code == KT_KEY_MOUSE &&
	             (pressed->mouse == KT_MOUSE_WHEEL_UP || pressed->mouse == KT_MOUSE_WHEEL_DOWN);

	if (code == KT_KEY_DOWN || code == 'j' || (wheel && pressed->mouse == KT_MOUSE_WHEEL_DOWN))
		v->top = KT_MIN(v->top + 1, last);
	else if (code == KT_KEY_UP || code == 'k' || wheel)
		v->top -= v->top > 0;
	else if (code == KT_KEY_PAGE_DOWN || code == ' ')
		v->top = KT_MIN(v->top + rows, last);
	else if (code == KT_KEY_PAGE_UP)
		v->top -= KT_MIN(v->top, rows);
	else
		return false;
	return true;
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
