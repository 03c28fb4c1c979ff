/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kubernetes' authorizer library: `authorizer` and what is asked through it. Its values are
 * questions that each call makes more precise; the host answers them. */
#include "api/expr/cel_internal.h"

#define CHECK_COST 350000 /* upstream's price of asking an authorizer */
#define CALL_ARGS \
	struct cel_run *run, const struct cel_value *args, size_t n, struct cel_value *ret_value

static const char *text_of(struct cel_run *run, const struct cel_value *value)
{
	return kt_arena_strndup(run->arena, value->s.p ? value->s.p : "", value->s.len);
}

/* A copy of the question, to be made more precise. */
static struct kt_cel_question *extend(
        struct cel_run *run, const struct cel_value *from, enum cel_kind to, struct cel_value *ret)
{
	struct kt_cel_question *question = kt_arena_new(run->arena, struct kt_cel_question);

	*question = *from->question;
	*ret = (struct cel_value){.kind = to, .question = question};
	return question;
}

#define DEFINE_STEP(function, to, member) \
	static int function(CALL_ARGS) \
	{ \
		(void)n; \
		extend(run, &args[0], to, ret_value)->member = text_of(run, &args[1]); \
		return cel_charge(run, 1); \
	}
DEFINE_STEP(f_group, CEL_GROUP_CHECK, group)
DEFINE_STEP(f_resource, CEL_RESOURCE_CHECK, resource)
DEFINE_STEP(f_subresource, CEL_RESOURCE_CHECK, subresource)
DEFINE_STEP(f_namespace, CEL_RESOURCE_CHECK, namespace)
DEFINE_STEP(f_name, CEL_RESOURCE_CHECK, name)
DEFINE_STEP(f_field_selector, CEL_RESOURCE_CHECK, field_selector)
DEFINE_STEP(f_label_selector, CEL_RESOURCE_CHECK, label_selector)

static int f_path(CALL_ARGS)
{
	(void)n;
	if (args[1].s.len == 0)
		return cel_fail(run, "path must not be empty");
	extend(run, &args[0], CEL_PATH_CHECK, ret_value)->path = text_of(run, &args[1]);
	return cel_charge(run, 1);
}

static int f_service_account(CALL_ARGS)
{
	struct kt_cel_question *question = extend(run, &args[0], CEL_AUTHORIZER, ret_value);

	(void)n;
	question->account_namespace = text_of(run, &args[1]);
	question->account = text_of(run, &args[2]);
	if (!kt_format_is("dns1123-label", question->account_namespace))
		return cel_fail(run, "Invalid service account namespace");
	if (!kt_format_is("dns1123-subdomain", question->account))
		return cel_fail(run, "Invalid service account name");
	return cel_charge(run, 1);
}

static int f_check(CALL_ARGS)
{
	struct kt_cel_question question = *args[0].question;
	struct cel_decision *decision = kt_arena_new(run->arena, struct cel_decision);
	kt_auto_free char *reason = NULL;

	(void)n;
	question.verb = text_of(run, &args[1]);
	if (!run->host->authorize)
		return cel_fail(run, "no such attribute(s): authorizer");
	decision->allowed = run->host->authorize(run->host->authorize_arg, &question, &reason);
	decision->reason = kt_arena_strdup(run->arena, reason ? reason : "");
	*ret_value = (struct cel_value){.kind = CEL_DECISION, .decision = decision};
	return cel_charge(run, CHECK_COST);
}

#define DEFINE_ANSWER(function, expression) \
	static int function(CALL_ARGS) \
	{ \
		(void)args; \
		(void)n; \
		*ret_value = expression; \
		return cel_charge(run, 1); \
	}
DEFINE_ANSWER(f_allowed, cel_bool(args[0].decision->allowed))
DEFINE_ANSWER(f_reason, cel_sv(kt_sv_of(args[0].decision->reason)))
/* Our authorizers always answer. */
DEFINE_ANSWER(f_errored, cel_bool(false))
DEFINE_ANSWER(f_error, cel_sv(KT_SV("")))

int cel_request_resource(struct cel_run *run, struct cel_value *ret_value)
{
	if (!run->host->request_resource)
		return cel_fail(run, "no such attribute(s): authorizer.requestResource");
	*ret_value = (struct cel_value){
	        .kind = CEL_RESOURCE_CHECK, .question = run->host->request_resource};
	return 0;
}

const struct cel_function cel_authorizer_functions[] = {
        {"path", true, "as", "p", f_path},
        {"group", true, "as", "g", f_group},
        {"serviceAccount", true, "ass", "a", f_service_account},
        {"resource", true, "gs", "r", f_resource},
        {"subresource", true, "rs", "r", f_subresource},
        {"namespace", true, "rs", "r", f_namespace},
        {"name", true, "rs", "r", f_name},
        {"fieldSelector", true, "rs", "r", f_field_selector},
        {"labelSelector", true, "rs", "r", f_label_selector},
        {"check", true, "ps", "e", f_check},
        {"check", true, "rs", "e", f_check},
        {"allowed", true, "e", "b", f_allowed},
        {"reason", true, "e", "s", f_reason},
        {"errored", true, "e", "b", f_errored},
        {"error", true, "e", "s", f_error},
        {0},
};
