/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ctest-labels: threads */
/* A disk that fails or is full, a process that is killed, a file that is damaged. */
#include "store_support.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int setup(void **state)
{
	*state = kt_test_make_dir();
	return 0;
}

static int teardown(void **state)
{
	kt_test_remove_dir(*state);
	return 0;
}

static int fail_third_sync(void *arg, uint64_t n)
{
	(void)arg;
	return n == 3 ? -EIO : 0;
}

static void check_fail_stop(const char *path)
{
	struct test_store store = {0};

	open_store(&store,
	        &(struct kt_store_options){.path = path, .faults.before_sync = fail_third_sync});
	assert_int_equal(put(&store, "/a", "1"), 2);
	assert_int_equal(put(&store, "/a", "2"), 3);
	assert_int_equal(put(&store, "/a", "3"), -EIO);
	assert_int_equal(put(&store, "/a", "4"), -EROFS);
	assert_int_equal(put(&store, "/b", "1"), -EROFS);
	assert_int_equal(store.storage->ops->health(store.storage), -EROFS);
	/* reads go on, and show nothing that was not synced */
	assert_list(&store, "/", 0, "/a=2");
	assert_list(&store, "/", 2, "/a=1");
	assert_int_equal(store.storage->ops->revision(store.storage), 3);
	close_store(&store);
}

static void test_failed_sync_stops_writes(void **state)
{
	struct test_store store = {0};

	check_fail_stop(NULL);
	check_fail_stop(*state);
	open_store(&store, &(struct kt_store_options){.path = *state});
	assert_list(&store, "/", 0, "/a=2");
	assert_int_equal(put(&store, "/a", "5"), 4);
	close_store(&store);
}

/* One object of about 2 KB; its number is its name. */
static int64_t put_big(struct test_store *store, int number)
{
	char key[32], value[2001];

	snprintf(key, sizeof(key), "/big/%04d", number);
	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	return put(store, key, value);
}

static void test_full_disk(void **state)
{
	struct test_store store = {0};
	struct kt_store_options options = {.path = *state, .map_max_bytes = 1 << 20};
	char key[32];
	int n = 0;

	open_store(&store, &options);
	while (n < 1000 && put_big(&store, n) > 0)
		n++;
	assert_true(n > 100 && n < 256);
	assert_int_equal(put_big(&store, n), -ENOSPC);
	int64_t revision = store.storage->ops->revision(store.storage);
	assert_int_equal(revision, n + 1);
	assert_int_equal(store.storage->ops->count(store.storage, "/big/"), n);
	/* deletes find room, and then so do others */
	for (int i = 0; i < n; i++) {
		snprintf(key, sizeof(key), "/big/%04d", i);
		assert_int_equal(del(&store, key), ++revision);
	}
	/* pages come back two commits after they were freed */
	int64_t rc = -ENOSPC;
	for (int i = 0; i < 10 && rc == -ENOSPC; i++)
		rc = put_big(&store, i);
	assert_true(rc > revision);
	close_store(&store);
	open_store(&store, &options);
	assert_int_equal(store.storage->ops->revision(store.storage), rc);
	assert_int_equal(store.storage->ops->count(store.storage, "/big/"), 1);
	close_store(&store);
}

static void test_many_overwrites_fit_into_a_small_map(void **state)
{
	struct test_store store = {0};

	open_store(&store, &(struct kt_store_options){.path = *state, .map_max_bytes = 1 << 20});
	for (int i = 0; i < 2000; i++) {
		int64_t rc = put_big(&store, i % 5);
		assert_true(rc > 0);
	}
	close_store(&store);
}

/*
 * Being killed: a child writes pairs in one transaction and names each acknowledged number on a
 * pipe; whatever the moment, all that was named is there afterwards, and no half of a pair.
 */
enum { KILL_ROUNDS = 24, IN_FLIGHT = 8 };

struct killed {
	const char *path;
	int out;
	uint64_t die_before, die_after; /* which sync; 0: the parent kills */
};

static int die_before_sync(void *arg, uint64_t n)
{
	if (n == ((const struct killed *)arg)->die_before)
		kill(getpid(), SIGKILL);
	return 0;
}

static void die_after_sync(void *arg, uint64_t n)
{
	if (n == ((const struct killed *)arg)->die_after)
		kill(getpid(), SIGKILL);
}

struct pair {
	struct kt_storage_txn txn;
	struct kt_storage_op ops[2];
	char keys[2][32];
	int number;
	struct killed *killed;
	bool idle;
};

static void on_pair_done(struct kt_storage_txn *txn)
{
	struct pair *pair = kt_container_of(txn, struct pair, txn);

	if (txn->status || write(pair->killed->out, &pair->number, sizeof(pair->number)) < 0)
		_exit(3);
	for (int i = 0; i < 2; i++) {
		kt_object_unref(pair->ops[i].object);
		kt_object_unref(pair->ops[i].ret_object);
	}
	pair->idle = true;
}

static void submit_pair(struct test_store *store, struct pair *pair, int number)
{
	char value[16];

	pair->number = number;
	pair->idle = false;
	snprintf(value, sizeof(value), "%d", number);
	for (int i = 0; i < 2; i++) {
		snprintf(pair->keys[i], sizeof(pair->keys[i]), "/%c/%d", 'a' + i, number % 50);
		pair->ops[i] = (struct kt_storage_op){
		        .kind = KT_STORAGE_PUT,
		        .key = pair->keys[i],
		        .expect_revision = KT_STORAGE_ANY,
		        .object = make_object(pair->keys[i], value),
		};
	}
	pair->txn = (struct kt_storage_txn){
	        .ops = pair->ops, .n_ops = 2, .loop = store->loop, .done = on_pair_done};
	if (store->storage->ops->submit(store->storage, &pair->txn, NULL) < 0)
		_exit(4);
}

static void run_child(struct killed *killed, int number)
{
	struct test_store store = {.loop = kt_loop_create(&(struct kt_loop_options){0}, NULL)};
	struct pair pairs[IN_FLIGHT];
	struct kt_store_options options = {
	        .path = killed->path,
	        .history_max_bytes = 8192, /* so that records are removed, too */
	        .faults = {die_before_sync, die_after_sync, killed},
	};

	if (kt_store_open(&options, &store.storage, NULL) < 0)
		_exit(5);
	for (int i = 0; i < IN_FLIGHT; i++) {
		pairs[i] = (struct pair){.killed = killed, .idle = true};
	}
	for (;;) {
		for (int i = 0; i < IN_FLIGHT; i++) {
			if (pairs[i].idle)
				submit_pair(&store, &pairs[i], number++);
		}
		kt_loop_run_once(store.loop, -1, NULL);
	}
}

/* Lets a child write from `number` on until it dies; returns the highest number it named. */
static int run_and_kill(struct killed *killed, int number, int kill_after)
{
	int fds[2], named, highest = -1, status;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(fds[0]);
		killed->out = fds[1];
		run_child(killed, number);
	}
	close(fds[1]);
	for (int n = 0; read(fds[0], &named, sizeof(named)) == sizeof(named); n++) {
		highest = KT_MAX(highest, named);
		if (n == kill_after && !killed->die_before && !killed->die_after)
			kill(pid, SIGKILL);
	}
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	return highest;
}

/* Transactions commit in the order they were queued: all up to the highest acknowledged one must be
 * there. */
static void check_survivors(const char *path, int highest, int64_t *revision)
{
	struct test_store store = {0};

	open_store(&store, &(struct kt_store_options){.path = path});
	int64_t now = store.storage->ops->revision(store.storage);
	assert_true(now >= *revision);
	assert_true(now >= highest + 2);
	*revision = now;
	for (int i = 0; i < 50 && i <= highest; i++) {
		char key[2][32];
		int at_least = highest - (highest - i) % 50;
		snprintf(key[0], sizeof(key[0]), "/a/%d", i);
		snprintf(key[1], sizeof(key[1]), "/b/%d", i);
		const char *a = value_at(&store, key[0], 0), *b = value_at(&store, key[1], 0);
		assert_string_equal(a, b);
		assert_true(atoi(a) >= at_least && atoi(a) % 50 == i);
	}
	close_store(&store);
}

static void test_killed_at_any_moment(void **state)
{
	int number = 0;
	int64_t revision = 1;

	for (int round = 0; round < KILL_ROUNDS; round++) {
		struct killed killed = {.path = *state};
		if (round % 3 == 1)
			killed.die_before = 1 + (uint64_t)(round * 7 % 40);
		if (round % 3 == 2)
			killed.die_after = 1 + (uint64_t)(round * 5 % 40);
		int highest = run_and_kill(&killed, number, round * 13 % 200);
		highest = KT_MAX(highest, number - 1);
		check_survivors(*state, highest, &revision);
		/* numbers go on behind all that may have been written */
		number = highest + 1;
	}
	assert_true(number > KILL_ROUNDS);
}

/* Changes a byte of the first occurrence of `text` in the file. */
static void damage(const char *path, const char *text)
{
	kt_auto_free char *file = kt_asprintf("%s/store.mdb", path);
	kt_auto_close int fd = open(file, O_RDWR);
	struct stat st;

	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	kt_auto_free char *data = kt_alloc((size_t)st.st_size);
	assert_int_equal(pread(fd, data, (size_t)st.st_size, 0), st.st_size);
	char *found = memmem(data, (size_t)st.st_size, text, strlen(text));
	assert_non_null(found);
	assert_int_equal(pwrite(fd, "X", 1, found - data), 1);
}

static void test_damage_is_seen(void **state)
{
	struct test_store store = {0};
	struct kt_storage *storage = NULL;
	kt_auto_err err = KT_ERR_INIT;

	open_store(&store, &(struct kt_store_options){.path = *state});
	put(&store, "/a", "precious");
	close_store(&store);
	damage(*state, "precious");
	assert_int_equal(kt_store_open(&(struct kt_store_options){.path = *state}, &storage, &err),
	        -EBADMSG);
	assert_non_null(strstr(kt_err_message(&err), "the record of revision 2 is damaged"));
}

static void test_no_store_is_seen(void **state)
{
	struct kt_storage *storage = NULL;
	kt_auto_free char *file = kt_asprintf("%s/store.mdb", (const char *)*state);
	kt_auto_close int fd = open(file, O_RDWR | O_CREAT, 0600);
	char junk[8192];

	memset(junk, 'j', sizeof(junk));
	assert_int_equal(write(fd, junk, sizeof(junk)), sizeof(junk));
	assert_int_equal(kt_store_open(&(struct kt_store_options){.path = *state}, &storage, NULL),
	        -EBADMSG);
}

/* LMDB would make a new store of it, and the cluster's data would be gone without a word. */
static void test_empty_file_is_seen(void **state)
{
	struct test_store store = {0};
	struct kt_storage *storage = NULL;
	kt_auto_err err = KT_ERR_INIT;
	kt_auto_free char *file = kt_asprintf("%s/store.mdb", (const char *)*state);
	kt_auto_free char *half = kt_asprintf("%s.new", file);
	kt_auto_close int fd = -1;

	/* one that was killed while it made its file begins anew */
	fd = open(half, O_RDWR | O_CREAT, 0600);
	assert_true(fd >= 0);
	open_store(&store, &(struct kt_store_options){.path = *state});
	assert_int_equal(put(&store, "/a", "1"), 2);
	close_store(&store);
	assert_int_equal(access(half, F_OK), -1);
	assert_int_equal(truncate(file, 0), 0);
	assert_int_equal(kt_store_open(&(struct kt_store_options){.path = *state}, &storage, &err),
	        -EBADMSG);
	assert_non_null(strstr(kt_err_message(&err), "store.mdb is damaged: it is empty"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_failed_sync_stops_writes, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
	        cmocka_unit_test_setup_teardown(
	                test_many_overwrites_fit_into_a_small_map, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_killed_at_any_moment, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_damage_is_seen, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_no_store_is_seen, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_empty_file_is_seen, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
