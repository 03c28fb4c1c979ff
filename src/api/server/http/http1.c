/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * HTTP/1.1 on a connection: one request at a time, later ones wait in order (pipelining), answers
 * with Content-Length or in chunks.
 */
#include "api/server/http/exchange.h"
#include "api/server/http/http1_parser.h"
#include "api/server/limits.h"
#include "api/status.h"
#include "base/log.h"

#include <errno.h>

struct http1 {
	struct kt_http1_parser parser;
	struct kt_str pending; /* input not parsed yet */
	struct kt_http_exchange *current;
	struct kt_str head; /* of the answer, or "100 Continue"; being sent */
	size_t head_off;
	bool head_made;
	bool chunked; /* the answer */
	bool close;   /* after this answer */
	bool draining;
};

static const char *reason_phrase(int status)
{
	static const struct {
		int status;
		const char *phrase;
	} phrases[] = {
	        {200, "OK"},
	        {201, "Created"},
	        {202, "Accepted"},
	        {204, "No Content"},
	        {301, "Moved Permanently"},
	        {304, "Not Modified"},
	        {400, "Bad Request"},
	        {401, "Unauthorized"},
	        {403, "Forbidden"},
	        {404, "Not Found"},
	        {405, "Method Not Allowed"},
	        {406, "Not Acceptable"},
	        {409, "Conflict"},
	        {410, "Gone"},
	        {413, "Request Entity Too Large"},
	        {415, "Unsupported Media Type"},
	        {417, "Expectation Failed"},
	        {422, "Unprocessable Entity"},
	        {429, "Too Many Requests"},
	        {431, "Request Header Fields Too Large"},
	        {500, "Internal Server Error"},
	        {501, "Not Implemented"},
	        {503, "Service Unavailable"},
	        {504, "Gateway Timeout"},
	        {505, "HTTP Version Not Supported"},
	};

	for (size_t i = 0; i < KT_ARRAY_SIZE(phrases); i++)
		if (phrases[i].status == status)
			return phrases[i].phrase;
	return "Unknown";
}

static int http1_open(struct kt_http_conn *conn)
{
	struct http1 *h = kt_new(struct http1);

	kt_http1_parser_init(&h->parser);
	conn->state = h;
	return 0;
}

static void http1_close(struct kt_http_conn *conn)
{
	struct http1 *h = conn->state;

	kt_http1_parser_finish(&h->parser);
	kt_str_finish(&h->pending);
	kt_str_finish(&h->head);
	free(h);
}

/* The head is there: it becomes the request's. */
static void take_head(struct http1 *h)
{
	struct kt_request *request = h->current->request;
	const struct kt_http1_parser *p = &h->parser;

	request->method = kt_sv_dup(p->method);
	request->target = kt_sv_dup(p->target);
	for (size_t i = 0; i < p->fields.n; i++) {
		struct kt_http1_field field = p->fields.items[i];

		/* The authority of an absolute target counts, not the Host field (RFC 9112
		 * section 3.2.2). */
		if (p->host.len && kt_sv_is(field.name, "host"))
			field.value = p->host;
		struct kt_arena *arena = &request->arena;
		struct kt_header header = {
		        kt_arena_strndup(arena, field.name.p, field.name.len),
		        kt_arena_strndup(arena, field.value.p, field.value.len),
		};

		kt_vec_push(&request->headers, header);
	}
	h->close = !p->keep_alive || h->draining;
	if (p->content_length > KT_HTTP_BODY_BYTES_MAX) {
		kt_auto_err err = KT_ERR_INIT;

		kt_fail_reason(&err, KT_REASON_REQUEST_ENTITY_TOO_LARGE, EFBIG,
		        "Request entity too large: limit is %d", KT_HTTP_BODY_BYTES_MAX);
		h->close = true;
		kt_http_exchange_refuse(h->current, &err);
	} else if (p->expect_continue && p->is_11 && (p->chunked || p->content_length > 0)) {
		kt_str_puts(&h->head, "HTTP/1.1 100 Continue\r\n\r\n");
	}
}

/* Parses what is pending until a request is with the pipeline, or the input is used up. */
static void parse(struct kt_http_conn *conn)
{
	struct http1 *h = conn->state;
	size_t used = 0;
	bool more = true;

	while (more && !conn->finished &&
	        (h->current ? !h->current->started : used < h->pending.len)) {
		kt_auto_err err = KT_ERR_INIT;
		struct kt_sv piece, rest = {h->pending.data + used, h->pending.len - used};
		size_t n;

		if (!h->current)
			h->current = kt_http_exchange_begin(conn);
		switch (kt_http1_parser_next(&h->parser, rest, &n, &piece, &err)) {
		case KT_HTTP1_MORE:
			more = false;
			break;
		case KT_HTTP1_HEAD:
			take_head(h);
			break;
		case KT_HTTP1_BODY:
			if (kt_http_exchange_body(h->current, piece.p, piece.len) < 0)
				h->close = true;
			break;
		case KT_HTTP1_DONE:
			kt_http_exchange_start(h->current);
			break;
		case KT_HTTP1_ERROR:
			h->close = true;
			kt_http_exchange_refuse(h->current, &err);
			break;
		}
		used += n;
	}
	if (used == 0)
		return;
	memmove(h->pending.data, h->pending.data + used, h->pending.len - used);
	kt_str_truncate(&h->pending, h->pending.len - used);
}

static int http1_input(struct kt_http_conn *conn, const char *data, size_t len)
{
	struct http1 *h = conn->state;

	if (conn->finished || (h->close && h->current && h->current->started))
		return 0; /* nothing after this answer will be looked at */
	kt_str_add(&h->pending, data, len);
	parse(conn);
	conn->hold_input = h->pending.len > KT_HTTP1_PIPELINE_BYTES_MAX;
	return 0;
}

static void make_head(struct http1 *h)
{
	struct kt_http_exchange *x = h->current;
	const struct kt_request *request = x->request;

	h->chunked = x->body_len < 0 && !x->no_body && h->parser.is_11;
	if (x->body_len < 0 && !x->no_body && !h->chunked)
		h->close = true; /* HTTP/1.0 reads to the end of the connection */
	kt_str_printf(
	        &h->head, "HTTP/1.1 %d %s\r\n", request->status, reason_phrase(request->status));
	for (size_t i = 0; i < request->answer_headers.n; i++)
		kt_str_printf(&h->head, "%s: %s\r\n", request->answer_headers.items[i].name,
		        request->answer_headers.items[i].value);
	if (h->chunked)
		kt_str_puts(&h->head, "transfer-encoding: chunked\r\n");
	if (h->close || h->draining)
		kt_str_puts(&h->head, "connection: close\r\n");
	kt_str_puts(&h->head, "\r\n");
	h->head_made = true;
}

/* The answer is out; the next request may have waited for it. */
static void end_answer(struct kt_http_conn *conn)
{
	struct http1 *h = conn->state;

	kt_http_exchange_end(h->current);
	h->current = NULL;
	h->head_made = false;
	if (h->close || h->draining) {
		conn->finished = true;
		return;
	}
	parse(conn);
	if (conn->hold_input && h->pending.len <= KT_HTTP1_PIPELINE_BYTES_MAX) {
		conn->hold_input = false;
		conn->more_input = true;
		kt_http_conn_kick(conn);
	}
}

/* Some of the body. 1: go on, 0: wait for room or for the stream, negative: close. */
static int produce_body(struct kt_http_conn *conn)
{
	enum {
		CHUNK_HEAD = 6,
		CHUNK_TAIL = 2,
		LAST_CHUNK = 5
	}; /* "3fff\r\n", "\r\n", "0\r\n\r\n" */
	struct http1 *h = conn->state;
	struct kt_http_exchange *x = h->current;
	size_t room = kt_http_conn_room(conn),
	       extra = h->chunked ? CHUNK_HEAD + CHUNK_TAIL + LAST_CHUNK : 0;
	char *at = conn->out + conn->out_len + (h->chunked ? CHUNK_HEAD : 0);
	ssize_t n;

	if (room < extra + 64)
		return 0;
	n = kt_http_exchange_read(x, at, KT_MIN(room - extra, (size_t)KT_HTTP_TLS_RECORD));
	if (n < 0)
		return -EPIPE;
	if (n > 0 && h->chunked) {
		char size[CHUNK_HEAD + 8];

		snprintf(size, sizeof(size), "%04x\r\n", (unsigned)n & 0xffff);
		memcpy(conn->out + conn->out_len, size, CHUNK_HEAD);
		memcpy(at + n, "\r\n", CHUNK_TAIL);
		conn->out_len += CHUNK_HEAD + CHUNK_TAIL;
	}
	conn->out_len += (size_t)n;
	if (x->ended && h->chunked)
		kt_http_conn_out(conn, "0\r\n\r\n", LAST_CHUNK);
	return n > 0 || x->ended;
}

static int http1_produce(struct kt_http_conn *conn)
{
	struct http1 *h = conn->state;
	int r = 1;

	while (r > 0) {
		size_t n = KT_MIN(h->head.len - h->head_off, kt_http_conn_room(conn));

		if (n) {
			kt_http_conn_out(conn, h->head.data + h->head_off, n);
			h->head_off += n;
		}
		if (h->head_off < h->head.len)
			return 0;
		kt_str_clear(&h->head);
		h->head_off = 0;
		if (!h->current || !h->current->answered) {
			if (h->draining && !h->current)
				conn->finished = true;
			return 0;
		}
		if (!h->head_made)
			make_head(h);
		else if (h->current->ended)
			end_answer(conn);
		else
			r = produce_body(conn);
	}
	return r;
}

static void http1_answer(struct kt_http_conn *conn, struct kt_http_exchange *x)
{
	(void)x;
	kt_assert(((struct http1 *)conn->state)->current == x);
}

static void http1_wake(struct kt_http_conn *conn, struct kt_http_exchange *x)
{
	(void)conn;
	(void)x;
}

static void http1_drain(struct kt_http_conn *conn)
{
	struct http1 *h = conn->state;

	h->draining = true;
	if (h->current)
		h->current->cut = true;
	if (h->current && !h->current->started) {
		kt_http_exchange_end(h->current); /* a request still arriving is not begun */
		h->current = NULL;
	}
}

static int http1_expire(struct kt_http_conn *conn, struct kt_http_exchange *x)
{
	(void)conn;
	(void)x;
	return -ETIMEDOUT;
}

const struct kt_http_protocol kt_http1_protocol = {
        .open = http1_open,
        .input = http1_input,
        .produce = http1_produce,
        .answer = http1_answer,
        .wake = http1_wake,
        .drain = http1_drain,
        .expire = http1_expire,
        .close = http1_close,
};
