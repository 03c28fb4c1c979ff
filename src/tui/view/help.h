/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Help pages, made from the key table and from the command table. UI thread. */
#ifndef KT_TUI_VIEW_HELP_H
#define KT_TUI_VIEW_HELP_H

#include "tui/ui.h"

struct kt_view *kt_help_view_create(struct kt_ui *ui); /* keys of the view on top */
struct kt_view *kt_command_help_view_create(struct kt_ui *ui, const struct kt_command *command);

#endif
