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
/* Go's time.ParseDuration ("1h30m", "1.5s", "-2ms"); -EINVAL, -ERANGE. */
int kt_duration_parse(struct kt_sv text, int64_t *ret_ns);
/* Go's Duration.String: "1m30s". */
void kt_duration_format(int64_t ns, char ret_text[KT_TIME_TEXT_MAX]);
/* kubectl's HumanDuration: "5s", "3m20s", "4h", "12d", "3y41d". */
void kt_duration_human(int64_t ns, char ret_text[KT_TIME_TEXT_MAX]);

#endif
