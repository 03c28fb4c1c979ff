/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text to look at: scrolling, wrapping, search with n and N, following what is appended, a filter
 * that leaves only hits. Limits: the oldest half goes when KT_TEXT_LINES_MAX is reached. UI thread.
 */
#ifndef KT_TUI_WIDGET_TEXT_H
#define KT_TUI_WIDGET_TEXT_H

#include "base/vec.h"
#include "tui/filter.h"
#include "tui/screen.h"
#include "tui/theme.h"
#include "tui/widget/table.h"

#define KT_TEXT_LINES_MAX 200000u

enum kt_highlight { KT_PLAIN, KT_YAML, KT_DESCRIBE, KT_DIFF, KT_LOGS };

struct kt_text {
	struct kt_str bytes;
	KT_VEC(size_t) lines; /* where each begins */
	KT_VEC(size_t) shown; /* lines the filter leaves; used when hits_only */
	struct kt_filter filter;
	bool hits_only; /* the filter hides what does not match (logs) */
	bool open_line; /* the last line has no end yet */
	bool wrap, follow;
	size_t top; /* first line on the screen, among those shown */
	int left;   /* columns scrolled away */
	size_t hit; /* line of the current hit, SIZE_MAX: none */
	enum kt_highlight highlight;
	struct kt_rect area;
};

void kt_text_init(struct kt_text *text, enum kt_highlight highlight);
void kt_text_finish(struct kt_text *text);
void kt_text_clear(struct kt_text *text);
void kt_text_add(struct kt_text *text, struct kt_sv piece);
size_t kt_text_lines(const struct kt_text *text);                   /* those shown */
struct kt_sv kt_text_line(const struct kt_text *text, size_t line); /* of those shown */
void kt_text_filter(struct kt_text *text, const char *pattern);
size_t kt_text_hits(const struct kt_text *text);
bool kt_text_next_hit(struct kt_text *text, bool forward);
void kt_text_show_line(struct kt_text *text, size_t line);
bool kt_text_key(struct kt_text *text, const struct kt_key *key);
void kt_text_draw(struct kt_text *text, const struct kt_theme *theme, struct kt_rect area);
/* Styles of one line's bytes under a highlighting: calls put for each piece. Used by the editor
 * too. */
typedef void kt_piece_fn(void *arg, size_t start, size_t end, struct kt_style style);
void kt_highlight_line(const struct kt_theme *theme, enum kt_highlight highlight, struct kt_sv line,
        kt_piece_fn *put, void *arg);

#endif
