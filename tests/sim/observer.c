/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A component that only watches: informers behind a faulty client, whose caches must equal the
 * store when all is at rest. */
#include "sim/sim.h"

#include "api/client/informer.h"
#include "base/mem.h"

static const struct {
	const char *path, *prefix;
} observed[] = {
        {"/api/v1/pods", "/registry/pods/"},
        {"/apis/apps/v1/deployments", "/registry/deployments/"},
        {"/apis/apps/v1/replicasets", "/registry/replicasets/"},
        {"/api/v1/namespaces", "/registry/namespaces/"},
        {"/api/v1/nodes", "/registry/minions/"},
};

struct sim_observer {
	struct sim *sim;
	struct kt_informer *informers[KT_ARRAY_SIZE(observed)];
	size_t n_known[KT_ARRAY_SIZE(observed)]; /* by the changes that were told */
	struct handler_arg {
		struct sim_observer *observer;
		size_t i;
	} args[KT_ARRAY_SIZE(observed)];
};

/* Added, changed, deleted: what was told must add up to what is cached. */
static void on_change(void *arg, struct kt_object *old_object, struct kt_object *new_object)
{
	const struct handler_arg *own = arg;
	struct sim_observer *observer = own->observer;

	if (!old_object)
		observer->n_known[own->i]++;
	if (!new_object)
		observer->n_known[own->i]--;
	if (observer->n_known[own->i] != kt_informer_count(observer->informers[own->i]))
		sim_fail(observer->sim, "the changes told of %s do not add up to its cache",
		        observed[own->i].path);
	if (old_object && new_object && old_object->revision > new_object->revision &&
	        kt_sv_eq(kt_object_uid(old_object), kt_object_uid(new_object)))
		sim_fail(observer->sim, "the informer of %s went back from revision %lld to %lld",
		        observed[own->i].path, (long long)old_object->revision,
		        (long long)new_object->revision);
}

void *sim_observer_start(struct sim *sim, struct kt_client *client)
{
	struct sim_observer *observer = kt_new(struct sim_observer);

	observer->sim = sim;
	sim->observer = observer;
	for (size_t i = 0; i < KT_ARRAY_SIZE(observed); i++) {
		observer->args[i] = (struct handler_arg){observer, i};
		observer->informers[i] = kt_informer_create(client, sim->loop, observed[i].path);
		kt_informer_add_handler(observer->informers[i],
		        &(struct kt_informer_handler){
		                .on_change = on_change, .arg = &observer->args[i]});
		kt_informer_start(observer->informers[i]);
	}
	return observer;
}

void sim_observer_stop(void *component)
{
	struct sim_observer *observer = component;

	observer->sim->observer = NULL;
	for (size_t i = 0; i < KT_ARRAY_SIZE(observed); i++)
		kt_informer_destroy(observer->informers[i]);
	free(observer);
}

static char *difference(
        const struct sim_observer *observer, size_t i, const struct kt_storage_list *list)
{
	const struct kt_informer *informer = observer->informers[i];

	if (!kt_informer_synced(informer))
		return kt_asprintf("the informer of %s has not synced", observed[i].path);
	if (kt_informer_count(informer) != list->n)
		return kt_asprintf("the informer of %s knows %zu objects of %zu", observed[i].path,
		        kt_informer_count(informer), list->n);
	for (size_t j = 0; j < list->n; j++) {
		const struct kt_object *stored = list->objects[j];
		const struct kt_object *cached = kt_informer_get(
		        informer, kt_object_namespace(stored), kt_object_name(stored));
		if (!cached || cached->revision != stored->revision)
			return kt_asprintf("the informer of %s has another %s", observed[i].path,
			        kt_object_key(stored));
	}
	return NULL;
}

char *sim_observer_unrest(struct sim *sim)
{
	char *unrest = NULL;

	if (!sim->observer)
		return kt_strdup("the observer is down");
	for (size_t i = 0; i < KT_ARRAY_SIZE(observed) && !unrest; i++) {
		struct kt_storage_list list = {0};
		struct kt_storage_range range = {.prefix = observed[i].prefix};
		if (sim->storage->ops->range(sim->storage, &range, &list, NULL) < 0)
			return kt_strdup("the store cannot be read");
		unrest = difference(sim->observer, i, &list);
		kt_storage_list_finish(&list);
	}
	return unrest;
}
