/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/expr/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <errno.h>

struct kt_regex {
	pcre2_code *code;
};

/* Constructs PCRE2 has and RE2 has not, outside classes and escapes. */
static const char *foreign_construct(struct kt_sv pattern)
{
	static const char *const groups[] = {
	        "(?=", "(?!", "(?<=", "(?<!", "(?>", "(?|", "(?R", "(?&", "(?#", "(?(", "(*"};
	bool in_class = false;

	for (size_t i = 0; i < pattern.len; i++) {
		char c = pattern.p[i];

		if (c == '\\') {
			i++;
			continue;
		}
		if (c == '[')
			in_class = true;
		else if (c == ']')
			in_class = false;
		if (in_class)
			continue;
		for (size_t g = 0; g < KT_ARRAY_SIZE(groups); g++)
			if (pattern.len - i >= strlen(groups[g]) &&
			        !strncmp(pattern.p + i, groups[g], strlen(groups[g])))
				return groups[g];
		if (c == '+' && i && strchr("*+?}", pattern.p[i - 1]) &&
		        !(i > 1 && pattern.p[i - 2] == '\\'))
			return "++";
	}
	return NULL;
}

/* RE2's words for what PCRE2 found at `offset`. */
static int fail_syntax(struct kt_err *err, int error, struct kt_sv pattern, size_t offset)
{
	struct kt_sv rest = {pattern.p + offset, pattern.len - offset};
	size_t open = offset;
	PCRE2_UCHAR text[128];

	switch (error) {
	case PCRE2_ERROR_MISSING_CLOSING_PARENTHESIS:
		return kt_fail(err, EINVAL, "error parsing regexp: missing closing ): `%.*s`",
		        (int)pattern.len, pattern.p);
	case PCRE2_ERROR_UNMATCHED_CLOSING_PARENTHESIS:
		return kt_fail(err, EINVAL, "error parsing regexp: unexpected ): `%.*s`",
		        (int)pattern.len, pattern.p);
	case PCRE2_ERROR_MISSING_SQUARE_BRACKET:
		while (open && pattern.p[open - 1] != '[')
			open--;
		open -= open > 0;
		return kt_fail(err, EINVAL, "error parsing regexp: missing closing ]: `%.*s`",
		        (int)(pattern.len - open), pattern.p + open);
	case PCRE2_ERROR_QUANTIFIER_INVALID:
		rest = (struct kt_sv){pattern.p + offset - (offset > 0), 1};
		return kt_fail(err, EINVAL,
		        "error parsing regexp: missing argument to repetition operator: `%.*s`",
		        (int)rest.len, rest.p);
	case PCRE2_ERROR_END_BACKSLASH:
		return kt_fail(err, EINVAL,
		        "error parsing regexp: trailing backslash at end of expression: ``");
	default:
		pcre2_get_error_message(error, text, sizeof(text));
		return kt_fail(err, EINVAL, "error parsing regexp: %s: `%.*s`", (const char *)text,
		        (int)pattern.len, pattern.p);
	}
}

int kt_regex_compile(struct kt_sv pattern, struct kt_regex **ret_regex, struct kt_err *err)
{
	const uint32_t options =
	        PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C | PCRE2_NEVER_UCP;
	const char *foreign;
	PCRE2_SIZE offset;
	uint32_t references = 0;
	pcre2_code *code;
	int error;

	if (pattern.len > KT_REGEX_LENGTH_MAX)
		return kt_fail(err, E2BIG,
		        "error parsing regexp: expression is longer than %d bytes",
		        KT_REGEX_LENGTH_MAX);
	foreign = foreign_construct(pattern);
	if (foreign)
		return kt_fail(err, EINVAL,
		        "error parsing regexp: invalid or unsupported Perl syntax: `%s`", foreign);
	code = pcre2_compile((PCRE2_SPTR)(pattern.len ? pattern.p : ""), pattern.len, options,
	        &error, &offset, NULL);
	if (!code)
		return fail_syntax(err, error, pattern, KT_MIN((size_t)offset, pattern.len));
	pcre2_pattern_info(code, PCRE2_INFO_BACKREFMAX, &references);
	if (references) {
		pcre2_code_free(code);
		return kt_fail(err, EINVAL, "error parsing regexp: invalid escape sequence: `\\%u`",
		        references);
	}
	*ret_regex = kt_new(struct kt_regex);
	(*ret_regex)->code = code;
	return 0;
}

void kt_regex_destroy(struct kt_regex *regex)
{
	if (!regex)
		return;
	pcre2_code_free(regex->code);
	free(regex);
}

int kt_regex_find(const struct kt_regex *regex, struct kt_sv text, size_t offset, size_t *ret_start,
        size_t *ret_end)
{
	pcre2_match_data *data = pcre2_match_data_create(1, NULL);
	pcre2_match_context *context = pcre2_match_context_create(NULL);
	int found;

	pcre2_set_match_limit(context, KT_REGEX_MATCH_LIMIT);
	pcre2_set_depth_limit(context, KT_REGEX_DEPTH_LIMIT);
	found = pcre2_match(regex->code, (PCRE2_SPTR)(text.len ? text.p : ""), text.len, offset, 0,
	        data, context);
	if (found >= 0) {
		const PCRE2_SIZE *ovector = pcre2_get_ovector_pointer(data);

		*ret_start = ovector[0];
		*ret_end = ovector[1];
	}
	pcre2_match_context_free(context);
	pcre2_match_data_free(data);
	if (found >= 0)
		return 1;
	return found == PCRE2_ERROR_NOMATCH ? 0 : -EOVERFLOW;
}

bool kt_regex_is_match(const char *pattern, struct kt_sv text)
{
	kt_auto_regex struct kt_regex *regex = NULL;
	size_t start, end;

	return kt_regex_compile(kt_sv_of(pattern), &regex, NULL) == 0 &&
	       kt_regex_find(regex, text, 0, &start, &end) == 1;
}
