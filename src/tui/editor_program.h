/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The editor of the person: $K9S_EDITOR, $KUBE_EDITOR, $VISUAL or $EDITOR, else vi. It gets the
 * terminal until it ends. UI thread. */
#ifndef KT_TUI_EDITOR_PROGRAM_H
#define KT_TUI_EDITOR_PROGRAM_H

#include "tui/ui.h"

/* 0; an editor that fails is an error, too. */
int kt_editor_program_run(struct kt_ui *ui, const char *file, struct kt_err *err);

#endif
