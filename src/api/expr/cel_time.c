/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Parts of timestamps and durations. Time zones are UTC and fixed offsets ("+02:00"): names would
 * need a data base. */
#include "api/expr/cel_internal.h"

#include <ctype.h>
#include <time.h>

#define NS 1000000000LL

static int zone_offset(
        struct cel_run *run, const struct cel_value *args, size_t n, int64_t *ret_seconds)
{
	struct kt_sv zone;
	size_t sign;

	*ret_seconds = 0;
	if (n < 2)
		return 0;
	zone = args[1].s;
	if (!zone.len || kt_sv_is(zone, "UTC") || kt_sv_is(zone, "Z"))
		return 0;
	sign = zone.p[0] == '+' || zone.p[0] == '-';
	if (zone.len != sign + 5 || zone.p[sign + 2] != ':' ||
	        !isdigit((unsigned char)zone.p[sign]) ||
	        !isdigit((unsigned char)zone.p[sign + 1]) ||
	        !isdigit((unsigned char)zone.p[sign + 3]) ||
	        !isdigit((unsigned char)zone.p[sign + 4]))
		return cel_fail(run, "unknown time zone %.*s", (int)zone.len, zone.p);
	*ret_seconds = ((zone.p[sign] - '0') * 10 + (zone.p[sign + 1] - '0')) * 3600 +
	               ((zone.p[sign + 3] - '0') * 10 + (zone.p[sign + 4] - '0')) * 60;
	if (zone.p[0] == '-')
		*ret_seconds = -*ret_seconds;
	return 0;
}

static int broken_down(
        struct cel_run *run, const struct cel_value *args, size_t n, struct tm *ret_tm)
{
	int64_t offset, seconds = args[0].i / NS - (args[0].i % NS < 0);
	time_t t;
	int code = zone_offset(run, args, n, &offset);

	if (code < 0)
		return code;
	t = (time_t)(seconds + offset);
	gmtime_r(&t, ret_tm);
	return 0;
}

#define DEFINE_PART(name, expression) \
	static int name(struct cel_run *run, const struct cel_value *args, size_t n, \
	        struct cel_value *ret_value) \
	{ \
		struct tm tm = {0}; \
		int code = broken_down(run, args, n, &tm); \
\
		*ret_value = cel_int(expression); \
		return code; \
	}
DEFINE_PART(get_full_year, tm.tm_year + 1900)
DEFINE_PART(get_month, tm.tm_mon)
DEFINE_PART(get_date, tm.tm_mday)
DEFINE_PART(get_day_of_month, tm.tm_mday - 1)
DEFINE_PART(get_day_of_week, tm.tm_wday)
DEFINE_PART(get_day_of_year, tm.tm_yday)
DEFINE_PART(get_hours, tm.tm_hour)
DEFINE_PART(get_minutes, tm.tm_min)
DEFINE_PART(get_seconds, tm.tm_sec)
DEFINE_PART(get_milliseconds, (args[0].i % NS + NS) % NS / 1000000)

#define DEFINE_SPAN(name, unit) \
	static int name(struct cel_run *run, const struct cel_value *args, size_t n, \
	        struct cel_value *ret_value) \
	{ \
		(void)run; \
		(void)n; \
		*ret_value = cel_int(args[0].i / (unit)); \
		return 0; \
	}
DEFINE_SPAN(span_hours, 3600 * NS)
DEFINE_SPAN(span_minutes, 60 * NS)
DEFINE_SPAN(span_seconds, NS)
DEFINE_SPAN(span_milliseconds, NS / 1000)

#define PART(name, fn) \
	{name, true, "t", "i", fn}, \
	{ \
		name, true, "ts", "i", fn \
	}

const struct cel_function cel_time_functions[] = {
        PART("getFullYear", get_full_year),
        PART("getMonth", get_month),
        PART("getDate", get_date),
        PART("getDayOfMonth", get_day_of_month),
        PART("getDayOfWeek", get_day_of_week),
        PART("getDayOfYear", get_day_of_year),
        PART("getHours", get_hours),
        {"getHours", true, "D", "i", span_hours},
        PART("getMinutes", get_minutes),
        {"getMinutes", true, "D", "i", span_minutes},
        PART("getSeconds", get_seconds),
        {"getSeconds", true, "D", "i", span_seconds},
        PART("getMilliseconds", get_milliseconds),
        {"getMilliseconds", true, "D", "i", span_milliseconds},
        {0},
};
