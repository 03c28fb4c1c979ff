/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The loop's own state; private to base/loop*.c. Fields without _Atomic belong to the loop's
 * thread. */
#ifndef KT_BASE_LOOP_INTERNAL_H
#define KT_BASE_LOOP_INTERNAL_H

#include "base/loop.h"
#include "base/vec.h"

#include <sys/epoll.h>

enum { KT_LOOP_EVENTS = 64, KT_LOOP_RANDOM_WORDS = 32 };

struct kt_loop {
	bool is_virtual;
	bool in_turn;
	bool no_pwait2;
	int epoll_fd, event_fd;
	int64_t now_ns, start_wall_ns;
	_Atomic(const void *) owner;       /* the thread that runs it, or made it */
	_Atomic(struct kt_task *) mailbox; /* newest first */
	atomic_bool asleep, stopping;
	KT_VEC(struct kt_timer *) heap; /* a timer's heap_index is its place + 1 */
	uint64_t timer_seq;
	struct kt_loop_closer *closers;
	struct epoll_event events[KT_LOOP_EVENTS];
	unsigned n_events, next_event;
	uint64_t random[KT_LOOP_RANDOM_WORDS]; /* real: bytes of the kernel; virtual: the
	                                          generator's state */
	unsigned random_left;
};

struct kt_timer *kt_loop_first_timer(const struct kt_loop *loop); /* NULL when none is set */
void kt_loop_random_seed(struct kt_loop *loop, uint64_t seed);

#endif
