/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/rules/options.h"

#include "api/server/server_impl.h"

#include <stdio.h>

#define SERVICE_CIDR "10.96.0.0/16"
#define NODE_PORT_LOW 30000
#define NODE_PORT_HIGH 32767

const char *kt_rule_service_cidr(const struct kt_rule_context *c)
{
	const char *cidr = c->server ? c->server->options.service_cluster_ip_range : NULL;
	return cidr ? cidr : SERVICE_CIDR;
}

void kt_rule_node_ports(const struct kt_rule_context *c, int *ret_low, int *ret_high)
{
	const char *range = c->server ? c->server->options.service_node_port_range : NULL;
	*ret_low = NODE_PORT_LOW;
	*ret_high = NODE_PORT_HIGH;
	if (range && sscanf(range, "%d-%d", ret_low, ret_high) != 2) {
		*ret_low = NODE_PORT_LOW;
		*ret_high = NODE_PORT_HIGH;
	}
}
