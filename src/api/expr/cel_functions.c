/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Looking functions up; operators and conversions of the language itself. */
#include "api/expr/cel_internal.h"

#include "api/machinery/go_text.h"
#include "base/time.h"

#include <errno.h>
#include <math.h>

#define NO_OVERLOAD "no such overload"

const struct cel_function *cel_function_find(const char *name, bool member)
{
	const struct cel_function *const tables[] = {cel_operators, cel_conversions,
	        cel_string_functions, cel_list_functions, cel_kubernetes_functions,
	        cel_time_functions, cel_url_functions, cel_authorizer_functions};

	for (size_t i = 0; i < KT_ARRAY_SIZE(tables); i++)
		for (const struct cel_function *f = tables[i]; f->name; f++)
			if (f->member == member && !strcmp(f->name, name))
				return f;
	return NULL;
}

bool cel_code_kind(char code, enum cel_kind *ret_kind)
{
	static const char letters[] = "biudsytDnTqUPCVFapgre";
	static const enum cel_kind kinds[] = {CEL_BOOL, CEL_INT, CEL_UINT, CEL_DOUBLE, CEL_STRING,
	        CEL_BYTES, CEL_TIMESTAMP, CEL_DURATION, CEL_NULL, CEL_TYPE, CEL_QUANTITY, CEL_URL,
	        CEL_IP, CEL_CIDR, CEL_SEMVER, CEL_FORMAT, CEL_AUTHORIZER, CEL_PATH_CHECK,
	        CEL_GROUP_CHECK, CEL_RESOURCE_CHECK, CEL_DECISION};
	const char *known = code ? strchr(letters, code) : NULL;

	if (known)
		*ret_kind = kinds[known - letters];
	return known != NULL;
}

bool cel_code_fits(char code, enum cel_kind kind)
{
	enum cel_kind wanted;

	if (cel_code_kind(code, &wanted))
		return kind == wanted;
	switch (code) {
	case 'L':
		return kind == CEL_LIST;
	case 'M':
		return kind == CEL_MAP || kind == CEL_OBJECT;
	case 'o':
		return kind == CEL_OPTIONAL;
	default:
		return true;
	}
}

/* Operators. */

static int op_equal(
        struct cel_run *run, const struct cel_value *args, size_t n, struct cel_value *ret_value)
{
	(void)n;
	*ret_value = cel_bool(cel_equal(run, &args[0], &args[1]));
	return cel_charge(run, 0);
}

static int op_not_equal(
        struct cel_run *run, const struct cel_value *args, size_t n, struct cel_value *ret_value)
{
	(void)n;
	*ret_value = cel_bool(!cel_equal(run, &args[0], &args[1]));
	return cel_charge(run, 0);
}

static int order_of(struct cel_run *run, const struct cel_value *args, int *ret_order)
{
	if (!cel_compare(&args[0], &args[1], ret_order))
		return cel_fail(run, NO_OVERLOAD);
	return 0;
}

#define DEFINE_ORDER(name, test) \
	static int name(struct cel_run *run, const struct cel_value *args, size_t n, \
	        struct cel_value *ret_value) \
	{ \
		int order = 0, code = order_of(run, args, &order); \
\
		(void)n; \
		*ret_value = cel_bool(order test 0); \
		return code; \
	}
DEFINE_ORDER(op_less, <)
DEFINE_ORDER(op_less_equal, <=)
DEFINE_ORDER(op_greater, >)
DEFINE_ORDER(op_greater_equal, >=)

static int op_in(
        struct cel_run *run, const struct cel_value *args, size_t n, struct cel_value *ret_value)
{
	struct cel_value found;

	(void)n;
	*ret_value = cel_bool(false);
	if (args[1].kind == CEL_MAP) {
		*ret_value = cel_bool(cel_map_get(run, args[1].map, &args[0], &found));
		return 0;
	}
	for (size_t i = 0; i < args[1].list->n; i++) {
		found = cel_list_at(run, args[1].list, i);
		if (cel_charge(run, 1) < 0)
			return -EOVERFLOW;
		if (cel_equal(run, &args[0], &found)) {
			*ret_value = cel_bool(true);
			break;
		}
	}
	return 0;
}

static int op_not(
        struct cel_run *run, const struct cel_value *args, size_t n, struct cel_value *ret_value)
{
	(void)run;
	(void)n;
	*ret_value = cel_bool(!args[0].b);
	return 0;
}

static int op_negate(
        struct cel_run *run, const struct cel_value *args, size_t n, struct cel_value *ret_value)
{
	(void)n;
	*ret_value = args[0];
	if (args[0].kind == CEL_DOUBLE)
		ret_value->d = -args[0].d;
	else if (args[0].i == INT64_MIN)
		return cel_fail(run, "integer overflow");
	else
		ret_value->i = -args[0].i;
	return 0;
}

enum arithmetic { ADD, SUB, MUL, DIV, MOD };

static int int_arithmetic(
        struct cel_run *run, enum arithmetic op, int64_t a, int64_t b, int64_t *ret_i)
{
	bool overflow = false;

	if ((op == DIV || op == MOD) && b == 0)
		return cel_fail(run, op == DIV ? "division by zero" : "modulus by zero");
	if ((op == DIV || op == MOD) && a == INT64_MIN && b == -1)
		return cel_fail(run, "integer overflow");
	switch (op) {
	case ADD:
		overflow = __builtin_add_overflow(a, b, ret_i);
		break;
	case SUB:
		overflow = __builtin_sub_overflow(a, b, ret_i);
		break;
	case MUL:
		overflow = __builtin_mul_overflow(a, b, ret_i);
		break;
	case DIV:
		*ret_i = a / b;
		break;
	case MOD:
		*ret_i = a % b;
		break;
	}
	return overflow ? cel_fail(run, "integer overflow") : 0;
}

static int uint_arithmetic(
        struct cel_run *run, enum arithmetic op, uint64_t a, uint64_t b, uint64_t *ret_u)
{
	bool overflow = false;

	if ((op == DIV || op == MOD) && b == 0)
		return cel_fail(run, op == DIV ? "division by zero" : "modulus by zero");
	switch (op) {
	case ADD:
		overflow = __builtin_add_overflow(a, b, ret_u);
		break;
	case SUB:
		overflow = __builtin_sub_overflow(a, b, ret_u);
		break;
	case MUL:
		overflow = __builtin_mul_overflow(a, b, ret_u);
		break;
	case DIV:
		*ret_u = a / b;
		break;
	case MOD:
		*ret_u = a % b;
		break;
	}
	return overflow ? cel_fail(run, "unsigned integer overflow") : 0;
}

static int arithmetic(struct cel_run *run, enum arithmetic op, const struct cel_value *args,
        struct cel_value *ret_value)
{
	*ret_value = args[0];
	switch (args[0].kind) {
	case CEL_INT:
		return int_arithmetic(run, op, args[0].i, args[1].i, &ret_value->i);
	case CEL_UINT:
		return uint_arithmetic(run, op, args[0].u, args[1].u, &ret_value->u);
	default:
		ret_value->d = op == ADD   ? args[0].d + args[1].d
		               : op == SUB ? args[0].d - args[1].d
		               : op == MUL ? args[0].d * args[1].d
		                           : args[0].d / args[1].d;
		return 0;
	}
}

#define DEFINE_ARITHMETIC(name, op) \
	static int name(struct cel_run *run, const struct cel_value *args, size_t n, \
	        struct cel_value *ret_value) \
	{ \
		(void)n; \
		return arithmetic(run, op, args, ret_value); \
	}
DEFINE_ARITHMETIC(op_add, ADD)
DEFINE_ARITHMETIC(op_sub, SUB)
DEFINE_ARITHMETIC(op_mul, MUL)
DEFINE_ARITHMETIC(op_div, DIV)
DEFINE_ARITHMETIC(op_mod, MOD)

static int op_concat(
        struct cel_run *run, const struct cel_value *args, size_t n, struct cel_value *ret_value)
{
	char *text = kt_arena_alloc(run->arena, args[0].s.len + args[1].s.len + 1);

	(void)n;
	if (args[0].s.len)
		memcpy(text, args[0].s.p, args[0].s.len);
	if (args[1].s.len)
		memcpy(text + args[0].s.len, args[1].s.p, args[1].s.len);
	*ret_value = args[0];
	ret_value->s = (struct kt_sv){text, args[0].s.len + args[1].s.len};
	return cel_charge(run, ret_value->s.len / 10 + 1);
}

static int op_concat_lists(
        struct cel_run *run, const struct cel_value *args, size_t n, struct cel_value *ret_value)
{
	struct cel_value *items;
	size_t total = args[0].list->n + args[1].list->n;

	(void)n;
	if (cel_charge(run, total) < 0)
		return -EOVERFLOW;
	*ret_value = cel_list_new(run, total, &items);
	for (size_t i = 0; i < args[0].list->n; i++)
		*items++ = cel_list_at(run, args[0].list, i);
	for (size_t i = 0; i < args[1].list->n; i++)
		*items++ = cel_list_at(run, args[1].list, i);
	return 0;
}

/* Times add and subtract as their nanoseconds; what comes out is in `kind`. */
static int time_arithmetic(struct cel_run *run, enum arithmetic op, const struct cel_value *args,
        enum cel_kind kind, struct cel_value *ret_value)
{
	*ret_value = (struct cel_value){.kind = kind};
	return int_arithmetic(run, op, args[0].i, args[1].i, &ret_value->i);
}

static int op_add_time(
        struct cel_run *run, const struct cel_value *args, size_t n, struct cel_value *ret_value)
{
	bool stamp = args[0].kind == CEL_TIMESTAMP || args[1].kind == CEL_TIMESTAMP;

	(void)n;
	return time_arithmetic(run, ADD, args, stamp ? CEL_TIMESTAMP : CEL_DURATION, ret_value);
}

static int op_sub_time(
        struct cel_run *run, const struct cel_value *args, size_t n, struct cel_value *ret_value)
{
	bool stamp = args[0].kind == CEL_TIMESTAMP && args[1].kind == CEL_DURATION;

	(void)n;
	return time_arithmetic(run, SUB, args, stamp ? CEL_TIMESTAMP : CEL_DURATION, ret_value);
}

/* Order is defined for equal kinds; static checking knows them one by one. */
#define ORDERED(name, fn) \
	{name, false, "ii", "b", fn}, {name, false, "uu", "b", fn}, {name, false, "dd", "b", fn}, \
	        {name, false, "ss", "b", fn}, {name, false, "yy", "b", fn}, \
	        {name, false, "bb", "b", fn}, {name, false, "tt", "b", fn}, \
	        {name, false, "DD", "b", fn}, {name, false, "id", "b", fn}, \
	        {name, false, "di", "b", fn}, {name, false, "iu", "b", fn}, \
	        {name, false, "ui", "b", fn}, {name, false, "ud", "b", fn}, \
	{ \
		name, false, "du", "b", fn \
	}

const struct cel_function cel_operators[] = {
        {"_==_", false, "AA", "b", op_equal},
        {"_!=_", false, "AA", "b", op_not_equal},
        ORDERED("_<_", op_less),
        ORDERED("_<=_", op_less_equal),
        ORDERED("_>_", op_greater),
        ORDERED("_>=_", op_greater_equal),
        {"@in", false, "AL", "b", op_in},
        {"@in", false, "AM", "b", op_in},
        {"!_", false, "b", "b", op_not},
        {"-_", false, "i", "i", op_negate},
        {"-_", false, "d", "d", op_negate},
        {"_+_", false, "ii", "i", op_add},
        {"_+_", false, "uu", "u", op_add},
        {"_+_", false, "dd", "d", op_add},
        {"_+_", false, "ss", "s", op_concat},
        {"_+_", false, "yy", "y", op_concat},
        {"_+_", false, "LL", "LA", op_concat_lists},
        {"_+_", false, "tD", "t", op_add_time},
        {"_+_", false, "Dt", "t", op_add_time},
        {"_+_", false, "DD", "D", op_add_time},
        {"_-_", false, "ii", "i", op_sub},
        {"_-_", false, "uu", "u", op_sub},
        {"_-_", false, "dd", "d", op_sub},
        {"_-_", false, "tD", "t", op_sub_time},
        {"_-_", false, "tt", "D", op_sub_time},
        {"_-_", false, "DD", "D", op_sub_time},
        {"_*_", false, "ii", "i", op_mul},
        {"_*_", false, "uu", "u", op_mul},
        {"_*_", false, "dd", "d", op_mul},
        {"_/_", false, "ii", "i", op_div},
        {"_/_", false, "uu", "u", op_div},
        {"_/_", false, "dd", "d", op_div},
        {"_%_", false, "ii", "i", op_mod},
        {"_%_", false, "uu", "u", op_mod},
        {0},
};

/* Conversions. */

static int fail_conversion(struct cel_run *run, const struct cel_value *value, enum cel_kind to)
{
	return cel_fail(run, "type conversion error from '%s' to '%s'", cel_kind_name(value->kind),
	        cel_kind_name(to));
}

/* strconv.FormatFloat(d, 'g', -1, 64) */
static void put_double(struct kt_str *out, double d)
{
	char text[40];

	if (isnan(d) || isinf(d)) {
		kt_str_puts(out, isnan(d) ? "NaN" : d < 0 ? "-Inf" : "+Inf");
		return;
	}
	/* the fewest digits that read back the same; from 1e21 on and below 1e-4 with an exponent
	 */
	for (int precision = 1; precision <= 17; precision++) {
		snprintf(text, sizeof(text), "%.*g", precision, d);
		if (strtod(text, NULL) == d)
			break;
	}
	if (fabs(d) >= 1e6 && fabs(d) < 1e21 && d == floor(d) && !strchr(text, 'e'))
		snprintf(text, sizeof(text), "%.0f", d);
	kt_str_puts(out, text);
}

static void put_timestamp(struct kt_str *out, int64_t ns)
{
	char text[KT_TIME_TEXT_MAX];
	int64_t fraction = ((ns % 1000000000) + 1000000000) % 1000000000;

	kt_time_format(ns, text);
	if (!fraction) {
		kt_str_puts(out, text);
		return;
	}
	kt_str_add(out, text, strlen(text) - 1);
	kt_str_printf(out, ".%09lld", (long long)fraction);
	while (out->data[out->len - 1] == '0')
		kt_str_truncate(out, out->len - 1);
	kt_str_putc(out, 'Z');
}

static void put_duration(struct kt_str *out, int64_t ns)
{
	uint64_t rest = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;

	kt_str_printf(out, "%s%llu", ns < 0 ? "-" : "", (unsigned long long)(rest / 1000000000));
	rest %= 1000000000;
	if (rest) {
		kt_str_printf(out, ".%09llu", (unsigned long long)rest);
		while (out->data[out->len - 1] == '0')
			kt_str_truncate(out, out->len - 1);
	}
	kt_str_putc(out, 's');
}

static void put_ip(struct kt_str *out, const struct cel_ip *ip)
{
	/* RFC 5952: the longest run of zero groups becomes "::" */
	uint16_t groups[8];
	int best = -1, best_len = 1;

	if (ip->family == 4) {
		kt_str_printf(
		        out, "%u.%u.%u.%u", ip->bytes[0], ip->bytes[1], ip->bytes[2], ip->bytes[3]);
		return;
	}
	for (int i = 0; i < 8; i++)
		groups[i] = (uint16_t)(ip->bytes[2 * i] << 8 | ip->bytes[2 * i + 1]);
	for (int i = 0; i < 8; i++) {
		int n = 0;

		while (i + n < 8 && !groups[i + n])
			n++;
		if (n > best_len) {
			best = i;
			best_len = n;
		}
	}
	for (int i = 0; i < 8; i++) {
		if (i == best) {
			kt_str_puts(out, "::");
			i += best_len - 1;
			continue;
		}
		kt_str_printf(out, "%s%x", i && i != best + best_len ? ":" : "", groups[i]);
	}
}

static void put_value(struct kt_str *out, const struct cel_value *value)
{
	char text[KT_QUANTITY_TEXT_MAX];

	switch (value->kind) {
	case CEL_BOOL:
		kt_str_puts(out, value->b ? "true" : "false");
		break;
	case CEL_INT:
		kt_str_printf(out, "%lld", (long long)value->i);
		break;
	case CEL_UINT:
		kt_str_printf(out, "%llu", (unsigned long long)value->u);
		break;
	case CEL_DOUBLE:
		put_double(out, value->d);
		break;
	case CEL_STRING:
	case CEL_BYTES:
		kt_str_add(out, value->s.p ? value->s.p : "", value->s.len);
		break;
	case CEL_TIMESTAMP:
		put_timestamp(out, value->i);
		break;
	case CEL_DURATION:
		put_duration(out, value->i);
		break;
	case CEL_TYPE:
		kt_str_puts(out, cel_kind_name(value->type));
		break;
	case CEL_QUANTITY:
		kt_quantity_format(*value->quantity, text);
		kt_str_puts(out, text);
		break;
	case CEL_IP:
	case CEL_CIDR:
		put_ip(out, value->ip);
		if (value->kind == CEL_CIDR)
			kt_str_printf(out, "/%d", value->ip->prefix_len);
		break;
	case CEL_URL:
		kt_str_add(out, value->url->text.p, value->url->text.len);
		break;
	case CEL_SEMVER:
		kt_str_printf(out, "%lld.%lld.%lld%s%.*s", (long long)value->semver->major,
		        (long long)value->semver->minor, (long long)value->semver->patch,
		        value->semver->pre.len ? "-" : "", (int)value->semver->pre.len,
		        value->semver->pre.p ? value->semver->pre.p : "");
		break;
	default:
		break;
	}
}

int cel_to_string(struct cel_run *run, const struct cel_value *value, struct cel_value *ret_value)
{
	kt_auto_str out = KT_STR_INIT;

	switch (value->kind) {
	case CEL_NULL:
	case CEL_LIST:
	case CEL_MAP:
	case CEL_OPTIONAL:
	case CEL_FORMAT:
	case CEL_AUTHORIZER:
	case CEL_PATH_CHECK:
	case CEL_GROUP_CHECK:
	case CEL_RESOURCE_CHECK:
	case CEL_DECISION:
		return fail_conversion(run, value, CEL_STRING);
	case CEL_BYTES:
		if (!kt_utf8_valid(value->s.p ? value->s.p : "", value->s.len))
			return cel_fail(run, "invalid UTF-8 in bytes, cannot convert to string");
		break;
	default:
		break;
	}
	put_value(&out, value);
	*ret_value = cel_str(run, &out);
	return 0;
}

static int to_string(
        struct cel_run *run, const struct cel_value *args, size_t n, struct cel_value *ret_value)
{
	(void)n;
	return cel_to_string(run, &args[0], ret_value);
}

static int to_int(
        struct cel_run *run, const struct cel_value *args, size_t n, struct cel_value *ret_value)
{
	int64_t i = 0;

	(void)n;
	switch (args[0].kind) {
	case CEL_INT:
		i = args[0].i;
		break;
	case CEL_UINT:
		if (args[0].u > INT64_MAX)
			return cel_fail(run, "integer overflow");
		i = (int64_t)args[0].u;
		break;
	case CEL_DOUBLE:
		if (!(args[0].d > -9223372036854775808.0 && args[0].d < 9223372036854775808.0))
			return cel_fail(run, "integer overflow");
		i = (int64_t)args[0].d;
		break;
	case CEL_STRING:
		if (kt_sv_int64(args[0].s, &i) < 0)
			return fail_conversion(run, &args[0], CEL_INT);
		break;
	default: /* seconds since 1970, rounded down */
		i = args[0].i / 1000000000 - (args[0].i % 1000000000 < 0);
	}
	*ret_value = cel_int(i);
	return 0;
}

static int to_uint(
        struct cel_run *run, const struct cel_value *args, size_t n, struct cel_value *ret_value)
{
	kt_auto_free char *text = NULL;
	uint64_t u = 0;
	char *end;

	(void)n;
	switch (args[0].kind) {
	case CEL_UINT:
		u = args[0].u;
		break;
	case CEL_INT:
		if (args[0].i < 0)
			return cel_fail(run, "unsigned integer overflow");
		u = (uint64_t)args[0].i;
		break;
	case CEL_DOUBLE:
		if (!(args[0].d >= 0 && args[0].d < 18446744073709551616.0))
			return cel_fail(run, "unsigned integer overflow");
		u = (uint64_t)args[0].d;
		break;
	default:
		text = kt_strndup(args[0].s.p ? args[0].s.p : "", args[0].s.len);
		errno = 0;
		u = strtoull(text, &end, 10);
		if (errno || !*text || *end || *text == '-' || *text == ' ')
			return fail_conversion(run, &args[0], CEL_UINT);
	}
	*ret_value = (struct cel_value){.kind = CEL_UINT, .u = u};
	return 0;
}

static int to_double(
        struct cel_run *run, const struct cel_value *args, size_t n, struct cel_value *ret_value)
{
	kt_auto_free char *text = NULL;
	char *end;

	(void)n;
	if (args[0].kind != CEL_STRING) {
		*ret_value = cel_double(args[0].kind == CEL_INT    ? (double)args[0].i
		                        : args[0].kind == CEL_UINT ? (double)args[0].u
		                                                   : args[0].d);
		return 0;
	}
	text = kt_strndup(args[0].s.p ? args[0].s.p : "", args[0].s.len);
	*ret_value = cel_double(strtod(text, &end));
	return !*text || *end ? fail_conversion(run, &args[0], CEL_DOUBLE) : 0;
}

static int to_bool(
        struct cel_run *run, const struct cel_value *args, size_t n, struct cel_value *ret_value)
{
	static const char *const yes[] = {"1", "t", "true", "TRUE", "True"}, *const no[] = {"0",
	                                                                             "f", "false",
	                                                                             "FALSE",
	                                                                             "False"};

	(void)n;
	if (args[0].kind == CEL_BOOL) {
		*ret_value = args[0];
		return 0;
	}
	for (size_t i = 0; i < KT_ARRAY_SIZE(yes); i++) {
		if (kt_sv_is(args[0].s, yes[i]) || kt_sv_is(args[0].s, no[i])) {
			*ret_value = cel_bool(kt_sv_is(args[0].s, yes[i]));
			return 0;
		}
	}
	return fail_conversion(run, &args[0], CEL_BOOL);
}

static int to_bytes(
        struct cel_run *run, const struct cel_value *args, size_t n, struct cel_value *ret_value)
{
	(void)run;
	(void)n;
	*ret_value = args[0];
	ret_value->kind = CEL_BYTES;
	return 0;
}

static int to_dyn(
        struct cel_run *run, const struct cel_value *args, size_t n, struct cel_value *ret_value)
{
	(void)run;
	(void)n;
	*ret_value = args[0];
	return 0;
}

static int to_type(
        struct cel_run *run, const struct cel_value *args, size_t n, struct cel_value *ret_value)
{
	(void)run;
	(void)n;
	*ret_value = (struct cel_value){.kind = CEL_TYPE, .type = args[0].kind};
	return 0;
}

static int to_timestamp(
        struct cel_run *run, const struct cel_value *args, size_t n, struct cel_value *ret_value)
{
	(void)n;
	*ret_value = (struct cel_value){.kind = CEL_TIMESTAMP, .i = args[0].i};
	if (args[0].kind == CEL_STRING && kt_time_parse(args[0].s, &ret_value->i) < 0)
		return fail_conversion(run, &args[0], CEL_TIMESTAMP);
	if (args[0].kind == CEL_INT &&
	        __builtin_mul_overflow(args[0].i, (int64_t)1000000000, &ret_value->i))
		return cel_fail(run, "timestamp overflow");
	return 0;
}

static int to_duration(
        struct cel_run *run, const struct cel_value *args, size_t n, struct cel_value *ret_value)
{
	(void)n;
	*ret_value = (struct cel_value){.kind = CEL_DURATION, .i = args[0].i};
	if (args[0].kind == CEL_STRING && kt_duration_parse(args[0].s, &ret_value->i) < 0)
		return fail_conversion(run, &args[0], CEL_DURATION);
	return 0;
}

const struct cel_function cel_conversions[] = {
        {"string", false, "s", "s", to_string},
        {"string", false, "i", "s", to_string},
        {"string", false, "u", "s", to_string},
        {"string", false, "d", "s", to_string},
        {"string", false, "b", "s", to_string},
        {"string", false, "y", "s", to_string},
        {"string", false, "t", "s", to_string},
        {"string", false, "D", "s", to_string},
        {"string", false, "P", "s", to_string},
        {"string", false, "C", "s", to_string},
        {"string", false, "q", "s", to_string},
        {"int", false, "i", "i", to_int},
        {"int", false, "u", "i", to_int},
        {"int", false, "d", "i", to_int},
        {"int", false, "s", "i", to_int},
        {"int", false, "t", "i", to_int},
        {"uint", false, "u", "u", to_uint},
        {"uint", false, "i", "u", to_uint},
        {"uint", false, "d", "u", to_uint},
        {"uint", false, "s", "u", to_uint},
        {"double", false, "d", "d", to_double},
        {"double", false, "i", "d", to_double},
        {"double", false, "u", "d", to_double},
        {"double", false, "s", "d", to_double},
        {"bool", false, "b", "b", to_bool},
        {"bool", false, "s", "b", to_bool},
        {"bytes", false, "y", "y", to_bytes},
        {"bytes", false, "s", "y", to_bytes},
        {"dyn", false, "A", "*", to_dyn},
        {"type", false, "A", "T", to_type},
        {"timestamp", false, "t", "t", to_timestamp},
        {"timestamp", false, "s", "t", to_timestamp},
        {"timestamp", false, "i", "t", to_timestamp},
        {"duration", false, "D", "D", to_duration},
        {"duration", false, "s", "D", to_duration},
        {0},
};
