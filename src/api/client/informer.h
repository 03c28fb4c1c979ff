/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An informer: one watch of one resource kept in a local cache of immutable objects, with handlers
 * and indexes. List, watch, go on after a break, list again after 410: client-go's shared informer
 * on one loop.
 *
 * The cache holds references to the same objects the store holds (in-process) and is read without
 * copying. All calls and callbacks on the informer's loop.
 */
#ifndef KT_API_CLIENT_INFORMER_H
#define KT_API_CLIENT_INFORMER_H

#include "api/client/client.h"
#include "base/map.h"

struct kt_informer;

struct kt_informer_handler {
	/* old NULL: added; new NULL: deleted (old is the last state known). Both borrowed. */
	void (*on_change)(void *arg, struct kt_object *old_object, struct kt_object *new_object);
	/* The first list is complete; may be NULL. */
	void (*on_synced)(void *arg);
	void *arg;
};

/* Names the index values of an object: calls emit(value) for each. */
typedef void kt_index_fn(
        const struct kt_object *object, void (*emit)(void *ctx, struct kt_sv value), void *ctx);

/* path: collection path with optional query ("/api/v1/pods?fieldSelector=…"). Nothing happens
 * before kt_informer_start(). */
struct kt_informer *kt_informer_create(
        struct kt_client *client, struct kt_loop *loop, const char *path);
void kt_informer_destroy(struct kt_informer *informer);
void kt_informer_add_handler(
        struct kt_informer *informer, const struct kt_informer_handler *handler);
void kt_informer_add_index(struct kt_informer *informer, const char *name, kt_index_fn *fn);
void kt_informer_start(struct kt_informer *informer);
bool kt_informer_synced(const struct kt_informer *informer);
int64_t kt_informer_revision(const struct kt_informer *informer);

/* Borrowed; NULL when absent. namespace NULL or "" for cluster-scoped. */
struct kt_object *kt_informer_get(
        const struct kt_informer *informer, struct kt_sv namespace, struct kt_sv name);
size_t kt_informer_count(const struct kt_informer *informer);
/* Iterates everything in key order or, with index, what has the value. The callback may not change
 * the cache. Return false to stop. */
void kt_informer_each(const struct kt_informer *informer,
        bool (*fn)(void *arg, struct kt_object *object), void *arg);
void kt_informer_each_indexed(const struct kt_informer *informer, const char *index,
        struct kt_sv value, bool (*fn)(void *arg, struct kt_object *object), void *arg);

/* Ready-made indexes. */
kt_index_fn kt_index_by_namespace;
kt_index_fn kt_index_by_owner_uid;      /* every ownerReference's uid */
kt_index_fn kt_index_by_controller_uid; /* the controller ownerReference's uid */
kt_index_fn kt_index_by_node;           /* spec.nodeName */

#endif
