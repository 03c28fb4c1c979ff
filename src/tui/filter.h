/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What `/` takes: a regular expression (PCRE2, any case), `!regex` its inverse, `-f text` a fuzzy
 * match, `-l selector` a label selector (which the server applies). An expression that cannot be
 * compiled is taken literally; back-references are refused so that matching stays bounded. One
 * thread.
 */
#ifndef KT_TUI_FILTER_H
#define KT_TUI_FILTER_H

#include "base/str.h"

#include <stdbool.h>

struct kt_filter {
	char *text;     /* as typed; NULL: no filter */
	char *selector; /* -l: for the server; NULL */
	bool inverse, fuzzy;
	char *pattern; /* for fuzzy */
	void *code;    /* pcre2_code; NULL: none */
	void *match;   /* pcre2_match_data */
	bool literal;  /* the expression was none */
};

void kt_filter_set(struct kt_filter *filter, const char *text); /* NULL or "": none */
void kt_filter_finish(struct kt_filter *filter);
bool kt_filter_is_set(
        const struct kt_filter *filter); /* something is matched here (a selector is not) */
bool kt_filter_matches(const struct kt_filter *filter, const char *text, size_t len);
/* The next hit at or behind `from`; false: none. */
bool kt_filter_find(const struct kt_filter *filter, const char *text, size_t len, size_t from,
        size_t *ret_start, size_t *ret_end);

#endif
