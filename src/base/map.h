/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A hash map from strings (copied) to pointers, iterated in insertion order so that whatever
 * depends on its order is deterministic. Embed it; init/finish. Not thread-safe. Removal while
 * iterating with kt_map_next() is allowed for the entry just returned.
 */
#ifndef KT_BASE_MAP_H
#define KT_BASE_MAP_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kt_map_entry;
struct kt_map {
	struct kt_map_entry *entries; /* insertion order, with holes */
	uint32_t *slots;
	size_t n;      /* live entries */
	size_t n_used; /* entries and holes */
	size_t cap;
	size_t n_slots;
	void (*free_value)(void *value); /* may be NULL */
};

void kt_map_init(struct kt_map *map, void (*free_value)(void *value));
void kt_map_finish(struct kt_map *map);
void kt_map_clear(struct kt_map *map);
void *kt_map_get(const struct kt_map *map, const char *key);
void *kt_map_get_sv(const struct kt_map *map, struct kt_sv key);
bool kt_map_has(const struct kt_map *map, const char *key);
/* Sets or replaces (the old value is freed by free_value). */
void kt_map_set(struct kt_map *map, const char *key, void *value);
void kt_map_set_sv(struct kt_map *map, struct kt_sv key, void *value);
/* Removes and frees; false when absent. */
bool kt_map_del(struct kt_map *map, const char *key);
/* Removes and returns the value, not freed; NULL when absent. */
void *kt_map_take(struct kt_map *map, const char *key);
/* Iteration: `size_t it = 0; while (kt_map_next(&m, &it, &key, &value)) …`; key and value may be
 * NULL. */
bool kt_map_next(const struct kt_map *map, size_t *it, const char **ret_key, void **ret_value);

#endif
