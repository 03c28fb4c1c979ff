/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command/create_kinds.h"
#include "tui/command/options.h"

#include "base/path.h"

#include <errno.h>

#define LITERAL_FILE_MAX_BYTES (1u << 20) /* what a ConfigMap or Secret may hold */

/* Sends the object; takes it over. */
static int finish(struct kt_command_context *ctx, const char *word, json_t *object)
{
	kt_auto_err err = KT_ERR_INIT;
	struct kt_target target = {.object = object};
	int code = KT_EXIT_OK;

	target.resource = kt_session_resource(ctx->session, word, &err);
	if (target.resource && target.resource->namespaced)
		target.namespace = kt_strdup(kt_session_namespace(ctx->session));
	if (!target.resource || kt_check_write_options(ctx, &err) < 0 ||
	        kt_create_object(ctx, &target, &err) < 0)
		code = kt_command_fail(ctx, &err, NULL);
	free(target.namespace);
	json_decref(object);
	return code;
}

static const char *only_name(struct kt_command_context *ctx)
{
	if (ctx->argc == 1)
		return ctx->argv[0];
	kt_command_fail(ctx, NULL, "exactly one NAME is required, got %d", ctx->argc);
	return NULL;
}

static json_t *object_of(const char *api_version, const char *kind, const char *name)
{
	return json_pack("{s:s, s:s, s:{s:s}}", "apiVersion", api_version, "kind", kind, "metadata",
	        "name", name);
}

static int create_namespace(struct kt_command_context *ctx)
{
	const char *name = only_name(ctx);

	return name ? finish(ctx, "namespaces", object_of("v1", "Namespace", name)) : KT_EXIT_ERROR;
}

static int create_serviceaccount(struct kt_command_context *ctx)
{
	const char *name = only_name(ctx);

	return name ? finish(ctx, "serviceaccounts", object_of("v1", "ServiceAccount", name))
	            : KT_EXIT_ERROR;
}

/* The last part of the image's path names the container, as kubectl does. */
static char *container_name(const char *image)
{
	const char *slash = strrchr(image, '/');
	const char *start = slash ? slash + 1 : image;

	return kt_strndup(start, strcspn(start, ":@"));
}

static json_t *command_after_dash(const struct kt_command_context *ctx)
{
	json_t *words = json_array();

	for (int i = ctx->dash_at; ctx->dash_at >= 0 && i < ctx->argc; i++)
		json_array_append_new(words, json_string(ctx->argv[i]));
	return words;
}

static json_t *containers(const struct kt_command_context *ctx, const struct kt_strings *images)
{
	json_t *list = json_array(), *words = command_after_dash(ctx);

	for (size_t i = 0; i < images->n; i++) {
		kt_auto_free char *name = container_name(images->items[i]);
		json_t *container =
		        json_pack("{s:s, s:s}", "name", name, "image", images->items[i]);

		if (json_array_size(words))
			json_object_set(container, "command", words);
		json_array_append_new(list, container);
	}
	json_decref(words);
	return list;
}

static const char *name_before_dash(struct kt_command_context *ctx)
{
	int n = ctx->dash_at >= 0 ? ctx->dash_at : ctx->argc;

	if (n == 1)
		return ctx->argv[0];
	kt_command_fail(ctx, NULL, "exactly one NAME is required, got %d", n);
	return NULL;
}

static int create_deployment(struct kt_command_context *ctx)
{
	const struct kt_strings *images = kt_opt_strings(ctx, "image");
	const char *name = name_before_dash(ctx);

	if (!name)
		return KT_EXIT_ERROR;
	if (!images->n)
		return kt_command_fail(ctx, NULL, "required flag(s) \"image\" not set");
	json_t *list = containers(ctx, images), *container;
	int64_t port = kt_opt_int(ctx, "port");
	size_t i;

	json_array_foreach(list, i, container) {
		if (port > 0)
			json_object_set_new(container, "ports",
			        json_pack("[{s:I}]", "containerPort", (json_int_t)port));
	}
	json_t *object = object_of("apps/v1", "Deployment", name);

	json_object_set_new(
	        json_object_get(object, "metadata"), "labels", json_pack("{s:s}", "app", name));
	json_object_set_new(object, "spec",
	        json_pack("{s:I, s:{s:{s:s}}, s:{s:{s:{s:s}}, s:{s:o}}}", "replicas",
	                (json_int_t)kt_opt_int(ctx, "replicas"), "selector", "matchLabels", "app",
	                name, "template", "metadata", "labels", "app", name, "spec", "containers",
	                list));
	return finish(ctx, "deployments.apps", object);
}

static int create_job(struct kt_command_context *ctx)
{
	const struct kt_strings *images = kt_opt_strings(ctx, "image");
	const char *name = name_before_dash(ctx);

	if (!name)
		return KT_EXIT_ERROR;
	if (images->n != 1)
		return kt_command_fail(ctx, NULL, "exactly one --image is required");
	json_t *list = containers(ctx, images);

	json_object_set_new(json_array_get(list, 0), "name", json_string(name));
	json_t *object = object_of("batch/v1", "Job", name);

	json_object_set_new(object, "spec",
	        json_pack("{s:{s:{s:s, s:o}}}", "template", "spec", "restartPolicy", "Never",
	                "containers", list));
	return finish(ctx, "jobs.batch", object);
}

/* key=value, or for a file key=path or path. */
static int add_pair(json_t *data, const char *text, bool from_file, bool secret, struct kt_err *err)
{
	const char *equals = strchr(text, '=');
	kt_auto_str value = KT_STR_INIT;
	kt_auto_free char *key = NULL;

	if (!equals && !from_file)
		return kt_fail(err, EINVAL, "invalid literal source %s, expected key=value", text);
	const char *rest = equals ? equals + 1 : text;
	const char *slash = strrchr(rest, '/');

	key = equals ? kt_strndup(text, (size_t)(equals - text))
	             : kt_strdup(slash ? slash + 1 : rest);
	if (!*key)
		return kt_fail(err, EINVAL, "key name for %s is missing", text);
	if (!from_file)
		kt_str_puts(&value, rest);
	else if (kt_read_file(rest, LITERAL_FILE_MAX_BYTES, &value, err) < 0)
		return err->code;
	if (json_object_get(data, key))
		return kt_fail(err, EEXIST,
		        "cannot add key \"%s\", another key by that name already exists", key);
	if (secret || !kt_utf8_valid(kt_str_text(&value), value.len)) {
		kt_auto_str coded = KT_STR_INIT;

		kt_base64_encode(&coded, kt_str_text(&value), value.len);
		json_object_set_new(data, key, json_string(kt_str_text(&coded)));
	} else {
		json_object_set_new(data, key, json_stringn(kt_str_text(&value), value.len));
	}
	return 0;
}

static int add_pairs(struct kt_command_context *ctx, json_t *data, bool secret, struct kt_err *err)
{
	const struct kt_strings *literals = kt_opt_strings(ctx, "from-literal");
	const struct kt_strings *files = kt_opt_strings(ctx, "from-file");

	for (size_t i = 0; i < literals->n; i++)
		if (add_pair(data, literals->items[i], false, secret, err) < 0)
			return err->code;
	for (size_t i = 0; i < files->n; i++)
		if (add_pair(data, files->items[i], true, secret, err) < 0)
			return err->code;
	return 0;
}

static int create_data(
        struct kt_command_context *ctx, const char *kind, const char *word, const char *name)
{
	kt_auto_err err = KT_ERR_INIT;
	bool secret = !strcmp(kind, "Secret");
	json_t *data = json_object();

	if (add_pairs(ctx, data, secret, &err) < 0) {
		json_decref(data);
		return kt_command_fail(ctx, &err, NULL);
	}
	json_t *object = object_of("v1", kind, name);

	if (json_object_size(data))
		json_object_set(object, "data", data);
	json_decref(data);
	if (secret)
		json_object_set_new(object, "type",
		        json_string(kt_opt_string(ctx, "type") ? kt_opt_string(ctx, "type")
		                                               : "Opaque"));
	return finish(ctx, word, object);
}

static int create_configmap(struct kt_command_context *ctx)
{
	const char *name = only_name(ctx);

	return name ? create_data(ctx, "ConfigMap", "configmaps", name) : KT_EXIT_ERROR;
}

/* `create secret generic NAME`: the word generic may be left out. */
static int create_secret(struct kt_command_context *ctx)
{
	int first = ctx->argc == 2 && !strcmp(ctx->argv[0], "generic");

	if (ctx->argc != first + 1)
		return kt_command_fail(ctx, NULL, "exactly one NAME is required");
	return create_data(ctx, "Secret", "secrets", ctx->argv[first]);
}

#define COMMON_OPTIONS \
	KT_OPTION_OUTPUT, KT_OPTION_DRY_RUN, KT_OPTION_VALIDATE, \
	        KT_OPTION_FIELD_MANAGER("kubectl-create"), KT_OPTION_END

static const struct kt_option PLAIN_OPTIONS[] = {COMMON_OPTIONS};

static const struct kt_option WORKLOAD_OPTIONS[] = {
        {.name = "image",
                .type = KT_OPTION_STRINGS,
                .value_name = "IMAGE",
                .help = "image of a container; repeat for more"},
        {.name = "replicas",
                .letter = 'r',
                .type = KT_OPTION_INT,
                .fallback = "1",
                .value_name = "N",
                .help = "how many pods"},
        {.name = "port",
                .type = KT_OPTION_INT,
                .value_name = "PORT",
                .help = "a port the containers listen on"},
        COMMON_OPTIONS,
};

static const struct kt_option DATA_OPTIONS[] = {
        {.name = "from-literal",
                .type = KT_OPTION_STRINGS,
                .value_name = "KEY=VALUE",
                .help = "one entry"},
        {.name = "from-file",
                .type = KT_OPTION_STRINGS,
                .value_name = "[KEY=]FILE",
                .help = "an entry with a file's content",
                .completion = KT_COMPLETE_FILE},
        {.name = "type",
                .type = KT_OPTION_STRING,
                .value_name = "TYPE",
                .help = "type of a secret"},
        COMMON_OPTIONS,
};

#define KIND(word, also, text, how, opts) \
	static const struct kt_command kt_create_##word = { \
	        .name = #word, \
	        .aliases = (const char *const[]){also, NULL}, \
	        .group = "Change", \
	        .usage = "create " #word " " how, \
	        .summary = text, \
	        .options = opts, \
	        .needs_client = true, \
	        .run = create_##word, \
	};

KIND(configmap, "cm", "Create a ConfigMap", "NAME [--from-literal=KEY=VALUE] [--from-file=FILE]",
        DATA_OPTIONS)
KIND(deployment, "deploy", "Create a Deployment", "NAME --image=IMAGE [--replicas=N] [-- COMMAND…]",
        WORKLOAD_OPTIONS)
KIND(job, NULL, "Create a Job", "NAME --image=IMAGE [-- COMMAND…]", WORKLOAD_OPTIONS)
KIND(namespace, "ns", "Create a Namespace", "NAME", PLAIN_OPTIONS)
KIND(secret, NULL, "Create a Secret",
        "[generic] NAME [--from-literal=KEY=VALUE] [--from-file=FILE]", DATA_OPTIONS)
KIND(serviceaccount, "sa", "Create a ServiceAccount", "NAME", PLAIN_OPTIONS)

const struct kt_command *const kt_create_kinds[] = {
        &kt_create_configmap,
        &kt_create_deployment,
        &kt_create_job,
        &kt_create_namespace,
        &kt_create_secret,
        &kt_create_serviceaccount,
        NULL,
};
