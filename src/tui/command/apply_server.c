/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command/apply_server.h"

#include "tui/command/apply_last.h"
#include "tui/command/options.h"

#include <errno.h>

/* Owns the annotation of a client-side apply for those who go on reading it. */
#define LAST_APPLIED_MANAGER "kubectl-last-applied"
/* During a rollout controllers write the object, too, as fast as we do. */
#define TAKE_OVER_TRIES 50

/* Fields of others: what a person can do then. */
static int explain_conflict(struct kt_err *err)
{
	kt_auto_err why = KT_ERR_INIT;

	kt_err_move(&why, err);
	return kt_fail(err, why.code,
	        "%s\nPlease review the fields above--they currently have other managers. Here\nare "
	        "the ways you can resolve this warning:\n* If you intend to manage all of these "
	        "fields, please re-run the apply\n  command with the `--force-conflicts` flag.\n* "
	        "If "
	        "you do not intend to manage all of the fields, please edit your\n  manifest to "
	        "remove references to the fields that should keep their\n  current managers.\n* "
	        "You "
	        "may co-own fields by updating your manifest to match the existing\n  value; in "
	        "this "
	        "case, you'll become the manager if the other manager(s)\n  stop managing the "
	        "field "
	        "(remove it from their configuration).\nSee "
	        "https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts",
	        kt_err_message(&why));
}

static const char *manager_of(const struct kt_command_context *ctx)
{
	return kt_opt_given(ctx, "field-manager") ? kt_opt_string(ctx, "field-manager")
	                                          : KT_SERVER_SIDE_MANAGER;
}

static bool is_dry_run(const struct kt_command_context *ctx)
{
	return kt_streq(kt_opt_string(ctx, "dry-run"), "server");
}

static json_t *send(struct kt_command_context *ctx, const struct kt_target *target,
        const json_t *object, const char *manager, bool force, struct kt_err *err)
{
	kt_auto_free char *path = kt_target_path(target, kt_opt_string(ctx, "subresource"));
	kt_auto_str full = KT_STR_INIT;

	kt_str_printf(&full, "%s?fieldManager=", path);
	kt_url_escape(&full, manager);
	kt_str_printf(
	        &full, "%s%s", force ? "&force=true" : "", is_dry_run(ctx) ? "&dryRun=All" : "");
	return kt_session_request(
	        ctx, "PATCH", kt_str_text(&full), "application/apply-patch+yaml", object, err);
}

/* The fields that the manager owns in the object itself; NULL: none. Borrowed. */
static json_t *fields_of(const json_t *object, const char *manager, const char *operation)
{
	json_t *entry;
	size_t i;

	json_array_foreach(kt_jget(object, "metadata.managedFields"), i, entry) {
		if (kt_streq(kt_jstr(entry, "manager"), manager) &&
		        kt_streq(kt_jstr(entry, "operation"), operation) &&
		        !json_object_get(entry, "subresource"))
			return json_object_get(entry, "fieldsV1");
	}
	return NULL;
}

/* The annotation is nobody's once the client-side manager is gone, and would go with it. */
static int keep_annotation(struct kt_command_context *ctx, const struct kt_target *target,
        const json_t *stored, struct kt_err *err)
{
	const json_t *text =
	        json_object_get(kt_jget(stored, "metadata.annotations"), KT_LAST_APPLIED);

	if (!text || strcmp(manager_of(ctx), KT_SERVER_SIDE_MANAGER) != 0)
		return 0;
	kt_auto_json json_t *object = json_pack("{s:O, s:O, s:{s:O, s:O*, s:{s:O}}}", "apiVersion",
	        json_object_get(stored, "apiVersion"), "kind", json_object_get(stored, "kind"),
	        "metadata", "name", kt_jget(stored, "metadata.name"), "namespace",
	        kt_jget(stored, "metadata.namespace"), "annotations", KT_LAST_APPLIED, text);
	kt_auto_json json_t *answer = send(ctx, target, object, LAST_APPLIED_MANAGER, true, err);

	return answer ? 0 : err->code;
}

/* The managers of the object, with the client-side one's fields among those of the manager that has
 * just applied. New reference. */
static json_t *united(const json_t *stored, const char *manager)
{
	kt_auto_json json_t *copy = json_deep_copy(stored);
	json_t *fields = fields_of(copy, manager, "Apply"), *left = json_array(), *entry;
	size_t i;

	json_array_foreach(kt_jget(copy, "metadata.managedFields"), i, entry) {
		bool goes = kt_streq(kt_jstr(entry, "manager"), KT_CLIENT_SIDE_MANAGER) &&
		            kt_streq(kt_jstr(entry, "operation"), "Update") &&
		            !json_object_get(entry, "subresource");
		if (goes)
			json_object_update_recursive(fields, json_object_get(entry, "fieldsV1"));
		else
			json_array_append(left, entry);
	}
	return left;
}

/* 1: the client-side manager's fields are the manager's now, 0: there were none; -EAGAIN where
 * somebody was quicker. */
static int take_over_once(
        struct kt_command_context *ctx, const struct kt_target *target, struct kt_err *err)
{
	kt_auto_free char *path = kt_target_path(target, NULL);
	kt_auto_json json_t *stored = kt_session_request(ctx, "GET", path, NULL, NULL, err);

	if (!stored)
		return err->code;
	if (!fields_of(stored, KT_CLIENT_SIDE_MANAGER, "Update") ||
	        !fields_of(stored, manager_of(ctx), "Apply"))
		return 0;
	kt_auto_json json_t *managers = united(stored, manager_of(ctx));
	kt_auto_json json_t *patch = json_pack("[{s:s, s:s, s:O}, {s:s, s:s, s:O}]", "op",
	        "replace", "path", "/metadata/managedFields", "value", managers, "op", "replace",
	        "path", "/metadata/resourceVersion", "value",
	        kt_jget(stored, "metadata.resourceVersion"));
	kt_auto_json json_t *answer =
	        kt_session_request(ctx, "PATCH", path, "application/json-patch+json", patch, err);

	return answer ? 1 : err->status == 409 ? -EAGAIN : err->code;
}

static int take_over(
        struct kt_command_context *ctx, const struct kt_target *target, struct kt_err *err)
{
	int r = take_over_once(ctx, target, err);

	for (int i = 1; i < TAKE_OVER_TRIES && r == -EAGAIN; i++) {
		kt_err_clear(err);
		r = take_over_once(ctx, target, err);
	}
	return r;
}

static void warn(struct kt_command_context *ctx, const char *what, const struct kt_err *why)
{
	fprintf(ctx->err,
	        "Warning: %s. This is non-fatal and will be retried next time you apply. Error: "
	        "%s\n",
	        what, kt_err_message(why));
}

/* The object as the manifest has it, for the server to merge. New reference. */
static json_t *wanted(const struct kt_target *target)
{
	json_t *object = json_deep_copy(target->object),
	       *metadata = json_object_get(object, "metadata");

	if (json_object_get(metadata, "managedFields"))
		json_object_del(metadata, "managedFields");
	if (target->namespace && *target->namespace)
		json_object_set_new(metadata, "namespace", json_string(target->namespace));
	return object;
}

json_t *kt_apply_server_side(
        struct kt_command_context *ctx, const struct kt_target *target, struct kt_err *err)
{
	kt_auto_json json_t *object = wanted(target);
	bool force = kt_opt_bool(ctx, "force-conflicts");
	json_t *answer = send(ctx, target, object, manager_of(ctx), force, err);
	kt_auto_err why = KT_ERR_INIT;

	if (!answer) {
		if (err->status == 409)
			explain_conflict(err);
		return NULL;
	}
	if (is_dry_run(ctx) || kt_opt_given(ctx, "subresource") ||
	        !fields_of(answer, KT_CLIENT_SIDE_MANAGER, "Update"))
		return answer;
	if (keep_annotation(ctx, target, answer, &why) < 0) {
		warn(ctx, "failed to migrate " KT_LAST_APPLIED " for Server-Side Apply", &why);
		return answer;
	}
	int r = take_over(ctx, target, &why);
	if (r < 0)
		warn(ctx, "server rejected managed fields migration to Server-Side Apply", &why);
	json_t *again = r > 0 ? send(ctx, target, object, manager_of(ctx), force, &why) : NULL;
	if (r > 0 && !again)
		warn(ctx,
		        "failed to re-apply configuration after performing Server-Side Apply "
		        "migration",
		        &why);
	if (again)
		json_decref(answer);
	return again ? again : answer;
}
