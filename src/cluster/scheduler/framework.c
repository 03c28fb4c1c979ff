/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster/scheduler/framework.h"

#include "base/log.h"
#include "cluster/scheduler/run.h"

#define ENTRY(name) &kt_plugin_##name,
const struct kt_plugin *const kt_plugins[] = {KT_PLUGINS(ENTRY) NULL};

bool kt_framework_pre_enqueue(
        const struct kt_object *pod, struct kt_arena *arena, const char **ret_reason)
{
	for (size_t i = 0; kt_plugins[i]; i++)
		if (kt_plugins[i]->pre_enqueue &&
		        kt_plugins[i]->pre_enqueue(pod, arena, ret_reason) != KT_PLUGIN_OK)
			return false;
	return true;
}

static void refuse(struct kt_run *run, const struct kt_node_info *node,
        const struct kt_plugin *plugin, enum kt_plugin_code code)
{
	struct kt_decision *decision = run->decision;
	const char **copy =
	        kt_arena_alloc(run->cycle.arena, (run->reasons.texts.n + 1) * sizeof(*copy));

	memcpy(copy, run->reasons.texts.items, run->reasons.texts.n * sizeof(*copy));
	decision->refusals[decision->n_refusals++] = (struct kt_node_refusal){.node = node,
	        .plugin = plugin,
	        .code = code,
	        .reasons = copy,
	        .n_reasons = run->reasons.texts.n};
	decision->wakes |= plugin->wakes;
}

/* Refuses the nodes that the plugin's pre_filter has left out. */
static void refuse_others(struct kt_run *run, const struct kt_plugin *plugin)
{
	const struct kt_snapshot *snapshot = run->snapshot;
	bool *kept = kt_arena_alloc(run->cycle.arena, snapshot->nodes.n + 1);
	const char **reason = kt_arena_alloc(run->cycle.arena, sizeof(*reason));

	*reason = kt_arena_printf(
	        run->cycle.arena, "node(s) didn't satisfy plugin(s) [%s]", plugin->name);
	for (size_t i = 0; i < run->cycle.n_only; i++)
		kept[run->cycle.only[i]->index] = true;
	for (size_t i = 0; i < snapshot->nodes.n; i++)
		if (!kept[i])
			run->decision->refusals[run->decision->n_refusals++] =
			        (struct kt_node_refusal){.node = snapshot->nodes.items[i],
			                .plugin = plugin,
			                .code = KT_PLUGIN_UNRESOLVABLE,
			                .reasons = reason,
			                .n_reasons = 1};
	run->decision->wakes |= plugin->wakes;
}

/* False when a plugin refuses the pod for every node. */
static bool run_pre_filters(struct kt_run *run)
{
	const struct kt_snapshot *snapshot = run->snapshot;
	const struct kt_plugin *narrowed_by = NULL;

	for (size_t i = 0; kt_plugins[i]; i++) {
		enum kt_plugin_code code;

		kt_assert(i < KT_PLUGINS_MAX);
		if (!kt_plugins[i]->pre_filter)
			continue;
		run->reasons.texts.n = 0;
		code = kt_plugins[i]->pre_filter(&run->cycle, &run->state[i], &run->reasons);
		run->skip_filter[i] = code == KT_PLUGIN_SKIP;
		if (run->cycle.narrowed && !narrowed_by)
			narrowed_by = kt_plugins[i];
		if (code == KT_PLUGIN_OK || code == KT_PLUGIN_SKIP)
			continue;
		for (size_t n = 0; n < snapshot->nodes.n; n++)
			refuse(run, snapshot->nodes.items[n], kt_plugins[i], code);
		run->decision->wakes |= kt_plugins[i]->wakes;
		run->decision->pre_filter_refused = true;
		return false;
	}
	if (narrowed_by)
		refuse_others(run, narrowed_by);
	return true;
}

static void tell_plugins(struct kt_run *run, const struct kt_node_info *node,
        const struct kt_pod_info *pod, int change)
{
	for (size_t i = 0; kt_plugins[i]; i++)
		if (kt_plugins[i]->pod_changed && !run->skip_filter[i])
			kt_plugins[i]->pod_changed(&run->cycle, run->state[i], node, pod, change);
}

void kt_run_put(struct kt_run *run, struct kt_node_info *node, struct kt_pod_info *pod)
{
	kt_snapshot_put(run->snapshot, node, pod);
	tell_plugins(run, node, pod, 1);
}

void kt_run_take(struct kt_run *run, struct kt_pod_info *pod)
{
	const struct kt_node_info *node = pod->node;

	kt_snapshot_take(run->snapshot, pod);
	tell_plugins(run, node, pod, -1);
}

static enum kt_plugin_code filter_once(
        struct kt_run *run, const struct kt_node_info *node, const struct kt_plugin **ret_plugin)
{
	for (size_t i = 0; kt_plugins[i]; i++) {
		enum kt_plugin_code code;

		if (!kt_plugins[i]->filter || run->skip_filter[i])
			continue;
		run->reasons.texts.n = 0;
		code = kt_plugins[i]->filter(&run->cycle, run->state[i], node, &run->reasons);
		if (code != KT_PLUGIN_OK) {
			*ret_plugin = kt_plugins[i];
			return code;
		}
	}
	return KT_PLUGIN_OK;
}

/* Nominated pods that are not less important than ours count as if they were there. */
static bool counts_here(const struct kt_run *run, const struct kt_pod_info *nominated)
{
	return nominated->priority >= run->cycle.pod->priority &&
	       !kt_sv_eq(nominated->uid, run->cycle.pod->uid);
}

enum kt_plugin_code kt_run_filter(
        struct kt_run *run, struct kt_node_info *node, const struct kt_plugin **ret_plugin)
{
	enum kt_plugin_code code = KT_PLUGIN_OK;
	bool any = false;

	for (size_t i = 0; i < node->nominated.n; i++)
		if (counts_here(run, node->nominated.items[i])) {
			kt_run_put(run, node, node->nominated.items[i]);
			any = true;
		}
	if (any)
		code = filter_once(run, node, ret_plugin);
	for (size_t i = 0; any && i < node->nominated.n; i++)
		if (counts_here(run, node->nominated.items[i]))
			kt_run_take(run, node->nominated.items[i]);
	return code == KT_PLUGIN_OK ? filter_once(run, node, ret_plugin) : code;
}

static bool node_fits(struct kt_run *run, struct kt_node_info *node)
{
	const struct kt_plugin *plugin;
	enum kt_plugin_code code = kt_run_filter(run, node, &plugin);

	if (code != KT_PLUGIN_OK)
		refuse(run, node, plugin, code);
	return code == KT_PLUGIN_OK;
}

/* The node that earlier preemption made room on, when it does now. */
static bool take_nominated(struct kt_run *run)
{
	const struct kt_pod_info *pod = run->cycle.pod,
	                         *known = kt_map_get_sv(&run->snapshot->nominated, pod->uid);
	struct kt_sv name = known ? known->node_name : kt_pod_nominated_node(pod->object);
	struct kt_node_info *node =
	        name.len ? kt_map_get_sv(&run->snapshot->nodes_by_name, name) : NULL;
	const struct kt_plugin *plugin;
	bool allowed = node && node->object && !run->cycle.narrowed;

	for (size_t i = 0; i < run->cycle.n_only; i++)
		allowed |= run->cycle.only[i] == node;
	if (!allowed || kt_run_filter(run, node, &plugin) != KT_PLUGIN_OK)
		return false;
	run->decision->node = node;
	return true;
}

static void run_filters(struct kt_run *run)
{
	struct kt_decision *decision = run->decision;
	struct kt_node_info *const *nodes =
	        run->cycle.narrowed ? run->cycle.only : run->snapshot->nodes.items;
	size_t n = run->cycle.narrowed ? run->cycle.n_only : run->snapshot->nodes.n;

	for (size_t i = 0; i < n; i++)
		if (node_fits(run, nodes[i]))
			decision->feasible[decision->n_feasible++] = nodes[i];
}

static void run_pre_scores(struct kt_run *run)
{
	for (size_t i = 0; kt_plugins[i]; i++)
		if (kt_plugins[i]->pre_score)
			run->skip_score[i] = kt_plugins[i]->pre_score(&run->cycle, &run->state[i],
			                             run->decision->feasible,
			                             run->decision->n_feasible) == KT_PLUGIN_SKIP;
}

static void add_scores(struct kt_run *run, size_t plugin, int64_t *scores)
{
	const struct kt_plugin *p = kt_plugins[plugin];
	struct kt_decision *decision = run->decision;

	for (size_t n = 0; n < decision->n_feasible; n++)
		scores[n] = p->score(&run->cycle, run->state[plugin], decision->feasible[n]);
	if (p->normalize)
		p->normalize(&run->cycle, run->state[plugin], decision->feasible, scores,
		        decision->n_feasible);
	for (size_t n = 0; n < decision->n_feasible; n++)
		decision->totals[n] += scores[n] * p->weight;
}

/* One of the best, each with the same chance. */
static struct kt_node_info *pick(const struct kt_decision *decision, struct kt_loop *loop)
{
	const int64_t *totals = decision->totals;
	size_t first = 0;
	uint32_t n_best = 1, skip;

	for (size_t n = 1; n < decision->n_feasible; n++) {
		if (totals[n] > totals[first]) {
			first = n;
			n_best = 1;
		} else if (totals[n] == totals[first]) {
			n_best++;
		}
	}
	skip = loop && n_best > 1 ? kt_loop_random_below(loop, n_best) : 0;
	for (size_t n = first; n < decision->n_feasible; n++)
		if (totals[n] == totals[first] && skip-- == 0)
			return decision->feasible[n];
	return decision->feasible[first];
}

static struct kt_node_info *run_scores(struct kt_run *run)
{
	struct kt_decision *decision = run->decision;
	int64_t *scores;

	if (decision->n_feasible == 1)
		return decision->feasible[0];
	decision->totals =
	        kt_arena_alloc(run->cycle.arena, decision->n_feasible * sizeof(*decision->totals));
	scores = kt_arena_alloc(run->cycle.arena, decision->n_feasible * sizeof(*scores));
	run_pre_scores(run);
	for (size_t i = 0; kt_plugins[i]; i++)
		if (kt_plugins[i]->score && !run->skip_score[i])
			add_scores(run, i, scores);
	return pick(decision, run->loop);
}

static void decide(struct kt_run *run)
{
	struct kt_decision *decision = run->decision;

	if (run_pre_filters(run)) {
		if (take_nominated(run))
			return;
		run_filters(run);
	}
	if (decision->n_feasible) {
		decision->node = run_scores(run);
		return;
	}
	kt_run_preemption(run);
	decision->message = kt_run_message(run);
}

void kt_framework_schedule(struct kt_snapshot *snapshot, const struct kt_pod_info *pod,
        struct kt_loop *loop, struct kt_arena *arena, struct kt_decision *ret_decision)
{
	struct kt_run run = {
	        .cycle = {.snapshot = snapshot, .pod = pod, .arena = arena},
	        .snapshot = snapshot,
	        .loop = loop,
	        .decision = ret_decision,
	};
	size_t n = snapshot->nodes.n;

	*ret_decision = (struct kt_decision){0};
	ret_decision->refusals = kt_arena_alloc(arena, (n + 1) * sizeof(*ret_decision->refusals));
	ret_decision->feasible = kt_arena_alloc(arena, (n + 1) * sizeof(*ret_decision->feasible));
	kt_tallies_trim(snapshot->tallies, n);
	decide(&run);
	for (size_t i = 0; kt_plugins[i]; i++)
		if (kt_plugins[i]->finish)
			kt_plugins[i]->finish(&run.cycle, run.state[i]);
	kt_vec_finish(&run.reasons.texts);
}

void kt_decision_finish(struct kt_decision *decision)
{
	free(decision->message);
	*decision = (struct kt_decision){0};
}
