/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz: kt_server */
/* Frames of HTTP/2, cut into pieces of the first byte's length, on a connection without TLS. Behind
 * it stands a pipeline of our own, which answers at once, later, in a stream, or never. */
#include "fuzz/fuzz.h"

#include "api/server/http/exchange.h"
#include "base/log.h"

#include <errno.h>

enum { OUT_TURNS_MAX = 1000 };

struct later {
	struct kt_task task;
	struct kt_request *request;
};

static int pull(struct kt_stream *stream, struct kt_buf **ret_piece)
{
	(void)stream;
	*ret_piece = kt_buf_create("piece\n", 6);
	return 1;
}

static void close_stream(struct kt_stream *stream)
{
	free(stream);
}

static void on_later(struct kt_task *task)
{
	struct later *later = kt_container_of(task, struct later, task);
	struct kt_request *request = later->request;

	free(later);
	request->status = 204;
	request->done(request);
}

void kt_server_handle(struct kt_request *request)
{
	size_t what = request->target ? strlen(request->target) % 4 : 0;

	kt_assert(request->method && request->target);
	request->status = 200;
	if (what == 0) {
		request->stream = kt_new(struct kt_stream);
		request->stream->pull = pull;
		request->stream->close = close_stream;
	} else if (what == 1) {
		struct later *later = kt_new(struct later);
		later->request = request;
		kt_task_init(&later->task, on_later);
		kt_loop_post(request->loop, &later->task);
		return;
	} else if (what == 2) {
		request->arg = request->arg; /* until it is aborted */
		return;
	} else {
		kt_request_answer_add(request, kt_buf_create("text", 4));
	}
	request->done(request);
}

void kt_request_abort(struct kt_request *request)
{
	if (strlen(request->target) % 4 != 2)
		return; /* on its way */
	request->status = 499;
	request->done(request);
}

/* Takes what is to be sent, as the kernel does. */
static int take_output(struct kt_http_conn *conn)
{
	for (int i = 0; i < OUT_TURNS_MAX; i++) {
		conn->out_len = conn->out_off = 0;
		int r = conn->protocol->produce(conn);
		kt_assert(conn->out_len <= KT_HTTP_OUT_MAX);
		if (r < 0 || conn->out_len == 0)
			return r;
	}
	return 0;
}

static void run_tasks(struct kt_loop *loop)
{
	for (int i = 0; i < 16 && kt_loop_run_once(loop, 0, NULL) > 0; i++)
		;
}

/* The connection's own turn would want a descriptor: nothing to do. */
static void on_again(struct kt_task *task)
{
	(void)task;
}

static void on_change(struct kt_http_worker *worker)
{
	(void)worker;
}

static void talk(struct kt_http_conn *conn, struct kt_sv input, size_t step)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

	if (conn->protocol->open(conn) < 0 ||
	        conn->protocol->input(conn, preface, sizeof(preface) - 1) < 0)
		return;
	while (input.len) {
		size_t len = KT_MIN(step, input.len);

		if (conn->protocol->input(conn, input.p, len) < 0 || take_output(conn) < 0)
			return;
		run_tasks(conn->worker->loop);
		input.p += len;
		input.len -= len;
	}
	if (take_output(conn) < 0)
		return;
	conn->protocol->drain(conn);
	(void)take_output(conn);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kt_http_shared shared = {0};
	struct kt_http_worker worker = {.shared = &shared, .on_change = on_change};
	struct kt_http_conn conn = {
	        .worker = &worker, .phase = KT_HTTP_OPEN, .protocol = &kt_http2_protocol};

	if (!size)
		return 0;
	worker.loop = kt_loop_create(&(struct kt_loop_options){.is_virtual = true}, NULL);
	kt_task_init(&conn.again, on_again);
	conn.out = kt_alloc(KT_HTTP_OUT_MAX);
	talk(&conn, (struct kt_sv){(const char *)data + 1, size - 1}, data[0] ? data[0] : SIZE_MAX);
	while (conn.exchanges)
		kt_http_exchange_end(conn.exchanges);
	kt_http2_protocol.close(&conn);
	run_tasks(worker.loop);
	while (kt_loop_run_once(worker.loop, 0, NULL) > 0)
		;
	kt_assert(worker.n_exchanges == 0 && atomic_load(&shared.body_bytes) == 0);
	free(conn.out);
	kt_loop_destroy(worker.loop);
	return 0;
}
