/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A heap of what expires when. Entries of objects since replaced stay until their time and are then
 * ignored by revision. */
#include "cluster/store/internal.h"

#include "base/mem.h"

static bool sooner(const struct kt_store_expiry *a, const struct kt_store_expiry *b)
{
	return a->wall_ns != b->wall_ns ? a->wall_ns < b->wall_ns : a->revision < b->revision;
}

static void swap(struct kt_store *store, size_t a, size_t b)
{
	struct kt_store_expiry kept = store->expiry.items[a];

	store->expiry.items[a] = store->expiry.items[b];
	store->expiry.items[b] = kept;
}

void kt_store_expiry_add(struct kt_store *store, const struct kt_object *object)
{
	if (!object->expires_wall_ns)
		return;
	struct kt_store_expiry expiry = {
	        .wall_ns = object->expires_wall_ns,
	        .revision = object->revision,
	        .key = kt_strdup(kt_object_key(object)),
	};
	kt_vec_push(&store->expiry, expiry);
	for (size_t i = store->expiry.n - 1; i > 0;) {
		size_t parent = (i - 1) / 2;
		if (!sooner(&store->expiry.items[i], &store->expiry.items[parent]))
			break;
		swap(store, i, parent);
		i = parent;
	}
}

int64_t kt_store_expiry_next(const struct kt_store *store)
{
	return store->expiry.n ? store->expiry.items[0].wall_ns : INT64_MAX;
}

char *kt_store_expiry_take(struct kt_store *store, int64_t wall_ns, int64_t *ret_revision)
{
	if (kt_store_expiry_next(store) > wall_ns)
		return NULL;
	struct kt_store_expiry first = store->expiry.items[0];

	store->expiry.items[0] = store->expiry.items[--store->expiry.n];
	for (size_t i = 0;;) {
		size_t least = i;
		for (size_t child = 2 * i + 1; child <= 2 * i + 2; child++) {
			if (child < store->expiry.n &&
			        sooner(&store->expiry.items[child], &store->expiry.items[least]))
				least = child;
		}
		if (least == i)
			break;
		swap(store, i, least);
		i = least;
	}
	*ret_revision = first.revision;
	return first.key;
}

void kt_store_expiry_finish(struct kt_store *store)
{
	for (size_t i = 0; i < store->expiry.n; i++)
		free(store->expiry.items[i].key);
	kt_vec_finish(&store->expiry);
}
