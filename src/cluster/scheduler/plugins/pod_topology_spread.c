/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * PodTopologySpread: keeps matching pods spread over the values of a node label. DoNotSchedule
 * constraints refuse nodes, ScheduleAnyway ones score them. Source: KEP-895; KEP-3022 (minDomains),
 * KEP-3094 (which nodes count).
 */
#include "cluster/scheduler/plugin.h"

#include <math.h>

/* Per constraint: label value → number of matching pods in that domain. */
struct domain {
	int64_t pods;
};

struct spread {
	size_t n;
	const struct kt_spread_constraint **constraints;
	struct kt_map *domains; /* values: struct domain, arena memory */
	bool *by_node;          /* score: the domain is the node itself */
	double *weights;
	bool *ignored; /* score: nodes (by feasible place) without some label */
	struct kt_node_info *const *nodes;
	size_t n_nodes;
};

static int64_t count_pods(const struct kt_node_info *node,
        const struct kt_spread_constraint *constraint, struct kt_sv namespace)
{
	int64_t n = 0;

	/* a selector that matches everything counts nothing, as upstream has it */
	if (!constraint->selector || kt_selector_is_empty(constraint->selector))
		return 0;
	for (size_t i = 0; i < node->pods.n; i++) {
		const struct kt_pod_info *pod = node->pods.items[i];

		n += !pod->object->deletion_timestamp.len && kt_sv_eq(pod->namespace, namespace) &&
		     kt_selector_matches(constraint->selector, pod->object);
	}
	return n;
}

/* Does the node count for the constraint? */
static bool included(struct kt_cycle *cycle, const struct kt_spread_constraint *constraint,
        const struct kt_node_info *node)
{
	if (constraint->honor_affinity && !kt_node_affinity_allows(cycle->pod, node->object))
		return false;
	for (size_t i = 0; constraint->honor_taints && i < node->taints.n; i++) {
		const struct kt_taint *taint = &node->taints.items[i];

		if (!kt_sv_is(taint->effect, "PreferNoSchedule") &&
		        !kt_tolerates(
		                cycle->pod->tolerations.items, cycle->pod->tolerations.n, taint))
			return false;
	}
	return true;
}

static bool label(const struct kt_node_info *node, const struct kt_spread_constraint *constraint,
        struct kt_sv *ret_value)
{
	return kt_object_label(node->object, kt_sv_of(constraint->topology_key), ret_value);
}

static bool has_all_labels(const struct spread *spread, const struct kt_node_info *node)
{
	struct kt_sv value;

	for (size_t i = 0; i < spread->n; i++)
		if (!label(node, spread->constraints[i], &value))
			return false;
	return true;
}

static struct spread *collect(struct kt_cycle *cycle, bool hard)
{
	const kt_spread_constraints *all = &cycle->pod->spread;
	struct spread *spread = kt_arena_new(cycle->arena, struct spread);

	spread->constraints =
	        kt_arena_alloc(cycle->arena, (all->n + 1) * sizeof(*spread->constraints));
	for (size_t i = 0; i < all->n; i++)
		if (all->items[i].hard == hard)
			spread->constraints[spread->n++] = &all->items[i];
	spread->domains = kt_arena_alloc(cycle->arena, (spread->n + 1) * sizeof(*spread->domains));
	for (size_t i = 0; i < spread->n; i++)
		kt_map_init(&spread->domains[i], NULL);
	return spread;
}

static void finish(struct kt_cycle *cycle, void *state)
{
	struct spread *spread = state;

	(void)cycle;
	for (size_t i = 0; spread && i < spread->n; i++)
		kt_map_finish(&spread->domains[i]);
}

static struct domain *domain(struct kt_cycle *cycle, struct kt_map *domains, struct kt_sv value)
{
	struct domain *found = kt_map_get_sv(domains, value);

	if (!found) {
		found = kt_arena_new(cycle->arena, struct domain);
		kt_map_set_sv(domains, value, found);
	}
	return found;
}

static enum kt_plugin_code pre_filter(
        struct kt_cycle *cycle, void **state, struct kt_reasons *reasons)
{
	struct spread *spread = collect(cycle, true);

	(void)reasons;
	*state = spread;
	if (!spread->n)
		return KT_PLUGIN_SKIP;
	for (size_t n = 0; n < cycle->snapshot->nodes.n; n++) {
		const struct kt_node_info *node = cycle->snapshot->nodes.items[n];

		if (!has_all_labels(spread, node))
			continue;
		for (size_t i = 0; i < spread->n; i++) {
			struct kt_sv value;

			if (included(cycle, spread->constraints[i], node) &&
			        label(node, spread->constraints[i], &value))
				domain(cycle, &spread->domains[i], value)->pods += count_pods(
				        node, spread->constraints[i], cycle->pod->namespace);
		}
	}
	return KT_PLUGIN_OK;
}

/* The least matching pods of any domain; 0 while there are fewer domains than asked for. */
static int64_t least(const struct kt_map *domains, int32_t min_domains)
{
	int64_t min = INT32_MAX;
	size_t it = 0;
	void *value;

	while (kt_map_next(domains, &it, NULL, &value))
		min = KT_MIN(min, ((struct domain *)value)->pods);
	return min_domains && domains->n < (size_t)min_domains ? 0 : min;
}

static enum kt_plugin_code filter(struct kt_cycle *cycle, void *state,
        const struct kt_node_info *node, struct kt_reasons *reasons)
{
	const struct spread *spread = state;

	for (size_t i = 0; i < spread->n; i++) {
		const struct kt_spread_constraint *constraint = spread->constraints[i];
		const struct domain *found;
		struct kt_sv value;

		if (!label(node, constraint, &value)) {
			kt_vec_push(&reasons->texts, "node(s) didn't match pod topology spread "
			                             "constraints (missing required label)");
			return KT_PLUGIN_UNRESOLVABLE;
		}
		found = kt_map_get_sv(&spread->domains[i], value);
		int64_t self = constraint->selector &&
		               kt_selector_matches(constraint->selector, cycle->pod->object);

		if ((found ? found->pods : 0) + self -
		                least(&spread->domains[i], constraint->min_domains) <=
		        constraint->max_skew)
			continue;
		kt_vec_push(
		        &reasons->texts, "node(s) didn't match pod topology spread constraints");
		return KT_PLUGIN_UNSCHEDULABLE;
	}
	return KT_PLUGIN_OK;
}

/* Scoring */

static size_t mark_ignored(struct spread *spread)
{
	size_t n = 0;

	for (size_t i = 0; i < spread->n_nodes; i++) {
		spread->ignored[i] = !has_all_labels(spread, spread->nodes[i]);
		n += spread->ignored[i];
	}
	return n;
}

/* Domains are those of the nodes the pod may go to; pods are counted on all nodes of them. */
static void count_domains(struct kt_cycle *cycle, struct spread *spread, size_t i)
{
	const struct kt_spread_constraint *constraint = spread->constraints[i];
	struct kt_sv value;

	for (size_t n = 0; n < spread->n_nodes; n++)
		if (!spread->ignored[n] && label(spread->nodes[n], constraint, &value))
			domain(cycle, &spread->domains[i], value);
	for (size_t n = 0; n < cycle->snapshot->nodes.n; n++) {
		const struct kt_node_info *node = cycle->snapshot->nodes.items[n];
		struct domain *found;

		if (!has_all_labels(spread, node) || !included(cycle, constraint, node) ||
		        !label(node, constraint, &value))
			continue;
		found = kt_map_get_sv(&spread->domains[i], value);
		if (found)
			found->pods += count_pods(node, constraint, cycle->pod->namespace);
	}
}

static enum kt_plugin_code pre_score(
        struct kt_cycle *cycle, void **state, struct kt_node_info *const *nodes, size_t n)
{
	struct spread *spread = collect(cycle, false);

	finish(cycle, *state);
	*state = spread;
	if (!spread->n)
		return KT_PLUGIN_SKIP;
	spread->nodes = nodes;
	spread->n_nodes = n;
	spread->ignored = kt_arena_alloc(cycle->arena, n * sizeof(bool));
	spread->weights = kt_arena_alloc(cycle->arena, spread->n * sizeof(double));
	spread->by_node = kt_arena_alloc(cycle->arena, spread->n * sizeof(bool));
	size_t n_ignored = mark_ignored(spread);

	for (size_t i = 0; i < spread->n; i++) {
		spread->by_node[i] =
		        !strcmp(spread->constraints[i]->topology_key, "kubernetes.io/hostname");
		if (!spread->by_node[i])
			count_domains(cycle, spread, i);
		size_t size = spread->by_node[i] ? n - n_ignored : spread->domains[i].n;

		spread->weights[i] = log((double)size + 2);
	}
	return KT_PLUGIN_OK;
}

static int64_t score(struct kt_cycle *cycle, void *state, const struct kt_node_info *node)
{
	const struct spread *spread = state;
	double sum = 0;

	if (!has_all_labels(spread, node))
		return 0;
	for (size_t i = 0; i < spread->n; i++) {
		const struct kt_spread_constraint *constraint = spread->constraints[i];
		struct kt_sv value;
		int64_t pods = 0;

		if (!label(node, constraint, &value))
			continue;
		if (spread->by_node[i]) {
			pods = count_pods(node, constraint, cycle->pod->namespace);
		} else {
			const struct domain *found = kt_map_get_sv(&spread->domains[i], value);

			pods = found ? found->pods : 0;
		}
		sum += (double)pods * spread->weights[i] + (double)(constraint->max_skew - 1);
	}
	return (int64_t)round(sum);
}

/* Few pods are good: the larger the raw score, the less of it stays. */
static void normalize(struct kt_cycle *cycle, void *state, struct kt_node_info *const *nodes,
        int64_t *scores, size_t n)
{
	const struct spread *spread = state;
	int64_t min = INT64_MAX, max = 0;

	(void)cycle;
	(void)nodes;
	for (size_t i = 0; i < n; i++) {
		if (spread->ignored[i])
			continue;
		min = KT_MIN(min, scores[i]);
		max = KT_MAX(max, scores[i]);
	}
	for (size_t i = 0; i < n; i++)
		scores[i] = spread->ignored[i] ? 0
		            : max              ? KT_SCORE_MAX * (max + min - scores[i]) / max
		                               : KT_SCORE_MAX;
}

const struct kt_plugin kt_plugin_pod_topology_spread = {
        .name = "PodTopologySpread",
        .weight = 2,
        .wakes = KT_EVENT_NODE_ADDED | KT_EVENT_NODE_LABELS | KT_EVENT_NODE_TAINTS |
                 KT_EVENT_POD_REMOVED | KT_EVENT_POD_ADDED | KT_EVENT_POD_CHANGED,
        .pre_filter = pre_filter,
        .filter = filter,
        .pre_score = pre_score,
        .score = score,
        .normalize = normalize,
        .finish = finish,
};
