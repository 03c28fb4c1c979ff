/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Before a pod is bound, its claims: writes down which volume a claim gets (spec.claimRef of the
 * volume) or for which node one is to be made (annotation volume.kubernetes.io/selected-node of the
 * claim), then waits until the volume controller has bound them all. Ten minutes at most, as
 * upstream's bindTimeoutSeconds.
 *
 * Everything on one loop. A wait holds a reference to its pod and nothing of the snapshot.
 */
#ifndef KT_CLUSTER_SCHEDULER_CLAIM_BINDER_H
#define KT_CLUSTER_SCHEDULER_CLAIM_BINDER_H

#include "api/client/calls.h"
#include "cluster/scheduler/plugins/volume_binding.h"

#define KT_CLAIM_BIND_TIMEOUT_MS 600000

struct kt_claim_binder;

struct kt_claim_binder_options {
	struct kt_loop *loop;
	struct kt_calls *calls; /* both outlive the binder */
	struct kt_snapshot *snapshot;
	/* why NULL: all claims are bound. */
	void (*done)(void *arg, struct kt_object *pod, const char *node, const char *why);
	void *arg;
};

struct kt_claim_binder *kt_claim_binder_create(const struct kt_claim_binder_options *options);
/* The plan is of this pod on this node and not empty. */
void kt_claim_binder_bind(struct kt_claim_binder *binder, struct kt_object *pod, const char *node,
        const struct kt_volume_plan *plan);
/* A claim changed. */
void kt_claim_binder_look(struct kt_claim_binder *binder, const char *claim);
/* The pod went; done() is not called. */
void kt_claim_binder_forget(struct kt_claim_binder *binder, struct kt_sv pod_uid);
void kt_claim_binder_destroy(struct kt_claim_binder *binder); /* NULL is ignored */

#endif
