/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster/controllers/resources.h"

#include "api/client/calls.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/vec.h"
#include "cluster/controllers/internal.h"
#include "cluster/controllers/meta.h"

#define RETRY_MS 1000
#define DEFINITIONS "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

struct kt_cluster_resources {
	struct kt_controllers *controllers;
	struct kt_calls *calls;
	struct kt_map resources; /* path + name -> kt_resource */
	struct kt_map by_kind;   /* "apps/v1/Deployment" -> kt_resource */
	KT_VEC(struct kt_resources_handler) handlers;
	struct kt_timer timer; /* discover (again) */
	size_t n_under_way;
	bool failed, again, discovered, told;
};

static void resource_free(void *value)
{
	struct kt_resource *resource = value;

	if (!resource->shared)
		kt_informer_destroy(resource->informer);
	free(resource->group_version);
	free(resource->group);
	free(resource->name);
	free(resource->kind);
	free(resource->path);
	free(resource);
}

bool kt_cluster_resources_synced(const struct kt_cluster_resources *all)
{
	size_t it = 0;
	void *value;

	if (!all->discovered)
		return false;
	while (kt_map_next(&all->resources, &it, NULL, &value)) {
		const struct kt_resource *resource = value;

		if (resource->informer && !resource->synced)
			return false;
	}
	return true;
}

static void tell_synced(struct kt_cluster_resources *all)
{
	if (all->told || !kt_cluster_resources_synced(all))
		return;
	all->told = true;
	for (size_t i = 0; i < all->handlers.n; i++)
		if (all->handlers.items[i].on_synced)
			all->handlers.items[i].on_synced(all->handlers.items[i].arg);
}

static void resource_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct kt_resource *resource = arg;
	struct kt_cluster_resources *all = resource->all;

	for (size_t i = 0; i < all->handlers.n; i++)
		if (all->handlers.items[i].on_change)
			all->handlers.items[i].on_change(
			        all->handlers.items[i].arg, resource, old_object, new_object);
}

static void resource_synced(void *arg)
{
	struct kt_resource *resource = arg;

	resource->synced = true;
	tell_synced(resource->all);
}

static bool has_verb(const json_t *entry, const char *verb)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(entry, "verbs"), i, item)
		if (kt_streq(json_string_value(item), verb))
			return true;
	return false;
}

/* Through the informer that other controllers share, when there is one. */
static void watch_resource(struct kt_cluster_resources *all, struct kt_resource *resource)
{
	kt_auto_free char *path = kt_asprintf("%s/%s", resource->path, resource->name);
	struct shared_informer *shared = kt_map_get(&all->controllers->informers, path);

	all->told = false;
	resource->shared = shared != NULL;
	if (shared) {
		resource->informer = shared->informer;
	} else {
		resource->informer =
		        kt_informer_create(all->controllers->client, all->controllers->loop, path);
		kt_informer_add_index(resource->informer, "namespace", kt_index_by_namespace);
	}
	kt_informer_add_handler(
	        resource->informer, &(struct kt_informer_handler){.on_change = resource_changed,
	                                    .on_synced = resource_synced,
	                                    .arg = resource});
	if (!shared)
		kt_informer_start(resource->informer);
}

static void add_resource(
        struct kt_cluster_resources *all, const char *group_version, const json_t *entry)
{
	const char *slash = strchr(group_version, '/'), *name = kt_jstr(entry, "name"),
	           *kind = kt_jstr(entry, "kind");
	kt_auto_free char *key = kt_asprintf("%s/%s", group_version, name),
	                  *kind_key = kt_asprintf("%s/%s", group_version, kind);
	struct kt_resource *resource = kt_map_get(&all->resources, key);

	if (resource) {
		resource->found = true;
		return;
	}
	resource = kt_new(struct kt_resource);
	resource->all = all;
	resource->group_version = kt_strdup(group_version);
	resource->group =
	        slash ? kt_strndup(group_version, (size_t)(slash - group_version)) : kt_strdup("");
	resource->name = kt_strdup(name);
	resource->kind = kt_strdup(kind);
	resource->path = slash ? kt_asprintf("/apis/%s", group_version)
	                       : kt_asprintf("/api/%s", group_version);
	resource->namespaced = json_is_true(json_object_get(entry, "namespaced"));
	resource->deletes_collections = has_verb(entry, "deletecollection");
	resource->found = true;
	kt_map_set(&all->resources, key, resource);
	kt_map_set(&all->by_kind, kind_key, resource);
	if (strcmp(name, "events") != 0)
		watch_resource(all, resource);
}

static bool collect_reference(void *arg, struct kt_object *object)
{
	kt_objects *objects = arg;

	kt_vec_push(objects, kt_object_ref(object));
	return true;
}

/* Whoever knows objects of a resource that leaves hears that they are gone. */
static void tell_gone(struct kt_resource *resource)
{
	kt_auto_objects objects = {0};

	if (!resource->informer)
		return;
	kt_informer_each(resource->informer, collect_reference, &objects);
	for (size_t i = 0; i < objects.n; i++) {
		resource_changed(resource, objects.items[i], NULL);
		kt_object_unref(objects.items[i]);
	}
}

/* Custom resources whose definition is gone. */
static void remove_lost(struct kt_cluster_resources *all)
{
	size_t it = 0;
	const char *key;
	void *value;

	while (kt_map_next(&all->resources, &it, &key, &value)) {
		struct kt_resource *resource = value;

		if (!resource->found && !resource->shared) {
			kt_auto_free char *kind_key =
			        kt_asprintf("%s/%s", resource->group_version, resource->kind);
			kt_auto_free char *own_key = kt_strdup(key);

			if (kt_map_get(&all->by_kind, kind_key) == resource)
				kt_map_take(&all->by_kind, kind_key);
			tell_gone(resource);
			resource_free(kt_map_take(&all->resources, own_key));
		}
	}
}

static void call_ended(struct kt_cluster_resources *all)
{
	if (--all->n_under_way)
		return;
	if (all->failed || all->again) {
		kt_timer_set_after_ms(&all->timer, all->failed ? RETRY_MS : 0);
		return;
	}
	remove_lost(all);
	all->discovered = true;
	tell_synced(all);
}

static json_t *answer(struct kt_cluster_resources *all, struct kt_call *call)
{
	struct kt_json_at at = kt_call_answer(call);
	json_t *tree = call->err.code || !at.p ? NULL : kt_json_tree(at);

	if (!tree) {
		kt_log_debug(
		        "controllers", "discovery: %s: %s", call->path, kt_err_message(&call->err));
		all->failed = true;
	}
	return tree;
}

static void group_version_listed(void *arg, struct kt_call *call)
{
	struct kt_cluster_resources *all = arg;
	kt_auto_json json_t *list = answer(all, call);
	const char *group_version = kt_jstr(list, "groupVersion");
	json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(list, "resources"), i, entry)
		if (group_version && kt_jstr(entry, "name") && kt_jstr(entry, "kind") &&
		        !strchr(kt_jstr(entry, "name"), '/') && has_verb(entry, "list") &&
		        has_verb(entry, "watch") && has_verb(entry, "delete"))
			add_resource(all, group_version, entry);
	call_ended(all);
}

static void send_get(struct kt_cluster_resources *all, const char *path, kt_call_done_fn *done)
{
	all->n_under_way++;
	kt_calls_send(all->calls, &(struct kt_call_spec){.method = "GET", .done = done, .arg = all},
	        "%s", path);
}

static void groups_listed(void *arg, struct kt_call *call)
{
	struct kt_cluster_resources *all = arg;
	kt_auto_json json_t *list = answer(all, call);
	json_t *group;
	size_t i;

	json_array_foreach(json_object_get(list, "groups"), i, group) {
		const char *preferred = kt_jstr(group, "preferredVersion.groupVersion"),
		           *name = kt_jstr(group, "name");
		kt_auto_free char *path = NULL;

		/* The same events are in the core group; metrics cannot be watched. */
		if (!preferred || kt_streq(name, "events.k8s.io") ||
		        kt_streq(name, "metrics.k8s.io"))
			continue;
		path = kt_asprintf("/apis/%s", preferred);
		send_get(all, path, group_version_listed);
	}
	call_ended(all);
}

static void discover(struct kt_timer *timer)
{
	struct kt_cluster_resources *all =
	        kt_container_of(timer, struct kt_cluster_resources, timer);
	size_t it = 0;
	void *value;

	if (all->n_under_way) {
		all->again = true;
		return;
	}
	all->failed = all->again = false;
	while (kt_map_next(&all->resources, &it, NULL, &value))
		((struct kt_resource *)value)->found = false;
	send_get(all, "/api/v1", group_version_listed);
	send_get(all, "/apis", groups_listed);
}

static bool is_established(const struct kt_object *definition)
{
	return definition && kt_condition_is_true(definition, "Established");
}

static void definition_changed(
        void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct kt_cluster_resources *all = arg;

	if (is_established(old_object) != is_established(new_object) ||
	        (new_object && old_object &&
	                kt_generation(old_object) != kt_generation(new_object)))
		kt_timer_set_after_ms(&all->timer, 0);
}

struct kt_cluster_resources *kt_cluster_resources_create(struct kt_controllers *controllers)
{
	struct kt_cluster_resources *all = kt_new(struct kt_cluster_resources);
	struct kt_informer *definitions = kt_controllers_informer(controllers, DEFINITIONS);

	all->controllers = controllers;
	all->calls = kt_calls_create(kt_controllers_client(controllers),
	        kt_controllers_loop(controllers), "kube-controller-manager/discovery");
	kt_map_init(&all->resources, resource_free);
	kt_map_init(&all->by_kind, NULL);
	kt_timer_init(&all->timer, kt_controllers_loop(controllers), discover);
	kt_informer_add_handler(definitions,
	        &(struct kt_informer_handler){.on_change = definition_changed, .arg = all});
	return all;
}

void kt_cluster_resources_start(struct kt_cluster_resources *all)
{
	kt_timer_set_after_ms(&all->timer, 0);
}

void kt_cluster_resources_destroy(struct kt_cluster_resources *all)
{
	if (!all)
		return;
	kt_timer_cancel(&all->timer);
	kt_calls_destroy(all->calls);
	kt_map_finish(&all->by_kind);
	kt_map_finish(&all->resources);
	kt_vec_finish(&all->handlers);
	free(all);
}

void kt_cluster_resources_add_handler(
        struct kt_cluster_resources *all, const struct kt_resources_handler *handler)
{
	kt_vec_push(&all->handlers, *handler);
}

struct kt_resource *kt_resource_of_kind(
        struct kt_cluster_resources *all, struct kt_sv api_version, struct kt_sv kind)
{
	kt_auto_free char *key = kt_asprintf("%.*s/%.*s", KT_SVP(api_version), KT_SVP(kind));
	struct kt_resource *resource = kt_map_get(&all->by_kind, key);
	size_t it = 0;
	void *value;

	if (resource)
		return resource;
	/* Another version of the group serves the same objects. */
	while (kt_map_next(&all->resources, &it, NULL, &value)) {
		size_t group_len;

		resource = value;
		group_len = strlen(resource->group);
		if (kt_sv_is(kind, resource->kind) && group_len && api_version.len > group_len &&
		        api_version.p[group_len] == '/' &&
		        strncmp(api_version.p, resource->group, group_len) == 0)
			return resource;
	}
	return NULL;
}

bool kt_resource_next(
        struct kt_cluster_resources *all, size_t *it, struct kt_resource **ret_resource)
{
	void *value;

	if (!kt_map_next(&all->resources, it, NULL, &value))
		return false;
	*ret_resource = value;
	return true;
}

char *kt_controller_resource_path(
        const struct kt_resource *resource, struct kt_sv namespace, struct kt_sv name)
{
	struct kt_str out = KT_STR_INIT;

	kt_str_puts(&out, resource->path);
	if (resource->namespaced && namespace.len)
		kt_str_printf(&out, "/namespaces/%.*s", KT_SVP(namespace));
	kt_str_printf(&out, "/%s", resource->name);
	if (name.len)
		kt_str_printf(&out, "/%.*s", KT_SVP(name));
	return kt_str_steal(&out);
}
