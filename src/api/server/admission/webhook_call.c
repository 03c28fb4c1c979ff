/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/admission/webhook_call.h"

#include "api/status.h"
#include "base/log.h"

#include <errno.h>

/* `failed calling webhook "NAME": …` */
static int fail(struct kt_webhook_call *call, struct kt_err *why)
{
	call->is_failure = true;
	kt_fail(&call->err, why->code, "failed calling webhook \"%s\": %s", call->hook->name,
	        kt_err_message(why));
	return call->err.code;
}

static bool is_text(const struct kt_outbound_call *out)
{
	return !out->content_type || kt_starts_with(out->content_type, "text/");
}

static int fail_status(struct kt_webhook_call *call)
{
	const struct kt_outbound_call *out = &call->outbound;
	struct kt_sv body = kt_sv_trim((struct kt_sv){kt_str_text(&out->answer), out->answer.len});
	kt_auto_json json_t *status = is_text(out) ? NULL : kt_json_parse(body, NULL, NULL);
	kt_auto_str words = KT_STR_INIT;
	kt_auto_err why = KT_ERR_INIT;

	if (kt_streq(kt_jstr(status, "kind"), "Status") && kt_jstr(status, "message"))
		kt_str_puts(&words, kt_jstr(status, "message"));
	else
		kt_status_words(&words, out->status, is_text(out) ? body : KT_SV("unknown"));
	kt_fail(&why, EPROTO, "failed to call webhook: %s", kt_str_text(&words));
	return fail(call, &why);
}

static int read_answer(struct kt_webhook_call *call)
{
	const struct kt_outbound_call *out = &call->outbound;
	struct kt_sv body = {kt_str_text(&out->answer), out->answer.len};
	kt_auto_err why = KT_ERR_INIT;

	if (out->err.code) {
		kt_fail(&why, out->err.code, "failed to call webhook: %s",
		        kt_err_message(&out->err));
		return fail(call, &why);
	}
	if (out->status < 200 || out->status > 206)
		return fail_status(call);
	if (!body.len) {
		kt_fail(&why, EPROTO,
		        "failed to call webhook: 0-length response with status code: %d and "
		        "content type: %s",
		        out->status, out->content_type ? out->content_type : "");
		return fail(call, &why);
	}
	if (kt_review_read(body, call->hook->version, call->uid, call->may_patch, &call->answer,
	            &why) < 0) {
		if (why.reason == KT_REASON_NONE)
			return fail(call, &why);
		return kt_webhook_internal_error(kt_err_message(&why), &call->err);
	}
	if (call->answer.allowed)
		return 0;
	return kt_review_deny(call->hook->name, call->answer.status, &call->err);
}

static void on_done(struct kt_outbound_call *out)
{
	struct kt_webhook_call *call = kt_container_of(out, struct kt_webhook_call, outbound);

	read_answer(call);
	call->done(call);
}

/* The webhook's own time, or what is left of the request's. 0: nothing is. */
static int time_left_ms(const struct kt_webhook_call *call)
{
	const struct kt_admission_context *a = call->a;
	int64_t own = (int64_t)call->hook->timeout_s * 1000, left;

	if (!a->deadline_ns)
		return (int)own;
	left = (a->deadline_ns - kt_loop_now_ns(a->rules->loop)) / KT_NS_PER_MS;
	return (int)KT_MIN(own, KT_MAX(left, (int64_t)0));
}

static int check_dry_run(struct kt_webhook_call *call)
{
	const char *effects = kt_jstr(call->hook->tree, "sideEffects");

	if (!call->a->dry_run || kt_streq(effects, "None") || kt_streq(effects, "NoneOnDryRun"))
		return 0;
	return kt_fail_reason(&call->err, KT_REASON_BAD_REQUEST, EINVAL,
	        "admission webhook \"%s\" does not support dry run", call->hook->name);
}

static int prepare(struct kt_webhook_call *call, struct kt_err *why)
{
	const char *pem = call->hook->ca_pem;

	if (pem && !strstr(pem, "-----BEGIN CERTIFICATE-----"))
		return kt_fail(why, EINVAL,
		        "could not get REST client: unable to load root certificates: unable to "
		        "parse bytes as PEM block");
	if (kt_webhook_target_find(call->hook, call->a, &call->target, why) < 0)
		return kt_wrap(why, "failed to call webhook");
	call->outbound.timeout_ms = time_left_ms(call);
	if (!call->outbound.timeout_ms)
		return kt_fail(why, ETIMEDOUT,
		        "failed to call webhook: Post \"%s\": context deadline exceeded",
		        call->target.url);
	return 0;
}

static int start(struct kt_webhook_call *call, const struct kt_review_objects *objects)
{
	struct kt_admission_context *a = call->a;
	struct kt_outbound *outbound;
	kt_auto_err why = KT_ERR_INIT;

	kt_assert(a->resume); /* whoever walks without it has no webhooks in its store */
	if (check_dry_run(call) < 0)
		return call->err.code;
	if (prepare(call, &why) < 0)
		return fail(call, &why);
	outbound = kt_webhooks_outbound(kt_admission_webhooks(a), &why);
	if (!outbound)
		return fail(call, &why);
	kt_loop_random_uuid(a->rules->loop, call->uid);
	call->review = kt_review_make(a, call->kind, objects, call->hook->version, call->uid);
	call->outbound.url = call->target.url;
	call->outbound.connect_to = call->target.connect_to;
	call->outbound.ca_pem = call->hook->ca_pem;
	call->outbound.user_agent = "kube-apiserver-admission";
	call->outbound.body = call->review;
	call->outbound.loop = a->rules->loop;
	call->outbound.done = on_done;
	kt_outbound_post(outbound, &call->outbound);
	return KT_ADMIT_WAIT;
}

int kt_webhook_call_show(struct kt_webhook_call *call, const struct kt_policy_subject *subject)
{
	kt_auto_json json_t *object = kt_review_show(call->a, call->kind, subject->object);
	kt_auto_json json_t *old = kt_review_show(call->a, call->kind, subject->old);
	const struct kt_review_objects objects = {object, old};

	return start(call, &objects);
}

void kt_webhook_call_finish(struct kt_webhook_call *call)
{
	kt_outbound_cancel(&call->outbound);
	kt_outbound_call_finish(&call->outbound);
	kt_webhook_target_finish(&call->target);
	kt_review_answer_finish(&call->answer);
	kt_buf_unref(kt_steal(&call->review));
	kt_err_clear(&call->err);
}

bool kt_webhook_is_exempt(const struct kt_admission_context *a)
{
	return kt_streq(a->kind->group, "admissionregistration.k8s.io");
}

json_t *kt_webhook_namespace(const struct kt_admission_context *a)
{
	if (!(a->kind->flags & KT_KIND_NAMESPACED))
		return NULL;
	return kt_admission_read(a, "", "namespaces", "", a->namespace);
}

void kt_webhook_call_failed_open(struct kt_webhook_call *call, const char *key_prefix, size_t index)
{
	kt_auto_free char *key = kt_asprintf("%s%zu", key_prefix, index);

	kt_log_warning("admission", "%s, failing open", kt_err_message(&call->err));
	kt_admission_annotate(call->a, key, call->hook->name);
}

int kt_webhook_internal_error(const char *why, struct kt_err *err)
{
	int r = kt_fail_reason(
	        err, KT_REASON_INTERNAL_ERROR, EIO, "Internal error occurred: %s", why);

	kt_err_add_cause(err, NULL, NULL, why);
	return r;
}

void kt_webhook_call_take_words(struct kt_webhook_call *call)
{
	const json_t *warnings = call->answer.warnings;
	json_t *annotations = (json_t *)(uintptr_t)call->answer.annotations, *value;
	const char *key;

	for (size_t i = 0; i < json_array_size(warnings); i++) {
		const char *text = json_string_value(json_array_get(warnings, i));

		if (text)
			kt_rule_warn(call->a->rules, "%s", text);
	}
	json_object_foreach(annotations, key, value) {
		kt_auto_free char *full = kt_asprintf("%s/%s", call->hook->name, key);

		if (json_is_string(value))
			kt_admission_annotate(call->a, full, json_string_value(value));
	}
}
