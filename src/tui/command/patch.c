/* SPDX-License-Identifier: GPL-3.0-or-later */
/* patch: changes fields of one object by a patch written out. */
#include "tui/command/options.h"
#include "tui/command/output.h"
#include "tui/command/target.h"

#include "api/machinery/patch.h"
#include "api/schema/schema.h"
#include "base/path.h"
#include "base/yaml.h"

#include <errno.h>

#define PATCH_MAX_BYTES (3u << 20) /* the server's limit for a body */

static const char *const TYPES[] = {"strategic", "merge", "json", NULL};
static const char *const CONTENT_TYPES[] = {"application/strategic-merge-patch+json",
        "application/merge-patch+json", "application/json-patch+json"};

static const struct kt_option OPTIONS[] = {
        {.name = "patch",
                .letter = 'p',
                .type = KT_OPTION_STRING,
                .value_name = "PATCH",
                .help = "the patch, JSON or YAML"},
        {.name = "patch-file",
                .type = KT_OPTION_STRING,
                .value_name = "FILE",
                .help = "a file with the patch",
                .completion = KT_COMPLETE_FILE},
        {.name = "type",
                .type = KT_OPTION_STRING,
                .fallback = "strategic",
                .value_name = "strategic|merge|json",
                .help = "how the patch is meant",
                .completion = KT_COMPLETE_WORDS,
                .words = TYPES},
        {.name = "subresource",
                .type = KT_OPTION_STRING,
                .value_name = "NAME",
                .help = "status or scale instead of the object"},
        KT_OPTION_FILENAME,
        KT_OPTION_RECURSIVE,
        KT_OPTION_OUTPUT,
        KT_OPTION_DRY_RUN,
        KT_OPTION_LOCAL,
        KT_OPTION_FIELD_MANAGER("kubectl-patch"),
        KT_OPTION_END,
};

static const char *content_type(const char *type)
{
	for (size_t i = 0; TYPES[i]; i++)
		if (!strcmp(TYPES[i], type))
			return CONTENT_TYPES[i];
	return NULL;
}

static json_t *read_patch(const struct kt_command_context *ctx, struct kt_err *err)
{
	const char *text = kt_opt_string(ctx, "patch"), *file = kt_opt_string(ctx, "patch-file");
	kt_auto_str content = KT_STR_INIT;

	if ((text && *text) == (file && *file)) {
		kt_fail(err, EINVAL,
		        "must specify --patch or --patch-file containing the contents of the "
		        "patch");
		return NULL;
	}
	if (file && kt_read_file(file, PATCH_MAX_BYTES, &content, err) < 0)
		return NULL;
	json_t *patch = kt_yaml_parse_one(
	        file ? (struct kt_sv){kt_str_text(&content), content.len} : kt_sv_of(text), err);

	if (!patch)
		kt_wrap(err, "unable to parse \"%s\"", file ? file : text);
	return patch;
}

/* What the patch makes of the object, without the server. New reference. */
static json_t *patched(const struct kt_command_context *ctx, const struct kt_target *target,
        const json_t *before, const json_t *patch, struct kt_err *err)
{
	const char *type = kt_opt_string(ctx, "type");
	const struct kt_kind *kind = kt_builtin_kind(
	        target->resource->group, target->resource->version, target->resource->kind);

	if (!strcmp(type, "json")) {
		kt_auto_err why = KT_ERR_INIT;
		json_t *after = kt_patch_json(before, patch, &why);

		if (!after)
			kt_fail(err, EINVAL, "%s", kt_err_message(&why));
		return after;
	}
	return !strcmp(type, "merge") || !kind ? kt_patch_merge(before, patch, err)
	                                       : kt_patch_strategic(before, patch, kind->type, err);
}

static int patch_one(
        struct kt_command_context *ctx, struct kt_target *target, void *arg, struct kt_err *err)
{
	const json_t *patch = arg;
	kt_auto_free char *path = kt_target_path(target, kt_opt_string(ctx, "subresource"));
	kt_auto_free char *query = kt_write_query(ctx);
	kt_auto_free char *full = kt_asprintf("%s%s", path, query);
	kt_auto_json json_t *before = kt_opt_bool(ctx, "local")
	                                      ? json_incref(target->live)
	                                      : kt_session_get(ctx, path, NULL, err);

	if (!before)
		return err->code;
	kt_auto_json json_t *answer =
	        kt_is_dry_run_client(ctx)
	                ? patched(ctx, target, before, patch, err)
	                : kt_session_request(ctx, "PATCH", full,
	                          content_type(kt_opt_string(ctx, "type")), patch, err);

	if (!answer)
		return err->code;
	const char *done = json_equal(before, answer) ? "patched (no change)" : "patched";

	/* kubectl does not say of this verb that nothing was sent */
	if (kt_is_dry_run_client(ctx) && !kt_opt_string(ctx, "output")) {
		kt_auto_free char *label = kt_target_label(target);

		fprintf(ctx->out, "%s %s\n", label, done);
		return 0;
	}
	return kt_print_result(ctx, target->resource, answer, done, err);
}

static int run(struct kt_command_context *ctx)
{
	kt_auto_err err = KT_ERR_INIT;

	if (!content_type(kt_opt_string(ctx, "type")))
		return kt_command_fail(ctx, NULL,
		        "--type must be one of [json merge strategic], not \"%s\"",
		        kt_opt_string(ctx, "type"));
	kt_auto_json json_t *patch = read_patch(ctx, &err);

	if (!patch)
		return kt_command_fail(ctx, &err, NULL);
	return kt_targets_run(ctx, KT_TARGET_FILES | KT_TARGET_NEED_NAME, patch_one, patch);
}

static const enum kt_completion ARGUMENTS[] = {KT_COMPLETE_RESOURCE_OR_NAME, KT_COMPLETE_NONE};

const struct kt_command kt_command_patch = {
        .name = "patch",
        .group = "Change",
        .usage = "patch (-f FILE | TYPE NAME) -p PATCH [--type=strategic|merge|json]",
        .summary = "Change fields of an object by a patch",
        .help = "Examples:\n"
                "  kube-tui patch deploy web -p '{\"spec\":{\"replicas\":3}}'\n"
                "  kube-tui patch pod web-0 --type=json -p "
                "'[{\"op\":\"remove\",\"path\":\"/metadata/labels/x\"}]'",
        .options = OPTIONS,
        .arguments = ARGUMENTS,
        .needs_client = true,
        .run = run,
};
