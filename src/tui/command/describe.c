/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command/describe.h"

#include "tui/command/options.h"
#include "tui/command/output.h"
#include "tui/command/target.h"

#include "base/time.h"

#include <ctype.h>
#include <errno.h>
#include <time.h>

#define VALUE_COLUMN 21 /* where kubectl's longest common labels leave off */

static const struct kt_option OPTIONS[] = {
        KT_OPTION_FILENAME,
        KT_OPTION_RECURSIVE,
        KT_OPTION_SELECTOR,
        KT_OPTION_ALL_NAMESPACES,
        {.name = "show-events",
                .type = KT_OPTION_BOOL,
                .fallback = "true",
                .help = "what happened to the object too"},
        KT_OPTION_END,
};

/* Text of the cluster on one line without anything a terminal acts on; line ends start a new line
 * under the value. */
static void put_value(struct kt_describer *d, const char *text, int column)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p == '\n' && p[1])
			fprintf(d->out, "\n%*s", column, "");
		else if (*p == '\t')
			fputs("    ", d->out);
		else if (*p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f))
			fprintf(d->out, "\\x%02x", *p);
		else
			fputc(*p, d->out);
	}
	fputc('\n', d->out);
}

void kt_describe_row(struct kt_describer *d, const char *label, const char *fmt, ...)
{
	int column = KT_MAX(VALUE_COLUMN, 2 * d->level + (int)strlen(label) + 3);
	va_list ap;

	va_start(ap, fmt);
	kt_auto_free char *value = kt_vasprintf(fmt, ap);
	va_end(ap);
	fprintf(d->out, "%*s%s:%*s", 2 * d->level, "", label,
	        column - 2 * d->level - (int)strlen(label) - 1, "");
	put_value(d, value, column);
}

void kt_describe_heading(struct kt_describer *d, const char *label)
{
	fprintf(d->out, "%*s%s:\n", 2 * d->level, "", label);
}

void kt_describe_map(
        struct kt_describer *d, const char *label, const json_t *map, const char *separator)
{
	kt_auto_str text = KT_STR_INIT;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)map, key, value) {
		/* what apply remembers is long and says nothing new */
		if (!strcmp(key, "kubectl.kubernetes.io/last-applied-configuration"))
			continue;
		kt_str_printf(&text, "%s%s%s%s", text.len ? "\n" : "", key, separator,
		        json_is_string(value) ? json_string_value(value) : "");
	}
	kt_describe_row(d, label, "%s", text.len ? kt_str_text(&text) : "<none>");
}

char *kt_describe_words(const char *field)
{
	struct kt_str out = KT_STR_INIT;

	for (const char *p = field; *p; p++) {
		bool upper = isupper((unsigned char)*p),
		     before_lower = p > field && islower((unsigned char)p[-1]);
		bool new_word = upper && p > field &&
		                (before_lower || (p[1] && islower((unsigned char)p[1])));

		if (new_word)
			kt_str_putc(&out, ' ');
		kt_str_putc(&out, p == field ? (char)toupper((unsigned char)*p) : *p);
	}
	return kt_str_steal(&out);
}

static void describe_members(struct kt_describer *d, const json_t *object)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, key, value) {
		kt_auto_free char *label = kt_describe_words(key);

		kt_describe_tree(d, label, value);
	}
}

static void describe_elements(struct kt_describer *d, const char *label, const json_t *array)
{
	kt_auto_str text = KT_STR_INIT;
	json_t *value;
	size_t i;

	if (json_array_size(array) && json_is_object(json_array_get(array, 0))) {
		kt_describe_heading(d, label);
		d->level++;
		json_array_foreach(array, i, value) {
			if (i)
				fprintf(d->out, "%*s--\n", 2 * d->level, "");
			describe_members(d, value);
		}
		d->level--;
		return;
	}
	json_array_foreach(array, i, value) {
		kt_str_puts(&text, i ? "\n" : "");
		if (json_is_string(value))
			kt_str_puts(&text, json_string_value(value));
		else
			kt_json_write(&text, value, 0);
	}
	kt_describe_row(d, label, "%s", text.len ? kt_str_text(&text) : "<none>");
}

void kt_describe_tree(struct kt_describer *d, const char *label, const json_t *value)
{
	kt_auto_str text = KT_STR_INIT;

	if (json_is_object(value) && json_object_size(value)) {
		kt_describe_heading(d, label);
		d->level++;
		describe_members(d, value);
		d->level--;
	} else if (json_is_array(value)) {
		describe_elements(d, label, value);
	} else if (json_is_string(value)) {
		kt_describe_row(d, label, "%s", json_string_value(value));
	} else if (value) {
		kt_json_write(&text, value, 0);
		kt_describe_row(d, label, "%s", kt_str_text(&text));
	}
}

void kt_describe_time(struct kt_describer *d, const char *label, const char *rfc3339)
{
	char text[64];
	int64_t ns;
	struct tm tm;

	if (!rfc3339)
		return;
	if (kt_time_parse(kt_sv_of(rfc3339), &ns) < 0) {
		kt_describe_row(d, label, "%s", rfc3339);
		return;
	}
	time_t seconds = (time_t)(ns / 1000000000);

	localtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S %z", &tm);
	kt_describe_row(d, label, "%s", text);
}

static const char *owner_text(const json_t *object, bool controller_only, char *out, size_t size)
{
	json_t *owner;
	size_t i;

	json_array_foreach(kt_jget(object, "metadata.ownerReferences"), i, owner) {
		if (controller_only && !kt_jbool(owner, "controller", false))
			continue;
		snprintf(out, size, "%s/%s", kt_jstr(owner, "kind"), kt_jstr(owner, "name"));
		return out;
	}
	return NULL;
}

static void describe_metadata(struct kt_describer *d, const json_t *object)
{
	const char *namespace = kt_jstr(object, "metadata.namespace");
	const char *deleted = kt_jstr(object, "metadata.deletionTimestamp");
	char owner[512];

	kt_describe_row(d, "Name", "%s", kt_jstr(object, "metadata.name"));
	if (namespace)
		kt_describe_row(d, "Namespace", "%s", namespace);
	kt_describe_map(d, "Labels", kt_jget(object, "metadata.labels"), "=");
	kt_describe_map(d, "Annotations", kt_jget(object, "metadata.annotations"), ": ");
	kt_describe_time(d, "CreationTimestamp", kt_jstr(object, "metadata.creationTimestamp"));
	if (deleted) {
		kt_describe_time(d, "Terminating since", deleted);
		kt_describe_tree(d, "Finalizers", kt_jget(object, "metadata.finalizers"));
	}
	if (owner_text(object, true, owner, sizeof(owner)))
		kt_describe_row(d, "Controlled By", "%s", owner);
}

static void describe_whole(struct kt_describer *d, const json_t *object)
{
	const char *key;
	json_t *value;

	kt_describe_row(d, "API Version", "%s", kt_jstr(object, "apiVersion"));
	kt_describe_row(d, "Kind", "%s", kt_jstr(object, "kind"));
	json_object_foreach((json_t *)(uintptr_t)object, key, value) {
		kt_auto_free char *label = kt_describe_words(key);

		if (strcmp(key, "apiVersion") != 0 && strcmp(key, "kind") != 0 &&
		        strcmp(key, "metadata") != 0)
			kt_describe_tree(d, label, value);
	}
}

/* Events */

static int64_t event_ns(const json_t *event)
{
	static const char *const PATHS[] = {"series.lastObservedTime", "lastTimestamp", "eventTime",
	        "metadata.creationTimestamp"};
	int64_t ns;

	for (size_t i = 0; i < KT_ARRAY_SIZE(PATHS); i++) {
		const char *text = kt_jstr(event, PATHS[i]);

		if (text && kt_time_parse(kt_sv_of(text), &ns) == 0)
			return ns;
	}
	return 0;
}

static void event_row(struct kt_describer *d, struct kt_table_writer *table, const json_t *event)
{
	char age[KT_TIME_TEXT_MAX], text[96];
	int64_t count = kt_jint(event, "series.count", kt_jint(event, "count", 1));
	const char *from = kt_jstr(event, "source.component");

	kt_duration_human(d->now_ns - event_ns(event), age);
	snprintf(text, sizeof(text), count > 1 ? "%s (x%lld)" : "%s", age, (long long)count);
	kt_table_writer_cell(table, "");
	kt_table_writer_cell(table, kt_jstr(event, "type"));
	kt_table_writer_cell(table, kt_jstr(event, "reason"));
	kt_table_writer_cell(table, text);
	kt_table_writer_cell(table, from && *from ? from : kt_jstr(event, "reportingComponent"));
	kt_table_writer_cell(table, kt_jstr(event, "message"));
	kt_table_writer_end_row(table);
}

static void describe_events(
        struct kt_command_context *ctx, struct kt_describer *d, const json_t *object)
{
	const char *namespace = kt_jstr(object, "metadata.namespace"),
	           *uid = kt_jstr(object, "metadata.uid");
	kt_auto_err err = KT_ERR_INIT;
	kt_auto_str path = KT_STR_INIT;
	static const char *const NAMES[] = {"", "Type", "Reason", "Age", "From", "Message"};
	json_t *event;
	size_t i;

	kt_str_printf(&path, "/api/v1/namespaces/%s/events?limit=500&fieldSelector=",
	        namespace ? namespace : "default");
	kt_auto_free char *selector = kt_asprintf(
	        "involvedObject.name=%s,involvedObject.kind=%s%s%s",
	        kt_jstr(object, "metadata.name"), kt_jstr(object, "kind"),
	        uid && namespace ? ",involvedObject.uid=" : "", uid && namespace ? uid : "");

	kt_url_escape(&path, selector);
	kt_auto_json json_t *list = kt_session_get(ctx, kt_str_text(&path), NULL, &err);

	if (!list || !json_array_size(json_object_get(list, "items"))) {
		kt_describe_row(d, "Events", "<none>");
		return;
	}
	kt_describe_heading(d, "Events");
	struct kt_table_writer *table = kt_table_writer_create(d->out);

	for (i = 0; i < KT_ARRAY_SIZE(NAMES); i++)
		kt_table_writer_cell(table, NAMES[i]);
	kt_table_writer_end_row(table);
	json_array_foreach(json_object_get(list, "items"), i, event)
		event_row(d, table, event);
	kt_table_writer_destroy(table);
}

static void describe_one(struct kt_command_context *ctx, const json_t *object)
{
	struct kt_describer d = {.out = ctx->out};
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	d.now_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	describe_metadata(&d, object);
	if (!kt_describe_kind(&d, object))
		describe_whole(&d, object);
	if (kt_opt_bool(ctx, "show-events"))
		describe_events(ctx, &d, object);
}

static int run(struct kt_command_context *ctx)
{
	kt_auto_err err = KT_ERR_INIT;
	struct kt_targets targets = {0};

	if (kt_targets_parse(ctx, 0, KT_TARGET_FILES, &targets, &err) < 0 ||
	        kt_targets_fetch(ctx, &targets, &err) < 0) {
		kt_targets_finish(&targets);
		return kt_command_fail(ctx, &err, NULL);
	}
	for (size_t i = 0; i < targets.n; i++) {
		if (i)
			fputs("\n\n", ctx->out);
		describe_one(ctx, targets.items[i].live);
	}
	if (!targets.n)
		fputs("No resources found\n", ctx->err);
	kt_targets_finish(&targets);
	return KT_EXIT_OK;
}

static const enum kt_completion ARGUMENTS[] = {KT_COMPLETE_RESOURCE_OR_NAME, KT_COMPLETE_NONE};

const struct kt_command kt_command_describe = {
        .name = "describe",
        .aliases = (const char *const[]){"desc", NULL},
        .group = "Look",
        .usage = "describe (-f FILE | TYPE [NAME… | -l SELECTOR])",
        .summary = "Show an object in full, with what happened to it",
        .options = OPTIONS,
        .arguments = ARGUMENTS,
        .needs_client = true,
        .run = run,
};
