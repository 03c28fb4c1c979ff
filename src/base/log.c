/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"

#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static atomic_int log_fd = STDERR_FILENO;
static atomic_int log_max = KT_LOG_INFO;

/* Of a log that is a file with a limit; path NULL: it is none. */
static struct {
	char *path, *old_path;
	long long max_bytes;
	atomic_llong bytes;
	pthread_mutex_t lock; /* one thread changes files */
} limit = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const char *const level_names[] = {"error", "warning", "info", "debug"};

void kt_log_open(int fd, enum kt_log_level max)
{
	atomic_store(&log_fd, fd);
	atomic_store(&log_max, (int)max);
}

void kt_log_limit(const char *path, long long max_bytes)
{
	struct stat st;

	kt_assert(!limit.path);
	atomic_store(
	        &limit.bytes, fstat(atomic_load(&log_fd), &st) == 0 ? (long long)st.st_size : 0);
	limit.max_bytes = max_bytes;
	limit.old_path = kt_asprintf("%s.1", path);
	limit.path = kt_strdup(path);
}

/* Whatever fails: the log goes on where it is, and this is tried again as many bytes later. */
static void begin_new_file(void)
{
	pthread_mutex_lock(&limit.lock);
	if (atomic_load(&limit.bytes) > limit.max_bytes) {
		atomic_store(&limit.bytes, 0);
		if (rename(limit.path, limit.old_path) == 0) {
			kt_auto_close int fd = open(limit.path,
			        O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

			/* dup2: nobody sees a moment without a descriptor. */
			if (fd < 0 || dup2(fd, atomic_load(&log_fd)) < 0)
				(void)rename(limit.old_path, limit.path);
		}
	}
	pthread_mutex_unlock(&limit.lock);
}

/* Control characters, and bytes that are no UTF-8, as \xNN: a log is read on a terminal. */
static void add_escaped(struct kt_str *line, const char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		uint32_t cp = 0;
		int n = kt_utf8_decode(text + i, len - i, &cp);
		bool control = cp < 0x20 || (cp >= 0x7f && cp < 0xa0);
		if (n > 0 && !control) {
			kt_str_add(line, text + i, (size_t)n);
		} else {
			n = n > 0 ? n : 1;
			for (int k = 0; k < n; k++)
				kt_str_printf(line, "\\x%02x", (unsigned char)text[i + (size_t)k]);
		}
		i += (size_t)n;
	}
}

static void add_time(struct kt_str *line)
{
	struct timespec now;
	struct tm tm;
	char text[32];

	if (clock_gettime(CLOCK_REALTIME, &now) != 0 || !gmtime_r(&now.tv_sec, &tm))
		return;
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	kt_str_printf(line, "%s.%03ldZ ", text, now.tv_nsec / 1000000);
}

/* One write(2) per line keeps lines of several threads apart. */
static void write_line(const struct kt_str *line)
{
	size_t done = 0;
	int fd = atomic_load(&log_fd);

	while (done < line->len) {
		ssize_t n = write(fd, line->data + done, line->len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return; /* nowhere left to report it */
		done += (size_t)n;
	}
	if (limit.path &&
	        atomic_fetch_add(&limit.bytes, (long long)line->len) + (long long)line->len >
	                limit.max_bytes)
		begin_new_file();
}

void kt_log(enum kt_log_level level, const char *area, const char *fmt, ...)
{
	kt_auto_str line = {0};
	kt_auto_str text = {0};
	int saved = errno;
	va_list ap;

	if ((int)level > atomic_load_explicit(&log_max, memory_order_relaxed))
		return;
	va_start(ap, fmt);
	kt_str_vprintf(&text, fmt, ap);
	va_end(ap);
	add_time(&line);
	kt_str_printf(&line, "%s %s: ", level_names[level], area);
	add_escaped(&line, text.data, text.len);
	kt_str_putc(&line, '\n');
	write_line(&line);
	errno = saved;
}

void kt_assert_failed(const char *expr, const char *file, int line, const char *func)
{
	kt_log_error("assert", "%s:%d: %s: `%s' does not hold", file, line, func, expr);
	abort();
}
