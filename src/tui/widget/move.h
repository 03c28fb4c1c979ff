/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The keys that move, the same in tables, texts, trees and tiles: arrows, hjkl, g and G, pages by
 * PgUp, PgDn, Ctrl-B and Ctrl-F. Pure. */
#ifndef KT_TUI_WIDGET_MOVE_H
#define KT_TUI_WIDGET_MOVE_H

#include <stddef.h>
#include <stdint.h>

enum kt_move {
	KT_MOVE_NONE,
	KT_MOVE_UP,
	KT_MOVE_DOWN,
	KT_MOVE_PAGE_UP,
	KT_MOVE_PAGE_DOWN,
	KT_MOVE_FIRST,
	KT_MOVE_LAST,
	KT_MOVE_LEFT,
	KT_MOVE_RIGHT
};

enum kt_move kt_move_of(uint32_t key);
/* Where a cursor at `at` of n things goes; to the side it stays. page: things on the screen. */
size_t kt_move_index(enum kt_move move, size_t at, size_t n, size_t page);

#endif
