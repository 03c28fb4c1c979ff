/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The scale sub-resource: a view of replicas and selector of its object. A write changes the
 * replicas of the object itself and is otherwise a write like any other. Where the fields are says
 * the sub-resource's entry for custom resources; built-in kinds agree on .spec.replicas and
 * .status.replicas.
 */
#include "api/machinery/managed.h"
#include "api/machinery/selector.h"
#include "api/server/encode.h"
#include "api/server/operations.h"
#include "api/server/patch_request.h"
#include "api/server/server_impl.h"
#include "api/server/subresources.h"
#include "api/server/versions.h"
#include "api/server/write.h"

#include <errno.h>

#define SCALE_TYPE "io.k8s.api.autoscaling.v1.Scale"

/* jsonpath ".spec.replicas" as kt_jget takes it. */
static const char *spec_path(const struct kt_subresource *sub)
{
	return sub->replicas_path ? sub->replicas_path + 1 : "spec.replicas";
}

static const char *status_path(const struct kt_subresource *sub)
{
	return sub->status_replicas_path ? sub->status_replicas_path + 1 : "status.replicas";
}

static void add_selector(const struct kt_request_state *state, const json_t *object, json_t *status)
{
	const struct kt_subresource *sub = state->subresource;
	struct kt_selector *selector = NULL;

	if (state->kind->flags & KT_KIND_CUSTOM) {
		const char *text = sub->label_selector_path
		                           ? kt_jstr(object, sub->label_selector_path + 1)
		                           : NULL;
		if (text)
			json_object_set_new(status, "selector", json_string(text));
		return;
	}
	const json_t *tree = kt_jget(object, "spec.selector");
	const struct kt_field *field = kt_type_field_path(state->kind->type, "spec.selector");
	if (!tree || !field)
		return;
	if (field->type->shape == KT_SHAPE_MAP)
		selector = kt_selector_of_map(tree);
	else
		kt_selector_of_json(tree, &selector, NULL);
	if (!selector)
		return;
	kt_auto_free char *text = kt_selector_text(selector);
	json_object_set_new(status, "selector", json_string(text));
	kt_selector_destroy(selector);
}

/* The Scale of an object; replicas that are not set are none. */
json_t *kt_scale_of(const struct kt_request_state *state, const json_t *object)
{
	static const char *const copied[] = {
	        "name", "namespace", "uid", "resourceVersion", "creationTimestamp"};
	json_t *metadata = json_object(), *spec = json_object(), *status = json_object();
	json_t *replicas = kt_jget(object, spec_path(state->subresource));

	for (size_t i = 0; i < KT_ARRAY_SIZE(copied); i++)
		if (kt_jget(object, "metadata"))
			json_object_set(metadata, copied[i],
			        json_object_get(json_object_get(object, "metadata"), copied[i]));
	if (json_integer_value(replicas))
		json_object_set(spec, "replicas", replicas);
	json_object_set_new(status, "replicas",
	        json_integer(kt_jint(object, status_path(state->subresource), 0)));
	add_selector(state, object, status);
	return json_pack("{s:s,s:s,s:o,s:o,s:o}", "kind", "Scale", "apiVersion", "autoscaling/v1",
	        "metadata", metadata, "spec", spec, "status", status);
}

static const struct kt_column scale_columns[] = {
        {.name = "Name", .type = "string", .format = "", .path = ".metadata.name"},
        {.name = "Desired", .type = "integer", .format = "", .path = ".spec.replicas"},
        {.name = "Available", .type = "integer", .format = "", .path = ".status.replicas"},
        {.name = "Age", .type = "string", .format = "", .cell = "age"},
};

/* A custom resource without the field has no Scale to read; one may be written. */
static int check_has_replicas(struct kt_request *request, const json_t *object)
{
	const struct kt_request_state *state = request->state;

	if (!(state->kind->flags & KT_KIND_CUSTOM) ||
	        kt_jget(object, spec_path(state->subresource)))
		return 0;
	kt_auto_free char *why = kt_asprintf(
	        "the spec replicas field \"%s\" does not exist", state->subresource->replicas_path);
	kt_fail_reason(
	        &request->err, KT_REASON_INTERNAL_ERROR, EIO, "Internal error occurred: %s", why);
	kt_err_add_cause(&request->err, NULL, NULL, why);
	return request->err.code;
}

static int encode(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	kt_auto_json json_t *object = kt_versions_tree(state->kind, state->stored);
	struct kt_kind *table = kt_arena_new(&request->arena, struct kt_kind);

	if (check_has_replicas(request, object) < 0)
		return request->err.code;
	json_decref(state->result);
	state->result = kt_scale_of(state, object);
	state->result_type = kt_type_lookup(SCALE_TYPE);
	table->type = state->result_type;
	table->columns = scale_columns;
	table->n_columns = KT_ARRAY_SIZE(scale_columns);
	state->table_kind = table;
	kt_object_unref(kt_steal(&state->stored));
	return kt_encode_result(request);
}

static int get_commit(struct kt_request *request)
{
	return kt_operation_get.commit(request);
}

const struct kt_operation kt_operation_scale_get = {
        .name = "get scale",
        .commit = get_commit,
        .encode = encode,
};

static int fail_invalid(struct kt_request *request, int64_t replicas)
{
	struct kt_field_errors errors = {.arena = &request->arena};
	kt_auto_json json_t *value = json_integer(replicas);
	const char *name = request->state->route.name;

	kt_field_invalid(&errors, "spec.replicas", value, "must be greater than or equal to 0");
	kt_field_errors_fail(&errors, "autoscaling", "Scale", name, &request->err);
	kt_err_set_about(&request->err, "autoscaling", "Scale", name, NULL);
	return request->err.code;
}

/* A copy of the path's objects with the number at its end. */
static void set_path(json_t *object, const char *path, int64_t value)
{
	kt_auto_free char *text = kt_strdup(path);
	char *rest = text, *dot;

	while ((dot = strchr(rest, '.'))) {
		*dot = '\0';
		json_t *next = json_object_get(object, rest);
		if (!json_is_object(next)) {
			json_object_set_new(object, rest, json_object());
			next = json_object_get(object, rest);
		}
		object = next;
		rest = dot + 1;
	}
	json_object_set_new(object, rest, json_integer(value));
}

/* The new object from a Scale. */
static int take_scale(struct kt_request *request, const json_t *scale)
{
	struct kt_request_state *state = request->state;
	int64_t replicas = kt_jint(scale, "spec.replicas", 0);
	const char *name = kt_jstr(scale, "metadata.name");

	if (name && *name && !kt_streq(name, state->route.name))
		return kt_fail(&request->err, EINVAL,
		        "the name of the object (%s) does not match the name on the URL (%s)", name,
		        state->route.name);
	/* What is wrong about a custom resource says the validation of the whole. */
	if (replicas < 0 && !(state->kind->flags & KT_KIND_CUSTOM))
		return fail_invalid(request, replicas);
	state->object = json_deep_copy(state->old);
	set_path(state->object, spec_path(state->subresource), replicas);
	json_t *metadata = json_object_get(state->object, "metadata");
	const char *revision = kt_jstr(scale, "metadata.resourceVersion"),
	           *uid = kt_jstr(scale, "metadata.uid");
	bool is_named = revision && *revision;
	if (is_named)
		json_object_set_new(metadata, "resourceVersion", json_string(revision));
	if (uid && *uid)
		json_object_set_new(metadata, "uid", json_string(uid));
	if (kt_write_check_revision(request) < 0)
		return request->err.code;
	/* A Scale without a revision changes whatever is there, of every kind. */
	if (!is_named)
		state->precondition_revision = 0;
	return 0;
}

void kt_scale_take(const struct kt_request_state *state, json_t *object, const json_t *scale)
{
	set_path(object, spec_path(state->subresource), kt_jint(scale, "spec.replicas", 0));
}

const struct kt_type *kt_scale_type(void)
{
	return kt_type_lookup(SCALE_TYPE);
}

static int update_decode(struct kt_request *request)
{
	if (kt_write_options(request, "UpdateOptions") < 0)
		return request->err.code;
	return kt_write_decode(request, kt_type_lookup(SCALE_TYPE), "autoscaling/v1", "Scale");
}

static int update_mutate(struct kt_request *request)
{
	struct kt_request_state *state = request->state;

	kt_write_begin(request);
	state->error_name = state->route.name;
	if (kt_write_load(request, false) < 0 || take_scale(request, state->body) < 0)
		return request->err.code;
	return kt_write_mutate(request, false);
}

const struct kt_operation kt_operation_scale_update = {
        .name = "update scale",
        .decode = update_decode,
        .mutate = update_mutate,
        .defaults = kt_write_default,
        .validate = kt_write_validate,
        .commit = kt_write_commit,
        .encode = encode,
};

static int patch_decode(struct kt_request *request)
{
	enum kt_patch_type *type = kt_arena_new(&request->arena, enum kt_patch_type);

	request->state->operation_data = type;
	return kt_patch_decode(request, type);
}

/* An applied Scale is an applied object that holds nothing but its replicas. */
static int apply_scale(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	char api_version[256];
	kt_auto_json json_t *config = json_object();
	int64_t replicas = kt_jint(state->body, "spec.replicas", 0);

	if (!kt_streq(kt_jstr(state->body, "kind"), "Scale"))
		return kt_fail(&request->err, EINVAL, "invalid object type: %s, Kind=%s",
		        kt_or_empty(kt_jstr(state->body, "apiVersion")),
		        kt_or_empty(kt_jstr(state->body, "kind")));
	if (replicas < 0 && !(state->kind->flags & KT_KIND_CUSTOM))
		return fail_invalid(request, replicas);
	kt_kind_api_version(state->kind, api_version, sizeof(api_version));
	json_object_set_new(config, "apiVersion", json_string(api_version));
	json_object_set_new(config, "kind", json_string(state->kind->kind));
	json_object_set_new(config, "metadata", json_pack("{s:s}", "name", state->route.name));
	/* An applied Scale owns the replicas also when it leaves them out: then they are 0. */
	set_path(config, spec_path(state->subresource), replicas);
	struct kt_apply apply = {.type = state->kind->type,
	        .kind = state->kind,
	        .api_version = api_version,
	        .subresource = "scale",
	        .manager = kt_write_manager(request),
	        .force = state->force}; /* entries of /scale have no time */
	state->object = kt_apply_merge(&apply, state->old, config, &request->err);
	return state->object ? 0 : request->err.code;
}

static int patch_mutate(struct kt_request *request)
{
	struct kt_request_state *state = request->state;
	enum kt_patch_type type = *(enum kt_patch_type *)state->operation_data;

	kt_write_begin(request);
	state->error_name = state->route.name;
	if (kt_write_load(request, false) < 0)
		return request->err.code;
	if (type == KT_PATCH_APPLY)
		return apply_scale(request) < 0 ? request->err.code
		                                : kt_write_mutate(request, true);
	kt_auto_json json_t *scale = kt_scale_of(state, state->old);
	kt_auto_json json_t *patched =
	        kt_patch_document(request, type, scale, kt_type_lookup(SCALE_TYPE));
	if (!patched || take_scale(request, patched) < 0)
		return request->err.code;
	state->precondition_revision = 0;
	return kt_write_mutate(request, false);
}

const struct kt_operation kt_operation_scale_patch = {
        .name = "patch scale",
        .decode = patch_decode,
        .mutate = patch_mutate,
        .defaults = kt_write_default,
        .validate = kt_write_validate,
        .commit = kt_write_commit,
        .encode = encode,
};
