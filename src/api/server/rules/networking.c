/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ingresses and their classes, service ranges and addresses. Network policies: networking_policy.c.
 */
#include "api/machinery/names.h"
#include "api/server/rules/addresses.h"
#include "api/server/rules/meta.h"
#include "api/server/rules/references.h"

#define CLASS_ANNOTATION "kubernetes.io/ingress.class"
#define CONTROLLER_MAX_BYTES 250

static bool is_status(const struct kt_rule_context *c)
{
	return c->subresource && strcmp(c->subresource, "status") == 0;
}

/* Ingress */

static void check_backend(struct kt_rule_context *c, const struct kt_at *backend)
{
	struct kt_at resource = kt_at(backend, "resource"), service = kt_at(backend, "service");
	struct kt_at name = kt_at(&service, "name"), port = kt_at(&service, "port"),
	             port_name = kt_at(&port, "name");
	struct kt_at number = kt_at(&port, "number");
	if (resource.value && service.value) {
		kt_add_invalid_text(
		        c, backend, "", "cannot set both resource and service backends");
		return;
	}
	if (resource.value) {
		kt_check_typed_reference(c, &resource);
		return;
	}
	if (!service.value) {
		kt_add_invalid_text(c, backend, "", "resource or service backend is required");
		return;
	}
	kt_check_required_format(c, &name, "dns1035-label");
	if (*kt_at_text(&port_name) && kt_at_int(&number))
		kt_add_invalid_text(c, backend, "", "cannot set both port name & port number");
	else if (*kt_at_text(&port_name))
		kt_check_format(c, &port_name, "port-name");
	else if (kt_at_int(&number))
		kt_check_port(c, &number);
	else
		kt_add_required(c, backend, "port name or number is required");
}

static void check_path_text(struct kt_rule_context *c, const struct kt_at *path)
{
	static const char *const within[] = {"//", "/./", "/../", "%2f", "%2F"}, *const at_end[] = {
	                                                                                 "/..",
	                                                                                 "/."};
	const char *text = kt_at_text(path);
	if (text[0] != '/')
		kt_add_invalid(c, path, "must be an absolute path");
	for (size_t i = 0; i < KT_ARRAY_SIZE(within); i++)
		if (strstr(text, within[i]))
			kt_add_invalid(c, path, "must not contain '%s'", within[i]);
	for (size_t i = 0; i < KT_ARRAY_SIZE(at_end); i++)
		if (kt_ends_with(text, at_end[i]))
			kt_add_invalid(c, path, "cannot end with '%s'", at_end[i]);
}

static void check_http_path(struct kt_rule_context *c, const struct kt_at *entry)
{
	static const char *const types[] = {"Exact", "ImplementationSpecific", "Prefix", NULL};
	struct kt_at type = kt_at(entry, "pathType"), path = kt_at(entry, "path"),
	             backend = kt_at(entry, "backend");
	if (!type.value) {
		kt_add_required(c, &type, "pathType must be specified");
		return;
	}
	if (kt_at_is(&type, "Exact") || kt_at_is(&type, "Prefix"))
		check_path_text(c, &path);
	else if (kt_check_in(c, &type, types) && *kt_at_text(&path))
		kt_check_absolute(c, &path);
	check_backend(c, &backend);
}

static void check_host(struct kt_rule_context *c, const struct kt_at *host)
{
	uint8_t bytes[16];
	int family;
	if (kt_ip_parse(kt_sv_of(kt_at_text(host)), bytes, &family))
		kt_add_invalid(c, host, "must be a DNS name, not an IP address");
	kt_check_format(
	        c, host, strchr(kt_at_text(host), '*') ? "wildcard-dns" : "dns1123-subdomain");
}

static void check_ingress_rules(struct kt_rule_context *c, const struct kt_at *rules)
{
	KT_EACH(rule, rules) {
		struct kt_at host = kt_at(&rule, "host"), http = kt_at(&rule, "http"),
		             paths = kt_at(&http, "paths");
		if (*kt_at_text(&host))
			check_host(c, &host);
		if (!http.value)
			continue;
		if (!kt_at_n(&paths))
			kt_add_required(c, &paths, "");
		KT_EACH(path, &paths) {
			check_http_path(c, &path);
		}
	}
}

static void check_tls(struct kt_rule_context *c, const struct kt_at *list)
{
	KT_EACH(tls, list) {
		struct kt_at hosts = kt_at(&tls, "hosts"), secret = kt_at(&tls, "secretName");
		KT_EACH(host, &hosts) {
			kt_check_format(c, &host,
			        strchr(kt_at_text(&host), '*') ? "wildcard-dns"
			                                       : "dns1123-subdomain");
		}
		kt_check_optional_format(c, &secret, "dns1123-subdomain");
	}
}

static void check_ingress_status(struct kt_rule_context *c, const struct kt_at *root)
{
	struct kt_at status = kt_at(root, "status"), balancer = kt_at(&status, "loadBalancer"),
	             list = kt_at(&balancer, "ingress");
	KT_EACH(ingress, &list) {
		struct kt_at ip = kt_at(&ingress, "ip"), host = kt_at(&ingress, "hostname");
		uint8_t bytes[16];
		int family;
		kt_check_optional_format(c, &ip, "ip");
		if (!*kt_at_text(&host))
			continue;
		kt_check_format(c, &host, "dns1123-subdomain");
		if (kt_ip_parse(kt_sv_of(kt_at_text(&host)), bytes, &family))
			kt_add_invalid(c, &host, "must be a DNS name, not an IP address");
	}
}

static void validate_ingress(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec"),
	             rules = kt_at(&spec, "rules");
	struct kt_at backend = kt_at(&spec, "defaultBackend"), tls = kt_at(&spec, "tls"),
	             class = kt_at(&spec, "ingressClassName");
	struct kt_at meta = kt_at(&root, "metadata"), annotations = kt_at(&meta, "annotations");
	kt_meta_validate_both(c, object, old);
	if (is_status(c)) {
		check_ingress_status(c, &root);
		return;
	}
	if (!kt_at_n(&rules) && !backend.value)
		kt_add_invalid_value(c, &spec, json_null(),
		        "either `defaultBackend` or `rules` must be specified");
	if (backend.value)
		check_backend(c, &backend);
	check_ingress_rules(c, &rules);
	check_tls(c, &tls);
	if (class.value)
		kt_check_format(c, &class, "dns1123-subdomain");
	struct kt_at old_class = kt_at_key(&annotations, CLASS_ANNOTATION);
	/* Charts set both for clusters old and new; only a contradiction is refused. */
	if (!old && class.value && old_class.value &&
	        strcmp(kt_at_text(&class), kt_at_text(&old_class)) != 0) {
		struct kt_at shown = kt_at(&annotations, CLASS_ANNOTATION);
		kt_add_invalid(c, &shown, "can not be set when the class field is also set");
	}
}

static void warn_ingress(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	if (!old && !c->subresource && !kt_jget(object, "spec.ingressClassName") &&
	        json_object_get(kt_jget(object, "metadata.annotations"), CLASS_ANNOTATION))
		kt_rule_warn(c, "annotation \"" CLASS_ANNOTATION
		                "\" is deprecated, please use 'spec.ingressClassName' instead");
}

const struct kt_rules kt_rules_networking_ingress = {
        .group = "networking.k8s.io",
        .kind = "Ingress",
        .validate = validate_ingress,
        .warn = warn_ingress,
};

/* IngressClass */

static void default_class(struct kt_rule_context *c, json_t *object)
{
	(void)c;
	json_t *parameters = kt_jget(object, "spec.parameters");
	if (parameters && !json_object_get(parameters, "scope"))
		json_object_set_new(parameters, "scope", json_string("Cluster"));
}

static void check_parameters(struct kt_rule_context *c, const struct kt_at *parameters)
{
	static const char *const scopes[] = {"Cluster", "Namespace", NULL};
	struct kt_at scope = kt_at(parameters, "scope"), namespace = kt_at(parameters, "namespace");
	kt_check_typed_reference(c, parameters);
	if (!scope.value)
		kt_add_required(c, &scope, "");
	else
		kt_check_in(c, &scope, scopes);
	if (kt_at_is(&scope, "Namespace")) {
		if (!namespace.value)
			kt_add_required(c, &namespace, "`parameters.scope` is set to 'Namespace'");
		else
			kt_check_format(c, &namespace, "dns1123-label");
	}
	if (kt_at_is(&scope, "Cluster") && namespace.value)
		kt_add_forbidden(c, &namespace, "`parameters.scope` is set to 'Cluster'");
}

static void validate_class(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec"),
	             controller = kt_at(&spec, "controller");
	struct kt_at parameters = kt_at(&spec, "parameters");
	kt_meta_validate_both(c, object, old);
	if (old)
		kt_check_immutable(c, &controller, kt_jget(old, "spec.controller"));
	if (strlen(kt_at_text(&controller)) > CONTROLLER_MAX_BYTES)
		kt_add_too_long(c, &controller, CONTROLLER_MAX_BYTES);
	kt_check_domain_path(c, &controller);
	if (parameters.value)
		check_parameters(c, &parameters);
}

const struct kt_rules kt_rules_networking_ingress_class = {
        .group = "networking.k8s.io",
        .kind = "IngressClass",
        .default_object = default_class,
        .validate = validate_class,
};

/* ServiceCIDR */

static void check_cidrs(struct kt_rule_context *c, const struct kt_at *spec)
{
	struct kt_at cidrs = kt_at(spec, "cidrs");
	int families[2] = {0, 0};
	if (!kt_at_n(&cidrs)) {
		kt_add_required(c, &cidrs, "at least one CIDR required");
		return;
	}
	if (kt_at_n(&cidrs) > 2) {
		kt_add_invalid_other(c, &cidrs, spec, "may only hold up to 2 values");
		return;
	}
	KT_EACH(cidr, &cidrs) {
		uint8_t bytes[16];
		int family, bits;
		if (kt_cidr_parse(kt_sv_of(kt_at_text(&cidr)), bytes, &family, &bits))
			families[family == 6]++;
	}
	KT_EACH(cidr, &cidrs) {
		kt_check_format(c, &cidr, "cidr-strict");
	}
	if (families[0] > 1 || families[1] > 1)
		kt_add_invalid(c, &cidrs,
		        "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 "
		        "and 2001:db8::/64");
}

static void validate_service_cidr(
        struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec"),
	             cidrs = kt_at(&spec, "cidrs");
	const json_t *before = kt_jget(old, "spec.cidrs");
	if (old)
		kt_meta_validate_update(c, object, old);
	else
		kt_meta_validate(c, object, NULL);
	if (is_status(c))
		return;
	if (!old) {
		check_cidrs(c, &spec);
		return;
	}
	if (kt_at_n(&cidrs) != json_array_size(before)) {
		kt_check_immutable(c, &cidrs, before);
		return;
	}
	KT_EACH(cidr, &cidrs) {
		kt_check_immutable(c, &cidr, json_array_get(before, kt_i_cidr));
	}
}

const struct kt_rules kt_rules_networking_service_cidr = {
        .group = "networking.k8s.io",
        .kind = "ServiceCIDR",
        .creates_status = true,
        .validate = validate_service_cidr,
};

/* IPAddress: its name is the address. */

static void check_address_name(struct kt_rule_context *c, const struct kt_at *name)
{
	const char *text = kt_at_text(name);
	uint8_t bytes[16];
	int family;
	if (!*text)
		return;
	if (!kt_ip_parse(kt_sv_of(text), bytes, &family))
		kt_add_invalid(c, name, "ParseAddr(\"%s\"): unable to parse IP", text);
	else if (strcmp(kt_ip_text(c, bytes, family), text) != 0)
		kt_add_invalid(c, name, "must be a canonical form of IP address");
}

static void check_parent(struct kt_rule_context *c, const struct kt_at *parent)
{
	struct kt_at group = kt_at(parent, "group"), resource = kt_at(parent, "resource"),
	             name = kt_at(parent, "name"), namespace = kt_at(parent, "namespace");
	if (!parent->value) {
		kt_add_required(c, parent, "");
		return;
	}
	if (*kt_at_text(&group))
		kt_check_format(c, &group, "dns1123-subdomain");
	if (!*kt_at_text(&resource))
		kt_add_required(c, &resource, "");
	else
		kt_check_format(c, &resource, "path-segment");
	if (!*kt_at_text(&name))
		kt_add_required(c, &name, "");
	else
		kt_check_format(c, &name, "path-segment");
	if (*kt_at_text(&namespace))
		kt_check_format(c, &namespace, "dns1123-label");
}

static void validate_ip_address(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_at root = kt_at_root(c, object), spec = kt_at(&root, "spec"),
	             metadata = kt_at(&root, "metadata");
	struct kt_at parent = kt_at(&spec, "parentRef"), name = kt_at(&metadata, "name");
	if (old) {
		kt_meta_validate_update(c, object, old);
		kt_check_immutable(c, &parent, kt_jget(old, "spec.parentRef"));
		return;
	}
	kt_meta_validate(c, object, "path-segment");
	check_address_name(c, &name);
	check_parent(c, &parent);
}

const struct kt_rules kt_rules_networking_ip_address = {
        .group = "networking.k8s.io",
        .kind = "IPAddress",
        .validate = validate_ip_address,
};
