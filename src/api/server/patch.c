/* SPDX-License-Identifier: GPL-3.0-or-later */
/* patch and server-side apply of objects. */
#include "api/codec/codec.h"
#include "api/machinery/managed.h"
#include "api/server/access.h"
#include "api/server/encode.h"
#include "api/server/operations.h"
#include "api/server/patch_request.h"
#include "api/server/status_splice.h"
#include "api/server/versions.h"
#include "api/server/write.h"

#include <errno.h>

struct patch_data {
	enum kt_patch_type type;
};

static int check_apply_kind(struct kt_request *request)
{
	const struct kt_request_state *state = request->state;
	const char *api_version = kt_jstr(state->body, "apiVersion"),
	           *kind = kt_jstr(state->body, "kind");
	char expected[256];

	kt_kind_api_version(state->kind, expected, sizeof(expected));
	if (kt_streq(api_version, expected) && kt_streq(kind, state->kind->kind))
		return 0;
	const char *version = api_version ? api_version : "";
	return kt_fail(&request->err, EINVAL, "invalid object type: %s%s, Kind=%s",
	        strchr(version, '/') ? "" : "/", version, kind ? kind : "");
}

static int patch_decode(struct kt_request *request)
{
	struct patch_data *data = kt_arena_new(&request->arena, struct patch_data);

	request->state->operation_data = data;
	if (kt_patch_decode(request, &data->type) < 0)
		return request->err.code;
	return data->type == KT_PATCH_APPLY ? check_apply_kind(request) : 0;
}

/* What a patch left of name and namespace. */
static int check_result(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	const char *name = kt_jstr(state->object, "metadata.name");

	if (!name || !*name)
		return kt_fail(&request->err, EINVAL,
		        "the name of the object (%s based on URL) was undeterminable: name must be "
		        "provided",
		        state->route.name);
	return kt_write_check_names(request, state->object);
}

static int apply_config(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	char api_version[256];

	kt_kind_api_version(state->kind, api_version, sizeof(api_version));
	struct kt_apply apply = {
	        .type = state->kind->type,
	        .kind = state->kind,
	        .api_version = api_version,
	        .subresource = state->subresource ? state->subresource->name : NULL,
	        .manager = kt_write_manager(request),
	        .force = state->force,
	        .now_ns = kt_loop_wall_ns(request->loop),
	};
	state->is_create = !state->current;
	if (state->is_create && kt_access_second_verb(request, "create") < 0)
		return request->err.code;
	kt_auto_json json_t *config = json_deep_copy(state->body);
	const char *namespace = kt_jstr(config, "metadata.namespace");
	if (namespace && *state->route.namespace && !kt_streq(namespace, state->route.namespace))
		return kt_fail(&request->err, EINVAL,
		        "the namespace of the provided object does not match the namespace sent on "
		        "the request");
	kt_auto_json json_t *merged = kt_apply_merge(&apply, state->old, config, &request->err);
	if (!merged)
		return request->err.code;
	json_decref(kt_steal(&state->sent));
	state->sent = json_incref(merged);
	/* Defaults go into structs that are there: what the configuration leaves out must look as
	 * in a decoded body. */
	return kt_codec_normalize(
	        merged, state->kind->type, KT_STRICT_IGNORE, &state->object, NULL, &request->err);
}

static int patch_mutate(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	const struct patch_data *data = state->operation_data;
	bool apply = data->type == KT_PATCH_APPLY;

	kt_write_begin(request);
	state->error_name = state->route.name;
	if (kt_status_splice_fits(request, data->type))
		return kt_status_splice(request, data->type);
	if (kt_write_load(request, apply && !state->subresource) < 0)
		return request->err.code;
	if (apply) {
		if (apply_config(request) < 0)
			return request->err.code;
	} else {
		state->object =
		        kt_patch_document(request, data->type, state->old, state->kind->type);
		if (!state->object)
			return request->err.code;
	}
	if (check_result(request) < 0)
		return request->err.code;
	if (state->current) {
		const char *revision =
		        kt_jstr(apply ? state->body : state->object, "metadata.resourceVersion");
		if (apply && revision)
			json_object_set_new(json_object_get(state->object, "metadata"),
			        "resourceVersion", json_string(revision));
		if (kt_write_check_revision(request) < 0)
			return request->err.code;
		/* A patch that did not name a revision met the one it read: it is made anew on what
		 * is there then. */
		const char *named = kt_jstr(state->body, "metadata.resourceVersion");
		if (data->type != KT_PATCH_JSON && (!named || !*named))
			state->precondition_revision = 0;
		if (data->type == KT_PATCH_JSON)
			state->precondition_revision = 0;
	}
	return kt_write_mutate(request, apply);
}

const struct kt_operation kt_operation_patch = {
        .name = "patch",
        .decode = patch_decode,
        .mutate = patch_mutate,
        .defaults = kt_write_default,
        .validate = kt_write_validate,
        .commit = kt_write_commit,
        .encode = kt_encode_result,
};
