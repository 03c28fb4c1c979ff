/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Edit in place: an object's YAML in the editor, checked against its schema, tried on the server,
 * shown as a diff, applied. UI thread. */
#ifndef KT_TUI_VIEW_EDIT_H
#define KT_TUI_VIEW_EDIT_H

#include "tui/ui.h"

/* argument: "deployment/web -n default". */
void kt_edit_open(struct kt_ui *ui, const char *argument);

#endif
