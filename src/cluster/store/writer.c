/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The writer: takes all that is queued, decides each transaction on the state the ones before it
 * leave, commits everything with one sync, publishes, answers. Nothing is visible or answered
 * before the sync.
 */
#include "cluster/store/internal.h"

#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <malloc.h>
#include <time.h>

struct change {
	struct kt_store_event event;
	const char *key;  /* of event.object */
	bool json_is_own; /* DELETE: the final state differs from the stored one and must be kept */
	uint32_t bytes;
};

/* Everything between taking the queue and answering. */
struct group {
	struct kt_store *store;
	struct kt_storage_txn *txns;
	KT_VEC(struct change) changes;
	struct kt_map overlay; /* key -> number of its newest change + 1 */
	int64_t revision;      /* newest given out */
	int64_t wall_ns;
	enum kt_store_room room;
	size_t n_removed; /* garbage records this commit removes */
	int64_t oldest;   /* and the oldest revision that it notes */
};

static uint32_t version_bytes(const struct kt_object *object, bool with_json)
{
	return 64u + object->key_len + (with_json ? object->json_len : 0);
}

/* The state of key as the transactions before leave it; borrowed. */
static struct kt_object *current_object(struct group *group, const char *key)
{
	size_t i = (size_t)kt_map_get(&group->overlay, key);

	if (i) {
		struct kt_store_event *event = &group->changes.items[i - 1].event;
		return event->is_delete ? NULL : event->object;
	}
	struct kt_store_entry *entry = kt_store_index_get(&group->store->index, key);
	return entry ? entry->object : NULL;
}

static int check_op(const struct kt_storage_op *op, const struct kt_object *current)
{
	if (op->expect_revision == 0)
		return current ? -EEXIST : op->kind == KT_STORAGE_DELETE ? -ENOENT : 0;
	if (op->expect_revision == KT_STORAGE_ANY)
		return !current && op->kind == KT_STORAGE_DELETE ? -ENOENT : 0;
	if (!current)
		return -ENOENT;
	return current->revision == op->expect_revision ? 0 : -ESTALE;
}

static void add_change(struct group *group, struct change *change)
{
	kt_vec_push(&group->changes, *change);
	kt_map_set(&group->overlay, change->key, (void *)group->changes.n);
}

static struct kt_object *put_change(struct group *group, const char *key, struct kt_object *object,
        struct kt_object *current, uint64_t at)
{
	int64_t revision = kt_store_at_revision(at);
	struct kt_object *stored = kt_object_at_revision(object, revision);

	kt_assert(strcmp(kt_object_key(object), key) == 0);
	stored->create_revision = current ? current->create_revision : revision;
	add_change(group, &(struct change){
	                          .event = {.at = at,
	                                  .object = stored,
	                                  .prev = current ? kt_object_ref(current) : NULL},
	                          .key = kt_object_key(stored),
	                          .bytes = version_bytes(stored, true),
	                  });
	return stored;
}

static struct kt_object *delete_change(
        struct group *group, struct kt_object *final, struct kt_object *current, uint64_t at)
{
	struct kt_object *last =
	        kt_object_at_revision(final ? final : current, kt_store_at_revision(at));

	kt_assert(!final || strcmp(kt_object_key(final), kt_object_key(current)) == 0);
	last->create_revision = current->create_revision;
	add_change(group, &(struct change){
	                          .event = {.at = at,
	                                  .is_delete = true,
	                                  .object = last,
	                                  .prev = kt_object_ref(current)},
	                          .key = kt_object_key(last),
	                          .json_is_own = final != NULL,
	                          .bytes = version_bytes(last, final != NULL),
	                  });
	return last;
}

static int check_txn(struct group *group, struct kt_storage_txn *txn)
{
	for (size_t i = 0; i < txn->n_ops; i++) {
		struct kt_storage_op *op = &txn->ops[i];
		struct kt_object *current = current_object(group, op->key);
		int rc = check_op(op, current);
		if (rc == 0 && op->kind == KT_STORAGE_PUT && group->room == KT_STORE_ROOM_TIGHT)
			rc = -ENOSPC;
		if (rc < 0) {
			txn->failed_op = i;
			op->ret_object = current && rc != -ENOSPC ? kt_object_ref(current) : NULL;
			return rc;
		}
	}
	return 0;
}

static void decide_txn(struct group *group, struct kt_storage_txn *txn)
{
	unsigned sub = 0;

	txn->status = check_txn(group, txn);
	txn->revision = group->revision;
	if (txn->status < 0)
		return;
	for (size_t i = 0; i < txn->n_ops; i++) {
		struct kt_storage_op *op = &txn->ops[i];
		if (op->kind == KT_STORAGE_CHECK)
			continue;
		if (sub == 0)
			txn->revision = ++group->revision;
		uint64_t at = kt_store_at(group->revision, sub++);
		struct kt_object *current = current_object(group, op->key);
		struct kt_object *result =
		        op->kind == KT_STORAGE_PUT
		                ? put_change(group, op->key, op->object, current, at)
		                : delete_change(group, op->object, current, at);
		op->ret_object = kt_object_ref(result);
	}
}

/* Deletes what has expired and was not written since. Many go with one revision. */
static void decide_expiry(struct group *group)
{
	struct kt_store *store = group->store;
	unsigned sub = KT_STORAGE_OPS_MAX;
	int64_t revision;
	char *key;

	while (group->changes.n < KT_STORE_GROUP_MAX &&
	        (key = kt_store_expiry_take(store, group->wall_ns, &revision))) {
		struct kt_object *current = current_object(group, key);
		free(key);
		if (!current || current->revision != revision)
			continue;
		if (sub == KT_STORAGE_OPS_MAX) {
			group->revision++;
			sub = 0;
		}
		delete_change(group, NULL, current, kt_store_at(group->revision, sub++));
	}
}

static int append_changes(struct group *group)
{
	for (size_t i = 0; i < group->changes.n; i++) {
		const struct change *change = &group->changes.items[i];
		const struct kt_object *object = change->event.object;
		bool with_json = !change->event.is_delete || change->json_is_own;
		int rc = kt_store_disk_append(&group->store->disk,
		        &(struct kt_store_record){
		                .at = change->event.at,
		                .is_delete = change->event.is_delete,
		                .create_revision = object->create_revision,
		                .expires_wall_ns = object->expires_wall_ns,
		                .wall_ns = group->wall_ns,
		                .key = {kt_object_key(object), object->key_len},
		                .json = {kt_object_json(object), with_json ? object->json_len : 0},
		        });
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Takes a bounded number of records that nobody may read any more out of the file. */
static int remove_garbage(struct group *group)
{
	struct kt_store *store = group->store;
	/* Removing copies pages first: on a full disk only few at a time find room. */
	size_t batch =
	        store->disk.has_reserve ? KT_STORE_COMPACT_BATCH : KT_STORE_COMPACT_BATCH_FULL;
	size_t end = KT_MIN(store->disk_garbage.n, store->n_removed + batch);
	int rc = 0;

	for (size_t i = store->n_removed; i < end && rc == 0; i++)
		rc = kt_store_disk_remove(&store->disk, store->disk_garbage.items[i]);
	group->n_removed = end - store->n_removed;
	group->oldest = kt_store_compacted(&store->base) + 1;
	if (rc == 0 && (group->n_removed || group->oldest != store->disk_oldest))
		rc = kt_store_disk_set_meta(&store->disk, group->revision, group->oldest);
	return rc;
}

static void garbage_is_removed(struct group *group)
{
	struct kt_store *store = group->store;

	store->disk_oldest = group->oldest;
	store->n_removed += group->n_removed;
	if (store->n_removed == store->disk_garbage.n) {
		kt_vec_finish(&store->disk_garbage);
		store->n_removed = 0;
	}
}

static int sync_group(struct group *group)
{
	struct kt_store *store = group->store;
	const struct kt_store_faults *faults = &store->faults;
	int rc = append_changes(group);

	if (rc == 0)
		rc = remove_garbage(group);
	store->n_syncs++;
	if (rc == 0 && faults->before_sync)
		rc = faults->before_sync(faults->arg, store->n_syncs);
	if (rc < 0) {
		kt_store_disk_abort(&store->disk);
		return rc;
	}
	rc = kt_store_disk_commit(&store->disk);
	if (rc == 0 && faults->after_sync)
		faults->after_sync(faults->arg, store->n_syncs);
	if (rc == 0)
		garbage_is_removed(group);
	return rc;
}

static int sync_memory(struct group *group)
{
	struct kt_store *store = group->store;
	const struct kt_store_faults *faults = &store->faults;
	int rc = 0;

	if (group->changes.n == 0)
		return 0;
	store->n_syncs++;
	if (faults->before_sync)
		rc = faults->before_sync(faults->arg, store->n_syncs);
	if (rc == 0 && faults->after_sync)
		faults->after_sync(faults->arg, store->n_syncs);
	return rc;
}

static int commit_group(struct group *group)
{
	struct kt_store *store = group->store;
	bool garbage = store->disk_garbage.n > store->n_removed ||
	               kt_store_compacted(&store->base) + 1 != store->disk_oldest;

	if (!store->disk.env)
		return sync_memory(group);
	if (group->changes.n == 0 && !garbage) {
		kt_store_disk_abort(&store->disk);
		return 0;
	}
	return sync_group(group);
}

static void publish_change(struct group *group, struct change *change)
{
	struct kt_store *store = group->store;
	struct kt_store_event *event = &change->event;
	struct kt_store_entry *entry = kt_store_index_add(&store->index, change->key);

	kt_store_supersede(store, entry,
	        &(struct kt_store_version){
	                .at = event->at,
	                .is_delete = event->is_delete,
	                .object = event->is_delete ? NULL : kt_object_ref(event->object),
	                .bytes = change->bytes,
	                .wall_ns = group->wall_ns,
	        });
	if (!event->is_delete)
		kt_store_expiry_add(store, event->object);
	event->wall_ns = group->wall_ns;
	kt_store_ring_push(store, event);
	kt_store_watch_note(store, change->key, store->ring.base + store->ring.n - 1);
}

static void publish(struct group *group)
{
	struct kt_store *store = group->store;

	pthread_mutex_lock(&store->watch_lock);
	pthread_rwlock_wrlock(&store->state_lock);
	for (size_t i = 0; i < group->changes.n; i++)
		publish_change(group, &group->changes.items[i]);
	group->changes.n = 0; /* the ring has the references now */
	/* A full disk needs the room more than we need the past. */
	kt_store_compact_history(store, group->wall_ns, group->room != KT_STORE_ROOM_ENOUGH);
	store->next_revision = group->revision;
	atomic_store(&store->revision, group->revision);
	pthread_rwlock_unlock(&store->state_lock);
	kt_store_watch_wake(store);
	pthread_mutex_unlock(&store->watch_lock);
}

static void drop_results(struct kt_storage_txn *txn)
{
	for (size_t i = 0; i < txn->n_ops; i++) {
		kt_object_unref(txn->ops[i].ret_object);
		txn->ops[i].ret_object = NULL;
	}
}

static void drop_group(struct group *group, int rc)
{
	for (size_t i = 0; i < group->changes.n; i++) {
		struct kt_store_event *event = &group->changes.items[i].event;
		/* It may have been an expiry, which nobody else will try again. */
		if (event->is_delete)
			kt_store_expiry_add(group->store, event->prev);
		kt_object_unref(event->object);
		kt_object_unref(event->prev);
	}
	group->changes.n = 0;
	for (struct kt_storage_txn *txn = group->txns; txn; txn = txn->next) {
		drop_results(txn);
		txn->status = rc;
	}
}

static void run_done(struct kt_task *task)
{
	struct kt_storage_txn *txn = kt_container_of(task, struct kt_storage_txn, task);

	txn->done(txn);
}

static void answer(struct kt_storage_txn *txns)
{
	while (txns) {
		struct kt_storage_txn *txn = txns;
		txns = txn->next; /* done() may free txn */
		kt_loop_post(txn->loop, &txn->task);
	}
}

/* What a failed commit means: no room is told and may pass, anything else stops the store for good,
 * because nobody knows what the disk holds now. */
static void fail_group(struct group *group, int rc)
{
	struct kt_store *store = group->store;

	if (rc == -ENOSPC) {
		if (store->disk.has_reserve)
			kt_log_error("store", "no room left: writes are refused, reads go on");
		kt_store_disk_release_reserve(&store->disk);
		group->room = KT_STORE_ROOM_TIGHT;
		drop_group(group, rc);
		group->revision = store->next_revision;
		publish(group); /* nothing but compaction */
		return;
	}
	kt_log_error("store", "commit failed, writes stop, reads go on: %s", strerror(-rc));
	atomic_store(&store->stopped, -EROFS);
	drop_group(group, -EIO);
}

/* A stopped store answers what was still queued. */
static int begin_group(struct group *group)
{
	struct kt_store *store = group->store;
	int rc = atomic_load(&store->stopped);

	if (rc == 0 && store->disk.env)
		rc = kt_store_disk_begin(&store->disk);
	if (rc == 0 && store->disk.env && store->disk_garbage.n == 0)
		kt_store_disk_take_reserve(&store->disk);
	if (rc == 0 && store->disk.env)
		group->room = kt_store_disk_room(&store->disk);
	return rc;
}

static void run_group(struct kt_store *store, struct kt_storage_txn *txns)
{
	struct group group = {
	        .store = store,
	        .txns = txns,
	        .revision = store->next_revision,
	        .wall_ns = kt_store_wall_ns(store),
	};
	int rc = begin_group(&group);

	kt_map_init(&group.overlay, NULL);
	if (rc == -EROFS) {
		drop_group(&group, rc);
	} else {
		for (struct kt_storage_txn *txn = txns; rc == 0 && txn; txn = txn->next)
			decide_txn(&group, txn);
		if (rc == 0) {
			decide_expiry(&group);
			rc = commit_group(&group);
		}
		if (rc == 0) {
			publish(&group);
		} else {
			fail_group(&group, rc);
		}
	}
	kt_map_finish(&group.overlay);
	kt_vec_finish(&group.changes);
	answer(txns);
}

static int64_t rest_at(const struct kt_store *store)
{
	return store->busy_wall_ns + KT_STORE_REST_MS * KT_NS_PER_MS;
}

/* When the writer has something to do of itself; wall time, INT64_MAX: never. */
static int64_t next_duty(struct kt_store *store)
{
	int64_t now = kt_store_wall_ns(store), due = INT64_MAX;

	if (atomic_load(&store->stopped))
		return INT64_MAX;
	size_t n_garbage = store->disk_garbage.n - store->n_removed;
	if (n_garbage >= KT_STORE_COMPACT_BATCH && store->disk.has_reserve)
		return now;
	if (n_garbage && !store->disk.has_reserve)
		due = now + KT_STORE_FULL_PERIOD_MS * KT_NS_PER_MS;
	else if (n_garbage) /* few: better with the next write than with a sync of their own */
		due = now + KT_STORE_EXPIRY_PERIOD_MS * KT_NS_PER_MS;
	if (!store->loop && store->n_since_rest >= KT_STORE_BURST)
		due = KT_MIN(due, rest_at(store));
	if (store->expiry.n)
		due = KT_MIN(due, KT_MAX(kt_store_expiry_next(store),
		                          now + KT_STORE_EXPIRY_PERIOD_MS * KT_NS_PER_MS));
	if (store->garbage.n && store->history_max_age_s > 0) {
		const struct kt_store_garbage *oldest =
		        &store->garbage.items[store->garbage.base & (store->garbage.cap - 1)];
		int64_t aged = oldest->wall_ns + store->history_max_age_s * KT_NS_PER_S;
		due = KT_MIN(due, KT_MAX(aged, now + KT_STORE_COMPACT_PERIOD_MS * KT_NS_PER_MS));
	}
	return due;
}

/* Cuts up to a group off the queue; queue_lock held. */
static struct kt_storage_txn *take_group(struct kt_store *store)
{
	struct kt_storage_txn *txns = store->queue_head, **end = &store->queue_head;
	size_t n = 0;

	while (*end && n < KT_STORE_GROUP_MAX) {
		end = &(*end)->next;
		n++;
	}
	struct kt_storage_txn *rest = *end;
	if (n) {
		*end = NULL;
		store->queue_head = rest;
		if (!rest)
			store->queue_tail = &store->queue_head;
	}
	store->n_queued -= n;
	store->n_since_rest += n;
	if (n >= KT_STORE_BUSY)
		store->busy_wall_ns = kt_store_wall_ns(store);
	store->compact_wanted = false;
	return n ? txns : NULL;
}

/* queue_lock held; false when there is nothing left and the store ends. */
static bool wait_for_work(struct kt_store *store, int64_t due)
{
	while (!store->queue_head && !store->compact_wanted) {
		/* What is garbage by now may as well go when the store is opened next. */
		if (store->quit)
			return false;
		if (due == INT64_MAX) {
			pthread_cond_wait(&store->queue_cond, &store->queue_lock);
			continue;
		}
		struct timespec until = {due / KT_NS_PER_S, due % KT_NS_PER_S};
		if (pthread_cond_timedwait(&store->queue_cond, &store->queue_lock, &until) ==
		        ETIMEDOUT)
			break;
	}
	return true;
}

/*
 * A burst of writes is over. What its requests held on all threads has left holes in their heaps,
 * and the file's pages that it touched are mapped: the system may have both back. Only the real
 * writer does this; a loop's memory is its process's affair.
 */
static void rest(struct kt_store *store)
{
	store->n_since_rest = 0;
	if (store->disk.env)
		kt_store_disk_let_go(&store->disk);
	malloc_trim(0);
}

static void *run_thread(void *arg)
{
	struct kt_store *store = arg;

	pthread_setname_np(pthread_self(), "store");
	for (;;) {
		int64_t due = next_duty(store);
		pthread_mutex_lock(&store->queue_lock);
		bool go_on = wait_for_work(store, due);
		struct kt_storage_txn *txns = take_group(store);
		pthread_mutex_unlock(&store->queue_lock);
		if (!go_on)
			return NULL;
		run_group(store, txns);
		if (store->n_since_rest >= KT_STORE_BURST &&
		        kt_store_wall_ns(store) >= rest_at(store))
			rest(store);
	}
}

/* One turn of the writer on a loop. */
static void run_turn(struct kt_store *store)
{
	pthread_mutex_lock(&store->queue_lock);
	struct kt_storage_txn *txns = take_group(store);
	bool more = store->queue_head != NULL;
	pthread_mutex_unlock(&store->queue_lock);
	run_group(store, txns);
	if (more)
		kt_loop_post(store->loop, &store->task);
	int64_t due = next_duty(store);
	if (due == INT64_MAX)
		kt_timer_cancel(&store->timer);
	else
		kt_timer_set(
		        &store->timer, kt_loop_now_ns(store->loop) + due - kt_store_wall_ns(store));
}

static void on_task(struct kt_task *task)
{
	run_turn(kt_container_of(task, struct kt_store, task));
}

static void on_timer(struct kt_timer *timer)
{
	run_turn(kt_container_of(timer, struct kt_store, timer));
}

static void wake_writer(struct kt_store *store)
{
	if (store->loop)
		kt_loop_post(store->loop, &store->task);
	else
		pthread_cond_signal(&store->queue_cond);
}

int kt_store_writer_start(struct kt_store *store, struct kt_err *err)
{
	if (store->loop) {
		kt_task_init(&store->task, on_task);
		kt_timer_init(&store->timer, store->loop, on_timer);
		if (next_duty(store) != INT64_MAX)
			kt_loop_post(store->loop, &store->task);
		return 0;
	}
	int rc = pthread_create(&store->thread, NULL, run_thread, store);
	return rc ? kt_fail(err, rc, "starting the store's writer: %s", strerror(rc)) : 0;
}

void kt_store_writer_stop(struct kt_store *store)
{
	pthread_mutex_lock(&store->queue_lock);
	store->quit = true;
	pthread_mutex_unlock(&store->queue_lock);
	if (store->loop) {
		while (store->queue_head)
			run_turn(store);
		kt_timer_cancel(&store->timer);
		kt_assert(!atomic_load(&store->task.queued)); /* let the loop run once before */
		return;
	}
	pthread_cond_signal(&store->queue_cond);
	pthread_join(store->thread, NULL);
}

static void check_shape(struct kt_storage_txn *txn)
{
	kt_assert(txn->n_ops <= KT_STORAGE_OPS_MAX && txn->loop && txn->done);
	for (size_t i = 0; i < txn->n_ops; i++) {
		struct kt_storage_op *op = &txn->ops[i];
		op->ret_object = NULL;
		kt_assert(op->kind != KT_STORAGE_PUT || op->object);
		for (size_t j = 0; j < i; j++)
			kt_assert(strcmp(op->key, txn->ops[j].key) != 0);
	}
}

int kt_store_submit(struct kt_storage *storage, struct kt_storage_txn *txn, struct kt_err *err)
{
	struct kt_store *store = kt_store_of(storage);
	int rc = atomic_load(&store->stopped);

	check_shape(txn);
	if (rc)
		return kt_fail(err, rc, "the store has stopped taking writes after a disk error");
	kt_task_init(&txn->task, run_done);
	txn->next = NULL;
	txn->failed_op = 0;
	pthread_mutex_lock(&store->queue_lock);
	if (store->quit)
		rc = -EROFS;
	else if (store->n_queued >= store->queue_max)
		rc = -EAGAIN;
	bool was_empty = !store->queue_head;
	if (rc == 0) {
		*store->queue_tail = txn;
		store->queue_tail = &txn->next;
		store->n_queued++;
	}
	pthread_mutex_unlock(&store->queue_lock);
	if (rc == -EAGAIN)
		return kt_fail(
		        err, rc, "the store's queue of %zu writes is full", store->queue_max);
	if (rc < 0)
		return kt_fail(err, rc, "the store is closing");
	if (was_empty)
		wake_writer(store);
	return 0;
}

int kt_store_compact(struct kt_storage *storage, int64_t revision, struct kt_err *err)
{
	struct kt_store *store = kt_store_of(storage);
	int64_t newest = atomic_load(&store->revision);

	if (revision > newest)
		return kt_fail(err, ERANGE, "revision %lld is in the future, the newest is %lld",
		        (long long)revision, (long long)newest);
	pthread_rwlock_wrlock(&store->state_lock);
	int64_t oldest = store->oldest;
	store->oldest = KT_MAX(oldest, revision);
	pthread_rwlock_unlock(&store->state_lock);
	if (revision < oldest)
		return kt_fail(
		        err, ESTALE, "revision %lld is compacted already", (long long)revision);
	/* The writer drops what nobody can reach any more. */
	pthread_mutex_lock(&store->queue_lock);
	store->compact_wanted = true;
	pthread_mutex_unlock(&store->queue_lock);
	wake_writer(store);
	return 0;
}
