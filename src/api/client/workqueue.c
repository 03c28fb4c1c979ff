/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/client/workqueue.h"

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"

enum { BACKOFF_MIN_MS = 5, BACKOFF_MAX_MS = 1000000 };

struct item {
	struct kt_workqueue *queue;
	struct item *next; /* of those that wait */
	bool waiting, working;
	bool again; /* added while it was worked on */
	int failures;
	struct kt_timer timer; /* comes back when it fires */
	char key[];
};

struct kt_workqueue {
	struct kt_workqueue_options options;
	struct kt_map items;
	struct item *head, **tail;
	size_t n_waiting, n_working;
	struct kt_timer turn; /* set: a turn is due */
};

static void enqueue(struct item *item)
{
	struct kt_workqueue *queue = item->queue;

	if (item->waiting)
		return;
	if (item->working) {
		item->again = true;
		return;
	}
	item->waiting = true;
	item->next = NULL;
	*queue->tail = item;
	queue->tail = &item->next;
	queue->n_waiting++;
	if (queue->n_working < queue->options.parallel && !kt_timer_is_set(&queue->turn))
		kt_timer_set_after_ms(&queue->turn, 0);
}

static void on_item_timer(struct kt_timer *timer)
{
	enqueue(kt_container_of(timer, struct item, timer));
}

static struct item *get_item(struct kt_workqueue *queue, const char *key)
{
	struct item *item = kt_map_get(&queue->items, key);

	if (item)
		return item;
	size_t len = strlen(key);
	item = kt_zalloc(sizeof(*item) + len + 1);
	item->queue = queue;
	memcpy(item->key, key, len + 1);
	kt_timer_init(&item->timer, queue->options.loop, on_item_timer);
	kt_map_set(&queue->items, key, item);
	return item;
}

static void free_item(void *value)
{
	struct item *item = value;

	kt_timer_cancel(&item->timer);
	free(item);
}

static void run_turn(struct kt_timer *timer)
{
	struct kt_workqueue *queue = kt_container_of(timer, struct kt_workqueue, turn);

	while (queue->head && queue->n_working < queue->options.parallel) {
		struct item *item = queue->head;
		queue->head = item->next;
		if (!queue->head)
			queue->tail = &queue->head;
		queue->n_waiting--;
		item->waiting = false;
		item->working = true;
		queue->n_working++;
		/* May call done() at once, which may free item. */
		queue->options.process(queue->options.arg, item->key);
	}
}

struct kt_workqueue *kt_workqueue_create(const struct kt_workqueue_options *options)
{
	struct kt_workqueue *queue = kt_new(struct kt_workqueue);

	queue->options = *options;
	if (!queue->options.parallel)
		queue->options.parallel = 1;
	if (!queue->options.backoff_min_ms)
		queue->options.backoff_min_ms = BACKOFF_MIN_MS;
	if (!queue->options.backoff_max_ms)
		queue->options.backoff_max_ms = BACKOFF_MAX_MS;
	queue->tail = &queue->head;
	kt_map_init(&queue->items, free_item);
	kt_timer_init(&queue->turn, options->loop, run_turn);
	return queue;
}

void kt_workqueue_destroy(struct kt_workqueue *queue)
{
	if (!queue)
		return;
	kt_timer_cancel(&queue->turn);
	kt_map_finish(&queue->items);
	free(queue);
}

void kt_workqueue_add(struct kt_workqueue *queue, const char *key)
{
	enqueue(get_item(queue, key));
}

void kt_workqueue_add_after_ms(struct kt_workqueue *queue, const char *key, int64_t after_ms)
{
	struct item *item = get_item(queue, key);
	int64_t due_ns = kt_loop_now_ns(queue->options.loop) + after_ms * KT_NS_PER_MS;

	if (after_ms <= 0)
		enqueue(item);
	else if (!kt_timer_is_set(&item->timer) || due_ns < item->timer.due_ns)
		kt_timer_set(&item->timer, due_ns); /* the earlier of two wishes */
}

static int64_t backoff_ms(const struct kt_workqueue *queue, int failures)
{
	int64_t delay = queue->options.backoff_min_ms;

	for (int i = 1; i < failures && delay < queue->options.backoff_max_ms; i++)
		delay *= 2;
	return KT_MIN(delay, (int64_t)queue->options.backoff_max_ms);
}

void kt_workqueue_done(struct kt_workqueue *queue, const char *key, bool failed)
{
	struct item *item = kt_map_get(&queue->items, key);

	kt_assert(item && item->working);
	item->working = false;
	queue->n_working--;
	item->failures = failed ? item->failures + 1 : 0;
	if (failed)
		kt_workqueue_add_after_ms(queue, item->key, backoff_ms(queue, item->failures));
	if (item->again) {
		item->again = false;
		enqueue(item);
	}
	if (queue->n_waiting && !kt_timer_is_set(&queue->turn))
		kt_timer_set_after_ms(&queue->turn, 0);
	if (!item->waiting && !item->failures && !kt_timer_is_set(&item->timer))
		kt_map_del(&queue->items, key);
}
