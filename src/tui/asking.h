/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What asks before it acts: delete, scale, drain, restart, undo, set image, trigger, suspend,
 * apply. Each ends in a command line. UI thread. */
#ifndef KT_TUI_ASKING_H
#define KT_TUI_ASKING_H

#include "tui/ui.h"

/* Opens the dialog of a command that has one; false: it needs none. */
bool kt_ask_before(struct kt_ui *ui, const char *command, const char *line, const char *argument);
/* argument: "deployment/web -n default". */
void kt_ask_image(struct kt_ui *ui, const char *argument);
void kt_ask_trigger(struct kt_ui *ui, const char *argument);
void kt_ask_suspend(struct kt_ui *ui, const char *argument);
void kt_ask_rollback(struct kt_ui *ui, const char *argument);
/* A secret's values in clear. */
void kt_decode_open(struct kt_ui *ui, const char *argument);
/* Runs a line that changes something; its output is told in the flash line. */
void kt_ui_run_quiet(struct kt_ui *ui, const char *line);
/* Path of "TYPE/NAME [-n NAMESPACE]"; heap, NULL with a flash. resource may be NULL. */
char *kt_target_path_of(
        struct kt_ui *ui, const char *argument, const struct kt_resource **ret_resource);

#endif
