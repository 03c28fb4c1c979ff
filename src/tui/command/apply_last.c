/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command/apply_last.h"

#include "tui/command/editing.h"
#include "tui/command/options.h"
#include "tui/command/output.h"
#include "tui/command/target.h"

#include "base/yaml.h"

#include <errno.h>

json_t *kt_with_last_applied(
        const struct kt_command_context *ctx, const json_t *object, const char *namespace)
{
	json_t *whole = json_deep_copy(object), *metadata = json_object_get(whole, "metadata");
	bool typed = ctx->command->prints_typed;
	kt_auto_str text = KT_STR_INIT;

	if (!json_is_object(json_object_get(metadata, "annotations")) && !typed)
		json_object_set_new(metadata, "annotations", json_object());
	json_object_del(json_object_get(metadata, "annotations"), KT_LAST_APPLIED);
	if (namespace && *namespace) /* kubectl writes where the object went */
		json_object_set_new(metadata, "namespace", json_string(namespace));
	kt_auto_json json_t *plain = typed ? kt_in_type_order(whole) : json_incref(whole);

	kt_json_write(&text, plain, KT_JSON_HTML | (typed ? 0 : KT_JSON_SORT));
	kt_str_putc(&text, '\n');
	if (!json_object_get(metadata, "annotations"))
		json_object_set_new(metadata, "annotations", json_object());
	json_object_set_new(json_object_get(metadata, "annotations"), KT_LAST_APPLIED,
	        json_stringn(kt_str_text(&text), text.len));
	return whole;
}

static const struct kt_option VIEW_OPTIONS[] = {
        KT_OPTION_FILENAME,
        KT_OPTION_RECURSIVE,
        KT_OPTION_SELECTOR,
        KT_OPTION_ALL,
        {.name = "output",
                .letter = 'o',
                .type = KT_OPTION_STRING,
                .value_name = "json|yaml",
                .fallback = "yaml",
                .help = "json or yaml"},
        KT_OPTION_END,
};

static const char *last_applied_text(const json_t *live)
{
	return json_string_value(
	        json_object_get(kt_jget(live, "metadata.annotations"), KT_LAST_APPLIED));
}

static int view_one(
        struct kt_command_context *ctx, struct kt_target *target, void *arg, struct kt_err *err)
{
	const char *text = last_applied_text(target->live);
	kt_auto_str out = KT_STR_INIT;

	(void)arg;
	if (!text) /* nothing was applied: nothing is shown */
		return 0;
	kt_auto_json json_t *tree = kt_json_parse(kt_sv_of(text), NULL, err);

	if (!tree)
		return err->code;
	if (kt_streq(kt_opt_string(ctx, "output"), "json")) {
		char *json = json_dumps(tree, JSON_INDENT(2) | JSON_SORT_KEYS);

		kt_str_printf(&out, "%s\n", json);
		free(json);
	} else {
		kt_yaml_write(&out, tree);
	}
	fputs(kt_str_text(&out), ctx->out);
	return 0;
}

static int run_view(struct kt_command_context *ctx)
{
	const char *output = kt_opt_string(ctx, "output");

	if (strcmp(output, "json") != 0 && strcmp(output, "yaml") != 0) {
		kt_command_fail(ctx, NULL,
		        "Unexpected -o output mode: %s, the flag 'output' must be one of yaml|json",
		        output);
		fputs("See 'kube-tui apply view-last-applied -h' for help and examples\n",
		        ctx->err);
		return KT_EXIT_ERROR;
	}
	return kt_targets_run(
	        ctx, KT_TARGET_FILES | KT_TARGET_NEED_NAME | KT_TARGET_LIVE, view_one, NULL);
}

static const struct kt_option SET_OPTIONS[] = {
        KT_OPTION_FILENAME,
        KT_OPTION_RECURSIVE,
        KT_OPTION_OUTPUT,
        KT_OPTION_DRY_RUN,
        {.name = "create-annotation",
                .type = KT_OPTION_BOOL,
                .help = "also where there is none yet"},
        KT_OPTION_END,
};

/* The manifest as apply would write it into the annotation. */
static void manifest_text(const struct kt_target *target, struct kt_str *out)
{
	kt_auto_json json_t *plain = json_deep_copy(target->object);
	json_t *metadata = json_object_get(plain, "metadata");

	json_object_del(json_object_get(metadata, "annotations"), KT_LAST_APPLIED);
	if (target->namespace)
		json_object_set_new(metadata, "namespace", json_string(target->namespace));
	kt_json_write(out, plain, KT_JSON_SORT | KT_JSON_HTML);
	kt_str_putc(out, '\n');
}

/* Sets the annotation of the live object to text and tells that it was, say, "edited". */
static int write_annotation(struct kt_command_context *ctx, const struct kt_target *target,
        const char *text, const char *done, struct kt_err *err)
{
	kt_auto_json json_t *patch =
	        json_pack("{s:{s:{s:s}}}", "metadata", "annotations", KT_LAST_APPLIED, text);
	kt_auto_free char *path = kt_target_path(target, NULL), *query = kt_write_query(ctx);
	kt_auto_free char *full = kt_asprintf("%s%s", path, query);
	kt_auto_json json_t *answer =
	        kt_session_request(ctx, "PATCH", full, "application/merge-patch+json", patch, err);

	return answer ? kt_print_result(ctx, target->resource, answer, done, err) : err->code;
}

static int set_one(
        struct kt_command_context *ctx, struct kt_target *target, void *arg, struct kt_err *err)
{
	const char *before = last_applied_text(target->live);
	kt_auto_str text = KT_STR_INIT;

	(void)arg;
	manifest_text(target, &text);
	if (!before && !kt_opt_bool(ctx, "create-annotation"))
		return kt_fail(err, EINVAL,
		        "no last-applied-configuration annotation found on resource: %s, to create "
		        "the annotation, run the command with --create-annotation",
		        target->name);
	if (kt_streq(before, kt_str_text(&text))) {
		fprintf(ctx->out, "set-last-applied %s: no changes required.\n", target->name);
		return 0;
	}
	if (kt_is_dry_run_client(ctx))
		return kt_print_result(ctx, target->resource, target->live, "configured", err);
	return write_annotation(ctx, target, kt_str_text(&text), "configured", err);
}

static int run_set(struct kt_command_context *ctx)
{
	return kt_targets_run(
	        ctx, KT_TARGET_FILES | KT_TARGET_NEED_NAME | KT_TARGET_LIVE, set_one, NULL);
}

/* Edit */

static const struct kt_option EDIT_OPTIONS[] = {
        KT_OPTION_FILENAME,
        KT_OPTION_RECURSIVE,
        KT_OPTION_OUTPUT,
        KT_OPTION_VALIDATE,
        KT_OPTION_FIELD_MANAGER("kubectl-client-side-apply"),
        KT_OPTION_WINDOWS_LINE_ENDINGS,
        KT_OPTION_END,
};

static int save_last(
        struct kt_command_context *ctx, const json_t *after, void *arg, struct kt_err *err)
{
	const struct kt_target *target = arg;
	kt_auto_str text = KT_STR_INIT;

	kt_json_write(&text, after, KT_JSON_SORT | KT_JSON_HTML);
	kt_str_putc(&text, '\n');
	return write_annotation(ctx, target, kt_str_text(&text), "edited", err);
}

static int edit_last(
        struct kt_command_context *ctx, struct kt_target *target, void *arg, struct kt_err *err)
{
	const char *text = last_applied_text(target->live);

	(void)arg;
	if (!text)
		return kt_fail(err, ENOENT,
		        "no last-applied-configuration annotation found on resources, to create "
		        "the annotation, use command `kube-tui apply set-last-applied "
		        "--create-annotation`");
	kt_auto_json json_t *before = kt_json_parse(kt_sv_of(text), NULL, err);

	return before ? kt_edit_object(ctx, before, save_last, target, err) : err->code;
}

static int run_edit(struct kt_command_context *ctx)
{
	kt_auto_err err = KT_ERR_INIT;

	if (kt_check_edit_output(ctx, &err) < 0)
		return kt_command_fail(ctx, &err, NULL);
	return kt_targets_run(
	        ctx, KT_TARGET_FILES | KT_TARGET_NEED_NAME | KT_TARGET_LIVE, edit_last, NULL);
}

static const enum kt_completion ARGUMENTS[] = {KT_COMPLETE_RESOURCE_OR_NAME, KT_COMPLETE_NONE};

const struct kt_command kt_command_view_last_applied = {
        .name = "view-last-applied",
        .group = "Change",
        .usage = "apply view-last-applied (TYPE NAME | -l SELECTOR | -f FILE)",
        .summary = "Show the manifest an object was last applied from",
        .options = VIEW_OPTIONS,
        .arguments = ARGUMENTS,
        .needs_client = true,
        .reads = true,
        .run = run_view,
};

const struct kt_command kt_command_set_last_applied = {
        .name = "set-last-applied",
        .group = "Change",
        .usage = "apply set-last-applied -f FILE [--create-annotation]",
        .summary = "Take a manifest for the one that was last applied, and change nothing else",
        .options = SET_OPTIONS,
        .needs_client = true,
        .run = run_set,
};

const struct kt_command kt_command_edit_last_applied = {
        .name = "edit-last-applied",
        .group = "Change",
        .usage = "apply edit-last-applied (TYPE NAME | -f FILE)",
        .summary = "Change the manifest an object was last applied from in your editor",
        .options = EDIT_OPTIONS,
        .arguments = ARGUMENTS,
        .needs_client = true,
        .run = run_edit,
};
