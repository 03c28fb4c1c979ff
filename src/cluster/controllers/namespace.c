/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Namespace deletion: everything in a namespace that is being deleted is deleted, collection by
 * collection; when nothing is left, its finalizer goes. What is left and why is said in the
 * namespace's conditions. Wakes up when something in such a namespace goes.
 *
 * Pods go before all else: a network policy, say, must not go while one of them runs. Source:
 * KEP-5080.
 */
#include "api/client/calls.h"
#include "api/status.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/controllers/meta.h"
#include "cluster/controllers/resources.h"
#include "cluster/controllers/table.h"

#define INSPECT_AGAIN_MS 1000

struct namespace_controller {
	struct kt_reconciler *reconciler;
	struct kt_informer *namespaces;
	struct kt_cluster_resources *resources;
};

struct content {
	size_t n_total;
	bool pods;                /* some of it are pods */
	KT_VEC(char *) remaining; /* "pods. has 2 resource instances"; owned */
	struct kt_map finalizers; /* name -> count */
};

static bool has_kubernetes_finalizer(const struct kt_object *namespace)
{
	struct kt_json_at list = kt_field_of(namespace, "spec", "finalizers"), item;
	struct kt_json_iter it = {0};

	while (list.p && kt_json_next_element(list, &it, &item))
		if (kt_json_string_is(item, "kubernetes"))
			return true;
	return false;
}

static void count_finalizers(const struct kt_object *object, struct kt_map *finalizers)
{
	struct kt_sv text = kt_object_span(object, object->finalizers), name;
	struct kt_json_at list = kt_json_doc(text.p, text.len), item;
	struct kt_json_iter it = {0};

	while (list.p && kt_json_next_element(list, &it, &item))
		if (kt_json_string_sv(item, &name))
			kt_map_set_sv(finalizers, name,
			        (void *)((intptr_t)kt_map_get_sv(finalizers, name) + 1));
}

static bool is_pods(const struct kt_resource *resource)
{
	return !*resource->group && strcmp(resource->name, "pods") == 0;
}

static void count_content(
        struct namespace_controller *own, struct kt_sv namespace, struct content *content)
{
	struct kt_resource *resource;
	size_t it = 0;

	while (kt_resource_next(own->resources, &it, &resource)) {
		kt_auto_objects objects = {0};

		if (!resource->namespaced || !resource->informer)
			continue;
		kt_collect_indexed(resource->informer, "namespace", namespace, &objects);
		if (!objects.n)
			continue;
		kt_vec_push(
		        &content->remaining, kt_asprintf("%s.%s has %zu resource instances",
		                                     resource->name, resource->group, objects.n));
		content->n_total += objects.n;
		content->pods |= is_pods(resource);
		for (size_t i = 0; i < objects.n; i++)
			count_finalizers(objects.items[i], &content->finalizers);
	}
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "HEAD: a, b", sorted; heap. */
static char *list_text(const char *head, char **texts, size_t n)
{
	struct kt_str out = KT_STR_INIT;

	if (n)
		qsort(texts, n, sizeof(*texts), compare_texts);
	kt_str_printf(&out, "%s: ", head);
	for (size_t i = 0; i < n; i++)
		kt_str_printf(&out, "%s%s", i ? ", " : "", texts[i]);
	return kt_str_steal(&out);
}

static char *finalizer_text(const struct content *content)
{
	char **texts = kt_new_array(char *, content->finalizers.n + 1), *text;
	const char *name;
	size_t it = 0, n = 0;
	void *value;

	while (kt_map_next(&content->finalizers, &it, &name, &value))
		texts[n++] = kt_asprintf("%s in %zd resource instances", name, (intptr_t)value);
	text = list_text("Some content in the namespace has finalizers remaining", texts, n);
	while (n)
		free(texts[--n]);
	free(texts);
	return text;
}

static void write_conditions(struct namespace_controller *own, struct kt_pass *pass,
        const struct kt_object *namespace, const struct content *content)
{
	json_t *status = kt_status_tree(namespace), *conditions = kt_status_conditions(status);
	kt_auto_free char *remaining = list_text(
	        "Some resources are remaining", content->remaining.items, content->remaining.n);
	kt_auto_free char *finalizers = finalizer_text(content), *path = NULL;
	int64_t wall = kt_pass_wall_ns(pass);

	kt_set_condition(conditions, "NamespaceDeletionDiscoveryFailure", "False",
	        "ResourcesDiscovered", "All resources successfully discovered", wall, false);
	kt_set_condition(conditions, "NamespaceDeletionGroupVersionParsingFailure", "False",
	        "ParsedGroupVersions", "All legacy kube types successfully parsed", wall, false);
	kt_set_condition(conditions, "NamespaceDeletionContentFailure", "False", "ContentDeleted",
	        "All content successfully deleted, may be waiting on finalization", wall, false);
	if (content->n_total)
		kt_set_condition(conditions, "NamespaceContentRemaining", "True",
		        "SomeResourcesRemain", remaining, wall, false);
	else
		kt_set_condition(conditions, "NamespaceContentRemaining", "False", "ContentRemoved",
		        "All content successfully removed", wall, false);
	if (content->finalizers.n)
		kt_set_condition(conditions, "NamespaceFinalizersRemaining", "True",
		        "SomeFinalizersRemain", finalizers, wall, false);
	else
		kt_set_condition(conditions, "NamespaceFinalizersRemaining", "False",
		        "ContentHasNoFinalizers", "All content-preserving finalizers finished",
		        wall, false);
	path = kt_asprintf("/api/v1/namespaces/%.*s", KT_SVP(kt_object_name(namespace)));
	kt_patch_status(pass, own->namespaces, namespace, path, status);
}

static void send_deletes(struct namespace_controller *own, struct kt_pass *pass,
        struct kt_sv namespace, bool pods_alone)
{
	struct kt_resource *resource;
	size_t it = 0;

	while (kt_resource_next(own->resources, &it, &resource)) {
		kt_auto_free char *path =
		        kt_controller_resource_path(resource, namespace, (struct kt_sv){0});
		kt_auto_objects objects = {0};

		if (!resource->namespaced || (pods_alone && !is_pods(resource)))
			continue;
		if (resource->informer) {
			bool fresh = false;

			kt_collect_indexed(resource->informer, "namespace", namespace, &objects);
			for (size_t i = 0; i < objects.n; i++)
				fresh = fresh || !kt_is_deleting(objects.items[i]);
			if (!fresh)
				continue;
		}
		if (resource->deletes_collections) {
			kt_pass_send(pass, &(struct kt_pass_write){.method = "DELETE"}, "%s", path);
			continue;
		}
		for (size_t i = 0; i < objects.n; i++)
			if (!kt_is_deleting(objects.items[i]))
				kt_pass_send(pass,
				        &(struct kt_pass_write){
				                .method = "DELETE", .informer = NULL},
				        "%s/%.*s", path, KT_SVP(kt_object_name(objects.items[i])));
	}
}

static void finalize(
        struct namespace_controller *own, struct kt_pass *pass, const struct kt_object *namespace)
{
	kt_auto_json json_t *tree = kt_object_tree(namespace);
	json_t *list = kt_jget(tree, "spec.finalizers");

	for (size_t i = json_array_size(list); i-- > 0;)
		if (kt_streq(json_string_value(json_array_get(list, i)), "kubernetes"))
			json_array_remove(list, i);
	kt_pass_send(pass, &(struct kt_pass_write){.method = "PUT", .body = tree},
	        "/api/v1/namespaces/%.*s/finalize", KT_SVP(kt_object_name(namespace)));
	(void)own;
}

/*
 * The caches may be late, and what they do not know yet would outlive its namespace: before the
 * finalizer goes the server itself is asked, collection by collection.
 */
struct inspection {
	struct namespace_controller *own;
	struct kt_object *namespace; /* reference */
	size_t n_under_way, n_refs;
	bool found, failed;
};

static void inspection_unref(void *arg)
{
	struct inspection *inspection = arg;

	if (--inspection->n_refs)
		return;
	kt_object_unref(inspection->namespace);
	free(inspection);
}

static void collection_inspected(struct kt_pass *pass, struct kt_call *call, void *arg)
{
	struct inspection *inspection = arg;
	struct kt_json_at items = kt_json_member(kt_call_answer(call), "items"), item;
	struct kt_json_iter it = {0};

	if (call->err.code && kt_err_reason(&call->err) != KT_REASON_NOT_FOUND) {
		inspection->failed = true;
		kt_pass_check(pass, call);
	}
	inspection->found |= kt_json_next_element(items, &it, &item);
	if (--inspection->n_under_way)
		return;
	if (inspection->found)
		kt_pass_again_after_ms(pass, INSPECT_AGAIN_MS); /* the caches know by then */
	else if (!inspection->failed)
		finalize(inspection->own, pass, inspection->namespace);
}

static void inspect(
        struct namespace_controller *own, struct kt_pass *pass, struct kt_object *namespace)
{
	struct inspection *inspection = kt_new(struct inspection);
	struct kt_resource *resource;
	size_t it = 0;

	*inspection =
	        (struct inspection){.own = own, .namespace = kt_object_ref(namespace), .n_refs = 1};
	while (kt_resource_next(own->resources, &it, &resource)) {
		kt_auto_free char *path = NULL;

		if (!resource->namespaced || !resource->informer)
			continue;
		path = kt_controller_resource_path(
		        resource, kt_object_name(namespace), (struct kt_sv){0});
		inspection->n_under_way++;
		inspection->n_refs++;
		kt_pass_send(pass,
		        &(struct kt_pass_write){.method = "GET",
		                .done = collection_inspected,
		                .arg = inspection,
		                .free_arg = inspection_unref},
		        "%s?limit=1", path);
	}
	inspection_unref(inspection);
}

static void reconcile(void *arg, struct kt_pass *pass, const char *key)
{
	struct namespace_controller *own = arg;
	struct kt_object *namespace =
	        kt_informer_get(own->namespaces, (struct kt_sv){0}, kt_sv_of(key));
	struct content content = {0};

	if (!namespace || !kt_is_deleting(namespace) || !has_kubernetes_finalizer(namespace) ||
	        !kt_cluster_resources_synced(own->resources))
		return;
	kt_map_init(&content.finalizers, NULL);
	count_content(own, kt_sv_of(key), &content);
	send_deletes(own, pass, kt_sv_of(key), content.pods);
	write_conditions(own, pass, namespace, &content);
	if (!content.n_total)
		inspect(own, pass, namespace);
	kt_map_finish(&content.finalizers);
	for (size_t i = 0; i < content.remaining.n; i++)
		free(content.remaining.items[i]);
	kt_vec_finish(&content.remaining);
}

static void namespace_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct namespace_controller *own = arg;

	(void)old_object;
	if (new_object && kt_is_deleting(new_object))
		kt_reconciler_add_object(own->reconciler, new_object);
}

/* Something in a namespace that goes changed: maybe it was the last. */
static void content_changed(void *arg, struct kt_resource *resource, struct kt_object *old_object,
        struct kt_object *new_object)
{
	struct namespace_controller *own = arg;
	struct kt_object *object = new_object ? new_object : old_object, *namespace;

	if (!resource->namespaced || (new_object && old_object))
		return;
	namespace =
	        kt_informer_get(own->namespaces, (struct kt_sv){0}, kt_object_namespace(object));
	if (namespace && kt_is_deleting(namespace))
		kt_reconciler_add_object(own->reconciler, namespace);
}

static bool add_deleting(void *arg, struct kt_object *namespace)
{
	namespace_changed(arg, NULL, namespace);
	return true;
}

static void resources_synced(void *arg)
{
	struct namespace_controller *own = arg;

	kt_informer_each(own->namespaces, add_deleting, own);
}

static void *create(struct kt_controllers *controllers)
{
	struct namespace_controller *own = kt_new(struct namespace_controller);

	own->reconciler =
	        kt_reconciler_create(&(struct kt_reconciler_options){.controllers = controllers,
	                .name = "namespace-controller",
	                .reconcile = reconcile,
	                .arg = own});
	own->namespaces = kt_controllers_informer(controllers, "/api/v1/namespaces");
	own->resources = kt_resources_of(controllers);
	kt_informer_add_handler(own->namespaces,
	        &(struct kt_informer_handler){.on_change = namespace_changed, .arg = own});
	kt_cluster_resources_add_handler(own->resources,
	        &(struct kt_resources_handler){
	                .on_change = content_changed, .on_synced = resources_synced, .arg = own});
	return own;
}

static void destroy(void *controller)
{
	struct namespace_controller *own = controller;

	kt_reconciler_destroy(own->reconciler);
	free(own);
}

const struct kt_controller kt_controller_namespace = {"namespace-controller", create, destroy};
