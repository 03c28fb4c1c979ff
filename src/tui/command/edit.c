/* SPDX-License-Identifier: GPL-3.0-or-later */
/* edit: an object's YAML in a person's editor; the difference goes to the server as a patch.
 * replace: a manifest instead of what is there. */
#include "tui/command/apply_last.h"
#include "tui/command/editing.h"
#include "tui/command/options.h"
#include "tui/command/output.h"
#include "tui/command/raw.h"
#include "tui/command/wait.h"

#include "api/machinery/patch.h"
#include "api/schema/schema.h"

#include <errno.h>

static const struct kt_option EDIT_OPTIONS[] = {
        KT_OPTION_FILENAME,
        KT_OPTION_RECURSIVE,
        KT_OPTION_OUTPUT,
        KT_OPTION_VALIDATE,
        KT_OPTION_FIELD_MANAGER("kubectl-edit"),
        {.name = "subresource",
                .type = KT_OPTION_STRING,
                .value_name = "NAME",
                .help = "status instead of the object"},
        {.name = "output-patch", .type = KT_OPTION_BOOL, .help = "show the patch that was sent"},
        KT_OPTION_SAVE_CONFIG,
        KT_OPTION_WINDOWS_LINE_ENDINGS,
        KT_OPTION_END,
};

static json_t *shown(const struct kt_command_context *ctx, const json_t *object)
{
	json_t *copy = json_deep_copy(object);

	if (!kt_opt_bool(ctx, "show-managed-fields"))
		json_object_del(json_object_get(copy, "metadata"), "managedFields");
	return copy;
}

struct edit {
	const struct kt_target *target;
	const json_t *before;
};

static int save(struct kt_command_context *ctx, const json_t *after, void *arg, struct kt_err *err)
{
	const struct edit *edit = arg;
	const struct kt_target *target = edit->target;
	const struct kt_kind *kind = kt_builtin_kind(
	        target->resource->group, target->resource->version, target->resource->kind);
	kt_auto_json json_t *whole = kt_opt_bool(ctx, "save-config")
	                                     ? kt_with_last_applied(ctx, after, target->namespace)
	                                     : json_incref((json_t *)(uintptr_t)after);
	kt_auto_json json_t *patch =
	        kind ? kt_diff_three_way(edit->before, whole, edit->before, kind->type, err)
	             : kt_diff_merge(edit->before, whole);

	if (!patch)
		return err->code;
	kt_auto_free char *path = kt_target_path(target, kt_opt_string(ctx, "subresource"));
	kt_auto_free char *query = kt_write_query(ctx);
	kt_auto_free char *full = kt_asprintf("%s%s", path, query);
	kt_auto_json json_t *answer = kt_session_request(ctx, "PATCH", full,
	        kind ? "application/strategic-merge-patch+json" : "application/merge-patch+json",
	        patch, err);

	if (!answer)
		return err->code;
	if (kt_opt_bool(ctx, "output-patch")) {
		kt_auto_str text = KT_STR_INIT;

		kt_json_write(&text, patch, KT_JSON_SORT | KT_JSON_HTML);
		fprintf(ctx->out, "Patch: %s\n", kt_str_text(&text));
	}
	return kt_print_result(ctx, target->resource, answer, "edited", err);
}

static int edit_one(
        struct kt_command_context *ctx, struct kt_target *target, void *arg, struct kt_err *err)
{
	(void)arg;
	kt_auto_json json_t *before = shown(ctx, target->live);
	struct edit edit = {target, before};

	return kt_edit_object(ctx, before, save, &edit, err);
}

static int run_edit(struct kt_command_context *ctx)
{
	kt_auto_err err = KT_ERR_INIT;

	if (kt_check_edit_output(ctx, &err) < 0)
		return kt_command_fail(ctx, &err, NULL);
	return kt_targets_run(
	        ctx, KT_TARGET_FILES | KT_TARGET_NEED_NAME | KT_TARGET_LIVE, edit_one, NULL);
}

/* Replace */

static const struct kt_option REPLACE_OPTIONS[] = {
        KT_OPTION_FILENAME,
        KT_OPTION_RECURSIVE,
        KT_OPTION_OUTPUT,
        KT_OPTION_DRY_RUN,
        KT_OPTION_VALIDATE,
        KT_OPTION_FIELD_MANAGER("kubectl-replace"),
        {.name = "force",
                .type = KT_OPTION_BOOL,
                .help = "delete the object first, then create it"},
        KT_OPTION_CASCADE,
        KT_OPTION_GRACE_PERIOD,
        KT_OPTION_TIMEOUT("0s", "with --force: how long to wait until it is gone"),
        {.name = "wait", .type = KT_OPTION_BOOL, .help = "as kubectl has it; it always waits"},
        KT_OPTION_SAVE_CONFIG,
        {.name = "raw",
                .type = KT_OPTION_STRING,
                .value_name = "PATH",
                .help = "PUT the file to this path of the server"},
        {.name = "subresource",
                .type = KT_OPTION_STRING,
                .value_name = "NAME",
                .help = "status or scale instead of the object"},
        KT_OPTION_END,
};

/* --force: what is there goes first. */
static int delete_before(
        struct kt_command_context *ctx, struct kt_target *target, struct kt_err *err)
{
	int64_t grace = kt_opt_int(ctx, "grace-period");
	kt_auto_free char *path = kt_target_path(target, NULL);
	kt_auto_json json_t *options = json_pack("{s:s, s:I}", "propagationPolicy",
	        kt_propagation(kt_opt_string(ctx, "cascade")), "gracePeriodSeconds",
	        (json_int_t)(grace < 0 ? 0 : grace));

	target->live = kt_session_request(ctx, "DELETE", path, NULL, options, err);
	if (!target->live && err->code != -ENOENT)
		return err->code;
	kt_err_clear(err);
	if (target->live)
		kt_target_say_deleted(ctx, target);
	const struct kt_targets one = {.items = target, .n = 1};

	return !target->live || kt_wait_deleted(ctx, &one, kt_opt_int(ctx, "timeout")) == KT_EXIT_OK
	               ? 0
	               : kt_fail(err, ETIMEDOUT, "%s is still there", target->name);
}

static int replace_one(
        struct kt_command_context *ctx, struct kt_target *target, void *arg, struct kt_err *err)
{
	bool force = kt_opt_bool(ctx, "force");

	(void)arg;
	if (!target->name)
		return kt_fail(err, EINVAL, "%s: metadata.name is required", target->source);
	kt_auto_json json_t *object =
	        kt_opt_bool(ctx, "save-config")
	                ? kt_with_last_applied(ctx, target->object, target->namespace)
	                : json_incref(target->object);

	if (kt_is_dry_run_client(ctx))
		return kt_print_result(ctx, target->resource, object, "replaced", err);
	if (force && delete_before(ctx, target, err) < 0)
		return err->code;
	kt_auto_free char *path =
	        force ? kt_resource_path(target->resource, target->namespace, NULL, NULL)
	              : kt_target_path(target, kt_opt_string(ctx, "subresource"));
	kt_auto_free char *query = kt_write_query(ctx);
	kt_auto_free char *full = kt_asprintf("%s%s", path, query);
	kt_auto_json json_t *answer =
	        kt_session_request(ctx, force ? "POST" : "PUT", full, NULL, object, err);

	return answer ? kt_print_result(ctx, target->resource, answer, "replaced", err)
	              : kt_wrap(err, "error when replacing \"%s\"", target->source);
}

static int check_replace(const struct kt_command_context *ctx, struct kt_err *err)
{
	if (kt_opt_bool(ctx, "force"))
		return kt_opt_given(ctx, "dry-run") &&
		                       !kt_streq(kt_opt_string(ctx, "dry-run"), "none")
		               ? kt_fail(err, EINVAL,
		                         "--dry-run can not be used when --force is set")
		               : kt_check_cascade(ctx, err);
	if (kt_opt_int(ctx, "grace-period") >= 0)
		return kt_fail(err, EINVAL, "--grace-period must have --force specified");
	if (kt_opt_int(ctx, "timeout") != 0)
		return kt_fail(err, EINVAL, "--timeout must have --force specified");
	return kt_check_cascade(ctx, err);
}

static int run_replace(struct kt_command_context *ctx)
{
	kt_auto_err err = KT_ERR_INIT;

	if (kt_opt_string(ctx, "raw"))
		return kt_run_raw(ctx, "PUT", true);
	if (check_replace(ctx, &err) < 0)
		return kt_command_fail(ctx, &err, NULL);
	if (!kt_opt_strings(ctx, "filename")->n)
		return kt_command_fail(ctx, NULL, "must specify one of -f and -k");
	return kt_targets_run(ctx, KT_TARGET_FILES, replace_one, NULL);
}

static const enum kt_completion ARGUMENTS[] = {KT_COMPLETE_RESOURCE_OR_NAME, KT_COMPLETE_NONE};

const struct kt_command kt_command_edit = {
        .name = "edit",
        .group = "Change",
        .usage = "edit (-f FILE | TYPE NAME…)",
        .summary = "Change an object in your editor",
        .help = "The editor is $KUBE_EDITOR, else $EDITOR, else vi. What the server refuses comes "
                "back with the reason.\n"
                "In the terminal UI the key e opens the built-in editor instead.",
        .options = EDIT_OPTIONS,
        .arguments = ARGUMENTS,
        .needs_client = true,
        .run = run_edit,
};

const struct kt_command kt_command_replace = {
        .name = "replace",
        .group = "Change",
        .usage = "replace -f FILE [--force]",
        .summary = "Put a manifest in the place of an object",
        .options = REPLACE_OPTIONS,
        .needs_client = true,
        .run = run_replace,
};
