/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Cron schedules as CronJob knows them: five fields (minute, hour, day of month, month, day of
 * week), names of months and days,
 * `*`, `?`, lists, ranges, steps, the descriptors @yearly … @hourly and `@every DURATION`. Errors
 * read as upstream's parser's. A plain value; any thread. Source: crontab(5), the documentation of
 * CronJob.
 */
#ifndef KT_API_MACHINERY_CRON_H
#define KT_API_MACHINERY_CRON_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct kt_cron {
	uint64_t minutes, hours, days, months, weekdays; /* a bit per value */
	bool any_day, any_weekday; /* `*`: only the other of the two decides */
	int64_t every_s;           /* > 0: @every */
};

int kt_cron_parse(struct kt_sv text, struct kt_cron *ret_cron, struct kt_err *err);
/* The first time after `unix_s`, in UTC shifted by offset_s (the zone's); -1 when there is none
 * within five years. */
int64_t kt_cron_next(const struct kt_cron *cron, int64_t unix_s, int64_t offset_s);

#endif
