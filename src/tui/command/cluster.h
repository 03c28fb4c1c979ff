/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Commands about embedded clusters: up, down, list, snapshot, and `delete NAME`. Their entries
 * stand in the command table like all others; what they do needs the whole program, so main gives
 * it as hooks.
 */
#ifndef KT_TUI_COMMAND_CLUSTER_H
#define KT_TUI_COMMAND_CLUSTER_H

#include "tui/command/command.h"

struct kt_cluster_hooks {
	int (*up)(struct kt_command_context *ctx);
	int (*down)(struct kt_command_context *ctx);
	int (*delete)(struct kt_command_context *ctx);
	bool (*exists)(const char *name);
	int (*list)(struct kt_command_context *ctx);
	int (*snapshot_save)(struct kt_command_context *ctx);
	int (*snapshot_restore)(struct kt_command_context *ctx);
};

/* Set once by main before any command runs; without them the commands say that this program holds
 * no clusters. */
void kt_cluster_hooks_set(const struct kt_cluster_hooks *hooks);

/* `delete [NAME]` without any option of delete means an embedded cluster: without NAME, or when
 * there is one of that name and no kind is called so. */
bool kt_cluster_delete_is_meant(const struct kt_command_context *ctx);
/* It would have been one, had there been a cluster of that name. */
bool kt_cluster_delete_was_possible(const struct kt_command_context *ctx);
int kt_cluster_delete(struct kt_command_context *ctx);

#endif
