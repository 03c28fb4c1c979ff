/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Strings: `kt_str`, a growing buffer that is always NUL-terminated once it holds anything, and
 * `kt_sv`, a borrowed slice. Small predicates that C's library lacks.
 */
#ifndef KT_BASE_STR_H
#define KT_BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct kt_str {
	char *data; /* NULL while empty and never grown */
	size_t len;
	size_t cap;
};

#define KT_STR_INIT ((struct kt_str){0})
#define kt_auto_str __attribute__((cleanup(kt_str_finish))) struct kt_str

void kt_str_finish(struct kt_str *s);
void kt_str_clear(struct kt_str *s); /* keeps the memory */
void kt_str_reserve(struct kt_str *s, size_t more_bytes);
void kt_str_add(struct kt_str *s, const void *data, size_t len);
void kt_str_puts(struct kt_str *s, const char *text);
void kt_str_putc(struct kt_str *s, char c);
void kt_str_printf(struct kt_str *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void kt_str_vprintf(struct kt_str *s, const char *fmt, va_list ap)
        __attribute__((format(printf, 2, 0)));
void kt_str_truncate(struct kt_str *s, size_t len);
/* The text, never NULL; valid until the next change. */
const char *kt_str_text(const struct kt_str *s);
/* Gives the heap string away (never NULL) and empties s. */
char *kt_str_steal(struct kt_str *s);

struct kt_sv {
	const char *p;
	size_t len;
};

#define KT_SV(lit) ((struct kt_sv){(lit), sizeof(lit) - 1})
static inline struct kt_sv kt_sv_of(const char *s)
{
	return (struct kt_sv){s, s ? strlen(s) : 0};
}
/* For printf's %.*s. */
#define KT_SVP(sv) (int)(sv).len, (sv).p ? (sv).p : ""
bool kt_sv_eq(struct kt_sv a, struct kt_sv b);
bool kt_sv_is(struct kt_sv a, const char *text);
int kt_sv_cmp(struct kt_sv a, struct kt_sv b);
/* Cuts the part before `sep` off *rest and returns it; with no sep left the whole rest. False when
 * rest is exhausted (p NULL). */
bool kt_sv_split(struct kt_sv *rest, char sep, struct kt_sv *ret_part);
struct kt_sv kt_sv_trim(struct kt_sv s);
char *kt_sv_dup(struct kt_sv s);
/* Whole slice as a decimal number; -EINVAL, -ERANGE. */
int kt_sv_int64(struct kt_sv s, int64_t *ret_value);

bool kt_streq(const char *a, const char *b); /* NULL equals only NULL */
bool kt_starts_with(const char *s, const char *prefix);
bool kt_ends_with(const char *s, const char *suffix);
/* Sorted output helpers: qsort comparators over char * arrays. */
int kt_strp_cmp(const void *a, const void *b);
/* The same number for the same bytes, in every process. */
uint64_t kt_hash_bytes(const void *data, size_t len);
/* For hash tables, whose keys others choose: another number in every process that was seeded, so
 * that nobody can choose keys which collide. Seed before the first table is filled, and before
 * there are threads. */
uint64_t kt_hash_key(const void *data, size_t len);
void kt_hash_seed(uint64_t seed);
/* Constant-time comparison for secrets. */
bool kt_secret_eq(const void *a, size_t a_len, const void *b, size_t b_len);

/* Base64 (RFC 4648 section 4, and section 5 without padding for url-safe). */
void kt_base64_encode(struct kt_str *out, const void *data, size_t len);
void kt_base64url_encode(struct kt_str *out, const void *data, size_t len);
int kt_base64_decode(
        struct kt_str *out, struct kt_sv text); /* -EINVAL; ignores \r and \n as Go does */
int kt_base64url_decode(struct kt_str *out, struct kt_sv text); /* -EINVAL */

/* UTF-8: decodes one code point; returns bytes used, or -EILSEQ (skip one byte). */
int kt_utf8_decode(const char *p, size_t len, uint32_t *ret_cp);
size_t kt_utf8_encode(uint32_t cp, char out[4]);
bool kt_utf8_valid(const char *p, size_t len);
/* Appends text with U+FFFD for each byte that is no UTF-8, as Go reads and writes strings. */
void kt_str_add_repaired(struct kt_str *s, struct kt_sv text);

#endif
