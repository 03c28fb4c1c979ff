/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/resources.h"

#include "base/map.h"
#include "base/mem.h"

#include <pthread.h>

struct kt_resources {
	pthread_rwlock_t lock; /* protects custom; leaf, never held across a call out */
	struct kt_map custom;  /* definition name -> struct kt_crd */
	atomic_ullong generation;
	bool aggregated;
};

static void free_crd(void *value)
{
	kt_crd_unref(value);
}

struct kt_resources *kt_resources_create(bool aggregated)
{
	struct kt_resources *resources = kt_new(struct kt_resources);

	resources->aggregated = aggregated;
	pthread_rwlock_init(&resources->lock, NULL);
	kt_map_init(&resources->custom, free_crd);
	return resources;
}

void kt_resources_destroy(struct kt_resources *resources)
{
	if (!resources)
		return;
	kt_map_finish(&resources->custom);
	pthread_rwlock_destroy(&resources->lock);
	free(resources);
}

bool kt_resources_is_served(const struct kt_resources *resources, const struct kt_kind *builtin)
{
	return resources->aggregated || !(builtin->flags & KT_KIND_AGGREGATED);
}

static const struct kt_kind *find_in(
        const struct kt_crd *crd, const char *group, const char *version, const char *plural)
{
	for (size_t i = 0; i < crd->set.n_kinds; i++) {
		const struct kt_kind *kind = &crd->set.kinds[i];
		if (kt_streq(kind->plural, plural) && kt_streq(kind->group, group) &&
		        (!version || kt_streq(kind->version, version)))
			return kind;
	}
	return NULL;
}

const struct kt_kind *kt_resources_find(struct kt_resources *resources, const char *group,
        const char *version, const char *plural, struct kt_crd **ret_crd)
{
	const struct kt_kind *kind = kt_builtin_resource(group, version, plural);

	*ret_crd = NULL;
	if (kind && !kt_resources_is_served(resources, kind))
		return NULL;
	if (kind || !*group)
		return kind;
	/* A definition is named PLURAL.GROUP: that is the key. */
	char name[512];
	int len = snprintf(name, sizeof(name), "%s.%s", plural, group);
	if (len < 0 || (size_t)len >= sizeof(name))
		return NULL;
	pthread_rwlock_rdlock(&resources->lock);
	struct kt_crd *crd = kt_crd_ref(kt_map_get(&resources->custom, name));
	pthread_rwlock_unlock(&resources->lock);
	if (crd)
		kind = find_in(crd, group, version, plural);
	if (kind)
		*ret_crd = crd;
	else
		kt_crd_unref(crd);
	return kind;
}

bool kt_resources_is_builtin_group(const char *group)
{
	for (size_t i = 0; i < kt_builtin_kinds.n_kinds; i++)
		if (kt_streq(kt_builtin_kinds.kinds[i].group, group))
			return true;
	return false;
}

struct kt_crd **kt_resources_custom(struct kt_resources *resources, size_t *ret_n)
{
	size_t it = 0, n = 0;
	void *value;

	pthread_rwlock_rdlock(&resources->lock);
	struct kt_crd **crds = kt_new_array(struct kt_crd *, resources->custom.n + 1);
	while (kt_map_next(&resources->custom, &it, NULL, &value))
		crds[n++] = kt_crd_ref(value);
	pthread_rwlock_unlock(&resources->lock);
	*ret_n = n;
	return crds;
}

void kt_resources_set_custom(struct kt_resources *resources, const char *name, struct kt_crd *crd)
{
	pthread_rwlock_wrlock(&resources->lock);
	struct kt_crd *old = kt_map_take(&resources->custom, name);
	if (crd)
		kt_map_set(&resources->custom, name, crd);
	pthread_rwlock_unlock(&resources->lock);
	kt_crd_unref(old);
	atomic_fetch_add(&resources->generation, 1);
}

uint64_t kt_resources_generation(struct kt_resources *resources)
{
	return atomic_load(&resources->generation);
}
