/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/machinery/selector.h"
#include "api/server/rules/batch.h"

#include "api/machinery/names.h"
#include "api/server/rules/meta.h"
#include "api/server/rules/names.h"
#include "api/server/rules/pod.h"
#include "api/server/rules/workload.h"

#define UID_LABEL "batch.kubernetes.io/controller-uid"
#define NAME_LABEL "batch.kubernetes.io/job-name"
#define OLD_UID_LABEL "controller-uid"
#define OLD_NAME_LABEL "job-name"

static bool is_status(const struct kt_rule_context *c)
{
	return c->subresource && strcmp(c->subresource, "status") == 0;
}

static void set_missing(json_t *object, const char *name, json_t *value)
{
	if (json_object_get(object, name))
		json_decref(value);
	else
		json_object_set_new(object, name, value);
}

/* A condition is looked for as true unless the policy says otherwise. */
static void default_failure_policy(json_t *spec)
{
	size_t i, j;
	json_t *rule, *condition;
	json_array_foreach(kt_jget(spec, "podFailurePolicy.rules"), i, rule) {
		json_array_foreach(json_object_get(rule, "onPodConditions"), j, condition) {
			set_missing(condition, "status", json_string("True"));
		}
	}
}

static void default_object(struct kt_rule_context *c, json_t *object)
{
	(void)c;
	json_t *spec = json_object_get(object, "spec");
	kt_pod_spec_default(kt_jget(spec, "template.spec"));
	default_failure_policy(spec);
	if (!json_object_get(spec, "completions") && !json_object_get(spec, "parallelism"))
		json_object_set_new(spec, "completions", json_integer(1));
	set_missing(spec, "parallelism", json_integer(1));
	set_missing(spec, "backoffLimit",
	        json_integer(json_object_get(spec, "backoffLimitPerIndex") ? INT32_MAX : 6));
	set_missing(spec, "completionMode", json_string("NonIndexed"));
	set_missing(spec, "suspend", json_false());
	set_missing(spec, "manualSelector", json_false());
	set_missing(spec, "podReplacementPolicy",
	        json_string(json_object_get(spec, "podFailurePolicy") ? "Failed"
	                                                              : "TerminatingOrFailed"));
}

static json_t *object_of(json_t *parent, const char *name)
{
	json_t *object = json_object_get(parent, name);
	if (!json_is_object(object))
		json_object_set_new(parent, name, object = json_object());
	return object;
}

/* Unless the user takes it over, a job's pods are told from others' by its uid. */
static void generate_selector(json_t *job)
{
	json_t *spec = json_object_get(job, "spec"), *meta = json_object_get(job, "metadata");
	if (kt_bool_of(spec, "manualSelector"))
		return;
	json_t *template_meta = object_of(object_of(spec, "template"), "metadata"),
	       *labels = object_of(template_meta, "labels");
	const char *uid = kt_text_of(meta, "uid"), *name = kt_text_of(meta, "name");
	set_missing(labels, OLD_NAME_LABEL, json_string(name));
	set_missing(labels, NAME_LABEL, json_string(name));
	set_missing(labels, OLD_UID_LABEL, json_string(uid));
	set_missing(labels, UID_LABEL, json_string(uid));
	json_t *match = object_of(object_of(spec, "selector"), "matchLabels");
	set_missing(match, UID_LABEL, json_string(uid));
}

static int prepare(struct kt_rule_context *c, json_t *job, const json_t *old)
{
	(void)c;
	if (!old)
		generate_selector(job);
	json_t *meta = json_object_get(job, "metadata");
	const json_t *labels = kt_jget(job, "spec.template.metadata.labels");
	if (!json_object_size(json_object_get(meta, "labels")) && labels)
		json_object_set_new(meta, "labels", json_deep_copy(labels));
	return 0;
}

/* The generated selector */

static void check_has_label(
        struct kt_rule_context *c, const struct kt_at *labels, const char *key, const char *value)
{
	struct kt_at at = kt_at_key(labels, key);
	if (!at.value) {
		kt_add_required(c, &at, kt_path(c->arena, "must be '%s'", value));
	} else if (!kt_at_is(&at, value)) {
		at.value = labels->value; /* upstream shows all labels */
		at.type = labels->type;
		kt_add_invalid(c, &at, "must be '%s'", value);
	}
}

static void check_generated_selector(
        struct kt_rule_context *c, const json_t *job, const struct kt_at *spec)
{
	struct kt_at selector = kt_at(spec, "selector"), template = kt_at(spec, "template");
	struct kt_at meta = kt_at(&template, "metadata"), labels = kt_at(&meta, "labels");
	const char *uid = kt_jstr(job, "metadata.uid"), *name = kt_jstr(job, "metadata.name");
	if (kt_bool_of(spec->value, "manualSelector") || !selector.value || !uid || !name)
		return;
	check_has_label(c, &labels, OLD_UID_LABEL, uid);
	check_has_label(c, &labels, OLD_NAME_LABEL, name);
	check_has_label(c, &labels, UID_LABEL, uid);
	check_has_label(c, &labels, NAME_LABEL, name);
	kt_auto_json json_t *expected = json_pack("{s:s}", UID_LABEL, uid);
	struct kt_selector *parsed = NULL;
	if (kt_selector_of_json(selector.value, &parsed, NULL) < 0)
		return; /* what is wrong with it is said elsewhere */
	kt_selector_destroy(parsed);
	if (!kt_selector_selects(selector.value, expected) && json_object_size(selector.value))
		kt_add_invalid(c, &selector, "`selector` not auto-generated");
}

static void validate_status(struct kt_rule_context *c, const json_t *job, const json_t *old);

static void check_in_tandem(struct kt_rule_context *c, const struct kt_at *spec, const json_t *old)
{
	struct kt_at completions = kt_at(spec, "completions"),
	             parallelism = kt_at(spec, "parallelism");
	const json_t *old_completions = json_object_get(old, "completions");
	if (strcmp(kt_text_of(old, "completionMode"), "Indexed") != 0 ||
	        (!completions.value && !old_completions)) {
		kt_check_immutable(c, &completions, old_completions);
		return;
	}
	if (kt_same(completions.value, old_completions))
		return;
	if (!completions.value || !old_completions || !parallelism.value ||
	        !json_equal(completions.value, parallelism.value))
		kt_add_invalid(
		        c, &completions, "can only be modified in tandem with spec.parallelism");
}

/* While a job is suspended and has not started, where its pods may run can still be changed. */
static void check_template_update(
        struct kt_rule_context *c, const struct kt_at *spec, const json_t *old)
{
	static const char *const directives[] = {
	        "nodeSelector", "tolerations", "affinity", "schedulingGates"};
	struct kt_at template = kt_at(spec, "template");
	const json_t *before = json_object_get(json_object_get(old, "spec"), "template");
	kt_auto_json json_t *copy = json_deep_copy(template.value);
	bool waiting = kt_jbool(old, "spec.suspend", false) && !kt_jget(old, "status.startTime");
	if (waiting) {
		json_t *pod = json_object_get(copy, "spec"), *labels = kt_jget(before, "metadata");
		for (size_t i = 0; i < KT_ARRAY_SIZE(directives); i++) {
			json_t *value =
			        json_object_get(json_object_get(before, "spec"), directives[i]);
			if (value)
				json_object_set_new(pod, directives[i], json_deep_copy(value));
			else
				json_object_del(pod, directives[i]);
		}
		if (labels)
			json_object_set_new(copy, "metadata", json_deep_copy(labels));
	}
	if (!kt_same(copy, before))
		kt_add_invalid(c, &template, "field is immutable");
}

static void check_update(struct kt_rule_context *c, const struct kt_at *spec, const json_t *old)
{
	const json_t *before = json_object_get(old, "spec");
	static const char *const fixed[] = {
	        "completionMode",
	        "podFailurePolicy",
	        "backoffLimitPerIndex",
	        "managedBy",
	        "successPolicy",
	};
	struct kt_at selector = kt_at(spec, "selector");
	check_in_tandem(c, spec, before);
	kt_check_immutable(c, &selector, json_object_get(before, "selector"));
	check_template_update(c, spec, old);
	for (size_t i = 0; i < KT_ARRAY_SIZE(fixed); i++) {
		struct kt_at at = kt_at(spec, fixed[i]);
		const json_t *value = json_object_get(before, fixed[i]);
		if (!at.value != !value || (at.value && !json_equal(at.value, value)))
			kt_add_invalid(c, &at, "field is immutable");
	}
}

static void check_pod_name(struct kt_rule_context *c, const json_t *job, const struct kt_at *spec)
{
	struct kt_at root = kt_at_root(c, job), meta = kt_at(&root, "metadata"),
	             name = kt_at(&meta, "name");
	int64_t completions = json_integer_value(json_object_get(spec->value, "completions"));
	if (strcmp(kt_text_of(spec->value, "completionMode"), "Indexed") != 0 || completions <= 0)
		return;
	const char *pod =
	        kt_path(c->arena, "%s-%lld", kt_at_text(&name), (long long)completions - 1);
	struct kt_messages messages = {0};
	if (kt_format_check("dns1123-label", kt_sv_of(pod), &messages) > 0)
		kt_add_invalid(
		        c, &name, "will not able to create pod with invalid DNS label: %s", pod);
}

static void check_spec(struct kt_rule_context *c, const struct kt_at *spec)
{
	struct kt_at selector = kt_at(spec, "selector"), template = kt_at(spec, "template");
	kt_check_job_spec(c, spec);
	size_t before = c->errors.n;
	if (!selector.value)
		kt_add_required(c, &selector, "");
	else
		kt_check_label_selector(c, &selector);
	if (!selector.value || c->errors.n == before)
		kt_check_template_selected(c, &template, selector.value);
}

static void validate(struct kt_rule_context *c, const json_t *job, const json_t *old)
{
	struct kt_at root = kt_at_root(c, job), spec = kt_at(&root, "spec");
	if (old && is_status(c)) {
		kt_meta_validate_update(c, job, old);
		validate_status(c, job, old);
		return;
	}
	kt_meta_validate(c, job, NULL);
	check_generated_selector(c, job, &spec);
	check_spec(c, &spec);
	if (!old) {
		check_pod_name(c, job, &spec);
		return;
	}
	kt_meta_validate_update(c, job, old);
	check_spec(c,
	        &spec); /* upstream finds a mistake twice on an update, and clients see it twice */
	check_update(c, &spec, old);
}

static void warn(struct kt_rule_context *c, const json_t *job, const json_t *old)
{
	struct kt_at root = kt_at_root(c, job), spec = kt_at(&root, "spec"),
	             template = kt_at(&spec, "template");
	struct kt_at completions = kt_at(&spec, "completions"),
	             parallelism = kt_at(&spec, "parallelism");
	if (c->subresource || kt_is_same_generation(job, old))
		return;
	if (!old)
		kt_pod_names_warn(c, job);
	if (kt_at_int(&completions) > 100000 && kt_at_int(&parallelism) > 10000 &&
	        strcmp(kt_text_of(spec.value, "completionMode"), "Indexed") == 0)
		kt_rule_warn(c,
		        "In Indexed Jobs with a number of completions higher than 10^5 and a "
		        "parallelism higher than 10^4, Kubernetes might not "
		        "be able to track completedIndexes when a big number of indexes fail");
	kt_pod_template_warn(c, &template, kt_jget(old, "spec.template"));
}

const struct kt_rules kt_rules_batch_job = {
        .group = "batch",
        .kind = "Job",
        .default_object = default_object,
        .prepare = prepare,
        .validate = validate,
        .warn = warn,
};

/* Status */

static bool has_condition(const json_t *status, const char *type)
{
	size_t i;
	json_t *condition;
	json_array_foreach(json_object_get(status, "conditions"), i, condition) {
		if (strcmp(kt_text_of(condition, "type"), type) == 0 &&
		        strcmp(kt_text_of(condition, "status"), "True") == 0)
			return true;
	}
	return false;
}

static void add_plain(struct kt_rule_context *c, const struct kt_at *at, const char *text)
{
	kt_field_error_add(&c->errors, KT_FIELD_ERROR_INVALID, kt_at_path(c, at),
	        kt_path(c->arena, "Invalid value: %s", text));
}

static void check_uncounted(struct kt_rule_context *c, const struct kt_at *status)
{
	static const char *const lists[] = {"succeeded", "failed"};
	struct kt_at uncounted = kt_at(status, "uncountedTerminatedPods");
	struct kt_names names = {.arena = c->arena};
	for (size_t l = 0; l < 2; l++) {
		struct kt_at list = kt_at(&uncounted, lists[l]);
		KT_EACH(uid, &list) {
			if (!*kt_at_text(&uid))
				kt_add_invalid(c, &uid, "must not be empty");
			else if (!kt_names_add(&names, kt_at_text(&uid)))
				kt_add_duplicate(c, &uid);
		}
	}
}

static void check_ending(struct kt_rule_context *c, const struct kt_at *status, const json_t *old)
{
	const json_t *before = json_object_get(old, "status");
	bool had_complete = has_condition(before, "Complete"),
	     had_failed = has_condition(before, "Failed");
	bool has_policy = kt_jget(old, "spec.successPolicy") != NULL;
	struct kt_at conditions = kt_at(status, "conditions"),
	             completion = kt_at(status, "completionTime");
	struct kt_at start = kt_at(status, "startTime");
	bool complete = has_condition(status->value, "Complete"),
	     failed = has_condition(status->value, "Failed");
	if (complete && failed)
		add_plain(c, &conditions, "cannot set Complete=True and Failed=true conditions");
	if (complete && has_condition(status->value, "FailureTarget"))
		add_plain(c, &conditions,
		        "cannot set Complete=True and FailureTarget=true conditions");
	if (complete && !completion.value)
		kt_add_required(c, &completion, "completionTime is required for Complete jobs");
	if (!complete && completion.value)
		kt_add_invalid(c, &completion,
		        "cannot set completionTime when there is no Complete=True condition");
	if (failed && !had_failed && !has_condition(status->value, "FailureTarget"))
		add_plain(c, &conditions,
		        "cannot set Failed=True condition without the FailureTarget=true "
		        "condition");
	if (complete && !had_complete && !has_condition(status->value, "SuccessCriteriaMet"))
		add_plain(c, &conditions,
		        "cannot set Complete=True condition without the SuccessCriteriaMet=true "
		        "condition");
	if ((complete || failed) && !start.value)
		kt_add_required(c, &start, "startTime is required for finished job");
	if (complete && !had_complete && has_policy &&
	        !has_condition(status->value, "SuccessCriteriaMet"))
		add_plain(c, &conditions,
		        "cannot set Complete=True for Job with SuccessPolicy unless "
		        "SuccessCriteriaMet=True");
}

static void validate_status(struct kt_rule_context *c, const json_t *job, const json_t *old)
{
	static const char *const counts[] = {
	        "active", "succeeded", "failed", "ready", "terminating", NULL};
	struct kt_at root = kt_at_root(c, job), status = kt_at(&root, "status"),
	             indexes = kt_at(&status, "completedIndexes");
	struct kt_at ready = kt_at(&status, "ready"), active = kt_at(&status, "active");
	kt_check_counts(c, &status, counts);
	if (kt_at_int(&ready) > kt_at_int(&active))
		kt_add_invalid(c, &ready, "cannot set more ready pods than active");
	check_uncounted(c, &status);
	if (*kt_at_text(&indexes)) {
		int64_t total;
		const char *why = kt_job_bad_indexes(
		        c, kt_at_text(&indexes), kt_jint(job, "spec.completions", 0), &total);
		if (why)
			kt_add_invalid(c, &indexes, "error parsing completedIndexes: %s", why);
	}
	check_ending(c, &status, old);
}
