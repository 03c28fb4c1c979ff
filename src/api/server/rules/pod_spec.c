/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A pod spec from top to bottom, in the order in which upstream finds mistakes. */
#include "api/server/rules/meta.h"
#include "api/server/rules/names.h"
#include "api/server/rules/pod.h"
#include "api/server/rules/quantities.h"

void kt_check_pod_resource_claims(struct kt_pod *pod)
{
	struct kt_rule_context *c = pod->c;
	struct kt_names names = {.arena = c->arena};
	struct kt_at claims = kt_at(pod->spec, "resourceClaims");
	KT_EACH(claim, &claims) {
		struct kt_at name = kt_at(&claim, "name"),
		             direct = kt_at(&claim, "resourceClaimName");
		struct kt_at template = kt_at(&claim, "resourceClaimTemplateName");
		if (kt_check_required_format(c, &name, "dns1123-label") &&
		        !kt_names_add(&names, kt_at_text(&name)))
			kt_add_duplicate(c, &name);
		if (direct.value && template.value)
			kt_add_invalid(c, &claim,
			        "at most one of `resourceClaimName` or `resourceClaimTemplateName` "
			        "may be specified");
		if (!direct.value && !template.value)
			kt_add_invalid(c, &claim,
			        "must specify one of: `resourceClaimName`, "
			        "`resourceClaimTemplateName`");
		if (direct.value)
			kt_check_format(c, &direct, "dns1123-subdomain");
		if (template.value)
			kt_check_format(c, &template, "dns1123-subdomain");
	}
}

/* On the host's network a host port can only be the container's. */
static void check_host_network_ports(struct kt_pod *pod)
{
	struct kt_at containers = kt_at(pod->spec, "containers");
	if (!pod->host_network)
		return;
	KT_EACH(container, &containers) {
		struct kt_at ports = kt_at(&container, "ports");
		KT_EACH(port, &ports) {
			struct kt_at host = kt_at(&port, "hostPort");
			if (kt_at_int(&host) !=
			        json_integer_value(json_object_get(port.value, "containerPort")))
				kt_add_invalid(pod->c, &host,
				        "must match `containerPort` when `hostNetwork` is true");
		}
	}
}

static void check_policies(struct kt_pod *pod)
{
	static const char *const restarts[] = {"Always", "OnFailure", "Never", NULL};
	static const char *const dns[] = {
	        "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None", NULL};
	struct kt_at restart = kt_at(pod->spec, "restartPolicy"),
	             policy = kt_at(pod->spec, "dnsPolicy");
	struct kt_at selector = kt_at(pod->spec, "nodeSelector");
	if (kt_check_required(pod->c, &restart))
		kt_check_in(pod->c, &restart, restarts);
	if (kt_check_required(pod->c, &policy))
		kt_check_in(pod->c, &policy, dns);
	kt_check_labels(pod->c, &selector);
}

static void check_host_aliases(struct kt_rule_context *c, const struct kt_at *aliases)
{
	KT_EACH(alias, aliases) {
		struct kt_at ip = kt_at(&alias, "ip"), names = kt_at(&alias, "hostnames");
		kt_check_format(c, &ip, "ip");
		KT_EACH(name, &names) {
			kt_check_format(c, &name, "dns1123-subdomain");
		}
	}
}

static void check_format(struct kt_pod *pod, const char *name, const char *format)
{
	struct kt_at at = kt_at(pod->spec, name);
	kt_check_optional_format(pod->c, &at, format);
}

static void check_overhead(struct kt_pod *pod)
{
	struct kt_at overhead = kt_at(pod->spec, "overhead");
	struct kt_keys keys = kt_at_keys(pod->c, &overhead);
	for (size_t i = 0; i < keys.n; i++) {
		struct kt_at at = kt_at_key(&overhead, keys.names[i]);
		kt_check_container_resource_name(pod->c, &at, keys.names[i]);
		kt_check_quantity(pod->c, &at, keys.names[i]);
	}
}

#define HOST_NAME_MAX_BYTES 64 /* Linux' own limit, for names that become the kernel's */

static void check_hostname_override(struct kt_pod *pod)
{
	struct kt_at name = kt_at(pod->spec, "hostnameOverride"),
	             fqdn = kt_at(pod->spec, "setHostnameAsFQDN");
	if (!name.value)
		return;
	kt_check_format(pod->c, &name, "dns1123-subdomain");
	if (strlen(kt_at_text(&name)) > HOST_NAME_MAX_BYTES)
		kt_add_too_long(pod->c, &name, HOST_NAME_MAX_BYTES);
	if (kt_at_bool(&fqdn))
		kt_add_invalid(pod->c, &fqdn, "must be false when `hostnameOverride` is set");
	struct kt_at network = kt_at(pod->spec, "hostNetwork");
	if (pod->host_network)
		kt_add_invalid(pod->c, &network, "must be false when `hostnameOverride` is set");
}

/* The single-valued rest, after the large parts. */
static void check_rest(struct kt_pod *pod)
{
	struct kt_rule_context *c = pod->c;
	struct kt_at deadline = kt_at(pod->spec, "activeDeadlineSeconds"),
	             tolerations = kt_at(pod->spec, "tolerations");
	struct kt_at aliases = kt_at(pod->spec, "hostAliases"),
	             runtime = kt_at(pod->spec, "runtimeClassName");
	struct kt_at preemption = kt_at(pod->spec, "preemptionPolicy");
	static const char *const preemptions[] = {"PreemptLowerPriority", "Never", NULL};
	check_format(pod, "serviceAccountName", "dns1123-subdomain");
	check_format(pod, "nodeName", "dns1123-subdomain");
	if (deadline.value)
		kt_check_between(c, &deadline, 1, INT32_MAX);
	check_format(pod, "hostname", "dns1123-label");
	check_format(pod, "subdomain", "dns1123-label");
	kt_check_tolerations(c, &tolerations);
	check_host_aliases(c, &aliases);
	check_format(pod, "priorityClassName", "dns1123-subdomain");
	if (runtime.value)
		kt_check_format(c, &runtime, "dns1123-subdomain");
	if (preemption.value && kt_check_required(c, &preemption))
		kt_check_in(c, &preemption, preemptions);
	check_overhead(pod);
	kt_check_pod_os(pod);
	check_hostname_override(pod);
}

static void check_node_name(struct kt_pod *pod)
{
	struct kt_at node = kt_at(pod->spec, "nodeName"),
	             gates = kt_at(pod->spec, "schedulingGates");
	if (!pod->old_spec && pod->is_pod && *kt_at_text(&node) && kt_at_n(&gates))
		kt_add_forbidden(
		        pod->c, &node, "cannot be set until all schedulingGates have been cleared");
}

void kt_check_pod_spec(struct kt_rule_context *c, const struct kt_at *spec, const json_t *meta,
        const json_t *old_spec, bool is_pod)
{
	const json_t *host_users = json_object_get(spec->value, "hostUsers");
	struct kt_pod pod = {
	        .c = c,
	        .spec = spec,
	        .meta = meta,
	        .old_spec = old_spec,
	        .is_pod = is_pod,
	        .host_network = kt_bool_of(spec->value, "hostNetwork"),
	        .host_users = !json_is_false(host_users),
	        .grace_seconds = json_integer_value(
	                json_object_get(spec->value, "terminationGracePeriodSeconds")),
	        .restart_policy = kt_text_of(spec->value, "restartPolicy"),
	};
	kt_check_pod_volumes(&pod);
	kt_check_pod_resource_claims(&pod);
	kt_check_pod_containers(&pod);
	kt_check_pod_resources(&pod);
	check_host_network_ports(&pod);
	check_policies(&pod);
	kt_check_pod_security(&pod);
	kt_check_pod_affinity(&pod);
	kt_check_pod_dns(&pod);
	kt_check_pod_gates(&pod);
	kt_check_pod_spread(&pod);
	kt_check_pod_windows(&pod);
	check_rest(&pod);
	check_node_name(&pod);
}

void kt_check_pod_annotations(
        struct kt_rule_context *c, const struct kt_at *annotations, const struct kt_at *spec)
{
	if (!annotations->value)
		return;
	const char *mirror = kt_text_of(annotations->value, "kubernetes.io/config.mirror");
	if (*mirror && !*kt_text_of(spec->value, "nodeName")) {
		struct kt_at at = kt_at_key(annotations, "kubernetes.io/config.mirror");
		kt_add_invalid(c, &at, "must set spec.nodeName if mirror pod annotation is set");
	}
	kt_check_apparmor_annotations(c, annotations, spec);
}

void kt_check_pod_template(
        struct kt_rule_context *c, const struct kt_at *template, const json_t *old_template)
{
	struct kt_at meta = kt_at(template, "metadata"), spec = kt_at(template, "spec");
	struct kt_at labels = kt_at(template, "labels"),
	             annotations = kt_at(template, "annotations");
	labels.value = json_object_get(meta.value, "labels");
	annotations.value = json_object_get(meta.value, "annotations");
	kt_check_labels(c, &labels);
	kt_check_annotations(c, &annotations);
	kt_check_pod_annotations(c, &annotations, &spec);
	kt_check_pod_spec(c, &spec, meta.value, json_object_get(old_template, "spec"), false);
	struct kt_at ephemeral = kt_at(&spec, "ephemeralContainers");
	if (kt_at_n(&ephemeral))
		kt_add_forbidden(c, &ephemeral, "ephemeral containers not allowed in pod template");
}
