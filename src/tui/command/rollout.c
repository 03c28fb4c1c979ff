/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rollout: status, history, undo, restart, pause and resume of Deployments, StatefulSets and
 * DaemonSets. */
#include "tui/command/options.h"
#include "tui/command/output.h"
#include "tui/command/rollout_history.h"
#include "tui/command/target.h"
#include "tui/command/wait.h"

#include "base/time.h"

#include <errno.h>
#include <time.h>

#define COMMON_OPTIONS \
	KT_OPTION_FILENAME, KT_OPTION_RECURSIVE, KT_OPTION_SELECTOR, KT_OPTION_OUTPUT, \
	        KT_OPTION_DRY_RUN, KT_OPTION_FIELD_MANAGER("kubectl-rollout"), KT_OPTION_END

static const struct kt_option PLAIN_OPTIONS[] = {COMMON_OPTIONS};

static const struct kt_option STATUS_OPTIONS[] = {
        {.name = "watch",
                .letter = 'w',
                .type = KT_OPTION_BOOL,
                .fallback = "true",
                .help = "until it is over"},
        KT_OPTION_TIMEOUT("0s", "how long to wait; 0: for ever"),
        {.name = "revision",
                .type = KT_OPTION_INT,
                .fallback = "0",
                .value_name = "N",
                .help = "only while this revision is the one that runs; 0: any"},
        COMMON_OPTIONS,
};

static const struct kt_option REVISION_OPTIONS[] = {
        {.name = "revision",
                .type = KT_OPTION_INT,
                .fallback = "0",
                .value_name = "N",
                .help = "this revision of the history"},
        {.name = "to-revision",
                .type = KT_OPTION_INT,
                .fallback = "0",
                .value_name = "N",
                .help = "back to this revision; 0: the one before"},
        COMMON_OPTIONS,
};

/* Status: the sentence, and whether it is the last one. One function per kind of workload. */

typedef bool status_fn(const json_t *object, struct kt_str *out, struct kt_err *err);

static bool observed(const json_t *object)
{
	return kt_jint(object, "status.observedGeneration", 0) >=
	       kt_jint(object, "metadata.generation", 0);
}

static const char *condition_reason(const json_t *object, const char *type)
{
	json_t *condition;
	size_t i;

	json_array_foreach(kt_jget(object, "status.conditions"), i, condition) {
		if (kt_streq(kt_jstr(condition, "type"), type))
			return kt_jstr(condition, "reason");
	}
	return NULL;
}

static bool deployment_status(const json_t *object, struct kt_str *out, struct kt_err *err)
{
	const char *name = kt_jstr(object, "metadata.name");
	long long wanted = kt_jint(object, "spec.replicas", 1),
	          total = kt_jint(object, "status.replicas", 0);
	long long updated = kt_jint(object, "status.updatedReplicas", 0);
	long long available = kt_jint(object, "status.availableReplicas", 0);

	if (!observed(object)) {
		kt_str_puts(out, "Waiting for deployment spec update to be observed...");
		return false;
	}
	if (kt_streq(condition_reason(object, "Progressing"), "ProgressDeadlineExceeded"))
		kt_fail(err, ETIMEDOUT, "deployment \"%s\" exceeded its progress deadline", name);
	else if (updated < wanted)
		kt_str_printf(out,
		        "Waiting for deployment \"%s\" rollout to finish: %lld out of %lld new "
		        "replicas have been updated...",
		        name, updated, wanted);
	else if (total > updated)
		kt_str_printf(out,
		        "Waiting for deployment \"%s\" rollout to finish: %lld old replicas are "
		        "pending termination...",
		        name, total - updated);
	else if (available < updated)
		kt_str_printf(out,
		        "Waiting for deployment \"%s\" rollout to finish: %lld of %lld updated "
		        "replicas are available...",
		        name, available, updated);
	else
		kt_str_printf(out, "deployment \"%s\" successfully rolled out", name);
	return available >= updated && updated >= wanted && total <= updated;
}

static bool daemonset_status(const json_t *object, struct kt_str *out, struct kt_err *err)
{
	const char *name = kt_jstr(object, "metadata.name");
	long long wanted = kt_jint(object, "status.desiredNumberScheduled", 0);
	long long updated = kt_jint(object, "status.updatedNumberScheduled", 0);
	long long available = kt_jint(object, "status.numberAvailable", 0);

	if (!kt_streq(kt_jstr(object, "spec.updateStrategy.type"), "RollingUpdate")) {
		kt_fail(err, EINVAL,
		        "rollout status is only available for RollingUpdate strategy type");
		return false;
	}
	if (!observed(object))
		kt_str_puts(out, "Waiting for daemon set spec update to be observed...");
	else if (updated < wanted)
		kt_str_printf(out,
		        "Waiting for daemon set \"%s\" rollout to finish: %lld out of %lld new "
		        "pods have been updated...",
		        name, updated, wanted);
	else if (available < wanted)
		kt_str_printf(out,
		        "Waiting for daemon set \"%s\" rollout to finish: %lld of %lld updated "
		        "pods are available...",
		        name, available, wanted);
	else
		kt_str_printf(out, "daemon set \"%s\" successfully rolled out", name);
	return observed(object) && updated >= wanted && available >= wanted;
}

static bool statefulset_status(const json_t *object, struct kt_str *out, struct kt_err *err)
{
	long long wanted = kt_jint(object, "spec.replicas", 1),
	          ready = kt_jint(object, "status.readyReplicas", 0);
	long long updated = kt_jint(object, "status.updatedReplicas", 0);
	long long partition = kt_jint(object, "spec.updateStrategy.rollingUpdate.partition", 0);
	const char *update = kt_jstr(object, "status.updateRevision");

	if (!kt_streq(kt_jstr(object, "spec.updateStrategy.type"), "RollingUpdate")) {
		kt_fail(err, EINVAL,
		        "rollout status is only available for RollingUpdate strategy type");
		return false;
	}
	if (!observed(object)) {
		kt_str_puts(out, "Waiting for statefulset spec update to be observed...");
		return false;
	}
	if (ready < wanted) {
		kt_str_printf(out, "Waiting for %lld pods to be ready...", wanted - ready);
		return false;
	}
	if (partition > 0) {
		kt_str_printf(out,
		        updated < wanted - partition
		                ? "Waiting for partitioned roll out to finish: %lld out of %lld "
		                  "new pods have been updated..."
		                : "partitioned roll out complete: %lld new pods have been "
		                  "updated...",
		        updated, wanted - partition);
		return updated >= wanted - partition;
	}
	if (update && !kt_streq(update, kt_jstr(object, "status.currentRevision"))) {
		kt_str_printf(out,
		        "waiting for statefulset rolling update to complete %lld pods at revision "
		        "%s...",
		        updated, update);
		return false;
	}
	kt_str_printf(out, "statefulset rolling update complete %lld pods at revision %s...",
	        (long long)kt_jint(object, "status.currentReplicas", 0),
	        kt_jstr(object, "status.currentRevision"));
	return true;
}

static const struct {
	const char *plural;
	status_fn *fn;
} STATUS_OF[] = {
        {"deployments", deployment_status},
        {"daemonsets", daemonset_status},
        {"statefulsets", statefulset_status},
};

static status_fn *status_of(const struct kt_resource *resource)
{
	for (size_t i = 0; i < KT_ARRAY_SIZE(STATUS_OF); i++)
		if (kt_streq(STATUS_OF[i].plural, resource->plural))
			return STATUS_OF[i].fn;
	return NULL;
}

struct status_wait {
	struct kt_command_context *ctx;
	status_fn *fn;
	char *last;
};

/* --revision: of Deployments, as kubectl looks at no others. */
static int check_revision(const struct status_wait *wait, const json_t *object, struct kt_err *err)
{
	int64_t wanted = kt_opt_int(wait->ctx, "revision"), now = 0;
	const char *text = json_string_value(json_object_get(
	        kt_jget(object, "metadata.annotations"), "deployment.kubernetes.io/revision"));

	if (wanted <= 0 || wait->fn != deployment_status || !text)
		return 0;
	return kt_sv_int64(kt_sv_of(text), &now) == 0 && now == wanted
	               ? 0
	               : kt_fail(err, EINVAL,
	                         "desired revision (%lld) is different from the running revision "
	                         "(%lld)",
	                         (long long)wanted, (long long)now);
}

static int show_status(void *arg, const json_t *object, struct kt_err *err)
{
	struct status_wait *wait = arg;
	kt_auto_str text = KT_STR_INIT;

	if (!object)
		return kt_fail(err, ENOENT, "object has been deleted");
	if (check_revision(wait, object, err) < 0)
		return err->code;
	bool over = wait->fn(object, &text, err);

	if (err->code)
		return err->code;
	if (!kt_streq(wait->last, kt_str_text(&text)))
		fprintf(wait->ctx->out, "%s\n", kt_str_text(&text));
	fflush(wait->ctx->out);
	free(wait->last);
	wait->last = kt_strdup(kt_str_text(&text));
	return over || !kt_opt_bool(wait->ctx, "watch");
}

static int status_one(
        struct kt_command_context *ctx, struct kt_target *target, void *arg, struct kt_err *err)
{
	(void)arg;
	struct status_wait wait = {.ctx = ctx, .fn = status_of(target->resource)};

	if (kt_opt_int(ctx, "revision") < 0)
		return kt_fail(err, EINVAL, "revision must be a positive integer: %lld",
		        (long long)kt_opt_int(ctx, "revision"));

	if (!wait.fn)
		return kt_fail(err, EINVAL, "no status viewer has been implemented for %s",
		        target->resource->kind);
	int r = kt_wait_for(ctx, target, kt_opt_int(ctx, "timeout"), show_status, &wait, err);

	free(wait.last);
	return r;
}

/* Changes of the template or of spec.paused */

static int send_patch(struct kt_command_context *ctx, const struct kt_target *target, json_t *patch,
        const char *done, struct kt_err *err)
{
	kt_auto_json json_t *owned = patch;
	kt_auto_free char *path = kt_target_path(target, NULL);
	kt_auto_free char *query = kt_write_query(ctx);
	kt_auto_free char *full = kt_asprintf("%s%s", path, query);

	if (kt_is_dry_run_client(ctx))
		return kt_print_result(ctx, target->resource, target->live, done, err);
	kt_auto_json json_t *answer = kt_session_request(
	        ctx, "PATCH", full, "application/strategic-merge-patch+json", owned, err);

	return answer ? kt_print_result(ctx, target->resource, answer, done, err) : err->code;
}

static int not_supported(const struct kt_target *target, const char *what, struct kt_err *err)
{
	kt_auto_free char *type = kt_resource_full_name(target->resource);

	return kt_fail(
	        err, EINVAL, "error: %s \"%s\" %s is not supported", type, target->name, what);
}

static int restart_one(
        struct kt_command_context *ctx, struct kt_target *target, void *arg, struct kt_err *err)
{
	(void)arg;
	char now[KT_TIME_TEXT_MAX];
	struct timespec ts;

	if (!kt_jget(target->live, "spec.template"))
		return not_supported(target, "restarting", err);
	if (kt_jbool(target->live, "spec.paused", false))
		return kt_fail(err, EINVAL, "can't restart paused %s (run rollout resume first)",
		        target->resource->singular);
	clock_gettime(CLOCK_REALTIME, &ts);
	kt_time_format((int64_t)ts.tv_sec * 1000000000, now);
	return send_patch(ctx, target,
	        json_pack("{s:{s:{s:{s:{s:s}}}}}", "spec", "template", "metadata", "annotations",
	                "kubectl.kubernetes.io/restartedAt", now),
	        "restarted", err);
}

static int set_paused(struct kt_command_context *ctx, const struct kt_target *target, bool paused,
        struct kt_err *err)
{
	const char *word = paused ? "paused" : "resumed";

	if (!kt_streq(target->resource->plural, "deployments"))
		return not_supported(target, paused ? "pausing" : "resuming", err);
	if (kt_jbool(target->live, "spec.paused", false) == paused)
		return kt_fail(err, EINVAL, "%s.%s \"%s\" is %s", target->resource->plural,
		        target->resource->group, target->name,
		        paused ? "already paused" : "not paused");
	return send_patch(
	        ctx, target, json_pack("{s:{s:b}}", "spec", "paused", (int)paused), word, err);
}

static int pause_one(
        struct kt_command_context *ctx, struct kt_target *target, void *arg, struct kt_err *err)
{
	(void)arg;
	return set_paused(ctx, target, true, err);
}

static int resume_one(
        struct kt_command_context *ctx, struct kt_target *target, void *arg, struct kt_err *err)
{
	(void)arg;
	return set_paused(ctx, target, false, err);
}

static int history_one(
        struct kt_command_context *ctx, struct kt_target *target, void *arg, struct kt_err *err)
{
	(void)arg;
	return kt_rollout_history_print(ctx, target, kt_opt_int(ctx, "revision"), err);
}

static int undo_one(
        struct kt_command_context *ctx, struct kt_target *target, void *arg, struct kt_err *err)
{
	(void)arg;
	return kt_rollout_undo(ctx, target, kt_opt_int(ctx, "to-revision"), err);
}

static const enum kt_completion ARGUMENTS[] = {KT_COMPLETE_RESOURCE_OR_NAME, KT_COMPLETE_NONE};

/* history says nothing of none, as kubectl does not. */
static int run_rollout(struct kt_command_context *ctx, kt_target_fn *fn)
{
	kt_auto_err err = KT_ERR_INIT;
	struct kt_targets targets = {0};
	int code = KT_EXIT_OK;

	if (!ctx->argc && !kt_opt_strings(ctx, "filename")->n)
		return kt_command_fail(ctx, NULL, "required resource not specified");
	if (kt_check_write_options(ctx, &err) < 0 ||
	        kt_targets_parse(ctx, 0, KT_TARGET_FILES, &targets, &err) < 0)
		return kt_command_fail(ctx, &err, NULL);
	if (!targets.by_name && kt_targets_fetch(ctx, &targets, &err) < 0)
		return kt_command_fail(ctx, &err, NULL);
	if (!targets.n && strcmp(ctx->command->name, "history") != 0)
		fprintf(ctx->err, "No resources found in %s namespace.\n",
		        kt_session_namespace(ctx->session));
	else
		code = kt_targets_each(ctx, &targets, KT_TARGET_LIVE, fn, NULL);
	kt_targets_finish(&targets);
	return code;
}

#define SUBCOMMAND(word, text, how, opts, reads_only) \
	static int run_##word(struct kt_command_context *ctx) \
	{ \
		return run_rollout(ctx, word##_one); \
	} \
	static const struct kt_command rollout_##word = { \
	        .name = #word, \
	        .group = "Change", \
	        .usage = "rollout " #word " (-f FILE | TYPE NAME…) " how, \
	        .summary = text, \
	        .options = opts, \
	        .arguments = ARGUMENTS, \
	        .needs_client = true, \
	        .reads = reads_only, \
	        .run = run_##word, \
	};

SUBCOMMAND(history, "Show the revisions of a workload", "[--revision=N]", REVISION_OPTIONS, true)
SUBCOMMAND(pause, "Stop the rollout of a Deployment where it is", "", PLAIN_OPTIONS, false)
SUBCOMMAND(restart, "Replace all pods of a workload", "", PLAIN_OPTIONS, false)
SUBCOMMAND(resume, "Let a paused Deployment go on", "", PLAIN_OPTIONS, false)
SUBCOMMAND(status, "Follow a rollout to its end", "[--timeout=TIME]", STATUS_OPTIONS, true)
SUBCOMMAND(undo, "Go back to an earlier revision", "[--to-revision=N]", REVISION_OPTIONS, false)

const struct kt_command kt_command_rollout = {
        .name = "rollout",
        .group = "Change",
        .usage = "rollout (status|history|undo|restart|pause|resume) TYPE NAME",
        .summary = "Follow, repeat or take back the rollout of a workload",
        .help = "Examples:\n"
                "  kube-tui rollout status deploy/web\n"
                "  kube-tui rollout undo deploy/web --to-revision=2",
        .subcommands = (const struct kt_command *const[]){&rollout_history, &rollout_pause,
                &rollout_restart, &rollout_resume, &rollout_status, &rollout_undo, NULL},
};
