/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/machinery/openapi_format.h"

#include "api/expr/regex.h"
#include "api/machinery/names.h"
#include "base/time.h"

#include <ctype.h>

static bool is_digits(struct kt_sv s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!isdigit((unsigned char)s.p[i]))
			return false;
	return s.len > 0;
}

static bool is_date(struct kt_sv s)
{
	kt_auto_free char *text = NULL;
	int64_t ns;

	if (s.len != 10)
		return false;
	text = kt_asprintf("%.10sT00:00:00Z", s.p);
	return kt_time_parse(kt_sv_of(text), &ns) == 0;
}

static bool is_date_time(struct kt_sv s)
{
	int64_t ns;

	return kt_time_parse(s, &ns) == 0;
}

static bool is_duration(struct kt_sv s)
{
	int64_t ns;

	return kt_duration_parse(s, &ns) == 0 ||
	       kt_regex_is_match("^\\d+\\s*(?i:ns|us|ms|s|m|h|d|w)\\w*$", s);
}

static bool is_ip_of(struct kt_sv s, int wanted)
{
	uint8_t bytes[16];
	int family;

	return kt_ip_parse(s, bytes, &family) && family == wanted;
}

static bool is_ipv4(struct kt_sv s)
{
	return is_ip_of(s, 4);
}

static bool is_ipv6(struct kt_sv s)
{
	return is_ip_of(s, 6);
}

static bool is_cidr(struct kt_sv s)
{
	uint8_t bytes[16];
	int family, len;

	return kt_cidr_parse(s, bytes, &family, &len);
}

static bool is_byte(struct kt_sv s)
{
	kt_auto_str out = KT_STR_INIT;

	return s.len == 0 || (s.len % 4 == 0 && kt_base64_decode(&out, s) == 0);
}

static bool isbn10(struct kt_sv s)
{
	int sum = 0;

	for (size_t i = 0; i < 9; i++) {
		if (!isdigit((unsigned char)s.p[i]))
			return false;
		sum += (int)(i + 1) * (s.p[i] - '0');
	}
	if (s.p[9] != 'X' && !isdigit((unsigned char)s.p[9]))
		return false;
	sum += 10 * (s.p[9] == 'X' ? 10 : s.p[9] - '0');
	return sum % 11 == 0;
}

static bool isbn13(struct kt_sv s)
{
	int sum = 0;

	if (!is_digits(s))
		return false;
	for (size_t i = 0; i < 13; i++)
		sum += (i % 2 ? 3 : 1) * (s.p[i] - '0');
	return sum % 10 == 0;
}

static struct kt_sv compact(struct kt_sv s, char *buffer, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len && n < size; i++)
		if (s.p[i] != ' ' && s.p[i] != '-')
			buffer[n++] = s.p[i];
	return (struct kt_sv){buffer, n};
}

static bool is_isbn10(struct kt_sv s)
{
	char buffer[32];

	s = compact(s, buffer, sizeof(buffer));
	return s.len == 10 && isbn10(s);
}

static bool is_isbn13(struct kt_sv s)
{
	char buffer[32];

	s = compact(s, buffer, sizeof(buffer));
	return s.len == 13 && isbn13(s);
}

static bool is_isbn(struct kt_sv s)
{
	return is_isbn10(s) || is_isbn13(s);
}

static bool is_credit_card(struct kt_sv s)
{
	char buffer[32];
	int sum = 0;

	s = compact(s, buffer, sizeof(buffer));
	if (s.len < 13 || s.len > 19 || !is_digits(s))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		int digit = s.p[s.len - 1 - i] - '0';

		if (i % 2)
			digit = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
		sum += digit;
	}
	return sum % 10 == 0;
}

static bool is_short_name(struct kt_sv s)
{
	struct kt_messages messages = {0};

	return kt_format_check("dns1123-label", s, &messages) == 0;
}

static bool is_long_name(struct kt_sv s)
{
	struct kt_messages messages = {0};

	return kt_format_check("dns1123-subdomain", s, &messages) == 0;
}

static bool is_email(struct kt_sv s)
{
	return kt_regex_is_match("^([^<>]*<)?[^@\\s<>\"(),:;\\[\\]\\\\]+@[^@\\s<>]+>?$", s);
}

#define HEX "[0-9a-fA-F]"

static const struct {
	const char *name;
	bool (*is)(struct kt_sv text); /* or */
	const char *pattern;
} formats[] = {
        {"date", is_date, NULL},
        {"date-time", is_date_time, NULL},
        {"datetime", is_date_time, NULL},
        {"duration", is_duration, NULL},
        {"ipv4", is_ipv4, NULL},
        {"ipv6", is_ipv6, NULL},
        {"cidr", is_cidr, NULL},
        {"byte", is_byte, NULL},
        {"isbn", is_isbn, NULL},
        {"isbn10", is_isbn10, NULL},
        {"isbn13", is_isbn13, NULL},
        {"creditcard", is_credit_card, NULL},
        {"email", is_email, NULL},
        {"k8s-short-name", is_short_name, NULL},
        {"k8s-long-name", is_long_name, NULL},
        {"mac", NULL,
                "^(" HEX "{2}[:-]){5}" HEX "{2}$|^(" HEX "{4}\\.){2}" HEX "{4}$|^(" HEX
                "{2}[:-]){7}" HEX "{2}$"},
        {"uuid", NULL, "^" HEX "{8}-?" HEX "{4}-?" HEX "{4}-?" HEX "{4}-?" HEX "{12}$"},
        {"uuid3", NULL, "^" HEX "{8}-?" HEX "{4}-?3" HEX "{3}-?" HEX "{4}-?" HEX "{12}$"},
        {"uuid4", NULL, "^" HEX "{8}-?" HEX "{4}-?4" HEX "{3}-?[89abAB]" HEX "{3}-?" HEX "{12}$"},
        {"uuid5", NULL, "^" HEX "{8}-?" HEX "{4}-?5" HEX "{3}-?[89abAB]" HEX "{3}-?" HEX "{12}$"},
        {"hexcolor", NULL, "^#?(" HEX "{3}|" HEX "{6})$"},
        {"rgbcolor", NULL, "^rgb\\(\\s*\\d{1,3}\\s*,\\s*\\d{1,3}\\s*,\\s*\\d{1,3}\\s*\\)$"},
        {"ssn", NULL, "^\\d{3}[- ]?\\d{2}[- ]?\\d{4}$"},
        {"bsonobjectid", NULL, "^" HEX "{24}$"},
        {"hostname", NULL,
                "^([a-zA-Z0-9]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?\\.)*[a-zA-Z0-9]([-a-zA-Z0-9]{0,61}["
                "a-zA-Z0-9])?\\.?$"},
        {"uri", NULL, "^([a-zA-Z][-a-zA-Z0-9+.]*:[^\\s]+|/[^\\s]*)$"},
};

bool kt_openapi_format_is_known(const char *format)
{
	for (size_t i = 0; i < KT_ARRAY_SIZE(formats); i++)
		if (!strcmp(formats[i].name, format))
			return true;
	return !strcmp(format, "password"); /* any text is one */
}

bool kt_openapi_format_is(const char *format, struct kt_sv text)
{
	for (size_t i = 0; i < KT_ARRAY_SIZE(formats); i++)
		if (!strcmp(formats[i].name, format))
			return formats[i].is ? formats[i].is(text)
			                     : kt_regex_is_match(formats[i].pattern, text);
	return true;
}
