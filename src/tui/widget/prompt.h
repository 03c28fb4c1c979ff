/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The prompt: `:` for command lines and `/` for filters, with completion, a greyed suggestion and a
 * history that lasts (in the state folder). UI thread.
 */
#ifndef KT_TUI_WIDGET_PROMPT_H
#define KT_TUI_WIDGET_PROMPT_H

#include "tui/ui.h"

struct kt_prompt;

struct kt_prompt *kt_prompt_create(struct kt_ui *ui);
void kt_prompt_destroy(struct kt_prompt *prompt); /* writes the history */
/* mode ':' or '/'. */
void kt_prompt_open(struct kt_prompt *prompt, char mode, const char *text);
void kt_prompt_close(struct kt_prompt *prompt);
bool kt_prompt_is_open(const struct kt_prompt *prompt);
void kt_prompt_key(struct kt_prompt *prompt, const struct kt_key *key);
void kt_prompt_draw(struct kt_prompt *prompt, struct kt_rect area);

#endif
