/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Carries a preemption out: each victim gets the condition DisruptionTarget, an event, and is
 * deleted; pods of lower priority that were nominated for the node lose that. The snapshot marks
 * the victims at once, so that the pod they make room for does not look for more.
 *
 * Everything on one loop.
 */
#ifndef KT_CLUSTER_SCHEDULER_EVICTION_H
#define KT_CLUSTER_SCHEDULER_EVICTION_H

#include "api/client/calls.h"
#include "api/client/events.h"
#include "cluster/scheduler/framework.h"

struct kt_eviction {
	struct kt_loop *loop;
	struct kt_calls *calls;
	struct kt_event_recorder *recorder;
	struct kt_snapshot *snapshot;
	const char *scheduler_name;
	/* A victim could not be deleted: the pod that waits for it should look again. */
	void (*failed)(void *arg);
	void *arg;
};

/* The eviction and what it names outlive the calls it sends. */
void kt_eviction_run(struct kt_eviction *eviction, const struct kt_pod_info *preemptor,
        const struct kt_candidate *candidate);

/* Writes status.nominatedNodeName; node NULL: takes it out. */
void kt_eviction_write_nomination(
        struct kt_eviction *eviction, const struct kt_object *pod, const char *node);

#endif
