/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a line of the `:` prompt may go on with: kinds, words of the UI, themes, namespaces,
 * contexts, and for commands what the command table completes. UI thread. */
#ifndef KT_TUI_SUGGEST_H
#define KT_TUI_SUGGEST_H

#include "tui/command/complete.h"
#include "tui/ui.h"

/* A whole line that begins with `line`, from what is known without asking the server; heap, NULL.
 */
char *kt_suggest(struct kt_ui *ui, const char *line);
/* For Tab: may ask the server for names of objects. */
void kt_suggest_candidates(
        struct kt_ui *ui, const char *line, struct kt_candidates *ret_candidates);

/* For a word that means nothing: "a, b" that it may have been meant for; heap, NULL without any. */
char *kt_suggest_similar(struct kt_ui *ui, const char *word);

#endif
