/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one way to reach objects: an asynchronous client of a Kubernetes API server. Two
 * implementations: in-process (enters the request pipeline at its door with an identity of its own;
 * api/server provides it) and remote (libcurl, kubeconfig; client/remote.h). Scheduler,
 * controllers, kubelets, terminal UI and commands use nothing else.
 *
 * A call and a watch are memory of the caller and live until `done` ran. Callbacks run on the loop
 * named in the call. A client may be used from any loop's thread; one call belongs to one loop.
 */
#ifndef KT_API_CLIENT_CLIENT_H
#define KT_API_CLIENT_CLIENT_H

#include "api/storage/object.h"
#include "base/buf.h"
#include "base/cancel.h"
#include "base/err.h"
#include "base/loop.h"

#include <stdbool.h>
#include <stdint.h>

struct kt_client;

struct kt_call {
	/* request; strings are the caller's until done */
	const char *method;       /* "GET", "POST", "PUT", "PATCH", "DELETE" */
	const char *path;         /* with query: "/api/v1/namespaces/default/pods?limit=500" */
	const char *content_type; /* of body; NULL: application/json */
	const char *accept;       /* NULL: application/json */
	const char *user_agent;   /* NULL: the client's; its part before '/' is the default field
	                             manager */
	struct kt_buf *body;      /* borrowed; may be NULL */
	int timeout_ms;           /* 0: the client's default */
	struct kt_loop *loop;
	void (*done)(struct kt_call *call);
	/* Set for a streamed answer (logs): pieces as they come; `done` ends it. NULL: the whole
	 * body is collected. */
	void (*on_data)(struct kt_call *call, struct kt_sv piece);

	/* answer */
	int status;             /* HTTP status; 0 when err holds a transport error */
	char *ret_content_type; /* heap, freed by kt_call_finish */
	char *ret_warnings;     /* Warning texts, one per line; NULL: none */
	struct kt_buf *ret_body;
	struct kt_object *ret_object; /* in-process writes and gets: the stored object itself, no
	                                 copy; else NULL */
	struct kt_err err; /* set when status is not 2xx: the Status of the body, or the transport
	                      error */

	void *impl; /* of the client while under way */
};
void kt_call_finish(struct kt_call *call); /* frees the answer; the call may be used again */

/* The bytes of a collected answer, whether they came as a body or as the stored object itself;
 * empty without one. */
struct kt_sv kt_call_body(const struct kt_call *call);

enum kt_watch_type { KT_WATCH_ADDED, KT_WATCH_MODIFIED, KT_WATCH_DELETED, KT_WATCH_BOOKMARK };

struct kt_watch {
	const char *path;      /* with query; the client adds
	                          watch=1&allowWatchBookmarks=true&resourceVersion=… */
	int64_t from_revision; /* 0: start with what exists, as ADDED events, then a BOOKMARK with
	                          initial = true */
	struct kt_loop *loop;
	/* object is borrowed; ref it to keep it. For BOOKMARK only the revision matters. */
	void (*on_event)(struct kt_watch *watch, enum kt_watch_type type, struct kt_object *object);
	/* The stream ended: err holds why (-ESTALE: 410, list again) or nothing (time-out: watch
	 * again from the last revision). After this the watch is idle. Not called after
	 * kt_client_watch_stop(). */
	void (*on_end)(struct kt_watch *watch, struct kt_err *err);
	void *impl;
};

struct kt_client_ops {
	/* Always ends in done(), never before call() returned. */
	void (*call)(struct kt_client *client, struct kt_call *call);
	/* done() is not called any more once cancel returned. */
	void (*cancel)(struct kt_client *client, struct kt_call *call);
	void (*watch)(struct kt_client *client, struct kt_watch *watch);
	void (*watch_stop)(struct kt_client *client, struct kt_watch *watch);
	void (*destroy)(struct kt_client *client);
};

struct kt_client {
	const struct kt_client_ops *ops;
};

static inline void kt_client_call(struct kt_client *client, struct kt_call *call)
{
	client->ops->call(client, call);
}
static inline void kt_client_cancel(struct kt_client *client, struct kt_call *call)
{
	client->ops->cancel(client, call);
}
static inline void kt_client_watch(struct kt_client *client, struct kt_watch *watch)
{
	client->ops->watch(client, watch);
}
static inline void kt_client_watch_stop(struct kt_client *client, struct kt_watch *watch)
{
	client->ops->watch_stop(client, watch);
}
void kt_client_destroy(struct kt_client *client); /* NULL is ignored */

/* For commands and tests: runs the call on a loop of its own until it ends. Returns 0 or
 * call->err's code. `cancel` may be NULL; when it is asked for the call ends with -ECANCELED. */
int kt_client_call_wait(
        struct kt_client *client, struct kt_call *call, const struct kt_cancel *cancel);

#endif
