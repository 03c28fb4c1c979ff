/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the JSON parser, scanner and writer share; private to base/json*.c. Each function looks at
 * bytes of [p, end) only. SSE2 is part of the x86-64 baseline; elsewhere the plain loops behind it
 * do all the work.
 */
#ifndef KT_BASE_JSON_LEX_H
#define KT_BASE_JSON_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

static inline bool json_is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline const char *json_skip_space(const char *p, const char *end)
{
	while (p < end && (unsigned char)*p <= ' ' && json_is_space(*p))
		p++;
	return p;
}

/* The first byte that is a quote, a backslash, a control character or not ASCII; or end. */
static inline const char *json_skip_plain(const char *p, const char *end)
{
#ifdef __SSE2__
	for (; end - p >= 16; p += 16) {
		__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
		/* Signed: bytes from 0x80 up are negative, so one comparison finds them and
		 * controls. */
		__m128i stop = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20));
		stop = _mm_or_si128(stop, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')));
		stop = _mm_or_si128(stop, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
		unsigned mask = (unsigned)_mm_movemask_epi8(stop);
		if (mask)
			return p + __builtin_ctz(mask);
	}
#endif
	while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' &&
	        *p != '\\')
		p++;
	return p;
}

/* The closing quote of the string whose first byte after the opening one is p; or end. */
static inline const char *json_skip_string(const char *p, const char *end, bool *ret_escapes)
{
	*ret_escapes = false;
	for (;;) {
#ifdef __SSE2__
		for (; end - p >= 16; p += 16) {
			__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
			__m128i stop = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
			stop = _mm_or_si128(stop, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
			unsigned mask = (unsigned)_mm_movemask_epi8(stop);
			if (mask) {
				p += __builtin_ctz(mask);
				break;
			}
		}
#endif
		while (p < end && *p != '"' && *p != '\\')
			p++;
		if (p >= end)
			return end;
		if (*p == '"')
			return p;
		*ret_escapes = true;
		if (end - p < 2)
			return end;
		p += 2;
	}
}

struct kt_str;
/*
 * Decodes the body of a string literal (between the quotes) into out. NULL on success, else where
 * the fault is, with *ret_reason a constant text. A lone surrogate becomes U+FFFD, as Go's decoder
 * has it.
 */
const char *json_unescape(
        struct kt_str *out, const char *p, const char *end, const char **ret_reason);

/* Decimal text to double in the C locale, whatever the program's is. */
double json_text_to_double(const char *p, size_t len);

/* The shortest digits that read back as value (positive and finite), and the decimal exponent of
 * the first one. */
size_t json_shortest_digits(double value, char ret_digits[20], int *ret_exponent);

#endif
