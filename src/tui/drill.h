/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From an object to what belongs to it: Enter (down), Shift-J (to its owner), `owned KIND`. UI
 * thread. */
#ifndef KT_TUI_DRILL_H
#define KT_TUI_DRILL_H

#include "tui/ui.h"

/* how: "enter", "owner", "owned" (argument: plural). */
void kt_drill(struct kt_ui *ui, const struct kt_resource *resource, const struct kt_row *row,
        const char *how, const char *argument);

#endif
