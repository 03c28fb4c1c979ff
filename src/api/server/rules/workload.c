/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/rules/workload.h"

#include "api/machinery/names.h"
#include "api/machinery/selector.h"
#include "api/server/rules/pod.h"

bool kt_selector_selects(const json_t *label_selector, const json_t *labels)
{
	struct kt_selector *selector = NULL;
	kt_auto_err err = KT_ERR_INIT;
	if (!label_selector)
		return false;
	if (kt_selector_of_json(label_selector, &selector, &err) < 0)
		return false;
	bool matches = kt_selector_matches_labels(selector, labels);
	kt_selector_destroy(selector);
	return matches;
}

void kt_check_template_selected(
        struct kt_rule_context *c, const struct kt_at *template, const json_t *selector)
{
	struct kt_at meta = kt_at(template, "metadata"), labels = kt_at(&meta, "labels");
	if (!kt_selector_selects(selector, labels.value))
		kt_add_invalid(c, &labels, "`selector` does not match template `labels`");
}

bool kt_selector_is_blank(const json_t *label_selector)
{
	return label_selector &&
	       !json_object_size(json_object_get(label_selector, "matchLabels")) &&
	       !json_array_size(json_object_get(label_selector, "matchExpressions"));
}

void kt_check_workload_selector(
        struct kt_rule_context *c, const struct kt_at *selector, const struct kt_at *template)
{
	if (!selector->value) {
		kt_add_required(c, selector, "");
		kt_check_template_selected(c, template, NULL);
		return;
	}
	size_t before = c->errors.n;
	kt_check_label_selector(c, selector);
	if (c->errors.n > before)
		kt_add_invalid(c, selector, "invalid label selector");
	else if (kt_selector_is_blank(selector->value))
		kt_add_invalid(c, selector, "empty selector is invalid for deployment");
	else
		kt_check_template_selected(c, template, selector->value);
}

void kt_check_always_restarts(
        struct kt_rule_context *c, const struct kt_at *template, const char *kind)
{
	static const char *const only[] = {"Always", NULL};
	struct kt_at spec = kt_at(template, "spec"), policy = kt_at(&spec, "restartPolicy");
	struct kt_at deadline = kt_at(&spec, "activeDeadlineSeconds");
	if (*kt_at_text(&policy))
		kt_check_in(c, &policy, only);
	if (deadline.value)
		kt_add_forbidden(
		        c, &deadline, "activeDeadlineSeconds in %s is not Supported", kind);
}

void kt_check_int_or_percent(struct kt_rule_context *c, const struct kt_at *at)
{
	if (json_is_string(at->value))
		kt_check_format(c, at, "percent");
	else
		kt_check_non_negative(c, at);
}

/* -1 when it is no percentage. */
static long percent_of(const json_t *value)
{
	const char *text = json_string_value(value);
	if (!text || !kt_format_is("percent", text))
		return -1;
	return strtol(text, NULL, 10);
}

void kt_check_at_most_100_percent(struct kt_rule_context *c, const struct kt_at *at)
{
	if (percent_of(at->value) > 100)
		kt_add_invalid(c, at, "must not be greater than 100%%");
}

bool kt_int_or_percent_is_zero(const json_t *value)
{
	if (json_is_string(value))
		return percent_of(value) <= 0;
	return json_integer_value(value) == 0;
}

void kt_check_counts(
        struct kt_rule_context *c, const struct kt_at *parent, const char *const *names)
{
	for (; *names; names++) {
		struct kt_at at = kt_at(parent, *names);
		kt_check_non_negative(c, &at);
	}
}

static void check_not_more(
        struct kt_rule_context *c, const struct kt_at *parent, const struct kt_status_bound *bound)
{
	struct kt_at part = kt_at(parent, bound->part), whole = kt_at(parent, bound->whole);
	if (kt_at_int(&part) > kt_at_int(&whole))
		kt_add_invalid(c, &part, "cannot be greater than %s", bound->what);
}

void kt_check_workload_status(struct kt_rule_context *c, const struct kt_at *status,
        const json_t *old, const struct kt_status_checks *checks)
{
	struct kt_at collisions = kt_at(status, "collisionCount");
	kt_check_counts(c, status, checks->counts);
	for (const struct kt_status_bound *bound = checks->bounds; bound && bound->part; bound++)
		check_not_more(c, status, bound);
	if (checks->collisions &&
	        kt_jint(old, "status.collisionCount", INT64_MIN) > kt_at_int(&collisions))
		kt_add_invalid(c, &collisions, "cannot be decremented");
}

bool kt_is_same_generation(const json_t *object, const json_t *old)
{
	return old &&
	       kt_jint(object, "metadata.generation", 0) == kt_jint(old, "metadata.generation", 0);
}
