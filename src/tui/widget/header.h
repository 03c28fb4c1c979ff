/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The header: what cluster this is, how full it is, which keys do what here. UI thread. */
#ifndef KT_TUI_WIDGET_HEADER_H
#define KT_TUI_WIDGET_HEADER_H

#include "tui/ui.h"

#define KT_HEADER_ROWS 7

void kt_header_draw(const struct kt_ui *ui, struct kt_rect area);
/* One line of it, for low terminals. */
void kt_header_draw_line(const struct kt_ui *ui, struct kt_rect area);
/* The key of the menu entry at this place; KT_KEY_NONE. */
uint32_t kt_header_key_at(const struct kt_ui *ui, struct kt_rect area, int row, int column);

#endif
