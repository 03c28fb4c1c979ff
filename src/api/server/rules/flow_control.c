/* SPDX-License-Identifier: GPL-3.0-or-later */
/* FlowSchema and PriorityLevelConfiguration. */
#include "api/machinery/names.h"
#include "api/server/rules/lookup.h"
#include "api/server/rules/meta.h"

#include <math.h>

#define HASH_BITS_MAX 60
#define QUEUES_MAX 10000000
#define PRECEDENCE_MAX 10000

/* The objects that every server has may not be others than they are; besides: a member of the spec
 * that may. */
static void check_fixed(struct kt_rule_context *c, const struct kt_at *spec, const char *plural,
        const char *name, const char *besides)
{
	kt_auto_json json_t *there =
	        kt_rule_read(c, "flowcontrol.apiserver.k8s.io", plural, "", name);
	json_t *fixed = json_object_get(there, "spec");
	if (!fixed)
		return;
	kt_auto_json json_t *wanted = json_deep_copy(spec->value);
	if (besides) {
		json_object_del(fixed, besides);
		json_object_del(wanted, besides);
	}
	if (kt_same(wanted, fixed))
		return;
	if (besides)
		kt_add_invalid(c, spec,
		        "spec of '%s' except the 'spec.%s' field must equal the fixed value", name,
		        besides);
	else
		kt_add_invalid(c, spec, "spec of '%s' must equal the fixed value", name);
}

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

static void check_level(struct kt_rule_context *c, const struct kt_at *spec, const char *name)
{
	static const char *const types[] = {"Exempt", "Limited", NULL};
	struct kt_at type = kt_at(spec, "type"), limited = kt_at(spec, "limited"),
	             exempt = kt_at(spec, "exempt");
	bool is_exempt = kt_at_is(&type, "Exempt");
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

static void validate_level(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec");
	const char *name = kt_text_of(json_object_get(object, "metadata"), "name");
	(void)old;
	kt_meta_validate(c, object, NULL);
	if (c->subresource)
		return;
	check_level(c, &spec, name);
	if (strcmp(name, "exempt") == 0)
		check_fixed(c, &spec, "prioritylevelconfigurations", name, "exempt");
	else if (strcmp(name, "catch-all") == 0)
		check_fixed(c, &spec, "prioritylevelconfigurations", name, NULL);
}

const struct kt_rules kt_rules_flowcontrol_priority_level = {
        .group = "flowcontrol.apiserver.k8s.io",
        .kind = "PriorityLevelConfiguration",
        .validate = validate_level,
};

/* FlowSchema */

static void check_account(struct kt_rule_context *c, const struct kt_at *account)
{
	struct kt_at name = kt_at(account, "name"), namespace = kt_at(account, "namespace");
	if (kt_check_required(c, &name) && !kt_at_is(&name, "*"))
		kt_check_format(c, &name, "dns1123-subdomain");
	if (*kt_at_text(&namespace))
		kt_check_format(c, &namespace, "dns1123-label");
	else
		kt_add_required(c, &namespace, "must specify namespace for service account");
}

/* A subject has the member that belongs to its kind and no other. */
static void check_subject(struct kt_rule_context *c, const struct kt_at *subject)
{
	static const char *const kinds[] = {"Group", "ServiceAccount", "User", NULL};
	static const struct {
		const char *kind, *member;
	} members[] = {{"ServiceAccount", "serviceAccount"}, {"User", "user"}, {"Group", "group"}};
	struct kt_at kind = kt_at(subject, "kind");
	if (!kt_check_in(c, &kind, kinds))
		return;
	for (size_t i = 0; i < KT_ARRAY_SIZE(members); i++) {
		struct kt_at at = kt_at(subject, members[i].member), name = kt_at(&at, "name");
		if (!kt_at_is(&kind, members[i].kind))
			continue;
		if (!at.value)
			kt_add_required(c, &at,
			        kt_arena_printf(c->arena,
			                "%s is required when subject kind is '%s'",
			                members[i].member, members[i].kind));
		else if (i == 0)
			check_account(c, &at);
		else
			kt_check_required(c, &name);
	}
	for (size_t i = 0; i < KT_ARRAY_SIZE(members); i++) {
		struct kt_at at = kt_at(subject, members[i].member);
		if (at.value && !kt_at_is(&kind, members[i].kind))
			kt_add_forbidden(c, &at, "%s is forbidden when subject kind is not '%s'",
			        members[i].member, members[i].kind);
	}
}

static bool has_wildcard(const struct kt_at *list)
{
	KT_EACH(entry, list) {
		if (kt_at_is(&entry, "*"))
			return true;
	}
	return false;
}

/* A list that names something, "*" only alone; false when there is nothing more to check. */
static bool check_names(struct kt_rule_context *c, const struct kt_at *list, const char *required,
        const char *others)
{
	if (!kt_at_n(list)) {
		kt_add_required(c, list, required);
		return false;
	}
	if (!has_wildcard(list))
		return true;
	if (kt_at_n(list) > 1)
		kt_add_invalid(c, list, "if '*' is present, must not specify other %s", others);
	return false;
}

static void check_verbs(struct kt_rule_context *c, const struct kt_at *rule)
{
	static const char *const known[] = {"create", "delete", "deletecollection", "get", "list",
	        "patch", "proxy", "update", "watch", NULL};
	struct kt_at verbs = kt_at(rule, "verbs");
	if (!check_names(c, &verbs, "verbs must contain at least one value", "verbs"))
		return;
	KT_EACH(verb, &verbs) {
		if (kt_is_one_of(kt_at_text(&verb), known))
			continue;
		kt_add_not_supported(c, &verbs, known);
		return;
	}
}

static void check_resource_rule(struct kt_rule_context *c, const struct kt_at *rule)
{
	struct kt_at groups = kt_at(rule, "apiGroups"), resources = kt_at(rule, "resources"),
	             namespaces = kt_at(rule, "namespaces");
	check_verbs(c, rule);
	check_names(c, &groups, "resource rules must supply at least one api group", "api groups");
	check_names(c, &resources, "resource rules must supply at least one resource", "resources");
	if (!kt_at_n(&namespaces) && kt_bool_of(rule->value, "clusterScope"))
		return;
	if (!check_names(c, &namespaces,
	            "resource rules that are not cluster scoped must supply at least one namespace",
	            "namespaces"))
		return;
	KT_EACH(namespace, &namespaces) {
		struct kt_messages messages = {0};
		size_t n = kt_format_check(
		        "dns1123-label", kt_sv_of(kt_at_text(&namespace)), &messages);
		for (size_t i = 0; i < n; i++)
			kt_add_invalid(c, &namespace,
			        "each member of this list must be '*' or a DNS-1123 label; %s",
			        messages.items[i]);
	}
}

static void check_url(struct kt_rule_context *c, const struct kt_at *url)
{
	const char *path = kt_at_text(url), *star = strchr(path, '*');
	size_t len = strlen(path);
	const char *why = NULL;
	if (len == 0)
		why = "must not be empty";
	else if (*path != '/')
		why = "must start with slash";
	else if (strchr(path, ' '))
		why = "must not contain white-space";
	else if (strstr(path, "//"))
		why = "must not contain double slash";
	else if (star && (star != path + len - 1 || star[-1] != '/'))
		why = "wildcard can only do suffix matching";
	if (why)
		kt_add_invalid(c, url, "%s", why);
}

static void check_path_rule(struct kt_rule_context *c, const struct kt_at *rule)
{
	struct kt_at urls = kt_at(rule, "nonResourceURLs");
	check_verbs(c, rule);
	if (!check_names(c, &urls, "nonResourceURLs must contain at least one value",
	            "non-resource URLs"))
		return;
	KT_EACH(url, &urls) {
		check_url(c, &url);
	}
}

static void check_rule(struct kt_rule_context *c, const struct kt_at *rule)
{
	struct kt_at subjects = kt_at(rule, "subjects"), resources = kt_at(rule, "resourceRules");
	struct kt_at paths = kt_at(rule, "nonResourceRules");
	if (!kt_at_n(&subjects))
		kt_add_required(c, &subjects, "subjects must contain at least one value");
	KT_EACH(subject, &subjects) {
		check_subject(c, &subject);
	}
	if (!kt_at_n(&resources) && !kt_at_n(&paths))
		kt_add_required(c, rule,
		        "at least one of resourceRules and nonResourceRules has to be non-empty");
	KT_EACH(resource, &resources) {
		check_resource_rule(c, &resource);
	}
	KT_EACH(path, &paths) {
		check_path_rule(c, &path);
	}
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
	const char *own = kt_text_of(json_object_get(object, "metadata"), "name");
	if (is_exempt || strcmp(own, "catch-all") == 0)
		check_fixed(c, &spec, "flowschemas", own, NULL);
}

const struct kt_rules kt_rules_flowcontrol_flow_schema = {
        .group = "flowcontrol.apiserver.k8s.io",
        .kind = "FlowSchema",
        .validate = validate_schema,
};
