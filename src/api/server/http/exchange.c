/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/http/exchange.h"

#include "api/server/limits.h"
#include "api/status.h"
#include "base/log.h"
#include "base/time.h"

#include <errno.h>
#include <strings.h>
#include <time.h>

static void release(struct kt_http_exchange *x)
{
	struct kt_http_worker *worker = x->worker;

	kt_assert(!x->conn && !x->in_pipeline);
	atomic_fetch_sub(&worker->shared->body_bytes, x->budgeted);
	kt_request_destroy(x->request); /* closes the stream: no wake-up is posted from here on */
	kt_buf_unref(x->piece);
	kt_str_finish(&x->body);
	if (x->z) {
		deflateEnd(x->z);
		free(x->z);
	}
	x->released = true;
	worker->n_exchanges--;
	if (!atomic_load(&x->wake.queued))
		free(x);
	if (worker->draining)
		worker->on_change(worker);
}

static void on_wake(struct kt_task *task)
{
	struct kt_http_exchange *x = kt_container_of(task, struct kt_http_exchange, wake);

	if (x->released) {
		free(x);
	} else if (x->conn) {
		x->conn->protocol->wake(x->conn, x);
		kt_http_conn_kick(x->conn);
	}
}

struct kt_http_exchange *kt_http_exchange_begin(struct kt_http_conn *conn)
{
	struct kt_http_exchange *x = kt_new(struct kt_http_exchange);

	x->conn = conn;
	x->worker = conn->worker;
	x->worker->n_exchanges++;
	x->next = conn->exchanges;
	if (x->next)
		x->next->prev = x;
	conn->exchanges = x;
	conn->n_exchanges++;
	conn->n_receiving++;
	x->request = kt_request_create(conn->worker->shared->server, conn->worker->loop);
	x->request->arg = x;
	x->request->user = kt_user_ref(conn->user);
	x->request->remote_address = kt_strdup(conn->remote);
	x->received_ns = kt_loop_now_ns(conn->worker->loop);
	kt_task_init(&x->wake, on_wake);
	return x;
}

static void set_complete(struct kt_http_exchange *x)
{
	if (!x->started)
		x->conn->n_receiving--;
	x->started = true;
}

int kt_http_exchange_body(struct kt_http_exchange *x, const void *data, size_t len)
{
	kt_auto_err err = KT_ERR_INIT;

	if (x->started)
		return -EFBIG;
	x->received_ns = kt_loop_now_ns(x->worker->loop);
	if (x->body.len + len > KT_HTTP_BODY_BYTES_MAX) {
		kt_fail_reason(&err, KT_REASON_REQUEST_ENTITY_TOO_LARGE, EFBIG,
		        "Request entity too large: limit is %d", KT_HTTP_BODY_BYTES_MAX);
	} else if (atomic_fetch_add(&x->worker->shared->body_bytes, len) + len >
	           KT_HTTP_BODIES_BYTES_MAX) {
		x->budgeted += len;
		kt_fail_reason(&err, KT_REASON_TOO_MANY_REQUESTS, EAGAIN,
		        "The server has received too many requests and has asked us to try again "
		        "later");
		err.retry_after_s = 1;
	} else {
		x->budgeted += len;
		kt_str_add(&x->body, data, len);
		return 0;
	}
	kt_http_exchange_refuse(x, &err);
	return -EFBIG;
}

static bool accepts_gzip(const struct kt_request *request)
{
	const char *header = kt_request_header(request, "accept-encoding");
	struct kt_sv rest = kt_sv_of(header), coding;

	while (header && kt_sv_split(&rest, ',', &coding)) {
		coding = kt_sv_trim(coding);
		if (coding.len == 4 && !strncasecmp(coding.p, "gzip", 4))
			return true;
	}
	return false;
}

static bool has_answer_header(const struct kt_request *request, const char *lower_name)
{
	for (size_t i = 0; i < request->answer_headers.n; i++)
		if (!strcmp(request->answer_headers.items[i].name, lower_name))
			return true;
	return false;
}

static void begin_gzip(struct kt_http_exchange *x)
{
	enum { GZIP_FORMAT = 16 };

	x->z = kt_new(z_stream);
	if (deflateInit2(x->z, KT_HTTP_GZIP_LEVEL, Z_DEFLATED, MAX_WBITS + GZIP_FORMAT, 8,
	            Z_DEFAULT_STRATEGY) != Z_OK) {
		free(x->z);
		x->z = NULL;
		return;
	}
	x->gzip = true;
	kt_request_answer_header(x->request, "content-encoding", "gzip");
	kt_request_answer_header(x->request, "vary", "Accept-Encoding");
}

/* RFC 9110's IMF-fixdate, made anew once a second. */
static const char *date_text(struct kt_http_worker *worker)
{
	time_t now = (time_t)(kt_loop_wall_ns(worker->loop) / KT_NS_PER_S);

	if (now != worker->date_s) {
		static const char days[] = "SunMonTueWedThuFriSat",
		                  months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
		struct tm tm;

		gmtime_r(&now, &tm);
		snprintf(worker->date, sizeof(worker->date),
		        "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", days + 3 * tm.tm_wday,
		        tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour,
		        tm.tm_min, tm.tm_sec);
		worker->date_s = now;
	}
	return worker->date;
}

static void add_standard_headers(struct kt_http_exchange *x)
{
	struct kt_request *request = x->request;

	if (!has_answer_header(request, "audit-id")) {
		char uuid[37];

		kt_loop_random_uuid(x->worker->loop, uuid);
		kt_request_answer_header(request, "audit-id", uuid);
	}
	kt_request_answer_header(request, "date", date_text(x->worker));
	if (x->body_len >= 0 && !has_answer_header(request, "content-length")) {
		char text[24];

		snprintf(text, sizeof(text), "%lld", (long long)x->body_len);
		kt_request_answer_header(request, "content-length", text);
	}
}

/* The answer is there: decide how its body goes out, and tell the protocol. */
static void set_answer(struct kt_http_exchange *x)
{
	struct kt_request *request = x->request;
	bool bodyless = request->status == 204 || request->status == 304 || request->status < 200;

	x->answered = true;
	x->no_body = bodyless || (request->method && !strcmp(request->method, "HEAD"));
	x->body_len = request->stream ? -1 : (int64_t)request->answer_len;
	if (request->stream) {
		request->stream->loop = x->worker->loop;
		request->stream->wake = &x->wake;
	} else if (request->answer_len > KT_HTTP_GZIP_BYTES_MIN && accepts_gzip(request) &&
	           !has_answer_header(request, "content-encoding") && !x->no_body) {
		begin_gzip(x);
	}
	if (x->gzip || bodyless)
		x->body_len = -1;
	add_standard_headers(x);
	if (x->no_body)
		x->ended = true;
	x->conn->protocol->answer(x->conn, x);
	kt_http_conn_kick(x->conn);
}

static void on_done(struct kt_request *request)
{
	struct kt_http_exchange *x = request->arg;

	kt_assert(x->in_pipeline);
	x->in_pipeline = false;
	if (x->conn)
		set_answer(x);
	else
		release(x);
}

void kt_http_exchange_refuse(struct kt_http_exchange *x, struct kt_err *err)
{
	kt_auto_str text = KT_STR_INIT;
	kt_auto_json json_t *status = kt_status_of_err(err, NULL);
	struct kt_request *request = x->request;

	kt_assert(!x->in_pipeline && !x->answered);
	set_complete(x);
	kt_json_write(&text, status, KT_JSON_SORT);
	kt_str_putc(&text, '\n');
	request->status = kt_err_http_status(err);
	kt_request_answer_header(request, "cache-control", "no-cache, private");
	kt_request_answer_header(request, "content-type", "application/json");
	if (err->retry_after_s) {
		char seconds[16];

		snprintf(seconds, sizeof(seconds), "%d", err->retry_after_s);
		kt_request_answer_header(request, "retry-after", seconds);
	}
	kt_request_answer_add(request, kt_buf_from_str(&text));
	set_answer(x);
}

void kt_http_exchange_start(struct kt_http_exchange *x)
{
	x->complete = true;
	if (x->started)
		return;
	if (x->conn->bad_certificate && !kt_request_header(x->request, "authorization")) {
		kt_auto_err err = KT_ERR_INIT;

		kt_fail_reason(&err, KT_REASON_UNAUTHORIZED, EACCES, "Unauthorized");
		kt_http_exchange_refuse(x, &err);
		return;
	}
	set_complete(x);
	x->conn->active_ns = kt_loop_now_ns(x->worker->loop);
	if (x->body.len)
		x->request->body = kt_buf_from_str(&x->body);
	x->request->done = on_done;
	x->in_pipeline = true;
	kt_server_handle(x->request);
}

/* 1: x->piece holds bytes, 0: nothing now, -ENODATA: the end, else broken. */
static int next_piece(struct kt_http_exchange *x)
{
	struct kt_request *request = x->request;

	while (!x->piece || x->piece_off == x->piece->len) {
		kt_buf_unref(x->piece);
		x->piece = NULL;
		x->piece_off = 0;
		if (request->stream && x->cut)
			return -ENODATA;
		if (request->stream) {
			int r = request->stream->pull(request->stream, &x->piece);

			if (r <= 0)
				return r;
		} else if (x->segment < request->answer.n) {
			x->piece = kt_steal(&request->answer.items[x->segment]);
			x->segment++;
		} else {
			return -ENODATA;
		}
	}
	return 1;
}

static ssize_t read_plain(struct kt_http_exchange *x, char *out, size_t cap)
{
	size_t n = 0;

	while (n < cap) {
		int r = next_piece(x);
		size_t len;

		if (r == -ENODATA)
			x->ended = true;
		else if (r < 0)
			return r;
		if (r <= 0)
			break;
		len = KT_MIN(cap - n, x->piece->len - x->piece_off);
		memcpy(out + n, x->piece->data + x->piece_off, len);
		x->piece_off += len;
		n += len;
	}
	return (ssize_t)n;
}

static ssize_t read_gzip(struct kt_http_exchange *x, char *out, size_t cap)
{
	int r;

	x->z->next_out = (Bytef *)out;
	x->z->avail_out = (uInt)cap;
	while (x->z->avail_out) {
		int more = next_piece(x);

		if (more < 0 && more != -ENODATA)
			return more;
		if (more > 0) {
			x->z->next_in = (Bytef *)x->piece->data + x->piece_off;
			x->z->avail_in = (uInt)(x->piece->len - x->piece_off);
		}
		r = deflate(x->z, more > 0 ? Z_NO_FLUSH : Z_FINISH);
		if (more > 0)
			x->piece_off = x->piece->len - x->z->avail_in;
		if (r == Z_STREAM_END) {
			x->ended = true;
			break;
		}
		if (r != Z_OK && r != Z_BUF_ERROR)
			return -EIO;
	}
	return (ssize_t)(cap - x->z->avail_out);
}

ssize_t kt_http_exchange_read(struct kt_http_exchange *x, char *out, size_t cap)
{
	kt_assert(x->answered);
	if (x->ended)
		return 0;
	return x->gzip ? read_gzip(x, out, cap) : read_plain(x, out, cap);
}

void kt_http_exchange_end(struct kt_http_exchange *x)
{
	struct kt_http_conn *conn = x->conn;

	kt_assert(conn);
	set_complete(x);
	if (x->prev)
		x->prev->next = x->next;
	else
		conn->exchanges = x->next;
	if (x->next)
		x->next->prev = x->prev;
	conn->n_exchanges--;
	if (conn->n_exchanges == 0)
		conn->active_ns = kt_loop_now_ns(x->worker->loop);
	x->conn = NULL;
	if (x->in_pipeline)
		kt_request_abort(x->request); /* done() follows, and releases it */
	else
		release(x);
}
