/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A set of asynchronous calls that own their path, body and callback: what a component on a loop
 * needs to fire requests without keeping struct kt_call alive itself. Destroying the set cancels
 * what is under way; no callback runs afterwards.
 *
 * `done` runs once per call on the set's loop; the answer is gone when it returns (ref what must
 * stay). done may send more calls, and may destroy nothing but its own state.
 */
#ifndef KT_API_CLIENT_CALLS_H
#define KT_API_CLIENT_CALLS_H

#include "api/client/client.h"
#include "base/str.h"

struct kt_calls;

typedef void kt_call_done_fn(void *arg, struct kt_call *call);

struct kt_calls *kt_calls_create(
        struct kt_client *client, struct kt_loop *loop, const char *user_agent);
void kt_calls_destroy(struct kt_calls *calls); /* NULL is ignored */
size_t kt_calls_under_way(const struct kt_calls *calls);

#define KT_PATCH_STRATEGIC "application/strategic-merge-patch+json"
#define KT_PATCH_MERGE "application/merge-patch+json"
#define KT_PATCH_JSON "application/json-patch+json"

struct kt_call_spec {
	const char *method;
	const char *content_type; /* constant; NULL: application/json */
	struct kt_str *body;      /* taken over (emptied); NULL: none */
	kt_call_done_fn *done;    /* NULL: the answer does not matter */
	void *arg;
	void (*drop)(
	        void *arg); /* instead of done when the set is destroyed first; NULL: nothing */
};
/* The path is formatted and owned by the call. */
void kt_calls_send(struct kt_calls *calls, const struct kt_call_spec *spec, const char *path, ...)
        __attribute__((format(printf, 3, 4)));
/* With a tree as body (borrowed). */
void kt_calls_send_json(struct kt_calls *calls, const struct kt_call_spec *spec, const json_t *body,
        const char *path, ...) __attribute__((format(printf, 4, 5)));

/* The JSON of the answer: of the object itself (in-process) or of the body; p NULL when there is
 * neither. Valid until done returns. */
struct kt_json_at kt_call_answer(const struct kt_call *call);
/* The resourceVersion of the object that was answered; 0: none. */
int64_t kt_call_revision(const struct kt_call *call);

#endif
