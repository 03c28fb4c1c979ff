/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The scheduler: watches pods, nodes and what else decisions depend on (inputs.h), keeps a snapshot
 * of the cluster as arrays (snapshot.h), takes one pending pod after the other from its queue
 * (queue.h), asks the plugins (plugin.h, framework.h) for the best node, provides for the pod's
 * claims (claim_binder.h) and binds it. For a pod that fits nowhere others of lower priority may
 * have to go (preemption.c decides, eviction.h does it).
 *
 * The decision itself is a pure function of snapshot and pod, kt_framework_schedule(): tests feed
 * it recorded clusters without a client. A pod that was decided is assumed on its node at once, so
 * that the next decision sees it; when the binding fails it is taken back. Behaviour is that of
 * kube-scheduler's default profile; dynamic resource allocation, storage capacity and extenders are
 * not there.
 *
 * Threads: everything on the loop of the options.
 */
#ifndef KT_CLUSTER_SCHEDULER_SCHEDULER_H
#define KT_CLUSTER_SCHEDULER_SCHEDULER_H

#include "api/client/client.h"
#include "base/err.h"
#include "base/loop.h"

struct kt_scheduler;

struct kt_scheduler_options {
	struct kt_client *client; /* outlives the scheduler */
	struct kt_loop *loop;
	const char *name; /* spec.schedulerName it serves; NULL: "default-scheduler" */
};

int kt_scheduler_create(const struct kt_scheduler_options *options,
        struct kt_scheduler **ret_scheduler, struct kt_err *err);
void kt_scheduler_start(struct kt_scheduler *scheduler);
void kt_scheduler_destroy(struct kt_scheduler *scheduler); /* NULL is ignored */

#endif
