/* SPDX-License-Identifier: GPL-3.0-or-later */
/* curl's multi interface on a kt_loop: descriptors, the timer, and the life of transfers. */
#include "api/client/remote_internal.h"
#include "base/log.h"

#include <errno.h>
#include <sys/epoll.h>

struct kt_remote_loop {
	struct kt_remote *remote;
	struct kt_remote_loop *next; /* of the remote; under its lock */
	struct kt_loop *loop;
	struct kt_loop_closer closer;
	CURLM *multi;
	struct kt_timer timer;
	struct socket_io *ios;
	struct kt_transfer *transfers;
	bool in_curl;
	bool has_late; /* transfers to add or to free once curl has returned */
};

struct socket_io {
	struct kt_io io;
	struct kt_remote_loop *home;
	struct socket_io *prev, *next;
};

static void settle(struct kt_remote_loop *home);

static void act(struct kt_remote_loop *home, curl_socket_t fd, int flags)
{
	int running;

	home->in_curl = true;
	kt_curl.multi_socket_action(home->multi, fd, flags, &running);
	home->in_curl = false;
	settle(home);
}

static void on_io(struct kt_io *io, uint32_t events)
{
	struct socket_io *s = kt_container_of(io, struct socket_io, io);
	int flags = 0;

	if (events & EPOLLIN)
		flags |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		flags |= CURL_CSELECT_OUT;
	if (events & (EPOLLERR | EPOLLHUP))
		flags |= CURL_CSELECT_ERR;
	act(s->home, io->fd, flags);
}

static void on_timer(struct kt_timer *timer)
{
	act(kt_container_of(timer, struct kt_remote_loop, timer), CURL_SOCKET_TIMEOUT, 0);
}

static void drop_io(struct socket_io *s)
{
	kt_io_remove(&s->io);
	if (s->prev)
		s->prev->next = s->next;
	else
		s->home->ios = s->next;
	if (s->next)
		s->next->prev = s->prev;
	free(s);
}

static struct socket_io *new_io(struct kt_remote_loop *home)
{
	struct socket_io *s = kt_new(struct socket_io);

	s->home = home;
	s->io.fn = on_io;
	s->next = home->ios;
	if (s->next)
		s->next->prev = s;
	home->ios = s;
	return s;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct kt_remote_loop *home = arg;
	struct socket_io *s = socket_arg;
	kt_auto_err err = KT_ERR_INIT;
	uint32_t events = 0;
	int r;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (s)
			drop_io(s);
		kt_curl.multi_assign(home->multi, fd, NULL);
		return 0;
	}
	if (what & CURL_POLL_IN)
		events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		events |= EPOLLOUT;
	if (s)
		return kt_io_modify(&s->io, events, &err);
	s = new_io(home);
	r = kt_io_add(&s->io, home->loop, fd, events, &err);
	if (r < 0) {
		kt_log_error("remote", "%s", kt_err_message(&err));
		drop_io(s);
		return -1;
	}
	kt_curl.multi_assign(home->multi, fd, s);
	return 0;
}

static int on_timeout(CURLM *multi, long timeout_ms, void *arg)
{
	struct kt_remote_loop *home = arg;

	(void)multi;
	if (timeout_ms < 0)
		kt_timer_cancel(&home->timer);
	else
		kt_timer_set_after_ms(&home->timer, timeout_ms);
	return 0;
}

static void unlink_transfer(struct kt_transfer *t)
{
	if (t->prev)
		t->prev->next = t->next;
	else
		t->home->transfers = t->next;
	if (t->next)
		t->next->prev = t->prev;
	t->prev = t->next = NULL;
}

static void free_transfer(struct kt_transfer *t)
{
	if (t->added)
		kt_curl.multi_remove_handle(t->home->multi, t->easy);
	unlink_transfer(t);
	kt_transfer_tear_down(t);
	t->release(t);
}

static void finish(struct kt_transfer *t, CURLcode code)
{
	kt_auto_err err = KT_ERR_INIT;

	kt_transfer_outcome(t, code, &err);
	if (t->status == 401)
		kt_remote_auth_refused(t->remote);
	/* Out of curl's sight before the caller hears of it: they may start the next one at once.
	 */
	kt_curl.multi_remove_handle(t->home->multi, t->easy);
	t->added = false;
	t->ending = true;
	if (!t->dead)
		t->on_end(t, &err);
	free_transfer(t);
}

static bool add(struct kt_transfer *t)
{
	t->added = kt_curl.multi_add_handle(t->home->multi, t->easy) == CURLM_OK;
	return t->added;
}

/* What was put off while curl ran: frees the cancelled, adds the new. */
static void do_late(struct kt_remote_loop *home)
{
	home->has_late = false;
	for (struct kt_transfer *t = home->transfers, *next; t; t = next) {
		next = t->next;
		if (t->dead)
			free_transfer(t);
		else if (!t->added && !add(t))
			kt_log_error("remote", "a transfer could not be added");
	}
}

/* After each time that curl ran: tell what ended. Callbacks may start and cancel others. */
static void settle(struct kt_remote_loop *home)
{
	CURLMsg *message;
	int left;

	while ((message = kt_curl.multi_info_read(home->multi, &left))) {
		struct kt_transfer *t = NULL;
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		kt_curl.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
		finish(t, code);
	}
	if (home->has_late)
		do_late(home);
}

static CURLM *take_multi(struct kt_remote *remote)
{
	CURLM *multi = NULL;

	pthread_mutex_lock(&remote->lock);
	if (remote->n_idle)
		multi = remote->idle[--remote->n_idle];
	pthread_mutex_unlock(&remote->lock);
	return multi ? multi : kt_curl.multi_init();
}

static void give_multi(struct kt_remote *remote, CURLM *multi)
{
	pthread_mutex_lock(&remote->lock);
	if (remote->n_idle == remote->cap_idle) {
		remote->cap_idle = KT_MAX(remote->cap_idle * 2, (size_t)4);
		remote->idle = kt_reallocarray(remote->idle, remote->cap_idle, sizeof(CURLM *));
	}
	remote->idle[remote->n_idle++] = multi;
	pthread_mutex_unlock(&remote->lock);
}

static void unlink_loop(struct kt_remote_loop *home)
{
	struct kt_remote *remote = home->remote;

	pthread_mutex_lock(&remote->lock);
	for (struct kt_remote_loop **p = &remote->loops; *p; p = &(*p)->next) {
		if (*p != home)
			continue;
		*p = home->next;
		break;
	}
	pthread_mutex_unlock(&remote->lock);
}

/* Takes the multi handle off the loop. What is still under way is dropped without a word. */
static void detach(struct kt_remote_loop *home)
{
	kt_assert(!home->in_curl);
	while (home->transfers)
		free_transfer(home->transfers);
	while (home->ios) {
		kt_curl.multi_assign(home->multi, home->ios->io.fd, NULL);
		drop_io(home->ios);
	}
	kt_timer_cancel(&home->timer);
	kt_curl.multi_setopt(home->multi, CURLMOPT_SOCKETFUNCTION, NULL);
	kt_curl.multi_setopt(home->multi, CURLMOPT_TIMERFUNCTION, NULL);
	unlink_loop(home);
	give_multi(home->remote, home->multi);
	free(home);
}

static void on_loop_closes(struct kt_loop_closer *closer)
{
	detach(kt_container_of(closer, struct kt_remote_loop, closer));
}

static struct kt_remote_loop *home_of(struct kt_remote *remote, struct kt_loop *loop)
{
	struct kt_remote_loop *home;

	pthread_mutex_lock(&remote->lock);
	for (home = remote->loops; home && home->loop != loop; home = home->next)
		;
	pthread_mutex_unlock(&remote->lock);
	if (home)
		return home;
	home = kt_new(struct kt_remote_loop);
	home->remote = remote;
	home->loop = loop;
	home->closer.fn = on_loop_closes;
	home->multi = take_multi(remote);
	kt_assert(home->multi);
	kt_timer_init(&home->timer, loop, on_timer);
	kt_curl.multi_setopt(home->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	kt_curl.multi_setopt(home->multi, CURLMOPT_SOCKETDATA, home);
	kt_curl.multi_setopt(home->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
	kt_curl.multi_setopt(home->multi, CURLMOPT_TIMERDATA, home);
	kt_loop_add_closer(loop, &home->closer);
	pthread_mutex_lock(&remote->lock);
	home->next = remote->loops;
	remote->loops = home;
	pthread_mutex_unlock(&remote->lock);
	return home;
}

void kt_transfer_start(struct kt_transfer *t, struct kt_remote *remote, struct kt_loop *loop,
        const struct kt_transfer_request *request)
{
	struct kt_remote_loop *home = home_of(remote, loop);

	kt_assert(t->on_end && t->release);
	t->remote = remote;
	t->home = home;
	t->timeout_ms = request->timeout_ms;
	t->next = home->transfers;
	if (t->next)
		t->next->prev = t;
	home->transfers = t;
	t->easy = kt_curl.easy_init();
	kt_assert(t->easy);
	kt_curl.easy_setopt(t->easy, CURLOPT_PRIVATE, t);
	/* A request that cannot even be made ends as every other does: later, on the loop. */
	if (kt_transfer_set_up(t, request, &t->unmade) < 0)
		kt_curl.easy_setopt(t->easy, CURLOPT_URL, "https://");
	if (home->in_curl)
		home->has_late = true;
	else
		add(t);
}

void kt_transfer_cancel(struct kt_transfer *t)
{
	t->dead = true;
	if (t->ending)
		return; /* finish() frees it */
	if (t->home->in_curl)
		t->home->has_late = true;
	else
		free_transfer(t);
}

void kt_remote_loops_destroy(struct kt_remote *remote)
{
	while (remote->loops) {
		kt_loop_remove_closer(remote->loops->loop, &remote->loops->closer);
		detach(remote->loops);
	}
	for (size_t i = 0; i < remote->n_idle; i++)
		kt_curl.multi_cleanup(remote->idle[i]);
	free(remote->idle);
}
