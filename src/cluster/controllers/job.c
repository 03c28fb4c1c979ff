/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Jobs. A finished pod is counted exactly once: it carries a finalizer until its uid stands in
 * status.uncountedTerminatedPods, loses it, and only then moves from that list into the counts. The
 * end is told in two steps: a first condition (SuccessCriteriaMet, FailureTarget), then, when all
 * pods have stopped and are counted, the terminal one (Complete, Failed).
 */
#include "cluster/controllers/job.h"

#include "api/status.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/controllers/pod_control.h"
#include "cluster/controllers/table.h"

#define PODS_PER_PASS_MAX 500

struct job_controller {
	struct kt_reconciler *reconciler;
	struct kt_informer *jobs, *pods;
};

static bool is_finished(const struct kt_object *job)
{
	return kt_condition_is_true(job, "Complete") || kt_condition_is_true(job, "Failed");
}

/* --- counting --- */

static bool in_list(const json_t *list, struct kt_sv uid)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
		if (kt_sv_is(uid, json_string_value(item)))
			return true;
	return false;
}

static void read_pods(struct job_work *work)
{
	json_t *uncounted = json_object_get(work->status, "uncountedTerminatedPods");

	for (size_t i = 0; i < work->pods.n; i++) {
		struct kt_object *pod = work->pods.items[i];
		bool succeeded = kt_pod_phase_is(pod, "Succeeded"),
		     failed = kt_pod_phase_is(pod, "Failed");
		bool tracked = kt_has_finalizer(pod, JOB_FINALIZER);
		int64_t end_ns;

		if (!succeeded && !failed && !kt_is_deleting(pod)) {
			kt_vec_push(&work->active, pod);
			work->n_ready += kt_pod_is_ready(pod);
			continue;
		}
		if (!succeeded && !failed) {
			work->n_terminating++;
			/* With podReplacementPolicy Failed it counts when it has ended. */
			if (kt_streq(kt_jstr(work->spec, "podReplacementPolicy"), "Failed") &&
			        !work->suspended)
				continue;
			failed = true;
		}
		end_ns = job_pod_end_ns(pod);
		if (failed)
			work->last_failure_ns = KT_MAX(work->last_failure_ns, end_ns);
		if (!tracked)
			continue;
		if (in_list(json_object_get(uncounted, "succeeded"), kt_object_uid(pod)) ||
		        in_list(json_object_get(uncounted, "failed"), kt_object_uid(pod))) {
			kt_vec_push(&work->release, pod);
			continue;
		}
		if (succeeded)
			kt_vec_push(&work->new_succeeded, pod);
		else if (kt_is_deleting(pod) && (work->suspended || work->success_reason))
			kt_vec_push(&work->release, pod); /* taken away by ourselves: no failure */
		else if (job_index_needs(work, pod))
			work->n_held++;
		else if (job_judge_failure(work, pod) == JOB_FAILURE_IGNORED)
			kt_vec_push(&work->release, pod);
		else
			kt_vec_push(&work->new_failed, pod);
	}
}

/* Uids whose pod has lost its finalizer (or is gone) move into the count. */
static void settle_list(struct job_work *work, const char *list_key, const char *count_key)
{
	json_t *uncounted = json_object_get(work->status, "uncountedTerminatedPods"),
	       *list = json_object_get(uncounted, list_key);
	int64_t settled = 0;

	for (size_t i = json_array_size(list); i-- > 0;) {
		const char *uid = json_string_value(json_array_get(list, i));
		bool held = false;

		for (size_t p = 0; p < work->pods.n && !held; p++)
			held = kt_sv_is(kt_object_uid(work->pods.items[p]), uid) &&
			       kt_has_finalizer(work->pods.items[p], JOB_FINALIZER);
		if (held)
			continue;
		json_array_remove(list, i);
		settled++;
	}
	kt_set_count(work->status, count_key, kt_jint(work->status, count_key, 0) + settled);
}

static void add_uids(struct job_work *work, const char *list_key, const kt_objects *pods)
{
	json_t *uncounted = json_object_get(work->status, "uncountedTerminatedPods"), *list;

	if (!uncounted)
		json_object_set_new(
		        work->status, "uncountedTerminatedPods", uncounted = json_object());
	list = json_object_get(uncounted, list_key);
	if (!pods->n)
		return;
	if (!list)
		json_object_set_new(uncounted, list_key, list = json_array());
	for (size_t i = 0; i < pods->n; i++) {
		struct kt_sv uid = kt_object_uid(pods->items[i]);

		json_array_append_new(list, json_stringn(uid.p, uid.len));
	}
}

static void drop_empty(json_t *uncounted, const char *key)
{
	if (json_array_size(json_object_get(uncounted, key)) == 0)
		json_object_del(uncounted, key);
}

static void count(struct job_work *work)
{
	json_t *uncounted;

	settle_list(work, "succeeded", "succeeded");
	settle_list(work, "failed", "failed");
	add_uids(work, "succeeded", &work->new_succeeded);
	add_uids(work, "failed", &work->new_failed);
	uncounted = json_object_get(work->status, "uncountedTerminatedPods");
	drop_empty(uncounted, "succeeded");
	drop_empty(uncounted, "failed");
	work->succeeded = kt_jint(work->status, "succeeded", 0) +
	                  (int64_t)json_array_size(json_object_get(uncounted, "succeeded"));
	work->failed = kt_jint(work->status, "failed", 0) +
	               (int64_t)json_array_size(json_object_get(uncounted, "failed"));
	work->n_uncounted = json_array_size(json_object_get(uncounted, "succeeded")) +
	                    json_array_size(json_object_get(uncounted, "failed"));
	if (work->indexed)
		job_count_indexes(work);
}

static void remove_finalizer(struct kt_pass *pass, struct kt_informer *pods, struct kt_object *pod)
{
	struct kt_sv uid = kt_object_uid(pod);
	kt_auto_json json_t *body = json_pack("{s:{s:s%,s:[s]}}", "metadata", "uid", uid.p, uid.len,
	        "$deleteFromPrimitiveList/finalizers", JOB_FINALIZER);

	kt_pass_send(pass,
	        &(struct kt_pass_write){.method = "PATCH",
	                .content_type = KT_PATCH_STRATEGIC,
	                .body = body,
	                .informer = pods,
	                .done = job_finalizer_removed},
	        "/api/v1/namespaces/%.*s/pods/%.*s", KT_SVP(kt_object_namespace(pod)),
	        KT_SVP(kt_object_name(pod)));
}

void job_finalizer_removed(struct kt_pass *pass, struct kt_call *call, void *arg)
{
	(void)arg;
	if (call->err.code && kt_err_reason(&call->err) != KT_REASON_NOT_FOUND)
		kt_pass_check(pass, call);
}

/* --- the end --- */

static int64_t restarts_of(const struct kt_object *pod, const char *list)
{
	struct kt_json_at at = kt_field_of(pod, "status", list), item;
	struct kt_json_iter it = {0};
	int64_t sum = 0, n;

	while (at.p && kt_json_next_element(at, &it, &item))
		if (kt_json_int64(kt_json_member(item, "restartCount"), &n))
			sum += n;
	return sum;
}

/* Containers that restart in place count too where the pod's policy is OnFailure. */
static bool past_restarts(const struct job_work *work, int64_t limit)
{
	int64_t sum = 0;

	if (!kt_streq(kt_jstr(work->spec, "template.spec.restartPolicy"), "OnFailure"))
		return false;
	for (size_t i = 0; i < work->active.n; i++)
		sum += restarts_of(work->active.items[i], "initContainerStatuses") +
		       restarts_of(work->active.items[i], "containerStatuses");
	return limit ? sum >= limit : sum > 0;
}

static bool decide_by_indexes(struct job_work *work)
{
	int64_t most = kt_jint(work->spec, "maxFailedIndexes", -1);

	if (most >= 0 && work->n_failed_indexes > most) {
		work->failure_reason = "MaxFailedIndexesExceeded";
		work->failure_message =
		        "Job has exceeded the specified maximal number of failed indexes";
	} else if (work->n_failed_indexes && work->n_failed_indexes + work->succeeded >=
	                                             kt_jint(work->spec, "completions", 0)) {
		work->failure_reason = "FailedIndexes";
		work->failure_message = "Job has failed indexes";
	}
	return work->failure_reason != NULL;
}

static void decide_end(struct job_work *work)
{
	int64_t completions = kt_jint(work->spec, "completions", -1),
	        limit = kt_jint(work->spec, "backoffLimit", 6);
	int64_t deadline_s = kt_jint(work->spec, "activeDeadlineSeconds", -1),
	        due_ns = work->start_ns + deadline_s * KT_NS_PER_S;

	if (work->failure_reason || work->success_reason)
		return;
	if (work->policy_message) {
		work->failure_reason = "PodFailurePolicy";
		work->failure_message = work->policy_message;
	} else if (work->failed > limit || past_restarts(work, limit)) {
		work->failure_reason = "BackoffLimitExceeded";
		work->failure_message = "Job has reached the specified backoff limit";
	} else if (deadline_s >= 0 && work->start_ns && !work->suspended &&
	           work->wall_ns >= due_ns) {
		work->failure_reason = "DeadlineExceeded";
		work->failure_message = "Job was active longer than specified deadline";
	} else if (work->indexes && decide_by_indexes(work)) {
		return;
	} else if ((work->policy_success = job_success_policy(work))) {
		work->success_reason = "SuccessPolicy";
		work->success_message = work->policy_success;
	} else if (completions >= 0 ? work->succeeded >= completions
	                            : work->succeeded > 0 && !work->active.n) {
		work->success_reason = "CompletionsReached";
		work->success_message = "Reached expected number of succeeded pods";
	} else if (deadline_s >= 0 && work->start_ns && !work->suspended) {
		kt_pass_again_after_ms(work->pass, (due_ns - work->wall_ns) / KT_NS_PER_MS + 1);
	}
}

static void set_condition(struct job_work *work, const char *type, const char *status,
        const char *reason, const char *message)
{
	json_t *conditions = kt_status_conditions(work->status);

	if (kt_set_condition(conditions, type, status, reason, message, work->wall_ns, false))
		json_object_set_new(kt_find_condition(conditions, type), "lastProbeTime",
		        kt_time_json(work->wall_ns));
}

static void set_end(struct job_work *work)
{
	bool failed = work->failure_reason != NULL;
	const char *reason = failed ? work->failure_reason : work->success_reason;
	const char *message = failed ? work->failure_message : work->success_message;

	if (!reason)
		return;
	set_condition(
	        work, failed ? "FailureTarget" : "SuccessCriteriaMet", "True", reason, message);
	if (work->active.n || work->n_terminating || work->n_uncounted || work->n_held ||
	        work->release.n)
		return;
	set_condition(work, failed ? "Failed" : "Complete", "True", reason, message);
	if (!failed)
		json_object_set_new(work->status, "completionTime", kt_time_json(work->wall_ns));
	kt_reconciler_event(work->own_reconciler, work->job, failed ? "Warning" : "Normal",
	        failed ? reason : "Completed", "%s", failed ? message : "Job completed");
}

/* A first condition from an earlier pass stays the reason. */
static void read_end(struct job_work *work)
{
	const json_t *conditions = json_object_get(work->status, "conditions");
	const json_t *failure = kt_find_condition(conditions, "FailureTarget"),
	             *success = kt_find_condition(conditions, "SuccessCriteriaMet");

	if (failure) {
		work->failure_reason = kt_jstr(failure, "reason");
		work->failure_message = kt_jstr(failure, "message");
	} else if (success) {
		work->success_reason = kt_jstr(success, "reason");
		work->success_message = kt_jstr(success, "message");
	}
}

/* --- pods --- */

static int64_t wanted_active(const struct job_work *work)
{
	int64_t parallelism = kt_jint(work->spec, "parallelism", 1),
	        completions = kt_jint(work->spec, "completions", -1);

	if (work->suspended || work->failure_reason || work->success_reason)
		return 0;
	if (completions < 0)
		return work->succeeded > 0 ? KT_MIN((int64_t)work->active.n, parallelism)
		                           : parallelism;
	return KT_MIN(
	        KT_MAX(completions - work->succeeded - work->n_failed_indexes, 0), parallelism);
}

int64_t job_backoff_end_ns(int64_t failures, int64_t last_ns)
{
	int64_t delay_s = JOB_BACKOFF_S;

	for (int64_t i = 1; i < failures && delay_s < JOB_BACKOFF_MAX_S; i++)
		delay_s *= 2;
	return last_ns + KT_MIN(delay_s, JOB_BACKOFF_MAX_S) * KT_NS_PER_S;
}

/* A success makes good what failed before it. */
static int64_t failures_in_a_row(const struct job_work *work)
{
	int64_t success_ns = 0, n = 0;

	for (size_t i = 0; i < work->pods.n; i++)
		if (kt_pod_phase_is(work->pods.items[i], "Succeeded"))
			success_ns = KT_MAX(success_ns, job_pod_end_ns(work->pods.items[i]));
	if (!success_ns)
		return work->failed;
	for (size_t i = 0; i < work->pods.n; i++)
		n += kt_pod_phase_is(work->pods.items[i], "Failed") &&
		     job_pod_end_ns(work->pods.items[i]) > success_ns;
	return n;
}

/* After failures the next pod waits, longer each time, whatever else runs. */
static bool must_wait(struct job_work *work)
{
	int64_t due_ns, n;

	/* Indexes that fail each on its own wait each on its own. */
	if (!work->failed || !work->last_failure_ns || work->indexes)
		return false;
	n = failures_in_a_row(work);
	if (!n)
		return false;
	due_ns = job_backoff_end_ns(n, work->last_failure_ns);
	if (work->wall_ns >= due_ns)
		return false;
	kt_pass_again_after_ms(work->pass, (due_ns - work->wall_ns) / KT_NS_PER_MS + 1);
	return true;
}

static void create_pods(struct job_controller *own, struct job_work *work, int64_t n)
{
	kt_auto_free char *prefix = kt_asprintf("%.*s-", KT_SVP(kt_object_name(work->job)));

	n = KT_MIN(n, PODS_PER_PASS_MAX);
	for (int64_t i = 0; i < n; i++) {
		kt_auto_json json_t *pod = kt_pod_of_template(
		        json_object_get(work->spec, "template"), work->job, "batch/v1", "Job");
		json_t *metadata = json_object_get(pod, "metadata"),
		       *finalizers = json_object_get(metadata, "finalizers");

		if (!finalizers)
			json_object_set_new(metadata, "finalizers", finalizers = json_array());
		json_array_append_new(finalizers, json_string(JOB_FINALIZER));
		if (work->indexed) {
			if (!job_take_index(work, pod))
				return;
		} else {
			json_object_set_new(metadata, "generateName", json_string(prefix));
		}
		kt_create_pod(work->pass, own->pods, work->job, pod);
	}
}

static void adjust_pods(struct job_controller *own, struct job_work *work)
{
	int64_t diff = wanted_active(work), n_deleted = 0;
	kt_objects kept = {0};

	for (size_t i = 0; i < work->active.n; i++) {
		struct kt_object *pod = work->active.items[i];

		if (job_index_in_range(work, pod))
			kt_vec_push(&kept, pod);
		else /* there are fewer completions than there were */
			kt_delete_pod(work->pass, own->pods, work->job, pod);
	}
	diff -= (int64_t)kept.n;
	/* With podReplacementPolicy Failed a pod is replaced only when it has ended. */
	if (diff > 0 && kt_streq(kt_jstr(work->spec, "podReplacementPolicy"), "Failed"))
		diff = KT_MAX(diff - work->n_terminating, 0);
	if (diff > 0 && !must_wait(work))
		create_pods(own, work, diff);
	for (size_t i = kept.n; i-- > 0 && n_deleted < KT_MIN(-diff, PODS_PER_PASS_MAX);
	        n_deleted++)
		kt_delete_pod(work->pass, own->pods, work->job, kept.items[i]);
	kt_vec_finish(&kept);
}

static void update_suspension(struct job_work *work)
{
	json_t *conditions = kt_status_conditions(work->status),
	       *have = kt_find_condition(conditions, "Suspended");
	bool was = kt_streq(kt_jstr(have, "status"), "True");

	if (work->suspended && !was) {
		set_condition(work, "Suspended", "True", "JobSuspended", "Job suspended");
		json_object_del(work->status, "startTime");
		kt_reconciler_event(
		        work->own_reconciler, work->job, "Normal", "Suspended", "Job suspended");
	} else if (!work->suspended && was) {
		set_condition(work, "Suspended", "False", "JobResumed", "Job resumed");
		kt_reconciler_event(
		        work->own_reconciler, work->job, "Normal", "Resumed", "Job resumed");
	}
	if (!work->suspended && !json_object_get(work->status, "startTime"))
		json_object_set_new(work->status, "startTime", kt_time_json(work->wall_ns));
}

static void write_status(struct job_controller *own, struct job_work *work)
{
	kt_auto_free char *path = kt_asprintf("/apis/batch/v1/namespaces/%.*s/jobs/%.*s",
	        KT_SVP(kt_object_namespace(work->job)), KT_SVP(kt_object_name(work->job)));

	kt_set_count(work->status, "active", (int64_t)work->active.n);
	json_object_set_new(work->status, "ready", json_integer(work->n_ready));
	json_object_set_new(work->status, "terminating", json_integer(work->n_terminating));
	kt_patch_status(work->pass, own->jobs, work->job, path, json_incref(work->status));
}

static void work_finish(struct job_work *work)
{
	json_decref(work->tree);
	json_decref(work->status);
	kt_vec_finish(&work->pods);
	kt_vec_finish(&work->active);
	kt_vec_finish(&work->new_succeeded);
	kt_vec_finish(&work->new_failed);
	kt_vec_finish(&work->release);
	free(work->policy_message);
	free(work->policy_success);
	free(work->indexes);
	free(work->done_indexes);
}

static void run(struct job_controller *own, struct job_work *work)
{
	read_end(work);
	job_read_index_failures(work);
	read_pods(work);
	count(work);
	update_suspension(work);
	decide_end(work);
	set_end(work);
	for (size_t i = 0; i < work->release.n; i++)
		remove_finalizer(work->pass, own->pods, work->release.items[i]);
	adjust_pods(own, work);
	write_status(own, work);
}

/* A pod whose Job is gone is held by nobody. */
static void release_orphan(struct job_controller *own, struct kt_pass *pass, const char *key)
{
	const char *slash = strchr(key, '/');
	struct kt_object *pod =
	        slash ? kt_informer_get(own->pods, (struct kt_sv){key, (size_t)(slash - key)},
	                        kt_sv_of(slash + 1))
	              : NULL;

	if (pod && kt_has_finalizer(pod, JOB_FINALIZER))
		remove_finalizer(pass, own->pods, pod);
}

/* Pods that match and that nobody controls become the Job's, those that match no more are let
 * go. */
static void claim_pods(struct job_controller *own, struct job_work *work)
{
	const json_t *json = json_object_get(work->spec, "selector");
	kt_auto_err err = KT_ERR_INIT;
	struct kt_selector *selector = NULL;

	/* Without one that can be read, its pods are those that it owns. */
	if (json_object_size(json) && kt_selector_of_json(json, &selector, &err) < 0)
		selector = NULL;
	kt_claim_objects(&(struct kt_claim){.pass = work->pass,
	                         .informer = own->pods,
	                         .group_path = "/api/v1",
	                         .resource = "pods",
	                         .owner = work->job,
	                         .api_version = "batch/v1",
	                         .kind = "Job",
	                         .selector = selector,
	                         .finalizer = JOB_FINALIZER},
	        &work->pods);
	kt_selector_destroy(selector);
}

static void reconcile(void *arg, struct kt_pass *pass, const char *key)
{
	struct job_controller *own = arg;
	struct job_work work = {
	        .pass = pass, .own_reconciler = own->reconciler, .wall_ns = kt_pass_wall_ns(pass)};
	const char *manager;

	if (key[0] == '!') {
		release_orphan(own, pass, key + 1);
		return;
	}
	work.job = kt_pass_object(pass, own->jobs);
	if (!work.job)
		return;
	if (is_finished(work.job) || kt_is_deleting(work.job)) {
		kt_collect_indexed(own->pods, "controller", kt_object_uid(work.job), &work.pods);
		for (size_t i = 0; i < work.pods.n; i++)
			if (kt_has_finalizer(work.pods.items[i], JOB_FINALIZER))
				remove_finalizer(pass, own->pods, work.pods.items[i]);
		kt_vec_finish(&work.pods);
		return;
	}
	work.tree = kt_object_tree(work.job);
	work.spec = json_object_get(work.tree, "spec");
	manager = kt_jstr(work.spec, "managedBy");
	if (manager && strcmp(manager, JOB_CONTROLLER_NAME) != 0) {
		work_finish(&work);
		return; /* another controller's */
	}
	work.status = kt_status_tree(work.job);
	work.suspended = kt_jbool(work.spec, "suspend", false);
	work.indexed = kt_streq(kt_jstr(work.spec, "completionMode"), "Indexed");
	work.start_ns = kt_time_at(kt_json_member(kt_object_doc(work.job), "status"), "startTime");
	claim_pods(own, &work);
	run(own, &work);
	work_finish(&work);
}

static void job_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct job_controller *own = arg;
	kt_auto_objects pods = {0};

	if (new_object) {
		kt_reconciler_add_object(own->reconciler, new_object);
		return;
	}
	kt_collect_indexed(own->pods, "controller", kt_object_uid(old_object), &pods);
	for (size_t i = 0; i < pods.n; i++) {
		kt_auto_free char *key =
		        kt_asprintf("!%.*s/%.*s", KT_SVP(kt_object_namespace(pods.items[i])),
		                KT_SVP(kt_object_name(pods.items[i])));

		kt_reconciler_add(own->reconciler, key);
	}
}

static void add_job(void *arg, struct kt_object *job)
{
	struct job_controller *own = arg;

	kt_reconciler_add_object(own->reconciler, job);
}

/* The Job that controls the pod; NULL: it is gone, or there is none. */
static struct kt_object *job_of(struct job_controller *own, const struct kt_object *pod)
{
	struct kt_owner owner;
	struct kt_object *job;

	if (!kt_controller_owner(pod, &owner) || !kt_sv_is(owner.kind, "Job"))
		return NULL;
	job = kt_informer_get(own->jobs, kt_object_namespace(pod), owner.name);
	return job && kt_sv_eq(kt_object_uid(job), owner.uid) ? job : NULL;
}

static bool is_of_a_job(const struct kt_object *pod)
{
	struct kt_owner owner;

	return kt_controller_owner(pod, &owner) && kt_sv_is(owner.kind, "Job");
}

static void pod_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct job_controller *own = arg;
	struct kt_object *before = old_object ? job_of(own, old_object) : NULL;
	struct kt_object *job = new_object ? job_of(own, new_object) : NULL;

	if (before)
		add_job(own, before);
	if (job && job != before)
		add_job(own, job);
	if (!new_object || job)
		return;
	if (!kt_controller_owner(new_object, NULL)) {
		if (!kt_is_deleting(new_object))
			kt_each_selecting(own->jobs, new_object, add_job, own);
	} else if (is_of_a_job(new_object) && kt_is_deleting(new_object) &&
	           kt_has_finalizer(new_object, JOB_FINALIZER)) {
		kt_auto_free char *key =
		        kt_asprintf("!%.*s/%.*s", KT_SVP(kt_object_namespace(new_object)),
		                KT_SVP(kt_object_name(new_object)));

		kt_reconciler_add(own->reconciler, key);
	}
}

static void *create(struct kt_controllers *controllers)
{
	struct job_controller *own = kt_new(struct job_controller);

	own->reconciler =
	        kt_reconciler_create(&(struct kt_reconciler_options){.controllers = controllers,
	                .name = "job-controller",
	                .reconcile = reconcile,
	                .arg = own});
	own->jobs = kt_controllers_informer(controllers, "/apis/batch/v1/jobs");
	own->pods = kt_controllers_informer(controllers, "/api/v1/pods");
	kt_controllers_index(controllers, "/api/v1/pods", "orphan", kt_index_orphans);
	kt_informer_add_handler(
	        own->jobs, &(struct kt_informer_handler){.on_change = job_changed, .arg = own});
	kt_informer_add_handler(
	        own->pods, &(struct kt_informer_handler){.on_change = pod_changed, .arg = own});
	return own;
}

static void destroy(void *controller)
{
	struct job_controller *own = controller;

	kt_reconciler_destroy(own->reconciler);
	free(own);
}

const struct kt_controller kt_controller_job = {"job-controller", create, destroy};
