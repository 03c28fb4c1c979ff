/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TaintToleration: NoSchedule and NoExecute taints refuse, PreferNoSchedule ones cost score. */
#include "cluster/scheduler/plugin.h"

bool kt_tolerates(const struct kt_toleration *tolerations, size_t n, const struct kt_taint *taint)
{
	for (size_t i = 0; i < n; i++) {
		const struct kt_toleration *t = &tolerations[i];

		if (t->effect.len && !kt_sv_eq(t->effect, taint->effect))
			continue;
		if (t->key.len && !kt_sv_eq(t->key, taint->key))
			continue;
		if (kt_sv_is(t->operator, "Exists") ||
		        (t->key.len && kt_sv_eq(t->value, taint->value)))
			return true;
	}
	return false;
}

static enum kt_plugin_code filter(struct kt_cycle *cycle, void *state,
        const struct kt_node_info *node, struct kt_reasons *reasons)
{
	const struct kt_pod_info *pod = cycle->pod;

	(void)state;
	for (size_t i = 0; i < node->taints.n; i++) {
		const struct kt_taint *taint = &node->taints.items[i];

		if (kt_sv_is(taint->effect, "PreferNoSchedule") ||
		        kt_tolerates(pod->tolerations.items, pod->tolerations.n, taint))
			continue;
		kt_vec_push(&reasons->texts, "node(s) had untolerated taint(s)");
		return KT_PLUGIN_UNRESOLVABLE;
	}
	return KT_PLUGIN_OK;
}

static int64_t score(struct kt_cycle *cycle, void *state, const struct kt_node_info *node)
{
	const struct kt_pod_info *pod = cycle->pod;
	int64_t n = 0;

	(void)state;
	for (size_t i = 0; i < node->taints.n; i++) {
		const struct kt_taint *taint = &node->taints.items[i];

		if (kt_sv_is(taint->effect, "PreferNoSchedule") &&
		        !kt_tolerates(pod->tolerations.items, pod->tolerations.n, taint))
			n++;
	}
	return n;
}

static void normalize(struct kt_cycle *cycle, void *state, struct kt_node_info *const *nodes,
        int64_t *scores, size_t n)
{
	(void)cycle;
	(void)state;
	(void)nodes;
	kt_normalize_scores(scores, n, true);
}

const struct kt_plugin kt_plugin_taint_toleration = {
        .name = "TaintToleration",
        .weight = 3,
        .wakes = KT_EVENT_NODE_ADDED | KT_EVENT_NODE_TAINTS,
        .filter = filter,
        .score = score,
        .normalize = normalize,
};
