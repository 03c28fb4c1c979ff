/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the scheduler knows of the cluster, as arrays: nodes with their allocatable and requested
 * resources, taints and pods. Built by feeding it objects as they change; plugins read it only.
 *
 * A node has a stable index while it lives; the last node moves into the hole of a removed one.
 * Pods are known by uid; a pod counts on the node it is bound to or assumed on. One thread.
 */
#ifndef KT_CLUSTER_SCHEDULER_SNAPSHOT_H
#define KT_CLUSTER_SCHEDULER_SNAPSHOT_H

#include "api/storage/object.h"
#include "base/map.h"
#include "base/vec.h"
#include "cluster/scheduler/owners.h"
#include "cluster/scheduler/resources.h"
#include "cluster/scheduler/tallies.h"
#include "cluster/scheduler/terms.h"
#include "cluster/scheduler/volumes.h"

struct kt_taint {
	struct kt_sv key, value, effect; /* borrowed from the node's object */
};

struct kt_toleration {
	struct kt_sv key, operator, value,
	        effect; /* borrowed from the pod's object; empty: absent */
};

struct kt_host_port {
	struct kt_sv ip, protocol; /* borrowed from the pod's object; ip empty: all */
	int64_t port;
};

struct kt_image {
	struct kt_sv name; /* borrowed from the node's object */
	int64_t size_bytes;
};

/* An image in the cluster. Nodes may tell different sizes of it; the first one's counts. */
struct kt_image_spread {
	int64_t size_bytes;
	size_t n_nodes;
};

/* A claim that a pod's volume names. */
struct kt_pod_claim {
	char *key;        /* "namespace/name" */
	const char *name; /* its second half */
	bool ephemeral;   /* made for this pod alone */
};

/* A pod, read once from its object. */
struct kt_pod_info {
	struct kt_object *object; /* reference */
	struct kt_json_at spec;
	struct kt_sv namespace, name, uid, node_name, scheduler_name;
	struct kt_resources requests; /* with overhead, init containers and sidecars; pods = 1 */
	/* As scoring counts them: 100m and 200Mi for a container without requests. */
	int64_t scored_milli_cpu, scored_memory_bytes; /* of a pod that is there */
	int64_t asked_milli_cpu, asked_memory_bytes;   /* of the pod to place: without what it asks
	                                                  for as a whole, as upstream does */
	int32_t priority;
	KT_VEC(struct kt_toleration) tolerations;
	struct kt_json_at node_selector, affinity; /* p NULL: absent */
	KT_VEC(struct kt_host_port) host_ports;
	kt_affinity_terms terms[KT_AFFINITY_KINDS];
	KT_VEC(struct kt_pod_claim) claims;
	bool has_disks;            /* volumes that not any two pods may share on a node */
	struct kt_node_info *node; /* where it counts; NULL: nowhere */
	uint32_t node_slot;        /* its place in node->pods */
	bool preempted;            /* we are having it deleted */
	bool assumed;              /* decided (or nominated) here, not yet seen in the object */
};

struct kt_node_info {
	char *name;
	struct kt_object
	        *object; /* reference; NULL: only pods name this node so far, no plugin sees it */
	uint32_t index;  /* in snapshot->nodes; meaningless without object */
	uint32_t id;     /* stays while the node is known; small, used again */
	bool unschedulable;
	struct kt_resources allocatable, requested;
	int64_t scored_milli_cpu, scored_memory_bytes; /* sums over its pods */
	KT_VEC(struct kt_taint) taints;
	KT_VEC(struct kt_image) images;
	KT_VEC(struct kt_pod_info *) pods;
	KT_VEC(struct kt_pod_info *) nominated; /* pending pods that are to come here */
};

struct kt_snapshot {
	KT_VEC(struct kt_node_info *) nodes; /* those with an object */
	struct kt_map nodes_by_name;         /* all; owns them */
	struct kt_map pods_by_uid;           /* pods that count on a node; owns them */
	struct kt_map namespaces;            /* Namespace objects by name; references */
	struct kt_map images;                /* by name: struct kt_image_spread, which it owns */
	size_t n_affinity_pods;              /* pods on nodes with any (anti-)affinity term */
	size_t n_anti_affinity_pods;         /* with required anti-affinity */
	struct kt_map nominated; /* pending pods with a nominated node by uid; owns them */
	struct kt_map budgets;   /* PodDisruptionBudgets by "namespace/name"; references */
	struct kt_owners owners;
	struct kt_volumes volumes;
	struct kt_tallies *tallies; /* a cache, filled also through a const snapshot */
	KT_VEC(uint32_t) free_ids;
	uint32_t n_ids;
};

void kt_snapshot_init(struct kt_snapshot *snapshot);
void kt_snapshot_finish(struct kt_snapshot *snapshot);
/* Adds or replaces. */
void kt_snapshot_set_node(struct kt_snapshot *snapshot, struct kt_object *object);
void kt_snapshot_remove_node(struct kt_snapshot *snapshot, struct kt_sv name);
void kt_snapshot_set_namespace(struct kt_snapshot *snapshot, struct kt_object *object);
void kt_snapshot_remove_namespace(struct kt_snapshot *snapshot, struct kt_sv name);
/* A pod with spec.nodeName that has not ended counts; any other is taken away. A pending one with
 * status.nominatedNodeName is kept as nominated there. */
void kt_snapshot_set_pod(struct kt_snapshot *snapshot, struct kt_object *object);
void kt_snapshot_remove_pod(struct kt_snapshot *snapshot, struct kt_sv uid);
/* Counts a decided pod on its node until kt_snapshot_set_pod() confirms or kt_snapshot_remove_pod()
 * takes it back. */
void kt_snapshot_assume(
        struct kt_snapshot *snapshot, struct kt_object *pod, struct kt_node_info *node);

/* Nominates a pending pod before its status says so; node NULL: takes the nomination back. */
void kt_snapshot_nominate(
        struct kt_snapshot *snapshot, struct kt_object *pod, struct kt_node_info *node);
/* For trying out: a pod (not) counted on the node for a while. What is taken must be put back (or
 * the other way round) before anything else happens to the snapshot. */
void kt_snapshot_put(
        struct kt_snapshot *snapshot, struct kt_node_info *node, struct kt_pod_info *pod);
void kt_snapshot_take(struct kt_snapshot *snapshot, struct kt_pod_info *pod);
void kt_snapshot_set_budget(struct kt_snapshot *snapshot, struct kt_object *budget);
void kt_snapshot_remove_budget(struct kt_snapshot *snapshot, const struct kt_object *budget);

struct kt_pod_info *kt_pod_info_create(struct kt_object *object);
void kt_pod_info_destroy(struct kt_pod_info *pod); /* NULL is ignored */
/* Succeeded or Failed. */
bool kt_pod_has_ended(const struct kt_object *pod);
/* status.nominatedNodeName; empty when absent. */
struct kt_sv kt_pod_nominated_node(const struct kt_object *pod);

#endif
