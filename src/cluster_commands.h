/* SPDX-License-Identifier: GPL-3.0-or-later */
/* up, down, delete, list and snapshot of embedded clusters: what the command table's entries
 * (tui/command/cluster.h) do. */
#ifndef KT_CLUSTER_COMMANDS_H
#define KT_CLUSTER_COMMANDS_H

#include <stdint.h>

/* Gives the hooks. argv without the program's name, kept; started_ns: monotonic time of the
 * program's start. Before any command runs: `up` starts the program again and must find it without
 * threads. */
void kt_cluster_commands_init(int argc, char *const *argv, int64_t started_ns);

#endif
