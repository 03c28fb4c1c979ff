/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cluster/store/store.h"

#include "base/log.h"
#include "base/mem.h"
#include "cluster/store/internal.h"

#include <errno.h>
#include <time.h>

int64_t kt_store_wall_ns(const struct kt_store *store)
{
	struct timespec now;

	if (store->loop)
		return kt_loop_wall_ns(store->loop);
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * KT_NS_PER_S + now.tv_nsec;
}

bool kt_store_selects(const char *prefix, size_t prefix_len, const char *key)
{
	if (prefix_len == 0 || prefix[prefix_len - 1] == '/')
		return strncmp(key, prefix, prefix_len) == 0;
	return strcmp(key, prefix) == 0;
}

static int64_t get_revision(struct kt_storage *storage)
{
	return atomic_load(&kt_store_of(storage)->revision);
}

int64_t kt_store_compacted(struct kt_storage *storage)
{
	struct kt_store *store = kt_store_of(storage);

	pthread_rwlock_rdlock(&store->state_lock);
	int64_t oldest = store->oldest;
	pthread_rwlock_unlock(&store->state_lock);
	return oldest - 1;
}

static void init_locks(struct kt_store *store)
{
	pthread_condattr_t cond_attr;
	pthread_rwlockattr_t rwlock_attr;

	pthread_mutex_init(&store->queue_lock, NULL);
	pthread_mutex_init(&store->watch_lock, NULL);
	pthread_condattr_init(&cond_attr);
	pthread_cond_init(&store->queue_cond, &cond_attr);
	pthread_condattr_destroy(&cond_attr);
	pthread_rwlockattr_init(&rwlock_attr);
	/* Readers come without a pause; the writer must get in. */
	pthread_rwlockattr_setkind_np(&rwlock_attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&store->state_lock, &rwlock_attr);
	pthread_rwlockattr_destroy(&rwlock_attr);
}

static void free_store(struct kt_store *store)
{
	kt_assert(store->groups.n == 0); /* watches are closed before their store */
	kt_store_history_finish(store);
	kt_store_index_finish(&store->index);
	kt_store_expiry_finish(store);
	kt_vec_finish(&store->disk_garbage);
	kt_map_finish(&store->groups);
	kt_store_disk_close(&store->disk);
	pthread_mutex_destroy(&store->queue_lock);
	pthread_mutex_destroy(&store->watch_lock);
	pthread_cond_destroy(&store->queue_cond);
	pthread_rwlock_destroy(&store->state_lock);
	free(store);
}

static void destroy(struct kt_storage *storage)
{
	if (!storage)
		return;
	kt_store_writer_stop(kt_store_of(storage));
	free_store(kt_store_of(storage));
}

static int get_health(struct kt_storage *storage)
{
	return atomic_load(&kt_store_of(storage)->stopped);
}

static const struct kt_storage_ops store_ops = {
        .get = kt_store_get,
        .range = kt_store_range,
        .count = kt_store_count,
        .submit = kt_store_submit,
        .health = get_health,
        .revision = get_revision,
        .compacted = kt_store_compacted,
        .watch_open = kt_store_watch_open,
        .watch_next = kt_store_watch_next,
        .watch_progress = kt_store_watch_progress,
        .watch_close = kt_store_watch_close,
        .compact = kt_store_compact,
        .snapshot_open = kt_store_snapshot_open,
        .snapshot_next = kt_store_snapshot_next,
        .snapshot_close = kt_store_snapshot_close,
        .snapshot_save = kt_store_snapshot_save,
        .destroy = destroy,
};

static struct kt_store *new_store(const struct kt_store_options *options)
{
	struct kt_store *store = kt_new(struct kt_store);
	int64_t history_max_bytes =
	        options->path ? KT_STORE_HISTORY_MAX_BYTES : KT_STORE_MEMORY_HISTORY_MAX_BYTES;

	store->base.ops = &store_ops;
	store->loop = options->loop;
	store->history_max_bytes =
	        options->history_max_bytes ? options->history_max_bytes : history_max_bytes;
	store->history_max_age_s = options->history_max_age_s ? options->history_max_age_s
	                                                      : KT_STORE_HISTORY_MAX_AGE_S;
	store->queue_max = options->queue_max ? options->queue_max : KT_STORE_QUEUE_MAX;
	store->faults = options->faults;
	store->queue_tail = &store->queue_head;
	store->marked_tail = &store->marked;
	store->disk.dir_fd = store->disk.lock_fd = store->disk.reserve_fd = -1;
	kt_map_init(&store->groups, NULL);
	init_locks(store);
	return store;
}

int kt_store_open(
        const struct kt_store_options *options, struct kt_storage **ret_storage, struct kt_err *err)
{
	int64_t map_max_bytes =
	        options->map_max_bytes ? options->map_max_bytes : KT_STORE_MAP_MAX_BYTES;
	struct kt_store *store = new_store(options);
	int rc = 0;

	if (options->path)
		rc = kt_store_disk_open(&store->disk, options->path, map_max_bytes, err);
	if (rc == 0)
		rc = kt_store_load(store, err);
	if (rc == 0)
		rc = kt_store_writer_start(store, err);
	if (rc < 0) {
		free_store(store);
		if (options->path)
			kt_wrap(err, "opening the store in %s", options->path);
		return rc;
	}
	*ret_storage = &store->base;
	return 0;
}
