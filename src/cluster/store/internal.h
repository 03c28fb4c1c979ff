/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the files of the local engine share.
 *
 * Locks, taken in this order:
 *
 *	queue_lock	the queue of transactions and requests to the writer
 *	watch_lock	which watches exist (groups and their lists)
 *	state_lock	index, ring, oldest, compaction queue, the watches' cursors: readers share
 *			it, the writer takes it to publish
 *
 * None is held across I/O or a callback. The disk's write transaction, `next_revision`, expiry and
 * `disk_garbage` belong to the writer alone. The index is changed by the writer only, so the writer
 * reads it without the lock.
 */
#ifndef KT_CLUSTER_STORE_INTERNAL_H
#define KT_CLUSTER_STORE_INTERNAL_H

#include "base/map.h"
#include "base/vec.h"
#include "cluster/store/disk.h"
#include "cluster/store/index.h"
#include "cluster/store/store.h"

#include <pthread.h>

enum {
	KT_STORE_GROUP_MAX = 1024,        /* transactions in one commit */
	KT_STORE_BATCH = 2048,            /* references copied under one hold of state_lock */
	KT_STORE_COMPACT_BATCH = 512,     /* records taken out of the file in one commit */
	KT_STORE_COMPACT_BATCH_FULL = 64, /* the same on a full disk */
	KT_STORE_FULL_PERIOD_MS = 20,     /* between two of these */
	KT_STORE_RING_MAX_EVENTS = 1 << 16,
	KT_STORE_RING_MAX_BYTES =
	        16 << 20,              /* what only the ring keeps alive: objects since replaced */
	KT_STORE_RING_MAX_AGE_S = 300, /* an idle cluster's heartbeats need not stay in memory */
	KT_STORE_EXPIRY_PERIOD_MS = 1000,   /* expired objects go together */
	KT_STORE_COMPACT_PERIOD_MS = 10000, /* how often age is looked at */
	KT_STORE_BURST = 4096,   /* transactions that leave holes in the heaps worth a visit */
	KT_STORE_BUSY = 32,      /* transactions in one commit: a burst goes on */
	KT_STORE_REST_MS = 1000, /* without such a commit it is over */
};

/* One change: what a watch shows. */
struct kt_store_event {
	uint64_t at;
	bool is_delete;
	struct kt_object *object; /* reference */
	struct kt_object *prev;   /* reference or NULL */
	int64_t wall_ns;          /* when it was written; 0 where nobody asks */
};

/* The newest events by sequence number: base … base + n - 1. */
struct kt_store_ring {
	struct kt_store_event *events;
	size_t cap; /* power of two */
	uint64_t base;
	size_t n;
	int64_t bytes;       /* of the prev objects */
	uint64_t dropped_at; /* the newest version that is not in the ring: all behind it are */
};

/* A version that nobody may read once `oldest` reaches `superseded`. Queued in order of that. */
struct kt_store_garbage {
	int64_t superseded;
	uint64_t at;
	struct kt_store_entry *entry;
	int64_t wall_ns; /* when it was superseded */
	uint32_t bytes;
};
struct kt_store_garbage_queue {
	struct kt_store_garbage *items;
	size_t cap; /* power of two */
	uint64_t base;
	size_t n;
	int64_t bytes;
};

/* All watches of one prefix share the list of what concerns them, so that none walks through other
 * kinds' events. */
struct kt_store_group {
	char *prefix;
	KT_VEC(uint64_t) seqs; /* ring sequence numbers of what concerns it */
	size_t first;          /* those before are gone */
	uint64_t first_index;  /* absolute index of `first`: what watches count in */
	uint64_t since_at;     /* complete for versions behind this */
	struct kt_storage_watch *watches, **watches_tail;
	struct kt_store_group *next_marked;
	bool marked;
};

struct kt_store_expiry {
	int64_t wall_ns;
	int64_t revision;
	char *key;
};

struct kt_store {
	struct kt_storage base;
	struct kt_loop *loop; /* NULL: own thread */
	int64_t history_max_bytes, history_max_age_s;
	size_t queue_max;
	struct kt_store_faults faults;
	struct kt_store_disk disk; /* env NULL: memory only */

	pthread_mutex_t queue_lock;
	pthread_cond_t queue_cond;
	struct kt_storage_txn *queue_head, **queue_tail;
	size_t n_queued;
	bool compact_wanted;
	bool quit;

	pthread_mutex_t watch_lock;
	struct kt_map groups; /* prefix -> kt_store_group */
	struct kt_store_group *marked, **marked_tail;

	pthread_rwlock_t state_lock;
	struct kt_store_index index;
	struct kt_store_ring ring;
	struct kt_store_garbage_queue garbage;
	int64_t oldest; /* oldest readable revision */

	_Atomic int64_t revision; /* newest published */
	_Atomic int stopped;      /* negative errno: no more writes */

	/* the writer's */
	pthread_t thread;
	struct kt_task task;
	struct kt_timer timer;
	int64_t next_revision;
	uint64_t n_syncs;
	size_t n_since_rest;           /* transactions */
	int64_t busy_wall_ns;          /* the last commit of many */
	KT_VEC(uint64_t) disk_garbage; /* records to remove from the file, from `n_removed` on */
	size_t n_removed;
	int64_t disk_oldest;                   /* as the file knows it */
	KT_VEC(struct kt_store_expiry) expiry; /* heap, soonest first */
};

static inline struct kt_store *kt_store_of(struct kt_storage *storage)
{
	return (struct kt_store *)storage;
}
int64_t kt_store_wall_ns(const struct kt_store *store);
int64_t kt_store_compacted(struct kt_storage *storage);
/* prefix selects key; see store.h. */
bool kt_store_selects(const char *prefix, size_t prefix_len, const char *key);

/* history.c: ring and garbage; state_lock held for writing, or shared where it says so. */
void kt_store_ring_push(
        struct kt_store *store, const struct kt_store_event *event); /* takes the references */
const struct kt_store_event *kt_store_ring_at(
        const struct kt_store *store, uint64_t seq); /* shared */
/* The sequence number of the first event behind a version. Shared. */
uint64_t kt_store_ring_after(const struct kt_store *store, uint64_t at);
/* The event of a version, NULL when it left the ring. Shared. */
const struct kt_store_event *kt_store_ring_find(const struct kt_store *store, uint64_t at);
void kt_store_history_finish(struct kt_store *store);
struct kt_store_version {
	uint64_t at;
	bool is_delete;
	struct kt_object *object; /* taken; NULL: deleted, or not loaded yet */
	uint32_t bytes;
	int64_t wall_ns;
};
/* Moves entry to a new version and queues what that makes garbage. */
void kt_store_supersede(struct kt_store *store, struct kt_store_entry *entry,
        const struct kt_store_version *version);
/* Raises oldest where size and age (or `all`) demand it, then drops garbage. */
void kt_store_compact_history(struct kt_store *store, int64_t wall_ns, bool all);

/* load.c */
int kt_store_load(struct kt_store *store, struct kt_err *err);
int kt_store_record_object(
        const struct kt_store_record *record, struct kt_object **ret_object, struct kt_err *err);

/* writer.c */
int kt_store_writer_start(struct kt_store *store, struct kt_err *err);
void kt_store_writer_stop(struct kt_store *store);
int kt_store_submit(struct kt_storage *storage, struct kt_storage_txn *txn, struct kt_err *err);
int kt_store_compact(struct kt_storage *storage, int64_t revision, struct kt_err *err);

/* expiry.c: the writer's. */
void kt_store_expiry_add(struct kt_store *store, const struct kt_object *object);
/* When the next object expires, INT64_MAX: never. */
int64_t kt_store_expiry_next(const struct kt_store *store);
/* The next object that is due: its key (heap) and revision; NULL: none. */
char *kt_store_expiry_take(struct kt_store *store, int64_t wall_ns, int64_t *ret_revision);
void kt_store_expiry_finish(struct kt_store *store);

/* read.c */
int kt_store_get(struct kt_storage *storage, const char *key, int64_t revision,
        struct kt_object **ret_object, struct kt_err *err);
int kt_store_range(struct kt_storage *storage, const struct kt_storage_range *range,
        struct kt_storage_list *ret_list, struct kt_err *err);
size_t kt_store_count(struct kt_storage *storage, const char *prefix);

/* watch.c */
int kt_store_watch_open(struct kt_storage *storage, const char *prefix, int64_t from_revision,
        struct kt_loop *loop, struct kt_task *wake, struct kt_storage_watch **ret_watch,
        struct kt_err *err);
int kt_store_watch_next(struct kt_storage_watch *watch, struct kt_storage_event *ret_event);
int64_t kt_store_watch_progress(struct kt_storage_watch *watch);
void kt_store_watch_close(struct kt_storage_watch *watch);
/* An event went into the ring as seq; both locks held. Marks the groups it concerns. */
void kt_store_watch_note(struct kt_store *store, const char *key, uint64_t seq);
/* Posts the wakes of marked groups; watch_lock held, state_lock not. */
void kt_store_watch_wake(struct kt_store *store);

/* snapshot.c */
int kt_store_snapshot_open(
        struct kt_storage *storage, struct kt_storage_snapshot **ret_snapshot, struct kt_err *err);
int kt_store_snapshot_next(
        struct kt_storage_snapshot *snapshot, struct kt_buf **ret_piece, struct kt_err *err);
void kt_store_snapshot_close(struct kt_storage_snapshot *snapshot);
int kt_store_snapshot_save(struct kt_storage *storage, const char *path, struct kt_err *err);

#endif
