/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/loop.h"
#include "base/mem.h"
#include "support/support.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { POSTERS = 3, TASKS_EACH = 50, POSTS_EACH = 20000 };

static int make_loop(void **state)
{
	kt_auto_err err = {0};

	*state = kt_loop_create(NULL, &err);
	return *state ? 0 : -1;
}

static int destroy_loop(void **state)
{
	kt_loop_destroy(*state);
	return 0;
}

static void *run_loop(void *arg)
{
	int rc = kt_loop_run(arg, NULL);

	return (void *)(intptr_t)rc;
}

/* One poster: tasks that count how often they ran; a post that was accepted must run. */
struct counter {
	struct kt_task task;
	struct kt_loop *loop;
	unsigned ran;      /* loop's thread */
	unsigned accepted; /* poster's thread */
};

struct poster {
	struct kt_loop *loop;
	struct counter counters[TASKS_EACH];
};

static void count(struct kt_task *task)
{
	struct counter *counter = kt_container_of(task, struct counter, task);

	assert_true(kt_loop_is_current(counter->loop));
	counter->ran++;
}

static void *post_many(void *arg)
{
	struct poster *poster = arg;

	for (unsigned i = 0; i < POSTS_EACH; i++) {
		struct counter *counter = &poster->counters[i % TASKS_EACH];
		counter->accepted += kt_loop_post(poster->loop, &counter->task);
	}
	kt_loop_is_current(poster->loop);
	return NULL;
}

static void test_mailbox(void **state)
{
	kt_auto_free struct poster *posters = kt_new_array(struct poster, POSTERS);
	pthread_t threads[POSTERS], runner;

	assert_int_equal(pthread_create(&runner, NULL, run_loop, *state), 0);
	for (int p = 0; p < POSTERS; p++) {
		posters[p].loop = *state;
		for (int i = 0; i < TASKS_EACH; i++) {
			kt_task_init(&posters[p].counters[i].task, count);
			posters[p].counters[i].loop = *state;
		}
		assert_int_equal(pthread_create(&threads[p], NULL, post_many, &posters[p]), 0);
	}
	for (int p = 0; p < POSTERS; p++)
		assert_int_equal(pthread_join(threads[p], NULL), 0);
	kt_loop_stop(*state);
	void *rc;
	assert_int_equal(pthread_join(runner, &rc), 0);
	assert_null(rc);
	/* What was accepted after the last turn is still in the mailbox. */
	while (kt_loop_run_once(*state, 0, NULL) > 0)
		continue;
	for (int p = 0; p < POSTERS; p++) {
		for (int i = 0; i < TASKS_EACH; i++)
			assert_int_equal(
			        posters[p].counters[i].ran, posters[p].counters[i].accepted);
	}
}

/* Two loops throw one task to and fro: every sleep must be woken. */
struct ping {
	struct kt_task task;
	struct kt_loop *here, *there;
	struct ping *other;
	unsigned left;
};

static void throw_back(struct kt_task *task)
{
	struct ping *ping = kt_container_of(task, struct ping, task);

	if (ping->left == 0) {
		kt_loop_stop(ping->here);
		kt_loop_stop(ping->there);
		return;
	}
	ping->other->left = ping->left - 1;
	assert_true(kt_loop_post(ping->there, &ping->other->task));
}

static void test_ping_pong(void **state)
{
	struct kt_loop *other = kt_loop_create(NULL, NULL);
	struct ping a = {.here = *state, .there = other, .left = 2000},
	            b = {.here = other, .there = *state};
	pthread_t runner;

	a.other = &b;
	b.other = &a;
	kt_task_init(&a.task, throw_back);
	kt_task_init(&b.task, throw_back);
	assert_int_equal(pthread_create(&runner, NULL, run_loop, other), 0);
	assert_true(kt_loop_post(*state, &a.task));
	assert_int_equal(kt_loop_run(*state, NULL), 0);
	assert_int_equal(pthread_join(runner, NULL), 0);
	kt_loop_destroy(other);
}

struct reader {
	struct kt_io io;
	struct reader *victim;
	int seen;
};

static void on_readable(struct kt_io *io, uint32_t events)
{
	struct reader *reader = kt_container_of(io, struct reader, io);
	char c;

	assert_true(events & EPOLLIN);
	assert_int_equal(read(io->fd, &c, 1), 1);
	reader->seen++;
	if (reader->victim)
		kt_io_remove(&reader->victim->io);
}

static void test_descriptors(void **state)
{
	struct reader a = {.io.fn = on_readable}, b = {.io.fn = on_readable};
	kt_auto_err err = {0};
	int first[2], second[2];

	assert_int_equal(pipe(first), 0);
	assert_int_equal(pipe(second), 0);
	assert_int_equal(kt_io_add(&a.io, *state, first[0], EPOLLIN, &err), 0);
	assert_int_equal(kt_io_add(&b.io, *state, second[0], EPOLLIN, &err), 0);
	assert_int_equal(kt_loop_run_once(*state, 0, &err), 0);
	assert_int_equal(write(first[1], "ab", 2), 2);
	assert_int_equal(kt_loop_run_once(*state, -1, &err), 1);
	assert_int_equal(kt_loop_run_once(*state, -1, &err), 1); /* level-triggered */
	assert_int_equal(a.seen, 2);
	/* Both are ready; whoever comes first takes the other away, whose event is then not
	 * delivered. */
	a.victim = &b;
	b.victim = &a;
	assert_int_equal(write(first[1], "c", 1), 1);
	assert_int_equal(write(second[1], "c", 1), 1);
	assert_int_equal(kt_loop_run_once(*state, -1, &err), 1);
	assert_int_equal(a.seen + b.seen, 3);
	kt_io_remove(&a.io);
	kt_io_remove(&b.io);
	assert_int_equal(kt_loop_run_once(*state, 0, &err), 0);
	assert_int_equal(kt_io_add(&a.io, *state, -1, EPOLLIN, &err), -EBADF);
	for (int i = 0; i < 2; i++) {
		close(first[i]);
		close(second[i]);
	}
}

static void test_modify(void **state)
{
	struct reader a = {.io.fn = on_readable};
	kt_auto_err err = {0};
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(kt_io_add(&a.io, *state, fds[0], 0, &err), 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_int_equal(kt_loop_run_once(*state, 0, &err), 0);
	assert_int_equal(kt_io_modify(&a.io, EPOLLIN, &err), 0);
	assert_int_equal(kt_loop_run_once(*state, 0, &err), 1);
	kt_io_remove(&a.io);
	close(fds[0]);
	close(fds[1]);
}

static void stop_timer(struct kt_timer *timer)
{
	kt_loop_stop(timer->loop);
}

static void test_timer(void **state)
{
	struct kt_timer timer;
	int64_t start = kt_loop_now_ns(*state);

	kt_timer_init(&timer, *state, stop_timer);
	kt_timer_set_after_ms(&timer, 5);
	assert_int_equal(kt_loop_run_once(*state, 0, NULL), 0);
	assert_int_equal(kt_loop_run(*state, NULL), 0);
	assert_true(kt_loop_now_ns(*state) - start >= 5 * KT_NS_PER_MS);
	assert_true(kt_loop_wall_ns(*state) > INT64_C(1700000000) * KT_NS_PER_S);
	assert_int_equal(kt_loop_run_once(*state, 1, NULL), 0);
}

static void test_random(void **state)
{
	uint64_t seen[100];

	for (int i = 0; i < 100; i++) {
		seen[i] = kt_loop_random(*state);
		for (int k = 0; k < i; k++)
			assert_true(seen[k] != seen[i]);
	}
}

static int n_closed;

static void on_close(struct kt_loop_closer *closer)
{
	(void)closer;
	n_closed++;
}

static void test_closers(void **state)
{
	struct kt_loop *loop = kt_loop_create(NULL, NULL);
	struct kt_loop_closer a = {.fn = on_close}, b = {.fn = on_close}, c = {.fn = on_close};

	(void)state;
	kt_loop_add_closer(loop, &a);
	kt_loop_add_closer(loop, &b);
	kt_loop_add_closer(loop, &c);
	kt_loop_remove_closer(loop, &b);
	kt_loop_remove_closer(loop, &b);
	kt_loop_destroy(loop);
	assert_int_equal(n_closed, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_mailbox, make_loop, destroy_loop),
	        cmocka_unit_test_setup_teardown(test_ping_pong, make_loop, destroy_loop),
	        cmocka_unit_test_setup_teardown(test_descriptors, make_loop, destroy_loop),
	        cmocka_unit_test_setup_teardown(test_modify, make_loop, destroy_loop),
	        cmocka_unit_test_setup_teardown(test_timer, make_loop, destroy_loop),
	        cmocka_unit_test_setup_teardown(test_random, make_loop, destroy_loop),
	        cmocka_unit_test(test_closers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
