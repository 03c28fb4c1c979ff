/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files and the clipboard: saved tables and texts go to the folder screen-dumps of the state
 * folder; copies by OSC 52. UI thread. */
#ifndef KT_TUI_SAVE_H
#define KT_TUI_SAVE_H

#include "tui/ui.h"

char *kt_dump_folder(const struct kt_ui *ui); /* heap; it need not be there yet */
/* Tells in the flash line where it is. */
void kt_save_dump(struct kt_ui *ui, const char *name, struct kt_sv content);
void kt_copy(struct kt_ui *ui, struct kt_sv text);

#endif
