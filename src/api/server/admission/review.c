/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/admission/review.h"

#include "api/server/admission/policy_match.h"
#include "api/server/versions.h"
#include "api/status.h"

#include <errno.h>

#define API_GROUP "admission.k8s.io"
#define PATCH_TYPE "JSONPatch"

static json_t *gvk(const struct kt_admission_context *a, const struct kt_kind *kind)
{
	const struct kt_subresource *sub =
	        a->subresource ? kt_kind_subresource(kind, a->subresource) : NULL;

	if (sub && sub->kind)
		return json_pack("{ssssss}", "group", sub->group ? sub->group : "", "version",
		        sub->version, "kind", sub->kind);
	return json_pack(
	        "{ssssss}", "group", kind->group, "version", kind->version, "kind", kind->kind);
}

static json_t *gvr(const struct kt_kind *kind)
{
	return json_pack("{ssssss}", "group", kind->group, "version", kind->version, "resource",
	        kind->plural);
}

static json_t *user_json(const struct kt_user *user)
{
	json_t *info = json_object(), *groups = json_array();

	json_object_set_new(info, "username", json_string_nocheck(user ? user->name : ""));
	if (user && user->uid)
		json_object_set_new(info, "uid", json_string_nocheck(user->uid));
	for (size_t i = 0; user && user->groups && user->groups[i]; i++)
		json_array_append_new(groups, json_string_nocheck(user->groups[i]));
	json_object_set_new(info, "groups", groups);
	if (user && user->extra)
		json_object_set_new(info, "extra",
		        json_deep_copy(user->extra)); /* users are shared by threads */
	return info;
}

json_t *kt_review_show(
        const struct kt_admission_context *a, const struct kt_kind *kind, const json_t *object)
{
	if (!object)
		return NULL;
	if (a->view)
		return a->view(a, object);
	return kind == a->kind ? json_incref((json_t *)(uintptr_t)object)
	                       : kt_versions_convert(kind, object);
}

json_t *kt_review_request(const struct kt_admission_context *a, const struct kt_kind *kind)
{
	/* A namespace is in itself. */
	bool is_namespace = kt_streq(a->kind->plural, "namespaces") && !*a->kind->group;
	const char *namespace = is_namespace ? a->name : a->namespace;
	json_t *request = json_object();

	json_object_set_new(request, "kind", gvk(a, kind));
	json_object_set_new(request, "resource", gvr(kind));
	if (a->subresource)
		json_object_set_new(request, "subResource", json_string(a->subresource));
	json_object_set_new(request, "requestKind", gvk(a, a->kind));
	json_object_set_new(request, "requestResource", gvr(a->kind));
	if (a->subresource)
		json_object_set_new(request, "requestSubResource", json_string(a->subresource));
	json_object_set_new(request, "name", json_string_nocheck(a->name));
	json_object_set_new(request, "namespace", json_string_nocheck(namespace));
	json_object_set_new(request, "operation", json_string(kt_policy_operation(a)));
	json_object_set_new(request, "userInfo", user_json(a->user));
	json_object_set_new(request, "dryRun", json_boolean(a->dry_run));
	return request;
}

static void set_object(json_t *request, const char *key, const json_t *object)
{
	json_t *shown = (json_t *)(uintptr_t)object; /* only printed */

	if (shown)
		json_object_set(request, key, shown);
	else
		json_object_set_new(request, key, json_null());
}

static void drop_empty(json_t *request, const char *key)
{
	const char *text = json_string_value(json_object_get(request, key));

	if (text && !*text)
		json_object_del(request, key);
}

struct kt_buf *kt_review_make(struct kt_admission_context *a, const struct kt_kind *kind,
        const struct kt_review_objects *objects, const char *version, const char *uid)
{
	json_t *request = kt_review_request(a, kind);
	kt_auto_json json_t *review = json_object();
	kt_auto_free char *api_version = kt_asprintf(API_GROUP "/%s", version);
	kt_auto_str text = KT_STR_INIT;

	json_object_set_new(request, "uid", json_string(uid));
	drop_empty(request, "name");
	drop_empty(request, "namespace");
	set_object(request, "object", objects->object);
	set_object(request, "oldObject", objects->old);
	set_object(request, "options", kt_admission_options(a));
	json_object_set_new(review, "kind", json_string("AdmissionReview"));
	json_object_set_new(review, "apiVersion", json_string(api_version));
	json_object_set_new(review, "request", request);
	kt_json_write(&text, review, 0);
	return kt_buf_from_str(&text);
}

void kt_review_answer_finish(struct kt_review_answer *answer)
{
	json_decref(kt_steal(&answer->review));
	json_decref(kt_steal(&answer->patch));
}

static int invalid(struct kt_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int invalid(struct kt_err *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	kt_auto_free char *why = kt_vasprintf(fmt, ap);
	va_end(ap);
	return kt_fail(err, EPROTO, "received invalid webhook response: %s", why);
}

/* `admission.k8s.io/v1, Kind=AdmissionReview` */
static int check_kind(const json_t *review, const char *version, struct kt_err *err)
{
	const char *api_version = kt_jstr(review, "apiVersion"), *kind = kt_jstr(review, "kind");
	kt_auto_free char *wanted = kt_asprintf(API_GROUP "/%s", version);

	if (kt_streq(api_version, wanted) && kt_streq(kind, "AdmissionReview"))
		return 0;
	return invalid(err,
	        "expected webhook response of %s, Kind=AdmissionReview, got %s%s, Kind=%s", wanted,
	        api_version && strchr(api_version, '/') ? "" : "/", api_version ? api_version : "",
	        kind ? kind : "");
}

/* v1beta1 webhooks from before the field may leave out what names their answer. */
static int check_name(
        const json_t *review, const char *version, const char *uid, struct kt_err *err)
{
	const char *there = kt_jstr(review, "response.uid");
	bool is_old = !strcmp(version, "v1beta1");

	if (is_old && (!there || !*there) && !kt_jstr(review, "kind"))
		return 0;
	if (!kt_streq(there, uid) && !(is_old && (!there || !*there)))
		return invalid(
		        err, "expected response.uid=\"%s\", got \"%s\"", uid, there ? there : "");
	return is_old ? 0 : check_kind(review, version, err);
}

static int decode_patch(const char *base64, json_t **ret_patch, struct kt_err *err)
{
	kt_auto_str text = KT_STR_INIT;
	kt_auto_err why = KT_ERR_INIT;

	if (kt_base64_decode(&text, kt_sv_of(base64)) < 0)
		return kt_fail(
		        err, EPROTO, "failed to call webhook: illegal base64 data at input byte 0");
	*ret_patch = kt_json_parse((struct kt_sv){kt_str_text(&text), text.len}, NULL, &why);
	if (*ret_patch && json_is_array(*ret_patch))
		return 0;
	/* What the webhook wrote is refused as such, whatever its failure policy says. */
	return kt_fail_reason(err, KT_REASON_INTERNAL_ERROR, EBADMSG, "%s",
	        *ret_patch ? "json: cannot unmarshal object into Go value of type jsonpatch.Patch"
	                   : kt_err_message(&why));
}

static int take_patch(
        struct kt_review_answer *answer, bool is_old, bool may_patch, struct kt_err *err)
{
	const char *patch = kt_jstr(answer->review, "response.patch");
	const char *type = kt_jstr(answer->review, "response.patchType");
	bool has_patch = patch && *patch;

	if (!may_patch && !is_old && has_patch)
		return invalid(err, "validating webhook may not return response.patch");
	if (!may_patch && !is_old && type)
		return invalid(err, "validating webhook may not return response.patchType");
	if (!may_patch || (is_old && !has_patch))
		return 0;
	if (!is_old && has_patch && !type)
		return invalid(err, "webhook returned response.patch but not response.patchType");
	if (!is_old && !has_patch && type)
		return invalid(err, "webhook returned response.patchType but not response.patch");
	if (!has_patch || !answer->allowed)
		return 0;
	if (type && strcmp(type, PATCH_TYPE))
		return invalid(err, "webhook returned invalid response.patchType of \"%s\"", type);
	return decode_patch(patch, &answer->patch, err);
}

int kt_review_read(struct kt_sv body, const char *version, const char *uid, bool may_patch,
        struct kt_review_answer *ret_answer, struct kt_err *err)
{
	kt_auto_err why = KT_ERR_INIT;
	struct kt_review_answer answer = {.review = kt_json_parse(body, NULL, &why)};
	bool is_old = !strcmp(version, "v1beta1");
	const json_t *response = json_object_get(answer.review, "response");
	int r = 0;

	if (!json_is_object(answer.review))
		r = kt_fail(err, EPROTO,
		        "failed to call webhook: couldn't get version/kind; json parse error: %s",
		        answer.review ? "json: cannot unmarshal into Go value of type struct"
		                      : kt_err_message(&why));
	else if (!json_is_object(response))
		r = invalid(err, "webhook response was absent");
	else
		r = check_name(answer.review, version, uid, err);
	if (r >= 0) {
		answer.allowed = json_is_true(json_object_get(response, "allowed"));
		answer.status = json_object_get(response, "status");
		answer.warnings = json_object_get(response, "warnings");
		answer.annotations = json_object_get(response, "auditAnnotations");
		r = take_patch(&answer, is_old, may_patch, err);
	}
	if (r < 0) {
		kt_review_answer_finish(&answer);
		return r;
	}
	*ret_answer = answer;
	return 0;
}

static void take_details(const json_t *details, struct kt_err *err)
{
	const json_t *causes = json_object_get(details, "causes");

	kt_err_set_about(err, kt_jstr(details, "group"), kt_jstr(details, "kind"),
	        kt_jstr(details, "name"), kt_jstr(details, "uid"));
	err->retry_after_s = (int)kt_jint(details, "retryAfterSeconds", 0);
	for (size_t i = 0; i < json_array_size(causes); i++) {
		const json_t *cause = json_array_get(causes, i);
		const char *message = kt_jstr(cause, "message");

		kt_err_add_cause(err, kt_jstr(cause, "reason"), kt_jstr(cause, "field"),
		        message ? message : "");
	}
}

int kt_review_deny(const char *webhook, const json_t *status, struct kt_err *err)
{
	const char *message = kt_jstr(status, "message"), *reason = kt_jstr(status, "reason");
	enum kt_reason known = reason && *reason ? kt_reason_parse(reason) : KT_REASON_UNKNOWN;
	int64_t code = kt_jint(status, "code", 0);
	const char *why = message && *message ? message : reason;
	bool told = why && *why;
	int r = kt_fail_reason(err, (int)known, kt_reason_errno(known),
	        "admission webhook \"%s\" denied the request%s%s", webhook,
	        told ? ": " : " without explanation", told ? why : "");

	/* A refusal is never told as a success. */
	err->status = code < 400 || code > 599 ? 400 : (int)code;
	if (json_is_object(json_object_get(status, "details")))
		take_details(json_object_get(status, "details"), err);
	return r;
}
