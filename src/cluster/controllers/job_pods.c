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
	json_object_set_new(metadata, "generateName", json_string(prefix));
	if (!json_object_get(spec, "hostname"))
		json_object_set_new(spec, "hostname", json_string(host));
	add_index_env(json_object_get(spec, "initContainers"));
	add_index_env(json_object_get(spec, "containers"));
	json_object_set_new(pod, "spec", spec);
}

bool job_take_index(struct job_work *work, json_t *pod)
{
	int64_t n = n_indexes(work);

	for (; work->next_index < n; work->next_index++)
		if (!work->done_indexes[work->next_index] &&
		        !index_is_active(work, work->next_index)) {
			set_index(work, pod, work->next_index++);
			return true;
		}
	return false;
}

/* --- podFailurePolicy --- */

static bool exit_code_matches(const json_t *rule, const struct kt_object *pod,
        const char **ret_container, int64_t *ret_code)
{
	const json_t *on = json_object_get(rule, "onExitCodes");
	const char *container = kt_jstr(on, "containerName");
	bool want_in = kt_streq(kt_jstr(on, "operator"), "In");
	kt_auto_json json_t *statuses =
	        kt_json_tree(kt_field_of(pod, "status", "containerStatuses"));
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
			*ret_container = container ? container : "";
			*ret_code = code;
			return true;
		}
	}
	return false;
}

static bool condition_matches(const json_t *rule, const struct kt_object *pod)
{
	json_t *pattern;
	size_t i;

	json_array_foreach(json_object_get(rule, "onPodConditions"), i, pattern) {
		struct kt_json_at condition = kt_condition(pod, kt_jstr(pattern, "type"));
		const char *status = kt_jstr(pattern, "status");

		if (condition.p && kt_json_string_is(kt_json_member(condition, "status"),
		                           status ? status : "True"))
			return true;
	}
	return false;
}

bool job_failure_counts(struct job_work *work, const struct kt_object *pod)
{
	json_t *rule;
	size_t i;

	json_array_foreach(kt_jget(work->spec, "podFailurePolicy.rules"), i, rule) {
		const char *action = kt_jstr(rule, "action"), *container = "";
		int64_t code = 0;
		bool by_code = json_object_get(rule, "onExitCodes") &&
		               exit_code_matches(rule, pod, &container, &code);

		if (!by_code && !condition_matches(rule, pod))
			continue;
		if (kt_streq(action, "Ignore"))
			return false;
		if (kt_streq(action, "FailJob") && !work->policy_message) {
			struct kt_sv namespace = kt_object_namespace(pod),
			             name = kt_object_name(pod);

			work->policy_message =
			        by_code ? kt_asprintf(
			                          "Container %s for pod %.*s/%.*s failed with exit "
			                          "code %lld matching FailJob rule at index %zu",
			                          container, KT_SVP(namespace), KT_SVP(name),
			                          (long long)code, i)
			                : kt_asprintf("Pod %.*s/%.*s has a condition matching "
			                              "FailJob rule at index %zu",
			                          KT_SVP(namespace), KT_SVP(name), i);
		}
		return true;
	}
	return true;
}
