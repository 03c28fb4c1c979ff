/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster/scheduler/framework.h"

#include "base/log.h"

/* The order of upstream's Filter and Score extension points. */
const struct kt_plugin *const kt_plugins[] = {
        &kt_plugin_scheduling_gates,
        &kt_plugin_node_unschedulable,
        &kt_plugin_node_name,
        &kt_plugin_taint_toleration,
        &kt_plugin_node_affinity,
        &kt_plugin_node_ports,
        &kt_plugin_node_resources_fit,
        &kt_plugin_pod_topology_spread,
        &kt_plugin_inter_pod_affinity,
        &kt_plugin_node_resources_balanced_allocation,
        &kt_plugin_image_locality,
        NULL,
};

struct run {
	struct kt_cycle cycle;
	void *state[KT_PLUGINS_MAX];
	bool skip_filter[KT_PLUGINS_MAX], skip_score[KT_PLUGINS_MAX];
	struct kt_reasons reasons; /* scratch */
	struct kt_node_info **feasible;
	size_t n_feasible;
	struct kt_decision *decision;
};

bool kt_framework_pre_enqueue(
        const struct kt_pod_info *pod, struct kt_arena *arena, const char **ret_reason)
{
	for (size_t i = 0; kt_plugins[i]; i++)
		if (kt_plugins[i]->pre_enqueue &&
		        kt_plugins[i]->pre_enqueue(pod, arena, ret_reason) != KT_PLUGIN_OK)
			return false;
	return true;
}

static void refuse(struct run *run, const struct kt_node_info *node, const struct kt_plugin *plugin,
        enum kt_plugin_code code)
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

/* False when a plugin refuses the pod for every node. */
static bool run_pre_filters(struct run *run)
{
	const struct kt_snapshot *snapshot = run->cycle.snapshot;

	for (size_t i = 0; kt_plugins[i]; i++) {
		enum kt_plugin_code code;

		kt_assert(i < KT_PLUGINS_MAX);
		if (!kt_plugins[i]->pre_filter)
			continue;
		run->reasons.texts.n = 0;
		code = kt_plugins[i]->pre_filter(&run->cycle, &run->state[i], &run->reasons);
		run->skip_filter[i] = code == KT_PLUGIN_SKIP;
		if (code == KT_PLUGIN_OK || code == KT_PLUGIN_SKIP)
			continue;
		for (size_t n = 0; n < snapshot->nodes.n; n++)
			refuse(run, snapshot->nodes.items[n], kt_plugins[i], code);
		run->decision->pre_filter_refused = true;
		return false;
	}
	return true;
}

static bool node_fits(struct run *run, struct kt_node_info *node)
{
	for (size_t i = 0; kt_plugins[i]; i++) {
		enum kt_plugin_code code;

		if (!kt_plugins[i]->filter || run->skip_filter[i])
			continue;
		run->reasons.texts.n = 0;
		code = kt_plugins[i]->filter(&run->cycle, run->state[i], node, &run->reasons);
		if (code != KT_PLUGIN_OK) {
			refuse(run, node, kt_plugins[i], code);
			return false;
		}
	}
	return true;
}

static void run_filters(struct run *run)
{
	const struct kt_snapshot *snapshot = run->cycle.snapshot;

	for (size_t i = 0; i < snapshot->nodes.n; i++)
		if (node_fits(run, snapshot->nodes.items[i]))
			run->feasible[run->n_feasible++] = snapshot->nodes.items[i];
}

static void run_pre_scores(struct run *run)
{
	for (size_t i = 0; kt_plugins[i]; i++)
		if (kt_plugins[i]->pre_score)
			run->skip_score[i] =
			        kt_plugins[i]->pre_score(&run->cycle, &run->state[i], run->feasible,
			                run->n_feasible) == KT_PLUGIN_SKIP;
}

static void add_scores(struct run *run, size_t plugin, int64_t *totals, int64_t *scores)
{
	const struct kt_plugin *p = kt_plugins[plugin];

	for (size_t n = 0; n < run->n_feasible; n++)
		scores[n] = p->score(&run->cycle, run->state[plugin], run->feasible[n]);
	if (p->normalize)
		p->normalize(
		        &run->cycle, run->state[plugin], run->feasible, scores, run->n_feasible);
	for (size_t n = 0; n < run->n_feasible; n++)
		totals[n] += scores[n] * p->weight;
}

/* One of the best, each with the same chance. */
static struct kt_node_info *pick(struct run *run, const int64_t *totals, struct kt_loop *loop)
{
	size_t best = 0;
	uint32_t n_best = 1;

	for (size_t n = 1; n < run->n_feasible; n++) {
		if (totals[n] < totals[best])
			continue;
		if (totals[n] > totals[best]) {
			best = n;
			n_best = 1;
		} else if (loop ? kt_loop_random_below(loop, ++n_best) == 0
		                : strcmp(run->feasible[n]->name, run->feasible[best]->name) < 0) {
			best = n;
		}
	}
	return run->feasible[best];
}

static struct kt_node_info *run_scores(struct run *run, struct kt_loop *loop)
{
	int64_t *totals, *scores;

	if (run->n_feasible == 1)
		return run->feasible[0];
	totals = kt_arena_alloc(run->cycle.arena, run->n_feasible * sizeof(*totals));
	scores = kt_arena_alloc(run->cycle.arena, run->n_feasible * sizeof(*scores));
	run_pre_scores(run);
	for (size_t i = 0; kt_plugins[i]; i++)
		if (kt_plugins[i]->score && !run->skip_score[i])
			add_scores(run, i, totals, scores);
	return pick(run, totals, loop);
}

struct counted {
	const char *text;
	size_t n;
};

static void count_text(struct counted *counts, size_t *n_counts, const char *text)
{
	for (size_t i = 0; i < *n_counts; i++)
		if (strcmp(counts[i].text, text) == 0) {
			counts[i].n++;
			return;
		}
	counts[(*n_counts)++] = (struct counted){text, 1};
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "1 Insufficient cpu, 2 node(s) had untolerated taint(s)": sorted as text, number first, as
 * upstream sorts it. */
static void write_histogram(
        struct kt_str *out, struct counted *counts, size_t n_counts, struct kt_arena *arena)
{
	char **lines = kt_arena_alloc(arena, n_counts * sizeof(*lines));

	for (size_t i = 0; i < n_counts; i++)
		lines[i] = kt_arena_printf(arena, "%zu %s", counts[i].n, counts[i].text);
	qsort(lines, n_counts, sizeof(*lines), compare_texts);
	for (size_t i = 0; i < n_counts; i++)
		kt_str_printf(out, "%s%s", i ? ", " : " ", lines[i]);
}

static char *refusal_message(struct run *run)
{
	const struct kt_decision *decision = run->decision;
	struct kt_arena *arena = run->cycle.arena;
	kt_auto_str out = KT_STR_INIT;
	struct counted *counts;
	size_t n_counts = 0, n_reasons = 1;

	if (!decision->n_refusals)
		return kt_strdup("no nodes available to schedule pods");
	for (size_t i = 0; i < decision->n_refusals; i++)
		n_reasons += decision->refusals[i].n_reasons;
	counts = kt_arena_alloc(arena, n_reasons * sizeof(*counts));
	kt_str_printf(&out, "0/%zu nodes are available:", run->cycle.snapshot->nodes.n);
	if (decision->pre_filter_refused)
		for (size_t r = 0; r < decision->refusals[0].n_reasons; r++)
			kt_str_printf(
			        &out, "%s%s", r ? ", " : " ", decision->refusals[0].reasons[r]);
	for (size_t i = 0; i < decision->n_refusals && !decision->pre_filter_refused; i++)
		for (size_t r = 0; r < decision->refusals[i].n_reasons; r++)
			count_text(counts, &n_counts, decision->refusals[i].reasons[r]);
	write_histogram(&out, counts, n_counts, arena);
	kt_str_putc(&out, '.');
	/* Without preemption, what it would say of nodes it never looks at. */
	kt_str_printf(&out, " no new claims to deallocate, preemption: 0/%zu nodes are available:",
	        run->cycle.snapshot->nodes.n);
	n_counts = 0;
	for (size_t i = 0; i < decision->n_refusals; i++)
		count_text(counts, &n_counts,
		        decision->refusals[i].code == KT_PLUGIN_UNRESOLVABLE
		                ? "Preemption is not helpful for scheduling"
		                : "No preemption victims found for incoming pod");
	write_histogram(&out, counts, n_counts, arena);
	kt_str_putc(&out, '.');
	return kt_str_steal(&out);
}

void kt_framework_schedule(struct kt_snapshot *snapshot, const struct kt_pod_info *pod,
        struct kt_loop *loop, struct kt_arena *arena, struct kt_decision *ret_decision)
{
	struct run run = {.cycle = {snapshot, pod, arena}, .decision = ret_decision};
	size_t n = snapshot->nodes.n;

	*ret_decision = (struct kt_decision){0};
	ret_decision->refusals = kt_arena_alloc(arena, (n + 1) * sizeof(*ret_decision->refusals));
	run.feasible = kt_arena_alloc(arena, (n + 1) * sizeof(*run.feasible));
	if (run_pre_filters(&run))
		run_filters(&run);
	if (run.n_feasible)
		ret_decision->node = run_scores(&run, loop);
	else
		ret_decision->message = refusal_message(&run);
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
