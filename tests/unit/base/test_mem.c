/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/buf.h"
#include "base/mem.h"
#include "base/vec.h"
#include "support/support.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static void test_empty_allocations(void **state)
{
	(void)state;
	kt_auto_free void *a = kt_alloc(0), *b = kt_calloc(0, 8), *c = kt_memdup(NULL, 0);
	kt_auto_free char *d = kt_strndup(NULL, 0);
	assert_non_null(a);
	assert_non_null(b);
	assert_non_null(c);
	assert_string_equal(d, "");
}

static void test_steal(void **state)
{
	(void)state;
	kt_auto_free char *text = kt_asprintf("%d-%s", 7, "x");
	char *mine = kt_steal(&text);
	assert_null(text);
	assert_string_equal(mine, "7-x");
	free(mine);
}

static void test_close_keeps_errno(void **state)
{
	(void)state;
	int fd = open("/dev/null", O_RDONLY);
	assert_true(fd >= 0);
	int same = fd;
	errno = ENOENT;
	kt_close_p(&fd);
	assert_int_equal(fd, -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(fcntl(same, F_GETFD), -1);
}

static void test_arena(void **state)
{
	kt_auto_arena arena;

	(void)state;
	kt_arena_init(&arena);
	char *first = kt_arena_strdup(&arena, "first");
	for (size_t i = 1; i < 3000; i++) {
		unsigned char *p = kt_arena_alloc(&arena, i);
		assert_int_equal((uintptr_t)p % 16, 0);
		for (size_t k = 0; k < i; k++)
			assert_int_equal(p[k], 0);
		memset(p, 0xff, i);
	}
	assert_string_equal(first, "first");
	assert_string_equal(kt_arena_printf(&arena, "%s/%d", "a", 5), "a/5");
	/* A large block does not close the chunk small ones come from. */
	char *before = kt_arena_alloc(&arena, 16);
	memset(kt_arena_alloc(&arena, 1 << 20), 1, 1 << 20);
	char *after = kt_arena_alloc(&arena, 16);
	assert_int_equal(after - before, 16);
	kt_arena_reset(&arena);
	assert_int_equal(arena.used_bytes, 0);
	assert_int_equal(*(char *)kt_arena_alloc(&arena, 100), 0);
}

static void test_vec(void **state)
{
	KT_VEC(int) v = {0};

	(void)state;
	for (int i = 0; i < 100; i++)
		kt_vec_push(&v, i);
	kt_vec_remove(&v, 10);
	kt_vec_remove(&v, v.n - 1);
	assert_int_equal(v.n, 98);
	assert_int_equal(v.items[10], 11);
	assert_int_equal(v.items[97], 98);
	kt_vec_finish(&v);
	assert_null(v.items);
}

static void test_buf(void **state)
{
	kt_auto_str s = {0};

	(void)state;
	kt_str_puts(&s, "hello");
	kt_auto_buf struct kt_buf *buf = kt_buf_from_str(&s);
	assert_int_equal(s.len, 0);
	assert_int_equal(buf->len, 5);
	assert_string_equal(buf->data, "hello");
	kt_auto_buf struct kt_buf *again = kt_buf_ref(buf);
	assert_ptr_equal(again, buf);
	assert_int_equal(atomic_load(&buf->refs), 2);
	kt_auto_buf struct kt_buf *empty = kt_buf_create(NULL, 0);
	assert_string_equal(empty->data, "");
	kt_buf_unref(NULL);
	assert_null(kt_buf_ref(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_empty_allocations),
	        cmocka_unit_test(test_steal),
	        cmocka_unit_test(test_close_keeps_errno),
	        cmocka_unit_test(test_arena),
	        cmocka_unit_test(test_vec),
	        cmocka_unit_test(test_buf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
