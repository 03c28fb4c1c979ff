/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Escape sequences of keys that the terminal's description does not tell: TERM often names another
 * terminal than the one that is there (tmux, screen and PuTTY under TERM=xterm). What no key is
 * known for is swallowed whole and never becomes text in an editor. The forms are ECMA-48's CSI and
 * SS3, the numbers those of xterm ("PC-Style Function Keys") and rxvt. Pure.
 */
#ifndef KT_TUI_SEQUENCE_H
#define KT_TUI_SEQUENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KT_SEQUENCE_MAX 32

/* text: what came behind Esc, "[" or "O" first. True when it is whole, or can become none. */
bool kt_sequence_ends(const char *text, size_t len);
/* The key (screen.h) of a whole sequence; KT_KEY_NONE. */
uint32_t kt_sequence_key(const char *text, size_t len);

#endif
