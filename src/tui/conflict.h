/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Conflicts in a merged text as kt_lines_merge() writes them: finding one, settling one. Pure. */
#ifndef KT_TUI_CONFLICT_H
#define KT_TUI_CONFLICT_H

#include "base/str.h"

#include <stdbool.h>

#define KT_CONFLICT_MINE "<<<<<<< mine"
#define KT_CONFLICT_BASE "||||||| base"
#define KT_CONFLICT_MIDDLE "======="
#define KT_CONFLICT_THEIRS ">>>>>>> theirs"

struct kt_conflict {
	size_t start, end; /* bytes of the whole, with its marks */
	struct kt_sv mine, theirs;
};

/* The conflict at this byte or the next behind it; else the first of the text. False: there is
 * none. */
bool kt_conflict_find(const char *text, size_t at, struct kt_conflict *ret_conflict);

#endif
