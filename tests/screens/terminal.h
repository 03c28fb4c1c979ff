/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A program in a pty and the screen it draws, as libvterm understands it. */
#ifndef KT_TESTS_SCREENS_TERMINAL_H
#define KT_TESTS_SCREENS_TERMINAL_H

#include "base/str.h"

#include <stdbool.h>
#include <sys/types.h>

struct terminal;

struct terminal *terminal_start(int rows, int columns, const char *term, char *const argv[]);
void terminal_destroy(struct terminal *terminal); /* ends the program */
/* Reads what comes within timeout_ms. False at the end of output or when nothing came. */
bool terminal_read(struct terminal *terminal, int timeout_ms);
/* "a", "enter", "ctrl-d", "shift-left", "up"; false for an unknown name. */
bool terminal_key(struct terminal *terminal, const char *name);
/* A click of the left button; from 0. */
void terminal_click(struct terminal *terminal, int row, int column);
void terminal_type(struct terminal *terminal, const char *text);
void terminal_resize(struct terminal *terminal, int rows, int columns);
pid_t terminal_pid(const struct terminal *terminal);
/* Exit status once the program ended (128 + signal); -1 when it has not after timeout_ms. */
int terminal_wait(struct terminal *terminal, int timeout_ms);
/* Rows of text, each ending in a newline, trailing blanks taken off. */
void terminal_text(const struct terminal *terminal, struct kt_str *out);
/* One byte per cell of the row: what is not ASCII is 0x80. */
void terminal_cells(const struct terminal *terminal, int row, struct kt_str *out);
/* A letter per cell for its style and a legend of the letters behind it. */
void terminal_styles(const struct terminal *terminal, struct kt_str *out);
/* Whether the terminal is in the state it was found in: main screen, cursor visible, canonical mode
 * with echo. */
bool terminal_is_restored(const struct terminal *terminal);
/* Bytes below 0x20 that the program sent inside of text and that are no control a terminal UI
 * needs. */
size_t terminal_bad_bytes(const struct terminal *terminal);

#endif
