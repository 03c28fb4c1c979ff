/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Waiting for objects, by watch and never by polling: what `wait`, `delete`, `rollout status` and
 * the prompt's `assert … within` stand on. Ends early when the context is cancelled.
 */
#ifndef KT_TUI_COMMAND_WAIT_H
#define KT_TUI_COMMAND_WAIT_H

#include "tui/command/target.h"

/* Called with the object as it is now (NULL: it does not exist) at first and after every change. 1:
 * done; 0: go on; negative: give up with err. */
typedef int kt_wait_fn(void *arg, const json_t *object, struct kt_err *err);

/* target without a name: any change in its collection calls fn. -ETIMEDOUT `timed out waiting for
 * the condition on pods/x`; -ECANCELED. timeout_ns 0: no limit. */
int kt_wait_for(struct kt_command_context *ctx, const struct kt_target *target, int64_t timeout_ns,
        kt_wait_fn *fn, void *arg, struct kt_err *err);

/* Until every target (with its uid in `live`, when known) is gone. timeout_ns 0: a week. Prints
 * errors; an exit code. */
int kt_wait_deleted(
        struct kt_command_context *ctx, const struct kt_targets *targets, int64_t timeout_ns);

#endif
