/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/machinery/names.h"
#include "api/server/rules/addresses.h"
#include "api/server/rules/meta.h"
#include "api/server/rules/names.h"
#include "api/server/rules/service.h"

#define KUBELET_PORT 10250
#define AFFINITY_SECONDS_MAX 86400
#define SOURCE_RANGES "service.beta.kubernetes.io/load-balancer-source-ranges"

static void check_port(
        struct kt_rule_context *c, const struct kt_at *port, bool need_name, struct kt_names *names)
{
	struct kt_at name = kt_at(port, "name"), number = kt_at(port, "port"),
	             protocol = kt_at(port, "protocol");
	struct kt_at target = kt_at(port, "targetPort"), app = kt_at(port, "appProtocol");
	if (!*kt_at_text(&name)) {
		if (need_name)
			kt_add_required(c, &name, "");
	} else {
		kt_check_format(c, &name, "dns1123-label");
		if (!kt_names_add(names, kt_at_text(&name)))
			kt_add_duplicate(c, &name);
	}
	kt_check_port(c, &number);
	if (kt_check_required(c, &protocol))
		kt_check_enum(c, &protocol);
	if (json_is_string(target.value))
		kt_check_format(c, &target, "port-name");
	else
		kt_check_port(c, &target);
	if (app.value)
		kt_check_format(c, &app, "qualified-name");
}

static void check_ports(struct kt_rule_context *c, const struct kt_at *spec)
{
	struct kt_names names = {.arena = c->arena};
	struct kt_at ports = kt_at(spec, "ports");
	KT_EACH(port, &ports) {
		check_port(c, &port, kt_at_n(&ports) > 1, &names);
	}
}

static void check_external_name(struct kt_rule_context *c, const struct kt_at *spec)
{
	static const char *const none[] = {"clusterIPs", "ipFamilies", "ipFamilyPolicy"};
	for (size_t i = 0; i < KT_ARRAY_SIZE(none); i++) {
		struct kt_at at = kt_at(spec, none[i]);
		if (at.value && (!json_is_array(at.value) || kt_at_n(&at)))
			kt_add_forbidden(c, &at, "may not be set for ExternalName services");
	}
	struct kt_at name = kt_at(spec, "externalName");
	size_t len = strlen(kt_at_text(&name));
	if (len &&
	        kt_at_text(&name)[len - 1] == '.') /* a final dot says that the name is complete */
		len--;
	if (!len) {
		kt_add_required(c, &name, "");
		return;
	}
	kt_auto_json json_t *text = json_stringn(kt_at_text(&name), len);
	struct kt_at trimmed = kt_at_with(&name, text);
	kt_check_format(c, &trimmed, "dns1123-subdomain");
}

static void check_type(struct kt_rule_context *c, const struct kt_at *spec)
{
	struct kt_at ports = kt_at(spec, "ports"), ips = kt_at(spec, "clusterIPs"),
	             first = kt_at_index(&ips, 0);
	bool headless = kt_service_is_headless(spec->value);
	if (!kt_at_n(&ports) && !headless && !kt_service_is(spec->value, "ExternalName"))
		kt_add_required(c, &ports, "");
	if (kt_service_is(spec->value, "LoadBalancer")) {
		KT_EACH(port, &ports) {
			struct kt_at number = kt_at(&port, "port");
			if (kt_at_int(&number) == KUBELET_PORT)
				kt_add_invalid(c, &number,
				        "may not expose port %d externally since it is used by "
				        "kubelet",
				        KUBELET_PORT);
		}
		if (headless)
			kt_add_invalid(
			        c, &first, "may not be set to 'None' for LoadBalancer services");
	} else if (kt_service_is(spec->value, "NodePort")) {
		if (headless)
			kt_add_invalid(c, &first, "may not be set to 'None' for NodePort services");
	} else if (kt_service_is(spec->value, "ExternalName")) {
		check_external_name(c, spec);
	}
}

static void check_affinity(struct kt_rule_context *c, const struct kt_at *spec)
{
	struct kt_at affinity = kt_at(spec, "sessionAffinity"),
	             config = kt_at(spec, "sessionAffinityConfig");
	struct kt_at client = kt_at(&config, "clientIP"),
	             seconds = kt_at(&client, "timeoutSeconds");
	if (kt_check_required(c, &affinity))
		kt_check_enum(c, &affinity);
	if (kt_at_is(&affinity, "ClientIP")) {
		if (!config.value)
			kt_add_required(c, &config, "when session affinity type is ClientIP");
		else if (!client.value)
			kt_add_required(c, &client, "when session affinity type is ClientIP");
		else if (!seconds.value)
			kt_add_required(c, &seconds, "when session affinity type is ClientIP");
		else if (kt_at_int(&seconds) <= 0 || kt_at_int(&seconds) > AFFINITY_SECONDS_MAX)
			kt_add_invalid(c, &seconds, "must be greater than 0 and less than %d",
			        AFFINITY_SECONDS_MAX);
	} else if (kt_at_is(&affinity, "None") && config.value) {
		kt_add_forbidden(c, &config, "must not be set when session affinity is None");
	}
}

/* Addresses and families */

static int family_of(const char *ip)
{
	uint8_t bytes[16];
	int family = 0;
	return kt_ip_parse(kt_sv_of(ip), bytes, &family) ? family : 0;
}

static void check_families(struct kt_rule_context *c, const struct kt_at *spec)
{
	static const char *const known[] = {"IPv4", "IPv6", NULL};
	struct kt_names seen = {.arena = c->arena};
	struct kt_at families = kt_at(spec, "ipFamilies"), policy = kt_at(spec, "ipFamilyPolicy");
	KT_EACH(family, &families) {
		kt_check_in(c, &family, known);
		if (!kt_names_add(&seen, kt_at_text(&family)))
			kt_add_duplicate(c, &family);
	}
	if (policy.value)
		kt_check_enum(c, &policy);
}

static bool check_each_ip(struct kt_rule_context *c, const struct kt_at *ips)
{
	bool good = true;
	KT_EACH(ip, ips) {
		if (kt_i_ip == 0 && kt_at_is(&ip, "None")) {
			if (kt_at_n(ips) > 1) {
				kt_add_invalid(c, ips, "'None' must be the first and only value");
				good = false;
			}
			if (!good && c->operation == KT_RULE_UPDATE)
				return false;
			continue;
		}
		good &= kt_check_format(c, &ip, "ip");
	}
	if (kt_at_n(ips) > 2)
		kt_add_invalid(c, ips, "may only hold up to 2 values");
	return good;
}

void kt_service_check_ips(struct kt_rule_context *c, const struct kt_at *spec)
{
	struct kt_at ips = kt_at(spec, "clusterIPs"), families = kt_at(spec, "ipFamilies");
	const char *ip = kt_text_of(spec->value, "clusterIP");
	if (kt_service_is(spec->value, "ExternalName"))
		return;
	if (*ip && !kt_at_n(&ips))
		kt_add_required(c, &ips, "");
	else if (*ip && !kt_streq(json_string_value(json_array_get(ips.value, 0)), ip))
		kt_add_invalid(c, &ips, "first value must match `clusterIP`");
	else if (!*ip && kt_at_n(&ips))
		kt_add_invalid(c, &ips, "must be empty when `clusterIP` is not specified");
	check_families(c, spec);
	if (!check_each_ip(c, &ips))
		return;
	int first = 0;
	KT_EACH(one, &ips) {
		int family = family_of(kt_at_text(&one));
		if (kt_i_one == 1 && family == first)
			kt_add_invalid(
			        c, &ips, "may specify no more than one IP for each IP family");
		first = kt_i_one == 0 ? family : first;
	}
	if (kt_service_is_headless(spec->value))
		return;
	KT_EACH(one, &ips) {
		struct kt_at wanted = kt_at_index(&families, kt_i_one);
		int family = family_of(kt_at_text(&one));
		if (kt_at_is(&wanted, "IPv4") && family == 6)
			kt_add_invalid(c, &one,
			        "expected an IPv4 value as indicated by `ipFamilies[%zu]`",
			        kt_i_one);
		if (kt_at_is(&wanted, "IPv6") && family == 4)
			kt_add_invalid(c, &one,
			        "expected an IPv6 value as indicated by `ipFamilies[%zu]`",
			        kt_i_one);
	}
}

static void check_external_ips(struct kt_rule_context *c, const struct kt_at *spec)
{
	struct kt_at ips = kt_at(spec, "externalIPs");
	KT_EACH(ip, &ips) {
		if (kt_check_format(c, &ip, "ip"))
			kt_check_routable_ip(c, &ip);
	}
}

/* Ports used twice */

static void check_doubles(struct kt_rule_context *c, const struct kt_at *spec)
{
	struct kt_at ports = kt_at(spec, "ports");
	if (kt_service_is(spec->value, "ClusterIP")) {
		KT_EACH(port, &ports) {
			struct kt_at node_port = kt_at(&port, "nodePort");
			if (kt_at_int(&node_port))
				kt_add_forbidden(c, &node_port,
				        "may not be used when `type` is 'ClusterIP'");
		}
	}
	struct kt_names node_ports = {.arena = c->arena}, numbers = {.arena = c->arena};
	KT_EACH(port, &ports) {
		struct kt_at node_port = kt_at(&port, "nodePort");
		const char *key = kt_path(c->arena, "%s/%lld", kt_text_of(port.value, "protocol"),
		        (long long)kt_at_int(&node_port));
		if (kt_at_int(&node_port) && !kt_names_add(&node_ports, key))
			kt_add_duplicate(c, &node_port);
	}
	KT_EACH(port, &ports) {
		struct kt_at number = kt_at(&port, "port");
		const char *protocol = kt_text_of(port.value, "protocol");
		const char *key =
		        kt_path(c->arena, "%s/%lld", protocol, (long long)kt_at_int(&number));
		if (kt_names_add(&numbers, key))
			continue;
		/* upstream prints a port of which only these two are filled in, as its own
		 * structure */
		kt_auto_json json_t *shown = json_pack("{s:s, s:s, s:n, s:I, s:i, s:i}", "Name", "",
		        "Protocol", protocol, "AppProtocol", "Port", (json_int_t)kt_at_int(&number),
		        "TargetPort", 0, "NodePort", 0);
		kt_field_duplicate(&c->errors, kt_at_path(c, &port), shown);
	}
}

/* Load balancers */

static void check_source_range(struct kt_rule_context *c, const struct kt_at *at, struct kt_sv text)
{
	kt_auto_free char *trimmed = kt_sv_dup(kt_sv_trim(text));
	kt_auto_json json_t *value = json_string(trimmed);
	struct kt_at shown = kt_at_with(at, value);
	kt_check_format(c, &shown, "cidr");
}

static void check_source_ranges(
        struct kt_rule_context *c, const struct kt_at *spec, const struct kt_at *meta)
{
	bool balanced = kt_service_is(spec->value, "LoadBalancer");
	struct kt_at own = kt_at(spec, "loadBalancerSourceRanges"), ranges = own;
	ranges.name = "LoadBalancerSourceRanges"; /* as upstream spells it in errors */
	if (kt_at_n(&ranges)) {
		if (!balanced)
			kt_add_forbidden(
			        c, &ranges, "may only be used when `type` is 'LoadBalancer'");
		KT_EACH(range, &ranges) {
			check_source_range(c, &range, kt_sv_of(kt_at_text(&range)));
		}
		return;
	}
	struct kt_at annotations = kt_at(meta, "annotations"),
	             at = kt_at_key(&annotations, SOURCE_RANGES);
	if (!at.value)
		return;
	if (!balanced)
		kt_add_forbidden(c, &at, "may only be used when `type` is 'LoadBalancer'");
	struct kt_sv rest = kt_sv_trim(kt_sv_of(kt_at_text(&at))), part;
	while (rest.len && kt_sv_split(&rest, ',', &part))
		check_source_range(c, &at, part);
}

static void check_class(struct kt_rule_context *c, const struct kt_at *spec)
{
	struct kt_at class = kt_at(spec, "loadBalancerClass");
	if (!class.value)
		return;
	if (!kt_service_is(spec->value, "LoadBalancer"))
		kt_add_forbidden(c, &class, "may only be used when `type` is 'LoadBalancer'");
	else
		kt_check_format(c, &class, "qualified-name");
}

static void check_balancer(struct kt_rule_context *c, const struct kt_at *spec)
{
	bool balanced = kt_service_is(spec->value, "LoadBalancer");
	struct kt_at allocate = kt_at(spec, "allocateLoadBalancerNodePorts");
	if (allocate.value && !balanced)
		kt_add_forbidden(c, &allocate, "may only be used when `type` is 'LoadBalancer'");
	if (!allocate.value && balanced)
		kt_add_required(c, &allocate, "");
	check_class(c, spec);
}

/* Traffic */

static void check_traffic(struct kt_rule_context *c, const struct kt_at *spec)
{
	static const char *const distributions[] = {
	        "PreferClose", "PreferSameZone", "PreferSameNode", NULL};
	static const char *const policies[] = {"Cluster", "Local", NULL};
	struct kt_at external = kt_at(spec, "externalTrafficPolicy"),
	             health = kt_at(spec, "healthCheckNodePort");
	struct kt_at internal = kt_at(spec, "internalTrafficPolicy"),
	             distribution = kt_at(spec, "trafficDistribution");
	if (!kt_service_is_external(spec->value)) {
		if (*kt_at_text(&external))
			kt_add_invalid(
			        c, &external, "may only be set for externally-accessible services");
	} else if (kt_check_required(c, &external)) {
		kt_check_in(c, &external, policies);
	}
	if (kt_service_needs_health_port(spec->value)) {
		if (kt_at_int(&health) == 0)
			kt_add_required(c, &health, "");
		else
			kt_check_port(c, &health);
	} else if (kt_at_int(&health)) {
		kt_add_invalid(c, &health,
		        "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` "
		        "is 'Local'");
	}
	if (kt_service_needs_cluster_ip(spec->value) && !internal.value)
		kt_add_required(c, &internal, "");
	else if (kt_service_needs_cluster_ip(spec->value))
		kt_check_in(c, &internal, policies);
	if (distribution.value)
		kt_check_in(c, &distribution, distributions);
}

/* Updates */

static void check_once_set(
        struct kt_rule_context *c, const struct kt_at *spec, const json_t *old, const char *name)
{
	struct kt_at list = kt_at(spec, name), first = kt_at_index(&list, 0);
	const json_t *before = json_array_get(json_object_get(old, name), 0);
	if (!before || !first.value || json_equal(before, first.value))
		return;
	kt_add_invalid_value(c, &first, list.value, "may not change once set");
}

static void check_update(struct kt_rule_context *c, const struct kt_at *spec, const json_t *old)
{
	struct kt_at ips = kt_at(spec, "clusterIPs"), first = kt_at_index(&ips, 0),
	             class = kt_at(spec, "loadBalancerClass");
	struct kt_at health = kt_at(spec, "healthCheckNodePort"),
	             families = kt_at(spec, "ipFamilies");
	const json_t *old_ips = json_object_get(old, "clusterIPs");
	if (kt_service_needs_cluster_ip(old) && kt_service_needs_cluster_ip(spec->value)) {
		if (json_array_size(old_ips) && !kt_at_n(&ips))
			kt_add_invalid_value(
			        c, &first, ips.value, "primary clusterIP can not be unset");
		else
			check_once_set(c, spec, old, "clusterIPs");
		if (json_array_size(json_object_get(old, "ipFamilies")) && kt_at_n(&families))
			check_once_set(c, spec, old, "ipFamilies");
	}
	if (kt_service_is(old, "LoadBalancer") && kt_service_is(spec->value, "LoadBalancer") &&
	        !json_equal(class.value, json_object_get(old, "loadBalancerClass")) &&
	        !(!class.value && !json_object_get(old, "loadBalancerClass")))
		kt_add_invalid(c, &class, "may not change once set");
	check_class(c, spec); /* upstream looks at it with the old service and again without */
	if (kt_service_needs_health_port(old) && kt_service_needs_health_port(spec->value) &&
	        kt_at_int(&health) !=
	                json_integer_value(json_object_get(old, "healthCheckNodePort")))
		kt_add_forbidden(c, &health, "field is immutable");
}

void kt_service_validate(struct kt_rule_context *c, const json_t *service, const json_t *old)
{
	struct kt_at root = kt_at_root(c, service), spec = kt_at(&root, "spec"),
	             meta = kt_at(&root, "metadata");
	struct kt_at selector = kt_at(&spec, "selector"), type = kt_at(&spec, "type");
	if (old) {
		kt_meta_validate_update(c, service, old);
		check_update(c, &spec, json_object_get(old, "spec"));
	} else {
		kt_meta_validate(c, service, NULL);
	}
	check_type(c, &spec);
	check_ports(c, &spec);
	kt_check_labels(c, &selector);
	check_affinity(c, &spec);
	kt_service_check_ips(c, &spec);
	check_external_ips(c, &spec);
	if (kt_check_required(c, &type))
		kt_check_enum(c, &type);
	check_doubles(c, &spec);
	check_source_ranges(c, &spec, &meta);
	check_balancer(c, &spec);
	check_traffic(c, &spec);
}

void kt_service_check_load_balancer(
        struct kt_rule_context *c, const struct kt_at *status, const json_t *spec)
{
	static const char *const modes[] = {"Proxy", "VIP", NULL};
	struct kt_at balancer = kt_at(status, "loadBalancer"), list = kt_at(&balancer, "ingress");
	if (kt_at_n(&list) && !kt_service_is(spec, "LoadBalancer")) {
		kt_add_forbidden(c, &list, "may only be used when `spec.type` is 'LoadBalancer'");
		return;
	}
	KT_EACH(ingress, &list) {
		struct kt_at ip = kt_at(&ingress, "ip"), mode = kt_at(&ingress, "ipMode"),
		             host = kt_at(&ingress, "hostname");
		kt_check_optional_format(c, &ip, "ip");
		if (!*kt_at_text(&ip) && mode.value)
			kt_add_forbidden(c, &mode, "may not be specified when `ip` is not set");
		else if (mode.value)
			kt_check_in(c, &mode, modes);
		if (!*kt_at_text(&host))
			continue;
		kt_check_format(c, &host, "dns1123-subdomain");
		if (family_of(kt_at_text(&host)))
			kt_add_invalid(c, &host, "must be a DNS name, not an IP address");
	}
}

void kt_service_warn(struct kt_rule_context *c, const json_t *service, const json_t *old)
{
	struct kt_at root = kt_at_root(c, service), spec = kt_at(&root, "spec");
	struct kt_at ips = kt_at(&spec, "clusterIPs"), external = kt_at(&spec, "externalIPs");
	struct kt_at balancer = kt_at(&spec, "loadBalancerIP"),
	             ranges = kt_at(&spec, "loadBalancerSourceRanges");
	bool named = kt_service_is(spec.value, "ExternalName"),
	     headless = kt_service_is_headless(spec.value);
	(void)old;
	if (!headless)
		KT_EACH(ip, &ips) {
			kt_warn_ip(c, &ip);
		}
	if (headless) {
		if (*kt_text_of(spec.value, "loadBalancerIP"))
			kt_rule_warn(c, "spec.loadBalancerIP is ignored for headless services");
		if (kt_at_n(&external))
			kt_rule_warn(c, "spec.externalIPs is ignored for headless services");
		if (strcmp(kt_text_of(spec.value, "sessionAffinity"), "None") != 0)
			kt_rule_warn(c, "spec.SessionAffinity is ignored for headless services");
	}
	if (*kt_at_text(&balancer))
		kt_warn_ip(c, &balancer);
	KT_EACH(ip, &external) {
		kt_warn_ip(c, &ip);
	}
	KT_EACH(range, &ranges) {
		kt_warn_cidr(c, &range);
	}
	if (named && kt_at_n(&external))
		kt_rule_warn(c, "spec.externalIPs is ignored when spec.type is \"ExternalName\"");
	if (!named && *kt_text_of(spec.value, "externalName"))
		kt_rule_warn(
		        c, "spec.externalName is ignored when spec.type is not \"ExternalName\"");
	if (strcmp(kt_text_of(spec.value, "trafficDistribution"), "PreferClose") == 0)
		kt_rule_warn(c, "spec.trafficDistribution: \"PreferClose\" is deprecated; use "
		                "\"PreferSameZone\"");
}
