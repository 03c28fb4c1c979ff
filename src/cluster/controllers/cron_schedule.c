/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster/controllers/cron_schedule.h"

#include "base/loop.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"

#include <ctype.h>
#include <errno.h>
#include <time.h>

#define YEARS_MAX 5
#define MINUTE_NS (60 * KT_NS_PER_S)

struct field {
	int min, max;
	const char *names; /* three letters each, the first stands for min; NULL: none */
};

static const struct field fields[] = {
        {0, 59, NULL},
        {0, 23, NULL},
        {1, 31, NULL},
        {1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
        {0, 6, "sunmontuewedthufrisat"},
};

static int parse_value(const struct field *field, struct kt_sv text, int *ret)
{
	int64_t value;

	if (field->names && text.len == 3)
		for (int i = 0; field->names[i * 3]; i++)
			if (strncasecmp(field->names + i * 3, text.p, 3) == 0) {
				*ret = field->min + i;
				return 0;
			}
	if (kt_sv_int64(text, &value) < 0 || value < field->min ||
	        value > field->max + (field->max == 6))
		return -EINVAL;
	*ret = value == 7 && field->max == 6 ? 0 : (int)value;
	return 0;
}

/* "*", "3", "1-5", each with an optional "/step". */
static int parse_range(const struct field *field, struct kt_sv text, uint64_t *bits)
{
	struct kt_sv rest = text, range, from_text;
	int64_t step = 1;
	int from = field->min, to = field->max;

	kt_sv_split(&rest, '/', &range);
	if (rest.p && (kt_sv_int64(rest, &step) < 0 || step < 1))
		return -EINVAL;
	if (!kt_sv_is(range, "*") && !kt_sv_is(range, "?")) {
		struct kt_sv end = range;

		kt_sv_split(&end, '-', &from_text);
		if (parse_value(field, from_text, &from) < 0)
			return -EINVAL;
		to = rest.p ? field->max : from;
		if (end.p && parse_value(field, end, &to) < 0)
			return -EINVAL;
	}
	if (to < from)
		return -EINVAL;
	for (int64_t i = from; i <= to; i += step)
		*bits |= UINT64_C(1) << i;
	return 0;
}

static int parse_field(const struct field *field, struct kt_sv text, uint64_t *bits)
{
	struct kt_sv part;

	while (kt_sv_split(&text, ',', &part))
		if (parse_range(field, part, bits) < 0)
			return -EINVAL;
	return *bits ? 0 : -EINVAL;
}

static const char *macro(const char *text)
{
	static const char *const table[][2] = {
	        {"@yearly", "0 0 1 1 *"},
	        {"@annually", "0 0 1 1 *"},
	        {"@monthly", "0 0 1 * *"},
	        {"@weekly", "0 0 * * 0"},
	        {"@daily", "0 0 * * *"},
	        {"@midnight", "0 0 * * *"},
	        {"@hourly", "0 * * * *"},
	};

	for (size_t i = 0; i < KT_ARRAY_SIZE(table); i++)
		if (strcmp(text, table[i][0]) == 0)
			return table[i][1];
	return text;
}

static bool is_any(struct kt_sv text)
{
	return text.len && (text.p[0] == '*' || text.p[0] == '?');
}

int kt_cron_schedule_parse(
        const char *text, struct kt_cron_schedule *ret_schedule, struct kt_err *err)
{
	struct kt_cron_schedule schedule = {0};
	uint64_t *const bits[] = {&schedule.minutes, &schedule.hours, &schedule.days,
	        &schedule.months, &schedule.weekdays};
	struct kt_sv part, rest;
	size_t n = 0;

	if (strncmp(text, "@every ", 7) == 0) {
		if (kt_duration_parse(kt_sv_of(text + 7), &schedule.every_ns) < 0 ||
		        schedule.every_ns < KT_NS_PER_S)
			return kt_fail(err, EINVAL, "failed to parse duration %s", text);
		*ret_schedule = schedule;
		return 0;
	}
	rest = kt_sv_of(macro(text));
	while (kt_sv_split(&rest, ' ', &part)) {
		if (!part.len)
			continue;
		if (n >= KT_ARRAY_SIZE(fields) || parse_field(&fields[n], part, bits[n]) < 0)
			return kt_fail(err, EINVAL, "not a cron schedule: %s", text);
		if (n == 2)
			schedule.any_day = is_any(part);
		if (n == 4)
			schedule.any_weekday = is_any(part);
		n++;
	}
	if (n != KT_ARRAY_SIZE(fields))
		return kt_fail(err, EINVAL, "expected exactly 5 fields, found %zu: %s", n, text);
	*ret_schedule = schedule;
	return 0;
}

static bool has(uint64_t bits, int i)
{
	return bits >> i & 1;
}

/* When both days are restricted either of them is enough. */
static bool day_matches(const struct kt_cron_schedule *schedule, const struct tm *tm)
{
	bool day = has(schedule->days, tm->tm_mday), weekday = has(schedule->weekdays, tm->tm_wday);

	return schedule->any_day || schedule->any_weekday ? day && weekday : day || weekday;
}

int64_t kt_cron_schedule_next(
        const struct kt_cron_schedule *schedule, int64_t after_ns, int64_t offset_ns)
{
	time_t t, limit;
	struct tm tm;

	if (schedule->every_ns)
		return (after_ns / KT_NS_PER_S * KT_NS_PER_S) + schedule->every_ns;
	t = (time_t)((after_ns + offset_ns) / MINUTE_NS + 1) * 60;
	limit = t + (time_t)YEARS_MAX * 366 * 86400;
	while (t < limit) {
		gmtime_r(&t, &tm);
		if (!has(schedule->months, tm.tm_mon + 1) || !day_matches(schedule, &tm))
			t += 86400 - (tm.tm_hour * 3600 + tm.tm_min * 60);
		else if (!has(schedule->hours, tm.tm_hour))
			t += 3600 - tm.tm_min * 60;
		else if (!has(schedule->minutes, tm.tm_min))
			t += 60;
		else
			return (int64_t)t * KT_NS_PER_S - offset_ns;
	}
	return 0;
}
