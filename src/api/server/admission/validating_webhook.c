/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ValidatingAdmissionWebhook: all webhooks that the write concerns are asked at the same time. Any
 * refusal refuses; of several the first in the order of the webhooks is told, so that the answer
 * does not depend on who was faster.
 */
#include "api/server/admission/plugins.h"
#include "api/server/admission/webhook_call.h"

#define FAILED_OPEN "failed-open.validating.webhook.admission.k8s.io/round_0_index_"

struct hearing {
	struct kt_admission_context *a;
	struct kt_webhook_set *set;
	json_t *namespace_object;
	struct kt_webhook_call *calls; /* of the webhooks that match */
	size_t n, n_running;
};

static void destroy(struct hearing *h)
{
	for (size_t i = 0; i < h->n; i++)
		kt_webhook_call_finish(&h->calls[i]);
	free(h->calls);
	json_decref(h->namespace_object);
	kt_webhook_set_unref(h->set);
	free(h);
}

static int conclude(struct hearing *h)
{
	for (size_t i = 0; i < h->n; i++)
		kt_webhook_call_take_words(&h->calls[i]);
	for (size_t i = 0; i < h->n; i++) {
		struct kt_webhook_call *call = &h->calls[i];

		if (!call->err.code)
			continue;
		if (!call->is_failure)
			return kt_err_move(&h->a->err, &call->err);
		if (!call->hook->ignores_failure)
			return kt_webhook_internal_error(kt_err_message(&call->err), &h->a->err);
		kt_webhook_call_failed_open(call, FAILED_OPEN, i);
	}
	return 0;
}

static void on_done(struct kt_webhook_call *call)
{
	struct hearing *h = call->arg;
	struct kt_admission_context *a = h->a;
	int r;

	if (--h->n_running)
		return;
	r = conclude(h);
	destroy(h);
	kt_admission_resume(a, r);
}

static void cancel(struct kt_admission_context *a)
{
	destroy(a->waiting);
}

/* The calls to make; negative with a->err. */
static int find(struct hearing *h, const struct kt_policy_subject *subject)
{
	h->calls = kt_new_array(struct kt_webhook_call, h->set->n + 1);
	for (size_t i = 0; i < h->set->n; i++) {
		struct kt_webhook_call *call = &h->calls[h->n];
		int r = kt_webhook_matches(&h->set->hooks[i], subject, &call->kind, &h->a->err);

		if (r < 0)
			return r;
		if (r == 0)
			continue;
		call->hook = &h->set->hooks[i];
		call->a = h->a;
		call->done = on_done;
		call->arg = h;
		h->n++;
	}
	return 0;
}

static int hear(struct hearing *h, const struct kt_policy_subject *subject)
{
	int r = find(h, subject);

	if (r < 0)
		return r;
	for (size_t i = 0; i < h->n; i++)
		if (kt_webhook_call_show(&h->calls[i], subject) == KT_ADMIT_WAIT)
			h->n_running++;
	return h->n_running ? KT_ADMIT_WAIT : conclude(h);
}

static int validate(struct kt_admission_context *a, const json_t *object, const json_t *old)
{
	struct kt_policy_subject subject = {.a = a, .object = object, .old = old};
	struct kt_webhook_set *set = kt_webhook_is_exempt(a) ? NULL : kt_webhook_set_get(a, false);
	struct hearing *h;
	int r;

	if (!set)
		return 0;
	h = kt_new(struct hearing);
	h->a = a;
	h->set = set;
	h->namespace_object = kt_webhook_namespace(a);
	subject.namespace_object = h->namespace_object;
	r = hear(h, &subject);
	if (r != KT_ADMIT_WAIT) {
		destroy(h);
		return r;
	}
	a->waiting = h;
	a->cancel = cancel;
	return r;
}

const struct kt_admission_plugin kt_admission_validating_webhook = {
        .name = "ValidatingAdmissionWebhook",
        .on_by_default = true,
        .validate = validate,
};
