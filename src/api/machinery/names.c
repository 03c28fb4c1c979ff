/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/machinery/names.h"

#include "base/log.h"

#include <arpa/inet.h>
#include <ctype.h>

#define LABEL_RE "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
#define SUBDOMAIN_RE LABEL_RE "(\\." LABEL_RE ")*"
#define SUBDOMAIN_TEXT \
	"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' " \
	"or '.', and must " \
	"start and end with an alphanumeric character (e.g. 'example.com', regex used for " \
	"validation is '" SUBDOMAIN_RE "')"
#define NAME_RE "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
#define NAME_TAIL \
	"must consist of alphanumeric characters, '-', '_' or '.', and must start and end with " \
	"an alphanumeric " \
	"character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is " \
	"'" NAME_RE "')"

static void add(struct kt_messages *messages, const char *text)
{
	if (messages->n < KT_FORMAT_MESSAGES_MAX)
		messages->items[messages->n++] = text;
}

static bool is_lower_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alnum(char c)
{
	return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

/* All of s in `extra` or (lower-case) alphanumeric, and alphanumeric at both ends. */
static bool is_word(struct kt_sv s, bool lower, const char *extra)
{
	bool (*alnum)(char) = lower ? is_lower_alnum : is_alnum;

	if (!s.len || !alnum(s.p[0]) || !alnum(s.p[s.len - 1]))
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (!alnum(s.p[i]) && (!s.p[i] || !strchr(extra, s.p[i])))
			return false;
	return true;
}

static bool is_all(struct kt_sv s, bool (*alnum)(char), const char *extra)
{
	for (size_t i = 0; i < s.len; i++)
		if (!(alnum && alnum(s.p[i])) && (!s.p[i] || !strchr(extra, s.p[i])))
			return false;
	return s.len > 0;
}

static bool each_part(struct kt_sv s, bool (*is)(struct kt_sv part))
{
	struct kt_sv part;
	struct kt_sv rest = s;

	if (!s.len || s.p[s.len - 1] == '.')
		return false;
	while (kt_sv_split(&rest, '.', &part))
		if (!is(part))
			return false;
	return true;
}

static bool is_label(struct kt_sv s)
{
	return is_word(s, true, "-");
}

static bool is_subdomain(struct kt_sv s)
{
	return each_part(s, is_label);
}

static bool is_underscore_label(struct kt_sv s)
{
	if (s.len && s.p[0] == '_')
		s = (struct kt_sv){s.p + 1, s.len - 1};
	return is_word(s, true, "-_");
}

static void check_label(struct kt_sv s, struct kt_messages *m)
{
	if (s.len > KT_DNS1123_LABEL_MAX)
		add(m, "must be no more than 63 characters");
	if (is_label(s))
		return;
	if (is_subdomain(s))
		add(m, "must not contain dots");
	else
		add(m, "a lowercase RFC 1123 label must consist of lower case alphanumeric "
		       "characters or '-', and must start "
		       "and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', "
		       "regex used for validation is "
		       "'" LABEL_RE "')");
}

static void check_subdomain(struct kt_sv s, struct kt_messages *m)
{
	if (s.len > KT_DNS1123_SUBDOMAIN_MAX)
		add(m, "must be no more than 253 characters");
	if (!is_subdomain(s))
		add(m, SUBDOMAIN_TEXT);
}

static void check_subdomain_underscore(struct kt_sv s, struct kt_messages *m)
{
	if (s.len > KT_DNS1123_SUBDOMAIN_MAX)
		add(m, "must be no more than 253 characters");
	if (!each_part(s, is_underscore_label))
		add(m, "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric "
		       "characters, '_', '-' or '.', and "
		       "must start and end with an alphanumeric character (e.g. 'example.com', "
		       "regex used for validation is "
		       "'_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*')");
}

static void check_dns1035(struct kt_sv s, struct kt_messages *m)
{
	if (s.len > KT_DNS1123_LABEL_MAX)
		add(m, "must be no more than 63 characters");
	if (!is_label(s) || isdigit((unsigned char)s.p[0]))
		add(m, "a DNS-1035 label must consist of lower case alphanumeric characters or "
		       "'-', start with an alphabetic "
		       "character, and end with an alphanumeric character (e.g. 'my-name',  or "
		       "'abc-123', regex used for "
		       "validation is '[a-z]([-a-z0-9]*[a-z0-9])?')");
}

static void check_wildcard(struct kt_sv s, struct kt_messages *m)
{
	bool starred = s.len > 2 && s.p[0] == '*' && s.p[1] == '.';

	if (s.len > KT_DNS1123_SUBDOMAIN_MAX)
		add(m, "must be no more than 253 characters");
	if (!starred || !is_subdomain((struct kt_sv){s.p + 2, s.len - 2}))
		add(m, "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid "
		       "DNS subdomain, which must consist "
		       "of lower case alphanumeric characters, '-' or '.' and end with an "
		       "alphanumeric character (e.g. "
		       "'*.example.com', regex used for validation is '\\*\\." SUBDOMAIN_RE "')");
}

static size_t count_parts(struct kt_sv s)
{
	size_t n = 1;

	for (size_t i = 0; i < s.len; i++)
		n += s.p[i] == '.';
	return n;
}

static void check_fqdn(struct kt_sv s, struct kt_messages *m)
{
	struct kt_sv part;

	if (s.len && s.p[s.len - 1] == '.')
		s.len--;
	check_subdomain(s, m);
	if (m->n)
		return;
	if (count_parts(s) < 2) {
		add(m, "should be a domain with at least two segments separated by dots");
		return;
	}
	while (kt_sv_split(&s, '.', &part))
		check_label(part, m);
}

static void check_fully_qualified_name(struct kt_sv s, struct kt_messages *m)
{
	check_subdomain(s, m);
	if (!m->n && count_parts(s) < 3)
		add(m, "should be a domain with at least three segments separated by dots");
}

static void check_prefix(struct kt_sv prefix, struct kt_messages *m)
{
	if (!prefix.len) {
		add(m, "prefix part must be non-empty");
		return;
	}
	if (prefix.len > KT_DNS1123_SUBDOMAIN_MAX)
		add(m, "prefix part must be no more than 253 bytes");
	if (!is_subdomain(prefix))
		add(m, "prefix part " SUBDOMAIN_TEXT);
}

static void check_qualified_name(struct kt_sv s, struct kt_messages *m)
{
	const char *slash = s.len ? memchr(s.p, '/', s.len) : NULL;
	struct kt_sv name = s;

	if (slash) {
		size_t at = (size_t)(slash - s.p);

		if (memchr(slash + 1, '/', s.len - at - 1)) {
			add(m, "a valid label key " NAME_TAIL
			       " with an optional DNS subdomain prefix and '/' (e.g. "
			       "'example.com/MyName')");
			return;
		}
		check_prefix((struct kt_sv){s.p, at}, m);
		name = (struct kt_sv){slash + 1, s.len - at - 1};
	}
	if (!name.len)
		add(m, "name part must be non-empty");
	else if (name.len > KT_LABEL_VALUE_MAX)
		add(m, "name part must be no more than 63 bytes");
	if (!is_word(name, false, "-_."))
		add(m, "name part " NAME_TAIL);
}

static void check_label_value(struct kt_sv s, struct kt_messages *m)
{
	if (s.len > KT_LABEL_VALUE_MAX)
		add(m, "must be no more than 63 bytes");
	if (s.len && !is_word(s, false, "-_."))
		add(m, "a valid label must be an empty string or consist of alphanumeric "
		       "characters, '-', '_' or '.', and must start "
		       "and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  "
		       "or '12345', regex used for "
		       "validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')");
}

static void check_path_segment(struct kt_sv s, struct kt_messages *m)
{
	if (kt_sv_is(s, ".")) {
		add(m, "may not be '.'");
		return;
	}
	if (kt_sv_is(s, "..")) {
		add(m, "may not be '..'");
		return;
	}
	if (s.len && memchr(s.p, '/', s.len))
		add(m, "may not contain '/'");
	if (s.len && memchr(s.p, '%', s.len))
		add(m, "may not contain '%'");
}

static void check_dots(struct kt_sv s, struct kt_messages *m)
{
	if (kt_sv_is(s, "."))
		add(m, "must not be '.'");
	else if (kt_sv_is(s, ".."))
		add(m, "must not be '..'");
	else if (s.len > 2 && s.p[0] == '.' && s.p[1] == '.')
		add(m, "must not start with '..'");
}

static void check_config_map_key(struct kt_sv s, struct kt_messages *m)
{
	if (s.len > KT_DNS1123_SUBDOMAIN_MAX)
		add(m, "must be no more than 253 characters");
	if (!is_all(s, is_alnum, "-._"))
		add(m, "a valid config key must consist of alphanumeric characters, '-', '_' or "
		       "'.' (e.g. 'key.name',  or 'KEY_NAME',  "
		       "or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')");
	check_dots(s, m);
}

static void check_env_var_name(struct kt_sv s, struct kt_messages *m)
{
	bool ok = true;

	if (!s.len) {
		add(m, "environment variable name must be non-empty");
		return;
	}
	for (size_t i = 0; i < s.len && ok; i++)
		ok = s.p[i] >= 0x20 && s.p[i] <= 0x7e && s.p[i] != '=';
	if (!ok)
		add(m, "a valid environment variable name must consist only of printable ASCII "
		       "characters other than '='");
}

static bool is_c_identifier(struct kt_sv s)
{
	return is_all(s, is_alnum, "_") && !isdigit((unsigned char)s.p[0]);
}

static void check_c_identifier(struct kt_sv s, struct kt_messages *m)
{
	if (!is_c_identifier(s))
		add(m, "a valid C identifier must start with alphabetic character or '_', followed "
		       "by a string of alphanumeric "
		       "characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used "
		       "for validation is "
		       "'[A-Za-z_][A-Za-z0-9_]*')");
}

static void check_cel_identifier(struct kt_sv s, struct kt_messages *m)
{
	if (!is_c_identifier(s))
		add(m, "must be a valid CEL identifier");
}

static void check_http_header(struct kt_sv s, struct kt_messages *m)
{
	if (!is_all(s, is_alnum, "-"))
		add(m, "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. "
		       "'X-Header-Name', regex used for "
		       "validation is '[-A-Za-z0-9]+')");
}

static void check_port_name(struct kt_sv s, struct kt_messages *m)
{
	bool letter = false, twice = false;

	for (size_t i = 0; i < s.len; i++) {
		letter |= s.p[i] >= 'a' && s.p[i] <= 'z';
		twice |= i && s.p[i] == '-' && s.p[i - 1] == '-';
	}
	if (s.len > 15)
		add(m, "must be no more than 15 characters");
	if (!is_all(s, is_lower_alnum, "-"))
		add(m, "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
	if (!letter)
		add(m, "must contain at least one letter (a-z)");
	if (twice)
		add(m, "must not contain consecutive hyphens");
	if (s.len && (s.p[0] == '-' || s.p[s.len - 1] == '-'))
		add(m, "must not begin or end with a hyphen");
}

static void check_percent(struct kt_sv s, struct kt_messages *m)
{
	if (s.len < 2 || s.p[s.len - 1] != '%' ||
	        !is_all((struct kt_sv){s.p, s.len - 1}, NULL, "0123456789"))
		add(m, "a valid percent string must be a numeric string followed by an ending '%' "
		       "(e.g. '1%',  or '93%', regex used "
		       "for validation is '[0-9]+%')");
}

static bool parse_ipv4(struct kt_sv s, uint8_t out[4], bool *ret_leading_zero)
{
	struct kt_sv part;
	size_t n = 0;
	bool leading = false;

	if (!s.len || s.p[s.len - 1] == '.')
		return false;
	while (kt_sv_split(&s, '.', &part)) {
		unsigned value = 0;

		if (n == 4 || !is_all(part, NULL, "0123456789") || part.len > 4)
			return false;
		for (size_t i = 0; i < part.len; i++)
			value = value * 10 + (unsigned)(part.p[i] - '0');
		if (value > 255)
			return false;
		leading |= part.len > 1 && part.p[0] == '0';
		out[n++] = (uint8_t)value;
	}
	if (ret_leading_zero)
		*ret_leading_zero = leading;
	return n == 4;
}

bool kt_ip_parse(struct kt_sv text, uint8_t ret_bytes[16], int *ret_family)
{
	char copy[INET6_ADDRSTRLEN + 1];

	if (text.len && memchr(text.p, ':', text.len)) {
		if (text.len >= sizeof(copy))
			return false;
		memcpy(copy, text.p, text.len);
		copy[text.len] = 0;
		*ret_family = 6;
		return inet_pton(AF_INET6, copy, ret_bytes) == 1;
	}
	*ret_family = 4;
	return parse_ipv4(text, ret_bytes, NULL);
}

static bool split_cidr(struct kt_sv text, struct kt_sv *ret_ip, struct kt_sv *ret_len)
{
	const char *slash = text.len ? memchr(text.p, '/', text.len) : NULL;

	if (!slash)
		return false;
	*ret_ip = (struct kt_sv){text.p, (size_t)(slash - text.p)};
	*ret_len = (struct kt_sv){slash + 1, text.len - ret_ip->len - 1};
	return true;
}

bool kt_cidr_parse(struct kt_sv text, uint8_t ret_bytes[16], int *ret_family, int *ret_prefix_len)
{
	struct kt_sv ip, len;
	int64_t value;

	if (!split_cidr(text, &ip, &len) || !kt_ip_parse(ip, ret_bytes, ret_family))
		return false;
	if (!is_all(len, NULL, "0123456789") || kt_sv_int64(len, &value) < 0 ||
	        value > (*ret_family == 4 ? 32 : 128))
		return false;
	*ret_prefix_len = (int)value;
	return true;
}

static bool is_mapped(const uint8_t bytes[16], int family)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	return family == 6 && !memcmp(bytes, prefix, sizeof(prefix));
}

static void check_ip(struct kt_sv s, struct kt_messages *m)
{
	uint8_t bytes[16];
	int family;

	if (!kt_ip_parse(s, bytes, &family))
		add(m, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
}

static void check_ipv4(struct kt_sv s, struct kt_messages *m)
{
	uint8_t bytes[4];

	if (!parse_ipv4(s, bytes, NULL))
		add(m, "must be a valid IPv4 address");
}

static void check_ip_strict(struct kt_sv s, struct kt_messages *m)
{
	uint8_t bytes[16];
	bool leading = false;
	int family;

	check_ip(s, m);
	if (m->n)
		return;
	kt_ip_parse(s, bytes, &family);
	if (family == 4)
		parse_ipv4(s, bytes, &leading);
	if (leading)
		add(m, "must not have leading 0s");
	if (is_mapped(bytes, family))
		add(m, "must not be an IPv4-mapped IPv6 address");
}

static void check_cidr(struct kt_sv s, struct kt_messages *m)
{
	uint8_t bytes[16];
	int family, len;

	if (!kt_cidr_parse(s, bytes, &family, &len))
		add(m, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
}

static bool has_host_bits(const uint8_t *bytes, int n_bits, int prefix_len)
{
	for (int i = prefix_len; i < n_bits; i++)
		if (bytes[i / 8] & (0x80 >> (i % 8)))
			return true;
	return false;
}

static void check_cidr_strict(struct kt_sv s, struct kt_messages *m)
{
	uint8_t bytes[16];
	struct kt_sv ip = {0}, len = {0};
	bool leading = false;
	int family, prefix_len;

	check_cidr(s, m);
	if (m->n)
		return;
	kt_cidr_parse(s, bytes, &family, &prefix_len);
	split_cidr(s, &ip, &len);
	if (is_mapped(bytes, family))
		add(m, "must not have an IPv4-mapped IPv6 address");
	if (has_host_bits(bytes, family == 4 ? 32 : 128, prefix_len))
		add(m, "must not have bits set beyond the prefix length");
	if (family == 4)
		parse_ipv4(ip, bytes, &leading);
	if (leading || (len.len > 1 && len.p[0] == '0'))
		add(m, "must not have leading 0s in IP or prefix length");
}

static bool has_dot_dot(struct kt_sv s)
{
	struct kt_sv part;

	while (kt_sv_split(&s, '/', &part))
		if (kt_sv_is(part, ".."))
			return true;
	return false;
}

static void check_absolute_path(struct kt_sv s, struct kt_messages *m)
{
	if (!s.len || s.p[0] != '/')
		add(m, "must be an absolute path");
}

static void check_relative_path(struct kt_sv s, struct kt_messages *m)
{
	if (s.len && s.p[0] == '/')
		add(m, "must be a relative path");
	if (has_dot_dot(s))
		add(m, "must not contain '..'");
}

static const struct kt_format formats[] = {
        {"dns1123-label", check_label},
        {"dns1123-subdomain", check_subdomain},
        {"dns1123-subdomain-underscore", check_subdomain_underscore},
        {"dns1035-label", check_dns1035},
        {"wildcard-dns", check_wildcard},
        {"fqdn", check_fqdn},
        {"fully-qualified-domain", check_fqdn},
        {"fully-qualified-name", check_fully_qualified_name},
        {"qualified-name", check_qualified_name},
        {"label-key", check_qualified_name},
        {"label-value", check_label_value},
        {"path-segment", check_path_segment},
        {"config-map-key", check_config_map_key},
        {"env-var-name", check_env_var_name},
        {"c-identifier", check_c_identifier},
        {"cel-identifier", check_cel_identifier},
        {"http-header", check_http_header},
        {"port-name", check_port_name},
        {"percent", check_percent},
        {"ip", check_ip},
        {"ip-strict", check_ip_strict},
        {"ipv4", check_ipv4},
        {"cidr", check_cidr},
        {"cidr-strict", check_cidr_strict},
        {"http-path", check_absolute_path},
        {"absolute-path", check_absolute_path},
        {"relative-path", check_relative_path},
};

const struct kt_format *kt_format_find(const char *name)
{
	for (size_t i = 0; i < KT_ARRAY_SIZE(formats); i++)
		if (!strcmp(formats[i].name, name))
			return &formats[i];
	return NULL;
}

size_t kt_format_check(const char *format, struct kt_sv value, struct kt_messages *messages)
{
	const struct kt_format *found = kt_format_find(format);

	kt_assert(found);
	messages->n = 0;
	found->check(value, messages);
	return messages->n;
}

bool kt_format_is(const char *format, const char *value)
{
	struct kt_messages messages = {0};

	return kt_format_check(format, kt_sv_of(value), &messages) == 0;
}

bool kt_field_format(
        struct kt_field_errors *errors, const char *field, const char *value, const char *format)
{
	struct kt_messages messages = {0};
	kt_auto_json json_t *bad = NULL;

	if (!kt_format_check(format, kt_sv_of(value), &messages))
		return true;
	bad = json_string_nocheck(value);
	for (size_t i = 0; i < messages.n; i++)
		kt_field_invalid(errors, field, bad, "%s", messages.items[i]);
	return false;
}

void kt_field_label_key(struct kt_field_errors *errors, const char *field, const char *key)
{
	kt_field_format(errors, field, key, "qualified-name");
}

void kt_field_labels(struct kt_field_errors *errors, const char *field, const json_t *labels)
{
	/* Go walks maps in random order; sorted is one of the orders a client may see. */
	size_t n = json_object_size(labels), i = 0;
	kt_auto_free const char **keys = kt_new_array(const char *, n + 1);
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)labels, key, value)
		keys[i++] = key;
	qsort(keys, n, sizeof(*keys), kt_strp_cmp);
	for (i = 0; i < n; i++) {
		const char *text = json_string_value(json_object_get(labels, keys[i]));

		kt_field_label_key(errors, field, keys[i]);
		kt_field_format(errors, field, text ? text : "", "label-value");
	}
}
