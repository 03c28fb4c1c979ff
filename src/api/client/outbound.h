/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * HTTPS requests to servers that objects of the cluster name: webhooks. A POST of JSON goes out on
 * the loop of the call, on the same curl machinery as the remote client (remote_internal.h), with
 * connections kept alive per loop; errors are worded as Go's net/http words them, since people know
 * and search for those: `Post "URL": dial tcp 127.0.0.1:1: connect: connection refused`.
 *
 * TLS is always verified: against the call's CA bundle, or the system's without one, and for the
 * host of the URL even when connect_to leads elsewhere. Redirects are not followed.
 *
 * A struct kt_outbound serves any thread and lives until it is destroyed, after the loops have let
 * go of their calls. A call is memory of the caller, belongs to one loop and lives until done() ran
 * or kt_outbound_cancel() returned.
 */
#ifndef KT_API_CLIENT_OUTBOUND_H
#define KT_API_CLIENT_OUTBOUND_H

#include "base/buf.h"
#include "base/err.h"
#include "base/loop.h"

#include <stdbool.h>

#define KT_OUTBOUND_ANSWER_BYTES_MAX \
	((size_t)8 << 20) /* a patch that replaces an object of full size, in base64 */

struct kt_outbound;

struct kt_outbound_call {
	/* request; strings are the caller's until done */
	const char *url;        /* "https://name.namespace.svc:443/path?timeout=10s" */
	const char *connect_to; /* "10.0.0.1:9443": where that host is; NULL: as the URL says */
	const char *ca_pem;     /* NULL: the system's */
	const char *user_agent;
	struct kt_buf *body; /* borrowed */
	int timeout_ms;
	size_t answer_bytes_max; /* 0: KT_OUTBOUND_ANSWER_BYTES_MAX */
	struct kt_loop *loop;
	void (*done)(struct kt_outbound_call *call);

	/* answer */
	int status;         /* of HTTP; 0 when err says why there is none */
	char *content_type; /* heap; may be NULL */
	struct kt_str answer;
	struct kt_err err;

	void *impl; /* while under way */
};

int kt_outbound_create(struct kt_outbound **ret_outbound, struct kt_err *err);
void kt_outbound_destroy(struct kt_outbound *outbound); /* NULL is ignored */

/* Always ends in done(), never before this returned. */
void kt_outbound_post(struct kt_outbound *outbound, struct kt_outbound_call *call);
/* done() is not called any more. An idle call is fine. */
void kt_outbound_cancel(struct kt_outbound_call *call);
/* Frees the answer. */
void kt_outbound_call_finish(struct kt_outbound_call *call);

#endif
