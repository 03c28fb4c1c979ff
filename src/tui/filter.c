/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/filter.h"

#include "base/mem.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <ctype.h>
#include <pcre2.h>

#define MATCH_STEPS_MAX 100000u /* of PCRE2: a row never needs so many */
#define MATCH_DEPTH_MAX 1000u

static pcre2_code *compile(const char *pattern, uint32_t options)
{
	int code;
	size_t at;

	return pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
	        options | PCRE2_CASELESS | PCRE2_UTF | PCRE2_MATCH_INVALID_UTF, &code, &at, NULL);
}

static void compile_pattern(struct kt_filter *filter, const char *pattern)
{
	pcre2_code *code = compile(pattern, 0);
	uint32_t back_references = 0;

	if (code)
		pcre2_pattern_info(code, PCRE2_INFO_BACKREFMAX, &back_references);
	if (!code || back_references) {
		pcre2_code_free(code);
		filter->literal = true;
		code = compile(pattern, PCRE2_LITERAL);
	}
	filter->code = code;
	filter->match = code ? pcre2_match_data_create_from_pattern(code, NULL) : NULL;
}

/* "-l a=b", or a bare "a=b" as k9s takes it. */
static const char *as_selector(const char *text)
{
	if (kt_starts_with(text, "-l"))
		return text + 2 + strspn(text + 2, " ");
	const char *equal = strchr(text, '=');

	return equal && equal != text && equal[1] && !strpbrk(text, " ()[]*+?^$|\\/") ? text : NULL;
}

void kt_filter_set(struct kt_filter *filter, const char *text)
{
	kt_filter_finish(filter);
	if (!text || !*text)
		return;
	filter->text = kt_strdup(text);
	const char *selector = as_selector(text);

	if (selector) {
		filter->selector = *selector ? kt_strdup(selector) : NULL;
		return;
	}
	if (kt_starts_with(text, "-f")) {
		filter->fuzzy = true;
		filter->pattern = kt_strdup(text + 2 + strspn(text + 2, " "));
		return;
	}
	filter->inverse = *text == '!';
	if (text[filter->inverse])
		compile_pattern(filter, text + filter->inverse);
}

void kt_filter_finish(struct kt_filter *filter)
{
	free(filter->text);
	free(filter->selector);
	free(filter->pattern);
	pcre2_match_data_free(filter->match);
	pcre2_code_free(filter->code);
	*filter = (struct kt_filter){0};
}

bool kt_filter_is_set(const struct kt_filter *filter)
{
	return filter->code || (filter->fuzzy && *filter->pattern);
}

/* All characters in this order, anything between them. */
static bool fuzzy_matches(const char *pattern, const char *text, size_t len)
{
	for (size_t i = 0; i < len && *pattern; i++)
		if (tolower((unsigned char)text[i]) == tolower((unsigned char)*pattern))
			pattern++;
	return !*pattern;
}

bool kt_filter_find(const struct kt_filter *filter, const char *text, size_t len, size_t from,
        size_t *ret_start, size_t *ret_end)
{
	pcre2_match_context *limits;
	int r;

	if (!filter->code || from > len)
		return false;
	limits = pcre2_match_context_create(NULL);
	if (!limits)
		return false;
	pcre2_set_match_limit(limits, MATCH_STEPS_MAX);
	pcre2_set_depth_limit(limits, MATCH_DEPTH_MAX);
	r = pcre2_match(filter->code, (PCRE2_SPTR)text, len, from, 0, filter->match, limits);
	pcre2_match_context_free(limits);
	if (r < 0)
		return false;
	const size_t *at = pcre2_get_ovector_pointer(filter->match);

	*ret_start = at[0];
	*ret_end = at[1];
	return true;
}

bool kt_filter_matches(const struct kt_filter *filter, const char *text, size_t len)
{
	size_t start, end;

	if (!kt_filter_is_set(filter))
		return true;
	if (filter->fuzzy)
		return fuzzy_matches(filter->pattern, text, len);
	return kt_filter_find(filter, text, len, 0, &start, &end) != filter->inverse;
}
