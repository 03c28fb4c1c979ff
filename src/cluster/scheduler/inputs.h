/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the scheduler watches beside pods, nodes and namespaces: services and the controllers of
 * pods (default spreading), volumes in all their kinds, disruption budgets. Each change goes into
 * the snapshot; then the scheduler is told. One table names them all. Everything on one loop.
 */
#ifndef KT_CLUSTER_SCHEDULER_INPUTS_H
#define KT_CLUSTER_SCHEDULER_INPUTS_H

#include "api/client/client.h"
#include "cluster/scheduler/snapshot.h"

struct kt_inputs;

struct kt_inputs_options {
	struct kt_client *client;
	struct kt_loop *loop;
	struct kt_snapshot *snapshot; /* outlives the inputs */
	void (*on_synced)(void *arg); /* once for each kind */
	/* events: enum kt_cluster_event bits, 0: none that could help a waiting pod. claim: the key
	 * of the claim that changed, or NULL. */
	void (*on_change)(void *arg, uint32_t events, const char *claim);
	void *arg;
};

struct kt_inputs *kt_inputs_create(const struct kt_inputs_options *options);
void kt_inputs_start(struct kt_inputs *inputs);
bool kt_inputs_synced(const struct kt_inputs *inputs);
void kt_inputs_destroy(struct kt_inputs *inputs); /* NULL is ignored */

#endif
