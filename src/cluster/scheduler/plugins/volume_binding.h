/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What VolumeBinding decides beside the node: which volume each unbound claim of the pod gets
 * there, or that one is to be made. Whoever binds the pod carries it out first.
 */
#ifndef KT_CLUSTER_SCHEDULER_PLUGINS_VOLUME_BINDING_H
#define KT_CLUSTER_SCHEDULER_PLUGINS_VOLUME_BINDING_H

#include "cluster/scheduler/plugin.h"

struct kt_claim_plan {
	const struct kt_object *claim;
	const struct kt_object *volume; /* NULL: to be provisioned for the node */
};

struct kt_volume_plan {
	struct kt_claim_plan *items; /* arena memory */
	size_t n;
};

/* For a pod that fits the node. Borrows from the snapshot. */
void kt_volume_binding_plan(const struct kt_snapshot *snapshot, const struct kt_pod_info *pod,
        const struct kt_node_info *node, struct kt_arena *arena, struct kt_volume_plan *ret_plan);

#endif
