/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run, expose and set image: small things without a manifest. */
#include "tui/command/create_kinds.h"
#include "tui/command/options.h"
#include "tui/command/output.h"

#include <errno.h>

static const char *const RESTART_WORDS[] = {"Always", "OnFailure", "Never", NULL};

static const struct kt_option RUN_OPTIONS[] = {
        {.name = "image",
                .type = KT_OPTION_STRING,
                .value_name = "IMAGE",
                .help = "image of the container"},
        {.name = "port",
                .type = KT_OPTION_INT,
                .value_name = "PORT",
                .help = "a port the container listens on"},
        {.name = "env",
                .type = KT_OPTION_STRINGS,
                .value_name = "NAME=VALUE",
                .help = "an environment variable"},
        {.name = "labels",
                .letter = 'l',
                .type = KT_OPTION_STRING,
                .value_name = "A=B,…",
                .help = "labels of the pod"},
        {.name = "restart",
                .type = KT_OPTION_STRING,
                .fallback = "Always",
                .value_name = "POLICY",
                .help = "Always, OnFailure or Never",
                .completion = KT_COMPLETE_WORDS,
                .words = RESTART_WORDS},
        {.name = "command",
                .type = KT_OPTION_BOOL,
                .help = "the words behind -- are the command, not its arguments"},
        KT_OPTION_OUTPUT,
        KT_OPTION_DRY_RUN,
        KT_OPTION_VALIDATE,
        KT_OPTION_FIELD_MANAGER("kubectl-run"),
        KT_OPTION_END,
};

static const struct kt_option EXPOSE_OPTIONS[] = {
        {.name = "port",
                .type = KT_OPTION_INT,
                .value_name = "PORT",
                .help = "the port the service listens on"},
        {.name = "target-port",
                .type = KT_OPTION_STRING,
                .value_name = "PORT",
                .help = "the pods' port, by number or name"},
        {.name = "name",
                .type = KT_OPTION_STRING,
                .value_name = "NAME",
                .help = "name of the service"},
        {.name = "type",
                .type = KT_OPTION_STRING,
                .value_name = "TYPE",
                .help = "ClusterIP, NodePort, LoadBalancer"},
        {.name = "protocol",
                .type = KT_OPTION_STRING,
                .fallback = "TCP",
                .value_name = "PROTOCOL",
                .help = "TCP, UDP or SCTP"},
        KT_OPTION_OUTPUT,
        KT_OPTION_DRY_RUN,
        KT_OPTION_VALIDATE,
        KT_OPTION_FIELD_MANAGER("kubectl-expose"),
        KT_OPTION_END,
};

static const struct kt_option SET_OPTIONS[] = {
        KT_OPTION_OUTPUT,
        KT_OPTION_DRY_RUN,
        KT_OPTION_FIELD_MANAGER("kubectl-set"),
        KT_OPTION_END,
};

static int create(struct kt_command_context *ctx, const char *word, json_t *object)
{
	kt_auto_err err = KT_ERR_INIT;
	struct kt_target target = {
	        .object = object, .resource = kt_session_resource(ctx->session, word, &err)};
	int code = KT_EXIT_OK;

	target.namespace = kt_strdup(kt_session_namespace(ctx->session));
	if (!target.resource || kt_check_write_options(ctx, &err) < 0 ||
	        kt_create_object(ctx, &target, &err) < 0)
		code = kt_command_fail(ctx, &err, NULL);
	free(target.namespace);
	json_decref(object);
	return code;
}

/* "a=b,c=d", or run=NAME. New reference. */
static json_t *labels_of(const char *text, const char *name)
{
	json_t *labels = json_object();
	struct kt_sv rest = kt_sv_of(text), part;

	while (text && kt_sv_split(&rest, ',', &part)) {
		const char *equals = memchr(part.p, '=', part.len);
		kt_auto_free char *key =
		        kt_strndup(part.p, equals ? (size_t)(equals - part.p) : part.len);
		kt_auto_free char *value =
		        equals ? kt_strndup(equals + 1, (size_t)(part.p + part.len - equals - 1))
		               : kt_strdup("");

		json_object_set_new(labels, key, json_string(value));
	}
	if (!text)
		json_object_set_new(labels, "run", json_string(name));
	return labels;
}

static json_t *run_container(struct kt_command_context *ctx, const char *name)
{
	const struct kt_strings *env = kt_opt_strings(ctx, "env");
	json_t *container =
	        json_pack("{s:s, s:s}", "name", name, "image", kt_opt_string(ctx, "image"));
	json_t *words = json_array(), *variables = json_array();

	for (int i = ctx->dash_at; ctx->dash_at >= 0 && i < ctx->argc; i++)
		json_array_append_new(words, json_string(ctx->argv[i]));
	for (size_t i = 0; i < env->n; i++) {
		const char *equals = strchr(env->items[i], '=');
		kt_auto_free char *key = kt_strndup(env->items[i], strcspn(env->items[i], "="));

		json_array_append_new(variables,
		        json_pack("{s:s, s:s}", "name", key, "value", equals ? equals + 1 : ""));
	}
	if (json_array_size(words))
		json_object_set(container, kt_opt_bool(ctx, "command") ? "command" : "args", words);
	if (json_array_size(variables))
		json_object_set(container, "env", variables);
	if (kt_opt_int(ctx, "port") > 0)
		json_object_set_new(container, "ports",
		        json_pack("[{s:I}]", "containerPort", (json_int_t)kt_opt_int(ctx, "port")));
	json_decref(words);
	json_decref(variables);
	return container;
}

static int run_run(struct kt_command_context *ctx)
{
	int n = ctx->dash_at >= 0 ? ctx->dash_at : ctx->argc;

	if (n != 1)
		return kt_command_fail(ctx, NULL, "NAME is required for run");
	if (!kt_opt_string(ctx, "image"))
		return kt_command_fail(ctx, NULL, "required flag(s) \"image\" not set");
	const char *name = ctx->argv[0];

	return create(ctx, "pods",
	        json_pack("{s:s, s:s, s:{s:s, s:o}, s:{s:[o], s:s}}", "apiVersion", "v1", "kind",
	                "Pod", "metadata", "name", name, "labels",
	                labels_of(kt_opt_string(ctx, "labels"), name), "spec", "containers",
	                run_container(ctx, name), "restartPolicy", kt_opt_string(ctx, "restart")));
}

/* What selects the pods of an object: a service's or controller's selector, a pod's own labels. */
static const json_t *selector_of(const json_t *object)
{
	const json_t *selector = kt_jget(object, "spec.selector");

	if (!selector)
		return kt_jget(object, "metadata.labels");
	return json_object_get(selector, "matchLabels") ? json_object_get(selector, "matchLabels")
	                                                : selector;
}

static int64_t first_port(const json_t *object)
{
	int64_t port = kt_jint(object, "spec.template.spec.containers.0.ports.0.containerPort", 0);

	if (!port)
		port = kt_jint(object, "spec.containers.0.ports.0.containerPort", 0);
	return port ? port : kt_jint(object, "spec.ports.0.port", 0);
}

static json_t *target_port(const char *text, int64_t fallback)
{
	int64_t number;

	if (!text)
		return json_integer(fallback);
	return kt_sv_int64(kt_sv_of(text), &number) == 0 ? json_integer(number) : json_string(text);
}

static json_t *service_of(const struct kt_command_context *ctx, const json_t *object, int64_t port)
{
	const char *name = kt_opt_string(ctx, "name"), *type = kt_opt_string(ctx, "type");
	json_t *service = json_pack("{s:s, s:s, s:{s:s}, s:{s:O, s:[{s:I, s:s, s:o}]}}",
	        "apiVersion", "v1", "kind", "Service", "metadata", "name",
	        name ? name : kt_jstr(object, "metadata.name"), "spec", "selector",
	        selector_of(object), "ports", "port", (json_int_t)port, "protocol",
	        kt_opt_string(ctx, "protocol"), "targetPort",
	        target_port(kt_opt_string(ctx, "target-port"), port));

	if (type)
		json_object_set_new(json_object_get(service, "spec"), "type", json_string(type));
	return service;
}

static int run_expose(struct kt_command_context *ctx)
{
	kt_auto_err err = KT_ERR_INIT;
	struct kt_targets targets = {0};
	int code = KT_EXIT_OK;

	if (kt_targets_parse(ctx, 0, KT_TARGET_NEED_NAME, &targets, &err) < 0 ||
	        kt_targets_fetch(ctx, &targets, &err) < 0) {
		kt_targets_finish(&targets);
		return kt_command_fail(ctx, &err, NULL);
	}
	for (size_t i = 0; i < targets.n; i++) {
		const json_t *object = targets.items[i].live;
		int64_t port =
		        kt_opt_given(ctx, "port") ? kt_opt_int(ctx, "port") : first_port(object);

		if (!port)
			code = kt_command_fail(
			        ctx, NULL, "couldn't find port via --port flag or introspection");
		else if (!json_object_size(selector_of(object)))
			code = kt_command_fail(ctx, NULL,
			        "couldn't retrieve selectors: %s has none", targets.items[i].name);
		else if (create(ctx, "services", service_of(ctx, object, port)) != KT_EXIT_OK)
			code = KT_EXIT_ERROR;
	}
	kt_targets_finish(&targets);
	return code;
}

/* set image */

static int set_container(json_t *containers, const char *pair, bool *ret_found, struct kt_err *err)
{
	const char *equals = strchr(pair, '=');
	json_t *container;
	size_t i;

	if (!equals || equals == pair || !equals[1])
		return kt_fail(err, EINVAL,
		        "invalid container image \"%s\": expected CONTAINER=IMAGE", pair);
	json_array_foreach(containers, i, container) {
		const char *name = kt_jstr(container, "name");

		if (strncmp(pair, "*=", 2) != 0 && (strlen(name) != (size_t)(equals - pair) ||
		                                           strncmp(name, pair, strlen(name)) != 0))
			continue;
		json_object_set_new(container, "image", json_string(equals + 1));
		*ret_found = true;
	}
	return 0;
}

/* A patch with only names and images of the containers that change. */
static json_t *image_patch(const json_t *object, const json_t *before, const json_t *after)
{
	json_t *changed = json_array(), *container;
	size_t i;

	json_array_foreach(after, i, container) {
		if (!json_equal(container, json_array_get(before, i)))
			json_array_append_new(
			        changed, json_pack("{s:s, s:s}", "name", kt_jstr(container, "name"),
			                         "image", kt_jstr(container, "image")));
	}
	json_t *spec = json_pack("{s:{s:o}}", "spec", "containers", changed);

	return kt_jget(object, "spec.template") ? json_pack("{s:{s:o}}", "spec", "template", spec)
	                                        : spec;
}

static int set_image(struct kt_command_context *ctx, const struct kt_target *target,
        char *const *pairs, int n, struct kt_err *err)
{
	const json_t *before = kt_jget(target->live, "spec.template.spec.containers");

	before = before ? before : kt_jget(target->live, "spec.containers");
	kt_auto_json json_t *after = json_deep_copy(before);

	for (int i = 0; i < n; i++) {
		bool found = false;

		if (set_container(after, pairs[i], &found, err) < 0)
			return err->code;
		if (!found)
			return kt_fail(err, ENOENT, "unable to find container named \"%.*s\"",
			        (int)strcspn(pairs[i], "="), pairs[i]);
	}
	if (json_equal(before, after))
		return 0;
	kt_auto_json json_t *patch = image_patch(target->live, before, after);
	kt_auto_free char *path = kt_target_path(target, NULL);
	kt_auto_free char *query = kt_write_query(ctx);
	kt_auto_free char *full = kt_asprintf("%s%s", path, query);

	if (kt_is_dry_run_client(ctx))
		return kt_print_result(ctx, target->resource, target->live, "image updated", err);
	kt_auto_json json_t *answer = kt_session_request(
	        ctx, "PATCH", full, "application/strategic-merge-patch+json", patch, err);

	return answer ? kt_print_result(ctx, target->resource, answer, "image updated", err)
	              : err->code;
}

static int run_set_image(struct kt_command_context *ctx)
{
	kt_auto_err err = KT_ERR_INIT;
	struct kt_targets targets = {0};
	int first = ctx->argc, all = ctx->argc, code = KT_EXIT_OK;

	while (first > 0 && strchr(ctx->argv[first - 1], '='))
		first--;
	if (first == all)
		return kt_command_fail(ctx, NULL, "at least one image update is required");
	ctx->argc = first;
	int r = kt_targets_parse(ctx, 0, KT_TARGET_NEED_NAME, &targets, &err);

	if (r == 0)
		r = kt_targets_fetch(ctx, &targets, &err);
	ctx->argc = all;
	for (size_t i = 0; i < targets.n && r == 0; i++) {
		kt_auto_err one = KT_ERR_INIT;

		if (set_image(ctx, &targets.items[i], &ctx->argv[first], all - first, &one) < 0)
			code = kt_command_fail(ctx, &one, NULL);
	}
	kt_targets_finish(&targets);
	return r < 0 ? kt_command_fail(ctx, &err, NULL) : code;
}

static int run_set(struct kt_command_context *ctx)
{
	return kt_command_fail(ctx, NULL, "set needs a command: image");
}

static const enum kt_completion OBJECTS[] = {KT_COMPLETE_RESOURCE_OR_NAME, KT_COMPLETE_NONE};

static const struct kt_command set_image_command = {
        .name = "image",
        .group = "Change",
        .usage = "set image TYPE NAME CONTAINER=IMAGE…",
        .summary = "Give containers another image",
        .options = SET_OPTIONS,
        .arguments = OBJECTS,
        .needs_client = true,
        .run = run_set_image,
};

const struct kt_command kt_command_set = {
        .name = "set",
        .group = "Change",
        .usage = "set image TYPE NAME CONTAINER=IMAGE…",
        .summary = "Set a field of workloads",
        .help = "Examples:\n"
                "  kube-tui set image deploy/web nginx=nginx:1.29",
        .options = SET_OPTIONS,
        .arguments = OBJECTS,
        .subcommands = (const struct kt_command *const[]){&set_image_command, NULL},
        .run = run_set,
};

const struct kt_command kt_command_run_pod = {
        .name = "run",
        .group = "Change",
        .usage = "run NAME --image=IMAGE [-- ARGS…]",
        .summary = "Start one pod",
        .options = RUN_OPTIONS,
        .needs_client = true,
        .run = run_run,
};

const struct kt_command kt_command_expose = {
        .name = "expose",
        .group = "Change",
        .usage = "expose TYPE NAME [--port=PORT]",
        .summary = "Make a Service for the pods of a workload",
        .options = EXPOSE_OPTIONS,
        .arguments = OBJECTS,
        .needs_client = true,
        .run = run_expose,
};
