/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/widget/text.h"

#include "tui/widget/move.h"

void kt_text_init(struct kt_text *text, enum kt_highlight highlight)
{
	*text = (struct kt_text){.highlight = highlight, .hit = SIZE_MAX};
}

void kt_text_finish(struct kt_text *text)
{
	kt_str_finish(&text->bytes);
	kt_vec_finish(&text->lines);
	kt_vec_finish(&text->shown);
	kt_filter_finish(&text->filter);
}

void kt_text_clear(struct kt_text *text)
{
	kt_str_clear(&text->bytes);
	text->lines.n = text->shown.n = 0;
	text->open_line = false;
	text->top = 0;
	text->hit = SIZE_MAX;
}

static struct kt_sv raw_line(const struct kt_text *text, size_t line)
{
	size_t start = text->lines.items[line];
	size_t end = line + 1 < text->lines.n ? text->lines.items[line + 1] : text->bytes.len;

	if (end > start && text->bytes.data[end - 1] == '\n')
		end--;
	if (end > start && text->bytes.data[end - 1] == '\r')
		end--;
	return (struct kt_sv){text->bytes.data + start, end - start};
}

static bool hides(const struct kt_text *text)
{
	return text->hits_only && kt_filter_is_set(&text->filter);
}

static void refilter(struct kt_text *text, size_t from)
{
	for (size_t i = from; i < text->lines.n; i++) {
		struct kt_sv line = raw_line(text, i);

		if (kt_filter_matches(&text->filter, line.p, line.len))
			kt_vec_push(&text->shown, i);
	}
}

static void drop_oldest_half(struct kt_text *text)
{
	size_t half = text->lines.n / 2, cut = text->lines.items[half];

	memmove(text->bytes.data, text->bytes.data + cut, text->bytes.len - cut);
	kt_str_truncate(&text->bytes, text->bytes.len - cut);
	for (size_t i = half; i < text->lines.n; i++)
		text->lines.items[i - half] = text->lines.items[i] - cut;
	text->lines.n -= half;
	text->top = text->top > half ? text->top - half : 0;
	text->shown.n = 0;
	if (hides(text))
		refilter(text, 0);
}

void kt_text_add(struct kt_text *text, struct kt_sv piece)
{
	size_t from = text->open_line && text->lines.n ? text->lines.n - 1 : text->lines.n;
	size_t base = text->bytes.len;

	if (text->open_line && hides(text) && text->shown.n &&
	        text->shown.items[text->shown.n - 1] == from)
		text->shown.n--;
	kt_str_add(&text->bytes, piece.p, piece.len);
	for (size_t i = 0; i < piece.len; i++) {
		if (!text->open_line)
			kt_vec_push(&text->lines, base + i);
		text->open_line = piece.p[i] != '\n';
	}
	if (hides(text))
		refilter(text, from);
	if (text->lines.n > KT_TEXT_LINES_MAX)
		drop_oldest_half(text);
}

size_t kt_text_lines(const struct kt_text *text)
{
	return hides(text) ? text->shown.n : text->lines.n;
}

struct kt_sv kt_text_line(const struct kt_text *text, size_t line)
{
	return raw_line(text, hides(text) ? text->shown.items[line] : line);
}

/* Search */

void kt_text_filter(struct kt_text *text, const char *pattern)
{
	kt_filter_set(&text->filter, pattern);
	text->shown.n = 0;
	text->hit = SIZE_MAX;
	if (hides(text)) {
		refilter(text, 0);
		text->top = 0;
	} else if (kt_filter_is_set(&text->filter)) {
		kt_text_next_hit(text, true);
	}
}

size_t kt_text_hits(const struct kt_text *text)
{
	size_t hits = 0;

	for (size_t i = 0; kt_filter_is_set(&text->filter) && i < kt_text_lines(text); i++) {
		struct kt_sv line = kt_text_line(text, i);

		hits += kt_filter_matches(&text->filter, line.p, line.len);
	}
	return hits;
}

void kt_text_show_line(struct kt_text *text, size_t line)
{
	size_t rows = (size_t)KT_MAX(text->area.rows, 1);

	text->follow = false;
	if (line < text->top || line >= text->top + rows)
		text->top = line > rows / 3 ? line - rows / 3 : 0;
}

bool kt_text_next_hit(struct kt_text *text, bool forward)
{
	size_t n = kt_text_lines(text), at = text->hit != SIZE_MAX ? text->hit
	                                     : forward             ? text->top + n - 1
	                                                           : text->top;

	if (!kt_filter_is_set(&text->filter))
		return false;
	for (size_t step = 0; step < n; step++) {
		at = forward ? (at + 1) % n : (at + n - 1) % n;
		struct kt_sv line = kt_text_line(text, at);

		if (kt_filter_matches(&text->filter, line.p, line.len)) {
			text->hit = at;
			kt_text_show_line(text, at);
			return true;
		}
	}
	return false;
}

/* Moving */

static size_t last_top(const struct kt_text *text)
{
	size_t n = kt_text_lines(text), rows = (size_t)KT_MAX(text->area.rows, 1), used = 0,
	       top = n;

	if (!text->wrap)
		return n > rows ? n - rows : 0;
	while (top > 0) {
		struct kt_sv line = kt_text_line(text, top - 1);
		size_t height =
		        (size_t)(kt_text_width(line.p, line.len) / KT_MAX(text->area.columns, 1)) +
		        1;

		if (used + height > rows)
			break;
		used += height;
		top--;
	}
	return KT_MIN(top, n ? n - 1 : 0);
}

static void scroll(struct kt_text *text, int64_t by)
{
	int64_t to = (int64_t)text->top + by;

	text->top = to < 0 ? 0 : KT_MIN((size_t)to, last_top(text));
	text->follow = text->follow && by > 0;
}

bool kt_text_key(struct kt_text *text, const struct kt_key *key)
{
	int64_t page = KT_MAX(text->area.rows - 1, 1);

	switch (key->code == ' ' ? KT_MOVE_PAGE_DOWN : kt_move_of(key->code)) {
	case KT_MOVE_UP:
		scroll(text, -1);
		return true;
	case KT_MOVE_DOWN:
		scroll(text, 1);
		return true;
	case KT_MOVE_PAGE_UP:
		scroll(text, -page);
		return true;
	case KT_MOVE_PAGE_DOWN:
		scroll(text, page);
		return true;
	case KT_MOVE_FIRST:
		text->top = 0;
		text->follow = false;
		return true;
	case KT_MOVE_LAST:
		text->top = last_top(text);
		return true;
	case KT_MOVE_LEFT:
		text->left = KT_MAX(text->left - 8, 0);
		return true;
	case KT_MOVE_RIGHT:
		text->left += text->wrap ? 0 : 8;
		return true;
	case KT_MOVE_NONE:
		break;
	}
	if (key->code != KT_KEY_MOUSE ||
	        (key->mouse != KT_MOUSE_WHEEL_UP && key->mouse != KT_MOUSE_WHEEL_DOWN))
		return false;
	scroll(text, key->mouse == KT_MOUSE_WHEEL_UP ? -3 : 3);
	return true;
}

/* Drawing */

struct drawing {
	const struct kt_text *text;
	struct kt_sv line;
	int row, column, room; /* where the next piece goes */
	int skip;              /* columns still to be passed over */
	int first_row, rows;
	bool wrap;
	int left_edge, width;
};

/* One piece of one style, over several rows when wrapping. */
static void put_piece(void *arg, size_t start, size_t end, struct kt_style style)
{
	struct drawing *d = arg;

	for (size_t at = start; at < end;) {
		int columns;
		size_t n = kt_text_grapheme(d->line.p + at, end - at, &columns);

		if (d->skip > 0) {
			d->skip -= columns;
			at += n;
			continue;
		}
		if (columns > d->room) {
			if (!d->wrap || d->row + 1 >= d->first_row + d->rows)
				return;
			d->row++;
			d->column = d->left_edge;
			d->room = d->width;
		}
		/* as much as fits in one go */
		size_t run = n;
		int width = columns;

		while (at + run < end) {
			int more;
			size_t next = kt_text_grapheme(d->line.p + at + run, end - at - run, &more);

			if (width + more > d->room)
				break;
			width += more;
			run += next;
		}
		kt_draw_text(d->row, d->column, d->room, d->line.p + at, run, style, false);
		d->column += width;
		d->room -= width;
		at += run;
	}
}

static void draw_hits(const struct kt_text *text, const struct kt_theme *theme,
        const struct drawing *d, struct kt_sv line, int row, bool current)
{
	struct kt_style style = {theme->colors[current ? KT_ROLE_TABLE_CURSOR_FG : KT_ROLE_BODY_BG],
	        theme->colors[current ? KT_ROLE_CRUMB_ACTIVE : KT_ROLE_TITLE_FILTER], KT_ATTR_BOLD};
	size_t start, end, from = 0;

	if (theme->colors[KT_ROLE_BODY_BG] == KT_COLOR_DEFAULT && !current)
		style.fg = 0;
	while (!text->filter.inverse &&
	        kt_filter_find(&text->filter, line.p, line.len, from, &start, &end) &&
	        end > start) {
		int column = kt_text_width(line.p, start) - text->left;

		if (!text->wrap && column >= 0 && column < d->width)
			kt_draw_text(row, d->left_edge + column, d->width - column, line.p + start,
			        end - start, style, false);
		from = end;
	}
}

void kt_text_draw(struct kt_text *text, const struct kt_theme *theme, struct kt_rect area)
{
	struct kt_style plain = {
	        theme->colors[text->highlight == KT_LOGS ? KT_ROLE_LOG_FG : KT_ROLE_BODY_FG],
	        theme->colors[text->highlight == KT_LOGS ? KT_ROLE_LOG_BG : KT_ROLE_BODY_BG], 0};
	struct drawing d = {.text = text,
	        .first_row = area.row,
	        .rows = area.rows,
	        .wrap = text->wrap,
	        .left_edge = area.column,
	        .width = area.columns,
	        .row = area.row};

	text->area = area;
	for (int i = 0; i < area.rows; i++)
		kt_draw_fill(area.row + i, area.column, area.columns, ' ', plain);
	if (text->follow)
		text->top = last_top(text);
	text->top = KT_MIN(text->top, kt_text_lines(text) ? kt_text_lines(text) - 1 : 0);
	for (size_t i = text->top; i < kt_text_lines(text) && d.row < area.row + area.rows;
	        i++, d.row++) {
		int row = d.row;

		d.line = kt_text_line(text, i);
		d.column = area.column;
		d.room = area.columns;
		d.skip = text->wrap ? 0 : text->left;
		kt_highlight_line(theme, text->highlight, d.line, put_piece, &d);
		if (kt_filter_is_set(&text->filter))
			draw_hits(text, theme, &d, d.line, row, i == text->hit);
	}
}
