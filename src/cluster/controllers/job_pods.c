/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Indexes of Indexed Jobs, and what podFailurePolicy says of a failed pod. */
#include "cluster/controllers/job.h"

#include "base/log.h"
#include "base/mem.h"

#define INDEXES_MAX 1000000

int64_t job_pod_end_ns(const struct kt_object *pod)
{
	struct kt_json_at list = kt_field_of(pod, "status", "containerStatuses"), item;
	struct kt_json_iter it = {0};
	int64_t latest = 0;

	while (list.p && kt_json_next_element(list, &it, &item))
		latest = KT_MAX(latest,
		        kt_time_at(kt_json_find(item, "state", "terminated", NULL), "finishedAt"));
	return latest ? latest : kt_time_at(kt_condition(pod, "Ready"), "lastTransitionTime");
}

static int64_t index_of(const struct kt_object *pod)
{
	kt_auto_free char *text = kt_annotation(pod, JOB_INDEX);
	int64_t index;

	return text && kt_sv_int64(kt_sv_of(text), &index) == 0 ? index : -1;
}

bool job_index_in_range(const struct job_work *work, const struct kt_object *pod)
{
	int64_t index = index_of(pod);

	return !work->indexed || (index >= 0 && index < kt_jint(work->spec, "completions", 0));
}

/* "0,2-4" sets 0, 2, 3, 4. */
static void parse_indexes(const char *text, bool *done, int64_t n)
{
	struct kt_sv rest = kt_sv_of(text), part, from_text;

	while (text && *text && kt_sv_split(&rest, ',', &part)) {
		int64_t from, to;

		if (!kt_sv_split(&part, '-', &from_text) || kt_sv_int64(from_text, &from) < 0)
			continue;
		if (!part.p || kt_sv_int64(part, &to) < 0)
			to = from;
		for (int64_t i = KT_MAX(from, 0); i <= to && i < n; i++)
			done[i] = true;
	}
}

static char *format_indexes(const bool *done, int64_t n)
{
	struct kt_str out = KT_STR_INIT;

	for (int64_t i = 0; i < n; i++) {
		int64_t from = i;

		if (!done[i])
			continue;
		while (i + 1 < n && done[i + 1])
			i++;
		kt_str_printf(&out, "%s%lld", out.len ? "," : "", (long long)from);
		if (i > from)
			kt_str_printf(&out, "%c%lld", i == from + 1 ? ',' : '-', (long long)i);
	}
	return kt_str_steal(&out);
}

static int64_t n_indexes(const struct job_work *work)
{
	int64_t n = kt_jint(work->spec, "completions", 0);

	return KT_MAX(KT_MIN(n, INDEXES_MAX), 0);
}

static int64_t count_annotation(const struct kt_object *pod, const char *key)
{
	kt_auto_free char *text = kt_annotation(pod, key);
	int64_t n;

	return text && kt_sv_int64(kt_sv_of(text), &n) == 0 && n > 0 ? n : 0;
}

static void add_failure(
        struct job_work *work, struct job_index *index, struct kt_object *pod, int64_t limit)
{
	enum job_failure judged = job_judge_failure(work, pod);
	int64_t failures = count_annotation(pod, JOB_INDEX_FAILURES),
	        ignored = count_annotation(pod, JOB_INDEX_IGNORED);

	*(judged == JOB_FAILURE_IGNORED ? &ignored : &failures) += 1;
	if (judged == JOB_FAILURE_FAILS_INDEX || failures > limit)
		index->failed = true;
	if (index->newest && failures + ignored <= index->failures + index->ignored)
		return;
	index->newest = pod;
	index->failures = failures;
	index->ignored = ignored;
}

void job_read_index_failures(struct job_work *work)
{
	int64_t limit = kt_jint(work->spec, "backoffLimitPerIndex", -1), n = n_indexes(work);
	bool replaces_failed = kt_streq(kt_jstr(work->spec, "podReplacementPolicy"), "Failed");
	kt_auto_free bool *failed = NULL;

	if (!work->indexed || limit < 0)
		return;
	failed = kt_new_array(bool, (size_t)n + 1);
	parse_indexes(kt_jstr(work->status, "failedIndexes"), failed, n);
	work->indexes = kt_new_array(struct job_index, (size_t)n + 1);
	for (int64_t i = 0; i < n; i++)
		work->indexes[i].failed = failed[i];
	for (size_t i = 0; i < work->pods.n; i++) {
		struct kt_object *pod = work->pods.items[i];
		int64_t index = index_of(pod);

		if (index < 0 || index >= n)
			continue;
		if (kt_pod_is_active(pod))
			work->indexes[index].active = true;
		else if (kt_pod_phase_is(pod, "Failed") ||
		         (!kt_pod_phase_is(pod, "Succeeded") && !replaces_failed &&
		                 !work->suspended))
			add_failure(work, &work->indexes[index], pod, limit);
	}
}

bool job_index_needs(const struct job_work *work, const struct kt_object *pod)
{
	int64_t i = index_of(pod);

	return work->indexes && !work->failure_reason && !work->success_reason &&
	       !work->policy_message && i >= 0 && i < n_indexes(work) &&
	       work->indexes[i].newest == pod && !work->indexes[i].failed &&
	       !work->indexes[i].active;
}

static void write_failed_indexes(struct job_work *work, int64_t n)
{
	kt_auto_free bool *failed = kt_new_array(bool, (size_t)n + 1);
	kt_auto_free char *text = NULL;

	for (int64_t i = 0; i < n; i++) {
		failed[i] = work->indexes[i].failed && !work->done_indexes[i];
		work->n_failed_indexes += failed[i];
	}
	text = format_indexes(failed, n);
	json_object_set_new(work->status, "failedIndexes", json_string(text));
}

char *job_success_policy(const struct job_work *work)
{
	int64_t n = n_indexes(work);
	json_t *rule;
	size_t i;

	if (!work->indexed || !work->done_indexes)
		return NULL;
	json_array_foreach(kt_jget(work->spec, "successPolicy.rules"), i, rule) {
		const char *text = kt_jstr(rule, "succeededIndexes");
		int64_t least = kt_jint(rule, "succeededCount", -1), wanted = 0, met = 0;
		kt_auto_free bool *in = kt_new_array(bool, (size_t)n + 1);

		parse_indexes(text, in, n);
		for (int64_t k = 0; k < n; k++) {
			wanted += in[k];
			met += work->done_indexes[k] && (in[k] || !text);
		}
		if ((text || least >= 0) && met >= (least >= 0 ? least : wanted))
			return kt_asprintf("Matched rules at index %zu", i);
	}
	return NULL;
}

void job_count_indexes(struct job_work *work)
{
	int64_t n = n_indexes(work), sum = 0;
	kt_auto_free char *text = NULL;

	work->done_indexes = kt_new_array(bool, (size_t)n + 1);
	parse_indexes(kt_jstr(work->status, "completedIndexes"), work->done_indexes, n);
	for (size_t i = 0; i < work->pods.n; i++) {
		int64_t index = kt_pod_phase_is(work->pods.items[i], "Succeeded")
		                        ? index_of(work->pods.items[i])
		                        : -1;

		if (index >= 0 && index < n)
			work->done_indexes[index] = true;
	}
	for (int64_t i = 0; i < n; i++)
		sum += work->done_indexes[i];
	text = format_indexes(work->done_indexes, n);
	if (*text)
		json_object_set_new(work->status, "completedIndexes", json_string(text));
	kt_set_count(work->status, "succeeded", sum);
	work->succeeded = sum;
	if (work->indexes)
		write_failed_indexes(work, n);
}

static bool index_is_active(const struct job_work *work, int64_t index)
{
	for (size_t i = 0; i < work->active.n; i++)
		if (index_of(work->active.items[i]) == index)
			return true;
	return false;
}

static void add_index_env(json_t *containers)
{
	json_t *container;
	size_t i;

	json_array_foreach(containers, i, container) {
		json_t *env = json_object_get(container, "env");

		if (!env)
			json_object_set_new(container, "env", env = json_array());
		json_array_append_new(env,
		        json_pack("{s:s,s:{s:{s:s}}}", "name", "JOB_COMPLETION_INDEX", "valueFrom",
		                "fieldRef", "fieldPath", "metadata.labels['" JOB_INDEX "']"));
	}
}

/* What the next failure of the index will count on from. */
static void set_failures(const struct job_index *index, json_t *annotations)
{
	kt_auto_free char *failures = kt_asprintf("%lld", (long long)index->failures),
	                  *ignored = kt_asprintf("%lld", (long long)index->ignored);

	json_object_set_new(annotations, JOB_INDEX_FAILURES, json_string(failures));
	if (index->ignored)
		json_object_set_new(annotations, JOB_INDEX_IGNORED, json_string(ignored));
}

static void set_index(struct job_work *work, json_t *pod, int64_t index)
{
	struct kt_sv name = kt_object_name(work->job);
	kt_auto_free char *text = kt_asprintf("%lld", (long long)index);
	kt_auto_free char *host = kt_asprintf("%.*s-%lld", KT_SVP(name), (long long)index);
	kt_auto_free char *prefix = kt_asprintf("%s-", host);
	json_t *metadata = json_object_get(pod, "metadata"),
	       *spec = json_deep_copy(json_object_get(pod, "spec"));
	static const char *const maps[] = {"annotations", "labels"};

	for (size_t i = 0; i < KT_ARRAY_SIZE(maps); i++) {
		json_t *map = json_object_get(metadata, maps[i]);

		if (!map)
			json_object_set_new(metadata, maps[i], map = json_object());
		json_object_set_new(map, JOB_INDEX, json_string(text));
	}
	if (work->indexes)
		set_failures(&work->indexes[index], json_object_get(metadata, "annotations"));
	json_object_set_new(metadata, "generateName", json_string(prefix));
	if (!json_object_get(spec, "hostname"))
		json_object_set_new(spec, "hostname", json_string(host));
	add_index_env(json_object_get(spec, "initContainers"));
	add_index_env(json_object_get(spec, "containers"));
	json_object_set_new(pod, "spec", spec);
}

/* After a failure of its own an index waits. */
static bool index_waits(struct job_work *work, const struct job_index *index)
{
	int64_t due_ns;

	if (!index->newest || !index->failures)
		return false;
	due_ns = job_backoff_end_ns(index->failures, job_pod_end_ns(index->newest));
	if (work->wall_ns >= due_ns)
		return false;
	kt_pass_again_after_ms(work->pass, (due_ns - work->wall_ns) / KT_NS_PER_MS + 1);
	return true;
}

bool job_take_index(struct job_work *work, json_t *pod)
{
	int64_t n = n_indexes(work);

	for (; work->next_index < n; work->next_index++) {
		const struct job_index *index =
		        work->indexes ? &work->indexes[work->next_index] : NULL;

		if (work->done_indexes[work->next_index] ||
		        index_is_active(work, work->next_index) ||
		        (index && (index->failed || index_waits(work, index))))
			continue;
		set_index(work, pod, work->next_index++);
		return true;
	}
	return false;
}

/* --- podFailurePolicy --- */

/* The container whose exit code a rule is about. */
struct matched {
	char container[64];
	int64_t code;
};

static bool exit_code_matches(const json_t *rule, const struct kt_object *pod, const char *list,
        struct matched *ret_matched)
{
	const json_t *on = json_object_get(rule, "onExitCodes");
	const char *container = kt_jstr(on, "containerName");
	bool want_in = kt_streq(kt_jstr(on, "operator"), "In");
	kt_auto_json json_t *statuses = kt_json_tree(kt_field_of(pod, "status", list));
	json_t *status, *value;
	size_t i, v;

	json_array_foreach(statuses, i, status) {
		int64_t code = kt_jint(status, "state.terminated.exitCode", 0);
		bool in = false;

		if (!code || (container && !kt_streq(container, kt_jstr(status, "name"))))
			continue;
		json_array_foreach(json_object_get(on, "values"), v, value)
			in = in || json_integer_value(value) == code;
		if (in == want_in) {
			snprintf(ret_matched->container, sizeof(ret_matched->container), "%s",
			        kt_jstr(status, "name"));
			ret_matched->code = code;
			return true;
		}
	}
	return false;
}

/* The type of the condition that matches; NULL: none. */
static const char *condition_matches(const json_t *rule, const struct kt_object *pod)
{
	json_t *pattern;
	size_t i;

	json_array_foreach(json_object_get(rule, "onPodConditions"), i, pattern) {
		struct kt_json_at condition = kt_condition(pod, kt_jstr(pattern, "type"));
		const char *status = kt_jstr(pattern, "status");

		if (condition.p && kt_json_string_is(kt_json_member(condition, "status"),
		                           status ? status : "True"))
			return kt_jstr(pattern, "type");
	}
	return NULL;
}

enum job_failure job_judge_failure(struct job_work *work, const struct kt_object *pod)
{
	struct kt_sv namespace = kt_object_namespace(pod), name = kt_object_name(pod);
	json_t *rule;
	size_t i;

	json_array_foreach(kt_jget(work->spec, "podFailurePolicy.rules"), i, rule) {
		const char *action = kt_jstr(rule, "action"), *condition = NULL;
		struct matched matched = {0};

		if (json_object_get(rule, "onExitCodes")) {
			if (!exit_code_matches(rule, pod, "containerStatuses", &matched) &&
			        !exit_code_matches(rule, pod, "initContainerStatuses", &matched))
				continue;
		} else if (!(condition = condition_matches(rule, pod))) {
			continue;
		}
		if (kt_streq(action, "Ignore"))
			return JOB_FAILURE_IGNORED;
		if (kt_streq(action, "FailIndex"))
			return JOB_FAILURE_FAILS_INDEX;
		if (!kt_streq(action, "FailJob") || work->policy_message)
			return JOB_FAILURE_COUNTS;
		work->policy_message =
		        condition ? kt_asprintf("Pod %.*s/%.*s has condition %s matching FailJob "
		                                "rule at index %zu",
		                            KT_SVP(namespace), KT_SVP(name), condition, i)
		                  : kt_asprintf("Container %s for pod %.*s/%.*s failed with exit "
		                                "code %lld matching FailJob rule at index %zu",
		                            matched.container, KT_SVP(namespace), KT_SVP(name),
		                            (long long)matched.code, i);
		return JOB_FAILURE_COUNTS;
	}
	return JOB_FAILURE_COUNTS;
}
