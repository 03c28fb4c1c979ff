/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Services, endpoints, ingresses, network policies. */
#include "api/server/cells_table.h"

#define ENDPOINTS_SHOWN 3
#define HOSTS_SHOWN 3

static json_t *service_cluster_ip(const struct kt_cell_context *c)
{
	return kt_cell_text_or_none(kt_jstr(c->object, "spec.clusterIP"));
}

/* Addresses or host names a load balancer gave. */
static void put_ingress(struct kt_str *out, const json_t *object)
{
	json_t *entry;
	size_t i;

	json_array_foreach(kt_jget(object, "status.loadBalancer.ingress"), i, entry) {
		const char *ip = kt_jstr(entry, "ip"), *host = kt_jstr(entry, "hostname");
		kt_str_printf(out, "%s%s", out->len ? "," : "", ip && *ip ? ip : host ? host : "");
	}
}

static void put_external_ips(struct kt_str *out, const json_t *object)
{
	json_t *ip;
	size_t i;

	json_array_foreach(kt_jget(object, "spec.externalIPs"), i, ip)
		kt_str_printf(out, "%s%s", out->len ? "," : "", json_string_value(ip));
}

static json_t *service_external_ip(const struct kt_cell_context *c)
{
	const char *type = kt_jstr(c->object, "spec.type");
	kt_auto_str text = KT_STR_INIT;

	if (kt_streq(type, "ExternalName"))
		return kt_cell_text_or_none(kt_jstr(c->object, "spec.externalName"));
	if (kt_streq(type, "LoadBalancer"))
		put_ingress(&text, c->object);
	put_external_ips(&text, c->object);
	if (!text.len && kt_streq(type, "LoadBalancer"))
		return json_string("<pending>");
	return kt_cell_text_or_none(kt_str_text(&text));
}

static json_t *service_ports(const struct kt_cell_context *c)
{
	kt_auto_str text = KT_STR_INIT;
	json_t *port;
	size_t i;

	json_array_foreach(kt_jget(c->object, "spec.ports"), i, port) {
		kt_str_printf(&text, "%s%lld", i ? "," : "", (long long)kt_jint(port, "port", 0));
		if (kt_jint(port, "nodePort", 0))
			kt_str_printf(&text, ":%lld", (long long)kt_jint(port, "nodePort", 0));
		kt_str_printf(&text, "/%s", kt_jstr(port, "protocol"));
	}
	return kt_cell_text_or_none(kt_str_text(&text));
}

static json_t *map_selector(const struct kt_cell_context *c)
{
	return kt_cell_map_text(kt_jget(c->object, "spec.selector"));
}

/* Every address with every port of its subset; a few are shown, the rest counted. */
static json_t *endpoints_addresses(const struct kt_cell_context *c)
{
	kt_auto_str text = KT_STR_INIT;
	json_t *subset, *port, *address;
	size_t count = 0, s, p, a;

	json_array_foreach(json_object_get(c->object, "subsets"), s, subset) {
		json_array_foreach(json_object_get(subset, "ports"), p, port) {
			json_array_foreach(json_object_get(subset, "addresses"), a, address) {
				if (count++ < ENDPOINTS_SHOWN)
					kt_str_printf(&text, "%s%s:%lld", text.len ? "," : "",
					        kt_jstr(address, "ip"),
					        (long long)kt_jint(port, "port", 0));
			}
		}
		if (json_array_size(json_object_get(subset, "ports")))
			continue;
		json_array_foreach(json_object_get(subset, "addresses"), a, address)
			if (count++ < ENDPOINTS_SHOWN)
				kt_str_printf(
				        &text, "%s%s", text.len ? "," : "", kt_jstr(address, "ip"));
	}
	if (count > ENDPOINTS_SHOWN)
		kt_str_printf(&text, " + %zu more...", count - ENDPOINTS_SHOWN);
	return kt_cell_text_or_none(kt_str_text(&text));
}

static json_t *slice_ports(const struct kt_cell_context *c)
{
	const json_t *ports = json_object_get(c->object, "ports");
	kt_auto_str text = KT_STR_INIT;
	json_t *port;
	size_t i;

	if (!json_array_size(ports))
		return json_string("<unset>");
	json_array_foreach(ports, i, port) {
		const char *name = kt_jstr(port, "name");
		if (i == ENDPOINTS_SHOWN) {
			kt_str_printf(&text, " + %zu more...", json_array_size(ports) - i);
			break;
		}
		kt_str_puts(&text, i ? "," : "");
		if (json_object_get(port, "port"))
			kt_str_printf(&text, "%lld", (long long)kt_jint(port, "port", 0));
		else
			kt_str_puts(&text, name && *name ? name : "*");
	}
	return json_string(kt_str_text(&text));
}

static json_t *slice_endpoints(const struct kt_cell_context *c)
{
	kt_auto_str text = KT_STR_INIT;
	json_t *endpoint, *address;
	size_t count = 0, e, a;

	json_array_foreach(json_object_get(c->object, "endpoints"), e, endpoint)
		json_array_foreach(json_object_get(endpoint, "addresses"), a, address)
			if (count++ < ENDPOINTS_SHOWN)
				kt_str_printf(&text, "%s%s", text.len ? "," : "",
				        json_string_value(address));
	if (count > ENDPOINTS_SHOWN)
		kt_str_printf(&text, " + %zu more...", count - ENDPOINTS_SHOWN);
	return json_string(text.len ? kt_str_text(&text) : "<unset>");
}

/* Ingresses */

static json_t *ingress_class(const struct kt_cell_context *c)
{
	const char *old = json_string_value(json_object_get(
	        kt_jget(c->object, "metadata.annotations"), "kubernetes.io/ingress.class"));
	const char *name = kt_jstr(c->object, "spec.ingressClassName");

	return kt_cell_text_or_none(name ? name : old);
}

static json_t *ingress_hosts(const struct kt_cell_context *c)
{
	kt_auto_str text = KT_STR_INIT;
	json_t *rule;
	size_t shown = 0, total = 0, i;

	json_array_foreach(kt_jget(c->object, "spec.rules"), i, rule) {
		const char *host = kt_jstr(rule, "host");
		if (!host || !*host)
			continue;
		if (total++ < HOSTS_SHOWN) {
			kt_str_printf(&text, "%s%s", shown ? "," : "", host);
			shown++;
		}
	}
	if (total > shown)
		kt_str_printf(&text, " + %zu more...", total - shown);
	return json_string(text.len ? kt_str_text(&text) : "*");
}

static json_t *ingress_address(const struct kt_cell_context *c)
{
	kt_auto_str text = KT_STR_INIT;

	put_ingress(&text, c->object);
	return json_string(kt_str_text(&text));
}

static json_t *ingress_ports(const struct kt_cell_context *c)
{
	return json_string(json_array_size(kt_jget(c->object, "spec.tls")) ? "80, 443" : "80");
}

static json_t *ingress_class_parameters(const struct kt_cell_context *c)
{
	const json_t *parameters = kt_jget(c->object, "spec.parameters");
	const char *group = kt_jstr(parameters, "apiGroup");

	if (!parameters)
		return json_string("<none>");
	return json_sprintf("%s%s%s/%s", kt_jstr(parameters, "kind"), group ? "." : "",
	        group ? group : "", kt_jstr(parameters, "name"));
}

static json_t *ip_address_parent(const struct kt_cell_context *c)
{
	const json_t *parent = kt_jget(c->object, "spec.parentRef");
	const char *group = kt_jstr(parent, "group"), *namespace = kt_jstr(parent, "namespace");

	if (!parent)
		return json_string("<none>");
	return json_sprintf("%s%s%s/%s%s%s", kt_jstr(parent, "resource"),
	        group && *group ? "." : "", group ? group : "", namespace ? namespace : "",
	        namespace && *namespace ? "/" : "", kt_jstr(parent, "name"));
}

static json_t *network_policy_selector(const struct kt_cell_context *c)
{
	return kt_cell_selector_text(kt_jget(c->object, "spec.podSelector"));
}

static json_t *service_cidr_cidrs(const struct kt_cell_context *c)
{
	return kt_cell_joined(kt_jget(c->object, "spec.cidrs"), NULL, ",", 0);
}

static const struct kt_cell_entry entries[] = {
        {"endpoints_addresses", endpoints_addresses},
        {"ingress_address", ingress_address},
        {"ingress_class", ingress_class},
        {"ingress_class_parameters", ingress_class_parameters},
        {"ingress_hosts", ingress_hosts},
        {"ingress_ports", ingress_ports},
        {"ip_address_parent", ip_address_parent},
        {"map_selector", map_selector},
        {"network_policy_selector", network_policy_selector},
        {"service_cidr_cidrs", service_cidr_cidrs},
        {"service_cluster_ip", service_cluster_ip},
        {"service_external_ip", service_external_ip},
        {"service_ports", service_ports},
        {"slice_endpoints", slice_endpoints},
        {"slice_ports", slice_ports},
        {NULL, NULL},
};

const struct kt_cell_group kt_cells_network = {entries};
