/* SPDX-License-Identifier: GPL-3.0-or-later */
/* delete: objects by name, file or selector, and waiting until they are gone. */
#include "tui/command/cluster.h"
#include "tui/command/options.h"
#include "tui/command/output.h"
#include "tui/command/raw.h"
#include "tui/command/target.h"
#include "tui/command/wait.h"

#include "base/time.h"

#include <errno.h>
#include <strings.h>

static const struct kt_option OPTIONS[] = {
        KT_OPTION_FILENAME,
        KT_OPTION_RECURSIVE,
        KT_OPTION_SELECTOR,
        KT_OPTION_FIELD_SELECTOR,
        KT_OPTION_ALL,
        KT_OPTION_ALL_NAMESPACES,
        KT_OPTION_DRY_RUN,
        {.name = "output",
                .letter = 'o',
                .type = KT_OPTION_STRING,
                .value_name = "name",
                .help = "name: only the names"},
        KT_OPTION_CASCADE,
        KT_OPTION_GRACE_PERIOD,
        {.name = "interactive",
                .letter = 'i',
                .type = KT_OPTION_BOOL,
                .help = "ask before anything is deleted"},
        {.name = "raw",
                .type = KT_OPTION_STRING,
                .value_name = "PATH",
                .help = "DELETE this path of the server"},
        {.name = "force",
                .type = KT_OPTION_BOOL,
                .help = "at once, without waiting for an end (with --grace-period=0)"},
        {.name = "now", .type = KT_OPTION_BOOL, .help = "with a grace period of 1 second"},
        {.name = "wait",
                .type = KT_OPTION_BOOL,
                .fallback = "true",
                .help = "return when the objects are gone"},
        {.name = "ignore-not-found",
                .type = KT_OPTION_BOOL,
                .help = "a missing object is no error"},
        KT_OPTION_TIMEOUT("0s", "how long to wait; 0: a week at most"),
        KT_OPTION_END,
};

static int64_t grace_seconds(const struct kt_command_context *ctx)
{
	int64_t grace = kt_opt_int(ctx, "grace-period");

	if (kt_opt_bool(ctx, "now"))
		return 1;
	return grace < 0 && kt_opt_bool(ctx, "force") ? 0 : grace;
}

static json_t *delete_options(const struct kt_command_context *ctx)
{
	json_t *options = json_pack("{s:s, s:s, s:s}", "kind", "DeleteOptions", "apiVersion", "v1",
	        "propagationPolicy", kt_propagation(kt_opt_string(ctx, "cascade")));
	int64_t grace = grace_seconds(ctx);

	if (grace >= 0)
		json_object_set_new(options, "gracePeriodSeconds", json_integer(grace));
	if (kt_streq(kt_opt_string(ctx, "dry-run"), "server"))
		json_object_set_new(options, "dryRun", json_pack("[s]", "All"));
	return options;
}

static int check(const struct kt_command_context *ctx, struct kt_err *err)
{
	int64_t grace = kt_opt_int(ctx, "grace-period");

	if (kt_opt_bool(ctx, "now") && grace != -1)
		return kt_fail(
		        err, EINVAL, "--now and --grace-period cannot be specified together");
	if (grace == 0 && !kt_opt_bool(ctx, "force") && kt_opt_given(ctx, "grace-period"))
		fputs("Warning: --grace-period=0 waits for the object's end; add --force to skip "
		      "it.\n",
		        ctx->err);
	if (kt_check_cascade(ctx, err) < 0)
		return err->code;
	if (kt_opt_bool(ctx, "force") && grace > 0)
		return kt_fail(err, EINVAL,
		        "--force and --grace-period greater than 0 cannot be specified together");
	if (kt_opt_bool(ctx, "force"))
		fputs("Warning: Immediate deletion does not wait for confirmation that the running "
		      "resource has been "
		      "terminated. The resource may continue to run on the cluster indefinitely.\n",
		        ctx->err);
	return kt_check_write_options(ctx, err);
}

static int delete_one(struct kt_command_context *ctx, struct kt_target *target,
        const json_t *options, struct kt_err *err)
{
	kt_auto_free char *path = kt_target_path(target, NULL);

	if (!kt_is_dry_run_client(ctx)) {
		kt_auto_json json_t *answer =
		        kt_session_request(ctx, "DELETE", path, NULL, options, err);

		if (!answer)
			return err->code;
		json_decref(target->live);
		target->live = json_incref(answer);
	}
	kt_target_say_deleted(ctx, target);
	return 0;
}

/* --interactive: false unless a person says y. */
static bool confirmed(struct kt_command_context *ctx, const struct kt_targets *targets)
{
	char answer[8] = "";

	fprintf(ctx->out, "You are about to delete the following %zu resource(s):\n", targets->n);
	for (size_t i = 0; i < targets->n; i++) {
		if (!targets->items[i].resource)
			continue;
		kt_auto_free char *label = kt_target_label(&targets->items[i]);

		fprintf(ctx->out, "%s\n", label);
	}
	fputs("Do you want to continue? (y/N): ", ctx->out);
	fflush(ctx->out);
	if (fgets(answer, sizeof(answer), ctx->in) &&
	        (!strcasecmp(answer, "y\n") || !strcasecmp(answer, "y")))
		return true;
	fputs("deletion is cancelled\n", ctx->out);
	return false;
}

static int delete_all(struct kt_command_context *ctx, struct kt_targets *targets)
{
	kt_auto_json json_t *options = delete_options(ctx);
	int code = KT_EXIT_OK;

	for (size_t i = 0; i < targets->n; i++) {
		kt_auto_err err = KT_ERR_INIT;
		int r = kt_target_error(&targets->items[i], &err);

		if (r == 0)
			r = delete_one(ctx, &targets->items[i], options, &err);

		if (r == -ENOENT && kt_opt_bool(ctx, "ignore-not-found"))
			kt_err_clear(&err);
		else if (r < 0)
			code = kt_command_fail(ctx, &err, NULL);
	}
	if (code != KT_EXIT_OK || !kt_opt_bool(ctx, "wait") ||
	        kt_streq(kt_opt_string(ctx, "dry-run"), "server") || kt_is_dry_run_client(ctx))
		return code;
	return kt_wait_deleted(ctx, targets, kt_opt_int(ctx, "timeout"));
}

/* The word is neither a type nor, as it would not come here, a cluster. */
static int fail_unknown(struct kt_command_context *ctx, const struct kt_err *err)
{
	int code = kt_command_fail(ctx, err, NULL);

	if (kt_cluster_delete_was_possible(ctx))
		fprintf(ctx->err, "There is no cluster called \"%s\" either.\n", ctx->argv[0]);
	return code;
}

/* Collections are read first: what is deleted is what was there. */
static int run(struct kt_command_context *ctx)
{
	kt_auto_err err = KT_ERR_INIT;
	struct kt_targets targets = {0};
	int code;

	if (kt_opt_string(ctx, "raw"))
		return kt_run_raw(ctx, "DELETE", false);
	if (kt_cluster_delete_is_meant(ctx))
		return kt_cluster_delete(ctx);
	if (check(ctx, &err) < 0 ||
	        kt_targets_parse(ctx, 0,
	                KT_TARGET_FILES | KT_TARGET_NEED_NAME | KT_TARGET_NONE_IS_FINE, &targets,
	                &err) < 0)
		return err.code == -EINVAL ? kt_command_fail(ctx, &err, NULL)
		                           : fail_unknown(ctx, &err);
	bool fetched = !targets.by_name;

	if (fetched && kt_targets_fetch(ctx, &targets, &err) < 0) {
		code = kt_command_fail(ctx, &err, NULL);
	} else if (targets.n == 0) {
		fputs("No resources found\n", ctx->out);
		code = KT_EXIT_OK;
	} else if (kt_opt_bool(ctx, "interactive") && !confirmed(ctx, &targets)) {
		code = KT_EXIT_OK;
	} else {
		code = delete_all(ctx, &targets);
	}
	kt_targets_finish(&targets);
	return code;
}

static const enum kt_completion ARGUMENTS[] = {KT_COMPLETE_RESOURCE_OR_NAME, KT_COMPLETE_NONE};

const struct kt_command kt_command_delete = {
        .name = "delete",
        .aliases = (const char *const[]){"del", "rm", NULL},
        .group = "Change",
        .usage = "delete (-f FILE | TYPE [NAME… | -l SELECTOR | --all] | [CLUSTER])",
        .summary = "Delete objects by name, file or selector, or an embedded cluster",
        .help = "One word alone that is no TYPE, or none, names an embedded cluster (default "
                "dev).\n\n"
                "Examples:\n"
                "  kube-tui delete dev\n"
                "  kube-tui delete pod web-0 --now\n"
                "  kube-tui delete -f app.yaml\n"
                "  kube-tui delete pods -l app=web",
        .options = OPTIONS,
        .arguments = ARGUMENTS,
        .run = run,
};
