/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recent events in memory, and the queue of versions that time makes garbage. */
#include "cluster/store/internal.h"

#include "base/log.h"
#include "base/mem.h"

static struct kt_store_event *ring_slot(const struct kt_store_ring *ring, uint64_t seq)
{
	return &ring->events[seq & (ring->cap - 1)];
}

static int64_t event_bytes(const struct kt_store_event *event)
{
	int64_t bytes = sizeof(*event);

	if (event->prev)
		bytes += (int64_t)sizeof(struct kt_object) + event->prev->key_len +
		         event->prev->json_len;
	return bytes;
}

static void ring_drop(struct kt_store *store)
{
	struct kt_store_ring *ring = &store->ring;
	struct kt_store_event *event = ring_slot(ring, ring->base);

	ring->bytes -= event_bytes(event);
	ring->dropped_at = event->at;
	/* Without a file the ring is all the history there is. */
	if (!store->disk.env)
		store->oldest = KT_MAX(store->oldest, kt_store_at_revision(event->at));
	kt_object_unref(event->object);
	kt_object_unref(event->prev);
	ring->base++;
	ring->n--;
}

static void ring_grow(struct kt_store_ring *ring)
{
	size_t cap = KT_MAX(ring->cap * 2, (size_t)64);
	struct kt_store_event *events = kt_new_array(struct kt_store_event, cap);

	for (uint64_t seq = ring->base; seq < ring->base + ring->n; seq++)
		events[seq & (cap - 1)] = *ring_slot(ring, seq);
	free(ring->events);
	ring->events = events;
	ring->cap = cap;
}

/* The oldest event may go: there is no room, or it is old and can be read from the file. */
static bool is_over(const struct kt_store *store, int64_t wall_ns)
{
	const struct kt_store_ring *ring = &store->ring;
	bool has_file = store->disk.env != NULL;
	int64_t max_bytes = has_file ? KT_STORE_RING_MAX_BYTES : store->history_max_bytes;

	if (!ring->n)
		return false;
	if (ring->n >= KT_STORE_RING_MAX_EVENTS || ring->bytes > max_bytes)
		return true;
	return has_file &&
	       ring_slot(ring, ring->base)->wall_ns + KT_STORE_RING_MAX_AGE_S * KT_NS_PER_S <
	               wall_ns;
}

void kt_store_ring_push(struct kt_store *store, const struct kt_store_event *event)
{
	struct kt_store_ring *ring = &store->ring;

	while (is_over(store, event->wall_ns))
		ring_drop(store);
	if (ring->n == ring->cap)
		ring_grow(ring);
	*ring_slot(ring, ring->base + ring->n) = *event;
	ring->n++;
	ring->bytes += event_bytes(event);
}

const struct kt_store_event *kt_store_ring_at(const struct kt_store *store, uint64_t seq)
{
	kt_assert(seq >= store->ring.base && seq < store->ring.base + store->ring.n);
	return ring_slot(&store->ring, seq);
}

uint64_t kt_store_ring_after(const struct kt_store *store, uint64_t at)
{
	uint64_t low = store->ring.base, high = low + store->ring.n;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		if (ring_slot(&store->ring, middle)->at <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct kt_store_event *kt_store_ring_find(const struct kt_store *store, uint64_t at)
{
	uint64_t seq = kt_store_ring_after(store, at - 1);

	if (seq == store->ring.base + store->ring.n)
		return NULL;
	const struct kt_store_event *event = ring_slot(&store->ring, seq);
	return event->at == at ? event : NULL;
}

void kt_store_history_finish(struct kt_store *store)
{
	while (store->ring.n)
		ring_drop(store);
	free(store->ring.events);
	free(store->garbage.items);
	store->ring = (struct kt_store_ring){0};
	store->garbage = (struct kt_store_garbage_queue){0};
}

static struct kt_store_garbage *garbage_slot(
        const struct kt_store_garbage_queue *queue, uint64_t seq)
{
	return &queue->items[seq & (queue->cap - 1)];
}

static void garbage_push(struct kt_store *store, struct kt_store_garbage garbage)
{
	struct kt_store_garbage_queue *queue = &store->garbage;

	if (queue->n == queue->cap) {
		size_t cap = KT_MAX(queue->cap * 2, (size_t)64);
		struct kt_store_garbage *items = kt_new_array(struct kt_store_garbage, cap);
		for (uint64_t seq = queue->base; seq < queue->base + queue->n; seq++)
			items[seq & (cap - 1)] = *garbage_slot(queue, seq);
		free(queue->items);
		queue->items = items;
		queue->cap = cap;
	}
	*garbage_slot(queue, queue->base + queue->n) = garbage;
	queue->n++;
	queue->bytes += garbage.bytes;
}

static void older_push(struct kt_store_entry *entry, uint64_t at)
{
	if (entry->n_older == entry->cap_older && entry->first_older) {
		entry->n_older -= entry->first_older;
		memmove(entry->older, entry->older + entry->first_older,
		        entry->n_older * sizeof(*entry->older));
		entry->first_older = 0;
	}
	/* Half of the room stays free after a move, so that moves stay rare. */
	if (entry->n_older + entry->n_older / 2 >= entry->cap_older) {
		entry->cap_older = KT_MAX(entry->cap_older * 2, 2);
		entry->older =
		        kt_reallocarray(entry->older, entry->cap_older, sizeof(*entry->older));
	}
	entry->older[entry->n_older++] = at;
}

void kt_store_supersede(struct kt_store *store, struct kt_store_entry *entry,
        const struct kt_store_version *version)
{
	struct kt_store_garbage garbage = {
	        .superseded = kt_store_at_revision(version->at),
	        .entry = entry,
	        .wall_ns = version->wall_ns,
	};

	kt_assert(version->at > entry->at);
	if (entry->at && !entry->deleted) {
		garbage.at = entry->at;
		garbage.bytes = entry->bytes;
		garbage_push(store, garbage);
	}
	if (entry->at)
		older_push(entry, entry->at);
	entry->at = version->at;
	entry->bytes = version->bytes;
	entry->deleted = version->is_delete;
	kt_store_index_set_object(&store->index, entry, version->object);
	if (version->is_delete) {
		garbage.at = version->at;
		garbage.bytes = version->bytes;
		garbage_push(store, garbage);
	}
}

static void drop_version(struct kt_store *store, struct kt_store_entry *entry, uint64_t at)
{
	if (entry->at == at) {
		kt_assert(entry->deleted && entry->first_older == entry->n_older);
		kt_store_index_remove(&store->index, entry);
		return;
	}
	kt_assert(entry->first_older < entry->n_older && entry->older[entry->first_older] == at);
	entry->first_older++;
	if (entry->first_older == entry->n_older) {
		free(entry->older);
		entry->older = NULL;
		entry->first_older = entry->n_older = entry->cap_older = 0;
	}
}

static bool over_limit(
        const struct kt_store *store, const struct kt_store_garbage *garbage, int64_t wall_ns)
{
	if (store->garbage.bytes > store->history_max_bytes)
		return true;
	return store->history_max_age_s > 0 &&
	       garbage->wall_ns + store->history_max_age_s * KT_NS_PER_S <= wall_ns;
}

void kt_store_compact_history(struct kt_store *store, int64_t wall_ns, bool all)
{
	struct kt_store_garbage_queue *queue = &store->garbage;

	while (queue->n) {
		struct kt_store_garbage *garbage = garbage_slot(queue, queue->base);
		if (garbage->superseded > store->oldest) {
			if (!all && !over_limit(store, garbage, wall_ns))
				break;
			store->oldest = garbage->superseded;
		}
		if (store->disk.env)
			kt_vec_push(&store->disk_garbage, garbage->at);
		drop_version(store, garbage->entry, garbage->at);
		queue->bytes -= garbage->bytes;
		queue->base++;
		queue->n--;
	}
	while (!store->disk.env && store->ring.n &&
	        kt_store_at_revision(kt_store_ring_at(store, store->ring.base)->at) <=
	                store->oldest)
		ring_drop(store);
}
