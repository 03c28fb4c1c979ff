/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs the plugins over a snapshot for one pod: the whole decision, without any input or output.
 * framework.c holds the one table of plugins. A pod that fits nowhere is looked at by preemption.c:
 * which pods of lower priority would have to go?
 */
#ifndef KT_CLUSTER_SCHEDULER_FRAMEWORK_H
#define KT_CLUSTER_SCHEDULER_FRAMEWORK_H

#include "base/loop.h"
#include "cluster/scheduler/plugin.h"

#define KT_PLUGINS_MAX 24

/* Why one node does not fit. */
struct kt_node_refusal {
	const struct kt_node_info *node;
	const struct kt_plugin *plugin;
	enum kt_plugin_code code;
	const char *const *reasons; /* arena memory */
	size_t n_reasons;
};

/* A node where the pod would fit if some pods of lower priority went. */
struct kt_candidate {
	struct kt_node_info *node;
	struct kt_pod_info **victims;   /* the most important first */
	size_t n_victims, n_violations; /* disruption budgets that would be overdrawn */
};

/* What preemption found; arena memory. */
struct kt_preemption {
	bool ran, eligible;
	struct kt_candidate *candidates;
	size_t n_candidates;
	const struct kt_candidate *chosen; /* NULL: none helps */
	const char *message;               /* what it adds to the refusal; NULL when chosen */
};

struct kt_decision {
	struct kt_node_info *node; /* NULL: unschedulable */
	char *message;  /* why not, as the event and the condition say it; heap; NULL when node is
	                   set */
	uint32_t wakes; /* events that may change the answer (bits of all plugins that refused) */
	bool pre_filter_refused;
	/* For tests and explanations; arena memory. */
	struct kt_node_refusal *refusals;
	size_t n_refusals;
	struct kt_node_info **feasible;
	size_t n_feasible;
	int64_t *totals; /* of the feasible; NULL: there was no choice */
	struct kt_preemption preemption;
};

/* The plugins in order; NULL-terminated. */
extern const struct kt_plugin *const kt_plugins[];

/* May the pod enter the queue? False with a reason in arena memory. *ret_plugin may be NULL. */
bool kt_framework_pre_enqueue(
        const struct kt_object *pod, struct kt_arena *arena, const char **ret_reason);

/* The best node; ties are broken by the loop's random source (loop NULL: the first).
 * The result lives in the arena, apart from message. */
void kt_framework_schedule(struct kt_snapshot *snapshot, const struct kt_pod_info *pod,
        struct kt_loop *loop, struct kt_arena *arena, struct kt_decision *ret_decision);
void kt_decision_finish(struct kt_decision *decision);

#endif
