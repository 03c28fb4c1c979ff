/* SPDX-License-Identifier: GPL-3.0-or-later */
/* version, cluster-info and help: about the program and the server it talks to. */
#include "tui/command/help.h"
#include "tui/command/options.h"
#include "tui/command/session.h"

#include "base/yaml.h"

#include <errno.h>

static const struct kt_option VERSION_OPTIONS[] = {
        {.name = "client", .type = KT_OPTION_BOOL, .help = "only of this program"},
        {.name = "output",
                .letter = 'o',
                .type = KT_OPTION_STRING,
                .value_name = "json|yaml",
                .help = "json or yaml"},
        KT_OPTION_END,
};

static const struct kt_option NO_OPTIONS[] = {KT_OPTION_END};

static int print_tree(struct kt_command_context *ctx, const json_t *tree, const char *format)
{
	kt_auto_str text = KT_STR_INIT;

	if (!strcmp(format, "yaml")) {
		kt_yaml_write(&text, tree);
		kt_str_putc(&text, '\n'); /* kubectl's has an empty line behind it */
	} else if (!strcmp(format, "json")) {
		char *json = json_dumps(tree, JSON_INDENT(2));

		kt_str_printf(&text, "%s\n", json);
		free(json);
	} else {
		return kt_command_fail(ctx, NULL, "--output must be 'yaml' or 'json'");
	}
	fputs(kt_str_text(&text), ctx->out);
	return KT_EXIT_OK;
}

/* The fields kubectl's have, of this program. New reference. */
static json_t *client_version(void)
{
	struct kt_sv rest = KT_SV(KT_VERSION), major = KT_SV(""), minor = KT_SV("");

	kt_sv_split(&rest, '.', &major);
	kt_sv_split(&rest, '.', &minor);
	return json_pack("{s:s%, s:s%, s:s, s:s, s:s}", "major", major.p, major.len, "minor",
	        minor.p, minor.len, "gitVersion", "v" KT_VERSION, "compiler", __VERSION__,
	        "platform", "linux/amd64");
}

static int run_version(struct kt_command_context *ctx)
{
	const char *format = kt_opt_string(ctx, "output");
	kt_auto_err err = KT_ERR_INIT;
	kt_auto_json json_t *server =
	        kt_opt_bool(ctx, "client") ? NULL : kt_session_get(ctx, "/version", NULL, &err);
	kt_auto_json json_t *tree = json_pack("{s:o}", "clientVersion", client_version());
	int code = KT_EXIT_OK;

	if (format && strcmp(format, "json") != 0 && strcmp(format, "yaml") != 0)
		return kt_command_fail(ctx, NULL, "--output must be 'yaml' or 'json'");
	if (server)
		json_object_set(tree, "serverVersion", server);
	if (format)
		code = print_tree(ctx, tree, format);
	else
		fprintf(ctx->out, "Client Version: v" KT_VERSION "\n");
	if (!format && server)
		fprintf(ctx->out, "Server Version: %s\n", kt_jstr(server, "gitVersion"));
	return err.code ? kt_command_fail(ctx, &err, NULL) : code;
}

static int run_info(struct kt_command_context *ctx)
{
	kt_auto_err err = KT_ERR_INIT;
	kt_auto_json json_t *version = kt_session_get(ctx, "/version", NULL, &err);

	if (!version)
		return kt_command_fail(ctx, &err, NULL);
	fprintf(ctx->out,
	        "%sKubernetes control plane%s is running at %s%s%s\n\nTo further debug and "
	        "diagnose "
	        "cluster problems, use 'kube-tui get events -A' and 'kube-tui describe node'.\n",
	        ctx->out_is_tty ? "\033[0;32m" : "", ctx->out_is_tty ? "\033[0m" : "",
	        ctx->out_is_tty ? "\033[0;33m" : "", kt_session_server(ctx->session),
	        ctx->out_is_tty ? "\033[0m" : "");
	return KT_EXIT_OK;
}

static int run_help(struct kt_command_context *ctx)
{
	const struct kt_command *command =
	        ctx->argc ? kt_command_find(kt_commands, ctx->argv[0]) : NULL;

	if (ctx->argc > 1 && command && command->subcommands) {
		const struct kt_command *sub = kt_command_find(command->subcommands, ctx->argv[1]);

		command = sub ? sub : command;
	}
	if (ctx->argc && !command)
		return kt_command_fail(ctx, NULL, "unknown command \"%s\"", ctx->argv[0]);
	if (command)
		kt_help_command(command, ctx->out);
	else
		kt_help_overview(ctx->out);
	return KT_EXIT_OK;
}

static const enum kt_completion COMMANDS[] = {KT_COMPLETE_COMMAND, KT_COMPLETE_NONE};

const struct kt_command kt_command_version = {
        .name = "version",
        .group = "Cluster",
        .usage = "version [--client] [-o json|yaml]",
        .summary = "Show the versions of this program and of the server",
        .options = VERSION_OPTIONS,
        .reads = true,
        .run = run_version,
};

const struct kt_command kt_command_cluster_info = {
        .name = "cluster-info",
        .group = "Cluster",
        .usage = "cluster-info",
        .summary = "Show which cluster this is",
        .options = NO_OPTIONS,
        .needs_client = true,
        .reads = true,
        .run = run_info,
};

const struct kt_command kt_command_help = {
        .name = "help",
        .group = "Settings",
        .usage = "help [COMMAND]",
        .summary = "Explain a command",
        .options = NO_OPTIONS,
        .arguments = COMMANDS,
        .reads = true,
        .run = run_help,
};
