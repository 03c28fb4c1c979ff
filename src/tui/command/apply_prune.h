/* SPDX-License-Identifier: GPL-3.0-or-later */
/* apply --prune: what was applied earlier and is in the manifests no more goes. */
#ifndef KT_TUI_COMMAND_APPLY_PRUNE_H
#define KT_TUI_COMMAND_APPLY_PRUNE_H

#include "tui/command/target.h"

/* What apply has done so far; its lists are borrowed. */
struct kt_applied {
	json_t *results;           /* for -o: the objects */
	json_t *uids, *namespaces; /* sets: of the objects that stay, and where they are */
};

/* 0, or why --prune is not possible with the other options. */
int kt_prune_check(const struct kt_command_context *ctx, struct kt_err *err);
/* An exit code. */
int kt_prune(struct kt_command_context *ctx, const struct kt_applied *applied);
/* The body of a DELETE as the options cascade, grace-period and dry-run ask. New reference. */
json_t *kt_delete_options(const struct kt_command_context *ctx);

#endif
