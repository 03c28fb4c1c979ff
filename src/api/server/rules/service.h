/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Services: service.c has defaults and what the API lets change, service_validate.c the checks,
 * service_addresses.c the addresses and node ports.
 *
 * An allocation is an object of its own, written in the service's transaction on the condition that
 * it is not there yet: an IPAddress (networking.k8s.io) for a cluster IP, as upstream does it, and
 * a key below KT_NODE_PORTS_PREFIX for a node port. So two servers, or two requests at a time, can
 * never give out the same one, and nothing has to be rebuilt at start.
 */
#ifndef KT_API_SERVER_RULES_SERVICE_H
#define KT_API_SERVER_RULES_SERVICE_H

#include "api/server/rules/check.h"

#define KT_NODE_PORTS_PREFIX "/registry/ranges/nodeports/"

bool kt_service_is(const json_t *spec, const char *type);
bool kt_service_is_headless(const json_t *spec);
bool kt_service_needs_cluster_ip(const json_t *spec);
bool kt_service_needs_node_port(const json_t *spec);
bool kt_service_needs_health_port(const json_t *spec);
bool kt_service_is_external(const json_t *spec);

void kt_service_validate(struct kt_rule_context *c, const json_t *service, const json_t *old);
void kt_service_check_ips(struct kt_rule_context *c, const struct kt_at *spec);
void kt_service_check_load_balancer(
        struct kt_rule_context *c, const struct kt_at *status, const json_t *spec);
void kt_service_warn(struct kt_rule_context *c, const json_t *service, const json_t *old);

/* Fills in families, addresses and ports that the service needs. 0, or a negative code with c->err.
 */
int kt_service_allocate(struct kt_rule_context *c, json_t *service, const json_t *old);
/* Gives back what old had and service (NULL: deleted) has no more. */
void kt_service_release(struct kt_rule_context *c, const json_t *service, const json_t *old);

#endif
