/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The event loop every component lives on: tasks, timers, descriptors, a clock and a random source.
 *
 * A component is a state machine on one loop: it reads the time, sets timers and draws random
 * numbers only from its loop, and never sleeps, polls or starts a thread. A loop comes in two
 * kinds:
 *  - real: epoll, CLOCK_MONOTONIC and CLOCK_REALTIME, getrandom(2). One thread runs it.
 *  - virtual: no descriptors; time moves only when nothing else is left to run, straight to the
 *    next timer; random numbers come from a seed. The simulator runs whole clusters on one virtual
 *    loop, byte for byte.
 *
 * Threads: kt_loop_post() and kt_loop_stop() may be called from any thread; all else only from the
 * loop's own thread (or before it runs). Callbacks run one after another on the loop's thread.
 *
 * The mailbox cannot grow without bound: a task is memory of its sender and is queued at most once
 * at a time; posting a task that already waits does nothing.
 */
#ifndef KT_BASE_LOOP_H
#define KT_BASE_LOOP_H

#include "base/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct kt_loop;

struct kt_task {
	void (*fn)(
	        struct kt_task *task); /* set by the owner once; kt_container_of() finds the rest */
	struct kt_task *next;
	atomic_bool queued;
};

struct kt_timer {
	void (*fn)(struct kt_timer *timer);
	struct kt_loop *loop;
	int64_t due_ns;      /* loop time; meaningless while idle */
	uint64_t seq;        /* ties fire in the order they were set */
	uint32_t heap_index; /* 0: not set */
};

struct kt_io {
	void (*fn)(struct kt_io *io,
	        uint32_t events); /* events: EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR */
	struct kt_loop *loop;
	int fd; /* borrowed */
	uint32_t events;
};

struct kt_loop_options {
	bool is_virtual;
	uint64_t seed;         /* virtual: random source */
	int64_t start_wall_ns; /* virtual: wall clock at loop time 0 */
};

/* Told at the beginning of kt_loop_destroy(), on its thread: for what keeps state per loop. */
struct kt_loop_closer {
	void (*fn)(struct kt_loop_closer *closer); /* it is removed already */
	struct kt_loop_closer *next;
};
void kt_loop_add_closer(struct kt_loop *loop, struct kt_loop_closer *closer);
void kt_loop_remove_closer(
        struct kt_loop *loop, struct kt_loop_closer *closer); /* not added: ignored */

struct kt_loop *kt_loop_create(const struct kt_loop_options *options, struct kt_err *err);
void kt_loop_destroy(struct kt_loop *loop);

/* Runs until kt_loop_stop(). A virtual loop also returns when nothing is left to run. 0 or negative
 * errno. */
int kt_loop_run(struct kt_loop *loop, struct kt_err *err);
/* Runs what is ready now plus what becomes ready within timeout_ms (-1: no bound, 0: do not wait);
 * returns after at least one callback ran or the time is over. 1 when something ran, 0 when not,
 * negative errno. */
int kt_loop_run_once(struct kt_loop *loop, int timeout_ms, struct kt_err *err);
/* Virtual only: runs everything due up to loop time until_ns, then sets the clock there. Returns
 * callbacks run. */
uint64_t kt_loop_run_until(struct kt_loop *loop, int64_t until_ns);
void kt_loop_stop(struct kt_loop *loop);
/* True on the loop's own thread, and always for a virtual loop. */
bool kt_loop_is_current(const struct kt_loop *loop);

/* Any thread. The task runs once on the loop's thread; false when it was queued already. */
bool kt_loop_post(struct kt_loop *loop, struct kt_task *task);
static inline void kt_task_init(struct kt_task *task, void (*fn)(struct kt_task *task))
{
	*task = (struct kt_task){.fn = fn};
}

void kt_timer_init(
        struct kt_timer *timer, struct kt_loop *loop, void (*fn)(struct kt_timer *timer));
/* Sets or moves it. A due time in the past fires on the next turn. */
void kt_timer_set(struct kt_timer *timer, int64_t due_ns);
void kt_timer_set_after_ms(struct kt_timer *timer, int64_t after_ms);
void kt_timer_cancel(struct kt_timer *timer); /* idle timers are fine */
bool kt_timer_is_set(const struct kt_timer *timer);

/* Level-triggered. */
int kt_io_add(struct kt_io *io, struct kt_loop *loop, int fd, uint32_t events, struct kt_err *err);
int kt_io_modify(struct kt_io *io, uint32_t events, struct kt_err *err);
void kt_io_remove(struct kt_io *io); /* not added: ignored */

int64_t kt_loop_now_ns(const struct kt_loop *loop);  /* monotonic; fixed during one turn */
int64_t kt_loop_wall_ns(const struct kt_loop *loop); /* Unix time */
uint64_t kt_loop_random(struct kt_loop *loop);
uint32_t kt_loop_random_below(struct kt_loop *loop, uint32_t bound); /* bound > 0 */
void kt_loop_random_uuid(struct kt_loop *loop, char ret_uuid[37]);

#define KT_NS_PER_S INT64_C(1000000000)
#define KT_NS_PER_MS INT64_C(1000000)

#endif
