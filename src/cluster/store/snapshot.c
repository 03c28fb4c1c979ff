/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Snapshots: one file with the newest state. Little-endian: 16 bytes of magic, revision, number of
 * objects; per object its mod revision, create revision, expiry, length of key and JSON, key, JSON;
 * then the SHA-256 of all before it.
 */
#include "cluster/store/internal.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SHA256_BYTES = 32, PIECE_BYTES = 256 * 1024 };
/* Ten million restores from the end of what kt_store_at() can name. */
#define REVISION_MAX (UINT64_C(1) << 57)
static const char magic[16] = "kube-tui snap 1\n";

struct head {
	char magic[16];
	uint64_t revision, n;
};

struct row {
	uint64_t revision, create_revision, expires_wall_ns;
	uint32_t key_len, json_len;
};

struct kt_storage_snapshot {
	struct kt_storage_list list;
	size_t n_done; /* of the list's objects, which are let go one by one */
	bool has_head, has_end;
	gnutls_hash_hd_t hash;
	struct kt_str piece;
};

int kt_store_snapshot_open(
        struct kt_storage *storage, struct kt_storage_snapshot **ret_snapshot, struct kt_err *err)
{
	struct kt_storage_snapshot *snapshot = kt_new(struct kt_storage_snapshot);
	struct kt_storage_range all = {.prefix = ""};
	int rc = kt_store_range(storage, &all, &snapshot->list, err);

	if (rc == 0 && gnutls_hash_init(&snapshot->hash, GNUTLS_DIG_SHA256) < 0)
		rc = kt_fail(err, EIO, "SHA-256 is not available");
	if (rc < 0) {
		kt_store_snapshot_close(snapshot);
		return rc;
	}
	*ret_snapshot = snapshot;
	return 0;
}

void kt_store_snapshot_close(struct kt_storage_snapshot *snapshot)
{
	if (!snapshot)
		return;
	kt_storage_list_finish(&snapshot->list);
	kt_str_finish(&snapshot->piece);
	if (snapshot->hash)
		gnutls_hash_deinit(snapshot->hash, NULL);
	free(snapshot);
}

static void add_head(struct kt_storage_snapshot *snapshot)
{
	struct head head = {.revision = htole64((uint64_t)snapshot->list.revision),
	        .n = htole64(snapshot->list.n)};

	memcpy(head.magic, magic, sizeof(magic));
	kt_str_add(&snapshot->piece, &head, sizeof(head));
	snapshot->has_head = true;
}

static void add_object(struct kt_storage_snapshot *snapshot)
{
	struct kt_object **place = &snapshot->list.objects[snapshot->n_done++];
	kt_auto_object struct kt_object *object = kt_steal(place);
	struct row row = {
	        .revision = htole64((uint64_t)object->revision),
	        .create_revision = htole64((uint64_t)object->create_revision),
	        .expires_wall_ns = htole64((uint64_t)object->expires_wall_ns),
	        .key_len = htole32(object->key_len),
	        .json_len = htole32(object->json_len),
	};

	kt_str_add(&snapshot->piece, &row, sizeof(row));
	kt_str_add(&snapshot->piece, kt_object_key(object), object->key_len);
	kt_str_add(&snapshot->piece, kt_object_json(object), object->json_len);
}

static int add_end(struct kt_storage_snapshot *snapshot, struct kt_err *err)
{
	unsigned char digest[SHA256_BYTES];

	if (gnutls_hash(snapshot->hash, snapshot->piece.data, snapshot->piece.len) < 0)
		return kt_fail(err, EIO, "computing the snapshot's checksum failed");
	gnutls_hash_output(snapshot->hash, digest);
	kt_str_add(&snapshot->piece, digest, sizeof(digest));
	snapshot->has_end = true;
	return 0;
}

int kt_store_snapshot_next(
        struct kt_storage_snapshot *snapshot, struct kt_buf **ret_piece, struct kt_err *err)
{
	struct kt_str *piece = &snapshot->piece;

	if (snapshot->has_end)
		return 0;
	if (!snapshot->has_head)
		add_head(snapshot);
	while (snapshot->n_done < snapshot->list.n && piece->len < PIECE_BYTES)
		add_object(snapshot);
	if (snapshot->n_done == snapshot->list.n) {
		if (add_end(snapshot, err) < 0)
			return err ? err->code : -EIO;
	} else if (gnutls_hash(snapshot->hash, piece->data, piece->len) < 0) {
		return kt_fail(err, EIO, "computing the snapshot's checksum failed");
	}
	*ret_piece = kt_buf_from_str(piece);
	return 1;
}

static int write_file(const char *path, struct kt_storage_snapshot *snapshot, struct kt_err *err)
{
	kt_auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int rc;

	if (fd < 0)
		return kt_fail(err, errno, "creating: %s", strerror(errno));
	do {
		kt_auto_buf struct kt_buf *piece = NULL;
		rc = kt_store_snapshot_next(snapshot, &piece, err);
		if (rc == 1 && kt_write_all(fd, piece->data, piece->len, err) < 0)
			return err ? err->code : -EIO;
	} while (rc == 1);
	if (rc == 0 && fsync(fd) < 0)
		rc = kt_fail(err, errno, "syncing: %s", strerror(errno));
	return rc;
}

int kt_store_snapshot_save(struct kt_storage *storage, const char *path, struct kt_err *err)
{
	struct kt_storage_snapshot *snapshot = NULL;
	kt_auto_free char *temporary = kt_asprintf("%s.part", path);
	int rc = kt_store_snapshot_open(storage, &snapshot, err);

	if (rc < 0)
		return rc;
	rc = write_file(temporary, snapshot, err);
	kt_store_snapshot_close(snapshot);
	if (rc == 0 && rename(temporary, path) < 0)
		rc = kt_fail(err, errno, "renaming: %s", strerror(errno));
	if (rc < 0) {
		unlink(temporary);
		kt_wrap(err, "snapshot %s", path);
	}
	return rc;
}

/* A snapshot file in memory, checked. */
struct image {
	const char *data;
	size_t len; /* without the checksum */
	size_t mapped;
	struct head head;
};

static int check_image(struct image *image, struct kt_err *err)
{
	unsigned char digest[SHA256_BYTES];

	if (image->mapped < sizeof(image->head) + SHA256_BYTES ||
	        memcmp(image->data, magic, sizeof(magic)) != 0)
		return kt_fail(err, EBADMSG, "this is no snapshot of kube-tui");
	image->len = image->mapped - SHA256_BYTES;
	if (gnutls_hash_fast(GNUTLS_DIG_SHA256, image->data, image->len, digest) < 0 ||
	        memcmp(digest, image->data + image->len, sizeof(digest)) != 0)
		return kt_fail(
		        err, EBADMSG, "the checksum is wrong: the file is damaged or cut off");
	memcpy(&image->head, image->data, sizeof(image->head));
	return 0;
}

static int open_image(const char *path, struct image *image, struct kt_err *err)
{
	kt_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return kt_fail(err, errno, "opening: %s", strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return kt_fail(err, EBADMSG, "this is no snapshot of kube-tui");
	image->mapped = (size_t)st.st_size;
	void *data = mmap(NULL, image->mapped, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return kt_fail(err, errno, "mapping: %s", strerror(errno));
	image->data = data;
	int rc = check_image(image, err);
	if (rc < 0)
		munmap(data, image->mapped);
	return rc;
}

/* A right checksum does not make a right snapshot: what cannot be opened later is refused now. */
static int check_row(
        const struct kt_store_record *record, uint64_t newest, size_t i, struct kt_err *err)
{
	kt_auto_object struct kt_object *object = NULL;

	if (record->at == 0 || record->at > newest || record->create_revision <= 0 ||
	        (uint64_t)record->create_revision > record->at)
		return kt_fail(err, EBADMSG, "the revisions of object %zu are wrong", i);
	if (record->key.len == 0 || record->key.p[0] != '/' ||
	        memchr(record->key.p, '\0', record->key.len))
		return kt_fail(err, EBADMSG, "the key of object %zu is wrong", i);
	if (kt_object_create(record->key, record->json, &object, NULL) < 0)
		return kt_fail(err, EBADMSG, "object %zu is no object", i);
	return 0;
}

/* The rows as records, slices pointing into the image. */
static int read_rows(
        const struct image *image, struct kt_store_record *records, size_t n, struct kt_err *err)
{
	size_t off = sizeof(image->head);

	for (size_t i = 0; i < n; i++) {
		struct row row;
		if (image->len - off < sizeof(row))
			return kt_fail(err, EBADMSG, "object %zu is cut off", i);
		memcpy(&row, image->data + off, sizeof(row));
		off += sizeof(row);
		size_t key_len = le32toh(row.key_len), json_len = le32toh(row.json_len);
		if (key_len > UINT16_MAX || image->len - off < key_len + json_len)
			return kt_fail(err, EBADMSG, "object %zu is cut off", i);
		records[i] = (struct kt_store_record){
		        .at = le64toh(row.revision), /* the place in the transaction comes later */
		        .create_revision = (int64_t)le64toh(row.create_revision),
		        .expires_wall_ns = (int64_t)le64toh(row.expires_wall_ns),
		        .key = {image->data + off, key_len},
		        .json = {image->data + off + key_len, json_len},
		};
		off += key_len + json_len;
		if (check_row(&records[i], le64toh(image->head.revision), i, err) < 0)
			return -EBADMSG;
	}
	return off == image->len
	               ? 0
	               : kt_fail(err, EBADMSG, "there is something behind the last object");
}

static int order_by_revision(const void *a, const void *b)
{
	const struct kt_store_record *left = a, *right = b;

	return left->at < right->at ? -1 : left->at > right->at;
}

/* Gives each record its place: one revision may have changed several objects. */
static int order_records(struct kt_store_record *records, size_t n, struct kt_err *err)
{
	uint64_t last_revision = 0;
	unsigned sub = 0;

	if (n)
		qsort(records, n, sizeof(*records), order_by_revision);
	for (size_t i = 0; i < n; i++) {
		sub = records[i].at == last_revision ? sub + 1 : 0;
		last_revision = records[i].at;
		if (sub >= KT_STORAGE_OPS_MAX)
			return kt_fail(err, EBADMSG, "revision %" PRIu64 " has too many objects",
			        last_revision);
		records[i].at = kt_store_at((int64_t)last_revision, sub);
	}
	return 0;
}

/* One transaction: a restore that is cut off leaves an empty store. */
static int write_records(struct kt_store_disk *disk, const struct image *image,
        struct kt_store_record *records, size_t n, int64_t wall_ns)
{
	int64_t revision = (int64_t)le64toh(image->head.revision) + KT_STORE_RESTORE_BUMP;
	int rc = kt_store_disk_begin(disk);

	for (size_t i = 0; i < n && rc == 0; i++) {
		records[i].wall_ns = wall_ns;
		rc = kt_store_disk_append(disk, &records[i]);
	}
	if (rc == 0)
		rc = kt_store_disk_set_meta(disk, revision, revision);
	return rc == 0 ? kt_store_disk_commit(disk) : rc;
}

static int check_is_empty(const char *path, struct kt_err *err)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	int rc = 0;

	if (!dir)
		return errno == ENOENT
		               ? 0
		               : kt_fail(err, errno, "opening %s: %s", path, strerror(errno));
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			rc = -EEXIST;
	}
	closedir(dir);
	return rc < 0 ? kt_fail(err, EEXIST, "%s is not empty", path) : 0;
}

static int restore_image(const struct image *image, const char *into_dir, struct kt_err *err)
{
	size_t n = le64toh(image->head.n);
	struct kt_store store = {0}; /* only for the clock */
	struct kt_store_disk disk = {.dir_fd = -1, .lock_fd = -1, .reserve_fd = -1};

	if (n > image->len / sizeof(struct row))
		return kt_fail(err, EBADMSG, "the number of objects is wrong");
	if (le64toh(image->head.revision) > REVISION_MAX)
		return kt_fail(err, EBADMSG, "the revision is wrong");
	kt_auto_free struct kt_store_record *records = kt_new_array(struct kt_store_record, n);
	int rc = read_rows(image, records, n, err);
	if (rc == 0)
		rc = order_records(records, n, err);
	if (rc == 0)
		rc = kt_store_disk_open(&disk, into_dir, KT_STORE_MAP_MAX_BYTES, err);
	if (rc < 0)
		return rc;
	rc = write_records(&disk, image, records, n, kt_store_wall_ns(&store));
	kt_store_disk_close(&disk);
	return rc < 0 ? kt_fail(err, rc, "writing the store: %s", strerror(-rc)) : 0;
}

int kt_store_restore(const char *path, const char *into_dir, struct kt_err *err)
{
	struct image image = {0};
	int rc = check_is_empty(into_dir, err);

	if (rc < 0)
		return rc;
	rc = open_image(path, &image, err);
	if (rc == 0) {
		rc = restore_image(&image, into_dir, err);
		munmap((void *)(uintptr_t)image.data, image.mapped);
	}
	if (rc < 0)
		kt_wrap(err, "restoring %s", path);
	return rc;
}
