/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/flow.h"

#include "api/server/server_impl.h"

#include <errno.h>

int kt_flow_enter(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	atomic_int *running = &request->server->running;

	if (request->in_process || kt_user_in_group(request->user, "system:masters"))
		return 0;
	if (atomic_fetch_add(running, 1) < KT_FLOW_REQUESTS_MAX) {
		state->is_counted = true;
		return 0;
	}
	atomic_fetch_sub(running, 1);
	kt_fail_reason(&request->err, KT_REASON_TOO_MANY_REQUESTS, EAGAIN,
	        "Too many requests, please try again later.");
	request->err.retry_after_s = 1;
	return -EAGAIN;
}

void kt_flow_leave(struct kt_request *request)
{
	if (!request->state->is_counted)
		return;
	request->state->is_counted = false;
	atomic_fetch_sub(&request->server->running, 1);
}
