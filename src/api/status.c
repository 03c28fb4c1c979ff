/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/status.h"

#include "base/mem.h"
#include "base/str.h"

#include <errno.h>

#define BODY_SHOWN_BYTES_MAX 2048 /* of an error page, in a message */

static const struct {
	const char *text;
	int http_status;
	int code; /* positive errno */
} reasons[KT_REASON_COUNT] = {
        [KT_REASON_NONE] = {"", 500, EIO},
        [KT_REASON_BAD_REQUEST] = {"BadRequest", 400, EINVAL},
        [KT_REASON_UNAUTHORIZED] = {"Unauthorized", 401, EACCES},
        [KT_REASON_FORBIDDEN] = {"Forbidden", 403, EPERM},
        [KT_REASON_NOT_FOUND] = {"NotFound", 404, ENOENT},
        [KT_REASON_METHOD_NOT_ALLOWED] = {"MethodNotAllowed", 405, EOPNOTSUPP},
        [KT_REASON_NOT_ACCEPTABLE] = {"NotAcceptable", 406, EPROTONOSUPPORT},
        [KT_REASON_ALREADY_EXISTS] = {"AlreadyExists", 409, EEXIST},
        [KT_REASON_CONFLICT] = {"Conflict", 409, EBUSY},
        [KT_REASON_GONE] = {"Gone", 410, ESTALE},
        [KT_REASON_EXPIRED] = {"Expired", 410, ESTALE},
        [KT_REASON_REQUEST_ENTITY_TOO_LARGE] = {"RequestEntityTooLarge", 413, EFBIG},
        [KT_REASON_UNSUPPORTED_MEDIA_TYPE] = {"UnsupportedMediaType", 415, EMEDIUMTYPE},
        [KT_REASON_INVALID] = {"Invalid", 422, EDOM},
        [KT_REASON_TOO_MANY_REQUESTS] = {"TooManyRequests", 429, EAGAIN},
        [KT_REASON_INTERNAL_ERROR] = {"InternalError", 500, EIO},
        [KT_REASON_SERVICE_UNAVAILABLE] = {"ServiceUnavailable", 503, EHOSTDOWN},
        [KT_REASON_TIMEOUT] = {"Timeout", 504, ETIMEDOUT},
        [KT_REASON_SERVER_TIMEOUT] = {"ServerTimeout", 500, ETIME},
        [KT_REASON_UNKNOWN] = {"", 500, EPROTO},
};

const char *kt_reason_text(enum kt_reason reason)
{
	return reason >= 0 && reason < KT_REASON_COUNT ? reasons[reason].text : "";
}

enum kt_reason kt_reason_parse(const char *text)
{
	for (int i = KT_REASON_NONE + 1; i < KT_REASON_UNKNOWN; i++)
		if (kt_streq(reasons[i].text, text))
			return (enum kt_reason)i;
	return KT_REASON_UNKNOWN;
}

int kt_reason_http_status(enum kt_reason reason)
{
	return reason >= 0 && reason < KT_REASON_COUNT ? reasons[reason].http_status : 500;
}

int kt_reason_errno(enum kt_reason reason)
{
	return reason >= 0 && reason < KT_REASON_COUNT ? reasons[reason].code : EIO;
}

static enum kt_reason reason_of_errno(int code)
{
	if (code < 0)
		code = -code;
	if (code == ESTALE)
		return KT_REASON_EXPIRED;
	if (code == ERANGE)
		return KT_REASON_TIMEOUT;
	for (int i = KT_REASON_NONE + 1; i < KT_REASON_UNKNOWN; i++)
		if (reasons[i].code == code)
			return (enum kt_reason)i;
	return KT_REASON_INTERNAL_ERROR;
}

enum kt_reason kt_err_reason(const struct kt_err *err)
{
	return err->reason != KT_REASON_NONE ? (enum kt_reason)err->reason
	                                     : reason_of_errno(err->code);
}

int kt_err_http_status(const struct kt_err *err)
{
	return err->status ? err->status : kt_reason_http_status(kt_err_reason(err));
}

static void set_text(json_t *object, const char *key, const char *value)
{
	kt_auto_str repaired = KT_STR_INIT;

	if (!value || !*value)
		return;
	/* a message may quote what a client sent, whatever that was */
	kt_str_add_repaired(&repaired, kt_sv_of(value));
	json_object_set_new(object, key, json_stringn(repaired.data, repaired.len));
}

static json_t *details_of(const struct kt_err *err, const struct kt_status_details *details)
{
	json_t *tree = json_object();
	struct kt_status_details about = {0};

	if (err->about)
		about = (struct kt_status_details){
		        err->about->group, err->about->kind, err->about->name, err->about->uid};
	else if (details)
		about = *details;
	set_text(tree, "name", about.name);
	set_text(tree, "group", about.group);
	set_text(tree, "kind", about.kind);
	set_text(tree, "uid", about.uid);
	if (err->n_causes) {
		json_t *causes = json_array();
		for (size_t i = 0; i < err->n_causes; i++) {
			json_t *cause = json_object();
			set_text(cause, "reason", err->causes[i].reason);
			set_text(cause, "message", err->causes[i].message);
			set_text(cause, "field", err->causes[i].field);
			json_array_append_new(causes, cause);
		}
		json_object_set_new(tree, "causes", causes);
	}
	if (err->retry_after_s)
		json_object_set_new(tree, "retryAfterSeconds", json_integer(err->retry_after_s));
	return tree;
}

json_t *kt_status_of_err(const struct kt_err *err, const struct kt_status_details *details)
{
	json_t *status = json_object();
	bool has_details = err->about || details || err->n_causes || err->retry_after_s;

	json_object_set_new(status, "kind", json_string("Status"));
	json_object_set_new(status, "apiVersion", json_string("v1"));
	json_object_set_new(status, "metadata", json_object());
	json_object_set_new(status, "status", json_string("Failure"));
	set_text(status, "message", kt_err_message(err));
	set_text(status, "reason", kt_reason_text(kt_err_reason(err)));
	if (has_details)
		json_object_set_new(status, "details", details_of(err, details));
	json_object_set_new(status, "code", json_integer(kt_err_http_status(err)));
	return status;
}

static void take_details(struct kt_err *err, const json_t *details)
{
	size_t i;
	json_t *cause;

	kt_err_set_about(err, kt_jstr(details, "group"), kt_jstr(details, "kind"),
	        kt_jstr(details, "name"), kt_jstr(details, "uid"));
	err->retry_after_s = (int)kt_jint(details, "retryAfterSeconds", 0);
	json_array_foreach(kt_jget(details, "causes"), i, cause) {
		const char *message = kt_jstr(cause, "message");
		kt_err_add_cause(err, kt_jstr(cause, "reason"), kt_jstr(cause, "field"),
		        message ? message : "");
	}
}

/* A body without a Status: what an HTTP status alone says. */
static enum kt_reason reason_of_http(int http_status)
{
	for (int i = KT_REASON_NONE + 1; i < KT_REASON_UNKNOWN; i++)
		if (reasons[i].http_status == http_status)
			return (enum kt_reason)i;
	return KT_REASON_UNKNOWN;
}

/* What client-go says of an answer that is no Status; NULL: by its text. */
static const char *words_of_status(int status)
{
	switch (status) {
	case 400:
		return "the server rejected our request for an unknown reason";
	case 401:
		return "the server has asked for the client to provide credentials";
	case 404:
		return "the server could not find the requested resource";
	case 405:
		return "the server does not allow this method on the requested resource";
	case 409:
		return "the server reported a conflict";
	case 410:
		return "the server could not find the requested resource";
	case 422:
		return "the server rejected our request due to an error in our request";
	case 429:
		return "the server has received too many requests and has asked us to try again "
		       "later";
	case 503:
		return "the server is currently unable to handle the request";
	case 504:
		return "the server was unable to return a response in the time allotted, but may "
		       "still be processing the request";
	default:
		return NULL;
	}
}

static void put_quoted(struct kt_str *out, struct kt_sv text)
{
	kt_json_write_string(out, text.p, KT_MIN(text.len, (size_t)BODY_SHOWN_BYTES_MAX));
}

void kt_status_words(struct kt_str *out, int http_status, struct kt_sv text)
{
	const char *words = words_of_status(http_status);

	if (words) {
		kt_str_puts(out, words);
	} else if (http_status == 403 || http_status == 406 || http_status == 415) {
		kt_str_add(out, text.p, KT_MIN(text.len, (size_t)BODY_SHOWN_BYTES_MAX));
	} else if (http_status >= 500) {
		kt_str_puts(out, "an error on the server (");
		put_quoted(out, text);
		kt_str_puts(out, ") has prevented the request from succeeding");
	} else {
		kt_str_printf(out,
		        "the server responded with the status code %d but did not return more "
		        "information",
		        http_status);
	}
}

int kt_err_of_status(struct kt_err *err, int http_status, struct kt_sv body)
{
	kt_auto_err ignored = KT_ERR_INIT;
	kt_auto_json json_t *tree = body.len ? kt_json_parse(body, NULL, &ignored) : NULL;
	enum kt_reason reason = reason_of_http(http_status);

	if (!kt_streq(kt_jstr(tree, "kind"), "Status")) {
		kt_auto_str words = KT_STR_INIT;
		kt_status_words(&words, http_status, tree ? KT_SV("unknown") : kt_sv_trim(body));
		int code = kt_fail_reason(
		        err, (int)reason, kt_reason_errno(reason), "%s", kt_str_text(&words));
		if (err)
			err->status = http_status;
		return code;
	}
	const char *text = kt_jstr(tree, "reason");
	const char *message = kt_jstr(tree, "message");
	if (text)
		reason = kt_reason_parse(text);
	int code = kt_fail_reason(
	        err, (int)reason, kt_reason_errno(reason), "%s", message ? message : "");
	if (err) {
		err->status = (int)kt_jint(tree, "code", http_status);
		if (kt_jget(tree, "details"))
			take_details(err, kt_jget(tree, "details"));
	}
	return code;
}

/* "deployments.apps" */
static char *qualified(const char *group, const char *resource)
{
	return group && *group ? kt_asprintf("%s.%s", resource, group) : kt_strdup(resource);
}

int kt_fail_not_found(struct kt_err *err, const char *group, const char *resource, const char *name)
{
	kt_auto_free char *full = qualified(group, resource);
	int code =
	        kt_fail_reason(err, KT_REASON_NOT_FOUND, ENOENT, "%s \"%s\" not found", full, name);

	kt_err_set_about(err, group, resource, name, NULL);
	return code;
}

int kt_fail_already_exists(
        struct kt_err *err, const char *group, const char *resource, const char *name)
{
	kt_auto_free char *full = qualified(group, resource);
	int code = kt_fail_reason(
	        err, KT_REASON_ALREADY_EXISTS, EEXIST, "%s \"%s\" already exists", full, name);

	kt_err_set_about(err, group, resource, name, NULL);
	return code;
}

int kt_fail_conflict(struct kt_err *err, const char *group, const char *resource, const char *name,
        const char *why)
{
	kt_auto_free char *full = qualified(group, resource);
	int code = kt_fail_reason(err, KT_REASON_CONFLICT, EBUSY,
	        "Operation cannot be fulfilled on %s \"%s\": %s", full, name, why);

	kt_err_set_about(err, group, resource, name, NULL);
	return code;
}
