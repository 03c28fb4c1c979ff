/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parser. Reasons read as those of Go's encoding/json: they end up in Status messages. */
#include "base/json.h"

#include "base/json_lex.h"
#include "base/log.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdatomic.h>

/* Where in the document the parser is; only read when a duplicate key is reported. */
struct frame {
	const struct frame *parent;
	struct kt_sv key;
	size_t index;
	bool is_array;
};

struct parser {
	const char *start, *p, *end;
	const struct kt_json_parse_options *options;
	int depth_left;
	struct kt_err *err;
};

static json_t *parse_value(struct parser *ps, const struct frame *at);

static void position_of(
        const struct parser *ps, const char *at, unsigned *ret_line, unsigned *ret_col)
{
	unsigned line = 1, column = 1;

	for (const char *p = ps->start; p < at; p++) {
		if (*p == '\n') {
			line++;
			column = 1;
		} else if (((unsigned char)*p & 0xc0) != 0x80) {
			column++;
		}
	}
	*ret_line = line;
	*ret_col = column;
}

static json_t *fail_at(struct parser *ps, const char *at, const char *reason)
{
	unsigned line, column;

	if (!ps->err)
		return NULL;
	position_of(ps, at, &line, &column);
	kt_fail(ps->err, EINVAL, "line %u, column %u: %s", line, column, reason);
	return NULL;
}

/* "invalid character 'x' CONTEXT", or the end of input. */
static json_t *fail_char(struct parser *ps, const char *at, const char *context)
{
	unsigned char c;
	char quoted[8], reason[96];

	if (at >= ps->end)
		return fail_at(ps, ps->end, "unexpected end of JSON input");
	c = (unsigned char)*at;
	if (c == '\n' || c == '\r' || c == '\t')
		snprintf(quoted, sizeof(quoted), "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
	else if (c < 0x20 || c >= 0x7f)
		snprintf(quoted, sizeof(quoted), "\\x%02x", c);
	else
		snprintf(quoted, sizeof(quoted), c == '\'' || c == '\\' ? "\\%c" : "%c", c);
	snprintf(reason, sizeof(reason), "invalid character '%s' %s", quoted, context);
	return fail_at(ps, at, reason);
}

static void add_path(struct kt_str *out, const struct frame *at)
{
	if (!at)
		return;
	add_path(out, at->parent);
	if (at->is_array) {
		kt_str_printf(out, "[%zu]", at->index);
		return;
	}
	if (out->len)
		kt_str_putc(out, '.');
	kt_str_add(out, at->key.p, at->key.len);
}

static void report_duplicate(struct parser *ps, const struct frame *at)
{
	kt_auto_str path = {0};

	if (!ps->options || !ps->options->on_duplicate)
		return;
	add_path(&path, at);
	ps->options->on_duplicate(ps->options->arg, kt_str_text(&path));
}

/*
 * Reads a string literal at ps->p. Without escapes *ret_text is a slice of the input; with escapes
 * it is *ret_owned, which the caller frees.
 */
static bool parse_string(struct parser *ps, struct kt_sv *ret_text, char **ret_owned)
{
	const char *body = ps->p + 1, *p = body;

	for (;;) {
		uint32_t cp;
		p = json_skip_plain(p, ps->end);
		if (p >= ps->end)
			return fail_char(ps, p, ""), false;
		if (*p == '"') {
			*ret_text = (struct kt_sv){body, (size_t)(p - body)};
			ps->p = p + 1;
			return true;
		}
		if (*p == '\\')
			break;
		if ((unsigned char)*p < 0x20)
			return fail_char(ps, p, "in string literal"), false;
		int n = kt_utf8_decode(p, (size_t)(ps->end - p), &cp);
		if (n < 0)
			return fail_at(ps, p, "invalid UTF-8 in string literal"), false;
		p += n;
	}
	bool escapes;
	const char *reason, *close = json_skip_string(p, ps->end, &escapes);
	if (close >= ps->end)
		return fail_char(ps, ps->end, ""), false;
	kt_auto_str text = {0};
	kt_str_reserve(&text, (size_t)(close - body));
	const char *fault = json_unescape(&text, body, close, &reason);
	if (fault)
		return fail_at(ps, fault, reason), false;
	ps->p = close + 1;
	ret_text->len = text.len;
	ret_text->p = *ret_owned = kt_str_steal(&text);
	return true;
}

static json_t *parse_string_value(struct parser *ps)
{
	kt_auto_free char *owned = NULL;
	struct kt_sv text;

	if (!parse_string(ps, &text, &owned))
		return NULL;
	return json_stringn_nocheck(text.p, text.len);
}

static bool is_digit(const struct parser *ps, const char *p)
{
	return p < ps->end && *p >= '0' && *p <= '9';
}

/* Fraction and exponent; the integer part ends at p. */
static json_t *parse_real(struct parser *ps, const char *start, const char *p)
{
	if (p < ps->end && *p == '.') {
		if (!is_digit(ps, ++p))
			return fail_char(ps, p, "after decimal point in numeric literal");
		while (is_digit(ps, p))
			p++;
	}
	if (p < ps->end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < ps->end && (*p == '+' || *p == '-'))
			p++;
		if (!is_digit(ps, p))
			return fail_char(ps, p, "in exponent of numeric literal");
		while (is_digit(ps, p))
			p++;
	}
	double value = json_text_to_double(start, (size_t)(p - start));
	if (!isfinite(value))
		return fail_at(ps, start, "number is out of range");
	ps->p = p;
	/* A negative zero would be an integer, and positive, when its text is read again. */
	return json_real(value == 0 ? 0 : value);
}

static json_t *parse_number(struct parser *ps)
{
	const char *start = ps->p, *p = start;
	bool negative = *p == '-', fits = true;
	uint64_t limit = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
	uint64_t value = 0;

	p += negative;
	if (!is_digit(ps, p))
		return fail_char(ps, p, "in numeric literal");
	if (*p == '0') {
		p++;
		if (is_digit(ps, p))
			return fail_char(ps, p, "after a leading zero in numeric literal");
	}
	for (; is_digit(ps, p); p++) {
		unsigned digit = (unsigned)(*p - '0');
		fits = fits && value <= (limit - digit) / 10;
		value = value * 10 + digit;
	}
	if (!fits || (p < ps->end && (*p == '.' || *p == 'e' || *p == 'E')))
		return parse_real(ps, start, p);
	ps->p = p;
	return json_integer(negative ? (json_int_t)(0 - value) : (json_int_t)value);
}

static json_t *parse_literal(struct parser *ps, const char *word, json_t *value)
{
	size_t len = strlen(word);
	size_t left = (size_t)(ps->end - ps->p);
	char context[48];

	for (size_t i = 0; i < len; i++) {
		if (i < left && ps->p[i] == word[i])
			continue;
		snprintf(context, sizeof(context), "in literal %s (expecting '%c')", word, word[i]);
		return fail_char(ps, ps->p + i, context);
	}
	ps->p += len;
	return value;
}

static json_t *parse_array(struct parser *ps, const struct frame *parent)
{
	kt_auto_json json_t *array = json_array();
	struct frame at = {.parent = parent, .is_array = true};

	ps->p = json_skip_space(ps->p + 1, ps->end);
	if (ps->p < ps->end && *ps->p == ']') {
		ps->p++;
		return kt_steal(&array);
	}
	for (;; at.index++) {
		json_t *value = parse_value(ps, &at);
		if (!value)
			return NULL;
		if (json_array_append_new(array, value) < 0)
			kt_assert(!"out of memory");
		ps->p = json_skip_space(ps->p, ps->end);
		if (ps->p < ps->end && *ps->p == ']') {
			ps->p++;
			return kt_steal(&array);
		}
		if (ps->p >= ps->end || *ps->p != ',')
			return fail_char(ps, ps->p, "after array element");
		ps->p++;
	}
}

/* One `"key": value`, ps->p at the quote. */
static bool parse_member(struct parser *ps, const struct frame *parent, json_t *object)
{
	kt_auto_free char *owned = NULL;
	struct frame at = {.parent = parent};

	if (ps->p >= ps->end || *ps->p != '"')
		return fail_char(ps, ps->p, "looking for beginning of object key string"), false;
	const char *key_at = ps->p;
	if (!parse_string(ps, &at.key, &owned))
		return false;
	if (owned && memchr(at.key.p, '\0', at.key.len))
		return fail_at(ps, key_at, "\\u0000 is not allowed in an object key"), false;
	ps->p = json_skip_space(ps->p, ps->end);
	if (ps->p >= ps->end || *ps->p != ':')
		return fail_char(ps, ps->p, "after object key"), false;
	ps->p++;
	json_t *value = parse_value(ps, &at);
	if (!value)
		return false;
	size_t before = json_object_size(object);
	if (json_object_setn_new_nocheck(object, at.key.p, at.key.len, value) < 0)
		kt_assert(!"out of memory");
	if (json_object_size(object) == before)
		report_duplicate(ps, &at);
	return true;
}

static json_t *parse_object(struct parser *ps, const struct frame *parent)
{
	kt_auto_json json_t *object = json_object();

	ps->p = json_skip_space(ps->p + 1, ps->end);
	if (ps->p < ps->end && *ps->p == '}') {
		ps->p++;
		return kt_steal(&object);
	}
	for (;;) {
		ps->p = json_skip_space(ps->p, ps->end);
		if (!parse_member(ps, parent, object))
			return NULL;
		ps->p = json_skip_space(ps->p, ps->end);
		if (ps->p < ps->end && *ps->p == '}') {
			ps->p++;
			return kt_steal(&object);
		}
		if (ps->p >= ps->end || *ps->p != ',')
			return fail_char(ps, ps->p, "after object key:value pair");
		ps->p++;
	}
}

static json_t *parse_nested(struct parser *ps, const struct frame *at)
{
	json_t *value;

	if (ps->depth_left == 0)
		return fail_at(ps, ps->p, "exceeded max depth");
	ps->depth_left--;
	value = *ps->p == '{' ? parse_object(ps, at) : parse_array(ps, at);
	ps->depth_left++;
	return value;
}

static json_t *parse_value(struct parser *ps, const struct frame *at)
{
	ps->p = json_skip_space(ps->p, ps->end);
	if (ps->p >= ps->end)
		return fail_char(ps, ps->p, "");
	switch (*ps->p) {
	case '{':
	case '[':
		return parse_nested(ps, at);
	case '"':
		return parse_string_value(ps);
	case 't':
		return parse_literal(ps, "true", json_true());
	case 'f':
		return parse_literal(ps, "false", json_false());
	case 'n':
		return parse_literal(ps, "null", json_null());
	case '-':
	case '0':
	case '1':
	case '2':
	case '3':
	case '4':
	case '5':
	case '6':
	case '7':
	case '8':
	case '9':
		return parse_number(ps);
	default:
		return fail_char(ps, ps->p, "looking for beginning of value");
	}
}

json_t *kt_json_parse(
        struct kt_sv text, const struct kt_json_parse_options *options, struct kt_err *err)
{
	struct parser ps = {
	        .start = text.p,
	        .p = text.p,
	        .end = text.p + text.len,
	        .options = options,
	        .depth_left =
	                options && options->depth_max ? options->depth_max : KT_JSON_DEPTH_MAX,
	        .err = err,
	};

	if (text.len == 0)
		return fail_at(&ps, ps.end, "unexpected end of JSON input");
	kt_auto_json json_t *value = parse_value(&ps, NULL);
	if (!value)
		return NULL;
	ps.p = json_skip_space(ps.p, ps.end);
	if (ps.p < ps.end)
		return fail_char(&ps, ps.p, "after top-level value");
	return kt_steal(&value);
}
