/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One frame of the terminal UI: header, menu, prompt, the top view in its box, crumbs, flash line,
 * dialog. UI thread. */
#ifndef KT_TUI_FRAME_H
#define KT_TUI_FRAME_H

#include "tui/ui.h"

void kt_frame_draw(struct kt_ui *ui);
/* A click outside of the view: a menu entry or a crumb. */
void kt_frame_click(struct kt_ui *ui, const struct kt_key *key);

#endif
