/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/client/client.h"

#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <sys/epoll.h>

void kt_client_destroy(struct kt_client *client)
{
	if (client)
		client->ops->destroy(client);
}

void kt_call_finish(struct kt_call *call)
{
	if (!call)
		return;
	free(call->ret_content_type);
	free(call->ret_warnings);
	kt_buf_unref(call->ret_body);
	kt_object_unref(call->ret_object);
	kt_err_clear(&call->err);
	call->ret_content_type = call->ret_warnings = NULL;
	call->ret_body = NULL;
	call->ret_object = NULL;
	call->status = 0;
}

struct kt_sv kt_call_body(const struct kt_call *call)
{
	if (call->ret_object)
		return (struct kt_sv){kt_object_json(call->ret_object), call->ret_object->json_len};
	return call->ret_body ? (struct kt_sv){call->ret_body->data, call->ret_body->len}
	                      : KT_SV("");
}

/* The waiting call has a loop of its own; taking it away says that the call ended. */
static void mark_done(struct kt_call *call)
{
	call->loop = NULL;
}

struct waiting {
	struct kt_io cancel;
	bool cancelled;
};

static void on_cancel(struct kt_io *io, uint32_t events)
{
	(void)events;
	kt_container_of(io, struct waiting, cancel)->cancelled = true;
	kt_io_remove(io);
}

static void run_until_done(struct kt_call *call, struct kt_loop *loop,
        const struct kt_cancel *cancel, struct kt_err *err)
{
	struct waiting waiting = {.cancel.fn = on_cancel};
	int rc = 0;

	if (cancel)
		rc = kt_io_add(&waiting.cancel, loop, cancel->fd, EPOLLIN, err);
	while (call->loop && rc >= 0 && !waiting.cancelled)
		rc = kt_loop_run_once(loop, -1, err);
	kt_io_remove(&waiting.cancel);
	if (waiting.cancelled)
		kt_fail(err, ECANCELED, "interrupted");
}

int kt_client_call_wait(
        struct kt_client *client, struct kt_call *call, const struct kt_cancel *cancel)
{
	void (*done)(struct kt_call *) = call->done;
	struct kt_loop *outer = call->loop;
	struct kt_loop *loop = kt_loop_create(&(struct kt_loop_options){0}, &call->err);
	kt_auto_err err = KT_ERR_INIT;

	if (!loop)
		return call->err.code;
	call->loop = loop;
	call->done = mark_done;
	kt_client_call(client, call);
	run_until_done(call, loop, cancel, &err);
	if (call->loop) {
		kt_client_cancel(client, call);
		kt_err_move(&call->err, &err);
	}
	kt_loop_destroy(loop);
	call->loop = outer;
	call->done = done;
	return call->err.code;
}
