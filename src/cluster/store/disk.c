/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster/store/disk.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <zlib.h>

enum {
	FORMAT = 1,
	READERS_MAX = 1024,
	MAP_MIN_BYTES = 1 << 20,
	RESERVE_BYTES = 1 << 20,
	LET_GO_BYTES = 16 << 20, /* after so much writing the map is let go */
	RESUME_BYTES = 4 << 20,  /* a full disk must have so much again */
};

/* What lies before key and JSON in a record. */
struct header {
	uint32_t crc; /* of all that follows, then of the version */
	uint8_t format;
	uint8_t is_delete;
	uint16_t key_len;
	uint64_t create_revision, expires_wall_ns, wall_ns;
};

struct meta {
	uint32_t crc, format;
	uint64_t revision, oldest;
};

static int error_of(int rc)
{
	if (rc == MDB_MAP_FULL || rc == MDB_TXN_FULL || rc == ENOSPC || rc == EDQUOT)
		return -ENOSPC;
	if (rc == MDB_CORRUPTED || rc == MDB_PAGE_NOTFOUND || rc == MDB_INVALID ||
	        rc == MDB_VERSION_MISMATCH)
		return -EBADMSG;
	return rc > 0 ? -rc : -EIO;
}

static int fail_mdb(struct kt_err *err, int rc, const char *what)
{
	return kt_fail(err, error_of(rc), "%s: %s", what, mdb_strerror(rc));
}

/* LMDB found its pages to contradict each other: the file is damaged where no checksum looks. */
static void on_mdb_assert(MDB_env *env, const char *text)
{
	(void)env;
	kt_log_error("store", "the store's file is damaged: %s", text);
	abort();
}

/* LMDB reads through a map: what lies behind the end of the file would end the process there. */
static int check_length(MDB_env *env, struct kt_err *err)
{
	struct stat st;
	MDB_envinfo info;
	MDB_stat stat;
	int fd, rc = mdb_env_get_fd(env, &fd);

	if (rc == 0)
		rc = mdb_env_info(env, &info);
	if (rc == 0)
		rc = mdb_env_stat(env, &stat);
	if (rc)
		return fail_mdb(err, rc, "opening the store");
	if (fstat(fd, &st) < 0)
		return kt_fail(err, errno, "store.mdb: %s", strerror(errno));
	uint64_t pages = (uint64_t)st.st_size / stat.ms_psize, wanted = info.me_last_pgno + 1;
	if (pages < wanted)
		return kt_fail(err, EBADMSG,
		        "store.mdb is damaged: it is cut off after %" PRIu64 " of %" PRIu64
		        " pages",
		        pages, wanted);
	return 0;
}

/* LMDB does not tell where its map lies. */
static void *find_map(MDB_env *env)
{
	kt_auto_fclose FILE *maps = fopen("/proc/self/maps", "re");
	char line[4096 + 128];
	struct stat st;
	int fd;

	if (!maps || mdb_env_get_fd(env, &fd) || fstat(fd, &st) < 0)
		return NULL;
	while (fgets(line, sizeof(line), maps)) {
		uintptr_t start;
		unsigned long major_no, minor_no, inode;
		if (sscanf(line, "%" SCNxPTR "-%*x %*s %*x %lx:%lx %lu", &start, &major_no,
		            &minor_no, &inode) == 4 &&
		        inode == st.st_ino && major_no == major(st.st_dev) &&
		        minor_no == minor(st.st_dev))
			return (void *)start;
	}
	return NULL;
}

void kt_store_disk_let_go(struct kt_store_disk *disk)
{
	disk->seen_bytes = 0;
	if (disk->map && madvise(disk->map, disk->map_bytes, MADV_DONTNEED) < 0)
		kt_log_debug("store", "letting go of pages: %s", strerror(errno));
}

/* LMDB's own lock file would let several processes in; one store, one process. */
static int lock_dir(struct kt_store_disk *disk, const char *path, struct kt_err *err)
{
	char text[32] = "";

	disk->lock_fd = kt_open_beneath(disk->dir_fd, "lock", O_RDWR | O_CREAT, 0600, err);
	if (disk->lock_fd < 0)
		return disk->lock_fd;
	if (flock(disk->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return kt_fail(err, errno, "locking %s: %s", path, strerror(errno));
		ssize_t n = pread(disk->lock_fd, text, sizeof(text) - 1, 0);
		if (n > 0)
			text[strspn(text, "0123456789")] = '\0';
		return kt_fail(
		        err, EBUSY, "%s is in use by process %s", path, *text ? text : "unknown");
	}
	int len = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	/* Only a hint for the message above. */
	if (ftruncate(disk->lock_fd, 0) < 0 || pwrite(disk->lock_fd, text, (size_t)len, 0) < 0)
		kt_log_debug("store", "noting the process in the lock file: %s", strerror(errno));
	return 0;
}

/* A new store gets its name only once it has its pages: LMDB takes an empty file for a new one, and
 * an empty file of this name is what was left of a cluster's data. */
static int make_file(
        struct kt_store_disk *disk, const char *path, const char *file, struct kt_err *err)
{
	kt_auto_free char *new_file = kt_path_join(path, "store.mdb.new");
	struct stat st;
	MDB_env *env = NULL;
	MDB_txn *txn;
	MDB_dbi dbi;

	if (stat(file, &st) == 0)
		return st.st_size ? 0 : kt_fail(err, EBADMSG, "store.mdb is damaged: it is empty");
	if (errno != ENOENT)
		return kt_fail(err, errno, "store.mdb: %s", strerror(errno));
	if (unlink(new_file) < 0 && errno != ENOENT)
		return kt_fail(err, errno, "store.mdb.new: %s", strerror(errno));
	int rc = mdb_env_create(&env);
	if (!rc)
		rc = mdb_env_open(env, new_file, MDB_NOSUBDIR | MDB_NOTLS, 0600);
	if (!rc)
		rc = mdb_txn_begin(env, NULL, 0, &txn);
	if (!rc) {
		rc = mdb_dbi_open(txn, NULL, MDB_INTEGERKEY, &dbi);
		if (!rc)
			rc = mdb_txn_commit(txn);
		else
			mdb_txn_abort(txn);
	}
	if (!rc)
		rc = mdb_env_sync(env, 1);
	mdb_env_close(env);
	unlinkat(disk->dir_fd, "store.mdb.new-lock", 0);
	if (rc)
		return fail_mdb(err, rc, "creating the store");
	if (rename(new_file, file) < 0)
		return kt_fail(err, errno, "store.mdb: %s", strerror(errno));
	return 0;
}

/* Takes the largest map the address space gives: a limit on it (ulimit -v) must not stop the store.
 */
static int open_env(
        struct kt_store_disk *disk, const char *path, size_t map_bytes, struct kt_err *err)
{
	kt_auto_free char *file = kt_path_join(path, "store.mdb");

	for (;; map_bytes /= 2) {
		int rc = mdb_env_create(&disk->env);
		if (rc)
			return fail_mdb(err, rc, "creating the store's environment");
		mdb_env_set_maxreaders(disk->env, READERS_MAX);
		mdb_env_set_assert(disk->env, on_mdb_assert);
		rc = mdb_env_set_mapsize(disk->env, map_bytes);
		if (!rc)
			rc = mdb_env_open(
			        disk->env, file, MDB_NOSUBDIR | MDB_NOTLS | MDB_NORDAHEAD, 0600);
		if (!rc) {
			disk->map_bytes = map_bytes;
			disk->map = find_map(disk->env);
			return check_length(disk->env, err);
		}
		mdb_env_close(disk->env);
		disk->env = NULL;
		if (rc != ENOMEM || map_bytes / 2 < MAP_MIN_BYTES) {
			return kt_fail(err, error_of(rc), "store.mdb: %s", mdb_strerror(rc));
		}
	}
}

static int open_database(struct kt_store_disk *disk, struct kt_err *err)
{
	MDB_txn *txn;
	MDB_stat stat;
	int rc = mdb_txn_begin(disk->env, NULL, 0, &txn);

	if (rc)
		return fail_mdb(err, rc, "opening the store");
	rc = mdb_dbi_open(txn, NULL, MDB_INTEGERKEY, &disk->dbi);
	if (!rc)
		rc = mdb_stat(txn, disk->dbi, &stat);
	if (rc) {
		mdb_txn_abort(txn);
		return fail_mdb(err, rc, "opening the store");
	}
	disk->page_bytes = stat.ms_psize;
	rc = mdb_txn_commit(txn);
	return rc ? fail_mdb(err, rc, "opening the store") : 0;
}

/* File systems that cannot keep space back go without. */
static bool keep_space(int fd, off_t bytes)
{
	return fallocate(fd, 0, 0, bytes) == 0 || errno == EOPNOTSUPP;
}

void kt_store_disk_take_reserve(struct kt_store_disk *disk)
{
	if (disk->has_reserve)
		return;
	/* The room that the reserve itself has left is no room: deletes need it. */
	disk->has_reserve = keep_space(disk->reserve_fd, RESUME_BYTES);
	if (ftruncate(disk->reserve_fd, disk->has_reserve ? RESERVE_BYTES : 0) < 0)
		kt_log_warning("store", "keeping the reserve: %s", strerror(errno));
}

void kt_store_disk_release_reserve(struct kt_store_disk *disk)
{
	if (disk->has_reserve && ftruncate(disk->reserve_fd, 0) < 0)
		kt_log_warning("store", "giving the reserve back: %s", strerror(errno));
	disk->has_reserve = false;
}

static int open_reserve(struct kt_store_disk *disk, struct kt_err *err)
{
	disk->reserve_fd = kt_open_beneath(disk->dir_fd, "reserve", O_RDWR | O_CREAT, 0600, err);
	if (disk->reserve_fd < 0)
		return disk->reserve_fd;
	disk->has_reserve = keep_space(disk->reserve_fd, RESERVE_BYTES);
	return 0;
}

int kt_store_disk_open(
        struct kt_store_disk *disk, const char *path, int64_t map_max_bytes, struct kt_err *err)
{
	*disk = (struct kt_store_disk){.dir_fd = -1, .lock_fd = -1, .reserve_fd = -1};
	kt_auto_free char *file = kt_path_join(path, "store.mdb");
	int rc = kt_make_dirs(path, 0700, err);

	if (rc < 0)
		return rc;
	disk->dir_fd = open(path, O_DIRECTORY | O_CLOEXEC | O_RDONLY);
	if (disk->dir_fd < 0)
		return kt_fail(err, errno, "opening %s: %s", path, strerror(errno));
	rc = lock_dir(disk, path, err);
	if (rc == 0)
		rc = open_reserve(disk, err);
	if (rc == 0)
		rc = make_file(disk, path, file, err);
	if (rc == 0)
		rc = open_env(disk, path, (size_t)map_max_bytes, err);
	if (rc == 0)
		rc = open_database(disk, err);
	if (rc == 0 && fsync(disk->dir_fd) < 0) /* the file's name, too, must survive */
		rc = kt_fail(err, errno, "syncing %s: %s", path, strerror(errno));
	if (rc < 0)
		kt_store_disk_close(disk);
	return rc;
}

void kt_store_disk_close(struct kt_store_disk *disk)
{
	if (disk->env) {
		kt_store_disk_abort(disk);
		mdb_env_close(disk->env);
		disk->env = NULL;
	}
	kt_close_p(&disk->reserve_fd);
	kt_close_p(&disk->lock_fd);
	kt_close_p(&disk->dir_fd);
}

int kt_store_disk_begin(struct kt_store_disk *disk)
{
	kt_assert(!disk->txn);
	disk->txn_bytes = 0;
	int rc = mdb_txn_begin(disk->env, NULL, 0, &disk->txn);

	if (rc) {
		disk->txn = NULL;
		return error_of(rc);
	}
	return 0;
}

static uint32_t checksum(const void *data, size_t len, uint64_t at)
{
	uint64_t at_le = htole64(at);
	uLong crc = crc32(0, (const Bytef *)data, (uInt)len);

	return (uint32_t)crc32(crc, (const Bytef *)&at_le, sizeof(at_le));
}

static MDB_val key_val(uint64_t *at)
{
	_Static_assert(sizeof(size_t) == sizeof(uint64_t), "MDB_INTEGERKEY wants size_t");
	return (MDB_val){sizeof(*at), at};
}

int kt_store_disk_append(struct kt_store_disk *disk, const struct kt_store_record *record)
{
	uint64_t at = record->at;
	MDB_val key = key_val(&at);
	MDB_val value = {sizeof(struct header) + record->key.len + record->json.len, NULL};
	int rc = mdb_put(disk->txn, disk->dbi, &key, &value, MDB_APPEND | MDB_RESERVE);

	if (rc)
		return error_of(rc);
	disk->txn_bytes += value.mv_size;
	struct header header = {
	        .format = FORMAT,
	        .is_delete = record->is_delete,
	        .key_len = htole16((uint16_t)record->key.len),
	        .create_revision = htole64((uint64_t)record->create_revision),
	        .expires_wall_ns = htole64((uint64_t)record->expires_wall_ns),
	        .wall_ns = htole64((uint64_t)record->wall_ns),
	};
	char *p = value.mv_data;
	memcpy(p, &header, sizeof(header));
	memcpy(p + sizeof(header), record->key.p, record->key.len);
	if (record->json.len)
		memcpy(p + sizeof(header) + record->key.len, record->json.p, record->json.len);
	uint32_t crc = htole32(checksum(p + sizeof(crc), value.mv_size - sizeof(crc), at));
	memcpy(p, &crc, sizeof(crc));
	return 0;
}

int kt_store_disk_remove(struct kt_store_disk *disk, uint64_t at)
{
	MDB_val key = key_val(&at);
	int rc = mdb_del(disk->txn, disk->dbi, &key, NULL);

	return rc && rc != MDB_NOTFOUND ? error_of(rc) : 0;
}

int kt_store_disk_set_meta(struct kt_store_disk *disk, int64_t revision, int64_t oldest)
{
	uint64_t zero = 0;
	struct meta meta = {
	        .format = htole32(FORMAT),
	        .revision = htole64((uint64_t)revision),
	        .oldest = htole64((uint64_t)oldest),
	};
	meta.crc = htole32(checksum(&meta.format, sizeof(meta) - sizeof(meta.crc), 0));
	MDB_val key = key_val(&zero), value = {sizeof(meta), &meta};
	int rc = mdb_put(disk->txn, disk->dbi, &key, &value, 0);

	return rc ? error_of(rc) : 0;
}

/* Whether the disk has no room for what the transaction wanted to write. */
static bool is_full(const struct kt_store_disk *disk)
{
	off_t len = (off_t)(2 * disk->txn_bytes + RESERVE_BYTES);
	struct statvfs vfs;
	struct stat st;
	int fd;

	if (mdb_env_get_fd(disk->env, &fd) || fstat(fd, &st) < 0)
		return false;
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, st.st_size, len) == 0)
		return false;
	if (errno != EOPNOTSUPP)
		return errno == ENOSPC || errno == EDQUOT;
	return fstatvfs(fd, &vfs) == 0 && (off_t)(vfs.f_bavail * vfs.f_frsize) < len;
}

int kt_store_disk_commit(struct kt_store_disk *disk)
{
	int rc = mdb_txn_commit(kt_steal(&disk->txn));

	disk->seen_bytes += disk->txn_bytes;
	if (disk->seen_bytes > LET_GO_BYTES)
		kt_store_disk_let_go(disk);
	/* A write that finds room for a part alone is EIO to LMDB. Nothing refers to the pages it
	 * wrote: they come before the head, whose failure LMDB does not let pass. */
	if (rc == EIO && is_full(disk))
		rc = ENOSPC;
	return rc ? error_of(rc) : 0;
}

void kt_store_disk_abort(struct kt_store_disk *disk)
{
	if (disk->txn)
		mdb_txn_abort(kt_steal(&disk->txn));
}

/* Pages that were freed lie in a list of LMDB's own, which only a reading transaction may look at.
 * Near the end it is worth counting them. */
static size_t free_pages(MDB_env *env)
{
	enum { FREE_DBI = 0 };
	MDB_txn *txn;
	MDB_cursor *cursor;
	MDB_val key, value;
	size_t pages = 0;

	if (mdb_txn_begin(env, NULL, MDB_RDONLY, &txn))
		return 0;
	if (mdb_cursor_open(txn, FREE_DBI, &cursor) == 0) {
		while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
			size_t n;
			memcpy(&n, value.mv_data, sizeof(n));
			pages += n;
		}
		mdb_cursor_close(cursor);
	}
	mdb_txn_abort(txn);
	return pages;
}

enum kt_store_room kt_store_disk_room(const struct kt_store_disk *disk)
{
	MDB_envinfo info;
	size_t reserve = KT_MIN(disk->map_bytes / 8, (size_t)64 << 20);
	size_t room =
	        0; /* without the reserve the file cannot grow: only what was freed in it counts */

	if (mdb_env_info(disk->env, &info))
		return KT_STORE_ROOM_ENOUGH;
	if (disk->has_reserve)
		room = disk->map_bytes -
		       KT_MIN((info.me_last_pgno + 1) * disk->page_bytes, disk->map_bytes);
	else
		reserve = KT_MIN(reserve, (size_t)RESERVE_BYTES / 4);
	if (room < 2 * reserve)
		room += free_pages(disk->env) * disk->page_bytes;
	if (room < reserve)
		return KT_STORE_ROOM_TIGHT;
	return room < 2 * reserve ? KT_STORE_ROOM_LOW : KT_STORE_ROOM_ENOUGH;
}

int kt_store_reader_open(
        struct kt_store_reader *reader, const struct kt_store_disk *disk, struct kt_err *err)
{
	*reader = (struct kt_store_reader){0};
	int rc = mdb_txn_begin(disk->env, NULL, MDB_RDONLY, &reader->txn);

	if (rc) {
		reader->txn = NULL;
		return fail_mdb(err, rc, "reading the store");
	}
	rc = mdb_cursor_open(reader->txn, disk->dbi, &reader->cursor);
	if (rc) {
		reader->cursor = NULL;
		kt_store_reader_close(reader);
		return fail_mdb(err, rc, "reading the store");
	}
	return 0;
}

void kt_store_reader_close(struct kt_store_reader *reader)
{
	if (reader->cursor)
		mdb_cursor_close(reader->cursor);
	if (reader->txn)
		mdb_txn_abort(reader->txn);
	*reader = (struct kt_store_reader){0};
}

int kt_store_reader_meta(struct kt_store_reader *reader, int64_t *ret_revision, int64_t *ret_oldest,
        struct kt_err *err)
{
	uint64_t zero = 0;
	struct meta meta;
	MDB_val key = key_val(&zero), value;
	int rc = mdb_cursor_get(reader->cursor, &key, &value, MDB_SET_KEY);

	if (rc == MDB_NOTFOUND) {
		*ret_revision = *ret_oldest = 0;
		return 0;
	}
	if (rc)
		return fail_mdb(err, rc, "reading the store");
	if (value.mv_size != sizeof(meta))
		return kt_fail(err, EBADMSG, "the store's head is damaged");
	memcpy(&meta, value.mv_data, sizeof(meta));
	if (le32toh(meta.crc) != checksum(&meta.format, sizeof(meta) - sizeof(meta.crc), 0))
		return kt_fail(err, EBADMSG, "the store's head is damaged");
	if (le32toh(meta.format) != FORMAT)
		return kt_fail(err, EBADMSG, "the store has format %u, this program knows %d",
		        le32toh(meta.format), FORMAT);
	*ret_revision = (int64_t)le64toh(meta.revision);
	*ret_oldest = (int64_t)le64toh(meta.oldest);
	return 0;
}

static int decode(
        uint64_t at, MDB_val value, struct kt_store_record *ret_record, struct kt_err *err)
{
	struct header header;
	const char *p = value.mv_data;

	if (value.mv_size < sizeof(header))
		return kt_fail(
		        err, EBADMSG, "the record of revision %" PRIu64 " is damaged", at >> 6);
	memcpy(&header, p, sizeof(header));
	size_t key_len = le16toh(header.key_len);
	if (header.format != FORMAT || value.mv_size < sizeof(header) + key_len ||
	        le32toh(header.crc) !=
	                checksum(p + sizeof(header.crc), value.mv_size - sizeof(header.crc), at))
		return kt_fail(
		        err, EBADMSG, "the record of revision %" PRIu64 " is damaged", at >> 6);
	*ret_record = (struct kt_store_record){
	        .at = at,
	        .is_delete = header.is_delete,
	        .create_revision = (int64_t)le64toh(header.create_revision),
	        .expires_wall_ns = (int64_t)le64toh(header.expires_wall_ns),
	        .wall_ns = (int64_t)le64toh(header.wall_ns),
	        .key = {p + sizeof(header), key_len},
	        .json = {p + sizeof(header) + key_len, value.mv_size - sizeof(header) - key_len},
	        .bytes = value.mv_size,
	};
	return 0;
}

int kt_store_reader_get(struct kt_store_reader *reader, uint64_t at,
        struct kt_store_record *ret_record, struct kt_err *err)
{
	MDB_val key = key_val(&at), value;
	int rc = mdb_cursor_get(reader->cursor, &key, &value, MDB_SET_KEY);

	if (rc == MDB_NOTFOUND)
		return kt_fail(err, ENOENT, "revision %" PRIu64 " is not in the store", at >> 6);
	return rc ? fail_mdb(err, rc, "reading the store") : decode(at, value, ret_record, err);
}

int kt_store_reader_next(struct kt_store_reader *reader, uint64_t after,
        struct kt_store_record *ret_record, struct kt_err *err)
{
	uint64_t from = after + 1, at;
	MDB_val key = key_val(&from), value;
	int rc = mdb_cursor_get(reader->cursor, &key, &value, MDB_SET_RANGE);

	if (rc == MDB_NOTFOUND)
		return -ENOENT;
	if (rc)
		return fail_mdb(err, rc, "reading the store");
	memcpy(&at, key.mv_data, sizeof(at));
	return decode(at, value, ret_record, err);
}
