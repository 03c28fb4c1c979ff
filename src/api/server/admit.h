/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where writes meet admission (admission/): attributes of the request for the mutating and the
 * validating round. A round may have to wait for webhooks; it then goes on by itself with the stage
 * behind the one that began it. All on the request's loop.
 */
#ifndef KT_API_SERVER_ADMIT_H
#define KT_API_SERVER_ADMIT_H

#include "api/server/pipeline.h"

/* 0; KT_STAGE_WAIT: kt_pipeline_resume() follows; negative with request->err. */
int kt_admit_mutate(struct kt_request *request);
int kt_admit_validate(struct kt_request *request);
/* Both rounds; a delete has no new object. */
int kt_admit_delete(struct kt_request *request);

/* Both rounds for what is created and not kept: bindings, evictions, tokens, reviews. Nobody is
 * asked where nobody asked to be. The object may be changed in place. */
int kt_admit_create(struct kt_request *request, json_t *object);
/* The same for a connection (exec, attach, portforward, proxy); options: PodExecOptions and the
 * like. */
int kt_admit_connect(struct kt_request *request, json_t *options);
/* Has somebody asked to see or to change writes: webhooks or bindings of policies? */
bool kt_admit_is_configured(struct kt_request *request);

/* The client went away: what is waited for is dropped, and the request ends soon. */
void kt_admit_abort(struct kt_request *request);
/* Frees what admission holds. */
void kt_admit_finish(struct kt_request *request);

#endif
