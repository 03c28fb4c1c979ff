/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command/describe.h"

#include "tui/command/describe_text.h"
#include "tui/command/options.h"
#include "tui/command/target.h"

#include "base/time.h"

#include <errno.h>
#include <time.h>

static const struct kt_option OPTIONS[] = {
        KT_OPTION_FILENAME,
        KT_OPTION_RECURSIVE,
        KT_OPTION_SELECTOR,
        KT_OPTION_ALL_NAMESPACES,
        {.name = "show-events",
                .type = KT_OPTION_BOOL,
                .fallback = "true",
                .help = "what happened to the object too"},
        {.name = "chunk-size",
                .type = KT_OPTION_INT,
                .fallback = "500",
                .value_name = "N",
                .help = "how many events at most"},
        KT_OPTION_END,
};

json_t *kt_describe_get(struct kt_describer *d, const char *fmt, ...)
{
	kt_auto_err err = KT_ERR_INIT;
	va_list ap;

	va_start(ap, fmt);
	kt_auto_free char *path = kt_vasprintf(fmt, ap);
	va_end(ap);
	return kt_session_get(d->ctx, path, NULL, &err);
}

const char *kt_describe_age(
        const struct kt_describer *d, const char *rfc3339, char out[KT_DESCRIBE_TIME_MAX])
{
	char text[KT_TIME_TEXT_MAX] = "<unknown>";
	int64_t ns;

	if (rfc3339 && kt_time_parse(kt_sv_of(rfc3339), &ns) == 0)
		kt_duration_human(d->now_ns - ns, text);
	snprintf(out, KT_DESCRIBE_TIME_MAX, "%s", text);
	return out;
}

/* Events */

static const char *event_time(const json_t *event, const char *path, const char *or_else)
{
	const char *text = kt_jstr(event, path);

	return text && *text ? text : kt_jstr(event, or_else);
}

static void event_age(const struct kt_describer *d, const json_t *event, char *out, size_t size)
{
	const json_t *series = json_object_get(event, "series");
	const char *first = event_time(event, "firstTimestamp", "eventTime");
	const char *last = event_time(event, "lastTimestamp", "eventTime");
	long long count = kt_jint(event, "count", 1);
	char since_last[KT_DESCRIBE_TIME_MAX], since_first[KT_DESCRIBE_TIME_MAX];

	if (series) {
		last = kt_jstr(series, "lastObservedTime");
		count = kt_jint(series, "count", 1);
	}
	kt_describe_age(d, first, since_first);
	if (series || count > 1)
		snprintf(out, size, "%s (x%lld over %s)", kt_describe_age(d, last, since_last),
		        count, since_first);
	else
		snprintf(out, size, "%s", since_first);
}

static void event_line(struct kt_describer *d, const json_t *event)
{
	const char *from = kt_describe_field(event, "source.component"),
	           *part = kt_describe_field(event, "involvedObject.fieldPath");
	struct kt_sv message = kt_sv_trim(kt_sv_of(kt_describe_field(event, "message")));
	char age[3 * KT_DESCRIBE_TIME_MAX];

	event_age(d, event, age, sizeof(age));
	kt_describe_put(d, "  %s\t%s\t%s\t%s\t%s%s%.*s\n", kt_describe_field(event, "type"),
	        kt_describe_field(event, "reason"), age,
	        *from ? from : kt_describe_field(event, "reportingComponent"), part,
	        *part ? ": " : "", (int)message.len, message.p);
}

struct dated {
	const char *when;
	size_t place; /* equal times keep the server's order */
	const json_t *event;
};

static int by_time(const void *a, const void *b)
{
	const struct dated *x = a, *y = b;
	int r = strcmp(x->when, y->when);

	return r ? r : x->place < y->place ? -1 : 1;
}

static void event_lines(struct kt_describer *d, const json_t *items)
{
	size_t n = json_array_size(items), i;
	struct dated *order = kt_new_array(struct dated, n);
	json_t *event;

	json_array_foreach(items, i, event)
		order[i] = (struct dated){kt_describe_field(event, "lastTimestamp"), i, event};
	qsort(order, n, sizeof(*order), by_time);
	kt_describe_put(d, "Events:\n  Type\tReason\tAge\tFrom\tMessage\n"
	                   "  ----\t------\t----\t----\t-------\n");
	for (i = 0; i < n; i++)
		event_line(d, order[i].event);
	free(order);
}

/* Appends the events of the object with this uid. */
static void search(struct kt_describer *d, const json_t *object, const char *uid, json_t *out)
{
	const char *namespace = kt_jstr(object, "metadata.namespace");
	kt_auto_free char *plain = kt_asprintf(
	        "involvedObject.name=%s,involvedObject.kind=%s,involvedObject.uid=%s",
	        kt_describe_field(object, "metadata.name"), kt_describe_field(object, "kind"), uid);
	kt_auto_free char *place =
	        namespace ? kt_asprintf("namespaces/%s/", namespace) : kt_strdup("");
	kt_auto_str selector = KT_STR_INIT;

	kt_url_escape(&selector, plain);
	kt_auto_json json_t *list = kt_describe_get(d, "/api/v1/%sevents?limit=%d&fieldSelector=%s",
	        place, (int)kt_opt_int(d->ctx, "chunk-size"), kt_str_text(&selector));

	if (json_object_get(list, "items"))
		json_array_extend(out, json_object_get(list, "items"));
}

void kt_describe_events(struct kt_describer *d, const json_t *object)
{
	const char *uid = kt_describe_field(object, "metadata.uid"),
	           *name = kt_describe_field(object, "metadata.name");
	kt_auto_json json_t *events = json_array();

	if (!kt_opt_bool(d->ctx, "show-events"))
		return;
	search(d, object, uid, events);
	/* kubelets do not know the uid of their node: they put its name there */
	if (kt_streq(kt_jstr(object, "kind"), "Node"))
		search(d, object, name, events);
	if (json_array_size(events))
		event_lines(d, events);
	else
		kt_describe_put(d, "Events:\t<none>\n");
}

/* The verb */

struct description {
	size_t n; /* objects so far */
};

static int describe_one(
        struct kt_command_context *ctx, struct kt_target *target, void *arg, struct kt_err *err)
{
	struct description *description = arg;
	struct kt_describer d = {.ctx = ctx, .resource = target->resource};
	kt_describe_fn *fn = kt_describe_fn_of(target->resource->group, target->resource->kind);
	kt_auto_str out = KT_STR_INIT;
	struct timespec now;

	(void)err;
	clock_gettime(CLOCK_REALTIME, &now);
	d.now_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	(fn ? fn : kt_describe_whole)(&d, target->live);
	kt_describe_align((struct kt_sv){kt_str_text(&d.text), d.text.len}, &out);
	fprintf(ctx->out, "%s%s", description->n++ ? "\n\n" : "", kt_str_text(&out));
	kt_str_finish(&d.text);
	return 0;
}

/* One name that no object has may be the beginning of some that there are. */
static bool describe_prefixed(struct kt_command_context *ctx, const struct kt_target *named,
        struct description *description)
{
	kt_auto_err err = KT_ERR_INIT;
	struct kt_target collection = {.resource = named->resource, .namespace = named->namespace};
	kt_auto_free char *path = kt_target_path(&collection, NULL);
	kt_auto_free char *api_version = kt_resource_api_version(named->resource);
	kt_auto_json json_t *list = kt_session_get(ctx, path, NULL, &err);
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(list, "items"), i, item) {
		struct kt_target target = {.resource = named->resource, .live = item};

		if (!kt_starts_with(kt_describe_field(item, "metadata.name"), named->name))
			continue;
		json_object_set_new(item, "apiVersion", json_string(api_version));
		json_object_set_new(item, "kind", json_string(named->resource->kind));
		describe_one(ctx, &target, description, &err);
		fputc('\n', ctx->out);
	}
	return description->n > 0;
}

static int describe_named(
        struct kt_command_context *ctx, struct kt_target *target, void *arg, struct kt_err *err)
{
	if (target->live)
		return describe_one(ctx, target, arg, err);
	kt_auto_free char *path = kt_target_path(target, NULL);

	target->live = kt_session_get(ctx, path, NULL, err);
	if (target->live)
		return describe_one(ctx, target, arg, err);
	if (err->code == -ENOENT && !target->object && describe_prefixed(ctx, target, arg))
		kt_err_clear(err);
	return err->code;
}

static int run(struct kt_command_context *ctx)
{
	kt_auto_err err = KT_ERR_INIT;
	struct kt_targets targets = {0};
	struct description description = {0};

	if (!ctx->argc && !kt_opt_strings(ctx, "filename")->n)
		return kt_command_fail(ctx, NULL,
		        "You must specify the type of resource to describe. Use \"kube-tui "
		        "api-resources\" for a complete list of supported resources.");
	if (kt_targets_parse(ctx, 0, KT_TARGET_FILES, &targets, &err) < 0)
		return kt_command_fail(ctx, &err, NULL);
	int code = kt_targets_each(ctx, &targets, 0, describe_named, &description);

	if (!description.n && code == KT_EXIT_OK) {
		if (kt_opt_bool(ctx, "all-namespaces"))
			fputs("No resources found\n", ctx->err);
		else
			fprintf(ctx->err, "No resources found in %s namespace.\n",
			        kt_session_namespace(ctx->session));
	}
	kt_targets_finish(&targets);
	return code;
}

static const enum kt_completion ARGUMENTS[] = {KT_COMPLETE_RESOURCE_OR_NAME, KT_COMPLETE_NONE};

const struct kt_command kt_command_describe = {
        .name = "describe",
        .aliases = (const char *const[]){"desc", NULL},
        .group = "Look",
        .usage = "describe (-f FILE | TYPE [NAME… | NAME_PREFIX | -l SELECTOR])",
        .summary = "Show an object in full, with what happened to it",
        .options = OPTIONS,
        .arguments = ARGUMENTS,
        .needs_client = true,
        .reads = true,
        .run = run,
};
