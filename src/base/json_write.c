/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The writer: text as Go's encoding/json makes it, since clients and recorded answers compare
 * bytes. */
#include "base/json.h"

#include "base/json_lex.h"
#include "base/log.h"

#include <float.h>
#include <math.h>

#define PRETTY (KT_JSON_PRETTY | KT_JSON_INDENT)

struct writer {
	struct kt_str *out;
	unsigned flags;
	unsigned indent;
};

static void write_value(struct writer *w, const json_t *value);

static void write_escape(struct kt_str *out, uint32_t cp)
{
	static const char named[] = "\"\"\\\\\nn\rr\tt\bb\ff";

	for (const char *p = named; *p; p += 2) {
		if ((uint32_t)(unsigned char)*p == cp) {
			kt_str_putc(out, '\\');
			kt_str_putc(out, p[1]);
			return;
		}
	}
	kt_str_printf(out, "\\u%04x", cp);
}

/* Copies what needs no escape; html also stops at < > and &. */
static const char *write_plain(struct kt_str *out, const char *p, const char *end, bool html)
{
	const char *stop = json_skip_plain(p, end);

	if (html) {
		const char *q = p;
		while (q < stop && *q != '<' && *q != '>' && *q != '&')
			q++;
		stop = q;
	}
	kt_str_add(out, p, (size_t)(stop - p));
	return stop;
}

static void write_string(struct kt_str *out, const char *text, size_t len, bool html)
{
	const char *p = text, *end = text + len;

	kt_str_reserve(out, len + 2);
	kt_str_putc(out, '"');
	while (p < end) {
		uint32_t cp;
		p = write_plain(out, p, end, html);
		if (p >= end)
			break;
		int n = kt_utf8_decode(p, (size_t)(end - p), &cp);
		if (n < 0) {
			cp = 0xfffd;
			n = 1;
			write_escape(out, cp);
		} else if (cp < 0x80 || cp == 0x2028 || cp == 0x2029) {
			write_escape(out, cp);
		} else {
			kt_str_add(out, p, (size_t)n);
		}
		p += n;
	}
	kt_str_putc(out, '"');
}

void kt_json_write_string(struct kt_str *out, const char *text, size_t len)
{
	write_string(out, text, len, false);
}

/* Digits are picked out of printf's text, so the program's locale has no part in it. */
size_t json_shortest_digits(double value, char ret_digits[20], int *ret_exponent)
{
	char text[48];
	size_t n = 0;

	/* A denormal has fewer digits than any other double. */
	for (int precision = value < DBL_MIN ? 0 : 14; precision <= 16; precision++) {
		snprintf(text, sizeof(text), "%.*e", precision, value);
		if (precision == 16 || strtod(text, NULL) == value)
			break;
	}
	const char *e = strrchr(text, 'e');
	kt_assert(e);
	for (const char *p = text; p < e; p++) {
		if (*p >= '0' && *p <= '9')
			ret_digits[n++] = *p;
	}
	while (n > 1 && ret_digits[n - 1] == '0')
		n--;
	*ret_exponent = (int)strtol(e + 1, NULL, 10);
	return n;
}

static void add_zeros(struct kt_str *out, int n)
{
	while (n-- > 0)
		kt_str_putc(out, '0');
}

static void write_exponential(struct kt_str *out, const char *digits, size_t n, int exponent)
{
	kt_str_putc(out, digits[0]);
	if (n > 1)
		kt_str_putc(out, '.');
	kt_str_add(out, digits + 1, n - 1);
	kt_str_printf(out, "e%c%d", exponent < 0 ? '-' : '+', abs(exponent));
}

static void write_positional(struct kt_str *out, const char *digits, int n, int exponent)
{
	if (exponent < 0) {
		kt_str_puts(out, "0.");
		add_zeros(out, -exponent - 1);
		kt_str_add(out, digits, (size_t)n);
	} else if (n <= exponent + 1) {
		kt_str_add(out, digits, (size_t)n);
		add_zeros(out, exponent + 1 - n);
	} else {
		kt_str_add(out, digits, (size_t)exponent + 1);
		kt_str_putc(out, '.');
		kt_str_add(out, digits + exponent + 1, (size_t)(n - exponent - 1));
	}
}

/* Exponents below 1e-6 and from 1e21 on, plain digits otherwise: the rule of ECMAScript that Go
 * follows. */
static void write_real(struct kt_str *out, double value)
{
	char digits[20];
	int exponent;

	if (!isfinite(value)) {
		kt_str_puts(out,
		        "null"); /* no JSON text exists for it, and the parser never makes one */
		return;
	}
	if (signbit(value))
		kt_str_putc(out, '-');
	value = fabs(value);
	if (value < 1e15 && value == (double)(int64_t)value) {
		kt_str_printf(out, "%.0f", value);
		return;
	}
	size_t n = json_shortest_digits(value, digits, &exponent);
	if (exponent < -6 || exponent >= 21)
		write_exponential(out, digits, n, exponent);
	else
		write_positional(out, digits, (int)n, exponent);
}

static void write_integer(struct kt_str *out, json_int_t value)
{
	char text[24], *p = text + sizeof(text);
	uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

	do {
		*--p = (char)('0' + magnitude % 10);
		magnitude /= 10;
	} while (magnitude);
	if (value < 0)
		*--p = '-';
	kt_str_add(out, p, (size_t)(text + sizeof(text) - p));
}

static void new_line(struct writer *w)
{
	if (!(w->flags & PRETTY))
		return;
	kt_str_putc(w->out, '\n');
	for (unsigned i = 0; i < w->indent; i++)
		kt_str_add(w->out, "    ", w->flags & KT_JSON_INDENT ? 2 : 4);
}

static void write_array(struct writer *w, const json_t *array)
{
	size_t n = json_array_size(array);

	kt_str_putc(w->out, '[');
	w->indent++;
	for (size_t i = 0; i < n; i++) {
		if (i)
			kt_str_putc(w->out, ',');
		new_line(w);
		write_value(w, json_array_get(array, i));
	}
	w->indent--;
	if (n)
		new_line(w);
	kt_str_putc(w->out, ']');
}

struct member {
	const char *key;
	size_t key_len;
	const json_t *value;
};

static int compare_members(const void *a, const void *b)
{
	const struct member *ma = a, *mb = b;

	return kt_sv_cmp(
	        (struct kt_sv){ma->key, ma->key_len}, (struct kt_sv){mb->key, mb->key_len});
}

static void write_member(struct writer *w, const struct member *member, bool first)
{
	if (!first)
		kt_str_putc(w->out, ',');
	new_line(w);
	write_string(w->out, member->key, member->key_len, w->flags & KT_JSON_HTML);
	if (w->flags & PRETTY)
		kt_str_add(w->out, ": ", 2);
	else
		kt_str_putc(w->out, ':');
	write_value(w, member->value);
}

static void write_sorted(struct writer *w, json_t *object)
{
	struct member few[32], *members = few;
	size_t n = json_object_size(object), i = 0;
	kt_auto_free struct member *many = NULL;
	bool sorted = true;

	if (n > KT_ARRAY_SIZE(few))
		members = many = kt_new_array(struct member, n);
	for (void *it = json_object_iter(object); it; it = json_object_iter_next(object, it), i++) {
		kt_assert(i < n);
		members[i] = (struct member){json_object_iter_key(it), json_object_iter_key_len(it),
		        json_object_iter_value(it)};
		sorted = sorted && (i == 0 || compare_members(&members[i - 1], &members[i]) < 0);
	}
	if (!sorted)
		qsort(members, n, sizeof(*members), compare_members);
	for (i = 0; i < n; i++)
		write_member(w, &members[i], i == 0);
}

static void write_object(struct writer *w, const json_t *constant)
{
	/* jansson's iterators take a mutable object and leave it as it is. */
	json_t *object = (json_t *)(uintptr_t)constant;
	size_t n = json_object_size(object);
	bool first = true;

	kt_str_putc(w->out, '{');
	w->indent++;
	if (w->flags & KT_JSON_SORT) {
		write_sorted(w, object);
	} else {
		for (void *it = json_object_iter(object); it;
		        it = json_object_iter_next(object, it)) {
			struct member member = {json_object_iter_key(it),
			        json_object_iter_key_len(it), json_object_iter_value(it)};
			write_member(w, &member, first);
			first = false;
		}
	}
	w->indent--;
	if (n)
		new_line(w);
	kt_str_putc(w->out, '}');
}

static void write_value(struct writer *w, const json_t *value)
{
	if (json_is_object(value))
		write_object(w, value);
	else if (json_is_array(value))
		write_array(w, value);
	else if (json_is_string(value))
		write_string(w->out, json_string_value(value), json_string_length(value),
		        w->flags & KT_JSON_HTML);
	else if (json_is_integer(value))
		write_integer(w->out, json_integer_value(value));
	else if (json_is_real(value))
		write_real(w->out, json_real_value(value));
	else if (json_is_boolean(value))
		kt_str_puts(w->out, json_is_true(value) ? "true" : "false");
	else
		kt_str_add(w->out, "null", 4);
}

void kt_json_write(struct kt_str *out, const json_t *value, unsigned flags)
{
	struct writer w = {.out = out, .flags = flags};

	write_value(&w, value);
}
