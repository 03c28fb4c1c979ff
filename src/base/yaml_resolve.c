/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/yaml_resolve.h"

#include "base/json_lex.h"
#include "base/mem.h"

#include <math.h>

static const struct {
	const char *text;
	enum yaml_type type;
	bool boolean;
	double real;
} words[] = {
        {"", YAML_TYPE_NULL, false, 0},
        {"~", YAML_TYPE_NULL, false, 0},
        {"null", YAML_TYPE_NULL, false, 0},
        {"Null", YAML_TYPE_NULL, false, 0},
        {"NULL", YAML_TYPE_NULL, false, 0},
        {"y", YAML_TYPE_BOOL, true, 0},
        {"Y", YAML_TYPE_BOOL, true, 0},
        {"yes", YAML_TYPE_BOOL, true, 0},
        {"Yes", YAML_TYPE_BOOL, true, 0},
        {"YES", YAML_TYPE_BOOL, true, 0},
        {"true", YAML_TYPE_BOOL, true, 0},
        {"True", YAML_TYPE_BOOL, true, 0},
        {"TRUE", YAML_TYPE_BOOL, true, 0},
        {"on", YAML_TYPE_BOOL, true, 0},
        {"On", YAML_TYPE_BOOL, true, 0},
        {"ON", YAML_TYPE_BOOL, true, 0},
        {"n", YAML_TYPE_BOOL, false, 0},
        {"N", YAML_TYPE_BOOL, false, 0},
        {"no", YAML_TYPE_BOOL, false, 0},
        {"No", YAML_TYPE_BOOL, false, 0},
        {"NO", YAML_TYPE_BOOL, false, 0},
        {"false", YAML_TYPE_BOOL, false, 0},
        {"False", YAML_TYPE_BOOL, false, 0},
        {"FALSE", YAML_TYPE_BOOL, false, 0},
        {"off", YAML_TYPE_BOOL, false, 0},
        {"Off", YAML_TYPE_BOOL, false, 0},
        {"OFF", YAML_TYPE_BOOL, false, 0},
        {".nan", YAML_TYPE_FLOAT, false, NAN},
        {".NaN", YAML_TYPE_FLOAT, false, NAN},
        {".NAN", YAML_TYPE_FLOAT, false, NAN},
        {".inf", YAML_TYPE_FLOAT, false, INFINITY},
        {".Inf", YAML_TYPE_FLOAT, false, INFINITY},
        {".INF", YAML_TYPE_FLOAT, false, INFINITY},
        {"+.inf", YAML_TYPE_FLOAT, false, INFINITY},
        {"+.Inf", YAML_TYPE_FLOAT, false, INFINITY},
        {"+.INF", YAML_TYPE_FLOAT, false, INFINITY},
        {"-.inf", YAML_TYPE_FLOAT, false, -INFINITY},
        {"-.Inf", YAML_TYPE_FLOAT, false, -INFINITY},
        {"-.INF", YAML_TYPE_FLOAT, false, -INFINITY},
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool resolve_word(struct kt_sv text, struct yaml_scalar *ret)
{
	if (text.len > 5)
		return false;
	for (size_t i = 0; i < KT_ARRAY_SIZE(words); i++) {
		if (!kt_sv_is(text, words[i].text))
			continue;
		*ret = (struct yaml_scalar){
		        .type = words[i].type,
		        .boolean = words[i].boolean,
		        .real = words[i].real,
		};
		return true;
	}
	return false;
}

static int digit_value(char c)
{
	if (is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* Digits of a base chosen by prefix: 0x, 0o, 0b, or a leading 0 for octal. False when it is no
 * number or too large. */
static bool read_magnitude(struct kt_sv digits, uint64_t *ret_value)
{
	unsigned base = 10;
	uint64_t value = 0;

	if (digits.len > 1 && digits.p[0] == '0') {
		char prefix = digits.p[1] | 0x20;
		size_t skip = prefix == 'x' || prefix == 'o' || prefix == 'b' ? 2 : 1;
		base = prefix == 'x' ? 16 : prefix == 'b' ? 2 : 8;
		digits.p += skip;
		digits.len -= skip;
	}
	if (!digits.len)
		return false;
	for (size_t i = 0; i < digits.len; i++) {
		unsigned digit = (unsigned)digit_value(digits.p[i]);
		if (digit >= base || value > (UINT64_MAX - digit) / base)
			return false;
		value = value * base + digit;
	}
	*ret_value = value;
	return true;
}

static bool resolve_integer(struct kt_sv text, struct yaml_scalar *ret)
{
	bool negative = text.p[0] == '-', sign = negative || text.p[0] == '+';
	uint64_t magnitude;

	if (!read_magnitude((struct kt_sv){text.p + sign, text.len - sign}, &magnitude))
		return false;
	if (magnitude <= (uint64_t)INT64_MAX + negative) {
		ret->type = YAML_TYPE_INTEGER;
		ret->integer = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
		return true;
	}
	if (sign)
		return false;
	ret->type = YAML_TYPE_FLOAT;
	ret->real = (double)magnitude;
	return true;
}

static size_t count_digits(struct kt_sv text, size_t at)
{
	size_t n = 0;

	while (at + n < text.len && is_digit(text.p[at + n]))
		n++;
	return n;
}

/* [-+]? ( .digits | digits [. digits*] ) ( [eE] [-+]? digits )? */
static bool is_float_text(struct kt_sv text)
{
	size_t i = text.len && (text.p[0] == '-' || text.p[0] == '+');
	size_t whole = count_digits(text, i), fraction = 0;

	i += whole;
	if (i < text.len && text.p[i] == '.') {
		fraction = count_digits(text, ++i);
		i += fraction;
	}
	if (!whole && !fraction)
		return false;
	if (i < text.len && (text.p[i] == 'e' || text.p[i] == 'E')) {
		i++;
		i += i < text.len && (text.p[i] == '-' || text.p[i] == '+');
		size_t exponent = count_digits(text, i);
		if (!exponent)
			return false;
		i += exponent;
	}
	return i == text.len;
}

static bool resolve_float(struct kt_sv text, struct yaml_scalar *ret)
{
	if (!is_float_text(text))
		return false;
	double value = json_text_to_double(text.p, text.len);
	if (!isfinite(value))
		return false; /* "1e999" stays a string */
	ret->type = YAML_TYPE_FLOAT;
	ret->real = value;
	return true;
}

/* One or two digits, at most max. */
static bool read_field(struct kt_sv text, size_t *i, unsigned max)
{
	size_t n = count_digits(text, *i);
	unsigned value = 0;

	if (n < 1 || n > 2)
		return false;
	for (; n; n--)
		value = value * 10 + (unsigned)(text.p[(*i)++] - '0');
	return value <= max;
}

static bool read_char(struct kt_sv text, size_t *i, const char *any)
{
	if (*i >= text.len || !strchr(any, text.p[*i]) || !text.p[*i])
		return false;
	++*i;
	return true;
}

/* "2026-1-2", "2026-01-02 03:04:05.6", "2026-01-02T03:04:05Z", "…+02:00" */
static bool is_timestamp(struct kt_sv text)
{
	size_t i = count_digits(text, 0);

	if (i != 4 || !read_char(text, &i, "-") || !read_field(text, &i, 12) ||
	        !read_char(text, &i, "-") || !read_field(text, &i, 31))
		return false;
	if (i == text.len)
		return true;
	bool zone = text.p[i] != ' ';
	if (!read_char(text, &i, "Tt ") || !read_field(text, &i, 23) || !read_char(text, &i, ":") ||
	        !read_field(text, &i, 59) || !read_char(text, &i, ":") || !read_field(text, &i, 59))
		return false;
	if (i < text.len && text.p[i] == '.') {
		size_t n = count_digits(text, ++i);
		if (!n)
			return false;
		i += n;
	}
	if (!zone || i == text.len)
		return !zone && i == text.len;
	if (read_char(text, &i, "Z"))
		return i == text.len;
	return read_char(text, &i, "+-") && count_digits(text, i) == 2 &&
	       read_field(text, &i, 24) && read_char(text, &i, ":") && count_digits(text, i) == 2 &&
	       read_field(text, &i, 60) && i == text.len;
}

bool yaml_is_base60(struct kt_sv text)
{
	size_t i = text.len && (text.p[0] == '-' || text.p[0] == '+');
	unsigned groups = 0;

	if (i >= text.len || !is_digit(text.p[i]))
		return false;
	while (i < text.len && (is_digit(text.p[i]) || text.p[i] == '_'))
		i++;
	for (; i < text.len && text.p[i] == ':'; groups++) {
		i++;
		if (!read_field(text, &i, 59))
			return false;
	}
	if (i < text.len && text.p[i] == '.') {
		i++;
		while (i < text.len && (is_digit(text.p[i]) || text.p[i] == '_'))
			i++;
	}
	return groups && i == text.len;
}

static void resolve_plain_number(struct kt_sv text, struct yaml_scalar *ret)
{
	if (text.p[0] == '.' || !resolve_integer(text, ret))
		resolve_float(text, ret);
}

/* In ".5_0" an underscore must stand between digits, as Go's ParseFloat has it. */
static bool separates_digits(struct kt_sv text, size_t i)
{
	return i > 0 && i + 1 < text.len && is_digit(text.p[i - 1]) && is_digit(text.p[i + 1]);
}

/* Other numbers may hold underscores anywhere behind the first byte: "1_000", "1__0_". */
static struct yaml_scalar resolve_number(struct kt_sv text)
{
	struct yaml_scalar scalar = {.type = YAML_TYPE_STRING};
	char plain[128];
	size_t n = 0;

	if (is_timestamp(text)) {
		scalar.type = YAML_TYPE_TIMESTAMP;
		return scalar;
	}
	if (!memchr(text.p, '_', text.len)) {
		resolve_plain_number(text, &scalar);
		return scalar;
	}
	for (size_t i = 0; i < text.len; i++) {
		if (n == sizeof(plain) ||
		        (text.p[0] == '.' && text.p[i] == '_' && !separates_digits(text, i)))
			return scalar;
		if (text.p[i] == '_')
			continue;
		plain[n++] = text.p[i];
	}
	resolve_plain_number((struct kt_sv){plain, n}, &scalar);
	return scalar;
}

struct yaml_scalar yaml_resolve(struct kt_sv text)
{
	struct yaml_scalar scalar = {.type = YAML_TYPE_STRING};

	if (resolve_word(text, &scalar))
		return scalar;
	char c = text.p[0];
	if (is_digit(c) || c == '+' || c == '-' || c == '.')
		return resolve_number(text);
	return scalar;
}
