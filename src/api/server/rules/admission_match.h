/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What webhooks and admission policies have in common: the requests they match, and the expressions
 * they are written in. */
#ifndef KT_API_SERVER_RULES_ADMISSION_MATCH_H
#define KT_API_SERVER_RULES_ADMISSION_MATCH_H

#include "api/expr/cel.h"
#include "api/server/rules/check.h"

/* Where a webhook is: clientConfig. */
void kt_check_webhook_client(struct kt_rule_context *c, const struct kt_at *client);
/* One of webhooks[].rules, one of resourceRules. */
void kt_check_admission_rule(struct kt_rule_context *c, const struct kt_at *rule);
/* matchConstraints, matchResources */
void kt_check_match_resources(struct kt_rule_context *c, const struct kt_at *match);
void kt_check_match_conditions(
        struct kt_rule_context *c, const struct kt_at *conditions, bool with_params);

/* The names an admission expression may use; variables: of the policy, NULL when it has none. */
struct kt_cel_env kt_admission_cel_env(const char *const *variables, bool with_params);
/* "compilation failed: …", "must evaluate to bool but got int". types: NULL-terminated, NULL for
 * any. */
void kt_check_expression(struct kt_rule_context *c, const struct kt_at *at,
        const struct kt_cel_env *env, const char *const *types);

#endif
