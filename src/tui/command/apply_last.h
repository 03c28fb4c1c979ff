/* SPDX-License-Identifier: GPL-3.0-or-later */
/* apply view-, set- and edit-last-applied: the annotation in which a client-side apply keeps
 * the manifest. */
#ifndef KT_TUI_COMMAND_APPLY_LAST_H
#define KT_TUI_COMMAND_APPLY_LAST_H

#include "tui/command/target.h"

#define KT_LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"

/* The object with itself as its annotation, as the next apply will want to find it; namespace:
 * where it goes, or NULL. New reference. */
json_t *kt_with_last_applied(
        const struct kt_command_context *ctx, const json_t *object, const char *namespace);

/* What an apply would make of the object (live: as it is now, or NULL), as the server says without
 * storing it. New reference; NULL with err. In apply.c. */
json_t *kt_apply_try(struct kt_command_context *ctx, const struct kt_target *target,
        const json_t *live, struct kt_err *err);

extern const struct kt_command kt_command_edit_last_applied;
extern const struct kt_command kt_command_view_last_applied;
extern const struct kt_command kt_command_set_last_applied;

#endif
