/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command/create_kinds.h"
#include "tui/command/options.h"

int kt_create_finish(struct kt_command_context *ctx, const char *word, json_t *object)
{
	kt_auto_err err = KT_ERR_INIT;
	struct kt_target target = {.object = object};
	int code = KT_EXIT_OK;

	target.resource = kt_session_resource(ctx->session, word, &err);
	if (target.resource && target.resource->namespaced)
		target.namespace = kt_strdup(kt_session_namespace(ctx->session));
	if (target.namespace && kt_opt_given(ctx, "namespace"))
		json_object_set_new(json_object_get(object, "metadata"), "namespace",
		        json_string(target.namespace));
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
	        "exactly one NAME is required, got %d\nSee 'kube-tui %s -h' for help and examples",
	        ctx->argc, ctx->path);
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
	        "exactly one NAME is required, got %d\nSee 'kube-tui %s -h' for help and examples",
	        n, ctx->path);
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
