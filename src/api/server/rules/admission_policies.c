/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ValidatingAdmissionPolicy and its bindings. */
#include "api/machinery/names.h"
#include "api/server/rules/admission_match.h"
#include "api/server/rules/meta.h"
#include "api/server/rules/names.h"
#include "api/server/rules/pod.h"
#include "base/str.h"

#include <ctype.h>

static const char *trimmed(const char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

static const char *joined_messages(struct kt_rule_context *c, const char *text, const char *format)
{
	struct kt_messages messages = {0};
	kt_auto_str joined = KT_STR_INIT;
	size_t n = kt_format_check(format, kt_sv_of(text), &messages);
	for (size_t i = 0; i < n; i++)
		kt_str_printf(&joined, "%s%s", i ? "," : "", messages.items[i]);
	return n ? kt_arena_strdup(c->arena, kt_str_text(&joined)) : NULL;
}

static void check_version(struct kt_rule_context *c, const struct kt_at *at)
{
	const char *text = kt_at_text(at), *slash = strchr(text, '/'),
	           *version = slash ? slash + 1 : text;
	if (!kt_check_required(c, at))
		return;
	if (slash && strchr(slash + 1, '/')) {
		kt_add_invalid(c, at, "unexpected GroupVersion string: %s", text);
		return;
	}
	if (slash && slash > text) {
		const char *group = kt_arena_strndup(c->arena, text, (size_t)(slash - text));
		const char *why = joined_messages(c, group, "dns1123-subdomain");
		if (why)
			kt_add_invalid_text(c, at, group, "%s", why);
	}
	const char *why = joined_messages(c, version, "dns1035-label");
	if (why)
		kt_add_invalid_text(c, at, version, "%s", why);
}

static void check_param_kind(struct kt_rule_context *c, const struct kt_at *param)
{
	struct kt_at version = kt_at(param, "apiVersion"), kind = kt_at(param, "kind");
	if (!param->value)
		return;
	check_version(c, &version);
	if (!kt_check_required(c, &kind))
		return;
	char *lower = kt_arena_strdup(c->arena, kt_at_text(&kind));
	for (char *p = lower; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	const char *why = joined_messages(c, lower, "dns1035-label");
	if (why)
		kt_add_invalid(
		        c, &kind, "may have mixed case, but should otherwise match: %s", why);
}

/* Expressions of a policy; each sees the variables before it. */
struct policy {
	const char **variables; /* NULL-terminated; NULL: the policy has none */
	size_t n_variables;
	bool with_params;
};

static void check_policy_expression(struct kt_rule_context *c, const struct policy *policy,
        const struct kt_at *at, const char *const *types)
{
	struct kt_cel_env env = kt_admission_cel_env(policy->variables, policy->with_params);
	kt_check_expression(c, at, &env, types);
}

static void check_variable(
        struct kt_rule_context *c, struct policy *policy, const struct kt_at *variable)
{
	struct kt_at name = kt_at(variable, "name"), expression = kt_at(variable, "expression");
	if (!*kt_at_text(&name))
		kt_add_required(c, &name, "name is not specified");
	else if (!kt_format_is("cel-identifier", kt_at_text(&name)))
		kt_add_invalid(c, &name, "must be a valid CEL identifier");
	if (!*trimmed(kt_at_text(&expression))) {
		kt_add_required(c, &expression, "expression is not specified");
		return;
	}
	check_policy_expression(c, policy, &expression, NULL);
	policy->variables[policy->n_variables++] = kt_at_text(&name);
}

static void check_validation(
        struct kt_rule_context *c, const struct policy *policy, const struct kt_at *validation)
{
	static const char *const condition[] = {"bool", NULL}, *const text[] = {"string", NULL};
	static const char *const reasons[] = {
	        "Forbidden", "Invalid", "RequestEntityTooLarge", NULL};
	struct kt_at expression = kt_at(validation, "expression"),
	             computed = kt_at(validation, "messageExpression");
	struct kt_at message = kt_at(validation, "message"), reason = kt_at(validation, "reason");
	if (!*trimmed(kt_at_text(&expression)))
		kt_add_required(c, &expression, "expression is not specified");
	else
		check_policy_expression(c, policy, &expression, condition);
	if (*kt_at_text(&computed) && !*trimmed(kt_at_text(&computed)))
		kt_add_invalid(c, &computed, "must be non-empty if specified");
	else if (*kt_at_text(&computed))
		check_policy_expression(c, policy, &computed, text);
	if (*kt_at_text(&message) && !*trimmed(kt_at_text(&message)))
		kt_add_invalid(c, &message, "message must be non-empty if specified");
	else if (strpbrk(trimmed(kt_at_text(&message)), "\r\n"))
		kt_add_invalid(c, &message, "must not contain line breaks");
	else if (strpbrk(trimmed(kt_at_text(&expression)), "\r\n") && !*kt_at_text(&message))
		kt_add_required(
		        c, &message, "must be specified if expression contains line breaks");
	if (reason.value)
		kt_check_in(c, &reason, reasons);
}

static void check_annotation(struct kt_rule_context *c, const struct policy *policy,
        const struct kt_at *annotation, const char *policy_name)
{
	static const char *const types[] = {"string", "null_type", NULL};
	struct kt_at key = kt_at(annotation, "key"), value = kt_at(annotation, "valueExpression");
	const char *name = kt_at_text(&key);
	struct kt_messages messages = {0};
	if (*policy_name)
		name = kt_arena_printf(c->arena, "%s/%s", policy_name, name);
	else
		kt_add_invalid(c, &key, "requires metadata.name be non-empty");
	size_t n = kt_format_check("qualified-name", kt_sv_of(name), &messages);
	for (size_t i = 0; i < n; i++)
		kt_add_invalid_text(c, &key, name, "%s", messages.items[i]);
	if (!*trimmed(kt_at_text(&value)))
		kt_add_required(c, &value, "valueExpression is not specified");
	else
		check_policy_expression(c, policy, &value, types);
}

static void check_outcomes(struct kt_rule_context *c, const struct policy *policy,
        const struct kt_at *spec, const char *name)
{
	struct kt_names seen = {.arena = c->arena};
	struct kt_at validations = kt_at(spec, "validations"),
	             annotations = kt_at(spec, "auditAnnotations");
	if (!kt_at_n(&validations) && !kt_at_n(&annotations)) {
		kt_add_required(c, &validations,
		        "validations or auditAnnotations must contain at least one item");
		kt_add_required(c, &annotations,
		        "validations or auditAnnotations must contain at least one item");
		return;
	}
	KT_EACH(validation, &validations) {
		check_validation(c, policy, &validation);
	}
	KT_EACH(annotation, &annotations) {
		struct kt_at key = kt_at(&annotation, "key");
		check_annotation(c, policy, &annotation, name);
		if (!kt_names_add(&seen, kt_at_text(&key)))
			kt_add_duplicate(c, &key);
	}
}

static void validate_policy(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	static const char *const failures[] = {"Fail", "Ignore", NULL};
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec"),
	             failure = kt_at(&spec, "failurePolicy");
	struct kt_at param = kt_at(&spec, "paramKind"), match = kt_at(&spec, "matchConstraints");
	struct kt_at rules = kt_at(&match, "resourceRules"),
	             conditions = kt_at(&spec, "matchConditions");
	struct kt_at variables = kt_at(&spec, "variables");
	struct policy policy = {.with_params = param.value != NULL};
	kt_meta_validate_common(c, object, NULL);
	if (old && c->subresource)
		return;
	if (!failure.value)
		kt_add_required(c, &failure, "");
	else
		kt_check_in(c, &failure, failures);
	check_param_kind(c, &param);
	if (!match.value)
		kt_add_required(c, &match, "");
	kt_check_match_resources(c, &match);
	if (match.value && !kt_at_n(&rules))
		kt_add_required(c, &rules, "");
	kt_check_match_conditions(c, &conditions, param.value != NULL);
	if (kt_at_n(&variables)) {
		size_t size = (kt_at_n(&variables) + 1) * sizeof(*policy.variables);
		policy.variables = memset(kt_arena_alloc(c->arena, size), 0, size);
	}
	KT_EACH(variable, &variables) {
		check_variable(c, &policy, &variable);
	}
	check_outcomes(c, &policy, &spec, kt_text_of(json_object_get(object, "metadata"), "name"));
}

const struct kt_rules kt_rules_admission_policy = {
        .group = "admissionregistration.k8s.io",
        .kind = "ValidatingAdmissionPolicy",
        .validate = validate_policy,
};

/* ValidatingAdmissionPolicyBinding */

static void check_param_ref(struct kt_rule_context *c, const struct kt_at *ref)
{
	static const char *const actions[] = {"Deny", "Allow", NULL};
	struct kt_at name = kt_at(ref, "name"), selector = kt_at(ref, "selector"),
	             action = kt_at(ref, "parameterNotFoundAction");
	bool named = *kt_at_text(&name);
	if (!ref->value)
		return;
	if (named)
		kt_check_format(c, &name, "path-segment");
	if (named && selector.value)
		kt_add_forbidden(c, &name, "name and selector are mutually exclusive");
	kt_check_label_selector(c, &selector);
	if (named && selector.value)
		kt_add_forbidden(c, &selector, "name and selector are mutually exclusive");
	if (!named && !selector.value)
		kt_add_required(c, ref, "one of name or selector must be specified");
	if (kt_check_required(c, &action))
		kt_check_in(c, &action, actions);
}

static void check_actions(struct kt_rule_context *c, const struct kt_at *actions)
{
	static const char *const known[] = {"Audit", "Deny", "Warn", NULL};
	struct kt_names seen = {.arena = c->arena};
	if (!kt_at_n(actions))
		kt_add_required(c, actions, "at least one validation action is required");
	KT_EACH(action, actions) {
		kt_check_in(c, &action, known);
		if (!kt_names_add(&seen, kt_at_text(&action)))
			kt_add_duplicate(c, &action);
	}
	if (kt_names_has(&seen, "Deny") && kt_names_has(&seen, "Warn"))
		kt_add_invalid(c, actions,
		        "must not contain both Deny and Warn (repeating the same validation "
		        "failure information in the API response "
		        "and headers serves no purpose)");
}

static void validate_binding(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec"),
	             policy = kt_at(&spec, "policyName");
	struct kt_at param = kt_at(&spec, "paramRef"), match = kt_at(&spec, "matchResources");
	struct kt_at actions = kt_at(&spec, "validationActions");
	(void)old;
	kt_meta_validate_common(c, object, NULL);
	kt_check_required_format(c, &policy, "dns1123-subdomain");
	check_param_ref(c, &param);
	kt_check_match_resources(c, &match);
	check_actions(c, &actions);
}

const struct kt_rules kt_rules_admission_policy_binding = {
        .group = "admissionregistration.k8s.io",
        .kind = "ValidatingAdmissionPolicyBinding",
        .validate = validate_binding,
};
