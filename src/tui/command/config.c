/* SPDX-License-Identifier: GPL-3.0-or-later */
/* config: the kubeconfig's contexts. */
#include "tui/command/config_change.h"
#include "tui/command/help.h"
#include "tui/command/options.h"
#include "tui/command/output.h"

#include "api/client/kubeconfig.h"
#include "base/yaml.h"

#include <errno.h>

static const struct kt_option VIEW_OPTIONS[] = {
        {.name = "output",
                .letter = 'o',
                .type = KT_OPTION_STRING,
                .value_name = "FORMAT",
                .fallback = "yaml",
                .help = "json, yaml, jsonpath=…, go-template=…",
                .completion = KT_COMPLETE_OUTPUT},
        {.name = "template",
                .type = KT_OPTION_STRING,
                .value_name = "TEMPLATE",
                .help = "the template of -o go-template or -o jsonpath, or its file"},
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
        {.name = "cluster",
                .type = KT_OPTION_STRING,
                .value_name = "CLUSTER",
                .help = "its cluster"},
        {.name = "user", .type = KT_OPTION_STRING, .value_name = "USER", .help = "its user"},
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

static bool has_entry(const json_t *config, const char *list, const char *name)
{
	json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(config, list), i, entry)
		if (kt_streq(kt_jstr(entry, "name"), name))
			return true;
	return false;
}

static void minify(json_t *config, const char *context)
{
	keep_named(config, "contexts", context);
	json_t *entry = json_array_get(json_object_get(config, "contexts"), 0);

	keep_named(config, "clusters", kt_jstr(entry, "context.cluster"));
	keep_named(config, "users", kt_jstr(entry, "context.user"));
}

static int by_name(const void *a, const void *b)
{
	return strcmp(kt_jstr(*(json_t *const *)a, "name"), kt_jstr(*(json_t *const *)b, "name"));
}

/* Entries by name, as kubectl shows them; those without one are left out. New reference. */
static json_t *entries_by_name(const json_t *config, const char *list)
{
	const json_t *entries = json_object_get(config, list);
	size_t n = 0, i;
	json_t **items = kt_new_array(json_t *, json_array_size(entries) + 1), *entry;
	json_t *sorted = json_array();

	json_array_foreach(entries, i, entry)
		if (kt_jstr(entry, "name"))
			items[n++] = entry;
	qsort(items, n, sizeof(*items), by_name);
	for (i = 0; i < n; i++)
		json_array_append(sorted, items[i]);
	free(items);
	return sorted;
}

/* Fields in the order of kubectl's JSON; the rest behind them. New reference. */
static json_t *in_order(const json_t *object, const char *const *order)
{
	json_t *ordered = json_object(), *value;
	const char *key;

	for (; *order; order++)
		if (json_object_get(object, *order))
			json_object_set(ordered, *order, json_object_get(object, *order));
	json_object_foreach((json_t *)(uintptr_t)object, key, value)
		if (!json_object_get(ordered, key))
			json_object_set(ordered, key, value);
	return ordered;
}

static const char *const ORDER[] = {"kind", "apiVersion", "preferences", "clusters", "users",
        "contexts", "current-context", NULL};
static const char *const ENTRY_ORDER[] = {"name", "server", "tls-server-name",
        "insecure-skip-tls-verify", "certificate-authority", "certificate-authority-data",
        "proxy-url", "client-certificate", "client-certificate-data", "client-key",
        "client-key-data", "token", "tokenFile", "cluster", "user", "namespace", NULL};

/* The kubeconfig as kubectl shows it; NULL lists where there is nothing. New reference. */
static json_t *shown_config(const json_t *config)
{
	static const char *const LISTS[][2] = {
	        {"clusters", "cluster"}, {"users", "user"}, {"contexts", "context"}};
	json_t *shown = json_copy((json_t *)(uintptr_t)config), *entry;
	size_t i;

	for (size_t l = 0; l < KT_ARRAY_SIZE(LISTS); l++) {
		kt_auto_json json_t *entries = entries_by_name(config, LISTS[l][0]);
		json_t *list = json_array();

		json_array_foreach(entries, i, entry) {
			json_t *ordered = in_order(entry, ENTRY_ORDER);

			json_object_set_new(ordered, LISTS[l][1],
			        in_order(json_object_get(entry, LISTS[l][1]), ENTRY_ORDER));
			json_array_append_new(list, ordered);
		}
		if (!json_array_size(list)) {
			json_decref(list);
			list = json_null();
		}
		json_object_set_new(shown, LISTS[l][0], list);
	}
	if (!json_object_get(shown, "current-context"))
		json_object_set_new(shown, "current-context", json_string(""));
	json_object_set_new(shown, "kind", json_string("Config"));
	json_object_set_new(shown, "apiVersion", json_string("v1"));
	if (!json_object_size(json_object_get(shown, "preferences")))
		json_object_del(shown, "preferences");
	json_t *ordered = in_order(shown, ORDER);

	json_decref(shown);
	return ordered;
}

static int print_config(struct kt_command_context *ctx, const json_t *config, struct kt_err *err)
{
	const char *output = kt_opt_string(ctx, "output");
	kt_auto_str text = KT_STR_INIT;
	struct kt_printer *printer;

	if (kt_streq(output, "json")) {
		kt_json_write(&text, config, KT_JSON_PRETTY);
		fprintf(ctx->out, "%s\n", kt_str_text(&text));
		return 0;
	}
	if (!output || !strcmp(output, "yaml")) {
		kt_yaml_write(&text, config);
		fputs(kt_str_text(&text), ctx->out);
		return 0;
	}
	if (!strcmp(output, "name"))
		return kt_fail(err, EINVAL, "a kubeconfig has no name");
	if (kt_printer_create(ctx, false, false, &printer, err) < 0)
		return err->code;
	int r = kt_printer_object(printer, NULL, config, err);

	kt_printer_destroy(printer);
	return r;
}

static int run_view(struct kt_command_context *ctx)
{
	struct kt_kubeconfig *config = NULL;
	kt_auto_err err = KT_ERR_INIT;
	const char *context = kt_opt_string(ctx, "context");

	if (with_config(ctx, &config) != KT_EXIT_OK)
		return KT_EXIT_ERROR;
	kt_auto_json json_t *tree = json_deep_copy(kt_kubeconfig_tree(config));
	const char *current = context ? context : kt_kubeconfig_current_context(config);
	int r = 0;

	if (kt_opt_bool(ctx, "minify") && (!current || !*current))
		r = kt_fail(&err, ENOENT, "current-context must exist in order to minify");
	else if (kt_opt_bool(ctx, "minify") && !has_entry(tree, "contexts", current))
		r = kt_fail(&err, ENOENT, "cannot locate context %s", current);
	else if (kt_opt_bool(ctx, "minify"))
		minify(tree, current);
	if (!kt_opt_bool(ctx, "raw"))
		hide_secrets(tree);
	kt_auto_json json_t *shown = shown_config(tree);

	if (r == 0)
		r = print_config(ctx, shown, &err);
	kt_kubeconfig_destroy(config);
	return r < 0 ? kt_command_fail(ctx, &err, NULL) : KT_EXIT_OK;
}

static int run_current(struct kt_command_context *ctx)
{
	struct kt_kubeconfig *config = NULL;

	if (with_config(ctx, &config) != KT_EXIT_OK)
		return KT_EXIT_ERROR;
	const char *current = kt_kubeconfig_current_context(config);
	int code = current && *current ? KT_EXIT_OK
	                               : kt_command_fail(ctx, NULL, "current-context is not set");

	if (code == KT_EXIT_OK)
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

/* Those that are named, or all. An unknown one is said, and the others are shown. */
static int print_contexts(struct kt_command_context *ctx, const json_t *config, const char *current,
        struct kt_table_writer *table)
{
	kt_auto_json json_t *contexts = entries_by_name(config, "contexts");
	bool names_only = kt_streq(kt_opt_string(ctx, "output"), "name");
	json_t *entry;
	size_t i;

	json_array_foreach(contexts, i, entry) {
		const char *name = kt_jstr(entry, "name");
		bool shown = ctx->argc == 0;

		for (int a = 0; a < ctx->argc; a++)
			shown |= !strcmp(ctx->argv[a], name);
		if (shown && names_only)
			fprintf(ctx->out, "%s\n", name);
		else if (shown)
			print_context(table, entry, current);
	}
	kt_table_writer_flush(table);
	int code = KT_EXIT_OK;

	for (int a = 0; a < ctx->argc; a++)
		if (!has_entry(config, "contexts", ctx->argv[a]))
			code = kt_command_fail(ctx, NULL, "context %s not found", ctx->argv[a]);
	return code;
}

static int run_contexts(struct kt_command_context *ctx)
{
	static const char *const NAMES[] = {"CURRENT", "NAME", "CLUSTER", "AUTHINFO", "NAMESPACE"};
	struct kt_kubeconfig *config = NULL;
	const char *output = kt_opt_string(ctx, "output");
	bool with_header = !output && !kt_opt_bool(ctx, "no-headers");

	if (output && strcmp(output, "name") != 0)
		return kt_command_fail(ctx, NULL,
		        "--output %s is not available in kube-tui config "
		        "get-contexts; resetting to default output format",
		        output);
	if (with_config(ctx, &config) != KT_EXIT_OK)
		return KT_EXIT_ERROR;
	struct kt_table_writer *table = kt_table_writer_create(ctx->out);

	for (size_t i = 0; i < KT_ARRAY_SIZE(NAMES) && with_header; i++)
		kt_table_writer_cell(table, NAMES[i]);
	if (with_header)
		kt_table_writer_end_row(table);
	int code = print_contexts(
	        ctx, kt_kubeconfig_tree(config), kt_kubeconfig_current_context(config), table);

	kt_table_writer_destroy(table);
	kt_kubeconfig_destroy(config);
	return code;
}

static int print_names(struct kt_command_context *ctx, const char *list)
{
	struct kt_kubeconfig *config = NULL;
	json_t *entry;
	size_t i;

	if (with_config(ctx, &config) != KT_EXIT_OK)
		return KT_EXIT_ERROR;
	kt_auto_json json_t *entries = entries_by_name(kt_kubeconfig_tree(config), list);

	fputs("NAME\n", ctx->out);
	json_array_foreach(entries, i, entry)
		fprintf(ctx->out, "%s\n", kt_jstr(entry, "name"));
	kt_kubeconfig_destroy(config);
	return KT_EXIT_OK;
}

static int run_clusters(struct kt_command_context *ctx)
{
	return print_names(ctx, "clusters");
}

static int run_users(struct kt_command_context *ctx)
{
	return print_names(ctx, "users");
}

static const char *config_path(const struct kt_command_context *ctx)
{
	const char *path = kt_opt_string(ctx, "kubeconfig");

	return path ? path : kt_session_kubeconfig(ctx->session);
}

/* A command with the wrong number of arguments: its help, and kubectl's words. */
static int refuse_arguments(struct kt_command_context *ctx)
{
	kt_auto_str words = KT_STR_INIT;

	for (int i = 0; i < ctx->argc; i++)
		kt_str_printf(&words, "%s%s", i ? " " : "", ctx->argv[i]);
	kt_help_command(ctx->command, ctx->err);
	return kt_command_fail(ctx, NULL, "Unexpected args: [%s]", kt_str_text(&words));
}

static int run_use(struct kt_command_context *ctx)
{
	kt_auto_err err = KT_ERR_INIT;

	if (ctx->argc != 1)
		return refuse_arguments(ctx);
	if (kt_kubeconfig_use_context(config_path(ctx), ctx->argv[0], &err) < 0)
		return kt_command_fail(ctx, &err, NULL);
	fprintf(ctx->out, "Switched to context \"%s\".\n", ctx->argv[0]);
	return KT_EXIT_OK;
}

/* The context that is meant, of the arguments and --current. Heap; NULL after an error. */
static char *context_to_set(struct kt_command_context *ctx)
{
	struct kt_kubeconfig *config = NULL;
	bool of_current = kt_opt_bool(ctx, "current");

	if (!of_current && (!ctx->argc || !*ctx->argv[0])) {
		kt_command_fail(
		        ctx, NULL, "you must specify a non-empty context name or --current");
		return NULL;
	}
	if (of_current && ctx->argc) {
		kt_command_fail(ctx, NULL, "you cannot specify both a context name and --current");
		return NULL;
	}
	if (!of_current)
		return kt_strdup(ctx->argv[0]);
	if (with_config(ctx, &config) != KT_EXIT_OK)
		return NULL;
	const char *current = kt_kubeconfig_current_context(config);
	char *name = current && *current ? kt_strdup(current) : NULL;

	kt_kubeconfig_destroy(config);
	if (!name)
		kt_command_fail(ctx, NULL, "no current context is set");
	return name;
}

static int run_set(struct kt_command_context *ctx)
{
	static const char *const FIELDS[] = {"cluster", "user", "namespace"};
	kt_auto_err err = KT_ERR_INIT;
	bool created = false;

	if (ctx->argc > 1)
		return refuse_arguments(ctx);
	kt_auto_free char *name = context_to_set(ctx);
	kt_auto_json json_t *fields = json_object();

	if (!name)
		return KT_EXIT_ERROR;
	for (size_t i = 0; i < KT_ARRAY_SIZE(FIELDS); i++)
		if (kt_opt_given(ctx, FIELDS[i]))
			json_object_set_new(
			        fields, FIELDS[i], json_string(kt_opt_string(ctx, FIELDS[i])));
	if (kt_kubeconfig_set_context(config_path(ctx), name, fields, &created, &err) < 0)
		return kt_command_fail(ctx, &err, NULL);
	fprintf(ctx->out, "Context \"%s\" %s.\n", name, created ? "created" : "modified");
	return KT_EXIT_OK;
}

static int delete_entry(struct kt_command_context *ctx, const char *list, const char *noun)
{
	kt_auto_err err = KT_ERR_INIT;
	struct kt_kubeconfig *config = NULL;

	if (ctx->argc != 1) {
		kt_help_command(ctx->command, ctx->out);
		return KT_EXIT_OK;
	}
	if (with_config(ctx, &config) != KT_EXIT_OK)
		return KT_EXIT_ERROR;
	kt_auto_free char *file = kt_kubeconfig_file(config_path(ctx));
	bool active = !strcmp(noun, "context") &&
	              kt_streq(kt_kubeconfig_current_context(config), ctx->argv[0]);
	int r = kt_kubeconfig_delete(config_path(ctx), list, ctx->argv[0], &err);

	kt_kubeconfig_destroy(config);
	if (r == -ENOENT)
		return kt_command_fail(
		        ctx, NULL, "cannot delete %s %s, not in %s", noun, ctx->argv[0], file);
	if (r < 0)
		return kt_command_fail(ctx, &err, NULL);
	if (active)
		fputs("warning: this removed your active context, use \"kube-tui config "
		      "use-context\" to select a different one\n",
		        ctx->err);
	fprintf(ctx->out, "deleted %s %s from %s\n", noun, ctx->argv[0], file);
	return KT_EXIT_OK;
}

static int run_delete_context(struct kt_command_context *ctx)
{
	return delete_entry(ctx, "contexts", "context");
}

static int run_delete_cluster(struct kt_command_context *ctx)
{
	return delete_entry(ctx, "clusters", "cluster");
}

static int run_delete_user(struct kt_command_context *ctx)
{
	return delete_entry(ctx, "users", "user");
}

static int run_rename(struct kt_command_context *ctx)
{
	kt_auto_err err = KT_ERR_INIT;
	struct kt_kubeconfig *config = NULL;

	if (ctx->argc != 2)
		return refuse_arguments(ctx);
	if (with_config(ctx, &config) != KT_EXIT_OK)
		return KT_EXIT_ERROR;
	const char *from = ctx->argv[0], *to = ctx->argv[1];
	kt_auto_free char *file = kt_kubeconfig_file(config_path(ctx));
	bool found = has_entry(kt_kubeconfig_tree(config), "contexts", from),
	     taken = has_entry(kt_kubeconfig_tree(config), "contexts", to);

	kt_kubeconfig_destroy(config);
	if (!found)
		return kt_command_fail(
		        ctx, NULL, "cannot rename the context \"%s\", it's not in %s", from, file);
	if (taken)
		return kt_command_fail(ctx, NULL,
		        "cannot rename the context \"%s\", the context \"%s\" already exists in %s",
		        from, to, file);
	if (kt_kubeconfig_rename_context(config_path(ctx), from, to, &err) < 0)
		return kt_command_fail(ctx, &err, NULL);
	fprintf(ctx->out, "Context \"%s\" renamed to \"%s\".\n", from, to);
	return KT_EXIT_OK;
}

static const enum kt_completion CONTEXTS[] = {KT_COMPLETE_CONTEXT, KT_COMPLETE_NONE};

#define SUBCOMMAND(id, word, names, how, text, opts, fn, args, reads_only) \
	static const struct kt_command config_##id = { \
	        .name = word, \
	        .aliases = names, \
	        .group = "Settings", \
	        .usage = "config " word how, \
	        .summary = text, \
	        .options = opts, \
	        .arguments = args, \
	        .reads = reads_only, \
	        .run = fn, \
	};

static const char *const USE_NAMES[] = {"use", NULL};

SUBCOMMAND(view, "view", NULL, "", "Show the merged kubeconfig", VIEW_OPTIONS, run_view, NULL, true)
SUBCOMMAND(current, "current-context", NULL, "", "Show the current context", NO_OPTIONS,
        run_current, NULL, true)
SUBCOMMAND(contexts, "get-contexts", NULL, " [NAME…]", "Show contexts", CONTEXT_OPTIONS,
        run_contexts, CONTEXTS, true)
SUBCOMMAND(clusters, "get-clusters", NULL, "", "Show the names of the clusters", NO_OPTIONS,
        run_clusters, NULL, true)
SUBCOMMAND(users, "get-users", NULL, "", "Show the names of the users", NO_OPTIONS, run_users, NULL,
        true)
SUBCOMMAND(use, "use-context", USE_NAMES, " CONTEXT", "Make a context the current one", NO_OPTIONS,
        run_use, CONTEXTS, false)
SUBCOMMAND(set, "set-context", NULL,
        " (CONTEXT | --current) [--cluster=CLUSTER] [--user=USER] [--namespace=NAMESPACE]",
        "Change a context, or make one", SET_OPTIONS, run_set, CONTEXTS, false)
SUBCOMMAND(rename, "rename-context", NULL, " CONTEXT NEW_NAME", "Give a context another name",
        NO_OPTIONS, run_rename, CONTEXTS, false)
SUBCOMMAND(delete_context, "delete-context", NULL, " CONTEXT", "Take a context out", NO_OPTIONS,
        run_delete_context, CONTEXTS, false)
SUBCOMMAND(delete_cluster, "delete-cluster", NULL, " CLUSTER",
        "Take a cluster out, of the kubeconfig alone", NO_OPTIONS, run_delete_cluster, NULL, false)
SUBCOMMAND(delete_user, "delete-user", NULL, " USER", "Take a user out", NO_OPTIONS,
        run_delete_user, NULL, false)

const struct kt_command kt_command_config = {
        .name = "config",
        .group = "Settings",
        .usage = "config (view|current-context|use-context|set-context|rename-context|"
                 "get-contexts|get-clusters|get-users|set-cluster|set-credentials|set|unset|"
                 "delete-context|delete-cluster|delete-user)",
        .summary = "Show and change the kubeconfig",
        .options = NO_OPTIONS,
        .subcommands = (const struct kt_command *const[]){&config_view, &config_contexts,
                &config_clusters, &config_users, &config_current, &config_use, &config_set,
                &config_rename, &kt_command_config_cluster, &kt_command_config_credentials,
                &kt_command_config_set, &kt_command_config_unset, &config_delete_context,
                &config_delete_cluster, &config_delete_user, NULL},
};
