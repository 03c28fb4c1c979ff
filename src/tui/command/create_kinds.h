/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `create deployment`, `create configmap` …: common objects by a few words, each a subcommand of
 * create. */
#ifndef KT_TUI_COMMAND_CREATE_KINDS_H
#define KT_TUI_COMMAND_CREATE_KINDS_H

#include "tui/command/target.h"

extern const struct kt_command *const kt_create_kinds[]; /* NULL-terminated */

/* Sends one object to the server (or only shows it) as create's options say; used by every
 * subcommand. */
int kt_create_object(
        struct kt_command_context *ctx, const struct kt_target *target, struct kt_err *err);

#endif
