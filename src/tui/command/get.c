/* SPDX-License-Identifier: GPL-3.0-or-later */
/* get: objects as the server's table or in another form; --watch follows them. */
#include "tui/command/options.h"
#include "tui/command/output.h"
#include "tui/command/raw.h"
#include "tui/command/sort_by.h"
#include "tui/command/stream.h"
#include "tui/command/target.h"

#include "base/loop.h"
#include "base/vec.h"

#include <errno.h>

static const struct kt_option OPTIONS[] = {
        KT_OPTION_OUTPUT,
        {.name = "all-namespaces",
                .letter = 'A',
                .type = KT_OPTION_BOOL,
                .help = "objects of every namespace"},
        {.name = "selector",
                .letter = 'l',
                .type = KT_OPTION_STRING,
                .value_name = "SELECTOR",
                .help = "only objects with these labels (a=b,c!=d,e in (f,g))"},
        {.name = "field-selector",
                .type = KT_OPTION_STRING,
                .value_name = "SELECTOR",
                .help = "only objects with these fields (status.phase=Running)"},
        KT_OPTION_FILENAME,
        KT_OPTION_RECURSIVE,
        {.name = "watch", .letter = 'w', .type = KT_OPTION_BOOL, .help = "then go on with changes"},
        {.name = "watch-only", .type = KT_OPTION_BOOL, .help = "changes only"},
        {.name = "output-watch-events",
                .type = KT_OPTION_BOOL,
                .help = "with the kind of each change"},
        {.name = "no-headers", .type = KT_OPTION_BOOL, .help = "no header line"},
        {.name = "show-labels", .type = KT_OPTION_BOOL, .help = "a last column with all labels"},
        {.name = "show-kind", .type = KT_OPTION_BOOL, .help = "names with their type"},
        {.name = "label-columns",
                .letter = 'L',
                .type = KT_OPTION_STRINGS,
                .value_name = "LABEL,…",
                .help = "a column for each of these labels"},
        {.name = "sort-by",
                .type = KT_OPTION_STRING,
                .value_name = "PATH",
                .help = "order by this jsonpath (.metadata.creationTimestamp)",
                .completion = KT_COMPLETE_FIELD_PATH},
        {.name = "ignore-not-found",
                .type = KT_OPTION_BOOL,
                .help = "a missing object is no error"},
        {.name = "chunk-size",
                .type = KT_OPTION_INT,
                .fallback = "500",
                .value_name = "N",
                .help = "objects per request; 0: all at once"},
        {.name = "subresource",
                .type = KT_OPTION_STRING,
                .value_name = "NAME",
                .help = "status or scale instead of the object"},
        {.name = "raw",
                .type = KT_OPTION_STRING,
                .value_name = "PATH",
                .help = "the server's answer to this path, as it comes"},
        {.name = NULL},
};

struct get {
	struct kt_command_context *ctx;
	struct kt_printer *printer;
	struct kt_targets targets;
	size_t shown;      /* rows or objects */
	json_t *collected; /* json, yaml, jsonpath of several objects: one List */
	bool table;
	const char *sort_by;
};

static char *collection_query(const struct get *get, const char *continue_token)
{
	kt_auto_free char *selectors = kt_targets_query(get->ctx);
	kt_auto_str query = KT_STR_INIT;
	int64_t chunk = kt_opt_int(get->ctx, "chunk-size");

	kt_str_puts(&query, selectors);
	if (chunk > 0)
		kt_str_printf(&query, "%slimit=%lld", query.len ? "&" : "", (long long)chunk);
	if (continue_token) {
		kt_str_printf(&query, "%scontinue=", query.len ? "&" : "");
		kt_url_escape(&query, continue_token);
	}
	if (get->table && get->sort_by)
		kt_str_printf(&query, "%sincludeObject=Object", query.len ? "&" : "");
	return kt_str_steal(&query);
}

static json_t *fetch(struct get *get, const struct kt_target *target, const char *continue_token,
        struct kt_err *err)
{
	kt_auto_free char *path = kt_target_path(target, kt_opt_string(get->ctx, "subresource"));
	kt_auto_free char *query =
	        target->name ? kt_strdup("") : collection_query(get, continue_token);
	kt_auto_free char *full = kt_asprintf("%s%s%s", path, *query ? "?" : "", query);

	json_t *answer = kt_session_get(get->ctx, full, get->table ? KT_ACCEPT_TABLE : NULL, err);

	if (!answer && !target->name)
		kt_targets_wrap_list(get->ctx, target, err);
	return answer;
}

/* Items of a list come without apiVersion and kind. */
static void collect(struct get *get, const struct kt_target *target, json_t *answer)
{
	kt_auto_free char *api_version = kt_resource_api_version(target->resource);
	json_t *item;
	size_t i;

	if (target->name) {
		json_array_append(get->collected, answer);
		return;
	}
	json_array_foreach(json_object_get(answer, "items"), i, item) {
		json_t *whole = json_object();

		json_object_set_new(whole, "apiVersion", json_string(api_version));
		json_object_set_new(whole, "kind", json_string(target->resource->kind));
		json_object_update(whole, item);
		json_array_append_new(get->collected, whole);
	}
}

static void show(struct get *get, const struct kt_target *target, json_t *answer, json_t *rows)
{
	if (!get->table || !json_object_get(answer, "columnDefinitions")) {
		collect(get, target, answer);
		return;
	}
	if (rows) {
		json_array_extend(rows, json_object_get(answer, "rows"));
		json_object_set(answer, "rows", rows);
		return;
	}
	get->shown += json_array_size(json_object_get(answer, "rows"));
	kt_printer_table(get->printer, target->resource, answer);
}

/* Sorting */

static json_t *sorted(struct get *get, const json_t *items, const char *below, struct kt_err *err)
{
	bool found;
	json_t *out = kt_sort_by(items, get->sort_by, below, &found, err);

	if (!out || found || !json_array_size(items))
		return out;
	/* kubectl shows no table then, and calls that an empty one */
	if (below) {
		if (!get->targets.by_name)
			json_array_clear(out);
		return out;
	}
	json_decref(out);
	kt_fail(err, EINVAL, "couldn't find any field with path \"{.%s}\" in the list of objects",
	        get->sort_by + strspn(get->sort_by, "{."));
	return NULL;
}

/* One target */

static int get_pages(struct get *get, const struct kt_target *target, struct kt_err *err)
{
	kt_auto_free char *token = NULL;
	kt_auto_json json_t *rows = get->table && get->sort_by ? json_array() : NULL;
	kt_auto_json json_t *last = NULL;

	for (;;) {
		json_t *answer = fetch(get, target, token, err);

		if (!answer)
			return err->code;
		show(get, target, answer, rows);
		json_decref(last);
		last = answer;
		const char *next = kt_jstr(answer, "metadata.continue");

		if (!next || !*next)
			break;
		free(token);
		token = kt_strdup(next);
	}
	if (rows) {
		json_t *ordered = sorted(get, rows, "object", err);

		if (!ordered)
			return err->code;
		json_object_set_new(last, "rows", ordered);
		get->shown += json_array_size(ordered);
		kt_printer_table(get->printer, target->resource, last);
	}
	return 0;
}

static int print_one_by_one(struct get *get, struct kt_err *err)
{
	json_t *object;
	size_t i;
	int r = 0;

	json_array_foreach(get->collected, i, object) {
		const struct kt_resource *resource = kt_session_resource_of_kind(get->ctx->session,
		        kt_jstr(object, "apiVersion"), kt_jstr(object, "kind"), err);

		if (r == 0)
			r = kt_printer_object(get->printer,
			        resource ? resource : get->targets.items[0].resource, object, err);
	}
	return r;
}

static int print_collected(struct get *get, struct kt_err *err)
{
	size_t n = json_array_size(get->collected);
	enum kt_output_kind kind = kt_printer_kind(get->printer);

	if (get->sort_by) {
		json_t *ordered = sorted(get, get->collected, NULL, err);

		if (!ordered)
			return err->code;
		json_decref(get->collected);
		get->collected = ordered;
	}
	get->shown += n;
	if (kind == KT_OUTPUT_NAME || kind == KT_OUTPUT_COLUMNS || (n == 1 && get->targets.by_name))
		return print_one_by_one(get, err);
	kt_auto_json json_t *list = json_pack("{s:s, s:O, s:s, s:{s:s}}", "apiVersion", "v1",
	        "items", get->collected, "kind", "List", "metadata", "resourceVersion", "");

	return kt_printer_object(get->printer, NULL, list, err);
}

/* Watching */

struct watching {
	struct get *get;
	const struct kt_target *target;
	json_t *definitions; /* come with the first event only */
};

static void tell_event(struct get *get, const char *type)
{
	if (kt_opt_bool(get->ctx, "output-watch-events"))
		kt_printer_set_event(get->printer, type);
}

static void print_event(void *arg, json_t *event)
{
	struct watching *watching = arg;
	struct get *get = watching->get;
	json_t *object = json_object_get(event, "object");
	kt_auto_err err = KT_ERR_INIT;

	if (kt_streq(kt_jstr(event, "type"), "BOOKMARK"))
		return;
	if (kt_streq(kt_jstr(event, "type"), "ERROR")) {
		fprintf(get->ctx->err, "error: %s\n", kt_jstr(object, "message"));
		return;
	}
	tell_event(get, kt_jstr(event, "type"));
	if (json_object_get(object, "columnDefinitions")) {
		json_decref(watching->definitions);
		watching->definitions = json_incref(json_object_get(object, "columnDefinitions"));
	}
	if (json_object_get(object, "rows")) {
		json_object_set(object, "columnDefinitions", watching->definitions);
		kt_printer_table(get->printer, watching->target->resource, object);
		kt_printer_flush(get->printer);
	} else if (kt_printer_object(get->printer, watching->target->resource, object, &err) < 0) {
		fprintf(get->ctx->err, "error: %s\n", kt_err_message(&err));
	}
	fflush(get->ctx->out);
}

static int watch(struct get *get, const char *revision, struct kt_err *err)
{
	const struct kt_target *target = &get->targets.items[0];
	struct kt_target collection = *target;
	kt_auto_str path = KT_STR_INIT;

	collection.name = NULL;
	kt_auto_free char *base = kt_target_path(&collection, NULL);
	kt_auto_free char *selectors = kt_targets_query(get->ctx);

	kt_str_printf(&path, "%s?watch=true%s%s", base, *selectors ? "&" : "", selectors);
	if (revision)
		kt_str_printf(&path, "&resourceVersion=%s", revision);
	if (target->name)
		kt_str_printf(&path, "&fieldSelector=metadata.name%%3D%s", target->name);
	struct watching watching = {.get = get, .target = target};
	int r = kt_stream_watch(get->ctx, kt_str_text(&path), get->table ? KT_ACCEPT_TABLE : NULL,
	        print_event, &watching, err);

	json_decref(watching.definitions);
	return r;
}

/* The list's revision is where the watch begins. */
static int list_then_watch(struct get *get, struct kt_err *err)
{
	const struct kt_target *target = &get->targets.items[0];
	bool only = kt_opt_bool(get->ctx, "watch-only");

	if (get->targets.n != 1)
		return kt_fail(err, EINVAL, "you may only specify a single resource type");
	json_t *answer = fetch(get, target, NULL, err);

	if (!answer)
		return err->code;
	kt_auto_free char *revision =
	        kt_strdup(kt_jstr(answer, "metadata.resourceVersion")
	                          ? kt_jstr(answer, "metadata.resourceVersion")
	                          : "0");

	if (!only) {
		tell_event(get, "ADDED");
		show(get, target, answer, NULL);
		kt_printer_flush(get->printer);
		if (!get->table && print_one_by_one(get, err) < 0) {
			json_decref(answer);
			return err->code;
		}
	}
	json_decref(answer);
	return watch(get, revision, err);
}

/* Errors of several objects have no "error: " before them. */
static int fail_one(struct get *get, const struct kt_err *err)
{
	fflush(get->ctx->out);
	if (err->reason)
		return kt_command_fail(get->ctx, err, NULL);
	kt_command_say(get->ctx, err);
	return KT_EXIT_ERROR;
}

static void say_nothing_found(struct get *get)
{
	const char *namespace = get->targets.n ? get->targets.items[0].namespace
	                        : kt_opt_bool(get->ctx, "all-namespaces")
	                                ? NULL
	                                : kt_session_namespace(get->ctx->session);

	if (get->shown || kt_printer_kind(get->printer) != KT_OUTPUT_TABLE ||
	        kt_opt_bool(get->ctx, "ignore-not-found"))
		return;
	if (namespace)
		fprintf(get->ctx->err, "No resources found in %s namespace.\n", namespace);
	else
		fputs("No resources found\n", get->ctx->err);
}

/* Reads what was named. Only what is there decides whether rows tell their type. */
static int fetch_named(struct get *get)
{
	const struct kt_resource *seen = NULL;
	bool several = false;
	int code = KT_EXIT_OK;

	for (size_t i = 0; i < get->targets.n; i++) {
		struct kt_target *target = &get->targets.items[i];
		kt_auto_err err = KT_ERR_INIT;

		if (kt_target_error(target, &err) == 0)
			target->live = fetch(get, target, NULL, &err);
		if (target->live) {
			several |= seen && seen != target->resource;
			seen = target->resource;
		} else if (err.code != -ENOENT || !kt_opt_bool(get->ctx, "ignore-not-found")) {
			code = fail_one(get, &err);
		}
	}
	kt_printer_set_with_type(get->printer, several);
	return code;
}

/* Missing objects are reported one by one; the others are shown. */
static int get_all(struct get *get, struct kt_err *err)
{
	int code = get->targets.by_name ? fetch_named(get) : KT_EXIT_OK;

	for (size_t i = 0; i < get->targets.n; i++) {
		const struct kt_target *target = &get->targets.items[i];
		kt_auto_err one = KT_ERR_INIT;

		if (get->targets.by_name && target->live)
			show(get, target, target->live, NULL);
		else if (!get->targets.by_name && get_pages(get, target, &one) < 0)
			code = fail_one(get, &one);
	}
	if (json_array_size(get->collected) || (!get->table && code == KT_EXIT_OK))
		if (print_collected(get, err) < 0)
			return kt_command_fail(get->ctx, err, NULL);
	if (code == KT_EXIT_OK)
		say_nothing_found(get);
	return code;
}

static int run(struct kt_command_context *ctx)
{
	kt_auto_err err = KT_ERR_INIT;
	struct get get = {.ctx = ctx, .collected = json_array()};
	int code;

	if (kt_opt_string(ctx, "raw")) {
		json_decref(get.collected);
		return ctx->argc ? kt_command_fail(ctx, NULL,
		                           "arguments may not be passed when --raw is specified")
		                 : kt_run_raw(ctx, "GET", false);
	}
	if (!ctx->argc && !kt_opt_strings(ctx, "filename")->n && !kt_opt_given(ctx, "kustomize")) {
		json_decref(get.collected);
		fputs("You must specify the type of resource to get. Use \"kube-tui "
		      "api-resources\" "
		      "for a complete list of supported resources.\n\n",
		        ctx->err);
		return kt_command_fail(ctx, NULL,
		        "Required resource not specified.\nUse \"kube-tui explain <resource>\" for "
		        "a "
		        "detailed description of that resource (e.g. kube-tui explain pods).\nSee "
		        "'kube-tui get -h' for help and examples");
	}
	if (kt_opt_bool(ctx, "output-watch-events") && !kt_opt_bool(ctx, "watch") &&
	        !kt_opt_bool(ctx, "watch-only")) {
		json_decref(get.collected);
		return kt_command_fail(ctx, NULL,
		        "--output-watch-events option can only be used with --watch or "
		        "--watch-only");
	}
	get.sort_by = kt_opt_string(ctx, "sort-by");
	if (get.sort_by && !*get.sort_by)
		get.sort_by = NULL;
	if (kt_targets_parse(ctx, 0, KT_TARGET_FILES | KT_TARGET_NONE_IS_FINE, &get.targets, &err) <
	                0 ||
	        kt_printer_create(ctx, get.targets.several_types,
	                kt_opt_bool(ctx, "all-namespaces"), &get.printer, &err) < 0) {
		code = kt_command_fail(ctx, &err, NULL);
	} else {
		get.table = kt_printer_kind(get.printer) == KT_OUTPUT_TABLE;
		if (kt_opt_bool(ctx, "watch") || kt_opt_bool(ctx, "watch-only"))
			code = list_then_watch(&get, &err) < 0 ? kt_command_fail(ctx, &err, NULL)
			                                       : KT_EXIT_OK;
		else
			code = get_all(&get, &err);
	}
	kt_printer_destroy(get.printer);
	kt_targets_finish(&get.targets);
	json_decref(get.collected);
	return code;
}

static const enum kt_completion ARGUMENTS[] = {KT_COMPLETE_RESOURCE_OR_NAME, KT_COMPLETE_NONE};

const struct kt_command kt_command_get = {
        .name = "get",
        .group = "Look",
        .usage = "get TYPE[,TYPE…] [NAME…] [-o FORMAT] [-l SELECTOR] [-A] [-w]",
        .summary = "Show objects, one line each or in another form",
        .help = "Examples:\n"
                "  kube-tui get pods -A -o wide\n"
                "  kube-tui get deploy/web -o yaml\n"
                "  kube-tui get pods -l app=web -o jsonpath='{.items[*].metadata.name}'",
        .options = OPTIONS,
        .arguments = ARGUMENTS,
        .needs_client = true,
        .reads = true,
        .run = run,
};
