/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/machinery/quantity.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#define NANO 1000000000

static const kt_int128 VALUE_MAX = (kt_int128)INT64_MAX * NANO;
/* Decimal values may be larger, as far as they can be added up here. */
static const kt_int128 DECIMAL_MAX = (kt_int128)INT64_MAX * NANO * 1000000000;

struct parts {
	bool negative;
	struct kt_sv whole, fraction, suffix;
};

static int fail_format(struct kt_err *err)
{
	return kt_fail(err, EINVAL,
	        "quantities must match the regular expression "
	        "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
}

static struct kt_sv take_digits(struct kt_sv *rest)
{
	struct kt_sv digits = {rest->p, 0};

	while (digits.len < rest->len && isdigit((unsigned char)rest->p[digits.len]))
		digits.len++;
	rest->p += digits.len;
	rest->len -= digits.len;
	return digits;
}

static int split(struct kt_sv text, struct parts *ret)
{
	struct kt_sv rest = text, end;

	*ret = (struct parts){0};
	if (rest.len == 0)
		return -EINVAL;
	if (*rest.p == '+' || *rest.p == '-') {
		ret->negative = *rest.p == '-';
		rest.p++;
		rest.len--;
	}
	ret->whole = take_digits(&rest);
	if (rest.len && *rest.p == '.') {
		rest.p++;
		rest.len--;
		ret->fraction = take_digits(&rest);
	}
	ret->suffix = rest;
	end = rest;
	while (end.len && strchr("eEinumkKMGTP", *end.p)) {
		end.p++;
		end.len--;
	}
	if (end.len && (*end.p == '+' || *end.p == '-')) {
		end.p++;
		end.len--;
	}
	take_digits(&end);
	return end.len ? -EINVAL : 0;
}

/* The suffix as a power: value * base^exponent. */
static int read_suffix(
        struct kt_sv suffix, enum kt_quantity_format *ret_format, int *ret_base, int *ret_exponent)
{
	static const char decimal[] =
	        "num kMGTPE"; /* 10^-9 … 10^18 in steps of three; the blank is no suffix */
	static const char binary[] = "KMGTPE";
	int64_t exponent;

	*ret_base = 10;
	*ret_exponent = 0;
	*ret_format = KT_QUANTITY_DECIMAL_SI;
	if (suffix.len == 0)
		return 0;
	if (suffix.len == 2 && suffix.p[1] == 'i' && strchr(binary, suffix.p[0])) {
		*ret_base = 2;
		*ret_exponent = 10 * (int)(strchr(binary, suffix.p[0]) - binary + 1);
		*ret_format = KT_QUANTITY_BINARY_SI;
		return 0;
	}
	if (suffix.len == 1 && suffix.p[0] != ' ' && strchr(decimal, suffix.p[0])) {
		*ret_exponent = 3 * (int)(strchr(decimal, suffix.p[0]) - decimal) - 9;
		return 0;
	}
	if (suffix.p[0] != 'e' && suffix.p[0] != 'E')
		return -EINVAL;
	suffix.p++;
	suffix.len--;
	if (suffix.len && *suffix.p == '+') {
		suffix.p++;
		suffix.len--;
	}
	if (kt_sv_int64(suffix, &exponent) < 0 || exponent > 1000 || exponent < -1000)
		return -EINVAL;
	*ret_exponent = (int)exponent;
	*ret_format = KT_QUANTITY_DECIMAL_EXPONENT;
	return 0;
}

/* digits * 10^scale in nano units, rounded up, cut at DECIMAL_MAX; `digits` holds no leading zeros.
 */
static kt_int128 scale_digits(const char *digits, size_t n, int scale)
{
	kt_int128 value = 0;
	bool lost = false;

	scale += 9;
	for (size_t i = 0; i < n; i++) {
		if ((int)(n - i) + scale <= 0) { /* below a nano */
			lost |= digits[i] != '0';
			continue;
		}
		if (value > DECIMAL_MAX)
			return DECIMAL_MAX;
		value = value * 10 + (digits[i] - '0');
	}
	for (; scale > 0 && value; scale--) {
		if (value > DECIMAL_MAX)
			return DECIMAL_MAX;
		value *= 10;
	}
	value += lost;
	return value > DECIMAL_MAX ? DECIMAL_MAX : value;
}

/* whole.fraction * 2^exponent: the digits of the fraction are kept exact until the last division.
 */
static kt_int128 scale_binary(const char *digits, size_t n, int fraction_digits, int exponent)
{
	kt_int128 value = 0, divisor = 1;
	kt_int128 quotient, rest;

	if (fraction_digits > 18) { /* finer than 2^-60 nano of anything that fits */
		n -= (size_t)(fraction_digits - 18);
		fraction_digits = 18;
	}
	for (size_t i = 0; i < n; i++) {
		if (value > VALUE_MAX)
			return VALUE_MAX;
		value = value * 10 + (digits[i] - '0');
	}
	for (int i = 0; i < fraction_digits; i++)
		divisor *= 10;
	/* Scale step by step so that nothing overflows: first the power of two, then nano. */
	quotient = value / divisor;
	rest = value % divisor;
	for (int i = 0; i < exponent; i++) {
		rest *= 2;
		quotient = quotient * 2 + rest / divisor;
		rest %= divisor;
		if (quotient > INT64_MAX)
			return VALUE_MAX;
	}
	rest *= NANO;
	return quotient * NANO + (rest + divisor - 1) / divisor;
}

int kt_quantity_parse(struct kt_sv text, struct kt_quantity *ret_quantity, struct kt_err *err)
{
	struct parts parts;
	enum kt_quantity_format format;
	int base, exponent;
	char digits[128];
	size_t n = 0, skip = 0;
	kt_int128 nano;

	if (split(kt_sv_trim(text), &parts) < 0)
		return fail_format(err);
	if (read_suffix(parts.suffix, &format, &base, &exponent) < 0)
		return kt_fail(err, EINVAL, "unable to parse quantity's suffix");
	if (parts.whole.len + parts.fraction.len == 0 ||
	        parts.whole.len + parts.fraction.len >= sizeof(digits))
		return kt_fail(err, EINVAL, "unable to parse numeric part of quantity");
	if (parts.whole.len)
		memcpy(digits, parts.whole.p, parts.whole.len);
	if (parts.fraction.len)
		memcpy(digits + parts.whole.len, parts.fraction.p, parts.fraction.len);
	n = parts.whole.len + parts.fraction.len;
	while (skip < n && digits[skip] == '0')
		skip++;
	if (base == 10)
		nano = scale_digits(digits + skip, n - skip, exponent - (int)parts.fraction.len);
	else
		nano = scale_binary(digits + skip, n - skip, (int)parts.fraction.len, exponent);
	if (format == KT_QUANTITY_BINARY_SI && nano > 0 && nano < NANO)
		format = KT_QUANTITY_DECIMAL_SI;
	*ret_quantity = (struct kt_quantity){parts.negative ? -nano : nano, format};
	return 0;
}

static size_t put_integer(char *out, kt_int128 value)
{
	char reversed[48];
	size_t n = 0, len = 0;
	bool negative = value < 0;

	if (negative)
		value = -value;
	do {
		reversed[n++] = (char)('0' + (int)(value % 10));
		value /= 10;
	} while (value);
	if (negative)
		out[len++] = '-';
	while (n)
		out[len++] = reversed[--n];
	out[len] = '\0';
	return len;
}

static void format_decimal(struct kt_quantity q, char *out)
{
	static const char *const suffixes[] = {"n", "u", "m", "", "k", "M", "G", "T", "P", "E"};
	kt_int128 value = q.nano;
	int step = 0;
	size_t len;

	while (value % 1000 == 0 && step < 9) {
		value /= 1000;
		step++;
	}
	len = put_integer(out, value);
	if (q.format != KT_QUANTITY_DECIMAL_EXPONENT)
		strcpy(out + len, suffixes[step]);
	else if (step != 3)
		sprintf(out + len, "e%d", step * 3 - 9);
}

static void format_binary(struct kt_quantity q, char *out)
{
	static const char *const suffixes[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
	kt_int128 value = q.nano / NANO;
	int step = 0;

	while (value % 1024 == 0 && step < 6) {
		value /= 1024;
		step++;
	}
	strcpy(out + put_integer(out, value), suffixes[step]);
}

void kt_quantity_format(struct kt_quantity q, char ret_text[KT_QUANTITY_TEXT_MAX])
{
	const kt_int128 small = (kt_int128)1024 * NANO;

	if (q.nano == 0)
		strcpy(ret_text, "0");
	else if (q.format == KT_QUANTITY_BINARY_SI && q.nano % NANO == 0 &&
	         (q.nano >= small || q.nano <= -small))
		format_binary(q, ret_text);
	else
		format_decimal(q, ret_text);
}

struct kt_quantity kt_quantity_from_int64(int64_t value, enum kt_quantity_format format)
{
	return (struct kt_quantity){(kt_int128)value * NANO, format};
}

struct kt_quantity kt_quantity_from_milli(int64_t milli, enum kt_quantity_format format)
{
	return (struct kt_quantity){(kt_int128)milli * (NANO / 1000), format};
}

static int64_t round_up(kt_int128 nano, int unit)
{
	kt_int128 value = nano / unit;

	if (nano % unit > 0)
		value++;
	else if (nano % unit < 0)
		value--; /* away from zero, as Go's ScaledValue rounds */
	if (value > INT64_MAX)
		return INT64_MAX;
	return value < INT64_MIN ? INT64_MIN : (int64_t)value;
}

int64_t kt_quantity_value(struct kt_quantity q)
{
	return round_up(q.nano, NANO);
}

int64_t kt_quantity_milli(struct kt_quantity q)
{
	return round_up(q.nano, NANO / 1000);
}

double kt_quantity_double(struct kt_quantity q)
{
	return (double)q.nano / NANO;
}

int kt_quantity_cmp(struct kt_quantity a, struct kt_quantity b)
{
	return (a.nano > b.nano) - (a.nano < b.nano);
}

int kt_quantity_sign(struct kt_quantity q)
{
	return (q.nano > 0) - (q.nano < 0);
}

struct kt_quantity kt_quantity_add(struct kt_quantity a, struct kt_quantity b)
{
	return (struct kt_quantity){a.nano + b.nano, a.nano == 0 ? b.format : a.format};
}

struct kt_quantity kt_quantity_sub(struct kt_quantity a, struct kt_quantity b)
{
	return (struct kt_quantity){a.nano - b.nano, a.nano == 0 ? b.format : a.format};
}

int64_t kt_quantity_text_value(const char *text)
{
	struct kt_quantity q;

	return text && kt_quantity_parse(kt_sv_of(text), &q, NULL) == 0 ? kt_quantity_value(q) : 0;
}

int64_t kt_quantity_text_milli(const char *text)
{
	struct kt_quantity q;

	return text && kt_quantity_parse(kt_sv_of(text), &q, NULL) == 0 ? kt_quantity_milli(q) : 0;
}
