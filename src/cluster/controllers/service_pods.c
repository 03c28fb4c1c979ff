/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster/controllers/service_pods.h"

#include "base/mem.h"

static struct kt_sv pod_ip(const struct kt_object *pod)
{
	struct kt_sv ip = {0};

	kt_json_string_sv(kt_field_of(pod, "status", "podIP"), &ip);
	return ip;
}

/* All of them, as text to compare. */
static struct kt_sv pod_ips(const struct kt_object *pod)
{
	struct kt_json_at list = kt_field_of(pod, "status", "podIPs");

	return (struct kt_sv){list.p, list.len};
}

/* A named target port is what the pod's containers call so; 0: none does. */
static int64_t named_port(const struct kt_object *pod, const char *name, const char *protocol)
{
	static const char *const lists[] = {"containers", "initContainers"};

	for (size_t l = 0; l < KT_ARRAY_SIZE(lists); l++) {
		struct kt_json_at containers = kt_field_of(pod, "spec", lists[l]), container;
		struct kt_json_iter c = {0};

		while (containers.p && kt_json_next_element(containers, &c, &container)) {
			struct kt_json_at ports = kt_json_member(container, "ports"), port;
			struct kt_json_iter p = {0};
			int64_t number;

			if (l == 1 && !kt_json_string_is(
			                      kt_json_member(container, "restartPolicy"), "Always"))
				continue;
			while (ports.p && kt_json_next_element(ports, &p, &port)) {
				struct kt_json_at own = kt_json_member(port, "protocol");

				if (kt_json_string_is(kt_json_member(port, "name"), name) &&
				        (!own.p ? strcmp(protocol, "TCP") == 0
				                : kt_json_string_is(own, protocol)) &&
				        kt_json_int64(
				                kt_json_member(port, "containerPort"), &number))
					return number;
			}
		}
	}
	return 0;
}

static json_t *resolve_ports(
        const json_t *service, const struct kt_object *pod, bool with_app_protocol)
{
	json_t *ports = json_array(), *port;
	size_t i;

	json_array_foreach(kt_jget(service, "spec.ports"), i, port) {
		const char *protocol = kt_jstr(port, "protocol"), *name = kt_jstr(port, "name"),
		           *app = kt_jstr(port, "appProtocol");
		const json_t *target = json_object_get(port, "targetPort");
		int64_t number = json_is_integer(target) ? json_integer_value(target) : 0;
		json_t *out;

		if (!protocol)
			protocol = "TCP";
		if (json_is_string(target))
			number = named_port(pod, json_string_value(target), protocol);
		else if (!number)
			number = kt_jint(port, "port", 0);
		if (!number)
			continue;
		out = json_pack("{s:s,s:I,s:s}", "name", name ? name : "", "port",
		        (json_int_t)number, "protocol", protocol);
		if (app && with_app_protocol)
			json_object_set_new(out, "appProtocol", json_string(app));
		json_array_append_new(ports, out);
	}
	return ports;
}

void service_pods_collect(const json_t *service, const struct kt_informer *pods,
        struct kt_sv namespace, bool with_terminating, bool with_app_protocol, service_pods *out)
{
	struct kt_selector *selector = kt_selector_of_map(kt_jget(service, "spec.selector"));
	bool publish = kt_jbool(service, "spec.publishNotReadyAddresses", false);
	kt_auto_objects all = {0};

	kt_collect_indexed(pods, "namespace", namespace, &all);
	for (size_t i = 0; i < all.n; i++) {
		struct kt_object *pod = all.items[i];
		struct service_pod one = {.pod = pod,
		        .ip = pod_ip(pod),
		        .serving = kt_pod_is_ready(pod),
		        .terminating = kt_is_deleting(pod)};

		if (!one.ip.len || (one.terminating && !with_terminating) ||
		        !kt_selector_matches(selector, pod) || kt_pod_phase_is(pod, "Succeeded") ||
		        kt_pod_phase_is(pod, "Failed"))
			continue;
		one.ready = publish || (one.serving && !one.terminating);
		one.ports_tree = resolve_ports(service, pod, with_app_protocol);
		one.ports = kt_canonical(one.ports_tree);
		kt_vec_push(out, one);
	}
	kt_selector_destroy(selector);
}

void service_pods_finish(service_pods *pods)
{
	for (size_t i = 0; i < pods->n; i++) {
		json_decref(pods->items[i].ports_tree);
		free(pods->items[i].ports);
	}
	kt_vec_finish(pods);
}

static bool is_over(const struct kt_object *pod)
{
	return kt_pod_phase_is(pod, "Succeeded") || kt_pod_phase_is(pod, "Failed");
}

bool service_pod_differs(const struct kt_object *old_object, const struct kt_object *new_object)
{
	if (!old_object || !new_object)
		return true;
	return kt_is_deleting(old_object) != kt_is_deleting(new_object) ||
	       is_over(old_object) != is_over(new_object) ||
	       kt_pod_is_ready(old_object) != kt_pod_is_ready(new_object) ||
	       !kt_sv_eq(pod_ip(old_object), pod_ip(new_object)) ||
	       !kt_sv_eq(pod_ips(old_object), pod_ips(new_object)) ||
	       !kt_sv_eq(kt_object_span(old_object, old_object->labels),
	               kt_object_span(new_object, new_object->labels));
}

json_t *service_pod_reference(const struct kt_object *pod)
{
	struct kt_sv namespace = kt_object_namespace(pod), name = kt_object_name(pod),
	             uid = kt_object_uid(pod);

	return json_pack("{s:s,s:s%,s:s%,s:s%}", "kind", "Pod", "namespace", namespace.p,
	        namespace.len, "name", name.p, name.len, "uid", uid.p, uid.len);
}
