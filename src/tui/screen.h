/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The terminal: the only file that includes ncurses and the only path to the screen. Text from the
 * cluster is escaped here, in one function: no byte below 0x20 or in 0x7f-0x9f is ever sent
 * (CVE-2021-25743). Colours are 24-bit and become what the terminal has.
 *
 * One screen per process, UI thread only. kt_screen_open() arranges that the terminal is restored
 * whatever happens: on return, on a fatal signal, on a failed assertion.
 */
#ifndef KT_TUI_SCREEN_H
#define KT_TUI_SCREEN_H

#include "base/err.h"
#include "tui/color.h"

#include <stdbool.h>
#include <stdint.h>

#define KT_SCREEN_ROWS_MIN 6
#define KT_SCREEN_COLUMNS_MIN 24

enum kt_attribute {
	KT_ATTR_BOLD = 1,
	KT_ATTR_DIM = 2,
	KT_ATTR_UNDERLINE = 4,
	KT_ATTR_REVERSE = 8,
};

struct kt_style {
	kt_color fg, bg;
	unsigned attributes; /* enum kt_attribute */
};

/* Keys: code points as they are; the others below. */
enum kt_key_code {
	KT_KEY_NONE = 0,
	KT_KEY_ENTER = 0x110000,
	KT_KEY_ESC,
	KT_KEY_TAB,
	KT_KEY_BACKTAB,
	KT_KEY_BACKSPACE,
	KT_KEY_DELETE,
	KT_KEY_INSERT,
	KT_KEY_UP,
	KT_KEY_DOWN,
	KT_KEY_LEFT,
	KT_KEY_RIGHT,
	KT_KEY_SHIFT_UP,
	KT_KEY_SHIFT_DOWN,
	KT_KEY_SHIFT_LEFT,
	KT_KEY_SHIFT_RIGHT,
	KT_KEY_HOME,
	KT_KEY_END,
	KT_KEY_PAGE_UP,
	KT_KEY_PAGE_DOWN,
	KT_KEY_F1, /* … F12 follow */
	KT_KEY_F12 = KT_KEY_F1 + 11,
	KT_KEY_MOUSE,
	KT_KEY_RESIZE,
	KT_KEY_PASTE_BEGIN, /* bracketed paste */
	KT_KEY_PASTE_END,
	KT_KEY_CTRL = 0x200000, /* added to 'a'…'z', ' ', '\\' */
	KT_KEY_ALT = 0x400000,  /* added to any */
};

enum kt_mouse {
	KT_MOUSE_CLICK,
	KT_MOUSE_DOUBLE_CLICK,
	KT_MOUSE_RIGHT_CLICK,
	KT_MOUSE_WHEEL_UP,
	KT_MOUSE_WHEEL_DOWN
};

struct kt_key {
	uint32_t code;
	enum kt_mouse mouse; /* KT_KEY_MOUSE */
	int row, column;
};

/* -ENOTTY without a terminal, -EINVAL for a TERM that cannot move the cursor. The message is for a
 * person. */
int kt_screen_open(bool mouse, struct kt_err *err);
void kt_screen_close(void); /* idempotent */
bool kt_screen_is_open(void);
/* Leaves the screen to another program ($EDITOR, a shell) and takes it back. */
void kt_screen_suspend(void);
void kt_screen_resume(void);

void kt_screen_size(int *ret_rows, int *ret_columns);
bool kt_screen_too_small(void);
int kt_screen_colors(void);   /* 1 << 24, 256, 16, 8 or 0 */
bool kt_screen_unicode(void); /* the locale is UTF-8: lines and blocks may be drawn */

/* A descriptor that becomes readable when the terminal changed its size; kt_screen_resized() then
 * takes the new one. */
int kt_screen_resize_fd(void);
void kt_screen_resized(void);

/* The next key that is there, without waiting; KT_KEY_NONE when there is none. -EIO when the
 * terminal is gone. */
int kt_screen_read(struct kt_key *ret_key);

/* Text (base64) for the terminal's clipboard: OSC 52. */
void kt_screen_copy(const char *base64);

/* Drawing changes a frame in memory; kt_screen_present() sends what differs. */
void kt_screen_clear(struct kt_style style);
void kt_screen_present(void);
void kt_screen_redraw(void);                /* the next present sends everything */
void kt_screen_cursor(int row, int column); /* row -1: hidden */

/* Text of at most `width` columns, escaped; the rest is cut, with … at the cut when `ellipsis`.
 * Returns the columns used. Bytes that are no UTF-8 show as \xNN. */
int kt_draw_text(int row, int column, int width, const char *text, size_t len,
        struct kt_style style, bool ellipsis);
/* Like kt_draw_text for NUL-terminated text, filling up to width with blanks. */
int kt_draw_cell(int row, int column, int width, const char *text, struct kt_style style);
void kt_draw_fill(int row, int column, int width, char c, struct kt_style style);
/* A frame with a title in its upper edge (may be NULL). */
void kt_draw_box(int row, int column, int rows, int columns, struct kt_style style);
void kt_draw_hline(int row, int column, int width, struct kt_style style);
void kt_draw_vline(int row, int column, int height, struct kt_style style);

/* Columns that kt_draw_text would use without a limit. */
int kt_text_width(const char *text, size_t len);
/* Bytes of the first grapheme (a character with its combining marks) and its columns. */
size_t kt_text_grapheme(const char *text, size_t len, int *ret_columns);

#endif
