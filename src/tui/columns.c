/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/columns.h"

#include "tui/health.h"

#include "api/expr/jsonpath.h"
#include "base/time.h"

#include <regex.h>
#include <strings.h>

enum { CELLS_MAX = 64 };

/* Where the cells of one column come from. */
struct source {
	enum { OF_SERVER, OF_EXTRA, OF_OBJECT } from;
	size_t index; /* of the server's cell or of the extra text */
	const struct kt_jsonpath *path;
	bool time;
};

struct wished {
	struct kt_column_wish wish; /* texts are owned */
	struct kt_jsonpath *path;
};

struct kt_columns {
	const char *const *extra;
	KT_VEC(struct wished) wished;
	KT_VEC(struct source) sources; /* one for each column of the table */
	char *sort;
	bool descending;
};

/* Which wish */

static bool matches(const char *pattern, const char *text)
{
	regex_t expression;

	if (regcomp(&expression, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return false;
	bool found = regexec(&expression, text, 0, NULL, 0) == 0;

	regfree(&expression);
	return found;
}

const struct kt_view_wish *kt_columns_wish(
        struct kt_ui *ui, const struct kt_resource *resource, const char *namespace)
{
	const struct kt_settings *settings = &ui->custom.settings;
	const struct kt_view_wish *best = NULL;

	for (size_t i = 0; i < settings->views.n; i++) {
		const struct kt_view_wish *wish = &settings->views.items[i];
		const char *at = strchr(wish->key, '@');
		struct kt_sv key = {wish->key, at ? (size_t)(at - wish->key) : strlen(wish->key)};

		if (!kt_ui_is_kind(ui, key, resource) || (at && !matches(at + 1, namespace)))
			continue;
		if (!best || at || !strchr(best->key, '@')) /* that of the namespace goes first */
			best = wish;
	}
	return best;
}

/* Life */

struct kt_columns *kt_columns_create(
        const struct kt_view_wish *wish, const char *const *extra, struct kt_str *warnings)
{
	struct kt_columns *columns = kt_new(struct kt_columns);

	columns->extra = extra;
	for (size_t i = 0; wish && i < wish->columns.n; i++) {
		const struct kt_column_wish *from = &wish->columns.items[i];
		kt_auto_err err = KT_ERR_INIT;
		struct wished wished = {.wish = *from};

		if (from->path && kt_jsonpath_parse(from->path, true, &wished.path, &err) < 0) {
			kt_str_printf(warnings, "%s: %s\n", from->name, kt_err_message(&err));
			continue;
		}
		wished.wish.name = kt_strdup(from->name);
		wished.wish.path = NULL;
		kt_vec_push(&columns->wished, wished);
	}
	columns->sort = wish && wish->sort ? kt_strdup(wish->sort) : NULL;
	columns->descending = wish && wish->descending;
	return columns;
}

void kt_columns_destroy(struct kt_columns *columns)
{
	if (!columns)
		return;
	for (size_t i = 0; i < columns->wished.n; i++) {
		free(columns->wished.items[i].wish.name);
		kt_jsonpath_destroy(columns->wished.items[i].path);
	}
	kt_vec_finish(&columns->wished);
	kt_vec_finish(&columns->sources);
	free(columns->sort);
	free(columns);
}

bool kt_columns_need_objects(const struct kt_columns *columns)
{
	for (size_t i = 0; i < columns->wished.n; i++)
		if (columns->wished.items[i].path)
			return true;
	return false;
}

/* Laying out */

struct definition {
	char *name;
	int64_t priority;
	bool used;
};

static size_t read_definitions(struct kt_json_at list, struct definition *ret, size_t max)
{
	struct kt_json_iter it = {0};
	struct kt_json_at at;
	size_t n = 0;

	while (n < max && list.p && kt_json_next_element(list, &it, &at)) {
		char *name = kt_json_string_dup(kt_json_member(at, "name"));

		ret[n] = (struct definition){.name = name ? name : kt_strdup("")};
		if (!kt_json_int64(kt_json_member(at, "priority"), &ret[n].priority))
			ret[n].priority = 0;
		n++;
	}
	return n;
}

static struct kt_table_column *add(struct kt_columns *columns, struct kt_table *table,
        const char *name, bool wide, struct source source)
{
	enum kt_column_sort sort = source.time ? KT_SORT_SINCE : kt_column_sort_of(name);

	if (source.from == OF_OBJECT && sort == KT_SORT_AGE)
		sort = KT_SORT_TEXT; /* a field of that name, not the object's age */
	if (source.from == OF_EXTRA)
		kt_table_add_extra_column(table, name);
	else
		kt_table_add_column(table, name, wide, sort);
	kt_vec_push(&columns->sources, source);
	return &table->columns.items[table->columns.n - 1];
}

static void add_extra(struct kt_columns *columns, struct kt_table *table)
{
	for (size_t i = 0; columns->extra && columns->extra[i]; i++)
		if (kt_table_find_column(table, columns->extra[i]) < 0)
			add(columns, table, columns->extra[i], false,
			        (struct source){.from = OF_EXTRA, .index = i});
}

/* False: there is no such column here (k9s has some of its own). */
static bool find_source(const struct kt_columns *columns, const struct wished *wished,
        struct definition *definitions, size_t n, struct source *ret_source)
{
	if (wished->path) {
		*ret_source = (struct source){
		        .from = OF_OBJECT, .path = wished->path, .time = wished->wish.time};
		return true;
	}
	for (size_t i = 0; i < n; i++) {
		if (strcasecmp(definitions[i].name, wished->wish.name) != 0)
			continue;
		definitions[i].used = true;
		*ret_source = (struct source){.from = OF_SERVER, .index = i};
		return true;
	}
	for (size_t i = 0; columns->extra && columns->extra[i]; i++) {
		if (strcasecmp(columns->extra[i], wished->wish.name) != 0)
			continue;
		*ret_source = (struct source){.from = OF_EXTRA, .index = i};
		return true;
	}
	return false;
}

static void add_wished(struct kt_columns *columns, struct kt_table *table,
        struct definition *definitions, size_t n)
{
	for (size_t i = 0; i < columns->wished.n; i++) {
		const struct wished *wished = &columns->wished.items[i];
		struct source source;

		if (!find_source(columns, wished, definitions, n, &source) ||
		        (source.from == OF_EXTRA && wished->wish.hidden))
			continue;
		struct kt_table_column *column =
		        add(columns, table, wished->wish.name, wished->wish.wide, source);

		column->hidden = column->hidden || wished->wish.hidden;
		column->right = wished->wish.right;
	}
}

/* What tells when it was seen last, events, has the newest first. */
static void sort(const struct kt_columns *columns, struct kt_table *table)
{
	int wished = columns->sort ? kt_table_find_column(table, columns->sort) : -1,
	    last_seen = kt_table_find_column(table, "Last Seen");

	if (wished >= 0)
		kt_table_sort(table, wished, columns->descending);
	else if (last_seen >= 0)
		kt_table_sort(table, last_seen, false);
}

void kt_columns_lay_out(struct kt_columns *columns, struct kt_table *table, struct kt_json_at list)
{
	struct definition definitions[CELLS_MAX];
	size_t n = read_definitions(list, definitions, CELLS_MAX);
	bool own = columns->wished.n > 0;

	add_wished(columns, table, definitions, n);
	for (size_t i = 0; i < n; i++) {
		bool wide = own || definitions[i].priority > 0;

		if (!own && kt_column_sort_of(definitions[i].name) == KT_SORT_AGE)
			add_extra(columns, table);
		if (!definitions[i].used)
			add(columns, table, definitions[i].name, wide,
			        (struct source){.from = OF_SERVER, .index = i});
		free(definitions[i].name);
	}
	sort(columns, table);
}

/* Reading */

/* A cell as text; *ret_heap is what must be freed afterwards. */
static struct kt_sv cell_text(struct kt_json_at value, char **ret_heap)
{
	struct kt_sv text;

	*ret_heap = NULL;
	if (kt_json_string_sv(value, &text))
		return text;
	if (kt_json_is_string(value)) {
		*ret_heap = kt_json_string_dup(value);
		return kt_sv_of(*ret_heap ? *ret_heap : "");
	}
	if (!value.p || (value.len == 4 && !memcmp(value.p, "null", 4)))
		return KT_SV("<none>");
	return (struct kt_sv){value.p, value.len};
}

/* A field of the object; "" where it has none, as in k9s. */
static char *field_text(const struct source *source, const json_t *object, int64_t wall_ns)
{
	kt_auto_str text = KT_STR_INIT;
	int64_t then_ns;

	if (object)
		kt_jsonpath_print(source->path, object, true, &text, NULL);
	if (source->time && kt_time_parse(kt_sv_of(kt_str_text(&text)), &then_ns) == 0) {
		char age[40];

		kt_duration_human(KT_MAX(wall_ns - then_ns, 0), age);
		return kt_strdup(age);
	}
	return kt_strdup(kt_str_text(&text));
}

size_t kt_columns_read(const struct kt_columns *columns, struct kt_json_at row, int64_t wall_ns,
        struct kt_sv *ret_texts, char **ret_heap, size_t max)
{
	struct kt_json_at cells = kt_json_member(row, "cells"), values[CELLS_MAX];
	struct kt_json_iter it = {0};
	kt_auto_json json_t *object = NULL;
	size_t n_values = 0, n = 0;

	while (n_values < CELLS_MAX && cells.p &&
	        kt_json_next_element(cells, &it, &values[n_values]))
		n_values++;
	for (; n < columns->sources.n && n < max; n++) {
		const struct source *source = &columns->sources.items[n];

		ret_heap[n] = NULL;
		if (source->from == OF_EXTRA) {
			ret_texts[n] = (struct kt_sv){NULL, source->index};
		} else if (source->from == OF_SERVER) {
			ret_texts[n] = source->index < n_values
			                       ? cell_text(values[source->index], &ret_heap[n])
			                       : KT_SV("");
		} else {
			struct kt_json_at at = kt_json_member(row, "object");

			if (!object && at.p)
				object = kt_json_parse((struct kt_sv){at.p, at.len}, NULL, NULL);
			ret_heap[n] = field_text(source, object, wall_ns);
			ret_texts[n] = kt_sv_of(ret_heap[n]);
		}
	}
	return n;
}
