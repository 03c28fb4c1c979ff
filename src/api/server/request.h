/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One API request on its way through the pipeline. Every call, from kubectl or from our own
 * scheduler, is a struct kt_request that passes the same ordered array of stages (pipeline.h):
 * authenticate, flow control, authorize, decode, mutate, default, validate, commit, encode, audit.
 * HTTP (http/) is a transport in front of it; the in-process client (inprocess.h) enters at the
 * same door with an identity of its own.
 *
 * Life: the transport creates it, fills the input half, calls kt_server_handle(); the pipeline runs
 * on the caller's thread up to the commit, and again on the request's loop after the store has
 * synced; `done` is called exactly once on that loop. Then the transport sends the answer (body
 * segments, or a stream it pulls) and destroys the request.
 */
#ifndef KT_API_SERVER_REQUEST_H
#define KT_API_SERVER_REQUEST_H

#include "api/schema/schema.h"
#include "api/storage/storage.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/vec.h"

struct kt_server;

/* Who calls. Strings live as long as the user; ref-counted because connections share one. */
struct kt_user {
	atomic_uint refs;
	char *name;
	char *uid;     /* may be NULL */
	char **groups; /* NULL-terminated */
	json_t *extra; /* key -> list of strings; may be NULL */
};
struct kt_user *kt_user_create(const char *name, const char *uid, const char *const *groups);
struct kt_user *kt_user_ref(struct kt_user *user);
void kt_user_unref(struct kt_user *user);
bool kt_user_in_group(const struct kt_user *user, const char *group);

/* Texts live in the request's arena. */
struct kt_header {
	char *name; /* lower case */
	char *value;
};

/* A body that comes bit by bit: watches and logs. Pulled by the transport, never pushed without
 * limit. */
struct kt_stream {
	/* 1: *ret_piece filled (a reference); 0: nothing now, `wake` will be posted; -ENODATA: the
	 * end; else an error that aborts. */
	int (*pull)(struct kt_stream *stream, struct kt_buf **ret_piece);
	void (*close)(struct kt_stream *stream); /* frees it; also when it has not ended */
	struct kt_loop *loop; /* set by the transport before the first pull: where wake runs and
	                         pull is called */
	struct kt_task *wake; /* set by the transport */
};

struct kt_request {
	/* input, filled by the transport */
	struct kt_server *server;
	struct kt_loop *loop;
	char *method;
	char *target; /* path and query as received */
	KT_VEC(struct kt_header) headers;
	struct kt_buf *body;  /* may be NULL */
	struct kt_user *user; /* set: already authenticated (client certificate, in-process); NULL:
	                         stage authenticate decides */
	char *remote_address; /* for audit */
	bool in_process;      /* prefer ret_object to a body copy */
	bool is_part;         /* of another request that was authorized as a whole */
	bool aborted;         /* kt_request_abort() was called */
	void (*done)(struct kt_request *request);
	void *arg; /* the transport's */

	/* output */
	int status;
	KT_VEC(struct kt_header) answer_headers;
	KT_VEC(struct kt_buf *) answer; /* body segments in order; references */
	size_t answer_len;
	struct kt_stream *stream;     /* instead of segments; owned by the transport after done */
	struct kt_object *ret_object; /* in_process: the object answered; reference */

	/* the pipeline's own state (pipeline.h) */
	struct kt_arena arena;
	struct kt_err err;
	struct kt_request_state *state;
	void (*finish)(struct kt_request *request); /* frees state; set by the pipeline, called by
	                                               kt_request_destroy() */
};

struct kt_request *kt_request_create(struct kt_server *server, struct kt_loop *loop);
void kt_request_destroy(struct kt_request *request);
const char *kt_request_header(
        const struct kt_request *request, const char *lower_name); /* NULL: absent */
void kt_request_add_header(struct kt_request *request, const char *name, const char *value);
void kt_request_answer_header(struct kt_request *request, const char *name, const char *value);
/* Takes over one reference. */
void kt_request_answer_add(struct kt_request *request, struct kt_buf *segment);

/* Starts the pipeline; `done` may be called before this returns. */
void kt_server_handle(struct kt_request *request);
/* The client went away: a request still under way ends soon with done(); a stream is closed by the
 * transport itself. */
void kt_request_abort(struct kt_request *request);

#endif
