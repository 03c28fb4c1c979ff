/* SPDX-License-Identifier: GPL-3.0-or-later */
/* delete: objects by name, file or selector, and waiting until they are gone. */
#include "tui/command/cluster.h"
#include "tui/command/options.h"
#include "tui/command/output.h"
#include "tui/command/target.h"
#include "tui/command/wait.h"

#include "base/time.h"

#include <errno.h>

static const char *const CASCADE_WORDS[] = {"background", "foreground", "orphan", NULL};

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
        {.name = "cascade",
                .type = KT_OPTION_STRING,
                .fallback = "background",
                .value_name = "background|foreground|orphan",
                .help = "what becomes of objects owned by it",
                .optional_value = true,
                .bare = "background",
                .completion = KT_COMPLETE_WORDS,
                .words = CASCADE_WORDS},
        {.name = "grace-period",
                .type = KT_OPTION_INT,
                .fallback = "-1",
                .value_name = "SECONDS",
                .help = "time to end by itself; -1: the object's own"},
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

static const char *propagation(const char *cascade)
{
	if (!strcmp(cascade, "orphan") || !strcmp(cascade, "false"))
		return "Orphan";
	return !strcmp(cascade, "foreground") ? "Foreground" : "Background";
}

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
	        "propagationPolicy", propagation(kt_opt_string(ctx, "cascade")));
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
	const char *cascade = kt_opt_string(ctx, "cascade");

	if (kt_opt_bool(ctx, "now") && grace != -1)
		return kt_fail(
		        err, EINVAL, "--now and --grace-period cannot be specified together");
	if (grace == 0 && !kt_opt_bool(ctx, "force") && kt_opt_given(ctx, "grace-period"))
		fputs("Warning: --grace-period=0 waits for the object's end; add --force to skip "
		      "it.\n",
		        ctx->err);
	if (strcmp(propagation(cascade), "Background") == 0 && strcmp(cascade, "background") != 0 &&
	        strcmp(cascade, "true") != 0)
		return kt_fail(err, EINVAL,
		        "invalid cascade value (%s). Must be \"background\", \"foreground\", or "
		        "\"orphan\"",
		        cascade);
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

static void say_deleted(struct kt_command_context *ctx, const struct kt_target *target)
{
	kt_auto_free char *label = kt_target_label(target);
	const char *dry_run = kt_opt_string(ctx, "dry-run");

	if (kt_streq(kt_opt_string(ctx, "output"), "name")) {
		fprintf(ctx->out, "%s\n", label);
		return;
	}
	const char *slash = strchr(label, '/');

	fprintf(ctx->out, "%.*s \"%s\" %sdeleted", (int)(slash - label), label, target->name,
	        kt_opt_bool(ctx, "force") ? "force " : "");
	if (target->namespace)
		fprintf(ctx->out, " from %s namespace", target->namespace);
	fprintf(ctx->out, "%s\n",
	        kt_streq(dry_run, "server")   ? " (server dry run)"
	        : kt_streq(dry_run, "client") ? " (dry run)"
	                                      : "");
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
	say_deleted(ctx, target);
	return 0;
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

	if (kt_cluster_delete_is_meant(ctx))
		return kt_cluster_delete(ctx);
	if (check(ctx, &err) < 0 ||
	        kt_targets_parse(ctx, 0, KT_TARGET_FILES | KT_TARGET_NEED_NAME, &targets, &err) < 0)
		return err.code == -EINVAL ? kt_command_fail(ctx, &err, NULL)
		                           : fail_unknown(ctx, &err);
	bool fetched = !targets.by_name;

	if (fetched && kt_targets_fetch(ctx, &targets, &err) < 0) {
		code = kt_command_fail(ctx, &err, NULL);
	} else if (targets.n == 0) {
		fputs("No resources found\n", ctx->out);
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
