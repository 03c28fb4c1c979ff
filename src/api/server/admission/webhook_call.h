/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One webhook asked about one write, from the AdmissionReview to the verdict. Lives on the
 * request's loop; nothing here blocks.
 */
#ifndef KT_API_SERVER_ADMISSION_WEBHOOK_CALL_H
#define KT_API_SERVER_ADMISSION_WEBHOOK_CALL_H

#include "api/client/outbound.h"
#include "api/server/admission/review.h"
#include "api/server/admission/webhook_target.h"

struct kt_webhook_call {
	/* filled by the caller */
	const struct kt_webhook *hook;
	const struct kt_kind *kind; /* what the webhook is shown */
	struct kt_admission_context *a;
	bool may_patch;
	void (*done)(struct kt_webhook_call *call); /* after kt_webhook_call_show() returned */
	void *arg;

	/* the verdict: allowed when err is empty */
	struct kt_err err;
	bool is_failure; /* err is a failed call, which failurePolicy decides about */
	struct kt_review_answer answer;

	/* its own */
	struct kt_outbound_call outbound;
	struct kt_webhook_target target;
	struct kt_buf *review;
	char uid[37];
};

/* Asks about the subject, shown as call->kind. KT_ADMIT_WAIT: done() follows. Else the verdict is
 * there already: 0, or err's code. */
int kt_webhook_call_show(struct kt_webhook_call *call, const struct kt_policy_subject *subject);
/* Also ends what is under way: done() is not called any more. */
void kt_webhook_call_finish(struct kt_webhook_call *call);

/* Webhooks have no say in what configures them. */
bool kt_webhook_is_exempt(const struct kt_admission_context *a);
/* The namespace of the write as a new tree; NULL for cluster-scoped kinds and where it is missing.
 */
json_t *kt_webhook_namespace(const struct kt_admission_context *a);
/* A failed call that failurePolicy lets pass: the log and the audit log say so. The key
 * of the annotation ends in the index. */
void kt_webhook_call_failed_open(
        struct kt_webhook_call *call, const char *key_prefix, size_t index);

/* `Internal error occurred: WHY`, with the why as its cause. */
int kt_webhook_internal_error(const char *why, struct kt_err *err);

/* Warnings and audit annotations of an answer become the request's. */
void kt_webhook_call_take_words(struct kt_webhook_call *call);

#endif
