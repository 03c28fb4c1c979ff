/* SPDX-License-Identifier: GPL-3.0-or-later */
/* events: what happened, oldest first. */
#include "tui/command/options.h"
#include "tui/command/output.h"
#include "tui/command/stream.h"
#include "tui/command/target.h"

#include "base/time.h"

#include <errno.h>
#include <time.h>

static const struct kt_option OPTIONS[] = {
        KT_OPTION_ALL_NAMESPACES,
        KT_OPTION_OUTPUT,
        {.name = "for",
                .type = KT_OPTION_STRING,
                .value_name = "TYPE/NAME",
                .help = "only of this object",
                .completion = KT_COMPLETE_RESOURCE_OR_NAME},
        {.name = "types",
                .type = KT_OPTION_STRINGS,
                .value_name = "Normal,Warning",
                .help = "only of these types"},
        {.name = "watch",
                .letter = 'w',
                .type = KT_OPTION_BOOL,
                .help = "then go on with new ones"},
        {.name = "chunk-size",
                .type = KT_OPTION_INT,
                .fallback = "500",
                .value_name = "N",
                .help = "as kubectl has it; all come at once"},
        {.name = "no-headers", .type = KT_OPTION_BOOL, .help = "no header line"},
        KT_OPTION_END,
};

/* When it was last seen: a series', then the last, then the first time. Unix ns; 0 when unknown. */
static int64_t event_time(const json_t *event)
{
	static const char *const PATHS[] = {"series.lastObservedTime", "lastTimestamp", "eventTime",
	        "firstTimestamp", "metadata.creationTimestamp"};
	int64_t ns;

	for (size_t i = 0; i < KT_ARRAY_SIZE(PATHS); i++) {
		const char *text = kt_jstr(event, PATHS[i]);

		if (text && kt_time_parse(kt_sv_of(text), &ns) == 0)
			return ns;
	}
	return 0;
}

static int by_time(const void *a, const void *b)
{
	int64_t x = event_time(*(json_t *const *)a), y = event_time(*(json_t *const *)b);

	return (x > y) - (x < y);
}

static bool type_wanted(const struct kt_command_context *ctx, const json_t *event)
{
	const struct kt_strings *lists = kt_opt_strings(ctx, "types");
	const char *type = kt_jstr(event, "type");

	for (size_t i = 0; i < lists->n; i++) {
		struct kt_sv rest = kt_sv_of(lists->items[i]), part;

		while (kt_sv_split(&rest, ',', &part))
			if (type && part.len == strlen(type) &&
			        !strncasecmp(part.p, type, part.len))
				return true;
	}
	return lists->n == 0;
}

static void age_text(const json_t *event, int64_t now_ns, char *out, size_t size)
{
	char last[KT_TIME_TEXT_MAX], first[KT_TIME_TEXT_MAX];
	const char *first_time = kt_jstr(event, "firstTimestamp");
	int64_t count = kt_jint(event, "series.count", kt_jint(event, "count", 1)), first_ns = 0;

	kt_duration_human(now_ns - event_time(event), last);
	if (count < 2 || !first_time || kt_time_parse(kt_sv_of(first_time), &first_ns) < 0) {
		snprintf(out, size, "%s", last);
		return;
	}
	kt_duration_human(now_ns - first_ns, first);
	snprintf(out, size, "%s (x%lld over %s)", last, (long long)count, first);
}

static void print_row(struct kt_command_context *ctx, struct kt_table_writer *table,
        const json_t *event, int64_t now_ns)
{
	const char *kind = kt_jstr(event, "involvedObject.kind");
	kt_auto_free char *object =
	        kt_asprintf("%s/%s", kind ? kind : "", kt_jstr(event, "involvedObject.name"));
	char age[128];

	age_text(event, now_ns, age, sizeof(age));
	if (kt_opt_bool(ctx, "all-namespaces"))
		kt_table_writer_cell(table, kt_jstr(event, "metadata.namespace"));
	kt_table_writer_cell(table, age);
	kt_table_writer_cell(table, kt_jstr(event, "type"));
	kt_table_writer_cell(table, kt_jstr(event, "reason"));
	kt_table_writer_cell(table, object);
	kt_table_writer_cell(table, kt_jstr(event, "message"));
	kt_table_writer_end_row(table);
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000000;
}

static void print_table(struct kt_command_context *ctx, struct kt_table_writer *table,
        json_t *const *events, size_t n)
{
	static const char *const NAMES[] = {
	        "NAMESPACE", "LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"};
	bool all = kt_opt_bool(ctx, "all-namespaces");

	for (size_t i = all ? 0 : 1; i < KT_ARRAY_SIZE(NAMES) && !kt_opt_bool(ctx, "no-headers");
	        i++)
		kt_table_writer_cell(table, NAMES[i]);
	if (!kt_opt_bool(ctx, "no-headers"))
		kt_table_writer_end_row(table);
	for (size_t i = 0; i < n; i++)
		print_row(ctx, table, events[i], now_ns());
	kt_table_writer_flush(table);
}

/* "deploy/web" as a field selector. Heap; NULL with err. */
static char *selector_for(struct kt_command_context *ctx, const char *word, struct kt_err *err)
{
	const char *slash = strchr(word, '/');

	if (!slash || !slash[1]) {
		kt_fail(err, EINVAL, "--for must be in resource/name form");
		return NULL;
	}
	kt_auto_free char *type = kt_strndup(word, (size_t)(slash - word));
	const struct kt_resource *resource = kt_session_resource(ctx->session, type, err);

	return resource ? kt_asprintf("involvedObject.kind=%s,involvedObject.name=%s",
	                          resource->kind, slash + 1)
	                : NULL;
}

/* Of the collection, with its selector. Heap; NULL with err. */
static char *events_path(struct kt_command_context *ctx, struct kt_err *err)
{
	const char *word = kt_opt_string(ctx, "for");
	struct kt_str path = KT_STR_INIT;

	if (kt_opt_bool(ctx, "all-namespaces"))
		kt_str_puts(&path, "/api/v1/events");
	else
		kt_str_printf(
		        &path, "/api/v1/namespaces/%s/events", kt_session_namespace(ctx->session));
	if (word) {
		kt_auto_free char *selector = selector_for(ctx, word, err);

		if (!selector) {
			kt_str_finish(&path);
			return NULL;
		}
		kt_str_puts(&path, "?fieldSelector=");
		kt_url_escape(&path, selector);
	}
	return kt_str_steal(&path);
}

static int print_objects(struct kt_command_context *ctx, json_t *list, json_t *const *events,
        size_t n, struct kt_err *err)
{
	struct kt_printer *printer = NULL;
	json_t *items = json_array();

	for (size_t i = 0; i < n; i++) {
		json_object_set_new(events[i], "apiVersion", json_string("v1"));
		json_object_set_new(events[i], "kind", json_string("Event"));
		json_array_append(items, events[i]);
	}
	json_object_set_new(list, "items", items);
	json_object_set_new(list, "metadata", json_object());
	const struct kt_resource *resource = kt_session_resource(ctx->session, "events", err);
	int r = resource ? kt_printer_create(ctx, false, false, &printer, err) : err->code;
	bool names = r == 0 && kt_printer_kind(printer) == KT_OUTPUT_NAME;

	for (size_t i = 0; names && i < n && r == 0; i++)
		r = kt_printer_object(printer, resource, events[i], err);
	if (r == 0 && !names)
		r = kt_printer_object(printer, resource, list, err);
	kt_printer_destroy(printer);
	return r;
}

struct following {
	struct kt_command_context *ctx;
	struct kt_table_writer *table;
};

static void print_new(void *arg, json_t *event)
{
	struct following *following = arg;
	const json_t *object = json_object_get(event, "object");

	if (!kt_streq(kt_jstr(object, "kind"), "Event") || !type_wanted(following->ctx, object))
		return;
	print_row(following->ctx, following->table, object, now_ns());
	kt_table_writer_flush(following->table);
	fflush(following->ctx->out);
}

static int follow(struct kt_command_context *ctx, struct kt_table_writer *table, const char *path,
        const json_t *list, struct kt_err *err)
{
	const char *revision = kt_jstr(list, "metadata.resourceVersion");
	kt_auto_free char *full = kt_asprintf("%s%cwatch=true&resourceVersion=%s", path,
	        strchr(path, '?') ? '&' : '?', revision ? revision : "0");

	fflush(ctx->out);
	return kt_stream_watch(
	        ctx, full, NULL, print_new, &(struct following){.ctx = ctx, .table = table}, err);
}

static int print_events(struct kt_command_context *ctx, json_t *list, const char *path,
        json_t *const *events, size_t n, struct kt_err *err)
{
	bool watch = kt_opt_bool(ctx, "watch");

	if (kt_opt_string(ctx, "output") && n) {
		/* print_objects() replaces the list that `events` points into */
		json_t *held = json_incref(json_object_get(list, "items"));
		int r = print_objects(ctx, list, events, n, err);

		json_decref(held);
		return r;
	}
	if (!n && !watch) {
		if (kt_opt_bool(ctx, "all-namespaces"))
			fputs("No events found.\n", ctx->err);
		else
			fprintf(ctx->err, "No events found in %s namespace.\n",
			        kt_session_namespace(ctx->session));
		return 0;
	}
	struct kt_table_writer *table = kt_table_writer_create(ctx->out);

	print_table(ctx, table, events, n);
	int r = watch ? follow(ctx, table, path, list, err) : 0;

	kt_table_writer_destroy(table);
	return r;
}

static bool types_are_known(const struct kt_command_context *ctx)
{
	const struct kt_strings *lists = kt_opt_strings(ctx, "types");

	for (size_t i = 0; i < lists->n; i++) {
		struct kt_sv rest = kt_sv_of(lists->items[i]), part;

		while (kt_sv_split(&rest, ',', &part)) {
			kt_auto_free char *type = kt_sv_dup(part);

			if (strcasecmp(type, "Normal") != 0 && strcasecmp(type, "Warning") != 0)
				return false;
		}
	}
	return true;
}

static int run(struct kt_command_context *ctx)
{
	kt_auto_err err = KT_ERR_INIT;

	if (!types_are_known(ctx))
		return kt_command_fail(ctx, NULL, "valid --types are Normal or Warning");
	kt_auto_free char *path = events_path(ctx, &err);
	kt_auto_json json_t *list = path ? kt_session_get(ctx, path, NULL, &err) : NULL;
	json_t *event;
	size_t i, n = 0;

	if (!list)
		return kt_command_fail(ctx, &err, NULL);
	json_t **events =
	        kt_new_array(json_t *, json_array_size(json_object_get(list, "items")) + 1);

	json_array_foreach(json_object_get(list, "items"), i, event) {
		if (type_wanted(ctx, event))
			events[n++] = event;
	}
	qsort(events, n, sizeof(*events), by_time);
	int r = print_events(ctx, list, path, events, n, &err);

	free(events);
	return r < 0 ? kt_command_fail(ctx, &err, NULL) : KT_EXIT_OK;
}

const struct kt_command kt_command_events = {
        .name = "events",
        .group = "Look",
        .usage = "events [--for TYPE/NAME] [--types=Warning] [-A]",
        .summary = "Show what happened, oldest first",
        .options = OPTIONS,
        .prints_typed = true,
        .needs_client = true,
        .reads = true,
        .run = run,
};
