/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Keys of the person's own (custom.h) at work: where they apply, what their variables stand for,
 * asking before, and the programs of plugins - on the terminal, or in the background with their
 * output told at the end. Programs are run directly, without a shell, except for `pipes`.
 * UI thread.
 */
#ifndef KT_TUI_PLUGIN_H
#define KT_TUI_PLUGIN_H

#include "tui/custom.h"
#include "tui/ui.h"

bool kt_plugin_applies(
        const struct kt_ui *ui, const struct kt_view *view, const struct kt_custom_key *key);
/* With override: only those that beat a key of the key table. NULL: none. */
const struct kt_custom_key *kt_plugin_find(
        struct kt_ui *ui, const struct kt_view *view, uint32_t code, bool override);
void kt_plugin_run(struct kt_ui *ui, struct kt_view *view, const struct kt_custom_key *key);
/* Reads the files of the present context; what is wrong in them is told. */
void kt_plugins_load(struct kt_ui *ui);

#endif
