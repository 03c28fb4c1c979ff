/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/crds.h"

#include "api/schema/crd.h"
#include "api/server/api_services.h"
#include "api/server/server_impl.h"
#include "api/server/versions.h"
#include "base/log.h"
#include "base/map.h"
#include "base/time.h"

#include <errno.h>
#include <inttypes.h>

#define PREFIX "/registry/apiextensions.k8s.io/customresourcedefinitions/"
#define DELETES_AT_ONCE 16

/* A definition that waits for its instances to go. */
struct cleanup {
	struct kt_crds *crds;
	char *name;
	char *prefix; /* of the instances */
	struct kt_crd *crd;
	struct kt_storage_watch *watch;
	struct kt_task wake;
	size_t running;
	struct cleanup *next;
};

/* A write of a definition under way. */
struct write {
	struct kt_crds *crds;
	char *key;
	struct kt_storage_op op;
	struct kt_storage_txn txn;
};

struct kt_crds {
	struct kt_server *server;
	struct kt_storage_watch *watch;
	struct kt_task wake;
	struct kt_map generations; /* name -> generation that is served */
	struct cleanup *cleanups;
	struct kt_user *user; /* who deletes instances */
	struct kt_api_services *services;
};

static const struct kt_kind *definition_kind(void)
{
	return kt_builtin_kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
}

static void on_written(struct kt_storage_txn *txn)
{
	struct write *write = kt_container_of(txn, struct write, txn);

	/* Somebody was faster: that change comes by as an event, and is looked at then. */
	if (txn->status < 0 && txn->status != -ESTALE && txn->status != -ENOENT)
		kt_log_error("crds", "%s: %s", write->key, strerror(-txn->status));
	kt_object_unref(write->op.object);
	kt_object_unref(write->op.ret_object);
	free(write->key);
	free(write);
}

/* Replaces the definition at `revision` by the tree, or deletes it. */
static void write_definition(
        struct kt_crds *crds, const char *name, int64_t revision, json_t *tree, bool gone)
{
	struct write *write = kt_new(struct write);
	struct kt_storage *storage = crds->server->storage;
	kt_auto_err err = KT_ERR_INIT;
	kt_auto_str json = KT_STR_INIT;

	write->crds = crds;
	write->key = kt_asprintf(PREFIX "%s", name);
	kt_codec_encode_json(&json, definition_kind()->type, tree);
	write->op = (struct kt_storage_op){.kind = gone ? KT_STORAGE_DELETE : KT_STORAGE_PUT,
	        .key = write->key,
	        .expect_revision = revision};
	write->txn = (struct kt_storage_txn){
	        .ops = &write->op, .n_ops = 1, .loop = crds->server->loop, .done = on_written};
	if (kt_object_create(kt_sv_of(write->key), (struct kt_sv){json.data, json.len},
	            &write->op.object, &err) < 0 ||
	        storage->ops->submit(storage, &write->txn, &err) < 0) {
		kt_log_error("crds", "%s: %s", name, kt_err_message(&err));
		write->txn.status = -EIO;
		on_written(&write->txn);
	}
}

static const json_t *condition_of(const json_t *tree, const char *type)
{
	size_t i;
	json_t *condition;

	json_array_foreach(kt_jget(tree, "status.conditions"), i, condition)
		if (kt_streq(kt_jstr(condition, "type"), type))
			return condition;
	return NULL;
}

static bool is_true(const json_t *tree, const char *type)
{
	return kt_streq(kt_jstr(condition_of(tree, type), "status"), "True");
}

/* True when it changed something. */
static bool set_condition(json_t *tree, const char *type, bool value, const char *reason,
        const char *message, int64_t now_ns)
{
	json_t *status = json_object_get(tree, "status"),
	       *conditions = json_object_get(status, "conditions"), *old;
	const char *text = value ? "True" : "False";
	char time[KT_TIME_TEXT_MAX];
	size_t i;

	kt_time_format(now_ns, time);
	if (!json_is_array(conditions)) {
		json_object_set_new(status, "conditions", json_array());
		conditions = json_object_get(status, "conditions");
	}
	json_array_foreach(conditions, i, old) {
		if (!kt_streq(kt_jstr(old, "type"), type))
			continue;
		bool same = kt_streq(kt_jstr(old, "status"), text) &&
		            kt_streq(kt_jstr(old, "reason"), reason) &&
		            kt_streq(kt_jstr(old, "message"), message);
		if (same)
			return false;
		if (!kt_streq(kt_jstr(old, "status"), text))
			json_object_set_new(old, "lastTransitionTime", json_string(time));
		json_object_set_new(old, "status", json_string(text));
		json_object_set_new(old, "reason", json_string(reason));
		json_object_set_new(old, "message", json_string(message));
		return true;
	}
	json_array_append_new(conditions,
	        json_pack("{s:s,s:s,s:s,s:s,s:s}", "type", type, "status", text,
	                "lastTransitionTime", time, "reason", reason, "message", message));
	return true;
}

/* Names that other served definitions of the group have. */
struct taken {
	struct kt_map resources; /* plurals, singulars, short names */
	struct kt_map kinds;     /* kinds and list kinds */
};

static void collect_taken(
        struct kt_crds *crds, const char *group, const char *but, struct taken *taken)
{
	size_t n;
	struct kt_crd **others = kt_resources_custom(crds->server->resources, &n);

	kt_map_init(&taken->resources, NULL);
	kt_map_init(&taken->kinds, NULL);
	for (size_t i = 0; i < n; i++) {
		const struct kt_kind *kind =
		        others[i]->set.n_kinds ? &others[i]->set.kinds[0] : NULL;
		if (kind && kt_streq(kind->group, group) && !kt_streq(others[i]->name, but)) {
			kt_map_set(&taken->resources, kind->plural, taken);
			kt_map_set(&taken->resources, kind->singular, taken);
			for (const char *const *name = kind->short_names; name && *name; name++)
				kt_map_set(&taken->resources, *name, taken);
			kt_map_set(&taken->kinds, kind->kind, taken);
			kt_map_set(&taken->kinds, kind->list_kind, taken);
		}
		kt_crd_unref(others[i]);
	}
	free(others);
}

static bool check_name(const struct kt_map *taken, const json_t *names, const char *key,
        json_t *accepted, const char **ret_clash)
{
	const char *name = kt_jstr(names, key);

	if (!name || !*name)
		return true;
	if (kt_map_has(taken, name)) {
		*ret_clash = name;
		return false;
	}
	json_object_set_new(accepted, key, json_string(name));
	return true;
}

/*
 * Which of the names it may have: fills status.acceptedNames. NULL when all; else the reason, with
 * the clashing name in *ret_clash.
 */
static const char *accept_names(struct kt_crds *crds, json_t *tree, const char **ret_clash)
{
	const json_t *names = kt_jget(tree, "spec.names");
	json_t *accepted = json_pack("{s:s,s:s}", "plural", "", "kind", ""),
	       *shorts = json_object_get(names, "shortNames");
	const char *group = kt_jstr(tree, "spec.group"), *reason = NULL;
	struct taken taken;
	size_t i;
	json_t *item;

	collect_taken(crds, group ? group : "", kt_jstr(tree, "metadata.name"), &taken);
	if (!check_name(&taken.resources, names, "plural", accepted, ret_clash))
		reason = "PluralConflict";
	if (!check_name(&taken.resources, names, "singular", accepted, ret_clash))
		reason = "SingularConflict";
	bool shorts_free = true;
	json_array_foreach(shorts, i, item)
		if (kt_map_has(&taken.resources, json_string_value(item))) {
			*ret_clash = json_string_value(item);
			reason = "ShortNamesConflict";
			shorts_free = false;
		}
	if (shorts && shorts_free)
		json_object_set(accepted, "shortNames", shorts);
	if (!check_name(&taken.kinds, names, "kind", accepted, ret_clash))
		reason = "KindConflict";
	if (!check_name(&taken.kinds, names, "listKind", accepted, ret_clash))
		reason = "ListKindConflict";
	if (!reason && json_object_get(names, "categories"))
		json_object_set(accepted, "categories", json_object_get(names, "categories"));
	kt_map_finish(&taken.resources);
	kt_map_finish(&taken.kinds);
	json_object_set_new(json_object_get(tree, "status"), "acceptedNames", accepted);
	return reason;
}

/* Brings conditions and accepted names up to date; true when something changed. */
static bool settle(struct kt_crds *crds, json_t *tree)
{
	int64_t now_ns = kt_loop_wall_ns(crds->server->loop);
	const char *clash = NULL;

	if (!json_is_object(json_object_get(tree, "status")))
		json_object_set_new(tree, "status", json_object());
	kt_auto_json json_t *before = json_deep_copy(json_object_get(tree, "status"));
	const char *reason = accept_names(crds, tree, &clash);
	bool was_established = is_true(tree, "Established");
	if (reason) {
		kt_auto_free char *message = kt_asprintf("\"%s\" is already in use", clash);
		set_condition(tree, "NamesAccepted", false, reason, message, now_ns);
		if (!was_established)
			set_condition(tree, "Established", false, "NotAccepted",
			        "not all names are accepted", now_ns);
	} else {
		set_condition(
		        tree, "NamesAccepted", true, "NoConflicts", "no conflicts found", now_ns);
		if (!was_established)
			set_condition(tree, "Established", true, "InitialNamesAccepted",
			        "the initial names have been accepted", now_ns);
	}
	return !json_equal(before, json_object_get(tree, "status"));
}

/* Compiles the definition and puts it among the served resources, if it is not there in this form.
 */
static void serve(
        struct kt_crds *crds, const char *name, const struct kt_object *object, const json_t *tree)
{
	int64_t generation = kt_jint(tree, "metadata.generation", 0) + 1;
	int64_t served = (intptr_t)kt_map_get(&crds->generations, name);
	struct kt_storage *storage = crds->server->storage;
	struct kt_crd *crd;

	if (served == generation)
		return;
	kt_map_set(&crds->generations, name, (void *)(intptr_t)generation);
	crd = kt_crd_compile(tree);
	/* Until now the definition before this one was served. */
	crd->since_revision = served ? storage->ops->revision(storage) : object->revision;
	kt_resources_set_custom(crds->server->resources, name, crd);
	kt_api_services_wake(crds->services);
}

static void stop_serving(struct kt_crds *crds, const char *name)
{
	if (!kt_map_del(&crds->generations, name))
		return;
	kt_resources_set_custom(crds->server->resources, name, NULL);
	kt_api_services_wake(crds->services);
}

static void cleanup_free(struct cleanup *cleanup)
{
	struct cleanup **link = &cleanup->crds->cleanups;

	while (*link && *link != cleanup)
		link = &(*link)->next;
	if (*link)
		*link = cleanup->next;
	if (cleanup->watch)
		cleanup->crds->server->storage->ops->watch_close(cleanup->watch);
	kt_crd_unref(cleanup->crd);
	free(cleanup->name);
	free(cleanup->prefix);
	free(cleanup);
}

/* The last instance is gone: the definition may go. */
static void finish_cleanup(struct cleanup *cleanup)
{
	struct kt_crds *crds = cleanup->crds;
	struct kt_storage *storage = crds->server->storage;
	kt_auto_object struct kt_object *object = NULL;
	kt_auto_free char *key = kt_asprintf(PREFIX "%s", cleanup->name);
	kt_auto_err err = KT_ERR_INIT;
	json_t *finalizers, *item;
	size_t i;

	if (storage->ops->get(storage, key, 0, &object, &err) < 0)
		return;
	kt_auto_json json_t *tree = kt_object_tree(object);
	finalizers = kt_jget(tree, "metadata.finalizers");
	json_array_foreach(finalizers, i, item)
		if (kt_streq(json_string_value(item), KT_CRD_FINALIZER)) {
			json_array_remove(finalizers, i);
			break;
		}
	if (!json_array_size(finalizers))
		json_object_del(json_object_get(tree, "metadata"), "finalizers");
	write_definition(crds, cleanup->name, object->revision, tree, !json_array_size(finalizers));
}

static void instance_done(struct kt_request *request)
{
	struct cleanup *cleanup = request->arg;

	cleanup->running--;
	kt_request_destroy(request);
	kt_loop_post(cleanup->crds->server->loop, &cleanup->wake);
}

static void delete_instance(struct cleanup *cleanup, const struct kt_object *object)
{
	struct kt_crds *crds = cleanup->crds;
	struct kt_request *request = kt_request_create(crds->server, crds->server->loop);
	/* As it is stored: no webhook has to convert what goes. */
	const struct kt_kind *kind = kt_versions_stored_kind(&cleanup->crd->set.kinds[0]);
	struct kt_sv name = kt_object_name(object), namespace = kt_object_namespace(object);

	request->method = kt_strdup("DELETE");
	if (kind->flags & KT_KIND_NAMESPACED)
		request->target = kt_asprintf("/apis/%s/%s/namespaces/%.*s/%s/%.*s", kind->group,
		        kind->version, (int)namespace.len, namespace.p, kind->plural, (int)name.len,
		        name.p);
	else
		request->target = kt_asprintf("/apis/%s/%s/%s/%.*s", kind->group, kind->version,
		        kind->plural, (int)name.len, name.p);
	request->user = kt_user_ref(crds->user);
	request->is_part = true;
	request->done = instance_done;
	request->arg = cleanup;
	cleanup->running++;
	kt_server_handle(request);
}

static void drain(struct kt_storage *storage, struct kt_storage_watch *watch)
{
	struct kt_storage_event event;

	while (storage->ops->watch_next(watch, &event) == 1)
		kt_storage_event_finish(&event);
}

/* Deletes what has no deletion time yet, a few at a time; what has one waits for its own
 * finalizers. */
static void clean_some(struct kt_task *task)
{
	struct cleanup *cleanup = kt_container_of(task, struct cleanup, wake);
	struct kt_storage *storage = cleanup->crds->server->storage;
	struct kt_storage_range range = {.prefix = cleanup->prefix};
	struct kt_storage_list list = {0};
	kt_auto_err err = KT_ERR_INIT;

	drain(storage, cleanup->watch);
	if (cleanup->running)
		return;
	if (storage->ops->range(storage, &range, &list, &err) < 0) {
		kt_log_error("crds", "%s: %s", cleanup->name, kt_err_message(&err));
		return;
	}
	if (!list.n || !cleanup->crd->set.n_kinds) {
		finish_cleanup(cleanup);
		kt_storage_list_finish(&list);
		cleanup_free(cleanup);
		return;
	}
	cleanup->running++; /* those that end at once must not end the whole before all have begun
	                     */
	for (size_t i = 0; i < list.n && cleanup->running <= DELETES_AT_ONCE; i++)
		if (!list.objects[i]->deletion_timestamp.len)
			delete_instance(cleanup, list.objects[i]);
	cleanup->running--;
	kt_storage_list_finish(&list);
}

static void start_cleanup(struct kt_crds *crds, const char *name, const json_t *tree)
{
	struct kt_storage *storage = crds->server->storage;
	kt_auto_err err = KT_ERR_INIT;

	for (struct cleanup *cleanup = crds->cleanups; cleanup; cleanup = cleanup->next)
		if (kt_streq(cleanup->name, name))
			return;
	struct cleanup *cleanup = kt_new(struct cleanup);
	cleanup->crds = crds;
	cleanup->name = kt_strdup(name);
	cleanup->crd = kt_crd_compile(tree);
	cleanup->prefix = kt_asprintf("/registry/%s/%s/", kt_jstr(tree, "spec.group"),
	        kt_jstr(tree, "spec.names.plural"));
	cleanup->next = crds->cleanups;
	crds->cleanups = cleanup;
	kt_task_init(&cleanup->wake, clean_some);
	if (storage->ops->watch_open(storage, cleanup->prefix, storage->ops->revision(storage),
	            crds->server->loop, &cleanup->wake, &cleanup->watch, &err) < 0) {
		kt_log_error("crds", "%s: %s", name, kt_err_message(&err));
		cleanup_free(cleanup);
		return;
	}
	kt_loop_post(crds->server->loop, &cleanup->wake);
}

static bool has_finalizer(const json_t *tree)
{
	size_t i;
	json_t *item;

	json_array_foreach(kt_jget(tree, "metadata.finalizers"), i, item)
		if (kt_streq(json_string_value(item), KT_CRD_FINALIZER))
			return true;
	return false;
}

static void look_at(struct kt_crds *crds, const struct kt_object *object)
{
	kt_auto_json json_t *tree = kt_object_tree(object);
	const char *name = kt_jstr(tree, "metadata.name");

	if (kt_jget(tree, "metadata.deletionTimestamp")) {
		if (has_finalizer(tree))
			start_cleanup(crds, name, tree);
		return;
	}
	bool changed = settle(crds, tree);
	/* Served before it says so: who sees Established finds it there. */
	if (is_true(tree, "Established"))
		serve(crds, name, object, tree);
	if (changed)
		write_definition(crds, name, object->revision, tree, false);
}

/* A name became free: those that were refused for it are looked at again. */
static void look_again(struct kt_crds *crds)
{
	struct kt_storage *storage = crds->server->storage;
	struct kt_storage_range range = {.prefix = PREFIX};
	struct kt_storage_list list = {0};
	kt_auto_err err = KT_ERR_INIT;

	if (storage->ops->range(storage, &range, &list, &err) < 0)
		return;
	for (size_t i = 0; i < list.n; i++) {
		kt_auto_json json_t *tree = kt_object_tree(list.objects[i]);
		if (!is_true(tree, "NamesAccepted"))
			look_at(crds, list.objects[i]);
	}
	kt_storage_list_finish(&list);
}

static void on_event(struct kt_crds *crds, const struct kt_storage_event *event)
{
	if (event->type == KT_STORAGE_EVENT_PUT) {
		look_at(crds, event->object);
		return;
	}
	kt_auto_free char *name = kt_sv_dup(kt_object_name(event->object));
	stop_serving(crds, name);
	look_again(crds);
}

static int open_watch(struct kt_crds *crds, struct kt_err *err)
{
	struct kt_storage *storage = crds->server->storage;
	struct kt_storage_range range = {.prefix = PREFIX};
	struct kt_storage_list list = {0};

	if (crds->watch)
		storage->ops->watch_close(kt_steal(&crds->watch));
	int status = storage->ops->range(storage, &range, &list, err);
	if (status == 0)
		status = storage->ops->watch_open(storage, PREFIX, list.revision,
		        crds->server->loop, &crds->wake, &crds->watch, err);
	for (size_t i = 0; i < list.n && status == 0; i++)
		look_at(crds, list.objects[i]);
	kt_storage_list_finish(&list);
	return status;
}

static void on_wake(struct kt_task *task)
{
	struct kt_crds *crds = kt_container_of(task, struct kt_crds, wake);
	struct kt_storage *storage = crds->server->storage;
	struct kt_storage_event event = {0};
	kt_auto_err err = KT_ERR_INIT;
	int status;

	while ((status = storage->ops->watch_next(crds->watch, &event)) == 1) {
		on_event(crds, &event);
		kt_storage_event_finish(&event);
	}
	if (status < 0 && open_watch(crds, &err) < 0)
		kt_log_error("crds", "following definitions: %s", kt_err_message(&err));
}

int kt_crds_create(struct kt_server *server, struct kt_crds **ret_crds, struct kt_err *err)
{
	static const char *const groups[] = {"system:masters", NULL};
	struct kt_crds *crds = kt_new(struct kt_crds);

	crds->server = server;
	crds->user = kt_user_create("system:apiserver", NULL, groups);
	crds->services = kt_api_services_create(server);
	kt_map_init(&crds->generations, NULL);
	kt_task_init(&crds->wake, on_wake);
	if (open_watch(crds, err) < 0) {
		kt_crds_destroy(crds);
		return err->code;
	}
	*ret_crds = crds;
	return 0;
}

void kt_crds_destroy(struct kt_crds *crds)
{
	if (!crds)
		return;
	while (crds->cleanups)
		cleanup_free(crds->cleanups);
	if (crds->watch)
		crds->server->storage->ops->watch_close(crds->watch);
	kt_map_finish(&crds->generations);
	kt_api_services_destroy(crds->services);
	kt_user_unref(crds->user);
	free(crds);
}
