/* SPDX-License-Identifier: GPL-3.0-or-later */
/* create: objects from manifests, and the common ones by a few words (create_kinds.c). */
#include "tui/command/apply_last.h"
#include "tui/command/create_kinds.h"
#include "tui/command/editing.h"
#include "tui/command/options.h"
#include "tui/command/output.h"
#include "tui/command/raw.h"

#include <errno.h>

static const struct kt_option OPTIONS[] = {
        KT_OPTION_FILENAME,
        KT_OPTION_RECURSIVE,
        KT_OPTION_OUTPUT,
        KT_OPTION_DRY_RUN,
        KT_OPTION_VALIDATE,
        KT_OPTION_FIELD_MANAGER("kubectl-create"),
        KT_OPTION_SAVE_CONFIG,
        KT_OPTION_SELECTOR,
        {.name = "edit", .type = KT_OPTION_BOOL, .help = "in your editor first"},
        KT_OPTION_WINDOWS_LINE_ENDINGS,
        {.name = "raw",
                .type = KT_OPTION_STRING,
                .value_name = "PATH",
                .help = "POST the file to this path of the server"},
        KT_OPTION_END,
};

int kt_create_object(
        struct kt_command_context *ctx, const struct kt_target *target, struct kt_err *err)
{
	return kt_create_object_as(ctx, target, "created", err);
}

int kt_create_object_as(struct kt_command_context *ctx, const struct kt_target *target,
        const char *done, struct kt_err *err)
{
	/* run, expose and autoscale remember only what they send */
	bool remember = kt_opt_bool(ctx, "save-config") &&
	                (!kt_is_dry_run_client(ctx) || kt_starts_with(ctx->path, "create"));
	kt_auto_json json_t *object =
	        remember ? kt_with_last_applied(ctx, target->object,
	                           kt_opt_given(ctx, "namespace") ? target->namespace : NULL)
	                 : json_incref(target->object);

	if (kt_is_dry_run_client(ctx))
		return kt_print_result(ctx, target->resource, object, done, err);
	kt_auto_free char *path = kt_resource_path(target->resource, target->namespace, NULL, NULL);
	kt_auto_free char *query = kt_write_query(ctx);
	kt_auto_free char *full = kt_asprintf("%s%s", path, query);
	kt_auto_json json_t *answer = kt_session_request(ctx, "POST", full, NULL, object, err);

	if (!answer)
		return target->source ? kt_wrap(err, "error when creating \"%s\"", target->source)
		                      : err->code;
	return kt_print_result(ctx, target->resource, answer, done, err);
}

static int create_edited(
        struct kt_command_context *ctx, const json_t *after, void *arg, struct kt_err *err)
{
	struct kt_target target = *(const struct kt_target *)arg;

	target.object = (json_t *)(uintptr_t)after;
	return kt_create_object(ctx, &target, err);
}

static int create_one(
        struct kt_command_context *ctx, struct kt_target *target, void *arg, struct kt_err *err)
{
	(void)arg;
	return kt_opt_bool(ctx, "edit")
	               ? kt_edit_object(ctx, target->object, create_edited, target, err)
	               : kt_create_object(ctx, target, err);
}

static int run(struct kt_command_context *ctx)
{
	if (kt_opt_string(ctx, "raw"))
		return kt_run_raw(ctx, "POST", true);
	if (!kt_opt_strings(ctx, "filename")->n)
		return kt_command_fail(ctx, NULL,
		        ctx->argc ? "Unexpected args: [%s]\nSee 'kube-tui create -h' for help and "
		                    "examples"
		                  : "must specify one of -f and -k",
		        ctx->argc ? ctx->argv[0] : "");
	return kt_targets_run(ctx, KT_TARGET_FILES, create_one, NULL);
}

const struct kt_command kt_command_create = {
        .name = "create",
        .group = "Change",
        .usage = "create (-f FILE | TYPE NAME …)",
        .summary = "Create objects from manifests, or a common one by a few words",
        .help = "Examples:\n"
                "  kube-tui create -f app.yaml\n"
                "  kube-tui create deployment web --image=nginx --replicas=3\n"
                "  kube-tui create configmap settings --from-literal=color=blue",
        .options = OPTIONS,
        .subcommands = kt_create_kinds,
        .needs_client = true,
        .run = run,
};
