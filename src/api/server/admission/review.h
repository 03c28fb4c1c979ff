/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * AdmissionReview: what a webhook is asked and what it may answer (admission.k8s.io/v1 and
 * v1beta1). Source: the documentation's page "Dynamic Admission Control".
 */
#ifndef KT_API_SERVER_ADMISSION_REVIEW_H
#define KT_API_SERVER_ADMISSION_REVIEW_H

#include "api/server/admission/admission.h"

/* The AdmissionRequest without uid, objects and options; policies see it as `request`. kind: the
 * version of the resource that is shown, where it is not that of the request. */
json_t *kt_review_request(const struct kt_admission_context *a, const struct kt_kind *kind);

/* An object of the write as a webhook sees it that knows the resource as `kind`: in that version,
 * or as the view of the sub-resource. A reference, NULL for NULL. */
json_t *kt_review_show(
        const struct kt_admission_context *a, const struct kt_kind *kind, const json_t *object);

/* What is shown of the write. */
struct kt_review_objects {
	const json_t *object, *old; /* either may be NULL */
};

/* The whole review as JSON. version: "v1" or "v1beta1". */
struct kt_buf *kt_review_make(struct kt_admission_context *a, const struct kt_kind *kind,
        const struct kt_review_objects *objects, const char *version, const char *uid);

/* An answer, checked: trees are borrowed from `review`. */
struct kt_review_answer {
	json_t *review;
	bool allowed;
	const json_t *status, *warnings, *annotations; /* may be NULL */
	json_t *patch; /* JSON patch to apply; NULL: none. A reference. */
};
void kt_review_answer_finish(struct kt_review_answer *answer);

/* The body of an answer with status 200. The error is what follows `failed calling webhook "NAME":
 * `. may_patch: it comes from a mutating webhook. */
int kt_review_read(struct kt_sv body, const char *version, const char *uid, bool may_patch,
        struct kt_review_answer *ret_answer, struct kt_err *err);

/* The refusal of a webhook: its status with `admission webhook "NAME" denied the request: ` before
 * the message. Returns the code. */
int kt_review_deny(const char *webhook, const json_t *status, struct kt_err *err);

#endif
