/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/status_splice.h"

#include "api/machinery/managed.h"
#include "api/machinery/patch.h"
#include "api/server/admit.h"
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

bool kt_status_splice_fits(struct kt_request *request, enum kt_patch_type type)
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
	return known == json_object_size(body) && json_is_object(json_object_get(body, "status")) &&
	       !kt_admit_is_configured(request);
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

/* The status as it becomes. A new reference. */
static json_t *make_status(struct kt_request *request, enum kt_patch_type type, json_t *old)
{
	struct kt_request_state *state = request->state;
	const struct kt_type *status_type = kt_type_field(state->kind->type, KT_SV("status"))->type;
	const json_t *patch = json_object_get(state->body, "status");
	kt_auto_json json_t *base = old ? json_incref(old) : json_object();
	kt_auto_json json_t *patched =
	        type == KT_PATCH_MERGE
	                ? kt_patch_merge(base, patch, &request->err)
	                : kt_patch_strategic(base, patch, status_type, &request->err);
	json_t *made = NULL;

	if (!patched || kt_codec_normalize(patched, status_type, KT_STRICT_IGNORE, &made, NULL,
	                        &request->err) < 0)
		return NULL;
	return made;
}

/* As much of an object as the record of its managers looks at. */
static json_t *shell(json_t *managers, json_t *status)
{
	return json_pack(
	        "{s:{s:O*},s:O*}", "metadata", "managedFields", managers, "status", status);
}

/* The bytes of the entry as it was; p NULL: it is new or changed. */
static struct kt_json_at bytes_of(
        struct kt_json_at recorded, const json_t *managers, const json_t *entry)
{
	struct kt_json_iter it = {0};
	struct kt_json_at at;

	for (size_t i = 0; kt_json_next_element(recorded, &it, &at); i++)
		if (json_array_get(managers, i) == entry)
			return at;
	return (struct kt_json_at){0};
}

/* The list in canonical bytes; entries that are as they were keep theirs. */
static void put_entries(const struct kt_request *request, struct kt_json_at recorded,
        const json_t *managers, const json_t *list, struct kt_str *out)
{
	const struct kt_type *type =
	        kt_type_field_path(request->state->kind->type, "metadata.managedFields")->type;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *entry = json_array_get(list, i);
		struct kt_json_at at = bytes_of(recorded, managers, entry);

		kt_str_putc(out, i ? ',' : '[');
		if (at.p)
			kt_str_add(out, at.p, at.len);
		else
			kt_codec_encode_json(out, type->elem, entry);
	}
	if (out->len)
		kt_str_putc(out, ']');
}

/* Who manages what now that the status went from `old` to `made`: canonical bytes, none when nobody
 * is recorded. */
static int make_managers(struct kt_request *request, struct kt_json_at recorded, json_t *old,
        json_t *made, struct kt_str *out)
{
	struct kt_request_state *state = request->state;
	kt_auto_json json_t *managers = kt_json_tree(recorded);
	kt_auto_json json_t *before = shell(managers, old), *after = shell(NULL, made);
	char api_version[256];

	kt_kind_api_version(state->kind, api_version, sizeof(api_version));
	struct kt_apply apply = {.type = state->kind->type,
	        .kind = state->kind,
	        .api_version = api_version,
	        .subresource = "status",
	        .manager = kt_write_manager(request),
	        .now_ns = kt_loop_wall_ns(request->loop)};
	if (kt_managed_update(&apply, after, before, &request->err) < 0)
		return request->err.code;
	put_entries(request, recorded, managers, kt_jget(after, "metadata.managedFields"), out);
	return 0;
}

/* The document with the new status, and the new managers where there are some. */
static int splice(struct kt_request *request, struct kt_json_at recorded, struct kt_sv managers,
        struct kt_sv status, struct kt_str *out)
{
	static const char *const path[] = {"status", NULL};
	struct kt_json_at doc = kt_object_doc(request->state->current);
	kt_auto_str half = KT_STR_INIT;

	if (managers.len) {
		const char *behind = recorded.p + recorded.len;

		kt_str_reserve(&half, doc.len + managers.len);
		kt_str_add(&half, doc.p, (size_t)(recorded.p - doc.p));
		kt_str_add(&half, managers.p, managers.len);
		kt_str_add(&half, behind, (size_t)(doc.p + doc.len - behind));
		doc = kt_json_doc(half.data, half.len);
	}
	return kt_json_splice(out, doc, path, &status, &request->err);
}

static int write_status(struct kt_request *request, struct kt_json_at recorded, json_t *old,
        json_t *made, struct kt_sv status)
{
	struct kt_request_state *state = request->state;
	kt_auto_str managers = KT_STR_INIT, doc = KT_STR_INIT;
	struct kt_storage_op op = {.kind = KT_STORAGE_PUT};

	/* An object that nobody is recorded for stays so. */
	if (recorded.p && make_managers(request, recorded, old, made, &managers) < 0)
		return request->err.code;
	if (splice(request, recorded, (struct kt_sv){managers.data, managers.len}, status, &doc) <
	                0 ||
	        kt_object_create(kt_sv_of(state->key), (struct kt_sv){doc.data, doc.len},
	                &op.object, &request->err) < 0)
		return request->err.code;
	op.key = state->key;
	op.expect_revision = state->current->revision;
	kt_write_add_op(request, op);
	return 0;
}

int kt_status_splice(struct kt_request *request, enum kt_patch_type type)
{
	struct kt_request_state *state = request->state;
	struct kt_storage *storage = request->server->storage;
	const struct kt_type *status_type = kt_type_field(state->kind->type, KT_SV("status"))->type;
	kt_auto_str status = KT_STR_INIT;

	state->is_spliced = true;
	state->key = kt_server_key(
	        &request->arena, state->kind, state->route.namespace, state->route.name);
	if (storage->ops->get(storage, state->key, 0, &state->current, &request->err) < 0)
		return kt_fail_not_found(
		        &request->err, state->kind->group, state->kind->plural, state->route.name);
	struct kt_json_at at = kt_object_part(state->current, state->current->status);
	kt_auto_json json_t *old = at.p ? kt_json_tree(at) : NULL;
	if (check_uid(request) < 0)
		return request->err.code;
	kt_auto_json json_t *made = make_status(request, type, old);
	if (!made)
		return request->err.code;
	kt_codec_encode_json(&status, status_type, made);
	state->is_unchanged =
	        at.p && at.len == status.len && !memcmp(at.p, status.data, status.len);
	if (state->is_unchanged)
		return 0;
	struct kt_json_at recorded = kt_json_member(
	        kt_object_part(state->current, state->current->metadata), "managedFields");
	return write_status(request, recorded, old, made, (struct kt_sv){status.data, status.len});
}
