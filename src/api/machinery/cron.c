/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/machinery/cron.h"

#include "base/mem.h"
#include "base/time.h"

#include <errno.h>
#include <strings.h>
#include <time.h>

#define FIELDS 5
#define YEARS_MAX 5
#define EVERYTHING (UINT64_C(1) << 63) /* set by `*`: no value uses this bit */

struct bounds {
	unsigned min, max;
	const char *const *names; /* of min, min + 1, … ; may be NULL */
};

static const char *const month_names[] = {
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const day_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};
static const struct bounds bounds[FIELDS] = {
        {0, 59, NULL},
        {0, 23, NULL},
        {1, 31, NULL},
        {1, 12, month_names},
        {0, 6, day_names},
};

static int parse_number(
        struct kt_sv text, const struct bounds *b, unsigned *ret_value, struct kt_err *err)
{
	int64_t value;
	for (unsigned i = 0; b->names && b->names[i]; i++) {
		if (text.len == 3 && strncasecmp(text.p, b->names[i], 3) == 0) {
			*ret_value = b->min + i;
			return 0;
		}
	}
	if (kt_sv_int64(text, &value) < 0)
		return kt_fail(err, EINVAL,
		        "failed to parse int from %.*s: strconv.Atoi: parsing \"%.*s\": invalid "
		        "syntax",
		        (int)text.len, text.p, (int)text.len, text.p);
	if (value < 0)
		return kt_fail(err, EINVAL, "negative number (%lld) not allowed: %.*s",
		        (long long)value, (int)text.len, text.p);
	*ret_value = value > 1000000 ? 1000000 : (unsigned)value;
	return 0;
}

static uint64_t bits_of(unsigned low, unsigned high, unsigned step)
{
	uint64_t bits = 0;
	for (unsigned i = low; i <= high; i += step)
		bits |= UINT64_C(1) << i;
	return bits;
}

/* start[-end][/step] */
static int parse_range(
        struct kt_sv text, const struct bounds *b, uint64_t *bits, struct kt_err *err)
{
	struct kt_sv rest = text, range, low_text, high_text = {0}, step_text = {0}, more = {0};
	unsigned low, high, step = 1;
	uint64_t extra = 0;
	kt_sv_split(&rest, '/', &range);
	if (rest.p)
		kt_sv_split(&rest, '/', &step_text);
	if (rest.p)
		return kt_fail(err, EINVAL, "too many slashes: %.*s", (int)text.len, text.p);
	more = range;
	kt_sv_split(&more, '-', &low_text);
	if (more.p)
		kt_sv_split(&more, '-', &high_text);
	if (kt_sv_is(low_text, "*") || kt_sv_is(low_text, "?")) {
		low = b->min;
		high = b->max;
		extra = EVERYTHING;
	} else {
		if (parse_number(low_text, b, &low, err) < 0)
			return -EINVAL;
		high = low;
		if (high_text.p && parse_number(high_text, b, &high, err) < 0)
			return -EINVAL;
		if (more.p)
			return kt_fail(
			        err, EINVAL, "too many hyphens: %.*s", (int)text.len, text.p);
	}
	if (step_text.p) {
		if (parse_number(step_text, b, &step, err) < 0)
			return -EINVAL;
		if (!high_text.p && !extra) /* N/step means N-max/step */
			high = b->max;
		if (step > 1)
			extra = 0;
	}
	if (low < b->min)
		return kt_fail(err, EINVAL, "beginning of range (%u) below minimum (%u): %.*s", low,
		        b->min, (int)text.len, text.p);
	if (high > b->max)
		return kt_fail(err, EINVAL, "end of range (%u) above maximum (%u): %.*s", high,
		        b->max, (int)text.len, text.p);
	if (low > high)
		return kt_fail(err, EINVAL,
		        "beginning of range (%u) beyond end of range (%u): %.*s", low, high,
		        (int)text.len, text.p);
	if (step == 0)
		return kt_fail(err, EINVAL, "step of range should be a positive number: %.*s",
		        (int)text.len, text.p);
	*bits |= bits_of(low, high, step) | extra;
	return 0;
}

static int parse_field(
        struct kt_sv text, const struct bounds *b, uint64_t *ret_bits, struct kt_err *err)
{
	struct kt_sv rest = text, part;
	*ret_bits = 0;
	while (kt_sv_split(&rest, ',', &part))
		if (parse_range(part, b, ret_bits, err) < 0)
			return -EINVAL;
	return 0;
}

static int parse_descriptor(struct kt_sv text, struct kt_cron *cron, struct kt_err *err)
{
	static const struct {
		const char *name, *fields;
	} known[] = {
	        {"@yearly", "0 0 1 1 *"},
	        {"@annually", "0 0 1 1 *"},
	        {"@monthly", "0 0 1 * *"},
	        {"@weekly", "0 0 * * 0"},
	        {"@daily", "0 0 * * *"},
	        {"@midnight", "0 0 * * *"},
	        {"@hourly", "0 * * * *"},
	};
	for (size_t i = 0; i < KT_ARRAY_SIZE(known); i++)
		if (kt_sv_is(text, known[i].name))
			return kt_cron_parse(kt_sv_of(known[i].fields), cron, err);
	static const char every[] = "@every ";
	if (text.len > sizeof(every) - 1 && memcmp(text.p, every, sizeof(every) - 1) == 0) {
		struct kt_sv duration = {
		        text.p + sizeof(every) - 1, text.len - (sizeof(every) - 1)};
		int64_t ns;
		if (kt_duration_parse(duration, &ns) < 0)
			return kt_fail(err, EINVAL,
			        "failed to parse duration %.*s: time: invalid duration \"%.*s\"",
			        (int)text.len, text.p, (int)duration.len, duration.p);
		cron->every_s = KT_MAX(ns / INT64_C(1000000000), INT64_C(1));
		return 0;
	}
	return kt_fail(err, EINVAL, "unrecognized descriptor: %.*s", (int)text.len, text.p);
}

int kt_cron_parse(struct kt_sv text, struct kt_cron *ret_cron, struct kt_err *err)
{
	struct kt_cron cron = {0};
	struct kt_sv parts[FIELDS] = {{0}};
	size_t n = 0;
	kt_auto_str all = KT_STR_INIT;
	if (text.len == 0)
		return kt_fail(err, EINVAL, "empty spec string");
	if (text.p[0] == '@') {
		int r = parse_descriptor(text, &cron, err);
		if (r == 0)
			*ret_cron = cron;
		return r;
	}
	for (size_t i = 0; i < text.len;) {
		while (i < text.len && strchr(" \t\n", text.p[i]))
			i++;
		size_t start = i;
		while (i < text.len && !strchr(" \t\n", text.p[i]))
			i++;
		if (i == start)
			break;
		kt_str_printf(&all, "%s%.*s", n ? " " : "", (int)(i - start), text.p + start);
		if (n < FIELDS)
			parts[n] = (struct kt_sv){text.p + start, i - start};
		n++;
	}
	if (n != FIELDS)
		return kt_fail(err, EINVAL, "expected exactly 5 fields, found %zu: [%s]", n,
		        kt_str_text(&all));
	uint64_t *const fields[FIELDS] = {
	        &cron.minutes, &cron.hours, &cron.days, &cron.months, &cron.weekdays};
	for (size_t i = 0; i < FIELDS; i++)
		if (parse_field(parts[i], &bounds[i], fields[i], err) < 0)
			return -EINVAL;
	cron.any_day = cron.days & EVERYTHING;
	cron.any_weekday = cron.weekdays & EVERYTHING;
	*ret_cron = cron;
	return 0;
}

/* Day of month and day of week: when both are given, either is enough. */
static bool is_day(const struct kt_cron *cron, const struct tm *tm)
{
	bool day = cron->days >> tm->tm_mday & 1, weekday = cron->weekdays >> tm->tm_wday & 1;
	return cron->any_day || cron->any_weekday ? day && weekday : day || weekday;
}

int64_t kt_cron_next(const struct kt_cron *cron, int64_t unix_s, int64_t offset_s)
{
	if (cron->every_s)
		return unix_s + cron->every_s;
	int64_t local = unix_s + offset_s, limit = local + INT64_C(366) * 86400 * YEARS_MAX;
	for (int64_t t = local - local % 60 + 60; t < limit;) {
		time_t seconds = (time_t)t;
		struct tm tm;
		gmtime_r(&seconds, &tm);
		if (!(cron->months >> (tm.tm_mon + 1) & 1) || !is_day(cron, &tm))
			t += 86400 - t % 86400;
		else if (!(cron->hours >> tm.tm_hour & 1))
			t += 3600 - t % 3600;
		else if (!(cron->minutes >> tm.tm_min & 1))
			t += 60;
		else
			return t - offset_s;
	}
	return -1;
}
