/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Help texts from the command table: `kube-tui help`, `kube-tui VERB --help`, and what the manual
 * is made of. */
#ifndef KT_TUI_COMMAND_HELP_H
#define KT_TUI_COMMAND_HELP_H

#include "tui/command/command.h"

void kt_help_overview(FILE *out);
void kt_help_command(const struct kt_command *command, FILE *out);
/* "TYPE" and the like for the usage line and completion lists: one line per option, aligned. */
void kt_help_options(const struct kt_option *options, FILE *out);

#endif
