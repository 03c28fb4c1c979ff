/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Strings and numbers of JSON: from text to value. */
#include "base/json_lex.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <locale.h>
#include <stdatomic.h>

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hexadecimal digits at p, or -1. */
static int32_t read_hex4(const char *p, const char *end)
{
	int32_t value = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = hex_value(p[i]);
		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

/* \uXXXX with p behind the u; a surrogate pair is two of them. Returns the bytes used, 0 when
 * malformed. */
static size_t unescape_unicode(struct kt_str *out, const char *p, const char *end)
{
	int32_t first = read_hex4(p, end), second = -1;
	uint32_t cp;
	size_t used = 4;
	char utf8[4];

	if (first < 0)
		return 0;
	cp = (uint32_t)first;
	if (cp >= 0xd800 && cp <= 0xdfff) {
		if (cp < 0xdc00 && end - p >= 10 && p[4] == '\\' && p[5] == 'u')
			second = read_hex4(p + 6, end);
		if (second >= 0xdc00 && second <= 0xdfff) {
			cp = 0x10000 + ((cp - 0xd800) << 10) + ((uint32_t)second - 0xdc00);
			used = 10;
		} else {
			cp = 0xfffd;
		}
	}
	kt_str_add(out, utf8, kt_utf8_encode(cp, utf8));
	return used;
}

static char simple_escape(char c)
{
	switch (c) {
	case '"':
	case '\\':
	case '/':
		return c;
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	default:
		return 0;
	}
}

/* One escape at p, which is the backslash. Returns the bytes used, 0 when it is malformed. */
static size_t unescape_one(
        struct kt_str *out, const char *p, const char *end, const char **ret_reason)
{
	*ret_reason = "invalid character in string escape code";
	if (end - p < 2)
		return 0;
	if (p[1] == 'u') {
		*ret_reason = "invalid character in \\u hexadecimal character escape";
		size_t used = unescape_unicode(out, p + 2, end);
		return used ? used + 2 : 0;
	}
	char c = simple_escape(p[1]);
	if (!c)
		return 0;
	kt_str_putc(out, c);
	return 2;
}

const char *json_unescape(
        struct kt_str *out, const char *p, const char *end, const char **ret_reason)
{
	while (p < end) {
		const char *stop = json_skip_plain(p, end);
		uint32_t cp;

		kt_str_add(out, p, (size_t)(stop - p));
		p = stop;
		if (p >= end)
			break;
		if (*p == '\\') {
			size_t used = unescape_one(out, p, end, ret_reason);
			if (!used)
				return p;
			p += used;
			continue;
		}
		int n = kt_utf8_decode(p, (size_t)(end - p), &cp);
		if (n < 0 || cp < 0x20 || cp == '"') {
			*ret_reason = n < 0 ? "invalid UTF-8 in string literal"
			                    : "invalid control character in string literal";
			return p;
		}
		kt_str_add(out, p, (size_t)n);
		p += n;
	}
	return NULL;
}

static locale_t c_locale(void)
{
	static _Atomic(locale_t) cached;
	locale_t found = atomic_load(&cached);

	if (found)
		return found;
	locale_t made = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	kt_assert(made);
	if (!atomic_compare_exchange_strong(&cached, &found, made)) {
		freelocale(made);
		return found;
	}
	return made;
}

/* Mantissas below 2^53 and powers of ten up to 22 are exact doubles, so one operation rounds
 * correctly. */
static bool exact_double(const char *p, size_t len, double *ret_value)
{
	static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10,
	        1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
	bool negative = len && p[0] == '-';
	uint64_t mantissa = 0;
	size_t n_fraction = 0;
	bool fraction = false;

	if (len > 17)
		return false;
	for (size_t i = negative; i < len; i++) {
		if (p[i] == '.' && !fraction) {
			fraction = true;
		} else if (p[i] >= '0' && p[i] <= '9') {
			mantissa = mantissa * 10 + (uint64_t)(p[i] - '0');
			n_fraction += fraction;
		} else {
			return false;
		}
	}
	if (mantissa >> 53)
		return false;
	double value = (double)mantissa / powers[n_fraction];
	*ret_value = negative ? -value : value;
	return true;
}

double json_text_to_double(const char *p, size_t len)
{
	double value;
	char text[64];

	if (exact_double(p, len, &value))
		return value;
	if (len < sizeof(text)) {
		memcpy(text, p, len);
		text[len] = '\0';
		return strtod_l(text, NULL, c_locale());
	}
	kt_auto_free char *copy = kt_strndup(p, len);
	return strtod_l(copy, NULL, c_locale());
}
