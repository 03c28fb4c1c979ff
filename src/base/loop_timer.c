/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Timers: a binary heap by due time, then by the order of setting. */
#include "base/log.h"
#include "base/loop_internal.h"

static bool before(const struct kt_timer *a, const struct kt_timer *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->seq < b->seq;
}

static void place(struct kt_loop *loop, size_t i, struct kt_timer *timer)
{
	loop->heap.items[i] = timer;
	timer->heap_index = (uint32_t)i + 1;
}

/* Puts timer at the hole i or above it; returns false when it belongs below. */
static bool sift_up(struct kt_loop *loop, size_t i, struct kt_timer *timer)
{
	bool moved = false;

	while (i > 0 && before(timer, loop->heap.items[(i - 1) / 2])) {
		place(loop, i, loop->heap.items[(i - 1) / 2]);
		i = (i - 1) / 2;
		moved = true;
	}
	place(loop, i, timer);
	return moved;
}

static void sift_down(struct kt_loop *loop, size_t i, struct kt_timer *timer)
{
	size_t n = loop->heap.n;

	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= n)
			break;
		if (child + 1 < n && before(loop->heap.items[child + 1], loop->heap.items[child]))
			child++;
		if (!before(loop->heap.items[child], timer))
			break;
		place(loop, i, loop->heap.items[child]);
		i = child;
	}
	place(loop, i, timer);
}

struct kt_timer *kt_loop_first_timer(const struct kt_loop *loop)
{
	return loop->heap.n ? loop->heap.items[0] : NULL;
}

void kt_timer_init(struct kt_timer *timer, struct kt_loop *loop, void (*fn)(struct kt_timer *timer))
{
	*timer = (struct kt_timer){.fn = fn, .loop = loop};
}

void kt_timer_set(struct kt_timer *timer, int64_t due_ns)
{
	struct kt_loop *loop = timer->loop;
	int64_t now = kt_loop_now_ns(loop);

	kt_assert(loop && timer->fn);
	/* Not before now: whatever is due in this turn then precedes it in the heap. */
	timer->due_ns = due_ns > now ? due_ns : now;
	timer->seq = loop->timer_seq++;
	if (!timer->heap_index) {
		kt_assert(loop->heap.n < UINT32_MAX - 1);
		kt_vec_push(&loop->heap, timer);
		sift_up(loop, loop->heap.n - 1, timer);
		return;
	}
	size_t i = timer->heap_index - 1;
	if (!sift_up(loop, i, timer))
		sift_down(loop, i, timer);
}

void kt_timer_set_after_ms(struct kt_timer *timer, int64_t after_ms)
{
	int64_t after_ns;

	if (__builtin_mul_overflow(after_ms, KT_NS_PER_MS, &after_ns))
		after_ns = after_ms < 0 ? 0 : INT64_MAX / 2;
	int64_t now = kt_loop_now_ns(timer->loop);
	kt_timer_set(timer, after_ns > INT64_MAX - now ? INT64_MAX : now + after_ns);
}

void kt_timer_cancel(struct kt_timer *timer)
{
	struct kt_loop *loop = timer->loop;

	if (!timer->heap_index)
		return;
	size_t i = timer->heap_index - 1;
	kt_assert(i < loop->heap.n && loop->heap.items[i] == timer);
	timer->heap_index = 0;
	struct kt_timer *last = loop->heap.items[--loop->heap.n];
	if (last == timer)
		return;
	if (!sift_up(loop, i, last))
		sift_down(loop, i, last);
}

bool kt_timer_is_set(const struct kt_timer *timer)
{
	return timer->heap_index != 0;
}
