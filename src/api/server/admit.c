/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/admit.h"

#include "api/server/admission/admission.h"
#include "api/server/auth/authorize.h"
#include "api/server/limits.h"
#include "api/server/server_impl.h"
#include "api/server/subresources.h"
#include "api/server/write.h"
#include "base/time.h"

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

/* One round under way or done. */
struct kt_admit {
	struct kt_request *request;
	struct kt_admission_context context;
	struct kt_task aborting;
	bool is_waiting;
	bool then_validate; /* the second round follows */
	json_t *created;    /* that is not kept; NULL: state->object and state->old */
};

static json_t *options_of(const struct kt_admission_context *context)
{
	const struct kt_admit *admit = context->arg;
	const struct kt_request *request = admit->request;
	enum kt_admission_operation operation = context->operation;
	const struct kt_request_state *state = request->state;
	static const char *const validations[] = {[KT_STRICT_IGNORE] = "Ignore",
	        [KT_STRICT_WARN] = "Warn",
	        [KT_STRICT_STRICT] = "Strict"};
	const char *kind = operation == KT_ADMIT_DELETE   ? "DeleteOptions"
	                   : state->is_patch              ? "PatchOptions"
	                   : operation == KT_ADMIT_CREATE ? "CreateOptions"
	                                                  : "UpdateOptions";
	const char *manager = kt_request_query(request, "fieldManager");
	if (operation == KT_ADMIT_CONNECT)
		return NULL;
	json_t *options = operation == KT_ADMIT_DELETE && json_is_object(state->body)
	                          ? json_deep_copy(state->body)
	                          : json_object();

	json_object_set_new(options, "kind", json_string(kind));
	json_object_set_new(options, "apiVersion", json_string("meta.k8s.io/v1"));
	if (operation == KT_ADMIT_DELETE)
		return options;
	if (state->dry_run)
		json_object_set_new(options, "dryRun", json_pack("[s]", "All"));
	if (state->is_patch && state->force)
		json_object_set_new(options, "force", json_true());
	if (manager && *manager)
		json_object_set_new(options, "fieldManager", json_string(manager));
	if (kt_request_query(request, "fieldValidation"))
		json_object_set_new(
		        options, "fieldValidation", json_string(validations[state->strict]));
	return options;
}

/* `?timeout=`, or kube-apiserver's --request-timeout. */
static int64_t deadline_of(const struct kt_request *request)
{
	const char *text = kt_request_query(request, "timeout");
	int64_t asked, timeout = KT_REQUEST_TIMEOUT_MS * KT_NS_PER_MS;

	if (text && kt_duration_parse(kt_sv_of(text), &asked) == 0 && asked > 0)
		timeout = KT_MIN(timeout, asked);
	return request->state->started_ns + timeout;
}

static void on_resume(struct kt_admission_context *context, int status);

static void on_abort(struct kt_task *task)
{
	struct kt_admit *admit = kt_container_of(task, struct kt_admit, aborting);

	kt_pipeline_resume(admit->request, kt_fail_reason(&admit->request->err, KT_REASON_TIMEOUT,
	                                           ECANCELED, "context canceled"));
}

static json_t *view_scale(const struct kt_admission_context *context, const json_t *object)
{
	const struct kt_admit *admit = context->arg;

	return kt_scale_of(admit->request->state, object);
}

static void take_scale(
        const struct kt_admission_context *context, json_t *object, const json_t *view)
{
	const struct kt_admit *admit = context->arg;

	kt_scale_take(admit->request->state, object, view);
}

static struct kt_admit *begin(struct kt_request *request, enum kt_admission_operation operation)
{
	struct kt_request_state *state = request->state;
	struct kt_admit *admit = kt_arena_new(&request->arena, struct kt_admit);
	const char *name = state->object ? kt_jstr(state->object, "metadata.name") : NULL;

	kt_admit_finish(request);
	admit->request = request;
	kt_task_init(&admit->aborting, on_abort);
	admit->context = (struct kt_admission_context){
	        .kind = state->kind,
	        .subresource = state->subresource ? state->subresource->name : NULL,
	        .operation = operation,
	        .namespace = state->route.namespace,
	        .name = *state->route.name ? state->route.name
	                : name             ? kt_arena_strdup(&request->arena, name)
	                                   : "",
	        .dry_run = state->dry_run,
	        .user = request->user,
	        .rules = state->rules,
	        .deadline_ns = deadline_of(request),
	        .make_options = options_of,
	        .resume = on_resume,
	        .arg = admit,
	};
	if (kt_streq(admit->context.subresource, "scale")) {
		admit->context.view = view_scale;
		admit->context.take_view = take_scale;
		admit->context.view_type = kt_scale_type();
	}
	state->admit = admit;
	return admit;
}

void kt_admit_finish(struct kt_request *request)
{
	struct kt_admit *admit = request->state->admit;

	if (!admit)
		return;
	request->state->admit = NULL;
	kt_admission_finish(&admit->context);
}

void kt_admit_abort(struct kt_request *request)
{
	struct kt_admit *admit = request->state->admit;

	if (!admit || !admit->is_waiting)
		return;
	admit->is_waiting = false;
	kt_admission_cancel(&admit->context);
	kt_loop_post(request->loop, &admit->aborting); /* the caller is not done with the request */
}

/* The walk has ended or waits. */
static int outcome(struct kt_admit *admit, int status)
{
	struct kt_request *request = admit->request;
	struct kt_request_state *state = request->state;

	admit->is_waiting = status == KT_ADMIT_WAIT;
	if (admit->is_waiting)
		return KT_STAGE_WAIT;
	kt_write_take_warnings(request);
	if (admit->context.annotations) {
		if (!state->audit_annotations)
			state->audit_annotations = json_object();
		json_object_update(state->audit_annotations, admit->context.annotations);
	}
	state->is_mutated |= admit->context.is_changed;
	if (status < 0)
		return kt_err_move(&request->err, &admit->context.err);
	if (!admit->then_validate)
		return 0;
	json_t *created = admit->created;
	admit = begin(request, admit->context.operation);
	return outcome(admit, kt_admission_validate(request->server->admission, &admit->context,
	                              created, created ? NULL : state->old));
}

static void on_resume(struct kt_admission_context *context, int status)
{
	struct kt_admit *admit = context->arg;
	struct kt_request *request = admit->request;
	int r = outcome(admit, status);

	if (r != KT_STAGE_WAIT)
		kt_pipeline_resume(request, r);
}

static enum kt_admission_operation operation_of(const struct kt_request *request)
{
	return request->state->is_create ? KT_ADMIT_CREATE : KT_ADMIT_UPDATE;
}

int kt_admit_mutate(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	struct kt_admit *admit = begin(request, operation_of(request));

	return outcome(admit, kt_admission_mutate(request->server->admission, &admit->context,
	                              state->object, state->old));
}

int kt_admit_validate(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	struct kt_admit *admit;

	if (check_escalation(request) < 0)
		return request->err.code;
	admit = begin(request, operation_of(request));
	return outcome(admit, kt_admission_validate(request->server->admission, &admit->context,
	                              state->object, state->old));
}

int kt_admit_delete(struct kt_request *request)
{
	struct kt_admit *admit = begin(request, KT_ADMIT_DELETE);

	admit->then_validate = true;
	return outcome(admit, kt_admission_mutate(request->server->admission, &admit->context, NULL,
	                              request->state->old));
}

bool kt_admit_is_configured(struct kt_request *request)
{
	static const char *const kinds[] = {"ValidatingAdmissionPolicyBinding",
	        "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"};
	struct kt_storage *storage = request->server->storage;

	for (size_t i = 0; i < KT_ARRAY_SIZE(kinds); i++) {
		const struct kt_kind *kind =
		        kt_builtin_kind("admissionregistration.k8s.io", "v1", kinds[i]);
		if (storage->ops->count(storage, kt_server_key(&request->arena, kind, "", "")))
			return true;
	}
	return false;
}

static int admit_unkept(
        struct kt_request *request, enum kt_admission_operation operation, json_t *object)
{
	struct kt_admit *admit;

	if (!kt_admit_is_configured(request))
		return 0;
	kt_write_rules(request, KT_RULE_CREATE);
	admit = begin(request, operation);
	admit->then_validate = true;
	admit->created = object;
	return outcome(admit,
	        kt_admission_mutate(request->server->admission, &admit->context, object, NULL));
}

int kt_admit_create(struct kt_request *request, json_t *object)
{
	return admit_unkept(request, KT_ADMIT_CREATE, object);
}

int kt_admit_connect(struct kt_request *request, json_t *options)
{
	return admit_unkept(request, KT_ADMIT_CONNECT, options);
}
