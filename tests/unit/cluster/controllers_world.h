/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A world (support/world.h) with all controllers running in it. */
#ifndef KT_TESTS_UNIT_CLUSTER_CONTROLLERS_WORLD_H
#define KT_TESTS_UNIT_CLUSTER_CONTROLLERS_WORLD_H

#include "support/world.h"

int controllers_setup(void **state);

#endif
