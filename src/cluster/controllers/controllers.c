/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster/controllers/table.h"

#include "base/mem.h"
#include "cluster/controllers/internal.h"

#include <errno.h>

#define ENTRY(name) &kt_controller_##name,
static const struct kt_controller *const table[] = {KT_CONTROLLERS(ENTRY)};

static void shared_free(void *value)
{
	struct shared_informer *shared = value;

	kt_informer_destroy(shared->informer);
	kt_map_finish(&shared->indexes);
	kt_vec_finish(&shared->waiting);
	free(shared->path);
	free(shared);
}

int kt_controllers_create(const struct kt_controllers_options *options,
        struct kt_controllers **ret_controllers, struct kt_err *err)
{
	struct kt_controllers *controllers;

	if (!options->client || !options->loop)
		return kt_fail(err, EINVAL, "controllers need a client and a loop");
	controllers = kt_new(struct kt_controllers);
	controllers->client = options->client;
	controllers->loop = options->loop;
	controllers->cluster_ca_pem =
	        options->cluster_ca_pem ? kt_strdup(options->cluster_ca_pem) : NULL;
	controllers->signer = options->signer;
	kt_map_init(&controllers->informers, shared_free);
	controllers->controllers = kt_new_array(void *, KT_ARRAY_SIZE(table));
	for (size_t i = 0; i < KT_ARRAY_SIZE(table); i++)
		controllers->controllers[i] = table[i]->create(controllers);
	*ret_controllers = controllers;
	return 0;
}

void kt_controllers_start(struct kt_controllers *controllers)
{
	size_t it = 0;
	void *value;

	controllers->started = true;
	if (controllers->resources)
		kt_cluster_resources_start(controllers->resources);
	while (kt_map_next(&controllers->informers, &it, NULL, &value))
		kt_informer_start(((struct shared_informer *)value)->informer);
}

void kt_controllers_destroy(struct kt_controllers *controllers)
{
	if (!controllers)
		return;
	for (size_t i = KT_ARRAY_SIZE(table); i-- > 0;)
		table[i]->destroy(controllers->controllers[i]);
	free(controllers->controllers);
	kt_cluster_resources_destroy(controllers->resources);
	kt_map_finish(&controllers->informers);
	kt_vec_finish(&controllers->reconcilers);
	free(controllers->cluster_ca_pem);
	free(controllers);
}

struct kt_cluster_resources *kt_resources_of(struct kt_controllers *controllers)
{
	if (!controllers->resources)
		controllers->resources = kt_cluster_resources_create(controllers);
	return controllers->resources;
}

struct kt_loop *kt_controllers_loop(struct kt_controllers *controllers)
{
	return controllers->loop;
}

struct kt_client *kt_controllers_client(struct kt_controllers *controllers)
{
	return controllers->client;
}

const char *kt_controllers_ca(struct kt_controllers *controllers)
{
	return controllers->cluster_ca_pem;
}

const struct kt_signer *kt_controllers_signer(struct kt_controllers *controllers)
{
	return controllers->signer;
}
