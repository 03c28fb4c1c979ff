/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The interface of a scheduler plugin: one file in plugins/ with one const struct kt_plugin, named
 * in the table of framework.c (whose order is the order of upstream's default profile).
 *
 * A decision runs: pre_enqueue (may the pod queue at all?) → pre_filter once → filter per node,
 * stopping at the first plugin that refuses it → pre_score once → score per feasible node →
 * normalize → weight. Hooks are pure: they read the snapshot and the pod, keep what they computed
 * in their state (arena memory of the cycle) and touch nothing else.
 */
#ifndef KT_CLUSTER_SCHEDULER_PLUGIN_H
#define KT_CLUSTER_SCHEDULER_PLUGIN_H

#include "base/mem.h"
#include "cluster/scheduler/snapshot.h"

#define KT_SCORE_MAX 100

enum kt_plugin_code {
	KT_PLUGIN_OK,
	KT_PLUGIN_UNSCHEDULABLE, /* preemption might help */
	KT_PLUGIN_UNRESOLVABLE,  /* preemption cannot help */
	KT_PLUGIN_SKIP,          /* pre_filter, pre_score: this plugin has no say for this pod */
	KT_PLUGIN_ERROR,
};

/* Cluster changes that may make a refused pod schedulable. */
enum kt_cluster_event {
	KT_EVENT_NODE_ADDED = 1,
	KT_EVENT_NODE_ALLOCATABLE = 2,
	KT_EVENT_NODE_LABELS = 4,
	KT_EVENT_NODE_TAINTS = 8,  /* and spec.unschedulable */
	KT_EVENT_POD_REMOVED = 16, /* an assigned pod went or ended */
	KT_EVENT_POD_ADDED = 32,   /* an assigned pod came */
	KT_EVENT_POD_CHANGED = 64, /* labels of an assigned pod */
	KT_EVENT_VOLUME = 128,     /* a claim, volume, class, or what CSI drivers say */
};

/* Why a node (or, from pre_filter, every node) is refused. Texts are constant or arena memory. */
struct kt_reasons {
	KT_VEC(const char *) texts;
};

struct kt_cycle {
	const struct kt_snapshot *snapshot;
	const struct kt_pod_info *pod;
	struct kt_arena *arena;
	/* A pre_filter that knows the only nodes which can do sets these (arena memory). */
	bool narrowed;
	struct kt_node_info **only;
	size_t n_only;
};

struct kt_plugin {
	const char *name; /* upstream's */
	int64_t weight;   /* of score */
	uint32_t wakes;   /* enum kt_cluster_event bits */
	enum kt_plugin_code (*pre_enqueue)(
	        const struct kt_object *pod, struct kt_arena *arena, const char **ret_reason);
	/* *state is kept for this plugin's other hooks of the cycle. */
	enum kt_plugin_code (*pre_filter)(
	        struct kt_cycle *cycle, void **state, struct kt_reasons *reasons);
	enum kt_plugin_code (*filter)(struct kt_cycle *cycle, void *state,
	        const struct kt_node_info *node, struct kt_reasons *reasons);
	/* A pod was put on the node (change 1) or taken from it (-1) to try what if; brings the
	 * state of pre_filter up to date. Every change is undone by its opposite. */
	void (*pod_changed)(struct kt_cycle *cycle, void *state, const struct kt_node_info *node,
	        const struct kt_pod_info *pod, int change);
	/* nodes: the feasible ones. */
	enum kt_plugin_code (*pre_score)(
	        struct kt_cycle *cycle, void **state, struct kt_node_info *const *nodes, size_t n);
	int64_t (*score)(struct kt_cycle *cycle, void *state, const struct kt_node_info *node);
	/* In place to 0…KT_SCORE_MAX; NULL: scores are in that range already. */
	void (*normalize)(struct kt_cycle *cycle, void *state, struct kt_node_info *const *nodes,
	        int64_t *scores, size_t n);
	/* Ends the cycle: frees what the state holds beside arena memory. state may be NULL. */
	void (*finish)(struct kt_cycle *cycle, void *state);
};

/* The one list, in the order of upstream's PreFilter, Filter and Score extension points. */
#define KT_PLUGINS(X) \
	X(scheduling_gates) \
	X(node_unschedulable) \
	X(node_name) \
	X(taint_toleration) \
	X(node_affinity) \
	X(node_ports) \
	X(node_resources_fit) \
	X(volume_restrictions) \
	X(node_volume_limits) \
	X(volume_binding) \
	X(volume_zone) \
	X(pod_topology_spread) \
	X(inter_pod_affinity) \
	X(node_resources_balanced_allocation) \
	X(image_locality)

#define KT_DECLARE(name) extern const struct kt_plugin kt_plugin_##name;
KT_PLUGINS(KT_DECLARE)
#undef KT_DECLARE

/* Shared helpers. */
bool kt_tolerates(const struct kt_toleration *tolerations, size_t n, const struct kt_taint *taint);
/* One NodeSelectorTerm / one NodeSelector (nodeSelectorTerms, ORed) against a node. */
bool kt_node_selector_term_matches(struct kt_json_at term, const struct kt_object *node);
bool kt_node_selector_matches(struct kt_json_at node_selector, const struct kt_object *node);
/* The pod's nodeSelector and required node affinity. */
bool kt_node_affinity_allows(const struct kt_pod_info *pod, const struct kt_object *node);
/* Scales so that the largest becomes KT_SCORE_MAX; reverse: the largest becomes 0. */
void kt_normalize_scores(int64_t *scores, size_t n, bool reverse);

#endif
