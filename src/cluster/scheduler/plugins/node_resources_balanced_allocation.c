/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NodeResourcesBalancedAllocation: prefers nodes whose CPU and memory are used in like shares. */
#include "cluster/scheduler/plugin.h"

#include <math.h>

static enum kt_plugin_code pre_score(
        struct kt_cycle *cycle, void **state, struct kt_node_info *const *nodes, size_t n)
{
	const struct kt_resources *request = &cycle->pod->requests;

	(void)state;
	(void)nodes;
	(void)n;
	return request->milli_cpu || request->memory_bytes ? KT_PLUGIN_OK : KT_PLUGIN_SKIP;
}

static double share(int64_t requested, int64_t allocatable)
{
	return KT_MIN((double)requested / (double)allocatable, 1.0);
}

/* The standard deviation of the shares; 0 with a single resource. */
static double imbalance(const struct kt_node_info *node, int64_t more_cpu, int64_t more_memory)
{
	if (!node->allocatable.milli_cpu || !node->allocatable.memory_bytes)
		return 0;
	return fabs(share(node->requested.milli_cpu + more_cpu, node->allocatable.milli_cpu) -
	               share(node->requested.memory_bytes + more_memory,
	                       node->allocatable.memory_bytes)) /
	       2;
}

static int64_t score(struct kt_cycle *cycle, void *state, const struct kt_node_info *node)
{
	const struct kt_resources *request = &cycle->pod->requests;

	(void)state;
	return (int64_t)((1 - imbalance(node, request->milli_cpu, request->memory_bytes)) *
	                 KT_SCORE_MAX);
}

const struct kt_plugin kt_plugin_node_resources_balanced_allocation = {
        .name = "NodeResourcesBalancedAllocation",
        .weight = 1,
        .pre_score = pre_score,
        .score = score,
};
