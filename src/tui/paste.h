/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bracketed paste: what is pasted is text, never keys. A line of text (prompt, dialog) takes it
 * with blanks for its line ends, so that nothing runs before Enter; the editor as it stands, as
 * one step of undo; where nothing is typed it is refused, for a manifest pasted into a table would
 * mark, delete and scale. UI thread.
 */
#ifndef KT_TUI_PASTE_H
#define KT_TUI_PASTE_H

#include "tui/ui.h"

/* True when the key belongs to a paste. Esc and Ctrl-C give one up that does not end. */
bool kt_paste_key(struct kt_ui *ui, const struct kt_key *key);

#endif
