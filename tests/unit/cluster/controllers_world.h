/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A world (support/world.h) with all controllers running in it. */
#ifndef KT_TESTS_UNIT_CLUSTER_CONTROLLERS_WORLD_H
#define KT_TESTS_UNIT_CLUSTER_CONTROLLERS_WORLD_H

#include "support/world.h"

int controllers_setup(void **state);
/* In a world that has none yet, as after a start on data that is there. */
int controllers_start(struct world *world);

/* The status of a pod that runs and is ready. */
extern const char world_running[];
/* Every pod that has no phase yet gets this status. */
void world_play_node(struct world *world, const char *status);
/* Twenty seconds, in which new pods get this status each second. */
void world_settle(struct world *world, const char *status);
/* A field of the condition of this type; NULL when there is none. */
const char *world_condition(const json_t *object, const char *type, const char *field);
bool world_has_event(struct world *world, const char *reason, const char *message);

#endif
