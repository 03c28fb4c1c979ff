/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Endpoints and endpoint slices. */
#include "api/machinery/names.h"
#include "api/server/rules/addresses.h"
#include "api/server/rules/meta.h"
#include "api/server/rules/names.h"

#define ADDRESSES_MAX 100
#define ENDPOINTS_MAX 1000
#define PORTS_MAX 20000
#define HINTS_MAX 8

static void check_optional(
        struct kt_rule_context *c, const struct kt_at *parent, const char *name, const char *format)
{
	struct kt_at at = kt_at(parent, name);
	if (at.value)
		kt_check_format(c, &at, format);
}

/* Endpoints */

static void check_address(struct kt_rule_context *c, const struct kt_at *address)
{
	struct kt_at ip = kt_at(address, "ip"), host = kt_at(address, "hostname");
	kt_check_format(c, &ip, "ip");
	kt_check_optional_format(c, &host, "dns1123-label");
	check_optional(c, address, "nodeName", "dns1123-subdomain");
	kt_check_routable_ip(c, &ip);
}

static void check_port(struct kt_rule_context *c, const struct kt_at *port, bool need_name)
{
	struct kt_at name = kt_at(port, "name"), number = kt_at(port, "port"),
	             protocol = kt_at(port, "protocol");
	if (*kt_at_text(&name))
		kt_check_format(c, &name, "dns1123-label");
	else if (need_name)
		kt_add_required(c, &name, "");
	kt_check_port(c, &number);
	if (kt_check_required(c, &protocol))
		kt_check_enum(c, &protocol);
	check_optional(c, port, "appProtocol", "qualified-name");
}

static void validate_endpoints(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), subsets = kt_at(&root, "subsets");
	kt_meta_validate_both(c, object, old);
	KT_EACH(subset, &subsets) {
		struct kt_at addresses = kt_at(&subset, "addresses"),
		             not_ready = kt_at(&subset, "notReadyAddresses");
		struct kt_at ports = kt_at(&subset, "ports");
		if (!kt_at_n(&addresses) && !kt_at_n(&not_ready))
			kt_add_required(
			        c, &subset, "must specify `addresses` or `notReadyAddresses`");
		KT_EACH(address, &addresses) {
			check_address(c, &address);
		}
		KT_EACH(address, &not_ready) {
			check_address(c, &address);
		}
		KT_EACH(port, &ports) {
			check_port(c, &port, kt_at_n(&ports) > 1);
		}
	}
}

/* Every write of this kind is warned about, good or bad. */
static void default_endpoints(struct kt_rule_context *c, json_t *object)
{
	(void)object;
	kt_rule_warn(
	        c, "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice");
}

static void warn_endpoints(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), subsets = kt_at(&root, "subsets");
	static const char *const lists[] = {"addresses", "notReadyAddresses"};
	(void)old;
	KT_EACH(subset, &subsets) {
		for (size_t l = 0; l < 2; l++) {
			struct kt_at addresses = kt_at(&subset, lists[l]);
			KT_EACH(address, &addresses) {
				struct kt_at ip = kt_at(&address, "ip");
				kt_warn_ip(c, &ip);
			}
		}
	}
}

const struct kt_rules kt_rules_core_endpoints = {
        .group = "",
        .kind = "Endpoints",
        .default_object = default_endpoints,
        .validate = validate_endpoints,
        .warn = warn_endpoints,
};

/* EndpointSlice */

static void check_slice_address(struct kt_rule_context *c, const struct kt_at *addresses,
        const struct kt_at *address, const char *type)
{
	if (strcmp(type, "FQDN") == 0) {
		kt_check_format(c, address, "dns1123-subdomain");
		return;
	}
	bool wants_v6 = strcmp(type, "IPv6") == 0;
	if (strcmp(type, "IPv4") != 0 && !wants_v6)
		return;
	if (!kt_check_format(c, address, "ip"))
		return;
	bool is_v6 = strchr(kt_at_text(address), ':') != NULL;
	if (is_v6 && kt_starts_with(kt_at_text(address), "::ffff:") &&
	        strchr(kt_at_text(address), '.')) {
		kt_add_invalid(c, address, "must not be an IPv4-mapped IPv6 address");
		return;
	}
	if (is_v6 != wants_v6)
		kt_add_invalid_text(c, addresses, kt_at_text(address),
		        wants_v6 ? "must be an IPv6 address" : "must be an IPv4 address");
	kt_check_routable_ip(c, address);
}

static void check_hints(struct kt_rule_context *c, const struct kt_at *hints, const char *list_name,
        const char *format)
{
	struct kt_at list = kt_at(hints, list_name);
	struct kt_names names = {.arena = c->arena};
	if (kt_at_n(&list) > HINTS_MAX) {
		kt_add_too_many(c, &list, HINTS_MAX);
		return;
	}
	KT_EACH(hint, &list) {
		struct kt_at name = kt_at(&hint, "name");
		if (!kt_names_add(&names, kt_at_text(&name)))
			kt_add_duplicate(c, &name);
		else
			kt_check_format(c, &name, format);
	}
}

static void check_endpoint(
        struct kt_rule_context *c, const struct kt_at *endpoint, const char *type)
{
	struct kt_at addresses = kt_at(endpoint, "addresses"),
	             topology = kt_at(endpoint, "deprecatedTopology");
	struct kt_at hints = kt_at(endpoint, "hints");
	if (!kt_at_n(&addresses))
		kt_add_required(c, &addresses, "must contain at least 1 address");
	else if (kt_at_n(&addresses) > ADDRESSES_MAX)
		kt_add_too_many(c, &addresses, ADDRESSES_MAX);
	KT_EACH(address, &addresses) {
		check_slice_address(c, &addresses, &address, type);
	}
	check_optional(c, endpoint, "nodeName", "dns1123-subdomain");
	kt_check_labels(c, &topology);
	check_optional(c, endpoint, "hostname", "dns1123-label");
	if (hints.value) {
		check_hints(c, &hints, "forZones", "label-value");
		check_hints(c, &hints, "forNodes", "dns1123-subdomain");
	}
}

static void check_slice_ports(struct kt_rule_context *c, const struct kt_at *ports)
{
	static const char *const protocols[] = {"SCTP", "TCP", "UDP", NULL};
	struct kt_names names = {.arena = c->arena};
	if (kt_at_n(ports) > PORTS_MAX) {
		kt_add_too_many(c, ports, PORTS_MAX);
		return;
	}
	KT_EACH(port, ports) {
		struct kt_at name = kt_at(&port, "name"), protocol = kt_at(&port, "protocol");
		if (*kt_at_text(&name))
			kt_check_format(c, &name, "dns1123-label");
		if (!kt_names_add(&names, kt_at_text(&name)))
			kt_add_duplicate(c, &name);
		if (!protocol.value)
			kt_add_required(c, &protocol, "");
		else
			kt_check_in(c, &protocol, protocols);
		check_optional(c, &port, "appProtocol", "qualified-name");
	}
}

static void validate_slice(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	static const char *const types[] = {"FQDN", "IPv4", "IPv6", NULL};
	struct kt_at root = kt_at_root(c, object), type = kt_at(&root, "addressType"),
	             endpoints = kt_at(&root, "endpoints");
	struct kt_at ports = kt_at(&root, "ports");
	kt_meta_validate(c, object, NULL);
	if (!*kt_at_text(&type))
		kt_add_required(c, &type, "");
	else
		kt_check_in(c, &type, types);
	if (kt_at_n(&endpoints) > ENDPOINTS_MAX)
		kt_add_too_many(c, &endpoints, ENDPOINTS_MAX);
	else
		KT_EACH(endpoint, &endpoints) {
			check_endpoint(c, &endpoint, kt_at_text(&type));
		}
	check_slice_ports(c, &ports);
	if (old)
		kt_check_immutable(c, &type, json_object_get(old, "addressType"));
}

static void warn_slice(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), endpoints = kt_at(&root, "endpoints");
	(void)old;
	if (strcmp(kt_text_of(object, "addressType"), "FQDN") == 0) {
		kt_rule_warn(c, "spec.addressType: FQDN endpoints are deprecated");
		return;
	}
	KT_EACH(endpoint, &endpoints) {
		struct kt_at addresses = kt_at(&endpoint, "addresses");
		KT_EACH(address, &addresses) {
			kt_warn_ip(c, &address);
		}
	}
}

/* v1 has no topology map any more; what is sent is dropped, as upstream's storage of v1 does. */
static int prepare_slice(struct kt_rule_context *c, json_t *object, const json_t *old)
{
	(void)c;
	(void)old;
	size_t i;
	json_t *endpoint;
	json_array_foreach(json_object_get(object, "endpoints"), i, endpoint) {
		json_object_del(endpoint, "deprecatedTopology");
	}
	return 0;
}

const struct kt_rules kt_rules_discovery_endpoint_slice = {
        .group = "discovery.k8s.io",
        .kind = "EndpointSlice",
        .prepare = prepare_slice,
        .validate = validate_slice,
        .warn = warn_slice,
};
