/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table on the screen: which columns fit, ages, colours, the mouse. */
#include "tui/widget/table.h"

#include "tui/widget/move.h"
#include "tui/widget/table_sort.h"

#include "base/loop.h"
#include "base/time.h"

#include <ctype.h>
#include <strings.h>

enum { GAP = 2, NAME_WIDTH_MAX = 64, COLUMN_WIDTH_MAX = 80, AGE_WIDTH = 7, SPARE_MAX = 6 };

/* Column -1 is the namespace. */
struct layout {
	int columns[64];
	int widths[64];
	size_t n;
};

const char *kt_table_cell(const struct kt_table *table, const struct kt_row *row, size_t column,
        int64_t wall_ns, char buffer[40])
{
	if (column >= row->n_cells)
		return "";
	if (table->columns.items[column].sort == KT_SORT_AGE && row->created_ns) {
		kt_duration_human(KT_MAX(wall_ns - row->created_ns, 0), buffer);
		return buffer;
	}
	double told;

	if (table->columns.items[column].sort == KT_SORT_SINCE && row->read_ns &&
	        kt_duration_value(row->cells[column], &told)) {
		kt_duration_human(
		        KT_MAX(wall_ns - row->read_ns, 0) + (int64_t)told * KT_NS_PER_S, buffer);
		return buffer;
	}
	return row->cells[column];
}

static int column_width(const struct kt_table *table, size_t column)
{
	const struct kt_table_column *c = &table->columns.items[column];
	int width = c->sort == KT_SORT_AGE ? AGE_WIDTH : c->tight ? c->tight : c->width;

	width = KT_MAX(width, kt_text_width(c->name, strlen(c->name)) + 1); /* room for the arrow */
	return KT_MIN(width, column == 0 ? NAME_WIDTH_MAX : COLUMN_WIDTH_MAX);
}

static int widest_on_screen(const struct kt_table *table, size_t column, size_t visible)
{
	int width = 1;

	for (size_t i = table->top; i < table->top + visible && i < table->order.n; i++) {
		const struct kt_row *row = table->order.items[i];

		if (column < row->n_cells)
			width = KT_MAX(width,
			        kt_text_width(row->cells[column], strlen(row->cells[column])));
	}
	return width;
}

/* The columns that are always there; how much room they take. */
static int choose_always(struct kt_table *table)
{
	int used = table->show_namespace ? KT_MAX(table->namespace_width, 10) + GAP : 0;

	for (size_t i = 0; i < table->columns.n; i++) {
		struct kt_table_column *c = &table->columns.items[i];

		c->tight = 0;
		c->drawn = !c->hidden && (table->wide || !c->wide);
		used += c->drawn ? column_width(table, i) + GAP : 0;
	}
	return used;
}

/* Wide columns are shown when asked for, or as far as they fit beside the others. Where not even
 * those fit, long cells elsewhere in the table take no room. */
static void choose_columns(struct kt_table *table, int room, size_t visible)
{
	int used = choose_always(table);

	for (size_t i = 0; used > room && i < table->columns.n; i++)
		table->columns.items[i].tight = widest_on_screen(table, i, visible);
	if (used > room)
		return;
	for (size_t i = 0; i < table->columns.n && table->rows.n; i++) {
		struct kt_table_column *c = &table->columns.items[i];

		if (c->hidden || c->drawn || used + column_width(table, i) > room)
			continue;
		c->drawn = true;
		used += column_width(table, i) + GAP;
	}
}

/* The namespace and the first column always; behind them what fits from first_column on. */
static void lay_out(const struct kt_table *table, int room, struct layout *layout)
{
	size_t skipped = 0;
	int used = 0;

	layout->n = 0;
	if (table->show_namespace) {
		layout->columns[0] = -1;
		layout->widths[0] = KT_MAX(table->namespace_width, 10);
		used = layout->widths[0] + GAP;
		layout->n = 1;
	}
	for (size_t i = 0;
	        i < table->columns.n && layout->n < KT_ARRAY_SIZE(layout->columns) && used < room;
	        i++) {
		if (!table->columns.items[i].drawn)
			continue;
		if (i > 0 && skipped < table->first_column) {
			skipped++;
			continue;
		}
		layout->columns[layout->n] = (int)i;
		layout->widths[layout->n] = column_width(table, i);
		used += layout->widths[layout->n++] + GAP;
	}
	/* what is left over loosens the columns a little */
	int spare = layout->n ? KT_MIN((room - used) / (int)layout->n, SPARE_MAX) : 0;

	for (size_t i = 0; i < layout->n && spare > 0; i++)
		layout->widths[i] += spare;
}

static void draw_header(
        struct kt_table *table, const struct kt_theme *theme, const struct layout *layout)
{
	int at = table->area.column;
	struct kt_style plain = {theme->colors[KT_ROLE_TABLE_HEADER_FG],
	        theme->colors[KT_ROLE_TABLE_HEADER_BG], KT_ATTR_BOLD};

	kt_draw_fill(table->area.row, at, table->area.columns, ' ', plain);
	for (size_t i = 0; i < KT_ARRAY_SIZE(table->header_at); i++)
		table->header_at[i] = -1;
	for (size_t i = 0; i < layout->n; i++) {
		int column = layout->columns[i],
		    room = KT_MIN(layout->widths[i], table->area.column + table->area.columns - at);
		struct kt_style style = plain;
		char name[96];
		const char *text = column < 0 ? "Namespace" : table->columns.items[column].name;
		bool sorted = column >= 0 ? column == table->sort_column : table->sort_column < 0;
		size_t n = 0;

		if (column < 0 || column == 0)
			sorted = table->sort_column == column ||
			         (table->sort_column < 0 &&
			                 (column < 0 || (!table->show_namespace &&
			                                        !strcasecmp(text, "Name"))));
		for (; text[n] && n < sizeof(name) - 4; n++)
			name[n] = (char)toupper((unsigned char)text[n]);
		name[n] = '\0';
		if (sorted)
			strcpy(name + n, kt_screen_unicode() ? (table->descending ? "↓" : "↑")
			                                     : (table->descending ? "v" : "^"));
		if (column >= 0 && column == table->picked_column)
			style.attributes |= KT_ATTR_UNDERLINE | KT_ATTR_REVERSE;
		if (sorted)
			style.fg = theme->colors[KT_ROLE_TABLE_SORTED_COLUMN];
		int indent = column >= 0 && table->columns.items[column].right
		                     ? KT_MAX(room - kt_text_width(name, strlen(name)), 0)
		                     : 0;

		if (room > 0)
			kt_draw_text(table->area.row, at + indent, room - indent, name,
			        strlen(name), style, true);
		if (column >= 0)
			table->header_at[column] = at;
		at += layout->widths[i] + GAP;
	}
}

static kt_color row_color(const struct kt_theme *theme, const struct kt_row *row, int64_t now_ns)
{
	bool fresh = row->changed_ns && now_ns - row->changed_ns < KT_TABLE_CHANGE_NS;

	if (row->marked)
		return theme->colors[KT_ROLE_TABLE_MARK];
	switch (row->state) {
	case KT_ROW_ERROR:
		return theme->colors[KT_ROLE_ROW_ERROR];
	case KT_ROW_KILLED:
		return theme->colors[KT_ROLE_ROW_KILLED];
	case KT_ROW_PENDING:
		return theme->colors[KT_ROLE_ROW_PENDING];
	case KT_ROW_COMPLETED:
		return theme->colors[KT_ROLE_ROW_COMPLETED];
	case KT_ROW_PLAIN:
	case KT_ROW_STATES:
		break;
	}
	if (fresh)
		return theme->colors[row->added ? KT_ROLE_ROW_ADDED : KT_ROLE_ROW_MODIFIED];
	return theme->colors[KT_ROLE_ROW_NEW];
}

static void draw_row(const struct kt_table *table, const struct layout *layout, int screen_row,
        const struct kt_row *row, struct kt_style style, int64_t wall_ns)
{
	int at = table->area.column, end = table->area.column + table->area.columns;
	char buffer[40];

	kt_draw_fill(screen_row, at, table->area.columns, ' ', style);
	for (size_t i = 0; i < layout->n && at < end; i++) {
		int column = layout->columns[i];
		const char *text =
		        column < 0 ? row->namespace
		                   : kt_table_cell(table, row, (size_t)column, wall_ns, buffer);

		int room = KT_MIN(layout->widths[i], end - at), indent = 0;

		if (column >= 0 && table->columns.items[column].right)
			indent = KT_MAX(room - kt_text_width(text, strlen(text)), 0);
		kt_draw_text(
		        screen_row, at + indent, room - indent, text, strlen(text), style, true);
		at += layout->widths[i] + GAP;
	}
}

void kt_table_draw(struct kt_table *table, const struct kt_theme *theme, struct kt_rect area,
        int64_t now_ns, int64_t wall_ns)
{
	size_t visible = area.rows > 1 ? (size_t)area.rows - 1 : 0;
	struct layout layout;

	table->area = area;
	if (table->order.n && table->cursor >= table->order.n)
		table->cursor = table->order.n - 1;
	if (table->cursor < table->top)
		table->top = table->cursor;
	if (visible && table->cursor >= table->top + visible)
		table->top = table->cursor - visible + 1;
	if (table->top + visible > table->order.n)
		table->top = table->order.n > visible ? table->order.n - visible : 0;
	choose_columns(table, area.columns, visible);
	lay_out(table, area.columns, &layout);
	if (area.rows > 0)
		draw_header(table, theme, &layout);
	for (size_t i = 0; i < visible; i++) {
		int screen_row = area.row + 1 + (int)i;
		struct kt_style style = {
		        theme->colors[KT_ROLE_TABLE_FG], theme->colors[KT_ROLE_TABLE_BG], 0};

		if (table->top + i >= table->order.n) {
			kt_draw_fill(screen_row, area.column, area.columns, ' ', style);
			continue;
		}
		const struct kt_row *row = table->order.items[table->top + i];

		style.fg = row_color(theme, row, now_ns);
		if (row->marked)
			style.attributes |= KT_ATTR_BOLD;
		if (table->top + i == table->cursor) {
			/* the cursor's bar takes the row's own colour, as in k9s: the state stays
			 * readable */
			style.bg = row->state == KT_ROW_PLAIN && !row->marked
			                   ? theme->colors[KT_ROLE_TABLE_CURSOR_BG]
			                   : style.fg;
			style.fg = theme->colors[KT_ROLE_TABLE_CURSOR_FG];
			if (!kt_screen_colors())
				style.attributes |= KT_ATTR_REVERSE;
		}
		draw_row(table, &layout, screen_row, row, style, wall_ns);
	}
}

/* Keys */

static void pick_column(struct kt_table *table, int step)
{
	int n = (int)table->columns.n, column = table->picked_column, left = n;

	if (!n)
		return;
	if (column < 0)
		column = table->sort_column >= 0 ? table->sort_column - step : step > 0 ? -1 : n;
	do {
		column = (column + step + n) % n;
	} while (!table->columns.items[column].drawn && --left > 0);
	table->picked_column = column;
}

static size_t columns_shown(const struct kt_table *table)
{
	size_t n = 0;

	for (size_t i = 0; i < table->columns.n; i++)
		n += table->columns.items[i].drawn;
	return n;
}

static bool mouse(struct kt_table *table, const struct kt_key *key)
{
	if (key->mouse == KT_MOUSE_WHEEL_UP || key->mouse == KT_MOUSE_WHEEL_DOWN) {
		kt_table_move(table, key->mouse == KT_MOUSE_WHEEL_UP ? -3 : 3);
		return true;
	}
	if (key->row == table->area.row) {
		int best = table->show_namespace ? -1 : 0;

		for (size_t i = 0; i < table->columns.n && i < KT_ARRAY_SIZE(table->header_at); i++)
			if (table->header_at[i] >= 0 && table->header_at[i] <= key->column)
				best = (int)i;
		kt_table_sort(table, best, best == table->sort_column && !table->descending);
		return true;
	}
	int row = key->row - table->area.row - 1;

	if (row < 0 || row >= table->area.rows - 1 || table->top + (size_t)row >= table->order.n)
		return false;
	kt_table_move_to(table, table->top + (size_t)row);
	return key->mouse != KT_MOUSE_DOUBLE_CLICK;
}

bool kt_table_key(struct kt_table *table, const struct kt_key *key)
{
	size_t page = (size_t)KT_MAX(table->area.rows - 2, 1);
	enum kt_move move = kt_move_of(key->code);

	switch (move) {
	case KT_MOVE_LEFT:
		table->first_column -= table->first_column > 0;
		return true;
	case KT_MOVE_RIGHT:
		if (table->first_column + 2 < columns_shown(table))
			table->first_column++;
		return true;
	case KT_MOVE_NONE:
		break;
	default:
		table->settled = true;
		table->cursor = kt_move_index(move, table->cursor, table->order.n, page);
		return true;
	}
	if (key->code == KT_KEY_MOUSE)
		return mouse(table, key);
	if (key->code != KT_KEY_SHIFT_LEFT && key->code != KT_KEY_SHIFT_RIGHT)
		return false;
	pick_column(table, key->code == KT_KEY_SHIFT_LEFT ? -1 : 1);
	return true;
}

static void csv_cell(struct kt_str *out, const char *text, bool last)
{
	bool quote = strpbrk(text, ",\"\r\n") != NULL;

	if (quote)
		kt_str_putc(out, '"');
	for (; *text; text++) {
		if (*text == '"')
			kt_str_putc(out, '"');
		kt_str_putc(out, *text);
	}
	if (quote)
		kt_str_putc(out, '"');
	kt_str_putc(out, last ? '\n' : ',');
}

void kt_table_csv(const struct kt_table *table, struct kt_str *out, int64_t wall_ns)
{
	char buffer[40];

	if (table->show_namespace)
		csv_cell(out, "NAMESPACE", false);
	for (size_t i = 0; i < table->columns.n; i++) {
		kt_auto_free char *name = kt_strdup(table->columns.items[i].name);

		for (char *c = name; *c; c++)
			*c = (char)toupper((unsigned char)*c);
		csv_cell(out, name, i + 1 == table->columns.n);
	}
	for (size_t r = 0; r < table->order.n; r++) {
		const struct kt_row *row = table->order.items[r];

		if (table->show_namespace)
			csv_cell(out, row->namespace, false);
		for (size_t i = 0; i < table->columns.n; i++)
			csv_cell(out, kt_table_cell(table, row, i, wall_ns, buffer),
			        i + 1 == table->columns.n);
	}
}
