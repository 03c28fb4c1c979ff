/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support/world.h"

#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"

int world_setup(void **state)
{
	struct world *world = kt_new(struct world);
	kt_auto_err err = KT_ERR_INIT;

	world->loop = kt_loop_create(
	        &(struct kt_loop_options){
	                .is_virtual = true, .seed = 7, .start_wall_ns = 1700000000 * KT_NS_PER_S},
	        &err);
	kt_assert(world->loop);
	world->fake = fake_client_create(world->loop);
	*state = world;
	return 0;
}

int world_teardown(void **state)
{
	struct world *world = *state;

	if (world->destroy_part)
		world->destroy_part(world->part);
	fake_client_destroy(world->fake);
	kt_loop_destroy(world->loop);
	free(world);
	return 0;
}

void world_run_ms(struct world *world, int64_t ms)
{
	kt_loop_run_until(world->loop, kt_loop_now_ns(world->loop) + ms * KT_NS_PER_MS);
}
