/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/time.h"

#include "base/log.h"

#include <errno.h>
#include <stdio.h>

#define NS_PER_S INT64_C(1000000000)
enum { S_PER_DAY = 86400 };

/* Days since 1970-01-01 of a proleptic Gregorian date; eras of 400 years begin in March (H.
 * Hinnant's days_from_civil). */
static int64_t days_of(int64_t year, unsigned month, unsigned day)
{
	year -= month <= 2;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t year_of_era = year - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468;
}

static void date_of(int64_t days, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day)
{
	days += 719468;
	int64_t era = (days >= 0 ? days : days - 146096) / 146097;
	int64_t day_of_era = days - era * 146097;
	int64_t year_of_era =
	        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
	        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t shifted = (5 * day_of_year + 2) / 153;

	*ret_day = (unsigned)(day_of_year - (153 * shifted + 2) / 5 + 1);
	*ret_month = (unsigned)(shifted < 10 ? shifted + 3 : shifted - 9);
	*ret_year = year_of_era + era * 400 + (*ret_month <= 2);
}

static struct kt_instant instant_of(int64_t unix_ns)
{
	struct kt_instant instant = {
	        .seconds = unix_ns / NS_PER_S, .nanos = (int32_t)(unix_ns % NS_PER_S)};

	if (instant.nanos < 0) {
		instant.nanos += (int32_t)NS_PER_S;
		instant.seconds--;
	}
	return instant;
}

/* The text up to the seconds. */
static int format_seconds(int64_t seconds, char *text)
{
	int64_t days = seconds / S_PER_DAY, rest = seconds % S_PER_DAY, year;
	unsigned month, day;

	if (rest < 0) {
		rest += S_PER_DAY;
		days--;
	}
	date_of(days, &year, &month, &day);
	return snprintf(text, KT_TIME_TEXT_MAX, "%04d-%02u-%02uT%02d:%02d:%02d", (int)year, month,
	        day, (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60));
}

void kt_instant_format(struct kt_instant instant, char ret_text[KT_TIME_TEXT_MAX])
{
	int len = format_seconds(instant.seconds, ret_text);

	kt_assert(len > 0 && len < KT_TIME_TEXT_MAX - 1);
	memcpy(ret_text + len, "Z", 2);
}

void kt_instant_format_micro(struct kt_instant instant, char ret_text[KT_TIME_TEXT_MAX])
{
	int len = format_seconds(instant.seconds, ret_text);

	kt_assert(len > 0 && len < KT_TIME_TEXT_MAX - 9);
	snprintf(ret_text + len, (size_t)(KT_TIME_TEXT_MAX - len), ".%06dZ",
	        (int)(instant.nanos / 1000));
}

void kt_time_format(int64_t unix_ns, char ret_text[KT_TIME_TEXT_MAX])
{
	kt_instant_format(instant_of(unix_ns), ret_text);
}

void kt_time_format_micro(int64_t unix_ns, char ret_text[KT_TIME_TEXT_MAX])
{
	kt_instant_format_micro(instant_of(unix_ns), ret_text);
}

/* n digits at *p as a number, or -1. */
static int read_digits(struct kt_sv *rest, int n)
{
	int value = 0;

	if (rest->len < (size_t)n)
		return -1;
	for (int i = 0; i < n; i++) {
		char c = rest->p[i];
		if (c < '0' || c > '9')
			return -1;
		value = value * 10 + (c - '0');
	}
	rest->p += n;
	rest->len -= (size_t)n;
	return value;
}

static bool skip_char(struct kt_sv *rest, char c)
{
	if (!rest->len || rest->p[0] != c)
		return false;
	rest->p++;
	rest->len--;
	return true;
}

/* Any number of digits; those behind the ninth are cut off. -1 without a digit. */
static int64_t read_fraction_ns(struct kt_sv *rest)
{
	int64_t fraction = 0, unit = NS_PER_S;
	size_t n = 0;

	for (; rest->len && rest->p[0] >= '0' && rest->p[0] <= '9'; n++, rest->p++, rest->len--) {
		unit /= 10;
		fraction += (rest->p[0] - '0') * unit;
	}
	return n ? fraction : -1;
}

/* "Z" or "+02:00" to the end of the text, in seconds east. */
static bool read_offset(struct kt_sv rest, int *ret_offset_s)
{
	if (rest.len == 1 && rest.p[0] == 'Z') {
		*ret_offset_s = 0;
		return true;
	}
	if (rest.len != 6 || (rest.p[0] != '+' && rest.p[0] != '-'))
		return false;
	int sign = rest.p[0] == '-' ? -1 : 1;
	struct kt_sv at = {rest.p + 1, 5};
	int hours = read_digits(&at, 2);
	if (hours < 0 || hours > 24 || !skip_char(&at, ':'))
		return false;
	int minutes = read_digits(&at, 2);
	if (minutes < 0 || minutes > 60)
		return false;
	*ret_offset_s = sign * (hours * 3600 + minutes * 60);
	return true;
}

static unsigned days_in_month(int year, int month)
{
	static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

/* "2026-01-02T03:04:05" off the front, in Unix seconds. */
static bool read_date_time(struct kt_sv *rest, int64_t *ret_seconds)
{
	int year = read_digits(rest, 4);
	if (year < 0 || !skip_char(rest, '-'))
		return false;
	int month = read_digits(rest, 2);
	if (month < 1 || month > 12 || !skip_char(rest, '-'))
		return false;
	int day = read_digits(rest, 2);
	if (day < 1 || (unsigned)day > days_in_month(year, month) || !skip_char(rest, 'T'))
		return false;
	int hour = read_digits(rest, 2);
	if (hour < 0 || hour > 23 || !skip_char(rest, ':'))
		return false;
	int minute = read_digits(rest, 2);
	if (minute < 0 || minute > 59 || !skip_char(rest, ':'))
		return false;
	int second = read_digits(rest, 2);
	if (second < 0 || second > 59)
		return false;
	*ret_seconds = days_of(year, (unsigned)month, (unsigned)day) * S_PER_DAY + hour * 3600 +
	               minute * 60 + second;
	return true;
}

int kt_instant_parse(struct kt_sv text, struct kt_instant *ret_instant)
{
	int64_t seconds, fraction = 0;
	int offset_s;

	if (!read_date_time(&text, &seconds))
		return -EINVAL;
	/* Go takes a comma for the point, too (ISO 8601). */
	if (skip_char(&text, '.') || skip_char(&text, ',')) {
		fraction = read_fraction_ns(&text);
		if (fraction < 0)
			return -EINVAL;
	}
	if (!read_offset(text, &offset_s))
		return -EINVAL;
	*ret_instant =
	        (struct kt_instant){.seconds = seconds - offset_s, .nanos = (int32_t)fraction};
	return 0;
}

int kt_time_parse(struct kt_sv text, int64_t *ret_unix_ns)
{
	struct kt_instant instant;
	int64_t unix_ns;

	if (kt_instant_parse(text, &instant) < 0)
		return -EINVAL;
	if (__builtin_mul_overflow(instant.seconds, NS_PER_S, &unix_ns) ||
	        __builtin_add_overflow(unix_ns, instant.nanos, &unix_ns))
		unix_ns = instant.seconds < 0 ? INT64_MIN : INT64_MAX;
	*ret_unix_ns = unix_ns;
	return 0;
}
