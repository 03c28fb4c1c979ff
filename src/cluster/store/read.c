/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading, now or at a past revision. References are copied in batches under the shared lock; the
 * batches behind the first read at the first one's revision, so the whole is one snapshot. A past
 * version comes from the ring (as the state before the event that replaced it) or from the file.
 */
#include "cluster/store/internal.h"

#include "base/log.h"
#include "base/mem.h"

#include <errno.h>

struct item {
	struct kt_object *object; /* reference; NULL: in the file, under `at` */
	uint64_t at;
};

struct scan {
	struct kt_store *store;
	const struct kt_storage_range *range;
	size_t prefix_len;
	int64_t revision;
	size_t batch_max;
	char *from; /* where the next batch starts */
	bool from_is_seen, at_end;
	KT_VEC(struct item) items;
	struct kt_store_reader reader;
};

/* Takes the version of entry at `revision`; false when it did not exist then. state_lock shared. */
static bool version_at(struct kt_store *store, const struct kt_store_entry *entry, int64_t revision,
        struct item *ret_item)
{
	if (kt_store_at_revision(entry->at) <= revision) {
		if (entry->deleted)
			return false;
		*ret_item = (struct item){kt_object_ref(entry->object), entry->at};
		return true;
	}
	uint32_t i = entry->first_older;
	while (i < entry->n_older && kt_store_at_revision(entry->older[i]) <= revision)
		i++;
	uint64_t next = i < entry->n_older ? entry->older[i] : entry->at;
	const struct kt_store_event *event = kt_store_ring_find(store, next);
	if (event && event->prev)
		*ret_item = (struct item){kt_object_ref(event->prev), 0};
	else if (event || i == entry->first_older)
		return false;
	else
		*ret_item = (struct item){NULL, entry->older[i - 1]};
	return true;
}

static int check_revision(struct kt_store *store, int64_t revision, struct kt_err *err)
{
	int64_t newest = atomic_load(&store->revision);

	if (revision > newest)
		return kt_fail(err, ERANGE, "revision %lld is in the future, the newest is %lld",
		        (long long)revision, (long long)newest);
	if (revision < store->oldest)
		return kt_fail(err, ESTALE, "revision %lld is compacted, the oldest is %lld",
		        (long long)revision, (long long)store->oldest);
	return 0;
}

static void drop_items(struct scan *scan)
{
	for (size_t i = 0; i < scan->items.n; i++)
		kt_object_unref(scan->items.items[i].object);
	scan->items.n = 0;
}

/* One hold of the lock. Sets *ret_needs_file when an item lies in the file and no reader was open
 * before. */
static int take_batch(struct scan *scan, bool *ret_needs_file, struct kt_err *err)
{
	struct kt_store *store = scan->store;
	const char *prefix = scan->range->prefix;
	struct kt_store_cursor cursor;
	struct item item;

	*ret_needs_file = false;
	pthread_rwlock_rdlock(&store->state_lock);
	if (!scan->revision)
		scan->revision = atomic_load(&store->revision);
	int rc = check_revision(store, scan->revision, err);
	if (rc < 0) {
		pthread_rwlock_unlock(&store->state_lock);
		return rc;
	}
	struct kt_store_entry *entry = kt_store_index_seek(&store->index, scan->from, &cursor);
	if (entry && scan->from_is_seen && strcmp(entry->key, scan->from) == 0)
		entry = kt_store_index_next(&cursor);
	const char *last = NULL;
	size_t seen = 0;
	scan->at_end = true;
	for (; entry && kt_store_selects(prefix, scan->prefix_len, entry->key);
	        entry = kt_store_index_next(&cursor)) {
		if (seen++ >= scan->batch_max) {
			scan->at_end = false;
			break;
		}
		last = entry->key;
		if (version_at(store, entry, scan->revision, &item)) {
			kt_vec_push(&scan->items, item);
			*ret_needs_file |= !item.object && !scan->reader.txn;
		}
	}
	if (last && !scan->at_end && !*ret_needs_file) {
		free(scan->from);
		scan->from = kt_strdup(last);
		scan->from_is_seen = true;
	}
	pthread_rwlock_unlock(&store->state_lock);
	return 0;
}

/* What the index says lies in the file is there if the reader began before the index was asked. */
static int next_batch(struct scan *scan, struct kt_err *err)
{
	bool needs_file;

	scan->items.n = 0;
	int rc = take_batch(scan, &needs_file, err);
	if (rc < 0 || !needs_file)
		return rc;
	drop_items(scan);
	rc = kt_store_reader_open(&scan->reader, &scan->store->disk, err);
	return rc < 0 ? rc : take_batch(scan, &needs_file, err);
}

/* Reads what lies in the file; *ret_object is NULL when the key was deleted then. Takes the item's
 * reference. */
static int item_object(
        struct scan *scan, struct item *item, struct kt_object **ret_object, struct kt_err *err)
{
	struct kt_store_record record;

	*ret_object = kt_steal(&item->object);
	if (*ret_object)
		return 0;
	int rc = kt_store_reader_get(&scan->reader, item->at, &record, err);
	if (rc < 0 || record.is_delete)
		return rc;
	return kt_store_record_object(&record, ret_object, err);
}

static void note_more(struct scan *scan, struct kt_storage_list *list, const struct kt_object *next)
{
	struct kt_store *store = scan->store;

	list->more = true;
	list->next_key = kt_strdup(kt_object_key(next));
	/* Counted now, not at the list's revision: clients may only estimate with it. */
	kt_auto_free char *end = kt_strdup(scan->range->prefix);
	if (scan->prefix_len)
		end[scan->prefix_len - 1]++;
	pthread_rwlock_rdlock(&store->state_lock);
	size_t n = kt_store_index_count(&store->index, list->next_key, *end ? end : NULL);
	pthread_rwlock_unlock(&store->state_lock);
	list->remaining = n ? n : 1;
}

/* Moves a batch into the list; 1 when the limit is reached and something follows. */
static int use_batch(
        struct scan *scan, struct kt_storage_list *list, size_t *cap, struct kt_err *err)
{
	const struct kt_storage_range *range = scan->range;

	for (size_t i = 0; i < scan->items.n; i++) {
		kt_auto_object struct kt_object *object = NULL;
		int rc = item_object(scan, &scan->items.items[i], &object, err);
		if (rc < 0)
			return rc;
		if (!object)
			continue;
		if (range->limit && list->n == range->limit) {
			note_more(scan, list, object);
			return 1;
		}
		if (range->filter && !range->filter(range->filter_arg, object))
			continue;
		if (list->n == *cap) {
			*cap = KT_MAX(*cap * 2, KT_MAX(scan->items.n, (size_t)8));
			list->objects =
			        kt_reallocarray(list->objects, *cap, sizeof(struct kt_object *));
		}
		list->objects[list->n++] = kt_steal(&object);
	}
	return 0;
}

static int run_scan(struct scan *scan, struct kt_storage_list *list, struct kt_err *err)
{
	size_t cap = 0;
	int rc = 0;

	while (rc == 0 && !scan->at_end) {
		rc = next_batch(scan, err);
		if (rc == 0)
			rc = use_batch(scan, list, &cap, err);
		drop_items(scan);
	}
	list->revision = scan->revision;
	return rc < 0 ? rc : 0;
}

static int try_range(struct kt_store *store, const struct kt_storage_range *range, size_t batch_max,
        struct kt_storage_list *list, struct kt_err *err)
{
	const char *from = range->prefix;

	if (range->start && strcmp(range->start, from) > 0)
		from = range->start;
	struct scan scan = {
	        .store = store,
	        .range = range,
	        .prefix_len = strlen(range->prefix),
	        .revision = range->revision,
	        .batch_max = batch_max,
	        .from = kt_strdup(from),
	};
	int rc = run_scan(&scan, list, err);
	drop_items(&scan);
	kt_vec_finish(&scan.items);
	kt_store_reader_close(&scan.reader);
	free(scan.from);
	return rc;
}

int kt_store_range(struct kt_storage *storage, const struct kt_storage_range *range,
        struct kt_storage_list *ret_list, struct kt_err *err)
{
	struct kt_store *store = kt_store_of(storage);
	size_t batch_max = KT_STORE_BATCH;

	if (range->limit && !range->filter)
		batch_max = KT_MIN(range->limit + 1, batch_max);
	for (;;) {
		kt_auto_err error = KT_ERR_INIT;
		struct kt_storage_list list = {0};
		int rc = try_range(store, range, batch_max, &list, &error);
		if (rc == 0) {
			*ret_list = list;
			return 0;
		}
		kt_storage_list_finish(&list);
		/* The newest state was compacted away while we read it: take it in one hold then.
		 */
		if (rc != -ESTALE || range->revision || batch_max == SIZE_MAX)
			return kt_err_move(err, &error);
		batch_max = SIZE_MAX;
	}
}

static int get_newest(struct kt_store *store, const char *key, struct kt_object **ret_object)
{
	int rc = -ENOENT;

	pthread_rwlock_rdlock(&store->state_lock);
	const struct kt_store_entry *entry = kt_store_index_get(&store->index, key);
	if (entry && entry->object) {
		*ret_object = kt_object_ref(entry->object);
		rc = 0;
	}
	pthread_rwlock_unlock(&store->state_lock);
	return rc;
}

static bool is_key(void *arg, const struct kt_object *object)
{
	return strcmp(kt_object_key(object), arg) == 0;
}

int kt_store_get(struct kt_storage *storage, const char *key, int64_t revision,
        struct kt_object **ret_object, struct kt_err *err)
{
	struct kt_store *store = kt_store_of(storage);

	if (revision == 0) {
		int rc = get_newest(store, key, ret_object);
		return rc < 0 ? kt_fail(err, ENOENT, "%s is not in the store", key) : 0;
	}
	struct kt_storage_list list = {0};
	kt_auto_free char *copy = kt_strdup(key);
	int rc = kt_store_range(storage,
	        &(struct kt_storage_range){
	                .prefix = key,
	                .revision = revision,
	                .filter = is_key,
	                .filter_arg = copy,
	        },
	        &list, err);
	if (rc < 0)
		return rc;
	if (list.n)
		*ret_object = kt_object_ref(list.objects[0]);
	rc = list.n ? 0
	            : kt_fail(err, ENOENT, "%s was not in the store at revision %lld", key,
	                      (long long)revision);
	kt_storage_list_finish(&list);
	return rc;
}

size_t kt_store_count(struct kt_storage *storage, const char *prefix)
{
	struct kt_store *store = kt_store_of(storage);
	size_t len = strlen(prefix);
	kt_auto_free char *end = kt_strdup(prefix);

	if (len && prefix[len - 1] != '/') {
		struct kt_object *object = NULL;
		int rc = get_newest(store, prefix, &object);
		kt_object_unref(object);
		return rc == 0;
	}
	if (len)
		end[len - 1]++;
	pthread_rwlock_rdlock(&store->state_lock);
	size_t n = kt_store_index_count(&store->index, prefix, len ? end : NULL);
	pthread_rwlock_unlock(&store->state_lock);
	return n;
}
