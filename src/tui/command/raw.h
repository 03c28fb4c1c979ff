/* SPDX-License-Identifier: GPL-3.0-or-later */
/* --raw of get, create, replace and delete: one request to a path of the server, and its answer as
 * it comes. */
#ifndef KT_TUI_COMMAND_RAW_H
#define KT_TUI_COMMAND_RAW_H

#include "tui/command/command.h"

/* The path is that of the option. The body is the one file of -f, which `needs_file` insists on. An
 * exit code. */
int kt_run_raw(struct kt_command_context *ctx, const char *method, bool needs_file);

#endif
