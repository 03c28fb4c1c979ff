/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Differences of two texts by lines, and the merge of three. Exact up to KT_DIFF_CELLS_MAX line
 * pairs behind equal ends; larger middles count as one change. Pure.
 */
#ifndef KT_TUI_DIFF_H
#define KT_TUI_DIFF_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

#define KT_DIFF_CELLS_MAX (16u << 20)

/* A unified diff with `context` lines around changes, without file headers. Returns the number of
 * lines that differ. */
size_t kt_lines_diff(const char *before, const char *after, int context, struct kt_str *out);
/* What two sides made of one base. Where both changed the same lines differently both are written
 * between markers
 * (<<<<<<< mine, ||||||| base, =======, >>>>>>> theirs). Returns the number of such conflicts. */
size_t kt_lines_merge(const char *base, const char *mine, const char *theirs, struct kt_str *out);

#endif
