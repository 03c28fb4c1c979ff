/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the job controller share: one Job as one pass sees it. */
#ifndef KT_CLUSTER_CONTROLLERS_JOB_H
#define KT_CLUSTER_CONTROLLERS_JOB_H

#include "cluster/controllers/meta.h"

#define JOB_FINALIZER "batch.kubernetes.io/job-tracking"
#define JOB_INDEX "batch.kubernetes.io/job-completion-index"
#define JOB_INDEX_FAILURES "batch.kubernetes.io/job-index-failure-count"
#define JOB_INDEX_IGNORED "batch.kubernetes.io/job-index-ignored-failure-count"
#define JOB_CONTROLLER_NAME "kubernetes.io/job-controller"
#define JOB_BACKOFF_S 10
#define JOB_BACKOFF_MAX_S 600

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
	size_t n_uncounted, n_held; /* held: see job_index_needs() */
	const char *failure_reason, *failure_message, *success_reason, *success_message;
	char *policy_message;      /* a rule of podFailurePolicy said FailJob */
	char *policy_success;      /* a rule of successPolicy is met */
	bool *done_indexes;        /* of completions; NULL: not indexed */
	struct job_index *indexes; /* with backoffLimitPerIndex; else NULL */
	int64_t n_failed_indexes, next_index;
};

/* The failures of one index. */
struct job_index {
	bool failed, active;
	int64_t failures, ignored; /* up to and with the newest failed pod */
	struct kt_object *newest;  /* failed pod; NULL: none */
};

void job_finalizer_removed(struct kt_pass *pass, struct kt_call *call, void *arg);
/* When the next pod may come after so many failures, the last of them at last_ns; wall. */
int64_t job_backoff_end_ns(int64_t failures, int64_t last_ns);
/* When its last container ended; wall. */
int64_t job_pod_end_ns(const struct kt_object *pod);
/* What podFailurePolicy makes of a failed pod; a rule that fails the Job leaves its text in work.
 */
enum job_failure { JOB_FAILURE_COUNTS, JOB_FAILURE_IGNORED, JOB_FAILURE_FAILS_INDEX };
enum job_failure job_judge_failure(struct job_work *work, const struct kt_object *pod);

/* "Matched rules at index 0" when successPolicy is content with the indexes that are done; heap, or
 * NULL. */
char *job_success_policy(const struct job_work *work);

/* With backoffLimitPerIndex: which index has failed how often, before pods are counted. */
void job_read_index_failures(struct job_work *work);
/* The newest failed pod of an index that will be tried again is not counted before its successor is
 * there, as it alone knows how often the index has failed. */
bool job_index_needs(const struct job_work *work, const struct kt_object *pod);
bool job_index_in_range(const struct job_work *work, const struct kt_object *pod);

/* Indexed Jobs: reads status.completedIndexes and the succeeded pods, writes it back, and makes
 * succeeded the number of indexes. */
void job_count_indexes(struct job_work *work);
/* Gives the pod the next index that is neither done nor failed, has no active pod, and does not
 * wait for its back-off. False: none is left. */
bool job_take_index(struct job_work *work, json_t *pod);

#endif
