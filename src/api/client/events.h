/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The event recorder: core/v1 Events about objects, worded by the caller, written in the
 * background. As client-go's recorder: an event that repeats raises `count` of the one already
 * written; of those that differ only in their text the KT_EVENT_SIMILAR_MAX-th and all later ones
 * are combined, under the newest text; a chatty source is limited per object (what is held back
 * is in the next count), and when the queue is full events are dropped: an event is a courtesy,
 * never a promise.
 *
 * All calls on the recorder's loop.
 */
#ifndef KT_API_CLIENT_EVENTS_H
#define KT_API_CLIENT_EVENTS_H

#include "api/client/client.h"

#define KT_EVENT_QUEUE_MAX 1000 /* client-go's broadcaster keeps as many */
#define KT_EVENT_UNDER_WAY_MAX \
	2                       /* writes at once: events never crowd out the work they tell of \
	                         */
#define KT_EVENT_CACHE_MAX 4096 /* client-go's LRU */
#define KT_EVENT_SIMILAR_MAX 10
#define KT_EVENT_SIMILAR_WINDOW_S 600
#define KT_EVENT_BURST 25     /* per source and object */
#define KT_EVENT_REFILL_S 300 /* one more each */

struct kt_event_recorder;

struct kt_event_recorder_options {
	struct kt_client *client;
	struct kt_loop *loop;
	const char *component; /* "deployment-controller" */
	const char *host;      /* NULL: none */
	bool new_form; /* events.k8s.io form: eventTime instead of firstTimestamp, no source */
};

/* What an event is about. Any slice may be empty. */
struct kt_event_ref {
	struct kt_sv api_version, kind, namespace, name, uid, resource_version, field_path;
};
/* Of a stored object (apiVersion and kind are read from its JSON); borrows from it. */
struct kt_event_ref kt_event_ref_of(const struct kt_object *object);

struct kt_event_recorder *kt_event_recorder_create(const struct kt_event_recorder_options *options);
void kt_event_recorder_destroy(
        struct kt_event_recorder *recorder); /* NULL is ignored; what waits is dropped */

/* type: "Normal" or "Warning". host NULL: the recorder's. The ref is not used after the call. */
struct kt_event {
	struct kt_event_ref about;
	const char *type, *reason;
	const char *action; /* NULL: none */
	const char *host;
};
void kt_event_record(struct kt_event_recorder *recorder, const struct kt_event *event,
        const char *message, ...) __attribute__((format(printf, 3, 4)));

#endif
