/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The server's options as rules need them, with upstream's values where there is no server (tests).
 */
#ifndef KT_API_SERVER_RULES_OPTIONS_H
#define KT_API_SERVER_RULES_OPTIONS_H

#include "api/server/rules/rules.h"

const char *kt_rule_service_cidr(const struct kt_rule_context *c);
void kt_rule_node_ports(const struct kt_rule_context *c, int *ret_low, int *ret_high);

#endif
