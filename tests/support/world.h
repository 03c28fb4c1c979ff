/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What tests of components start from: a virtual loop at 2023-11-14T22:13:20Z and a client without
 * a server on it. world_setup() and world_teardown() are cmocka fixtures; a setup that adds a part
 * says how it is destroyed, before the client and the loop are.
 */
#ifndef KT_TESTS_SUPPORT_WORLD_H
#define KT_TESTS_SUPPORT_WORLD_H

#include "support/fake_client.h"

struct world {
	struct kt_loop *loop;
	struct fake_client *fake;
	void *part;
	void (*destroy_part)(void *part);
};

int world_setup(void **state);
int world_teardown(void **state);
void world_run_ms(struct world *world, int64_t ms);

#endif
