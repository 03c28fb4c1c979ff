/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * metav1.Status: the reasons, the one table errno -> reason -> HTTP status, and errors to and from
 * Status JSON. Source: the API conventions, "Response Status Kind".
 */
#ifndef KT_API_STATUS_H
#define KT_API_STATUS_H

#include "base/err.h"
#include "base/json.h"

enum kt_reason {
	KT_REASON_NONE, /* derive from the errno */
	KT_REASON_BAD_REQUEST,
	KT_REASON_UNAUTHORIZED,
	KT_REASON_FORBIDDEN,
	KT_REASON_NOT_FOUND,
	KT_REASON_METHOD_NOT_ALLOWED,
	KT_REASON_NOT_ACCEPTABLE,
	KT_REASON_ALREADY_EXISTS,
	KT_REASON_CONFLICT,
	KT_REASON_GONE,
	KT_REASON_EXPIRED,
	KT_REASON_REQUEST_ENTITY_TOO_LARGE,
	KT_REASON_UNSUPPORTED_MEDIA_TYPE,
	KT_REASON_INVALID,
	KT_REASON_TOO_MANY_REQUESTS,
	KT_REASON_INTERNAL_ERROR,
	KT_REASON_SERVICE_UNAVAILABLE,
	KT_REASON_TIMEOUT,        /* 504 */
	KT_REASON_SERVER_TIMEOUT, /* 500 */
	KT_REASON_UNKNOWN,        /* "" */
	KT_REASON_COUNT
};

/* What the error is about; any may be NULL. */
struct kt_status_details {
	const char *group, *kind, *name, *uid;
};

const char *kt_reason_text(enum kt_reason reason); /* "NotFound" */
enum kt_reason kt_reason_parse(const char *text);  /* KT_REASON_UNKNOWN when not known */
int kt_reason_http_status(enum kt_reason reason);
int kt_reason_errno(enum kt_reason reason);             /* positive */
enum kt_reason kt_err_reason(const struct kt_err *err); /* its own, or by its errno */
int kt_err_http_status(const struct kt_err *err);

/* The Status object of an error; details may be NULL. New reference. */
json_t *kt_status_of_err(const struct kt_err *err, const struct kt_status_details *details);
/* What client-go says of an answer that is no Status; text: its body, "unknown" unless that is
 * text. */
void kt_status_words(struct kt_str *out, int http_status, struct kt_sv text);
/* Fills err from a Status body, or in kt_status_words() from any other; returns the code. */
int kt_err_of_status(struct kt_err *err, int http_status, struct kt_sv body);

/* The common refusals, worded as upstream: `pods "x" not found`, with resource in
 * "deployments.apps" form for a group. */
int kt_fail_not_found(
        struct kt_err *err, const char *group, const char *resource, const char *name);
int kt_fail_already_exists(
        struct kt_err *err, const char *group, const char *resource, const char *name);
int kt_fail_conflict(struct kt_err *err, const char *group, const char *resource, const char *name,
        const char *why);

#endif
