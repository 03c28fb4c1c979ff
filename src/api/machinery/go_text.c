/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/machinery/go_text.h"

#include <math.h>

static bool is_printable(uint32_t cp)
{
	/* Go prints letters, marks, numbers, punctuation, symbols and the ASCII blank; these are
	 * the ranges it does not. */
	if (cp < 0x20 || (cp >= 0x7f && cp <= 0xa0) || cp == 0xad)
		return false;
	if (cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200f) || (cp >= 0x2028 && cp <= 0x202f))
		return false;
	if ((cp >= 0x205f && cp <= 0x206f) || cp == 0x3000 || cp == 0xfeff ||
	        (cp >= 0xfff0 && cp <= 0xfffb))
		return false;
	return !(cp >= 0xd800 && cp <= 0xf8ff) && !(cp >= 0xe0000) && (cp & 0xfffe) != 0xfffe;
}

static const char *short_escape(uint32_t cp)
{
	switch (cp) {
	case '"':
		return "\\\"";
	case '\\':
		return "\\\\";
	case '\a':
		return "\\a";
	case '\b':
		return "\\b";
	case '\f':
		return "\\f";
	case '\n':
		return "\\n";
	case '\r':
		return "\\r";
	case '\t':
		return "\\t";
	case '\v':
		return "\\v";
	default:
		return NULL;
	}
}

void kt_go_quote(struct kt_str *out, struct kt_sv text)
{
	size_t i = 0;

	kt_str_putc(out, '"');
	while (i < text.len) {
		uint32_t cp;
		int n = kt_utf8_decode(text.p + i, text.len - i, &cp);
		const char *escape;

		if (n <= 0) {
			kt_str_printf(out, "\\x%02x", (unsigned char)text.p[i++]);
			continue;
		}
		escape = short_escape(cp);
		if (escape)
			kt_str_puts(out, escape);
		else if (is_printable(cp))
			kt_str_add(out, text.p + i, (size_t)n);
		else
			kt_str_printf(out,
			        cp < 0x20 || cp == 0x7f ? "\\x%02x"
			        : cp < 0x10000          ? "\\u%04x"
			                                : "\\U%08x",
			        (unsigned)cp);
		i += (size_t)n;
	}
	kt_str_putc(out, '"');
}

/* The digits and decimal exponent of the shortest decimal that reads back as value. */
static void shortest(double value, char ret_digits[32], int *ret_exponent)
{
	char text[40];
	char *e;
	size_t n = 0;

	for (int precision = 0; precision < 18; precision++) {
		snprintf(text, sizeof(text), "%.*e", precision, value);
		if (strtod(text, NULL) == value)
			break;
	}
	e = strchr(text, 'e');
	*ret_exponent = (int)strtol(e + 1, NULL, 10);
	for (const char *p = text; p < e; p++)
		if (*p != '.')
			ret_digits[n++] = *p;
	while (n > 1 && ret_digits[n - 1] == '0')
		n--;
	ret_digits[n] = 0;
}

void kt_go_float(struct kt_str *out, double value)
{
	char digits[32];
	int exponent, n;

	if (isnan(value) || isinf(value)) {
		kt_str_puts(out, isnan(value) ? "NaN" : value < 0 ? "-Inf" : "+Inf");
		return;
	}
	if (signbit(value))
		kt_str_putc(out, '-');
	shortest(fabs(value), digits, &exponent);
	n = (int)strlen(digits);
	if (exponent < -4 || exponent >= 21) {
		kt_str_printf(out, "%c%s%se%c%02d", digits[0], n > 1 ? "." : "", digits + 1,
		        exponent < 0 ? '-' : '+', abs(exponent));
	} else if (exponent < 0) {
		kt_str_printf(out, "0.%.*s%s", -exponent - 1, "0000", digits);
	} else {
		for (int i = 0; i < n || i <= exponent; i++) {
			if (i == exponent + 1)
				kt_str_putc(out, '.');
			kt_str_putc(out, i < n ? digits[i] : '0');
		}
	}
}

static bool put_scalar(struct kt_str *out, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_INTEGER:
		kt_str_printf(out, "%lld", (long long)json_integer_value(value));
		return true;
	case JSON_REAL:
		kt_go_float(out, json_real_value(value));
		return true;
	case JSON_TRUE:
	case JSON_FALSE:
		kt_str_puts(out, json_is_true(value) ? "true" : "false");
		return true;
	default:
		return false;
	}
}

void kt_go_value(struct kt_str *out, const json_t *value)
{
	if (json_is_string(value))
		kt_go_quote(
		        out, (struct kt_sv){json_string_value(value), json_string_length(value)});
	else if (!put_scalar(out, value))
		kt_json_write(out, value, KT_JSON_HTML);
}

static void put_map(struct kt_str *out, const json_t *value)
{
	size_t n = json_object_size(value), i = 0;
	kt_auto_free const char **keys = kt_new_array(const char *, n + 1);

	for (void *it = json_object_iter((json_t *)(uintptr_t)value); it;
	        it = json_object_iter_next((json_t *)(uintptr_t)value, it))
		keys[i++] = json_object_iter_key(it);
	qsort(keys, n, sizeof(*keys), kt_strp_cmp);
	kt_str_puts(out, "map[");
	for (i = 0; i < n; i++) {
		kt_str_printf(out, "%s%s:", i ? " " : "", keys[i]);
		kt_go_percent_v(out, json_object_get(value, keys[i]));
	}
	kt_str_putc(out, ']');
}

void kt_go_percent_v(struct kt_str *out, const json_t *value)
{
	if (put_scalar(out, value))
		return;
	if (json_is_string(value)) {
		kt_str_add(out, json_string_value(value), json_string_length(value));
	} else if (json_is_object(value)) {
		put_map(out, value);
	} else if (json_is_array(value)) {
		kt_str_putc(out, '[');
		for (size_t i = 0; i < json_array_size(value); i++) {
			if (i)
				kt_str_putc(out, ' ');
			kt_go_percent_v(out, json_array_get(value, i));
		}
		kt_str_putc(out, ']');
	} else {
		kt_str_puts(out, "<nil>");
	}
}

const char *kt_go_json_reason(const char *message)
{
	const char *colon = strstr(message, ": ");

	return kt_starts_with(message, "line ") && colon ? colon + 2 : message;
}
