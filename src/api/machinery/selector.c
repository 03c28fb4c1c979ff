/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/machinery/selector.h"

#include "api/machinery/field_errors.h"
#include "api/machinery/names.h"
#include "api/machinery/selector_internal.h"
#include "base/log.h"

#include <errno.h>

/* Sorted by key and then in the order given, as upstream keeps them. */
static void insert_sorted(struct kt_selector *selector, struct requirement requirement)
{
	size_t at;

	kt_vec_push(&selector->requirements, requirement);
	if (selector->by_fields)
		return;
	at = selector->requirements.n - 1;
	while (at && strcmp(selector->requirements.items[at - 1].key, requirement.key) > 0) {
		selector->requirements.items[at] = selector->requirements.items[at - 1];
		at--;
	}
	selector->requirements.items[at] = requirement;
}

static void requirement_finish(struct requirement *requirement)
{
	free(requirement->key);
	for (size_t i = 0; i < requirement->n_values; i++)
		free(requirement->values[i]);
	free(requirement->values);
}

void kt_selector_destroy(struct kt_selector *selector)
{
	if (!selector)
		return;
	for (size_t i = 0; i < selector->requirements.n; i++)
		requirement_finish(&selector->requirements.items[i]);
	kt_vec_finish(&selector->requirements);
	free(selector);
}

/* Values are a sorted set. */
static void sort_values(struct requirement *r)
{
	size_t n = 0;

	if (r->n_values)
		qsort(r->values, r->n_values, sizeof(*r->values), kt_strp_cmp);
	for (size_t i = 0; i < r->n_values; i++) {
		if (n && !strcmp(r->values[n - 1], r->values[i]))
			free(r->values[i]);
		else
			r->values[n++] = r->values[i];
	}
	r->n_values = n;
}

static void join_messages(const struct kt_messages *messages, struct kt_str *out)
{
	for (size_t i = 0; i < messages->n; i++)
		kt_str_printf(out, "%s%s", i ? "; " : "", messages->items[i]);
}

static void check_one(
        struct kt_field_errors *errors, const char *path, const char *value, const char *format)
{
	struct kt_messages messages = {0};
	kt_auto_str joined = KT_STR_INIT;
	kt_auto_json json_t *bad = NULL;

	if (!kt_format_check(format, kt_sv_of(value), &messages))
		return;
	join_messages(&messages, &joined);
	bad = json_string_nocheck(value);
	kt_field_invalid(errors, path, bad, "%s", kt_str_text(&joined));
}

static int check_key(const char *key, struct kt_err *err)
{
	kt_auto_arena arena = {0};
	struct kt_field_errors errors = {.arena = &arena};
	kt_auto_str text = KT_STR_INIT;

	kt_arena_init(&arena);
	check_one(&errors, "<nil>", key, "qualified-name");
	if (!errors.n)
		return 0;
	kt_field_errors_text(&errors, &text);
	return kt_fail(err, EINVAL, "%s", kt_str_text(&text));
}

static int check_values(const struct requirement *r, struct kt_err *err)
{
	kt_auto_arena arena = {0};
	struct kt_field_errors errors = {.arena = &arena};
	kt_auto_str text = KT_STR_INIT;
	int64_t number;

	kt_arena_init(&arena);
	for (size_t i = 0; i < r->n_values; i++) {
		if ((r->operator== OP_GT || r->operator== OP_LT) &&
		        kt_sv_int64(kt_sv_of(r->values[i]), &number) < 0) {
			kt_auto_json json_t *bad = json_string_nocheck(r->values[i]);

			kt_field_invalid(&errors, kt_path(&arena, "values[%zu]", i), bad,
			        "for 'Gt', 'Lt' operators, the value must be an integer");
		}
		check_one(&errors, kt_path(&arena, "values[%zu][%s]", i, r->key), r->values[i],
		        "label-value");
	}
	if (!errors.n)
		return 0;
	kt_field_errors_text(&errors, &text);
	return kt_fail(err, EINVAL, "%s", kt_str_text(&text));
}

int kt_selector_add(struct kt_selector *selector, struct requirement *r, struct kt_err *err)
{
	int code = 0;

	sort_values(r);
	if (!selector->by_fields)
		code = check_values(r, err);
	if (code < 0) {
		requirement_finish(r);
		return code;
	}
	if (r->operator== OP_GT || r->operator== OP_LT)
		kt_sv_int64(kt_sv_of(r->values[0]), &r->number);
	insert_sorted(selector, *r);
	return 0;
}

/* The text form. */

enum token {
	T_END,
	T_IDENTIFIER,
	T_OPEN,
	T_CLOSE,
	T_COMMA,
	T_NOT,
	T_EQ,
	T_EQ2,
	T_NE,
	T_GT,
	T_LT,
	T_IN,
	T_NOTIN,
	T_BAD
};

struct parser {
	const char *at;
	const char *end;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_symbol(char c)
{
	return c && strchr("=!(),<>", c);
}

static enum token symbol(const char *p, const char *end, size_t *ret_len)
{
	bool eq = p + 1 < end && p[1] == '=';

	*ret_len = 1;
	switch (*p) {
	case '(':
		return T_OPEN;
	case ')':
		return T_CLOSE;
	case ',':
		return T_COMMA;
	case '>':
		return T_GT;
	case '<':
		return T_LT;
	default:
		*ret_len += eq;
		return *p == '=' ? (eq ? T_EQ2 : T_EQ) : (eq ? T_NE : T_NOT);
	}
}

/* Keywords are identifiers where a value may stand. */
static enum token peek(
        const struct parser *parser, bool values, struct kt_sv *ret_literal, const char **ret_next)
{
	const char *p = parser->at;
	size_t len = 0;
	enum token token;

	while (p < parser->end && is_blank(*p))
		p++;
	*ret_literal = (struct kt_sv){p, 0};
	*ret_next = p;
	if (p == parser->end)
		return T_END;
	if (is_symbol(*p)) {
		token = symbol(p, parser->end, &len);
	} else {
		while (p + len < parser->end && !is_blank(p[len]) && !is_symbol(p[len]))
			len++;
		token = T_IDENTIFIER;
	}
	ret_literal->len = len;
	*ret_next = p + len;
	if (token == T_IDENTIFIER && !values && kt_sv_is(*ret_literal, "in"))
		return T_IN;
	if (token == T_IDENTIFIER && !values && kt_sv_is(*ret_literal, "notin"))
		return T_NOTIN;
	return token;
}

static enum token lookahead(const struct parser *parser, struct kt_sv *ret_literal)
{
	const char *next;

	return peek(parser, true, ret_literal, &next);
}

static enum token consume(struct parser *parser, bool values, struct kt_sv *ret_literal)
{
	return peek(parser, values, ret_literal, &parser->at);
}

#define FAIL_FOUND(err, literal, text) \
	kt_fail(err, EINVAL, "found '%.*s'" text, (int)(literal).len, (literal).p)

static void add_value(struct requirement *r, struct kt_sv value)
{
	r->values = kt_reallocarray(r->values, r->n_values + 1, sizeof(*r->values));
	r->values[r->n_values++] = value.len ? kt_sv_dup(value) : kt_strdup("");
}

static int parse_list(struct parser *parser, struct requirement *r, struct kt_err *err)
{
	struct kt_sv literal;
	bool empty = true; /* nothing since the last comma */

	if (consume(parser, true, &literal) != T_OPEN)
		return FAIL_FOUND(err, literal, " expected: '('");
	for (;;) {
		switch (consume(parser, true, &literal)) {
		case T_IDENTIFIER:
			add_value(r, literal);
			empty = false;
			switch (lookahead(parser, &literal)) {
			case T_COMMA:
			case T_CLOSE:
				break;
			default:
				return FAIL_FOUND(err, literal, ", expected: ',' or ')'");
			}
			break;
		case T_COMMA:
			if (empty)
				add_value(r, (struct kt_sv){0});
			empty = true;
			break;
		case T_CLOSE:
			if (empty)
				add_value(r, (struct kt_sv){0});
			return 0;
		default:
			return FAIL_FOUND(err, literal, ", expected: ',', ')' or identifier");
		}
	}
}

static int parse_exact(struct parser *parser, struct requirement *r, struct kt_err *err)
{
	struct kt_sv literal;
	enum token token = lookahead(parser, &literal);

	if (token == T_END || token == T_COMMA) {
		add_value(r, (struct kt_sv){0});
		return 0;
	}
	if (consume(parser, true, &literal) != T_IDENTIFIER)
		return FAIL_FOUND(err, literal, ", expected: identifier");
	add_value(r, literal);
	return 0;
}

static int parse_operator(struct parser *parser, struct requirement *r, struct kt_err *err)
{
	struct kt_sv literal;

	switch (consume(parser, false, &literal)) {
	case T_EQ:
		r->operator= OP_EQUALS;
		break;
	case T_EQ2:
		r->operator= OP_DOUBLE_EQUALS;
		break;
	case T_NE:
		r->operator= OP_NOT_EQUALS;
		break;
	case T_GT:
		r->operator= OP_GT;
		break;
	case T_LT:
		r->operator= OP_LT;
		break;
	case T_IN:
		r->operator= OP_IN;
		break;
	case T_NOTIN:
		r->operator= OP_NOT_IN;
		break;
	default:
		return FAIL_FOUND(err, literal, ", expected: in, notin, =, ==, !=, gt, lt");
	}
	if (r->operator== OP_IN || r->operator== OP_NOT_IN)
		return parse_list(parser, r, err);
	return parse_exact(parser, r, err);
}

static int parse_requirement(struct parser *parser, struct requirement *r, struct kt_err *err)
{
	struct kt_sv literal;
	enum token token = consume(parser, true, &literal);
	bool negated = token == T_NOT;
	int code;

	if (negated)
		token = consume(parser, true, &literal);
	if (token != T_IDENTIFIER)
		return FAIL_FOUND(err, literal, ", expected: identifier");
	r->key = kt_sv_dup(literal);
	code = check_key(r->key, err);
	if (code < 0)
		return code;
	r->operator= negated ? OP_NOT_EXISTS : OP_EXISTS;
	token = lookahead(parser, &literal);
	if (negated || token == T_END || token == T_COMMA)
		return 0;
	return parse_operator(parser, r, err);
}

/* 1: more follows, 0: that was the last one. */
static int parse_separator(struct parser *parser, struct kt_err *err)
{
	struct kt_sv literal;

	switch (consume(parser, true, &literal)) {
	case T_END:
		return 0;
	case T_COMMA:
		switch (lookahead(parser, &literal)) {
		case T_IDENTIFIER:
		case T_NOT:
			return 1;
		default:
			return FAIL_FOUND(err, literal, ", expected: identifier after ','");
		}
	default:
		return FAIL_FOUND(err, literal, ", expected: ',' or 'end of string'");
	}
}

static int parse_all(struct parser *parser, struct kt_selector *selector, struct kt_err *err)
{
	struct kt_sv literal;
	int code = 1;

	switch (lookahead(parser, &literal)) {
	case T_END:
		return 0;
	case T_IDENTIFIER:
	case T_NOT:
		break;
	default:
		return FAIL_FOUND(err, literal, ", expected: !, identifier, or 'end of string'");
	}
	while (code > 0) {
		struct requirement r = {0};

		code = parse_requirement(parser, &r, err);
		if (code < 0)
			requirement_finish(&r);
		else
			code = kt_selector_add(selector, &r, err);
		if (code < 0)
			return kt_wrap(err, "unable to parse requirement");
		code = parse_separator(parser, err);
	}
	return code;
}

int kt_selector_parse(const char *text, struct kt_selector **ret_selector, struct kt_err *err)
{
	struct parser parser = {text, text + strlen(text)};
	struct kt_selector *selector = kt_new(struct kt_selector);
	int code = parse_all(&parser, selector, err);

	if (code < 0) {
		kt_selector_destroy(selector);
		return code;
	}
	*ret_selector = selector;
	return 0;
}

/* The object forms. */

struct kt_selector *kt_selector_of_map(const json_t *map)
{
	struct kt_selector *selector = kt_new(struct kt_selector);
	json_t *members = (json_t *)(uintptr_t)map;

	for (void *it = json_object_iter(members); it; it = json_object_iter_next(members, it)) {
		const char *value = json_string_value(json_object_iter_value(it));
		struct requirement r = {
		        .key = kt_strdup(json_object_iter_key(it)), .operator= OP_EQUALS };

		add_value(&r, kt_sv_of(value ? value : ""));
		insert_sorted(selector, r);
	}
	return selector;
}

static int add_expression(
        struct kt_selector *selector, const json_t *expression, struct kt_err *err)
{
	static const struct {
		const char *name;
		enum operator operator;
	} operators[] = {{"In", OP_IN}, {"NotIn", OP_NOT_IN}, {"Exists", OP_EXISTS},
	        {"DoesNotExist", OP_NOT_EXISTS}};
	const char *name = kt_jstr(expression, "operator");
	const char *key = kt_jstr(expression, "key");
	const json_t *values = json_object_get(expression, "values");
	struct requirement r = {0};
	size_t i = 0;
	int code;

	while (i < KT_ARRAY_SIZE(operators) && !kt_streq(operators[i].name, name))
		i++;
	if (i == KT_ARRAY_SIZE(operators))
		return kt_fail(err, EINVAL, "\"%s\" is not a valid label selector operator",
		        name ? name : "");
	code = check_key(key ? key : "", err);
	if (code < 0)
		return code;
	r.operator= operators[i].operator;
	r.key = kt_strdup(key);
	for (i = 0; i < json_array_size(values); i++) {
		const char *value = json_string_value(json_array_get(values, i));

		add_value(&r, kt_sv_of(value ? value : ""));
	}
	if ((r.operator== OP_IN || r.operator== OP_NOT_IN) && !r.n_values) {
		requirement_finish(&r);
		return kt_fail(err, EINVAL,
		        "values: Invalid value: []: for 'in', 'notin' operators, values set can't "
		        "be empty");
	}
	return kt_selector_add(selector, &r, err);
}

int kt_selector_of_json(
        const json_t *label_selector, struct kt_selector **ret_selector, struct kt_err *err)
{
	const json_t *expressions = json_object_get(label_selector, "matchExpressions");
	struct kt_selector *selector =
	        kt_selector_of_map(json_object_get(label_selector, "matchLabels"));
	int code = 0;

	selector->nothing = !label_selector || json_is_null(label_selector);
	for (size_t i = 0; code == 0 && i < selector->requirements.n; i++) {
		const struct requirement *r = &selector->requirements.items[i];

		code = check_key(r->key, err);
		if (code == 0)
			code = check_values(r, err);
	}
	for (size_t i = 0; code == 0 && i < json_array_size(expressions); i++)
		code = add_expression(selector, json_array_get(expressions, i), err);
	if (code < 0) {
		kt_selector_destroy(selector);
		return code;
	}
	*ret_selector = selector;
	return 0;
}
