/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What kinds that make pods from a template have in common. */
#ifndef KT_API_SERVER_RULES_WORKLOAD_H
#define KT_API_SERVER_RULES_WORKLOAD_H

#include "api/server/rules/check.h"

/* Does a LabelSelector match? None selects nothing, an empty one everything, an invalid one
 * nothing. */
bool kt_selector_selects(const json_t *label_selector, const json_t *labels);
/* The template's labels must be what the selector selects: `selector` does not match template
 * `labels`. */
void kt_check_template_selected(
        struct kt_rule_context *c, const struct kt_at *template, const json_t *selector);
/* spec.selector of a Deployment or ReplicaSet with its template: required, well-formed, not empty,
 * matching. */
void kt_check_workload_selector(
        struct kt_rule_context *c, const struct kt_at *selector, const struct kt_at *template);
bool kt_selector_is_blank(const json_t *label_selector); /* there, and without any requirement */
/* The template's restart policy is Always: others would make a controller that never ends. */
void kt_check_always_restarts(
        struct kt_rule_context *c, const struct kt_at *template, const char *kind);

/* The spec is what it was: upstream has told its warnings then and does not repeat them. */
bool kt_is_same_generation(const json_t *object, const json_t *old);

/* /status of a kind: counts (NULL-terminated) and sums that must not be less than their parts. */
struct kt_status_bound {
	const char *part, *whole; /* members of status */
	const char *what;         /* in the message */
};
struct kt_status_checks {
	const char *const *counts;
	const struct kt_status_bound *bounds; /* ends with part NULL; may be NULL */
	bool collisions;                      /* collisionCount never falls */
};
void kt_check_workload_status(struct kt_rule_context *c, const struct kt_at *status,
        const json_t *old, const struct kt_status_checks *checks);

/* Numbers and percentages of int-or-string fields. */
void kt_check_int_or_percent(
        struct kt_rule_context *c, const struct kt_at *at); /* form, and not negative */
void kt_check_at_most_100_percent(struct kt_rule_context *c, const struct kt_at *at);
bool kt_int_or_percent_is_zero(const json_t *value);

/* Each named field of parent: "must be greater than or equal to 0". NULL-terminated. */
void kt_check_counts(
        struct kt_rule_context *c, const struct kt_at *parent, const char *const *names);

#endif
