/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A small set of names for duplicate checks. Lists in objects are short: an array in the arena is
 * enough. */
#ifndef KT_API_SERVER_RULES_NAMES_H
#define KT_API_SERVER_RULES_NAMES_H

#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>

struct kt_names {
	struct kt_arena *arena;
	const char **items; /* borrowed strings */
	size_t n, cap;
};

bool kt_names_has(const struct kt_names *names, const char *name);
/* False when it is there already. */
bool kt_names_add(struct kt_names *names, const char *name);

/* True for a path with a ".." segment. */
bool kt_has_backsteps(const char *path);

#endif
