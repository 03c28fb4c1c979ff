/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/support.h"

#include "api/client/workqueue.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>

struct fixture {
	struct kt_loop *loop;
	struct kt_workqueue *queue;
	struct kt_str log;
	bool fail, hold;
};

static void process(void *arg, const char *key)
{
	struct fixture *f = arg;

	kt_str_printf(
	        &f->log, "%s@%lld ", key, (long long)(kt_loop_now_ns(f->loop) / KT_NS_PER_MS));
	if (!f->hold)
		kt_workqueue_done(f->queue, key, f->fail);
}

static void start(struct fixture *f, size_t parallel)
{
	*f = (struct fixture){
	        .loop = kt_loop_create(&(struct kt_loop_options){.is_virtual = true}, NULL)};
	f->queue = kt_workqueue_create(&(struct kt_workqueue_options){
	        .loop = f->loop, .process = process, .arg = f, .parallel = parallel});
}

static void stop(struct fixture *f)
{
	kt_workqueue_destroy(f->queue);
	kt_loop_destroy(f->loop);
	kt_str_finish(&f->log);
}

static void run_to_ms(struct fixture *f, int64_t ms)
{
	kt_loop_run_until(f->loop, ms * KT_NS_PER_MS);
}

static void test_keys_wait_once_in_order(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, 1);
	kt_workqueue_add(f.queue, "b");
	kt_workqueue_add(f.queue, "a");
	kt_workqueue_add(f.queue, "b");
	run_to_ms(&f, 1);
	assert_string_equal(kt_str_text(&f.log), "b@0 a@0 ");
	stop(&f);
}

static void test_failures_back_off(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, 1);
	f.fail = true;
	kt_workqueue_add(f.queue, "a");
	run_to_ms(&f, 40);
	assert_string_equal(kt_str_text(&f.log), "a@0 a@5 a@15 a@35 ");
	f.fail = false;
	run_to_ms(&f, 75);
	f.fail = true;
	kt_str_clear(&f.log);
	kt_workqueue_add(f.queue, "a"); /* the success made it forget */
	run_to_ms(&f, 80);
	assert_string_equal(kt_str_text(&f.log), "a@75 a@80 ");
	stop(&f);
}

static void test_added_under_work_runs_again(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, 2);
	f.hold = true;
	kt_workqueue_add(f.queue, "a");
	kt_workqueue_add(f.queue, "b");
	kt_workqueue_add(f.queue, "c");
	run_to_ms(&f, 1);
	assert_string_equal(kt_str_text(&f.log), "a@0 b@0 ");
	kt_workqueue_add(f.queue, "a");
	run_to_ms(&f, 2);
	assert_string_equal(kt_str_text(&f.log), "a@0 b@0 ");
	kt_workqueue_done(f.queue, "a", false);
	kt_workqueue_done(f.queue, "b", false);
	run_to_ms(&f, 3);
	assert_string_equal(kt_str_text(&f.log), "a@0 b@0 c@2 a@2 ");
	stop(&f);
}

static void test_later_takes_the_earlier_of_two(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, 1);
	kt_workqueue_add_after_ms(f.queue, "a", 100);
	kt_workqueue_add_after_ms(f.queue, "a", 50);
	kt_workqueue_add_after_ms(f.queue, "a", 200);
	run_to_ms(&f, 1000);
	assert_string_equal(kt_str_text(&f.log), "a@50 ");
	stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_keys_wait_once_in_order),
	        cmocka_unit_test(test_failures_back_off),
	        cmocka_unit_test(test_added_under_work_runs_again),
	        cmocka_unit_test(test_later_takes_the_earlier_of_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
