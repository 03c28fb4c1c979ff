/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One request and its answer on a connection, whatever the HTTP version: collects the body, hands
 * the request to the pipeline, and gives the answer's bytes to the connection as it has room for
 * them (segments, a stream that is pulled, gzip on the way).
 *
 * Life: begin (by the protocol) -> start (the request is complete) -> answer (the pipeline's done)
 * -> read until the end -> end. The client may go away at any point: detach. The exchange frees
 * itself once neither the connection, nor the pipeline, nor a posted wake-up knows it any more.
 * Everything on the connection's loop.
 */
#ifndef KT_API_SERVER_HTTP_EXCHANGE_H
#define KT_API_SERVER_HTTP_EXCHANGE_H

#include "api/server/http/connection.h"
#include "api/server/request.h"

#include <zlib.h>

struct kt_http_exchange {
	struct kt_http_conn *conn; /* NULL: the client went away */
	struct kt_http_worker *worker;
	struct kt_http_exchange *prev, *next; /* of the connection */
	struct kt_request *request;
	int32_t stream_id; /* HTTP/2 */

	struct kt_str body; /* received so far */
	size_t head_bytes;
	int64_t received_ns; /* loop time of the last byte of the request */
	size_t dropped;      /* bytes of a body that is too large */
	size_t budgeted;     /* bytes counted in the server's budget */

	bool complete; /* the request's last byte came */
	bool head_too_large;
	bool started; /* the pipeline has it, or an error answer was made */
	bool in_pipeline;
	bool answered;
	bool ended;    /* the answer's last byte was read */
	bool no_body;  /* HEAD, 204, 304 */
	bool cut;      /* the server is stopping: the stream ends with this piece */
	bool released; /* only the posted wake-up still knows it */
	bool gzip;
	z_stream *z;
	size_t segment;       /* of the answer */
	struct kt_buf *piece; /* being read; NULL: take the next */
	size_t piece_off;
	int64_t body_len; /* -1: not known beforehand */

	struct kt_task wake;
};

struct kt_http_exchange *kt_http_exchange_begin(struct kt_http_conn *conn);
/* 0; -EFBIG past the limits: the exchange then has its error answer, and the rest of the body is to
 * be dropped. */
int kt_http_exchange_body(struct kt_http_exchange *exchange, const void *data, size_t len);
/* The request is complete. May call the protocol's answer hook before it returns. */
void kt_http_exchange_start(struct kt_http_exchange *exchange);
/* Answers with a Status instead of asking the pipeline. */
void kt_http_exchange_refuse(struct kt_http_exchange *exchange, struct kt_err *err);
/* Up to cap bytes of the answer's body. > 0: bytes; 0 with !ended: nothing now, the protocol's wake
 * hook will be called; negative: the stream broke. */
ssize_t kt_http_exchange_read(struct kt_http_exchange *exchange, char *out, size_t cap);
/* The connection lets go of it, answered or not; it must not be used any more. */
void kt_http_exchange_end(struct kt_http_exchange *exchange);

#endif
