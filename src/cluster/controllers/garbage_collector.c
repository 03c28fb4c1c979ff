/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The garbage collector: objects whose owners are all gone go too; foreground deletion waits for
 * dependents that block it; orphaning takes the owner out of its dependents first. Keeps a graph of
 * who owns whom by uid, fed by every watched resource.
 *
 * Work is done per uid. An owner that the graph does not know may merely not have been seen yet: it
 * is asked for before anything is deleted.
 */
#include "api/status.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/controllers/meta.h"
#include "cluster/controllers/resources.h"
#include "cluster/controllers/table.h"

#define FOREGROUND "foregroundDeletion"
#define ORPHAN "orphan"

/* One object, or an owner that somebody names and nobody has seen. */
struct node {
	char *uid;
	struct kt_resource *resource; /* NULL: not seen */
	struct kt_object *object;     /* newest; reference; NULL: not seen */
	KT_VEC(struct node *) dependents;
	bool is_absent; /* asked for and not there */
};

struct collector {
	struct kt_reconciler *reconciler;
	struct kt_cluster_resources *resources;
	struct kt_map nodes; /* uid -> node */
	struct kt_map early; /* uids to look at once everything is synced */
};

static void node_free(void *value)
{
	struct node *node = value;

	kt_vec_finish(&node->dependents);
	kt_object_unref(node->object);
	free(node->uid);
	free(node);
}

static struct node *node_of(struct collector *own, struct kt_sv uid)
{
	struct node *node = kt_map_get_sv(&own->nodes, uid);

	if (!node) {
		node = kt_new(struct node);
		node->uid = kt_sv_dup(uid);
		kt_map_set(&own->nodes, node->uid, node);
	}
	return node;
}

static void drop_if_unused(struct collector *own, struct node *node)
{
	if (!node->object && !node->dependents.n)
		node_free(kt_map_take(&own->nodes, node->uid));
}

static void look_at(struct collector *own, const struct node *node)
{
	if (kt_cluster_resources_synced(own->resources))
		kt_reconciler_add(own->reconciler, node->uid);
	else
		kt_map_set(&own->early, node->uid, own);
}

struct owner_iter {
	struct kt_json_at list;
	struct kt_json_iter it;
};

static struct owner_iter owners_of(const struct kt_object *object)
{
	struct kt_sv text = kt_object_span(object, object->owner_references);

	return (struct owner_iter){.list = kt_json_doc(text.p, text.len)};
}

static bool next_owner(struct owner_iter *iter, struct kt_owner *ret, bool *ret_blocks)
{
	struct kt_json_at item;

	if (!iter->list.p || !kt_json_next_element(iter->list, &iter->it, &item))
		return false;
	*ret = (struct kt_owner){0};
	kt_json_string_sv(kt_json_member(item, "apiVersion"), &ret->api_version);
	kt_json_string_sv(kt_json_member(item, "kind"), &ret->kind);
	kt_json_string_sv(kt_json_member(item, "name"), &ret->name);
	kt_json_string_sv(kt_json_member(item, "uid"), &ret->uid);
	if (ret_blocks)
		*ret_blocks = kt_json_bool(kt_json_member(item, "blockOwnerDeletion"), false);
	return true;
}

static void link_owners(struct collector *own, struct node *node)
{
	struct owner_iter iter = owners_of(node->object);
	struct kt_owner owner;

	while (next_owner(&iter, &owner, NULL)) {
		struct node *parent = node_of(own, owner.uid);

		kt_vec_push(&parent->dependents, node);
	}
}

static void unlink_owners(struct collector *own, struct node *node, const struct kt_object *object)
{
	struct owner_iter iter = owners_of(object);
	struct kt_owner owner;

	while (next_owner(&iter, &owner, NULL)) {
		struct node *parent = kt_map_get_sv(&own->nodes, owner.uid);

		if (!parent)
			continue;
		for (size_t i = 0; i < parent->dependents.n; i++)
			if (parent->dependents.items[i] == node) {
				parent->dependents.items[i] =
				        parent->dependents.items[--parent->dependents.n];
				break;
			}
		/* An owner that waits for its dependents may have lost its last. */
		if (parent->object && kt_is_deleting(parent->object))
			look_at(own, parent);
		drop_if_unused(own, parent);
	}
}

static void look_at_dependents(struct collector *own, struct node *node)
{
	for (size_t i = 0; i < node->dependents.n; i++)
		look_at(own, node->dependents.items[i]);
}

static void object_gone(struct collector *own, struct kt_object *object)
{
	struct node *node = kt_map_get_sv(&own->nodes, kt_object_uid(object));
	struct kt_object *last;

	if (!node || !node->object)
		return;
	last = kt_steal(&node->object);
	node->is_absent = true;
	look_at_dependents(own, node);
	unlink_owners(own, node, last);
	kt_object_unref(last);
	drop_if_unused(own, node);
}

static bool needs_look(const struct kt_object *old_object, const struct kt_object *new_object)
{
	return !old_object || kt_is_deleting(old_object) != kt_is_deleting(new_object) ||
	       !kt_sv_eq(kt_object_span(old_object, old_object->finalizers),
	               kt_object_span(new_object, new_object->finalizers));
}

static void object_changed(void *arg, struct kt_resource *resource, struct kt_object *old_object,
        struct kt_object *new_object)
{
	struct collector *own = arg;
	struct kt_object *old;
	struct node *node;
	bool relinked;

	if (old_object &&
	        (!new_object || !kt_sv_eq(kt_object_uid(old_object), kt_object_uid(new_object))))
		object_gone(own, old_object);
	if (!new_object)
		return;
	node = node_of(own, kt_object_uid(new_object));
	old = node->object;
	relinked = !old || !kt_sv_eq(kt_object_span(old, old->owner_references),
	                           kt_object_span(new_object, new_object->owner_references));
	node->resource = resource;
	node->is_absent = false;
	node->object = kt_object_ref(new_object);
	if (relinked) {
		link_owners(own, node); /* before unlinking, so that a parent of both is not dropped
		                           in between */
		if (old)
			unlink_owners(own, node, old);
	}
	if ((relinked && new_object->owner_references.len > 2) ||
	        (kt_is_deleting(new_object) && needs_look(old, new_object)))
		look_at(own, node);
	if (kt_is_deleting(new_object) && needs_look(old, new_object) &&
	        kt_has_finalizer(new_object, FOREGROUND))
		look_at_dependents(own, node);
	kt_object_unref(old);
}

/* --- work on one uid --- */

static void send_object_call(
        struct kt_pass *pass, const struct node *node, const struct kt_pass_write *write)
{
	kt_auto_free char *path = kt_controller_resource_path(
	        node->resource, kt_object_namespace(node->object), kt_object_name(node->object));

	kt_pass_send(pass, write, "%s", path);
}

/* With uid and resourceVersion: a namesake and a newer state are left alone. */
static json_t *patch_metadata(const struct node *node)
{
	struct kt_sv uid = kt_object_uid(node->object),
	             version = kt_object_span(node->object, node->object->resource_version);

	return json_pack(
	        "{s:s%,s:s%}", "uid", uid.p, uid.len, "resourceVersion", version.p, version.len);
}

static void remove_finalizer(struct kt_pass *pass, const struct node *node, const char *finalizer)
{
	json_t *metadata = patch_metadata(node);
	kt_auto_json json_t *body = json_pack("{s:o}", "metadata", metadata);

	json_object_set_new(metadata, "finalizers", kt_finalizers_without(node->object, finalizer));
	send_object_call(pass, node,
	        &(struct kt_pass_write){
	                .method = "PATCH", .content_type = KT_PATCH_MERGE, .body = body});
}

/* ownerReferences without those whose uid `drop` holds. */
static void remove_owners(struct kt_pass *pass, const struct node *node, const struct kt_map *drop)
{
	struct kt_sv text = kt_object_span(node->object, node->object->owner_references), uid;
	struct kt_json_at list = kt_json_doc(text.p, text.len), item;
	struct kt_json_iter it = {0};
	json_t *metadata = patch_metadata(node), *left = json_array();
	kt_auto_json json_t *body = json_pack("{s:o}", "metadata", metadata);

	while (list.p && kt_json_next_element(list, &it, &item))
		if (!kt_json_string_sv(kt_json_member(item, "uid"), &uid) ||
		        !kt_map_get_sv(drop, uid))
			json_array_append_new(left, kt_json_tree(item));
	json_object_set_new(metadata, "ownerReferences", left);
	send_object_call(pass, node,
	        &(struct kt_pass_write){
	                .method = "PATCH", .content_type = KT_PATCH_MERGE, .body = body});
}

/* The owners stay, but wait for it no more. */
static void unblock_owners(struct kt_pass *pass, const struct node *node)
{
	struct kt_sv text = kt_object_span(node->object, node->object->owner_references);
	json_t *metadata = patch_metadata(node),
	       *references = kt_json_tree(kt_json_doc(text.p, text.len)), *reference;
	kt_auto_json json_t *body = json_pack("{s:o}", "metadata", metadata);
	size_t i;

	json_array_foreach(references, i, reference)
		if (json_is_true(json_object_get(reference, "blockOwnerDeletion")))
			json_object_set_new(reference, "blockOwnerDeletion", json_false());
	json_object_set_new(metadata, "ownerReferences", references);
	send_object_call(pass, node,
	        &(struct kt_pass_write){
	                .method = "PATCH", .content_type = KT_PATCH_MERGE, .body = body});
}

static void delete_node(struct kt_pass *pass, const struct node *node, const char *policy)
{
	struct kt_sv uid = kt_object_uid(node->object);
	kt_auto_json json_t *body =
	        json_pack("{s:s,s:s,s:s,s:{s:s%}}", "kind", "DeleteOptions", "apiVersion", "v1",
	                "propagationPolicy", policy, "preconditions", "uid", uid.p, uid.len);

	send_object_call(pass, node, &(struct kt_pass_write){.method = "DELETE", .body = body});
}

/* Asks for an owner that nobody has seen; the answer brings the dependent back for another look. */
struct question {
	struct collector *own;
	char *owner_uid, *dependent_uid;
};

static void question_free(void *value)
{
	struct question *question = value;

	free(question->owner_uid);
	free(question->dependent_uid);
	free(question);
}

static void owner_asked(struct kt_pass *pass, struct kt_call *call, void *arg)
{
	struct question *question = arg;
	struct node *owner = kt_map_get(&question->own->nodes, question->owner_uid);
	bool missing = call->err.code && kt_err_reason(&call->err) == KT_REASON_NOT_FOUND;

	if (call->err.code && !missing) {
		kt_pass_check(pass, call);
		return;
	}
	if (!missing &&
	        kt_json_string_is(kt_json_find(kt_call_answer(call), "metadata", "uid", NULL),
	                question->owner_uid)) {
		/* It is there; its watch will show it and, when it goes, bring the dependents. */
		return;
	}
	if (owner && !owner->object)
		owner->is_absent = true;
	kt_reconciler_add(question->own->reconciler, question->dependent_uid);
}

static void ask_for_owner(struct collector *own, struct kt_pass *pass, const struct node *node,
        const struct kt_owner *owner)
{
	struct kt_resource *resource =
	        kt_resource_of_kind(own->resources, owner->api_version, owner->kind);
	struct question *question;
	kt_auto_free char *path = NULL;

	if (!resource)
		return; /* a kind that nobody serves: its objects cannot be told to be gone */
	question = kt_new(struct question);
	question->own = own;
	question->owner_uid = kt_sv_dup(owner->uid);
	question->dependent_uid = kt_strdup(node->uid);
	path = kt_controller_resource_path(
	        resource, kt_object_namespace(node->object), owner->name);
	kt_pass_send(pass,
	        &(struct kt_pass_write){.method = "GET",
	                .done = owner_asked,
	                .arg = question,
	                .free_arg = question_free},
	        "%s", path);
}

struct owners {
	size_t n_solid, n_gone, n_waiting, n_unknown;
	struct kt_map drop; /* uids of those gone or waiting */
};

static void classify(
        struct collector *own, struct kt_pass *pass, const struct node *node, struct owners *owners)
{
	struct owner_iter iter = owners_of(node->object);
	struct kt_owner owner;
	bool blocks;

	while (next_owner(&iter, &owner, &blocks)) {
		struct node *parent = kt_map_get_sv(&own->nodes, owner.uid);

		/* A namespaced owner of another namespace, and an owner by another name, are as
		 * good as gone. */
		if (parent && parent->object && parent->resource->namespaced &&
		        !kt_sv_eq(kt_object_namespace(parent->object),
		                kt_object_namespace(node->object)))
			parent = NULL;
		if (parent && parent->object && kt_is_deleting(parent->object) &&
		        kt_has_finalizer(parent->object, FOREGROUND)) {
			owners->n_waiting++;
			kt_map_set_sv(&owners->drop, owner.uid, owners);
		} else if (parent && parent->object) {
			owners->n_solid++;
		} else if (!parent || parent->is_absent) {
			owners->n_gone++;
			kt_map_set_sv(&owners->drop, owner.uid, owners);
		} else {
			owners->n_unknown++;
			ask_for_owner(own, pass, node, &owner);
		}
	}
}

static bool blocks_an_owner(const struct node *node)
{
	struct owner_iter iter = owners_of(node->object);
	struct kt_owner owner;
	bool blocks;

	while (next_owner(&iter, &owner, &blocks))
		if (blocks)
			return true;
	return false;
}

static bool has_waiting_dependent(const struct node *node)
{
	for (size_t i = 0; i < node->dependents.n; i++) {
		const struct kt_object *object = node->dependents.items[i]->object;

		if (kt_is_deleting(object) && kt_has_finalizer(object, FOREGROUND))
			return true;
	}
	return false;
}

/* Its owner waits for it, and it will wait for its own dependents. Where one of those waits
 * already it may be for this very one, in a circle: then nobody may wait for this one. The patch
 * brings the node back for another look. */
static void delete_foreground(struct kt_pass *pass, const struct node *node)
{
	if (has_waiting_dependent(node) && blocks_an_owner(node))
		unblock_owners(pass, node);
	else
		delete_node(pass, node, "Foreground");
}

static void collect_dependent(struct collector *own, struct kt_pass *pass, struct node *node)
{
	struct owners owners = {0};

	kt_map_init(&owners.drop, NULL);
	classify(own, pass, node, &owners);
	if (owners.n_solid && owners.drop.n) {
		remove_owners(pass, node, &owners.drop);
	} else if (!owners.n_solid && !owners.n_unknown && owners.drop.n) {
		if (owners.n_waiting && node->dependents.n)
			delete_foreground(pass, node);
		else if (kt_has_finalizer(node->object, ORPHAN))
			delete_node(pass, node, "Orphan");
		else
			delete_node(pass, node,
			        kt_has_finalizer(node->object, FOREGROUND) ? "Foreground"
			                                                   : "Background");
	}
	kt_map_finish(&owners.drop);
}

static bool blocks_deletion(const struct node *dependent, const struct node *node)
{
	struct owner_iter iter = owners_of(dependent->object);
	struct kt_owner owner;
	bool blocks;

	while (next_owner(&iter, &owner, &blocks))
		if (kt_sv_is(owner.uid, node->uid) && blocks)
			return true;
	return false;
}

static void finish_foreground(struct collector *own, struct kt_pass *pass, struct node *node)
{
	bool blocked = false;

	for (size_t i = 0; i < node->dependents.n; i++) {
		struct node *dependent = node->dependents.items[i];

		if (!blocks_deletion(dependent, node))
			continue;
		blocked = true;
		if (!kt_is_deleting(dependent->object))
			look_at(own, dependent);
	}
	if (!blocked)
		remove_finalizer(pass, node, FOREGROUND);
}

static void orphan_dependents(struct kt_pass *pass, struct node *node)
{
	struct kt_map drop;

	if (!node->dependents.n) {
		remove_finalizer(pass, node, ORPHAN);
		return;
	}
	kt_map_init(&drop, NULL);
	kt_map_set(&drop, node->uid, node);
	for (size_t i = 0; i < node->dependents.n; i++)
		remove_owners(pass, node->dependents.items[i], &drop);
	kt_map_finish(&drop);
}

static void reconcile(void *arg, struct kt_pass *pass, const char *key)
{
	struct collector *own = arg;
	struct node *node = kt_map_get(&own->nodes, key);

	if (!node || !node->object || !kt_cluster_resources_synced(own->resources))
		return;
	if (!kt_is_deleting(node->object))
		collect_dependent(own, pass, node);
	else if (kt_has_finalizer(node->object, ORPHAN))
		orphan_dependents(pass, node);
	else if (kt_has_finalizer(node->object, FOREGROUND))
		finish_foreground(own, pass, node);
}

static void resources_synced(void *arg)
{
	struct collector *own = arg;
	const char *uid;
	size_t it = 0;

	while (kt_map_next(&own->early, &it, &uid, NULL))
		kt_reconciler_add(own->reconciler, uid);
	kt_map_clear(&own->early);
}

static void *create(struct kt_controllers *controllers)
{
	struct collector *own = kt_new(struct collector);

	kt_map_init(&own->nodes, node_free);
	kt_map_init(&own->early, NULL);
	own->reconciler =
	        kt_reconciler_create(&(struct kt_reconciler_options){.controllers = controllers,
	                .name = "generic-garbage-collector",
	                .reconcile = reconcile,
	                .arg = own,
	                .parallel = 128});
	own->resources = kt_resources_of(controllers);
	kt_cluster_resources_add_handler(own->resources,
	        &(struct kt_resources_handler){
	                .on_change = object_changed, .on_synced = resources_synced, .arg = own});
	return own;
}

static void destroy(void *controller)
{
	struct collector *own = controller;

	kt_reconciler_destroy(own->reconciler);
	kt_map_finish(&own->nodes);
	kt_map_finish(&own->early);
	free(own);
}

const struct kt_controller kt_controller_garbage_collector = {
        "garbage-collector-controller", create, destroy};
