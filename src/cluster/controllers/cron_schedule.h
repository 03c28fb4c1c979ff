/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Cron schedules as Kubernetes reads them: five fields (minute, hour, day of month, month, day of
 * week; lists, ranges, steps, names), the macros @hourly, @daily, … and "@every 1h30m". Times are
 * UTC minutes unless the schedule names no zone of its own.
 */
#ifndef KT_CLUSTER_CONTROLLERS_CRON_SCHEDULE_H
#define KT_CLUSTER_CONTROLLERS_CRON_SCHEDULE_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct kt_cron_schedule {
	uint64_t minutes, hours, days, months, weekdays; /* bit i: i is in */
	bool any_day, any_weekday;                       /* the field was "*" or "?" */
	int64_t every_ns;                                /* "@every": instead of the fields */
};

int kt_cron_schedule_parse(
        const char *text, struct kt_cron_schedule *ret_schedule, struct kt_err *err);
/* The first time after `after_ns` (wall, UTC); 0 when there is none within five years. offset_ns is
 * added to UTC to get local time. */
int64_t kt_cron_schedule_next(
        const struct kt_cron_schedule *schedule, int64_t after_ns, int64_t offset_ns);

#endif
