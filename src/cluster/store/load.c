/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Building the index from the file at start. */
#include "cluster/store/internal.h"

#include "base/log.h"
#include "base/mem.h"

#include <errno.h>

int kt_store_record_object(
        const struct kt_store_record *record, struct kt_object **ret_object, struct kt_err *err)
{
	int rc = kt_object_create(record->key, record->json, ret_object, err);

	if (rc < 0)
		return rc;
	(*ret_object)->revision = kt_store_at_revision(record->at);
	(*ret_object)->create_revision = record->create_revision;
	(*ret_object)->expires_wall_ns = record->expires_wall_ns;
	return 0;
}

/* First pass: which versions of which keys there are. */
static int load_versions(struct kt_store *store, struct kt_store_reader *reader, int64_t *revision,
        struct kt_err *err)
{
	kt_auto_str key = KT_STR_INIT;
	struct kt_store_record record;
	uint64_t at = 0;
	int rc;

	while ((rc = kt_store_reader_next(reader, at, &record, err)) == 0) {
		at = record.at;
		kt_str_clear(&key);
		kt_str_add(&key, record.key.p, record.key.len);
		struct kt_store_entry *entry = kt_store_index_add(&store->index, kt_str_text(&key));
		kt_store_supersede(store, entry,
		        &(struct kt_store_version){
		                .at = at,
		                .is_delete = record.is_delete,
		                .bytes = (uint32_t)record.bytes,
		                .wall_ns = record.wall_ns,
		        });
	}
	*revision = KT_MAX(*revision, kt_store_at_revision(at));
	return rc == -ENOENT ? 0 : rc;
}

/* Second pass: the newest objects. */
static int load_objects(struct kt_store *store, struct kt_store_reader *reader, struct kt_err *err)
{
	struct kt_store_cursor cursor;
	struct kt_store_record record;

	for (struct kt_store_entry *entry = kt_store_index_seek(&store->index, "", &cursor); entry;
	        entry = kt_store_index_next(&cursor)) {
		struct kt_object *object = NULL;
		if (entry->deleted)
			continue;
		int rc = kt_store_reader_get(reader, entry->at, &record, err);
		if (rc == 0)
			rc = kt_store_record_object(&record, &object, err);
		if (rc < 0)
			return rc;
		kt_store_index_set_object(&store->index, entry, object);
		kt_store_expiry_add(store, object);
	}
	return 0;
}

int kt_store_load(struct kt_store *store, struct kt_err *err)
{
	struct kt_store_reader reader = {0};
	int64_t revision = 0;
	int rc = 0;

	if (store->disk.env) {
		rc = kt_store_reader_open(&reader, &store->disk, err);
		if (rc == 0)
			rc = kt_store_reader_meta(&reader, &revision, &store->oldest, err);
		if (rc == 0)
			rc = load_versions(store, &reader, &revision, err);
		if (rc == 0)
			rc = load_objects(store, &reader, err);
		kt_store_reader_close(&reader);
		kt_store_disk_let_go(&store->disk);
	}
	/* A store begins at 1: revision 0 means "any" to clients. */
	revision = KT_MAX(revision, 1);
	store->oldest = store->disk_oldest = KT_MAX(store->oldest, 1);
	store->next_revision = revision;
	atomic_store(&store->revision, revision);
	store->ring.dropped_at = kt_store_at(revision, KT_STORAGE_OPS_MAX - 1);
	return rc;
}
