/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/admit.h"

#include "api/server/admission/admission.h"
#include "api/server/auth/authorize.h"
#include "api/server/server_impl.h"
#include "api/server/write.h"

#include <errno.h>

/* Nobody gives rights away that they do not have. */
static int check_escalation(struct kt_request *request)
{
	struct kt_request_state *state = request->state;

	if (!kt_streq(state->kind->group, "rbac.authorization.k8s.io") || state->subresource)
		return 0;
	return kt_rbac_check_write(request->server->authorizer, request->user, state->kind->plural,
	        state->route.namespace, state->object, state->is_create ? NULL : state->old,
	        &request->err);
}

static struct kt_admission_context context_of(
        struct kt_request *request, enum kt_admission_operation operation)
{
	struct kt_request_state *state = request->state;
	const char *name = state->object ? kt_jstr(state->object, "metadata.name") : NULL;

	if (operation != KT_ADMIT_DELETE && operation != KT_ADMIT_CONNECT)
		operation = state->is_create ? KT_ADMIT_CREATE : KT_ADMIT_UPDATE;
	return (struct kt_admission_context){
	        .kind = state->kind,
	        .subresource = state->subresource ? state->subresource->name : NULL,
	        .operation = operation,
	        .namespace = state->route.namespace,
	        .name = *state->route.name ? state->route.name
	                : name             ? name
	                                   : "",
	        .dry_run = state->dry_run,
	        .user = request->user,
	        .rules = state->rules,
	};
}

static int outcome(struct kt_request *request, struct kt_admission_context *context, int status)
{
	if (status < 0)
		kt_err_move(&request->err, &context->err);
	else
		kt_err_clear(&context->err);
	kt_write_take_warnings(request);
	return status;
}

int kt_admit_mutate(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	struct kt_admission_context context = context_of(request, KT_ADMIT_CREATE);

	return outcome(request, &context,
	        kt_admission_mutate(
	                request->server->admission, &context, state->object, state->old));
}

int kt_admit_validate(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	struct kt_admission_context context = context_of(request, KT_ADMIT_CREATE);

	if (check_escalation(request) < 0)
		return request->err.code;
	return outcome(request, &context,
	        kt_admission_validate(
	                request->server->admission, &context, state->object, state->old));
}

int kt_admit_delete(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	struct kt_admission_context context = context_of(request, KT_ADMIT_DELETE);
	int status = kt_admission_mutate(request->server->admission, &context, NULL, state->old);

	if (status == 0)
		status = kt_admission_validate(
		        request->server->admission, &context, NULL, state->old);
	return outcome(request, &context, status);
}
