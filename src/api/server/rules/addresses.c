/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/rules/addresses.h"

#include "api/machinery/names.h"

#include <arpa/inet.h>

bool kt_ip_in_net(const uint8_t *ip, const char *cidr)
{
	uint8_t net[16];
	int family = 0, bits = 0;
	if (!kt_cidr_parse(kt_sv_of(cidr), net, &family, &bits))
		return false;
	for (int i = 0; i < bits; i++)
		if ((ip[i / 8] ^ net[i / 8]) & (0x80 >> (i % 8)))
			return false;
	return true;
}

void kt_check_routable_ip(struct kt_rule_context *c, const struct kt_at *at)
{
	static const struct {
		const char *nets[2], *text;
	} special[] = {
	        {{"127.0.0.0/8", "::1/128"},
	                "may not be in the loopback range (127.0.0.0/8, ::1/128)"},
	        {{"169.254.0.0/16", "fe80::/10"},
	                "may not be in the link-local range (169.254.0.0/16, fe80::/10)"},
	        {{"224.0.0.0/24", "ff02::/16"},
	                "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"},
	};
	uint8_t bytes[16] = {0};
	int family = 0;
	if (!kt_ip_parse(kt_sv_of(kt_at_text(at)), bytes, &family)) {
		kt_add_invalid(c, at, "must be a valid IP address");
		return;
	}
	static const uint8_t zero[16];
	if (memcmp(bytes, zero, family == 4 ? 4 : 16) == 0)
		kt_add_invalid(c, at, "may not be unspecified (%s)", kt_at_text(at));
	for (size_t i = 0; i < KT_ARRAY_SIZE(special); i++)
		if (kt_ip_in_net(bytes, special[i].nets[family == 6]))
			kt_add_invalid(c, at, "%s", special[i].text);
}

const char *kt_ip_text(struct kt_rule_context *c, const uint8_t *bytes, int family)
{
	char text[INET6_ADDRSTRLEN];
	inet_ntop(family == 4 ? AF_INET : AF_INET6, bytes, text, sizeof(text));
	return kt_arena_strdup(c->arena, text);
}

/* ::ffff:0:0/96 */
static const uint8_t ipv4_mapped[12] = {[10] = 0xff, [11] = 0xff};

void kt_warn_ip(struct kt_rule_context *c, const struct kt_at *at)
{
	uint8_t bytes[16];
	int family;
	if (!kt_ip_parse(kt_sv_of(kt_at_text(at)), bytes, &family))
		return;
	bool is_mapped = family == 6 && memcmp(bytes, ipv4_mapped, sizeof(ipv4_mapped)) == 0;
	if (is_mapped)
		family = 4;
	const char *canonical =
	                   kt_ip_text(c, bytes + (is_mapped ? sizeof(ipv4_mapped) : 0), family),
	           *given = kt_at_text(at);
	if (strcmp(canonical, given) == 0)
		return;
	if (family == 6)
		kt_rule_warn(c,
		        "%s: IPv6 address \"%s\" should be in RFC 5952 canonical format (\"%s\")",
		        kt_at_path(c, at), given, canonical);
	else
		kt_rule_warn(c,
		        "%s: non-standard IP address \"%s\" will be considered invalid in a future "
		        "Kubernetes release: use \"%s\"",
		        kt_at_path(c, at), given, canonical);
}

void kt_warn_cidr(struct kt_rule_context *c, const struct kt_at *at)
{
	struct kt_sv text = kt_sv_trim(kt_sv_of(kt_at_text(at)));
	kt_auto_free char *given = kt_sv_dup(text);
	uint8_t bytes[16];
	int family, bits;
	if (!kt_cidr_parse(text, bytes, &family, &bits))
		return;
	const char *as_given =
	        kt_arena_printf(c->arena, "%s/%d", kt_ip_text(c, bytes, family), bits);
	for (int i = bits; i < (family == 4 ? 32 : 128); i++)
		bytes[i / 8] &= (uint8_t) ~(0x80 >> (i % 8));
	const char *canonical =
	        kt_arena_printf(c->arena, "%s/%d", kt_ip_text(c, bytes, family), bits);
	if (strcmp(canonical, given) == 0)
		return;
	if (strcmp(as_given, canonical) != 0)
		kt_rule_warn(c,
		        "%s: CIDR value \"%s\" is ambiguous in this context (should be \"%s\" or "
		        "\"%s\"?)",
		        kt_at_path(c, at), given, canonical,
		        kt_arena_printf(c->arena, "%.*s/%d",
		                (int)(strchr(as_given, '/') - as_given), as_given,
		                family == 4 ? 32 : 128));
	else if (family == 6)
		kt_rule_warn(c,
		        "%s: IPv6 CIDR value \"%s\" should be in RFC 5952 canonical format "
		        "(\"%s\")",
		        kt_at_path(c, at), given, canonical);
	else
		kt_rule_warn(c,
		        "%s: non-standard CIDR value \"%s\" will be considered invalid in a future "
		        "Kubernetes release: use \"%s\"",
		        kt_at_path(c, at), given, canonical);
}
