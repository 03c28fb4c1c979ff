/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/rules/batch.h"
#include "api/server/rules/names.h"
#include "api/server/rules/pod.h"
#include "api/server/rules/workload.h"

#define INDEXED_PARALLELISM_MAX 100000
#define FAILED_INDEXES_MAX 100000
#define COMPLETIONS_SOFT_MAX 100000
#define LARGE_PARALLELISM_MAX 10000
#define RULES_MAX 20
#define EXIT_CODES_MAX 255
#define INDEXES_TEXT_MAX_BYTES (64 * 1024)

/* Indexes */

static const char *parse_index(
        struct kt_rule_context *c, struct kt_sv text, int64_t completions, int64_t *ret_value)
{
	if (kt_sv_int64(text, ret_value) < 0)
		return kt_path(c->arena, "cannot convert string to integer for index: \"%.*s\"",
		        (int)text.len, text.p);
	if (*ret_value >= completions)
		return kt_path(c->arena, "too large index: \"%.*s\"", (int)text.len, text.p);
	return NULL;
}

const char *kt_job_bad_indexes(
        struct kt_rule_context *c, const char *text, int64_t completions, int64_t *ret_total)
{
	struct kt_sv rest = kt_sv_of(text), part;
	int64_t last = -1, low, high;
	*ret_total = 0;
	while (*text && kt_sv_split(&rest, ',', &part)) {
		struct kt_sv range = part, from, to = {0};
		kt_sv_split(&range, '-', &from);
		if (range.p)
			kt_sv_split(&range, '-', &to);
		const char *why = parse_index(c, from, completions, &low);
		if (why)
			return why;
		if (last >= low)
			return kt_path(c->arena,
			        "non-increasing order, previous: %lld, current: %lld",
			        (long long)last, (long long)low);
		last = high = low;
		if (to.p) {
			why = parse_index(c, to, completions, &high);
			if (why)
				return why;
			if (low >= high)
				return kt_path(c->arena,
				        "non-increasing order, previous: %lld, current: %lld",
				        (long long)low, (long long)high);
			last = high;
		}
		*ret_total += high - low + 1;
	}
	return NULL;
}

/* Pod failure policy */

static bool is_container(const struct kt_at *spec, const char *name)
{
	static const char *const lists[] = {"containers", "initContainers"};
	const json_t *pod = kt_jget(spec->value, "template.spec");
	for (size_t l = 0; l < 2; l++) {
		size_t i;
		json_t *container;
		json_array_foreach(json_object_get(pod, lists[l]), i, container) {
			if (strcmp(kt_text_of(container, "name"), name) == 0)
				return true;
		}
	}
	return false;
}

static void check_exit_codes(
        struct kt_rule_context *c, const struct kt_at *spec, const struct kt_at *codes)
{
	static const char *const operators[] = {"In", "NotIn", NULL};
	struct kt_at operator= kt_at(codes, "operator"), container = kt_at(codes, "containerName"),
	             values = kt_at(codes, "values");
	if (!*kt_at_text(&operator))
		kt_add_required(c, &operator, "valid values: [\"In\" \"NotIn\"]");
	else
		kt_check_in(c, &operator, operators);
	if (container.value && !is_container(spec, kt_at_text(&container)))
		kt_add_invalid(c, &container,
		        "must be one of the container or initContainer names in the pod template");
	if (!kt_at_n(&values)) {
		kt_add_invalid(c, &values, "at least one value is required");
		return;
	}
	if (kt_at_n(&values) > EXIT_CODES_MAX) {
		kt_add_too_many(c, &values, EXIT_CODES_MAX);
		return;
	}
	bool ordered = true;
	int64_t last = INT64_MIN;
	KT_EACH(value, &values) {
		int64_t code = kt_at_int(&value);
		if (code == 0 && kt_at_is(&operator, "In"))
			kt_add_invalid(c, &value, "must not be 0 for the In operator");
		for (size_t j = 0; j < kt_i_value; j++) {
			if (json_integer_value(json_array_get(values.value, j)) == code) {
				kt_add_duplicate(c, &value);
				break;
			}
		}
		ordered &= code >= last;
		last = code;
	}
	if (!ordered)
		kt_add_invalid(c, &values, "must be ordered");
}

static void check_pod_conditions(struct kt_rule_context *c, const struct kt_at *list)
{
	static const char *const values[] = {"False", "True", "Unknown", NULL};
	if (kt_at_n(list) > RULES_MAX) {
		kt_add_too_many(c, list, RULES_MAX);
		return;
	}
	KT_EACH(condition, list) {
		struct kt_at type = kt_at(&condition, "type"), status = kt_at(&condition, "status");
		kt_check_format(c, &type, "qualified-name");
		if (!*kt_at_text(&status))
			kt_add_required(
			        c, &status, "valid values: [\"False\" \"True\" \"Unknown\"]");
		else
			kt_check_in(c, &status, values);
	}
}

static void add_plain(struct kt_rule_context *c, const struct kt_at *at, const char *text)
{
	kt_field_error_add(&c->errors, KT_FIELD_ERROR_INVALID, kt_at_path(c, at),
	        kt_path(c->arena, "Invalid value: %s", text));
}

static void check_failure_rule(
        struct kt_rule_context *c, const struct kt_at *spec, const struct kt_at *rule)
{
	static const char *const actions[] = {"Count", "FailIndex", "FailJob", "Ignore", NULL};
	struct kt_at action = kt_at(rule, "action"), codes = kt_at(rule, "onExitCodes");
	struct kt_at conditions = kt_at(rule, "onPodConditions");
	if (!*kt_at_text(&action))
		kt_add_required(c, &action,
		        "valid values: [\"Count\" \"FailIndex\" \"FailJob\" \"Ignore\"]");
	else if (kt_at_is(&action, "FailIndex") &&
	         !json_object_get(spec->value, "backoffLimitPerIndex"))
		kt_add_invalid(c, &action, "requires the backoffLimitPerIndex to be set");
	else
		kt_check_in(c, &action, actions);
	if (codes.value)
		check_exit_codes(c, spec, &codes);
	if (kt_at_n(&conditions))
		check_pod_conditions(c, &conditions);
	if (codes.value && kt_at_n(&conditions))
		add_plain(c, rule,
		        "specifying both OnExitCodes and OnPodConditions is not supported");
	if (!codes.value && !kt_at_n(&conditions))
		add_plain(c, rule, "specifying one of OnExitCodes and OnPodConditions is required");
}

static void check_failure_policy(struct kt_rule_context *c, const struct kt_at *spec)
{
	struct kt_at policy = kt_at(spec, "podFailurePolicy"), rules = kt_at(&policy, "rules");
	if (kt_at_n(&rules) > RULES_MAX) {
		kt_add_too_many(c, &rules, RULES_MAX);
		return;
	}
	KT_EACH(rule, &rules) {
		check_failure_rule(c, spec, &rule);
	}
}

/* Success policy */

static void check_success_rule(
        struct kt_rule_context *c, const struct kt_at *spec, const struct kt_at *rule)
{
	struct kt_at count = kt_at(rule, "succeededCount"),
	             indexes = kt_at(rule, "succeededIndexes");
	struct kt_at completions = kt_at(spec, "completions");
	int64_t total = 0;
	if (!count.value && !indexes.value) {
		kt_add_required(c, rule,
		        "at least one of succeededCount or succeededIndexes must be specified");
		return;
	}
	if (indexes.value) {
		if (strlen(kt_at_text(&indexes)) > INDEXES_TEXT_MAX_BYTES)
			kt_add_too_long(c, &indexes, INDEXES_TEXT_MAX_BYTES);
		const char *why = kt_job_bad_indexes(
		        c, kt_at_text(&indexes), kt_at_int(&completions), &total);
		if (why) {
			total = 0;
			kt_add_invalid(c, &indexes, "error parsing succeededIndexes: %s", why);
		}
	}
	if (!count.value)
		return;
	kt_check_non_negative(c, &count);
	if (kt_at_int(&count) > kt_at_int(&completions))
		kt_add_invalid(c, &count,
		        "must be less than or equal to %lld (the number of specified completions)",
		        (long long)kt_at_int(&completions));
	if (indexes.value && kt_at_int(&count) > total)
		kt_add_invalid(c, &count,
		        "must be less than or equal to %lld (the number of indexes in the "
		        "specified succeededIndexes field)",
		        (long long)total);
}

static void check_success_policy(struct kt_rule_context *c, const struct kt_at *spec)
{
	struct kt_at policy = kt_at(spec, "successPolicy"), rules = kt_at(&policy, "rules");
	if (!policy.value)
		return;
	if (strcmp(kt_text_of(spec->value, "completionMode"), "Indexed") != 0) {
		kt_add_invalid(c, &policy, "requires indexed completion mode");
		return;
	}
	if (!kt_at_n(&rules))
		kt_add_required(c, &rules,
		        "at least one rules must be specified when the successPolicy is specified");
	if (kt_at_n(&rules) > RULES_MAX)
		kt_add_too_many(c, &rules, RULES_MAX);
	KT_EACH(rule, &rules) {
		check_success_rule(c, spec, &rule);
	}
}

/* The rest */

static void check_indexed(struct kt_rule_context *c, const struct kt_at *spec)
{
	struct kt_at completions = kt_at(spec, "completions"),
	             parallelism = kt_at(spec, "parallelism");
	struct kt_at failed = kt_at(spec, "maxFailedIndexes");
	bool per_index = json_object_get(spec->value, "backoffLimitPerIndex") != NULL;
	bool large = kt_at_int(&completions) > COMPLETIONS_SOFT_MAX;
	if (!completions.value)
		kt_add_required(c, &completions, "when completion mode is Indexed");
	if (kt_at_int(&parallelism) > INDEXED_PARALLELISM_MAX)
		kt_add_invalid(c, &parallelism,
		        "must be less than or equal to %d when completion mode is Indexed",
		        INDEXED_PARALLELISM_MAX);
	if (failed.value && completions.value && kt_at_int(&failed) > kt_at_int(&completions))
		kt_add_invalid(c, &failed, "must be less than or equal to completions");
	if (kt_at_int(&failed) > FAILED_INDEXES_MAX)
		kt_add_invalid(c, &failed, "must be less than or equal to %d", FAILED_INDEXES_MAX);
	if (!large || !per_index)
		return;
	if (!failed.value)
		kt_add_required(c, &failed, "must be specified when completions is above 100000");
	if (kt_at_int(&parallelism) > LARGE_PARALLELISM_MAX)
		kt_add_invalid(c, &parallelism,
		        "must be less than or equal to %d when completions are above %d and used "
		        "with backoff limit per index",
		        LARGE_PARALLELISM_MAX, COMPLETIONS_SOFT_MAX);
	if (kt_at_int(&failed) > LARGE_PARALLELISM_MAX)
		kt_add_invalid(c, &failed,
		        "must be less than or equal to %d when completions are above %d and used "
		        "with backoff limit per index",
		        LARGE_PARALLELISM_MAX, COMPLETIONS_SOFT_MAX);
}

static void check_not_indexed(struct kt_rule_context *c, const struct kt_at *spec)
{
	static const char *const indexed_only[] = {"backoffLimitPerIndex", "maxFailedIndexes"};
	for (size_t i = 0; i < 2; i++) {
		struct kt_at at = kt_at(spec, indexed_only[i]);
		if (at.value)
			kt_add_invalid(c, &at, "requires indexed completion mode");
	}
}

static void check_managed_by(struct kt_rule_context *c, const struct kt_at *at)
{
	const char *text = kt_at_text(at), *slash = strchr(text, '/');
	if (!at->value || !kt_check_required(c, at))
		return;
	if (!slash || slash == text || !slash[1]) {
		kt_add_invalid(c, at, "must be a domain-prefixed path (such as \"acme.io/foo\")");
		return;
	}
	kt_auto_json json_t *host = json_stringn(text, (size_t)(slash - text));
	struct kt_at shown = kt_at_with(at, host);
	kt_check_format(c, &shown, "dns1123-subdomain");
	if (strlen(text) > 63)
		kt_add_too_long(c, at, 63);
}

static void check_restart(struct kt_rule_context *c, const struct kt_at *spec)
{
	static const char *const policies[] = {"OnFailure", "Never", NULL};
	struct kt_at template = kt_at(spec, "template"), pod = kt_at(&template, "spec"),
	             policy = kt_at(&pod, "restartPolicy");
	if (kt_at_is(&policy, "") || kt_at_is(&policy, "Always"))
		kt_add_required(c, &policy, "valid values: \"OnFailure\", \"Never\"");
	else if (!kt_is_one_of(kt_at_text(&policy), policies))
		kt_add_not_supported(c, &policy, policies);
	else if (json_object_get(spec->value, "podFailurePolicy") && !kt_at_is(&policy, "Never"))
		kt_add_invalid(c, &policy,
		        "only \"Never\" is supported when podFailurePolicy is specified");
}

static void check_replacement(struct kt_rule_context *c, const struct kt_at *spec)
{
	static const char *const failed[] = {"Failed", NULL}, *const both[] = {"Failed",
	                                                              "TerminatingOrFailed", NULL};
	struct kt_at policy = kt_at(spec, "podReplacementPolicy");
	if (policy.value)
		kt_check_in(c, &policy,
		        json_object_get(spec->value, "podFailurePolicy") ? failed : both);
}

void kt_check_job_spec(struct kt_rule_context *c, const struct kt_at *spec)
{
	static const char *const modes[] = {"NonIndexed", "Indexed", NULL};
	static const char *const counts[] = {
	        "parallelism",
	        "completions",
	        "activeDeadlineSeconds",
	        "backoffLimit",
	        "ttlSecondsAfterFinished",
	        "backoffLimitPerIndex",
	        "maxFailedIndexes",
	        NULL,
	};
	struct kt_at mode = kt_at(spec, "completionMode"), failed = kt_at(spec, "maxFailedIndexes");
	struct kt_at per_index = kt_at(spec, "backoffLimitPerIndex"),
	             managed = kt_at(spec, "managedBy");
	struct kt_at template = kt_at(spec, "template");
	kt_check_counts(c, spec, counts);
	if (failed.value && !per_index.value)
		kt_add_required(c, &per_index, "when maxFailedIndexes is specified");
	check_managed_by(c, &managed);
	if (mode.value)
		kt_check_in(c, &mode, modes);
	if (kt_at_is(&mode, "Indexed"))
		check_indexed(c, spec);
	else if (kt_at_is(&mode, "NonIndexed"))
		check_not_indexed(c, spec);
	check_failure_policy(c, spec);
	check_success_policy(c, spec);
	check_replacement(c, spec);
	kt_check_pod_template(c, &template, NULL);
	check_restart(c, spec);
}
