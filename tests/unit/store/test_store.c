/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ctest-labels: threads */
/* What a store promises to one caller: conditions, transactions, ranges now and in the past,
 * compaction, restart. */
#include "store_support.h"

static char *dir;

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

static void reopen(struct test_store *store)
{
	close_store(store);
	open_store(store, &(struct kt_store_options){.path = dir});
}

static void test_conditions(void **state)
{
	struct test_store *store = *state;

	assert_int_equal(store->storage->ops->revision(store->storage), 1);
	assert_int_equal(change(store, KT_STORAGE_PUT, "/a/x", "1", 0), 2);
	assert_int_equal(change(store, KT_STORAGE_PUT, "/a/x", "2", 0), -EEXIST);
	assert_int_equal(change(store, KT_STORAGE_PUT, "/a/x", "2", 1), -ESTALE);
	assert_int_equal(change(store, KT_STORAGE_PUT, "/a/y", "2", 2), -ENOENT);
	assert_int_equal(change(store, KT_STORAGE_PUT, "/a/x", "2", 2), 3);
	assert_int_equal(change(store, KT_STORAGE_CHECK, "/a/x", NULL, 3), 3);
	assert_int_equal(change(store, KT_STORAGE_CHECK, "/a/x", NULL, 0), -EEXIST);
	assert_int_equal(change(store, KT_STORAGE_DELETE, "/a/x", NULL, 2), -ESTALE);
	assert_int_equal(change(store, KT_STORAGE_DELETE, "/a/x", NULL, 3), 4);
	assert_int_equal(change(store, KT_STORAGE_DELETE, "/a/x", NULL, KT_STORAGE_ANY), -ENOENT);
	assert_int_equal(store->storage->ops->revision(store->storage), 4);
}

static void test_put_fills_in_the_revision(void **state)
{
	struct test_store *store = *state;
	kt_auto_object struct kt_object *object = make_object("/a/x", "1");
	struct kt_storage_op op = {.kind = KT_STORAGE_PUT, .key = "/a/x", .object = object};

	assert_int_equal(run_txn(store, &op, 1, NULL), 0);
	assert_string_equal(kt_object_json(op.ret_object),
	        "{\"metadata\":{\"resourceVersion\":\"2\",\"name\":\"x\"},\"value\":\"1\"}");
	assert_int_equal(op.ret_object->revision, 2);
	assert_int_equal(op.ret_object->create_revision, 2);
	kt_object_unref(op.ret_object);
	op.expect_revision = 2;
	assert_int_equal(run_txn(store, &op, 1, NULL), 0);
	assert_int_equal(op.ret_object->revision, 3);
	assert_int_equal(op.ret_object->create_revision, 2);
	kt_object_unref(op.ret_object);
}

static void test_transactions_are_all_or_nothing(void **state)
{
	struct test_store *store = *state;
	kt_auto_object struct kt_object *a = make_object("/a", "1"), *b = make_object("/b", "1");
	struct kt_storage_op ops[] = {
	        {.kind = KT_STORAGE_PUT, .key = "/a", .object = a},
	        {.kind = KT_STORAGE_PUT, .key = "/b", .object = b, .expect_revision = 7},
	};
	int64_t revision = 0;

	assert_int_equal(run_txn(store, ops, 2, NULL), -ENOENT);
	assert_null(ops[0].ret_object);
	assert_list(store, "/", 0, "");
	ops[1].expect_revision = 0;
	assert_int_equal(run_txn(store, ops, 2, &revision), 0);
	assert_int_equal(ops[0].ret_object->revision, revision);
	assert_int_equal(ops[1].ret_object->revision, revision);
	kt_object_unref(ops[0].ret_object);
	kt_object_unref(ops[1].ret_object);
	assert_list(store, "/", 0, "/a=1 /b=1");
	/* a failed condition shows what is stored */
	assert_int_equal(run_txn(store, ops, 2, NULL), -EEXIST);
	assert_string_equal(value_of(ops[0].ret_object), "1");
	kt_object_unref(ops[0].ret_object);
	kt_object_unref(ops[1].ret_object);
}

static void test_prefix_ends_at_a_slash(void **state)
{
	struct test_store *store = *state;

	put(store, "/pods/a/x", "1");
	put(store, "/pods/a/xy", "2");
	put(store, "/pods/ab/x", "3");
	put(store, "/podsets/x", "4");
	assert_list(store, "/pods/", 0, "/pods/a/x=1 /pods/a/xy=2 /pods/ab/x=3");
	assert_list(store, "/pods/a/", 0, "/pods/a/x=1 /pods/a/xy=2");
	assert_list(store, "/pods/a/x", 0, "/pods/a/x=1");
	assert_list(store, "/pods/a", 0, "");
	assert_int_equal(store->storage->ops->count(store->storage, "/pods/"), 3);
	assert_int_equal(store->storage->ops->count(store->storage, "/pods/a/x"), 1);
	assert_int_equal(store->storage->ops->count(store->storage, "/pods/a"), 0);
	assert_int_equal(store->storage->ops->count(store->storage, ""), 4);
}

static void check_past(struct test_store *store)
{
	assert_list(store, "/", 1, "");
	assert_list(store, "/", 2, "/a=1");
	assert_list(store, "/", 3, "/a=1 /b=1");
	assert_list(store, "/", 4, "/a=2 /b=1");
	assert_list(store, "/", 5, "/b=1");
	assert_list(store, "/", 6, "/a=3 /b=1");
	assert_list(store, "/", 7, "!-34");
	assert_list(store, "/", 0, "/a=3 /b=1");
	assert_string_equal(value_at(store, "/a", 4), "2");
	assert_string_equal(value_at(store, "/a", 5), "-");
}

static void write_past(struct test_store *store)
{
	put(store, "/a", "1");
	put(store, "/b", "1");
	put(store, "/a", "2");
	assert_int_equal(del(store, "/a"), 5);
	put(store, "/a", "3");
}

static void test_past(void **state)
{
	write_past(*state);
	check_past(*state);
}

static void test_past_after_restart(void **state)
{
	struct test_store *store = *state;

	write_past(store);
	reopen(store);
	check_past(store);
	assert_int_equal(put(store, "/c", "1"), 7);
}

static void test_compaction(void **state)
{
	struct test_store *store = *state;

	write_past(store);
	assert_int_equal(store->storage->ops->compacted(store->storage), 0);
	assert_int_equal(store->storage->ops->compact(store->storage, 99, NULL), -ERANGE);
	assert_int_equal(store->storage->ops->compact(store->storage, 5, NULL), 0);
	assert_int_equal(store->storage->ops->compacted(store->storage), 4);
	assert_int_equal(store->storage->ops->compact(store->storage, 4, NULL), -ESTALE);
	assert_list(store, "/", 4, "!-116");
	assert_list(store, "/", 5, "/b=1");
	assert_list(store, "/", 6, "/a=3 /b=1");
	put(store, "/z", "1"); /* the writer has cleaned up now */
	assert_list(store, "/", 5, "/b=1");
	if (!dir)
		return;
	reopen(store);
	assert_int_equal(store->storage->ops->compacted(store->storage), 4);
	assert_list(store, "/", 4, "!-116");
	assert_list(store, "/", 6, "/a=3 /b=1");
}

static void test_revision_survives_compaction_of_all(void **state)
{
	struct test_store *store = *state;

	put(store, "/a", "1");
	assert_int_equal(del(store, "/a"), 3);
	assert_int_equal(store->storage->ops->compact(store->storage, 3, NULL), 0);
	assert_int_equal(put(store, "/b", "1"), 4);
	assert_int_equal(del(store, "/b"), 5);
	assert_int_equal(store->storage->ops->compact(store->storage, 5, NULL), 0);
	reopen(store); /* the writer may or may not have been there */
	reopen(store);
	assert_int_equal(store->storage->ops->revision(store->storage), 5);
	assert_int_equal(put(store, "/c", "1"), 6);
}

static void test_limit_and_continue(void **state)
{
	struct test_store *store = *state;
	char key[32], *start = NULL;
	size_t seen = 0;
	int64_t revision = 0;

	for (int i = 0; i < 10; i++) {
		snprintf(key, sizeof(key), "/p/%02d", i);
		put(store, key, "1");
	}
	for (;;) {
		struct kt_storage_list list = {0};
		struct kt_storage_range range = {
		        .prefix = "/p/", .start = start, .limit = 4, .revision = revision};
		assert_int_equal(
		        store->storage->ops->range(store->storage, &range, &list, NULL), 0);
		free(start);
		start = kt_steal(&list.next_key);
		revision = list.revision;
		seen += list.n;
		assert_int_equal(list.revision, 11);
		assert_int_equal(list.more, seen < 10);
		bool more = list.more;
		kt_storage_list_finish(&list);
		if (!more)
			break;
		if (seen == 4) {
			assert_string_equal(start, "/p/04");
			/* later pages do not see what happens between them */
			del(store, "/p/05");
			put(store, "/p/055", "new");
		}
	}
	assert_int_equal(seen, 10);
	free(start);
}

static void test_remaining(void **state)
{
	struct test_store *store = *state;
	char key[32];

	for (int i = 0; i < 500; i++) {
		snprintf(key, sizeof(key), "/p/%03d", i);
		put(store, key, "1");
	}
	struct kt_storage_list list = {0};
	struct kt_storage_range range = {.prefix = "/p/", .limit = 123};
	assert_int_equal(store->storage->ops->range(store->storage, &range, &list, NULL), 0);
	assert_int_equal(list.n, 123);
	assert_int_equal(list.remaining, 377);
	assert_string_equal(list.next_key, "/p/123");
	kt_storage_list_finish(&list);
}

static bool value_is_odd(void *arg, const struct kt_object *object)
{
	(void)arg;
	return strchr("13579", value_of(object)[0]) != NULL;
}

static void test_filter(void **state)
{
	struct test_store *store = *state;
	char key[32], value[16];

	for (int i = 0; i < 10; i++) {
		snprintf(key, sizeof(key), "/p/%d", i);
		snprintf(value, sizeof(value), "%d", i);
		put(store, key, value);
	}
	struct kt_storage_list list = {0};
	struct kt_storage_range range = {.prefix = "/p/", .limit = 3, .filter = value_is_odd};
	assert_int_equal(store->storage->ops->range(store->storage, &range, &list, NULL), 0);
	assert_int_equal(list.n, 3);
	assert_string_equal(value_of(list.objects[2]), "5");
	assert_true(list.more);
	assert_string_equal(list.next_key, "/p/6");
	kt_storage_list_finish(&list);
}

static void test_delete_shows_the_given_final_state(void **state)
{
	struct test_store *store = *state;
	kt_auto_object struct kt_object *final = make_object("/a", "final");
	struct kt_storage_op op = {.kind = KT_STORAGE_DELETE,
	        .key = "/a",
	        .expect_revision = KT_STORAGE_ANY,
	        .object = final};

	put(store, "/a", "1");
	assert_int_equal(run_txn(store, &op, 1, NULL), 0);
	assert_string_equal(value_of(op.ret_object), "final");
	assert_int_equal(op.ret_object->revision, 3);
	kt_object_unref(op.ret_object);
}

static void test_second_opener_is_refused(void **state)
{
	struct kt_storage *other = NULL;
	kt_auto_err err = KT_ERR_INIT;

	(void)state;
	assert_int_equal(
	        kt_store_open(&(struct kt_store_options){.path = dir}, &other, &err), -EBUSY);
	assert_non_null(strstr(kt_err_message(&err), "in use by process"));
}

static void test_old_history_goes_by_size(void **state)
{
	struct test_store *store = *state;
	char value[16];

	close_store(store);
	open_store(store, &(struct kt_store_options){.path = dir, .history_max_bytes = 4096});
	for (int i = 0; i < 200; i++) {
		snprintf(value, sizeof(value), "%d", i);
		put(store, "/a", value);
	}
	int64_t compacted = store->storage->ops->compacted(store->storage);
	assert_true(compacted > 100 && compacted < 201);
	assert_string_equal(value_at(store, "/a", compacted), "!-116");
	assert_string_not_equal(value_at(store, "/a", compacted + 1), "!-116");
	reopen(store);
	assert_string_equal(value_at(store, "/a", 0), "199");
	assert_true(store->storage->ops->compacted(store->storage) > 100);
}

#define BOTH(test) \
	{#test " in memory", test, setup_memory, teardown, NULL}, \
	{ \
#test " on disk", test, setup_file, teardown, NULL \
	}
#define ON_DISK(test) cmocka_unit_test_setup_teardown(test, setup_file, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        BOTH(test_conditions),
	        BOTH(test_put_fills_in_the_revision),
	        BOTH(test_transactions_are_all_or_nothing),
	        BOTH(test_prefix_ends_at_a_slash),
	        BOTH(test_past),
	        BOTH(test_compaction),
	        BOTH(test_limit_and_continue),
	        BOTH(test_remaining),
	        BOTH(test_filter),
	        BOTH(test_delete_shows_the_given_final_state),
	        ON_DISK(test_past_after_restart),
	        ON_DISK(test_revision_survives_compaction_of_all),
	        ON_DISK(test_second_opener_is_refused),
	        ON_DISK(test_old_history_goes_by_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
