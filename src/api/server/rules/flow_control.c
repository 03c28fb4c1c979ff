/* SPDX-License-Identifier: GPL-3.0-or-later */
/* FlowSchema and PriorityLevelConfiguration. */
#include "api/server/rules/meta.h"

#include <math.h>

#define HASH_BITS_MAX 60
#define QUEUES_MAX 10000000
#define PRECEDENCE_MAX 10000

/* PriorityLevelConfiguration */

static void check_queuing(struct kt_rule_context *c, const struct kt_at *queuing)
{
	struct kt_at length = kt_at(queuing, "queueLengthLimit"), queues = kt_at(queuing, "queues");
	struct kt_at hand = kt_at(queuing, "handSize");
	int64_t n = kt_at_int(&queues), size = kt_at_int(&hand);
	if (kt_at_int(&length) <= 0)
		kt_add_invalid(c, &length, "must be positive");
	if (n <= 0)
		kt_add_invalid(c, &queues, "must be positive");
	else if (n > QUEUES_MAX)
		kt_add_invalid(c, &queues, "must not be greater than %d", QUEUES_MAX);
	if (size <= 0)
		kt_add_invalid(c, &hand, "must be positive");
	else if (size > n)
		kt_add_invalid(c, &hand, "should not be greater than queues (%lld)", (long long)n);
	else if (ceil(log2((double)n) * (double)size) > HASH_BITS_MAX)
		kt_add_invalid(c, &hand,
		        "required entropy bits of deckSize %lld and handSize %lld should not be "
		        "greater than %d",
		        (long long)n, (long long)size, HASH_BITS_MAX);
}

static void check_limited(struct kt_rule_context *c, const struct kt_at *limited)
{
	static const char *const types[] = {"Queue", "Reject", NULL};
	struct kt_at shares = kt_at(limited, "nominalConcurrencyShares"),
	             lent = kt_at(limited, "lendablePercent");
	struct kt_at borrowed = kt_at(limited, "borrowingLimitPercent"),
	             response = kt_at(limited, "limitResponse");
	struct kt_at type = kt_at(&response, "type"), queuing = kt_at(&response, "queuing");
	if (kt_at_int(&shares) < 0)
		kt_add_invalid(c, &shares, "must be a non-negative integer");
	if (kt_at_is(&type, "Reject") && queuing.value)
		kt_add_forbidden(
		        c, &queuing, "must be nil if limited.limitResponse.type is not Limited");
	else if (kt_at_is(&type, "Queue") && !queuing.value)
		kt_add_required(
		        c, &queuing, "must not be empty if limited.limitResponse.type is Limited");
	else if (kt_check_in(c, &type, types) && queuing.value)
		check_queuing(c, &queuing);
	if (kt_at_int(&lent) < 0 || kt_at_int(&lent) > 100)
		kt_add_invalid(c, &lent, "must be between 0 and 100, inclusive");
	if (kt_at_int(&borrowed) < 0)
		kt_add_invalid(c, &borrowed, "if specified, must be a non-negative integer");
}

static void validate_level(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	static const char *const types[] = {"Exempt", "Limited", NULL};
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec"),
	             type = kt_at(&spec, "type");
	struct kt_at limited = kt_at(&spec, "limited"), exempt = kt_at(&spec, "exempt");
	const char *name = kt_text_of(json_object_get(object, "metadata"), "name");
	bool is_exempt = kt_at_is(&type, "Exempt");
	(void)old;
	kt_meta_validate(c, object, NULL);
	if (c->subresource)
		return;
	if ((strcmp(name, "exempt") == 0) != is_exempt)
		kt_add_invalid(c, &type, "must be 'Exempt' if and only if `name` is 'exempt'");
	if (!kt_check_in(c, &type, types))
		return;
	if (is_exempt && limited.value)
		kt_add_forbidden(c, &limited, "must be nil if the type is not Limited");
	if (is_exempt)
		return;
	if (exempt.value)
		kt_add_forbidden(c, &exempt, "must be nil if the type is Limited");
	if (!limited.value)
		kt_add_required(c, &limited, "must not be empty when type is Limited");
	else
		check_limited(c, &limited);
}

const struct kt_rules kt_rules_flowcontrol_priority_level = {
        .group = "flowcontrol.apiserver.k8s.io",
        .kind = "PriorityLevelConfiguration",
        .validate = validate_level,
};

/* FlowSchema */

static void check_rule(struct kt_rule_context *c, const struct kt_at *rule)
{
	struct kt_at subjects = kt_at(rule, "subjects"), resources = kt_at(rule, "resourceRules");
	struct kt_at paths = kt_at(rule, "nonResourceRules");
	if (!kt_at_n(&subjects))
		kt_add_required(c, &subjects, "subjects must contain at least one value");
	if (!kt_at_n(&resources) && !kt_at_n(&paths))
		kt_add_required(c, rule,
		        "at least one of resourceRules and nonResourceRules has to be non-empty");
}

static void validate_schema(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	static const char *const methods[] = {"ByNamespace", "ByUser", NULL};
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec"),
	             precedence = kt_at(&spec, "matchingPrecedence");
	struct kt_at distinguisher = kt_at(&spec, "distinguisherMethod"),
	             method = kt_at(&distinguisher, "type");
	struct kt_at level = kt_at(&spec, "priorityLevelConfiguration"),
	             name = kt_at(&level, "name"), rules = kt_at(&spec, "rules");
	bool is_exempt =
	        strcmp(kt_text_of(json_object_get(object, "metadata"), "name"), "exempt") == 0;
	(void)old;
	kt_meta_validate(c, object, NULL);
	if (c->subresource)
		return;
	if (kt_at_int(&precedence) <= 0)
		kt_add_invalid(c, &precedence, "must be a positive value");
	if (kt_at_int(&precedence) > PRECEDENCE_MAX)
		kt_add_invalid(c, &precedence, "must not be greater than %d", PRECEDENCE_MAX);
	if (kt_at_int(&precedence) == 1 && !is_exempt)
		kt_add_invalid(c, &precedence,
		        "only the schema named 'exempt' may have matchingPrecedence 1");
	if (distinguisher.value)
		kt_check_in(c, &method, methods);
	if (*kt_at_text(&name))
		kt_check_format(c, &name, "path-segment");
	else
		kt_add_required(c, &name, "must reference a priority level");
	KT_EACH(rule, &rules) {
		check_rule(c, &rule);
	}
}

const struct kt_rules kt_rules_flowcontrol_flow_schema = {
        .group = "flowcontrol.apiserver.k8s.io",
        .kind = "FlowSchema",
        .validate = validate_schema,
};
