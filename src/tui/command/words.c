/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command/words.h"

#include "base/mem.h"

#include <ctype.h>

struct splitter {
	const char *line;
	size_t at;
	bool open;
	size_t innermost; /* see kt_words_innermost() */
	struct kt_str word;
	bool has_word; /* also an empty one, in quotes */
	/* Of an expansion. */
	const struct kt_expansion *expansion; /* NULL: none, everything as it is written */
	struct kt_words *words;               /* NULL: one word, whatever comes out */
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

static void push(struct kt_tokens *tokens, struct kt_token token)
{
	tokens->items = kt_reallocarray(tokens->items, tokens->n + 1, sizeof(*tokens->items));
	tokens->items[tokens->n++] = token;
}

static void add(struct splitter *s, const char *text, size_t len)
{
	kt_str_add(&s->word, text, len);
	s->has_word = true;
}

static bool take_operator(struct splitter *s, struct kt_tokens *tokens)
{
	for (size_t i = 0; i < KT_ARRAY_SIZE(OPERATORS); i++) {
		size_t len = strlen(OPERATORS[i].text);

		if (strncmp(s->line + s->at, OPERATORS[i].text, len) != 0)
			continue;
		push(tokens, (struct kt_token){OPERATORS[i].kind, NULL, s->at, s->at + len, false});
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
static void take_variable(struct splitter *s)
{
	const char *start = s->line + s->at, *p = start + 1;
	bool braces = *p == '{';
	size_t len = 0;

	p += braces;
	while (is_name_char(p[len]))
		len++;
	if (len == 0 || (braces && p[len] != '}')) {
		add(s, "$", 1);
		s->at++;
		return;
	}
	const char *end = p + len + braces;

	s->at = (size_t)(end - s->line);
	if (!s->expansion) {
		add(s, start, (size_t)(end - start));
		return;
	}
	kt_auto_free char *name = kt_strndup(p, len);
	const char *value = s->expansion->variable(s->expansion->arg, name);

	add(s, value ? value : "", value ? strlen(value) : 0);
}

/* Behind `$(` at s->at: to behind its `)`. Quotes and further `$(` in it are passed over. */
static void pass_command(struct splitter *s)
{
	size_t depth = 0, outer = s->innermost;
	char quote = 0;

	s->at += 2;
	s->innermost = s->at;
	for (; s->line[s->at]; s->at++) {
		char c = s->line[s->at];

		if (c == '\\' && quote != '\'' && s->line[s->at + 1]) {
			s->at++;
		} else if (c == '$' && s->line[s->at + 1] == '(' && quote != '\'') {
			pass_command(s);
			s->at--;
		} else if (quote || c == '\'' || c == '"') {
			quote = !quote ? c : quote == c ? 0 : quote;
		} else if (c == '(') {
			depth++;
		} else if (c == ')' && depth-- == 0) {
			s->at++;
			s->innermost = outer;
			return;
		}
	}
	s->open = true;
}

/* Blanks and line ends part words. */
static void add_fields(struct splitter *s, const char *text)
{
	for (; *text; text++) {
		if (!isspace((unsigned char)*text)) {
			add(s, text, 1);
		} else if (s->has_word) {
			kt_vec_push(&s->words->list, kt_str_steal(&s->word));
			s->has_word = false;
		}
	}
}

/* $(COMMAND) */
static void take_command(struct splitter *s, bool quoted)
{
	size_t start = s->at;

	pass_command(s);
	if (!s->expansion) {
		add(s, s->line + start, s->at - start);
		return;
	}
	kt_auto_free char *command = kt_strndup(s->line + start + 2, s->at - start - 2 - !s->open);
	kt_auto_free char *output = s->expansion->output(s->expansion->arg, command);
	size_t len = strlen(output);

	while (len && output[len - 1] == '\n')
		output[--len] = '\0';
	if (quoted || !s->words)
		add(s, output, len);
	else
		add_fields(s, output);
}

static void take_dollar(struct splitter *s, bool quoted)
{
	if (s->line[s->at + 1] == '(')
		take_command(s, quoted);
	else
		take_variable(s);
}

static void take_single_quoted(struct splitter *s)
{
	const char *start = s->line + s->at + 1, *end = strchr(start, '\'');

	if (!end) {
		s->open = true;
		end = start + strlen(start);
	}
	add(s, start, (size_t)(end - start));
	s->at = (size_t)(end - s->line) + (*end == '\'');
}

static void take_double_quoted(struct splitter *s)
{
	s->at++;
	s->has_word = true;
	while (s->line[s->at] && s->line[s->at] != '"') {
		const char *c = s->line + s->at;

		if (*c == '\\' && c[1] && strchr("\"\\$", c[1])) {
			add(s, c + 1, 1);
			s->at += 2;
		} else if (*c == '$') {
			take_dollar(s, true);
		} else {
			add(s, c, 1);
			s->at++;
		}
	}
	if (s->line[s->at])
		s->at++;
	else
		s->open = true;
}

static bool ends_word(const char *p)
{
	return !*p || isspace((unsigned char)*p) || strchr(";|<>", *p) ||
	       (p[0] == '&' && p[1] == '&');
}

/* True when some part stands in quotes. */
static bool take_word(struct splitter *s, size_t end)
{
	bool quoted = false;

	while (s->at < end && !ends_word(s->line + s->at)) {
		const char *c = s->line + s->at;

		if (*c == '\'' || *c == '"') {
			quoted = true;
			if (*c == '"')
				take_double_quoted(s);
			else
				take_single_quoted(s);
		} else if (*c == '\\') {
			s->open |= !c[1];
			add(s, c + 1, c[1] != '\0');
			s->at += c[1] ? 2 : 1;
		} else if (*c == '$') {
			take_dollar(s, false);
		} else {
			add(s, c, 1);
			s->at++;
		}
	}
	return quoted;
}

void kt_words_split(const char *line, struct kt_tokens *ret_tokens)
{
	struct splitter s = {.line = line};

	*ret_tokens = (struct kt_tokens){0};
	while (line[s.at]) {
		if (isspace((unsigned char)line[s.at])) {
			s.at++;
		} else if (line[s.at] == '#') {
			break;
		} else if (!take_operator(&s, ret_tokens)) {
			struct kt_token token = {.kind = KT_TOKEN_WORD, .start = s.at};

			token.quoted = take_word(&s, SIZE_MAX);
			token.end = s.at;
			token.text = kt_str_steal(&s.word);
			push(ret_tokens, token);
		}
	}
	ret_tokens->open = s.open;
}

void kt_tokens_finish(struct kt_tokens *tokens)
{
	for (size_t i = 0; i < tokens->n; i++)
		free(tokens->items[i].text);
	free(tokens->items);
	*tokens = (struct kt_tokens){0};
}

void kt_word_expand(const char *line, const struct kt_token *token,
        const struct kt_expansion *expansion, struct kt_words *words)
{
	struct splitter s = {
	        .line = line, .at = token->start, .expansion = expansion, .words = words};

	take_word(&s, token->end);
	if (s.has_word)
		kt_vec_push(&words->list, kt_str_steal(&s.word));
	kt_str_finish(&s.word);
}

char *kt_word_expand_whole(
        const char *line, const struct kt_token *token, const struct kt_expansion *expansion)
{
	struct splitter s = {.line = line, .at = token->start, .expansion = expansion};

	take_word(&s, token->end);
	return kt_str_steal(&s.word);
}

void kt_words_finish(struct kt_words *words)
{
	for (size_t i = 0; i < words->list.n; i++)
		free(words->list.items[i]);
	kt_vec_finish(&words->list);
}

size_t kt_words_innermost(const char *line)
{
	struct splitter s = {.line = line};

	while (line[s.at]) {
		if (line[s.at] == '#')
			break;
		if (!ends_word(line + s.at))
			take_word(&s, SIZE_MAX);
		else
			s.at++;
	}
	kt_str_finish(&s.word);
	return s.innermost;
}
