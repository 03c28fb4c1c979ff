/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The informer's cache: objects in the order of "namespace/name" (a skip list whose levels come
 * from a fixed generator, so that runs repeat), and indexes from a value to the objects that have
 * it, in the same order. One thread.
 */
#ifndef KT_API_CLIENT_INFORMER_CACHE_H
#define KT_API_CLIENT_INFORMER_CACHE_H

#include "api/client/informer.h"
#include "base/vec.h"

enum { KT_CACHE_LEVELS = 16 };

struct kt_cache_node {
	struct kt_object *object; /* reference */
	uint64_t round;           /* of the list that saw it last */
	uint32_t n_levels;
	struct kt_cache_node *next[];
};

struct kt_cache_bucket {
	KT_VEC(struct kt_cache_node *) nodes; /* ordered */
};
struct kt_cache_index {
	char *name;
	kt_index_fn *fn;
	struct kt_map buckets; /* value -> kt_cache_bucket */
};

struct kt_cache {
	struct kt_cache_node *head[KT_CACHE_LEVELS];
	size_t n;
	uint64_t random;
	KT_VEC(struct kt_cache_index *) indexes;
};

void kt_cache_init(struct kt_cache *cache);
void kt_cache_finish(struct kt_cache *cache);
struct kt_cache_node *kt_cache_find(
        const struct kt_cache *cache, struct kt_sv namespace, struct kt_sv name);
/* Adds object or replaces the one of its name; *ret_old is then what was there (the caller's
 * reference), else NULL. */
struct kt_cache_node *kt_cache_set(
        struct kt_cache *cache, struct kt_object *object, struct kt_object **ret_old);
/* Takes the node out and returns its object (the caller's reference). */
struct kt_object *kt_cache_remove(struct kt_cache *cache, struct kt_cache_node *node);
/* Objects that are there already go into the new index. */
void kt_cache_add_index(struct kt_cache *cache, const char *name, kt_index_fn *fn);
/* NULL: no such value. */
const struct kt_cache_bucket *kt_cache_bucket(
        const struct kt_cache *cache, const char *index, struct kt_sv value);

#endif
