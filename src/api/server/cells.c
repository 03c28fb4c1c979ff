/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/cells.h"

#include "api/expr/jsonpath.h"
#include "api/machinery/go_text.h"
#include "api/server/cells_table.h"
#include "base/time.h"

json_t *kt_cell_age_of(const struct kt_cell_context *context, const char *time_text)
{
	char text[KT_TIME_TEXT_MAX];
	int64_t then;

	if (!time_text || kt_time_parse(kt_sv_of(time_text), &then) < 0)
		return json_string("<unknown>");
	kt_duration_human(context->now_ns - then, text);
	return json_string(text);
}

/* What a column shows for a field that is not there. */
static json_t *empty_of(const struct kt_column *column)
{
	if (kt_streq(column->type, "integer"))
		return json_integer(0);
	if (kt_streq(column->type, "boolean"))
		return json_false();
	return json_string("");
}

/* Go prints the zero of a number in a string column too. */
static json_t *zero_of(const struct kt_cell_context *context, const struct kt_column *column)
{
	const struct kt_field *field = kt_type_field_path(context->kind->type, column->path + 1);

	if (field && (field->type->shape == KT_SHAPE_INT32 || field->type->shape == KT_SHAPE_INT64))
		return json_integer(0);
	return empty_of(column);
}

/* A plain ".a.b.c" needs no parser. */
static bool is_plain(const char *path)
{
	return path[0] == '.' && !strpbrk(path, "[]()*@{}'\"\\?") && !strstr(path, "..");
}

/* A column that is no text shows only what is of its type. */
static json_t *typed_cell(
        const struct kt_cell_context *context, const char *type, const json_t *value)
{
	if (kt_streq(type, "integer") && json_is_number(value))
		return json_integer(json_is_integer(value) ? json_integer_value(value)
		                                           : (json_int_t)json_real_value(value));
	if (kt_streq(type, "number") && json_is_number(value))
		return json_is_integer(value) ? json_integer(json_integer_value(value))
		                              : json_real(json_real_value(value));
	if (kt_streq(type, "boolean") && json_is_boolean(value))
		return json_boolean(json_is_true(value));
	if (kt_streq(type, "date") && json_is_string(value)) {
		int64_t then;
		const char *text = json_string_value(value);
		if (*text && kt_time_parse(kt_sv_of(text), &then) < 0)
			return json_string("<invalid>");
		return kt_cell_age_of(context, text);
	}
	return json_null();
}

/* A column of a custom resource: the first of what its path finds, as Go prints it. */
static json_t *custom_cell(const struct kt_cell_context *context, const struct kt_column *column)
{
	struct kt_jsonpath *path = NULL;
	kt_auto_str text = KT_STR_INIT;

	if (!column->path || kt_jsonpath_parse(column->path, true, &path, NULL) < 0)
		return json_null();
	kt_auto_json json_t *found = kt_jsonpath_find(path, context->object, true, NULL);
	kt_jsonpath_destroy(path);
	const json_t *first = json_array_get(found, 0);
	if (!first)
		return json_null();
	if (!kt_streq(column->type, "string"))
		return typed_cell(context, column->type, first);
	if (json_is_object(first) || json_is_array(first))
		kt_json_write(&text, first, KT_JSON_SORT | KT_JSON_HTML);
	else if (json_is_null(first))
		kt_str_puts(&text, "<no value>");
	else
		kt_go_percent_v(&text, first);
	return json_stringn(text.data ? text.data : "", text.len);
}

/* What several results print: as kubectl's columns do, joined by commas. */
static json_t *joined(const struct kt_jsonpath *path, const struct kt_cell_context *context,
        const struct kt_column *column)
{
	kt_auto_json json_t *found = kt_jsonpath_find(path, context->object, true, NULL);
	json_t *first = json_array_get(found, 0);

	if (!first)
		return empty_of(column);
	if (kt_streq(column->type, "string") &&
	        (json_array_size(found) > 1 || !json_is_string(first))) {
		kt_auto_str text = KT_STR_INIT;
		size_t i;
		json_t *item;
		json_array_foreach(found, i, item) {
			kt_str_puts(&text, i ? "," : "");
			if (json_is_string(item))
				kt_str_puts(&text, json_string_value(item));
			else
				kt_json_write(&text, item, 0);
		}
		return json_string(kt_str_text(&text));
	}
	return json_incref(first);
}

static json_t *path_cell(const struct kt_cell_context *context, const struct kt_column *column)
{
	if (is_plain(column->path)) {
		json_t *value = kt_jget(context->object, column->path + 1);
		if (value && !json_is_object(value) && !json_is_array(value) &&
		        !json_is_null(value))
			return json_incref(value);
		if (!value || json_is_null(value))
			return zero_of(context, column);
	}
	struct kt_jsonpath *path = NULL;
	if (kt_jsonpath_parse(column->path, true, &path, NULL) < 0)
		return empty_of(column);
	json_t *cell = joined(path, context, column);
	kt_jsonpath_destroy(path);
	return cell;
}

static kt_cell_fn *find_function(const char *name)
{
	for (const struct kt_cell_group *const *group = kt_cell_groups; *group; group++)
		for (const struct kt_cell_entry *entry = (*group)->entries; entry->name; entry++)
			if (!strcmp(entry->name, name))
				return entry->fn;
	return NULL;
}

json_t *kt_cell(const struct kt_cell_context *context, const struct kt_column *column)
{
	if (column->cell) {
		kt_cell_fn *fn = find_function(column->cell);
		return fn ? fn(context) : json_string("");
	}
	if (context->kind->flags & KT_KIND_CUSTOM)
		return custom_cell(context, column);
	return column->path ? path_cell(context, column) : json_string("");
}

json_t *kt_cell_text_or_none(const char *text)
{
	return json_string(text && *text ? text : "<none>");
}

static int by_key(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void kt_cell_put_map(struct kt_str *out, const json_t *map)
{
	size_t n = json_object_size(map), i = 0;
	const char **keys = kt_new_array(const char *, n + 1), *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)map, key, value)
		keys[i++] = key;
	qsort(keys, n, sizeof(*keys), by_key);
	for (i = 0; i < n; i++)
		kt_str_printf(out, "%s%s=%s", out->len ? "," : "", keys[i],
		        json_string_value(json_object_get(map, keys[i])));
	free(keys);
}

json_t *kt_cell_map_text(const json_t *map)
{
	kt_auto_str text = KT_STR_INIT;

	kt_cell_put_map(&text, map);
	return kt_cell_text_or_none(kt_str_text(&text));
}

/* One requirement of a LabelSelector as `kubectl -l` takes it. */
static char *requirement_text(const json_t *requirement)
{
	const char *key = kt_jstr(requirement, "key"), *operator= kt_jstr(requirement, "operator");
	struct kt_str out = KT_STR_INIT;
	json_t *value;
	size_t i;

	if (kt_streq(operator, "Exists") || kt_streq(operator, "DoesNotExist")) {
		kt_str_printf(&out, "%s%s", kt_streq(operator, "Exists") ? "" : "!", key);
		return kt_str_steal(&out);
	}
	const json_t *list = json_object_get(requirement, "values");
	kt_auto_free const char **values = kt_new_array(const char *, json_array_size(list) + 1);

	json_array_foreach(list, i, value)
		values[i] = json_string_value(value);
	qsort(values, json_array_size(list), sizeof(*values), by_key);
	kt_str_printf(&out, "%s %s (", key, kt_streq(operator, "In") ? "in" : "notin");
	for (i = 0; i < json_array_size(list); i++)
		kt_str_printf(&out, "%s%s", i ? "," : "", values[i]);
	kt_str_putc(&out, ')');
	return kt_str_steal(&out);
}

/* matchLabels and matchExpressions, in one order by key. */
json_t *kt_cell_selector_text(const json_t *selector)
{
	const json_t *labels = json_object_get(selector, "matchLabels");
	const json_t *expressions = json_object_get(selector, "matchExpressions");
	size_t n = 0, i;
	char **parts =
	        kt_new_array(char *, json_object_size(labels) + json_array_size(expressions) + 1);
	kt_auto_str text = KT_STR_INIT;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)labels, key, value)
		parts[n++] = kt_asprintf("%s=%s", key, json_string_value(value));
	json_array_foreach(expressions, i, value)
		parts[n++] = requirement_text(value);
	qsort(parts, n, sizeof(*parts), by_key);
	for (i = 0; i < n; i++) {
		kt_str_printf(&text, "%s%s", i ? "," : "", parts[i]);
		free(parts[i]);
	}
	free(parts);
	return kt_cell_text_or_none(kt_str_text(&text));
}

json_t *kt_cell_joined(const json_t *array, const char *path, const char *separator, size_t max)
{
	size_t n = json_array_size(array), i;
	kt_auto_str text = KT_STR_INIT;
	json_t *item;

	json_array_foreach(array, i, item) {
		const char *word = path ? kt_jstr(item, path) : json_string_value(item);
		if (max && i == max)
			break;
		kt_str_printf(&text, "%s%s", i ? separator : "", word ? word : "");
	}
	if (max && n > max)
		kt_str_printf(&text, " + %zu more...", n - max);
	return json_string(kt_str_text(&text));
}

static json_t *cell_age(const struct kt_cell_context *context)
{
	return kt_cell_age_of(context, kt_jstr(context->object, "metadata.creationTimestamp"));
}

static const struct kt_cell_entry common_entries[] = {
        {"age", cell_age},
        {NULL, NULL},
};
static const struct kt_cell_group common = {common_entries};

const struct kt_cell_group *const kt_cell_groups[] = {
        &common,
        &kt_cells_pod,
        &kt_cells_core,
        &kt_cells_workloads,
        &kt_cells_policy,
        &kt_cells_network,
        &kt_cells_cluster,
        NULL,
};
