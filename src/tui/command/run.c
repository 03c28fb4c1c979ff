/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run: a pod without a manifest. */
#include "tui/command/create_kinds.h"
#include "tui/command/options.h"
#include "tui/command/output.h"

#include "api/machinery/patch.h"
#include "api/schema/schema.h"

#include <errno.h>

static const char *const PULL_WORDS[] = {"Always", "IfNotPresent", "Never", NULL};
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
        {.name = "stdin", .letter = 'i', .type = KT_OPTION_BOOL, .help = "refused: see below"},
        {.name = "tty", .letter = 't', .type = KT_OPTION_BOOL, .help = "refused: see below"},
        {.name = "attach", .type = KT_OPTION_BOOL, .help = "refused: see below"},
        {.name = "rm", .type = KT_OPTION_BOOL, .help = "refused: see below"},
        {.name = "annotations",
                .type = KT_OPTION_STRINGS,
                .value_name = "A=B",
                .help = "an annotation of the pod"},
        {.name = "expose", .type = KT_OPTION_BOOL, .help = "a Service for the port of --port, too"},
        {.name = "image-pull-policy",
                .type = KT_OPTION_STRING,
                .value_name = "POLICY",
                .help = "Always, IfNotPresent or Never",
                .completion = KT_COMPLETE_WORDS,
                .words = PULL_WORDS},
        {.name = "privileged", .type = KT_OPTION_BOOL, .help = "run it privileged"},
        {.name = "quiet", .letter = 'q', .type = KT_OPTION_BOOL, .help = "as kubectl has it"},
        KT_OPTION_OVERRIDES,
        KT_OPTION_SAVE_CONFIG,
        KT_OPTION_OUTPUT,
        KT_OPTION_DRY_RUN,
        KT_OPTION_VALIDATE,
        KT_OPTION_FIELD_MANAGER("kubectl-run"),
        KT_OPTION_END,
};

const char *const kt_override_words[] = {"merge", "strategic", "json", NULL};

/* What --overrides makes of the object. New reference, NULL with err. */
static json_t *overridden(
        const struct kt_command_context *ctx, const json_t *object, struct kt_err *err)
{
	const char *text = kt_opt_string(ctx, "overrides"),
	           *type = kt_opt_string(ctx, "override-type");
	const char *slash = strchr(kt_jstr(object, "apiVersion"), '/');
	const struct kt_kind *kind = kt_builtin_kind(
	        "", slash ? slash + 1 : kt_jstr(object, "apiVersion"), kt_jstr(object, "kind"));
	kt_auto_json json_t *patch = kt_json_parse(kt_sv_of(text), NULL, NULL);

	if (strcmp(type, "merge") != 0 && strcmp(type, "strategic") != 0 &&
	        strcmp(type, "json") != 0) {
		kt_fail(err, EINVAL, "invalid override type: %s", type);
		return NULL;
	}
	if (!patch) {
		kt_fail(err, EINVAL, "Invalid JSON Patch");
		return NULL;
	}
	if (!strcmp(type, "json"))
		return kt_patch_json(object, patch, err);
	return !strcmp(type, "merge") ? kt_patch_merge(object, patch, err)
	                              : kt_patch_strategic(object, patch, kind->type, err);
}

int kt_run_create(
        struct kt_command_context *ctx, const char *word, json_t *object, const char *done)
{
	kt_auto_err err = KT_ERR_INIT;
	struct kt_target target = {.resource = kt_session_resource(ctx->session, word, &err)};
	int code = KT_EXIT_OK;

	if (kt_opt_given(ctx, "namespace"))
		json_object_set_new(json_object_get(object, "metadata"), "namespace",
		        json_string(kt_session_namespace(ctx->session)));
	kt_auto_json json_t *whole = kt_opt_string(ctx, "overrides") ? overridden(ctx, object, &err)
	                                                             : json_incref(object);

	target.object = whole;
	target.namespace = kt_strdup(kt_session_namespace(ctx->session));
	if (!target.resource || !whole || kt_check_write_options(ctx, &err) < 0 ||
	        kt_create_object_as(ctx, &target, done, &err) < 0)
		code = kt_command_fail(ctx, &err, NULL);
	free(target.namespace);
	json_decref(object);
	return code;
}

json_t *kt_run_labels(const char *text, const char *name, struct kt_err *err)
{
	json_t *labels = json_object();
	struct kt_sv rest = kt_sv_of(text), part;

	while (text && kt_sv_split(&rest, ',', &part)) {
		const char *equals = memchr(part.p, '=', part.len);

		if (!equals) {
			kt_fail(err, EINVAL, "unexpected label spec: %s", text);
			json_decref(labels);
			return NULL;
		}
		kt_auto_free char *key = kt_strndup(part.p, (size_t)(equals - part.p));

		json_object_set_new(labels, key,
		        json_stringn(equals + 1, (size_t)(part.p + part.len - equals - 1)));
	}
	if (!text)
		json_object_set_new(labels, "run", json_string(name));
	return labels;
}

static json_t *run_container(struct kt_command_context *ctx, const char *name)
{
	const struct kt_strings *env = kt_opt_strings(ctx, "env");
	json_t *container = json_pack("{s:s, s:s, s:{}}", "name", name, "image",
	        kt_opt_string(ctx, "image"), "resources");
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
	if (kt_opt_int(ctx, "port") != 0)
		json_object_set_new(container, "ports",
		        json_pack("[{s:I}]", "containerPort", (json_int_t)kt_opt_int(ctx, "port")));
	if (kt_opt_string(ctx, "image-pull-policy"))
		json_object_set_new(container, "imagePullPolicy",
		        json_string(kt_opt_string(ctx, "image-pull-policy")));
	if (kt_opt_bool(ctx, "privileged"))
		json_object_set_new(
		        container, "securityContext", json_pack("{s:b}", "privileged", 1));
	json_decref(words);
	json_decref(variables);
	return container;
}

/* Nothing here speaks to a running process; said before the pod is there. */
static bool wants_to_attach(const struct kt_command_context *ctx)
{
	return kt_opt_bool(ctx, "stdin") || kt_opt_bool(ctx, "tty") || kt_opt_bool(ctx, "attach");
}

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (!strcmp(*words, text))
			return true;
	return false;
}

static int check_attach(struct kt_command_context *ctx)
{
	bool dry = kt_opt_given(ctx, "dry-run") && !kt_streq(kt_opt_string(ctx, "dry-run"), "none");

	if (wants_to_attach(ctx) && dry)
		return kt_command_refuse(ctx,
		        "--dry-run=[server|client] can't be used with attached containers options "
		        "(--attach, --stdin, or --tty)");
	if (kt_opt_bool(ctx, "rm") && !wants_to_attach(ctx))
		return kt_command_refuse(ctx, "--rm should only be used for attached containers");
	if (wants_to_attach(ctx))
		return kt_command_fail(ctx, NULL,
		        "cannot attach to a container (-i, -t, --attach, --rm): simulated nodes "
		        "run no processes. Leave the flags out and read what the pod says with "
		        "`logs -f`");
	return KT_EXIT_OK;
}

static int check_run(struct kt_command_context *ctx, int n_names)
{
	const char *image = kt_opt_string(ctx, "image"),
	           *pull = kt_opt_string(ctx, "image-pull-policy"),
	           *restart = kt_opt_string(ctx, "restart");
	const struct kt_strings *env = kt_opt_strings(ctx, "env");

	if (!image)
		return kt_command_fail(ctx, NULL, "required flag(s) \"image\" not set");
	if (n_names < 1)
		return kt_command_fail(ctx, NULL, "NAME is required for run");
	if (!*image)
		return kt_command_fail(ctx, NULL, "--image is required");
	if (image[strspn(image, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	                        "._-/:@+")])
		return kt_command_fail(
		        ctx, NULL, "Invalid image name \"%s\": invalid reference format", image);
	if (kt_opt_bool(ctx, "expose") && kt_opt_int(ctx, "port") <= 0)
		return kt_command_refuse(ctx, "--port must be set when exposing a service");
	if (*restart && !is_one_of(restart, RESTART_WORDS))
		return kt_command_refuse(ctx, "invalid restart policy: %s", restart);
	if (pull && *pull && !is_one_of(pull, PULL_WORDS))
		return kt_command_refuse(ctx, "invalid image pull policy: %s", pull);
	for (size_t i = 0; i < env->n; i++)
		if (!strchr(env->items[i], '='))
			return kt_command_fail(ctx, NULL, "invalid env: %s", env->items[i]);
	return check_attach(ctx);
}

static json_t *run_metadata(
        const struct kt_command_context *ctx, const char *name, struct kt_err *err)
{
	const struct kt_strings *notes = kt_opt_strings(ctx, "annotations");
	json_t *labels = kt_run_labels(kt_opt_string(ctx, "labels"), name, err);
	json_t *annotations = json_object(), *metadata;

	for (size_t i = 0; i < notes->n && labels; i++) {
		const char *equals = strchr(notes->items[i], '=');
		kt_auto_free char *key = kt_strndup(notes->items[i], strcspn(notes->items[i], "="));

		if (!equals)
			kt_fail(err, EINVAL, "invalid annotations format: %s", notes->items[i]);
		json_object_set_new(annotations, key, json_string(equals ? equals + 1 : ""));
	}
	metadata = json_pack("{s:s, s:o*}", "name", name, "labels", labels);
	if (json_object_size(annotations))
		json_object_set(metadata, "annotations", annotations);
	json_decref(annotations);
	return metadata;
}

/* --expose: a Service of the same name before the pod. */
static int run_service(struct kt_command_context *ctx, const char *name)
{
	int64_t port = kt_opt_int(ctx, "port");
	kt_auto_err err = KT_ERR_INIT;
	json_t *selector = kt_run_labels(kt_opt_string(ctx, "labels"), name, &err);
	struct kt_target target = {.resource = kt_session_resource(ctx->session, "services", &err)};
	kt_auto_json json_t *object =
	        json_pack("{s:s, s:s, s:{s:s}, s:{s:[{s:I, s:s, s:I}], s:o*}, s:{s:{}}}",
	                "apiVersion", "v1", "kind", "Service", "metadata", "name", name, "spec",
	                "ports", "port", (json_int_t)port, "protocol", "TCP", "targetPort",
	                (json_int_t)port, "selector", selector, "status", "loadBalancer");
	int code = KT_EXIT_OK;

	target.namespace = kt_strdup(kt_session_namespace(ctx->session));
	target.object = object;
	if (!target.resource || err.code || kt_create_object(ctx, &target, &err) < 0)
		code = kt_command_fail(ctx, &err, NULL);
	else if (kt_streq(kt_opt_string(ctx, "output"), "yaml"))
		fputs("---\n", ctx->out);
	free(target.namespace);
	return code;
}

static int run_run(struct kt_command_context *ctx)
{
	int n = ctx->dash_at >= 0 ? ctx->dash_at : ctx->argc;
	kt_auto_err err = KT_ERR_INIT;
	int code = check_run(ctx, n);

	if (code != KT_EXIT_OK)
		return code;
	const char *name = ctx->argv[0];
	kt_auto_json json_t *container = run_container(ctx, name);
	kt_auto_json json_t *metadata = run_metadata(ctx, name, &err);

	for (int i = 1; i < n; i++) { /* words before -- are arguments, too */
		if (!json_object_get(container, "args"))
			json_object_set_new(container, "args", json_array());
		json_array_insert_new(json_object_get(container, "args"), (size_t)i - 1,
		        json_string(ctx->argv[i]));
	}
	if (err.code || kt_check_write_options(ctx, &err) < 0)
		return kt_command_fail(ctx, &err, NULL);
	if (kt_opt_bool(ctx, "expose") && run_service(ctx, name) != KT_EXIT_OK)
		return KT_EXIT_ERROR;
	return kt_run_create(ctx, "pods",
	        json_pack("{s:s, s:s, s:O, s:{s:[O], s:s, s:s}, s:{}}", "apiVersion", "v1", "kind",
	                "Pod", "metadata", metadata, "spec", "containers", container, "dnsPolicy",
	                "ClusterFirst", "restartPolicy", kt_opt_string(ctx, "restart"), "status"),
	        "created");
}

const struct kt_command kt_command_run_pod = {
        .name = "run",
        .group = "Change",
        .usage = "run NAME --image=IMAGE [-- ARGS…]",
        .summary = "Start one pod",
        .help = "Simulated nodes run no processes, so there is nothing to attach to.",
        .options = RUN_OPTIONS,
        .prints_typed = true,
        .needs_client = true,
        .run = run_run,
};
