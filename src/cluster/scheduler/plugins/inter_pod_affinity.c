/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InterPodAffinity: near pods one likes, away from pods one does not, by the value of a node label;
 * and what pods that are there already ask of newcomers. Source: the pod affinity design; weights
 * as upstream's defaults.
 */
#include "cluster/scheduler/plugin.h"

#define HARD_AFFINITY_WEIGHT \
	1 /* what a required term of a pod that is there adds for the newcomer it likes */

/* "key\nvalue" → a number (arena memory). */
struct pairs {
	struct kt_map map;
	size_t n_positive; /* numbers above 0 */
};

struct affinity {
	struct pairs forbidden; /* by required anti-affinity of pods that are there */
	struct pairs near;      /* pods that match all required terms, per term's key */
	struct pairs away;      /* pods that match a required anti term */
	struct pairs scores;
};

static const char *pair_key(struct kt_cycle *cycle, const char *key, struct kt_sv value)
{
	return kt_arena_printf(cycle->arena, "%s\n%.*s", key, (int)value.len, value.p);
}

static void add(struct kt_cycle *cycle, struct pairs *pairs, const char *key,
        const struct kt_node_info *node, int64_t amount)
{
	struct kt_sv value;

	if (!node->object || !kt_object_label(node->object, kt_sv_of(key), &value))
		return;
	const char *text = pair_key(cycle, key, value);
	int64_t *number = kt_map_get(&pairs->map, text);

	if (!number) {
		number = kt_arena_new(cycle->arena, int64_t);
		kt_map_set(&pairs->map, text, number);
	}
	pairs->n_positive += *number <= 0 && *number + amount > 0;
	pairs->n_positive -= *number > 0 && *number + amount <= 0;
	*number += amount;
}

static int64_t get(
        struct kt_cycle *cycle, const struct pairs *pairs, const char *key, struct kt_sv value)
{
	const int64_t *number =
	        pairs->map.n ? kt_map_get(&pairs->map, pair_key(cycle, key, value)) : NULL;

	return number ? *number : 0;
}

static bool matches(
        struct kt_cycle *cycle, const struct kt_affinity_term *term, const struct kt_object *pod)
{
	return kt_affinity_term_matches(term, pod, &cycle->snapshot->namespaces);
}

static bool matches_all(
        struct kt_cycle *cycle, const kt_affinity_terms *terms, const struct kt_object *pod)
{
	for (size_t i = 0; i < terms->n; i++)
		if (!matches(cycle, &terms->items[i], pod))
			return false;
	return terms->n > 0;
}

static struct affinity *begin(struct kt_cycle *cycle)
{
	struct affinity *affinity = kt_arena_new(cycle->arena, struct affinity);

	kt_map_init(&affinity->forbidden.map, NULL);
	kt_map_init(&affinity->near.map, NULL);
	kt_map_init(&affinity->away.map, NULL);
	kt_map_init(&affinity->scores.map, NULL);
	return affinity;
}

static void finish(struct kt_cycle *cycle, void *state)
{
	struct affinity *affinity = state;

	(void)cycle;
	if (!affinity)
		return;
	kt_map_finish(&affinity->forbidden.map);
	kt_map_finish(&affinity->near.map);
	kt_map_finish(&affinity->away.map);
	kt_map_finish(&affinity->scores.map);
}

/* Filtering */

static void count_existing(struct kt_cycle *cycle, struct affinity *affinity,
        const struct kt_node_info *node, const struct kt_pod_info *existing, int change)
{
	const kt_affinity_terms *own = cycle->pod->terms, *theirs = existing->terms;

	for (size_t i = 0; i < theirs[KT_ANTI_REQUIRED].n; i++)
		if (matches(cycle, &theirs[KT_ANTI_REQUIRED].items[i], cycle->pod->object))
			add(cycle, &affinity->forbidden,
			        theirs[KT_ANTI_REQUIRED].items[i].topology_key, node, change);
	if (matches_all(cycle, &own[KT_AFFINITY_REQUIRED], existing->object))
		for (size_t i = 0; i < own[KT_AFFINITY_REQUIRED].n; i++)
			add(cycle, &affinity->near, own[KT_AFFINITY_REQUIRED].items[i].topology_key,
			        node, change);
	for (size_t i = 0; i < own[KT_ANTI_REQUIRED].n; i++)
		if (matches(cycle, &own[KT_ANTI_REQUIRED].items[i], existing->object))
			add(cycle, &affinity->away, own[KT_ANTI_REQUIRED].items[i].topology_key,
			        node, change);
}

static void pod_changed(struct kt_cycle *cycle, void *state, const struct kt_node_info *node,
        const struct kt_pod_info *pod, int change)
{
	if (state)
		count_existing(cycle, state, node, pod, change);
}

static enum kt_plugin_code pre_filter(
        struct kt_cycle *cycle, void **state, struct kt_reasons *reasons)
{
	const kt_affinity_terms *own = cycle->pod->terms;
	bool has_own = own[KT_AFFINITY_REQUIRED].n || own[KT_ANTI_REQUIRED].n;

	(void)reasons;
	if (!has_own && !cycle->snapshot->n_anti_affinity_pods)
		return KT_PLUGIN_SKIP;
	struct affinity *affinity = begin(cycle);

	*state = affinity;
	for (size_t n = 0; n < cycle->snapshot->nodes.n; n++) {
		const struct kt_node_info *node = cycle->snapshot->nodes.items[n];

		for (size_t p = 0; p < node->pods.n; p++)
			if (has_own || node->pods.items[p]->terms[KT_ANTI_REQUIRED].n)
				count_existing(cycle, affinity, node, node->pods.items[p], 1);
	}
	return has_own || affinity->forbidden.map.n ? KT_PLUGIN_OK : KT_PLUGIN_SKIP;
}

/* The first pod of a group that wants to be together must be able to start somewhere: where no pod
 * matches yet and it matches itself, any node with the labels will do. */
static bool near_enough(
        struct kt_cycle *cycle, const struct affinity *affinity, const struct kt_node_info *node)
{
	const kt_affinity_terms *terms = &cycle->pod->terms[KT_AFFINITY_REQUIRED];
	bool found = true;

	for (size_t i = 0; i < terms->n; i++) {
		struct kt_sv value;

		if (!kt_object_label(node->object, kt_sv_of(terms->items[i].topology_key), &value))
			return false;
		found &= get(cycle, &affinity->near, terms->items[i].topology_key, value) > 0;
	}
	return found ||
	       (!affinity->near.n_positive && matches_all(cycle, terms, cycle->pod->object));
}

static bool too_near(
        struct kt_cycle *cycle, const struct affinity *affinity, const struct kt_node_info *node)
{
	const kt_affinity_terms *terms = &cycle->pod->terms[KT_ANTI_REQUIRED];
	struct kt_sv value;

	for (size_t i = 0; i < terms->n; i++)
		if (kt_object_label(node->object, kt_sv_of(terms->items[i].topology_key), &value) &&
		        get(cycle, &affinity->away, terms->items[i].topology_key, value) > 0)
			return true;
	return false;
}

static bool is_forbidden(
        struct kt_cycle *cycle, const struct affinity *affinity, const struct kt_node_info *node)
{
	size_t it = 0;
	const char *pair;
	void *number;

	(void)cycle;
	while (kt_map_next(&affinity->forbidden.map, &it, &pair, &number)) {
		const char *newline = strchr(pair, '\n');
		struct kt_sv value;

		if (*(int64_t *)number > 0 &&
		        kt_object_label(node->object,
		                (struct kt_sv){pair, (size_t)(newline - pair)}, &value) &&
		        kt_sv_is(value, newline + 1))
			return true;
	}
	return false;
}

static enum kt_plugin_code filter(struct kt_cycle *cycle, void *state,
        const struct kt_node_info *node, struct kt_reasons *reasons)
{
	const struct affinity *affinity = state;

	if (!near_enough(cycle, affinity, node)) {
		kt_vec_push(&reasons->texts, "node(s) didn't match pod affinity rules");
		return KT_PLUGIN_UNRESOLVABLE;
	}
	if (too_near(cycle, affinity, node)) {
		kt_vec_push(&reasons->texts, "node(s) didn't match pod anti-affinity rules");
		return KT_PLUGIN_UNSCHEDULABLE;
	}
	if (is_forbidden(cycle, affinity, node)) {
		kt_vec_push(&reasons->texts,
		        "node(s) didn't satisfy existing pods anti-affinity rules");
		return KT_PLUGIN_UNSCHEDULABLE;
	}
	return KT_PLUGIN_OK;
}

/* Scoring */

static void score_terms(struct kt_cycle *cycle, struct affinity *affinity,
        const kt_affinity_terms *terms, int sign, const struct kt_object *pod,
        const struct kt_node_info *node)
{
	for (size_t i = 0; i < terms->n; i++) {
		const struct kt_affinity_term *term = &terms->items[i];

		if (matches(cycle, term, pod))
			add(cycle, &affinity->scores, term->topology_key, node,
			        sign * (int64_t)(term->weight ? term->weight
			                                      : HARD_AFFINITY_WEIGHT));
	}
}

static void score_existing(struct kt_cycle *cycle, struct affinity *affinity,
        const struct kt_node_info *node, const struct kt_pod_info *existing)
{
	const kt_affinity_terms *own = cycle->pod->terms, *theirs = existing->terms;
	const struct kt_object *pod = cycle->pod->object;

	score_terms(cycle, affinity, &own[KT_AFFINITY_PREFERRED], 1, existing->object, node);
	score_terms(cycle, affinity, &own[KT_ANTI_PREFERRED], -1, existing->object, node);
	score_terms(cycle, affinity, &theirs[KT_AFFINITY_REQUIRED], 1, pod, node);
	score_terms(cycle, affinity, &theirs[KT_AFFINITY_PREFERRED], 1, pod, node);
	score_terms(cycle, affinity, &theirs[KT_ANTI_PREFERRED], -1, pod, node);
}

static bool has_terms(const struct kt_pod_info *pod)
{
	for (int kind = 0; kind < KT_AFFINITY_KINDS; kind++)
		if (pod->terms[kind].n)
			return true;
	return false;
}

static enum kt_plugin_code pre_score(
        struct kt_cycle *cycle, void **state, struct kt_node_info *const *nodes, size_t n)
{
	const kt_affinity_terms *own = cycle->pod->terms;
	bool has_own = own[KT_AFFINITY_PREFERRED].n || own[KT_ANTI_PREFERRED].n;

	(void)nodes;
	(void)n;
	if (!has_own && !cycle->snapshot->n_affinity_pods)
		return KT_PLUGIN_SKIP;
	if (!*state)
		*state = begin(cycle);
	struct affinity *affinity = *state;

	for (size_t i = 0; i < cycle->snapshot->nodes.n; i++) {
		const struct kt_node_info *node = cycle->snapshot->nodes.items[i];

		for (size_t p = 0; p < node->pods.n; p++)
			if (has_own || has_terms(node->pods.items[p]))
				score_existing(cycle, affinity, node, node->pods.items[p]);
	}
	return affinity->scores.map.n ? KT_PLUGIN_OK : KT_PLUGIN_SKIP;
}

static int64_t score(struct kt_cycle *cycle, void *state, const struct kt_node_info *node)
{
	const struct affinity *affinity = state;
	int64_t sum = 0;
	size_t it = 0;
	const char *pair;
	void *number;

	(void)cycle;
	while (kt_map_next(&affinity->scores.map, &it, &pair, &number)) {
		const char *newline = strchr(pair, '\n');
		struct kt_sv value;

		if (kt_object_label(
		            node->object, (struct kt_sv){pair, (size_t)(newline - pair)}, &value) &&
		        kt_sv_is(value, newline + 1))
			sum += *(int64_t *)number;
	}
	return sum;
}

static void normalize(struct kt_cycle *cycle, void *state, struct kt_node_info *const *nodes,
        int64_t *scores, size_t n)
{
	int64_t min = INT64_MAX, max = INT64_MIN;

	(void)cycle;
	(void)state;
	(void)nodes;
	for (size_t i = 0; i < n; i++) {
		min = KT_MIN(min, scores[i]);
		max = KT_MAX(max, scores[i]);
	}
	for (size_t i = 0; i < n; i++)
		scores[i] = max > min ? (int64_t)((double)KT_SCORE_MAX *
		                                  ((double)(scores[i] - min) / (double)(max - min)))
		                      : 0;
}

const struct kt_plugin kt_plugin_inter_pod_affinity = {
        .name = "InterPodAffinity",
        .weight = 2,
        .wakes = KT_EVENT_NODE_ADDED | KT_EVENT_NODE_LABELS | KT_EVENT_POD_REMOVED |
                 KT_EVENT_POD_ADDED | KT_EVENT_POD_CHANGED,
        .pre_filter = pre_filter,
        .filter = filter,
        .pod_changed = pod_changed,
        .pre_score = pre_score,
        .score = score,
        .normalize = normalize,
        .finish = finish,
};
