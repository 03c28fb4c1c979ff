/* SPDX-License-Identifier: GPL-3.0-or-later */
/* top: CPU and memory in use, from metrics.k8s.io. */
#include "tui/command/options.h"
#include "tui/command/output.h"
#include "tui/command/target.h"

#include "api/machinery/quantity.h"

#include <errno.h>

#define METRICS_PATH "/apis/metrics.k8s.io/v1beta1"
#define MIB 1048576

static const char *const SORT_WORDS[] = {"cpu", "memory", NULL};

#define COMMON_OPTIONS \
	KT_OPTION_SELECTOR, \
	        {.name = "no-headers", .type = KT_OPTION_BOOL, .help = "no header line"}, \
	        {.name = "sort-by", \
	                .type = KT_OPTION_STRING, \
	                .value_name = "cpu|memory", \
	                .help = "largest first", \
	                .completion = KT_COMPLETE_WORDS, \
	                .words = SORT_WORDS}, \
	        KT_OPTION_END

static const struct kt_option NODE_OPTIONS[] = {
        {.name = "show-capacity",
                .type = KT_OPTION_BOOL,
                .help = "percentages of the capacity, not of what pods may use"},
        COMMON_OPTIONS,
};

static const struct kt_option POD_OPTIONS[] = {
        KT_OPTION_ALL_NAMESPACES,
        KT_OPTION_FIELD_SELECTOR,
        {.name = "sum", .type = KT_OPTION_BOOL, .help = "a last line with the sums"},
        {.name = "containers", .type = KT_OPTION_BOOL, .help = "each container"},
        COMMON_OPTIONS,
};

struct usage {
	const char *namespace, *name, *container; /* borrowed from the answer */
	int64_t cpu_milli, memory_bytes;
	int64_t cpu_milli_of, memory_bytes_of; /* allocatable; 0: unknown */
};

struct usages {
	struct usage *items;
	size_t n;
};

static struct usage *push(struct usages *usages, const json_t *object)
{
	usages->items = kt_reallocarray(usages->items, usages->n + 1, sizeof(*usages->items));
	usages->items[usages->n] = (struct usage){
	        .namespace = kt_jstr(object, "metadata.namespace"),
	        .name = kt_jstr(object, "metadata.name"),
	};
	return &usages->items[usages->n++];
}

static void add_usage(struct usage *usage, const json_t *resources)
{
	const char *cpu = kt_jstr(resources, "cpu"), *memory = kt_jstr(resources, "memory");

	usage->cpu_milli += cpu ? kt_quantity_text_milli(cpu) : 0;
	usage->memory_bytes += memory ? kt_quantity_text_value(memory) : 0;
}

static int by_cpu(const void *a, const void *b)
{
	const struct usage *x = a, *y = b;

	return (x->cpu_milli < y->cpu_milli) - (x->cpu_milli > y->cpu_milli);
}

static int by_memory(const void *a, const void *b)
{
	const struct usage *x = a, *y = b;

	return (x->memory_bytes < y->memory_bytes) - (x->memory_bytes > y->memory_bytes);
}

static int by_name(const void *a, const void *b)
{
	const struct usage *x = a, *y = b;
	int order = strcmp(x->namespace ? x->namespace : "", y->namespace ? y->namespace : "");

	return order ? order : strcmp(x->name, y->name);
}

static int sort(const struct kt_command_context *ctx, struct usages *usages, struct kt_err *err)
{
	const char *key = kt_opt_string(ctx, "sort-by");

	if (key && strcmp(key, "cpu") != 0 && strcmp(key, "memory") != 0)
		return kt_fail(err, EINVAL, "--sort-by accepts only cpu or memory");
	if (usages->n)
		qsort(usages->items, usages->n, sizeof(*usages->items),
		        !key                  ? by_name
		        : !strcmp(key, "cpu") ? by_cpu
		                              : by_memory);
	return 0;
}

static void amount(struct kt_table_writer *table, int64_t value, const char *unit)
{
	kt_auto_free char *text = kt_asprintf("%lld%s", (long long)value, unit);

	kt_table_writer_cell(table, text);
}

static void share(struct kt_table_writer *table, int64_t value, int64_t whole)
{
	if (whole > 0)
		amount(table, value * 100 / whole, "%");
	else
		kt_table_writer_cell(table, "<unknown>");
}

static void header(
        struct kt_command_context *ctx, struct kt_table_writer *table, const char *const *names)
{
	if (kt_opt_bool(ctx, "no-headers"))
		return;
	for (; *names; names++)
		if (**names)
			kt_table_writer_cell(table, *names);
	kt_table_writer_end_row(table);
}

/* With its question mark; "" when there is no selector. Heap. */
static char *query(const struct kt_command_context *ctx)
{
	kt_auto_free char *selectors = kt_targets_query(ctx);

	return kt_asprintf("%s%s", *selectors ? "?" : "", selectors);
}

static json_t *fetch(struct kt_command_context *ctx, const char *path, struct kt_err *err)
{
	json_t *list = kt_session_get(ctx, path, NULL, err);

	if (!list && err->code == -ENOENT && ctx->argc == 0)
		kt_fail(err, ENOENT, "Metrics API not available");
	return list;
}

static void set_whole(struct usages *usages, const json_t *nodes, const char *what)
{
	kt_auto_free char *cpu_path = kt_asprintf("status.%s.cpu", what),
	                  *memory_path = kt_asprintf("status.%s.memory", what);
	json_t *node;
	size_t i;

	json_array_foreach(json_object_get(nodes, "items"), i, node) {
		const char *cpu = kt_jstr(node, cpu_path), *memory = kt_jstr(node, memory_path);

		for (size_t j = 0; j < usages->n; j++) {
			if (!kt_streq(usages->items[j].name, kt_jstr(node, "metadata.name")))
				continue;
			usages->items[j].cpu_milli_of = cpu ? kt_quantity_text_milli(cpu) : 0;
			usages->items[j].memory_bytes_of =
			        memory ? kt_quantity_text_value(memory) : 0;
		}
	}
}

static void collect_nodes(const json_t *answer, struct usages *usages)
{
	json_t *item;
	size_t i;

	if (!json_object_get(answer, "items")) {
		add_usage(push(usages, answer), json_object_get(answer, "usage"));
		return;
	}
	json_array_foreach(json_object_get(answer, "items"), i, item)
		add_usage(push(usages, item), json_object_get(item, "usage"));
}

static void print_nodes(struct kt_command_context *ctx, const struct usages *usages)
{
	static const char *const NAMES[] = {
	        "NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)", NULL};
	struct kt_table_writer *table = kt_table_writer_create(ctx->out);

	header(ctx, table, NAMES);
	for (size_t i = 0; i < usages->n; i++) {
		const struct usage *usage = &usages->items[i];

		kt_table_writer_cell(table, usage->name);
		amount(table, usage->cpu_milli, "m");
		share(table, usage->cpu_milli, usage->cpu_milli_of);
		amount(table, usage->memory_bytes / MIB, "Mi");
		share(table, usage->memory_bytes, usage->memory_bytes_of);
		kt_table_writer_end_row(table);
	}
	kt_table_writer_destroy(table);
}

/* One name or a selector; option is how kubectl calls the latter. */
static int check_arguments(struct kt_command_context *ctx, const char *noun, const char *option)
{
	if (ctx->argc > 1)
		return kt_command_refuse(ctx, "%s [NAME | -l label]", noun);
	if (ctx->argc && kt_opt_string(ctx, "selector"))
		return kt_command_fail(ctx, NULL, "only one of NAME or %s can be provided", option);
	return KT_EXIT_OK;
}

static int run_nodes(struct kt_command_context *ctx)
{
	kt_auto_err err = KT_ERR_INIT;

	if (check_arguments(ctx, "node", "--selector") != KT_EXIT_OK)
		return KT_EXIT_ERROR;
	kt_auto_free char *selector = query(ctx);
	kt_auto_free char *path = ctx->argc ? kt_asprintf(METRICS_PATH "/nodes/%s", ctx->argv[0])
	                                    : kt_asprintf(METRICS_PATH "/nodes%s", selector);
	kt_auto_json json_t *answer = fetch(ctx, path, &err);
	kt_auto_json json_t *nodes =
	        answer ? kt_session_get(ctx, "/api/v1/nodes", NULL, &err) : NULL;
	struct usages usages = {0};
	int code = KT_EXIT_OK;

	if (!answer || !nodes)
		return kt_command_fail(ctx, &err, NULL);
	collect_nodes(answer, &usages);
	set_whole(&usages, nodes, kt_opt_bool(ctx, "show-capacity") ? "capacity" : "allocatable");
	if (sort(ctx, &usages, &err) < 0)
		code = kt_command_fail(ctx, &err, NULL);
	else
		print_nodes(ctx, &usages);
	free(usages.items);
	return code;
}

static void collect_pod(
        const struct kt_command_context *ctx, const json_t *pod, struct usages *usages)
{
	bool each = kt_opt_bool(ctx, "containers");
	struct usage *usage = NULL;
	json_t *container;
	size_t i;

	json_array_foreach(json_object_get(pod, "containers"), i, container) {
		if (each || !usage)
			usage = push(usages, pod);
		usage->container = kt_jstr(container, "name");
		add_usage(usage, json_object_get(container, "usage"));
	}
}

/* Below the columns before the numbers is nothing. */
static void print_sum(struct kt_table_writer *table, const struct usages *usages, size_t n_before)
{
	int64_t cpu = 0, memory = 0;

	for (size_t i = 0; i < usages->n; i++) {
		cpu += usages->items[i].cpu_milli;
		memory += usages->items[i].memory_bytes;
	}
	for (size_t i = 0; i < n_before; i++)
		kt_table_writer_cell(table, "");
	kt_table_writer_cell(table, "________");
	kt_table_writer_cell(table, "________");
	kt_table_writer_end_row(table);
	for (size_t i = 0; i < n_before; i++)
		kt_table_writer_cell(table, "");
	amount(table, cpu, "m");
	amount(table, memory / MIB, "Mi");
	kt_table_writer_end_row(table);
}

static void print_pods(struct kt_command_context *ctx, const struct usages *usages)
{
	bool all = kt_opt_bool(ctx, "all-namespaces"), each = kt_opt_bool(ctx, "containers");
	const char *const names[] = {all ? "NAMESPACE" : "", each ? "POD" : "NAME",
	        each ? "NAME" : "", "CPU(cores)", "MEMORY(bytes)", NULL};
	struct kt_table_writer *table = kt_table_writer_create(ctx->out);

	header(ctx, table, names);
	for (size_t i = 0; i < usages->n; i++) {
		const struct usage *usage = &usages->items[i];

		if (all)
			kt_table_writer_cell(table, usage->namespace);
		kt_table_writer_cell(table, usage->name);
		if (each)
			kt_table_writer_cell(table, usage->container);
		amount(table, usage->cpu_milli, "m");
		amount(table, usage->memory_bytes / MIB, "Mi");
		kt_table_writer_end_row(table);
	}
	if (kt_opt_bool(ctx, "sum"))
		print_sum(table, usages, 1 + (size_t)all + (size_t)each);
	kt_table_writer_destroy(table);
}

static char *pods_path(struct kt_command_context *ctx)
{
	kt_auto_free char *selector = query(ctx);

	if (kt_opt_bool(ctx, "all-namespaces"))
		return kt_asprintf(METRICS_PATH "/pods%s", selector);
	if (ctx->argc)
		return kt_asprintf(METRICS_PATH "/namespaces/%s/pods/%s",
		        kt_session_namespace(ctx->session), ctx->argv[0]);
	return kt_asprintf(
	        METRICS_PATH "/namespaces/%s/pods%s", kt_session_namespace(ctx->session), selector);
}

static int run_pods(struct kt_command_context *ctx)
{
	kt_auto_err err = KT_ERR_INIT;

	if (check_arguments(ctx, "pod", "selector") != KT_EXIT_OK)
		return KT_EXIT_ERROR;
	kt_auto_free char *path = pods_path(ctx);
	kt_auto_json json_t *answer = fetch(ctx, path, &err);
	struct usages usages = {0};
	json_t *pod;
	size_t i;
	int code = KT_EXIT_OK;

	if (!answer)
		return kt_command_fail(ctx, &err, NULL);
	if (!json_object_get(answer, "items"))
		collect_pod(ctx, answer, &usages);
	json_array_foreach(json_object_get(answer, "items"), i, pod)
		collect_pod(ctx, pod, &usages);
	if (sort(ctx, &usages, &err) < 0)
		code = kt_command_fail(ctx, &err, NULL);
	else if (usages.n)
		print_pods(ctx, &usages);
	else
		fprintf(ctx->err, "No resources found in %s namespace.\n",
		        kt_session_namespace(ctx->session));
	free(usages.items);
	return code;
}

static const enum kt_completion NODE_ARGUMENTS[] = {KT_COMPLETE_NODE, KT_COMPLETE_NONE};
static const enum kt_completion POD_ARGUMENTS[] = {KT_COMPLETE_POD, KT_COMPLETE_NONE};

static const struct kt_command top_nodes = {
        .name = "node",
        .aliases = (const char *const[]){"nodes", "no", NULL},
        .group = "Look",
        .usage = "top node [NAME | -l SELECTOR]",
        .summary = "CPU and memory of nodes",
        .options = NODE_OPTIONS,
        .arguments = NODE_ARGUMENTS,
        .needs_client = true,
        .run = run_nodes,
};

static const struct kt_command top_pods = {
        .name = "pod",
        .aliases = (const char *const[]){"pods", "po", NULL},
        .group = "Look",
        .usage = "top pod [NAME | -l SELECTOR] [--containers] [-A]",
        .summary = "CPU and memory of pods",
        .options = POD_OPTIONS,
        .arguments = POD_ARGUMENTS,
        .needs_client = true,
        .run = run_pods,
};

const struct kt_command kt_command_top = {
        .name = "top",
        .group = "Look",
        .usage = "top (node|pod)",
        .summary = "Show CPU and memory in use",
        .subcommands = (const struct kt_command *const[]){&top_nodes, &top_pods, NULL},
        .reads = true,
};
