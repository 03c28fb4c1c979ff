/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/table.h"

#include "api/server/cells.h"
#include "api/server/versions.h"
#include "base/time.h"

#include <errno.h>

static const struct kt_column fallback_columns[] = {
        {.name = "Name", .type = "string", .format = "name", .path = ".metadata.name"},
        {.name = "Created At", .type = "date", .format = "", .path = ".metadata.creationTimestamp"},
};

static const struct kt_column *columns_of(const struct kt_kind *kind, size_t *ret_n)
{
	if (kind->n_columns) {
		*ret_n = kind->n_columns;
		return kind->columns;
	}
	*ret_n = KT_ARRAY_SIZE(fallback_columns);
	return fallback_columns;
}

int kt_table_include(const char *text, enum kt_include *ret_include, struct kt_err *err)
{
	static const struct {
		const char *text;
		enum kt_include include;
	} choices[] = {{"", KT_INCLUDE_METADATA}, {"Metadata", KT_INCLUDE_METADATA},
	        {"Object", KT_INCLUDE_OBJECT}, {"None", KT_INCLUDE_NONE}};

	*ret_include = KT_INCLUDE_METADATA;
	for (size_t i = 0; text && i < KT_ARRAY_SIZE(choices); i++)
		if (!strcmp(text, choices[i].text)) {
			*ret_include = choices[i].include;
			return 0;
		}
	if (!text)
		return 0;
	return kt_fail(err, EINVAL,
	        "Unable to convert to Table as requested: includeObject: Invalid value: \"%s\": "
	        "must be 'Metadata', "
	        "'Object', 'None', or empty",
	        text);
}

json_t *kt_table_columns(const struct kt_kind *kind)
{
	size_t n;
	const struct kt_column *columns = columns_of(kind, &n);
	json_t *definitions = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *definition = json_object();
		json_object_set_new(definition, "name", json_string(columns[i].name));
		json_object_set_new(definition, "type", json_string(columns[i].type));
		json_object_set_new(definition, "format",
		        json_string(columns[i].format ? columns[i].format : ""));
		json_object_set_new(definition, "description",
		        json_string(columns[i].doc ? columns[i].doc : ""));
		json_object_set_new(definition, "priority", json_integer(columns[i].priority));
		json_array_append_new(definitions, definition);
	}
	return definitions;
}

json_t *kt_table_partial(json_t *object, const char *version)
{
	json_t *partial = json_object();
	json_t *metadata = json_object_get(object, "metadata");

	json_object_set_new(partial, "kind", json_string("PartialObjectMetadata"));
	json_object_set_new(
	        partial, "apiVersion", json_sprintf("meta.k8s.io/%s", version ? version : "v1"));
	json_object_set_new(partial, "metadata", metadata ? json_incref(metadata) : json_object());
	return partial;
}

json_t *kt_table_row(const struct kt_kind *kind, json_t *object, enum kt_include include,
        const char *version, int64_t now_ns)
{
	size_t n;
	const struct kt_column *columns = columns_of(kind, &n);
	json_t *cells = json_array(), *row = json_object();
	/* Computed cells know the stored version of their kind, paths the one asked for. */
	bool is_stored = !kind->set || (kind->flags & KT_KIND_CUSTOM) ||
	                 kt_versions_stored_kind(kind) == kind;
	kt_auto_json json_t *asked =
	        is_stored ? json_incref(object) : kt_versions_convert(kind, object);
	struct kt_cell_context context = {.kind = kind, .object = asked, .now_ns = now_ns};
	struct kt_cell_context computed = {.kind = kind, .object = object, .now_ns = now_ns};

	for (size_t i = 0; i < n; i++)
		json_array_append_new(
		        cells, kt_cell(columns[i].cell ? &computed : &context, &columns[i]));
	json_object_set_new(row, "cells", cells);
	json_t *conditions = kt_cell_row_conditions(&context);
	if (conditions)
		json_object_set_new(row, "conditions", conditions);
	json_t *shown = include == KT_INCLUDE_NONE     ? json_null()
	                : include == KT_INCLUDE_OBJECT ? json_incref(asked)
	                                               : kt_table_partial(object, version);
	json_object_set_new(row, "object", shown);
	return row;
}

json_t *kt_table_of_bookmark(const struct kt_kind *kind, json_t *object, const char *version,
        bool columns, int64_t now_ns)
{
	json_t *table = json_object(), *rows = json_array(), *metadata = json_object();

	json_object_set_new(table, "kind", json_string("Table"));
	json_object_set_new(
	        table, "apiVersion", json_sprintf("meta.k8s.io/%s", version ? version : "v1"));
	json_object_set(metadata, "resourceVersion", kt_jget(object, "metadata.resourceVersion"));
	json_object_set_new(table, "metadata", metadata);
	json_object_set_new(
	        table, "columnDefinitions", columns ? kt_table_columns(kind) : json_null());
	json_array_append_new(
	        rows, kt_table_row(kind, object, KT_INCLUDE_METADATA, version, now_ns));
	json_object_set_new(table, "rows", rows);
	return table;
}
