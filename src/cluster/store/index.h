/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The ordered index of keys: a B+ tree of entries with counts, so that scans, seeks and "how many
 * below this prefix" are cheap with hundreds of thousands of keys. An entry stays at its address
 * until it is removed.
 *
 * The caller locks: readers share, one writer changes.
 *
 * A version is named by where its record lies: revision << KT_STORE_SUB_BITS | number of the
 * operation in its transaction.
 */
#ifndef KT_CLUSTER_STORE_INDEX_H
#define KT_CLUSTER_STORE_INDEX_H

#include "api/storage/object.h"

#include <stdbool.h>
#include <stdint.h>

#define KT_STORE_SUB_BITS 6 /* KT_STORAGE_OPS_MAX = 64 */

static inline uint64_t kt_store_at(int64_t revision, unsigned sub)
{
	return (uint64_t)revision << KT_STORE_SUB_BITS | sub;
}
static inline int64_t kt_store_at_revision(uint64_t at)
{
	return (int64_t)(at >> KT_STORE_SUB_BITS);
}

struct kt_store_entry {
	struct kt_object *object; /* newest state; NULL: deleted, only history is left */
	uint64_t at;              /* newest version; 0: none yet */
	uint64_t
	        *older; /* versions before it that are kept, ascending: first_older … n_older - 1 */
	uint32_t first_older, n_older, cap_older;
	uint32_t bytes; /* of the newest version */
	bool deleted;   /* the newest version is a delete */
	char key[];
};

struct kt_store_node;
struct kt_store_index {
	struct kt_store_node *root; /* NULL: empty */
};

struct kt_store_cursor {
	struct kt_store_node *leaf;
	size_t pos;
};

void kt_store_index_finish(
        struct kt_store_index *index); /* frees the entries and their references, too */
struct kt_store_entry *kt_store_index_get(const struct kt_store_index *index, const char *key);
/* Finds or adds; a new entry is all zero besides its key. */
struct kt_store_entry *kt_store_index_add(struct kt_store_index *index, const char *key);
/* Only of an entry without an object. */
void kt_store_index_remove(struct kt_store_index *index, struct kt_store_entry *entry);
/* Replaces the object (the reference is taken over; NULL: deleted) and keeps the counts right. */
void kt_store_index_set_object(
        struct kt_store_index *index, struct kt_store_entry *entry, struct kt_object *object);
/* Live entries from `from` on and below `to` (NULL: to the end), in byte order; from <= to. */
size_t kt_store_index_count(const struct kt_store_index *index, const char *from, const char *to);

/* The first entry at or behind key; next steps on. NULL at the end. */
struct kt_store_entry *kt_store_index_seek(
        const struct kt_store_index *index, const char *key, struct kt_store_cursor *cursor);
struct kt_store_entry *kt_store_index_next(struct kt_store_cursor *cursor);

#endif
