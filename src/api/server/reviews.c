/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reviews: questions to authentication and authorization that are answered and not stored. One
 * table, one function per kind. */
#include "api/machinery/field_errors.h"
#include "api/machinery/managed.h"
#include "api/machinery/names.h"
#include "api/server/admit.h"
#include "api/server/auth/authenticate.h"
#include "api/server/auth/authorize.h"
#include "api/server/encode.h"
#include "api/server/server_impl.h"
#include "api/server/subresources.h"
#include "api/server/write.h"
#include "base/time.h"

#include <errno.h>

static int fail_invalid(struct kt_request *request, struct kt_field_errors *errors)
{
	kt_field_errors_fail(errors, "authorization.k8s.io", "", "", &request->err);
	kt_err_set_about(&request->err, "authorization.k8s.io", NULL, NULL, NULL);
	return request->err.code;
}

/* As Go prints the internal struct: field names with capitals. */
static json_t *internal_path(const json_t *attributes)
{
	return json_pack("{s:s,s:s}", "Path", kt_or_empty(kt_jstr(attributes, "path")), "Verb",
	        kt_or_empty(kt_jstr(attributes, "verb")));
}

static bool is_either(const json_t *requirement, const char *a, const char *b)
{
	const char *operator= kt_or_empty(kt_jstr(requirement, "operator"));

	return kt_streq(operator, a) || kt_streq(operator, b);
}

/* Operators nobody knows are left to whoever evaluates: clients may be newer. */
static void check_operator(
        struct kt_field_errors *errors, const char *at, const json_t *requirement)
{
	const char *values = kt_arena_printf(errors->arena, "%s.values", at);
	size_t n = json_array_size(json_object_get(requirement, "values"));

	if (is_either(requirement, "In", "NotIn") && n == 0)
		kt_field_required(
		        errors, values, "must be specified when `operator` is 'In' or 'NotIn'");
	if (is_either(requirement, "Exists", "DoesNotExist") && n > 0)
		kt_field_forbidden(errors, values,
		        "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
}

static void check_requirement(
        struct kt_field_errors *errors, const char *at, const json_t *requirement, bool is_label)
{
	const char *key = kt_arena_printf(errors->arena, "%s.key", at);
	json_t *values = json_object_get(requirement, "values"), *value;
	size_t i;

	if (!is_label && !*kt_or_empty(kt_jstr(requirement, "key")))
		kt_field_required(errors, key, "must be specified");
	check_operator(errors, at, requirement);
	if (!is_label)
		return;
	kt_field_label_key(errors, key, kt_or_empty(kt_jstr(requirement, "key")));
	json_array_foreach(values, i, value)
		kt_field_format(errors, kt_arena_printf(errors->arena, "%s.values[%zu]", at, i),
		        kt_or_empty(json_string_value(value)), "label-value");
}

static void check_selector(struct kt_field_errors *errors, const json_t *spec, const char *name)
{
	const char *at = kt_arena_printf(errors->arena, "spec.resourceAttributes.%s", name);
	const json_t *selector = kt_jget(spec, at + strlen("spec."));
	json_t *raw = json_object_get(selector, "rawSelector"), *item;
	json_t *requirements = json_object_get(selector, "requirements");
	bool has_raw = *kt_or_empty(json_string_value(raw));
	size_t i;

	if (!selector)
		return;
	if (has_raw && json_array_size(requirements))
		kt_field_invalid(errors, kt_arena_printf(errors->arena, "%s.rawSelector", at), raw,
		        "may not specified at the same time as requirements");
	if (!has_raw && !json_array_size(requirements))
		kt_field_required(errors, kt_arena_printf(errors->arena, "%s.requirements", at),
		        kt_arena_printf(errors->arena,
		                "when %s is specified, requirements or rawSelector is required",
		                at));
	json_array_foreach(requirements, i, item)
		check_requirement(errors,
		        kt_arena_printf(errors->arena, "%s.requirements[%zu]", at, i), item,
		        kt_streq(name, "labelSelector"));
}

/* Why a selector plays no part in the answer; NULL when it does, or when there is none. */
static const char *ignored_selector(const json_t *resource)
{
	size_t i;
	json_t *item;

	json_array_foreach(kt_jget(resource, "fieldSelector.requirements"), i, item)
		if (!is_either(item, "In", "NotIn") ||
		        json_array_size(json_object_get(item, "values")) != 1)
			return "spec.resourceAttributes.fieldSelector ignored due to parse error";
	json_array_foreach(kt_jget(resource, "labelSelector.requirements"), i, item)
		if (!is_either(item, "In", "NotIn") && !is_either(item, "Exists", "DoesNotExist"))
			return "spec.resourceAttributes.labelSelector ignored due to parse error";
	return NULL;
}

static int check_access(struct kt_request *request, const json_t *spec, bool subject)
{
	struct kt_field_errors errors = {.arena = &request->arena};
	const json_t *resource = json_object_get(spec, "resourceAttributes");
	const json_t *path = json_object_get(spec, "nonResourceAttributes");
	kt_auto_json json_t *none = json_null();

	if (resource && path) {
		kt_auto_json json_t *value = internal_path(path);
		kt_field_invalid(&errors, "spec.nonResourceAttributes", value,
		        "cannot be specified in combination with resourceAttributes");
	}
	if (!resource && !path)
		kt_field_invalid(&errors, "spec.resourceAttributes", none,
		        "exactly one of nonResourceAttributes or resourceAttributes must be "
		        "specified");
	if (subject && !*(kt_or_empty(kt_jstr(spec, "user"))) &&
	        !json_array_size(json_object_get(spec, "groups"))) {
		kt_auto_json json_t *empty = json_string("");
		kt_field_invalid(&errors, "spec.user", empty,
		        "at least one of user or group must be specified");
	}
	check_selector(&errors, spec, "fieldSelector");
	check_selector(&errors, spec, "labelSelector");
	return errors.n ? fail_invalid(request, &errors) : 0;
}

/* fieldSelector as the text a list would have: what the Node authorizer looks at. */
static const char *field_selector(struct kt_arena *arena, const json_t *resource)
{
	const char *raw = kt_jstr(resource, "fieldSelector.rawSelector");
	kt_auto_str text = KT_STR_INIT;
	size_t i;
	json_t *item;

	if (raw)
		return raw;
	json_array_foreach(kt_jget(resource, "fieldSelector.requirements"), i, item) {
		const char *value =
		        json_string_value(json_array_get(json_object_get(item, "values"), 0));
		if (kt_streq(kt_jstr(item, "operator"), "In") && value)
			kt_str_printf(&text, "%s%s=%s", text.len ? "," : "",
			        kt_or_empty(kt_jstr(item, "key")), value);
	}
	return text.len ? kt_arena_strdup(arena, kt_str_text(&text)) : NULL;
}

static json_t *access_status(
        struct kt_request *request, const json_t *spec, const struct kt_user *user)
{
	const json_t *resource = json_object_get(spec, "resourceAttributes");
	const json_t *path = json_object_get(spec, "nonResourceAttributes");
	struct kt_attributes attributes = {
	        .user = user, .verb = kt_or_empty(kt_jstr(resource ? resource : path, "verb"))};
	kt_auto_free char *reason = NULL;

	if (resource) {
		attributes.group = kt_jstr(resource, "group");
		attributes.version = kt_jstr(resource, "version");
		attributes.resource = kt_jstr(resource, "resource");
		attributes.subresource = kt_jstr(resource, "subresource");
		attributes.namespace = kt_jstr(resource, "namespace");
		attributes.name = kt_jstr(resource, "name");
		attributes.field_selector = field_selector(&request->arena, resource);
	} else {
		attributes.path = kt_or_empty(kt_jstr(path, "path"));
	}
	bool allowed = kt_authorize(request->server->authorizer, &attributes, &reason);
	json_t *status = json_pack("{s:b}", "allowed", allowed);
	if (reason && *reason)
		json_object_set_new(status, "reason", json_string(reason));
	const char *ignored = ignored_selector(resource);
	if (ignored)
		json_object_set_new(status, "evaluationError", json_string(ignored));
	return status;
}

static int self_access(struct kt_request *request, json_t *review)
{
	const json_t *spec = json_object_get(review, "spec");

	if (check_access(request, spec, false) < 0)
		return request->err.code;
	json_object_set_new(review, "status", access_status(request, spec, request->user));
	return 0;
}

static struct kt_user *subject_of(const json_t *spec)
{
	json_t *groups = json_object_get(spec, "groups"), *group;
	kt_auto_free const char **names = kt_new_array(const char *, json_array_size(groups) + 1);
	size_t i;

	json_array_foreach(groups, i, group)
		names[i] = json_string_value(group);
	struct kt_user *user =
	        kt_user_create(kt_or_empty(kt_jstr(spec, "user")), kt_jstr(spec, "uid"), names);
	user->extra = json_incref(json_object_get(spec, "extra"));
	return user;
}

static int subject_access(struct kt_request *request, json_t *review)
{
	const json_t *spec = json_object_get(review, "spec");

	if (check_access(request, spec, true) < 0)
		return request->err.code;
	struct kt_user *user = subject_of(spec);
	json_object_set_new(review, "status", access_status(request, spec, user));
	kt_user_unref(user);
	return 0;
}

static int local_access(struct kt_request *request, json_t *review)
{
	struct kt_field_errors errors = {.arena = &request->arena};
	const json_t *spec = json_object_get(review, "spec");
	const json_t *path = json_object_get(spec, "nonResourceAttributes");
	json_t *namespace = kt_jget(spec, "resourceAttributes.namespace");

	if (path) {
		kt_auto_json json_t *value = internal_path(path);
		kt_field_invalid(&errors, "spec.nonResourceAttributes", value,
		        "disallowed on this kind of request");
	} else if (json_object_get(spec, "resourceAttributes") &&
	           !kt_streq(json_string_value(namespace), request->state->route.namespace)) {
		kt_auto_json json_t *shown = json_string(kt_or_empty(json_string_value(namespace)));
		kt_field_invalid(&errors, "spec.resourceAttributes.namespace", shown,
		        "must match metadata.namespace");
	}
	if (errors.n)
		return fail_invalid(request, &errors);
	return subject_access(request, review);
}

static int self_rules(struct kt_request *request, json_t *review)
{
	const char *namespace = kt_jstr(review, "spec.namespace");

	if (!namespace || !*namespace)
		return kt_fail(&request->err, EINVAL, "no namespace on request");
	json_object_set_new(review, "status",
	        kt_authorizer_rules(request->server->authorizer, request->user, namespace));
	json_object_set_new(review, "spec", json_object());
	return 0;
}

static int self_subject(struct kt_request *request, json_t *review)
{
	const struct kt_user *user = request->user;
	json_t *info = json_object(), *groups = json_array();

	json_object_set_new(info, "username", json_string(user->name));
	if (user->uid)
		json_object_set_new(info, "uid", json_string(user->uid));
	for (char **group = user->groups; *group; group++)
		json_array_append_new(groups, json_string(*group));
	json_object_set_new(info, "groups", groups);
	if (user->extra)
		json_object_set_new(info, "extra",
		        json_deep_copy(user->extra)); /* users are shared by threads */
	char now[KT_TIME_TEXT_MAX];
	kt_time_format(kt_loop_wall_ns(request->loop), now);
	json_object_set_new(review, "metadata", json_pack("{s:s}", "creationTimestamp", now));
	json_object_set_new(review, "status", json_pack("{s:o}", "userInfo", info));
	return 0;
}

static int token_review(struct kt_request *request, json_t *review)
{
	return kt_token_review(request->server->authenticator, review,
	        kt_loop_wall_ns(request->loop), &request->err);
}

static const struct {
	const char *kind;
	int (*answer)(struct kt_request *request, json_t *review);
} reviews[] = {
        {"SelfSubjectAccessReview", self_access},
        {"SubjectAccessReview", subject_access},
        {"LocalSubjectAccessReview", local_access},
        {"SelfSubjectRulesReview", self_rules},
        {"SelfSubjectReview", self_subject},
        {"TokenReview", token_review},
};

static int review_decode(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	char api_version[256];

	kt_kind_api_version(state->kind, api_version, sizeof(api_version));
	if (kt_write_options(request, "CreateOptions") < 0 ||
	        kt_write_decode(request, state->kind->type,
	                kt_arena_strdup(&request->arena, api_version), state->kind->kind) < 0)
		return request->err.code;
	if ((state->kind->flags & KT_KIND_NAMESPACED) &&
	        kt_write_check_names(request, state->body) < 0)
		return request->err.code;
	return kt_admit_create(request, state->body);
}

/* Who asked is recorded as of any object that is created. */
static int record_manager(struct kt_request *request, const struct kt_type *type,
        const char *api_version, const char *subresource)
{
	struct kt_request_state *state = request->state;
	struct kt_apply apply = {
	        .type = type,
	        .kind = state->kind,
	        .api_version = api_version,
	        .subresource = subresource,
	        .manager = kt_write_manager(request),
	        .now_ns = kt_loop_wall_ns(request->loop),
	};

	return kt_managed_update(&apply, state->result, NULL, &request->err);
}

/* Reviews have no metadata of their own. */
static int check_metadata(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	json_t *metadata = json_object_get(state->result, "metadata");
	struct kt_field_errors errors = {.arena = &request->arena};
	bool namespaced = state->kind->flags & KT_KIND_NAMESPACED;
	size_t allowed = !!json_object_get(metadata, "namespace") +
	                 !!json_object_get(metadata, "managedFields");

	if (!kt_streq(state->kind->group, "authorization.k8s.io") ||
	        json_object_size(metadata) <= allowed)
		return 0;
	kt_field_invalid(&errors, "metadata", metadata,
	        namespaced ? "must be empty except for namespace" : "must be empty");
	return fail_invalid(request, &errors);
}

static int review_commit(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	char api_version[256];

	state->result = json_deep_copy(state->body);
	kt_kind_api_version(state->kind, api_version, sizeof(api_version));
	if (record_manager(request, state->kind->type, api_version, NULL) < 0 ||
	        check_metadata(request) < 0)
		return request->err.code;
	if (!(state->kind->flags & KT_KIND_NAMESPACED))
		json_object_del(json_object_get(state->result, "metadata"), "namespace");
	state->result_type = state->kind->type;
	state->success_status = 201;
	for (size_t i = 0; i < KT_ARRAY_SIZE(reviews); i++)
		if (kt_streq(reviews[i].kind, state->kind->kind))
			return reviews[i].answer(request, state->result);
	return kt_fail_reason(&request->err, KT_REASON_INTERNAL_ERROR, EIO, "nobody answers a %s",
	        state->kind->kind);
}

const struct kt_operation kt_operation_review = {
        .name = "review",
        .decode = review_decode,
        .commit = review_commit,
        .encode = kt_encode_result,
};

#define TOKEN_VERSION "authentication.k8s.io/v1"
#define TOKEN_TYPE "io.k8s.api.authentication.v1.TokenRequest"

static int token_decode(struct kt_request *request)
{
	if (kt_write_options(request, "CreateOptions") < 0)
		return request->err.code;
	if (kt_write_decode(request, kt_type_lookup(TOKEN_TYPE), TOKEN_VERSION, "TokenRequest") < 0)
		return request->err.code;
	return kt_admit_create(request, request->state->body);
}

static int token_commit(struct kt_request *request)
{
	struct kt_request_state *state = request->state;

	state->result = json_deep_copy(state->body);
	state->result_type = kt_type_lookup(TOKEN_TYPE);
	state->success_status = 201;
	if (record_manager(request, state->result_type, TOKEN_VERSION, "token") < 0)
		return request->err.code;
	return kt_token_request(request->server->authenticator, request->loop,
	        state->route.namespace, state->route.name, state->result, &request->err);
}

const struct kt_operation kt_operation_token = {
        .name = "token",
        .decode = token_decode,
        .commit = token_commit,
        .encode = kt_encode_result,
};
