/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ValidatingAdmissionPolicy: expressions over the request decide. A policy does nothing until a
 * binding names it. Variables are computed when first asked for, once per policy and request.
 */
#include "api/expr/cel.h"
#include "api/machinery/go_text.h"
#include "api/server/admission/cel_authority.h"
#include "api/server/admission/plugins.h"
#include "api/server/admission/policy_match.h"
#include "api/server/admission/review.h"
#include "api/status.h"

#include <errno.h>

#define GROUP "admissionregistration.k8s.io"
#define NO_PARAMS \
	"failed to configure binding: no params found for policy binding with `Deny` " \
	"parameterNotFoundAction"
#define VARIABLES_MAX 64
#define COST_MAX 10000000 /* of all expressions of one policy on one request */

/* One policy held against one request. */
struct hearing {
	struct kt_policy_subject *subject;
	const json_t *policy, *binding, *params;
	json_t *request;
	const char *variable_names[VARIABLES_MAX + 1];
	json_t *variable_values[VARIABLES_MAX]; /* NULL: not computed yet */
	bool computing[VARIABLES_MAX];
	uint64_t cost;
};

static const char *text_of(const json_t *object, const char *path)
{
	const char *text = kt_jstr(object, path);

	return text ? text : "";
}

static const json_t *variable(void *arg, const char *name, struct kt_err *err);

/* 1 or 0 for a bool, or with ret_value any value; negative with err. */
static int evaluate(struct hearing *h, const char *text, json_t **ret_value, struct kt_err *err)
{
	static const struct kt_cel_variable variables[] = {
	        {.name = "object"},
	        {.name = "oldObject"},
	        {.name = "request"},
	        {.name = "namespaceObject"},
	        {.name = "params"},
	        {.name = "authorizer", .authorizer = true},
	};
	const struct kt_cel_binding bindings[] = {
	        {"object", h->subject->object ? h->subject->object : json_null()},
	        {"oldObject", h->subject->old ? h->subject->old : json_null()},
	        {"request", h->request},
	        {"namespaceObject",
	                h->subject->namespace_object ? h->subject->namespace_object : json_null()},
	        {"params", h->params ? h->params : json_null()},
	};
	const struct kt_cel_env env = {
	        .variables = variables,
	        .n_variables = KT_ARRAY_SIZE(variables),
	        .policy_variables = h->variable_names,
	};
	struct kt_cel_run run = {
	        .bindings = bindings,
	        .n_bindings = KT_ARRAY_SIZE(bindings),
	        .policy_variable = variable,
	        .arg = h,
	        .cost_max = KT_MAX(COST_MAX - h->cost, (uint64_t)1),
	};
	kt_auto_cel struct kt_cel *cel = NULL;
	struct kt_cel_question asked;
	int code = kt_cel_compile(text, &env, &cel, err);

	kt_cel_authority(h->subject->a, &asked, &run);

	if (code < 0)
		return code;
	code = ret_value ? kt_cel_eval(cel, &run, ret_value, err) : kt_cel_test(cel, &run, err);
	h->cost += KT_MIN(run.cost, COST_MAX - h->cost);
	return code;
}

static const json_t *variable(void *arg, const char *name, struct kt_err *err)
{
	struct hearing *h = arg;
	const json_t *list = kt_jget(h->policy, "spec.variables");

	for (size_t i = 0; h->variable_names[i]; i++) {
		if (strcmp(h->variable_names[i], name))
			continue;
		if (!h->variable_values[i] && !h->computing[i]) {
			h->computing[i] = true;
			evaluate(h, text_of(json_array_get(list, i), "expression"),
			        &h->variable_values[i], err);
			h->computing[i] = false;
		}
		return h->variable_values[i];
	}
	kt_fail(err, ENOENT, "no such key: %s", name);
	return NULL;
}

static void hearing_begin(struct hearing *h)
{
	const json_t *list = kt_jget(h->policy, "spec.variables");
	size_t n = KT_MIN(json_array_size(list), (size_t)VARIABLES_MAX);

	for (size_t i = 0; i < n; i++)
		h->variable_names[i] = text_of(json_array_get(list, i), "name");
	h->request = kt_review_request(h->subject->a, h->subject->a->kind);
}

static void hearing_finish(struct hearing *h)
{
	json_decref(h->request);
	for (size_t i = 0; i < VARIABLES_MAX; i++)
		json_decref(h->variable_values[i]);
}

static enum kt_reason reason_of(const json_t *validation)
{
	static const enum kt_reason reasons[] = {KT_REASON_UNAUTHORIZED, KT_REASON_FORBIDDEN,
	        KT_REASON_INVALID, KT_REASON_REQUEST_ENTITY_TOO_LARGE};

	for (size_t i = 0; i < KT_ARRAY_SIZE(reasons); i++)
		if (kt_streq(kt_reason_text(reasons[i]), kt_jstr(validation, "reason")))
			return reasons[i];
	return KT_REASON_INVALID;
}

static int deny(struct hearing *h, enum kt_reason reason, const char *why)
{
	struct kt_admission_context *a = h->subject->a;
	kt_auto_free char *message = kt_asprintf(
	        "ValidatingAdmissionPolicy '%s' with binding '%s' denied request: %s",
	        text_of(h->policy, "metadata.name"), text_of(h->binding, "metadata.name"), why);
	int code = kt_fail_reason(&a->err, (int)reason, kt_reason_errno(reason),
	        "%s%s%s \"%s\" is forbidden: %s", a->kind->plural, *a->kind->group ? "." : "",
	        a->kind->group, a->name, message);

	kt_err_set_about(&a->err, a->kind->group, a->kind->plural, a->name, NULL);
	kt_err_add_cause(&a->err, NULL, NULL, message);
	return code;
}

static bool acts(const json_t *binding, const char *action)
{
	const json_t *actions = kt_jget(binding, "spec.validationActions");

	for (size_t i = 0; i < json_array_size(actions); i++)
		if (kt_streq(json_string_value(json_array_get(actions, i)), action))
			return true;
	return false;
}

/* Carries out what the binding wants done about a failure. */
static int act(struct hearing *h, enum kt_reason reason, const char *why)
{
	if (acts(h->binding, "Warn"))
		kt_rule_warn(h->subject->a->rules,
		        "Validation failed for ValidatingAdmissionPolicy '%s' with binding '%s': "
		        "%s",
		        text_of(h->policy, "metadata.name"), text_of(h->binding, "metadata.name"),
		        why);
	return acts(h->binding, "Deny") ? deny(h, reason, why) : 0;
}

static int act_on_error(struct hearing *h, const char *expression, const char *error)
{
	kt_auto_free char *why = NULL;

	if (kt_streq(kt_jstr(h->policy, "spec.failurePolicy"), "Ignore"))
		return 0;
	why = kt_asprintf("expression '%s' resulted in error: %s", expression, error);
	return act(h, KT_REASON_INVALID, why);
}

/* What a failed validation says. */
static char *message_of(struct hearing *h, const json_t *validation)
{
	const char *expression = text_of(validation, "messageExpression");
	const char *message = text_of(validation, "message");
	kt_auto_json json_t *value = NULL;

	if (*expression && evaluate(h, expression, &value, NULL) >= 0 && json_is_string(value)) {
		struct kt_sv text = kt_sv_trim(kt_sv_of(json_string_value(value)));

		if (text.len && !memchr(text.p, '\n', text.len))
			return kt_sv_dup(text);
	}
	if (*message)
		return kt_sv_dup(kt_sv_trim(kt_sv_of(message)));
	return kt_asprintf("failed expression: %s", text_of(validation, "expression"));
}

static int judge(struct hearing *h)
{
	const json_t *validations = kt_jget(h->policy, "spec.validations");

	for (size_t i = 0; i < json_array_size(validations); i++) {
		const json_t *validation = json_array_get(validations, i);
		const char *expression = text_of(validation, "expression");
		kt_auto_err err = KT_ERR_INIT;
		int code = evaluate(h, expression, NULL, &err);

		if (code < 0) {
			code = act_on_error(h, expression, kt_err_message(&err));
		} else if (code == 0) {
			kt_auto_free char *why = message_of(h, validation);

			code = act(h, reason_of(validation), why);
		}
		if (code < 0)
			return code;
	}
	return 0;
}

/* 1: the policy applies, 0: it does not, negative: refused because a condition failed to evaluate.
 */
static int meets_conditions(struct hearing *h)
{
	const json_t *conditions = kt_jget(h->policy, "spec.matchConditions");
	int failed = 0;

	for (size_t i = 0; i < json_array_size(conditions); i++) {
		const char *expression = text_of(json_array_get(conditions, i), "expression");
		kt_auto_err err = KT_ERR_INIT;
		int code = evaluate(h, expression, NULL, &err);

		if (code == 0)
			return 0;
		if (code < 0 && !failed)
			failed = act_on_error(h, expression, kt_err_message(&err));
	}
	return failed < 0 ? failed : 1;
}

static json_t *read_params(struct hearing *h)
{
	const char *api_version = text_of(h->policy, "spec.paramKind.apiVersion");
	const char *slash = strchr(api_version, '/');
	kt_auto_free char *group =
	        slash ? kt_strndup(api_version, (size_t)(slash - api_version)) : kt_strdup("");
	const struct kt_kind *kind = kt_builtin_kind(
	        group, slash ? slash + 1 : api_version, text_of(h->policy, "spec.paramKind.kind"));
	const char *namespace = kt_jstr(h->binding, "spec.paramRef.namespace");

	if (!kind)
		return NULL;
	if (!(kind->flags & KT_KIND_NAMESPACED))
	namespace = "";
	else if (!namespace) namespace = h->subject->a->namespace;
	return kt_admission_read(h->subject->a, group, kind->plural, namespace,
	        text_of(h->binding, "spec.paramRef.name"));
}

static int hear(struct kt_policy_subject *subject, const json_t *policy, const json_t *binding)
{
	struct hearing h = {.subject = subject, .policy = policy, .binding = binding};
	kt_auto_json json_t *params = NULL;
	int code;

	if (!kt_policy_matches(subject, kt_jget(policy, "spec.matchConstraints")) ||
	        !kt_policy_matches(subject, kt_jget(binding, "spec.matchResources")))
		return 0;
	hearing_begin(&h);
	if (kt_jget(policy, "spec.paramKind")) {
		params = read_params(&h);
		h.params = params;
	}
	if (kt_jget(policy, "spec.paramKind") && !params) {
		bool allow = kt_streq(
		        kt_jstr(binding, "spec.paramRef.parameterNotFoundAction"), "Allow");

		code = allow ? 0
		             : act(&h, KT_REASON_INVALID,
		                       "failed to configure binding: no params found for policy "
		                       "binding with `Deny` parameterNotFoundAction");
	} else {
		code = meets_conditions(&h);
		if (code > 0)
			code = judge(&h);
	}
	hearing_finish(&h);
	return code;
}

/* Policies do not apply to what configures them. */
static bool is_exempt(const struct kt_admission_context *a)
{
	return kt_streq(a->kind->group, GROUP) ||
	       (a->kind->flags & KT_KIND_VIRTUAL && kt_starts_with(a->kind->group, "auth"));
}

static int validate(struct kt_admission_context *a, const json_t *object, const json_t *old)
{
	struct kt_policy_subject subject = {.a = a};
	struct kt_storage_list bindings;
	kt_auto_json json_t *namespace = NULL, *shown = NULL, *shown_old = NULL;
	int code = 0;

	if (is_exempt(a) ||
	        kt_admission_list(a, GROUP, "validatingadmissionpolicybindings", "", &bindings) < 0)
		return 0;
	if (bindings.n && (a->kind->flags & KT_KIND_NAMESPACED))
	namespace = kt_admission_read(a, "", "namespaces", "", a->namespace);
	if (bindings.n) {
		shown = kt_review_show(a, a->kind, object);
		shown_old = kt_review_show(a, a->kind, old);
	}
	subject.namespace_object = namespace;
	subject.object = shown;
	subject.old = shown_old;
	for (size_t i = 0; code == 0 && i < bindings.n; i++) {
		kt_auto_json json_t *binding = kt_object_tree(bindings.objects[i]);
		kt_auto_json json_t *policy = kt_admission_read(a, GROUP,
		        "validatingadmissionpolicies", "", text_of(binding, "spec.policyName"));

		if (policy)
			code = hear(&subject, policy, binding);
	}
	kt_storage_list_finish(&bindings);
	return code;
}

const struct kt_admission_plugin kt_admission_validating_policy = {
        .name = "ValidatingAdmissionPolicy",
        .on_by_default = true,
        .validate = validate,
};
