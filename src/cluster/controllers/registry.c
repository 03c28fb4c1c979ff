/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The shared informers. */
#include "cluster/controllers/internal.h"

#include "base/log.h"
#include "base/mem.h"

static void look_again(struct shared_informer *shared)
{
	/* A pass that is done takes itself out of the list. */
	for (size_t i = shared->waiting.n; i-- > 0;)
		if (i < shared->waiting.n)
			pass_look_again(shared->waiting.items[i]);
}

static void informer_changed(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	struct shared_informer *shared = arg;
	struct kt_object *newest = new_object ? new_object : old_object;

	shared->seen_revision = KT_MAX(shared->seen_revision, newest->revision);
	if (shared->waiting.n)
		look_again(shared);
}

static void informer_synced(void *arg)
{
	struct shared_informer *shared = arg;
	struct kt_controllers *controllers = shared->controllers;

	kt_assert(controllers->n_unsynced > 0);
	if (--controllers->n_unsynced > 0)
		return;
	controllers->synced = true;
	for (size_t i = 0; i < controllers->reconcilers.n; i++)
		reconciler_synced(controllers->reconcilers.items[i]);
}

struct kt_informer *kt_controllers_informer(struct kt_controllers *controllers, const char *path)
{
	struct shared_informer *shared = kt_map_get(&controllers->informers, path);

	if (shared)
		return shared->informer;
	kt_assert(!controllers->started);
	shared = kt_new(struct shared_informer);
	shared->controllers = controllers;
	shared->path = kt_strdup(path);
	shared->informer = kt_informer_create(controllers->client, controllers->loop, path);
	kt_map_init(&shared->indexes, NULL);
	kt_map_set(&controllers->informers, path, shared);
	controllers->n_unsynced++;
	kt_informer_add_handler(
	        shared->informer, &(struct kt_informer_handler){.on_change = informer_changed,
	                                  .on_synced = informer_synced,
	                                  .arg = shared});
	kt_controllers_index(controllers, path, "namespace", kt_index_by_namespace);
	kt_controllers_index(controllers, path, "controller", kt_index_by_controller_uid);
	return shared->informer;
}

void kt_controllers_index(
        struct kt_controllers *controllers, const char *path, const char *name, kt_index_fn *fn)
{
	struct shared_informer *shared;

	kt_controllers_informer(controllers, path);
	shared = kt_map_get(&controllers->informers, path);
	if (kt_map_has(&shared->indexes, name))
		return;
	kt_map_set(&shared->indexes, name, shared);
	kt_informer_add_index(shared->informer, name, fn);
}

struct shared_informer *controllers_shared(
        struct kt_controllers *controllers, const struct kt_informer *informer)
{
	size_t it = 0;
	void *value;

	while (kt_map_next(&controllers->informers, &it, NULL, &value))
		if (((struct shared_informer *)value)->informer == informer)
			return value;
	kt_assert(!"an informer of the registry");
	return NULL;
}
