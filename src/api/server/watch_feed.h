/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a watch sees, one item at a time: what exists at the start (if asked for), then every change
 * that its selectors let through, turned into ADDED and DELETED where an object enters or leaves
 * the selection. The stream of an HTTP watch (watch.c) writes the items; the in-process client
 * hands them on as they are.
 *
 * A feed belongs to one loop. It holds no history itself: it reads the store's as fast as its
 * reader pulls.
 */
#ifndef KT_API_SERVER_WATCH_FEED_H
#define KT_API_SERVER_WATCH_FEED_H

#include "api/client/client.h"
#include "api/server/list_options.h"

struct kt_watch_feed;

struct kt_watch_item {
	enum kt_watch_type type;
	struct kt_object *object; /* reference; NULL for bookmarks */
	int64_t revision;
	bool initial_end; /* this bookmark ends the initial events */
};

/* Takes over *options (leaving it empty). prefix: keys watched. kind_version must outlive the feed.
 */
struct kt_watch_feed *kt_watch_feed_create(
        struct kt_storage *storage, const char *prefix, struct kt_list_options *options);
void kt_watch_feed_destroy(struct kt_watch_feed *feed);
/*
 * 1: *ret_item filled; 0: nothing now, `wake` will be posted on `loop`; -ENODATA: the time is over;
 * else a negative code with err (410, 504). loop and wake must be the same in all calls.
 */
int kt_watch_feed_next(struct kt_watch_feed *feed, struct kt_loop *loop, struct kt_task *wake,
        struct kt_watch_item *ret_item, struct kt_err *err);

/* The feed inside a stream that the watch operation made; the stream keeps owning it. NULL for
 * another stream. */
struct kt_watch_feed *kt_watch_stream_feed(struct kt_stream *stream);

#endif
