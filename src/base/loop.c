/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Turns: tasks, timers, descriptors, in this order; how a real loop sleeps and how a virtual one
 * jumps. */
#include "base/loop_internal.h"

#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* Its address names the thread. */
static _Thread_local char this_thread;

static int64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	int rc = clock_gettime(clock, &ts);
	kt_assert(rc == 0);
	return (int64_t)ts.tv_sec * KT_NS_PER_S + ts.tv_nsec;
}

static int open_descriptors(struct kt_loop *loop, struct kt_err *err)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};

	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0)
		return kt_fail(err, errno, "epoll_create1: %s", strerror(errno));
	loop->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->event_fd < 0)
		return kt_fail(err, errno, "eventfd: %s", strerror(errno));
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->event_fd, &event) < 0)
		return kt_fail(err, errno, "epoll_ctl: %s", strerror(errno));
	return 0;
}

struct kt_loop *kt_loop_create(const struct kt_loop_options *options, struct kt_err *err)
{
	struct kt_loop *loop = kt_new(struct kt_loop);

	loop->epoll_fd = loop->event_fd = -1;
	loop->is_virtual = options && options->is_virtual;
	atomic_init(&loop->owner, &this_thread);
	if (loop->is_virtual) {
		loop->start_wall_ns = options->start_wall_ns;
		kt_loop_random_seed(loop, options->seed);
	} else if (open_descriptors(loop, err) < 0) {
		kt_loop_destroy(loop);
		return NULL;
	}
	return loop;
}

void kt_loop_add_closer(struct kt_loop *loop, struct kt_loop_closer *closer)
{
	closer->next = loop->closers;
	loop->closers = closer;
}

void kt_loop_remove_closer(struct kt_loop *loop, struct kt_loop_closer *closer)
{
	for (struct kt_loop_closer **p = &loop->closers; *p; p = &(*p)->next) {
		if (*p != closer)
			continue;
		*p = closer->next;
		return;
	}
}

void kt_loop_destroy(struct kt_loop *loop)
{
	if (!loop)
		return;
	while (loop->closers) {
		struct kt_loop_closer *closer = loop->closers;
		loop->closers = closer->next;
		closer->fn(closer);
	}
	/* Waiting tasks and timers belong to others, who may be gone: they are not touched. */
	kt_close_p(&loop->epoll_fd);
	kt_close_p(&loop->event_fd);
	kt_vec_finish(&loop->heap);
	free(loop);
}

int64_t kt_loop_now_ns(const struct kt_loop *loop)
{
	/* Between turns the remembered time may be old, and a timer set from it would fire early.
	 */
	if (!loop->is_virtual && !loop->in_turn)
		return clock_ns(CLOCK_MONOTONIC);
	return loop->now_ns;
}

int64_t kt_loop_wall_ns(const struct kt_loop *loop)
{
	return loop->is_virtual ? loop->start_wall_ns + loop->now_ns : clock_ns(CLOCK_REALTIME);
}

bool kt_loop_is_current(const struct kt_loop *loop)
{
	return loop->is_virtual ||
	       atomic_load_explicit(&loop->owner, memory_order_relaxed) == &this_thread;
}

/* Called after something was published in loop; pairs with fall_asleep(). */
static void wake(struct kt_loop *loop)
{
	static const uint64_t one = 1;

	if (loop->is_virtual || !atomic_exchange(&loop->asleep, false))
		return;
	/* EAGAIN means a full counter, and then the loop wakes anyway. */
	ssize_t n = write(loop->event_fd, &one, sizeof(one));
	kt_assert(n == sizeof(one) || errno == EAGAIN);
}

void kt_loop_stop(struct kt_loop *loop)
{
	atomic_store(&loop->stopping, true);
	wake(loop);
}

bool kt_loop_post(struct kt_loop *loop, struct kt_task *task)
{
	if (atomic_exchange(&task->queued, true))
		return false;
	struct kt_task *head = atomic_load_explicit(&loop->mailbox, memory_order_relaxed);
	do {
		task->next = head;
	} while (!atomic_compare_exchange_weak(&loop->mailbox, &head, task));
	/* Who finds mail already waiting leaves the waking to the one who brought it. */
	if (!head)
		wake(loop);
	return true;
}

/* The mailbox is a stack; it is taken whole and turned over. */
static struct kt_task *take_mail(struct kt_loop *loop)
{
	struct kt_task *newest = atomic_exchange(&loop->mailbox, NULL), *oldest = NULL;

	while (newest) {
		struct kt_task *next = newest->next;
		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	return oldest;
}

static uint64_t run_tasks(struct kt_loop *loop)
{
	struct kt_task *task = take_mail(loop);
	uint64_t n = 0;

	for (; task; n++) {
		struct kt_task *next = task->next;
		/* From here on it may be posted again, by others too, or freed by its own function.
		 */
		atomic_store(&task->queued, false);
		task->fn(task);
		task = next;
	}
	return n;
}

static uint64_t run_timers(struct kt_loop *loop)
{
	uint64_t limit = loop->timer_seq, n = 0;
	struct kt_timer *timer;

	/* A timer set during this turn has a sequence number from limit on: it waits for the next
	 * turn. */
	while ((timer = kt_loop_first_timer(loop)) && timer->due_ns <= loop->now_ns &&
	        timer->seq < limit) {
		kt_timer_cancel(timer);
		timer->fn(timer);
		n++;
	}
	return n;
}

static uint64_t run_io(struct kt_loop *loop)
{
	uint64_t n = 0;

	for (loop->next_event = 0; loop->next_event < loop->n_events;) {
		const struct epoll_event *event = &loop->events[loop->next_event++];
		struct kt_io *io = event->data.ptr;
		if (!io)
			continue;
		io->fn(io, event->events);
		n++;
	}
	loop->next_event = loop->n_events = 0;
	return n;
}

static uint64_t run_turn(struct kt_loop *loop)
{
	if (!loop->is_virtual)
		loop->now_ns = clock_ns(CLOCK_MONOTONIC);
	loop->in_turn = true;
	uint64_t n = run_tasks(loop) + run_timers(loop) + run_io(loop);
	loop->in_turn = false;
	return n;
}

/* Waits for descriptors; timeout_ns -1 is without end. */
static int wait_events(struct kt_loop *loop, int64_t timeout_ns)
{
	struct timespec ts = {timeout_ns / KT_NS_PER_S, timeout_ns % KT_NS_PER_S};
	int n = -1;

	if (!loop->no_pwait2) {
		n = epoll_pwait2(loop->epoll_fd, loop->events, KT_LOOP_EVENTS,
		        timeout_ns < 0 ? NULL : &ts, NULL);
		if (n >= 0 || errno != ENOSYS)
			return n < 0 ? -errno : n;
		loop->no_pwait2 = true; /* a kernel before 5.11 */
	}
	int64_t ms = timeout_ns < 0 ? -1 : (timeout_ns + KT_NS_PER_MS - 1) / KT_NS_PER_MS;
	n = epoll_wait(
	        loop->epoll_fd, loop->events, KT_LOOP_EVENTS, (int)KT_MIN(ms, (int64_t)INT_MAX));
	return n < 0 ? -errno : n;
}

/* Keeps the callers' events; the wake-up counter is read away. */
static void drop_wakeup(struct kt_loop *loop)
{
	for (unsigned i = 0; i < loop->n_events; i++) {
		uint64_t count;
		if (loop->events[i].data.ptr)
			continue;
		ssize_t n = read(loop->event_fd, &count, sizeof(count));
		kt_assert(n == sizeof(count) || errno == EAGAIN || errno == EINTR);
	}
}

/* Collects ready descriptors, sleeping at most timeout_ns and not past the first timer. */
static int collect(struct kt_loop *loop, int64_t timeout_ns, struct kt_err *err)
{
	struct kt_timer *timer = kt_loop_first_timer(loop);

	if (timer && timeout_ns != 0) {
		int64_t left = timer->due_ns - clock_ns(CLOCK_MONOTONIC);
		left = KT_MAX(left, (int64_t)0);
		timeout_ns = timeout_ns < 0 ? left : KT_MIN(left, timeout_ns);
	}
	if (timeout_ns != 0) {
		/* Either a poster sees asleep, or we see its mail: both sides are sequentially
		 * consistent. */
		atomic_store(&loop->asleep, true);
		if (atomic_load(&loop->mailbox) || atomic_load(&loop->stopping))
			timeout_ns = 0;
	}
	int n = wait_events(loop, timeout_ns);
	atomic_store(&loop->asleep, false);
	if (n == -EINTR)
		n = 0;
	if (n < 0)
		return kt_fail(err, n, "epoll_wait: %s", strerror(-n));
	loop->n_events = (unsigned)n;
	drop_wakeup(loop);
	return 0;
}

/* Moves virtual time to the next timer, if there is one up to until_ns. */
static bool jump(struct kt_loop *loop, int64_t until_ns)
{
	struct kt_timer *timer = kt_loop_first_timer(loop);

	if (!timer || timer->due_ns > until_ns)
		return false;
	loop->now_ns = KT_MAX(loop->now_ns, timer->due_ns);
	return true;
}

static bool take_stop(struct kt_loop *loop)
{
	return atomic_load_explicit(&loop->stopping, memory_order_relaxed) &&
	       atomic_exchange(&loop->stopping, false);
}

static uint64_t run_virtual(struct kt_loop *loop, int64_t until_ns)
{
	uint64_t total = 0;

	kt_assert(!loop->in_turn);
	for (;;) {
		uint64_t n = run_turn(loop);
		total += n;
		if (take_stop(loop))
			return total;
		if (n == 0 && !jump(loop, until_ns))
			break;
	}
	if (until_ns != INT64_MAX)
		loop->now_ns = KT_MAX(loop->now_ns, until_ns);
	return total;
}

int kt_loop_run(struct kt_loop *loop, struct kt_err *err)
{
	if (loop->is_virtual) {
		run_virtual(loop, INT64_MAX);
		return 0;
	}
	kt_assert(!loop->in_turn);
	atomic_store(&loop->owner, &this_thread);
	while (!take_stop(loop)) {
		int rc = collect(loop, -1, err);
		if (rc < 0)
			return rc;
		run_turn(loop);
	}
	return 0;
}

uint64_t kt_loop_run_until(struct kt_loop *loop, int64_t until_ns)
{
	kt_assert(loop->is_virtual);
	return run_virtual(loop, until_ns);
}

static int run_once_virtual(struct kt_loop *loop, int timeout_ms)
{
	int64_t until = timeout_ms < 0 ? INT64_MAX : loop->now_ns + timeout_ms * KT_NS_PER_MS;
	uint64_t n = run_turn(loop);

	while (n == 0 && jump(loop, until))
		n = run_turn(loop);
	if (n == 0 && timeout_ms > 0)
		loop->now_ns = until;
	atomic_store(&loop->stopping, false);
	return n > 0;
}

int kt_loop_run_once(struct kt_loop *loop, int timeout_ms, struct kt_err *err)
{
	kt_assert(!loop->in_turn);
	if (loop->is_virtual)
		return run_once_virtual(loop, timeout_ms);
	atomic_store(&loop->owner, &this_thread);
	int64_t start = clock_ns(CLOCK_MONOTONIC),
	        left = timeout_ms < 0 ? -1 : timeout_ms * KT_NS_PER_MS;
	for (;;) {
		int rc = collect(loop, left, err);
		if (rc < 0)
			return rc;
		if (run_turn(loop))
			return 1;
		if (take_stop(loop))
			return 0;
		if (timeout_ms >= 0) {
			left = start + timeout_ms * KT_NS_PER_MS - clock_ns(CLOCK_MONOTONIC);
			if (left <= 0)
				return 0;
		}
	}
}

int kt_io_add(struct kt_io *io, struct kt_loop *loop, int fd, uint32_t events, struct kt_err *err)
{
	struct epoll_event event = {.events = events, .data.ptr = io};

	kt_assert(!loop->is_virtual && io->fn);
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		return kt_fail(err, errno, "watching descriptor %d: %s", fd, strerror(errno));
	io->loop = loop;
	io->fd = fd;
	io->events = events;
	return 0;
}

int kt_io_modify(struct kt_io *io, uint32_t events, struct kt_err *err)
{
	struct epoll_event event = {.events = events, .data.ptr = io};

	kt_assert(io->loop);
	if (io->events == events)
		return 0;
	if (epoll_ctl(io->loop->epoll_fd, EPOLL_CTL_MOD, io->fd, &event) < 0)
		return kt_fail(err, errno, "watching descriptor %d: %s", io->fd, strerror(errno));
	io->events = events;
	return 0;
}

void kt_io_remove(struct kt_io *io)
{
	struct kt_loop *loop = io->loop;

	if (!loop)
		return;
	io->loop = NULL;
	/* A descriptor closed before this call is out of the set already. */
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, io->fd, NULL) < 0)
		kt_assert(errno == EBADF || errno == ENOENT);
	/* Its event may be collected and not yet delivered. */
	for (unsigned i = loop->next_event; i < loop->n_events; i++) {
		if (loop->events[i].data.ptr == io)
			loop->events[i].data.ptr = NULL;
	}
}
