/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the job controller share: one Job as one pass sees it. */
#ifndef KT_CLUSTER_CONTROLLERS_JOB_H
#define KT_CLUSTER_CONTROLLERS_JOB_H

#include "cluster/controllers/meta.h"

#define JOB_FINALIZER "batch.kubernetes.io/job-tracking"
#define JOB_INDEX "batch.kubernetes.io/job-completion-index"

struct job_work {
	struct kt_pass *pass;
	struct kt_reconciler *own_reconciler;
	struct kt_object *job;
	json_t *tree, *status; /* status: being made */
	const json_t *spec;
	bool suspended, indexed;
	int64_t wall_ns, start_ns;
	kt_objects pods;                      /* all of the Job */
	kt_objects active;                    /* neither ended nor deleting */
	kt_objects new_succeeded, new_failed; /* ended, not yet in the list of the uncounted */
	kt_objects release;                   /* whose finalizer may go */
	int64_t n_terminating, n_ready, last_failure_ns;
	int64_t succeeded, failed;
	size_t n_uncounted;
	const char *failure_reason, *failure_message, *success_reason, *success_message;
	char *policy_message; /* a rule of podFailurePolicy said FailJob */
	bool *done_indexes;   /* of completions; NULL: not indexed */
	int64_t next_index;
};

void job_finalizer_removed(struct kt_pass *pass, struct kt_call *call, void *arg);
/* When its last container ended; wall. */
int64_t job_pod_end_ns(const struct kt_object *pod);
/* False when podFailurePolicy ignores the failure; a rule that fails the Job leaves its text in
 * work. */
bool job_failure_counts(struct job_work *work, const struct kt_object *pod);

/* Indexed Jobs: reads status.completedIndexes and the succeeded pods, writes it back, and makes
 * succeeded the number of indexes. */
void job_count_indexes(struct job_work *work);
/* Gives the pod the next index that neither is done nor has an active pod. False: none is left. */
bool job_take_index(struct job_work *work, json_t *pod);

#endif
