/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * HTTP/2 on a connection: libnghttp2 does frames, header compression, windows and priorities; each
 * stream is an exchange. A stream's answer is read only as its window opens, so a client that does
 * not read a watch delays that watch alone.
 */
#include "api/server/http/exchange.h"
#include "api/server/limits.h"
#include "api/status.h"
#include "base/log.h"

#include <errno.h>
#include <nghttp2/nghttp2.h>

struct http2 {
	nghttp2_session *session;
	bool known; /* a request of a known user was answered: more streams are allowed */
	bool draining;
	int64_t reset_tokens; /* streams this side may still reset; KT_HTTP2_RESET_… */
	int64_t reset_ns;     /* loop time up to which they are refilled */
};

static struct kt_http_exchange *exchange_of(nghttp2_session *session, int32_t stream_id)
{
	return nghttp2_session_get_stream_user_data(session, stream_id);
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct kt_http_conn *conn = arg;
	struct kt_http_exchange *x;

	if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	x = kt_http_exchange_begin(conn);
	x->stream_id = frame->hd.stream_id;
	nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, x);
	return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
        size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags, void *arg)
{
	struct kt_http_exchange *x = exchange_of(session, frame->hd.stream_id);
	struct kt_sv n = {(const char *)name, name_len}, v = {(const char *)value, value_len};
	struct kt_request *request;

	(void)flags;
	(void)arg;
	/* Trailers are dropped: nothing here reads them. */
	if (!x || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	request = x->request;
	x->head_bytes += name_len + value_len + 32; /* as SETTINGS_MAX_HEADER_LIST_SIZE counts */
	if (x->head_bytes > KT_HTTP_HEAD_BYTES_MAX || request->headers.n == KT_HTTP_HEADERS_MAX) {
		x->head_too_large = true;
		return 0;
	}
	if (kt_sv_is(n, ":method")) {
		request->method = kt_sv_dup(v);
	} else if (kt_sv_is(n, ":path")) {
		request->target = kt_sv_dup(v);
	} else if (n.p[0] != ':' || kt_sv_is(n, ":authority")) {
		struct kt_arena *arena = &request->arena;
		struct kt_header header = {
		        n.p[0] == ':' ? kt_arena_strdup(arena, "host")
		                      : kt_arena_strndup(arena, n.p, n.len),
		        kt_arena_strndup(arena, v.p, v.len),
		};

		kt_vec_push(&request->headers, header);
	}
	return 0;
}

/* Refuses what can be refused before the body. */
static void check_head(struct kt_http_exchange *x)
{
	const char *length = kt_request_header(x->request, "content-length");
	const char *target = x->request->target;
	kt_auto_err err = KT_ERR_INIT;
	int64_t n = 0;

	if (x->head_too_large) {
		kt_fail_reason(
		        &err, KT_REASON_BAD_REQUEST, E2BIG, "request header fields too large");
		err.status = 431;
	} else if (!x->request->method || !target || (target[0] != '/' && strcmp(target, "*"))) {
		kt_fail_reason(&err, KT_REASON_BAD_REQUEST, EINVAL, "malformed request target");
	} else if (length &&
	           (kt_sv_int64(kt_sv_of(length), &n) < 0 || n > KT_HTTP_BODY_BYTES_MAX)) {
		kt_fail_reason(&err, KT_REASON_REQUEST_ENTITY_TOO_LARGE, EFBIG,
		        "Request entity too large: limit is %d", KT_HTTP_BODY_BYTES_MAX);
	}
	if (err.code)
		kt_http_exchange_refuse(x, &err);
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct kt_http_exchange *x;

	(void)arg;
	if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
		return 0;
	x = exchange_of(session, frame->hd.stream_id);
	if (!x)
		return 0;
	if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
		check_head(x);
	if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
		kt_http_exchange_start(x);
	return 0;
}

static int on_data_chunk(nghttp2_session *session, uint8_t flags, int32_t stream_id,
        const uint8_t *data, size_t len, void *arg)
{
	struct kt_http_exchange *x = exchange_of(session, stream_id);

	(void)flags;
	(void)arg;
	/* Past the limit the answer is made already and the rest is dropped. The stream is not
	 * reset at once: curl 7.88 would take the reset for the answer. */
	if (!x || kt_http_exchange_body(x, data, len) == 0)
		return 0;
	x->dropped += len;
	if (x->dropped > KT_HTTP_BODY_BYTES_MAX)
		nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream_id, NGHTTP2_NO_ERROR);
	return 0;
}

/* CVE-2025-8671: frames that are wrong for their stream make this side reset it, and the work for
 * it goes on. They cost as much as the resets a client sends, which libnghttp2 counts. */
static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct kt_http_conn *conn = arg;
	struct http2 *h = conn->state;
	int64_t now = kt_loop_now_ns(conn->worker->loop);
	int64_t due = (now - h->reset_ns) / (KT_NS_PER_S / KT_HTTP2_RESET_PER_S);

	(void)session;
	if (frame->hd.type != NGHTTP2_RST_STREAM ||
	        frame->rst_stream.error_code == NGHTTP2_NO_ERROR)
		return 0;
	h->reset_ns += due * (KT_NS_PER_S / KT_HTTP2_RESET_PER_S);
	h->reset_tokens = KT_MIN(h->reset_tokens + due, (int64_t)KT_HTTP2_RESET_BURST) - 1;
	return h->reset_tokens < 0 ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static int on_stream_close(
        nghttp2_session *session, int32_t stream_id, uint32_t error_code, void *arg)
{
	struct kt_http_exchange *x = exchange_of(session, stream_id);

	(void)error_code;
	(void)arg;
	if (x) {
		nghttp2_session_set_stream_user_data(session, stream_id, NULL);
		kt_http_exchange_end(x);
	}
	return 0;
}

static ssize_t send_bytes(
        nghttp2_session *session, const uint8_t *data, size_t len, int flags, void *arg)
{
	struct kt_http_conn *conn = arg;
	size_t n = KT_MIN(len, kt_http_conn_room(conn));

	(void)session;
	(void)flags;
	if (n == 0)
		return NGHTTP2_ERR_WOULDBLOCK;
	kt_http_conn_out(conn, data, n);
	return (ssize_t)n;
}

static int set_up(struct kt_http_conn *conn, struct http2 *h)
{
	nghttp2_session_callbacks *callbacks;
	nghttp2_option *option;
	int r;

	if (nghttp2_session_callbacks_new(&callbacks) != 0)
		return -ENOMEM;
	if (nghttp2_option_new(&option) != 0) {
		nghttp2_session_callbacks_del(callbacks);
		return -ENOMEM;
	}
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
	nghttp2_session_callbacks_set_send_callback(callbacks, send_bytes);
	nghttp2_option_set_max_settings(option, KT_HTTP2_SETTINGS_MAX);
	nghttp2_option_set_stream_reset_rate_limit(
	        option, KT_HTTP2_RESET_BURST, KT_HTTP2_RESET_PER_S);
	nghttp2_option_set_no_closed_streams(
	        option, 1); /* no memory for priorities of streams that have ended */
	r = nghttp2_session_server_new2(&h->session, callbacks, conn, option);
	nghttp2_option_del(option);
	nghttp2_session_callbacks_del(callbacks);
	return r ? -ENOMEM : 0;
}

static int http2_open(struct kt_http_conn *conn)
{
	struct http2 *h = kt_new(struct http2);
	nghttp2_settings_entry settings[] = {
	        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
	                conn->user ? KT_HTTP2_STREAMS_MAX : KT_HTTP2_STREAMS_UNKNOWN_MAX},
	        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, KT_HTTP2_STREAM_WINDOW},
	        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, KT_HTTP_HEAD_BYTES_MAX},
	};

	conn->state = h;
	h->known = conn->user != NULL;
	h->reset_tokens = KT_HTTP2_RESET_BURST;
	h->reset_ns = kt_loop_now_ns(conn->worker->loop);
	if (set_up(conn, h) < 0)
		return -ENOMEM;
	if (nghttp2_submit_settings(
	            h->session, NGHTTP2_FLAG_NONE, settings, KT_ARRAY_SIZE(settings)) != 0 ||
	        nghttp2_session_set_local_window_size(
	                h->session, NGHTTP2_FLAG_NONE, 0, KT_HTTP2_CONNECTION_WINDOW) != 0)
		return -ENOMEM;
	return 0;
}

static void http2_close(struct kt_http_conn *conn)
{
	struct http2 *h = conn->state;

	nghttp2_session_del(h->session);
	free(h);
}

static int http2_input(struct kt_http_conn *conn, const char *data, size_t len)
{
	struct http2 *h = conn->state;
	ssize_t n = nghttp2_session_mem_recv(h->session, (const uint8_t *)data, len);

	if (n >= 0)
		return 0;
	kt_log_debug("http", "%s: %s", conn->remote, nghttp2_strerror((int)n));
	return -EPROTO;
}

static int http2_produce(struct kt_http_conn *conn)
{
	struct http2 *h = conn->state;
	int r = nghttp2_session_send(h->session);

	if (r < 0)
		return -EPROTO;
	if (nghttp2_session_want_write(h->session))
		return 0;
	if (!nghttp2_session_want_read(h->session) || (h->draining && !conn->exchanges))
		conn->finished = true;
	return 0;
}

static ssize_t read_answer(nghttp2_session *session, int32_t stream_id, uint8_t *out, size_t cap,
        uint32_t *flags, nghttp2_data_source *source, void *arg)
{
	struct kt_http_exchange *x = source->ptr;
	ssize_t n = kt_http_exchange_read(x, (char *)out, cap);

	(void)session;
	(void)stream_id;
	(void)arg;
	if (n < 0)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	if (x->ended)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	else if (n == 0)
		return NGHTTP2_ERR_DEFERRED;
	return n;
}

static nghttp2_nv name_value(const char *name, const char *value)
{
	return (nghttp2_nv){
	        .name = (uint8_t *)(uintptr_t)name,
	        .value = (uint8_t *)(uintptr_t)value,
	        .namelen = strlen(name),
	        .valuelen = strlen(value),
	};
}

static void goaway(struct http2 *h)
{
	if (h->draining)
		return;
	h->draining = true;
	nghttp2_submit_goaway(h->session, NGHTTP2_FLAG_NONE,
	        nghttp2_session_get_last_proc_stream_id(h->session), NGHTTP2_NO_ERROR, NULL, 0);
}

/* What an answer says about the client: a known user may open more streams, an unknown one (401)
 * begins anew. */
static void learn(struct http2 *h, const struct kt_request *request)
{
	nghttp2_settings_entry more = {
	        NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, KT_HTTP2_STREAMS_MAX};

	if (request->status == 401) {
		goaway(h);
	} else if (!h->known && request->user && strcmp(request->user->name, "system:anonymous")) {
		h->known = true;
		nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, &more, 1);
	}
}

static void http2_answer(struct kt_http_conn *conn, struct kt_http_exchange *x)
{
	struct http2 *h = conn->state;
	const struct kt_request *request = x->request;
	nghttp2_data_provider provider = {.source.ptr = x, .read_callback = read_answer};
	KT_VEC(nghttp2_nv) nv = {0};
	char status[16];

	snprintf(status, sizeof(status), "%d", request->status);
	kt_vec_push(&nv, name_value(":status", status));
	for (size_t i = 0; i < request->answer_headers.n; i++)
		kt_vec_push(&nv, name_value(request->answer_headers.items[i].name,
		                         request->answer_headers.items[i].value));
	if (nghttp2_submit_response(
	            h->session, x->stream_id, nv.items, nv.n, x->ended ? NULL : &provider) != 0)
		nghttp2_submit_rst_stream(
		        h->session, NGHTTP2_FLAG_NONE, x->stream_id, NGHTTP2_INTERNAL_ERROR);
	kt_vec_finish(&nv);
	learn(h, request);
}

static void http2_wake(struct kt_http_conn *conn, struct kt_http_exchange *x)
{
	struct http2 *h = conn->state;

	/* Not deferred (its window is closed, say): the stream is asked again anyway. */
	if (x->answered && nghttp2_session_resume_data(h->session, x->stream_id) != 0)
		return;
}

static void http2_drain(struct kt_http_conn *conn)
{
	struct http2 *h = conn->state;

	goaway(h);
	for (struct kt_http_exchange *x = conn->exchanges; x; x = x->next) {
		x->cut = true;
		http2_wake(conn, x);
	}
}

static int http2_expire(struct kt_http_conn *conn, struct kt_http_exchange *x)
{
	struct http2 *h = conn->state;

	nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, x->stream_id, NGHTTP2_CANCEL);
	x->received_ns = kt_loop_now_ns(conn->worker->loop);
	kt_http_conn_kick(conn);
	return 0;
}

const struct kt_http_protocol kt_http2_protocol = {
        .open = http2_open,
        .input = http2_input,
        .produce = http2_produce,
        .answer = http2_answer,
        .wake = http2_wake,
        .drain = http2_drain,
        .expire = http2_expire,
        .close = http2_close,
};
