/* SPDX-License-Identifier: GPL-3.0-or-later */
/* api-resources and api-versions: what the server serves. */
#include "tui/command/options.h"
#include "tui/command/output.h"

#include <errno.h>

static const char *const SORT_WORDS[] = {"name", "kind", NULL};

static const struct kt_option OPTIONS[] = {
        {.name = "output",
                .letter = 'o',
                .type = KT_OPTION_STRING,
                .value_name = "wide|name",
                .help = "wide or name",
                .completion = KT_COMPLETE_OUTPUT},
        {.name = "api-group",
                .type = KT_OPTION_STRING,
                .value_name = "GROUP",
                .help = "only this group; \"\" is core"},
        {.name = "namespaced",
                .type = KT_OPTION_BOOL,
                .help = "only those in namespaces, or =false: only the others"},
        {.name = "verbs",
                .type = KT_OPTION_STRINGS,
                .value_name = "VERB,…",
                .help = "only those with these verbs"},
        {.name = "categories",
                .type = KT_OPTION_STRINGS,
                .value_name = "CATEGORY,…",
                .help = "only those in these categories"},
        {.name = "cached", .type = KT_OPTION_BOOL, .help = "as kubectl has it; nothing is cached"},
        {.name = "no-headers", .type = KT_OPTION_BOOL, .help = "no header line"},
        {.name = "sort-by",
                .type = KT_OPTION_STRING,
                .value_name = "name|kind",
                .help = "order",
                .completion = KT_COMPLETE_WORDS,
                .words = SORT_WORDS},
        KT_OPTION_END,
};

static bool all_listed(const struct kt_strings *lists, const struct kt_resource *resource,
        bool (*has)(const struct kt_resource *, const char *))
{
	for (size_t i = 0; i < lists->n; i++) {
		struct kt_sv rest = kt_sv_of(lists->items[i]), part;

		while (kt_sv_split(&rest, ',', &part)) {
			kt_auto_free char *word = kt_sv_dup(part);

			if (!has(resource, word))
				return false;
		}
	}
	return true;
}

static bool wanted(const struct kt_command_context *ctx, const struct kt_resource *resource)
{
	const char *group = kt_opt_string(ctx, "api-group");

	return resource->preferred && (!group || kt_streq(group, resource->group)) &&
	       (!kt_opt_given(ctx, "namespaced") ||
	               kt_opt_bool(ctx, "namespaced") == resource->namespaced) &&
	       all_listed(kt_opt_strings(ctx, "verbs"), resource, kt_resource_has_verb) &&
	       all_listed(kt_opt_strings(ctx, "categories"), resource, kt_resource_in_category);
}

static void print_joined(struct kt_table_writer *table, char *const *words)
{
	kt_auto_str text = KT_STR_INIT;

	for (size_t i = 0; words && words[i]; i++)
		kt_str_printf(&text, "%s%s", i ? "," : "", words[i]);
	kt_table_writer_cell(table, kt_str_text(&text));
}

static void print_resource(
        struct kt_table_writer *table, const struct kt_resource *resource, bool wide)
{
	kt_auto_free char *api_version = kt_resource_api_version(resource);

	kt_table_writer_cell(table, resource->plural);
	print_joined(table, resource->short_names);
	kt_table_writer_cell(table, api_version);
	kt_table_writer_cell(table, resource->namespaced ? "true" : "false");
	kt_table_writer_cell(table, resource->kind);
	if (wide) {
		print_joined(table, resource->verbs);
		print_joined(table, resource->categories);
	}
	kt_table_writer_end_row(table);
}

static void print_header(struct kt_table_writer *table, bool wide)
{
	static const char *const NAMES[] = {
	        "NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND", "VERBS", "CATEGORIES"};

	for (size_t i = 0; i < (wide ? 7 : 5); i++)
		kt_table_writer_cell(table, NAMES[i]);
	kt_table_writer_end_row(table);
}

static int by_group_and_name(const void *a, const void *b)
{
	const struct kt_resource *x = *(const struct kt_resource *const *)a,
	                         *y = *(const struct kt_resource *const *)b;
	int order = strcmp(x->group, y->group);

	return order ? order : strcmp(x->plural, y->plural);
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const struct kt_resource *const *)a)->plural,
	        (*(const struct kt_resource *const *)b)->plural);
}

static int by_kind(const void *a, const void *b)
{
	return strcmp((*(const struct kt_resource *const *)a)->kind,
	        (*(const struct kt_resource *const *)b)->kind);
}

static int refuse_arguments(struct kt_command_context *ctx)
{
	kt_auto_str words = KT_STR_INIT;

	for (int i = 0; i < ctx->argc; i++)
		kt_str_printf(&words, "%s%s", i ? " " : "", ctx->argv[i]);
	return kt_command_refuse(ctx, "unexpected arguments: [%s]", kt_str_text(&words));
}

static int run(struct kt_command_context *ctx)
{
	kt_auto_err err = KT_ERR_INIT;
	const char *output = kt_opt_string(ctx, "output"), *sort = kt_opt_string(ctx, "sort-by");
	const struct kt_discovery *discovery =
	        ctx->argc ? NULL : kt_session_discovery(ctx->session, &err);

	if (ctx->argc)
		return refuse_arguments(ctx);
	if (!discovery)
		return kt_command_fail(ctx, &err, NULL);
	const struct kt_resource **chosen =
	        kt_new_array(const struct kt_resource *, discovery->n + 1);
	size_t n = 0;

	for (size_t i = 0; i < discovery->n; i++)
		if (wanted(ctx, &discovery->resources[i]))
			chosen[n++] = &discovery->resources[i];
	qsort(chosen, n, sizeof(*chosen),
	        !sort                   ? by_group_and_name
	        : !strcmp(sort, "kind") ? by_kind
	                                : by_name);
	struct kt_table_writer *table = kt_table_writer_create(ctx->out);

	if (!kt_streq(output, "name") && !kt_opt_bool(ctx, "no-headers"))
		print_header(table, kt_streq(output, "wide"));
	for (size_t i = 0; i < n; i++) {
		kt_auto_free char *name = kt_resource_full_name(chosen[i]);

		if (kt_streq(output, "name"))
			fprintf(ctx->out, "%s\n", name);
		else
			print_resource(table, chosen[i], kt_streq(output, "wide"));
	}
	kt_table_writer_destroy(table);
	free(chosen);
	return KT_EXIT_OK;
}

static int run_versions(struct kt_command_context *ctx)
{
	kt_auto_err err = KT_ERR_INIT;
	const struct kt_discovery *discovery =
	        ctx->argc ? NULL : kt_session_discovery(ctx->session, &err);
	struct kt_map seen;
	const char *version;
	size_t it = 0, n = 0;

	if (ctx->argc)
		return refuse_arguments(ctx);
	if (!discovery)
		return kt_command_fail(ctx, &err, NULL);
	kt_map_init(&seen, NULL);
	for (size_t i = 0; i < discovery->n; i++) {
		kt_auto_free char *text = kt_resource_api_version(&discovery->resources[i]);

		kt_map_set(&seen, text, ctx);
	}
	const char **versions = kt_new_array(const char *, seen.n + 1);

	while (kt_map_next(&seen, &it, &version, NULL))
		versions[n++] = version;
	qsort(versions, n, sizeof(*versions), kt_strp_cmp);
	for (size_t i = 0; i < n; i++)
		fprintf(ctx->out, "%s\n", versions[i]);
	free(versions);
	kt_map_finish(&seen);
	return KT_EXIT_OK;
}

static const struct kt_option NO_OPTIONS[] = {KT_OPTION_END};

const struct kt_command kt_command_api_resources = {
        .name = "api-resources",
        .group = "Cluster",
        .usage = "api-resources [--namespaced[=false]] [-o wide|name]",
        .summary = "Show the types the server serves",
        .options = OPTIONS,
        .needs_client = true,
        .reads = true,
        .run = run,
};

const struct kt_command kt_command_api_versions = {
        .name = "api-versions",
        .group = "Cluster",
        .usage = "api-versions",
        .summary = "Show the groups and versions the server serves",
        .options = NO_OPTIONS,
        .needs_client = true,
        .reads = true,
        .run = run_versions,
};
