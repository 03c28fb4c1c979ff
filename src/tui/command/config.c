/* SPDX-License-Identifier: GPL-3.0-or-later */
/* config: the kubeconfig's contexts. */
#include "tui/command/options.h"
#include "tui/command/output.h"

#include "api/client/kubeconfig.h"
#include "base/yaml.h"

#include <errno.h>

static const struct kt_option VIEW_OPTIONS[] = {
        {.name = "output",
                .letter = 'o',
                .type = KT_OPTION_STRING,
                .value_name = "json|yaml",
                .help = "json or yaml"},
        {.name = "raw", .type = KT_OPTION_BOOL, .help = "keys and tokens too"},
        {.name = "minify", .type = KT_OPTION_BOOL, .help = "only what the current context needs"},
        KT_OPTION_END,
};

static const struct kt_option CONTEXT_OPTIONS[] = {
        {.name = "output",
                .letter = 'o',
                .type = KT_OPTION_STRING,
                .value_name = "name",
                .help = "name: only the names"},
        {.name = "no-headers", .type = KT_OPTION_BOOL, .help = "no header line"},
        KT_OPTION_END,
};

static const struct kt_option SET_OPTIONS[] = {
        {.name = "current", .type = KT_OPTION_BOOL, .help = "the current context"},
        KT_OPTION_END,
};

static const struct kt_option NO_OPTIONS[] = {KT_OPTION_END};

static int with_config(struct kt_command_context *ctx, struct kt_kubeconfig **ret_config)
{
	kt_auto_err err = KT_ERR_INIT;
	const char *path = kt_opt_string(ctx, "kubeconfig");

	if (kt_kubeconfig_load(
	            path ? path : kt_session_kubeconfig(ctx->session), ret_config, &err) < 0)
		return kt_command_fail(ctx, &err, NULL);
	return KT_EXIT_OK;
}

static const char *const SECRETS[] = {
        "client-certificate-data", "client-key-data", "token", "password", NULL};

static void hide_secrets(json_t *config)
{
	json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(config, "users"), i, entry) {
		json_t *user = json_object_get(entry, "user");

		for (const char *const *key = SECRETS; *key; key++)
			if (json_object_get(user, *key))
				json_object_set_new(user, *key,
				        json_string(
				                strchr(*key, '-') ? "DATA+OMITTED" : "REDACTED"));
	}
	json_array_foreach(json_object_get(config, "clusters"), i, entry) {
		json_t *cluster = json_object_get(entry, "cluster");

		if (json_object_get(cluster, "certificate-authority-data"))
			json_object_set_new(
			        cluster, "certificate-authority-data", json_string("DATA+OMITTED"));
	}
}

static void keep_named(json_t *config, const char *list, const char *name)
{
	json_t *entries = json_object_get(config, list);

	for (size_t i = json_array_size(entries); i-- > 0;)
		if (!kt_streq(kt_jstr(json_array_get(entries, i), "name"), name))
			json_array_remove(entries, i);
}

static void minify(json_t *config, const char *context)
{
	keep_named(config, "contexts", context);
	json_t *entry = json_array_get(json_object_get(config, "contexts"), 0);

	keep_named(config, "clusters", kt_jstr(entry, "context.cluster"));
	keep_named(config, "users", kt_jstr(entry, "context.user"));
}

static int run_view(struct kt_command_context *ctx)
{
	struct kt_kubeconfig *config = NULL;
	kt_auto_str text = KT_STR_INIT;

	if (with_config(ctx, &config) != KT_EXIT_OK)
		return KT_EXIT_ERROR;
	kt_auto_json json_t *tree = json_deep_copy(kt_kubeconfig_tree(config));

	if (kt_opt_bool(ctx, "minify"))
		minify(tree, kt_kubeconfig_current_context(config));
	if (!kt_opt_bool(ctx, "raw"))
		hide_secrets(tree);
	if (kt_streq(kt_opt_string(ctx, "output"), "json")) {
		kt_json_write(&text, tree, KT_JSON_PRETTY | KT_JSON_SORT);
		kt_str_putc(&text, '\n');
	} else {
		kt_yaml_write(&text, tree);
	}
	fputs(kt_str_text(&text), ctx->out);
	kt_kubeconfig_destroy(config);
	return KT_EXIT_OK;
}

static int run_current(struct kt_command_context *ctx)
{
	struct kt_kubeconfig *config = NULL;

	if (with_config(ctx, &config) != KT_EXIT_OK)
		return KT_EXIT_ERROR;
	const char *current = kt_kubeconfig_current_context(config);
	int code = current ? KT_EXIT_OK : kt_command_fail(ctx, NULL, "current-context is not set");

	if (current)
		fprintf(ctx->out, "%s\n", current);
	kt_kubeconfig_destroy(config);
	return code;
}

static void print_context(struct kt_table_writer *table, const json_t *entry, const char *current)
{
	static const char *const PATHS[] = {
	        "name", "context.cluster", "context.user", "context.namespace"};

	kt_table_writer_cell(table, kt_streq(kt_jstr(entry, "name"), current) ? "*" : "");
	for (size_t i = 0; i < KT_ARRAY_SIZE(PATHS); i++)
		kt_table_writer_cell(table, kt_jstr(entry, PATHS[i]));
	kt_table_writer_end_row(table);
}

static int run_contexts(struct kt_command_context *ctx)
{
	static const char *const NAMES[] = {"CURRENT", "NAME", "CLUSTER", "AUTHINFO", "NAMESPACE"};
	struct kt_kubeconfig *config = NULL;
	bool names_only = kt_streq(kt_opt_string(ctx, "output"), "name");
	json_t *entry;
	size_t i;

	if (with_config(ctx, &config) != KT_EXIT_OK)
		return KT_EXIT_ERROR;
	struct kt_table_writer *table = kt_table_writer_create(ctx->out);

	for (i = 0; i < KT_ARRAY_SIZE(NAMES) && !names_only && !kt_opt_bool(ctx, "no-headers"); i++)
		kt_table_writer_cell(table, NAMES[i]);
	if (i)
		kt_table_writer_end_row(table);
	json_array_foreach(json_object_get(kt_kubeconfig_tree(config), "contexts"), i, entry) {
		if (names_only)
			fprintf(ctx->out, "%s\n", kt_jstr(entry, "name"));
		else
			print_context(table, entry, kt_kubeconfig_current_context(config));
	}
	kt_table_writer_destroy(table);
	kt_kubeconfig_destroy(config);
	return KT_EXIT_OK;
}

static const char *config_path(const struct kt_command_context *ctx)
{
	const char *path = kt_opt_string(ctx, "kubeconfig");

	return path ? path : kt_session_kubeconfig(ctx->session);
}

static int run_use(struct kt_command_context *ctx)
{
	kt_auto_err err = KT_ERR_INIT;

	if (ctx->argc != 1)
		return kt_command_fail(ctx, NULL, "exactly one CONTEXT is required");
	if (kt_kubeconfig_use_context(config_path(ctx), ctx->argv[0], &err) < 0)
		return kt_command_fail(ctx, &err, NULL);
	fprintf(ctx->out, "Switched to context \"%s\".\n", ctx->argv[0]);
	return KT_EXIT_OK;
}

/* set-context --current --namespace=x: the one use people make of it. */
static int run_set(struct kt_command_context *ctx)
{
	kt_auto_err err = KT_ERR_INIT;
	const char *namespace = kt_opt_string(ctx, "namespace");
	struct kt_kubeconfig *config = NULL;

	if (!namespace)
		return kt_command_fail(ctx, NULL, "nothing to set: give --namespace");
	if (with_config(ctx, &config) != KT_EXIT_OK)
		return KT_EXIT_ERROR;
	const char *name = ctx->argc ? ctx->argv[0] : kt_kubeconfig_current_context(config);
	int code = KT_EXIT_OK;

	if (!name || (!ctx->argc && !kt_opt_bool(ctx, "current")))
		code = kt_command_fail(ctx, NULL, "name a context or give --current");
	else if (kt_kubeconfig_set_namespace(config_path(ctx), name, namespace, &err) < 0)
		code = kt_command_fail(ctx, &err, NULL);
	else
		fprintf(ctx->out, "Context \"%s\" modified.\n", name);
	kt_kubeconfig_destroy(config);
	return code;
}

static int run(struct kt_command_context *ctx)
{
	return kt_command_fail(ctx, NULL,
	        "config needs a command: view, get-contexts, current-context, use-context or "
	        "set-context");
}

static const enum kt_completion CONTEXTS[] = {KT_COMPLETE_CONTEXT, KT_COMPLETE_NONE};

#define SUBCOMMAND(id, word, how, text, opts, fn, args) \
	static const struct kt_command config_##id = { \
	        .name = word, \
	        .group = "Settings", \
	        .usage = "config " word how, \
	        .summary = text, \
	        .options = opts, \
	        .arguments = args, \
	        .run = fn, \
	};

SUBCOMMAND(view, "view", "", "Show the merged kubeconfig", VIEW_OPTIONS, run_view, NULL)
SUBCOMMAND(
        current, "current-context", "", "Show the current context", NO_OPTIONS, run_current, NULL)
SUBCOMMAND(contexts, "get-contexts", "", "Show all contexts", CONTEXT_OPTIONS, run_contexts, NULL)
SUBCOMMAND(use, "use-context", " CONTEXT", "Make a context the current one", NO_OPTIONS, run_use,
        CONTEXTS)
SUBCOMMAND(set, "set-context", " (CONTEXT | --current) --namespace=NAMESPACE",
        "Set the namespace of a context", SET_OPTIONS, run_set, CONTEXTS)

const struct kt_command kt_command_config = {
        .name = "config",
        .group = "Settings",
        .usage = "config (view|get-contexts|current-context|use-context|set-context)",
        .summary = "Show and change the kubeconfig",
        .options = NO_OPTIONS,
        .subcommands = (const struct kt_command *const[]){&config_view, &config_contexts,
                &config_current, &config_use, &config_set, NULL},
        .run = run,
};
