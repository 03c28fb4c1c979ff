/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NodeResourcesFit: requests against what is left of a node; scores nodes by how much stays free
 * (LeastAllocated). */
#include "cluster/scheduler/plugin.h"

static void check(int64_t request, int64_t allocatable, int64_t requested, const char *text,
        struct kt_reasons *reasons, bool *unresolvable)
{
	if (request <= 0 || request <= allocatable - requested)
		return;
	kt_vec_push(&reasons->texts, text);
	if (request > allocatable)
		*unresolvable = true;
}

static enum kt_plugin_code filter(struct kt_cycle *cycle, void *state,
        const struct kt_node_info *node, struct kt_reasons *reasons)
{
	const struct kt_resources *request = &cycle->pod->requests, *have = &node->allocatable,
	                          *used = &node->requested;
	bool unresolvable = false;

	(void)state;
	if (used->pods + 1 > have->pods)
		kt_vec_push(&reasons->texts, "Too many pods");
	check(request->milli_cpu, have->milli_cpu, used->milli_cpu, "Insufficient cpu", reasons,
	        &unresolvable);
	check(request->memory_bytes, have->memory_bytes, used->memory_bytes, "Insufficient memory",
	        reasons, &unresolvable);
	check(request->ephemeral_bytes, have->ephemeral_bytes, used->ephemeral_bytes,
	        "Insufficient ephemeral-storage", reasons, &unresolvable);
	for (size_t i = 0; i < request->scalars.n; i++) {
		const struct kt_scalar_resource *scalar = &request->scalars.items[i];
		size_t before = reasons->texts.n;

		check(scalar->value, kt_resources_scalar(have, scalar->name),
		        kt_resources_scalar(used, scalar->name), "", reasons, &unresolvable);
		if (reasons->texts.n > before)
			reasons->texts.items[before] =
			        kt_arena_printf(cycle->arena, "Insufficient %s", scalar->name);
	}
	if (!reasons->texts.n)
		return KT_PLUGIN_OK;
	return unresolvable ? KT_PLUGIN_UNRESOLVABLE : KT_PLUGIN_UNSCHEDULABLE;
}

static int64_t free_share(int64_t requested, int64_t allocatable)
{
	return requested > allocatable ? 0 : (allocatable - requested) * KT_SCORE_MAX / allocatable;
}

static int64_t score(struct kt_cycle *cycle, void *state, const struct kt_node_info *node)
{
	const struct kt_pod_info *pod = cycle->pod;
	int64_t sum = 0, n = 0;

	(void)state;
	if (node->allocatable.milli_cpu) {
		sum += free_share(
		        node->scored_milli_cpu + pod->asked_milli_cpu, node->allocatable.milli_cpu);
		n++;
	}
	if (node->allocatable.memory_bytes) {
		sum += free_share(node->scored_memory_bytes + pod->asked_memory_bytes,
		        node->allocatable.memory_bytes);
		n++;
	}
	return n ? sum / n : 0;
}

const struct kt_plugin kt_plugin_node_resources_fit = {
        .name = "NodeResourcesFit",
        .weight = 1,
        .wakes = KT_EVENT_NODE_ADDED | KT_EVENT_NODE_ALLOCATABLE | KT_EVENT_POD_REMOVED,
        .filter = filter,
        .score = score,
};
