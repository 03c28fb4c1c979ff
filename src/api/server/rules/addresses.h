/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checks and warnings about addresses that several kinds share. */
#ifndef KT_API_SERVER_RULES_ADDRESSES_H
#define KT_API_SERVER_RULES_ADDRESSES_H

#include "api/server/rules/check.h"

/* Addresses that mean something only to one host or one link cannot be routed to. Also says when it
 * is none. */
void kt_check_routable_ip(struct kt_rule_context *c, const struct kt_at *at);
/* Spellings that upstream will refuse one day: leading zeros, IPv4 mapped into IPv6, bits beyond a
 * prefix. */
void kt_warn_ip(struct kt_rule_context *c, const struct kt_at *at);
void kt_warn_cidr(struct kt_rule_context *c, const struct kt_at *at);
/* Canonical text of an address (4 or 16 bytes). */
const char *kt_ip_text(struct kt_rule_context *c, const uint8_t *bytes, int family);
bool kt_ip_in_net(const uint8_t *ip, const char *cidr);

#endif
