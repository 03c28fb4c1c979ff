/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Time as Kubernetes writes it: RFC 3339 (seconds, or micro/nanoseconds) and Go durations. */
#ifndef KT_BASE_TIME_H
#define KT_BASE_TIME_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define KT_TIME_TEXT_MAX 40

/* "2026-01-02T03:04:05Z" from Unix nanoseconds. */
void kt_time_format(int64_t unix_ns, char ret_text[KT_TIME_TEXT_MAX]);
/* "2026-01-02T03:04:05.000006Z" (metav1.MicroTime). */
void kt_time_format_micro(int64_t unix_ns, char ret_text[KT_TIME_TEXT_MAX]);
/* RFC 3339 with any fraction and offset, as Go's time.RFC3339 parses; -EINVAL. */
int kt_time_parse(struct kt_sv text, int64_t *ret_unix_ns);
/* The same in seconds and nanoseconds, for all years that RFC 3339 can write (0 to 9999): those of
 * int64 nanoseconds end in 1677 and 2262, and what is outside is held at the nearest end. */
#define KT_TIME_SECONDS_MIN INT64_C(-62167219200)
#define KT_TIME_SECONDS_MAX INT64_C(253402300799)
struct kt_instant {
	int64_t seconds; /* Unix */
	int32_t nanos;   /* 0 to 999,999,999, also before 1970 */
};
int kt_instant_parse(struct kt_sv text, struct kt_instant *ret_instant);
void kt_instant_format(struct kt_instant instant, char ret_text[KT_TIME_TEXT_MAX]);
void kt_instant_format_micro(struct kt_instant instant, char ret_text[KT_TIME_TEXT_MAX]);
/* Go's time.ParseDuration ("1h30m", "1.5s", "-2ms"); -EINVAL, -ERANGE. */
int kt_duration_parse(struct kt_sv text, int64_t *ret_ns);
/* Go's Duration.String: "1m30s". */
void kt_duration_format(int64_t ns, char ret_text[KT_TIME_TEXT_MAX]);
/* kubectl's HumanDuration: "5s", "3m20s", "4h", "12d", "3y41d". */
void kt_duration_human(int64_t ns, char ret_text[KT_TIME_TEXT_MAX]);

#endif
