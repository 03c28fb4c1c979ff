/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/status_splice.h"

#include "api/machinery/patch.h"
#include "api/server/server_impl.h"
#include "api/server/versions.h"
#include "api/server/write.h"

#include <errno.h>

static bool only_names_object(const json_t *metadata)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)metadata, key, value)
		if (strcmp(key, "uid") != 0 && strcmp(key, "name") != 0 &&
		        strcmp(key, "namespace") != 0)
			return false;
	return true;
}

bool kt_status_splice_fits(const struct kt_request *request, enum kt_patch_type type)
{
	const struct kt_request_state *state = request->state;
	const json_t *body = state->body;
	size_t known = json_object_get(body, "status") ? 1 : 0;

	if (!request->in_process || state->dry_run || !state->subresource ||
	        !kt_streq(state->subresource->name, "status") ||
	        (state->kind->flags & KT_KIND_CUSTOM) ||
	        kt_versions_stored_kind(state->kind) != state->kind)
		return false;
	if (type != KT_PATCH_MERGE && type != KT_PATCH_STRATEGIC)
		return false;
	if (json_object_get(body, "metadata")) {
		if (!only_names_object(json_object_get(body, "metadata")))
			return false;
		known++;
	}
	return known == json_object_size(body) && json_is_object(json_object_get(body, "status"));
}

static int check_uid(struct kt_request *request)
{
	const struct kt_request_state *state = request->state;
	const char *uid = kt_jstr(state->body, "metadata.uid");

	if (!uid || kt_sv_is(kt_object_uid(state->current), uid))
		return 0;
	return kt_fail_conflict(&request->err, state->kind->group, state->kind->plural,
	        state->route.name, "the object with the uid of the patch is gone");
}

/* The status as it becomes: canonical bytes. */
static int make_status(struct kt_request *request, enum kt_patch_type type,
        struct kt_json_at old_at, struct kt_str *out)
{
	struct kt_request_state *state = request->state;
	const struct kt_type *status_type = kt_type_field(state->kind->type, KT_SV("status"))->type;
	const json_t *patch = json_object_get(state->body, "status");
	kt_auto_json json_t *old = old_at.p ? kt_json_tree(old_at) : json_object();
	kt_auto_json json_t *patched =
	        type == KT_PATCH_MERGE ? kt_patch_merge(old, patch, &request->err)
	                               : kt_patch_strategic(old, patch, status_type, &request->err);
	json_t *made = NULL;

	if (!patched || kt_codec_normalize(patched, status_type, KT_STRICT_IGNORE, &made, NULL,
	                        &request->err) < 0)
		return request->err.code;
	kt_codec_encode_json(out, status_type, made);
	json_decref(made);
	return 0;
}

int kt_status_splice(struct kt_request *request, enum kt_patch_type type)
{
	struct kt_request_state *state = request->state;
	struct kt_storage *storage = request->server->storage;
	static const char *const path[] = {"status", NULL};
	kt_auto_str status = KT_STR_INIT, doc = KT_STR_INIT;
	struct kt_storage_op op = {.kind = KT_STORAGE_PUT};

	state->is_spliced = true;
	state->key = kt_server_key(
	        &request->arena, state->kind, state->route.namespace, state->route.name);
	if (storage->ops->get(storage, state->key, 0, &state->current, &request->err) < 0)
		return kt_fail_not_found(
		        &request->err, state->kind->group, state->kind->plural, state->route.name);
	struct kt_json_at old = kt_json_member(kt_object_doc(state->current), "status");
	if (check_uid(request) < 0 || make_status(request, type, old, &status) < 0)
		return request->err.code;
	state->is_unchanged =
	        old.p && old.len == status.len && !memcmp(old.p, status.data, status.len);
	if (state->is_unchanged)
		return 0;
	struct kt_sv value = {status.data, status.len};
	if (kt_json_splice(&doc, kt_object_doc(state->current), path, &value, &request->err) < 0 ||
	        kt_object_create(kt_sv_of(state->key), (struct kt_sv){doc.data, doc.len},
	                &op.object, &request->err) < 0)
		return request->err.code;
	op.key = state->key;
	op.expect_revision = state->current->revision;
	kt_write_add_op(request, op);
	return 0;
}
