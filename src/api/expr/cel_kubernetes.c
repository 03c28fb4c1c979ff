/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What Kubernetes adds: quantity, ip and cidr, semver, format. */
#include "api/expr/cel_internal.h"

#include "api/machinery/go_text.h"
#include "api/machinery/names.h"
#include "api/machinery/openapi_format.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>

#define CALL_ARGS \
	struct cel_run *run, const struct cel_value *args, size_t n, struct cel_value *ret_value
#define NO_OVERLOAD "no such overload"

static struct kt_sv empty_if_null(struct kt_sv s)
{
	return s.p ? s : (struct kt_sv){"", 0};
}

/* quantity */

static int make_quantity(
        struct cel_run *run, struct kt_quantity quantity, struct cel_value *ret_value)
{
	struct kt_quantity *copy = kt_arena_new(run->arena, struct kt_quantity);

	*copy = quantity;
	*ret_value = (struct cel_value){.kind = CEL_QUANTITY, .quantity = copy};
	return 0;
}

static int f_quantity(CALL_ARGS)
{
	kt_auto_err err = KT_ERR_INIT;
	struct kt_quantity quantity;

	(void)n;
	if (kt_quantity_parse(empty_if_null(args[0].s), &quantity, &err) < 0)
		return cel_fail(run, "%s", kt_err_message(&err));
	return make_quantity(run, quantity, ret_value);
}

static int f_is_quantity(CALL_ARGS)
{
	struct kt_quantity quantity;

	(void)run;
	(void)n;
	*ret_value = cel_bool(kt_quantity_parse(empty_if_null(args[0].s), &quantity, NULL) == 0);
	return 0;
}

static int f_quantity_compare(CALL_ARGS)
{
	(void)run;
	(void)n;
	*ret_value = cel_int(kt_quantity_cmp(*args[0].quantity, *args[1].quantity));
	return 0;
}

static int f_quantity_greater(CALL_ARGS)
{
	(void)run;
	(void)n;
	*ret_value = cel_bool(kt_quantity_cmp(*args[0].quantity, *args[1].quantity) > 0);
	return 0;
}

static int f_quantity_less(CALL_ARGS)
{
	(void)run;
	(void)n;
	*ret_value = cel_bool(kt_quantity_cmp(*args[0].quantity, *args[1].quantity) < 0);
	return 0;
}

static struct kt_quantity as_quantity(const struct cel_value *value)
{
	return value->kind == CEL_INT ? kt_quantity_from_int64(value->i, KT_QUANTITY_DECIMAL_SI)
	                              : *value->quantity;
}

static int f_quantity_add(CALL_ARGS)
{
	(void)n;
	return make_quantity(
	        run, kt_quantity_add(*args[0].quantity, as_quantity(&args[1])), ret_value);
}

static int f_quantity_sub(CALL_ARGS)
{
	(void)n;
	return make_quantity(
	        run, kt_quantity_sub(*args[0].quantity, as_quantity(&args[1])), ret_value);
}

static int f_quantity_sign(CALL_ARGS)
{
	(void)run;
	(void)n;
	*ret_value = cel_int(kt_quantity_sign(*args[0].quantity));
	return 0;
}

static bool is_whole(const struct kt_quantity *quantity)
{
	return quantity->nano % 1000000000 == 0 && quantity->nano / 1000000000 <= INT64_MAX &&
	       quantity->nano / 1000000000 >= INT64_MIN;
}

static int f_quantity_is_integer(CALL_ARGS)
{
	(void)run;
	(void)n;
	*ret_value = cel_bool(is_whole(args[0].quantity));
	return 0;
}

static int f_quantity_as_integer(CALL_ARGS)
{
	(void)n;
	if (!is_whole(args[0].quantity))
		return cel_fail(run, "cannot convert value to integer");
	*ret_value = cel_int((int64_t)(args[0].quantity->nano / 1000000000));
	return 0;
}

static int f_quantity_as_float(CALL_ARGS)
{
	(void)run;
	(void)n;
	*ret_value = cel_double(kt_quantity_double(*args[0].quantity));
	return 0;
}

/* ip, cidr */

static bool is_mapped(const struct cel_ip *ip)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	return ip->family == 6 && !memcmp(ip->bytes, prefix, sizeof(prefix));
}

/* Stricter than upstream's old parser: no leading zeros, no zones, no IPv4 in IPv6 clothes. */
static bool parse_ip(struct kt_sv text, struct cel_ip *ret_ip)
{
	struct kt_messages messages = {0};

	memset(ret_ip, 0, sizeof(*ret_ip));
	return kt_format_check("ip-strict", empty_if_null(text), &messages) == 0 &&
	       kt_ip_parse(empty_if_null(text), ret_ip->bytes, &ret_ip->family) &&
	       !is_mapped(ret_ip);
}

static bool parse_cidr(struct kt_sv text, struct cel_ip *ret_ip)
{
	memset(ret_ip, 0, sizeof(*ret_ip));
	return kt_cidr_parse(
	               empty_if_null(text), ret_ip->bytes, &ret_ip->family, &ret_ip->prefix_len) &&
	       !is_mapped(ret_ip);
}

static int make_ip(struct cel_run *run, enum cel_kind kind, const struct cel_ip *ip,
        struct cel_value *ret_value)
{
	*ret_value =
	        (struct cel_value){.kind = kind, .ip = kt_arena_alloc(run->arena, sizeof(*ip))};
	memcpy((void *)(uintptr_t)ret_value->ip, ip, sizeof(*ip));
	return 0;
}

static int f_ip(CALL_ARGS)
{
	struct cel_ip ip;
	kt_auto_str quoted = KT_STR_INIT;

	(void)n;
	if (args[0].kind == CEL_CIDR) { /* cidr.ip() */
		ip = *args[0].ip;
		ip.prefix_len = 0;
		return make_ip(run, CEL_IP, &ip, ret_value);
	}
	if (parse_ip(args[0].s, &ip))
		return make_ip(run, CEL_IP, &ip, ret_value);
	kt_go_quote(&quoted, args[0].s);
	return cel_fail(run,
	        "IP Address %s parse error during conversion from string: ParseAddr(%s): unable to "
	        "parse IP",
	        kt_str_text(&quoted), kt_str_text(&quoted));
}

static int f_is_ip(CALL_ARGS)
{
	struct cel_ip ip;

	(void)run;
	(void)n;
	*ret_value = cel_bool(parse_ip(args[0].s, &ip));
	return 0;
}

static int f_ip_is_canonical(CALL_ARGS)
{
	struct cel_value ip, text;
	int code = f_ip(run, args, n, &ip);

	if (code == 0)
		code = cel_to_string(run, &ip, &text);
	*ret_value = cel_bool(code == 0 && kt_sv_eq(text.s, args[0].s));
	return code;
}

static int f_family(CALL_ARGS)
{
	(void)run;
	(void)n;
	*ret_value = cel_int(args[0].ip->family);
	return 0;
}

static bool is_all_zero(const struct cel_ip *ip)
{
	for (int i = 0; i < (ip->family == 4 ? 4 : 16); i++)
		if (ip->bytes[i])
			return false;
	return true;
}

static bool is_loopback(const struct cel_ip *ip)
{
	static const uint8_t one[16] = {[15] = 1};

	return ip->family == 4 ? ip->bytes[0] == 127 : !memcmp(ip->bytes, one, sizeof(one));
}

static bool is_multicast(const struct cel_ip *ip)
{
	return ip->family == 4 ? (ip->bytes[0] & 0xf0) == 0xe0 : ip->bytes[0] == 0xff;
}

static bool is_link_local_multicast(const struct cel_ip *ip)
{
	if (ip->family == 4)
		return ip->bytes[0] == 224 && !ip->bytes[1] && !ip->bytes[2];
	return ip->bytes[0] == 0xff && (ip->bytes[1] & 0x0f) == 2;
}

static bool is_link_local_unicast(const struct cel_ip *ip)
{
	if (ip->family == 4)
		return ip->bytes[0] == 169 && ip->bytes[1] == 254;
	return ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

static bool is_global_unicast(const struct cel_ip *ip)
{
	static const uint8_t broadcast[4] = {255, 255, 255, 255};

	if (ip->family == 4 && !memcmp(ip->bytes, broadcast, sizeof(broadcast)))
		return false;
	return !is_all_zero(ip) && !is_loopback(ip) && !is_multicast(ip) &&
	       !is_link_local_unicast(ip);
}

#define DEFINE_IP_TEST(name, test) \
	static int name(CALL_ARGS) \
	{ \
		(void)run; \
		(void)n; \
		*ret_value = cel_bool(test(args[0].ip)); \
		return 0; \
	}
DEFINE_IP_TEST(f_is_unspecified, is_all_zero)
DEFINE_IP_TEST(f_is_loopback, is_loopback)
DEFINE_IP_TEST(f_is_link_local_multicast, is_link_local_multicast)
DEFINE_IP_TEST(f_is_link_local_unicast, is_link_local_unicast)
DEFINE_IP_TEST(f_is_global_unicast, is_global_unicast)

static int f_cidr(CALL_ARGS)
{
	struct cel_ip ip;

	(void)n;
	if (parse_cidr(args[0].s, &ip))
		return make_ip(run, CEL_CIDR, &ip, ret_value);
	return cel_fail(run,
	        "network address parse error during conversion from string: "
	        "netip.ParsePrefix(\"%.*s\"): no '/'",
	        (int)args[0].s.len, args[0].s.p ? args[0].s.p : "");
}

static int f_is_cidr(CALL_ARGS)
{
	struct cel_ip ip;

	(void)run;
	(void)n;
	*ret_value = cel_bool(parse_cidr(args[0].s, &ip));
	return 0;
}

static bool same_prefix(const struct cel_ip *cidr, const struct cel_ip *ip)
{
	if (cidr->family != ip->family)
		return false;
	for (int bit = 0; bit < cidr->prefix_len; bit++)
		if ((cidr->bytes[bit / 8] ^ ip->bytes[bit / 8]) & (0x80 >> (bit % 8)))
			return false;
	return true;
}

static int f_contains_ip(CALL_ARGS)
{
	struct cel_ip ip;

	(void)n;
	if (args[1].kind == CEL_IP)
		ip = *args[1].ip;
	else if (!parse_ip(args[1].s, &ip))
		return cel_fail(run, NO_OVERLOAD);
	*ret_value = cel_bool(same_prefix(args[0].ip, &ip));
	return 0;
}

static int f_contains_cidr(CALL_ARGS)
{
	struct cel_ip ip;

	(void)n;
	if (args[1].kind == CEL_CIDR)
		ip = *args[1].ip;
	else if (!parse_cidr(args[1].s, &ip))
		return cel_fail(run, NO_OVERLOAD);
	*ret_value =
	        cel_bool(ip.prefix_len >= args[0].ip->prefix_len && same_prefix(args[0].ip, &ip));
	return 0;
}

static int f_masked(CALL_ARGS)
{
	struct cel_ip ip = *args[0].ip;

	(void)n;
	for (int bit = ip.prefix_len; bit < (ip.family == 4 ? 32 : 128); bit++)
		ip.bytes[bit / 8] &= (uint8_t) ~(0x80 >> (bit % 8));
	return make_ip(run, CEL_CIDR, &ip, ret_value);
}

static int f_prefix_length(CALL_ARGS)
{
	(void)run;
	(void)n;
	*ret_value = cel_int(args[0].ip->prefix_len);
	return 0;
}

/* semver */

static bool parse_number(struct kt_sv s, int64_t *ret_value)
{
	if (!s.len || (s.len > 1 && s.p[0] == '0'))
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!isdigit((unsigned char)s.p[i]))
			return false;
	return kt_sv_int64(s, ret_value) == 0;
}

static const char *parse_semver(struct kt_sv text, struct cel_semver *ret_semver)
{
	struct kt_sv parts[3] = {0}, rest = text;
	const char *plus = rest.len ? memchr(rest.p, '+', rest.len) : NULL, *dash;

	*ret_semver = (struct cel_semver){0};
	if (!text.len)
		return "Version string empty";
	if (plus)
		rest.len = (size_t)(plus - rest.p);
	dash = memchr(rest.p, '-', rest.len);
	if (dash) {
		ret_semver->pre = (struct kt_sv){dash + 1, rest.len - (size_t)(dash - rest.p) - 1};
		rest.len = (size_t)(dash - rest.p);
	}
	for (size_t i = 0; i < 3; i++)
		if (!kt_sv_split(&rest, '.', &parts[i]))
			return "No Major.Minor.Patch elements found";
	if (rest.p || !parse_number(parts[0], &ret_semver->major) ||
	        !parse_number(parts[1], &ret_semver->minor) ||
	        !parse_number(parts[2], &ret_semver->patch))
		return "Invalid character(s) found in version number";
	return NULL;
}

static int f_semver(CALL_ARGS)
{
	struct cel_semver *semver = kt_arena_new(run->arena, struct cel_semver);
	struct kt_sv text = empty_if_null(args[0].s);
	const char *error;

	if (n > 1 && args[1].b && text.len && (text.p[0] == 'v' || text.p[0] == 'V'))
		text = (struct kt_sv){text.p + 1, text.len - 1};
	error = parse_semver(text, semver);
	if (error)
		return cel_fail(run, "%s", error);
	*ret_value = (struct cel_value){.kind = CEL_SEMVER, .semver = semver};
	return 0;
}

static int f_is_semver(CALL_ARGS)
{
	struct cel_semver semver;

	(void)run;
	(void)n;
	*ret_value = cel_bool(!parse_semver(empty_if_null(args[0].s), &semver));
	return 0;
}

/* One dot-separated identifier of a pre-release against another. */
static int compare_pre_part(struct kt_sv a, struct kt_sv b)
{
	int64_t x, y;
	bool a_number = kt_sv_int64(a, &x) == 0, b_number = kt_sv_int64(b, &y) == 0;

	if (a_number && b_number)
		return (x > y) - (x < y);
	if (a_number != b_number)
		return a_number ? -1 : 1;
	return kt_sv_cmp(a, b);
}

static int compare_pre(struct kt_sv a, struct kt_sv b)
{
	struct kt_sv x, y;

	if (!a.len || !b.len)
		return (a.len == 0) - (b.len == 0);
	for (;;) {
		bool more_a = kt_sv_split(&a, '.', &x), more_b = kt_sv_split(&b, '.', &y);
		int order;

		if (!more_a || !more_b)
			return (int)more_a - (int)more_b;
		order = compare_pre_part(x, y);
		if (order)
			return order < 0 ? -1 : 1;
	}
}

static int compare_semver(const struct cel_semver *a, const struct cel_semver *b)
{
	if (a->major != b->major)
		return a->major < b->major ? -1 : 1;
	if (a->minor != b->minor)
		return a->minor < b->minor ? -1 : 1;
	if (a->patch != b->patch)
		return a->patch < b->patch ? -1 : 1;
	return compare_pre(a->pre, b->pre);
}

#define DEFINE_SEMVER(name, expression) \
	static int name(CALL_ARGS) \
	{ \
		(void)run; \
		(void)n; \
		*ret_value = expression; \
		return 0; \
	}
DEFINE_SEMVER(f_major, cel_int(args[0].semver->major))
DEFINE_SEMVER(f_minor, cel_int(args[0].semver->minor))
DEFINE_SEMVER(f_patch, cel_int(args[0].semver->patch))
DEFINE_SEMVER(f_semver_compare, cel_int(compare_semver(args[0].semver, args[1].semver)))
DEFINE_SEMVER(f_semver_less, cel_bool(compare_semver(args[0].semver, args[1].semver) < 0))
DEFINE_SEMVER(f_semver_greater, cel_bool(compare_semver(args[0].semver, args[1].semver) > 0))

/* format */

static const struct {
	const char *name, *format; /* of names.h, or "openapi:" and one of openapi_format.h */
} named_formats[] = {
        {"dns1123Label", "dns1123-label"},
        {"dns1123Subdomain", "dns1123-subdomain"},
        {"dns1035Label", "dns1035-label"},
        {"qualifiedName", "qualified-name"},
        {"labelValue", "label-value"},
        {"dns1123LabelPrefix", "dns1123-label"},
        {"dns1123SubdomainPrefix", "dns1123-subdomain"},
        {"dns1035LabelPrefix", "dns1035-label"},
        {"uri", "openapi:uri"},
        {"uuid", "openapi:uuid"},
        {"byte", "openapi:byte"},
        {"date", "openapi:date"},
        {"datetime", "openapi:datetime"},
};

static bool find_format(struct kt_sv name, struct cel_value *ret_value)
{
	for (size_t i = 0; i < KT_ARRAY_SIZE(named_formats); i++) {
		if (kt_sv_is(name, named_formats[i].name)) {
			*ret_value = (struct cel_value){
			        .kind = CEL_FORMAT, .format = named_formats[i].format};
			return true;
		}
	}
	return false;
}

static int f_format_named(CALL_ARGS)
{
	struct cel_value format;
	bool found = find_format(args[0].s, &format);

	(void)n;
	*ret_value = cel_optional(run, found ? &format : NULL);
	return 0;
}

#define DEFINE_FORMAT(name, text) \
	static int name(CALL_ARGS) \
	{ \
		(void)args; \
		(void)n; \
		return find_format(KT_SV(text), ret_value) ? 0 : cel_fail(run, NO_OVERLOAD); \
	}
DEFINE_FORMAT(f_dns1123_label, "dns1123Label")
DEFINE_FORMAT(f_dns1123_subdomain, "dns1123Subdomain")
DEFINE_FORMAT(f_dns1035_label, "dns1035Label")
DEFINE_FORMAT(f_qualified_name, "qualifiedName")
DEFINE_FORMAT(f_label_value, "labelValue")
DEFINE_FORMAT(f_dns1123_label_prefix, "dns1123LabelPrefix")
DEFINE_FORMAT(f_dns1123_subdomain_prefix, "dns1123SubdomainPrefix")
DEFINE_FORMAT(f_dns1035_label_prefix, "dns1035LabelPrefix")
DEFINE_FORMAT(f_uri, "uri")
DEFINE_FORMAT(f_uuid, "uuid")
DEFINE_FORMAT(f_byte, "byte")
DEFINE_FORMAT(f_date, "date")
DEFINE_FORMAT(f_datetime, "datetime")

static int f_validate(CALL_ARGS)
{
	struct kt_messages messages = {0};
	struct cel_value list, *items;

	(void)n;
	if (kt_starts_with(args[0].format, "openapi:")) {
		const char *format = args[0].format + strlen("openapi:");

		if (!kt_openapi_format_is(format, empty_if_null(args[1].s)))
			messages.items[messages.n++] =
			        kt_arena_printf(run->arena, "invalid %s", format);
	} else {
		kt_format_check(args[0].format, empty_if_null(args[1].s), &messages);
	}
	list = cel_list_new(run, messages.n, &items);
	for (size_t i = 0; i < messages.n; i++)
		items[i] = cel_sv(kt_sv_of(messages.items[i]));
	*ret_value = cel_optional(run, messages.n ? &list : NULL);
	return cel_charge(run, args[1].s.len / 10 + 1);
}

const struct cel_function cel_kubernetes_functions[] = {
        {"quantity", false, "s", "q", f_quantity},
        {"isQuantity", false, "s", "b", f_is_quantity},
        {"compareTo", true, "qq", "i", f_quantity_compare},
        {"compareTo", true, "VV", "i", f_semver_compare},
        {"isGreaterThan", true, "qq", "b", f_quantity_greater},
        {"isGreaterThan", true, "VV", "b", f_semver_greater},
        {"isLessThan", true, "qq", "b", f_quantity_less},
        {"isLessThan", true, "VV", "b", f_semver_less},
        {"add", true, "qq", "q", f_quantity_add},
        {"add", true, "qi", "q", f_quantity_add},
        {"sub", true, "qq", "q", f_quantity_sub},
        {"sub", true, "qi", "q", f_quantity_sub},
        {"sign", true, "q", "i", f_quantity_sign},
        {"isInteger", true, "q", "b", f_quantity_is_integer},
        {"asInteger", true, "q", "i", f_quantity_as_integer},
        {"asApproximateFloat", true, "q", "d", f_quantity_as_float},
        {"ip", false, "s", "P", f_ip},
        {"ip", true, "C", "P", f_ip},
        {"isIP", false, "s", "b", f_is_ip},
        {"ip.isCanonical", false, "s", "b", f_ip_is_canonical},
        {"family", true, "P", "i", f_family},
        {"isUnspecified", true, "P", "b", f_is_unspecified},
        {"isLoopback", true, "P", "b", f_is_loopback},
        {"isLinkLocalMulticast", true, "P", "b", f_is_link_local_multicast},
        {"isLinkLocalUnicast", true, "P", "b", f_is_link_local_unicast},
        {"isGlobalUnicast", true, "P", "b", f_is_global_unicast},
        {"cidr", false, "s", "C", f_cidr},
        {"isCIDR", false, "s", "b", f_is_cidr},
        {"containsIP", true, "CP", "b", f_contains_ip},
        {"containsIP", true, "Cs", "b", f_contains_ip},
        {"containsCIDR", true, "CC", "b", f_contains_cidr},
        {"containsCIDR", true, "Cs", "b", f_contains_cidr},
        {"masked", true, "C", "C", f_masked},
        {"prefixLength", true, "C", "i", f_prefix_length},
        {"semver", false, "s", "V", f_semver},
        {"semver", false, "sb", "V", f_semver},
        {"isSemver", false, "s", "b", f_is_semver},
        {"major", true, "V", "i", f_major},
        {"minor", true, "V", "i", f_minor},
        {"patch", true, "V", "i", f_patch},
        {"format.named", false, "s", "oF", f_format_named},
        {"format.dns1123Label", false, "", "F", f_dns1123_label},
        {"format.dns1123Subdomain", false, "", "F", f_dns1123_subdomain},
        {"format.dns1035Label", false, "", "F", f_dns1035_label},
        {"format.qualifiedName", false, "", "F", f_qualified_name},
        {"format.labelValue", false, "", "F", f_label_value},
        {"format.dns1123LabelPrefix", false, "", "F", f_dns1123_label_prefix},
        {"format.dns1123SubdomainPrefix", false, "", "F", f_dns1123_subdomain_prefix},
        {"format.dns1035LabelPrefix", false, "", "F", f_dns1035_label_prefix},
        {"format.uri", false, "", "F", f_uri},
        {"format.uuid", false, "", "F", f_uuid},
        {"format.byte", false, "", "F", f_byte},
        {"format.date", false, "", "F", f_date},
        {"format.datetime", false, "", "F", f_datetime},
        {"validate", true, "Fs", "oLs", f_validate},
        {0},
};
