/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/rules/admission_match.h"

#include "api/server/rules/names.h"
#include "api/server/rules/pod.h"
#include "base/err.h"

#include <ctype.h>

#define CONDITIONS_MAX 64

static bool is_blank(const char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	return !*text;
}

/* Expressions */

struct kt_cel_env kt_admission_cel_env(const char *const *variables, bool with_params)
{
	/* params is last: it is there only with a paramKind. */
	static const struct kt_cel_variable names[] = {
	        {.name = "object"},
	        {.name = "oldObject"},
	        {.name = "request"},
	        {.name = "namespaceObject"},
	        {.name = "authorizer", .authorizer = true},
	        {.name = "params"},
	};
	return (struct kt_cel_env){
	        .variables = names,
	        .n_variables = KT_ARRAY_SIZE(names) - (with_params ? 0 : 1),
	        .policy_variables = variables,
	};
}

static void add_type_error(struct kt_rule_context *c, const struct kt_at *at, const char *got,
        const char *const *types)
{
	kt_auto_str list = KT_STR_INIT;
	if (!types[1]) {
		kt_add_invalid(c, at, "must evaluate to %s but got %s", types[0], got);
		return;
	}
	for (size_t i = 0; types[i]; i++)
		kt_str_printf(&list, "%s%s", i ? " " : "", types[i]);
	kt_add_invalid(c, at, "must evaluate to one of [%s] but got %s", kt_str_text(&list), got);
}

void kt_check_expression(struct kt_rule_context *c, const struct kt_at *at,
        const struct kt_cel_env *env, const char *const *types)
{
	kt_auto_err err = KT_ERR_INIT;
	kt_auto_cel struct kt_cel *cel = NULL;
	if (kt_cel_compile(kt_at_text(at), env, &cel, &err) < 0) {
		kt_add_invalid(c, at, "compilation failed: %s", err.message);
		return;
	}
	const char *got = kt_cel_type(cel);
	if (types && strcmp(got, "dyn") != 0 && !kt_is_one_of(got, types))
		add_type_error(c, at, got, types);
}

static void check_condition(
        struct kt_rule_context *c, const struct kt_at *condition, bool with_params)
{
	static const char *const types[] = {"bool", NULL};
	struct kt_at expression = kt_at(condition, "expression"), name = kt_at(condition, "name");
	struct kt_cel_env env = kt_admission_cel_env(NULL, with_params);
	if (is_blank(kt_at_text(&expression)))
		kt_add_required(c, &expression, "");
	else
		kt_check_expression(c, &expression, &env, types);
	kt_check_required_format(c, &name, "qualified-name");
}

void kt_check_match_conditions(
        struct kt_rule_context *c, const struct kt_at *conditions, bool with_params)
{
	struct kt_names seen = {.arena = c->arena};
	if (kt_at_n(conditions) > CONDITIONS_MAX)
		kt_add_too_many(c, conditions, CONDITIONS_MAX);
	KT_EACH(condition, conditions) {
		struct kt_at name = kt_at(&condition, "name");
		check_condition(c, &condition, with_params);
		if (*kt_at_text(&name) && !kt_names_add(&seen, kt_at_text(&name)))
			kt_add_duplicate(c, &name);
	}
}

/* Rules */

static bool has(const struct kt_at *list, const char *text)
{
	size_t i;
	json_t *item;
	json_array_foreach(list->value, i, item) {
		if (json_is_string(item) && strcmp(json_string_value(item), text) == 0)
			return true;
	}
	return false;
}

/* Required; and "*" stands alone. */
static void check_list(struct kt_rule_context *c, const struct kt_at *list, const char *what)
{
	if (!kt_at_n(list))
		kt_add_required(c, list, "");
	if (kt_at_n(list) > 1 && has(list, "*"))
		kt_add_invalid(c, list, "if '*' is present, must not specify other %s", what);
}

static void check_resources(struct kt_rule_context *c, const struct kt_at *list)
{
	struct kt_names any_part = {.arena = c->arena}, any_resource = {.arena = c->arena};
	bool plain = false;
	if (!kt_at_n(list))
		kt_add_required(c, list, "");
	KT_EACH(item, list) {
		const char *text = kt_at_text(&item), *slash = strchr(text, '/');
		if (!*text)
			kt_add_required(c, &item, "");
		if (!slash)
			plain = *text ? strcmp(text, "*") != 0
			              : plain; /* of the last one, as upstream */
		if (!slash)
			continue;
		const char *resource = kt_arena_strndup(c->arena, text, (size_t)(slash - text)),
		           *part = slash + 1;
		if (kt_names_has(&any_part, resource))
			kt_add_invalid(c, &item, "if '%s/*' is present, must not specify %s",
			        resource, text);
		if (kt_names_has(&any_resource, part))
			kt_add_invalid(
			        c, &item, "if '*/%s' is present, must not specify %s", part, text);
		if (strcmp(part, "*") == 0)
			kt_names_add(&any_part, resource);
		if (strcmp(resource, "*") == 0)
			kt_names_add(&any_resource, part);
	}
	if (kt_at_n(list) > 1 && has(list, "*/*"))
		kt_add_invalid(c, list, "if '*/*' is present, must not specify other resources");
	if (has(list, "*") && plain)
		kt_add_invalid(c, list,
		        "if '*' is present, must not specify other resources without subresources");
}

void kt_check_admission_rule(struct kt_rule_context *c, const struct kt_at *rule)
{
	static const char *const operations[] = {
	        "*", "CONNECT", "CREATE", "DELETE", "UPDATE", NULL};
	static const char *const scopes[] = {"*", "Cluster", "Namespaced", NULL};
	struct kt_at asked = kt_at(rule, "operations"), groups = kt_at(rule, "apiGroups"),
	             versions = kt_at(rule, "apiVersions");
	struct kt_at resources = kt_at(rule, "resources"), scope = kt_at(rule, "scope");
	check_list(c, &asked, "operations");
	KT_EACH(operation, &asked) {
		kt_check_in(c, &operation, operations);
	}
	check_list(c, &groups, "API groups");
	check_list(c, &versions, "API versions");
	KT_EACH(version, &versions) {
		kt_check_required(c, &version);
	}
	check_resources(c, &resources);
	if (scope.value)
		kt_check_in(c, &scope, scopes);
}

static void check_named_rules(struct kt_rule_context *c, const struct kt_at *rules)
{
	KT_EACH(rule, rules) {
		struct kt_names seen = {.arena = c->arena};
		struct kt_at names = kt_at(&rule, "resourceNames");
		KT_EACH(name, &names) {
			kt_check_format(c, &name, "path-segment");
			if (!kt_names_add(&seen, kt_at_text(&name)))
				kt_add_duplicate(c, &name);
		}
		kt_check_admission_rule(c, &rule);
	}
}

void kt_check_match_resources(struct kt_rule_context *c, const struct kt_at *match)
{
	static const char *const policies[] = {"Equivalent", "Exact", NULL};
	struct kt_at policy = kt_at(match, "matchPolicy"),
	             namespaces = kt_at(match, "namespaceSelector");
	struct kt_at objects = kt_at(match, "objectSelector"),
	             rules = kt_at(match, "resourceRules");
	struct kt_at excluded = kt_at(match, "excludeResourceRules");
	if (!match->value)
		return;
	if (!policy.value)
		kt_add_required(c, &policy, "");
	else
		kt_check_in(c, &policy, policies);
	if (!namespaces.value)
		kt_add_required(c, &namespaces, "");
	kt_check_label_selector(c, &namespaces);
	if (!objects.value)
		kt_add_required(c, &objects, "");
	kt_check_label_selector(c, &objects);
	check_named_rules(c, &rules);
	check_named_rules(c, &excluded);
}
