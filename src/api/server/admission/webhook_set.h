/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The webhooks of all MutatingWebhookConfigurations or ValidatingWebhookConfigurations, in the
 * order in which they are asked: by the configuration's name, then as listed. What can be prepared
 * is: selectors, match conditions, CA bundles.
 *
 * A set is immutable and reference-counted; it is made anew when a configuration changed, which
 * each request checks by the revisions in the store, so that a webhook counts from the write that
 * brought it. Without configurations there is no set and no cost. Any thread.
 *
 * A rule means a resource also by its other versions (matchPolicy Equivalent), and the webhook is
 * then shown that version; only versions of a custom resource that a webhook converts are shown as
 * the request has them.
 *
 * matchConditions are compiled with the variables object, oldObject, request and authorizer. A
 * condition that fails is answered as failurePolicy says: Fail refuses the request (403), Ignore
 * leaves the webhook out. A condition never counts as true because it could not be judged.
 */
#ifndef KT_API_SERVER_ADMISSION_WEBHOOK_SET_H
#define KT_API_SERVER_ADMISSION_WEBHOOK_SET_H

#include "api/expr/cel.h"
#include "api/machinery/selector.h"
#include "api/server/admission/policy_match.h"

struct kt_webhooks;
struct kt_outbound;

struct kt_webhooks *kt_webhooks_create(void);
void kt_webhooks_destroy(struct kt_webhooks *webhooks); /* NULL is ignored */
/* Made when it is first needed. NULL with err. */
struct kt_outbound *kt_webhooks_outbound(struct kt_webhooks *webhooks, struct kt_err *err);

struct kt_webhook_condition {
	const char *expression;
	struct kt_cel *cel; /* NULL: it does not compile */
	char *fault;        /* then why */
};

struct kt_webhook {
	const char *configuration, *name;
	const json_t *tree; /* webhooks[i]; of the set */
	bool ignores_failure, matches_equivalent, is_reinvoked;
	int timeout_s;
	const char *version; /* of the AdmissionReview it is sent: "v1", "v1beta1" */
	char *ca_pem;        /* NULL: the system's CAs */
	struct kt_selector *namespaces, *objects;
	struct kt_webhook_condition *conditions;
	size_t n_conditions;
};

struct kt_webhook_set {
	atomic_uint refs;
	json_t **configurations;
	int64_t *revisions;
	size_t n_configurations;
	struct kt_webhook *hooks;
	size_t n;
};

/* A reference; NULL when there are no webhooks. */
struct kt_webhook_set *kt_webhook_set_get(const struct kt_admission_context *a, bool mutating);
void kt_webhook_set_unref(struct kt_webhook_set *set);
/* From configurations (trees are taken over); for kt_webhook_set_get() and tests. */
struct kt_webhook_set *kt_webhook_set_create(json_t **configurations, size_t n);

/* The first of the reviews' versions that we speak; static. */
const char *kt_webhook_version(const json_t *versions);
/* clientConfig.caBundle, decoded; heap, NULL without one. */
char *kt_webhook_bundle(const json_t *tree);

/* 1: it is to be asked, as if the resource were *ret_kind; 0: it is not; negative: refused because
 * a condition failed or the namespace is not there. */
int kt_webhook_matches(const struct kt_webhook *hook, const struct kt_policy_subject *subject,
        const struct kt_kind **ret_kind, struct kt_err *err);

/* What the second mutating walk has to know of the first (mutating_webhook.c). */
void kt_webhook_reinvocation_free(struct kt_admission_reinvocation *reinvocation);

#endif
