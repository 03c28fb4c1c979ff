/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command/words.h"

#include "base/mem.h"

#include <ctype.h>

struct splitter {
	const char *line;
	size_t at;
	const char *(*lookup)(void *arg, const char *name);
	void *arg;
	struct kt_tokens tokens;
};

static const struct {
	const char *text;
	enum kt_token_kind kind;
} OPERATORS[] = {
        /* longer ones first */
        {"&&", KT_TOKEN_AND},
        {"||", KT_TOKEN_OR},
        {">>", KT_TOKEN_APPEND},
        {"<<", KT_TOKEN_HERE},
        {";", KT_TOKEN_NEXT},
        {"|", KT_TOKEN_PIPE},
        {">", KT_TOKEN_OUT},
        {"<", KT_TOKEN_IN},
};

static void push(struct splitter *s, struct kt_token token)
{
	s->tokens.items =
	        kt_reallocarray(s->tokens.items, s->tokens.n + 1, sizeof(*s->tokens.items));
	s->tokens.items[s->tokens.n++] = token;
}

static bool take_operator(struct splitter *s)
{
	for (size_t i = 0; i < KT_ARRAY_SIZE(OPERATORS); i++) {
		size_t len = strlen(OPERATORS[i].text);

		if (strncmp(s->line + s->at, OPERATORS[i].text, len) != 0)
			continue;
		push(s, (struct kt_token){OPERATORS[i].kind, NULL, s->at, s->at + len, false});
		s->at += len;
		return true;
	}
	return false;
}

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* $NAME or ${NAME}; a lone $ stays. */
static void take_variable(struct splitter *s, struct kt_str *out)
{
	const char *p = s->line + s->at + 1;
	bool braces = *p == '{';
	size_t len = 0;

	p += braces;
	while (is_name_char(p[len]))
		len++;
	if (len == 0 || (braces && p[len] != '}')) {
		kt_str_putc(out, '$');
		s->at++;
		return;
	}
	kt_auto_free char *name = kt_strndup(p, len);
	const char *value = s->lookup ? s->lookup(s->arg, name) : NULL;

	kt_str_puts(out, value ? value : "");
	s->at = (size_t)(p - s->line) + len + braces;
}

static void take_single_quoted(struct splitter *s, struct kt_str *out)
{
	const char *start = s->line + s->at + 1, *end = strchr(start, '\'');

	if (!end) {
		s->tokens.open = true;
		end = start + strlen(start);
	}
	kt_str_add(out, start, (size_t)(end - start));
	s->at = (size_t)(end - s->line) + (*end == '\'');
}

static void take_double_quoted(struct splitter *s, struct kt_str *out)
{
	s->at++;
	while (s->line[s->at] && s->line[s->at] != '"') {
		char c = s->line[s->at];

		if (c == '\\' && s->line[s->at + 1] && strchr("\"\\$", s->line[s->at + 1])) {
			kt_str_putc(out, s->line[s->at + 1]);
			s->at += 2;
		} else if (c == '$') {
			take_variable(s, out);
		} else {
			kt_str_putc(out, c);
			s->at++;
		}
	}
	if (s->line[s->at])
		s->at++;
	else
		s->tokens.open = true;
}

static bool ends_word(const char *p)
{
	return !*p || isspace((unsigned char)*p) || strchr(";|<>", *p) ||
	       (p[0] == '&' && p[1] == '&');
}

static void take_word(struct splitter *s)
{
	struct kt_token token = {.kind = KT_TOKEN_WORD, .start = s->at};
	struct kt_str out = KT_STR_INIT;

	while (!ends_word(s->line + s->at)) {
		char c = s->line[s->at];

		if (c == '\'' || c == '"') {
			token.quoted = true;
			if (c == '"')
				take_double_quoted(s, &out);
			else
				take_single_quoted(s, &out);
		} else if (c == '\\') {
			s->tokens.open |= !s->line[s->at + 1];
			if (s->line[s->at + 1])
				kt_str_putc(&out, s->line[s->at + 1]);
			s->at += s->line[s->at + 1] ? 2 : 1;
		} else if (c == '$') {
			take_variable(s, &out);
		} else {
			kt_str_putc(&out, c);
			s->at++;
		}
	}
	token.end = s->at;
	token.text = kt_str_steal(&out);
	push(s, token);
}

void kt_words_split(const char *line, const char *(*lookup)(void *arg, const char *name), void *arg,
        struct kt_tokens *ret_tokens)
{
	struct splitter s = {.line = line, .lookup = lookup, .arg = arg};

	while (line[s.at]) {
		if (isspace((unsigned char)line[s.at]))
			s.at++;
		else if (line[s.at] == '#')
			break;
		else if (!take_operator(&s))
			take_word(&s);
	}
	*ret_tokens = s.tokens;
}

void kt_tokens_finish(struct kt_tokens *tokens)
{
	for (size_t i = 0; i < tokens->n; i++)
		free(tokens->items[i].text);
	free(tokens->items);
	*tokens = (struct kt_tokens){0};
}
