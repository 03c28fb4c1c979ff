/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ctest-labels: threads */
/* Watches: no gap, no duplicate, no reorder, from any revision that is kept. */
#include "store_support.h"

static char *dir;

struct watching {
	struct kt_task wake;
	struct kt_storage_watch *watch;
	int n_wakes;
};

static void on_wake(struct kt_task *task)
{
	kt_container_of(task, struct watching, wake)->n_wakes++;
}

static int setup_memory(void **state)
{
	static struct test_store store;

	store = (struct test_store){0};
	open_store(&store, &(struct kt_store_options){0});
	*state = &store;
	return 0;
}

static int setup_file(void **state)
{
	static struct test_store store;

	dir = kt_test_make_dir();
	store = (struct test_store){0};
	open_store(&store, &(struct kt_store_options){.path = dir});
	*state = &store;
	return 0;
}

static int teardown(void **state)
{
	close_store(*state);
	kt_test_remove_dir(dir);
	dir = NULL;
	return 0;
}

static int open_watch(
        struct test_store *store, struct watching *watching, const char *prefix, int64_t from)
{
	*watching = (struct watching){0};
	kt_task_init(&watching->wake, on_wake);
	return store->storage->ops->watch_open(
	        store->storage, prefix, from, store->loop, &watching->wake, &watching->watch, NULL);
}

static void close_watch(struct test_store *store, struct watching *watching)
{
	store->storage->ops->watch_close(watching->watch);
	/* a wake may still be in the mailbox */
	while (kt_loop_run_once(store->loop, 0, NULL) > 0)
		;
}

/* All that is there now: "+/a=1@2(-) -/a=1@3(1) …": type, key, value, revision, value before. */
static void assert_events(struct test_store *store, struct watching *watching, const char *expected)
{
	kt_auto_str text = KT_STR_INIT;
	struct kt_storage_event event;
	int rc;

	while ((rc = store->storage->ops->watch_next(watching->watch, &event)) == 1) {
		kt_str_printf(&text, "%s%c%s=%s@%lld(%s)", text.len ? " " : "",
		        event.type == KT_STORAGE_EVENT_PUT ? '+' : '-', kt_object_key(event.object),
		        value_of(event.object), (long long)event.revision, value_of(event.prev));
		assert_int_equal(event.object->revision, event.revision);
		kt_storage_event_finish(&event);
	}
	if (rc < 0)
		kt_str_printf(&text, "!%d", rc);
	assert_string_equal(kt_str_text(&text), expected);
}

static void test_events_have_before_and_after(void **state)
{
	struct test_store *store = *state;
	struct watching watching;

	assert_int_equal(open_watch(store, &watching, "/p/", 1), 0);
	put(store, "/p/a", "1");
	put(store, "/q/a", "1");
	put(store, "/p/a", "2");
	del(store, "/p/a");
	put(store, "/p/a", "3");
	assert_int_not_equal(watching.n_wakes, 0);
	assert_events(store, &watching, "+/p/a=1@2(-) +/p/a=2@4(1) -/p/a=2@5(2) +/p/a=3@6(-)");
	assert_int_equal(store->storage->ops->watch_progress(watching.watch), 6);
	put(store, "/q/a", "2");
	assert_int_equal(store->storage->ops->watch_progress(watching.watch), 7);
	assert_events(store, &watching, "");
	close_watch(store, &watching);
}

static void test_starts_in_the_past(void **state)
{
	struct test_store *store = *state;
	struct watching early, late, one;

	for (int i = 0; i < 4; i++)
		put(store, i % 2 ? "/p/a" : "/p/b", "x");
	assert_int_equal(open_watch(store, &late, "/p/", 4), 0);
	/* the second watch of a prefix may start further back than the first */
	assert_int_equal(open_watch(store, &early, "/p/", 2), 0);
	assert_int_equal(open_watch(store, &one, "/p/a", 1), 0);
	put(store, "/p/a", "y");
	assert_events(store, &late, "+/p/a=x@5(x) +/p/a=y@6(x)");
	assert_events(store, &early, "+/p/a=x@3(-) +/p/b=x@4(x) +/p/a=x@5(x) +/p/a=y@6(x)");
	assert_events(store, &one, "+/p/a=x@3(-) +/p/a=x@5(x) +/p/a=y@6(x)");
	close_watch(store, &late);
	close_watch(store, &early);
	close_watch(store, &one);
}

static void test_reads_history_then_goes_on(void **state)
{
	struct test_store *store = *state;
	struct watching watching;

	put(store, "/p/a", "1");
	put(store, "/q/a", "1");
	put(store, "/p/a", "2");
	del(store, "/p/a");
	close_store(store);
	open_store(store, &(struct kt_store_options){.path = dir});
	assert_int_equal(open_watch(store, &watching, "/p/", 2), 0);
	put(store, "/p/a", "3");
	assert_events(store, &watching, "+/p/a=2@4(1) -/p/a=2@5(2) +/p/a=3@6(-)");
	put(store, "/p/a", "4");
	assert_events(store, &watching, "+/p/a=4@7(3)");
	close_watch(store, &watching);
}

static void test_too_old_and_too_new(void **state)
{
	struct test_store *store = *state;
	struct watching watching;

	for (int i = 0; i < 5; i++)
		put(store, "/p/a", "1");
	assert_int_equal(store->storage->ops->compact(store->storage, 4, NULL), 0);
	assert_int_equal(open_watch(store, &watching, "/p/", 3), -ESTALE);
	assert_int_equal(open_watch(store, &watching, "/p/", 7), -ERANGE);
	assert_int_equal(open_watch(store, &watching, "/p/", 4), 0);
	assert_events(store, &watching, "+/p/a=1@5(1) +/p/a=1@6(1)");
	close_watch(store, &watching);
}

static void test_falling_behind_is_told(void **state)
{
	struct test_store *store = *state;
	struct watching watching;

	close_store(store);
	open_store(store, &(struct kt_store_options){.history_max_bytes = 2000});
	assert_int_equal(open_watch(store, &watching, "/p/", 1), 0);
	for (int i = 0; i < 100; i++)
		put(store, "/p/a", "1");
	assert_events(store, &watching, "!-116");
	close_watch(store, &watching);
}

/* Many writers in threads of their own, watches that pull while they write. */
enum { N_WRITERS = 4, N_WRITES = 400 };

struct writer {
	pthread_t thread;
	struct test_store store;
	int number;
};

static void *run_writer(void *arg)
{
	struct writer *writer = arg;
	char key[32], value[32];

	for (int i = 0; i < N_WRITES; i++) {
		snprintf(key, sizeof(key), "/p/%d-%d", writer->number, i % 7);
		snprintf(value, sizeof(value), "%d", i);
		if (i % 11 == 10)
			del(&writer->store, key);
		else
			put(&writer->store, key, value);
	}
	return NULL;
}

struct follower {
	struct watching watching;
	int64_t revision; /* of the last event */
	int n;
};

static void follow(struct test_store *store, struct follower *follower)
{
	struct kt_storage_event event;
	int64_t progress = store->storage->ops->watch_progress(follower->watching.watch);
	int rc;

	while ((rc = store->storage->ops->watch_next(follower->watching.watch, &event)) == 1) {
		assert_true(event.revision > progress);
		/* one operation per transaction: each revision once, in order, none left out */
		assert_int_equal(event.revision, follower->revision + 1);
		follower->revision = event.revision;
		follower->n++;
		kt_storage_event_finish(&event);
	}
	assert_int_equal(rc, 0);
}

static void test_no_gap_under_concurrent_writers(void **state)
{
	struct test_store *store = *state;
	struct writer writers[N_WRITERS];
	struct follower followers[3] = {{.revision = 1}, {.revision = 1}, {.revision = 1}};
	int64_t last = 0;

	assert_int_equal(open_watch(store, &followers[0].watching, "/p/", 1), 0);
	for (int i = 0; i < N_WRITERS; i++) {
		writers[i] = (struct writer){.number = i, .store.storage = store->storage};
		writers[i].store.loop = kt_loop_create(&(struct kt_loop_options){0}, NULL);
		assert_int_equal(
		        pthread_create(&writers[i].thread, NULL, run_writer, &writers[i]), 0);
	}
	while (followers[0].n < 200) {
		kt_loop_run_once(store->loop, 1000, NULL);
		follow(store, &followers[0]);
	}
	/* these start in the past while the writers run */
	assert_int_equal(open_watch(store, &followers[1].watching, "/p/", 1), 0);
	assert_int_equal(open_watch(store, &followers[2].watching, "/", 1), 0);
	while (followers[0].n < 400) {
		kt_loop_run_once(store->loop, 1000, NULL);
		for (int i = 0; i < 3; i++)
			follow(store, &followers[i]);
	}
	for (int i = 0; i < N_WRITERS; i++) {
		pthread_join(writers[i].thread, NULL);
		kt_loop_destroy(writers[i].store.loop);
	}
	last = store->storage->ops->revision(store->storage);
	for (int i = 0; i < 3; i++) {
		follow(store, &followers[i]);
		assert_int_equal(followers[i].revision, last);
		close_watch(store, &followers[i].watching);
	}
}

/* What left the memory by age comes from the file, for those who watch and for those who begin. */
static void test_old_events_come_from_the_file(void **state)
{
	struct test_store *store = *state;
	struct watching early, late;

	close_store(store);
	store->loop = kt_loop_create(&(struct kt_loop_options){.is_virtual = true}, NULL);
	open_store(store, &(struct kt_store_options){.loop = store->loop, .path = dir});
	assert_int_equal(open_watch(store, &early, "/p/", 1), 0);
	put(store, "/p/a", "1");
	put(store, "/p/a", "2");
	kt_loop_run_until(store->loop, 1000 * KT_NS_PER_S);
	put(store, "/p/a", "3");
	put(store, "/q/a", "1");
	assert_int_equal(open_watch(store, &late, "/p/", 2), 0);
	assert_events(store, &early, "+/p/a=1@2(-) +/p/a=2@3(1) +/p/a=3@4(2)");
	assert_events(store, &late, "+/p/a=2@3(1) +/p/a=3@4(2)");
	assert_string_equal(value_at(store, "/p/a", 2), "1");
	close_watch(store, &early);
	close_watch(store, &late);
}

static void test_expired_objects_go(void **state)
{
	struct test_store *store = *state;
	struct watching watching;
	struct kt_object *object = make_object("/e/a", "1");
	struct kt_storage_op op = {.kind = KT_STORAGE_PUT, .key = "/e/a"};

	close_store(store);
	store->loop = kt_loop_create(&(struct kt_loop_options){.is_virtual = true}, NULL);
	open_store(store, &(struct kt_store_options){.loop = store->loop, .path = dir});
	assert_int_equal(open_watch(store, &watching, "/", 1), 0);
	object->expires_wall_ns = 3600 * KT_NS_PER_S;
	op.object = object;
	assert_int_equal(run_txn(store, &op, 1, NULL), 0);
	kt_object_unref(op.ret_object);
	put(store, "/e/b", "stays");
	kt_loop_run_until(store->loop, 3599 * KT_NS_PER_S);
	assert_list(store, "/", 0, "/e/a=1 /e/b=stays");
	kt_loop_run_until(store->loop, 3603 * KT_NS_PER_S);
	assert_list(store, "/", 0, "/e/b=stays");
	assert_events(store, &watching, "+/e/a=1@2(-) +/e/b=stays@3(-) -/e/a=1@4(1)");
	close_watch(store, &watching);
	kt_object_unref(object);
}

#define BOTH(test) \
	{#test " in memory", test, setup_memory, teardown, NULL}, \
	{ \
#test " on disk", test, setup_file, teardown, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        BOTH(test_events_have_before_and_after),
	        BOTH(test_starts_in_the_past),
	        BOTH(test_too_old_and_too_new),
	        BOTH(test_no_gap_under_concurrent_writers),
	        BOTH(test_expired_objects_go),
	        cmocka_unit_test_setup_teardown(
	                test_old_events_come_from_the_file, setup_file, teardown),
	        cmocka_unit_test_setup_teardown(
	                test_reads_history_then_goes_on, setup_file, teardown),
	        cmocka_unit_test_setup_teardown(
	                test_falling_behind_is_told, setup_memory, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
