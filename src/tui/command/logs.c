/* SPDX-License-Identifier: GPL-3.0-or-later */
/* logs: what containers wrote, of a pod or of the pods a workload selects. */
#include "tui/command/options.h"
#include "tui/command/pods.h"
#include "tui/command/target.h"

#include "base/time.h"

#include <errno.h>
#include <sys/epoll.h>

static const struct kt_option OPTIONS[] = {
        KT_OPTION_CONTAINER,
        KT_OPTION_SELECTOR,
        {.name = "follow", .letter = 'f', .type = KT_OPTION_BOOL, .help = "go on with new lines"},
        {.name = "previous",
                .letter = 'p',
                .type = KT_OPTION_BOOL,
                .help = "of the container's run before this one"},
        {.name = "all-containers", .type = KT_OPTION_BOOL, .help = "of all containers of the pod"},
        {.name = "all-pods", .type = KT_OPTION_BOOL, .help = "of all pods of the workload"},
        {.name = "prefix", .type = KT_OPTION_BOOL, .help = "each line with its pod and container"},
        {.name = "timestamps", .type = KT_OPTION_BOOL, .help = "each line with its time"},
        {.name = "tail",
                .type = KT_OPTION_INT,
                .fallback = "-1",
                .value_name = "N",
                .help = "only the last lines; -1: all"},
        {.name = "since",
                .type = KT_OPTION_DURATION,
                .value_name = "TIME",
                .help = "only lines newer than this (5s, 2m, 3h)"},
        {.name = "since-time",
                .type = KT_OPTION_STRING,
                .value_name = "RFC3339",
                .help = "only lines after this time"},
        {.name = "limit-bytes",
                .type = KT_OPTION_INT,
                .value_name = "N",
                .help = "at most so many bytes"},
        {.name = "max-log-requests",
                .type = KT_OPTION_INT,
                .fallback = "5",
                .value_name = "N",
                .help = "at most so many streams at once with --follow and a selector"},
        {.name = "ignore-errors",
                .type = KT_OPTION_BOOL,
                .help = "go on when one of several streams fails"},
        {.name = "insecure-skip-tls-verify-backend",
                .type = KT_OPTION_BOOL,
                .help = "the API server does not check the node's certificate"},
        {.name = "pod-running-timeout",
                .type = KT_OPTION_DURATION,
                .fallback = "20s",
                .value_name = "TIME",
                .help = "as kubectl has it; a pod that does not run has no log yet"},
        KT_OPTION_END,
};

struct log_stream {
	struct kt_call call;
	struct kt_command_context *ctx;
	char *prefix; /* "[pod/x/c] "; NULL: none */
	bool line_started;
};

/* With a prefix each line must be found; without one bytes go through as they are. */
static void on_data(struct kt_call *call, struct kt_sv piece)
{
	struct log_stream *stream = kt_container_of(call, struct log_stream, call);
	struct kt_sv rest = piece;

	while (rest.len) {
		const char *end = memchr(rest.p, '\n', rest.len);
		size_t len = end ? (size_t)(end - rest.p) + 1 : rest.len;

		if (stream->prefix && !stream->line_started)
			fputs(stream->prefix, stream->ctx->out);
		fwrite(rest.p, 1, len, stream->ctx->out);
		stream->line_started = !end;
		rest = (struct kt_sv){rest.p + len, rest.len - len};
	}
	fflush(stream->ctx->out);
}

static char *log_path(
        const struct kt_command_context *ctx, const json_t *pod, const char *container)
{
	kt_auto_str path = KT_STR_INIT;
	int64_t since_ns = kt_opt_int(ctx, "since");

	kt_str_printf(&path,
	        "/api/v1/namespaces/%s/pods/%s/log?container=", kt_jstr(pod, "metadata.namespace"),
	        kt_jstr(pod, "metadata.name"));
	kt_url_escape(&path, container);
	if (kt_opt_bool(ctx, "follow"))
		kt_str_puts(&path, "&follow=true");
	if (kt_opt_bool(ctx, "previous"))
		kt_str_puts(&path, "&previous=true");
	if (kt_opt_bool(ctx, "timestamps"))
		kt_str_puts(&path, "&timestamps=true");
	if (kt_opt_int(ctx, "tail") >= 0)
		kt_str_printf(&path, "&tailLines=%lld", (long long)kt_opt_int(ctx, "tail"));
	else if (kt_opt_string(ctx, "selector"))
		kt_str_puts(&path, "&tailLines=10"); /* as kubectl: many pods, few lines each */
	if (since_ns > 0)
		kt_str_printf(&path, "&sinceSeconds=%lld",
		        (long long)((since_ns + 999999999) / 1000000000));
	if (kt_opt_string(ctx, "since-time")) {
		kt_str_puts(&path, "&sinceTime=");
		kt_url_escape(&path, kt_opt_string(ctx, "since-time"));
	}
	if (kt_opt_int(ctx, "limit-bytes") > 0)
		kt_str_printf(&path, "&limitBytes=%lld", (long long)kt_opt_int(ctx, "limit-bytes"));
	return kt_str_steal(&path);
}

static bool is_prefixed(const struct kt_command_context *ctx)
{
	return kt_opt_bool(ctx, "prefix") || kt_opt_bool(ctx, "all-pods");
}

static int read_one(struct kt_command_context *ctx, const json_t *pod, const char *container,
        struct kt_err *err)
{
	kt_auto_free char *path = log_path(ctx, pod, container);
	struct kt_client *client = kt_session_client(ctx->session, err);
	struct log_stream stream = {
	        .call = {.method = "GET",
	                .path = path,
	                .accept = "text/plain, */*",
	                .on_data = on_data},
	        .ctx = ctx,
	};

	if (is_prefixed(ctx))
		stream.prefix =
		        kt_asprintf("[pod/%s/%s] ", kt_jstr(pod, "metadata.name"), container);
	int r = kt_client_call_wait(client, &stream.call, ctx->cancel);

	if (r < 0 && r != -ECANCELED)
		kt_err_move(err, &stream.call.err);
	kt_call_finish(&stream.call);
	free(stream.prefix);
	return r == -ECANCELED ? 0 : r;
}

/* Several streams at once: one loop, as many calls. */
struct follow {
	struct kt_loop *loop;
	size_t open;
};

struct followed {
	struct log_stream stream; /* first: the call is inside */
	struct follow *follow;
	char *path;
};

static void followed_done(struct kt_call *call)
{
	struct log_stream *stream = kt_container_of(call, struct log_stream, call);
	struct followed *followed = kt_container_of(stream, struct followed, stream);

	if (call->err.code)
		kt_command_fail(stream->ctx, &call->err, NULL);
	if (--followed->follow->open == 0)
		kt_loop_stop(followed->follow->loop);
}

struct source {
	json_t *pod;
	char *container;
};

struct sources {
	struct source *items;
	size_t n;
};

static void on_cancel(struct kt_io *io, uint32_t events)
{
	(void)events;
	kt_io_remove(io); /* it has woken the loop */
}

static void run_followed(struct kt_command_context *ctx, struct followed *all, size_t n,
        struct follow *follow, struct kt_err *err)
{
	struct kt_client *client = kt_session_client(ctx->session, err);
	struct kt_io cancel = {.fn = on_cancel};
	int r = kt_io_add(&cancel, follow->loop, ctx->cancel->fd, EPOLLIN, err);

	for (size_t i = 0; i < n; i++)
		kt_client_call(client, &all[i].stream.call);
	while (r >= 0 && follow->open && !kt_cancel_is_asked(ctx->cancel))
		r = kt_loop_run_once(follow->loop, -1, err);
	kt_io_remove(&cancel);
	for (size_t i = 0; i < n; i++) {
		if (follow->open)
			kt_client_cancel(client, &all[i].stream.call);
		kt_call_finish(&all[i].stream.call);
		free(all[i].stream.prefix);
		free(all[i].path);
	}
}

static int follow_all(
        struct kt_command_context *ctx, const struct sources *sources, struct kt_err *err)
{
	int64_t streams_max = kt_opt_int(ctx, "max-log-requests");

	if ((int64_t)sources->n > streams_max)
		return kt_fail(err, EINVAL,
		        "you are attempting to follow %zu log streams, but maximum allowed "
		        "concurrency is %lld, use --max-log-requests to increase the limit",
		        sources->n, (long long)streams_max);
	struct follow follow = {
	        .loop = kt_loop_create(&(struct kt_loop_options){0}, err), .open = sources->n};

	if (!follow.loop)
		return err->code;
	struct followed *all = kt_new_array(struct followed, sources->n);

	for (size_t i = 0; i < sources->n; i++) {
		const struct source *source = &sources->items[i];

		all[i].follow = &follow;
		all[i].path = log_path(ctx, source->pod, source->container);
		all[i].stream.ctx = ctx;
		all[i].stream.prefix =
		        is_prefixed(ctx)
		                ? kt_asprintf("[pod/%s/%s] ", kt_jstr(source->pod, "metadata.name"),
		                          source->container)
		                : NULL;
		all[i].stream.call = (struct kt_call){.method = "GET",
		        .path = all[i].path,
		        .accept = "text/plain, */*",
		        .on_data = on_data,
		        .done = followed_done,
		        .loop = follow.loop};
	}
	run_followed(ctx, all, sources->n, &follow, err);
	free(all);
	kt_loop_destroy(follow.loop);
	return err->code;
}

static void add_source(struct sources *sources, json_t *pod, const char *container)
{
	sources->items = kt_reallocarray(sources->items, sources->n + 1, sizeof(*sources->items));
	sources->items[sources->n++] = (struct source){json_incref(pod), kt_strdup(container)};
}

static void add_containers(struct sources *sources, json_t *pod, const char *field)
{
	json_t *container;
	size_t i;

	json_array_foreach(json_object_get(json_object_get(pod, "spec"), field), i, container)
		add_source(sources, pod, kt_jstr(container, "name"));
}

static int add_pod(struct kt_command_context *ctx, struct sources *sources, json_t *pod,
        const char *container, struct kt_err *err)
{
	if (kt_opt_bool(ctx, "all-containers")) {
		add_containers(sources, pod, "initContainers");
		add_containers(sources, pod, "containers");
		add_containers(sources, pod, "ephemeralContainers");
		return 0;
	}
	const char *name = kt_pod_container(ctx, pod, container, err);

	if (!name)
		return err->code;
	add_source(sources, pod, name);
	return 0;
}

static int collect(struct kt_command_context *ctx, struct sources *sources, struct kt_err *err)
{
	const char *container = kt_opt_string(ctx, "container");
	kt_auto_json json_t *pods = NULL;
	json_t *pod;
	size_t i;

	if (ctx->argc > 1 && !container)
		container = ctx->argv[1];
	pods = kt_pods_of(ctx, ctx->argc ? ctx->argv[0] : NULL, err);
	if (!pods)
		return err->code;
	if (json_array_size(pods) > 1 && ctx->argc && !kt_opt_bool(ctx, "all-pods")) {
		fprintf(ctx->err, "Found %zu pods, using pod/%s\n", json_array_size(pods),
		        kt_jstr(json_array_get(pods, 0), "metadata.name"));
		return add_pod(ctx, sources, json_array_get(pods, 0), container, err);
	}
	json_array_foreach(pods, i, pod) {
		if (add_pod(ctx, sources, pod, container, err) < 0)
			return err->code;
	}
	if (!sources->n)
		fprintf(ctx->err, "No resources found in %s namespace.\n",
		        kt_session_namespace(ctx->session));
	return 0;
}

/* Arguments that cannot be meant: an exit code, or KT_EXIT_OK. */
static int check_arguments(struct kt_command_context *ctx)
{
	bool selected = kt_opt_string(ctx, "selector");

	if (ctx->argc > 2 || (!ctx->argc && !selected))
		return kt_command_refuse(ctx,
		        "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\n"
		        "POD or TYPE/NAME is a required argument for the logs command");
	if (ctx->argc && selected)
		return kt_command_refuse(ctx, "only a selector (-l) or a POD name is allowed");
	if (ctx->argc == 2 && kt_opt_given(ctx, "container"))
		return kt_command_fail(
		        ctx, NULL, "only one of -c or an inline [CONTAINER] arg is allowed");
	if (kt_opt_bool(ctx, "all-containers") && kt_opt_given(ctx, "container"))
		return kt_command_fail(ctx, NULL,
		        "--all-containers=true should not be specified with container name %s",
		        kt_opt_string(ctx, "container"));
	return KT_EXIT_OK;
}

static int check_numbers(const struct kt_command_context *ctx, struct kt_err *err)
{
	const char *since_time = kt_opt_string(ctx, "since-time");
	int64_t ns;

	if (kt_opt_int(ctx, "tail") < -1)
		return kt_fail(err, EINVAL, "--tail must be greater than or equal to -1");
	if (kt_opt_given(ctx, "limit-bytes") && kt_opt_int(ctx, "limit-bytes") <= 0)
		return kt_fail(err, EINVAL, "--limit-bytes must be greater than 0");
	if (kt_opt_int(ctx, "since") < 0)
		return kt_fail(err, EINVAL, "--since must be greater than 0");
	if (since_time && kt_opt_int(ctx, "since"))
		return kt_fail(err, EINVAL,
		        "at most one of `sinceTime` or `sinceSeconds` may be specified");
	if (since_time && kt_time_parse(kt_sv_of(since_time), &ns) < 0)
		return kt_fail(err, EINVAL,
		        "parsing time \"%s\" as \"2006-01-02T15:04:05Z07:00\": cannot parse it",
		        since_time);
	return 0;
}

static int run(struct kt_command_context *ctx)
{
	kt_auto_err err = KT_ERR_INIT;
	struct sources sources = {0};
	int code = check_arguments(ctx);

	if (code != KT_EXIT_OK)
		return code;
	if (check_numbers(ctx, &err) < 0 || collect(ctx, &sources, &err) < 0) {
		code = kt_command_fail(ctx, &err, NULL);
	} else if (kt_opt_bool(ctx, "follow") && sources.n > 1) {
		if (follow_all(ctx, &sources, &err) < 0)
			code = kt_command_fail(ctx, &err, NULL);
	} else {
		for (size_t i = 0; i < sources.n && !kt_cancel_is_asked(ctx->cancel); i++) {
			kt_auto_err one = KT_ERR_INIT;

			if (read_one(ctx, sources.items[i].pod, sources.items[i].container, &one) <
			        0)
				code = kt_command_fail(ctx, &one, NULL);
		}
	}
	for (size_t i = 0; i < sources.n; i++) {
		json_decref(sources.items[i].pod);
		free(sources.items[i].container);
	}
	free(sources.items);
	return code;
}

static const enum kt_completion ARGUMENTS[] = {
        KT_COMPLETE_POD, KT_COMPLETE_CONTAINER, KT_COMPLETE_NONE};

const struct kt_command kt_command_logs = {
        .name = "logs",
        .aliases = (const char *const[]){"log", NULL},
        .group = "Look",
        .usage = "logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]",
        .summary = "Show what containers wrote",
        .help = "Examples:\n"
                "  kube-tui logs -f web-0\n"
                "  kube-tui logs deploy/web --since=5m --timestamps\n"
                "  kube-tui logs -l app=web --prefix --tail=20",
        .options = OPTIONS,
        .arguments = ARGUMENTS,
        .needs_client = true,
        .reads = true,
        .run = run,
};
