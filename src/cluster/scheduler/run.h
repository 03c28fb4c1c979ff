/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One decision under way: what framework.c, preemption.c and message.c share. Nobody else includes
 * this.
 */
#ifndef KT_CLUSTER_SCHEDULER_RUN_H
#define KT_CLUSTER_SCHEDULER_RUN_H

#include "cluster/scheduler/framework.h"

struct kt_run {
	struct kt_cycle cycle;
	struct kt_snapshot *snapshot; /* changed only by put and take, and back again */
	struct kt_loop *loop;         /* randomness; NULL: none */
	void *state[KT_PLUGINS_MAX];
	bool skip_filter[KT_PLUGINS_MAX], skip_score[KT_PLUGINS_MAX];
	struct kt_reasons reasons; /* of the last filter that refused */
	struct kt_decision *decision;
};

/* Does the node pass all filters, with the pods nominated there and without them? Else the plugin
 * that refuses and, in run->reasons, why. */
enum kt_plugin_code kt_run_filter(
        struct kt_run *run, struct kt_node_info *node, const struct kt_plugin **ret_plugin);
/* The pod is (not) on the node for a while. */
void kt_run_put(struct kt_run *run, struct kt_node_info *node, struct kt_pod_info *pod);
void kt_run_take(struct kt_run *run, struct kt_pod_info *pod);

/* For a pod that fits nowhere: fills run->decision->preemption. */
void kt_run_preemption(struct kt_run *run);

/* "0/3 nodes are available: 1 Insufficient cpu, 2 …." of these refusals. */
void kt_write_refusals(struct kt_str *out, size_t n_nodes, const struct kt_node_refusal *refusals,
        size_t n, struct kt_arena *arena);
/* The whole text of the condition and the event; heap. */
char *kt_run_message(struct kt_run *run);

#endif
