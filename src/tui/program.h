/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A program in the background: without the terminal, its output kept (the first
 * KT_PROGRAM_OUTPUT_MAX bytes) and told when it ends, in one line below or as a page – which waits
 * for `:output` when the person has gone elsewhere meanwhile. It outlives the UI. UI thread.
 */
#ifndef KT_TUI_PROGRAM_H
#define KT_TUI_PROGRAM_H

#include "tui/ui.h"

#define KT_PROGRAM_OUTPUT_MAX (256u << 10)

/* argv is needed for the call only. 0 or negative errno. */
int kt_program_start(
        struct kt_ui *ui, char *const argv[], const char *description, struct kt_err *err);
void kt_program_show_output(struct kt_ui *ui, const char *argument); /* of the last */
void kt_programs_forget(struct kt_ui *ui); /* at the end: nothing is told any more */

#endif
