/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Server-side apply as kubectl does it. */
#ifndef KT_TUI_COMMAND_APPLY_SERVER_H
#define KT_TUI_COMMAND_APPLY_SERVER_H

#include "tui/command/target.h"

#define KT_CLIENT_SIDE_MANAGER "kubectl-client-side-apply"
#define KT_SERVER_SIDE_MANAGER "kubectl"

/* Applies the target's object. What an earlier client-side apply owned goes over to the manager
 * that applies now, so that what the manifest lacks is taken away; a failure of that is only told,
 * for the object is applied. The object as stored, a new reference; NULL with err. */
json_t *kt_apply_server_side(
        struct kt_command_context *ctx, const struct kt_target *target, struct kt_err *err);

#endif
