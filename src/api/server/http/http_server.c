/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The listener and the workers. One listener, on the first worker's loop, hands each connection to
 * the worker with the fewest: SO_REUSEPORT would let a second process of the same user take half of
 * our connections unnoticed.
 */
#include "api/server/http/http_server.h"

#include "api/server/http/connection.h"
#include "api/server/limits.h"
#include "base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEFAULT_THREADS 2
#define THREADS_MAX 64

struct worker {
	struct kt_http_worker base;
	struct kt_http_server *http;
	pthread_t thread;
	bool running;
	struct kt_task stop;
	struct kt_timer grace;
};

struct kt_http_server {
	struct kt_http_shared shared;
	struct worker *workers;
	unsigned n_workers;
	unsigned next_worker;
	int listen_fd;
	int port;
	int grace_ms;
	struct kt_io listen_io;
	struct kt_timer accept_pause;
	/* Every place is taken; whoever gives one back takes the flag down and posts the task. */
	atomic_bool is_full;
	struct kt_task on_place;
};

static void format_peer(const struct sockaddr_storage *peer, socklen_t len, char *text, size_t size)
{
	char host[48], port[8];

	if (getnameinfo((const struct sockaddr *)peer, len, host, sizeof(host), port, sizeof(port),
	            NI_NUMERICHOST | NI_NUMERICSERV))
		snprintf(text, size, "unknown");
	else
		snprintf(text, size, peer->ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

/* The one with the fewest connections, in turn among equals. With turns alone a client that closes
 * every second of its connections fills one worker, and the other has none that could make place.
 */
static struct worker *choose_worker(struct kt_http_server *http)
{
	struct worker *best = NULL;

	for (unsigned i = 0; i < http->n_workers; i++) {
		struct worker *worker = &http->workers[(http->next_worker + i) % http->n_workers];
		if (!best || atomic_load(&worker->base.n_conns) < atomic_load(&best->base.n_conns))
			best = worker;
	}
	http->next_worker = (unsigned)(best - http->workers + 1) % http->n_workers;
	return best;
}

static void hand_out(
        struct kt_http_server *http, int fd, const struct sockaddr_storage *peer, socklen_t len)
{
	struct worker *worker = choose_worker(http);
	char remote[64];

	atomic_fetch_add(&worker->base.n_conns, 1);
	format_peer(peer, len, remote, sizeof(remote));
	kt_http_conn_open(&worker->base, fd, remote);
}

/* What is not accepted waits in the kernel's queue, the longer the more callers there are. */
static bool has_place(struct kt_http_server *http)
{
	for (;;) {
		if (atomic_load(&http->shared.n_conns) <
		        KT_HTTP_CONNECTIONS_MAX + KT_HTTP_CONNECTIONS_SPARE)
			return true;
		if (atomic_exchange(&http->is_full, true)) {
			kt_io_remove(&http->listen_io);
			return false;
		}
	}
}

static void on_listen(struct kt_io *io, uint32_t events)
{
	struct kt_http_server *http = kt_container_of(io, struct kt_http_server, listen_io);

	(void)events;
	while (has_place(http)) {
		struct sockaddr_storage peer;
		socklen_t len = sizeof(peer);
		int fd = accept4(http->listen_fd, (struct sockaddr *)&peer, &len,
		        SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		                      errno == ENOMEM)) {
			kt_log_warning(
			        "http", "cannot accept connections now: %s", strerror(errno));
			kt_io_remove(&http->listen_io);
			kt_timer_set_after_ms(&http->accept_pause, KT_HTTP_ACCEPT_PAUSE_MS);
			return;
		}
		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0)
			return;
		atomic_fetch_add(&http->shared.n_conns, 1);
		hand_out(http, fd, &peer, len);
	}
}

static void start_listening(struct kt_http_server *http)
{
	kt_auto_err err = KT_ERR_INIT;

	if (http->listen_io.loop)
		return;
	http->listen_io.fn = on_listen;
	if (kt_io_add(&http->listen_io, http->workers[0].base.loop, http->listen_fd, EPOLLIN,
	            &err) < 0)
		kt_log_error("http", "%s", kt_err_message(&err));
}

static void on_accept_pause(struct kt_timer *timer)
{
	struct kt_http_server *http = kt_container_of(timer, struct kt_http_server, accept_pause);

	if (!http->workers[0].base.draining)
		start_listening(http);
}

static void on_place(struct kt_task *task)
{
	struct kt_http_server *http = kt_container_of(task, struct kt_http_server, on_place);

	if (!http->workers[0].base.draining)
		start_listening(http);
}

static void on_change(struct kt_http_worker *base)
{
	struct kt_http_server *http = kt_container_of(base, struct worker, base)->http;

	if (atomic_exchange(&http->is_full, false))
		kt_loop_post(http->workers[0].base.loop, &http->on_place);
	if (!base->draining)
		return;
	if (!base->conns && base->n_exchanges == 0)
		kt_loop_stop(base->loop);
}

/* The grace is over: what is left is cut. */
static void on_grace(struct kt_timer *timer)
{
	struct worker *worker = kt_container_of(timer, struct worker, grace);

	for (struct kt_http_conn *conn = worker->base.conns, *next; conn; conn = next) {
		next = conn->next;
		kt_http_conn_close(conn);
	}
	on_change(&worker->base);
}

static void on_stop(struct kt_task *task)
{
	struct worker *worker = kt_container_of(task, struct worker, stop);
	struct kt_http_server *http = worker->http;

	/* The others are told after the last connection was handed to them: mail keeps its order.
	 */
	if (worker == &http->workers[0]) {
		kt_io_remove(&http->listen_io);
		kt_timer_cancel(&http->accept_pause);
		for (unsigned i = 1; i < http->n_workers; i++)
			kt_loop_post(http->workers[i].base.loop, &http->workers[i].stop);
	}
	worker->base.draining = true;
	kt_timer_set_after_ms(&worker->grace, http->grace_ms);
	for (struct kt_http_conn *conn = worker->base.conns, *next; conn; conn = next) {
		next = conn->next;
		kt_http_conn_drain(conn);
	}
	on_change(&worker->base);
}

static void *run_worker(void *arg)
{
	struct worker *worker = arg;
	kt_auto_err err = KT_ERR_INIT;

	if (kt_loop_run(worker->base.loop, &err) < 0)
		kt_log_error("http", "%s", kt_err_message(&err));
	/* Connections that were closed with a task in the mail are freed by it. */
	while (kt_loop_run_once(worker->base.loop, 0, NULL) > 0)
		;
	return NULL;
}

static int parse_address(const char *text, int port, struct sockaddr_storage *ret_address,
        socklen_t *ret_len, struct kt_err *err)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ret_address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret_address;

	*ret_address = (struct sockaddr_storage){0};
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)port);
		*ret_len = sizeof(*in);
		return 0;
	}
	if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)port);
		*ret_len = sizeof(*in6);
		return 0;
	}
	return kt_fail(err, EINVAL, "listen address %s is no IP address", text);
}

static int port_of(int fd)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		return -errno;
	return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
	                                           : ((struct sockaddr_in *)&address)->sin_port);
}

/* Returns a listening descriptor. */
static int listen_on(const char *text, int port, struct kt_err *err)
{
	struct sockaddr_storage address;
	socklen_t len = 0;
	kt_auto_close int fd = -1;
	int one = 1, r = parse_address(text, port, &address, &len, err);

	if (r < 0)
		return r;
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return kt_fail(err, errno, "socket: %s", strerror(errno));
	/* Old connections in TIME_WAIT do not keep the port; a living listener still does. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0)
		return kt_fail(err, errno, "SO_REUSEADDR: %s", strerror(errno));
	if (bind(fd, (struct sockaddr *)&address, len) < 0 ||
	        listen(fd, KT_HTTP_LISTEN_BACKLOG) < 0)
		return kt_fail(err, errno, "listen on %s port %d: %s", text, port, strerror(errno));
	return kt_steal_fd(&fd);
}

static int open_listener(struct kt_http_server *http, const struct kt_http_server_options *options,
        struct kt_err *err)
{
	const char *address = options->address ? options->address : "127.0.0.1";
	kt_auto_err first = KT_ERR_INIT;

	http->listen_fd = listen_on(address, options->port, &first);
	if (http->listen_fd == -EADDRINUSE && options->port_is_wish)
		http->listen_fd = listen_on(address, 0, err);
	else if (http->listen_fd < 0)
		return kt_err_move(err, &first);
	if (http->listen_fd < 0)
		return http->listen_fd;
	http->port = port_of(http->listen_fd);
	return http->port < 0 ? kt_fail(err, -http->port, "port of the listener: %s",
	                                strerror(-http->port))
	                      : 0;
}

static int start_workers(struct kt_http_server *http, struct kt_err *err)
{
	for (unsigned i = 0; i < http->n_workers; i++) {
		struct worker *worker = &http->workers[i];

		worker->http = http;
		worker->base.shared = &http->shared;
		worker->base.on_change = on_change;
		kt_task_init(&worker->stop, on_stop);
		worker->base.loop = kt_loop_create(&(struct kt_loop_options){0}, err);
		if (!worker->base.loop)
			return -ENOMEM;
		kt_timer_init(&worker->grace, worker->base.loop, on_grace);
	}
	kt_task_init(&http->on_place, on_place);
	kt_timer_init(&http->accept_pause, http->workers[0].base.loop, on_accept_pause);
	start_listening(http);
	for (unsigned i = 0; i < http->n_workers; i++) {
		struct worker *worker = &http->workers[i];
		int r = pthread_create(&worker->thread, NULL, run_worker, worker);

		if (r)
			return kt_fail(err, r, "thread: %s", strerror(r));
		worker->running = true;
	}
	return 0;
}

int kt_http_server_create(const struct kt_http_server_options *options,
        struct kt_http_server **ret_http, struct kt_err *err)
{
	struct kt_http_server *http = kt_new(struct kt_http_server);
	int r;

	http->shared.server = options->server;
	http->listen_fd = -1;
	http->n_workers = options->n_threads > 0
	                          ? KT_MIN((unsigned)options->n_threads, (unsigned)THREADS_MAX)
	                          : DEFAULT_THREADS;
	http->workers = kt_new_array(struct worker, http->n_workers);
	r = kt_http_tls_open(&http->shared, options, err);
	if (r >= 0)
		r = open_listener(http, options, err);
	if (r >= 0)
		r = start_workers(http, err);
	if (r < 0) {
		kt_http_server_destroy(http, 0);
		return r;
	}
	*ret_http = http;
	return 0;
}

int kt_http_server_port(const struct kt_http_server *http)
{
	return http->port;
}

void kt_http_server_destroy(struct kt_http_server *http, int grace_ms)
{
	if (!http)
		return;
	http->grace_ms = grace_ms;
	if (http->workers[0].running)
		kt_loop_post(http->workers[0].base.loop, &http->workers[0].stop);
	for (unsigned i = 0; i < http->n_workers; i++)
		if (http->workers[i].running)
			pthread_join(http->workers[i].thread, NULL);
	for (unsigned i = 0; i < http->n_workers; i++)
		kt_loop_destroy(http->workers[i].base.loop);
	if (http->listen_fd >= 0)
		close(http->listen_fd);
	kt_http_tls_close(&http->shared);
	free(http->workers);
	free(http);
}
