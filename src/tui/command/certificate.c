/* SPDX-License-Identifier: GPL-3.0-or-later */
/* certificate approve and deny: the answer to CertificateSigningRequests. */
#include "tui/command/options.h"
#include "tui/command/output.h"
#include "tui/command/target.h"

#include "base/time.h"

#include <errno.h>
#include <time.h>

static const struct kt_option OPTIONS[] = {
        KT_OPTION_FILENAME,
        KT_OPTION_RECURSIVE,
        {.name = "force", .type = KT_OPTION_BOOL, .help = "also what is answered already"},
        KT_OPTION_OUTPUT,
        KT_OPTION_END,
};

struct answer {
	const char *type, *reason, *message, *done;
};

static bool has_condition(const json_t *request, const char *type)
{
	json_t *condition;
	size_t i;

	json_array_foreach(kt_jget(request, "status.conditions"), i, condition) {
		if (kt_streq(kt_jstr(condition, "type"), type))
			return true;
	}
	return false;
}

static void add_condition(json_t *request, const struct answer *answer)
{
	char now[KT_TIME_TEXT_MAX];
	struct timespec ts;
	json_t *status = json_object_get(request, "status");

	clock_gettime(CLOCK_REALTIME, &ts);
	kt_time_format((int64_t)ts.tv_sec * KT_NS_PER_S, now);
	if (!status) {
		status = json_object();
		json_object_set_new(request, "status", status);
	}
	if (!json_object_get(status, "conditions"))
		json_object_set_new(status, "conditions", json_array());
	json_array_append_new(json_object_get(status, "conditions"),
	        json_pack("{s:s, s:s, s:s, s:s, s:s}", "type", answer->type, "status", "True",
	                "reason", answer->reason, "message", answer->message, "lastUpdateTime",
	                now));
}

static int answer_one(
        struct kt_command_context *ctx, struct kt_target *target, void *arg, struct kt_err *err)
{
	const struct answer *answer = arg;
	kt_auto_free char *path = kt_target_path(target, "approval");
	kt_auto_json json_t *request = json_deep_copy(target->live);

	if (!kt_streq(target->resource->kind, "CertificateSigningRequest"))
		return kt_fail(err, EINVAL, "can only handle certificates.k8s.io CSRs");
	if (has_condition(request, answer->type) && !kt_opt_bool(ctx, "force"))
		return kt_print_result(ctx, target->resource, request, answer->done, err);
	add_condition(request, answer);
	kt_auto_json json_t *after = kt_session_request(ctx, "PUT", path, NULL, request, err);

	return after ? kt_print_result(ctx, target->resource, after, answer->done, err) : err->code;
}

/* The words are names of requests. */
static int run_answer(struct kt_command_context *ctx, struct answer answer)
{
	char **argv = ctx->argv, type[] = "certificatesigningrequests";
	int argc = ctx->argc;
	kt_auto_free char **words = kt_new_array(char *, (size_t)argc + 2);

	if (!argc && !kt_opt_strings(ctx, "filename")->n)
		return kt_command_fail(
		        ctx, NULL, "one or more CSRs must be specified as <name> or -f <filename>");
	words[0] = type;
	memcpy(words + 1, argv, (size_t)argc * sizeof(*argv));
	if (argc && !strchr(argv[0], '/')) {
		ctx->argv = words;
		ctx->argc = argc + 1;
	}
	int code = kt_targets_run(
	        ctx, KT_TARGET_FILES | KT_TARGET_NEED_NAME | KT_TARGET_LIVE, answer_one, &answer);

	ctx->argv = argv;
	ctx->argc = argc;
	return code;
}

static int run_approve(struct kt_command_context *ctx)
{
	return run_answer(ctx, (struct answer){.type = "Approved",
	                               .reason = "KubectlApprove",
	                               .message = "This CSR was approved by kubectl certificate "
	                                          "approve.",
	                               .done = "approved"});
}

static int run_deny(struct kt_command_context *ctx)
{
	return run_answer(ctx, (struct answer){.type = "Denied",
	                               .reason = "KubectlDeny",
	                               .message = "This CSR was denied by kubectl "
	                                          "certificate deny.",
	                               .done = "denied"});
}

static const struct kt_command approve = {
        .name = "approve",
        .group = "Cluster",
        .usage = "certificate approve (-f FILE | NAME…)",
        .summary = "Let a CertificateSigningRequest be signed",
        .options = OPTIONS,
        .needs_client = true,
        .run = run_approve,
};

static const struct kt_command deny = {
        .name = "deny",
        .group = "Cluster",
        .usage = "certificate deny (-f FILE | NAME…)",
        .summary = "Refuse a CertificateSigningRequest",
        .options = OPTIONS,
        .needs_client = true,
        .run = run_deny,
};

const struct kt_command kt_command_certificate = {
        .name = "certificate",
        .group = "Cluster",
        .usage = "certificate (approve|deny) NAME…",
        .summary = "Answer CertificateSigningRequests",
        .subcommands = (const struct kt_command *const[]){&approve, &deny, NULL},
};
