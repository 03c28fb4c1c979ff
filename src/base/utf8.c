/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/str.h"

#include <errno.h>

int kt_utf8_decode(const char *p, size_t len, uint32_t *ret_cp)
{
	const unsigned char *u = (const unsigned char *)p;
	static const uint32_t min[] = {0, 0, 0x80, 0x800, 0x10000};
	uint32_t cp;
	int n;

	if (len == 0)
		return -EILSEQ;
	if (u[0] < 0x80) {
		*ret_cp = u[0];
		return 1;
	}
	if (u[0] < 0xc2 || u[0] > 0xf4)
		return -EILSEQ;
	n = u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
	if (len < (size_t)n)
		return -EILSEQ;
	cp = u[0] & (0x7fu >> n);
	for (int i = 1; i < n; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return -EILSEQ;
		cp = cp << 6 | (u[i] & 0x3fu);
	}
	/* Overlong forms, surrogates and what lies beyond Unicode are no UTF-8 (RFC 3629). */
	if (cp < min[n] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return -EILSEQ;
	*ret_cp = cp;
	return n;
}

size_t kt_utf8_encode(uint32_t cp, char out[4])
{
	if (cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		cp = 0xfffd;
	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	size_t n = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
	for (size_t i = n - 1; i > 0; i--, cp >>= 6)
		out[i] = (char)(0x80 | (cp & 0x3f));
	out[0] = (char)((0xf00u >> n) | cp);
	return n;
}

bool kt_utf8_valid(const char *p, size_t len)
{
	size_t i = 0;

	while (i < len) {
		uint64_t word;
		uint32_t cp;

		while (len - i >= sizeof(word)) {
			memcpy(&word, p + i, sizeof(word));
			if (word & UINT64_C(0x8080808080808080))
				break;
			i += sizeof(word);
		}
		if (i == len)
			break;
		int n = kt_utf8_decode(p + i, len - i, &cp);
		if (n < 0)
			return false;
		i += (size_t)n;
	}
	return true;
}

void kt_str_add_repaired(struct kt_str *s, struct kt_sv text)
{
	uint32_t code_point;

	for (size_t i = 0; i < text.len;) {
		int used = kt_utf8_decode(text.p + i, text.len - i, &code_point);

		if (used > 0)
			kt_str_add(s, text.p + i, (size_t)used);
		else
			kt_str_puts(s, "\xef\xbf\xbd");
		i += used > 0 ? (size_t)used : 1;
	}
}
