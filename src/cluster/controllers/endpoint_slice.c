/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * EndpointSlices: the pods behind each Service that has a selector, at most 100 to a slice, one set
 * of ports and one address family per slice. An endpoint stays in the slice it is in, so that a
 * change of one pod rewrites one slice. spec.trafficDistribution becomes hints (KEP-4444,
 * KEP-3015); the proportional ones of topology-mode Auto are not given.
 */
#include "api/status.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "cluster/controllers/service_pods.h"
#include "cluster/controllers/table.h"

#define ENDPOINTS_MAX 100
#define MANAGED_BY "endpointslice-controller.k8s.io"
#define BUSY_SLICES 5 /* a Service with more is looked at in batches */
#define BATCH_MS 200
#define SLICES "/apis/discovery.k8s.io/v1/endpointslices"

struct endpoint_slice {
	struct kt_reconciler *reconciler;
	struct kt_informer *services, *pods, *slices, *nodes;
};

struct slice {
	struct kt_object *object; /* NULL: to be made */
	json_t *tree;             /* of it; NULL with object */
	json_t *endpoints;        /* wanted */
	json_t *ports;            /* wanted; borrowed */
	bool used;
};

struct work {
	struct endpoint_slice *own;
	struct kt_pass *pass;
	struct kt_object *service;
	json_t *tree;
	const char *address_type;
	bool same_zone, same_node; /* which endpoints clients shall prefer */
	KT_VEC(struct slice) slices;
	struct kt_map endpoints; /* uid -> endpoint tree, wanted and not yet in a slice */
	size_t next_endpoint;    /* iteration over it */
};

static bool names_service(const struct kt_object *slice, struct kt_sv service)
{
	struct kt_sv name, by;

	return kt_object_label(slice, KT_SV("kubernetes.io/service-name"), &name) &&
	       kt_sv_eq(name, service) &&
	       kt_object_label(slice, KT_SV("endpointslice.kubernetes.io/managed-by"), &by) &&
	       kt_sv_is(by, MANAGED_BY);
}

/* The pod's address of the family that is being written; empty: it has none. */
static struct kt_sv address_of(const struct work *work, const struct service_pod *one)
{
	bool v6 = strcmp(work->address_type, "IPv6") == 0;
	struct kt_json_at list = kt_field_of(one->pod, "status", "podIPs"), item;
	struct kt_json_iter it = {0};
	struct kt_sv ip;

	while (list.p && kt_json_next_element(list, &it, &item))
		if (kt_json_string_sv(kt_json_member(item, "ip"), &ip) &&
		        (memchr(ip.p, ':', ip.len) != NULL) == v6)
			return ip;
	ip = one->ip;
	return (memchr(ip.p, ':', ip.len) != NULL) == v6 ? ip : (struct kt_sv){0};
}

/* Each endpoint is for clients of its own zone or node. */
static void add_hints(const struct work *work, json_t *endpoint, bool ready)
{
	const char *zone = kt_jstr(endpoint, "zone"), *node = kt_jstr(endpoint, "nodeName");
	json_t *hints = json_object();

	if (ready && work->same_zone && zone)
		json_object_set_new(hints, "forZones", json_pack("[{s:s}]", "name", zone));
	if (ready && work->same_node && node)
		json_object_set_new(hints, "forNodes", json_pack("[{s:s}]", "name", node));
	if (json_object_size(hints))
		json_object_set(endpoint, "hints", hints);
	json_decref(hints);
}

/* NULL: the pod has no address of this family. */
static json_t *endpoint_of(const struct work *work, const struct service_pod *one)
{
	struct kt_sv node = kt_pod_node(one->pod), zone, ip = address_of(work, one);
	kt_auto_free char *hostname = kt_json_string_dup(kt_field_of(one->pod, "spec", "hostname"));
	kt_auto_free char *subdomain =
	        kt_json_string_dup(kt_field_of(one->pod, "spec", "subdomain"));
	struct kt_object *node_object = kt_informer_get(work->own->nodes, (struct kt_sv){0}, node);
	json_t *endpoint;

	if (!ip.len)
		return NULL;
	endpoint = json_pack("{s:[s%],s:{s:b,s:b,s:b},s:o}", "addresses", ip.p, ip.len,
	        "conditions", "ready", one->ready, "serving", one->serving, "terminating",
	        one->terminating, "targetRef", service_pod_reference(one->pod));
	if (node.len)
		json_object_set_new(endpoint, "nodeName", json_stringn(node.p, node.len));
	if (node_object &&
	        kt_object_label(node_object, KT_SV("topology.kubernetes.io/zone"), &zone) &&
	        zone.len)
		json_object_set_new(endpoint, "zone", json_stringn(zone.p, zone.len));
	if (hostname && subdomain && kt_streq(subdomain, kt_jstr(work->tree, "metadata.name")))
		json_object_set_new(endpoint, "hostname", json_string(hostname));
	add_hints(work, endpoint, one->ready);
	return endpoint;
}

static bool same_ports(const json_t *a, const json_t *b)
{
	kt_auto_free char *x = kt_canonical(a), *y = kt_canonical(b);

	return strcmp(x, y) == 0;
}

/* First what is in a slice already and still wanted there. */
static void keep_in_place(struct work *work, struct slice *slice)
{
	json_t *endpoint;
	size_t i;

	json_array_foreach(json_object_get(slice->tree, "endpoints"), i, endpoint) {
		const char *uid = kt_jstr(endpoint, "targetRef.uid");
		json_t *wanted = uid ? kt_map_take(&work->endpoints, uid) : NULL;

		if (wanted)
			json_array_append_new(slice->endpoints, wanted);
	}
}

static bool take_one(struct work *work, struct slice *slice)
{
	const char *uid;
	void *value;

	if (json_array_size(slice->endpoints) >= ENDPOINTS_MAX ||
	        !kt_map_next(&work->endpoints, &work->next_endpoint, &uid, &value))
		return false;
	{
		kt_auto_free char *key = kt_strdup(uid);

		json_array_append_new(slice->endpoints, kt_map_take(&work->endpoints, key));
	}
	return true;
}

/* A slice that no group uses, to be given to one; else a new one. */
static struct slice *free_slice(struct work *work)
{
	for (size_t i = 0; i < work->slices.n; i++)
		if (!work->slices.items[i].used && work->slices.items[i].object)
			return &work->slices.items[i];
	kt_vec_push(&work->slices, ((struct slice){.endpoints = json_array()}));
	return &work->slices.items[work->slices.n - 1];
}

/* All pods that have these ports. */
static void place_group(struct work *work, const service_pods *pods, size_t first)
{
	json_t *ports = pods->items[first].ports_tree;

	kt_map_clear(&work->endpoints);
	work->next_endpoint = 0;
	for (size_t i = first; i < pods->n; i++)
		if (strcmp(pods->items[i].ports, pods->items[first].ports) == 0) {
			kt_auto_free char *uid = kt_sv_dup(kt_object_uid(pods->items[i].pod));
			json_t *endpoint = endpoint_of(work, &pods->items[i]);

			if (endpoint)
				kt_map_set(&work->endpoints, uid, endpoint);
		}
	for (size_t i = 0; i < work->slices.n; i++) {
		struct slice *slice = &work->slices.items[i];

		if (slice->used || !slice->object ||
		        !same_ports(json_object_get(slice->tree, "ports"), ports))
			continue;
		keep_in_place(work, slice);
		slice->ports = ports;
		slice->used = json_array_size(slice->endpoints) > 0;
	}
	for (size_t i = 0; i < work->slices.n; i++)
		while (work->slices.items[i].used && work->slices.items[i].ports == ports &&
		        take_one(work, &work->slices.items[i])) {
		}
	while (work->endpoints.n) {
		struct slice *slice = free_slice(work);

		slice->used = true;
		slice->ports = ports;
		while (take_one(work, slice)) {
		}
	}
}

static json_t *labels_of(const struct work *work)
{
	json_t *labels = json_deep_copy(kt_jget(work->tree, "metadata.labels"));

	if (!labels)
		labels = json_object();
	json_object_set_new(labels, "kubernetes.io/service-name",
	        json_string(kt_jstr(work->tree, "metadata.name")));
	json_object_set_new(
	        labels, "endpointslice.kubernetes.io/managed-by", json_string(MANAGED_BY));
	if (kt_streq(kt_jstr(work->tree, "spec.clusterIP"), "None"))
		json_object_set_new(labels, "service.kubernetes.io/headless", json_string(""));
	else
		json_object_del(labels, "service.kubernetes.io/headless");
	return labels;
}

static void written(struct kt_pass *pass, struct kt_call *call, void *arg)
{
	(void)arg;
	/* A namespace that goes away takes its slices with it. */
	if (call->err.code && kt_err_reason(&call->err) != KT_REASON_NOT_FOUND &&
	        kt_err_reason(&call->err) != KT_REASON_FORBIDDEN)
		kt_pass_check(pass, call);
}

static void make_slice(struct work *work, struct slice *slice)
{
	struct kt_sv namespace = kt_object_namespace(work->service),
	             name = kt_object_name(work->service);
	kt_auto_free char *prefix = kt_asprintf("%.*s-", KT_SVP(name));
	kt_auto_json json_t *body =
	        json_pack("{s:s,s:s,s:{s:s,s:s%,s:o,s:[o]},s:s,s:O}", "apiVersion",
	                "discovery.k8s.io/v1", "kind", "EndpointSlice", "metadata", "generateName",
	                prefix, "namespace", namespace.p, namespace.len, "labels", labels_of(work),
	                "ownerReferences", kt_owner_reference(work->service, "v1", "Service"),
	                "addressType", work->address_type, "endpoints", slice->endpoints);

	if (slice->ports)
		json_object_set(body, "ports", slice->ports);
	kt_pass_send(work->pass,
	        &(struct kt_pass_write){.method = "POST",
	                .body = body,
	                .informer = work->own->slices,
	                .done = written},
	        "/apis/discovery.k8s.io/v1/namespaces/%.*s/endpointslices", KT_SVP(namespace));
}

static void change_slice(struct work *work, struct slice *slice)
{
	struct kt_sv namespace = kt_object_namespace(slice->object),
	             name = kt_object_name(slice->object);
	kt_auto_json json_t *labels = labels_of(work), *body = NULL;
	json_t *old_endpoints = json_object_get(slice->tree, "endpoints"),
	       *old_ports = json_object_get(slice->tree, "ports");

	if (json_equal(old_endpoints, slice->endpoints) &&
	        (!slice->ports || same_ports(old_ports, slice->ports)) &&
	        json_equal(labels, kt_jget(slice->tree, "metadata.labels")))
		return;
	body = json_pack(
	        "{s:{s:O},s:O}", "metadata", "labels", labels, "endpoints", slice->endpoints);
	if (slice->ports)
		json_object_set(body, "ports", slice->ports);
	kt_pass_send(work->pass,
	        &(struct kt_pass_write){.method = "PATCH",
	                .content_type = KT_PATCH_MERGE,
	                .body = body,
	                .informer = work->own->slices,
	                .done = written},
	        "/apis/discovery.k8s.io/v1/namespaces/%.*s/endpointslices/%.*s", KT_SVP(namespace),
	        KT_SVP(name));
}

static void delete_slice(struct work *work, const struct slice *slice)
{
	kt_pass_send(work->pass,
	        &(struct kt_pass_write){
	                .method = "DELETE", .informer = work->own->slices, .target = slice->object},
	        "/apis/discovery.k8s.io/v1/namespaces/%.*s/endpointslices/%.*s",
	        KT_SVP(kt_object_namespace(slice->object)), KT_SVP(kt_object_name(slice->object)));
}

static void write_slices(struct work *work)
{
	size_t n_used = 0;

	for (size_t i = 0; i < work->slices.n; i++)
		n_used += work->slices.items[i].used;
	/* One slice stays, empty, so that clients see that there is nothing rather than nothing
	 * yet. */
	if (!n_used) {
		struct slice *slice = free_slice(work);

		slice->used = true;
	}
	for (size_t i = 0; i < work->slices.n; i++) {
		struct slice *slice = &work->slices.items[i];

		if (!slice->object)
			make_slice(work, slice);
		else if (slice->used)
			change_slice(work, slice);
		else
			delete_slice(work, slice);
	}
}

static void read_slices(struct work *work)
{
	kt_auto_objects all = {0};

	kt_collect_indexed(work->own->slices, "controller", kt_object_uid(work->service), &all);
	for (size_t i = 0; i < all.n; i++)
		if (!kt_is_deleting(all.items[i]) &&
		        names_service(all.items[i], kt_object_name(work->service)) &&
		        kt_json_string_is(
		                kt_json_member(kt_object_doc(all.items[i]), "addressType"),
		                work->address_type))
			kt_vec_push(&work->slices, ((struct slice){.object = all.items[i],
			                                   .tree = kt_object_tree(all.items[i]),
			                                   .endpoints = json_array()}));
}

static void json_free(void *value)
{
	json_decref(value);
}

/* All slices of one address family. */
static void write_family(struct work *work, const service_pods *pods)
{
	read_slices(work);
	for (size_t i = 0; i < pods->n; i++) {
		bool seen = false;

		for (size_t j = 0; j < i && !seen; j++)
			seen = strcmp(pods->items[i].ports, pods->items[j].ports) == 0;
		if (!seen)
			place_group(work, pods, i);
	}
	write_slices(work);
	for (size_t i = 0; i < work->slices.n; i++) {
		json_decref(work->slices.items[i].tree);
		json_decref(work->slices.items[i].endpoints);
	}
	work->slices.n = 0;
}

/* A family the Service no longer has. */
static void delete_family(struct work *work)
{
	read_slices(work);
	for (size_t i = 0; i < work->slices.n; i++) {
		delete_slice(work, &work->slices.items[i]);
		json_decref(work->slices.items[i].tree);
		json_decref(work->slices.items[i].endpoints);
	}
	work->slices.n = 0;
}

/* Before there were families the address told. */
static bool has_family(const struct work *work, const char *family)
{
	const json_t *families = kt_jget(work->tree, "spec.ipFamilies");
	const char *address = kt_jstr(work->tree, "spec.clusterIP");
	json_t *item;
	size_t i;

	if (!json_array_size(families))
		return (address && strchr(address, ':')) == !strcmp(family, "IPv6");
	json_array_foreach(families, i, item) {
		if (kt_streq(json_string_value(item), family))
			return true;
	}
	return false;
}

/* The annotation goes before the field. */
static void read_distribution(struct work *work)
{
	const json_t *annotations = kt_jget(work->tree, "metadata.annotations");
	const char *mode = json_string_value(
	                   json_object_get(annotations, "service.kubernetes.io/topology-mode")),
	           *wish = kt_jstr(work->tree, "spec.trafficDistribution");

	if (mode && strcasecmp(mode, "Auto") == 0)
		return;
	work->same_node = kt_streq(wish, "PreferSameNode");
	work->same_zone = work->same_node || kt_streq(wish, "PreferClose") ||
	                  kt_streq(wish, "PreferSameZone");
}

static void write_all(struct work *work)
{
	static const char *const families[] = {"IPv4", "IPv6"};
	service_pods pods = {0};

	kt_map_init(&work->endpoints, json_free);
	read_distribution(work);
	service_pods_collect(
	        work->tree, work->own->pods, kt_object_namespace(work->service), true, true, &pods);
	for (size_t i = 0; i < KT_ARRAY_SIZE(families); i++) {
		work->address_type = families[i];
		if (has_family(work, families[i]))
			write_family(work, &pods);
		else
			delete_family(work);
	}
	kt_vec_finish(&work->slices);
	kt_map_finish(&work->endpoints);
	service_pods_finish(&pods);
}

static void reconcile(void *arg, struct kt_pass *pass, const char *key)
{
	struct endpoint_slice *own = arg;
	struct work work = {
	        .own = own, .pass = pass, .service = kt_pass_object(pass, own->services)};

	(void)key;
	if (!work.service || kt_is_deleting(work.service))
		return; /* the garbage collector takes the slices */
	work.tree = kt_object_tree(work.service);
	if (json_object_size(kt_jget(work.tree, "spec.selector")) > 0 &&
	        !kt_streq(kt_jstr(work.tree, "spec.type"), "ExternalName"))
		write_all(&work);
	json_decref(work.tree);
}

static void add_service(void *arg, struct kt_object *service)
{
	struct endpoint_slice *own = arg;
	kt_auto_objects slices = {0};
	char key[600];

	kt_collect_indexed(own->slices, "controller", kt_object_uid(service), &slices);
	if (slices.n <= BUSY_SLICES) {
		kt_reconciler_add_object(own->reconciler, service);
		return;
	}
	snprintf(key, sizeof(key), "%.*s/%.*s", KT_SVP(kt_object_namespace(service)),
	        KT_SVP(kt_object_name(service)));
	kt_reconciler_add_after_ms(own->reconciler, key, BATCH_MS);
}

static void service_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct endpoint_slice *own = arg;

	(void)old_object;
	if (new_object)
		kt_reconciler_add_object(own->reconciler, new_object);
}

static void pod_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct endpoint_slice *own = arg;

	if (!kt_informer_count(own->services) || !service_pod_differs(old_object, new_object))
		return;
	if (old_object)
		kt_each_selecting(own->services, old_object, add_service, own);
	if (new_object && (!old_object || !kt_sv_eq(kt_object_span(old_object, old_object->labels),
	                                          kt_object_span(new_object, new_object->labels))))
		kt_each_selecting(own->services, new_object, add_service, own);
}

static void slice_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct endpoint_slice *own = arg;
	struct kt_object *slice = new_object ? new_object : old_object, *service;
	struct kt_sv name;

	if (!kt_object_label(slice, KT_SV("kubernetes.io/service-name"), &name) ||
	        !names_service(slice, name))
		return;
	service = kt_informer_get(own->services, kt_object_namespace(slice), name);
	if (service)
		kt_reconciler_add_object(own->reconciler, service);
}

static void *create(struct kt_controllers *controllers)
{
	struct endpoint_slice *own = kt_new(struct endpoint_slice);

	own->reconciler =
	        kt_reconciler_create(&(struct kt_reconciler_options){.controllers = controllers,
	                .name = "endpoint-slice-controller",
	                .reconcile = reconcile,
	                .arg = own});
	own->services = kt_controllers_informer(controllers, "/api/v1/services");
	own->pods = kt_controllers_informer(controllers, "/api/v1/pods");
	own->slices = kt_controllers_informer(controllers, SLICES);
	own->nodes = kt_controllers_informer(controllers, "/api/v1/nodes");
	kt_informer_add_handler(own->services,
	        &(struct kt_informer_handler){.on_change = service_changed, .arg = own});
	kt_informer_add_handler(
	        own->pods, &(struct kt_informer_handler){.on_change = pod_changed, .arg = own});
	kt_informer_add_handler(
	        own->slices, &(struct kt_informer_handler){.on_change = slice_changed, .arg = own});
	return own;
}

static void destroy(void *controller)
{
	struct endpoint_slice *own = controller;

	kt_reconciler_destroy(own->reconciler);
	free(own);
}

const struct kt_controller kt_controller_endpoint_slice = {
        "endpointslice-controller", create, destroy};
