/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "controllers_world.h"

#include "cluster/controllers/controllers.h"

static void destroy(void *part)
{
	kt_controllers_destroy(part);
}

int controllers_setup(void **state)
{
	struct kt_controllers *controllers;
	struct world *world;
	kt_auto_err err = KT_ERR_INIT;

	world_setup(state);
	world = *state;
	if (kt_controllers_create(
	            &(struct kt_controllers_options){.client = fake_client_get(world->fake),
	                    .loop = world->loop,
	                    .cluster_ca_pem = "PEM"},
	            &controllers, &err) < 0)
		return -1;
	kt_controllers_start(controllers);
	world->part = controllers;
	world->destroy_part = destroy;
	return 0;
}
