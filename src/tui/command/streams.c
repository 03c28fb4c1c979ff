/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * exec, attach, port-forward, cp: streams into a container. Simulated nodes run no processes, and
 * their server says so; these verbs ask it, so that a missing pod or right is told as by kubectl.
 * A server that would begin a stream is told of another client.
 */
#include "tui/command/options.h"
#include "tui/command/target.h"

#include <errno.h>

#define RUNNING_TIMEOUT \
	{ \
		.name = "pod-running-timeout", .type = KT_OPTION_DURATION, .fallback = "1m0s", \
		.value_name = "TIME", .help = "as kubectl has it" \
	}

static const struct kt_option OPTIONS[] = {
        KT_OPTION_CONTAINER,
        {.name = "stdin", .letter = 'i', .type = KT_OPTION_BOOL, .help = "pass standard input"},
        {.name = "tty", .letter = 't', .type = KT_OPTION_BOOL, .help = "as on a terminal"},
        {.name = "quiet", .letter = 'q', .type = KT_OPTION_BOOL, .help = "only what it prints"},
        KT_OPTION_FILENAME,
        RUNNING_TIMEOUT,
        KT_OPTION_END,
};

static const struct kt_option FORWARD_OPTIONS[] = {
        {.name = "address",
                .type = KT_OPTION_STRINGS,
                .value_name = "IP",
                .help = "listen on this address"},
        RUNNING_TIMEOUT,
        KT_OPTION_END,
};

static const struct kt_option COPY_OPTIONS[] = {
        KT_OPTION_CONTAINER,
        {.name = "no-preserve", .type = KT_OPTION_BOOL, .help = "without owner and rights"},
        {.name = "retries",
                .type = KT_OPTION_INT,
                .fallback = "0",
                .value_name = "N",
                .help = "how often to begin again"},
        KT_OPTION_END,
};

#define UNUSED_TEXT(word, value) \
	{ \
		.name = (word), .type = KT_OPTION_STRING, .value_name = (value), \
		.help = "as kubectl has it" \
	}

/* So that the refusal speaks of the command and not of its flags. */
static const struct kt_option DEBUG_OPTIONS[] = {
        KT_OPTION_CONTAINER,
        {.name = "stdin", .letter = 'i', .type = KT_OPTION_BOOL, .help = "pass standard input"},
        {.name = "tty", .letter = 't', .type = KT_OPTION_BOOL, .help = "as on a terminal"},
        {.name = "attach", .type = KT_OPTION_BOOL, .help = "attach to the container"},
        {.name = "share-processes", .type = KT_OPTION_BOOL, .help = "see other processes"},
        {.name = "replace", .type = KT_OPTION_BOOL, .help = "in the place of the pod"},
        {.name = "quiet", .letter = 'q', .type = KT_OPTION_BOOL, .help = "only what it prints"},
        UNUSED_TEXT("image", "IMAGE"),
        UNUSED_TEXT("target", "CONTAINER"),
        UNUSED_TEXT("copy-to", "NAME"),
        UNUSED_TEXT("profile", "NAME"),
        KT_OPTION_END,
};

static const struct kt_option PROXY_OPTIONS[] = {
        {.name = "port",
                .letter = 'p',
                .type = KT_OPTION_INT,
                .value_name = "PORT",
                .help = "as kubectl has it"},
        UNUSED_TEXT("address", "IP"),
        UNUSED_TEXT("api-prefix", "PATH"),
        UNUSED_TEXT("www", "DIR"),
        KT_OPTION_END,
};

/* Asks for the stream; the server's refusal, or that it is not done here. */
static int ask(struct kt_command_context *ctx, const char *pod, const char *sub)
{
	kt_auto_err err = KT_ERR_INIT;
	const char *slash = strchr(pod, '/'), *container = kt_opt_string(ctx, "container");
	kt_auto_free char *path = kt_asprintf("/api/v1/namespaces/%s/pods/%s",
	        kt_session_namespace(ctx->session), slash ? slash + 1 : pod);
	kt_auto_json json_t *live = kt_session_get(ctx, path, NULL, &err);

	if (!live)
		return kt_command_fail(ctx, &err, NULL);
	kt_auto_str query = KT_STR_INIT;

	kt_str_printf(&query, "%s/%s?stdout=true", path, sub);
	for (int i = 1; i < ctx->argc && !strcmp(sub, "exec"); i++) {
		kt_str_puts(&query, "&command=");
		kt_url_escape(&query, ctx->argv[i]);
	}
	if (container) {
		kt_str_puts(&query, "&container=");
		kt_url_escape(&query, container);
	}
	kt_auto_json json_t *answer =
	        kt_session_request(ctx, "POST", kt_str_text(&query), NULL, NULL, &err);

	if (!answer && err.code && !strstr(kt_err_message(&err), "pgrade"))
		return kt_command_fail(ctx, &err, NULL);
	return kt_command_fail(ctx, NULL,
	        "kube-tui opens no streams into containers; `kubectl %s` does", ctx->command->name);
}

static int run_exec(struct kt_command_context *ctx)
{
	if (!ctx->argc || ctx->dash_at == 0)
		return kt_command_fail(ctx, NULL, "pod, type/name or --filename must be specified");
	if (ctx->argc < 2)
		return kt_command_fail(
		        ctx, NULL, "you must specify at least one command for the container");
	return ask(ctx, ctx->argv[0], "exec");
}

static int run_attach(struct kt_command_context *ctx)
{
	if (ctx->argc != 1)
		return kt_command_fail(ctx, NULL,
		        ctx->argc ? "expected POD, TYPE/NAME, or TYPE NAME, got %d arguments"
		                  : "at least 1 argument is required for attach",
		        ctx->argc);
	return ask(ctx, ctx->argv[0], "attach");
}

static int run_forward(struct kt_command_context *ctx)
{
	if (ctx->argc < 2)
		return kt_command_fail(ctx, NULL,
		        "TYPE/NAME and list of ports are required for port-forward\nSee 'kube-tui "
		        "port-forward -h' for help and examples");
	return ask(ctx, ctx->argv[0], "portforward");
}

static int run_cp(struct kt_command_context *ctx)
{
	if (ctx->argc != 2)
		return kt_command_fail(ctx, NULL, "source and destination are required");
	for (int i = 0; i < 2; i++) {
		const char *colon = strchr(ctx->argv[i], ':');

		if (!colon)
			continue;
		kt_auto_free char *pod = kt_strndup(ctx->argv[i], (size_t)(colon - ctx->argv[i]));

		return ask(ctx, pod, "exec");
	}
	return kt_command_fail(ctx, NULL, "one of src or dest must be a remote file specification");
}

static int run_debug(struct kt_command_context *ctx)
{
	return kt_command_fail(ctx, NULL,
	        "kube-tui attaches to no containers, so there is nothing to debug with; `kubectl "
	        "debug` does");
}

static int run_proxy(struct kt_command_context *ctx)
{
	return kt_command_fail(ctx, NULL,
	        "kube-tui leads no ports to the API server; `kubectl proxy` does. `get --raw PATH` "
	        "gives one answer of it");
}

static const enum kt_completion PODS[] = {KT_COMPLETE_POD, KT_COMPLETE_NONE};
static const enum kt_completion FILES[] = {KT_COMPLETE_FILE, KT_COMPLETE_NONE};

#define STREAM(id, word, how, text, opts, args, fn) \
	const struct kt_command kt_command_##id = { \
	        .name = word, \
	        .group = "Look", \
	        .usage = word " " how, \
	        .summary = text, \
	        .help = "Containers of simulated nodes run no processes: there this is refused.", \
	        .options = opts, \
	        .arguments = args, \
	        .needs_client = true, \
	        .run = fn, \
	};

STREAM(attach, "attach", "POD [-c CONTAINER]", "Attach to a running container", OPTIONS, PODS,
        run_attach)
STREAM(cp, "cp", "(POD:PATH FILE | FILE POD:PATH)", "Copy files to and from a container",
        COPY_OPTIONS, FILES, run_cp)
STREAM(exec, "exec", "POD [-c CONTAINER] -- COMMAND…", "Run a command in a container", OPTIONS,
        PODS, run_exec)
STREAM(port_forward, "port-forward", "POD [LOCAL:]PORT…", "Lead local ports to a pod",
        FORWARD_OPTIONS, PODS, run_forward)
STREAM(debug, "debug", "(POD | NODE)", "Add a container to look into a pod", DEBUG_OPTIONS, PODS,
        run_debug)
STREAM(proxy, "proxy", "", "Lead a local port to the API server", PROXY_OPTIONS, NULL, run_proxy)
