/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Regular expressions of schemas and CEL: RE2's language on PCRE2. What RE2 lacks (back-references,
 * look-around, possessive and atomic groups) is refused, and matching has match and depth limits,
 * so that a pattern from outside cannot burn unbounded time. A compiled expression is immutable;
 * any thread may match.
 */
#ifndef KT_API_EXPR_REGEX_H
#define KT_API_EXPR_REGEX_H

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdbool.h>

#define KT_REGEX_LENGTH_MAX 10000
#define KT_REGEX_MATCH_LIMIT 1000000
#define KT_REGEX_DEPTH_LIMIT 10000

struct kt_regex;

int kt_regex_compile(struct kt_sv pattern, struct kt_regex **ret_regex, struct kt_err *err);
void kt_regex_destroy(struct kt_regex *regex); /* NULL is ignored */
KT_DEFINE_CLEANUP(struct kt_regex, kt_regex_destroy)
#define kt_auto_regex __attribute__((cleanup(kt_regex_destroy_p)))

/* Anywhere in text from offset on. 1: found at [*ret_start, *ret_end), 0: not, negative: a limit
 * was hit. */
int kt_regex_find(const struct kt_regex *regex, struct kt_sv text, size_t offset, size_t *ret_start,
        size_t *ret_end);
/* Compiles, finds and forgets; false also for a pattern that does not compile. */
bool kt_regex_is_match(const char *pattern, struct kt_sv text);

#endif
