/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/http/connection.h"

#include "api/server/http/exchange.h"
#include "api/server/limits.h"
#include "base/log.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define RAW_MAX (KT_HTTP_TLS_RECORD + 1024) /* a TLS record and its frame */

void kt_http_conn_out(struct kt_http_conn *conn, const void *data, size_t len)
{
	kt_assert(len <= kt_http_conn_room(conn));
	memcpy(conn->out + conn->out_len, data, len);
	conn->out_len += len;
}

void kt_http_conn_kick(struct kt_http_conn *conn)
{
	if (!conn->closed)
		kt_loop_post(conn->worker->loop, &conn->again);
}

/* Reads ciphertext in large pieces: GnuTLS alone would ask the kernel twice per record. */
static ssize_t pull(gnutls_transport_ptr_t ptr, void *data, size_t len)
{
	struct kt_http_conn *conn = ptr;

	if (conn->raw_off == conn->raw_len) {
		ssize_t n;

		if (!conn->raw)
			conn->raw = kt_alloc(RAW_MAX);
		n = recv(conn->fd, conn->raw, RAW_MAX, 0);

		if (n <= 0) {
			gnutls_transport_set_errno(conn->tls, n < 0 ? errno : 0);
			return n;
		}
		if (conn->phase == KT_HTTP_HANDSHAKE && conn->active_ns == 0) {
			conn->active_ns = kt_loop_now_ns(conn->worker->loop);
			conn->plain_http = conn->raw[0] >= 'A' && conn->raw[0] <= 'Z';
		}
		conn->raw_off = 0;
		conn->raw_len = (size_t)n;
	}
	len = KT_MIN(len, conn->raw_len - conn->raw_off);
	memcpy(data, conn->raw + conn->raw_off, len);
	conn->raw_off += len;
	return (ssize_t)len;
}

static void set_timer(struct kt_http_conn *conn)
{
	int64_t now = kt_loop_now_ns(conn->worker->loop), due;

	if (conn->phase == KT_HTTP_HANDSHAKE || conn->phase == KT_HTTP_LINGER)
		return;
	/* Answers under way may take as long as they like: watches do. Only what is still arriving
	 * has a limit. */
	if (conn->n_exchanges && !conn->n_receiving) {
		kt_timer_cancel(&conn->timer);
		return;
	}
	due = now + (conn->n_receiving ? KT_HTTP_RECEIVE_MS : KT_HTTP_IDLE_MS) * KT_NS_PER_MS;
	if (!kt_timer_is_set(&conn->timer) || conn->timer.due_ns > due)
		kt_timer_set(&conn->timer, due);
}

static void update_io(struct kt_http_conn *conn)
{
	uint32_t events = EPOLLRDHUP;

	if (!conn->hold_input)
		events |= EPOLLIN;
	if (conn->out_len > conn->out_off || conn->out_retry)
		events |= EPOLLOUT;
	if (conn->phase == KT_HTTP_HANDSHAKE)
		events = gnutls_record_get_direction(conn->tls) ? EPOLLOUT : EPOLLIN;
	if (events != conn->io.events)
		kt_io_modify(&conn->io, events, NULL);
}

static void begin_linger(struct kt_http_conn *conn)
{
	gnutls_bye(conn->tls, GNUTLS_SHUT_WR);
	shutdown(conn->fd, SHUT_WR);
	conn->phase = KT_HTTP_LINGER;
	conn->hold_input = false;
	conn->active_ns = kt_loop_now_ns(conn->worker->loop);
	kt_timer_set_after_ms(&conn->timer, KT_HTTP_LINGER_MS);
}

static void go_on_lingering(struct kt_http_conn *conn)
{
	int64_t now = kt_loop_now_ns(conn->worker->loop),
	        end = conn->active_ns + KT_HTTP_LINGER_MAX_MS * KT_NS_PER_MS;

	kt_timer_set(&conn->timer, KT_MIN(now + KT_HTTP_LINGER_MS * KT_NS_PER_MS, end));
}

/* Sends what is in the buffer. 1: all gone, 0: the kernel has no room, negative: broken. */
static int send_out(struct kt_http_conn *conn)
{
	while (conn->out_off < conn->out_len) {
		size_t len = conn->out_retry ? conn->out_retry
		                             : KT_MIN(conn->out_len - conn->out_off,
		                                       (size_t)KT_HTTP_TLS_RECORD);
		ssize_t n = conn->out_retry
		                    ? gnutls_record_send(conn->tls, NULL, 0)
		                    : gnutls_record_send(conn->tls, conn->out + conn->out_off, len);

		if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED) {
			conn->out_retry = len;
			if (n == GNUTLS_E_AGAIN)
				return 0;
			continue;
		}
		if (n < 0)
			return -EPIPE;
		conn->out_retry = 0;
		conn->out_off += (size_t)n;
	}
	return 1;
}

/* Asks the protocol for bytes and sends them, until it has none or the kernel takes none. */
static int pump(struct kt_http_conn *conn)
{
	for (;;) {
		int r;

		if (!conn->out)
			conn->out = kt_alloc(KT_HTTP_OUT_MAX);
		r = send_out(conn);
		if (r <= 0)
			return r;
		conn->out_off = conn->out_len = 0;
		r = conn->protocol->produce(conn);
		if (r < 0)
			return r;
		if (conn->out_len == 0)
			break;
	}
	free(conn->out);
	conn->out = NULL;
	if (conn->finished)
		begin_linger(conn);
	return 0;
}

/* Reads and drops what a peer still sends, so that closing does not reset the connection under our
 * last answer. */
static int drop_input(struct kt_http_conn *conn)
{
	char scrap[4096];

	for (int i = 0; i < KT_HTTP_READS_PER_TURN; i++) {
		ssize_t n = recv(conn->fd, scrap, sizeof(scrap), 0);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n <= 0)
			return -EPIPE;
		if (i == 0)
			go_on_lingering(conn);
	}
	return 0;
}

static int read_input(struct kt_http_conn *conn)
{
	char plain[KT_HTTP_TLS_RECORD];

	conn->more_input = false;
	if (conn->phase == KT_HTTP_LINGER)
		return drop_input(conn);
	for (int i = 0; i < KT_HTTP_READS_PER_TURN && !conn->hold_input; i++) {
		ssize_t n = gnutls_record_recv(conn->tls, plain, sizeof(plain));
		int r;

		if (n == GNUTLS_E_AGAIN)
			return 0;
		if (n == GNUTLS_E_INTERRUPTED || n == GNUTLS_E_WARNING_ALERT_RECEIVED)
			continue;
		if (n <= 0)
			return -EPIPE; /* also a half-closed peer: like Go's server, we take it as
			                  gone */
		conn->active_ns = kt_loop_now_ns(conn->worker->loop);
		r = conn->protocol->input(conn, plain, (size_t)n);
		if (r < 0)
			return r;
	}
	/* More is waiting inside GnuTLS or our buffer, where epoll cannot see it. */
	if (!conn->hold_input) {
		conn->more_input = true;
		kt_http_conn_kick(conn);
	}
	return 0;
}

static int tune_socket(int fd)
{
	int one = 1, idle = KT_HTTP_TCP_KEEPALIVE_S, user = KT_HTTP_TCP_USER_TIMEOUT_MS;

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0 ||
	        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one)) < 0 ||
	        setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle)) < 0 ||
	        setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user, sizeof(user)) < 0)
		return -errno;
	return 0;
}

/* A browser or curl http:// on this port deserves words, the same that Go's server says. */
static void explain_plain_http(struct kt_http_conn *conn)
{
	static const char text[] =
	        "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

	if (send(conn->fd, text, sizeof(text) - 1, MSG_NOSIGNAL) < 0)
		kt_log_debug("http", "%s: %s", conn->remote, strerror(errno));
}

static int shake_hands(struct kt_http_conn *conn)
{
	int r;

	do {
		r = gnutls_handshake(conn->tls);
	} while (r < 0 && r != GNUTLS_E_AGAIN && !gnutls_error_is_fatal(r));
	if (r == GNUTLS_E_AGAIN)
		return 0;
	if (r < 0) {
		kt_log_debug("http", "TLS handshake error from %s: %s", conn->remote,
		        gnutls_strerror(r));
		if (conn->plain_http)
			explain_plain_http(conn);
		return -EPROTO;
	}
	kt_timer_cancel(&conn->timer);
	kt_http_tls_identify(conn);
	conn->phase = KT_HTTP_OPEN;
	conn->active_ns = kt_loop_now_ns(conn->worker->loop);
	conn->protocol = kt_http_tls_protocol(conn->tls);
	r = conn->protocol->open(conn);
	if (r < 0)
		return r;
	if (conn->worker->draining)
		conn->protocol->drain(conn);
	set_timer(conn);
	return 1;
}

/* Everything a connection does on its turn. */
static void turn(struct kt_http_conn *conn, bool readable)
{
	int r = 1;

	if (conn->phase == KT_HTTP_HANDSHAKE) {
		r = shake_hands(conn);
		readable = true;
	}
	if (r > 0 && readable)
		r = read_input(conn);
	if (r >= 0 && conn->phase == KT_HTTP_OPEN)
		r = pump(conn);
	if (r < 0) {
		kt_http_conn_close(conn);
		return;
	}
	/* Most connections wait most of the time: they keep no buffers. */
	if (conn->raw && conn->raw_off == conn->raw_len) {
		free(conn->raw);
		conn->raw = NULL;
		conn->raw_off = conn->raw_len = 0;
	}
	set_timer(conn);
	update_io(conn);
}

static void on_io(struct kt_io *io, uint32_t events)
{
	struct kt_http_conn *conn = kt_container_of(io, struct kt_http_conn, io);

	/* RDHUP comes with data still to read; only an error or both sides shut ends it here. */
	if ((events & (EPOLLERR | EPOLLHUP)) || ((events & EPOLLRDHUP) && conn->hold_input)) {
		kt_http_conn_close(conn);
		return;
	}
	turn(conn, (events & (EPOLLIN | EPOLLRDHUP)) != 0);
}

static void on_again(struct kt_task *task)
{
	struct kt_http_conn *conn = kt_container_of(task, struct kt_http_conn, again);

	if (conn->closed)
		free(conn);
	else
		turn(conn, conn->more_input);
}

static void on_timer(struct kt_timer *timer)
{
	struct kt_http_conn *conn = kt_container_of(timer, struct kt_http_conn, timer);
	int64_t now = kt_loop_now_ns(conn->worker->loop);

	if (conn->phase != KT_HTTP_OPEN) {
		kt_http_conn_close(conn);
		return;
	}
	if (conn->n_exchanges == 0 && now - conn->active_ns >= KT_HTTP_IDLE_MS * KT_NS_PER_MS) {
		conn->protocol->drain(conn);
		kt_http_conn_kick(conn);
	}
	for (struct kt_http_exchange *x = conn->exchanges, *next; x; x = next) {
		next = x->next;
		if (x->started || now - x->received_ns < KT_HTTP_RECEIVE_MS * KT_NS_PER_MS)
			continue;
		if (conn->protocol->expire(conn, x) < 0) {
			kt_http_conn_close(conn);
			return;
		}
	}
	set_timer(conn);
}

/* Every place is taken: of those that nobody would miss the oldest gives up its own. It has shown
 * no name and waits for nothing: it has not said hello, has sent half a request, or is idle. False:
 * there is none. */
static bool make_place(struct kt_http_conn *newcomer)
{
	struct kt_http_conn *oldest = NULL;

	for (struct kt_http_conn *conn = newcomer->next; conn; conn = conn->next)
		if (!conn->user && conn->n_exchanges == conn->n_receiving)
			oldest = conn;
	if (!oldest)
		return false;
	kt_log_debug("http", "%s makes place for %s", oldest->remote, newcomer->remote);
	kt_http_conn_close(oldest);
	return true;
}

/* On the worker's loop: the connection begins to live. */
static void on_start(struct kt_task *task)
{
	struct kt_http_conn *conn = kt_container_of(task, struct kt_http_conn, start);
	struct kt_http_worker *worker = conn->worker;

	conn->next = worker->conns;
	if (conn->next)
		conn->next->prev = conn;
	worker->conns = conn;
	kt_timer_init(&conn->timer, worker->loop, on_timer);
	if (atomic_load(&worker->shared->n_conns) > KT_HTTP_CONNECTIONS_MAX && !make_place(conn)) {
		kt_http_conn_close(conn);
		return;
	}
	if (worker->draining || tune_socket(conn->fd) < 0 ||
	        kt_http_tls_session(conn, &conn->tls) < 0) {
		kt_http_conn_close(conn);
		return;
	}
	gnutls_transport_set_ptr2(conn->tls, conn, (gnutls_transport_ptr_t)(intptr_t)conn->fd);
	gnutls_transport_set_pull_function(conn->tls, pull);
	conn->io.fn = on_io;
	if (kt_io_add(&conn->io, worker->loop, conn->fd, EPOLLIN, NULL) < 0) {
		kt_http_conn_close(conn);
		return;
	}
	conn->io_added = true;
	kt_timer_set_after_ms(&conn->timer, KT_HTTP_HANDSHAKE_MS);
}

void kt_http_conn_open(struct kt_http_worker *worker, int fd, const char *remote)
{
	struct kt_http_conn *conn = kt_new(struct kt_http_conn);

	conn->worker = worker;
	conn->fd = fd;
	snprintf(conn->remote, sizeof(conn->remote), "%s", remote);
	kt_task_init(&conn->start, on_start);
	kt_task_init(&conn->again, on_again);
	kt_loop_post(worker->loop, &conn->start);
}

void kt_http_conn_drain(struct kt_http_conn *conn)
{
	if (conn->phase != KT_HTTP_OPEN) {
		kt_http_conn_close(conn);
		return;
	}
	conn->protocol->drain(conn);
	kt_http_conn_kick(conn);
}

void kt_http_conn_close(struct kt_http_conn *conn)
{
	struct kt_http_worker *worker = conn->worker;

	if (conn->closed)
		return;
	conn->closed = true;
	while (conn->exchanges)
		kt_http_exchange_end(conn->exchanges);
	if (conn->state)
		conn->protocol->close(conn);
	if (conn->io_added)
		kt_io_remove(&conn->io);
	kt_timer_cancel(&conn->timer);
	if (conn->tls)
		gnutls_deinit(conn->tls);
	close(conn->fd);
	kt_user_unref(conn->user);
	free(conn->raw);
	free(conn->out);
	if (conn->prev)
		conn->prev->next = conn->next;
	else
		worker->conns = conn->next;
	if (conn->next)
		conn->next->prev = conn->prev;
	atomic_fetch_sub(&worker->n_conns, 1);
	atomic_fetch_sub(&worker->shared->n_conns, 1);
	if (!atomic_load(&conn->again.queued))
		free(conn); /* else the task, when it runs */
	worker->on_change(worker);
}
