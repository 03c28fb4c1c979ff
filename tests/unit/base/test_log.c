/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"
#include "base/mem.h"
#include "support/support.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int pipe_fds[2];

static int open_pipe(void **state)
{
	(void)state;
	if (pipe(pipe_fds) < 0)
		return -1;
	kt_log_open(pipe_fds[1], KT_LOG_INFO);
	return 0;
}

static int close_pipe(void **state)
{
	(void)state;
	kt_log_open(STDERR_FILENO, KT_LOG_INFO);
	kt_close_p(&pipe_fds[0]);
	kt_close_p(&pipe_fds[1]);
	return 0;
}

static void read_line(char *line, size_t size)
{
	ssize_t n = read(pipe_fds[0], line, size - 1);

	assert_true(n > 0);
	line[n] = '\0';
}

static void test_line(void **state)
{
	char line[512];

	(void)state;
	errno = ENOENT;
	kt_log_debug("area", "not seen");
	kt_log_warning("area", "n=%d", 5);
	assert_int_equal(errno, ENOENT);
	read_line(line, sizeof(line));
	/* 2026-01-02T03:04:05.678Z */
	assert_int_equal(line[10], 'T');
	assert_int_equal(line[23], 'Z');
	assert_string_equal(line + 24, " warning area: n=5\n");
}

static void test_escapes(void **state)
{
	char line[512];

	(void)state;
	kt_log_error("a", "\x1b[2J%s\n\xff\xc2\x9b gr\xc3\xbc\xc3\x9f", "\x7f");
	read_line(line, sizeof(line));
	assert_string_equal(
	        line + 24, " error a: \\x1b[2J\\x7f\\x0a\\xff\\xc2\\x9b gr\xc3\xbc\xc3\x9f\n");
}

static long long size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (long long)st.st_size : -1;
}

/* However much is logged: two files, each with no more than the limit and a line. */
static void test_limit(void **state)
{
	enum { MAX = 4096, LINE = 200 };
	char dir[] = "/tmp/kube-tui-log-XXXXXX", text[LINE + 1];

	(void)state;
	assert_non_null(mkdtemp(dir));
	kt_auto_free char *path = kt_asprintf("%s/log", dir);
	kt_auto_free char *old = kt_asprintf("%s/log.1", dir);
	kt_auto_close int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	kt_log_open(fd, KT_LOG_INFO);
	kt_log_limit(path, MAX);
	memset(text, 'x', LINE);
	text[LINE] = '\0';
	assert_int_equal(size_of(old), -1);
	for (int i = 0; i < 1000; i++)
		kt_log_error("area", "%s", text);
	kt_log_open(STDERR_FILENO, KT_LOG_INFO);
	assert_in_range(size_of(path), 0, MAX + 2 * LINE);
	assert_in_range(size_of(old), MAX, MAX + 2 * LINE);
	assert_int_equal(unlink(path) | unlink(old) | rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_line, open_pipe, close_pipe),
	        cmocka_unit_test_setup_teardown(test_escapes, open_pipe, close_pipe),
	        cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
