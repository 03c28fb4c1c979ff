/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The local engine behind api/storage/storage.h: an ordered index of the newest objects in memory,
 * recent events in a ring, and, given a folder, an LMDB file with every version under its revision
 * in append order.
 *
 * One writer: its own thread, or the given loop (the simulator). It takes all queued transactions
 * at once, commits them with one LMDB transaction and one sync, shows them to readers and watches,
 * and posts `done`. Readers hold a read lock only while they copy references. A new store starts at
 * revision 1.
 *
 * Prefixes: one that ends in '/' (or is empty) selects all keys that start so; any other selects
 * exactly that key. compact(R): reads and watches from R on stay possible; compacted() is then R
 * - 1. Limits: the constants below. Source: etcd's mvcc layout; lmdb.h.
 */
#ifndef KT_CLUSTER_STORE_STORE_H
#define KT_CLUSTER_STORE_STORE_H

#include "api/storage/storage.h"
#include "base/err.h"
#include "base/loop.h"

#include <stddef.h>
#include <stdint.h>

#define KT_STORE_QUEUE_MAX 4096 /* transactions that wait; more answers -EAGAIN */
#define KT_STORE_HISTORY_MAX_BYTES (INT64_C(256) << 20) /* superseded versions in the file */
#define KT_STORE_HISTORY_MAX_AGE_S \
	3600 /* five minutes are etcd's habit; an hour serves undo and replay */
#define KT_STORE_MEMORY_HISTORY_MAX_BYTES \
	(INT64_C(64) << 20) /* the same for a store without a folder */
#define KT_STORE_MAP_MAX_BYTES \
	(INT64_C(64) << 30) /* address space, not disk: the file grows as it is written */
#define KT_STORE_RESTORE_BUMP \
	INT64_C(1000000000) /* restored revisions lie above all that clients may have seen */

/* Where tests make the disk fail or the process die. Called on the writer. */
struct kt_store_faults {
	/* Before the n-th sync (from 1): 0 goes on, a negative errno makes the commit fail so. */
	int (*before_sync)(void *arg, uint64_t n);
	/* After it, before anybody is told. May be NULL. */
	void (*after_sync)(void *arg, uint64_t n);
	void *arg;
};

struct kt_store_options {
	const char *path;          /* a folder, created when missing; NULL: memory only */
	struct kt_loop *loop;      /* NULL: a writer thread; else transactions are committed on this
	                              loop, in order */
	int64_t history_max_bytes; /* 0: the constant above */
	int64_t history_max_age_s; /* 0: the constant above; negative: no limit */
	size_t queue_max;          /* 0: the constant above */
	int64_t map_max_bytes;     /* 0: the constant above */
	struct kt_store_faults faults;
};

/* -EBUSY when another process has the folder open; -EBADMSG when the file is damaged. */
int kt_store_open(const struct kt_store_options *options, struct kt_storage **ret_storage,
        struct kt_err *err);

/* Makes a store in `into_dir` (empty or missing, else -EEXIST) from a snapshot file. Its revision
 * is the saved one plus KT_STORE_RESTORE_BUMP and all before it counts as compacted. -EBADMSG when
 * the file is damaged. */
int kt_store_restore(const char *path, const char *into_dir, struct kt_err *err);

#endif
