/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/watch_feed.h"

#include <errno.h>

/* kube-apiserver ends a watch without a timeout after 30 to 60 minutes, so that clients spread over
 * servers again. */
#define TIMEOUT_MIN_S 1800
#define BOOKMARK_PERIOD_MS 60000
/* The last bookmark comes so long before the end that the next watch starts near the present. */
#define BOOKMARK_BEFORE_END_MS 2000

enum phase { PHASE_START, PHASE_INITIAL, PHASE_LIVE, PHASE_ENDED };

struct kt_watch_feed {
	struct kt_storage *storage;
	char *prefix;
	struct kt_list_options options;
	enum phase phase;
	struct kt_storage_list initial;
	size_t next_initial;
	struct kt_storage_watch *watch;
	struct kt_loop *loop;
	struct kt_task *wake;
	struct kt_timer end_timer, bookmark_timer;
	bool timers_on, is_over, bookmark_due, marks_initial_end;
	int64_t sent_revision;
};

struct kt_watch_feed *kt_watch_feed_create(
        struct kt_storage *storage, const char *prefix, struct kt_list_options *options)
{
	struct kt_watch_feed *feed = kt_new(struct kt_watch_feed);

	feed->storage = storage;
	feed->prefix = kt_strdup(prefix);
	feed->options = *options;
	options->labels = options->fields = NULL;
	return feed;
}

void kt_watch_feed_destroy(struct kt_watch_feed *feed)
{
	if (!feed)
		return;
	if (feed->timers_on) {
		kt_timer_cancel(&feed->end_timer);
		kt_timer_cancel(&feed->bookmark_timer);
	}
	if (feed->watch)
		feed->storage->ops->watch_close(feed->watch);
	kt_storage_list_finish(&feed->initial);
	kt_list_options_finish(&feed->options);
	free(feed->prefix);
	free(feed);
}

static void on_end(struct kt_timer *timer)
{
	struct kt_watch_feed *feed = kt_container_of(timer, struct kt_watch_feed, end_timer);

	feed->is_over = true;
	kt_loop_post(feed->loop, feed->wake);
}

static void on_bookmark(struct kt_timer *timer)
{
	struct kt_watch_feed *feed = kt_container_of(timer, struct kt_watch_feed, bookmark_timer);

	feed->bookmark_due = true;
	kt_timer_set_after_ms(timer, BOOKMARK_PERIOD_MS);
	kt_loop_post(feed->loop, feed->wake);
}

static void start_timers(struct kt_watch_feed *feed)
{
	int64_t seconds = feed->options.timeout_s > 0 ? feed->options.timeout_s : 0;

	if (!seconds)
		seconds = TIMEOUT_MIN_S + (int64_t)kt_loop_random_below(feed->loop, TIMEOUT_MIN_S);
	kt_timer_init(&feed->end_timer, feed->loop, on_end);
	kt_timer_init(&feed->bookmark_timer, feed->loop, on_bookmark);
	feed->timers_on = true;
	kt_timer_set_after_ms(&feed->end_timer, seconds * 1000);
	if (!feed->options.bookmarks)
		return;
	int64_t last = seconds * 1000 - BOOKMARK_BEFORE_END_MS;
	if (last > 0)
		kt_timer_set_after_ms(&feed->bookmark_timer, KT_MIN(BOOKMARK_PERIOD_MS, last));
}

static bool filter(void *arg, const struct kt_object *object)
{
	return kt_list_options_match(arg, object);
}

/* Without a resourceVersion, or with 0, a watch begins with what is there. */
static bool wants_initial(const struct kt_list_options *options)
{
	if (options->initial_events != KT_UNSET)
		return options->initial_events == KT_TRUE;
	return options->revision <= 0;
}

static int list_initial(struct kt_watch_feed *feed, struct kt_err *err)
{
	struct kt_storage *storage = feed->storage;
	struct kt_storage_range range = {
	        .prefix = feed->prefix, .filter = filter, .filter_arg = &feed->options};
	int64_t current = storage->ops->revision(storage);

	if (feed->options.revision > current)
		return kt_fail_future_revision(err, feed->options.revision, current);
	int status = storage->ops->range(storage, &range, &feed->initial, err);
	if (status < 0)
		return status;
	feed->marks_initial_end = feed->options.bookmarks;
	return storage->ops->watch_open(storage, feed->prefix, feed->initial.revision, feed->loop,
	        feed->wake, &feed->watch, err);
}

static int fail_gone(struct kt_watch_feed *feed, struct kt_err *err, int64_t revision)
{
	struct kt_storage *storage = feed->storage;

	return kt_fail_reason(err, KT_REASON_EXPIRED, ESTALE,
	        "too old resource version: %lld (%lld)", (long long)revision,
	        (long long)storage->ops->compacted(storage) + 1);
}

/* 0: the watch is open (or waits for a future revision); negative: refused. */
static int open_watch(struct kt_watch_feed *feed, struct kt_err *err)
{
	struct kt_storage *storage = feed->storage;
	int64_t from = feed->options.revision;

	if (wants_initial(&feed->options))
		return list_initial(feed, err);
	if (from <= 0 || from > storage->ops->revision(storage))
		from = storage->ops->revision(storage);
	int status = storage->ops->watch_open(
	        storage, feed->prefix, from, feed->loop, feed->wake, &feed->watch, err);
	if (status == -ESTALE)
		return fail_gone(feed, err, from);
	return status;
}

static int bookmark(struct kt_watch_feed *feed, bool initial_end, struct kt_watch_item *ret)
{
	int64_t revision = feed->storage->ops->watch_progress(feed->watch);

	*ret = (struct kt_watch_item){.type = KT_WATCH_BOOKMARK,
	        .revision = KT_MAX(revision, feed->sent_revision),
	        .initial_end = initial_end};
	return 1;
}

static int next_initial(struct kt_watch_feed *feed, struct kt_watch_item *ret)
{
	if (feed->next_initial < feed->initial.n) {
		struct kt_object *object =
		        kt_object_ref(feed->initial.objects[feed->next_initial++]);
		*ret = (struct kt_watch_item){
		        .type = KT_WATCH_ADDED, .object = object, .revision = object->revision};
		return 1;
	}
	feed->sent_revision = feed->initial.revision;
	kt_storage_list_finish(&feed->initial);
	feed->initial = (struct kt_storage_list){0};
	feed->phase = PHASE_LIVE;
	if (!feed->marks_initial_end)
		return 0;
	return bookmark(feed, true, ret);
}

/* One event as this watch sees it; false when it does not. */
static bool translate(
        struct kt_watch_feed *feed, struct kt_storage_event *event, struct kt_watch_item *ret)
{
	bool was = event->prev && kt_list_options_match(&feed->options, event->prev);
	bool is = event->type == KT_STORAGE_EVENT_PUT &&
	          kt_list_options_match(&feed->options, event->object);

	/* A watch of the future sees nothing before its revision. */
	if (event->revision <= feed->options.revision || (!was && !is))
		return false;
	ret->revision = event->revision;
	if (is) {
		ret->type = was ? KT_WATCH_MODIFIED : KT_WATCH_ADDED;
		ret->object = kt_object_ref(event->object);
	} else {
		ret->type = KT_WATCH_DELETED;
		/* Left the selection: the state that was in it, at the revision of the change. */
		ret->object = event->type == KT_STORAGE_EVENT_DELETE
		                      ? kt_object_ref(event->object)
		                      : kt_object_at_revision(event->prev, event->revision);
	}
	return true;
}

static int next_live(struct kt_watch_feed *feed, struct kt_watch_item *ret, struct kt_err *err)
{
	for (;;) {
		struct kt_storage_event event = {0};
		int status = feed->storage->ops->watch_next(feed->watch, &event);
		if (status == -ESTALE)
			return fail_gone(feed, err, feed->sent_revision);
		if (status < 0)
			return kt_fail(err, status, "the watch broke");
		if (status == 0)
			break;
		feed->sent_revision = event.revision;
		bool seen = translate(feed, &event, ret);
		kt_storage_event_finish(&event);
		if (seen)
			return 1;
	}
	if (feed->bookmark_due) {
		feed->bookmark_due = false;
		return bookmark(feed, false, ret);
	}
	if (feed->is_over) {
		feed->phase = PHASE_ENDED;
		return -ENODATA;
	}
	return 0;
}

int kt_watch_feed_next(struct kt_watch_feed *feed, struct kt_loop *loop, struct kt_task *wake,
        struct kt_watch_item *ret_item, struct kt_err *err)
{
	*ret_item = (struct kt_watch_item){0};
	if (feed->phase == PHASE_START) {
		feed->loop = loop;
		feed->wake = wake;
		start_timers(feed);
		int status = open_watch(feed, err);
		feed->phase = status < 0 ? PHASE_ENDED : PHASE_INITIAL;
		if (status < 0)
			return status;
	}
	if (feed->phase == PHASE_INITIAL && next_initial(feed, ret_item) == 1)
		return 1;
	if (feed->phase == PHASE_LIVE)
		return next_live(feed, ret_item, err);
	return -ENODATA;
}
