/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/pipeline.h"

#include "api/server/accept.h"
#include "api/server/access.h"
#include "api/server/admit.h"
#include "api/server/audit.h"
#include "api/server/encode.h"
#include "api/server/flow.h"
#include "api/server/metrics.h"
#include "api/server/operations.h"
#include "api/server/resources.h"
#include "api/server/route.h"
#include "api/server/server_impl.h"
#include "api/server/webhook_versions.h"
#include "base/log.h"

#include <errno.h>

static int run_operation(struct kt_request *request, int (*fn)(struct kt_request *request))
{
	return fn ? fn(request) : 0;
}

static int stage_decode(struct kt_request *request)
{
	return run_operation(request, request->state->operation->decode);
}

static int stage_mutate(struct kt_request *request)
{
	return run_operation(request, request->state->operation->mutate);
}

static int stage_default(struct kt_request *request)
{
	return run_operation(request, request->state->operation->defaults);
}

static int stage_validate(struct kt_request *request)
{
	return run_operation(request, request->state->operation->validate);
}

static int stage_commit(struct kt_request *request)
{
	return run_operation(request, request->state->operation->commit);
}

static int stage_encode(struct kt_request *request)
{
	struct kt_request_state *state = request->state;

	if (!state->failed) {
		int status = run_operation(request, state->operation->encode);
		if (status == 0) {
			kt_encode_warnings(request);
			return 0;
		}
		state->failed = true;
	}
	kt_encode_error(request);
	kt_encode_warnings(request);
	return 0;
}

static int stage_audit(struct kt_request *request)
{
	kt_flow_leave(request);
	kt_metrics_request(request);
	kt_audit_request(request);
	return 0;
}

enum stage_index {
	STAGE_AUTHENTICATE,
	STAGE_FLOW_CONTROL,
	STAGE_AUTHORIZE,
	STAGE_DECODE,
	STAGE_CONVERT,
	STAGE_MUTATE,
	STAGE_DEFAULT,
	STAGE_VALIDATE,
	STAGE_CONVERT_BACK,
	STAGE_COMMIT,
	STAGE_CONVERT_ANSWER,
	STAGE_ENCODE,
	STAGE_AUDIT,
	STAGE_COUNT
};

static const struct {
	const char *name;
	int (*run)(struct kt_request *request);
} stages[STAGE_COUNT] = {
        [STAGE_AUTHENTICATE] = {"authenticate", kt_access_authenticate},
        [STAGE_FLOW_CONTROL] = {"flow control", kt_flow_enter},
        [STAGE_AUTHORIZE] = {"authorize", kt_access_authorize},
        [STAGE_DECODE] = {"decode", stage_decode},
        [STAGE_CONVERT] = {"convert", kt_convert_current},
        [STAGE_MUTATE] = {"mutate", stage_mutate},
        [STAGE_DEFAULT] = {"default", stage_default},
        [STAGE_VALIDATE] = {"validate", stage_validate},
        [STAGE_CONVERT_BACK] = {"convert back", kt_convert_back},
        [STAGE_COMMIT] = {"commit", stage_commit},
        [STAGE_CONVERT_ANSWER] = {"convert answer", kt_convert_answer},
        [STAGE_ENCODE] = {"encode", stage_encode},
        [STAGE_AUDIT] = {"audit", stage_audit},
};

static void run(struct kt_request *request)
{
	struct kt_request_state *state = request->state;

	while (state->stage < STAGE_COUNT) {
		int status = stages[state->stage].run(request);
		if (status == KT_STAGE_WAIT)
			return;
		if (status < 0 && kt_convert_again(request)) {
			state->stage = STAGE_CONVERT;
			continue;
		}
		if (status < 0 && state->stage < STAGE_ENCODE) {
			kt_assert(request->err.code != 0);
			state->failed = true;
			state->stage = STAGE_ENCODE;
			continue;
		}
		state->stage++;
		/* After authorization it is told what is wrong with the path, not before. */
		if (state->stage == STAGE_DECODE && kt_operation_find(request) < 0) {
			state->failed = true;
			state->stage = STAGE_ENCODE;
		}
	}
	request->done(request);
}

void kt_pipeline_resume(struct kt_request *request, int status)
{
	struct kt_request_state *state = request->state;

	if (status < 0) {
		kt_assert(request->err.code != 0);
		state->failed = true;
		state->stage = STAGE_ENCODE;
	} else {
		state->stage++;
	}
	run(request);
}

void kt_pipeline_retry(struct kt_request *request)
{
	kt_err_clear(&request->err);
	request->state->stage = STAGE_CONVERT;
	run(request);
}

void kt_server_handle(struct kt_request *request)
{
	struct kt_request_state *state = kt_arena_new(&request->arena, struct kt_request_state);

	request->state = state;
	request->finish = kt_pipeline_finish;
	state->started_ns = kt_loop_now_ns(request->loop);
	kt_metrics_begin(request);
	if (kt_route_parse(request) < 0) {
		state->failed = true;
		state->stage = STAGE_ENCODE;
	}
	run(request);
}

void kt_request_abort(struct kt_request *request)
{
	/* What waits for the store ends with its sync, which is soon; webhooks take longer. */
	request->aborted = true;
	if (!request->state)
		return;
	kt_flow_abort(request);
	kt_admit_abort(request);
	kt_convert_abort(request);
}

static void free_write(struct kt_request_state *state)
{
	for (size_t i = 0; i < state->n_ops; i++) {
		kt_object_unref(state->ops[i].object);
		kt_object_unref(state->ops[i].ret_object);
	}
	kt_object_unref(state->current);
	kt_object_unref(state->stored);
	kt_object_unref(state->marked);
	json_decref(state->body);
	json_decref(state->sent);
	json_decref(state->old);
	json_decref(state->object);
	json_decref(state->result);
	json_decref(state->audit_annotations);
}

void kt_pipeline_finish(struct kt_request *request)
{
	struct kt_request_state *state = request->state;

	if (!state)
		return;
	if (state->operation_free)
		state->operation_free(state->operation_data);
	kt_admit_finish(request);
	kt_convert_finish(request);
	if (state->rules_free)
		state->rules_free(state->rules);
	free_write(state);
	kt_vec_finish(&state->query);
	kt_warnings_finish(&state->warnings);
	kt_crd_unref(state->crd);
	kt_user_unref(state->impersonator);
	request->state = NULL;
}

void kt_request_warn(struct kt_request *request, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	kt_auto_free char *text = kt_vasprintf(fmt, ap);
	va_end(ap);
	kt_warnings_add(&request->state->warnings, "%s", text);
}
