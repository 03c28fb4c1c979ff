/* SPDX-License-Identifier: GPL-3.0-or-later */
/* up, down, delete and list of embedded clusters: the commands that start and end processes. */
#ifndef KT_CLUSTER_COMMANDS_H
#define KT_CLUSTER_COMMANDS_H

#include <stdbool.h>
#include <stdint.h>

/* Is argv (without the program's name) one of these commands? `delete NAME` is, `delete TYPE NAME` is kubectl's. */
bool kt_cluster_command_is(int argc, char *const *argv);
/* Runs it; started_ns: monotonic time of the program's start. Before any thread exists. Returns the exit code. */
int kt_cluster_command_run(int argc, char *const *argv, int64_t started_ns);

#endif
