/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The revisioned store as api/server knows it; cluster/store implements it (LMDB file, memory).
 *
 * One counter; every committed transaction is one new revision; keys are "/registry/…" strings. An
 * acknowledged write survives kill -9: `done` is called only after the sync. Reads see only synced
 * data. When a sync fails the store stops taking writes (-EROFS) and goes on reading.
 *
 * Threads: every operation may be called from any thread; callbacks arrive on the loop that the
 * caller names. Readers get references to immutable objects and never wait for the writer's I/O.
 */
#ifndef KT_API_STORAGE_STORAGE_H
#define KT_API_STORAGE_STORAGE_H

#include "api/storage/object.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/loop.h"

#include <stdbool.h>
#include <stdint.h>

struct kt_storage;
struct kt_storage_watch;
struct kt_storage_snapshot;

#define KT_STORAGE_OPS_MAX 64 /* per transaction */

enum kt_storage_op_kind {
	KT_STORAGE_PUT,
	KT_STORAGE_DELETE,
	KT_STORAGE_CHECK, /* only the condition: key is at expect_revision */
};
#define KT_STORAGE_ANY ((int64_t)-1) /* expect_revision: no condition */

struct kt_storage_op {
	enum kt_storage_op_kind kind;
	const char *key;         /* the caller keeps it until done */
	int64_t expect_revision; /* 0: must not exist; > 0: must be there at this revision;
	                            KT_STORAGE_ANY */
	/* PUT: the new object (its revision is filled in by the writer). DELETE: the final state to
	 * show in the watch event, or NULL for the stored one; the event's object carries the
	 * delete's revision. Borrowed until done. */
	struct kt_object *object;
	/* result: PUT: the stored object; DELETE: the object as deleted; on a failed condition what
	 * is stored now (or NULL). One reference, taken over by the submitter. */
	struct kt_object *ret_object;
};

struct kt_storage_txn {
	struct kt_storage_op *ops; /* all or nothing, in order, no key twice */
	size_t n_ops;
	struct kt_loop *loop; /* where done runs */
	void (*done)(struct kt_storage_txn *txn);
	/* results */
	int status; /* 0; -EEXIST, -ENOENT, -ESTALE: op `failed_op` did not hold; -EROFS stopped;
	               -ENOSPC full; -EIO */
	size_t failed_op;
	int64_t revision;
	/* for the implementation */
	struct kt_task task;
	struct kt_storage_txn *next;
};

struct kt_storage_range {
	const char *prefix; /* keys that start so; a whole key for one object */
	const char *start;  /* first key, inclusive; NULL: from the prefix on */
	int64_t revision; /* 0: latest; else exactly there (-ESTALE when compacted, -ERANGE when in
	                     the future) */
	size_t limit;     /* 0: no limit */
	/* Called without any lock for each object before it counts toward limit; NULL: all. */
	bool (*filter)(void *arg, const struct kt_object *object);
	void *filter_arg;
};

struct kt_storage_list {
	struct kt_object **objects; /* references */
	size_t n;
	int64_t revision; /* of the snapshot */
	bool more;        /* limit was hit */
	char *next_key;   /* where to go on when more; heap */
	size_t remaining; /* how many keys are left below the prefix, filter not applied */
};
void kt_storage_list_finish(struct kt_storage_list *list);

enum kt_storage_event_type { KT_STORAGE_EVENT_PUT, KT_STORAGE_EVENT_DELETE };
struct kt_storage_event {
	enum kt_storage_event_type type;
	int64_t revision;
	struct kt_object *object; /* PUT: new state; DELETE: last state, at the delete's revision.
	                             Reference. */
	struct kt_object *prev;   /* state before, NULL when it was created. Reference. */
};
void kt_storage_event_finish(struct kt_storage_event *event);

struct kt_storage_ops {
	/* 0, or -ENOENT. */
	int (*get)(struct kt_storage *storage, const char *key, int64_t revision,
	        struct kt_object **ret_object, struct kt_err *err);
	int (*range)(struct kt_storage *storage, const struct kt_storage_range *range,
	        struct kt_storage_list *ret_list, struct kt_err *err);
	size_t (*count)(struct kt_storage *storage, const char *prefix);
	/* Queues the transaction; -EAGAIN when the queue is full (answered with 429), -EROFS when
	 * stopped. */
	int (*submit)(struct kt_storage *storage, struct kt_storage_txn *txn, struct kt_err *err);
	/* 0; the negative errno of submit once no write can succeed any more. */
	int (*health)(struct kt_storage *storage);
	int64_t (*revision)(struct kt_storage *storage); /* newest synced */
	int64_t (*compacted)(
	        struct kt_storage *storage); /* reads and watches at or below are refused */
	/* Events after from_revision on keys with the prefix. `wake` is posted to `loop` whenever
	 * next() may have more. -ESTALE when from_revision is compacted, -ERANGE when it is in the
	 * future. */
	int (*watch_open)(struct kt_storage *storage, const char *prefix, int64_t from_revision,
	        struct kt_loop *loop, struct kt_task *wake, struct kt_storage_watch **ret_watch,
	        struct kt_err *err);
	/* 1: *ret_event filled; 0: nothing now; -ESTALE: fell behind the history that is kept. */
	int (*watch_next)(struct kt_storage_watch *watch, struct kt_storage_event *ret_event);
	/* Revision up to which this watch has delivered everything. */
	int64_t (*watch_progress)(struct kt_storage_watch *watch);
	void (*watch_close)(struct kt_storage_watch *watch);
	int (*compact)(struct kt_storage *storage, int64_t revision, struct kt_err *err);
	/* A consistent copy of everything, with a checksum; also while writes go on. It holds
	 * references, not copies, and is read piece by piece, on one thread at a time: 1, 0 at the
	 * end, negative errno. */
	int (*snapshot_open)(struct kt_storage *storage, struct kt_storage_snapshot **ret_snapshot,
	        struct kt_err *err);
	int (*snapshot_next)(struct kt_storage_snapshot *snapshot, struct kt_buf **ret_piece,
	        struct kt_err *err);
	void (*snapshot_close)(struct kt_storage_snapshot *snapshot); /* NULL: ignored */
	/* The same into a file, which appears whole or not at all. */
	int (*snapshot_save)(struct kt_storage *storage, const char *path, struct kt_err *err);
	void (*destroy)(struct kt_storage *storage);
};

/* Implementations embed this first. */
struct kt_storage {
	const struct kt_storage_ops *ops;
};

#endif
