/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scale: sets the number of replicas through the scale sub-resource. */
#include "tui/command/options.h"
#include "tui/command/output.h"
#include "tui/command/target.h"
#include "tui/command/wait.h"

#include <errno.h>

static const struct kt_option OPTIONS[] = {
        {.name = "replicas",
                .type = KT_OPTION_INT,
                .value_name = "N",
                .help = "how many there shall be"},
        {.name = "current-replicas",
                .type = KT_OPTION_INT,
                .fallback = "-1",
                .value_name = "N",
                .help = "only if there are so many now"},
        KT_OPTION_RESOURCE_VERSION,
        KT_OPTION_FILENAME,
        KT_OPTION_RECURSIVE,
        KT_OPTION_SELECTOR,
        KT_OPTION_ALL,
        KT_OPTION_OUTPUT,
        KT_OPTION_DRY_RUN,
        KT_OPTION_TIMEOUT("0s", "wait until the replicas are there; 0: do not wait"),
        KT_OPTION_END,
};

static int has_replicas(void *arg, const json_t *object, struct kt_err *err)
{
	int64_t wanted = *(const int64_t *)arg;

	if (!object)
		return kt_fail(err, ENOENT, "the object is gone");
	return kt_jint(object, "status.observedGeneration", 0) >=
	               kt_jint(object, "metadata.generation", 0) &&
	       kt_jint(object, "status.replicas", 0) == wanted;
}

static int check_current(
        const struct kt_command_context *ctx, const json_t *scale, struct kt_err *err)
{
	int64_t expected = kt_opt_int(ctx, "current-replicas"),
	        current = kt_jint(scale, "spec.replicas", 0);
	const char *version = kt_opt_string(ctx, "resource-version");

	if (expected >= 0 && expected != current)
		return kt_fail(err, EINVAL, "Expected replicas to be %lld, was %lld",
		        (long long)expected, (long long)current);
	if (version && !kt_streq(version, kt_jstr(scale, "metadata.resourceVersion")))
		return kt_fail(err, EINVAL, "Expected resource version to be %s, was %s", version,
		        kt_jstr(scale, "metadata.resourceVersion"));
	return 0;
}

static int scale_one(
        struct kt_command_context *ctx, struct kt_target *target, void *arg, struct kt_err *err)
{
	(void)arg;
	int64_t replicas = kt_opt_int(ctx, "replicas"), timeout_ns = kt_opt_int(ctx, "timeout");
	kt_auto_free char *path = kt_target_path(target, "scale");
	kt_auto_free char *query = kt_write_query(ctx);
	kt_auto_free char *full = kt_asprintf("%s%s", path, query);
	kt_auto_json json_t *scale = kt_session_get(ctx, path, NULL, err);

	if (!scale || check_current(ctx, scale, err) < 0)
		return err->code;
	kt_auto_json json_t *patch =
	        json_pack("{s:{s:I}}", "spec", "replicas", (json_int_t)replicas);

	if (!kt_is_dry_run_client(ctx)) {
		json_t *answer = kt_session_request(
		        ctx, "PATCH", full, "application/merge-patch+json", patch, err);

		if (!answer)
			return err->code;
		json_decref(scale);
		scale = answer;
	}
	if (timeout_ns > 0 &&
	        kt_wait_for(ctx, target, timeout_ns, has_replicas, &replicas, err) < 0)
		return err->code;
	return kt_print_result(ctx, target->resource, scale, "scaled", err);
}

static int run(struct kt_command_context *ctx)
{
	if (!kt_opt_given(ctx, "replicas"))
		return kt_command_fail(ctx, NULL, "required flag(s) \"replicas\" not set");
	if (kt_opt_int(ctx, "replicas") < 0)
		return kt_command_fail(ctx, NULL,
		        "The --replicas=COUNT flag is required, and COUNT must be greater than or "
		        "equal to 0");
	return kt_targets_run(ctx, KT_TARGET_FILES | KT_TARGET_NEED_NAME, scale_one, NULL);
}

static const enum kt_completion ARGUMENTS[] = {KT_COMPLETE_RESOURCE_OR_NAME, KT_COMPLETE_NONE};

const struct kt_command kt_command_scale = {
        .name = "scale",
        .group = "Change",
        .usage = "scale --replicas=N (-f FILE | TYPE NAME…)",
        .summary = "Set how many replicas a workload has",
        .help = "Examples:\n"
                "  kube-tui scale deploy/web --replicas=5\n"
                "  kube-tui scale sts db --current-replicas=3 --replicas=1",
        .options = OPTIONS,
        .arguments = ARGUMENTS,
        .needs_client = true,
        .run = run,
};
