/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/expr/gotemplate_internal.h"

#include "api/machinery/go_text.h"

#include <ctype.h>
#include <errno.h>

bool gt_truth(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return json_object_size(value) > 0;
	case JSON_ARRAY:
		return json_array_size(value) > 0;
	case JSON_STRING:
		return json_string_length(value) > 0;
	case JSON_INTEGER:
		return json_integer_value(value) != 0;
	case JSON_REAL:
		return json_real_value(value) != 0;
	case JSON_TRUE:
		return true;
	default:
		return false;
	}
}

void gt_print(struct kt_str *out, const json_t *value)
{
	if (json_is_null(value))
		kt_str_puts(out, "<no value>");
	else
		kt_go_percent_v(out, value);
}

static const char *type_name(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "map[string]interface {}";
	case JSON_ARRAY:
		return "[]interface {}";
	case JSON_STRING:
		return "string";
	case JSON_INTEGER:
		return "int";
	case JSON_REAL:
		return "float64";
	case JSON_TRUE:
	case JSON_FALSE:
		return "bool";
	default:
		return "<nil>";
	}
}

static json_t *text_value(struct kt_str *text)
{
	/* %c and slices may cut a character */
	json_t *value = json_stringn(kt_str_text(text), text->len);

	return value ? value : json_string("");
}

/* print: blanks between two that are no strings. */
static void print_all(struct kt_str *out, json_t *const *args, size_t n, bool line)
{
	for (size_t i = 0; i < n; i++) {
		if (i && (line || (!json_is_string(args[i]) && !json_is_string(args[i - 1]))))
			kt_str_putc(out, ' ');
		if (json_is_null(args[i]))
			kt_str_puts(out, "<nil>");
		else
			kt_go_percent_v(out, args[i]);
	}
	if (line)
		kt_str_putc(out, '\n');
}

/* printf */

#define WIDTH_MAX 1000 /* Go's is a million; nobody's screen is */

struct spec {
	bool minus, plus, zero, sharp, blank;
	int width, precision; /* -1: none */
	char verb;
};

static const char *read_spec(const char *p, struct spec *spec)
{
	*spec = (struct spec){.width = -1, .precision = -1};
	for (; *p && strchr("-+0# ", *p); p++) {
		spec->minus |= *p == '-';
		spec->plus |= *p == '+';
		spec->zero |= *p == '0';
		spec->sharp |= *p == '#';
		spec->blank |= *p == ' ';
	}
	for (; isdigit((unsigned char)*p); p++)
		spec->width = KT_MIN(KT_MAX(spec->width, 0) * 10 + *p - '0', WIDTH_MAX);
	if (*p == '.') {
		spec->precision = 0;
		for (p++; isdigit((unsigned char)*p); p++)
			spec->precision = KT_MIN(spec->precision * 10 + *p - '0', WIDTH_MAX);
	}
	spec->verb = *p;
	return *p ? p + 1 : p;
}

static void pad(struct kt_str *out, const struct spec *spec, const char *text, size_t len)
{
	size_t width = 0;
	uint32_t cp;

	for (size_t i = 0; i < len; width++) {
		int n = kt_utf8_decode(text + i, len - i, &cp);

		i += n > 0 ? (size_t)n : 1;
	}
	int blanks = KT_MAX(spec->width - (int)width, 0);

	if (!spec->minus)
		for (int i = 0; i < blanks; i++)
			kt_str_putc(out, spec->zero ? '0' : ' ');
	kt_str_add(out, text, len);
	if (spec->minus)
		for (int i = 0; i < blanks; i++)
			kt_str_putc(out, ' ');
}

static void format_integer(struct kt_str *out, const struct spec *spec, long long value)
{
	unsigned long long size =
	        value < 0 ? 0ULL - (unsigned long long)value : (unsigned long long)value;
	const char *sign = value < 0 ? "-" : spec->plus ? "+" : spec->blank ? " " : "";
	kt_auto_str text = KT_STR_INIT;
	struct spec plain = *spec;

	switch (spec->verb) {
	case 'x':
		kt_str_printf(&text, spec->sharp ? "0x%llx" : "%llx", size);
		break;
	case 'X':
		kt_str_printf(&text, spec->sharp ? "0X%llX" : "%llX", size);
		break;
	case 'o':
		kt_str_printf(&text, spec->sharp ? "0%llo" : "%llo", size);
		break;
	case 'b':
		for (int bit = 63; bit >= 0; bit--)
			if (size >> bit || !bit)
				kt_str_putc(&text, (size >> bit) & 1 ? '1' : '0');
		break;
	default:
		kt_str_printf(&text, "%llu", size);
	}
	if (spec->zero && !spec->minus) {
		kt_str_puts(out, sign);
		plain.width -= (int)strlen(sign);
		pad(out, &plain, kt_str_text(&text), text.len);
		return;
	}
	kt_auto_free char *whole = kt_asprintf("%s%s", sign, kt_str_text(&text));

	plain.zero = false;
	pad(out, &plain, whole, strlen(whole));
}

static void format_real(struct kt_str *out, const struct spec *spec, double value)
{
	const char format[] = {'%', spec->plus ? '+' : '-', '.', '*', spec->verb, '\0'};
	char text[1400];

	if (spec->verb == 'g' && spec->precision < 0) {
		kt_auto_str shortest = KT_STR_INIT;

		kt_go_float(&shortest, value);
		pad(out, spec, kt_str_text(&shortest), shortest.len);
		return;
	}
	_Pragma("GCC diagnostic push");
	_Pragma("GCC diagnostic ignored \"-Wformat-nonliteral\"");
	snprintf(text, sizeof(text), format, spec->precision < 0 ? 6 : spec->precision, value);
	_Pragma("GCC diagnostic pop");
	pad(out, spec, text, strlen(text));
}

static void format_string(struct kt_str *out, const struct spec *spec, const json_t *arg)
{
	struct kt_sv text = {json_string_value(arg), json_string_length(arg)};
	kt_auto_str changed = KT_STR_INIT;
	struct spec plain = *spec;

	plain.zero = false;
	if (spec->precision >= 0 && strchr("svq", spec->verb)) {
		size_t cut = 0;
		uint32_t cp;

		for (int i = 0; i < spec->precision && cut < text.len; i++)
			cut += (size_t)KT_MAX(kt_utf8_decode(text.p + cut, text.len - cut, &cp), 1);
		text.len = cut;
	}
	if (spec->verb == 'q')
		kt_go_quote(&changed, text);
	else if (spec->verb == 'x' || spec->verb == 'X')
		for (size_t i = 0; i < text.len; i++)
			kt_str_printf(&changed, spec->verb == 'x' ? "%02x" : "%02X",
			        (unsigned char)text.p[i]);
	else
		kt_str_add(&changed, text.p, text.len);
	pad(out, &plain, kt_str_text(&changed), changed.len);
}

static void format_bad(struct kt_str *out, char verb, const json_t *arg)
{
	if (json_is_null(arg)) {
		kt_str_printf(out, "%%!%c(<nil>)", verb);
		return;
	}
	kt_str_printf(out, "%%!%c(%s=", verb, type_name(arg));
	kt_go_percent_v(out, arg);
	kt_str_putc(out, ')');
}

static void format_value(struct kt_str *out, const struct spec *spec, const json_t *arg)
{
	kt_auto_str text = KT_STR_INIT;
	char utf8[4];

	if (spec->verb == 'v' && !json_is_string(arg) && !json_is_integer(arg)) {
		if (json_is_null(arg))
			kt_str_puts(&text, "<nil>");
		else
			kt_go_percent_v(&text, arg);
		pad(out, spec, kt_str_text(&text), text.len);
	} else if (json_is_string(arg) && strchr("svqxX", spec->verb)) {
		format_string(out, spec, arg);
	} else if (json_is_integer(arg) && strchr("dvxXob", spec->verb)) {
		format_integer(out, spec, json_integer_value(arg));
	} else if (json_is_integer(arg) && spec->verb == 'c') {
		pad(out, spec, utf8,
		        kt_utf8_encode((uint32_t)KT_MIN(KT_MAX(json_integer_value(arg), 0),
		                               (json_int_t)0xd7ff),
		                utf8));
	} else if (json_is_real(arg) && strchr("feEgG", spec->verb)) {
		format_real(out, spec, json_real_value(arg));
	} else if (json_is_boolean(arg) && spec->verb == 't') {
		const char *word = json_is_true(arg) ? "true" : "false";

		pad(out, spec, word, strlen(word));
	} else {
		format_bad(out, spec->verb, arg);
	}
}

static void format_all(struct kt_str *out, json_t *const *args, size_t n)
{
	const char *p = json_string_value(args[0]);
	size_t next = 1;

	while (*p) {
		struct spec spec;

		if (*p != '%') {
			kt_str_putc(out, *p++);
			continue;
		}
		p = read_spec(p + 1, &spec);
		if (!spec.verb)
			kt_str_puts(out, "%!(NOVERB)");
		else if (spec.verb == '%')
			kt_str_putc(out, '%');
		else if (next >= n)
			kt_str_printf(out, "%%!%c(MISSING)", spec.verb);
		else
			format_value(out, &spec, args[next++]);
	}
	if (next < n)
		kt_str_puts(out, "%!(EXTRA ");
	for (size_t i = next; i < n; i++) {
		kt_str_printf(out, "%s%s=", i > next ? ", " : "", type_name(args[i]));
		kt_go_percent_v(out, args[i]);
	}
	if (next < n)
		kt_str_putc(out, ')');
}

/* Comparison */

/* Integers and reals are different kinds; 2: they cannot be compared. */
static int compare(const json_t *a, const json_t *b)
{
	if (json_is_string(a) && json_is_string(b))
		return KT_MAX(-1, KT_MIN(1, strcmp(json_string_value(a), json_string_value(b))));
	if (json_is_integer(a) && json_is_integer(b))
		return (json_integer_value(a) > json_integer_value(b)) -
		       (json_integer_value(a) < json_integer_value(b));
	if (json_is_real(a) && json_is_real(b))
		return (json_real_value(a) > json_real_value(b)) -
		       (json_real_value(a) < json_real_value(b));
	return 2;
}

static json_t *equal(json_t *const *args, size_t n, struct kt_err *err)
{
	bool found = false;

	for (size_t i = 1; i < n && !found; i++) {
		if (json_is_null(args[0]) || json_is_null(args[i])) {
			found = json_is_null(args[0]) && json_is_null(args[i]);
		} else if (json_is_boolean(args[0]) && json_is_boolean(args[i])) {
			found = json_is_true(args[0]) == json_is_true(args[i]);
		} else if (compare(args[0], args[i]) == 2) {
			kt_fail(err, EINVAL,
			        "error calling eq: incompatible types for comparison: %s and %s",
			        type_name(args[0]), type_name(args[i]));
			return NULL;
		} else {
			found = compare(args[0], args[i]) == 0;
		}
	}
	return json_boolean(found);
}

static json_t *order(const char *name, json_t *const *args, struct kt_err *err)
{
	int r = compare(args[0], args[1]);

	if (r == 2) {
		if (json_typeof(args[0]) == json_typeof(args[1]))
			kt_fail(err, EINVAL, "error calling %s: invalid type for comparison", name);
		else
			kt_fail(err, EINVAL,
			        "error calling %s: incompatible types for comparison: %s and %s",
			        name, type_name(args[0]), type_name(args[1]));
		return NULL;
	}
	if (name[1] == 'e')
		return json_boolean(name[0] == 'l' ? r <= 0 : r >= 0);
	return json_boolean(name[0] == 'l' ? r < 0 : r > 0);
}

/* len, index, slice */

static json_t *length(const json_t *value, struct kt_err *err)
{
	if (json_is_string(value))
		return json_integer((json_int_t)json_string_length(value));
	if (json_is_array(value))
		return json_integer((json_int_t)json_array_size(value));
	if (json_is_object(value))
		return json_integer((json_int_t)json_object_size(value));
	if (json_is_null(value))
		kt_fail(err, EINVAL, "error calling len: len of nil pointer");
	else
		kt_fail(err, EINVAL, "error calling len: len of type %s",
		        json_is_integer(value) ? "int64" : type_name(value));
	return NULL;
}

static json_t *element(json_t *value, const json_t *key, struct kt_err *err)
{
	size_t n = json_is_string(value) ? json_string_length(value) : json_array_size(value);
	json_int_t at = json_integer_value(key);

	if (json_is_object(value)) {
		json_t *found =
		        json_is_string(key) ? json_object_get(value, json_string_value(key)) : NULL;

		if (json_is_string(key))
			return found ? json_incref(found) : json_null();
		kt_fail(err, EINVAL, "error calling index: value has type %s; should be string",
		        type_name(key));
	} else if (json_is_null(value)) {
		kt_fail(err, EINVAL, "error calling index: index of untyped nil");
	} else if (!json_is_array(value) && !json_is_string(value)) {
		kt_fail(err, EINVAL, "error calling index: can't index item of type %s",
		        type_name(value));
	} else if (!json_is_integer(key)) {
		kt_fail(err, EINVAL, "error calling index: cannot index slice/array with type %s",
		        type_name(key));
	} else if (at < 0 || (size_t)at >= n) {
		kt_fail(err, EINVAL, "error calling index: index out of range: %lld",
		        (long long)at);
	} else {
		return json_is_string(value)
		               ? json_integer((unsigned char)json_string_value(value)[at])
		               : json_incref(json_array_get(value, (size_t)at));
	}
	return NULL;
}

static json_t *index_of(json_t *const *args, size_t n, struct kt_err *err)
{
	json_t *value = json_incref(args[0]);

	for (size_t i = 1; i < n && value; i++) {
		json_t *inner = element(value, args[i], err);

		json_decref(value);
		value = inner;
	}
	return value;
}

static json_t *slice_of(json_t *const *args, size_t n, struct kt_err *err)
{
	bool text = json_is_string(args[0]);
	size_t all = text ? json_string_length(args[0]) : json_array_size(args[0]);
	json_int_t bounds[2] = {0, (json_int_t)all};

	if (!text && !json_is_array(args[0])) {
		kt_fail(err, EINVAL, "error calling slice: can't slice item of type %s",
		        type_name(args[0]));
		return NULL;
	}
	for (size_t i = 1; i < n && i < 3; i++) {
		bounds[i - 1] = json_integer_value(args[i]);
		if (!json_is_integer(args[i]) || bounds[i - 1] < 0 || (size_t)bounds[i - 1] > all) {
			kt_fail(err, EINVAL, "error calling slice: index out of range: %lld",
			        (long long)bounds[i - 1]);
			return NULL;
		}
	}
	if (bounds[0] > bounds[1]) {
		kt_fail(err, EINVAL, "error calling slice: invalid slice index: %lld > %lld",
		        (long long)bounds[0], (long long)bounds[1]);
		return NULL;
	}
	if (text) {
		kt_auto_str cut = KT_STR_INIT;

		kt_str_add(&cut, json_string_value(args[0]) + bounds[0],
		        (size_t)(bounds[1] - bounds[0]));
		return text_value(&cut);
	}
	json_t *list = json_array();

	for (json_int_t i = bounds[0]; i < bounds[1]; i++)
		json_array_append(list, json_array_get(args[0], (size_t)i));
	return list;
}

/* Escaping */

static void escape_html(struct kt_str *out, struct kt_sv text)
{
	for (size_t i = 0; i < text.len; i++) {
		switch (text.p[i]) {
		case '<':
			kt_str_puts(out, "&lt;");
			break;
		case '>':
			kt_str_puts(out, "&gt;");
			break;
		case '&':
			kt_str_puts(out, "&amp;");
			break;
		case '"':
			kt_str_puts(out, "&#34;");
			break;
		case '\'':
			kt_str_puts(out, "&#39;");
			break;
		default:
			kt_str_putc(out, text.p[i]);
		}
	}
}

static void escape_js(struct kt_str *out, struct kt_sv text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c == '\\' || c == '\'' || c == '"')
			kt_str_printf(out, "\\%c", c);
		else if (c < 0x20 || strchr("<>&=", c))
			kt_str_printf(out, "\\u%04X", c);
		else
			kt_str_putc(out, (char)c);
	}
}

static void escape_query(struct kt_str *out, struct kt_sv text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (isalnum(c) || strchr("-_.~", c))
			kt_str_putc(out, (char)c);
		else if (c == ' ')
			kt_str_putc(out, '+');
		else
			kt_str_printf(out, "%%%02X", c);
	}
}

static json_t *escape(const char *name, json_t *const *args, size_t n)
{
	kt_auto_str plain = KT_STR_INIT, out = KT_STR_INIT;

	print_all(&plain, args, n, false);
	struct kt_sv text = {kt_str_text(&plain), plain.len};

	if (!strcmp(name, "html"))
		escape_html(&out, text);
	else if (!strcmp(name, "js"))
		escape_js(&out, text);
	else
		escape_query(&out, text);
	return text_value(&out);
}

/* kubectl's own */

static json_t *exists(json_t *const *args, size_t n)
{
	json_t *value = args[0];

	for (size_t i = 1; i < n && value; i++) {
		value = json_is_object(value) && json_is_string(args[i])
		                ? json_object_get(value, json_string_value(args[i]))
		        : json_is_array(value) && json_is_integer(args[i]) &&
		                        json_integer_value(args[i]) >= 0
		                ? json_array_get(value, (size_t)json_integer_value(args[i]))
		                : NULL;
	}
	return json_boolean(value && !json_is_null(value));
}

static json_t *decode(const json_t *value, struct kt_err *err)
{
	kt_auto_str out = KT_STR_INIT;

	if (!json_is_string(value) ||
	        kt_base64_decode(&out, kt_sv_of(json_string_value(value))) < 0) {
		kt_fail(err, EINVAL, "error calling base64decode: illegal base64 data");
		return NULL;
	}
	json_t *text = json_stringn(kt_str_text(&out), out.len);

	if (!text)
		kt_fail(err, EINVAL, "error calling base64decode: the data is no text");
	return text;
}

static const struct {
	const char *name;
	size_t min, max; /* arguments; max 0: any number */
} FUNCTIONS[] = {
        {"and", 1, 0},
        {"base64decode", 1, 1},
        {"eq", 1, 0},
        {"exists", 1, 0},
        {"ge", 2, 2},
        {"gt", 2, 2},
        {"html", 0, 0},
        {"index", 1, 0},
        {"js", 0, 0},
        {"le", 2, 2},
        {"len", 1, 1},
        {"lt", 2, 2},
        {"ne", 2, 2},
        {"not", 1, 1},
        {"or", 1, 0},
        {"print", 0, 0},
        {"printf", 1, 0},
        {"println", 0, 0},
        {"slice", 1, 0},
        {"urlquery", 0, 0},
};

bool gt_is_function(const char *name)
{
	for (size_t i = 0; i < KT_ARRAY_SIZE(FUNCTIONS); i++)
		if (!strcmp(FUNCTIONS[i].name, name))
			return true;
	return false;
}

static int check_count(const char *name, size_t n, struct kt_err *err)
{
	for (size_t i = 0; i < KT_ARRAY_SIZE(FUNCTIONS); i++) {
		size_t min = FUNCTIONS[i].min, max = FUNCTIONS[i].max;

		if (strcmp(FUNCTIONS[i].name, name) != 0 || (n >= min && (!max || n <= max)))
			continue;
		return kt_fail(err, EINVAL, "wrong number of args for %s: want %s%zu got %zu", name,
		        max ? "" : "at least ", min, n);
	}
	return 0;
}

static json_t *print_call(const char *name, json_t *const *args, size_t n, struct kt_err *err)
{
	kt_auto_str out = KT_STR_INIT;

	if (strcmp(name, "printf") != 0) {
		print_all(&out, args, n, !strcmp(name, "println"));
	} else if (json_is_string(args[0])) {
		format_all(&out, args, n);
	} else {
		kt_fail(err, EINVAL, "wrong type for value; expected string; got %s",
		        type_name(args[0]));
		return NULL;
	}
	return text_value(&out);
}

json_t *gt_call(const char *name, json_t *const *args, size_t n, struct kt_err *err)
{
	if (check_count(name, n, err) < 0)
		return NULL;
	if (kt_starts_with(name, "print"))
		return print_call(name, args, n, err);
	if (!strcmp(name, "not"))
		return json_boolean(!gt_truth(args[0]));
	if (!strcmp(name, "len"))
		return length(args[0], err);
	if (!strcmp(name, "index"))
		return index_of(args, n, err);
	if (!strcmp(name, "slice"))
		return slice_of(args, n, err);
	if (!strcmp(name, "exists"))
		return exists(args, n);
	if (!strcmp(name, "base64decode"))
		return decode(args[0], err);
	if (!strcmp(name, "eq"))
		return equal(args, n, err);
	if (!strcmp(name, "ne")) {
		json_t *same = equal(args, n, err);

		return same ? json_boolean(!json_is_true(same)) : NULL;
	}
	if (strchr("lg", name[0]) && strlen(name) == 2)
		return order(name, args, err);
	return escape(name, args, n);
}
