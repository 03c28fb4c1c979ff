/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/str.h"

#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <stdint.h>

void kt_str_finish(struct kt_str *s)
{
	if (!s)
		return;
	free(s->data);
	*s = KT_STR_INIT;
}

void kt_str_clear(struct kt_str *s)
{
	kt_str_truncate(s, 0);
}

void kt_str_reserve(struct kt_str *s, size_t more_bytes)
{
	kt_assert(more_bytes < SIZE_MAX / 4 - s->len);
	size_t need = s->len + more_bytes + 1;

	if (need <= s->cap)
		return;
	size_t cap = s->cap + s->cap / 2;
	cap = KT_MAX(KT_MAX(cap, need), (size_t)32);
	s->data = kt_realloc(s->data, cap);
	s->data[s->len] = '\0';
	s->cap = cap;
}

void kt_str_add(struct kt_str *s, const void *data, size_t len)
{
	kt_str_reserve(s, len);
	if (len)
		memcpy(s->data + s->len, data, len);
	s->len += len;
	s->data[s->len] = '\0';
}

void kt_str_puts(struct kt_str *s, const char *text)
{
	kt_str_add(s, text, strlen(text));
}

void kt_str_putc(struct kt_str *s, char c)
{
	if (s->len + 2 > s->cap)
		kt_str_reserve(s, 1);
	s->data[s->len++] = c;
	s->data[s->len] = '\0';
}

void kt_str_printf(struct kt_str *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	kt_str_vprintf(s, fmt, ap);
	va_end(ap);
}

void kt_str_vprintf(struct kt_str *s, const char *fmt, va_list ap)
{
	va_list again;

	kt_str_reserve(s, 64);
	va_copy(again, ap);
	int len = vsnprintf(s->data + s->len, s->cap - s->len, fmt, ap);
	kt_assert(len >= 0);
	if ((size_t)len >= s->cap - s->len) {
		kt_str_reserve(s, (size_t)len);
		len = vsnprintf(s->data + s->len, s->cap - s->len, fmt, again);
		kt_assert(len >= 0);
	}
	va_end(again);
	s->len += (size_t)len;
}

void kt_str_truncate(struct kt_str *s, size_t len)
{
	if (len > s->len || !s->data)
		return;
	s->len = len;
	s->data[len] = '\0';
}

const char *kt_str_text(const struct kt_str *s)
{
	return s->data ? s->data : "";
}

char *kt_str_steal(struct kt_str *s)
{
	char *text = s->data ? s->data : kt_strdup("");

	*s = KT_STR_INIT;
	return text;
}

bool kt_sv_eq(struct kt_sv a, struct kt_sv b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

bool kt_sv_is(struct kt_sv a, const char *text)
{
	return kt_sv_eq(a, kt_sv_of(text));
}

int kt_sv_cmp(struct kt_sv a, struct kt_sv b)
{
	size_t len = KT_MIN(a.len, b.len);
	int order = len ? memcmp(a.p, b.p, len) : 0;

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

bool kt_sv_split(struct kt_sv *rest, char sep, struct kt_sv *ret_part)
{
	if (!rest->p)
		return false;
	const char *at = rest->len ? memchr(rest->p, sep, rest->len) : NULL;
	if (!at) {
		*ret_part = *rest;
		*rest = (struct kt_sv){0};
		return true;
	}
	size_t len = (size_t)(at - rest->p);
	*ret_part = (struct kt_sv){rest->p, len};
	*rest = (struct kt_sv){at + 1, rest->len - len - 1};
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct kt_sv kt_sv_trim(struct kt_sv s)
{
	while (s.len && is_blank(s.p[0])) {
		s.p++;
		s.len--;
	}
	while (s.len && is_blank(s.p[s.len - 1]))
		s.len--;
	return s;
}

char *kt_sv_dup(struct kt_sv s)
{
	return kt_strndup(s.p, s.len);
}

int kt_sv_int64(struct kt_sv s, int64_t *ret_value)
{
	bool negative = s.len && s.p[0] == '-';
	uint64_t limit = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
	uint64_t value = 0;
	size_t i = s.len && (s.p[0] == '-' || s.p[0] == '+');
	bool overflow = false;

	if (i == s.len)
		return -EINVAL;
	for (; i < s.len; i++) {
		unsigned digit = (unsigned char)s.p[i] - (unsigned)'0';
		if (digit > 9)
			return -EINVAL;
		if (value > (limit - digit) / 10)
			overflow = true;
		else
			value = value * 10 + digit;
	}
	if (overflow)
		return -ERANGE;
	*ret_value = negative ? (int64_t)(0 - value) : (int64_t)value;
	return 0;
}

bool kt_streq(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool kt_starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool kt_ends_with(const char *s, const char *suffix)
{
	size_t len = strlen(s), suffix_len = strlen(suffix);

	return len >= suffix_len && memcmp(s + len - suffix_len, suffix, suffix_len) == 0;
}

int kt_strp_cmp(const void *a, const void *b)
{
	const char *const *pa = a, *const *pb = b;

	return strcmp(*pa, *pb);
}

bool kt_secret_eq(const void *a, size_t a_len, const void *b, size_t b_len)
{
	const volatile unsigned char *pa = a, *pb = b;
	unsigned char difference = a_len != b_len;

	/* The time depends on b, what was offered, and never on what is expected. */
	for (size_t i = 0; i < b_len; i++)
		difference |= (unsigned char)(pb[i] ^ (a_len ? pa[i % a_len] : 0xff));
	return difference == 0;
}
