/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Jobs, CronJobs, StatefulSets and DaemonSets on a virtual loop against a client without a server.
 */
#include "support/support.h"

#include "api/machinery/cron.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "cluster/controllers/cron_zone.h"
#include "controllers_world.h"

#include <errno.h>

#define PODS "/api/v1/namespaces/default/pods"

/* Every pod that has no phase yet gets this status; those being deleted go. */
static void play_node(struct world *world, const char *status)
{
	for (size_t i = 0;; i++) {
		kt_auto_json json_t *pod = fake_nth(world->fake, "/api/v1/pods", i);
		kt_auto_free char *path = NULL;

		if (!pod)
			return;
		path = kt_asprintf(PODS "/%s/status", kt_jstr(pod, "metadata.name"));
		if (!kt_jget(pod, "status.phase"))
			fake_patch(world->fake, path, status);
	}
}

static const char running[] = "{'status':{'phase':'Running','conditions':[{'type':'Ready','status':"
                              "'True','lastTransitionTime':"
                              "'2023-11-14T22:13:20Z'}]}}";

static void settle(struct world *world, const char *status)
{
	for (int i = 0; i < 20; i++) {
		world_run_ms(world, 1000);
		play_node(world, status);
	}
	world_run_ms(world, 1000);
}

static const char *condition(const json_t *object, const char *type, const char *field)
{
	json_t *item;
	size_t i;

	json_array_foreach(kt_jget(object, "status.conditions"), i, item)
		if (kt_streq(kt_jstr(item, "type"), type))
			return kt_jstr(item, field);
	return NULL;
}

#define JOBS "/apis/batch/v1/namespaces/default/jobs"

static void put_job(struct world *world, const char *spec)
{
	kt_auto_free char *text =
	        kt_asprintf("{'apiVersion':'batch/"
	                    "v1','kind':'Job','metadata':{'name':'j'},'spec':{%s,'backoffLimit':2,"
	                    "'template':{'metadata':{'labels':{'job-name':'j'}},'spec':{'"
	                    "restartPolicy':'Never','containers':[{'name':'c'}]}}}}",
	                spec);

	fake_put(world->fake, JOBS, text);
}

static void a_job_counts_every_pod_once(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *job = NULL;

	put_job(world, "'parallelism':2,'completions':5");
	world_run_ms(world, 1000);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 2);
	settle(world, "{'status':{'phase':'Succeeded'}}");
	job = fake_get(world->fake, JOBS "/j");
	assert_int_equal(kt_jint(job, "status.succeeded", 0), 5);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 5);
	assert_string_equal(condition(job, "Complete", "reason"), "CompletionsReached");
	assert_string_equal(condition(job, "SuccessCriteriaMet", "status"), "True");
	assert_non_null(kt_jstr(job, "status.completionTime"));
	for (size_t i = 0; i < 5; i++) {
		kt_auto_json json_t *pod = fake_nth(world->fake, "/api/v1/pods", i);

		assert_int_equal(json_array_size(kt_jget(pod, "metadata.finalizers")), 0);
	}
}

static void a_job_gives_up(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *job = NULL;

	put_job(world, "'parallelism':1,'completions':1");
	for (int i = 0; i < 20; i++)
		settle(world, "{'status':{'phase':'Failed','containerStatuses':[{'name':'c','state'"
		              ":{'terminated':{'exitCode':1,'finishedAt':"
		              "'2023-11-14T22:13:20Z'}}}]}}");
	job = fake_get(world->fake, JOBS "/j");
	assert_string_equal(condition(job, "Failed", "reason"), "BackoffLimitExceeded");
	assert_int_equal(kt_jint(job, "status.failed", 0), 3);
}

static void end_pod(struct world *world, size_t i, const char *phase, const char *when)
{
	kt_auto_json json_t *pod = fake_nth(world->fake, "/api/v1/pods", i);
	kt_auto_free char *path = kt_asprintf(PODS "/%s/status", kt_jstr(pod, "metadata.name"));
	kt_auto_free char *status = kt_asprintf(
	        "{'status':{'phase':'%s','containerStatuses':[{'name':'c','state':{'terminated':{"
	        "'exitCode':1,'finishedAt':'%s'}}}]}}",
	        phase, when);

	fake_patch(world->fake, path, status);
}

/* Also while another pod runs; a success starts the count anew. */
static void a_job_waits_after_failures(void **state)
{
	struct world *world = *state;

	put_job(world, "'parallelism':2,'completions':4");
	world_run_ms(world, 1000);
	end_pod(world, 0, "Failed", "2023-11-14T22:13:21Z");
	world_run_ms(world, 8000);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 2);
	world_run_ms(world, 3000); /* 10 s after it */
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 3);
	end_pod(world, 1, "Succeeded", "2023-11-14T22:13:33Z");
	world_run_ms(world, 1000); /* at 33 s: another beside the one that runs */
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 4);
	end_pod(world, 2, "Failed", "2023-11-14T22:13:34Z");
	world_run_ms(world, 8000);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 4);
	world_run_ms(world, 4000); /* 10 s after it, not 20 */
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 5);
}

static void an_indexed_job_does_each_index(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *job = NULL, *pod = NULL;

	put_job(world, "'parallelism':2,'completions':4,'completionMode':'Indexed'");
	settle(world, "{'status':{'phase':'Succeeded'}}");
	job = fake_get(world->fake, JOBS "/j");
	assert_string_equal(kt_jstr(job, "status.completedIndexes"), "0-3");
	assert_string_equal(condition(job, "Complete", "status"), "True");
	pod = fake_nth(world->fake, "/api/v1/pods", 3);
	assert_string_equal(kt_jstr(pod, "spec.hostname"), "j-3");
}

/* Sets the phase of the pod that has this index and no phase yet. */
static void end_index(struct world *world, const char *index, const char *phase)
{
	for (size_t i = 0;; i++) {
		kt_auto_json json_t *pod = fake_nth(world->fake, "/api/v1/pods", i);
		kt_auto_free char *path = NULL, *status = NULL;

		assert_non_null(pod);
		if (kt_jget(pod, "status.phase") ||
		        !kt_streq(json_string_value(json_object_get(kt_jget(pod, "metadata.labels"),
		                          "batch.kubernetes.io/job-completion-index")),
		                index))
			continue;
		path = kt_asprintf(PODS "/%s/status", kt_jstr(pod, "metadata.name"));
		status = kt_asprintf(
		        "{'status':{'phase':'%s','containerStatuses':[{'name':'c','state':{"
		        "'terminated':{'exitCode':%d,'finishedAt':'2023-11-14T22:13:20Z'}}}]}}",
		        phase, strcmp(phase, "Failed") == 0 ? 7 : 0);
		fake_patch(world->fake, path, status);
		world_run_ms(world, 700000);
		return;
	}
}

static void a_success_policy_ends_it_early(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *job = NULL;

	put_job(world, "'parallelism':4,'completions':4,'completionMode':'Indexed','successPolicy'"
	               ":{'rules':[{'succeededIndexes':'0,3','succeededCount':2},"
	               "{'succeededIndexes':'1-2','succeededCount':1}]}");
	world_run_ms(world, 1000);
	end_index(world, "3", "Succeeded");
	job = fake_get(world->fake, JOBS "/j");
	assert_null(condition(job, "SuccessCriteriaMet", "status"));
	end_index(world, "2", "Succeeded");
	json_decref(job);
	job = fake_get(world->fake, JOBS "/j");
	assert_string_equal(condition(job, "SuccessCriteriaMet", "reason"), "SuccessPolicy");
	assert_string_equal(condition(job, "Complete", "message"), "Matched rules at index 1");
	assert_string_equal(kt_jstr(job, "status.completedIndexes"), "2,3");
}

static void indexes_fail_each_on_its_own(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *job = NULL, *pod = NULL;

	put_job(world, "'parallelism':3,'completions':3,'completionMode':'Indexed',"
	               "'backoffLimitPerIndex':1,'podReplacementPolicy':'Failed',"
	               "'podFailurePolicy':{'rules':[{'action':'FailIndex','onExitCodes':{"
	               "'operator':'In','values':[42]}}]}");
	fake_patch(world->fake, JOBS "/j", "{'spec':{'backoffLimit':2147483647}}");
	world_run_ms(world, 1000);
	end_index(world, "1", "Failed");
	job = fake_get(world->fake, JOBS "/j");
	assert_string_equal(kt_jstr(job, "status.failedIndexes"), "");
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 4);
	pod = fake_nth(world->fake, "/api/v1/pods", 3);
	assert_string_equal(json_string_value(json_object_get(kt_jget(pod, "metadata.annotations"),
	                            "batch.kubernetes.io/job-index-failure-count")),
	        "1");
	end_index(world, "1", "Failed");
	end_index(world, "0", "Succeeded");
	json_decref(job);
	job = fake_get(world->fake, JOBS "/j");
	assert_string_equal(kt_jstr(job, "status.failedIndexes"), "1");
	assert_null(condition(job, "FailureTarget", "status"));
	end_index(world, "2", "Succeeded");
	json_decref(job);
	job = fake_get(world->fake, JOBS "/j");
	assert_string_equal(condition(job, "Failed", "reason"), "FailedIndexes");
	assert_string_equal(kt_jstr(job, "status.completedIndexes"), "0,2");
	assert_int_equal(kt_jint(job, "status.failed", 0), 2);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 4);
}

static void a_deadline_counts_what_it_stopped(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *job = NULL;

	put_job(world, "'parallelism':2,'completions':2,'activeDeadlineSeconds':5");
	world_run_ms(world, 1000);
	play_node(world, running);
	world_run_ms(world, 60000);
	job = fake_get(world->fake, JOBS "/j");
	assert_string_equal(condition(job, "Failed", "reason"), "DeadlineExceeded");
	assert_int_equal(kt_jint(job, "status.failed", 0), 2);
}

static void jobs_of_others_are_left_alone(void **state)
{
	struct world *world = *state;

	put_job(world, "'parallelism':2,'completions':2,'managedBy':'example.com/own'");
	world_run_ms(world, 1000);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 0);
}

static void suspension_takes_the_pods_away(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *job = NULL;

	put_job(world, "'parallelism':2,'completions':2");
	settle(world, running);
	fake_patch(world->fake, JOBS "/j", "{'spec':{'suspend':true}}");
	world_run_ms(world, 1000);
	job = fake_get(world->fake, JOBS "/j");
	assert_int_equal(kt_jint(job, "status.active", 0), 0);
	assert_string_equal(condition(job, "Suspended", "status"), "True");
}

static void cron_jobs_run_on_time(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *job = NULL, *cron = NULL;

	/* The clock starts at 22:13:20. */
	fake_put(world->fake, "/apis/batch/v1/namespaces/default/cronjobs",
	        "{'apiVersion':'batch/v1','kind':'CronJob','metadata':{'name':'k'},"
	        "'spec':{'schedule':'*/5 * * * "
	        "*','concurrencyPolicy':'Forbid','successfulJobsHistoryLimit':3,'"
	        "failedJobsHistoryLimit':1,"
	        "'jobTemplate':{'spec':{'parallelism':1,'completions':1,'template':{'spec':{'"
	        "containers':[{'name':'c'}]}}}}}}");
	world_run_ms(world, 60000);
	assert_int_equal(fake_count(world->fake, "/apis/batch/v1/jobs"), 0);
	world_run_ms(world, 60000);
	assert_int_equal(fake_count(world->fake, "/apis/batch/v1/jobs"), 1);
	job = fake_nth(world->fake, "/apis/batch/v1/jobs", 0);
	assert_string_equal(kt_jstr(job, "metadata.name"), "k-28333335");
	/* The first still runs: nothing starts beside it. */
	world_run_ms(world, 5 * 60000);
	assert_int_equal(fake_count(world->fake, "/apis/batch/v1/jobs"), 1);
	for (int i = 0; i < 60; i++)
		settle(world, "{'status':{'phase':'Succeeded'}}");
	cron = fake_get(world->fake, "/apis/batch/v1/namespaces/default/cronjobs/k");
	assert_non_null(kt_jstr(cron, "status.lastSuccessfulTime"));
	assert_in_range(fake_count(world->fake, "/apis/batch/v1/jobs"), 3, 4);
}

static bool has_event(struct world *world, const char *reason, const char *message)
{
	for (size_t i = 0;; i++) {
		kt_auto_json json_t *event = fake_nth(world->fake, "/api/v1/events", i);

		if (!event)
			return false;
		if (kt_streq(kt_jstr(event, "reason"), reason) &&
		        kt_streq(kt_jstr(event, "message"), message))
			return true;
	}
}

static void cron_jobs_miss_what_was_taken_away(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *cron = NULL;

	fake_put(world->fake, "/apis/batch/v1/namespaces/default/cronjobs",
	        "{'apiVersion':'batch/v1','kind':'CronJob','metadata':{'name':'k'},"
	        "'spec':{'schedule':'*/5 * * * *','concurrencyPolicy':'Replace',"
	        "'jobTemplate':{'spec':{'template':{'spec':{'containers':[{'name':'c'}]}}}}}}");
	world_run_ms(world, 120000);
	/* One that the controller itself replaces is not missed. */
	world_run_ms(world, 5 * 60000);
	assert_int_equal(fake_count(world->fake, "/apis/batch/v1/jobs"), 1);
	assert_false(has_event(world, "MissingJob", "Active job went missing: k-28333335"));
	fake_delete(world->fake, JOBS "/k-28333340");
	world_run_ms(world, 1000);
	assert_true(has_event(world, "MissingJob", "Active job went missing: k-28333340"));
	cron = fake_get(world->fake, "/apis/batch/v1/namespaces/default/cronjobs/k");
	assert_int_equal(json_array_size(kt_jget(cron, "status.active")), 0);
}

/* A user's job that a CronJob is the owner of (kubectl create job --from) is none of its own; but
 * one that it made and could not note is. */
static void cron_jobs_know_their_own(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *cron = NULL;
	static const char form[] =
	        "{'apiVersion':'batch/v1','kind':'Job','metadata':{'name':'%s','annotations':{'%s':"
	        "'%s'},'ownerReferences':[{'apiVersion':'batch/v1','kind':'CronJob','name':'k',"
	        "'uid':'%s','controller':true}]},'spec':{'suspend':true,'template':{'spec':{"
	        "'containers':[{'name':'c'}]}}}}";
	kt_auto_free char *by_hand = NULL, *forgotten = NULL;

	fake_put(world->fake, "/apis/batch/v1/namespaces/default/cronjobs",
	        "{'apiVersion':'batch/v1','kind':'CronJob','metadata':{'name':'k'},'spec':{"
	        "'schedule':'0 0 1 1 *','jobTemplate':{'spec':{}}}}");
	cron = fake_get(world->fake, "/apis/batch/v1/namespaces/default/cronjobs/k");
	by_hand = kt_asprintf(form, "manual", "cronjob.kubernetes.io/instantiate", "manual",
	        kt_jstr(cron, "metadata.uid"));
	forgotten =
	        kt_asprintf(form, "k-28333335", "batch.kubernetes.io/cronjob-scheduled-timestamp",
	                "2023-11-14T22:15:00Z", kt_jstr(cron, "metadata.uid"));
	fake_put(world->fake, JOBS, by_hand);
	fake_put(world->fake, JOBS, forgotten);
	world_run_ms(world, 1000);
	json_decref(cron);
	cron = fake_get(world->fake, "/apis/batch/v1/namespaces/default/cronjobs/k");
	assert_int_equal(json_array_size(kt_jget(cron, "status.active")), 1);
	assert_string_equal(kt_jstr(cron, "status.active.0.name"), "k-28333335");
	assert_true(has_event(world, "UnexpectedJob",
	        "Saw a job that the controller did not create or forgot: manual"));
	/* its success counts all the same */
	fake_patch(world->fake, JOBS "/manual/status",
	        "{'status':{'completionTime':'2023-11-14T22:13:30Z','conditions':[{'type':"
	        "'Complete','status':'True'}]}}");
	world_run_ms(world, 1000);
	json_decref(cron);
	cron = fake_get(world->fake, "/apis/batch/v1/namespaces/default/cronjobs/k");
	assert_string_equal(kt_jstr(cron, "status.lastSuccessfulTime"), "2023-11-14T22:13:30Z");
}

static void assert_next(const char *schedule, const char *after, const char *want)
{
	struct kt_cron parsed;
	kt_auto_err err = KT_ERR_INIT;
	char text[KT_TIME_TEXT_MAX];
	int64_t ns;

	assert_int_equal(kt_cron_parse(kt_sv_of(schedule), &parsed, &err), 0);
	assert_int_equal(kt_time_parse(kt_sv_of(after), &ns), 0);
	kt_time_format(kt_cron_next(&parsed, ns / KT_NS_PER_S, 0) * KT_NS_PER_S, text);
	assert_string_equal(text, want);
}

static void schedules_are_read(void **state)
{
	struct kt_cron parsed;

	(void)state;
	assert_next("0 3 * * mon-fri", "2024-03-01T04:00:00Z", "2024-03-04T03:00:00Z");
	assert_next("30 4 1,15 * 5", "2024-03-01T04:30:00Z", "2024-03-08T04:30:00Z");
	assert_next("0 0 29 2 *", "2024-03-01T00:00:00Z", "2028-02-29T00:00:00Z");
	assert_next("@hourly", "2024-12-31T23:00:00Z", "2025-01-01T00:00:00Z");
	assert_next("5/20 * * * *", "2024-01-01T00:06:00Z", "2024-01-01T00:25:00Z");
	assert_true(kt_cron_parse(kt_sv_of("61 * * * *"), &parsed, NULL) < 0);
	assert_true(kt_cron_parse(kt_sv_of("* * * *"), &parsed, NULL) < 0);
	assert_true(kt_cron_parse(kt_sv_of("*/0 * * * *"), &parsed, NULL) < 0);
}

static void zones_have_summer(void **state)
{
	struct kt_zone *zone;
	kt_auto_err err = KT_ERR_INIT;
	int64_t ns;

	(void)state;
	assert_int_equal(kt_zone_open("../etc/passwd", &zone, NULL), -EINVAL);
	if (kt_zone_open("Europe/Berlin", &zone, &err) < 0) {
		print_message("skipped: no time zones on this machine\n");
		skip();
	}
	kt_time_parse(KT_SV("2026-01-15T12:00:00Z"), &ns);
	assert_int_equal(kt_zone_offset_ns(zone, ns), 3600 * KT_NS_PER_S);
	kt_time_parse(KT_SV("2026-07-15T12:00:00Z"), &ns);
	assert_int_equal(kt_zone_offset_ns(zone, ns), 7200 * KT_NS_PER_S);
	kt_zone_close(zone);
}

#define SETS "/apis/apps/v1/namespaces/default/statefulsets"

static void put_stateful_set(struct world *world, const char *more)
{
	kt_auto_free char *text = kt_asprintf(
	        "{'apiVersion':'apps/"
	        "v1','kind':'StatefulSet','metadata':{'name':'db'},'spec':{'replicas':3,"
	        "'serviceName':'db','selector':{'matchLabels':{'app':'db'}},'updateStrategy':{'"
	        "type':'RollingUpdate'},"
	        "'volumeClaimTemplates':[{'metadata':{'name':'data'},'spec':{'accessModes':['"
	        "ReadWriteOnce']}}],"
	        "'template':{'metadata':{'labels':{'app':'db'}},'spec':{'containers':[{'name':'c','"
	        "image':'v1'}]}}%s}}",
	        more);

	fake_put(world->fake, SETS, text);
}

static void stateful_pods_come_in_order(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *pod = NULL, *claim = NULL, *set = NULL;

	put_stateful_set(world, "");
	world_run_ms(world, 5000);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 1);
	settle(world, running);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 3);
	pod = fake_get(world->fake, PODS "/db-2");
	assert_string_equal(kt_jstr(pod, "spec.hostname"), "db-2");
	assert_string_equal(
	        kt_jstr(pod, "spec.volumes.0.persistentVolumeClaim.claimName"), "data-db-2");
	claim = fake_get(
	        world->fake, "/api/v1/namespaces/default/persistentvolumeclaims/data-db-2");
	assert_non_null(claim);
	set = fake_get(world->fake, SETS "/db");
	assert_int_equal(kt_jint(set, "status.readyReplicas", 0), 3);
	assert_int_equal(kt_jint(set, "status.currentReplicas", 0), 3);
	fake_patch(world->fake, SETS "/db", "{'spec':{'replicas':1}}");
	world_run_ms(world, 5000);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 1);
	json_decref(pod);
	pod = fake_get(world->fake, PODS "/db-0");
	assert_non_null(pod);
}

static void stateful_updates_go_from_the_top(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *set = NULL, *high = NULL, *low = NULL, *revision = NULL;
	kt_auto_str data = KT_STR_INIT, sorted = KT_STR_INIT;

	put_stateful_set(world, ",'podManagementPolicy':'Parallel'");
	settle(world, running);
	fake_patch(world->fake, SETS "/db",
	        "{'spec':{'updateStrategy':{'rollingUpdate':{'partition':1}},'template':{'spec':{'"
	        "containers':"
	        "[{'name':'c','image':'v2'}]}}}}");
	settle(world, running);
	high = fake_get(world->fake, PODS "/db-2");
	low = fake_get(world->fake, PODS "/db-0");
	assert_string_equal(kt_jstr(high, "spec.containers.0.image"), "v2");
	assert_string_equal(kt_jstr(low, "spec.containers.0.image"), "v1");
	set = fake_get(world->fake, SETS "/db");
	assert_int_equal(kt_jint(set, "status.updatedReplicas", 0), 2);
	assert_int_equal(fake_count(world->fake, "/apis/apps/v1/controllerrevisions"), 2);
	revision = fake_nth(world->fake, "/apis/apps/v1/controllerrevisions", 0);
	kt_json_write(&data, json_object_get(revision, "data"), 0);
	kt_json_write(&sorted, json_object_get(revision, "data"), KT_JSON_SORT);
	assert_string_equal(kt_str_text(&data), kt_str_text(&sorted));
	fake_patch(world->fake, SETS "/db",
	        "{'spec':{'updateStrategy':{'rollingUpdate':{'partition':0}}}}");
	settle(world, running);
	json_decref(set);
	set = fake_get(world->fake, SETS "/db");
	assert_int_equal(kt_jint(set, "status.updatedReplicas", 0), 3);
	assert_string_equal(
	        kt_jstr(set, "status.currentRevision"), kt_jstr(set, "status.updateRevision"));
}

static void several_may_miss_at_once(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *high = NULL, *low = NULL;
	int n_gone = 0;

	put_stateful_set(world, ",'podManagementPolicy':'Parallel'");
	settle(world, running);
	fake_patch(world->fake, SETS "/db",
	        "{'spec':{'updateStrategy':{'rollingUpdate':{'maxUnavailable':2}},'template':{"
	        "'spec':{'containers':[{'name':'c','image':'v2'}]}}}}");
	world_run_ms(world, 1000);
	for (size_t i = 0; i < 3; i++) {
		kt_auto_json json_t *pod = fake_nth(world->fake, "/api/v1/pods", i);

		n_gone += kt_streq(kt_jstr(pod, "spec.containers.0.image"), "v2");
	}
	assert_int_equal(n_gone, 2);
	low = fake_get(world->fake, PODS "/db-0");
	assert_string_equal(kt_jstr(low, "spec.containers.0.image"), "v1");
	settle(world, running);
	high = fake_get(world->fake, PODS "/db-0");
	assert_string_equal(kt_jstr(high, "spec.containers.0.image"), "v2");
}

#define CLAIMS "/api/v1/namespaces/default/persistentvolumeclaims"

/* A pod must find its claims, also when making one fails at first or somebody deletes it. */
static void claims_come_before_their_pod(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *again = NULL;

	fake_refuse(world->fake, "persistentvolumeclaims", 1000);
	put_stateful_set(world, "");
	world_run_ms(world, 1000);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 0);
	fake_refuse(world->fake, "persistentvolumeclaims", 0);
	world_run_ms(world, 5000);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 1);
	fake_patch(world->fake, PODS "/db-0", "{'status':{'phase':'Pending'}}");
	fake_delete(world->fake, CLAIMS "/data-db-0");
	fake_patch(world->fake, PODS "/db-0", "{'metadata':{'annotations':{'a':'b'}}}");
	world_run_ms(world, 1000);
	again = fake_get(world->fake, CLAIMS "/data-db-0");
	assert_non_null(again);
}

static void claims_are_kept_or_go(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *claim = NULL, *kept = NULL;

	put_stateful_set(world, ",'podManagementPolicy':'Parallel',"
	                        "'persistentVolumeClaimRetentionPolicy':{'whenDeleted':'Delete',"
	                        "'whenScaled':'Delete'}");
	settle(world, running);
	claim = fake_get(world->fake, CLAIMS "/data-db-2");
	assert_string_equal(kt_jstr(claim, "metadata.ownerReferences.0.kind"), "StatefulSet");
	fake_patch(world->fake, SETS "/db", "{'spec':{'replicas':2}}");
	settle(world, running);
	json_decref(claim);
	claim = fake_get(world->fake, CLAIMS "/data-db-2");
	assert_int_equal(json_array_size(kt_jget(claim, "metadata.ownerReferences")), 1);
	assert_string_equal(kt_jstr(claim, "metadata.ownerReferences.0.kind"), "Pod");
	assert_string_equal(kt_jstr(claim, "metadata.ownerReferences.0.name"), "db-2");
	fake_patch(world->fake, SETS "/db",
	        "{'spec':{'persistentVolumeClaimRetentionPolicy':{'whenDeleted':'Retain',"
	        "'whenScaled':'Retain'}}}");
	settle(world, running);
	kept = fake_get(world->fake, CLAIMS "/data-db-1");
	assert_int_equal(json_array_size(kt_jget(kept, "metadata.ownerReferences")), 0);
	fake_patch(world->fake, SETS "/db", "{'spec':{'replicas':0}}");
	settle(world, running);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 0);
	json_decref(kept);
	kept = fake_get(world->fake, CLAIMS "/data-db-1");
	assert_int_equal(json_array_size(kt_jget(kept, "metadata.ownerReferences")), 0);
}

static void claims_of_others_are_left_alone(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *claim = NULL;

	put_stateful_set(world, ",'podManagementPolicy':'Parallel',"
	                        "'persistentVolumeClaimRetentionPolicy':{'whenScaled':'Delete'}");
	settle(world, running);
	fake_patch(world->fake, CLAIMS "/data-db-1",
	        "{'metadata':{'ownerReferences':[{'apiVersion':'v1','kind':'ConfigMap',"
	        "'name':'m','uid':'somebody','controller':true}]}}");
	fake_patch(world->fake, SETS "/db", "{'spec':{'replicas':0}}");
	settle(world, running);
	settle(world, running);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 0);
	claim = fake_get(world->fake, CLAIMS "/data-db-1");
	assert_int_equal(json_array_size(kt_jget(claim, "metadata.ownerReferences")), 1);
	assert_string_equal(kt_jstr(claim, "metadata.ownerReferences.0.kind"), "ConfigMap");
}

#define DAEMONS "/apis/apps/v1/namespaces/default/daemonsets"

/* Ready, and heard of for a long time to come. */
static void put_node(struct world *world, const char *name, const char *spec)
{
	kt_auto_free char *text = kt_asprintf(
	        "{'apiVersion':'v1','kind':'Node','metadata':{'name':'%s'},'spec':{%s},'status':{'"
	        "conditions':"
	        "[{'type':'Ready','status':'True','lastHeartbeatTime':'2099-01-01T00:00:00Z'}]}}",
	        name, spec);

	fake_put(world->fake, "/api/v1/nodes", text);
}

static void assert_told(struct world *world, const char *kind, const char *message)
{
	for (size_t i = 0;; i++) {
		kt_auto_json json_t *event = fake_nth(world->fake, "/api/v1/events", i);

		if (!event)
			fail_msg("nothing says \"%s\"", message);
		if (kt_streq(kt_jstr(event, "involvedObject.kind"), kind) &&
		        kt_streq(kt_jstr(event, "message"), message))
			return;
	}
}

static void a_lost_node_loses_its_pods(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *node = NULL, *pod = NULL;

	put_node(world, "a", "");
	fake_put(world->fake, PODS,
	        "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'patient'},'spec':{'nodeName':"
	        "'a','tolerations':[{'operator':'Exists','tolerationSeconds':6000}]},"
	        "'status':{'phase':'Running'}}");
	fake_put(world->fake, PODS,
	        "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'p'},'spec':{'nodeName':'a','"
	        "tolerations':[{'key':"
	        "'node.kubernetes.io/"
	        "unreachable','operator':'Exists','effect':'NoExecute','tolerationSeconds':300}]},'"
	        "status':{'phase':'Running',"
	        "'conditions':[{'type':'Ready','status':'True'}]}}");
	world_run_ms(world, 1000);
	fake_patch(world->fake, "/api/v1/nodes/a/status",
	        "{'status':{'conditions':[{'type':'Ready','status':'True','lastHeartbeatTime':"
	        "'2023-11-14T22:13:20Z'}]}}");
	world_run_ms(world, 60000);
	node = fake_get(world->fake, "/api/v1/nodes/a");
	assert_string_equal(condition(node, "Ready", "status"), "Unknown");
	assert_string_equal(kt_jstr(node, "spec.taints.0.key"), "node.kubernetes.io/unreachable");
	pod = fake_get(world->fake, PODS "/p");
	assert_string_equal(condition(pod, "Ready", "status"), "False");
	assert_null(kt_jstr(pod, "metadata.deletionTimestamp"));
	assert_told(world, "Node", "Node a status is now: NodeNotReady");
	assert_told(world, "Pod", "Node is not ready");
	world_run_ms(world, 300000);
	json_decref(pod);
	pod = fake_get(world->fake, PODS "/p");
	assert_non_null(kt_jstr(pod, "metadata.deletionTimestamp"));
	assert_string_equal(condition(pod, "DisruptionTarget", "reason"), "DeletionByTaintManager");
	/* It is heard of again. */
	fake_patch(world->fake, "/api/v1/nodes/a/status",
	        "{'status':{'conditions':[{'type':'Ready','status':'True','lastHeartbeatTime':"
	        "'2099-01-01T00:00:00Z'}]}}");
	world_run_ms(world, 1000);
	json_decref(node);
	node = fake_get(world->fake, "/api/v1/nodes/a");
	assert_int_equal(json_array_size(kt_jget(node, "spec.taints")), 0);
	assert_told(world, "Pod", "Cancelling deletion of Pod default/patient");
}

static void daemons_run_on_every_node_that_fits(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *set = NULL, *pod = NULL;

	put_node(world, "a", "");
	put_node(world, "b", "'taints':[{'key':'x','effect':'NoSchedule'}]");
	fake_put(world->fake, DAEMONS,
	        "{'apiVersion':'apps/"
	        "v1','kind':'DaemonSet','metadata':{'name':'d'},'spec':{'selector':{'matchLabels':"
	        "{'app':'d'}},'updateStrategy':{'type':'RollingUpdate','rollingUpdate':{'"
	        "maxUnavailable':1,'maxSurge':0}},'template':"
	        "{'metadata':{'labels':{'app':'d'}},'spec':{'containers':[{'name':'c','image':'v1'}"
	        "]}}}}");
	settle(world, running);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 1);
	pod = fake_nth(world->fake, "/api/v1/pods", 0);
	assert_string_equal(
	        kt_jstr(pod, "spec.affinity.nodeAffinity."
	                     "requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms.0."
	                     "matchFields.0.values.0"),
	        "a");
	put_node(world, "c", "");
	settle(world, running);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 2);
	set = fake_get(world->fake, DAEMONS "/d");
	assert_int_equal(kt_jint(set, "status.desiredNumberScheduled", 0), 2);
	assert_int_equal(kt_jint(set, "status.numberReady", 0), 2);
	fake_patch(world->fake, DAEMONS "/d",
	        "{'spec':{'template':{'spec':{'containers':[{'name':'c','image':'v2'}]}}}}");
	settle(world, running);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 2);
	for (size_t i = 0; i < 2; i++) {
		json_decref(pod);
		pod = fake_nth(world->fake, "/api/v1/pods", i);
		assert_string_equal(kt_jstr(pod, "spec.containers.0.image"), "v2");
	}
	json_decref(set);
	set = fake_get(world->fake, DAEMONS "/d");
	assert_int_equal(kt_jint(set, "status.updatedNumberScheduled", 0), 2);
}

#define DAEMON(more) \
	"{'apiVersion':'apps/v1','kind':'DaemonSet','metadata':{'name':'d'},'spec':{'selector':{" \
	"'matchLabels':{'app':'d'}},'updateStrategy':{'type':'RollingUpdate','rollingUpdate':" \
	"{" more \
	"}},'template':{'metadata':{'labels':{'app':'d'}},'spec':{'containers':[{'name':'c'," \
	"'image':'v1'}]}}}}"

static size_t count_made(struct world *world)
{
	size_t n = 0;

	for (size_t i = 0;; i++) {
		kt_auto_json json_t *event = fake_nth(world->fake, "/api/v1/events", i);

		if (!event)
			return n;
		if (kt_streq(kt_jstr(event, "reason"), "SuccessfulCreate"))
			n += (size_t)KT_MAX(kt_jint(event, "count", 1), 1);
	}
}

/* A second after the first, two after the second, and so on. */
static void daemons_that_fail_come_back_ever_later(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *pod = NULL;

	put_node(world, "a", "");
	fake_put(world->fake, DAEMONS, DAEMON("'maxUnavailable':1,'maxSurge':0"));
	for (int i = 0; i < 600; i++) {
		world_run_ms(world, 100);
		play_node(world, "{'status':{'phase':'Failed'}}");
	}
	/* at 0, 1, 3, 7, 15 and 31 seconds, and the next is due at 63 */
	assert_in_range(count_made(world), 6, 8);
	pod = fake_nth(world->fake, "/api/v1/pods", 0);
	assert_string_equal(kt_jstr(pod, "status.phase"), "Failed");
}

/* Nothing new comes on a node before the old pod is gone, and till then that one is told of. */
static void daemons_make_room_first(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *set = NULL, *pod = NULL;
	kt_auto_free char *path = NULL, *status_path = NULL;

	put_node(world, "a", "");
	fake_put(world->fake, DAEMONS, DAEMON("'maxUnavailable':1,'maxSurge':0"));
	settle(world, running);
	pod = fake_nth(world->fake, "/api/v1/pods", 0);
	path = kt_asprintf(PODS "/%s", kt_jstr(pod, "metadata.name"));
	status_path = kt_asprintf("%s/status", path);
	fake_patch(world->fake, path, "{'spec':{'nodeName':'a'}}");
	fake_delete(world->fake, path); /* it has 30 s to end */
	world_run_ms(world, 5000);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 1);
	set = fake_get(world->fake, DAEMONS "/d");
	assert_int_equal(kt_jint(set, "status.currentNumberScheduled", 0), 1);
	assert_int_equal(kt_jint(set, "status.numberReady", 0), 1);
	fake_patch(world->fake, status_path, "{'status':{'phase':'Succeeded'}}");
	fake_delete(world->fake, path);
	world_run_ms(world, 1000);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 1);
	assert_int_equal(count_made(world), 2);
}

/* A pod that tolerates none of a node's NoExecute taints goes, whatever other taints come first. */
static void daemons_leave_nodes_that_turn_them_out(void **state)
{
	struct world *world = *state;

	put_node(world, "a", "");
	fake_put(world->fake, DAEMONS, DAEMON("'maxUnavailable':1,'maxSurge':0"));
	settle(world, running);
	fake_patch(world->fake, "/api/v1/nodes/a",
	        "{'spec':{'taints':[{'key':'x','effect':'NoSchedule'}]}}");
	world_run_ms(world, 1000);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 1);
	fake_patch(world->fake, "/api/v1/nodes/a",
	        "{'spec':{'taints':[{'key':'x','effect':'NoSchedule'},{'key':'y','effect':"
	        "'NoExecute'}]}}");
	world_run_ms(world, 1000);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, controllers_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	        T(a_job_counts_every_pod_once),
	        T(a_job_gives_up),
	        T(a_job_waits_after_failures),
	        T(an_indexed_job_does_each_index),
	        T(a_success_policy_ends_it_early),
	        T(indexes_fail_each_on_its_own),
	        T(a_deadline_counts_what_it_stopped),
	        T(jobs_of_others_are_left_alone),
	        T(suspension_takes_the_pods_away),
	        T(cron_jobs_run_on_time),
	        T(cron_jobs_miss_what_was_taken_away),
	        T(cron_jobs_know_their_own),
	        T(schedules_are_read),
	        T(zones_have_summer),
	        T(stateful_pods_come_in_order),
	        T(stateful_updates_go_from_the_top),
	        T(several_may_miss_at_once),
	        T(claims_come_before_their_pod),
	        T(claims_are_kept_or_go),
	        T(claims_of_others_are_left_alone),
	        T(daemons_run_on_every_node_that_fits),
	        T(daemons_that_fail_come_back_ever_later),
	        T(daemons_make_room_first),
	        T(daemons_leave_nodes_that_turn_them_out),
	        T(a_lost_node_loses_its_pods),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
