/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Jobs and CronJobs on a virtual loop against a client without a server. */
#include "support/support.h"

#include "api/machinery/cron.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "cluster/controllers/cron_zone.h"
#include "controllers_world.h"

#include <errno.h>

#define PODS "/api/v1/namespaces/default/pods"
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
	world_settle(world, "{'status':{'phase':'Succeeded'}}");
	job = fake_get(world->fake, JOBS "/j");
	assert_int_equal(kt_jint(job, "status.succeeded", 0), 5);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 5);
	assert_string_equal(world_condition(job, "Complete", "reason"), "CompletionsReached");
	assert_string_equal(world_condition(job, "SuccessCriteriaMet", "status"), "True");
	assert_non_null(kt_jstr(job, "status.completionTime"));
	for (size_t i = 0; i < 5; i++) {
		kt_auto_json json_t *pod = fake_nth(world->fake, "/api/v1/pods", i);

		assert_int_equal(json_array_size(kt_jget(pod, "metadata.finalizers")), 0);
	}
}

static json_t *get_pod(struct world *world, const char *name)
{
	kt_auto_free char *path = kt_asprintf(PODS "/%s", name);

	return fake_get(world->fake, path);
}

static void patch_pod(struct world *world, const char *name, const char *patch)
{
	kt_auto_free char *path = kt_asprintf(PODS "/%s", name);

	fake_patch(world->fake, path, patch);
	world_run_ms(world, 3000);
}

/* Who has its labels and no owner becomes a Job's pod, who loses them is one no more. */
static void a_job_takes_orphans_and_lets_strangers_go(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *first = NULL, *pod = NULL, *job = NULL;
	const char *name;

	put_job(world,
	        "'parallelism':2,'completions':4,'selector':{'matchLabels':{'job-name':'j'}}");
	world_run_ms(world, 3000);
	first = fake_nth(world->fake, "/api/v1/pods", 0);
	name = kt_jstr(first, "metadata.name");
	patch_pod(world, name, "{'metadata':{'ownerReferences':null,'finalizers':null}}");
	pod = get_pod(world, name);
	assert_string_equal(kt_jstr(pod, "metadata.ownerReferences.0.name"), "j");
	assert_int_equal(json_array_size(kt_jget(pod, "metadata.finalizers")), 1);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 2);
	patch_pod(world, name, "{'metadata':{'labels':null}}");
	json_decref(pod);
	pod = get_pod(world, name);
	assert_int_equal(json_array_size(kt_jget(pod, "metadata.ownerReferences")), 0);
	assert_int_equal(json_array_size(kt_jget(pod, "metadata.finalizers")), 0);
	assert_int_equal(fake_count(world->fake, "/api/v1/pods"), 3);
	job = fake_get(world->fake, JOBS "/j");
	assert_int_equal(kt_jint(job, "status.active", 0), 2);
}

static void a_job_gives_up(void **state)
{
	struct world *world = *state;
	kt_auto_json json_t *job = NULL;

	put_job(world, "'parallelism':1,'completions':1");
	for (int i = 0; i < 20; i++)
		world_settle(world,
		        "{'status':{'phase':'Failed','containerStatuses':[{'name':'c','state'"
		        ":{'terminated':{'exitCode':1,'finishedAt':"
		        "'2023-11-14T22:13:20Z'}}}]}}");
	job = fake_get(world->fake, JOBS "/j");
	assert_string_equal(world_condition(job, "Failed", "reason"), "BackoffLimitExceeded");
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
	world_settle(world, "{'status':{'phase':'Succeeded'}}");
	job = fake_get(world->fake, JOBS "/j");
	assert_string_equal(kt_jstr(job, "status.completedIndexes"), "0-3");
	assert_string_equal(world_condition(job, "Complete", "status"), "True");
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
	assert_null(world_condition(job, "SuccessCriteriaMet", "status"));
	end_index(world, "2", "Succeeded");
	json_decref(job);
	job = fake_get(world->fake, JOBS "/j");
	assert_string_equal(world_condition(job, "SuccessCriteriaMet", "reason"), "SuccessPolicy");
	assert_string_equal(
	        world_condition(job, "Complete", "message"), "Matched rules at index 1");
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
	assert_null(world_condition(job, "FailureTarget", "status"));
	end_index(world, "2", "Succeeded");
	json_decref(job);
	job = fake_get(world->fake, JOBS "/j");
	assert_string_equal(world_condition(job, "Failed", "reason"), "FailedIndexes");
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
	world_play_node(world, world_running);
	world_run_ms(world, 60000);
	job = fake_get(world->fake, JOBS "/j");
	assert_string_equal(world_condition(job, "Failed", "reason"), "DeadlineExceeded");
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
	world_settle(world, world_running);
	fake_patch(world->fake, JOBS "/j", "{'spec':{'suspend':true}}");
	world_run_ms(world, 1000);
	job = fake_get(world->fake, JOBS "/j");
	assert_int_equal(kt_jint(job, "status.active", 0), 0);
	assert_string_equal(world_condition(job, "Suspended", "status"), "True");
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
		world_settle(world, "{'status':{'phase':'Succeeded'}}");
	cron = fake_get(world->fake, "/apis/batch/v1/namespaces/default/cronjobs/k");
	assert_non_null(kt_jstr(cron, "status.lastSuccessfulTime"));
	assert_in_range(fake_count(world->fake, "/apis/batch/v1/jobs"), 3, 4);
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
	assert_false(world_has_event(world, "MissingJob", "Active job went missing: k-28333335"));
	fake_delete(world->fake, JOBS "/k-28333340");
	world_run_ms(world, 1000);
	assert_true(world_has_event(world, "MissingJob", "Active job went missing: k-28333340"));
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
	kt_auto_free char *by_hand = NULL, *forgotten = NULL, *copied = NULL;

	fake_put(world->fake, "/apis/batch/v1/namespaces/default/cronjobs",
	        "{'apiVersion':'batch/v1','kind':'CronJob','metadata':{'name':'k'},'spec':{"
	        "'schedule':'0 0 1 1 *','jobTemplate':{'spec':{}}}}");
	cron = fake_get(world->fake, "/apis/batch/v1/namespaces/default/cronjobs/k");
	by_hand = kt_asprintf(form, "manual", "cronjob.kubernetes.io/instantiate", "manual",
	        kt_jstr(cron, "metadata.uid"));
	forgotten =
	        kt_asprintf(form, "k-28333335", "batch.kubernetes.io/cronjob-scheduled-timestamp",
	                "2023-11-14T22:15:00Z", kt_jstr(cron, "metadata.uid"));
	copied = kt_asprintf(form, "copy", "batch.kubernetes.io/cronjob-scheduled-timestamp",
	        "2023-11-14T22:15:00Z", kt_jstr(cron, "metadata.uid"));
	fake_put(world->fake, JOBS, by_hand);
	fake_put(world->fake, JOBS, copied);
	fake_put(world->fake, JOBS, forgotten);
	world_run_ms(world, 1000);
	json_decref(cron);
	cron = fake_get(world->fake, "/apis/batch/v1/namespaces/default/cronjobs/k");
	assert_int_equal(json_array_size(kt_jget(cron, "status.active")), 1);
	assert_string_equal(kt_jstr(cron, "status.active.0.name"), "k-28333335");
	assert_true(world_has_event(world, "UnexpectedJob",
	        "Saw a job that the controller did not create or forgot: manual"));
	assert_true(world_has_event(world, "UnexpectedJob",
	        "Saw a job that the controller did not create or forgot: copy"));
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

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, controllers_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	        T(a_job_counts_every_pod_once),
	        T(a_job_takes_orphans_and_lets_strangers_go),
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
