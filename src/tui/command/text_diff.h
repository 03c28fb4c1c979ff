/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Differences of two texts line by line: for `diff` and the editor's preview.
 * Source: Myers, "An O(ND) Difference Algorithm and Its Variations" (1986). Texts beyond
 * KT_DIFF_LINES_MAX lines are taken as changed as a whole.
 */
#ifndef KT_TUI_COMMAND_TEXT_DIFF_H
#define KT_TUI_COMMAND_TEXT_DIFF_H

#include "base/str.h"

#include <stdbool.h>
#include <stdio.h>

#define KT_DIFF_LINES_MAX 20000

enum kt_diff_kind { KT_DIFF_SAME, KT_DIFF_REMOVED, KT_DIFF_ADDED };

struct kt_diff_line {
	enum kt_diff_kind kind;
	struct kt_sv text;         /* points into the text it came from, without its line end */
	size_t old_line, new_line; /* from 0; of the line, or of where it would be */
};

struct kt_diff {
	struct kt_diff_line *lines;
	size_t n;
	size_t n_changed; /* lines that are not KT_DIFF_SAME */
};

void kt_text_diff(const char *old_text, const char *new_text, struct kt_diff *ret_diff);
void kt_diff_finish(struct kt_diff *diff);

struct kt_diff_names {
	const char *old_name, *new_name;
};
/* Unified form with three lines around; nothing when equal. Returns 1 when they differ. */
int kt_text_diff_print(FILE *out, const char *old_text, const char *new_text,
        const struct kt_diff_names *names, bool color);

#endif
