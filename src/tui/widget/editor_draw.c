/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/widget/editor.h"

#include "tui/widget/text.h"

enum { GUTTER = 6 };

struct drawing {
	struct kt_sv line;
	int row, column, room, skip;
};

static void put_piece(void *arg, size_t start, size_t end, struct kt_style style)
{
	struct drawing *d = arg;

	while (start < end && d->skip > 0) {
		int columns;

		start += kt_text_grapheme(d->line.p + start, end - start, &columns);
		d->skip -= columns;
	}
	int used = kt_draw_text(
	        d->row, d->column, d->room, d->line.p + start, end - start, style, false);

	d->column += used;
	d->room -= used;
}

static bool starts(struct kt_sv line, const char *text)
{
	return line.len >= strlen(text) && !memcmp(line.p, text, strlen(text));
}

/* Sides of a conflict, as merge.c writes them. */
enum side { SIDE_NONE, SIDE_MINE, SIDE_BASE, SIDE_THEIRS };

static enum side side_behind(struct kt_sv line, enum side side)
{
	if (starts(line, "<<<<<<<"))
		return SIDE_MINE;
	if (starts(line, "|||||||") && side != SIDE_NONE)
		return SIDE_BASE;
	if (starts(line, "=======") && side != SIDE_NONE)
		return SIDE_THEIRS;
	return starts(line, ">>>>>>>") ? SIDE_NONE : side;
}

static void draw_gutter(
        const struct kt_editor *editor, const struct kt_theme *theme, size_t line, int row)
{
	const struct kt_editor_note *note = kt_editor_note_at(editor, line);
	struct kt_style style = {
	        theme->colors[note ? note->error ? KT_ROLE_ROW_ERROR : KT_ROLE_ROW_PENDING
	                           : KT_ROLE_ROW_COMPLETED],
	        theme->colors[KT_ROLE_BODY_BG], note ? KT_ATTR_BOLD : 0};
	char number[24];

	snprintf(number, sizeof(number), "%4zu%s", line + 1, note ? "!" : " ");
	kt_draw_cell(row, editor->area.column - GUTTER, GUTTER, number, style);
}

static void draw_selection(
        const struct kt_editor *editor, const struct kt_theme *theme, size_t line, int row)
{
	size_t start = editor->lines.items[line], from = KT_MIN(editor->anchor, editor->cursor),
	       to = KT_MAX(editor->anchor, editor->cursor);
	struct kt_sv text = kt_editor_line(editor, line);
	struct kt_style style = {theme->colors[KT_ROLE_TABLE_CURSOR_FG],
	        theme->colors[KT_ROLE_TABLE_CURSOR_BG], kt_screen_colors() ? 0 : KT_ATTR_REVERSE};

	if (!kt_editor_has_selection(editor) || to <= start || from >= start + text.len)
		return;
	from = from > start ? from - start : 0;
	to = KT_MIN(to - start, text.len);
	int column = kt_text_width(text.p, from) - editor->left;

	if (column >= 0 && column < editor->area.columns)
		kt_draw_text(row, editor->area.column + column, editor->area.columns - column,
		        text.p + from, to - from, style, false);
}

static void draw_line(const struct kt_editor *editor, const struct kt_theme *theme, size_t line,
        int row, enum side side)
{
	struct kt_sv text = kt_editor_line(editor, line);
	struct drawing d = {text, row, editor->area.column, editor->area.columns, editor->left};
	static const enum kt_role sides[] = {
	        KT_ROLE_BODY_FG, KT_ROLE_LOG_ON, KT_ROLE_ROW_COMPLETED, KT_ROLE_ROW_KILLED};

	draw_gutter(editor, theme, line, row);
	if (side != SIDE_NONE || starts(text, ">>>>>>>"))
		put_piece(&d, 0, text.len,
		        (struct kt_style){theme->colors[side != SIDE_NONE ? sides[side]
		                                                          : KT_ROLE_ROW_PENDING],
		                theme->colors[KT_ROLE_BODY_BG], KT_ATTR_BOLD});
	else
		kt_highlight_line(theme, KT_YAML, text, put_piece, &d);
	draw_selection(editor, theme, line, row);
}

static void keep_cursor_visible(struct kt_editor *editor)
{
	size_t line = kt_editor_line_of(editor, editor->cursor),
	       rows = (size_t)KT_MAX(editor->area.rows, 1);
	size_t start = editor->lines.items[line];
	int column = kt_text_width(kt_editor_text(editor) + start, editor->cursor - start),
	    width = KT_MAX(editor->area.columns, 8);

	if (line < editor->top)
		editor->top = line;
	if (line >= editor->top + rows)
		editor->top = line - rows + 1;
	if (column < editor->left)
		editor->left = KT_MAX(column - 8, 0);
	if (column >= editor->left + width)
		editor->left = column - width + 8;
}

void kt_editor_draw(struct kt_editor *editor, const struct kt_theme *theme, struct kt_rect area)
{
	struct kt_style plain = {theme->colors[KT_ROLE_BODY_FG], theme->colors[KT_ROLE_BODY_BG], 0};
	enum side side = SIDE_NONE;

	editor->area =
	        (struct kt_rect){area.row, area.column + GUTTER, area.rows, area.columns - GUTTER};
	keep_cursor_visible(editor);
	for (size_t i = 0; i < editor->top; i++)
		side = side_behind(kt_editor_line(editor, i), side);
	for (int i = 0; i < area.rows; i++) {
		size_t line = editor->top + (size_t)i;

		kt_draw_fill(area.row + i, area.column, area.columns, ' ', plain);
		if (line >= editor->lines.n)
			continue;
		side = side_behind(kt_editor_line(editor, line), side);
		draw_line(editor, theme, line, area.row + i, side);
	}
	int row, column;

	kt_editor_cursor_at(editor, &row, &column);
	kt_screen_cursor(row, column);
}

void kt_editor_cursor_at(const struct kt_editor *editor, int *ret_row, int *ret_column)
{
	size_t line = kt_editor_line_of(editor, editor->cursor), start = editor->lines.items[line];

	*ret_row = editor->area.row + (int)(line - editor->top);
	*ret_column = editor->area.column +
	              kt_text_width(kt_editor_text(editor) + start, editor->cursor - start) -
	              editor->left;
}
