/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Strings: the language's own functions, the strings extension, regex. Indexes count code points.
 */
#include "api/expr/cel_internal.h"

#include "api/machinery/go_text.h"

#include <ctype.h>
#include <errno.h>

#define CALL_ARGS \
	struct cel_run *run, const struct cel_value *args, size_t n, struct cel_value *ret_value

static size_t rune_width(struct kt_sv s, size_t at)
{
	uint32_t cp;
	int n = kt_utf8_decode(s.p + at, s.len - at, &cp);

	return n > 0 ? (size_t)n : 1;
}

static int64_t count_runes(struct kt_sv s)
{
	int64_t n = 0;

	for (size_t i = 0; i < s.len; i += rune_width(s, i))
		n++;
	return n;
}

/* The byte offset of a code point; s.len when past the end. */
static size_t offset_of(struct kt_sv s, int64_t rune)
{
	size_t i = 0;

	for (; rune > 0 && i < s.len; rune--)
		i += rune_width(s, i);
	return i;
}

static const char *find(struct kt_sv s, struct kt_sv needle, size_t from)
{
	if (!needle.len)
		return s.p + from;
	return from < s.len ? memmem(s.p + from, s.len - from, needle.p, needle.len) : NULL;
}

static int charge_for(struct cel_run *run, struct kt_sv s)
{
	return cel_charge(run, s.len / 10 + 1);
}

static int f_size(CALL_ARGS)
{
	(void)n;
	switch (args[0].kind) {
	case CEL_STRING:
		*ret_value = cel_int(count_runes(args[0].s));
		return charge_for(run, args[0].s);
	case CEL_BYTES:
		*ret_value = cel_int((int64_t)args[0].s.len);
		return 0;
	case CEL_LIST:
		*ret_value = cel_int((int64_t)args[0].list->n);
		return 0;
	default:
		*ret_value = cel_int((int64_t)cel_map_size(args[0].map));
		return 0;
	}
}

static int f_contains(CALL_ARGS)
{
	(void)n;
	*ret_value = cel_bool(!args[1].s.len || find(args[0].s, args[1].s, 0));
	return charge_for(run, args[0].s);
}

static int f_starts_with(CALL_ARGS)
{
	struct kt_sv s = args[0].s, part = args[1].s;

	(void)n;
	*ret_value = cel_bool(s.len >= part.len && (!part.len || !memcmp(s.p, part.p, part.len)));
	return charge_for(run, part);
}

static int f_ends_with(CALL_ARGS)
{
	struct kt_sv s = args[0].s, part = args[1].s;

	(void)n;
	*ret_value = cel_bool(s.len >= part.len &&
	                      (!part.len || !memcmp(s.p + s.len - part.len, part.p, part.len)));
	return charge_for(run, part);
}

static int compile(struct cel_run *run, struct kt_sv pattern, struct kt_regex **ret_regex)
{
	kt_auto_err err = KT_ERR_INIT;

	if (kt_regex_compile(pattern, ret_regex, &err) < 0)
		return cel_fail(run, "%s", kt_err_message(&err));
	return cel_charge(run, pattern.len / 4 + 1);
}

static int f_matches(CALL_ARGS)
{
	kt_auto_regex struct kt_regex *regex = NULL;
	size_t start, end;
	int found, code = compile(run, args[1].s, &regex);

	(void)n;
	if (code < 0)
		return code;
	found = kt_regex_find(regex, args[0].s, 0, &start, &end);
	if (found < 0)
		return cel_fail(run, "regular expression takes too many steps");
	*ret_value = cel_bool(found);
	return charge_for(run, args[0].s);
}

static int f_find(CALL_ARGS)
{
	kt_auto_regex struct kt_regex *regex = NULL;
	size_t start = 0, end = 0;
	int found, code = compile(run, args[1].s, &regex);

	(void)n;
	if (code < 0)
		return code;
	found = kt_regex_find(regex, args[0].s, 0, &start, &end);
	if (found < 0)
		return cel_fail(run, "regular expression takes too many steps");
	*ret_value =
	        found ? cel_string(run, args[0].s.p + start, end - start) : cel_string(run, "", 0);
	return charge_for(run, args[0].s);
}

static int f_find_all(CALL_ARGS)
{
	kt_auto_regex struct kt_regex *regex = NULL;
	KT_VEC(struct cel_value) found = {0};
	struct cel_value *items;
	int64_t limit = n > 2 ? args[2].i : -1;
	size_t at = 0, last = SIZE_MAX, start, end;
	int code = compile(run, args[1].s, &regex);

	while (code == 0 && at <= args[0].s.len && (limit < 0 || (int64_t)found.n < limit)) {
		int hit = kt_regex_find(regex, args[0].s, at, &start, &end);

		if (hit < 0)
			code = cel_fail(run, "regular expression takes too many steps");
		if (hit <= 0)
			break;
		/* as Go has it: nothing right behind a match is no match of its own */
		if (end > start || start != last)
			kt_vec_push(&found, cel_string(run, args[0].s.p + start, end - start));
		last = end;
		at = end > start ? end
		                 : end + (end < args[0].s.len ? rune_width(args[0].s, end) : 1);
		code = cel_charge(run, 1);
	}
	*ret_value = cel_list_new(run, found.n, &items);
	if (found.n)
		memcpy(items, found.items, found.n * sizeof(*items));
	kt_vec_finish(&found);
	return code < 0 ? code : charge_for(run, args[0].s);
}

static int f_char_at(CALL_ARGS)
{
	int64_t size = count_runes(args[0].s);
	size_t at;

	(void)n;
	if (args[1].i < 0 || args[1].i > size)
		return cel_fail(run, "index out of range: %lld", (long long)args[1].i);
	at = offset_of(args[0].s, args[1].i);
	*ret_value = args[1].i == size
	                     ? cel_string(run, "", 0)
	                     : cel_string(run, args[0].s.p + at, rune_width(args[0].s, at));
	return charge_for(run, args[0].s);
}

static int f_index_of(CALL_ARGS)
{
	int64_t from = n > 2 ? args[2].i : 0;
	const char *found;

	if (from < 0 || from > count_runes(args[0].s))
		return cel_fail(run, "index out of range: %lld", (long long)from);
	found = args[0].s.len || !args[1].s.len
	                ? find(args[0].s, args[1].s, offset_of(args[0].s, from))
	                : NULL;
	*ret_value = cel_int(
	        found ? count_runes((struct kt_sv){args[0].s.p, (size_t)(found - args[0].s.p)})
	              : -1);
	return charge_for(run, args[0].s);
}

static int f_last_index_of(CALL_ARGS)
{
	int64_t size = count_runes(args[0].s), last = n > 2 ? args[2].i : size, best = -1;
	size_t at = 0;

	if (last < 0 || last > size)
		return cel_fail(run, "index out of range: %lld", (long long)last);
	for (int64_t i = 0; i <= last; i++) {
		if (args[0].s.len - at >= args[1].s.len &&
		        (!args[1].s.len || !memcmp(args[0].s.p + at, args[1].s.p, args[1].s.len)))
			best = i;
		if (at < args[0].s.len)
			at += rune_width(args[0].s, at);
	}
	*ret_value = cel_int(best);
	return charge_for(run, args[0].s);
}

static int map_bytes(
        struct cel_run *run, struct kt_sv s, int (*map)(int), struct cel_value *ret_value)
{
	char *text = kt_arena_alloc(run->arena, s.len + 1);

	for (size_t i = 0; i < s.len; i++)
		text[i] = (unsigned char)s.p[i] < 0x80 ? (char)map((unsigned char)s.p[i]) : s.p[i];
	*ret_value = cel_sv((struct kt_sv){text, s.len});
	return charge_for(run, s);
}

static int f_lower_ascii(CALL_ARGS)
{
	(void)n;
	return map_bytes(run, args[0].s, tolower, ret_value);
}

static int f_upper_ascii(CALL_ARGS)
{
	(void)n;
	return map_bytes(run, args[0].s, toupper, ret_value);
}

static int f_replace(CALL_ARGS)
{
	struct kt_sv s = args[0].s, from = args[1].s, to = args[2].s;
	int64_t left = n > 3 ? args[3].i : -1;
	kt_auto_str out = KT_STR_INIT;
	size_t at = 0;

	while (left && at <= s.len) {
		const char *found = s.len || !from.len ? find(s, from, at) : NULL;
		size_t stop = found ? (size_t)(found - s.p) : s.len, width = from.len;

		if (!found)
			break;
		kt_str_add(&out, s.p + at, stop - at);
		kt_str_add(&out, to.p ? to.p : "", to.len);
		if (cel_charge(run, 1 + to.len / 10) < 0)
			return -EOVERFLOW;
		if (!width && stop < s.len) {
			width = rune_width(s, stop);
			kt_str_add(&out, s.p + stop, width);
		}
		at = stop + (width ? width : 1);
		left -= left > 0;
	}
	if (at < s.len)
		kt_str_add(&out, s.p + at, s.len - at);
	*ret_value = cel_str(run, &out);
	return charge_for(run, s);
}

static int f_split(CALL_ARGS)
{
	struct kt_sv s = args[0].s, separator = args[1].s;
	int64_t limit = n > 2 ? args[2].i : -1;
	KT_VEC(struct cel_value) parts = {0};
	struct cel_value *items;
	size_t at = 0;

	while (limit != 0) {
		const char *found = NULL;
		size_t stop;

		if (limit > 0 && (int64_t)parts.n == limit - 1)
			found = NULL;
		else if (separator.len)
			found = find(s, separator, at);
		else if (at < s.len && at + rune_width(s, at) < s.len)
			found = s.p + at + rune_width(s, at);
		stop = found ? (size_t)(found - s.p) : s.len;
		if (separator.len || s.len)
			kt_vec_push(&parts, cel_string(run, s.p ? s.p + at : "", stop - at));
		if (!found)
			break;
		at = stop + separator.len;
	}
	*ret_value = cel_list_new(run, parts.n, &items);
	if (parts.n)
		memcpy(items, parts.items, parts.n * sizeof(*items));
	kt_vec_finish(&parts);
	return cel_charge(run, s.len / 10 + ret_value->list->n);
}

static int f_substring(CALL_ARGS)
{
	int64_t size = count_runes(args[0].s), start = args[1].i, end = n > 2 ? args[2].i : size;
	size_t from, to;

	if (start < 0 || start > size)
		return cel_fail(run, "index out of range: %lld", (long long)start);
	if (end < 0 || end > size)
		return cel_fail(run, "index out of range: %lld", (long long)end);
	if (start > end)
		return cel_fail(run, "invalid substring range. start: %lld, end: %lld",
		        (long long)start, (long long)end);
	from = offset_of(args[0].s, start);
	to = offset_of(args[0].s, end);
	*ret_value = cel_string(run, args[0].s.p ? args[0].s.p + from : "", to - from);
	return charge_for(run, args[0].s);
}

static int f_trim(CALL_ARGS)
{
	struct kt_sv s = args[0].s;

	(void)n;
	while (s.len && isspace((unsigned char)s.p[0]))
		s = (struct kt_sv){s.p + 1, s.len - 1};
	while (s.len && isspace((unsigned char)s.p[s.len - 1]))
		s.len--;
	*ret_value = cel_sv(s);
	return charge_for(run, args[0].s);
}

static int f_reverse(CALL_ARGS)
{
	struct kt_sv s = args[0].s;
	char *text = kt_arena_alloc(run->arena, s.len + 1);

	(void)n;
	for (size_t i = 0; i < s.len;) {
		size_t width = rune_width(s, i);

		memcpy(text + s.len - i - width, s.p + i, width);
		i += width;
	}
	*ret_value = cel_sv((struct kt_sv){text, s.len});
	return charge_for(run, s);
}

static int f_join(CALL_ARGS)
{
	kt_auto_str out = KT_STR_INIT;

	for (size_t i = 0; i < args[0].list->n; i++) {
		struct cel_value item = cel_list_at(run, args[0].list, i);

		if (item.kind != CEL_STRING)
			return cel_fail(run, "no such overload");
		if (i && n > 1)
			kt_str_add(&out, args[1].s.p ? args[1].s.p : "", args[1].s.len);
		kt_str_add(&out, item.s.p ? item.s.p : "", item.s.len);
		if (cel_charge(run, 1 + item.s.len / 10) < 0)
			return -EOVERFLOW;
	}
	*ret_value = cel_str(run, &out);
	return 0;
}

static int f_quote(CALL_ARGS)
{
	kt_auto_str out = KT_STR_INIT;

	(void)n;
	kt_go_quote(&out, args[0].s);
	*ret_value = cel_str(run, &out);
	return charge_for(run, args[0].s);
}

/* format() */

static int put_formatted(struct cel_run *run, struct kt_str *out, const struct cel_value *value);

static int put_list(struct cel_run *run, struct kt_str *out, const struct cel_list *list)
{
	kt_str_putc(out, '[');
	for (size_t i = 0; i < list->n; i++) {
		struct cel_value item = cel_list_at(run, list, i);

		if (i)
			kt_str_puts(out, ", ");
		if (put_formatted(run, out, &item) < 0)
			return -EINVAL;
	}
	kt_str_putc(out, ']');
	return 0;
}

static int compare_entries(const void *a, const void *b)
{
	const struct cel_value *x = a, *y = b;
	int order = 0;

	cel_compare(&x[0], &y[0], &order);
	return order;
}

static int put_map(struct cel_run *run, struct kt_str *out, const struct cel_map *map)
{
	struct cel_value(*entries)[2] =
	        kt_arena_alloc(run->arena, (cel_map_size(map) + 1) * sizeof(*entries));
	struct cel_map_iter iter = {0};
	size_t n = 0;

	while (n < cel_map_size(map) &&
	        cel_map_next(run, map, &iter, &entries[n][0], &entries[n][1]))
		n++;
	if (n)
		qsort(entries, n, sizeof(*entries), compare_entries);
	kt_str_putc(out, '{');
	for (size_t i = 0; i < n; i++) {
		if (i)
			kt_str_puts(out, ", ");
		if (put_formatted(run, out, &entries[i][0]) < 0)
			return -EINVAL;
		kt_str_puts(out, ": ");
		if (put_formatted(run, out, &entries[i][1]) < 0)
			return -EINVAL;
	}
	kt_str_putc(out, '}');
	return 0;
}

static int put_formatted(struct cel_run *run, struct kt_str *out, const struct cel_value *value)
{
	struct cel_value text;

	if (cel_charge(run, 1) < 0)
		return -EOVERFLOW;
	if (value->kind == CEL_LIST)
		return put_list(run, out, value->list);
	if (value->kind == CEL_MAP)
		return put_map(run, out, value->map);
	if (value->kind == CEL_NULL) {
		kt_str_puts(out, "null");
		return 0;
	}
	if (cel_to_string(run, value, &text) < 0)
		return -EINVAL;
	kt_str_add(out, text.s.p ? text.s.p : "", text.s.len);
	return 0;
}

static int put_base(
        struct cel_run *run, struct kt_str *out, char clause, const struct cel_value *value)
{
	uint64_t u = value->kind == CEL_UINT ? value->u
	             : value->i < 0          ? 0 - (uint64_t)value->i
	                                     : (uint64_t)value->i;

	if (value->kind == CEL_STRING && (clause == 'x' || clause == 'X')) {
		for (size_t i = 0; i < value->s.len; i++)
			kt_str_printf(
			        out, clause == 'x' ? "%02x" : "%02X", (unsigned char)value->s.p[i]);
		return 0;
	}
	if (clause == 'b' && value->kind == CEL_BOOL) {
		kt_str_putc(out, value->b ? '1' : '0');
		return 0;
	}
	if (value->kind != CEL_INT && value->kind != CEL_UINT)
		return cel_fail(run,
		        "error during formatting: only integers can be formatted with %%%c, was "
		        "given %s",
		        clause, cel_kind_name(value->kind));
	if (value->kind == CEL_INT && value->i < 0)
		kt_str_putc(out, '-');
	if (clause == 'b') {
		char digits[65];
		size_t at = sizeof(digits) - 1;

		digits[at] = 0;
		do
			digits[--at] = (char)('0' + (u & 1));
		while (u >>= 1);
		kt_str_puts(out, digits + at);
	} else {
		kt_str_printf(out,
		        clause == 'x'   ? "%llx"
		        : clause == 'X' ? "%llX"
		                        : "%llo",
		        (unsigned long long)u);
	}
	return 0;
}

static int put_clause(struct cel_run *run, struct kt_str *out, char clause, int precision,
        const struct cel_value *value)
{
	double d;

	switch (clause) {
	case 's':
		return put_formatted(run, out, value);
	case 'd':
		if (value->kind != CEL_INT && value->kind != CEL_UINT)
			return cel_fail(run,
			        "error during formatting: decimal clause can only be used on "
			        "integers, was given %s",
			        cel_kind_name(value->kind));
		return put_formatted(run, out, value);
	case 'f':
	case 'e':
		if (value->kind != CEL_DOUBLE && value->kind != CEL_INT)
			return cel_fail(run,
			        "error during formatting: %s clause can only be used on doubles, "
			        "was given %s",
			        clause == 'f' ? "fixed-point" : "scientific",
			        cel_kind_name(value->kind));
		d = value->kind == CEL_INT ? (double)value->i : value->d;
		kt_str_printf(
		        out, clause == 'f' ? "%.*f" : "%.*e", precision < 0 ? 6 : precision, d);
		return 0;
	case 'b':
	case 'x':
	case 'X':
	case 'o':
		return put_base(run, out, clause, value);
	default:
		return cel_fail(run,
		        "error during formatting: unrecognized formatting clause \"%c\"", clause);
	}
}

static int f_format(CALL_ARGS)
{
	kt_auto_str out = KT_STR_INIT;
	struct kt_sv text = args[0].s;
	size_t used = 0;

	(void)n;
	for (size_t i = 0; i < text.len; i++) {
		int precision = -1;
		struct cel_value value;

		if (text.p[i] != '%' || (i + 1 < text.len && text.p[i + 1] == '%')) {
			kt_str_putc(&out, text.p[i]);
			i += text.p[i] == '%';
			continue;
		}
		if (++i < text.len && text.p[i] == '.') {
			for (precision = 0, i++;
			        i < text.len && isdigit((unsigned char)text.p[i]) &&
			        precision < 100;
			        i++)
				precision = precision * 10 + text.p[i] - '0';
		}
		if (i >= text.len)
			return cel_fail(run, "error during formatting: unexpected end of string");
		if (used >= args[1].list->n)
			return cel_fail(
			        run, "error during formatting: index %zu out of range", used);
		value = cel_list_at(run, args[1].list, used++);
		if (put_clause(run, &out, text.p[i], precision, &value) < 0)
			return -EINVAL;
	}
	*ret_value = cel_str(run, &out);
	return cel_charge(run, out.len / 10 + 1);
}

const struct cel_function cel_string_functions[] = {
        {"size", false, "s", "i", f_size},
        {"size", false, "y", "i", f_size},
        {"size", false, "L", "i", f_size},
        {"size", false, "M", "i", f_size},
        {"size", true, "s", "i", f_size},
        {"size", true, "y", "i", f_size},
        {"size", true, "L", "i", f_size},
        {"size", true, "M", "i", f_size},
        {"contains", true, "ss", "b", f_contains},
        {"startsWith", true, "ss", "b", f_starts_with},
        {"endsWith", true, "ss", "b", f_ends_with},
        {"matches", true, "ss", "b", f_matches},
        {"matches", false, "ss", "b", f_matches},
        {"find", true, "ss", "s", f_find},
        {"findAll", true, "ss", "Ls", f_find_all},
        {"findAll", true, "ssi", "Ls", f_find_all},
        {"charAt", true, "si", "s", f_char_at},
        {"lowerAscii", true, "s", "s", f_lower_ascii},
        {"upperAscii", true, "s", "s", f_upper_ascii},
        {"replace", true, "sss", "s", f_replace},
        {"replace", true, "sssi", "s", f_replace},
        {"split", true, "ss", "Ls", f_split},
        {"split", true, "ssi", "Ls", f_split},
        {"substring", true, "si", "s", f_substring},
        {"substring", true, "sii", "s", f_substring},
        {"trim", true, "s", "s", f_trim},
        {"join", true, "L", "s", f_join},
        {"join", true, "Ls", "s", f_join},
        {"strings.quote", false, "s", "s", f_quote},
        {"format", true, "sL", "s", f_format},
        {0},
};

/* Names that lists have as well live in one run of the table of lists. */
int cel_string_index_of(CALL_ARGS)
{
	return f_index_of(run, args, n, ret_value);
}

int cel_string_last_index_of(CALL_ARGS)
{
	return f_last_index_of(run, args, n, ret_value);
}

int cel_string_reverse(CALL_ARGS)
{
	return f_reverse(run, args, n, ret_value);
}
