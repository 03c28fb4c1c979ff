/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `up`: starts an embedded cluster in a process of its own, or serves it in this one. */
#ifndef KT_CLUSTER_UP_H
#define KT_CLUSTER_UP_H

#include "tui/command/command.h"

/* argv without the program's name, kept; started_ns: monotonic time of the program's start. `up`
 * starts the program again with the same words. */
void kt_cluster_up_init(int argc, char *const *argv, int64_t started_ns);
int kt_cluster_up(struct kt_command_context *ctx);

#endif
