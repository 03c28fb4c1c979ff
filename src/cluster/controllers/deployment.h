/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the deployment controller share: the Deployment and its ReplicaSets as one pass
 * sees them. */
#ifndef KT_CLUSTER_CONTROLLERS_DEPLOYMENT_H
#define KT_CLUSTER_CONTROLLERS_DEPLOYMENT_H

#include "cluster/controllers/owned.h"

#define DEPLOYMENT_HASH_LABEL "pod-template-hash"
#define DEPLOYMENT_REVISION "deployment.kubernetes.io/revision"
#define DEPLOYMENT_REVISION_HISTORY "deployment.kubernetes.io/revision-history"
#define DEPLOYMENT_DESIRED "deployment.kubernetes.io/desired-replicas"
#define DEPLOYMENT_MAX "deployment.kubernetes.io/max-replicas"

struct deployment_controller {
	struct kt_reconciler *reconciler;
	struct kt_informer *deployments, *sets, *pods;
	struct kt_owned owned; /* the sets */
};

/* One ReplicaSet. */
struct replica_set {
	struct kt_object *object; /* borrowed */
	int64_t spec_replicas, replicas, available, ready, terminating, revision, created_ns;
};

struct rollout {
	struct deployment_controller *own;
	struct kt_pass *pass;
	struct kt_object *object; /* the Deployment */
	json_t *tree;             /* of it */
	const json_t *spec;
	char *path;
	int64_t replicas, max_surge, max_unavailable;
	bool recreate, paused;
	KT_VEC(struct replica_set) sets; /* all, oldest first */
	struct replica_set *newest;      /* whose template is the Deployment's; NULL: none yet */
	bool created, scaled;            /* writes of this pass */
	int64_t revision;                /* of the new one */
	int64_t wall_ns;
	json_t *status; /* being made */
};

/* deployment_sets.c */
void rollout_read_sets(struct rollout *rollout);
/* Finds or makes the ReplicaSet of the current template and keeps its annotations; false: it has to
 * be made first, or another pass is needed. create: may make one. */
bool rollout_ensure_newest(struct rollout *rollout, bool create);
void rollout_scale_set(
        struct rollout *rollout, struct replica_set *set, int64_t replicas, bool record);
void rollout_scale_event(struct rollout *rollout);
bool rollout_is_scaling(const struct rollout *rollout);
void rollout_delete_old_sets(struct rollout *rollout);
int64_t rollout_sum_spec(const struct rollout *rollout, bool old_only);
/* Available ones, of each set at most as many as it is to keep: its status may be behind a scaling.
 */
int64_t rollout_sum_lasting(const struct rollout *rollout);

/* deployment_status.c */
void rollout_update_status(struct rollout *rollout, bool with_progress);
bool rollout_is_complete(const struct rollout *rollout);

#endif
