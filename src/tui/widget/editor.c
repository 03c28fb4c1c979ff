/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text, changes, cursor. editor_draw.c shows it. */
#include "tui/widget/editor.h"

#include "base/log.h"

enum { TYPED_MAX = 64, CHANGES_MAX = 2000 };

void kt_editor_init(struct kt_editor *editor)
{
	*editor = (struct kt_editor){.anchor = SIZE_MAX, .wanted = -1};
	kt_vec_push(&editor->lines, 0);
}

static void free_change(struct kt_editor_change *change)
{
	free(change->removed);
	free(change->inserted);
}

static void forget_changes(struct kt_editor *editor, size_t from)
{
	for (size_t i = from; i < editor->changes.n; i++)
		free_change(&editor->changes.items[i]);
	editor->changes.n = KT_MIN(editor->changes.n, from);
}

void kt_editor_finish(struct kt_editor *editor)
{
	forget_changes(editor, 0);
	kt_editor_clear_notes(editor);
	kt_vec_finish(&editor->changes);
	kt_vec_finish(&editor->notes);
	kt_vec_finish(&editor->lines);
	kt_filter_finish(&editor->search);
	kt_str_finish(&editor->text);
	free(editor->clip);
}

static void find_lines(struct kt_editor *editor)
{
	editor->lines.n = 0;
	kt_vec_push(&editor->lines, 0);
	for (size_t i = 0; i < editor->text.len; i++)
		if (editor->text.data[i] == '\n')
			kt_vec_push(&editor->lines, i + 1);
	editor->version++;
}

void kt_editor_set(struct kt_editor *editor, const char *text)
{
	forget_changes(editor, 0);
	editor->done = 0;
	kt_str_clear(&editor->text);
	kt_str_puts(&editor->text, text);
	find_lines(editor);
	editor->cursor = KT_MIN(editor->cursor, editor->text.len);
	editor->anchor = SIZE_MAX;
}

const char *kt_editor_text(const struct kt_editor *editor)
{
	return kt_str_text(&editor->text);
}

/* Lines */

size_t kt_editor_line_of(const struct kt_editor *editor, size_t offset)
{
	size_t low = 0, high = editor->lines.n;

	while (low + 1 < high) {
		size_t middle = (low + high) / 2;

		if (editor->lines.items[middle] <= offset)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static size_t line_end(const struct kt_editor *editor, size_t line)
{
	return line + 1 < editor->lines.n ? editor->lines.items[line + 1] - 1 : editor->text.len;
}

struct kt_sv kt_editor_line(const struct kt_editor *editor, size_t line)
{
	size_t start = editor->lines.items[line];

	return (struct kt_sv){kt_editor_text(editor) + start, line_end(editor, line) - start};
}

void kt_editor_go_to_line(struct kt_editor *editor, size_t line)
{
	line = KT_MIN(line, editor->lines.n - 1);
	struct kt_sv text = kt_editor_line(editor, line);
	size_t indent = 0;

	while (indent < text.len && (text.p[indent] == ' ' || text.p[indent] == '-'))
		indent++;
	editor->cursor = editor->lines.items[line] + indent;
	editor->anchor = SIZE_MAX;
	editor->wanted = -1;
}

/* Changes */

static void put(struct kt_editor *editor, size_t at, size_t n_removed, const char *text)
{
	kt_auto_str next = KT_STR_INIT;

	kt_assert(at + n_removed <= editor->text.len);
	kt_str_reserve(&next, editor->text.len + strlen(text));
	kt_str_add(&next, kt_editor_text(editor), at);
	kt_str_puts(&next, text);
	kt_str_add(
	        &next, kt_editor_text(editor) + at + n_removed, editor->text.len - at - n_removed);
	kt_str_clear(&editor->text);
	kt_str_add(&editor->text, kt_str_text(&next), next.len);
	find_lines(editor);
}

static bool grows(const struct kt_editor *editor, size_t from, size_t to, const char *text)
{
	const struct kt_editor_change *last =
	        editor->done ? &editor->changes.items[editor->done - 1] : NULL;

	return editor->typing && last && from == to && !*last->removed &&
	       last->at + strlen(last->inserted) == from && strlen(last->inserted) < TYPED_MAX &&
	       *text != '\n' && *text != ' ';
}

void kt_editor_replace(struct kt_editor *editor, size_t from, size_t to, const char *text)
{
	editor->is_full = editor->text.len - (to - from) + strlen(text) > KT_EDITOR_MAX_BYTES;
	if (editor->is_full)
		return;
	forget_changes(editor, editor->done);
	if (grows(editor, from, to, text)) {
		struct kt_editor_change *last = &editor->changes.items[editor->done - 1];
		char *longer = kt_asprintf("%s%s", last->inserted, text);

		free(last->inserted);
		last->inserted = longer;
	} else {
		if (editor->changes.n == CHANGES_MAX) {
			free_change(&editor->changes.items[0]);
			kt_vec_remove(&editor->changes, 0);
		}
		struct kt_editor_change change = {from,
		        kt_strndup(kt_editor_text(editor) + from, to - from), kt_strdup(text),
		        editor->cursor};

		kt_vec_push(&editor->changes, change);
		editor->done = editor->changes.n;
	}
	put(editor, from, to - from, text);
	editor->cursor = from + strlen(text);
	editor->anchor = SIZE_MAX;
	editor->wanted = -1;
}

bool kt_editor_undo(struct kt_editor *editor)
{
	if (!editor->done)
		return false;
	const struct kt_editor_change *change = &editor->changes.items[--editor->done];

	put(editor, change->at, strlen(change->inserted), change->removed);
	editor->cursor = KT_MIN(change->cursor, editor->text.len);
	editor->anchor = SIZE_MAX;
	editor->typing = false;
	return true;
}

bool kt_editor_redo(struct kt_editor *editor)
{
	if (editor->done >= editor->changes.n)
		return false;
	const struct kt_editor_change *change = &editor->changes.items[editor->done++];

	put(editor, change->at, strlen(change->removed), change->inserted);
	editor->cursor = change->at + strlen(change->inserted);
	editor->anchor = SIZE_MAX;
	editor->typing = false;
	return true;
}

/* Selection and search */

bool kt_editor_has_selection(const struct kt_editor *editor)
{
	return editor->anchor != SIZE_MAX && editor->anchor != editor->cursor;
}

char *kt_editor_selection(const struct kt_editor *editor)
{
	size_t from = KT_MIN(editor->anchor, editor->cursor),
	       to = KT_MAX(editor->anchor, editor->cursor);

	return kt_editor_has_selection(editor)
	               ? kt_strndup(kt_editor_text(editor) + from, to - from)
	               : kt_strdup("");
}

static bool delete_selection(struct kt_editor *editor)
{
	size_t from = KT_MIN(editor->anchor, editor->cursor),
	       to = KT_MAX(editor->anchor, editor->cursor);

	if (!kt_editor_has_selection(editor))
		return false;
	kt_editor_replace(editor, from, to, "");
	return true;
}

bool kt_editor_find(struct kt_editor *editor, const char *pattern)
{
	const char *last = editor->search.text;
	size_t start, end;

	if (pattern && last && !strcmp(pattern, last) && kt_editor_has_selection(editor))
		pattern = NULL;
	if (pattern)
		kt_filter_set(&editor->search, pattern);
	if (!kt_filter_is_set(&editor->search))
		return false;
	size_t from = pattern ? editor->cursor : KT_MIN(editor->cursor + 1, editor->text.len);

	if (!kt_filter_find(&editor->search, kt_editor_text(editor), editor->text.len, from, &start,
	            &end) &&
	        !kt_filter_find(
	                &editor->search, kt_editor_text(editor), editor->text.len, 0, &start, &end))
		return false;
	editor->cursor = start;
	editor->anchor = end;
	editor->wanted = -1;
	return true;
}

size_t kt_editor_replace_all(struct kt_editor *editor, const char *pattern, const char *with)
{
	const char *text = kt_editor_text(editor);
	kt_auto_str next = KT_STR_INIT;
	size_t n = 0, at = 0, start, end, cursor = editor->cursor;

	kt_filter_set(&editor->search, pattern);
	while (kt_filter_find(&editor->search, text, editor->text.len, at, &start, &end)) {
		kt_str_add(&next, text + at, start - at);
		if (end > start) {
			kt_str_puts(&next, with);
			n++;
		} else if (end < editor->text.len) { /* a match of nothing */
			kt_str_putc(&next, text[end++]);
		} else {
			end++;
		}
		at = end;
	}
	if (!n)
		return 0;
	if (at < editor->text.len)
		kt_str_puts(&next, text + at);
	kt_editor_replace(editor, 0, editor->text.len, kt_str_text(&next));
	editor->cursor = KT_MIN(cursor, editor->text.len);
	return n;
}

/* Notes */

void kt_editor_clear_notes(struct kt_editor *editor)
{
	for (size_t i = 0; i < editor->notes.n; i++)
		free(editor->notes.items[i].text);
	editor->notes.n = 0;
}

void kt_editor_add_note(struct kt_editor *editor, size_t line, bool error, const char *text)
{
	struct kt_editor_note note = {KT_MIN(line, editor->lines.n - 1), error, kt_strdup(text)};

	kt_vec_push(&editor->notes, note);
}

const struct kt_editor_note *kt_editor_note_at(const struct kt_editor *editor, size_t line)
{
	const struct kt_editor_note *found = NULL;

	for (size_t i = 0; i < editor->notes.n; i++)
		if (editor->notes.items[i].line == line && (!found || editor->notes.items[i].error))
			found = &editor->notes.items[i];
	return found;
}

/* Keys */

static size_t before(const struct kt_editor *editor, size_t at)
{
	size_t start = editor->lines.items[kt_editor_line_of(editor, at)], last = start;
	int columns;

	if (at == 0)
		return 0;
	if (at == start)
		return at - 1;
	for (size_t i = start; i < at;
	        i += kt_text_grapheme(kt_editor_text(editor) + i, editor->text.len - i, &columns))
		last = i;
	return last;
}

static size_t behind(const struct kt_editor *editor, size_t at)
{
	int columns;

	if (at >= editor->text.len)
		return at;
	return editor->text.data[at] == '\n' ? at + 1
	                                     : at + kt_text_grapheme(editor->text.data + at,
	                                                    editor->text.len - at, &columns);
}

static void move_lines(struct kt_editor *editor, int64_t by)
{
	size_t line = kt_editor_line_of(editor, editor->cursor), start = editor->lines.items[line];
	int64_t to = (int64_t)line + by;
	int columns;

	if (editor->wanted < 0)
		editor->wanted =
		        kt_text_width(kt_editor_text(editor) + start, editor->cursor - start);
	to = to < 0 ? 0 : KT_MIN(to, (int64_t)editor->lines.n - 1);
	struct kt_sv text = kt_editor_line(editor, (size_t)to);
	size_t at = 0;

	for (int width = 0; at < text.len && width < editor->wanted; width += columns)
		at += kt_text_grapheme(text.p + at, text.len - at, &columns);
	editor->cursor = editor->lines.items[to] + at;
}

static bool move_key(struct kt_editor *editor, uint32_t code)
{
	size_t line = kt_editor_line_of(editor, editor->cursor);
	int page = KT_MAX(editor->area.rows - 1, 1);
	bool vertical = code == KT_KEY_UP || code == KT_KEY_DOWN || code == KT_KEY_PAGE_UP ||
	                code == KT_KEY_PAGE_DOWN;

	if (vertical)
		move_lines(editor, code == KT_KEY_UP        ? -1
		                   : code == KT_KEY_DOWN    ? 1
		                   : code == KT_KEY_PAGE_UP ? -page
		                                            : page);
	else if (code == KT_KEY_LEFT)
		editor->cursor = before(editor, editor->cursor);
	else if (code == KT_KEY_RIGHT)
		editor->cursor = behind(editor, editor->cursor);
	else if (code == KT_KEY_HOME || code == (KT_KEY_CTRL | 'a'))
		editor->cursor = editor->lines.items[line];
	else if (code == KT_KEY_END)
		editor->cursor = line_end(editor, line);
	else
		return false;
	if (!vertical)
		editor->wanted = -1;
	editor->typing = false;
	return true;
}

static uint32_t unshifted(uint32_t code)
{
	switch (code) {
	case KT_KEY_SHIFT_UP:
		return KT_KEY_UP;
	case KT_KEY_SHIFT_DOWN:
		return KT_KEY_DOWN;
	case KT_KEY_SHIFT_LEFT:
		return KT_KEY_LEFT;
	case KT_KEY_SHIFT_RIGHT:
		return KT_KEY_RIGHT;
	default:
		return KT_KEY_NONE;
	}
}

void kt_editor_insert(struct kt_editor *editor, const char *text)
{
	if (kt_editor_has_selection(editor)) {
		size_t from = KT_MIN(editor->anchor, editor->cursor),
		       to = KT_MAX(editor->anchor, editor->cursor);

		kt_editor_replace(editor, from, to, text);
		return;
	}
	kt_editor_replace(editor, editor->cursor, editor->cursor, text);
}

/* A new line begins as deep as the one before; deeper behind a key without a value. */
static void new_line(struct kt_editor *editor)
{
	size_t line = kt_editor_line_of(editor, editor->cursor), start = editor->lines.items[line],
	       indent = 0;
	kt_auto_str text = KT_STR_INIT;

	while (start + indent < editor->cursor && editor->text.data[start + indent] == ' ')
		indent++;
	if (start + indent + 1 < editor->cursor && editor->text.data[start + indent] == '-' &&
	        editor->text.data[start + indent + 1] == ' ')
		indent += 2;
	if (editor->cursor > start && editor->text.data[editor->cursor - 1] == ':')
		indent += 2;
	kt_str_printf(&text, "\n%*s", (int)indent, "");
	kt_editor_insert(editor, kt_str_text(&text));
}

static void cut_line(struct kt_editor *editor)
{
	size_t line = kt_editor_line_of(editor, editor->cursor), from = editor->lines.items[line];
	size_t to = line + 1 < editor->lines.n ? editor->lines.items[line + 1] : editor->text.len;

	if (kt_editor_has_selection(editor)) {
		from = KT_MIN(editor->anchor, editor->cursor);
		to = KT_MAX(editor->anchor, editor->cursor);
	}
	free(editor->clip);
	editor->clip = kt_strndup(kt_editor_text(editor) + from, to - from);
	kt_editor_replace(editor, from, to, "");
}

/* In the blanks before a line's text a whole step of indentation goes. */
static void backspace(struct kt_editor *editor)
{
	size_t line = kt_editor_line_of(editor, editor->cursor), start = editor->lines.items[line],
	       at = start;

	if (delete_selection(editor) || !editor->cursor)
		return;
	while (at < editor->cursor && editor->text.data[at] == ' ')
		at++;
	bool blanks = at == editor->cursor && editor->cursor >= start + 2 &&
	              (editor->cursor - start) % 2 == 0;

	kt_editor_replace(editor, blanks ? editor->cursor - 2 : before(editor, editor->cursor),
	        editor->cursor, "");
}

static bool edit_key(struct kt_editor *editor, uint32_t code)
{
	switch (code) {
	case KT_KEY_ENTER:
		new_line(editor);
		return true;
	case KT_KEY_BACKSPACE:
		backspace(editor);
		return true;
	case KT_KEY_DELETE:
	case KT_KEY_CTRL | 'd':
		if (!delete_selection(editor))
			kt_editor_replace(
			        editor, editor->cursor, behind(editor, editor->cursor), "");
		return true;
	case KT_KEY_CTRL | 'k':
	case KT_KEY_CTRL | 'x':
		cut_line(editor);
		return true;
	case KT_KEY_CTRL | 'u':
	case KT_KEY_CTRL | 'v':
		if (editor->clip)
			kt_editor_insert(editor, editor->clip);
		return true;
	default:
		return false;
	}
}

static bool mouse(struct kt_editor *editor, const struct kt_key *key)
{
	int columns;

	if (key->mouse == KT_MOUSE_WHEEL_UP || key->mouse == KT_MOUSE_WHEEL_DOWN) {
		editor->wanted = -1;
		move_lines(editor, key->mouse == KT_MOUSE_WHEEL_UP ? -3 : 3);
		return true;
	}
	if (key->row < editor->area.row || key->row >= editor->area.row + editor->area.rows)
		return false;
	size_t line = KT_MIN(
	               editor->top + (size_t)(key->row - editor->area.row), editor->lines.n - 1),
	       at = 0;
	struct kt_sv text = kt_editor_line(editor, line);
	int target = key->column - editor->area.column + editor->left;

	for (int width = 0; at < text.len && width < target; width += columns)
		at += kt_text_grapheme(text.p + at, text.len - at, &columns);
	editor->cursor = editor->lines.items[line] + at;
	editor->anchor = SIZE_MAX;
	editor->wanted = -1;
	return true;
}

bool kt_editor_key(struct kt_editor *editor, const struct kt_key *key)
{
	uint32_t base = unshifted(key->code);

	if (key->code == KT_KEY_MOUSE)
		return mouse(editor, key);
	if (base) {
		if (editor->anchor == SIZE_MAX)
			editor->anchor = editor->cursor;
		return move_key(editor, base);
	}
	if (move_key(editor, key->code)) {
		editor->anchor = SIZE_MAX;
		return true;
	}
	if (edit_key(editor, key->code)) {
		editor->typing = false;
		return true;
	}
	if (key->code == KT_KEY_ESC && kt_editor_has_selection(editor)) {
		editor->anchor = SIZE_MAX;
		return true;
	}
	if (key->code < 0x20 || key->code >= 0x110000)
		return false;
	char bytes[5] = {0};

	kt_utf8_encode(key->code, bytes);
	kt_editor_insert(editor, bytes);
	editor->typing = true;
	return true;
}
