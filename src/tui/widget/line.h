/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One line of text being typed, with a cursor that moves by characters and words. For the prompt
 * and for fields of dialogs. */
#ifndef KT_TUI_WIDGET_LINE_H
#define KT_TUI_WIDGET_LINE_H

#include "base/str.h"
#include "tui/screen.h"

#include <stdbool.h>

#define KT_LINE_MAX_BYTES 4096

struct kt_line {
	struct kt_str text;
	size_t cursor; /* byte */
};

void kt_line_finish(struct kt_line *line);
void kt_line_set(struct kt_line *line, const char *text); /* cursor at the end */
const char *kt_line_text(const struct kt_line *line);
/* True when the key was one of editing. */
bool kt_line_key(struct kt_line *line, const struct kt_key *key);
/* Draws with the cursor visible in `width`, and places the terminal's cursor when focused. Returns
 * the column behind the text. */
int kt_line_draw(const struct kt_line *line, int row, int column, int width, struct kt_style style,
        bool focused);

#endif
