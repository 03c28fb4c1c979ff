/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command/create_kinds.h"
#include "tui/command/options.h"

#include "base/path.h"

#include <errno.h>

#define LITERAL_FILE_MAX_BYTES (1u << 20) /* what a ConfigMap or Secret may hold */

int kt_create_finish(struct kt_command_context *ctx, const char *word, json_t *object)
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

const char *kt_create_name(struct kt_command_context *ctx)
{
	if (ctx->argc == 1)
		return ctx->argv[0];
	kt_command_fail(ctx, NULL,
	        "exactly one NAME is required, got %d\nSee 'kube-tui create %s -h' for help and "
	        "examples",
	        ctx->argc, ctx->command->name);
	return NULL;
}

json_t *kt_create_object_of(const char *api_version, const char *kind, const char *name)
{
	return json_pack("{s:s, s:s, s:{s:s}}", "apiVersion", api_version, "kind", kind, "metadata",
	        "name", name);
}

int kt_create_namespace(struct kt_command_context *ctx)
{
	const char *name = kt_create_name(ctx);

	if (!name)
		return KT_EXIT_ERROR;
	json_t *object = kt_create_object_of("v1", "Namespace", name);

	json_object_set_new(object, "spec", json_object());
	json_object_set_new(object, "status", json_object());
	return kt_create_finish(ctx, "namespaces", object);
}

int kt_create_serviceaccount(struct kt_command_context *ctx)
{
	const char *name = kt_create_name(ctx);

	return name ? kt_create_finish(ctx, "serviceaccounts",
	                      kt_create_object_of("v1", "ServiceAccount", name))
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

json_t *kt_create_containers(const struct kt_command_context *ctx, const struct kt_strings *images)
{
	json_t *list = json_array(), *words = command_after_dash(ctx);

	for (size_t i = 0; i < images->n; i++) {
		kt_auto_free char *name = container_name(images->items[i]);
		json_t *container = json_pack(
		        "{s:s, s:s, s:{}}", "name", name, "image", images->items[i], "resources");

		if (json_array_size(words))
			json_object_set(container, "command", words);
		json_array_append_new(list, container);
	}
	json_decref(words);
	return list;
}

const char *kt_create_name_before_dash(struct kt_command_context *ctx)
{
	int n = ctx->dash_at >= 0 ? ctx->dash_at : ctx->argc;

	if (n == 1)
		return ctx->argv[0];
	kt_command_fail(ctx, NULL,
	        "exactly one NAME is required, got %d\nSee 'kube-tui create %s -h' for help and "
	        "examples",
	        n, ctx->command->name);
	return NULL;
}

int kt_create_deployment(struct kt_command_context *ctx)
{
	const struct kt_strings *images = kt_opt_strings(ctx, "image");
	const char *name = kt_create_name_before_dash(ctx);

	if (!name)
		return KT_EXIT_ERROR;
	if (!images->n)
		return kt_command_fail(ctx, NULL, "required flag(s) \"image\" not set");
	json_t *list = kt_create_containers(ctx, images), *container;
	int64_t port = kt_opt_int(ctx, "port");
	size_t i;

	json_array_foreach(list, i, container) {
		if (port > 0 && i == 0)
			json_object_set_new(container, "ports",
			        json_pack("[{s:I}]", "containerPort", (json_int_t)port));
	}
	json_t *object = kt_create_object_of("apps/v1", "Deployment", name);

	json_object_set_new(
	        json_object_get(object, "metadata"), "labels", json_pack("{s:s}", "app", name));
	json_object_set_new(object, "spec",
	        json_pack("{s:I, s:{s:{s:s}}, s:{}, s:{s:{s:{s:s}}, s:{s:o}}}", "replicas",
	                (json_int_t)kt_opt_int(ctx, "replicas"), "selector", "matchLabels", "app",
	                name, "strategy", "template", "metadata", "labels", "app", name, "spec",
	                "containers", list));
	json_object_set_new(object, "status", json_object());
	return kt_create_finish(ctx, "deployments.apps", object);
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
	json_t *object = kt_create_object_of("v1", kind, name);

	if (json_object_size(data))
		json_object_set(object, "data", data);
	json_decref(data);
	if (secret && kt_opt_string(ctx, "type"))
		json_object_set_new(object, "type", json_string(kt_opt_string(ctx, "type")));
	return kt_create_finish(ctx, word, object);
}

int kt_create_configmap(struct kt_command_context *ctx)
{
	const char *name = kt_create_name(ctx);

	return name ? create_data(ctx, "ConfigMap", "configmaps", name) : KT_EXIT_ERROR;
}

/* Secrets */

/* generic may be left out. */
int kt_create_secret(struct kt_command_context *ctx)
{
	const char *name = kt_create_name(ctx);

	return name ? create_data(ctx, "Secret", "secrets", name) : KT_EXIT_ERROR;
}

static json_t *secret_of(const char *name, const char *type, json_t *data)
{
	json_t *object = kt_create_object_of("v1", "Secret", name);

	json_object_set_new(object, "data", data);
	json_object_set_new(object, "type", json_string(type));
	return object;
}

static void set_coded(json_t *data, const char *key, const struct kt_str *value)
{
	kt_auto_str coded = KT_STR_INIT;

	kt_base64_encode(&coded, kt_str_text(value), value->len);
	json_object_set_new(data, key, json_string(kt_str_text(&coded)));
}

int kt_create_secret_tls(struct kt_command_context *ctx)
{
	static const char *const FILES[][3] = {
	        {"cert", "tls.crt", "certificate"}, {"key", "tls.key", "key"}};
	const char *name = kt_create_name(ctx);
	kt_auto_json json_t *data = json_object();
	kt_auto_err err = KT_ERR_INIT;

	if (!name)
		return KT_EXIT_ERROR;
	for (size_t i = 0; i < KT_ARRAY_SIZE(FILES); i++) {
		const char *path = kt_opt_string(ctx, FILES[i][0]);
		kt_auto_str text = KT_STR_INIT;

		if (!path)
			return kt_command_fail(ctx, NULL, "key and cert must be specified");
		if (kt_read_file(path, LITERAL_FILE_MAX_BYTES, &text, &err) < 0)
			return kt_command_fail(ctx, &err, NULL);
		if (!strstr(kt_str_text(&text), "-----BEGIN "))
			return kt_command_fail(ctx, NULL,
			        "tls: failed to find any PEM data in %s input", FILES[i][2]);
		set_coded(data, FILES[i][1], &text);
	}
	return kt_create_finish(
	        ctx, "secrets", secret_of(name, "kubernetes.io/tls", json_incref(data)));
}

/* The login of a registry as container runtimes read it. */
int kt_create_secret_docker(struct kt_command_context *ctx)
{
	const char *name = kt_create_name(ctx), *user = kt_opt_string(ctx, "docker-username"),
	           *password = kt_opt_string(ctx, "docker-password"),
	           *email = kt_opt_string(ctx, "docker-email");
	kt_auto_str both = KT_STR_INIT, coded = KT_STR_INIT, text = KT_STR_INIT;

	if (!name)
		return KT_EXIT_ERROR;
	if (!user || !password)
		return kt_command_fail(ctx, NULL,
		        "either --from-file or the combination of --docker-username, "
		        "--docker-password and --docker-server is required");
	kt_str_printf(&both, "%s:%s", user, password);
	kt_base64_encode(&coded, kt_str_text(&both), both.len);
	kt_auto_json json_t *login =
	        json_pack("{s:s, s:s}", "username", user, "password", password);

	if (email)
		json_object_set_new(login, "email", json_string(email));
	json_object_set_new(login, "auth", json_string(kt_str_text(&coded)));
	kt_auto_json json_t *config =
	        json_pack("{s:{s:O}}", "auths", kt_opt_string(ctx, "docker-server"), login);
	json_t *data = json_object();

	kt_json_write(&text, config, 0);
	set_coded(data, ".dockerconfigjson", &text);
	return kt_create_finish(
	        ctx, "secrets", secret_of(name, "kubernetes.io/dockerconfigjson", data));
}
