/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What many decisions ask again and again, kept as arrays over the nodes' ids: which value of a
 * label each node has (kt_topology), and how many pods of a namespace that a selector matches each
 * node has (kt_pod_tally). Made when first asked for, kept up to date by the snapshot, forgotten
 * when there are too many.
 *
 * A cache: asking changes nothing that a plugin could see. One thread, the snapshot's.
 */
#ifndef KT_CLUSTER_SCHEDULER_TALLIES_H
#define KT_CLUSTER_SCHEDULER_TALLIES_H

#include "api/machinery/selector.h"
#include "base/map.h"
#include "base/vec.h"

#define KT_TALLIES_MAX 128 /* of each kind, kept from one decision to the next */

struct kt_snapshot;
struct kt_node_info;
struct kt_pod_info;

struct kt_topology {
	char *key;
	struct kt_map values;     /* label value → its number, as uintptr_t, from 1 */
	KT_VEC(uint32_t) of_node; /* by the node's id; 0: the node has no such label */
};

/* Pods that are being deleted do not count. */
struct kt_pod_tally {
	char *namespace;
	char *selector_text;
	struct kt_selector *selector;
	KT_VEC(int32_t) of_node; /* by the node's id */
};

struct kt_tallies {
	KT_VEC(struct kt_topology *) topologies;
	KT_VEC(struct kt_pod_tally *) pods;
};

/* Valid until kt_tallies_trim(). */
struct kt_topology *kt_topology_of(const struct kt_snapshot *snapshot, struct kt_sv key);
/* selector: a LabelSelector's JSON. */
struct kt_pod_tally *kt_pod_tally_of(
        const struct kt_snapshot *snapshot, struct kt_sv namespace, struct kt_json_at selector);
uint32_t kt_topology_value(const struct kt_topology *topology, const struct kt_node_info *node);
int32_t kt_pod_tally_count(const struct kt_pod_tally *tally, const struct kt_node_info *node);
/* The number of the largest value so far. */
static inline size_t kt_topology_size(const struct kt_topology *topology)
{
	return topology->values.n;
}

/* The snapshot's part. */
void kt_tallies_finish(struct kt_tallies *tallies);
void kt_tallies_node(struct kt_tallies *tallies, const struct kt_node_info *node);
void kt_tallies_pod(struct kt_tallies *tallies, const struct kt_pod_info *pod, int change);
/* Between two decisions: forgets what has grown too large. */
void kt_tallies_trim(struct kt_tallies *tallies, size_t n_nodes);

#endif
