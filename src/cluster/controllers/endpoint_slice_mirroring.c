/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * EndpointSlice mirroring: Endpoints that somebody keeps by hand, for a Service without a selector,
 * are shown as EndpointSlices too: one per subset and address family.
 */
#include "api/status.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/controllers/meta.h"
#include "cluster/controllers/table.h"

#define SLICES "/apis/discovery.k8s.io/v1/endpointslices"
#define MANAGED_BY "endpointslicemirroring-controller.k8s.io"

struct mirroring_controller {
	struct kt_reconciler *reconciler;
	struct kt_informer *services, *endpoints, *slices;
};

static bool is_mirrored(const struct mirroring_controller *own, const struct kt_object *endpoints)
{
	struct kt_object *service = kt_informer_get(
	        own->services, kt_object_namespace(endpoints), kt_object_name(endpoints));
	struct kt_json_at selector;
	struct kt_sv value;

	if (!service || kt_is_deleting(endpoints) ||
	        kt_object_label(
	                endpoints, KT_SV("endpointslice.kubernetes.io/skip-mirror"), &value))
		return false;
	/* The API server shows its own as a slice itself. */
	if (kt_sv_is(kt_object_name(endpoints), "kubernetes") &&
	        kt_sv_is(kt_object_namespace(endpoints), "default"))
		return false;
	selector = kt_field_of(service, "spec", "selector");
	return !selector.p || selector.len <= 2;
}

static void add_addresses(json_t *out, const json_t *addresses, bool ready, bool v6)
{
	json_t *address, *endpoint;
	size_t i;

	json_array_foreach(addresses, i, address) {
		const char *ip = kt_jstr(address, "ip"), *node = kt_jstr(address, "nodeName");
		const char *hostname = kt_jstr(address, "hostname");
		const json_t *target = json_object_get(address, "targetRef");

		if (!ip || (strchr(ip, ':') != NULL) != v6)
			continue;
		endpoint =
		        json_pack("{s:[s],s:{s:b}}", "addresses", ip, "conditions", "ready", ready);
		if (node)
			json_object_set_new(endpoint, "nodeName", json_string(node));
		if (hostname)
			json_object_set_new(endpoint, "hostname", json_string(hostname));
		if (target)
			json_object_set_new(endpoint, "targetRef", json_deep_copy(target));
		json_array_append_new(out, endpoint);
	}
}

static json_t *ports_of(const json_t *subset)
{
	json_t *ports = json_array(), *port;
	size_t i;

	json_array_foreach(json_object_get(subset, "ports"), i, port) {
		json_t *copy = json_deep_copy(port);

		if (!json_object_get(copy, "name"))
			json_object_set_new(copy, "name", json_string(""));
		if (!json_object_get(copy, "protocol"))
			json_object_set_new(copy, "protocol", json_string("TCP"));
		json_array_append_new(ports, copy);
	}
	return ports;
}

/* What the slices should hold: an array of {addressType, endpoints, ports}. */
static json_t *wanted_slices(const json_t *endpoints)
{
	json_t *wanted = json_array(), *subset;
	size_t i;

	json_array_foreach(json_object_get(endpoints, "subsets"), i, subset) {
		for (int v6 = 0; v6 < 2; v6++) {
			json_t *list = json_array();

			add_addresses(list, json_object_get(subset, "addresses"), true, v6);
			add_addresses(
			        list, json_object_get(subset, "notReadyAddresses"), false, v6);
			if (json_array_size(list))
				json_array_append_new(
				        wanted, json_pack("{s:s,s:O,s:o}", "addressType",
				                        v6 ? "IPv6" : "IPv4", "endpoints", list,
				                        "ports", ports_of(subset)));
			json_decref(list);
		}
	}
	return wanted;
}

static bool same(const json_t *slice, const json_t *wanted)
{
	return kt_streq(kt_jstr(slice, "addressType"), kt_jstr(wanted, "addressType")) &&
	       json_equal(
	               json_object_get(slice, "endpoints"), json_object_get(wanted, "endpoints")) &&
	       json_equal(json_object_get(slice, "ports"), json_object_get(wanted, "ports"));
}

static void make_slice(struct mirroring_controller *own, struct kt_pass *pass,
        const struct kt_object *endpoints, const json_t *wanted)
{
	struct kt_sv namespace = kt_object_namespace(endpoints), name = kt_object_name(endpoints);
	kt_auto_free char *prefix = kt_asprintf("%.*s-", KT_SVP(name));
	kt_auto_json json_t *body = json_deep_copy(wanted);

	json_object_set_new(body, "apiVersion", json_string("discovery.k8s.io/v1"));
	json_object_set_new(body, "kind", json_string("EndpointSlice"));
	json_object_set_new(body, "metadata",
	        json_pack("{s:s,s:s%,s:{s:s%,s:s},s:[o]}", "generateName", prefix, "namespace",
	                namespace.p, namespace.len, "labels", "kubernetes.io/service-name", name.p,
	                name.len, "endpointslice.kubernetes.io/managed-by", MANAGED_BY,
	                "ownerReferences", kt_owner_reference(endpoints, "v1", "Endpoints")));
	kt_pass_send(pass,
	        &(struct kt_pass_write){.method = "POST", .body = body, .informer = own->slices},
	        "/apis/discovery.k8s.io/v1/namespaces/%.*s/endpointslices", KT_SVP(namespace));
}

static void reconcile(void *arg, struct kt_pass *pass, const char *key)
{
	struct mirroring_controller *own = arg;
	struct kt_object *endpoints = kt_pass_object(pass, own->endpoints);
	kt_auto_json json_t *tree = NULL, *wanted = NULL;
	kt_auto_objects slices = {0};
	json_t *item;
	size_t w;

	(void)key;
	if (!endpoints)
		return; /* the garbage collector takes the slices */
	tree = kt_object_tree(endpoints);
	wanted = is_mirrored(own, endpoints) ? wanted_slices(tree) : json_array();
	kt_collect_indexed(own->slices, "controller", kt_object_uid(endpoints), &slices);
	for (size_t i = 0; i < slices.n; i++) {
		kt_auto_json json_t *slice = kt_object_tree(slices.items[i]);
		bool found = false;

		json_array_foreach(wanted, w, item)
			if (!found && same(slice, item)) {
				found = true;
				json_array_remove(wanted, w);
				break;
			}
		if (!found)
			kt_pass_send(pass,
			        &(struct kt_pass_write){.method = "DELETE",
			                .informer = own->slices,
			                .target = slices.items[i]},
			        "/apis/discovery.k8s.io/v1/namespaces/%.*s/endpointslices/%.*s",
			        KT_SVP(kt_object_namespace(slices.items[i])),
			        KT_SVP(kt_object_name(slices.items[i])));
	}
	json_array_foreach(wanted, w, item)
		make_slice(own, pass, endpoints, item);
}

static void object_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct mirroring_controller *own = arg;

	kt_reconciler_add_object(own->reconciler, new_object ? new_object : old_object);
}

static void *create(struct kt_controllers *controllers)
{
	struct mirroring_controller *own = kt_new(struct mirroring_controller);

	own->reconciler =
	        kt_reconciler_create(&(struct kt_reconciler_options){.controllers = controllers,
	                .name = "endpoint-slice-mirroring-controller",
	                .reconcile = reconcile,
	                .arg = own});
	own->services = kt_controllers_informer(controllers, "/api/v1/services");
	own->endpoints = kt_controllers_informer(controllers, "/api/v1/endpoints");
	own->slices = kt_controllers_informer(controllers, SLICES);
	kt_informer_add_handler(own->services,
	        &(struct kt_informer_handler){.on_change = object_changed, .arg = own});
	kt_informer_add_handler(own->endpoints,
	        &(struct kt_informer_handler){.on_change = object_changed, .arg = own});
	return own;
}

static void destroy(void *controller)
{
	struct mirroring_controller *own = controller;

	kt_reconciler_destroy(own->reconciler);
	free(own);
}

const struct kt_controller kt_controller_endpoint_slice_mirroring = {
        "endpointslice-mirroring-controller", create, destroy};
