/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/map.h"

#include "base/log.h"
#include "base/mem.h"

/* Slots hold entry index + 1, open addressing with linear probing; removed slots are tombstones. */
enum { SLOT_EMPTY = 0 };
#define SLOT_TOMBSTONE UINT32_MAX

struct kt_map_entry {
	char *key; /* NULL: a hole */
	size_t key_len;
	uint64_t hash;
	void *value;
};

void kt_map_init(struct kt_map *map, void (*free_value)(void *value))
{
	*map = (struct kt_map){.free_value = free_value};
}

static void free_entry(struct kt_map *map, struct kt_map_entry *entry)
{
	if (!entry->key)
		return;
	free(entry->key);
	entry->key = NULL;
	if (map->free_value && entry->value)
		map->free_value(entry->value);
}

void kt_map_finish(struct kt_map *map)
{
	if (!map)
		return;
	for (size_t i = 0; i < map->n_used; i++)
		free_entry(map, &map->entries[i]);
	free(map->entries);
	free(map->slots);
	*map = (struct kt_map){.free_value = map->free_value};
}

void kt_map_clear(struct kt_map *map)
{
	for (size_t i = 0; i < map->n_used; i++)
		free_entry(map, &map->entries[i]);
	if (map->n_slots)
		memset(map->slots, 0, map->n_slots * sizeof(*map->slots));
	map->n = map->n_used = 0;
}

/* The slot that holds key, or NULL. */
static uint32_t *find_slot(const struct kt_map *map, struct kt_sv key, uint64_t hash)
{
	if (map->n == 0)
		return NULL;
	for (size_t i = hash & (map->n_slots - 1);; i = (i + 1) & (map->n_slots - 1)) {
		uint32_t slot = map->slots[i];
		if (slot == SLOT_EMPTY)
			return NULL;
		if (slot == SLOT_TOMBSTONE)
			continue;
		const struct kt_map_entry *entry = &map->entries[slot - 1];
		if (entry->hash == hash && entry->key_len == key.len &&
		        memcmp(entry->key, key.p, key.len) == 0)
			return &map->slots[i];
	}
}

static struct kt_map_entry *find(const struct kt_map *map, struct kt_sv key)
{
	if (map->n == 0)
		return NULL;
	uint32_t *slot = find_slot(map, key, kt_hash_key(key.p, key.len));
	return slot ? &map->entries[*slot - 1] : NULL;
}

void *kt_map_get(const struct kt_map *map, const char *key)
{
	return kt_map_get_sv(map, kt_sv_of(key));
}

void *kt_map_get_sv(const struct kt_map *map, struct kt_sv key)
{
	const struct kt_map_entry *entry = find(map, key);

	return entry ? entry->value : NULL;
}

bool kt_map_has(const struct kt_map *map, const char *key)
{
	return find(map, kt_sv_of(key)) != NULL;
}

static void put_slot(struct kt_map *map, uint64_t hash, uint32_t slot)
{
	size_t i = hash & (map->n_slots - 1);

	while (map->slots[i] != SLOT_EMPTY)
		i = (i + 1) & (map->n_slots - 1);
	map->slots[i] = slot;
}

/* Makes room for one more entry: drops the holes, grows when more than half is alive. */
static void make_room(struct kt_map *map)
{
	if (map->n_used < map->cap)
		return;
	size_t kept = 0;
	for (size_t i = 0; i < map->n_used; i++) {
		if (map->entries[i].key)
			map->entries[kept++] = map->entries[i];
	}
	kt_assert(kept == map->n);
	map->n_used = kept;
	if (kept >= map->cap / 2) {
		map->cap = KT_MAX(map->cap * 2, (size_t)8);
		kt_assert(map->cap < UINT32_MAX / 4);
		map->entries = kt_reallocarray(map->entries, map->cap, sizeof(*map->entries));
		/* One entry is used at most once between rebuilds, so half of the slots stay empty.
		 */
		map->n_slots = map->cap * 2;
		free(map->slots);
		map->slots = kt_calloc(map->n_slots, sizeof(*map->slots));
	} else {
		memset(map->slots, 0, map->n_slots * sizeof(*map->slots));
	}
	for (size_t i = 0; i < map->n_used; i++)
		put_slot(map, map->entries[i].hash, (uint32_t)i + 1);
}

void kt_map_set(struct kt_map *map, const char *key, void *value)
{
	kt_map_set_sv(map, kt_sv_of(key), value);
}

void kt_map_set_sv(struct kt_map *map, struct kt_sv key, void *value)
{
	uint64_t hash = kt_hash_key(key.p, key.len);
	uint32_t *slot = find_slot(map, key, hash);

	if (slot) {
		struct kt_map_entry *entry = &map->entries[*slot - 1];
		void *old = entry->value;
		entry->value = value;
		if (map->free_value && old && old != value)
			map->free_value(old);
		return;
	}
	make_room(map);
	map->entries[map->n_used++] = (struct kt_map_entry){
	        .key = kt_sv_dup(key),
	        .key_len = key.len,
	        .hash = hash,
	        .value = value,
	};
	map->n++;
	put_slot(map, hash, (uint32_t)map->n_used);
}

/* Takes the entry out; the value is the caller's. */
static bool take(struct kt_map *map, const char *key, void **ret_value)
{
	struct kt_sv sv = kt_sv_of(key);
	uint32_t *slot = find_slot(map, sv, kt_hash_key(sv.p, sv.len));

	if (!slot)
		return false;
	struct kt_map_entry *entry = &map->entries[*slot - 1];
	*slot = SLOT_TOMBSTONE;
	*ret_value = entry->value;
	free(entry->key);
	*entry = (struct kt_map_entry){0};
	map->n--;
	return true;
}

bool kt_map_del(struct kt_map *map, const char *key)
{
	void *value = NULL;

	if (!take(map, key, &value))
		return false;
	if (map->free_value && value)
		map->free_value(value);
	return true;
}

void *kt_map_take(struct kt_map *map, const char *key)
{
	void *value = NULL;

	return take(map, key, &value) ? value : NULL;
}

bool kt_map_next(const struct kt_map *map, size_t *it, const char **ret_key, void **ret_value)
{
	while (*it < map->n_used) {
		const struct kt_map_entry *entry = &map->entries[(*it)++];
		if (!entry->key)
			continue;
		if (ret_key)
			*ret_key = entry->key;
		if (ret_value)
			*ret_value = entry->value;
		return true;
	}
	return false;
}
