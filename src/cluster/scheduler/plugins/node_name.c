/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NodeName: a pod that names its node goes nowhere else. */
#include "cluster/scheduler/plugin.h"

static enum kt_plugin_code filter(struct kt_cycle *cycle, void *state,
        const struct kt_node_info *node, struct kt_reasons *reasons)
{
	(void)state;
	if (!cycle->pod->node_name.len || kt_sv_is(cycle->pod->node_name, node->name))
		return KT_PLUGIN_OK;
	kt_vec_push(&reasons->texts, "node(s) didn't match the requested node name");
	return KT_PLUGIN_UNRESOLVABLE;
}

const struct kt_plugin kt_plugin_node_name = {
        .name = "NodeName",
        .wakes = KT_EVENT_NODE_ADDED,
        .filter = filter,
};
