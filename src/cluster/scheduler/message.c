/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster/scheduler/run.h"

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

/* Sorted as text, number first, as upstream sorts it. */
void kt_write_refusals(struct kt_str *out, size_t n_nodes, const struct kt_node_refusal *refusals,
        size_t n, struct kt_arena *arena)
{
	size_t n_counts = 0, n_reasons = 1;
	struct counted *counts;
	char **lines;

	for (size_t i = 0; i < n; i++)
		n_reasons += refusals[i].n_reasons;
	counts = kt_arena_alloc(arena, n_reasons * sizeof(*counts));
	for (size_t i = 0; i < n; i++)
		for (size_t r = 0; r < refusals[i].n_reasons; r++)
			count_text(counts, &n_counts, refusals[i].reasons[r]);
	lines = kt_arena_alloc(arena, (n_counts + 1) * sizeof(*lines));
	for (size_t i = 0; i < n_counts; i++)
		lines[i] = kt_arena_printf(arena, "%zu %s", counts[i].n, counts[i].text);
	qsort(lines, n_counts, sizeof(*lines), compare_texts);
	kt_str_printf(out, "0/%zu nodes are available:", n_nodes);
	for (size_t i = 0; i < n_counts; i++)
		kt_str_printf(out, "%s%s", i ? ", " : " ", lines[i]);
	kt_str_putc(out, '.');
}

char *kt_run_message(struct kt_run *run)
{
	const struct kt_decision *decision = run->decision;
	size_t n_nodes = run->snapshot->nodes.n;
	kt_auto_str out = KT_STR_INIT;

	if (!n_nodes)
		return kt_strdup("no nodes available to schedule pods");
	if (decision->pre_filter_refused) {
		/* One answer for all nodes is given once and not counted. What follows is
		 * upstream's DynamicResources, which then misses what its own PreFilter would have
		 * left. */
		kt_str_printf(&out, "0/%zu nodes are available:", n_nodes);
		for (size_t r = 0; r < decision->refusals[0].n_reasons; r++)
			kt_str_printf(
			        &out, "%s%s", r ? ", " : " ", decision->refusals[0].reasons[r]);
		kt_str_puts(&out, ". not found");
		return kt_str_steal(&out);
	}
	kt_write_refusals(
	        &out, n_nodes, decision->refusals, decision->n_refusals, run->cycle.arena);
	/* The first half is DynamicResources', also for pods without claims. */
	if (decision->preemption.message)
		kt_str_printf(&out, " no new claims to deallocate, preemption: %s",
		        decision->preemption.message);
	return kt_str_steal(&out);
}
