/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CronJobs: a Job for each scheduled time, old Jobs cleaned up. A time that was missed is made up
 * for by the newest one only. */
#include "api/machinery/cron.h"
#include "api/status.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "cluster/controllers/cron_zone.h"
#include "cluster/controllers/meta.h"
#include "cluster/controllers/owned.h"
#include "cluster/controllers/table.h"

#define MISSED_MAX 100
#define SCHEDULED_TIME "batch.kubernetes.io/cronjob-scheduled-timestamp"

struct cron_controller {
	struct kt_reconciler *reconciler;
	struct kt_informer *cron_jobs, *jobs;
	struct kt_owned owned;
};

struct cron_work {
	struct cron_controller *own;
	struct kt_pass *pass;
	struct kt_object *object;
	json_t *tree, *status;
	const json_t *spec;
	kt_objects jobs, active;
	int64_t wall_ns;
	struct kt_zone *zone; /* of spec.timeZone; NULL: UTC */
};

static const char *finished_as(const struct kt_object *job)
{
	return kt_condition_is_true(job, "Complete") ? "Complete"
	       : kt_condition_is_true(job, "Failed") ? "Failed"
	                                             : NULL;
}

static int compare_start(const void *va, const void *vb)
{
	struct kt_object *a = *(struct kt_object *const *)va, *b = *(struct kt_object *const *)vb;
	int64_t x = kt_time_at(kt_json_member(kt_object_doc(a), "status"), "startTime");
	int64_t y = kt_time_at(kt_json_member(kt_object_doc(b), "status"), "startTime");

	return x != y ? x < y ? -1 : 1 : kt_sv_cmp(kt_object_name(a), kt_object_name(b));
}

static void delete_job(struct cron_work *work, struct kt_object *job, bool say)
{
	kt_auto_json json_t *body = json_pack("{s:s,s:s,s:s}", "kind", "DeleteOptions",
	        "apiVersion", "v1", "propagationPolicy", "Background");

	kt_pass_send(work->pass,
	        &(struct kt_pass_write){.method = "DELETE",
	                .body = body,
	                .informer = work->own->jobs,
	                .target = job},
	        "/apis/batch/v1/namespaces/%.*s/jobs/%.*s", KT_SVP(kt_object_namespace(job)),
	        KT_SVP(kt_object_name(job)));
	if (say)
		kt_reconciler_event(work->own->reconciler, work->object, "Normal",
		        "SuccessfulDelete", "Deleted job %.*s", KT_SVP(kt_object_name(job)));
}

static void trim_history(struct cron_work *work, const char *outcome, int64_t limit)
{
	kt_auto_objects jobs = {0};

	for (size_t i = 0; i < work->jobs.n; i++)
		if (kt_streq(finished_as(work->jobs.items[i]), outcome) &&
		        !kt_is_deleting(work->jobs.items[i]))
			kt_vec_push(&jobs, work->jobs.items[i]);
	if (jobs.n)
		qsort(jobs.items, jobs.n, sizeof(*jobs.items), compare_start);
	for (size_t i = 0; (int64_t)(jobs.n - i) > limit && i < jobs.n; i++)
		delete_job(work, jobs.items[i], true);
}

static char *job_name(const struct cron_work *work, int64_t due_ns)
{
	return kt_asprintf("%.*s-%lld", KT_SVP(kt_object_name(work->object)),
	        (long long)(due_ns / (60 * KT_NS_PER_S)));
}

static json_t *job_reference(const struct kt_object *job)
{
	struct kt_sv namespace = kt_object_namespace(job), name = kt_object_name(job),
	             uid = kt_object_uid(job);
	struct kt_sv version = kt_object_span(job, job->resource_version);

	return json_pack("{s:s,s:s,s:s%,s:s%,s:s%,s:s%}", "kind", "Job", "apiVersion", "batch/v1",
	        "namespace", namespace.p, namespace.len, "name", name.p, name.len, "uid", uid.p,
	        uid.len, "resourceVersion", version.p, version.len);
}

static bool was_active(const struct cron_work *work, const struct kt_object *job)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(work->status, "active"), i, item)
		if (kt_sv_is(kt_object_uid(job), kt_jstr(item, "uid")))
			return true;
	return false;
}

/* Whoever started the job. */
static void note_success(struct cron_work *work, const struct kt_object *job)
{
	int64_t end_ns = kt_time_at(kt_json_member(kt_object_doc(job), "status"), "completionTime"),
	        known_ns = 0;
	const char *known = kt_jstr(work->status, "lastSuccessfulTime");

	if (known)
		kt_time_parse(kt_sv_of(known), &known_ns);
	if (end_ns > known_ns)
		json_object_set_new(work->status, "lastSuccessfulTime", kt_time_json(end_ns));
}

/* Of those that ran, the ones that somebody took away. */
static void note_missing(struct cron_work *work)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(work->status, "active"), i, item) {
		bool found = false;

		for (size_t j = 0; j < work->jobs.n && !found; j++)
			found = kt_sv_is(kt_object_uid(work->jobs.items[j]), kt_jstr(item, "uid"));
		if (!found)
			kt_reconciler_event(work->own->reconciler, work->object, "Normal",
			        "MissingJob", "Active job went missing: %s", kt_jstr(item, "name"));
	}
}

/* Made here, though the status was not written any more: the annotation says for which time, and
 * what a user starts by hand has another name. */
static bool is_forgotten(const struct cron_work *work, const struct kt_object *job)
{
	kt_auto_free char *text = kt_annotation(job, SCHEDULED_TIME), *name = NULL;
	int64_t due_ns;

	if (!text || kt_time_parse(kt_sv_of(text), &due_ns) < 0)
		return false;
	name = job_name(work, due_ns);
	return kt_sv_is(kt_object_name(job), name);
}

static void read_job(struct cron_work *work, struct kt_object *job, json_t *active)
{
	const char *outcome = finished_as(job);

	if (outcome && strcmp(outcome, "Complete") == 0)
		note_success(work, job);
	if (outcome && was_active(work, job)) {
		kt_reconciler_event(work->own->reconciler, work->object, "Normal",
		        "SawCompletedJob", "Saw completed job: %.*s, condition: %s",
		        KT_SVP(kt_object_name(job)), outcome);
	} else if (!outcome &&
	           (was_active(work, job) || (!kt_is_deleting(job) && is_forgotten(work, job)))) {
		kt_vec_push(&work->active, job);
		json_array_append_new(active, job_reference(job));
	} else if (!outcome && !kt_is_deleting(job)) {
		kt_reconciler_event(work->own->reconciler, work->object, "Warning", "UnexpectedJob",
		        "Saw a job that the controller did not create or forgot: %.*s",
		        KT_SVP(kt_object_name(job)));
	}
}

static void read_jobs(struct cron_work *work)
{
	json_t *active = json_array();

	kt_collect_indexed(work->own->jobs, "controller", kt_object_uid(work->object), &work->jobs);
	note_missing(work);
	for (size_t i = 0; i < work->jobs.n; i++)
		read_job(work, work->jobs.items[i], active);
	if (json_array_size(active))
		json_object_set(work->status, "active", active);
	else
		json_object_del(work->status, "active");
	json_decref(active);
}

static void job_made(struct kt_pass *pass, struct kt_call *call, void *arg)
{
	struct kt_object *object = arg;
	kt_auto_free char *name =
	        kt_json_string_dup(kt_json_find(kt_call_answer(call), "metadata", "name", NULL));

	if (!call->err.code)
		kt_reconciler_event(kt_pass_reconciler(pass), object, "Normal", "SuccessfulCreate",
		        "Created job %s", name ? name : "");
	else if (kt_err_reason(&call->err) != KT_REASON_ALREADY_EXISTS &&
	         kt_err_reason(&call->err) != KT_REASON_NOT_FOUND) {
		kt_reconciler_event(kt_pass_reconciler(pass), object, "Warning", "FailedCreate",
		        "Error creating job: %s", kt_err_message(&call->err));
		kt_pass_check(pass, call);
	}
}

static void object_free(void *value)
{
	kt_object_unref(value);
}

static void make_job(struct cron_work *work, int64_t due_ns)
{
	struct kt_sv namespace = kt_object_namespace(work->object);
	kt_auto_free char *name = job_name(work, due_ns);
	const json_t *template = json_object_get(work->spec, "jobTemplate");
	json_t *metadata =
	        json_pack("{s:s,s:s%,s:[o]}", "name", name, "namespace", namespace.p, namespace.len,
	                "ownerReferences", kt_owner_reference(work->object, "batch/v1", "CronJob"));
	json_t *annotations = json_deep_copy(kt_jget(template, "metadata.annotations")),
	       *labels = kt_jget(template, "metadata.labels");
	kt_auto_json json_t *body = NULL;

	if (!annotations)
		annotations = json_object();
	json_object_set_new(annotations, SCHEDULED_TIME, kt_time_json(due_ns));
	json_object_set_new(metadata, "annotations", annotations);
	if (labels)
		json_object_set(metadata, "labels", labels);
	body = json_pack("{s:s,s:s,s:o,s:O}", "apiVersion", "batch/v1", "kind", "Job", "metadata",
	        metadata, "spec", json_object_get(template, "spec"));
	json_object_set_new(work->status, "lastScheduleTime", kt_time_json(due_ns));
	kt_pass_send(work->pass,
	        &(struct kt_pass_write){.method = "POST",
	                .body = body,
	                .informer = work->own->jobs,
	                .done = job_made,
	                .arg = kt_object_ref(work->object),
	                .free_arg = object_free},
	        "/apis/batch/v1/namespaces/%.*s/jobs", KT_SVP(namespace));
}

/* The first time after after_ns at this offset from UTC; 0: none. */
static int64_t next_at_offset(const struct kt_cron *schedule, int64_t after_ns, int64_t offset_ns)
{
	int64_t next_s = kt_cron_next(schedule, after_ns / KT_NS_PER_S, offset_ns / KT_NS_PER_S);

	return next_s < 0 ? 0 : next_s * KT_NS_PER_S;
}

/* In the CronJob's zone. Where the clock is set between the two times, the offset of the later one
 * counts. */
static int64_t next_time(
        const struct cron_work *work, const struct kt_cron *schedule, int64_t after_ns)
{
	int64_t offset_ns = kt_zone_offset_ns(work->zone, after_ns);
	int64_t next_ns = next_at_offset(schedule, after_ns, offset_ns);
	int64_t then_ns = next_ns ? kt_zone_offset_ns(work->zone, next_ns) : offset_ns;

	if (then_ns == offset_ns)
		return next_ns;
	next_ns += offset_ns - then_ns;
	return next_ns > after_ns ? next_ns : next_at_offset(schedule, after_ns, then_ns);
}

/* The newest scheduled time that has passed since the last one; 0: none. *ret_missed counts those
 * in between. */
static int64_t newest_due(
        const struct cron_work *work, const struct kt_cron *schedule, int *ret_missed)
{
	const char *last = kt_jstr(work->status, "lastScheduleTime");
	int64_t deadline_s = kt_jint(work->spec, "startingDeadlineSeconds", -1),
	        since_ns = kt_created_ns(work->object), due_ns = 0, next_ns;

	if (last)
		kt_time_parse(kt_sv_of(last), &since_ns);
	if (deadline_s >= 0)
		since_ns = KT_MAX(since_ns, work->wall_ns - deadline_s * KT_NS_PER_S);
	*ret_missed = 0;
	while ((next_ns = next_time(work, schedule, since_ns)) && next_ns <= work->wall_ns) {
		since_ns = due_ns = next_ns;
		/* Far behind: jump, only the newest counts. */
		if (++*ret_missed > MISSED_MAX && !schedule->every_s)
			since_ns = KT_MAX(
			        since_ns, work->wall_ns - 366 * 86400 * KT_NS_PER_S / MISSED_MAX);
	}
	return due_ns;
}

static void start_due(struct cron_work *work, int64_t due_ns)
{
	const char *policy = kt_jstr(work->spec, "concurrencyPolicy");

	if (work->active.n && kt_streq(policy, "Forbid")) {
		kt_reconciler_event(work->own->reconciler, work->object, "Normal",
		        "JobAlreadyActive",
		        "Not starting job because prior execution is running and concurrency "
		        "policy is Forbid");
		return;
	}
	if (kt_streq(policy, "Replace")) {
		for (size_t i = 0; i < work->active.n; i++)
			delete_job(work, work->active.items[i], true);
		json_object_del(work->status, "active");
	}
	make_job(work, due_ns);
}

static void run(struct cron_work *work)
{
	const char *zone = kt_jstr(work->spec, "timeZone");
	struct kt_cron schedule;
	kt_auto_err err = KT_ERR_INIT;
	int64_t due_ns, next_ns;
	int missed;

	read_jobs(work);
	trim_history(work, "Complete", kt_jint(work->spec, "successfulJobsHistoryLimit", 3));
	trim_history(work, "Failed", kt_jint(work->spec, "failedJobsHistoryLimit", 1));
	if (kt_is_deleting(work->object) || kt_jbool(work->spec, "suspend", false))
		return;
	if (kt_cron_parse(kt_sv_of(kt_jstr(work->spec, "schedule")), &schedule, &err) < 0) {
		kt_reconciler_event(work->own->reconciler, work->object, "Warning",
		        "UnparseableSchedule", "unparseable schedule: %s : %s",
		        kt_jstr(work->spec, "schedule"), kt_err_message(&err));
		return;
	}
	if (zone && kt_zone_open(zone, &work->zone, &err) < 0) {
		kt_reconciler_event(work->own->reconciler, work->object, "Warning",
		        "UnknownTimeZone", "invalid timeZone: \"%s\" - %s", zone,
		        kt_err_message(&err));
		return;
	}
	due_ns = newest_due(work, &schedule, &missed);
	if (missed > MISSED_MAX)
		kt_reconciler_event(work->own->reconciler, work->object, "Warning",
		        "TooManyMissedTimes",
		        "too many missed start times. Set or "
		        "decrease .spec.startingDeadlineSeconds or check clock skew");
	if (due_ns)
		start_due(work, due_ns);
	next_ns = next_time(work, &schedule, KT_MAX(due_ns, work->wall_ns));
	if (next_ns)
		kt_pass_again_after_ms(work->pass, (next_ns - work->wall_ns) / KT_NS_PER_MS + 100);
}

static void reconcile(void *arg, struct kt_pass *pass, const char *key)
{
	struct cron_controller *own = arg;
	struct cron_work work = {.own = own,
	        .pass = pass,
	        .object = kt_pass_object(pass, own->cron_jobs),
	        .wall_ns = kt_pass_wall_ns(pass)};
	kt_auto_free char *path = NULL;

	(void)key;
	if (!work.object)
		return;
	work.tree = kt_object_tree(work.object);
	work.spec = json_object_get(work.tree, "spec");
	work.status = kt_status_tree(work.object);
	run(&work);
	path = kt_asprintf("/apis/batch/v1/namespaces/%.*s/cronjobs/%.*s",
	        KT_SVP(kt_object_namespace(work.object)), KT_SVP(kt_object_name(work.object)));
	kt_patch_status(pass, own->cron_jobs, work.object, path, json_incref(work.status));
	json_decref(work.status);
	json_decref(work.tree);
	kt_vec_finish(&work.jobs);
	kt_vec_finish(&work.active);
	kt_zone_close(work.zone);
}

static void *create(struct kt_controllers *controllers)
{
	struct cron_controller *own = kt_new(struct cron_controller);

	own->reconciler =
	        kt_reconciler_create(&(struct kt_reconciler_options){.controllers = controllers,
	                .name = "cronjob-controller",
	                .reconcile = reconcile,
	                .arg = own});
	own->cron_jobs = kt_controllers_informer(controllers, "/apis/batch/v1/cronjobs");
	own->owned = (struct kt_owned){
	        .reconciler = own->reconciler, .owners = own->cron_jobs, .kind = "CronJob"};
	own->jobs = kt_owned_watch(&own->owned, controllers, "/apis/batch/v1/jobs");
	return own;
}

static void destroy(void *controller)
{
	struct cron_controller *own = controller;

	kt_reconciler_destroy(own->reconciler);
	free(own);
}

const struct kt_controller kt_controller_cron_job = {"cronjob-controller", create, destroy};
