/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Revisions of a workload: a Deployment's are its ReplicaSets, a StatefulSet's and a DaemonSet's
 * are ControllerRevisions. History and undo for `rollout` and for the terminal UI.
 */
#ifndef KT_TUI_COMMAND_ROLLOUT_HISTORY_H
#define KT_TUI_COMMAND_ROLLOUT_HISTORY_H

#include "tui/command/target.h"

/* revision 0: the list of all; else the template of that one. */
int kt_rollout_history_print(struct kt_command_context *ctx, const struct kt_target *target,
        int64_t revision, struct kt_err *err);
/* revision 0: the one before the current. */
int kt_rollout_undo(struct kt_command_context *ctx, const struct kt_target *target,
        int64_t revision, struct kt_err *err);

#endif
