/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Services and what leads to them. */
#include "tui/command/describe.h"

/* Endpoints */

static json_t *slices_of(struct kt_describer *d, const char *namespace, const char *service)
{
	kt_auto_free char *selector = kt_asprintf("kubernetes.io/service-name=%s", service);
	kt_auto_str query = KT_STR_INIT;

	kt_url_escape(&query, selector);
	return kt_describe_get(d,
	        "/apis/discovery.k8s.io/v1/namespaces/%s/endpointslices?labelSelector=%s",
	        namespace, kt_str_text(&query));
}

#define SHOWN_MAX 3 /* addresses written out; the rest is counted */

static void add_slice(struct kt_str *out, const json_t *slice, int64_t port, size_t *n)
{
	json_t *endpoint, *address;
	size_t i, j;

	json_array_foreach(json_object_get(slice, "endpoints"), i, endpoint) {
		if (!kt_jbool(endpoint, "conditions.ready", true))
			continue;
		json_array_foreach(json_object_get(endpoint, "addresses"), j, address) {
			const char *text = json_string_value(address);
			bool brackets = strchr(text, ':') != NULL;

			if (++*n > SHOWN_MAX)
				continue;
			kt_str_printf(out, "%s%s%s%s", out->len ? "," : "", brackets ? "[" : "",
			        text, brackets ? "]" : "");
			if (port)
				kt_str_printf(out, ":%lld", (long long)port);
		}
	}
}

/* Ready addresses with the slices' port of that name: "10.0.0.1:80,…", or "" and "<none>". */
static char *endpoints_text(const json_t *slices, const char *port_name)
{
	struct kt_str text = KT_STR_INIT;
	json_t *slice, *port;
	size_t i, j, n = 0;

	if (!json_array_size(json_object_get(slices, "items")))
		return kt_strdup("<none>");
	json_array_foreach(json_object_get(slices, "items"), i, slice) {
		if (!json_array_size(json_object_get(slice, "ports")))
			add_slice(&text, slice, 0, &n);
		json_array_foreach(json_object_get(slice, "ports"), j, port) {
			if (!strcmp(kt_describe_field(port, "name"), port_name))
				add_slice(&text, slice, kt_jint(port, "port", 0), &n);
		}
	}
	if (n > SHOWN_MAX)
		kt_str_printf(&text, " + %zu more...", n - SHOWN_MAX);
	return kt_str_steal(&text);
}

/* Service */

static void put_port(
        struct kt_describer *d, const json_t *service, const json_t *port, const json_t *slices)
{
	const char *name = kt_describe_field(port, "name"),
	           *protocol = kt_describe_field(port, "protocol");
	const char *shown = *name ? name : "<unset>";
	kt_auto_free char *target = kt_describe_value(json_object_get(port, "targetPort"));
	kt_auto_free char *endpoints = endpoints_text(slices, name);

	kt_describe_put(
	        d, "Port:\t%s\t%lld/%s\n", shown, (long long)kt_jint(port, "port", 0), protocol);
	if (*target)
		kt_describe_put(d, "TargetPort:\t%s/%s\n", target, protocol);
	if (kt_jint(port, "nodePort", 0))
		kt_describe_put(d, "NodePort:\t%s\t%lld/%s\n", shown,
		        (long long)kt_jint(port, "nodePort", 0), protocol);
	(void)service;
	kt_describe_put(d, "Endpoints:\t%s\n", endpoints);
}

static void put_balancer(struct kt_describer *d, const json_t *service)
{
	const json_t *ingress = kt_jget(service, "status.loadBalancer.ingress");
	kt_auto_str text = KT_STR_INIT;
	json_t *entry;
	size_t i;

	json_array_foreach(ingress, i, entry) {
		const char *ip = kt_jstr(entry, "ip");

		kt_str_printf(&text, "%s%s", i ? ", " : "",
		        ip ? ip : kt_describe_field(entry, "hostname"));
		if (kt_jstr(entry, "ipMode"))
			kt_str_printf(&text, " (%s)", kt_jstr(entry, "ipMode"));
	}
	if (text.len)
		kt_describe_put(d, "LoadBalancer Ingress:\t%s\n", kt_str_text(&text));
}

static void put_if(
        struct kt_describer *d, const char *label, const json_t *object, const char *path)
{
	if (*kt_describe_field(object, path))
		kt_describe_put(d, "%s:\t%s\n", label, kt_describe_field(object, path));
}

static void put_addresses(struct kt_describer *d, const json_t *object)
{
	kt_auto_free char *families = kt_describe_join(kt_jget(object, "spec.ipFamilies"), ",");
	kt_auto_free char *ips = kt_describe_join(kt_jget(object, "spec.clusterIPs"), ",");
	kt_auto_free char *external = kt_describe_join(kt_jget(object, "spec.externalIPs"), ",");

	put_if(d, "IP Family Policy", object, "spec.ipFamilyPolicy");
	kt_describe_put(d, "IP Families:\t%s\nIP:\t%s\nIPs:\t%s\n", *families ? families : "<none>",
	        kt_describe_field(object, "spec.clusterIP"), *ips ? ips : "<none>");
	if (*external)
		kt_describe_put(d, "External IPs:\t%s\n", external);
	if (*kt_describe_field(object, "spec.loadBalancerIP"))
		kt_describe_put(d, "Desired LoadBalancer IP:\t%s\n",
		        kt_describe_field(object, "spec.loadBalancerIP"));
	put_if(d, "External Name", object, "spec.externalName");
	put_balancer(d, object);
}

void kt_describe_service(struct kt_describer *d, const json_t *object)
{
	kt_auto_free char *selector =
	        kt_describe_selector(kt_jget(object, "spec.selector"), "<none>");
	kt_auto_json json_t *slices = slices_of(d, kt_describe_field(object, "metadata.namespace"),
	        kt_describe_field(object, "metadata.name"));
	kt_auto_free char *ranges =
	        kt_describe_join(kt_jget(object, "spec.loadBalancerSourceRanges"), ",");
	json_t *port;
	size_t i;

	kt_describe_metadata(d, object);
	kt_describe_put(
	        d, "Selector:\t%s\nType:\t%s\n", selector, kt_describe_field(object, "spec.type"));
	put_addresses(d, object);
	json_array_foreach(kt_jget(object, "spec.ports"), i, port)
		put_port(d, object, port, slices);
	kt_describe_put(
	        d, "Session Affinity:\t%s\n", kt_describe_field(object, "spec.sessionAffinity"));
	put_if(d, "External Traffic Policy", object, "spec.externalTrafficPolicy");
	put_if(d, "Internal Traffic Policy", object, "spec.internalTrafficPolicy");
	put_if(d, "Traffic Distribution", object, "spec.trafficDistribution");
	if (kt_jint(object, "spec.healthCheckNodePort", 0))
		kt_describe_put(d, "HealthCheck NodePort:\t%lld\n",
		        (long long)kt_jint(object, "spec.healthCheckNodePort", 0));
	if (*ranges)
		kt_describe_put(d, "LoadBalancer Source Ranges:\t%s\n", ranges);
	kt_describe_events(d, object);
}

/* Ingress */

/* "web:80 (10.0.0.1:8080)", or why there is nothing behind it. Heap. */
static char *backend_text(struct kt_describer *d, const char *namespace, const json_t *backend)
{
	const char *service = kt_jstr(backend, "service.name"),
	           *port_name = kt_describe_field(backend, "service.port.name");
	int64_t number = kt_jint(backend, "service.port.number", 0);
	json_t *port;
	size_t i;

	if (!service)
		return kt_asprintf("APIGroup: %s, Kind: %s, Name: %s",
		        kt_describe_field(backend, "resource.apiGroup"),
		        kt_describe_field(backend, "resource.kind"),
		        kt_describe_field(backend, "resource.name"));
	kt_auto_free char *shown =
	        number ? kt_asprintf("%lld", (long long)number) : kt_strdup(port_name);
	kt_auto_err err = KT_ERR_INIT;
	kt_auto_free char *path =
	        kt_asprintf("/api/v1/namespaces/%s/services/%s", namespace, service);
	kt_auto_json json_t *live = kt_session_get(d->ctx, path, NULL, &err);

	if (!live)
		return kt_asprintf("%s:%s (<error: %s>)", service, shown, kt_err_message(&err));
	json_array_foreach(kt_jget(live, "spec.ports"), i, port) {
		const char *name = kt_describe_field(port, "name");

		if (number ? kt_jint(port, "port", 0) == number : !strcmp(name, port_name)) {
			kt_auto_json json_t *slices = slices_of(d, namespace, service);
			kt_auto_free char *endpoints = endpoints_text(slices, name);

			return kt_asprintf("%s:%s (%s)", service, shown, endpoints);
		}
	}
	kt_auto_json json_t *slices = slices_of(d, namespace, service);
	kt_auto_free char *endpoints = endpoints_text(slices, "");

	return kt_asprintf("%s:%s (%s)", service, shown, endpoints);
}

static void put_rule(struct kt_describer *d, const char *namespace, const json_t *rule)
{
	const char *host = kt_describe_field(rule, "host");
	json_t *path;
	size_t i;

	kt_describe_put(d, "  %s\t\n", *host ? host : "*");
	json_array_foreach(kt_jget(rule, "http.paths"), i, path) {
		kt_auto_free char *backend =
		        backend_text(d, namespace, json_object_get(path, "backend"));

		kt_describe_put(d, "    \t%s \t%s\n", kt_describe_field(path, "path"), backend);
	}
}

static void put_tls(struct kt_describer *d, const json_t *object)
{
	json_t *tls;
	size_t i;

	if (json_array_size(kt_jget(object, "spec.tls")))
		kt_describe_put(d, "TLS:\n");
	json_array_foreach(kt_jget(object, "spec.tls"), i, tls) {
		kt_auto_free char *hosts = kt_describe_join(json_object_get(tls, "hosts"), ",");
		const char *secret = kt_describe_field(tls, "secretName");

		if (*secret)
			kt_describe_put(d, "  %s terminates %s\n", secret, hosts);
		else
			kt_describe_put(d, "  SNI routes %s\n", hosts);
	}
}

void kt_describe_ingress(struct kt_describer *d, const json_t *object)
{
	const char *namespace = kt_describe_field(object, "metadata.namespace"),
	           *class = kt_jstr(object, "spec.ingressClassName");
	const json_t *fallback = kt_jget(object, "spec.defaultBackend"),
	             *rules = kt_jget(object, "spec.rules");
	kt_auto_free char *backend = fallback ? backend_text(d, namespace, fallback) : NULL;
	kt_auto_str address = KT_STR_INIT;
	json_t *entry;
	size_t i;

	json_array_foreach(kt_jget(object, "status.loadBalancer.ingress"), i, entry)
		kt_str_printf(&address, "%s%s", i ? "," : "",
		        kt_jstr(entry, "ip") ? kt_jstr(entry, "ip")
		                             : kt_describe_field(entry, "hostname"));
	kt_describe_put(d, "Name:\t%s\n", kt_describe_field(object, "metadata.name"));
	kt_describe_labels(d, "", "Labels", kt_jget(object, "metadata.labels"));
	kt_describe_put(d,
	        "Namespace:\t%s\nAddress:\t%s\nIngress Class:\t%s\nDefault backend:\t%s\n",
	        namespace, kt_str_text(&address), class ? class : "<none>",
	        backend ? backend : "<default>");
	put_tls(d, object);
	kt_describe_put(d, "Rules:\n  Host\tPath\tBackends\n  ----\t----\t--------\n");
	json_array_foreach(rules, i, entry)
		put_rule(d, namespace, entry);
	if (!json_array_size(rules))
		kt_describe_put(d, "  %s\t%s\t%s\n", "*", "*", backend ? backend : "<default>");
	kt_describe_annotations(d, "", "Annotations", kt_jget(object, "metadata.annotations"));
	kt_describe_events(d, object);
}

void kt_describe_ingressclass(struct kt_describer *d, const json_t *object)
{
	kt_describe_put(d, "Name:\t%s\n", kt_describe_field(object, "metadata.name"));
	kt_describe_labels(d, "", "Labels", kt_jget(object, "metadata.labels"));
	kt_describe_annotations(d, "", "Annotations", kt_jget(object, "metadata.annotations"));
	kt_describe_put(d, "Controller:\t%s\n", kt_describe_field(object, "spec.controller"));
	if (kt_jget(object, "spec.parameters")) {
		kt_describe_put(d, "Parameters:\n");
		put_if(d, "  APIGroup", object, "spec.parameters.apiGroup");
		kt_describe_put(d, "  Kind:\t%s\n  Name:\t%s\n",
		        kt_describe_field(object, "spec.parameters.kind"),
		        kt_describe_field(object, "spec.parameters.name"));
	}
	kt_describe_events(d, object);
}

/* NetworkPolicy: told in sentences, without columns */

static void put_peer(struct kt_describer *d, const json_t *peer)
{
	const json_t *pods = json_object_get(peer, "podSelector"),
	             *namespaces = json_object_get(peer, "namespaceSelector"),
	             *block = json_object_get(peer, "ipBlock");

	if (namespaces) {
		kt_auto_free char *text = kt_describe_selector(namespaces, "<none>");

		kt_describe_put(d, "      NamespaceSelector: %s\n", text);
	}
	if (pods) {
		kt_auto_free char *text = kt_describe_selector(pods, "<none>");

		kt_describe_put(d, "      PodSelector: %s\n", text);
	}
	if (block) {
		kt_auto_free char *except =
		        kt_describe_join(json_object_get(block, "except"), ", ");

		kt_describe_put(d, "      IPBlock:\n        CIDR: %s\n        Except: %s\n",
		        kt_describe_field(block, "cidr"), except);
	}
}

static void put_directions(struct kt_describer *d, const json_t *rule, bool in)
{
	const json_t *ports = json_object_get(rule, "ports"),
	             *peers = json_object_get(rule, in ? "from" : "to");
	json_t *entry;
	size_t i;

	if (!json_array_size(ports))
		kt_describe_put(d, "    To Port: <any> (traffic allowed to all ports)\n");
	json_array_foreach(ports, i, entry) {
		kt_auto_free char *port = kt_describe_value(json_object_get(entry, "port"));
		const char *protocol = kt_describe_field(entry, "protocol");

		kt_describe_put(d, "    To Port: %s/%s\n", port, *protocol ? protocol : "TCP");
	}
	if (!json_array_size(peers))
		kt_describe_put(d, "    %s: <any> (traffic not restricted by %s)\n",
		        in ? "From" : "To", in ? "source" : "destination");
	json_array_foreach(peers, i, entry) {
		kt_describe_put(d, "    %s:\n", in ? "From" : "To");
		put_peer(d, entry);
	}
}

static void put_policy_rules(struct kt_describer *d, const json_t *object, bool in)
{
	const char *word = in ? "ingress" : "egress";
	const json_t *rules = kt_jget(object, in ? "spec.ingress" : "spec.egress");
	kt_auto_free char *types = kt_describe_join(kt_jget(object, "spec.policyTypes"), ", ");
	json_t *rule;
	size_t i;

	if (!strstr(types, in ? "Ingress" : "Egress")) {
		kt_describe_put(d, "  Not affecting %s traffic\n", word);
		return;
	}
	kt_describe_put(d, "  Allowing %s traffic:\n", word);
	if (!json_array_size(rules))
		kt_describe_put(
		        d, "    <none> (Selected pods are isolated for %s connectivity)\n", word);
	json_array_foreach(rules, i, rule) {
		if (i)
			kt_describe_put(d, "    ----------\n");
		put_directions(d, rule, in);
	}
}

void kt_describe_networkpolicy(struct kt_describer *d, const json_t *object)
{
	const json_t *pods = kt_jget(object, "spec.podSelector");
	kt_auto_free char *types = kt_describe_join(kt_jget(object, "spec.policyTypes"), ", ");
	kt_auto_free char *selector = kt_describe_selector(
	        pods, "<none> (Allowing the specific traffic to all pods in this namespace)");
	kt_auto_free char *created =
	        kt_strdup(kt_describe_field(object, "metadata.creationTimestamp"));

	for (char *p = created; *p; p++)
		*p = *p == 'T' || *p == 'Z' ? ' ' : *p;
	kt_describe_put(d, "Name:\t%s\nNamespace:\t%s\nCreated on:\t%s+0000 UTC\n",
	        kt_describe_field(object, "metadata.name"),
	        kt_describe_field(object, "metadata.namespace"), created);
	kt_describe_labels(d, "", "Labels", kt_jget(object, "metadata.labels"));
	kt_describe_annotations(d, "", "Annotations", kt_jget(object, "metadata.annotations"));
	kt_describe_put(d, "Spec:\n  PodSelector:     %s\n", selector);
	put_policy_rules(d, object, true);
	put_policy_rules(d, object, false);
	kt_describe_put(d, "  Policy Types: %s\n", types);
}

/* Endpoints and EndpointSlices */

static char *address_list(const json_t *addresses)
{
	struct kt_str text = KT_STR_INIT;
	json_t *entry;
	size_t i;

	json_array_foreach(addresses, i, entry)
		kt_str_printf(&text, "%s%s", i ? "," : "", kt_describe_field(entry, "ip"));
	if (!text.len)
		kt_str_puts(&text, "<none>");
	return kt_str_steal(&text);
}

static void put_port_table(struct kt_describer *d, const json_t *ports, const char *indent)
{
	json_t *port;
	size_t i;

	kt_describe_put(d, "%s  Name\tPort\tProtocol\n%s  ----\t----\t--------\n", indent, indent);
	json_array_foreach(ports, i, port) {
		const char *name = kt_describe_field(port, "name");
		kt_auto_free char *number = kt_describe_value(json_object_get(port, "port"));

		kt_describe_put(d, "%s  %s\t%s\t%s\n", indent, *name ? name : "<unset>",
		        *number ? number : "<unset>", kt_describe_field(port, "protocol"));
	}
}

void kt_describe_endpoints(struct kt_describer *d, const json_t *object)
{
	json_t *subset;
	size_t i;

	kt_describe_metadata(d, object);
	kt_describe_put(d, "Subsets:\n");
	json_array_foreach(json_object_get(object, "subsets"), i, subset) {
		kt_auto_free char *ready = address_list(json_object_get(subset, "addresses"));
		kt_auto_free char *others =
		        address_list(json_object_get(subset, "notReadyAddresses"));

		kt_describe_put(d, "  Addresses:\t%s\n  NotReadyAddresses:\t%s\n", ready, others);
		if (json_array_size(json_object_get(subset, "ports"))) {
			kt_describe_put(d, "  Ports:\n");
			put_port_table(d, json_object_get(subset, "ports"), "  ");
		}
		kt_describe_put(d, "\n");
	}
	kt_describe_events(d, object);
}

static void put_endpoint(struct kt_describer *d, const json_t *endpoint)
{
	kt_auto_free char *addresses =
	        kt_describe_join(json_object_get(endpoint, "addresses"), ",");
	const char *host = kt_jstr(endpoint, "hostname"), *node = kt_jstr(endpoint, "nodeName"),
	           *zone = kt_jstr(endpoint, "zone");
	const json_t *ready = kt_jget(endpoint, "conditions.ready");

	kt_describe_put(d,
	        "  - Addresses:\t%s\n    Conditions:\n      Ready:\t%s\n    Hostname:\t%s\n",
	        *addresses ? addresses : "<none>",
	        !ready                ? "<unset>"
	        : json_is_true(ready) ? "true"
	                              : "false",
	        host ? host : "<unset>");
	if (json_object_get(endpoint, "targetRef"))
		kt_describe_put(d, "    TargetRef:\t%s/%s\n",
		        kt_describe_field(endpoint, "targetRef.kind"),
		        kt_describe_field(endpoint, "targetRef.name"));
	kt_describe_put(d, "    NodeName:\t%s\n    Zone:\t%s\n", node ? node : "<unset>",
	        zone ? zone : "<unset>");
}

void kt_describe_endpointslice(struct kt_describer *d, const json_t *object)
{
	const json_t *ports = json_object_get(object, "ports"),
	             *endpoints = json_object_get(object, "endpoints");
	json_t *endpoint;
	size_t i;

	kt_describe_metadata(d, object);
	kt_describe_put(d, "AddressType:\t%s\n", kt_describe_field(object, "addressType"));
	if (json_array_size(ports)) {
		kt_describe_put(d, "Ports:\n");
		put_port_table(d, ports, "");
	} else {
		kt_describe_put(d, "Ports: <unset>\n");
	}
	kt_describe_put(d, json_array_size(endpoints) ? "Endpoints:\n" : "Endpoints: <none>\n");
	json_array_foreach(endpoints, i, endpoint)
		put_endpoint(d, endpoint);
	kt_describe_events(d, object);
}
