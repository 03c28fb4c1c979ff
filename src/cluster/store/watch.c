/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Watches: cursors that their owners pull. A watch from far back reads the file until it has caught
 * up with the ring; one that falls behind the ring goes back to the file. Each prefix that is
 * watched keeps the list of ring events that concern it.
 */
#include "cluster/store/internal.h"

#include "base/log.h"
#include "base/mem.h"

#include <errno.h>

enum {
	BATCH_EVENTS = 64,    /* kept ready while reading the file */
	BATCH_RECORDS = 4096, /* looked at in one go, so that a loop is not held up */
	LAST_SUB = KT_STORAGE_OPS_MAX - 1,
};
#define FIRST_INDEX (UINT64_C(1) << 40) /* room to put older events in front */

struct kt_storage_watch {
	struct kt_store *store;
	struct kt_store_group *group;
	struct kt_storage_watch *next, **prev; /* of the group, watch_lock */
	struct kt_loop *loop;
	struct kt_task *wake;
	uint64_t last_at;    /* all up to here was delivered or does not concern us */
	uint64_t next_index; /* into the group's list; owner only, like all below */
	bool in_file;
	size_t prefix_len;
	KT_VEC(struct kt_store_event) batch; /* read from the file, from batch_pos on */
	size_t batch_pos;
};

/* The events behind `at` up to what the group has already are put in front of its list. Both locks
 * held. */
static void extend_group(struct kt_store *store, struct kt_store_group *group, uint64_t at)
{
	size_t prefix_len = strlen(group->prefix);
	uint64_t seq = kt_store_ring_after(store, at);
	uint64_t end = kt_store_ring_after(store, group->since_at);
	KT_VEC(uint64_t) seqs = {0};

	if (at >= group->since_at)
		return;
	for (; seq < end; seq++) {
		const struct kt_store_event *event = kt_store_ring_at(store, seq);
		if (kt_store_selects(group->prefix, prefix_len, kt_object_key(event->object)))
			kt_vec_push(&seqs, seq);
	}
	group->first_index -= seqs.n;
	for (size_t i = group->first; i < group->seqs.n; i++)
		kt_vec_push(&seqs, group->seqs.items[i]);
	kt_vec_finish(&group->seqs);
	group->seqs.items = seqs.items;
	group->seqs.n = seqs.n;
	group->seqs.cap = seqs.cap;
	group->first = 0;
	group->since_at = at;
}

static struct kt_store_group *get_group(struct kt_store *store, const char *prefix)
{
	struct kt_store_group *group = kt_map_get(&store->groups, prefix);

	if (group)
		return group;
	group = kt_new(struct kt_store_group);
	group->prefix = kt_strdup(prefix);
	group->first_index = FIRST_INDEX;
	group->since_at = kt_store_at(atomic_load(&store->revision), LAST_SUB);
	group->watches_tail = &group->watches;
	kt_map_set(&store->groups, prefix, group);
	return group;
}

/* Puts the cursor into the ring if everything behind last_at is still there; both locks held, or
 * the group known to reach. */
static bool join_ring(struct kt_storage_watch *watch)
{
	struct kt_store *store = watch->store;
	struct kt_store_group *group = watch->group;

	if (watch->last_at < store->ring.dropped_at || watch->last_at < group->since_at)
		return false;
	uint64_t seq = kt_store_ring_after(store, watch->last_at);
	size_t low = group->first, high = group->seqs.n;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (group->seqs.items[middle] < seq)
			low = middle + 1;
		else
			high = middle;
	}
	watch->next_index = group->first_index + (low - group->first);
	watch->in_file = false;
	return true;
}

/* Joins, extending the group's list when it does not reach back far enough. */
static bool join_ring_locked(struct kt_storage_watch *watch)
{
	struct kt_store *store = watch->store;

	if (watch->last_at >= store->ring.dropped_at)
		extend_group(store, watch->group, watch->last_at);
	return join_ring(watch);
}

static void link_watch(struct kt_storage_watch *watch, struct kt_store_group *group)
{
	watch->group = group;
	watch->prev = group->watches_tail;
	*group->watches_tail = watch;
	group->watches_tail = &watch->next;
}

int kt_store_watch_open(struct kt_storage *storage, const char *prefix, int64_t from_revision,
        struct kt_loop *loop, struct kt_task *wake, struct kt_storage_watch **ret_watch,
        struct kt_err *err)
{
	struct kt_store *store = kt_store_of(storage);
	int rc = 0;

	pthread_mutex_lock(&store->watch_lock);
	pthread_rwlock_wrlock(&store->state_lock);
	int64_t newest = atomic_load(&store->revision), oldest = store->oldest;
	if (from_revision > newest)
		rc = -ERANGE;
	else if (from_revision < oldest)
		rc = -ESTALE;
	if (rc == 0) {
		struct kt_storage_watch *watch = kt_new(struct kt_storage_watch);
		*watch = (struct kt_storage_watch){
		        .store = store,
		        .loop = loop,
		        .wake = wake,
		        .last_at = kt_store_at(from_revision, LAST_SUB),
		        .prefix_len = strlen(prefix),
		};
		link_watch(watch, get_group(store, prefix));
		watch->in_file = !join_ring_locked(watch);
		*ret_watch = watch;
	}
	pthread_rwlock_unlock(&store->state_lock);
	pthread_mutex_unlock(&store->watch_lock);
	if (rc == -ERANGE)
		return kt_fail(err, ERANGE, "revision %lld is in the future, the newest is %lld",
		        (long long)from_revision, (long long)newest);
	if (rc == -ESTALE)
		return kt_fail(err, ESTALE, "revision %lld is compacted, the oldest is %lld",
		        (long long)from_revision, (long long)oldest);
	if (from_revision < newest)
		kt_loop_post(loop, wake);
	return 0;
}

static void free_group(struct kt_store *store, struct kt_store_group *group)
{
	kt_map_take(&store->groups, group->prefix);
	kt_vec_finish(&group->seqs);
	free(group->prefix);
	free(group);
}

static void drop_batch(struct kt_storage_watch *watch)
{
	for (size_t i = watch->batch_pos; i < watch->batch.n; i++) {
		kt_object_unref(watch->batch.items[i].object);
		kt_object_unref(watch->batch.items[i].prev);
	}
	watch->batch.n = watch->batch_pos = 0;
}

void kt_store_watch_close(struct kt_storage_watch *watch)
{
	if (!watch)
		return;
	struct kt_store *store = watch->store;

	pthread_mutex_lock(&store->watch_lock);
	pthread_rwlock_wrlock(&store->state_lock);
	*watch->prev = watch->next;
	if (watch->next)
		watch->next->prev = watch->prev;
	else
		watch->group->watches_tail = watch->prev;
	if (!watch->group->watches)
		free_group(store, watch->group);
	pthread_rwlock_unlock(&store->state_lock);
	pthread_mutex_unlock(&store->watch_lock);
	drop_batch(watch);
	kt_vec_finish(&watch->batch);
	free(watch);
}

/* Forgets what has left the ring. */
static void trim_group(struct kt_store *store, struct kt_store_group *group)
{
	while (group->first < group->seqs.n && group->seqs.items[group->first] < store->ring.base) {
		group->first++;
		group->first_index++;
	}
	if (group->first > group->seqs.n / 2) {
		group->seqs.n -= group->first;
		memmove(group->seqs.items, group->seqs.items + group->first,
		        group->seqs.n * sizeof(*group->seqs.items));
		group->first = 0;
	}
}

static void note_in_group(struct kt_store *store, struct kt_sv prefix, uint64_t seq)
{
	struct kt_store_group *group = kt_map_get_sv(&store->groups, prefix);

	if (!group)
		return;
	trim_group(store, group);
	kt_vec_push(&group->seqs, seq);
	if (group->marked)
		return;
	group->marked = true;
	group->next_marked = NULL;
	*store->marked_tail = group;
	store->marked_tail = &group->next_marked;
}

/* Only prefixes that end in '/', the empty one and the whole key can select it. */
void kt_store_watch_note(struct kt_store *store, const char *key, uint64_t seq)
{
	if (store->groups.n == 0)
		return;
	note_in_group(store, KT_SV(""), seq);
	const char *p = key;
	for (; *p; p++) {
		if (*p == '/')
			note_in_group(store, (struct kt_sv){key, (size_t)(p - key) + 1}, seq);
	}
	if (p > key && p[-1] != '/')
		note_in_group(store, (struct kt_sv){key, (size_t)(p - key)}, seq);
}

void kt_store_watch_wake(struct kt_store *store)
{
	for (struct kt_store_group *group = store->marked; group; group = group->next_marked) {
		group->marked = false;
		for (struct kt_storage_watch *watch = group->watches; watch; watch = watch->next)
			kt_loop_post(watch->loop, watch->wake);
	}
	store->marked = NULL;
	store->marked_tail = &store->marked;
}

/* The version of key before `at`, 0: none; -ESTALE when it may be compacted. */
static int predecessor(struct kt_store *store, const char *key, uint64_t at, uint64_t *ret_at)
{
	int rc = 0;

	*ret_at = 0;
	pthread_rwlock_rdlock(&store->state_lock);
	const struct kt_store_entry *entry = kt_store_index_get(&store->index, key);
	if (kt_store_at_revision(at) <= store->oldest || !entry) {
		rc = -ESTALE;
	} else {
		for (uint32_t i = entry->first_older; i < entry->n_older && entry->older[i] < at;
		        i++)
			*ret_at = entry->older[i];
		if (entry->at < at)
			*ret_at = entry->at;
	}
	pthread_rwlock_unlock(&store->state_lock);
	return rc;
}

static int read_event(struct kt_storage_watch *watch, struct kt_store_reader *reader,
        const struct kt_store_record *record)
{
	kt_auto_free char *key = kt_sv_dup(record->key);
	kt_auto_object struct kt_object *object = NULL, *prev = NULL;
	struct kt_store_record before;
	uint64_t before_at;
	int rc = predecessor(watch->store, key, record->at, &before_at);

	if (rc == 0 && before_at)
		rc = kt_store_reader_get(reader, before_at, &before, NULL);
	if (rc == 0 && before_at && !before.is_delete)
		rc = kt_store_record_object(&before, &prev, NULL);
	if (rc == 0 && record->json.len)
		rc = kt_store_record_object(record, &object, NULL);
	if (rc < 0)
		return rc;
	if (!object) {
		if (!prev)
			return -EBADMSG;
		object = kt_object_at_revision(prev, kt_store_at_revision(record->at));
	}
	struct kt_store_event event = {
	        .at = record->at,
	        .is_delete = record->is_delete,
	        .object = kt_steal(&object),
	        .prev = kt_steal(&prev),
	};
	kt_vec_push(&watch->batch, event);
	return 0;
}

static bool is_compacted(struct kt_storage_watch *watch)
{
	return kt_store_at_revision(watch->last_at) <= kt_store_compacted(&watch->store->base);
}

/* Reads on in the file. 1: there is a batch, or the end was reached; 0: neither yet. */
static int read_file(struct kt_storage_watch *watch)
{
	struct kt_store *store = watch->store;
	int64_t published = atomic_load(&store->revision);
	struct kt_store_reader reader = {0};
	struct kt_store_record record;
	int rc = kt_store_reader_open(&reader, &store->disk, NULL);

	watch->batch.n = watch->batch_pos = 0;
	/* Asked after the reader began: what it sees has no holes then. */
	if (rc == 0 && is_compacted(watch))
		rc = -ESTALE;
	for (int n = 0; rc == 0 && n < BATCH_RECORDS && watch->batch.n < BATCH_EVENTS; n++) {
		rc = kt_store_reader_next(&reader, watch->last_at, &record, NULL);
		if (rc == -ENOENT || (rc == 0 && kt_store_at_revision(record.at) > published)) {
			watch->last_at = kt_store_at(published, LAST_SUB);
			rc = 1;
			break;
		}
		kt_auto_free char *key = rc == 0 ? kt_sv_dup(record.key) : NULL;
		if (rc == 0 && kt_store_selects(watch->group->prefix, watch->prefix_len, key))
			rc = read_event(watch, &reader, &record);
		if (rc == 0)
			watch->last_at = record.at;
	}
	kt_store_reader_close(&reader);
	if (rc >= 0 && watch->batch.n)
		rc = 1;
	if (rc == -EBADMSG)
		kt_log_error("store", "the history is damaged near revision %lld",
		        (long long)kt_store_at_revision(watch->last_at));
	return rc < 0 ? -ESTALE : rc;
}

static bool try_join(struct kt_storage_watch *watch)
{
	struct kt_store *store = watch->store;

	pthread_mutex_lock(&store->watch_lock);
	pthread_rwlock_wrlock(&store->state_lock);
	bool joined = join_ring_locked(watch);
	pthread_rwlock_unlock(&store->state_lock);
	pthread_mutex_unlock(&store->watch_lock);
	return joined;
}

static void fill_event(const struct kt_store_event *event, struct kt_storage_event *ret_event)
{
	*ret_event = (struct kt_storage_event){
	        .type = event->is_delete ? KT_STORAGE_EVENT_DELETE : KT_STORAGE_EVENT_PUT,
	        .revision = kt_store_at_revision(event->at),
	        .object = event->object,
	        .prev = event->prev,
	};
}

/* 1: *ret_event filled; 0: nothing new; -ESTALE: the ring has moved on. */
static int next_in_ring(struct kt_storage_watch *watch, struct kt_storage_event *ret_event)
{
	struct kt_store *store = watch->store;
	struct kt_store_group *group = watch->group;
	int rc = 0;

	pthread_rwlock_rdlock(&store->state_lock);
	uint64_t end = group->first_index + (group->seqs.n - group->first);
	if (watch->next_index < group->first_index) {
		rc = -ESTALE;
	} else if (watch->next_index < end) {
		uint64_t seq =
		        group->seqs.items[group->first + (watch->next_index - group->first_index)];
		rc = seq < store->ring.base ? -ESTALE : 1;
		if (rc == 1) {
			const struct kt_store_event *event = kt_store_ring_at(store, seq);
			fill_event(event, ret_event);
			kt_object_ref(event->object);
			if (event->prev)
				kt_object_ref(event->prev);
			watch->last_at = event->at;
			watch->next_index++;
		}
	}
	pthread_rwlock_unlock(&store->state_lock);
	return rc;
}

int kt_store_watch_next(struct kt_storage_watch *watch, struct kt_storage_event *ret_event)
{
	for (;;) {
		if (watch->batch_pos < watch->batch.n) {
			fill_event(&watch->batch.items[watch->batch_pos++], ret_event);
			return 1;
		}
		if (watch->in_file && !try_join(watch)) {
			if (!watch->store->disk.env)
				return -ESTALE;
			int rc = read_file(watch);
			if (rc == 0) /* a long way without anything for us: let others run */
				kt_loop_post(watch->loop, watch->wake);
			if (rc <= 0)
				return rc;
			continue;
		}
		int rc = next_in_ring(watch, ret_event);
		if (rc != -ESTALE || !watch->store->disk.env)
			return rc;
		watch->in_file = true;
	}
}

int64_t kt_store_watch_progress(struct kt_storage_watch *watch)
{
	struct kt_store *store = watch->store;
	struct kt_store_group *group = watch->group;
	int64_t progress;

	if (watch->batch_pos < watch->batch.n)
		return kt_store_at_revision(watch->batch.items[watch->batch_pos].at) - 1;
	/* In the middle of a transaction its revision is not delivered yet. */
	progress = kt_store_at_revision(watch->last_at);
	if ((watch->last_at & LAST_SUB) != LAST_SUB)
		progress--;
	if (watch->in_file)
		return progress;
	pthread_rwlock_rdlock(&store->state_lock);
	if (watch->next_index >= group->first_index) {
		size_t i = group->first + (watch->next_index - group->first_index);
		if (i >= group->seqs.n)
			progress = atomic_load(&store->revision);
		else if (group->seqs.items[i] >= store->ring.base)
			progress = kt_store_at_revision(
			                   kt_store_ring_at(store, group->seqs.items[i])->at) -
			           1;
	}
	pthread_rwlock_unlock(&store->state_lock);
	return progress;
}
