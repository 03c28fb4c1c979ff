/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/expr/gotemplate_internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

struct parser {
	struct kt_gotemplate *template;
	const char *source;
	size_t pos, end;
	bool trim_next; /* the action before ended with -}} */
	int depth, loops;
	KT_VEC(const char *) variables; /* in scope */
	struct kt_err *err;
};

/* What ends a list of nodes. */
enum ending { END_FAILED = -1, END_OF_TEXT, END_END, END_ELSE };

static int fail(struct parser *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int fail(struct parser *p, const char *fmt, ...)
{
	size_t line = 1;
	va_list ap;

	for (size_t i = 0; i < p->pos && i < p->end; i++)
		line += p->source[i] == '\n';
	va_start(ap, fmt);
	kt_auto_free char *text = kt_vasprintf(fmt, ap);
	va_end(ap);
	return kt_fail(p->err, EINVAL, "template: output:%zu: %s", line, text);
}

static bool at(const struct parser *p, const char *text)
{
	size_t len = strlen(text);

	return p->pos + len <= p->end && !strncmp(p->source + p->pos, text, len);
}

static void skip_blanks(struct parser *p)
{
	while (p->pos < p->end && isspace((unsigned char)p->source[p->pos]))
		p->pos++;
}

static bool at_close(const struct parser *p)
{
	return at(p, "}}") || at(p, "-}}");
}

static bool is_name_byte(char c)
{
	return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static size_t name_length(const struct parser *p)
{
	size_t len = 0;

	while (p->pos + len < p->end && is_name_byte(p->source[p->pos + len]))
		len++;
	return len;
}

static const char *take(struct parser *p, size_t len)
{
	const char *text = kt_arena_strndup(&p->template->arena, p->source + p->pos, len);

	p->pos += len;
	return text;
}

static int nest(struct parser *p)
{
	return ++p->depth > GT_DEPTH_MAX ? fail(p, "max nesting depth exceeded") : 0;
}

/* Operands */

static int parse_fields(struct parser *p, struct gt_operand *operand)
{
	struct gt_field **last = &operand->fields;
	int n = operand->kind == GT_DOT ? 0 : 1;

	while (p->pos < p->end && p->source[p->pos] == '.') {
		p->pos++;
		size_t len = name_length(p);

		if (!len && (operand->fields || operand->kind != GT_DOT))
			return fail(p, "unexpected <.> in operand");
		if (!len)
			return 0; /* the dot alone */
		if (++n == 2)
			operand->at = p->pos - 1;
		*last = kt_arena_new(&p->template->arena, struct gt_field);
		**last = (struct gt_field){.name = take(p, len)};
		last = &(*last)->next;
	}
	return 0;
}

static int literal(struct parser *p, struct gt_operand *operand, json_t *value)
{
	operand->kind = GT_LITERAL;
	operand->literal = value;
	json_array_append_new(p->template->literals, value);
	return 0;
}

static int unescape(struct parser *p, struct kt_str *out, char quote)
{
	static const char from[] = "abfnrtv\\'\"", to[] = "\a\b\f\n\r\t\v\\'\"";
	char c = p->source[p->pos++];
	const char *known = c ? strchr(from, c) : NULL;
	int digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
	char text[9] = {0}, utf8[4];

	if (known && c != (quote == '"' ? '\'' : '"')) {
		kt_str_putc(out, to[known - from]);
		return 0;
	}
	for (int i = 0; i < digits; i++) {
		if (p->pos >= p->end || !isxdigit((unsigned char)p->source[p->pos]))
			return fail(p, "invalid syntax");
		text[i] = p->source[p->pos++];
	}
	if (!digits)
		return fail(p, "invalid syntax");
	unsigned long cp = strtoul(text, NULL, 16);

	if (digits == 2)
		kt_str_putc(out, (char)cp);
	else
		kt_str_add(out, utf8, kt_utf8_encode(cp > 0x10ffff ? 0xfffd : (uint32_t)cp, utf8));
	return 0;
}

/* "…" and '…': from behind the quote to behind the other. */
static int parse_quoted(struct parser *p, char quote, struct kt_str *out)
{
	while (p->pos < p->end && p->source[p->pos] != quote) {
		char c = p->source[p->pos];

		if (c == '\n')
			break;
		p->pos++;
		if (c != '\\') {
			kt_str_putc(out, c);
		} else if (p->pos >= p->end || unescape(p, out, quote) < 0) {
			return p->err->code ? p->err->code : fail(p, "unterminated quoted string");
		}
	}
	if (p->pos >= p->end || p->source[p->pos] != quote)
		return fail(p, quote == '"' ? "unterminated quoted string"
		                            : "unterminated character constant");
	p->pos++;
	return 0;
}

static int parse_string(struct parser *p, struct gt_operand *operand)
{
	char quote = p->source[p->pos++];
	kt_auto_str text = KT_STR_INIT;
	uint32_t cp;

	if (quote == '`') {
		const char *end = memchr(p->source + p->pos, '`', p->end - p->pos);

		if (!end)
			return fail(p, "unterminated raw quoted string");
		kt_str_add(&text, p->source + p->pos, (size_t)(end - p->source) - p->pos);
		p->pos = (size_t)(end - p->source) + 1;
	} else if (parse_quoted(p, quote, &text) < 0) {
		return p->err->code;
	}
	if (quote == '\'') {
		if (kt_utf8_decode(kt_str_text(&text), text.len, &cp) != (int)text.len || !text.len)
			return fail(p, "malformed character constant");
		return literal(p, operand, json_integer(cp));
	}
	if (!kt_utf8_valid(kt_str_text(&text), text.len))
		return fail(p, "invalid UTF-8 in string");
	return literal(p, operand, json_stringn(kt_str_text(&text), text.len));
}

static int parse_number(struct parser *p, struct gt_operand *operand)
{
	size_t len = 0;
	char *end;

	while (p->pos + len < p->end &&
	        (is_name_byte(p->source[p->pos + len]) || p->source[p->pos + len] == '.' ||
	                ((p->source[p->pos + len] == '+' || p->source[p->pos + len] == '-') &&
	                        (!len || strchr("eE", p->source[p->pos + len - 1])))))
		len++;
	kt_auto_free char *text = kt_strndup(p->source + p->pos, len);

	errno = 0;
	long long whole = strtoll(text, &end, 0);

	if (!*end && !errno) {
		p->pos += len;
		return literal(p, operand, json_integer(whole));
	}
	double real = strtod(text, &end);

	if (*end || !len || !(real - real == 0))
		return fail(p, "bad number syntax: \"%s\"", text);
	p->pos += len;
	/* a constant that is whole is one, however it is written */
	if (real < 1e15 && real > -1e15 && real == (double)(int64_t)real)
		return literal(p, operand, json_integer((int64_t)real));
	return literal(p, operand, json_real(real));
}

static bool is_known(const struct parser *p, const char *name)
{
	for (size_t i = p->variables.n; i-- > 0;)
		if (!strcmp(p->variables.items[i], name))
			return true;
	return false;
}

static int parse_word(struct parser *p, struct gt_operand *operand)
{
	const char *word = take(p, name_length(p));

	if (!strcmp(word, "true") || !strcmp(word, "false"))
		return literal(p, operand, json_boolean(!strcmp(word, "true")));
	if (!strcmp(word, "nil")) {
		operand->kind = GT_NIL;
		return 0;
	}
	operand->kind = GT_FUNCTION;
	operand->name = word;
	return gt_is_function(word) ? 0 : fail(p, "function \"%s\" not defined", word);
}

static struct gt_pipe *parse_pipe(struct parser *p, const char *context);

static int parse_parens(struct parser *p, struct gt_operand *operand)
{
	operand->kind = GT_PARENS;
	p->pos++;
	if (nest(p) < 0)
		return -EINVAL;
	operand->parens = parse_pipe(p, "parenthesized pipeline");
	p->depth--;
	if (!operand->parens)
		return -EINVAL;
	if (p->pos >= p->end || p->source[p->pos] != ')')
		return fail(p, "unclosed left paren");
	p->pos++;
	return 0;
}

static int parse_operand(struct parser *p, struct gt_operand *operand)
{
	char c = p->source[p->pos];
	int r = 0;

	*operand = (struct gt_operand){.at = p->pos, .start = p->pos};
	if (c == '.' && !isdigit((unsigned char)p->source[p->pos + 1])) {
		operand->kind = GT_DOT;
	} else if (c == '$') {
		p->pos++;
		operand->kind = GT_VARIABLE;
		operand->name = kt_arena_printf(
		        &p->template->arena, "$%.*s", (int)name_length(p), p->source + p->pos);
		p->pos += name_length(p);
		if (!is_known(p, operand->name))
			return fail(p, "undefined variable \"%s\"", operand->name);
	} else if (c == '"' || c == '`' || c == '\'') {
		r = parse_string(p, operand);
	} else if (isdigit((unsigned char)c) || c == '+' || c == '-' || c == '.') {
		r = parse_number(p, operand);
	} else if (c == '(') {
		r = parse_parens(p, operand);
	} else if (is_name_byte(c)) {
		r = parse_word(p, operand);
	} else {
		return fail(p, "unexpected \"%c\" in operand", c);
	}
	if (r == 0 && (operand->kind == GT_DOT || operand->kind == GT_VARIABLE ||
	                      operand->kind == GT_PARENS))
		r = parse_fields(p, operand);
	operand->end = p->pos;
	return r;
}

/* Pipelines */

static bool at_command_end(const struct parser *p)
{
	return p->pos >= p->end || at_close(p) || p->source[p->pos] == '|' ||
	       p->source[p->pos] == ')';
}

static int parse_command(struct parser *p, struct gt_command *command)
{
	struct gt_operand **last = &command->operands;

	*command = (struct gt_command){.start = p->pos};
	while (!at_command_end(p)) {
		size_t before = p->pos;

		*last = kt_arena_new(&p->template->arena, struct gt_operand);
		if (parse_operand(p, *last) < 0)
			return -EINVAL;
		last = &(*last)->next;
		command->end = p->pos;
		skip_blanks(p);
		if (p->pos == command->end && !at_command_end(p) && p->pos > before &&
		        p->source[p->pos] != '(')
			return fail(p, "unexpected \"%c\" in operand", p->source[p->pos]);
	}
	return command->operands ? 0 : -ENOENT;
}

/* `$x :=`, `$x =`, `$i, $v :=` before the pipeline, if they are there. */
static int parse_variables(struct parser *p, struct gt_pipe *pipe)
{
	size_t start = p->pos;
	const char *names[2];
	int n = 0;

	while (n < 2 && p->pos < p->end && p->source[p->pos] == '$') {
		p->pos++;
		names[n++] = kt_arena_printf(
		        &p->template->arena, "$%.*s", (int)name_length(p), p->source + p->pos);
		p->pos += name_length(p);
		skip_blanks(p);
		if (n == 2 || p->pos >= p->end || p->source[p->pos] != ',')
			break;
		p->pos++;
		skip_blanks(p);
	}
	if (!n || !(at(p, ":=") || at(p, "="))) {
		p->pos = start;
		return 0;
	}
	pipe->assigns = *(p->source + p->pos) == '=';
	p->pos += pipe->assigns ? 1 : 2;
	skip_blanks(p);
	for (int i = 0; i < n; i++) {
		if (pipe->assigns && !is_known(p, names[i]))
			return fail(p, "undefined variable \"%s\"", names[i]);
		pipe->variables[pipe->n_variables++] = names[i];
	}
	return 0;
}

static int check_command(
        struct parser *p, const struct gt_pipe *pipe, const struct gt_command *command)
{
	if (pipe->commands != command && command->operands->kind == GT_LITERAL)
		return fail(p, "non executable command in pipeline stage 2");
	return 0;
}

static struct gt_pipe *parse_pipe(struct parser *p, const char *context)
{
	struct gt_pipe *pipe = kt_arena_new(&p->template->arena, struct gt_pipe);
	struct gt_command **last = &pipe->commands;

	skip_blanks(p);
	*pipe = (struct gt_pipe){.start = p->pos};
	if (parse_variables(p, pipe) < 0)
		return NULL;
	for (;;) {
		skip_blanks(p);
		*last = kt_arena_new(&p->template->arena, struct gt_command);
		int r = parse_command(p, *last);

		if (r == -ENOENT && pipe->commands == *last) {
			fail(p, "missing value for %s", context);
			return NULL;
		}
		if (r == -ENOENT) {
			*last = NULL; /* `| }}` is let pass */
			break;
		}
		if (r < 0 || check_command(p, pipe, *last) < 0)
			return NULL;
		pipe->end = (*last)->end;
		last = &(*last)->next;
		if (p->pos >= p->end || p->source[p->pos] != '|')
			break;
		p->pos++;
	}
	for (int i = 0; i < pipe->n_variables && !pipe->assigns; i++)
		kt_vec_push(&p->variables, pipe->variables[i]);
	return pipe;
}

/* Actions */

static int close_action(struct parser *p)
{
	skip_blanks(p);
	if (p->pos >= p->end)
		return fail(p, "unclosed action");
	p->trim_next = at(p, "-}}");
	if (!at_close(p))
		return fail(p, "unexpected \"%c\" in command", p->source[p->pos]);
	p->pos += p->trim_next ? 3 : 2;
	return 0;
}

static enum ending parse_list(struct parser *p, struct gt_node **ret_first);

/* The word at the place, if it is this one. */
static bool take_word(struct parser *p, const char *word)
{
	size_t len = strlen(word);

	if (!at(p, word) || name_length(p) != len)
		return false;
	p->pos += len;
	return true;
}

static int parse_block(struct parser *p, struct gt_node *node, const char *word);

/* Behind `else`: nothing, or `if …` and `with …`, which need no end of their own. */
static int parse_else(struct parser *p, struct gt_node *node, const char *word)
{
	static const char *const NESTED[] = {"if", "with"};
	enum ending ending;

	skip_blanks(p);
	for (size_t i = 0; i < KT_ARRAY_SIZE(NESTED); i++) {
		if (strcmp(word, NESTED[i]) != 0 || !take_word(p, NESTED[i]))
			continue;
		struct gt_node *inner = kt_arena_new(&p->template->arena, struct gt_node);

		*inner = (struct gt_node){.kind = node->kind, .at = p->pos, .start = p->pos};
		node->otherwise = inner;
		return parse_block(p, inner, NESTED[i]);
	}
	if (close_action(p) < 0)
		return -EINVAL;
	ending = parse_list(p, &node->otherwise);
	if (ending == END_ELSE)
		return fail(p, "expected end; found {{else}}");
	if (ending == END_OF_TEXT)
		return fail(p, "unexpected EOF");
	return ending == END_FAILED ? -EINVAL : close_action(p);
}

/* From behind the word to behind its end. */
static int parse_block(struct parser *p, struct gt_node *node, const char *word)
{
	size_t scope = p->variables.n;
	int r = nest(p);

	if (r == 0 && !(node->pipe = parse_pipe(p, word)))
		r = -EINVAL;
	if (r == 0)
		r = close_action(p);
	if (r < 0)
		return r;
	p->loops += node->kind == GT_RANGE;
	enum ending ending = parse_list(p, &node->body);

	p->loops -= node->kind == GT_RANGE;
	if (ending == END_ELSE)
		r = parse_else(p, node, word);
	else if (ending == END_OF_TEXT)
		r = fail(p, "unexpected EOF");
	else
		r = ending == END_FAILED ? -EINVAL : close_action(p);
	p->variables.n = scope;
	p->depth--;
	return r;
}

static const char *parse_template_name(struct parser *p)
{
	struct gt_operand name = {.start = p->pos};

	skip_blanks(p);
	if (p->pos >= p->end || !strchr("\"`", p->source[p->pos])) {
		fail(p, "unexpected template name");
		return NULL;
	}
	return parse_string(p, &name) < 0 ? NULL : json_string_value(name.literal);
}

static int parse_defined_body(struct parser *p, struct gt_definition *definition)
{
	size_t scope = p->variables.n;

	if (nest(p) < 0)
		return -EINVAL;
	enum ending ending = parse_list(p, &definition->body);

	p->depth--;
	p->variables.n = scope;
	if (ending == END_OF_TEXT)
		return fail(p, "unexpected EOF");
	if (ending == END_ELSE)
		return fail(p, "unexpected {{else}} in define clause");
	definition->next = p->template->definitions;
	p->template->definitions = definition;
	return ending == END_FAILED ? -EINVAL : close_action(p);
}

static int parse_definition(struct parser *p)
{
	struct gt_definition *definition = kt_arena_new(&p->template->arena, struct gt_definition);

	*definition = (struct gt_definition){.name = parse_template_name(p)};
	if (!definition->name || close_action(p) < 0)
		return -EINVAL;
	return parse_defined_body(p, definition);
}

static int parse_inclusion(struct parser *p, struct gt_node *node)
{
	node->kind = GT_TEMPLATE;
	skip_blanks(p);
	node->at = p->pos;
	node->text = parse_template_name(p);
	if (!node->text)
		return -EINVAL;
	skip_blanks(p);
	if (!at_close(p) && !(node->pipe = parse_pipe(p, "template clause")))
		return -EINVAL;
	return close_action(p);
}

/* {{block "name" pipeline}}…{{end}}: defines the template and takes it in. */
static int parse_defining_block(struct parser *p, struct gt_node *node)
{
	struct gt_definition *definition = kt_arena_new(&p->template->arena, struct gt_definition);

	if (parse_inclusion(p, node) < 0)
		return -EINVAL;
	*definition = (struct gt_definition){.name = node->text};
	return parse_defined_body(p, definition);
}

static int parse_jump(struct parser *p, struct gt_node *node, const char *word)
{
	node->kind = !strcmp(word, "break") ? GT_BREAK : GT_CONTINUE;
	return p->loops ? close_action(p) : fail(p, "{{%s}} outside {{range}}", word);
}

static int parse_action(struct parser *p, struct gt_node *node)
{
	static const struct {
		const char *word;
		enum gt_kind kind;
	} BLOCKS[] = {{"if", GT_IF}, {"range", GT_RANGE}, {"with", GT_WITH}};

	for (size_t i = 0; i < KT_ARRAY_SIZE(BLOCKS); i++) {
		node->kind = BLOCKS[i].kind;
		if (take_word(p, BLOCKS[i].word))
			return parse_block(p, node, BLOCKS[i].word);
	}
	if (take_word(p, "template"))
		return parse_inclusion(p, node);
	if (take_word(p, "block"))
		return parse_defining_block(p, node);
	if (take_word(p, "break"))
		return parse_jump(p, node, "break");
	if (take_word(p, "continue"))
		return parse_jump(p, node, "continue");
	node->kind = GT_ACTION;
	node->pipe = parse_pipe(p, "command");
	return node->pipe ? close_action(p) : -EINVAL;
}

/* Text */

static struct gt_node *add_text(struct parser *p, size_t from, size_t to, bool trim_right)
{
	while (p->trim_next && from < to && isspace((unsigned char)p->source[from]))
		from++;
	while (trim_right && to > from && isspace((unsigned char)p->source[to - 1]))
		to--;
	p->trim_next = false;
	if (from == to)
		return NULL;
	struct gt_node *node = kt_arena_new(&p->template->arena, struct gt_node);

	*node = (struct gt_node){.kind = GT_TEXT, .text = p->source + from, .len = to - from};
	return node;
}

/* A comment: from behind {{ to behind its }}. */
static int skip_comment(struct parser *p)
{
	const char *end = strstr(p->source + p->pos + 2, "*/");

	if (!end)
		return fail(p, "unclosed comment");
	p->pos = (size_t)(end - p->source) + 2;
	if (!at_close(p) && !(at(p, " -}}")))
		return fail(p, "comment ends before closing delimiter");
	return close_action(p);
}

/* One action, text before it included, behind whose {{ the parser stands; 1: it ends the list. */
static int parse_one(struct parser *p, struct gt_node ***last, enum ending *ret_ending)
{
	size_t start = p->pos;

	skip_blanks(p);
	if (at(p, "/*"))
		return skip_comment(p);
	if (take_word(p, "end") || take_word(p, "else")) {
		*ret_ending = p->source[p->pos - 1] == 'd' ? END_END : END_ELSE;
		return 1;
	}
	if (take_word(p, "define"))
		return parse_definition(p);
	struct gt_node *node = kt_arena_new(&p->template->arena, struct gt_node);

	*node = (struct gt_node){.at = p->pos, .start = start - 2};
	if (parse_action(p, node) < 0)
		return -EINVAL;
	node->end = p->pos;
	**last = node;
	*last = &node->next;
	return 0;
}

static enum ending parse_list(struct parser *p, struct gt_node **ret_first)
{
	struct gt_node **last = ret_first;
	enum ending ending = END_OF_TEXT;

	while (p->pos < p->end) {
		const char *open = strstr(p->source + p->pos, "{{");
		size_t to = open ? (size_t)(open - p->source) : p->end;
		bool trim = open && open[2] == '-' && isspace((unsigned char)open[3]);
		struct gt_node *text = add_text(p, p->pos, to, trim);

		if (text) {
			*last = text;
			last = &text->next;
		}
		p->pos = to;
		if (!open)
			break;
		p->pos += trim ? 3 : 2;
		int r = parse_one(p, &last, &ending);

		if (r != 0)
			return r < 0 ? END_FAILED : ending;
	}
	return END_OF_TEXT;
}

int kt_gotemplate_parse(const char *text, struct kt_gotemplate **ret_template, struct kt_err *err)
{
	struct kt_gotemplate *template = kt_new(struct kt_gotemplate);
	struct parser p = {.template = template, .err = err};
	enum ending ending;

	kt_arena_init(&template->arena);
	template->literals = json_array();
	template->source = p.source = kt_arena_strdup(&template->arena, text);
	p.end = strlen(text);
	kt_vec_push(&p.variables, "$");
	ending = parse_list(&p, &template->root);
	if (ending == END_END || ending == END_ELSE)
		fail(&p, "unexpected {{%s}}", ending == END_END ? "end" : "else");
	kt_vec_finish(&p.variables);
	if (ending != END_OF_TEXT) {
		kt_gotemplate_destroy(template);
		return err->code;
	}
	*ret_template = template;
	return 0;
}

void kt_gotemplate_destroy(struct kt_gotemplate *template)
{
	if (!template)
		return;
	json_decref(template->literals);
	kt_arena_finish(&template->arena);
	free(template);
}
