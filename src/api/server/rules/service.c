/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/rules/service.h"

#include "api/server/rules/meta.h"

#define AFFINITY_SECONDS 10800

bool kt_service_is(const json_t *spec, const char *type)
{
	return strcmp(kt_text_of(spec, "type"), type) == 0;
}

bool kt_service_is_headless(const json_t *spec)
{
	const char *first =
	        json_string_value(json_array_get(json_object_get(spec, "clusterIPs"), 0));
	return kt_streq(first, "None") || strcmp(kt_text_of(spec, "clusterIP"), "None") == 0;
}

bool kt_service_needs_cluster_ip(const json_t *spec)
{
	return kt_service_is(spec, "ClusterIP") || kt_service_is(spec, "NodePort") ||
	       kt_service_is(spec, "LoadBalancer");
}

bool kt_service_needs_node_port(const json_t *spec)
{
	return kt_service_is(spec, "NodePort") ||
	       (kt_service_is(spec, "LoadBalancer") &&
	               !json_is_false(json_object_get(spec, "allocateLoadBalancerNodePorts")));
}

bool kt_service_needs_health_port(const json_t *spec)
{
	return kt_service_is(spec, "LoadBalancer") &&
	       strcmp(kt_text_of(spec, "externalTrafficPolicy"), "Local") == 0;
}

bool kt_service_is_external(const json_t *spec)
{
	return kt_service_is(spec, "LoadBalancer") || kt_service_is(spec, "NodePort") ||
	       (kt_service_is(spec, "ClusterIP") &&
	               json_array_size(json_object_get(spec, "externalIPs")));
}

static void set_text(json_t *object, const char *name, const char *text)
{
	json_object_set_new(object, name, json_string(text));
}

static bool is_unset(const json_t *value)
{
	return !value || (json_is_integer(value) && json_integer_value(value) == 0) ||
	       (json_is_string(value) && !*json_string_value(value));
}

static json_t *object_of(json_t *parent, const char *name)
{
	json_t *object = json_object_get(parent, name);
	if (!json_is_object(object))
		json_object_set_new(parent, name, object = json_object());
	return object;
}

static void default_affinity(json_t *spec)
{
	if (strcmp(kt_text_of(spec, "sessionAffinity"), "None") == 0)
		json_object_del(spec, "sessionAffinityConfig");
	if (strcmp(kt_text_of(spec, "sessionAffinity"), "ClientIP") != 0)
		return;
	json_t *client = object_of(object_of(spec, "sessionAffinityConfig"), "clientIP");
	if (!json_object_get(client, "timeoutSeconds"))
		json_object_set_new(client, "timeoutSeconds", json_integer(AFFINITY_SECONDS));
}

static void default_object(struct kt_rule_context *c, json_t *service)
{
	(void)c;
	json_t *spec = json_object_get(service, "spec"), *port, *ingress;
	size_t i;
	default_affinity(spec);
	json_array_foreach(json_object_get(spec, "ports"), i, port) {
		if (is_unset(json_object_get(port, "targetPort")) && json_object_get(port, "port"))
			json_object_set(port, "targetPort", json_object_get(port, "port"));
	}
	if (kt_service_is_external(spec) && !*kt_text_of(spec, "externalTrafficPolicy"))
		set_text(spec, "externalTrafficPolicy", "Cluster");
	if (kt_service_needs_cluster_ip(spec) && !json_object_get(spec, "internalTrafficPolicy"))
		set_text(spec, "internalTrafficPolicy", "Cluster");
	if (kt_service_is(spec, "LoadBalancer") &&
	        !json_object_get(spec, "allocateLoadBalancerNodePorts"))
		json_object_set_new(spec, "allocateLoadBalancerNodePorts", json_true());
	json_array_foreach(kt_jget(service, "status.loadBalancer.ingress"), i, ingress) {
		if (*kt_text_of(ingress, "ip") && !json_object_get(ingress, "ipMode"))
			set_text(ingress, "ipMode", "VIP");
	}
}

/* What an update leaves out is what was given before. */

static void keep(json_t *spec, const json_t *old, const char *name)
{
	json_t *value = json_object_get(old, name);
	if (value)
		json_object_set_new(spec, name, json_deep_copy(value));
}

static bool takes_port(const json_t *ports, int64_t node_port, const char *protocol)
{
	size_t i;
	json_t *port;
	json_array_foreach(ports, i, port) {
		if (json_integer_value(json_object_get(port, "nodePort")) == node_port &&
		        strcmp(kt_text_of(port, "protocol"), protocol) == 0)
			return true;
	}
	return false;
}

static void keep_node_ports(json_t *spec, const json_t *old)
{
	json_t *ports = json_object_get(spec, "ports"), *port, *before;
	size_t i, j;
	json_array_foreach(ports, i, port) {
		if (json_integer_value(json_object_get(port, "nodePort")))
			continue;
		json_array_foreach(json_object_get(old, "ports"), j, before) {
			int64_t number = json_integer_value(json_object_get(before, "nodePort"));
			const char *protocol = kt_text_of(port, "protocol");
			if (number &&
			        json_equal(json_object_get(port, "port"),
			                json_object_get(before, "port")) &&
			        strcmp(protocol, kt_text_of(before, "protocol")) == 0 &&
			        !takes_port(ports, number, protocol))
				json_object_set_new(port, "nodePort", json_integer(number));
		}
	}
}

static void keep_allocated(json_t *spec, const json_t *old)
{
	if (kt_service_needs_cluster_ip(old) && kt_service_needs_cluster_ip(spec)) {
		if (!*kt_text_of(spec, "clusterIP"))
			keep(spec, old, "clusterIP");
		if (!json_array_size(json_object_get(spec, "clusterIPs")) &&
		        strcmp(kt_text_of(spec, "clusterIP"), kt_text_of(old, "clusterIP")) == 0)
			keep(spec, old, "clusterIPs");
	}
	if (kt_service_needs_node_port(old) && kt_service_needs_node_port(spec))
		keep_node_ports(spec, old);
	if (kt_service_needs_health_port(old) && kt_service_needs_health_port(spec) &&
	        is_unset(json_object_get(spec, "healthCheckNodePort")))
		keep(spec, old, "healthCheckNodePort");
}

/* clusterIP and the first of clusterIPs are one thing; a client that knows only one of them is
 * understood. */
static void sync_cluster_ips(json_t *spec, const json_t *old)
{
	const char *ip = kt_text_of(spec, "clusterIP"), *old_ip = kt_text_of(old, "clusterIP");
	json_t *ips = json_object_get(spec, "clusterIPs");
	if (!old) {
		if (*ip && !json_array_size(ips))
			json_object_set_new(spec, "clusterIPs", json_pack("[s]", ip));
		return;
	}
	bool same_list = kt_same(ips, json_object_get(old, "clusterIPs"));
	if (strcmp(ip, old_ip) == 0 || !same_list)
		return;
	if (!*ip)
		json_object_del(spec, "clusterIPs");
	else
		json_object_set_new(spec, "clusterIPs", json_pack("[s]", ip));
}

/* A field of the old type goes with the type, unless it was changed at the same time: then it is a
 * mistake to be told. */

static bool same(const json_t *spec, const json_t *old, const char *name)
{
	return kt_same(json_object_get(spec, name), json_object_get(old, name));
}

static bool same_node_ports(const json_t *spec, const json_t *old)
{
	const json_t *ports = json_object_get(spec, "ports"),
	             *before = json_object_get(old, "ports");
	size_t i;
	json_t *port;
	json_array_foreach(ports, i, port) {
		int64_t number = json_integer_value(json_object_get(port, "nodePort"));
		bool known = number == 0;
		for (size_t j = 0; j < json_array_size(before); j++)
			known |= json_integer_value(json_object_get(
			                 json_array_get(before, j), "nodePort")) == number;
		if (!known)
			return false;
	}
	return true;
}

static void drop_if_same(json_t *spec, const json_t *old, const char *name)
{
	if (same(spec, old, name))
		json_object_del(spec, name);
}

static void drop_of_old_type(json_t *spec, const json_t *old)
{
	size_t i;
	json_t *port;
	if (kt_service_needs_cluster_ip(old) && !kt_service_needs_cluster_ip(spec)) {
		if (same(spec, old, "clusterIP") && same(spec, old, "clusterIPs")) {
			json_object_del(spec, "clusterIP");
			json_object_del(spec, "clusterIPs");
		}
		if (same(spec, old, "ipFamilies") && same(spec, old, "ipFamilyPolicy")) {
			json_object_del(spec, "ipFamilies");
			json_object_del(spec, "ipFamilyPolicy");
		}
	}
	if (kt_service_needs_node_port(old) && !kt_service_needs_node_port(spec) &&
	        same_node_ports(spec, old))
		json_array_foreach(json_object_get(spec, "ports"), i, port) {
			json_object_del(port, "nodePort");
		}
	if (kt_service_needs_health_port(old) && !kt_service_needs_health_port(spec))
		drop_if_same(spec, old, "healthCheckNodePort");
	if (kt_service_is(old, "LoadBalancer") && !kt_service_is(spec, "LoadBalancer")) {
		drop_if_same(spec, old, "allocateLoadBalancerNodePorts");
		drop_if_same(spec, old, "loadBalancerClass");
	}
	if (kt_service_is_external(old) && !kt_service_is_external(spec))
		drop_if_same(spec, old, "externalTrafficPolicy");
}

static int prepare(struct kt_rule_context *c, json_t *service, const json_t *old)
{
	json_t *spec = json_object_get(service, "spec");
	const json_t *old_spec = json_object_get(old, "spec");
	if (c->subresource)
		return 0;
	if (old)
		keep_allocated(spec, old_spec);
	sync_cluster_ips(spec, old_spec);
	int r = kt_service_allocate(c, service, old);
	if (r < 0)
		return r;
	if (old)
		drop_of_old_type(spec, old_spec);
	if (kt_service_is(spec, "ExternalName"))
		json_object_del(spec, "internalTrafficPolicy");
	if (!kt_service_is(spec, "LoadBalancer"))
		json_object_del(json_object_get(service, "status"), "loadBalancer");
	return 0;
}

static void validate(struct kt_rule_context *c, const json_t *service, const json_t *old)
{
	if (c->subresource) {
		struct kt_at root = kt_at_root(c, service), status = kt_at(&root, "status");
		kt_meta_validate_update(c, service, old);
		kt_service_check_load_balancer(c, &status, json_object_get(service, "spec"));
		return;
	}
	kt_service_validate(c, service, old);
}

static void warn(struct kt_rule_context *c, const json_t *service, const json_t *old)
{
	if (!c->subresource)
		kt_service_warn(c, service, old);
}

static int after(struct kt_rule_context *c, const json_t *service, const json_t *old)
{
	if (old && !c->subresource)
		kt_service_release(c, service, old);
	return 0;
}

const struct kt_rules kt_rules_core_service = {
        .group = "",
        .kind = "Service",
        .default_object = default_object,
        .prepare = prepare,
        .validate = validate,
        .warn = warn,
        .after = after,
};
