/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The log: one line per message, `2026-01-02T03:04:05.678Z level area: text`, to a descriptor
 * chosen once at start (stderr by default; a file while the terminal UI is up). Bytes that could
 * steer a terminal are escaped. Tokens, passwords and Secret data never come here. Thread-safe.
 */
#ifndef KT_BASE_LOG_H
#define KT_BASE_LOG_H

enum kt_log_level { KT_LOG_ERROR, KT_LOG_WARNING, KT_LOG_INFO, KT_LOG_DEBUG };

void kt_log_open(int fd, enum kt_log_level max); /* fd is borrowed */
/* The descriptor is that of the file `path`: once it has max_bytes it is renamed to `path`.1, in
 * the place of the last such, and the descriptor is made that of a new file. Called once, before
 * other threads log. */
void kt_log_limit(const char *path, long long max_bytes);
void kt_log(enum kt_log_level level, const char *area, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
#define kt_log_error(area, ...) kt_log(KT_LOG_ERROR, area, __VA_ARGS__)
#define kt_log_warning(area, ...) kt_log(KT_LOG_WARNING, area, __VA_ARGS__)
#define kt_log_info(area, ...) kt_log(KT_LOG_INFO, area, __VA_ARGS__)
#define kt_log_debug(area, ...) kt_log(KT_LOG_DEBUG, area, __VA_ARGS__)

/* Assertions that stay on in release: a broken invariant stops the process before it corrupts data.
 */
void kt_assert_failed(const char *expr, const char *file, int line, const char *func)
        __attribute__((noreturn));
#define kt_assert(expr) ((expr) ? (void)0 : kt_assert_failed(#expr, __FILE__, __LINE__, __func__))

#endif
