/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every resource the API server serves, found by discovery and watched: what the garbage collector,
 * namespace deletion and quota look at. Custom resources join when their definition is established
 * and leave with it. Events are listed but not watched: nothing owns through them and there are
 * many.
 *
 * One per kt_controllers; kt_resources_of() makes it on first use. Everything on the controllers'
 * loop.
 */
#ifndef KT_CLUSTER_CONTROLLERS_RESOURCES_H
#define KT_CLUSTER_CONTROLLERS_RESOURCES_H

#include "cluster/controllers/reconciler.h"

struct kt_resource {
	char *group_version; /* "apps/v1", "v1" */
	char *group;         /* "" for core */
	char *name, *kind;
	char *path; /* "/apis/apps/v1" */
	bool namespaced, deletes_collections;
	struct kt_informer *informer; /* NULL: not watched */
	/* the registry's own */
	struct kt_cluster_resources *all;
	bool synced, found, shared;
};

struct kt_cluster_resources;

struct kt_resources_handler {
	void (*on_change)(void *arg, struct kt_resource *resource, struct kt_object *old_object,
	        struct kt_object *new_object);
	/* Everything found so far has its first list; called again after resources joined. */
	void (*on_synced)(void *arg);
	void *arg;
};

struct kt_cluster_resources *kt_resources_of(struct kt_controllers *controllers);
void kt_cluster_resources_add_handler(
        struct kt_cluster_resources *all, const struct kt_resources_handler *handler);
bool kt_cluster_resources_synced(const struct kt_cluster_resources *all);
/* NULL when it is not served (any more). */
struct kt_resource *kt_resource_of_kind(
        struct kt_cluster_resources *all, struct kt_sv api_version, struct kt_sv kind);
bool kt_resource_next(
        struct kt_cluster_resources *all, size_t *it, struct kt_resource **ret_resource);

/* For controllers.c. */
struct kt_cluster_resources *kt_cluster_resources_create(struct kt_controllers *controllers);
void kt_cluster_resources_start(struct kt_cluster_resources *all);
void kt_cluster_resources_destroy(struct kt_cluster_resources *all);

/* "/apis/apps/v1/namespaces/x/deployments/y" of an object or, with name empty, of the collection.
 */
char *kt_controller_resource_path(
        const struct kt_resource *resource, struct kt_sv namespace, struct kt_sv name);

#endif
