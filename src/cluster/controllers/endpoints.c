/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Endpoints: the old form of EndpointSlices, one object per Service with all addresses that are not
 * being deleted. */
#include "api/status.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/controllers/service_pods.h"
#include "cluster/controllers/table.h"

#define ADDRESSES_MAX 1000 /* more are cut off and the object says so */
#define BUSY_ADDRESSES 100
#define BATCH_MS 200

struct endpoints {
	struct kt_reconciler *reconciler;
	struct kt_informer *services, *pods, *endpoints;
};

static int compare_ip(const void *va, const void *vb)
{
	const struct service_pod *a = va, *b = vb;
	int r = strcmp(a->ports, b->ports);

	return r ? r : kt_sv_cmp(a->ip, b->ip);
}

static json_t *address_of(const struct service_pod *one, const char *service)
{
	struct kt_sv node = kt_pod_node(one->pod);
	kt_auto_free char *hostname = kt_json_string_dup(kt_field_of(one->pod, "spec", "hostname"));
	kt_auto_free char *subdomain =
	        kt_json_string_dup(kt_field_of(one->pod, "spec", "subdomain"));
	json_t *address = json_pack("{s:s%,s:o}", "ip", one->ip.p, one->ip.len, "targetRef",
	        service_pod_reference(one->pod));

	if (node.len)
		json_object_set_new(address, "nodeName", json_stringn(node.p, node.len));
	if (hostname && kt_streq(subdomain, service))
		json_object_set_new(address, "hostname", json_string(hostname));
	return address;
}

static json_t *endpoint_ports(const json_t *ports)
{
	json_t *copy = json_deep_copy(ports), *port;
	size_t i;

	json_array_foreach(copy, i, port)
		if (kt_streq(kt_jstr(port, "name"), ""))
			json_object_del(port, "name");
	return copy;
}

static void append(json_t *subset, const char *list, json_t *address)
{
	json_t *array = json_object_get(subset, list);

	if (!array)
		json_object_set_new(subset, list, array = json_array());
	json_array_append_new(array, address);
}

static json_t *subsets_of(service_pods *pods, const char *service, bool *ret_cut)
{
	json_t *subsets = json_array(), *subset = NULL;
	size_t n = 0;

	if (pods->n)
		qsort(pods->items, pods->n, sizeof(*pods->items), compare_ip);
	for (size_t i = 0; i < pods->n; i++) {
		struct service_pod *one = &pods->items[i];

		if (++n > ADDRESSES_MAX) {
			*ret_cut = true;
			break;
		}
		if (!subset || strcmp(one->ports, pods->items[i - 1].ports) != 0) {
			subset = json_object();
			json_array_append_new(subsets, subset);
		}
		append(subset, one->ready ? "addresses" : "notReadyAddresses",
		        address_of(one, service));
		if (!json_object_get(subset, "ports") && json_array_size(one->ports_tree))
			json_object_set_new(subset, "ports", endpoint_ports(one->ports_tree));
	}
	return subsets;
}

static void written(struct kt_pass *pass, struct kt_call *call, void *arg)
{
	(void)arg;
	if (call->err.code && kt_err_reason(&call->err) != KT_REASON_NOT_FOUND &&
	        kt_err_reason(&call->err) != KT_REASON_FORBIDDEN)
		kt_pass_check(pass, call);
}

static void write_endpoints(struct endpoints *own, struct kt_pass *pass,
        const struct kt_object *service, const json_t *tree, const json_t *subsets, bool cut)
{
	struct kt_sv namespace = kt_object_namespace(service), name = kt_object_name(service);
	struct kt_object *have = kt_informer_get(own->endpoints, namespace, name);
	kt_auto_json json_t *labels = json_deep_copy(kt_jget(tree, "metadata.labels")),
	                    *body = NULL;
	struct kt_pass_write write = {.informer = own->endpoints, .done = written};

	if (!labels)
		labels = json_object();
	json_object_set_new(
	        labels, "endpoints.kubernetes.io/managed-by", json_string("endpoint-controller"));
	if (kt_streq(kt_jstr(tree, "spec.clusterIP"), "None"))
		json_object_set_new(labels, "service.kubernetes.io/headless", json_string(""));
	body = json_pack("{s:{s:O},s:O}", "metadata", "labels", labels, "subsets", subsets);
	if (cut)
		json_object_set_new(json_object_get(body, "metadata"), "annotations",
		        json_pack("{s:s}", "endpoints.kubernetes.io/over-capacity", "truncated"));
	write.body = body;
	if (have) {
		kt_auto_json json_t *old = kt_object_tree(have);
		json_t *old_subsets = json_object_get(old, "subsets");

		if ((json_equal(old_subsets, subsets) ||
		            (!old_subsets && !json_array_size(subsets))) &&
		        json_equal(kt_jget(old, "metadata.labels"), labels))
			return;
		write.method = "PATCH";
		write.content_type = KT_PATCH_MERGE;
		kt_pass_send(pass, &write, "/api/v1/namespaces/%.*s/endpoints/%.*s",
		        KT_SVP(namespace), KT_SVP(name));
		return;
	}
	json_object_set_new(body, "apiVersion", json_string("v1"));
	json_object_set_new(body, "kind", json_string("Endpoints"));
	json_object_set_new(
	        json_object_get(body, "metadata"), "name", json_stringn(name.p, name.len));
	json_object_set_new(json_object_get(body, "metadata"), "namespace",
	        json_stringn(namespace.p, namespace.len));
	write.method = "POST";
	kt_pass_send(pass, &write, "/api/v1/namespaces/%.*s/endpoints", KT_SVP(namespace));
}

static void reconcile(void *arg, struct kt_pass *pass, const char *key)
{
	struct endpoints *own = arg;
	struct kt_object *service = kt_pass_object(pass, own->services);
	kt_auto_json json_t *tree = NULL, *subsets = NULL;
	service_pods pods = {0};
	bool cut = false;

	if (!service) {
		struct kt_object *left = kt_pass_object(pass, own->endpoints);
		const char *slash = strchr(key, '/');

		/* Endpoints live and die with their Service. */
		if (left && slash)
			kt_pass_send(pass,
			        &(struct kt_pass_write){.method = "DELETE",
			                .informer = own->endpoints,
			                .target = left},
			        "/api/v1/namespaces/%.*s/endpoints/%s", (int)(slash - key), key,
			        slash + 1);
		return;
	}
	tree = kt_object_tree(service);
	if (json_object_size(kt_jget(tree, "spec.selector")) == 0 ||
	        kt_streq(kt_jstr(tree, "spec.type"), "ExternalName"))
		return;
	service_pods_collect(tree, own->pods, kt_object_namespace(service), false, true, &pods);
	subsets = subsets_of(&pods, kt_jstr(tree, "metadata.name"), &cut);
	write_endpoints(own, pass, service, tree, subsets, cut);
	service_pods_finish(&pods);
}

static void add_service(void *arg, struct kt_object *service)
{
	struct endpoints *own = arg;
	struct kt_object *have = kt_informer_get(
	        own->endpoints, kt_object_namespace(service), kt_object_name(service));
	char key[600];

	if (!have || have->json_len < BUSY_ADDRESSES * 100) {
		kt_reconciler_add_object(own->reconciler, service);
		return;
	}
	snprintf(key, sizeof(key), "%.*s/%.*s", KT_SVP(kt_object_namespace(service)),
	        KT_SVP(kt_object_name(service)));
	kt_reconciler_add_after_ms(own->reconciler, key, BATCH_MS);
}

static void service_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct endpoints *own = arg;

	kt_reconciler_add_object(own->reconciler, new_object ? new_object : old_object);
}

static void pod_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct endpoints *own = arg;

	if (!kt_informer_count(own->services) || !service_pod_differs(old_object, new_object))
		return;
	if (old_object)
		kt_each_selecting(own->services, old_object, add_service, own);
	if (new_object && (!old_object || !kt_sv_eq(kt_object_span(old_object, old_object->labels),
	                                          kt_object_span(new_object, new_object->labels))))
		kt_each_selecting(own->services, new_object, add_service, own);
}

static void *create(struct kt_controllers *controllers)
{
	struct endpoints *own = kt_new(struct endpoints);

	own->reconciler =
	        kt_reconciler_create(&(struct kt_reconciler_options){.controllers = controllers,
	                .name = "endpoint-controller",
	                .reconcile = reconcile,
	                .arg = own});
	own->services = kt_controllers_informer(controllers, "/api/v1/services");
	own->pods = kt_controllers_informer(controllers, "/api/v1/pods");
	own->endpoints = kt_controllers_informer(controllers, "/api/v1/endpoints");
	kt_informer_add_handler(own->services,
	        &(struct kt_informer_handler){.on_change = service_changed, .arg = own});
	kt_informer_add_handler(
	        own->pods, &(struct kt_informer_handler){.on_change = pod_changed, .arg = own});
	return own;
}

static void destroy(void *controller)
{
	struct endpoints *own = controller;

	kt_reconciler_destroy(own->reconciler);
	free(own);
}

const struct kt_controller kt_controller_endpoints = {"endpoints-controller", create, destroy};
