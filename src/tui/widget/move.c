/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/widget/move.h"

#include "tui/screen.h"

#include "base/mem.h"

enum kt_move kt_move_of(uint32_t key)
{
	switch (key) {
	case KT_KEY_UP:
	case 'k':
		return KT_MOVE_UP;
	case KT_KEY_DOWN:
	case 'j':
		return KT_MOVE_DOWN;
	case KT_KEY_PAGE_UP:
	case KT_KEY_CTRL | 'b':
		return KT_MOVE_PAGE_UP;
	case KT_KEY_PAGE_DOWN:
	case KT_KEY_CTRL | 'f':
		return KT_MOVE_PAGE_DOWN;
	case KT_KEY_HOME:
	case 'g':
		return KT_MOVE_FIRST;
	case KT_KEY_END:
	case 'G':
		return KT_MOVE_LAST;
	case KT_KEY_LEFT:
	case 'h':
		return KT_MOVE_LEFT;
	case KT_KEY_RIGHT:
	case 'l':
		return KT_MOVE_RIGHT;
	default:
		return KT_MOVE_NONE;
	}
}

size_t kt_move_index(enum kt_move move, size_t at, size_t n, size_t page)
{
	size_t last = n ? n - 1 : 0, step = KT_MAX(page, (size_t)1);

	switch (move) {
	case KT_MOVE_UP:
		return at ? at - 1 : 0;
	case KT_MOVE_DOWN:
		return KT_MIN(at + 1, last);
	case KT_MOVE_PAGE_UP:
		return at - KT_MIN(at, step);
	case KT_MOVE_PAGE_DOWN:
		return KT_MIN(at + step, last);
	case KT_MOVE_FIRST:
		return 0;
	case KT_MOVE_LAST:
		return last;
	case KT_MOVE_NONE:
	case KT_MOVE_LEFT:
	case KT_MOVE_RIGHT:
		break;
	}
	return KT_MIN(at, last);
}
