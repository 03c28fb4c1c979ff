/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The scanner: single fields out of bytes, without a tree. */
#include "base/json.h"

#include "base/json_lex.h"
#include "base/log.h"

#include <stdarg.h>

static const struct kt_json_at absent;

#ifdef __SSE2__
static uint64_t mask64(const __m128i bytes[4], char c)
{
	uint64_t mask = 0;

	for (int i = 0; i < 4; i++) {
		unsigned part =
		        (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes[i], _mm_set1_epi8(c)));
		mask |= (uint64_t)part << (16 * i);
	}
	return mask;
}

/* Bit i of the result: the number of bits up to and with i is odd. */
static uint64_t prefix_xor(uint64_t bits)
{
	for (int shift = 1; shift < 64; shift *= 2)
		bits ^= bits << shift;
	return bits;
}

/* Bytes that a backslash before them escapes; *carry tells whether the last block ended in an open
 * one. */
static uint64_t escaped_bytes(uint64_t backslashes, bool *carry)
{
	uint64_t escaped = *carry;

	backslashes &= ~escaped;
	*carry = false;
	while (backslashes) {
		uint64_t lowest = backslashes & -backslashes;
		escaped |= lowest << 1;
		*carry = lowest >> 63;
		backslashes &= ~(lowest | lowest << 1);
	}
	return escaped;
}

/*
 * Skips whole blocks of 64 bytes inside nested brackets, as long as the bracket that ends the value
 * cannot be among them. *depth is kept; stops at a place outside of strings or hands over with
 * *in_string.
 */
static const char *skip_blocks(const char *p, const char *end, size_t *depth, bool *in_string)
{
	bool carry = false;

	for (; end - p >= 64; p += 64) {
		__m128i bytes[4], folded[4];
		for (int i = 0; i < 4; i++) {
			bytes[i] = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i));
			/* '[' and '{', ']' and '}' differ in bit 5 only. */
			folded[i] = _mm_or_si128(bytes[i], _mm_set1_epi8(0x20));
		}
		bool carry_before = carry;
		uint64_t backslashes = mask64(bytes, '\\');
		uint64_t escaped = backslashes || carry ? escaped_bytes(backslashes, &carry) : 0;
		uint64_t quotes = mask64(bytes, '"') & ~escaped;
		uint64_t inside = prefix_xor(quotes) ^ (*in_string ? ~UINT64_C(0) : 0);
		uint64_t opens = mask64(folded, '{') & ~inside;
		uint64_t closes = mask64(folded, '}') & ~inside;
		size_t n_closes = (size_t)__builtin_popcountll(closes);
		if (n_closes >= *depth)
			return carry_before ? p - 1 : p;
		*depth = *depth + (size_t)__builtin_popcountll(opens) - n_closes;
		*in_string = inside >> 63;
	}
	/* A backslash at the very end of the last block belongs to what the caller reads. */
	return carry ? p - 1 : p;
}
#else
static const char *skip_blocks(const char *p, const char *end, size_t *depth, bool *in_string)
{
	(void)end;
	(void)depth;
	(void)in_string;
	return p;
}
#endif

/* p is behind the opening bracket. The byte behind the closing one, or NULL. */
static const char *skip_nested(const char *p, const char *end)
{
	bool in_string = false, escapes;
	size_t depth = 1;

	p = skip_blocks(p, end, &depth, &in_string);
	for (; p < end; p++) {
		if (in_string || *p == '"') {
			p = json_skip_string(in_string ? p : p + 1, end, &escapes);
			if (p >= end)
				return NULL;
			in_string = false;
			continue;
		}
		char c = *p | 0x20;
		if (c == '{')
			depth++;
		else if (c == '}' && --depth == 0)
			return p + 1;
	}
	return NULL;
}

/* The byte behind the value at p, or NULL when it does not end before end. */
static const char *skip_value(const char *p, const char *end)
{
	bool escapes;

	if (p >= end)
		return NULL;
	if (*p == '"') {
		const char *close = json_skip_string(p + 1, end, &escapes);
		return close < end ? close + 1 : NULL;
	}
	if (*p == '{' || *p == '[')
		return skip_nested(p + 1, end);
	const char *start = p;
	while (p < end && *p != ',' && *p != '}' && *p != ']' && !json_is_space(*p))
		p++;
	return p > start ? p : NULL;
}

/* Comes to the next member or element: behind the bracket or the comma. NULL at the end. */
static const char *advance(struct kt_json_at in, struct kt_json_iter *it, char open)
{
	const char *end = in.p + in.len, *p;

	if (!in.p)
		return NULL;
	if (!it->started) {
		it->started = true;
		p = json_skip_space(in.p, end);
		if (p >= end || *p != open)
			return NULL;
		return json_skip_space(p + 1, end);
	}
	if (!it->p)
		return NULL;
	p = json_skip_space(it->p, end);
	if (p >= end || *p != ',')
		return NULL;
	return json_skip_space(p + 1, end);
}

/* Comes to the next member: its raw key, and where its value begins. */
static const char *next_key(
        struct kt_json_at object, struct kt_json_iter *it, struct kt_sv *ret_key)
{
	const char *p = advance(object, it, '{'), *end = object.p + object.len;
	bool escapes;

	it->p = NULL;
	if (!p || p >= end || *p != '"')
		return NULL;
	const char *close = json_skip_string(p + 1, end, &escapes);
	if (close >= end)
		return NULL;
	*ret_key = (struct kt_sv){p + 1, (size_t)(close - p - 1)};
	p = json_skip_space(close + 1, end);
	return p < end && *p == ':' ? json_skip_space(p + 1, end) : NULL;
}

bool kt_json_next_member(struct kt_json_at object, struct kt_json_iter *it, struct kt_sv *ret_key,
        struct kt_json_at *ret_value)
{
	struct kt_sv key;
	const char *p = next_key(object, it, &key);
	const char *behind = p ? skip_value(p, object.p + object.len) : NULL;

	if (!behind)
		return false;
	if (ret_key)
		*ret_key = key;
	if (ret_value)
		*ret_value = (struct kt_json_at){p, (size_t)(behind - p)};
	it->p = behind;
	return true;
}

bool kt_json_next_element(
        struct kt_json_at array, struct kt_json_iter *it, struct kt_json_at *ret_value)
{
	const char *p = advance(array, it, '['), *end = array.p + array.len;

	it->p = NULL;
	if (!p || p >= end || *p == ']')
		return false;
	const char *behind = skip_value(p, end);
	if (!behind)
		return false;
	if (ret_value)
		*ret_value = (struct kt_json_at){p, (size_t)(behind - p)};
	it->p = behind;
	return true;
}

static bool key_is(struct kt_sv raw, struct kt_sv key)
{
	const char *reason;

	if (kt_sv_eq(raw, key))
		return !memchr(raw.p, '\\', raw.len);
	if (raw.len <= key.len || !memchr(raw.p, '\\', raw.len))
		return false;
	kt_auto_str text = {0};
	if (json_unescape(&text, raw.p, raw.p + raw.len, &reason))
		return false;
	return kt_sv_eq((struct kt_sv){kt_str_text(&text), text.len}, key);
}

/* Where the value of key begins, or NULL. */
static const char *find_value(struct kt_json_at object, const char *key)
{
	const char *end = object.p + object.len, *p;
	struct kt_sv wanted = kt_sv_of(key), found;
	struct kt_json_iter it = {0};

	while ((p = next_key(object, &it, &found))) {
		if (key_is(found, wanted))
			return p;
		it.p = skip_value(p, end);
	}
	return NULL;
}

static struct kt_json_at value_at(const char *p, const char *end)
{
	const char *behind = p ? skip_value(p, end) : NULL;

	return behind ? (struct kt_json_at){p, (size_t)(behind - p)} : absent;
}

struct kt_json_at kt_json_member(struct kt_json_at object, const char *key)
{
	return value_at(find_value(object, key), object.p + object.len);
}

struct kt_json_at kt_json_find(struct kt_json_at doc, ...)
{
	const char *key, *end = doc.p + doc.len;
	struct kt_json_at at = doc;
	va_list ap;
	bool deeper = false;

	/* An object on the way is entered without looking for its end first. */
	va_start(ap, doc);
	while (at.p && (key = va_arg(ap, const char *))) {
		at.p = find_value(at, key);
		at.len = at.p ? (size_t)(end - at.p) : 0;
		deeper = true;
	}
	va_end(ap);
	return deeper ? value_at(at.p, end) : doc;
}

bool kt_json_is_string(struct kt_json_at v)
{
	return v.p && v.len >= 2 && v.p[0] == '"' && v.p[v.len - 1] == '"';
}

bool kt_json_string_sv(struct kt_json_at v, struct kt_sv *ret_text)
{
	if (!kt_json_is_string(v) || memchr(v.p, '\\', v.len))
		return false;
	*ret_text = (struct kt_sv){v.p + 1, v.len - 2};
	return true;
}

char *kt_json_string_dup(struct kt_json_at v)
{
	kt_auto_str text = {0};
	const char *reason;

	if (!kt_json_is_string(v))
		return NULL;
	if (json_unescape(&text, v.p + 1, v.p + v.len - 1, &reason))
		return NULL;
	return kt_str_steal(&text);
}

bool kt_json_int64(struct kt_json_at v, int64_t *ret_value)
{
	if (!v.p || v.len == 0 || v.p[0] == '+')
		return false;
	return kt_sv_int64((struct kt_sv){v.p, v.len}, ret_value) == 0;
}

bool kt_json_bool(struct kt_json_at v, bool fallback)
{
	struct kt_sv text = {v.p, v.p ? v.len : 0};

	if (kt_sv_is(text, "true"))
		return true;
	return kt_sv_is(text, "false") ? false : fallback;
}

bool kt_json_string_is(struct kt_json_at v, const char *text)
{
	return kt_json_is_string(v) && key_is((struct kt_sv){v.p + 1, v.len - 2}, kt_sv_of(text));
}

json_t *kt_json_tree(struct kt_json_at v)
{
	return v.p ? kt_json_parse((struct kt_sv){v.p, v.len}, NULL, NULL) : NULL;
}
