/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ctest-labels: threads */
#include "store_support.h"

#include "base/path.h"

#include <fcntl.h>
#include <gnutls/crypto.h>
#include <unistd.h>

struct fixture {
	char *dir, *file, *into;
	struct test_store store;
};

static int setup(void **state)
{
	struct fixture *f = kt_new(struct fixture);
	kt_auto_free char *data = NULL;

	f->dir = kt_test_make_dir();
	data = kt_asprintf("%s/data", f->dir);
	f->file = kt_asprintf("%s/snapshot", f->dir);
	f->into = kt_asprintf("%s/restored", f->dir);
	open_store(&f->store, &(struct kt_store_options){.path = data});
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	close_store(&f->store);
	kt_test_remove_dir(f->dir);
	free(f->file);
	free(f->into);
	free(f);
	return 0;
}

static void save(struct fixture *f)
{
	assert_int_equal(f->store.storage->ops->snapshot_save(f->store.storage, f->file, NULL), 0);
}

static void test_round_trip(void **state)
{
	struct fixture *f = *state;
	struct test_store restored = {0};

	put(&f->store, "/a", "1");
	put(&f->store, "/b", "1");
	put(&f->store, "/a", "2");
	del(&f->store, "/b");
	put(&f->store, "/c", "3");
	kt_auto_object struct kt_object *object = make_object("/d", "4"),
	                                *other = make_object("/e", "5");
	struct kt_storage_op ops[] = {
	        {.kind = KT_STORAGE_PUT, .key = "/d", .object = object},
	        {.kind = KT_STORAGE_PUT, .key = "/e", .object = other},
	};
	assert_int_equal(run_txn(&f->store, ops, 2, NULL), 0);
	kt_object_unref(ops[0].ret_object);
	kt_object_unref(ops[1].ret_object);
	save(f);
	put(&f->store, "/a", "after");
	assert_int_equal(kt_store_restore(f->file, f->into, NULL), 0);
	open_store(&restored, &(struct kt_store_options){.path = f->into});
	assert_list(&restored, "/", 0, "/a=2 /c=3 /d=4 /e=5");
	int64_t revision = restored.storage->ops->revision(restored.storage);
	assert_int_equal(revision, 7 + KT_STORE_RESTORE_BUMP);
	assert_int_equal(restored.storage->ops->compacted(restored.storage), revision - 1);
	assert_string_equal(value_at(&restored, "/a", 7), "!-116");
	assert_string_equal(value_at(&restored, "/a", revision), "2");
	/* objects keep the revisions that clients know */
	kt_auto_object struct kt_object *a = NULL;
	assert_int_equal(restored.storage->ops->get(restored.storage, "/a", 0, &a, NULL), 0);
	assert_int_equal(a->revision, 4);
	assert_int_equal(a->create_revision, 2);
	assert_int_equal(change(&restored, KT_STORAGE_PUT, "/a", "3", 4), revision + 1);
	close_store(&restored);
}

static void test_empty_store(void **state)
{
	struct fixture *f = *state;
	struct test_store restored = {0};

	save(f);
	assert_int_equal(kt_store_restore(f->file, f->into, NULL), 0);
	open_store(&restored, &(struct kt_store_options){.path = f->into});
	assert_list(&restored, "/", 0, "");
	close_store(&restored);
}

static void test_full_folder_is_refused(void **state)
{
	struct fixture *f = *state;
	kt_auto_err err = KT_ERR_INIT;

	save(f);
	assert_int_equal(kt_store_restore(f->file, f->into, NULL), 0);
	assert_int_equal(kt_store_restore(f->file, f->into, &err), -EEXIST);
	assert_non_null(strstr(kt_err_message(&err), "is not empty"));
}

static void test_damage_is_refused(void **state)
{
	struct fixture *f = *state;

	put(&f->store, "/a", "precious");
	save(f);
	kt_auto_close int fd = open(f->file, O_RDWR);
	off_t size = lseek(fd, 0, SEEK_END);
	for (off_t at = 0; at < size; at++) {
		char byte, changed;
		assert_int_equal(pread(fd, &byte, 1, at), 1);
		changed = (char)(byte ^ 0x10);
		assert_int_equal(pwrite(fd, &changed, 1, at), 1);
		assert_int_equal(kt_store_restore(f->file, f->into, NULL), -EBADMSG);
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	for (off_t left = size - 1; left >= 0; left -= 7) {
		assert_int_equal(ftruncate(fd, left), 0);
		assert_int_equal(kt_store_restore(f->file, f->into, NULL), -EBADMSG);
	}
	assert_int_equal(access(f->into, F_OK), -1);
	assert_int_equal(kt_store_restore("/nowhere/file", f->into, NULL), -ENOENT);
}

static void write_snapshot(const char *path, const void *data, size_t len)
{
	unsigned char digest[32];
	kt_auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(gnutls_hash_fast(GNUTLS_DIG_SHA256, data, len, digest), 0);
	assert_int_equal(kt_write_all(fd, data, len, NULL), 0);
	assert_int_equal(kt_write_all(fd, (const char *)digest, sizeof(digest), NULL), 0);
}

/* The checksum is right, what it covers is not: nothing is left behind. */
static void test_wrong_contents_are_refused(void **state)
{
	struct fixture *f = *state;
	/* 16 bytes of magic; the object's row begins behind two numbers */
	enum { REVISION = 16, N = 24, ROW = 32, CREATED = ROW + 8, KEY = ROW + 32 };
	static const struct {
		size_t at, len;
		const char *bytes, *message;
	} cases[] = {
	        {REVISION, 8, "\xff\xff\xff\xff\xff\xff\xff\x7f", "the revision is wrong"},
	        {N, 8, "\xff\xff\xff\xff\xff\xff\xff\x7f", "the number of objects is wrong"},
	        {N, 1, "\0", "there is something behind the last object"},
	        {ROW, 1, "\x09", "the revisions of object 0 are wrong"},
	        {ROW, 1, "\0", "the revisions of object 0 are wrong"},
	        {ROW, 8, "\xff\xff\xff\xff\xff\xff\xff\xff", "the revisions of object 0 are wrong"},
	        {CREATED, 1, "\x03", "the revisions of object 0 are wrong"},
	        {CREATED, 1, "\0", "the revisions of object 0 are wrong"},
	        {KEY, 1, "a", "the key of object 0 is wrong"},
	        {KEY + 1, 1, "\0", "the key of object 0 is wrong"},
	        {KEY + 2, 1, "[", "object 0 is no object"},
	};

	put(&f->store, "/a", "1");
	save(f);
	kt_auto_str text = KT_STR_INIT;
	assert_int_equal(kt_read_file(f->file, 1 << 20, &text, NULL), 0);
	text.len -= 32;
	for (size_t i = 0; i < KT_ARRAY_SIZE(cases); i++) {
		kt_auto_free char *data = kt_memdup(text.data, text.len);
		kt_auto_err err = KT_ERR_INIT;
		memcpy(data + cases[i].at, cases[i].bytes, cases[i].len);
		write_snapshot(f->file, data, text.len);
		assert_int_equal(kt_store_restore(f->file, f->into, &err), -EBADMSG);
		assert_non_null(strstr(kt_err_message(&err), cases[i].message));
		assert_int_equal(access(f->into, F_OK), -1);
	}
	write_snapshot(f->file, text.data, text.len);
	assert_int_equal(kt_store_restore(f->file, f->into, NULL), 0);
}

struct writer {
	struct test_store store;
	atomic_bool stop;
};

static void *run_writer(void *arg)
{
	struct writer *writer = arg;

	/* both keys always change together */
	for (int i = 0; !atomic_load(&writer->stop); i++) {
		char value[16];
		snprintf(value, sizeof(value), "%d", i);
		kt_auto_object struct kt_object *a = make_object("/a", value),
		                                *z = make_object("/z", value);
		struct kt_storage_op ops[] = {
		        {.kind = KT_STORAGE_PUT,
		                .key = "/a",
		                .expect_revision = KT_STORAGE_ANY,
		                .object = a},
		        {.kind = KT_STORAGE_PUT,
		                .key = "/z",
		                .expect_revision = KT_STORAGE_ANY,
		                .object = z},
		};
		assert_int_equal(run_txn(&writer->store, ops, 2, NULL), 0);
		kt_object_unref(ops[0].ret_object);
		kt_object_unref(ops[1].ret_object);
	}
	return NULL;
}

static void test_is_one_moment_while_writes_go_on(void **state)
{
	struct fixture *f = *state;
	struct writer writer = {.store.storage = f->store.storage};
	pthread_t thread;

	put(&f->store, "/a", "0");
	put(&f->store, "/z", "0");
	writer.store.loop = kt_loop_create(&(struct kt_loop_options){0}, NULL);
	assert_int_equal(pthread_create(&thread, NULL, run_writer, &writer), 0);
	for (int i = 0; i < 20; i++) {
		struct test_store restored = {0};
		kt_auto_free char *into = kt_asprintf("%s-%d", f->into, i);
		save(f);
		assert_int_equal(kt_store_restore(f->file, into, NULL), 0);
		open_store(&restored, &(struct kt_store_options){.path = into});
		assert_string_equal(value_at(&restored, "/a", 0), value_at(&restored, "/z", 0));
		close_store(&restored);
	}
	atomic_store(&writer.stop, true);
	pthread_join(thread, NULL);
	kt_loop_destroy(writer.store.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_empty_store, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_full_folder_is_refused, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_damage_is_refused, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_wrong_contents_are_refused, setup, teardown),
	        cmocka_unit_test_setup_teardown(
	                test_is_one_moment_while_writes_go_on, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
