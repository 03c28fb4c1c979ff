/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/expr/jsonpath_internal.h"

#include "api/machinery/go_text.h"

#include <ctype.h>
#include <errno.h>

struct parser {
	struct kt_jsonpath *path;
	const char *p, *end;
	struct kt_err *err;
	int depth;
	bool action; /* inside braces (or brackets), not in literal text */
};

static int parse_nodes(struct parser *parser, struct jp_nodes *nodes);

static struct jp_node *push(struct parser *parser, struct jp_nodes *nodes, enum jp_kind kind)
{
	if (nodes->n == nodes->cap) {
		size_t cap = nodes->cap ? nodes->cap * 2 : 4;
		struct jp_node *items = kt_arena_alloc(&parser->path->arena, cap * sizeof(*items));

		if (nodes->n)
			memcpy(items, nodes->items, nodes->n * sizeof(*items));
		nodes->items = items;
		nodes->cap = cap;
	}
	nodes->items[nodes->n] = (struct jp_node){.kind = kind};
	return &nodes->items[nodes->n++];
}

static int at(const struct parser *parser)
{
	return parser->p < parser->end ? (unsigned char)*parser->p : -1;
}

static bool is_terminator(int c)
{
	return c < 0 || c == ' ' || c == '\t' || c == '\r' || c == '\n' || strchr(".,[]$@{}", c);
}

/* A sub-expression over a piece of the text. */
static int parse_piece(struct parser *parser, const char *p, size_t len, struct jp_nodes *nodes)
{
	struct parser piece = *parser;
	int code;

	while (len && isspace((unsigned char)*p)) {
		p++;
		len--;
	}
	while (len && isspace((unsigned char)p[len - 1]))
		len--;
	piece.p = p;
	piece.end = p + len;
	piece.depth = parser->depth + 1;
	if (piece.depth > KT_JSONPATH_DEPTH_MAX)
		return kt_fail(parser->err, EINVAL, "jsonpath is nested too deeply");
	code = parse_nodes(&piece, nodes);
	if (code == 0 && piece.p < piece.end)
		return kt_fail(parser->err, EINVAL, "unrecognized character in action: U+%04X '%c'",
		        (unsigned)*piece.p, *piece.p);
	return code;
}

static int parse_field(struct parser *parser, struct jp_nodes *nodes)
{
	kt_auto_str name = KT_STR_INIT;
	struct jp_node *node;
	bool escaped = false;

	while (!is_terminator(at(parser))) {
		if (*parser->p == '\\' && parser->p + 1 < parser->end) {
			parser->p++;
			escaped = true;
		}
		kt_str_putc(&name, *parser->p++);
	}
	if (!escaped && name.len == 1 && name.data[0] == '*') {
		push(parser, nodes, JP_WILDCARD);
		return 0;
	}
	if (!name.len)
		return 0; /* "." alone is the value itself */
	node = push(parser, nodes, JP_FIELD);
	node->text = kt_arena_strndup(&parser->path->arena, name.data, name.len);
	return 0;
}

static int unescape(struct parser *parser, struct kt_str *out, const char *p, size_t len)
{
	static const char from[] = "abfnrtv\\'\"", to[] = "\a\b\f\n\r\t\v\\'\"";

	for (size_t i = 0; i < len; i++) {
		const char *known;

		if (p[i] != '\\') {
			kt_str_putc(out, p[i]);
			continue;
		}
		if (++i == len || !(known = strchr(from, p[i])) || !p[i])
			return kt_fail(parser->err, EINVAL, "unterminated quoted string");
		kt_str_putc(out, to[known - from]);
	}
	return 0;
}

/* The length of the quoted text that starts at p, quotes included; 0: it does not end. */
static size_t quoted_length(const char *p, const char *end)
{
	const char *q = p + 1;

	while (q < end && *q != *p && *q != '\n')
		q += *q == '\\' && q + 1 < end ? 2 : 1;
	return q < end && *q == *p ? (size_t)(q - p) + 1 : 0;
}

static int parse_quote(struct parser *parser, struct jp_nodes *nodes)
{
	kt_auto_str text = KT_STR_INIT;
	size_t len = quoted_length(parser->p, parser->end);
	int code;

	if (!len)
		return kt_fail(parser->err, EINVAL, "unterminated quoted string");
	code = unescape(parser, &text, parser->p + 1, len - 2);
	if (code < 0)
		return code;
	push(parser, nodes, JP_TEXT)->text =
	        kt_arena_strdup(&parser->path->arena, kt_str_text(&text));
	parser->p += len;
	return 0;
}

static void push_literal(struct parser *parser, struct jp_nodes *nodes, json_t *value)
{
	json_array_append_new(parser->path->literals, value);
	push(parser, nodes, JP_LITERAL)->value = value;
}

static int parse_number(struct parser *parser, struct jp_nodes *nodes)
{
	char text[64];
	size_t len = 0;
	char *end;

	while (parser->p + len < parser->end &&
	        (isalnum((unsigned char)parser->p[len]) || strchr("+-.", parser->p[len])))
		len++;
	if (len >= sizeof(text))
		return kt_fail(
		        parser->err, EINVAL, "cannot parse number %.*s", (int)len, parser->p);
	memcpy(text, parser->p, len);
	text[len] = 0;
	parser->p += len;
	errno = 0;
	long long integer = strtoll(text, &end, 10);
	if (!*end && !errno) {
		push_literal(parser, nodes, json_integer(integer));
		return 0;
	}
	double real = strtod(text, &end);
	if (*end)
		return kt_fail(parser->err, EINVAL, "cannot parse number %s", text);
	push_literal(parser, nodes, json_real(real));
	return 0;
}

static bool parse_bound(const char *p, size_t len, struct jp_bound *ret_bound)
{
	size_t digits = len && *p == '-' ? 1 : 0;

	if (!len)
		return true;
	if (len == digits || len > 10)
		return false;
	for (size_t i = digits; i < len; i++)
		if (!isdigit((unsigned char)p[i]))
			return false;
	ret_bound->value = strtoll(p, NULL, 10);
	ret_bound->known = true;
	return true;
}

static int parse_slice(struct parser *parser, const char *p, size_t len, struct jp_nodes *nodes)
{
	struct jp_node *node = push(parser, nodes, JP_SLICE);
	size_t n = 0, start = 0;

	node->single = true;
	for (size_t i = 0; i <= len; i++) {
		if (i < len && p[i] != ':')
			continue;
		if (n == 3 || !parse_bound(p + start, i - start, &node->bounds[n]))
			return kt_fail(
			        parser->err, EINVAL, "invalid array index %.*s", (int)len, p);
		node->single = n == 0;
		start = i + 1;
		n++;
	}
	if (node->single && !node->bounds[0].known)
		return kt_fail(parser->err, EINVAL, "invalid array index %.*s", (int)len, p);
	return 0;
}

/* Length up to `stop` at depth 0, quotes and brackets counted; -1: there is none. */
static ssize_t span_to(const char *p, const char *end, const char *stop)
{
	size_t n = strlen(stop);
	int depth = 0;

	for (const char *q = p; q < end; q++) {
		if (!depth && (size_t)(end - q) >= n && !strncmp(q, stop, n))
			return q - p;
		if (*q == '"' || *q == '\'') {
			size_t len = quoted_length(q, end);

			if (!len)
				return -1;
			q += len - 1;
		} else if (strchr("([{", *q)) {
			depth++;
		} else if (strchr(")]}", *q)) {
			if (depth-- == 0)
				return -1;
		}
	}
	return -1;
}

static int parse_element(struct parser *parser, const char *p, size_t len, struct jp_nodes *nodes)
{
	while (len && *p == ' ') {
		p++;
		len--;
	}
	while (len && p[len - 1] == ' ')
		len--;
	if (len == 1 && *p == '*') {
		push(parser, nodes, JP_WILDCARD);
		return 0;
	}
	if (len >= 2 && (*p == '\'' || *p == '"') && p[len - 1] == *p) {
		push(parser, nodes, JP_FIELD)->text =
		        kt_arena_strndup(&parser->path->arena, p + 1, len - 2);
		return 0;
	}
	return parse_slice(parser, p, len, nodes);
}

static int parse_union(struct parser *parser, const char *p, size_t len, struct jp_nodes *nodes)
{
	struct jp_nodes branches[32] = {0};
	struct jp_node *node;
	size_t n = 0;

	for (const char *end = p + len; p <= end;) {
		ssize_t part = span_to(p, end, ",");
		size_t width = part < 0 ? (size_t)(end - p) : (size_t)part;
		int code;

		if (n == KT_ARRAY_SIZE(branches))
			return kt_fail(parser->err, EINVAL, "a union of more than %zu parts", n);
		code = parse_element(parser, p, width, &branches[n++]);
		if (code < 0)
			return code;
		p += width + 1;
	}
	node = push(parser, nodes, JP_UNION);
	node->branches = kt_arena_alloc(&parser->path->arena, n * sizeof(*branches));
	memcpy(node->branches, branches, n * sizeof(*branches));
	node->n_branches = n;
	return 0;
}

/* The first comparison sign outside quotes and brackets. */
static bool find_operator(const char *p, size_t len, size_t *ret_at, size_t *ret_width,
        enum jp_operator *ret_operator)
{
	static const struct {
		const char *sign;
		enum jp_operator operator;
	} signs[] = {{"==", JP_EQ}, {"!=", JP_NE}, {"<=", JP_LE}, {">=", JP_GE}, {"<", JP_LT},
	        {">", JP_GT}};
	ssize_t best = -1;

	for (size_t i = 0; i < KT_ARRAY_SIZE(signs); i++) {
		ssize_t found = span_to(p, p + len, signs[i].sign);

		if (found < 0 || (best >= 0 && found >= best))
			continue;
		best = found;
		*ret_width = strlen(signs[i].sign);
		*ret_operator = signs[i].operator;
	}
	*ret_at = (size_t)best;
	return best >= 0;
}

static int parse_comparison(
        struct parser *parser, const char *p, size_t len, struct jp_condition *condition)
{
	size_t found, width;
	int code;

	if (!find_operator(p, len, &found, &width, &condition->operator)) {
		condition->operator= JP_EXISTS;
		return parse_piece(parser, p, len, &condition->left);
	}
	code = parse_piece(parser, p, found, &condition->left);
	if (code == 0)
		code = parse_piece(
		        parser, p + found + width, len - found - width, &condition->right);
	if (code == 0 && (!found || !condition->right.n))
		return kt_fail(parser->err, EINVAL, "unrecognized filter: %.*s", (int)len, p);
	return code;
}

static int parse_condition(
        struct parser *parser, const char *p, size_t len, struct jp_condition **ret_condition)
{
	struct jp_condition *condition = kt_arena_new(&parser->path->arena, struct jp_condition);
	ssize_t and = span_to(p, p + len, "&&");
	ssize_t or = span_to(p, p + len, "||");
	ssize_t first = and < 0 || (or >= 0 && or < and) ? or : and;
	int code;

	*ret_condition = condition;
	if (first < 0)
		return parse_comparison(parser, p, len, condition);
	condition->or_next = first == or ;
	code = parse_comparison(parser, p, (size_t)first, condition);
	if (code < 0)
		return code;
	if (++parser->depth > KT_JSONPATH_DEPTH_MAX)
		return kt_fail(parser->err, EINVAL, "jsonpath is nested too deeply");
	return parse_condition(parser, p + first + 2, len - (size_t)first - 2, &condition->next);
}

/* parser->p is behind "[?(" */
static int parse_filter(struct parser *parser, struct jp_nodes *nodes)
{
	ssize_t len = span_to(parser->p, parser->end, ")");
	struct jp_condition *condition;
	const char *text = parser->p;
	int depth = parser->depth, code;

	if (len < 0)
		return kt_fail(parser->err, EINVAL, "unterminated filter");
	code = parse_condition(parser, text, (size_t)len, &condition);
	parser->depth = depth;
	if (code < 0)
		return code;
	push(parser, nodes, JP_FILTER)->condition = condition;
	parser->p = text + len + 1;
	if (at(parser) != ']')
		return kt_fail(parser->err, EINVAL, "unclosed array expect ]");
	parser->p++;
	return 0;
}

static int parse_brackets(struct parser *parser, struct jp_nodes *nodes)
{
	const char *text;
	ssize_t len;

	if (parser->end - parser->p >= 3 && !strncmp(parser->p, "[?(", 3)) {
		parser->p += 3;
		return parse_filter(parser, nodes);
	}
	text = parser->p + 1;
	len = span_to(text, parser->end, "]");
	if (len < 0)
		return kt_fail(parser->err, EINVAL, "unterminated array");
	parser->p = text + len + 1;
	if (span_to(text, text + len, ",") >= 0)
		return parse_union(parser, text, (size_t)len, nodes);
	return parse_element(parser, text, (size_t)len, nodes);
}

static int parse_identifier(struct parser *parser, struct jp_nodes *nodes)
{
	const char *start = parser->p;
	struct kt_sv name;

	while (parser->p < parser->end && (isalnum((unsigned char)*parser->p) || *parser->p == '_'))
		parser->p++;
	name = (struct kt_sv){start, (size_t)(parser->p - start)};
	if (kt_sv_is(name, "true") || kt_sv_is(name, "false")) {
		push_literal(parser, nodes, json_boolean(name.len == 4));
		return 0;
	}
	return kt_fail(parser->err, EINVAL, "unrecognized identifier %.*s", (int)name.len, name.p);
}

static int parse_dots(struct parser *parser, struct jp_nodes *nodes)
{
	parser->p++;
	if (at(parser) == '.') {
		parser->p++;
		push(parser, nodes, JP_RECURSIVE);
	}
	return parse_field(parser, nodes);
}

/* One expression up to what ends it: a brace, or the end of the piece. */
static int parse_nodes(struct parser *parser, struct jp_nodes *nodes)
{
	int code = 0;

	while (code == 0) {
		int c = at(parser);

		if (c < 0 || c == '}')
			return 0;
		if (isspace(c) || c == '$' || c == '@')
			parser->p++;
		else if (c == '.')
			code = parse_dots(parser, nodes);
		else if (c == '[')
			code = parse_brackets(parser, nodes);
		else if (c == '"' || c == '\'')
			code = parse_quote(parser, nodes);
		else if (isdigit(c) || c == '-' || c == '+')
			code = parse_number(parser, nodes);
		else if (isalpha(c) || c == '_')
			code = parse_identifier(parser, nodes);
		else
			return kt_fail(parser->err, EINVAL,
			        "unrecognized character in action: U+%04X '%c'", (unsigned)c, c);
	}
	return code;
}

static bool take_word(struct parser *parser, const char *word)
{
	size_t len = strlen(word);
	const char *p = parser->p;

	while (p < parser->end && isspace((unsigned char)*p))
		p++;
	if ((size_t)(parser->end - p) < len || strncmp(p, word, len))
		return false;
	p += len;
	if (p < parser->end && (isalnum((unsigned char)*p) || *p == '_'))
		return false;
	parser->p = p;
	return true;
}

static int close_action(struct parser *parser)
{
	while (parser->p < parser->end && isspace((unsigned char)*parser->p))
		parser->p++;
	if (at(parser) != '}')
		return kt_fail(parser->err, EINVAL, "unclosed action");
	parser->p++;
	return 0;
}

static int parse_template(struct parser *parser, struct jp_nodes *nodes, bool in_range);

static int parse_range(struct parser *parser, struct jp_nodes *nodes)
{
	struct jp_nodes over = {0}, body = {0};
	struct jp_node *node;
	int code = parse_nodes(parser, &over);

	if (code == 0)
		code = close_action(parser);
	if (code == 0 && ++parser->depth > KT_JSONPATH_DEPTH_MAX)
		code = kt_fail(parser->err, EINVAL, "jsonpath is nested too deeply");
	if (code == 0)
		code = parse_template(parser, &body, true);
	if (code < 0)
		return code;
	parser->depth--;
	node = push(parser, nodes, JP_RANGE);
	node->branches = kt_arena_alloc(&parser->path->arena, sizeof(over));
	node->branches[0] = over;
	node->n_branches = 1;
	node->body = body;
	return 0;
}

static int parse_action(struct parser *parser, struct jp_nodes *nodes, bool in_range, bool *ret_end)
{
	struct jp_nodes list = {0};
	struct jp_node *node;
	int code;

	if (take_word(parser, "range"))
		return parse_range(parser, nodes);
	if (take_word(parser, "end")) {
		*ret_end = true;
		if (!in_range)
			return kt_fail(parser->err, EINVAL, "not in range, nothing to end");
		return close_action(parser);
	}
	code = parse_nodes(parser, &list);
	if (code == 0)
		code = close_action(parser);
	if (code < 0)
		return code;
	node = push(parser, nodes, JP_LIST);
	node->branches = kt_arena_alloc(&parser->path->arena, sizeof(list));
	node->branches[0] = list;
	node->n_branches = 1;
	return 0;
}

static int parse_template(struct parser *parser, struct jp_nodes *nodes, bool in_range)
{
	bool ended = false;

	while (parser->p < parser->end && !ended) {
		const char *brace = memchr(parser->p, '{', (size_t)(parser->end - parser->p));
		size_t len = (size_t)((brace ? brace : parser->end) - parser->p);
		int code;

		if (len) {
			push(parser, nodes, JP_TEXT)->text =
			        kt_arena_strndup(&parser->path->arena, parser->p, len);
			parser->p += len;
		}
		if (!brace)
			break;
		parser->p++;
		code = parse_action(parser, nodes, in_range, &ended);
		if (code < 0)
			return code;
	}
	return 0;
}

static int parse_relaxed(struct parser *parser)
{
	struct kt_sv text = {parser->p, (size_t)(parser->end - parser->p)};
	kt_auto_free char *whole = NULL;
	bool braces = text.len >= 2 && text.p[0] == '{' && text.p[text.len - 1] == '}';

	if (!text.len)
		return 0;
	if (braces)
		text = (struct kt_sv){text.p + 1, text.len - 2};
	if (text.len && text.p[0] == '.')
		text = (struct kt_sv){text.p + 1, text.len - 1};
	if (!text.len || memchr(text.p, '{', text.len) || memchr(text.p, '}', text.len))
		return kt_fail(parser->err, EINVAL,
		        "unexpected path string, expected a 'name1.name2' or '.name1.name2' or "
		        "'{name1.name2}' or "
		        "'{.name1.name2}'");
	whole = kt_asprintf("{.%.*s}", (int)text.len, text.p);
	parser->p = kt_arena_strdup(&parser->path->arena, whole);
	parser->end = parser->p + strlen(parser->p);
	return parse_template(parser, &parser->path->root, false);
}

int kt_jsonpath_parse(
        const char *text, bool relaxed, struct kt_jsonpath **ret_path, struct kt_err *err)
{
	struct kt_jsonpath *path = kt_new(struct kt_jsonpath);
	struct parser parser = {.path = path, .p = text, .end = text + strlen(text), .err = err};
	int code;

	kt_arena_init(&path->arena);
	path->literals = json_array();
	code = relaxed ? parse_relaxed(&parser) : parse_template(&parser, &path->root, false);
	if (code < 0) {
		kt_jsonpath_destroy(path);
		return code;
	}
	*ret_path = path;
	return 0;
}

void kt_jsonpath_destroy(struct kt_jsonpath *path)
{
	if (!path)
		return;
	json_decref(path->literals);
	kt_arena_finish(&path->arena);
	free(path);
}
