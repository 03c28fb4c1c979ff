/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The file: an LMDB environment with one database, version -> record, in append order, and under
 * key 0 what must survive when the records are gone: the newest revision and the oldest readable
 * one. Each record carries a checksum, which LMDB lacks.
 *
 * Writing (begin … commit) belongs to one thread at a time; readers may be on any thread and see
 * what was committed when they began. Fields are little-endian in the record; LMDB's own pages are
 * the machine's.
 */
#ifndef KT_CLUSTER_STORE_DISK_H
#define KT_CLUSTER_STORE_DISK_H

#include "base/err.h"
#include "base/str.h"

#include <lmdb.h>
#include <stdbool.h>
#include <stdint.h>

struct kt_store_record {
	uint64_t at;
	bool is_delete; /* json may be empty then: the state before, at the delete's revision */
	int64_t create_revision;
	int64_t expires_wall_ns;
	int64_t wall_ns; /* when it was written */
	struct kt_sv key, json;
	size_t bytes; /* in the file; set when read */
};

struct kt_store_disk {
	MDB_env *env;
	MDB_dbi dbi;
	MDB_txn *txn;        /* the writer's */
	size_t txn_bytes;    /* in its records */
	size_t seen_bytes;   /* written since the map was let go */
	int dir_fd, lock_fd; /* the lock keeps other processes out; -1: not open */
	int reserve_fd;      /* space kept back so that a full disk can be tidied up */
	bool has_reserve;
	size_t map_bytes, page_bytes;
	void *map; /* NULL: not found */
};

/* Creates the folder and the file when they are missing. Revisions are 0 in a new file. */
int kt_store_disk_open(
        struct kt_store_disk *disk, const char *path, int64_t map_max_bytes, struct kt_err *err);
void kt_store_disk_close(struct kt_store_disk *disk); /* zeroed: ignored */

/* Each returns 0, -ENOSPC (the transaction is lost, later ones may succeed) or another negative
 * errno. */
int kt_store_disk_begin(struct kt_store_disk *disk);
int kt_store_disk_append(struct kt_store_disk *disk, const struct kt_store_record *record);
int kt_store_disk_remove(struct kt_store_disk *disk, uint64_t at);
int kt_store_disk_set_meta(struct kt_store_disk *disk, int64_t revision, int64_t oldest);
int kt_store_disk_commit(struct kt_store_disk *disk);
void kt_store_disk_abort(struct kt_store_disk *disk); /* nothing begun: ignored */
/* Gives the reserve back to the disk when it is full, so that deletes find room. */
void kt_store_disk_release_reserve(struct kt_store_disk *disk);
/* Takes it again; does nothing when it is held, or while the disk has room for little more. */
void kt_store_disk_take_reserve(struct kt_store_disk *disk);

/* Lets go of the pages of the file that were looked at: they are in the system's cache as well, and
 * would count as this process's memory. */
void kt_store_disk_let_go(struct kt_store_disk *disk);

enum kt_store_room {
	KT_STORE_ROOM_ENOUGH,
	KT_STORE_ROOM_LOW,   /* time to let the past go */
	KT_STORE_ROOM_TIGHT, /* what is left is for deletes */
};
enum kt_store_room kt_store_disk_room(const struct kt_store_disk *disk);

struct kt_store_reader {
	MDB_txn *txn;
	MDB_cursor *cursor;
};
int kt_store_reader_open(
        struct kt_store_reader *reader, const struct kt_store_disk *disk, struct kt_err *err);
void kt_store_reader_close(struct kt_store_reader *reader); /* zeroed: ignored */
int kt_store_reader_meta(struct kt_store_reader *reader, int64_t *ret_revision, int64_t *ret_oldest,
        struct kt_err *err);
/* Slices point into the file and live until close. 0, -ENOENT, -EBADMSG. */
int kt_store_reader_get(struct kt_store_reader *reader, uint64_t at,
        struct kt_store_record *ret_record, struct kt_err *err);
/* The first record behind `after`. */
int kt_store_reader_next(struct kt_store_reader *reader, uint64_t after,
        struct kt_store_record *ret_record, struct kt_err *err);

#endif
