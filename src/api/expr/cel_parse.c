/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lexer and recursive-descent parser of CEL; macros become nodes of their own. */
#include "api/expr/cel_internal.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>

enum token {
	T_EOF,
	T_IDENT,
	T_INT,
	T_UINT,
	T_DOUBLE,
	T_STRING,
	T_BYTES,
	T_BAD,
	T_OR,
	T_AND,
	T_EQ,
	T_NE,
	T_LT,
	T_LE,
	T_GT,
	T_GE,
	T_IN,
	T_PLUS,
	T_MINUS,
	T_STAR,
	T_SLASH,
	T_PERCENT,
	T_NOT,
	T_DOT,
	T_COMMA,
	T_COLON,
	T_QUESTION,
	T_LPAREN,
	T_RPAREN,
	T_LBRACKET,
	T_RBRACKET,
	T_LBRACE,
	T_RBRACE,
	T_TRUE,
	T_FALSE,
	T_NULL,
};

struct parser {
	struct kt_arena *arena;
	const char *text;
	size_t at; /* behind the current token */
	enum token token;
	struct kt_sv literal; /* as written */
	uint32_t pos;
	struct kt_str value; /* of a string token */
	struct cel_errors *errors;
	int depth;
	bool failed;
};

#define EXPECTED \
	"{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, " \
	"STRING, BYTES, " \
	"IDENTIFIER}"

static void fail_at(struct parser *p, uint32_t pos, const char *text)
{
	if (!p->failed)
		cel_error_add(p->errors, pos, "Syntax error: %s", text);
	p->failed = true;
	p->token = T_EOF;
}

static const char *shown(const struct parser *p)
{
	return p->token == T_EOF ? "<EOF>"
	                         : kt_arena_strndup(p->arena, p->literal.p, p->literal.len);
}

static void fail_mismatched(struct parser *p, const char *expecting)
{
	fail_at(p, p->pos,
	        kt_arena_printf(
	                p->arena, "mismatched input '%s' expecting %s", shown(p), expecting));
}

/* Lexer. */

static bool starts_string(const char *s, size_t *ret_prefix, bool *ret_raw, bool *ret_bytes)
{
	size_t n = 0;

	*ret_raw = *ret_bytes = false;
	while (n < 2 && s[n] && strchr("rRbB", s[n])) {
		if (strchr("rR", s[n]))
			*ret_raw = true;
		else
			*ret_bytes = true;
		n++;
	}
	*ret_prefix = n;
	return s[n] == '"' || s[n] == '\'';
}

static bool put_code_point(struct parser *p, const char *digits, size_t n, int base, bool bytes)
{
	char text[16] = "", out[4];
	char *end;
	unsigned long value;

	memcpy(text, digits, KT_MIN(n, sizeof(text) - 1));
	value = strtoul(text, &end, base);
	if (end != text + n || value > 0x10ffff)
		return false;
	if (bytes) {
		kt_str_putc(&p->value, (char)value);
		return value <= 0xff;
	}
	if (value >= 0xd800 && value <= 0xdfff)
		return false;
	kt_str_add(&p->value, out, kt_utf8_encode((uint32_t)value, out));
	return true;
}

/* s points behind the backslash; returns how many bytes the escape took, 0: none known. */
static size_t unescape(struct parser *p, const char *s, bool bytes)
{
	static const char from[] = "abfnrtv\\?\"'`", to[] = "\a\b\f\n\r\t\v\\?\"'`";
	const char *known = *s ? strchr(from, *s) : NULL;

	if (known) {
		kt_str_putc(&p->value, to[known - from]);
		return 1;
	}
	if ((*s == 'x' || *s == 'X') && strnlen(s, 3) == 3)
		return put_code_point(p, s + 1, 2, 16, bytes) ? 3 : 0;
	if (*s == 'u' && !bytes && strnlen(s, 5) == 5)
		return put_code_point(p, s + 1, 4, 16, false) ? 5 : 0;
	if (*s == 'U' && !bytes && strnlen(s, 9) == 9)
		return put_code_point(p, s + 1, 8, 16, false) ? 9 : 0;
	if (*s >= '0' && *s <= '3' && strnlen(s, 3) == 3)
		return put_code_point(p, s, 3, 8, bytes) ? 3 : 0;
	return 0;
}

static void lex_string(struct parser *p, size_t prefix, bool raw, bool bytes)
{
	const char *s = p->text + p->pos + prefix;
	char quote = *s;
	bool triple = s[1] == quote && s[2] == quote;
	size_t width = triple ? 3 : 1;

	kt_str_clear(&p->value);
	for (s += width;;) {
		if (!*s || (*s == '\n' && !triple)) {
			fail_at(p, p->pos,
			        kt_arena_printf(
			                p->arena, "token recognition error at: '%c'", quote));
			return;
		}
		if (*s == quote && (!triple || (s[1] == quote && s[2] == quote)))
			break;
		if (*s == '\\' && !raw) {
			size_t taken = unescape(p, s + 1, bytes);

			if (!taken) {
				fail_at(p, p->pos,
				        kt_arena_printf(p->arena,
				                "token recognition error at: '%c'", quote));
				return;
			}
			s += taken + 1;
			continue;
		}
		kt_str_putc(&p->value, *s++);
	}
	p->token = bytes ? T_BYTES : T_STRING;
	p->at = (size_t)(s - p->text) + width;
}

static void lex_number(struct parser *p)
{
	const char *start = p->text + p->pos, *s = start;
	bool real = false;

	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		s += 2;
		while (isxdigit((unsigned char)*s))
			s++;
	} else {
		while (isdigit((unsigned char)*s))
			s++;
		if (*s == '.' && isdigit((unsigned char)s[1])) {
			real = true;
			for (s++; isdigit((unsigned char)*s);)
				s++;
		}
		if ((*s == 'e' || *s == 'E') &&
		        (isdigit((unsigned char)s[1]) ||
		                (strchr("+-", s[1]) && s[1] && isdigit((unsigned char)s[2])))) {
			real = true;
			for (s += 2; isdigit((unsigned char)*s);)
				s++;
		}
	}
	p->token = real ? T_DOUBLE : T_INT;
	if (!real && (*s == 'u' || *s == 'U')) {
		p->token = T_UINT;
		s++;
	}
	p->at = (size_t)(s - p->text);
}

static void lex_identifier(struct parser *p)
{
	static const struct {
		const char *word;
		enum token token;
	} words[] = {{"in", T_IN}, {"true", T_TRUE}, {"false", T_FALSE}, {"null", T_NULL}};
	const char *s = p->text + p->pos;
	size_t n = 0;

	if (*s == '`') {
		n = 1 + strcspn(s + 1, "`\n");
		n += s[n] == '`';
	} else {
		while (isalnum((unsigned char)s[n]) || s[n] == '_')
			n++;
	}
	p->token = T_IDENT;
	p->at = p->pos + n;
	for (size_t i = 0; i < KT_ARRAY_SIZE(words); i++)
		if (strlen(words[i].word) == n && !strncmp(words[i].word, s, n))
			p->token = words[i].token;
}

static bool lex_symbol(struct parser *p)
{
	static const struct {
		char text[3];
		enum token token;
	} symbols[] = {
	        {"||", T_OR},
	        {"&&", T_AND},
	        {"==", T_EQ},
	        {"!=", T_NE},
	        {"<=", T_LE},
	        {">=", T_GE},
	        {"<", T_LT},
	        {">", T_GT},
	        {"+", T_PLUS},
	        {"-", T_MINUS},
	        {"*", T_STAR},
	        {"/", T_SLASH},
	        {"%", T_PERCENT},
	        {"!", T_NOT},
	        {".", T_DOT},
	        {",", T_COMMA},
	        {":", T_COLON},
	        {"?", T_QUESTION},
	        {"(", T_LPAREN},
	        {")", T_RPAREN},
	        {"[", T_LBRACKET},
	        {"]", T_RBRACKET},
	        {"{", T_LBRACE},
	        {"}", T_RBRACE},
	};
	const char *s = p->text + p->pos;

	for (size_t i = 0; i < KT_ARRAY_SIZE(symbols); i++) {
		size_t n = strlen(symbols[i].text);

		if (!strncmp(s, symbols[i].text, n)) {
			p->token = symbols[i].token;
			p->at = p->pos + n;
			return true;
		}
	}
	return false;
}

static void next(struct parser *p)
{
	const char *s;
	size_t prefix;
	bool raw, bytes;

	if (p->failed)
		return;
	while (isspace((unsigned char)p->text[p->at]) || !strncmp(p->text + p->at, "//", 2)) {
		if (p->text[p->at] == '/')
			p->at += strcspn(p->text + p->at, "\n");
		else
			p->at++;
	}
	p->pos = (uint32_t)p->at;
	s = p->text + p->at;
	if (!*s)
		p->token = T_EOF;
	else if (starts_string(s, &prefix, &raw, &bytes))
		lex_string(p, prefix, raw, bytes);
	else if (isdigit((unsigned char)*s))
		lex_number(p);
	else if (isalpha((unsigned char)*s) || *s == '_' || *s == '`')
		lex_identifier(p);
	else if (!lex_symbol(p))
		fail_at(p, p->pos,
		        kt_arena_printf(p->arena, "token recognition error at: '%c'", *s));
	p->literal = (struct kt_sv){s, p->at - p->pos};
}

/* Parser. */

static struct cel_node *parse_expr(struct parser *p);

static struct cel_node *node_new(struct parser *p, enum cel_node_kind kind, uint32_t pos)
{
	struct cel_node *node = kt_arena_new(p->arena, struct cel_node);

	node->kind = kind;
	node->pos = pos;
	return node;
}

static void add_arg(struct parser *p, struct cel_node *node, struct cel_node *arg)
{
	if (node->n_args % 8 == 0) {
		struct cel_node **args =
		        kt_arena_alloc(p->arena, (node->n_args + 8) * sizeof(*args));

		if (node->n_args)
			memcpy(args, node->args, node->n_args * sizeof(*args));
		node->args = args;
	}
	node->args[node->n_args++] = arg;
}

static struct cel_node *call(
        struct parser *p, const char *name, uint32_t pos, struct cel_node *a, struct cel_node *b)
{
	struct cel_node *node = node_new(p, NODE_CALL, pos);

	node->text = name;
	add_arg(p, node, a);
	if (b)
		add_arg(p, node, b);
	return node;
}

static bool take(struct parser *p, enum token token)
{
	if (p->failed || p->token != token)
		return false;
	next(p);
	return true;
}

static void expect(struct parser *p, enum token token, const char *name)
{
	if (!take(p, token) && !p->failed)
		fail_mismatched(p, name);
}

static char *identifier(struct parser *p)
{
	struct kt_sv name = p->literal;

	if (name.len > 1 && name.p[0] == '`')
		name = (struct kt_sv){name.p + 1, name.len - 2};
	return kt_arena_strndup(p->arena, name.p, name.len);
}

static struct cel_node *literal(struct parser *p, struct cel_value value)
{
	struct cel_node *node = node_new(p, NODE_LITERAL, p->pos);

	node->literal = value;
	next(p);
	return node;
}

static struct cel_node *parse_number(struct parser *p, bool negative)
{
	kt_auto_free char *text =
	        kt_asprintf("%s%.*s", negative ? "-" : "", (int)p->literal.len, p->literal.p);
	struct cel_value value;
	char *end;

	errno = 0;
	if (p->token == T_DOUBLE) {
		value = cel_double(strtod(text, &end));
	} else if (p->token == T_UINT) {
		value = (struct cel_value){.kind = CEL_UINT, .u = strtoull(text, &end, 0)};
		if (errno)
			fail_at(p, p->pos, "invalid uint literal");
	} else {
		value = cel_int(strtoll(text, &end,
		        text[negative] == '0' && strchr("xX", text[negative + 1]) &&
		                        text[negative + 1]
		                ? 16
		                : 10));
		if (errno)
			fail_at(p, p->pos, "invalid int literal");
	}
	return literal(p, value);
}

static void parse_args(struct parser *p, struct cel_node *node, enum token close,
        const char *close_name, bool optional)
{
	bool marks[256] = {0};
	size_t first = node->n_args;

	if (take(p, close))
		return;
	do {
		size_t i = node->n_args - first;

		if (p->token == close && i) /* a comma at the end is allowed */
			break;
		if (optional && i < KT_ARRAY_SIZE(marks))
			marks[i] = take(p, T_QUESTION);
		add_arg(p, node, parse_expr(p));
	} while (take(p, T_COMMA) && node->n_args < 4096);
	expect(p, close, close_name);
	if (!optional)
		return;
	node->optional_items = kt_arena_alloc(p->arena, (node->n_args + 1) * sizeof(bool));
	memcpy(node->optional_items, marks, KT_MIN(node->n_args, KT_ARRAY_SIZE(marks)));
}

static struct cel_node *parse_map(struct parser *p)
{
	struct cel_node *node = node_new(p, NODE_MAP, p->pos);
	bool marks[256] = {0};

	next(p);
	while (!p->failed && p->token != T_RBRACE) {
		size_t i = node->n_args / 2;

		if (i < KT_ARRAY_SIZE(marks))
			marks[i] = take(p, T_QUESTION);
		add_arg(p, node, parse_expr(p));
		expect(p, T_COLON, "':'");
		add_arg(p, node, parse_expr(p));
		if (!take(p, T_COMMA))
			break;
	}
	expect(p, T_RBRACE, "'}'");
	node->optional_items = kt_arena_alloc(p->arena, node->n_args / 2 + 1);
	memcpy(node->optional_items, marks, KT_MIN(node->n_args / 2, KT_ARRAY_SIZE(marks)));
	return node;
}

/* has(a.b) */
static struct cel_node *make_has(struct parser *p, struct cel_node *node)
{
	struct cel_node *arg = node->n_args == 1 ? node->args[0] : NULL;

	if (!arg || arg->kind != NODE_SELECT) {
		if (!p->failed)
			cel_error_add(p->errors, arg ? arg->pos : node->pos,
			        "invalid argument to has() macro");
		p->failed = true;
		return node;
	}
	arg->test_only = true;
	return arg;
}

static struct cel_node *parse_primary(struct parser *p)
{
	struct cel_node *node;
	uint32_t pos = p->pos;

	switch (p->token) {
	case T_LPAREN:
		next(p);
		node = parse_expr(p);
		expect(p, T_RPAREN, "')'");
		return node;
	case T_LBRACKET:
		node = node_new(p, NODE_LIST, pos);
		next(p);
		parse_args(p, node, T_RBRACKET, "']'", true);
		return node;
	case T_LBRACE:
		return parse_map(p);
	case T_INT:
	case T_UINT:
	case T_DOUBLE:
		return parse_number(p, false);
	case T_STRING:
	case T_BYTES:
		return literal(
		        p, (struct cel_value){.kind = p->token == T_STRING ? CEL_STRING : CEL_BYTES,
		                   .s = {kt_arena_strndup(
		                                 p->arena, kt_str_text(&p->value), p->value.len),
		                           p->value.len}});
	case T_TRUE:
	case T_FALSE:
		return literal(p, cel_bool(p->token == T_TRUE));
	case T_NULL:
		return literal(p, cel_null());
	case T_DOT:
		next(p);
		if (p->token == T_IDENT)
			return parse_primary(p);
		break;
	case T_IDENT:
		node = node_new(p, NODE_IDENT, pos);
		node->text = identifier(p);
		next(p);
		if (p->token != T_LPAREN)
			return node;
		node->kind = NODE_CALL;
		node->pos = p->pos;
		next(p);
		parse_args(p, node, T_RPAREN, "')'", false);
		return !strcmp(node->text, "has") ? make_has(p, node) : node;
	default:
		break;
	}
	fail_mismatched(p, EXPECTED);
	return node_new(p, NODE_LITERAL, pos);
}

static const char *simple_name(struct parser *p, const struct cel_node *node)
{
	if (node->kind == NODE_IDENT)
		return node->text;
	if (!p->failed)
		cel_error_add(p->errors, node->pos, "argument must be a simple name");
	p->failed = true;
	return "_";
}

/* target.f(a, b) that is a macro: name, number of arguments, whether it has a second variable and a
 * filter. */
static const struct {
	const char *name;
	size_t n_args;
	enum cel_macro macro;
	bool two, filter;
} macros[] = {
        {"all", 2, MACRO_ALL, false, false},
        {"exists", 2, MACRO_EXISTS, false, false},
        {"exists_one", 2, MACRO_EXISTS_ONE, false, false},
        {"existsOne", 2, MACRO_EXISTS_ONE, false, false},
        {"map", 2, MACRO_MAP, false, false},
        {"map", 3, MACRO_MAP, false, true},
        {"filter", 2, MACRO_FILTER, false, false},
        {"all", 3, MACRO_ALL, true, false},
        {"exists", 3, MACRO_EXISTS, true, false},
        {"exists_one", 3, MACRO_EXISTS_ONE, true, false},
        {"existsOne", 3, MACRO_EXISTS_ONE, true, false},
        {"transformList", 3, MACRO_TRANSFORM_LIST, true, false},
        {"transformList", 4, MACRO_TRANSFORM_LIST, true, true},
        {"transformMap", 3, MACRO_TRANSFORM_MAP, true, false},
        {"transformMap", 4, MACRO_TRANSFORM_MAP, true, true},
        {"transformMapEntry", 3, MACRO_TRANSFORM_MAP_ENTRY, true, false},
        {"transformMapEntry", 4, MACRO_TRANSFORM_MAP_ENTRY, true, true},
        {"optMap", 2, MACRO_OPT_MAP, false, false},
        {"optFlatMap", 2, MACRO_OPT_FLAT_MAP, false, false},
};

static struct cel_node *expand_macro(struct parser *p, struct cel_node *node)
{
	size_t n = node->n_args - 1, at = 1;

	if (!strcmp(node->text, "bind") && n == 3 && node->args[0]->kind == NODE_IDENT &&
	        !strcmp(node->args[0]->text, "cel")) {
		struct cel_node *bind = node_new(p, NODE_MACRO, node->pos);

		bind->macro = MACRO_BIND;
		bind->var = simple_name(p, node->args[1]);
		add_arg(p, bind, node->args[2]);
		add_arg(p, bind, node->args[3]);
		return bind;
	}
	for (size_t i = 0; i < KT_ARRAY_SIZE(macros); i++) {
		struct cel_node *macro;

		if (strcmp(macros[i].name, node->text) || macros[i].n_args != n)
			continue;
		macro = node_new(p, NODE_MACRO, node->pos);
		macro->macro = macros[i].macro;
		macro->text = node->text;
		add_arg(p, macro, node->args[0]);
		macro->var = simple_name(p, node->args[at++]);
		if (macros[i].two)
			macro->var2 = simple_name(p, node->args[at++]);
		if (macros[i].filter)
			macro->filter = node->args[at++];
		add_arg(p, macro, node->args[at]);
		return macro;
	}
	return node;
}

static struct cel_node *parse_select(struct parser *p, struct cel_node *target)
{
	struct cel_node *node = node_new(p, NODE_SELECT, p->pos);

	next(p);
	node->optional = take(p, T_QUESTION);
	if (p->token != T_IDENT && !(p->token == T_IN)) {
		if (!p->failed && p->token == T_EOF)
			fail_at(p, p->pos, "no viable alternative at input '.'");
		else if (!p->failed)
			fail_at(p, p->pos,
			        kt_arena_printf(p->arena, "no viable alternative at input '.%s'",
			                shown(p)));
		return node;
	}
	node->text = identifier(p);
	next(p);
	add_arg(p, node, target);
	if (p->token != T_LPAREN || node->optional)
		return node;
	node->kind = NODE_CALL;
	node->member = true;
	node->pos = p->pos;
	next(p);
	parse_args(p, node, T_RPAREN, "')'", false);
	return p->failed ? node : expand_macro(p, node);
}

static struct cel_node *parse_postfix(struct parser *p)
{
	struct cel_node *node = parse_primary(p);
	int links = 0;

	while (!p->failed && (p->token == T_DOT || p->token == T_LBRACKET)) {
		if (++links > KT_CEL_DEPTH_MAX) {
			fail_at(p, p->pos, "expression recursion limit exceeded");
			break;
		}
		if (p->token == T_DOT) {
			node = parse_select(p, node);
		} else {
			uint32_t pos = p->pos;
			bool optional;

			next(p);
			optional = take(p, T_QUESTION);
			node = call(p, "_[_]", pos, node, parse_expr(p));
			node->optional = optional;
			expect(p, T_RBRACKET, "']'");
		}
	}
	return node;
}

static struct cel_node *parse_unary(struct parser *p)
{
	uint32_t pos = p->pos;
	struct cel_node *node;

	if (++p->depth > KT_CEL_DEPTH_MAX) {
		fail_at(p, p->pos, "expression recursion limit exceeded");
		p->depth--;
		return node_new(p, NODE_LITERAL, pos);
	}
	if (take(p, T_NOT)) {
		node = call(p, "!_", pos, parse_unary(p), NULL);
	} else if (take(p, T_MINUS)) {
		if (p->token == T_INT || p->token == T_DOUBLE)
			node = parse_number(p, true);
		else
			node = call(p, "-_", pos, parse_unary(p), NULL);
	} else {
		node = parse_postfix(p);
	}
	p->depth--;
	return node;
}

/* Binary operators by strength. */
static const struct {
	enum token token;
	int level;
	const char *name;
} operators[] = {
        {T_OR, 1, "_||_"},
        {T_AND, 2, "_&&_"},
        {T_EQ, 3, "_==_"},
        {T_NE, 3, "_!=_"},
        {T_LT, 3, "_<_"},
        {T_LE, 3, "_<=_"},
        {T_GT, 3, "_>_"},
        {T_GE, 3, "_>=_"},
        {T_IN, 3, "@in"},
        {T_PLUS, 4, "_+_"},
        {T_MINUS, 4, "_-_"},
        {T_STAR, 5, "_*_"},
        {T_SLASH, 5, "_/_"},
        {T_PERCENT, 5, "_%_"},
};

static struct cel_node *parse_binary(struct parser *p, int level)
{
	struct cel_node *left = level > 5 ? parse_unary(p) : parse_binary(p, level + 1);
	int links = 0;

	while (level <= 5 && !p->failed) {
		uint32_t pos = p->pos;
		size_t i = 0;

		while (i < KT_ARRAY_SIZE(operators) &&
		        (operators[i].token != p->token || operators[i].level != level))
			i++;
		if (i == KT_ARRAY_SIZE(operators))
			break;
		if (++links > KT_CEL_DEPTH_MAX) {
			fail_at(p, p->pos, "expression recursion limit exceeded");
			break;
		}
		next(p);
		left = call(p, operators[i].name, pos, left, parse_binary(p, level + 1));
	}
	return left;
}

static struct cel_node *parse_expr(struct parser *p)
{
	struct cel_node *node, *condition;
	uint32_t pos;

	if (p->failed || ++p->depth > KT_CEL_DEPTH_MAX) {
		fail_at(p, p->pos, "expression recursion limit exceeded");
		return node_new(p, NODE_LITERAL, p->pos);
	}
	node = parse_binary(p, 1);
	pos = p->pos;
	if (take(p, T_QUESTION)) {
		condition = node;
		node = node_new(p, NODE_CALL, pos);
		node->text = "_?_:_";
		add_arg(p, node, condition);
		add_arg(p, node, parse_binary(p, 1));
		expect(p, T_COLON, "':'");
		add_arg(p, node, parse_expr(p));
	}
	p->depth--;
	return node;
}

static void check_end(struct parser *p)
{
	enum token token = p->token;
	const char *extra;
	uint32_t pos = p->pos;

	if (p->failed || token == T_EOF)
		return;
	extra = shown(p);
	next(p);
	if (p->token == T_EOF && !p->failed)
		fail_at(p, pos,
		        kt_arena_printf(p->arena, "extraneous input '%s' expecting <EOF>", extra));
	else
		fail_at(p, pos,
		        kt_arena_printf(p->arena, "mismatched input '%s' expecting <EOF>", extra));
}

struct cel_node *cel_parse(struct kt_arena *arena, const char *text, struct cel_errors *errors)
{
	struct parser p = {.arena = arena, .text = text, .errors = errors};
	struct cel_node *root;

	next(&p);
	root = parse_expr(&p);
	check_end(&p);
	kt_str_finish(&p.value);
	return p.failed ? NULL : root;
}
