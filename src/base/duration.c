/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Durations as Go's package time reads and prints them, and as kubectl shortens them. */
#include "base/log.h"
#include "base/time.h"

#include <errno.h>
#include <stdio.h>

static const struct {
	const char *name;
	int64_t ns;
} units[] = {
        {"ns", 1},
        {"us", 1000},
        {"\xc2\xb5s", 1000}, /* U+00B5, micro sign */
        {"\xce\xbcs", 1000}, /* U+03BC, Greek mu */
        {"ms", 1000000},
        {"s", INT64_C(1000000000)},
        {"m", INT64_C(60000000000)},
        {"h", INT64_C(3600000000000)},
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool read_unit(struct kt_sv *rest, int64_t *ret_ns)
{
	size_t len = 0;

	while (len < rest->len && rest->p[len] != '.' && !is_digit(rest->p[len]))
		len++;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (kt_sv_is((struct kt_sv){rest->p, len}, units[i].name)) {
			*ret_ns = units[i].ns;
			rest->p += len;
			rest->len -= len;
			return true;
		}
	}
	return false;
}

/* One "1.5h" off the front, added to *total. */
static int read_term(struct kt_sv *rest, uint64_t *total)
{
	const uint64_t limit = UINT64_C(1) << 63;
	uint64_t whole = 0, fraction = 0;
	double scale = 1;
	bool any = false, exact = true;
	int64_t unit;

	for (; rest->len && is_digit(rest->p[0]); rest->p++, rest->len--) {
		any = true;
		if (whole > limit / 10)
			return -ERANGE;
		whole = whole * 10 + (uint64_t)(rest->p[0] - '0');
		if (whole > limit)
			return -ERANGE;
	}
	if (rest->len && rest->p[0] == '.') {
		rest->p++;
		rest->len--;
		for (; rest->len && is_digit(rest->p[0]); rest->p++, rest->len--) {
			any = true;
			/* Digits that no longer fit change nothing at a nanosecond's scale. */
			exact = exact && fraction <= (limit - 10) / 10;
			if (!exact)
				continue;
			fraction = fraction * 10 + (uint64_t)(rest->p[0] - '0');
			scale *= 10;
		}
	}
	if (!any || !read_unit(rest, &unit))
		return -EINVAL;
	if (whole > limit / (uint64_t)unit)
		return -ERANGE;
	uint64_t value = whole * (uint64_t)unit;
	value += (uint64_t)((double)fraction * ((double)unit / scale));
	if (value > limit || *total + value > limit)
		return -ERANGE;
	*total += value;
	return 0;
}

int kt_duration_parse(struct kt_sv text, int64_t *ret_ns)
{
	bool negative = text.len && text.p[0] == '-';
	uint64_t total = 0;

	if (text.len && (text.p[0] == '-' || text.p[0] == '+')) {
		text.p++;
		text.len--;
	}
	if (kt_sv_is(text, "0")) {
		*ret_ns = 0;
		return 0;
	}
	if (!text.len)
		return -EINVAL;
	while (text.len) {
		int rc = read_term(&text, &total);
		if (rc < 0)
			return rc;
	}
	if (!negative && total > INT64_MAX)
		return -ERANGE;
	*ret_ns = negative ? (int64_t)(0 - total) : (int64_t)total;
	return 0;
}

/* value / 10^digits without trailing zeros: "1.5". Returns the length. */
static int format_decimal(char *text, size_t size, uint64_t value, int digits)
{
	uint64_t power = 1;

	for (int i = 0; i < digits; i++)
		power *= 10;
	int len = snprintf(text, size, "%llu", (unsigned long long)(value / power));
	uint64_t fraction = value % power;
	if (!fraction)
		return len;
	while (fraction % 10 == 0) {
		fraction /= 10;
		digits--;
	}
	return len + snprintf(text + len, size - (size_t)len, ".%0*llu", digits,
	                     (unsigned long long)fraction);
}

void kt_duration_format(int64_t ns, char ret_text[KT_TIME_TEXT_MAX])
{
	uint64_t left = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
	char *p = ret_text, *end = ret_text + KT_TIME_TEXT_MAX;

	if (ns == 0) {
		memcpy(ret_text, "0s", 3);
		return;
	}
	if (ns < 0)
		*p++ = '-';
	if (left < UINT64_C(1000000000)) {
		int digits = left < 1000 ? 0 : left < 1000000 ? 3 : 6;
		const char *unit = digits == 0 ? "ns" : digits == 3 ? "\xc2\xb5s" : "ms";
		p += format_decimal(p, (size_t)(end - p), left, digits);
		snprintf(p, (size_t)(end - p), "%s", unit);
		return;
	}
	uint64_t minutes = left / UINT64_C(60000000000);
	if (minutes >= 60)
		p += snprintf(p, (size_t)(end - p), "%lluh", (unsigned long long)(minutes / 60));
	if (minutes)
		p += snprintf(p, (size_t)(end - p), "%llum", (unsigned long long)(minutes % 60));
	p += format_decimal(p, (size_t)(end - p), left % UINT64_C(60000000000), 9);
	snprintf(p, (size_t)(end - p), "s");
}

/* Both parts, or only the first when the second is nothing. */
static void print_pair(char *text, long long a, char a_unit, long long b, char b_unit)
{
	if (b)
		snprintf(text, KT_TIME_TEXT_MAX, "%lld%c%lld%c", a, a_unit, b, b_unit);
	else
		snprintf(text, KT_TIME_TEXT_MAX, "%lld%c", a, a_unit);
}

void kt_duration_human(int64_t ns, char ret_text[KT_TIME_TEXT_MAX])
{
	/* Not yet, by more than clocks differ: something is wrong, and the column says so. */
	long long s = ns / 1000000000, m = s / 60, h = m / 60, d = h / 24;

	if (s < -1)
		snprintf(ret_text, KT_TIME_TEXT_MAX, "<invalid>");
	else if (s < 0)
		snprintf(ret_text, KT_TIME_TEXT_MAX, "0s");
	else if (s < 60 * 2)
		snprintf(ret_text, KT_TIME_TEXT_MAX, "%llds", s);
	else if (m < 10)
		print_pair(ret_text, m, 'm', s % 60, 's');
	else if (m < 60 * 3)
		snprintf(ret_text, KT_TIME_TEXT_MAX, "%lldm", m);
	else if (h < 8)
		print_pair(ret_text, h, 'h', m % 60, 'm');
	else if (h < 48)
		snprintf(ret_text, KT_TIME_TEXT_MAX, "%lldh", h);
	else if (h < 24 * 8)
		print_pair(ret_text, d, 'd', h % 24, 'h');
	else if (h < 24 * 365 * 2)
		snprintf(ret_text, KT_TIME_TEXT_MAX, "%lldd", d);
	else if (h < 24 * 365 * 8)
		print_pair(ret_text, d / 365, 'y', d % 365, 'd');
	else
		snprintf(ret_text, KT_TIME_TEXT_MAX, "%lldy", d / 365);
}
