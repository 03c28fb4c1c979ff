/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster/scheduler/tallies.h"

#include "cluster/scheduler/snapshot.h"

static void topology_destroy(struct kt_topology *topology)
{
	kt_map_finish(&topology->values);
	kt_vec_finish(&topology->of_node);
	free(topology->key);
	free(topology);
}

static void pod_tally_destroy(struct kt_pod_tally *tally)
{
	kt_selector_destroy(tally->selector);
	kt_vec_finish(&tally->of_node);
	free(tally->namespace);
	free(tally->selector_text);
	free(tally);
}

void kt_tallies_finish(struct kt_tallies *tallies)
{
	for (size_t i = 0; i < tallies->topologies.n; i++)
		topology_destroy(tallies->topologies.items[i]);
	for (size_t i = 0; i < tallies->pods.n; i++)
		pod_tally_destroy(tallies->pods.items[i]);
	kt_vec_finish(&tallies->topologies);
	kt_vec_finish(&tallies->pods);
}

void kt_tallies_trim(struct kt_tallies *tallies, size_t n_nodes)
{
	bool stale = tallies->topologies.n > KT_TALLIES_MAX || tallies->pods.n > KT_TALLIES_MAX;

	/* Values of nodes that are gone stay numbered. */
	for (size_t i = 0; i < tallies->topologies.n; i++)
		stale |= tallies->topologies.items[i]->values.n > 2 * n_nodes + KT_TALLIES_MAX;
	if (stale)
		kt_tallies_finish(tallies);
}

static void set_value(struct kt_topology *topology, const struct kt_node_info *node)
{
	struct kt_sv text;
	uintptr_t number = 0;

	if (node->object && kt_object_label(node->object, kt_sv_of(topology->key), &text)) {
		number = (uintptr_t)kt_map_get_sv(&topology->values, text);
		if (!number) {
			number = topology->values.n + 1;
			kt_map_set_sv(&topology->values, text, (void *)number);
		}
	}
	while (topology->of_node.n <= node->id)
		kt_vec_push(&topology->of_node, 0);
	topology->of_node.items[node->id] = (uint32_t)number;
}

void kt_tallies_node(struct kt_tallies *tallies, const struct kt_node_info *node)
{
	for (size_t i = 0; i < tallies->topologies.n; i++)
		set_value(tallies->topologies.items[i], node);
}

struct kt_topology *kt_topology_of(const struct kt_snapshot *snapshot, struct kt_sv key)
{
	struct kt_tallies *tallies = snapshot->tallies;
	struct kt_topology *topology;

	for (size_t i = 0; i < tallies->topologies.n; i++)
		if (kt_sv_is(key, tallies->topologies.items[i]->key))
			return tallies->topologies.items[i];
	topology = kt_new(struct kt_topology);
	topology->key = kt_sv_dup(key);
	kt_map_init(&topology->values, NULL);
	for (size_t i = 0; i < snapshot->nodes.n; i++)
		set_value(topology, snapshot->nodes.items[i]);
	kt_vec_push(&tallies->topologies, topology);
	return topology;
}

uint32_t kt_topology_value(const struct kt_topology *topology, const struct kt_node_info *node)
{
	return node->id < topology->of_node.n ? topology->of_node.items[node->id] : 0;
}

static void tally_pod(struct kt_pod_tally *tally, const struct kt_pod_info *pod, int change)
{
	if (pod->object->deletion_timestamp.len || !kt_sv_is(pod->namespace, tally->namespace) ||
	        !kt_selector_matches(tally->selector, pod->object))
		return;
	while (tally->of_node.n <= pod->node->id)
		kt_vec_push(&tally->of_node, 0);
	tally->of_node.items[pod->node->id] += change;
}

void kt_tallies_pod(struct kt_tallies *tallies, const struct kt_pod_info *pod, int change)
{
	for (size_t i = 0; i < tallies->pods.n; i++)
		tally_pod(tallies->pods.items[i], pod, change);
}

struct kt_pod_tally *kt_pod_tally_of(
        const struct kt_snapshot *snapshot, struct kt_sv namespace, struct kt_json_at selector)
{
	struct kt_tallies *tallies = snapshot->tallies;
	struct kt_sv text = {selector.p, selector.len};
	struct kt_pod_tally *tally;
	size_t it = 0;
	void *value;

	for (size_t i = 0; i < tallies->pods.n; i++) {
		tally = tallies->pods.items[i];
		if (kt_sv_is(namespace, tally->namespace) && kt_sv_is(text, tally->selector_text))
			return tally;
	}
	kt_auto_json json_t *tree = selector.p ? kt_json_tree(selector) : NULL;

	tally = kt_new(struct kt_pod_tally);
	tally->namespace = kt_sv_dup(namespace);
	tally->selector_text = selector.p ? kt_sv_dup(text) : kt_strdup("");
	/* The API server has checked it; what it let through by ratcheting matches nothing. */
	if (kt_selector_of_json(tree, &tally->selector, NULL) < 0)
		kt_selector_of_json(NULL, &tally->selector, NULL);
	/* Also nodes that only pods name so far: they may still come. */
	while (kt_map_next(&snapshot->nodes_by_name, &it, NULL, &value)) {
		const struct kt_node_info *node = value;

		for (size_t p = 0; p < node->pods.n; p++)
			tally_pod(tally, node->pods.items[p], 1);
	}
	kt_vec_push(&tallies->pods, tally);
	return tally;
}

int32_t kt_pod_tally_count(const struct kt_pod_tally *tally, const struct kt_node_info *node)
{
	return node->id < tally->of_node.n ? tally->of_node.items[node->id] : 0;
}
