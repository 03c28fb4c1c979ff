/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/loop.h"
#include "base/mem.h"
#include "base/str.h"
#include "support/support.h"

struct tick {
	struct kt_timer timer;
	struct kt_task task;
	struct kt_str *log;
	const char *name;
	int left;
};

static struct kt_loop *make_loop(uint64_t seed)
{
	struct kt_loop_options options = {
	        .is_virtual = true, .seed = seed, .start_wall_ns = 1000 * KT_NS_PER_S};
	struct kt_loop *loop = kt_loop_create(&options, NULL);

	assert_non_null(loop);
	return loop;
}

static void log_timer(struct kt_timer *timer)
{
	struct tick *tick = kt_container_of(timer, struct tick, timer);

	kt_str_printf(tick->log, "%s@%lld ", tick->name,
	        (long long)(kt_loop_now_ns(timer->loop) / KT_NS_PER_MS));
	if (tick->left-- > 0)
		kt_timer_set_after_ms(timer, 10);
}

static void log_task(struct kt_task *task)
{
	struct tick *tick = kt_container_of(task, struct tick, task);

	kt_str_printf(tick->log, "%s! ", tick->name);
	if (tick->left-- > 0)
		assert_true(kt_loop_post(tick->timer.loop, task));
}

static void init_tick(struct tick *tick, struct kt_loop *loop, struct kt_str *log, const char *name)
{
	*tick = (struct tick){.log = log, .name = name};
	kt_timer_init(&tick->timer, loop, log_timer);
	kt_task_init(&tick->task, log_task);
}

static void test_order(void **state)
{
	struct kt_loop *loop = make_loop(1);
	kt_auto_str log = {0};
	struct tick a, b, c;

	(void)state;
	init_tick(&a, loop, &log, "a");
	init_tick(&b, loop, &log, "b");
	init_tick(&c, loop, &log, "c");
	kt_timer_set(&a.timer, 20 * KT_NS_PER_MS);
	kt_timer_set(&b.timer, 10 * KT_NS_PER_MS);
	kt_timer_set(&c.timer, 20 * KT_NS_PER_MS);
	b.left = 1;
	assert_true(kt_loop_post(loop, &c.task));
	assert_false(kt_loop_post(loop, &c.task));
	assert_true(kt_loop_post(loop, &a.task));
	assert_int_equal(kt_loop_run(loop, NULL), 0);
	/* Tasks in order of posting; equal times in order of setting, and b set its second one
	 * last. */
	assert_string_equal(log.data, "c! a! b@10 a@20 c@20 b@20 ");
	assert_true(kt_loop_wall_ns(loop) == 1000 * KT_NS_PER_S + 20 * KT_NS_PER_MS);
	assert_true(kt_loop_is_current(loop));
	kt_loop_destroy(loop);
}

static void test_past_and_move(void **state)
{
	struct kt_loop *loop = make_loop(1);
	kt_auto_str log = {0};
	struct tick a, b;

	(void)state;
	init_tick(&a, loop, &log, "a");
	init_tick(&b, loop, &log, "b");
	kt_timer_cancel(&a.timer);
	assert_int_equal(kt_loop_run_until(loop, 50 * KT_NS_PER_MS), 0);
	assert_true(kt_loop_now_ns(loop) == 50 * KT_NS_PER_MS);
	kt_timer_set(&a.timer, 10);
	kt_timer_set(&b.timer, 70 * KT_NS_PER_MS);
	kt_timer_set(&b.timer, 60 * KT_NS_PER_MS);
	assert_true(kt_timer_is_set(&b.timer));
	assert_int_equal(kt_loop_run_until(loop, 55 * KT_NS_PER_MS), 1);
	assert_string_equal(log.data, "a@50 ");
	assert_false(kt_timer_is_set(&a.timer));
	kt_timer_cancel(&b.timer);
	assert_int_equal(kt_loop_run_until(loop, 100 * KT_NS_PER_MS), 0);
	kt_timer_set_after_ms(&a.timer, INT64_MAX);
	assert_int_equal(kt_loop_run_until(loop, 200 * KT_NS_PER_MS), 0);
	kt_loop_destroy(loop);
}

static void test_run_once(void **state)
{
	struct kt_loop *loop = make_loop(1);
	kt_auto_str log = {0};
	struct tick a;

	(void)state;
	init_tick(&a, loop, &log, "a");
	kt_timer_set_after_ms(&a.timer, 30);
	assert_int_equal(kt_loop_run_once(loop, 0, NULL), 0);
	assert_int_equal(kt_loop_run_once(loop, 20, NULL), 0);
	assert_true(kt_loop_now_ns(loop) == 20 * KT_NS_PER_MS);
	assert_int_equal(kt_loop_run_once(loop, -1, NULL), 1);
	assert_string_equal(log.data, "a@30 ");
	assert_int_equal(kt_loop_run_once(loop, -1, NULL), 0);
	kt_loop_destroy(loop);
}

static void stop_timer(struct kt_timer *timer)
{
	kt_loop_stop(timer->loop);
}

static void test_stop(void **state)
{
	struct kt_loop *loop = make_loop(1);
	kt_auto_str log = {0};
	struct kt_timer stop;
	struct tick a;

	(void)state;
	init_tick(&a, loop, &log, "a");
	kt_timer_init(&stop, loop, stop_timer);
	a.left = 1000000000;
	kt_timer_set(&a.timer, 0);
	kt_timer_set(&stop, 25 * KT_NS_PER_MS);
	assert_int_equal(kt_loop_run(loop, NULL), 0);
	assert_string_equal(log.data, "a@0 a@10 a@20 ");
	kt_loop_destroy(loop);
}

/* Many timers, set, moved and cancelled at random, fire in order of time, then of setting. */
struct many {
	struct kt_timer timer;
	uint64_t set_as;
	bool fired;
};

static int64_t last_due;
static uint64_t last_set;

static void check_order(struct kt_timer *timer)
{
	struct many *one = kt_container_of(timer, struct many, timer);

	assert_true(timer->due_ns == kt_loop_now_ns(timer->loop));
	assert_true(
	        timer->due_ns > last_due || (timer->due_ns == last_due && one->set_as > last_set));
	last_due = timer->due_ns;
	last_set = one->set_as;
	one->fired = true;
}

static void test_many_timers(void **state)
{
	enum { N = 500 };
	struct kt_loop *loop = make_loop(7);
	kt_auto_free struct many *many = kt_new_array(struct many, N);

	(void)state;
	last_due = -1;
	for (int i = 0; i < N; i++)
		kt_timer_init(&many[i].timer, loop, check_order);
	for (uint64_t round = 1; round <= 5000; round++) {
		struct many *one = &many[kt_loop_random_below(loop, N)];
		if (kt_loop_random_below(loop, 4) == 0) {
			kt_timer_cancel(&one->timer);
			continue;
		}
		one->set_as = round;
		kt_timer_set(&one->timer, kt_loop_random_below(loop, 300));
	}
	size_t set = 0, fired = 0;
	for (int i = 0; i < N; i++)
		set += kt_timer_is_set(&many[i].timer);
	assert_int_equal(kt_loop_run_until(loop, 1000), set);
	for (int i = 0; i < N; i++)
		fired += many[i].fired;
	assert_int_equal(fired, set);
	kt_loop_destroy(loop);
}

static void test_random(void **state)
{
	struct kt_loop *a = make_loop(5), *b = make_loop(5), *c = make_loop(6);
	char uuid_a[37], uuid_b[37];
	unsigned buckets[7] = {0};

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_true(kt_loop_random(a) == kt_loop_random(b));
	assert_true(kt_loop_random(a) != kt_loop_random(c));
	assert_true(kt_loop_random(b) != 0);
	kt_loop_random_uuid(a, uuid_a);
	kt_loop_random_uuid(b, uuid_b);
	assert_string_equal(uuid_a, uuid_b);
	assert_int_equal(uuid_a[14], '4');
	assert_non_null(strchr("89ab", uuid_a[19]));
	assert_int_equal(strspn(uuid_a, "0123456789abcdef-"), 36);
	for (int i = 0; i < 70000; i++)
		buckets[kt_loop_random_below(a, 7)]++;
	for (int i = 0; i < 7; i++)
		assert_in_range(buckets[i], 9500, 10500);
	assert_int_equal(kt_loop_random_below(a, 1), 0);
	kt_loop_destroy(a);
	kt_loop_destroy(b);
	kt_loop_destroy(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_order),
	        cmocka_unit_test(test_past_and_move),
	        cmocka_unit_test(test_run_once),
	        cmocka_unit_test(test_stop),
	        cmocka_unit_test(test_many_timers),
	        cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
