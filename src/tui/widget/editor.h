/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A text editor in place: one text, a cursor, a selection, undo and redo, search, notes on lines
 * (what is wrong there), YAML colours. Lines are found anew after each change: texts are objects of
 * some thousand lines. UI thread.
 */
#ifndef KT_TUI_WIDGET_EDITOR_H
#define KT_TUI_WIDGET_EDITOR_H

#include "base/vec.h"
#include "tui/filter.h"
#include "tui/screen.h"
#include "tui/theme.h"
#include "tui/widget/table.h"

#define KT_EDITOR_MAX_BYTES (3u << 20) /* what a server takes as a body */

struct kt_editor_change {
	size_t at;
	char *removed, *inserted;
	size_t cursor; /* before */
};

struct kt_editor_note {
	size_t line; /* from 0 */
	bool error;  /* else a warning */
	char *text;
};

struct kt_editor {
	struct kt_str text;
	KT_VEC(size_t) lines; /* where each begins */
	size_t cursor;
	size_t anchor; /* other end of the selection; SIZE_MAX: none */
	int wanted;    /* column that Up and Down aim at; -1: where the cursor is */
	size_t top;
	int left;
	KT_VEC(struct kt_editor_change) changes;
	size_t done;  /* changes that are in force; the others can be redone */
	bool typing;  /* the last change may grow */
	bool is_full; /* the last change found no room */
	KT_VEC(struct kt_editor_note) notes;
	struct kt_filter search;
	char *clip;
	struct kt_rect area;
	uint64_t version; /* counts changes */
};

void kt_editor_init(struct kt_editor *editor);
void kt_editor_finish(struct kt_editor *editor);
void kt_editor_set(struct kt_editor *editor, const char *text); /* forgets undo */
const char *kt_editor_text(const struct kt_editor *editor);
/* Bytes [from, to) become text; one step of undo. The cursor goes behind it. Nothing happens but
 * is_full when the text would become larger than a server takes. */
void kt_editor_replace(struct kt_editor *editor, size_t from, size_t to, const char *text);
void kt_editor_insert(struct kt_editor *editor, const char *text); /* for the selection, if any */
bool kt_editor_undo(struct kt_editor *editor);
bool kt_editor_redo(struct kt_editor *editor);
size_t kt_editor_line_of(const struct kt_editor *editor, size_t offset);
struct kt_sv kt_editor_line(const struct kt_editor *editor, size_t line);
void kt_editor_go_to_line(struct kt_editor *editor, size_t line);
/* Selects a hit. NULL, or the last pattern again while its hit is selected: the next one. */
bool kt_editor_find(struct kt_editor *editor, const char *pattern);
/* All hits, as one step of undo; how many. */
size_t kt_editor_replace_all(struct kt_editor *editor, const char *pattern, const char *with);
bool kt_editor_has_selection(const struct kt_editor *editor);
char *kt_editor_selection(const struct kt_editor *editor); /* heap, "" without */
void kt_editor_clear_notes(struct kt_editor *editor);
void kt_editor_add_note(struct kt_editor *editor, size_t line, bool error, const char *text);
const struct kt_editor_note *kt_editor_note_at(const struct kt_editor *editor, size_t line);
bool kt_editor_key(struct kt_editor *editor, const struct kt_key *key);
void kt_editor_draw(struct kt_editor *editor, const struct kt_theme *theme, struct kt_rect area);
/* Where the cursor is on the screen, for pop-ups. */
void kt_editor_cursor_at(const struct kt_editor *editor, int *ret_row, int *ret_column);

#endif
