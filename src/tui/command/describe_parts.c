/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the descriptions of all kinds share, and the one of kinds without their own. */
#include "tui/command/describe.h"

#include "base/time.h"

#include <ctype.h>
#include <time.h>

#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"
#define ANNOTATION_MAX 140 /* longer ones start on a line of their own and are cut */

void kt_describe_put(struct kt_describer *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	kt_str_vprintf(&d->text, fmt, ap);
	va_end(ap);
}

const char *kt_describe_field(const json_t *object, const char *path)
{
	const char *text = kt_jstr(object, path);

	return text ? text : "";
}

const char **kt_describe_keys(const json_t *map, size_t *ret_n)
{
	const char **keys = kt_new_array(const char *, json_object_size(map) + 1);
	const char *key;
	json_t *value;
	size_t n = 0;

	json_object_foreach((json_t *)(uintptr_t)map, key, value)
		keys[n++] = key;
	qsort(keys, n, sizeof(*keys), kt_strp_cmp);
	*ret_n = n;
	return keys;
}

char *kt_describe_value(const json_t *value)
{
	struct kt_str text = KT_STR_INIT;

	if (json_is_string(value))
		return kt_strdup(json_string_value(value));
	if (value)
		kt_json_write(&text, value, 0);
	return kt_str_steal(&text);
}

char *kt_describe_join(const json_t *array, const char *separator)
{
	struct kt_str text = KT_STR_INIT;
	json_t *value;
	size_t i;

	json_array_foreach(array, i, value) {
		kt_auto_free char *one = kt_describe_value(value);

		kt_str_printf(&text, "%s%s", i ? separator : "", one);
	}
	return kt_str_steal(&text);
}

static void selector_expression(struct kt_str *out, const json_t *entry)
{
	const char *key = kt_describe_field(entry, "key"),
	           *operator= kt_describe_field(entry, "operator");
	kt_auto_free char *values = kt_describe_join(json_object_get(entry, "values"), ",");

	kt_str_puts(out, out->len ? "," : "");
	if (!strcmp(operator, "Exists"))
		kt_str_puts(out, key);
	else if (!strcmp(operator, "DoesNotExist"))
		kt_str_printf(out, "!%s", key);
	else
		kt_str_printf(
		        out, "%s %s (%s)", key, !strcmp(operator, "In") ? "in" : "notin", values);
}

char *kt_describe_selector(const json_t *selector, const char *none)
{
	const json_t *expressions = json_object_get(selector, "matchExpressions"),
	             *labels = json_object_get(selector, "matchLabels");
	struct kt_str text = KT_STR_INIT;
	json_t *entry;
	size_t n, i;

	if (!labels && !expressions)
		labels = selector;
	const char **keys = kt_describe_keys(labels, &n);

	for (i = 0; i < n; i++)
		kt_str_printf(&text, "%s%s=%s", i ? "," : "", keys[i],
		        json_string_value(json_object_get(labels, keys[i])));
	free(keys);
	json_array_foreach(expressions, i, entry)
		selector_expression(&text, entry);
	if (!text.len)
		kt_str_puts(&text, none);
	return kt_str_steal(&text);
}

void kt_describe_labels(
        struct kt_describer *d, const char *indent, const char *label, const json_t *map)
{
	size_t n;
	const char **keys = kt_describe_keys(map, &n);

	kt_describe_put(d, "%s%s:\t", indent, label);
	for (size_t i = 0; i < n; i++)
		kt_describe_put(d, "%s%s%s=%s\n", i ? indent : "", i ? "\t" : "", keys[i],
		        json_string_value(json_object_get(map, keys[i])));
	if (!n)
		kt_describe_put(d, "<none>\n");
	free(keys);
}

static void annotation(
        struct kt_describer *d, const char *indent, const char *key, struct kt_sv text)
{
	struct kt_sv line;

	if (text.len && text.p[text.len - 1] == '\n')
		text.len--;
	if (strlen(key) + text.len + 2 <= ANNOTATION_MAX && !memchr(text.p, '\n', text.len)) {
		kt_describe_put(d, "%s: %.*s\n", key, (int)text.len, text.p);
		return;
	}
	kt_describe_put(d, "%s:\n", key);
	while (kt_sv_split(&text, '\n', &line)) {
		bool cut = line.len > ANNOTATION_MAX - 2;

		kt_describe_put(d, "%s\t  %.*s%s\n", indent,
		        (int)(cut ? ANNOTATION_MAX - 2 : line.len), line.p, cut ? "..." : "");
	}
}

void kt_describe_annotations(
        struct kt_describer *d, const char *indent, const char *label, const json_t *map)
{
	size_t n, shown = 0;
	const char **keys = kt_describe_keys(map, &n);

	kt_describe_put(d, "%s%s:\t", indent, label);
	for (size_t i = 0; i < n; i++) {
		const char *value = json_string_value(json_object_get(map, keys[i]));

		/* what apply remembers is long and says nothing new */
		if (!value || !strcmp(keys[i], LAST_APPLIED))
			continue;
		if (shown++)
			kt_describe_put(d, "%s\t", indent);
		annotation(d, indent, keys[i], kt_sv_of(value));
	}
	if (!shown)
		kt_describe_put(d, "<none>\n");
	free(keys);
}

void kt_describe_metadata(struct kt_describer *d, const json_t *object)
{
	const char *namespace = kt_jstr(object, "metadata.namespace");

	kt_describe_put(d, "Name:\t%s\n", kt_describe_field(object, "metadata.name"));
	if (namespace)
		kt_describe_put(d, "Namespace:\t%s\n", namespace);
	kt_describe_labels(d, "", "Labels", kt_jget(object, "metadata.labels"));
	kt_describe_annotations(d, "", "Annotations", kt_jget(object, "metadata.annotations"));
}

const char *kt_describe_time_text(const char *rfc3339, char out[KT_DESCRIBE_TIME_MAX])
{
	int64_t ns;
	struct tm tm;

	snprintf(out, KT_DESCRIBE_TIME_MAX, "%s", rfc3339 && *rfc3339 ? rfc3339 : "<unset>");
	if (!rfc3339 || kt_time_parse(kt_sv_of(rfc3339), &ns) < 0)
		return out;
	time_t seconds = (time_t)(ns / 1000000000);

	localtime_r(&seconds, &tm);
	strftime(out, KT_DESCRIBE_TIME_MAX, "%a, %d %b %Y %H:%M:%S %z", &tm);
	return out;
}

void kt_describe_time(
        struct kt_describer *d, const char *label, const json_t *object, const char *path)
{
	const char *when = kt_jstr(object, path);
	char text[KT_DESCRIBE_TIME_MAX];

	if (when)
		kt_describe_put(d, "%s:\t%s\n", label, kt_describe_time_text(when, text));
}

void kt_describe_controller(struct kt_describer *d, const json_t *object)
{
	json_t *owner;
	size_t i;

	json_array_foreach(kt_jget(object, "metadata.ownerReferences"), i, owner) {
		if (kt_jbool(owner, "controller", false))
			kt_describe_put(d, "Controlled By:\t%s/%s\n",
			        kt_describe_field(owner, "kind"), kt_describe_field(owner, "name"));
	}
}

void kt_describe_conditions(struct kt_describer *d, const json_t *object)
{
	json_t *condition;
	size_t i;

	if (!json_array_size(kt_jget(object, "status.conditions")))
		return;
	kt_describe_put(d, "Conditions:\n  Type\tStatus\tReason\n  ----\t------\t------\n");
	json_array_foreach(kt_jget(object, "status.conditions"), i, condition)
		kt_describe_put(d, "  %s \t%s\t%s\n", kt_describe_field(condition, "type"),
		        kt_describe_field(condition, "status"),
		        kt_describe_field(condition, "reason"));
}

/* Kinds without a description of their own */

/* "containerStatuses" as "Container Statuses"; some short words are written large. Heap. */
static char *field_words(const char *field)
{
	static const char *const LARGE[] = {"API", "URL", "UID", "OSB", "GUID"};
	struct kt_str out = KT_STR_INIT;

	for (const char *p = field; *p; p++) {
		bool upper = isupper((unsigned char)*p);
		bool starts =
		        upper && p > field &&
		        (!isupper((unsigned char)p[-1]) || (p[1] && islower((unsigned char)p[1])));

		if (starts)
			kt_str_putc(&out, ' ');
		kt_str_putc(&out, p == field ? (char)toupper((unsigned char)*p) : *p);
	}
	struct kt_str fixed = KT_STR_INIT;
	struct kt_sv rest = {kt_str_text(&out), out.len}, word;

	while (rest.len && kt_sv_split(&rest, ' ', &word)) {
		const char *shown = NULL;

		for (size_t i = 0; i < KT_ARRAY_SIZE(LARGE); i++)
			if (word.len == strlen(LARGE[i]) &&
			        !strncasecmp(word.p, LARGE[i], word.len))
				shown = LARGE[i];
		kt_str_printf(&fixed, "%s%.*s", fixed.len ? " " : "", (int)word.len,
		        shown ? shown : word.p);
	}
	kt_str_finish(&out);
	return kt_str_steal(&fixed);
}

static void whole_map(struct kt_describer *d, const json_t *map, int level, const char *skip);

static void whole_list(struct kt_describer *d, const json_t *list, int level)
{
	json_t *value;
	size_t i;

	json_array_foreach(list, i, value) {
		if (json_is_object(value)) {
			whole_map(d, value, level, NULL);
		} else if (json_is_array(value)) {
			whole_list(d, value, level + 1);
		} else {
			kt_auto_free char *text = kt_describe_value(value);

			kt_describe_put(d, "%*s%s\n", 2 * level, "", text);
		}
	}
}

static void whole_value(struct kt_describer *d, const char *key, const json_t *value, int level)
{
	kt_auto_free char *label = field_words(key);

	if (json_is_object(value)) {
		kt_describe_put(d, "%*s%s:\n", 2 * level, "", label);
		whole_map(d, value, level + 1, NULL);
	} else if (json_is_array(value)) {
		kt_describe_put(d, "%*s%s:\n", 2 * level, "", label);
		whole_list(d, value, level + 1);
	} else {
		kt_auto_free char *text =
		        json_is_null(value) ? kt_strdup("<nil>") : kt_describe_value(value);

		kt_describe_put(d, "%*s%s:\t%s\n", 2 * level, "", label, text);
	}
}

/* skip: ",a,b,": keys that were shown already. */
static void whole_map(struct kt_describer *d, const json_t *map, int level, const char *skip)
{
	size_t n;
	const char **keys = kt_describe_keys(map, &n);

	for (size_t i = 0; i < n; i++) {
		kt_auto_free char *mark = kt_asprintf(",%s,", keys[i]);

		if (!skip || !strstr(skip, mark))
			whole_value(d, keys[i], json_object_get(map, keys[i]), level);
	}
	free(keys);
}

void kt_describe_whole(struct kt_describer *d, const json_t *object)
{
	const char *namespace = kt_jstr(object, "metadata.namespace");
	size_t n;
	const char **keys = kt_describe_keys(object, &n);

	kt_describe_put(d, "Name:\t%s\nNamespace:\t%s\n",
	        kt_describe_field(object, "metadata.name"), namespace ? namespace : "");
	kt_describe_labels(d, "", "Labels", kt_jget(object, "metadata.labels"));
	kt_describe_annotations(d, "", "Annotations", kt_jget(object, "metadata.annotations"));
	kt_describe_put(d, "API Version:\t%s\nKind:\t%s\n", kt_describe_field(object, "apiVersion"),
	        kt_describe_field(object, "kind"));
	for (size_t i = 0; i < n; i++) {
		const json_t *value = json_object_get(object, keys[i]);

		if (!strcmp(keys[i], "metadata")) {
			kt_describe_put(d, "Metadata:\n");
			whole_map(d, value, 1, ",name,namespace,labels,annotations,managedFields,");
		} else if (strcmp(keys[i], "apiVersion") != 0 && strcmp(keys[i], "kind") != 0) {
			whole_value(d, keys[i], value, 0);
		}
	}
	free(keys);
	kt_describe_events(d, object);
}
