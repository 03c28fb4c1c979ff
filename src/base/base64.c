/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"
#include "base/str.h"

#include <errno.h>

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void encode(
        struct kt_str *out, const unsigned char *p, size_t len, const char *alphabet, bool padding)
{
	kt_str_reserve(out, len / 3 * 4 + 4);
	char *to = out->data + out->len;

	for (; len >= 3; len -= 3, p += 3) {
		uint32_t bits = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
		*to++ = alphabet[bits >> 18];
		*to++ = alphabet[bits >> 12 & 63];
		*to++ = alphabet[bits >> 6 & 63];
		*to++ = alphabet[bits & 63];
	}
	if (len) {
		uint32_t bits = (uint32_t)p[0] << 16 | (len == 2 ? (uint32_t)p[1] << 8 : 0);
		*to++ = alphabet[bits >> 18];
		*to++ = alphabet[bits >> 12 & 63];
		if (len == 2)
			*to++ = alphabet[bits >> 6 & 63];
		else if (padding)
			*to++ = '=';
		if (padding)
			*to++ = '=';
	}
	*to = '\0';
	out->len = (size_t)(to - out->data);
}

void kt_base64_encode(struct kt_str *out, const void *data, size_t len)
{
	encode(out, data, len, standard, true);
}

void kt_base64url_encode(struct kt_str *out, const void *data, size_t len)
{
	encode(out, data, len, url_safe, false);
}

static int digit_of(unsigned char c, const char *alphabet)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == (unsigned char)alphabet[62])
		return 62;
	return c == (unsigned char)alphabet[63] ? 63 : -1;
}

/* What was written before an invalid character is taken back. */
static int decode(struct kt_str *out, struct kt_sv text, const char *alphabet, bool padding)
{
	size_t start = out->len, n_digits = 0, n_pads = 0, tail;
	uint32_t bits = 0;

	kt_str_reserve(out, text.len / 4 * 3 + 3);
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.p[i];
		if (c == '\r' || c == '\n')
			continue;
		if (c == '=' && padding && n_digits % 4 >= 2 && n_pads < 4 - n_digits % 4) {
			n_pads++;
			continue;
		}
		int digit = n_pads ? -1 : digit_of(c, alphabet);
		if (digit < 0)
			goto invalid;
		bits = bits << 6 | (uint32_t)digit;
		if (++n_digits % 4 == 0) {
			out->data[out->len++] = (char)(bits >> 16);
			out->data[out->len++] = (char)(bits >> 8);
			out->data[out->len++] = (char)bits;
		}
	}
	tail = n_digits % 4;
	if (tail == 1 || (padding && tail && n_pads != 4 - tail))
		goto invalid;
	if (tail >= 2)
		out->data[out->len++] = (char)(tail == 2 ? bits >> 4 : bits >> 10);
	if (tail == 3)
		out->data[out->len++] = (char)(bits >> 2);
	out->data[out->len] = '\0';
	return 0;
invalid:
	kt_str_truncate(out, start);
	return -EINVAL;
}

int kt_base64_decode(struct kt_str *out, struct kt_sv text)
{
	return decode(out, text, standard, true);
}

int kt_base64url_decode(struct kt_str *out, struct kt_sv text)
{
	return decode(out, text, url_safe, false);
}
