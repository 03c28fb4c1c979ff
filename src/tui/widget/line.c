/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/widget/line.h"

#include "base/mem.h"

void kt_line_finish(struct kt_line *line)
{
	kt_str_finish(&line->text);
	line->cursor = 0;
}

void kt_line_set(struct kt_line *line, const char *text)
{
	kt_auto_free char *copy = kt_strdup(text);

	kt_str_clear(&line->text);
	kt_str_puts(&line->text, copy);
	line->cursor = line->text.len;
}

const char *kt_line_text(const struct kt_line *line)
{
	return kt_str_text(&line->text);
}

static size_t before(const struct kt_line *line, size_t at)
{
	size_t last = 0;
	int columns;

	for (size_t i = 0; i < at;
	        i += kt_text_grapheme(line->text.data + i, line->text.len - i, &columns))
		last = i;
	return last;
}

static size_t behind(const struct kt_line *line, size_t at)
{
	int columns;

	return at < line->text.len
	               ? at + kt_text_grapheme(line->text.data + at, line->text.len - at, &columns)
	               : at;
}

static size_t word_before(const struct kt_line *line, size_t at)
{
	while (at && strchr(" /:=,", line->text.data[at - 1]))
		at--;
	while (at && !strchr(" /:=,", line->text.data[at - 1]))
		at--;
	return at;
}

static size_t word_behind(const struct kt_line *line, size_t at)
{
	while (at < line->text.len && strchr(" /:=,", line->text.data[at]))
		at++;
	while (at < line->text.len && !strchr(" /:=,", line->text.data[at]))
		at++;
	return at;
}

static void cut(struct kt_line *line, size_t from, size_t to)
{
	if (to <= from)
		return;
	memmove(line->text.data + from, line->text.data + to, line->text.len - to);
	kt_str_truncate(&line->text, line->text.len - (to - from));
	line->cursor = from;
}

static void insert(struct kt_line *line, uint32_t cp)
{
	char bytes[4];
	size_t n = kt_utf8_encode(cp, bytes);

	if (line->text.len + n > KT_LINE_MAX_BYTES)
		return;
	kt_str_add(&line->text, bytes, n);
	memmove(line->text.data + line->cursor + n, line->text.data + line->cursor,
	        line->text.len - n - line->cursor);
	memcpy(line->text.data + line->cursor, bytes, n);
	line->cursor += n;
}

static bool edit_key(struct kt_line *line, uint32_t code)
{
	switch (code) {
	case KT_KEY_BACKSPACE:
		cut(line, before(line, line->cursor), line->cursor);
		return true;
	case KT_KEY_DELETE:
	case KT_KEY_CTRL | 'd':
		cut(line, line->cursor, behind(line, line->cursor));
		return true;
	case KT_KEY_CTRL | 'w':
	case KT_KEY_ALT | KT_KEY_BACKSPACE:
		cut(line, word_before(line, line->cursor), line->cursor);
		return true;
	case KT_KEY_ALT | 'd': {
		size_t at = line->cursor;

		cut(line, at, word_behind(line, at));
		return true;
	}
	case KT_KEY_CTRL | 'u':
		cut(line, 0, line->text.len);
		return true;
	case KT_KEY_CTRL | 'k':
		kt_str_truncate(&line->text, line->cursor);
		return true;
	default:
		return false;
	}
}

bool kt_line_key(struct kt_line *line, const struct kt_key *key)
{
	switch (key->code) {
	case KT_KEY_LEFT:
	case KT_KEY_CTRL | 'b':
		line->cursor = before(line, line->cursor);
		return true;
	case KT_KEY_RIGHT:
	case KT_KEY_CTRL | 'f':
		line->cursor = behind(line, line->cursor);
		return true;
	case KT_KEY_HOME:
	case KT_KEY_CTRL | 'a':
		line->cursor = 0;
		return true;
	case KT_KEY_END:
	case KT_KEY_CTRL | 'e':
		line->cursor = line->text.len;
		return true;
	case KT_KEY_ALT | 'b':
	case KT_KEY_SHIFT_LEFT:
	case KT_KEY_CTRL | KT_KEY_LEFT:
		line->cursor = word_before(line, line->cursor);
		return true;
	case KT_KEY_ALT | 'f':
	case KT_KEY_SHIFT_RIGHT:
	case KT_KEY_CTRL | KT_KEY_RIGHT:
		line->cursor = word_behind(line, line->cursor);
		return true;
	default:
		break;
	}
	if (edit_key(line, key->code))
		return true;
	if (key->code < 0x20 || key->code >= 0x110000)
		return false;
	insert(line, key->code);
	return true;
}

int kt_line_draw(const struct kt_line *line, int row, int column, int width, struct kt_style style,
        bool focused)
{
	size_t from = 0;
	int columns;

	while (from < line->cursor &&
	        kt_text_width(kt_line_text(line) + from, line->cursor - from) >= width)
		from += kt_text_grapheme(line->text.data + from, line->text.len - from, &columns);
	int used = kt_draw_text(
	        row, column, width, kt_line_text(line) + from, line->text.len - from, style, false);

	kt_draw_fill(row, column + used, width - used, ' ', style);
	if (focused)
		kt_screen_cursor(row,
		        column + kt_text_width(kt_line_text(line) + from, line->cursor - from));
	return column + used;
}
