/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * DefaultPreemption: for a pod that fits nowhere, the node where the least harm is done by taking
 * pods of lower priority away. Each node is tried on the snapshot itself: all such pods are taken,
 * then given back one after the other, the most important first, as long as the pod still fits.
 * Source: the pod priority and preemption design; KEP-3329 for the condition of victims.
 */
#include "api/client/sections.h"
#include "api/machinery/selector.h"
#include "cluster/scheduler/run.h"

#define CANDIDATES_MIN 100 /* or a tenth of the nodes: enough to choose from */

struct budget {
	struct kt_sv namespace;
	struct kt_selector *selector; /* NULL: matches nothing */
	struct kt_json_at disrupted;  /* pods whose eviction is under way do not count again */
	int64_t allowed;
};

struct search {
	struct kt_run *run;
	struct budget *budgets;
	size_t n_budgets;
	int64_t *left; /* scratch: of each budget */
	struct kt_node_refusal *refusals;
	size_t n_refusals;
};

static const char not_helpful[] = "Preemption is not helpful for scheduling";
static const char no_victims[] = "No preemption victims found for incoming pod";

/* RFC 3339 in UTC sorts as text; what has not started yet is latest. */
static struct kt_sv start_time(const struct kt_pod_info *pod)
{
	struct kt_sv text = {0};

	kt_json_string_sv(kt_object_field(pod->object, KT_SECTION_STATUS, "startTime"), &text);
	return text.len ? text : KT_SV("~");
}

static int compare_importance(const void *a, const void *b)
{
	const struct kt_pod_info *x = *(struct kt_pod_info *const *)a,
	                         *y = *(struct kt_pod_info *const *)b;
	int order;

	if (x->priority != y->priority)
		return x->priority > y->priority ? -1 : 1;
	order = kt_sv_cmp(start_time(x), start_time(y));
	return order ? order : kt_sv_cmp(x->uid, y->uid);
}

static bool ends_by_preemption(const struct kt_pod_info *pod)
{
	struct kt_json_at list = kt_object_field(pod->object, KT_SECTION_STATUS, "conditions"),
	                  item;
	struct kt_json_iter it = {0};

	if (pod->preempted)
		return true;
	if (!pod->object->deletion_timestamp.len)
		return false;
	while (list.p && kt_json_next_element(list, &it, &item))
		if (kt_json_string_is(kt_json_member(item, "type"), "DisruptionTarget"))
			return kt_json_string_is(kt_json_member(item, "status"), "True") &&
			       kt_json_string_is(
			               kt_json_member(item, "reason"), "PreemptionByScheduler");
	return false;
}

/* A pod whose victims are still going waits for them. NULL: it may preempt. */
static const char *not_eligible(const struct kt_run *run)
{
	const struct kt_pod_info *pod = run->cycle.pod,
	                         *known = kt_map_get_sv(&run->snapshot->nominated, pod->uid);
	struct kt_sv name = known ? known->node_name : kt_pod_nominated_node(pod->object);
	const struct kt_node_info *node =
	        name.len ? kt_map_get_sv(&run->snapshot->nodes_by_name, name) : NULL;

	if (kt_json_string_is(kt_json_member(pod->spec, "preemptionPolicy"), "Never"))
		return "not eligible due to preemptionPolicy=Never.";
	if (!node)
		return NULL;
	for (size_t i = 0; i < run->decision->n_refusals; i++)
		if (run->decision->refusals[i].node == node &&
		        run->decision->refusals[i].code == KT_PLUGIN_UNRESOLVABLE)
			return NULL;
	for (size_t i = 0; i < node->pods.n; i++)
		if (node->pods.items[i]->priority < pod->priority &&
		        ends_by_preemption(node->pods.items[i]))
			return "not eligible due to a terminating pod on the nominated node.";
	return NULL;
}

/* --- disruption budgets --- */

static void read_budgets(struct search *search)
{
	const struct kt_map *map = &search->run->snapshot->budgets;
	struct kt_arena *arena = search->run->cycle.arena;
	size_t it = 0;
	void *value;

	search->budgets = kt_arena_alloc(arena, (map->n + 1) * sizeof(*search->budgets));
	search->left = kt_arena_alloc(arena, (map->n + 1) * sizeof(*search->left));
	while (kt_map_next(map, &it, NULL, &value)) {
		struct budget *budget = &search->budgets[search->n_budgets++];
		struct kt_json_at at = kt_object_field(value, KT_SECTION_SPEC, "selector");
		kt_auto_json json_t *tree = at.p ? kt_json_tree(at) : NULL;

		budget->namespace = kt_object_namespace(value);
		budget->disrupted = kt_object_field(value, KT_SECTION_STATUS, "disruptedPods");
		kt_json_int64(kt_object_field(value, KT_SECTION_STATUS, "disruptionsAllowed"),
		        &budget->allowed);
		if (kt_selector_of_json(tree, &budget->selector, NULL) < 0)
			budget->selector = NULL;
	}
}

static void drop_budgets(struct search *search)
{
	for (size_t i = 0; i < search->n_budgets; i++)
		kt_selector_destroy(search->budgets[i].selector);
}

static bool covers(const struct budget *budget, const struct kt_pod_info *pod)
{
	if (!budget->selector || !kt_sv_eq(budget->namespace, pod->namespace) ||
	        kt_selector_is_empty(budget->selector) ||
	        !kt_selector_matches(budget->selector, pod->object))
		return false;
	if (!budget->disrupted.p)
		return true;
	kt_auto_free char *name = kt_sv_dup(pod->name);

	return !kt_json_member(budget->disrupted, name).p;
}

/* Takes the pod from each budget that covers it; true when one is overdrawn by that. */
static bool draw(struct search *search, const struct kt_pod_info *pod)
{
	bool overdrawn = false;

	if (pod->object->labels.len <= 2) /* {} */
		return false;
	for (size_t i = 0; i < search->n_budgets; i++)
		if (covers(&search->budgets[i], pod) && --search->left[i] < 0)
			overdrawn = true;
	return overdrawn;
}

/* --- one node --- */

static void refuse(
        struct search *search, const struct kt_node_info *node, const char *const *texts, size_t n)
{
	const char **copy = kt_arena_alloc(search->run->cycle.arena, (n + 1) * sizeof(*copy));

	memcpy(copy, texts, n * sizeof(*copy));
	search->refusals[search->n_refusals++] =
	        (struct kt_node_refusal){.node = node, .reasons = copy, .n_reasons = n};
}

static size_t collect(
        struct search *search, const struct kt_node_info *node, struct kt_pod_info ***ret_pods)
{
	struct kt_arena *arena = search->run->cycle.arena;
	struct kt_pod_info **pods = NULL;
	size_t n = 0;

	for (size_t i = 0; i < node->pods.n; i++) {
		if (node->pods.items[i]->priority >= search->run->cycle.pod->priority)
			continue;
		if (!pods)
			pods = kt_arena_alloc(arena, node->pods.n * sizeof(*pods));
		pods[n++] = node->pods.items[i];
	}
	*ret_pods = pods;
	return n;
}

/* Gives back what may stay; the rest are the victims. Those that would overdraw a budget come
 * first, so that they have the better chance. */
static void give_back(
        struct search *search, struct kt_candidate *candidate, struct kt_pod_info **pods, size_t n)
{
	struct kt_run *run = search->run;
	bool *overdraws = kt_arena_alloc(run->cycle.arena, n * sizeof(*overdraws));
	const struct kt_plugin *plugin;

	for (size_t i = 0; i < search->n_budgets; i++)
		search->left[i] = search->budgets[i].allowed;
	for (size_t i = 0; i < n; i++)
		overdraws[i] = draw(search, pods[i]);
	for (int pass = 1; pass >= 0; pass--)
		for (size_t i = 0; i < n; i++) {
			if (overdraws[i] != (pass == 1))
				continue;
			kt_run_put(run, candidate->node, pods[i]);
			if (kt_run_filter(run, candidate->node, &plugin) == KT_PLUGIN_OK)
				continue;
			kt_run_take(run, pods[i]);
			candidate->victims[candidate->n_victims++] = pods[i];
			candidate->n_violations += overdraws[i];
		}
	for (size_t i = 0; i < candidate->n_victims; i++)
		kt_run_put(run, candidate->node, candidate->victims[i]);
	qsort(candidate->victims, candidate->n_victims, sizeof(struct kt_pod_info *),
	        compare_importance);
}

/* False when the node is of no help. */
static bool try_node(
        struct search *search, struct kt_node_info *node, struct kt_candidate *candidate)
{
	static const char *const none[] = {no_victims};
	struct kt_run *run = search->run;
	const struct kt_plugin *plugin;
	struct kt_pod_info **pods;
	size_t n = collect(search, node, &pods);

	if (!n) {
		refuse(search, node, none, 1);
		return false;
	}
	for (size_t i = 0; i < n; i++)
		kt_run_take(run, pods[i]);
	if (kt_run_filter(run, node, &plugin) != KT_PLUGIN_OK) {
		refuse(search, node, run->reasons.texts.items, run->reasons.texts.n);
		for (size_t i = 0; i < n; i++)
			kt_run_put(run, node, pods[i]);
		return false;
	}
	qsort(pods, n, sizeof(*pods), compare_importance);
	*candidate = (struct kt_candidate){.node = node};
	candidate->victims = kt_arena_alloc(run->cycle.arena, n * sizeof(*pods));
	give_back(search, candidate, pods, n);
	return candidate->n_victims > 0;
}

/* --- the choice --- */

static int64_t sum_of_priorities(const struct kt_candidate *candidate)
{
	int64_t sum = 0;

	/* each counts as more than nothing, whatever its priority */
	for (size_t i = 0; i < candidate->n_victims; i++)
		sum += candidate->victims[i]->priority + (int64_t)INT32_MAX + 1;
	return sum;
}

/* The earliest start among the most important victims; they are sorted. */
static struct kt_sv earliest_start(const struct kt_candidate *candidate)
{
	return start_time(candidate->victims[0]);
}

/* <0: a does less harm. */
static int compare_harm(const struct kt_candidate *a, const struct kt_candidate *b)
{
	int64_t x, y;

	if (a->n_violations != b->n_violations)
		return a->n_violations < b->n_violations ? -1 : 1;
	if (a->victims[0]->priority != b->victims[0]->priority)
		return a->victims[0]->priority < b->victims[0]->priority ? -1 : 1;
	x = sum_of_priorities(a);
	y = sum_of_priorities(b);
	if (x != y)
		return x < y ? -1 : 1;
	if (a->n_victims != b->n_victims)
		return a->n_victims < b->n_victims ? -1 : 1;
	return kt_sv_cmp(earliest_start(b), earliest_start(a));
}

static void choose(struct kt_preemption *preemption)
{
	const struct kt_candidate *best = &preemption->candidates[0];

	for (size_t i = 1; i < preemption->n_candidates; i++)
		if (compare_harm(&preemption->candidates[i], best) < 0)
			best = &preemption->candidates[i];
	preemption->chosen = best;
}

/* Tries the nodes where it might help, from a random one on, until there is enough to choose from.
 */
static void try_nodes(struct search *search)
{
	struct kt_run *run = search->run;
	struct kt_decision *decision = run->decision;
	struct kt_preemption *preemption = &decision->preemption;
	static const char *const not [] = {not_helpful};
	size_t n = decision->n_refusals, enough = KT_MAX(n / 10, (size_t)CANDIDATES_MIN);
	size_t first = run->loop && n ? kt_loop_random_below(run->loop, (uint32_t)n) : 0;
	size_t n_harmless = 0;

	preemption->candidates =
	        kt_arena_alloc(run->cycle.arena, (n + 1) * sizeof(*preemption->candidates));
	for (size_t i = 0; i < n; i++) {
		const struct kt_node_refusal *refusal = &decision->refusals[(first + i) % n];
		struct kt_candidate *candidate = &preemption->candidates[preemption->n_candidates];
		struct kt_node_info *node = run->snapshot->nodes.items[refusal->node->index];

		if (refusal->code != KT_PLUGIN_UNSCHEDULABLE) {
			refuse(search, node, not, 1);
			continue;
		}
		if (n_harmless && preemption->n_candidates >= enough)
			break;
		if (try_node(search, node, candidate)) {
			preemption->n_candidates++;
			n_harmless += candidate->n_violations == 0;
		}
	}
}

void kt_run_preemption(struct kt_run *run)
{
	struct kt_preemption *preemption = &run->decision->preemption;
	struct search search = {.run = run};
	kt_auto_str out = KT_STR_INIT;

	if (!run->decision->n_refusals || run->decision->pre_filter_refused)
		return;
	preemption->ran = true;
	preemption->message = not_eligible(run);
	if (preemption->message)
		return;
	preemption->eligible = true;
	search.refusals = kt_arena_alloc(
	        run->cycle.arena, (run->decision->n_refusals + 1) * sizeof(*search.refusals));
	read_budgets(&search);
	try_nodes(&search);
	drop_budgets(&search);
	if (preemption->n_candidates) {
		choose(preemption);
		return;
	}
	kt_write_refusals(
	        &out, run->snapshot->nodes.n, search.refusals, search.n_refusals, run->cycle.arena);
	preemption->message = kt_arena_strdup(run->cycle.arena, kt_str_text(&out));
}
