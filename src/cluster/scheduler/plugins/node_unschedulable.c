/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NodeUnschedulable: a cordoned node takes only pods that tolerate its taint. */
#include "cluster/scheduler/plugin.h"

static enum kt_plugin_code filter(struct kt_cycle *cycle, void *state,
        const struct kt_node_info *node, struct kt_reasons *reasons)
{
	static const struct kt_taint taint = {
	        .key = {"node.kubernetes.io/unschedulable", 32},
	        .effect = {"NoSchedule", 10},
	};

	(void)state;
	if (!node->unschedulable ||
	        kt_tolerates(cycle->pod->tolerations.items, cycle->pod->tolerations.n, &taint))
		return KT_PLUGIN_OK;
	kt_vec_push(&reasons->texts, "node(s) were unschedulable");
	return KT_PLUGIN_UNRESOLVABLE;
}

const struct kt_plugin kt_plugin_node_unschedulable = {
        .name = "NodeUnschedulable",
        .wakes = KT_EVENT_NODE_ADDED | KT_EVENT_NODE_TAINTS,
        .filter = filter,
};
