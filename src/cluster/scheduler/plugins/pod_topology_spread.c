/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * PodTopologySpread: keeps matching pods spread over the values of a node label. DoNotSchedule
 * constraints refuse nodes, ScheduleAnyway ones score them. A pod without constraints that services
 * or its controller select is spread over hosts and zones by default. Source: KEP-895; KEP-1258
 * (defaults), KEP-3022 (minDomains), KEP-3094 (which nodes count).
 */
#include "cluster/scheduler/plugin.h"

#include <math.h>

#define HOSTNAME "kubernetes.io/hostname"
#define NO_DOMAIN (-1)

struct constraint {
	bool hard;                         /* DoNotSchedule */
	bool honor_affinity, honor_taints; /* which nodes count */
	int32_t max_skew, min_domains;     /* min_domains 0: not set */
	const struct kt_topology *topology;
	const struct kt_pod_tally *tally;
	bool self;     /* the pod itself matches */
	bool by_node;  /* scoring: the domain is the node itself */
	int64_t *pods; /* matching pods by topology value; NO_DOMAIN: not of our nodes */
	size_t n_domains;
	int64_t least; /* of any domain; NO_DOMAIN: to be found again */
	double weight;
};

struct spread {
	size_t n;
	struct constraint *constraints;
	bool is_default; /* then nodes without a label take part in scoring, too */
	bool has_node_affinity;
	bool *ignored; /* scoring: nodes (by feasible place) without some label */
};

/* --- the constraints of a pod --- */

static struct kt_sv string_member(struct kt_json_at object, const char *key)
{
	struct kt_sv text = {0};

	kt_json_string_sv(kt_json_member(object, key), &text);
	return text;
}

static void add_constraint(struct kt_cycle *cycle, struct spread *spread,
        struct constraint constraint, struct kt_sv key, struct kt_json_at selector)
{
	constraint.topology = kt_topology_of(cycle->snapshot, key);
	constraint.tally = kt_pod_tally_of(cycle->snapshot, cycle->pod->namespace, selector);
	constraint.self = kt_selector_matches(constraint.tally->selector, cycle->pod->object);
	constraint.by_node = kt_sv_is(key, HOSTNAME);
	constraint.pods = kt_arena_alloc(cycle->arena,
	        (kt_topology_size(constraint.topology) + 1) * sizeof(*constraint.pods));
	for (size_t i = 0; i <= kt_topology_size(constraint.topology); i++)
		constraint.pods[i] = NO_DOMAIN;
	constraint.least = NO_DOMAIN;
	spread->constraints[spread->n++] = constraint;
}

static void read_own(
        struct kt_cycle *cycle, struct spread *spread, struct kt_json_at list, bool hard)
{
	struct kt_json_iter it = {0};
	struct kt_json_at item;
	size_t n = 0;

	while (kt_json_next_element(list, &it, &item))
		n++;
	spread->constraints = kt_arena_alloc(cycle->arena, (n + 1) * sizeof(*spread->constraints));
	it = (struct kt_json_iter){0};
	while (kt_json_next_element(list, &it, &item)) {
		int64_t skew = 1, domains = 0;
		struct constraint constraint = {
		        .hard = !kt_json_string_is(
		                kt_json_member(item, "whenUnsatisfiable"), "ScheduleAnyway"),
		        .honor_affinity = !kt_json_string_is(
		                kt_json_member(item, "nodeAffinityPolicy"), "Ignore"),
		        .honor_taints = kt_json_string_is(
		                kt_json_member(item, "nodeTaintsPolicy"), "Honor"),
		};

		if (constraint.hard != hard)
			continue;
		kt_json_int64(kt_json_member(item, "maxSkew"), &skew);
		kt_json_int64(kt_json_member(item, "minDomains"), &domains);
		constraint.max_skew = (int32_t)skew;
		constraint.min_domains = (int32_t)domains;
		add_constraint(cycle, spread, constraint, string_member(item, "topologyKey"),
		        kt_json_member(item, "labelSelector"));
	}
}

/* "System" defaulting: both score only. */
static void read_defaults(struct kt_cycle *cycle, struct spread *spread)
{
	static const struct {
		const char *key;
		int32_t max_skew;
	} table[] = {{HOSTNAME, 3}, {"topology.kubernetes.io/zone", 5}};
	struct kt_json_at selector =
	        kt_owners_selector(&cycle->snapshot->owners, cycle->pod->object, cycle->arena);

	if (!selector.p)
		return;
	spread->is_default = true;
	spread->constraints =
	        kt_arena_alloc(cycle->arena, KT_ARRAY_SIZE(table) * sizeof(*spread->constraints));
	for (size_t i = 0; i < KT_ARRAY_SIZE(table); i++)
		add_constraint(cycle, spread,
		        (struct constraint){.max_skew = table[i].max_skew, .honor_affinity = true},
		        kt_sv_of(table[i].key), selector);
}

static struct spread *read_spread(struct kt_cycle *cycle, bool hard)
{
	struct kt_json_at list = kt_json_member(cycle->pod->spec, "topologySpreadConstraints"),
	                  item;
	struct kt_json_iter it = {0};
	struct spread *spread = kt_arena_new(cycle->arena, struct spread);

	if (list.p && kt_json_next_element(list, &it, &item))
		read_own(cycle, spread, list, hard);
	else if (!hard)
		read_defaults(cycle, spread);
	spread->has_node_affinity = cycle->pod->node_selector.p || cycle->pod->affinity.p;
	return spread;
}

/* --- which nodes and pods count --- */

static bool has_all_labels(const struct spread *spread, const struct kt_node_info *node)
{
	for (size_t i = 0; i < spread->n; i++)
		if (!kt_topology_value(spread->constraints[i].topology, node))
			return false;
	return true;
}

static bool tolerated(const struct kt_cycle *cycle, const struct kt_node_info *node)
{
	for (size_t i = 0; i < node->taints.n; i++) {
		const struct kt_taint *taint = &node->taints.items[i];

		if (!kt_sv_is(taint->effect, "PreferNoSchedule") &&
		        !kt_tolerates(
		                cycle->pod->tolerations.items, cycle->pod->tolerations.n, taint))
			return false;
	}
	return true;
}

static bool included(const struct kt_cycle *cycle, const struct spread *spread,
        const struct constraint *constraint, const struct kt_node_info *node)
{
	if (constraint->honor_affinity && spread->has_node_affinity &&
	        !kt_node_affinity_allows(cycle->pod, node->object))
		return false;
	return !constraint->honor_taints || tolerated(cycle, node);
}

static int64_t matching_pods(const struct constraint *constraint, const struct kt_node_info *node)
{
	/* a selector that matches everything counts nothing, as upstream has it */
	return kt_selector_is_empty(constraint->tally->selector)
	               ? 0
	               : kt_pod_tally_count(constraint->tally, node);
}

/* --- filtering --- */

static enum kt_plugin_code pre_filter(
        struct kt_cycle *cycle, void **state, struct kt_reasons *reasons)
{
	struct spread *spread = read_spread(cycle, true);

	(void)reasons;
	*state = spread;
	if (!spread->n)
		return KT_PLUGIN_SKIP;
	for (size_t n = 0; n < cycle->snapshot->nodes.n; n++) {
		const struct kt_node_info *node = cycle->snapshot->nodes.items[n];

		if (!has_all_labels(spread, node))
			continue;
		for (size_t i = 0; i < spread->n; i++) {
			struct constraint *constraint = &spread->constraints[i];
			int64_t *pods =
			        &constraint->pods[kt_topology_value(constraint->topology, node)];

			if (!included(cycle, spread, constraint, node))
				continue;
			if (*pods == NO_DOMAIN) {
				*pods = 0;
				constraint->n_domains++;
			}
			*pods += matching_pods(constraint, node);
		}
	}
	return KT_PLUGIN_OK;
}

static void pod_changed(struct kt_cycle *cycle, void *state, const struct kt_node_info *node,
        const struct kt_pod_info *pod, int change)
{
	struct spread *spread = state;

	if (pod->object->deletion_timestamp.len ||
	        !kt_sv_eq(pod->namespace, cycle->pod->namespace) || !has_all_labels(spread, node))
		return;
	for (size_t i = 0; i < spread->n; i++) {
		struct constraint *constraint = &spread->constraints[i];

		if (kt_selector_is_empty(constraint->tally->selector) ||
		        !kt_selector_matches(constraint->tally->selector, pod->object) ||
		        !included(cycle, spread, constraint, node))
			continue;
		constraint->pods[kt_topology_value(constraint->topology, node)] += change;
		constraint->least = NO_DOMAIN;
	}
}

/* The least matching pods of any domain; 0 while there are fewer domains than asked for. */
static int64_t least_pods(struct constraint *constraint)
{
	if (constraint->min_domains && constraint->n_domains < (size_t)constraint->min_domains)
		return 0;
	if (constraint->least != NO_DOMAIN)
		return constraint->least;
	constraint->least = INT32_MAX;
	for (size_t i = 1; i <= kt_topology_size(constraint->topology); i++)
		if (constraint->pods[i] != NO_DOMAIN)
			constraint->least = KT_MIN(constraint->least, constraint->pods[i]);
	return constraint->least;
}

static enum kt_plugin_code filter(struct kt_cycle *cycle, void *state,
        const struct kt_node_info *node, struct kt_reasons *reasons)
{
	const struct spread *spread = state;

	(void)cycle;
	for (size_t i = 0; i < spread->n; i++) {
		struct constraint *constraint = &spread->constraints[i];
		uint32_t value = kt_topology_value(constraint->topology, node);

		if (!value) {
			kt_vec_push(&reasons->texts, "node(s) didn't match pod topology spread "
			                             "constraints (missing required label)");
			return KT_PLUGIN_UNRESOLVABLE;
		}
		if (KT_MAX(constraint->pods[value], 0) + constraint->self -
		                least_pods(constraint) <=
		        constraint->max_skew)
			continue;
		kt_vec_push(
		        &reasons->texts, "node(s) didn't match pod topology spread constraints");
		return KT_PLUGIN_UNSCHEDULABLE;
	}
	return KT_PLUGIN_OK;
}

/* --- scoring --- */

/* Domains are those of the nodes the pod may go to; pods are counted on all nodes of them. A node
 * without the label is in the domain 0 when labels are not asked for. */
static void count_domains(struct kt_cycle *cycle, struct spread *spread,
        struct constraint *constraint, struct kt_node_info *const *nodes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int64_t *pods =
		        &constraint->pods[kt_topology_value(constraint->topology, nodes[i])];

		if (spread->ignored[i] || *pods != NO_DOMAIN)
			continue;
		*pods = 0;
		constraint->n_domains++;
	}
	for (size_t i = 0; i < cycle->snapshot->nodes.n; i++) {
		const struct kt_node_info *node = cycle->snapshot->nodes.items[i];
		int64_t *pods = &constraint->pods[kt_topology_value(constraint->topology, node)];

		if (*pods != NO_DOMAIN && (spread->is_default || has_all_labels(spread, node)) &&
		        included(cycle, spread, constraint, node))
			*pods += matching_pods(constraint, node);
	}
}

static enum kt_plugin_code pre_score(
        struct kt_cycle *cycle, void **state, struct kt_node_info *const *nodes, size_t n)
{
	struct spread *spread = read_spread(cycle, false);
	size_t n_ignored = 0;

	*state = spread;
	if (!spread->n)
		return KT_PLUGIN_SKIP;
	spread->ignored = kt_arena_alloc(cycle->arena, n * sizeof(bool));
	for (size_t i = 0; i < n && !spread->is_default; i++) {
		spread->ignored[i] = !has_all_labels(spread, nodes[i]);
		n_ignored += spread->ignored[i];
	}
	for (size_t i = 0; i < spread->n; i++) {
		struct constraint *constraint = &spread->constraints[i];

		if (!constraint->by_node)
			count_domains(cycle, spread, constraint, nodes, n);
		size_t size = constraint->by_node ? n - n_ignored : constraint->n_domains;

		constraint->weight = log((double)size + 2);
	}
	return KT_PLUGIN_OK;
}

static int64_t score(struct kt_cycle *cycle, void *state, const struct kt_node_info *node)
{
	const struct spread *spread = state;
	double sum = 0;

	(void)cycle;
	if (!spread->is_default && !has_all_labels(spread, node))
		return 0;
	for (size_t i = 0; i < spread->n; i++) {
		const struct constraint *constraint = &spread->constraints[i];
		uint32_t value = kt_topology_value(constraint->topology, node);
		int64_t pods;

		if (!value)
			continue;
		pods = constraint->by_node ? matching_pods(constraint, node)
		                           : KT_MAX(constraint->pods[value], 0);
		sum += (double)pods * constraint->weight + (double)(constraint->max_skew - 1);
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
        .pod_changed = pod_changed,
        .pre_score = pre_score,
        .score = score,
        .normalize = normalize,
};
