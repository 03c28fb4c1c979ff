/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command/cluster.h"

#include "tui/command/options.h"
#include "tui/command/session.h"

#include "api/schema/schema.h"

#include <strings.h>

#define DISCOVERY_TIMEOUT_MS 2000

static const struct kt_cluster_hooks *hooks;

void kt_cluster_hooks_set(const struct kt_cluster_hooks *given)
{
	hooks = given;
}

static const struct kt_option UP_OPTIONS[] = {
        {.name = "nodes",
                .type = KT_OPTION_INT,
                .fallback = "3",
                .value_name = "N",
                .help = "simulated nodes"},
        {.name = "components",
                .type = KT_OPTION_STRING,
                .value_name = "LIST",
                .help = "any of api,scheduler,controllers,nodes (default all); `api` is a bare API "
                        "server"},
        {.name = "port",
                .type = KT_OPTION_INT,
                .value_name = "PORT",
                .help = "port of the API server (default 6443 or a free one)"},
        {.name = "data-dir",
                .type = KT_OPTION_STRING,
                .value_name = "DIR",
                .help = "folder for the data; `delete` removes what the cluster put there",
                .completion = KT_COMPLETE_FILE},
        {.name = "foreground", .type = KT_OPTION_BOOL, .help = "do not go into the background"},
        {.name = "token-auth-file",
                .type = KT_OPTION_STRING,
                .value_name = "FILE",
                .help = "static tokens: token,user,uid,\"group,…\"",
                .completion = KT_COMPLETE_FILE},
        {.name = "service-cluster-ip-range",
                .type = KT_OPTION_STRING,
                .value_name = "CIDR",
                .help = "addresses of services"},
        {.name = "service-node-port-range",
                .type = KT_OPTION_STRING,
                .value_name = "FROM-TO",
                .help = "node ports of services"},
        {.name = "enable-admission-plugins",
                .type = KT_OPTION_STRING,
                .value_name = "LIST",
                .help = "besides the default ones"},
        {.name = "disable-admission-plugins",
                .type = KT_OPTION_STRING,
                .value_name = "LIST",
                .help = "of the default ones"},
        {.name = "audit-policy-file",
                .type = KT_OPTION_STRING,
                .value_name = "FILE",
                .help = "what the audit log holds",
                .completion = KT_COMPLETE_FILE},
        {.name = "audit-log-path",
                .type = KT_OPTION_STRING,
                .value_name = "FILE",
                .help = "where the audit log goes",
                .completion = KT_COMPLETE_FILE},
        /* between the two halves of `up`: not for people */
        {.name = "ready-fd",
                .type = KT_OPTION_INT,
                .fallback = "-1",
                .value_name = "FD",
                .help = "descriptor that is told when it is ready"},
        {.name = "started-at",
                .type = KT_OPTION_INT,
                .fallback = "0",
                .value_name = "NS",
                .help = "when the start began"},
        KT_OPTION_END,
};

static const struct kt_option NO_OPTIONS[] = {KT_OPTION_END};

static int call(struct kt_command_context *ctx, int (*hook)(struct kt_command_context *ctx))
{
	return hook ? hook(ctx)
	            : kt_command_fail(ctx, NULL, "%s is not possible here", ctx->command->name);
}

#define HOOK(name) \
	static int run_##name(struct kt_command_context *ctx) \
	{ \
		return call(ctx, hooks ? hooks->name : NULL); \
	}

HOOK(up)
HOOK(down)
HOOK(list)
HOOK(snapshot_save)
HOOK(snapshot_restore)

int kt_cluster_delete(struct kt_command_context *ctx)
{
	return call(ctx, hooks ? hooks->delete : NULL);
}

static bool is_builtin_type(const char *word)
{
	for (size_t i = 0; i < kt_builtin_kinds.n_kinds; i++) {
		const struct kt_kind *kind = &kt_builtin_kinds.kinds[i];

		if (!strcasecmp(kind->plural, word) || !strcasecmp(kind->singular, word) ||
		        !strcasecmp(kind->kind, word))
			return true;
		for (const char *const *s = kind->short_names; s && *s; s++)
			if (!strcasecmp(*s, word))
				return true;
	}
	return false;
}

/* The server may be gone, or be the very cluster that is to be deleted: it is not waited for. */
static bool is_type(const struct kt_command_context *ctx, const char *word)
{
	kt_auto_err ignored = KT_ERR_INIT;

	if (is_builtin_type(word))
		return true;
	kt_session_limit_discovery(ctx->session, DISCOVERY_TIMEOUT_MS);
	bool found = kt_session_resource(ctx->session, word, &ignored) != NULL;

	kt_session_limit_discovery(ctx->session, 0);
	return found;
}

static bool is_without_options(const struct kt_command_context *ctx)
{
	for (const struct kt_option *option = ctx->command->options; option->name; option++)
		if (kt_opt_given(ctx, option->name))
			return false;
	return !kt_opt_given(ctx, "namespace");
}

bool kt_cluster_delete_was_possible(const struct kt_command_context *ctx)
{
	return hooks && ctx->argc == 1 && !strchr(ctx->argv[0], '/') && is_without_options(ctx) &&
	       !hooks->exists(ctx->argv[0]);
}

bool kt_cluster_delete_is_meant(const struct kt_command_context *ctx)
{
	if (!hooks || ctx->argc > 1 || !is_without_options(ctx))
		return false;
	return ctx->argc == 0 || (hooks->exists(ctx->argv[0]) && !is_type(ctx, ctx->argv[0]));
}

static const enum kt_completion CLUSTERS[] = {KT_COMPLETE_CLUSTER, KT_COMPLETE_NONE};
static const enum kt_completion CLUSTER_FILES[] = {
        KT_COMPLETE_FILE, KT_COMPLETE_CLUSTER, KT_COMPLETE_NONE};

static const struct kt_command snapshot_save = {
        .name = "save",
        .group = "Clusters",
        .usage = "snapshot save FILE [NAME]",
        .summary = "Write all of a cluster to a file, also while it runs",
        .options = NO_OPTIONS,
        .arguments = CLUSTER_FILES,
        .run = run_snapshot_save,
};

static const struct kt_command snapshot_restore = {
        .name = "restore",
        .group = "Clusters",
        .usage = "snapshot restore FILE [NAME]",
        .summary = "Make a cluster of a file; it must not run",
        .options = NO_OPTIONS,
        .arguments = CLUSTER_FILES,
        .run = run_snapshot_restore,
};

const struct kt_command kt_command_up = {
        .name = "up",
        .group = "Clusters",
        .usage = "up [NAME] [--nodes N] [--components LIST] [--port P] [--data-dir DIR] "
                 "[--kubeconfig FILE] [--foreground]",
        .summary = "Start an embedded cluster in the background",
        .help = "When it answers and its nodes are Ready it prints one line and returns. Without "
                "--kubeconfig a context\n"
                "kube-tui-NAME is merged into your kubeconfig and made the current one; `delete` "
                "takes it out again.\n"
                "A cluster keeps what it was given: a later `up` without an option starts it as "
                "before; with an empty\n"
                "value the option is as if it was never given. When it runs already, the "
                "kubeconfig is written again.",
        .options = UP_OPTIONS,
        .arguments = CLUSTERS,
        .run = run_up,
};

const struct kt_command kt_command_down = {
        .name = "down",
        .group = "Clusters",
        .usage = "down [NAME]",
        .summary = "Stop an embedded cluster; its data stays",
        .options = NO_OPTIONS,
        .arguments = CLUSTERS,
        .run = run_down,
};

const struct kt_command kt_command_list = {
        .name = "list",
        .group = "Clusters",
        .usage = "list",
        .summary = "Show the embedded clusters",
        .options = NO_OPTIONS,
        .reads = true,
        .run = run_list,
};

const struct kt_command kt_command_snapshot = {
        .name = "snapshot",
        .group = "Clusters",
        .usage = "snapshot (save|restore) FILE [NAME]",
        .summary = "Save an embedded cluster to a file, or make one of it",
        .options = NO_OPTIONS,
        .subcommands = (const struct kt_command *const[]){&snapshot_save, &snapshot_restore, NULL},
};
