/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows in order: putting, removing, sorting, filtering, marking. table_draw.c shows them. */
#include "tui/widget/table.h"

#include "tui/widget/table_sort.h"

#include "base/log.h"

static void free_row(void *row)
{
	free(row);
}

void kt_table_init(struct kt_table *table)
{
	*table = (struct kt_table){.sort_column = -1, .picked_column = -1};
	kt_map_init(&table->rows, free_row);
}

void kt_table_finish(struct kt_table *table)
{
	kt_table_clear_columns(table);
	kt_vec_finish(&table->columns);
	kt_vec_finish(&table->order);
	kt_map_finish(&table->rows);
	kt_filter_finish(&table->filter);
	free(table->mark_from);
	table->mark_from = NULL;
}

void kt_table_clear(struct kt_table *table)
{
	table->order.n = 0;
	kt_map_clear(&table->rows);
	table->cursor = table->top = table->n_marked = 0;
	table->namespace_width = 0;
	table->version++;
	memset(table->by_state, 0, sizeof(table->by_state));
	table->settled = false;
	for (size_t i = 0; i < table->columns.n; i++)
		table->columns.items[i].width = 0;
}

void kt_table_clear_columns(struct kt_table *table)
{
	for (size_t i = 0; i < table->columns.n; i++)
		free(table->columns.items[i].name);
	table->columns.n = 0;
}

void kt_table_add_column(
        struct kt_table *table, const char *name, bool wide, enum kt_column_sort sort)
{
	struct kt_table_column column = {.name = kt_strdup(name), .wide = wide, .sort = sort};

	kt_vec_push(&table->columns, column);
}

int kt_table_find_column(const struct kt_table *table, const char *name)
{
	for (size_t i = 0; i < table->columns.n; i++)
		if (!strcasecmp(table->columns.items[i].name, name))
			return (int)i;
	return -1;
}

void kt_table_add_extra_column(struct kt_table *table, const char *name)
{
	kt_table_add_column(table, name, false, KT_SORT_TEXT);
	table->columns.items[table->columns.n - 1].extra = true;
	table->columns.items[table->columns.n - 1].hidden = true;
}

bool kt_table_put_cell(const struct kt_table *table, const struct kt_row *row, const char *name,
        struct kt_str *out)
{
	if (!kt_starts_with(name, "column:"))
		return false;
	name += strlen("column:");
	int column = kt_table_find_column(table, name);

	if (column >= 0 && (size_t)column < row->n_cells)
		kt_str_puts(out, row->cells[column]);
	else if (!strcasecmp(name, "Namespace"))
		kt_str_puts(out, row->namespace);
	else
		return false;
	return true;
}

struct kt_row *kt_row_create(const char *uid, const char *namespace, const char *name,
        const struct kt_sv *cells, size_t n_cells, const char *owner)
{
	const char *texts[4] = {uid, namespace, name, owner};
	char **places[4];
	size_t size = sizeof(struct kt_row) + n_cells * sizeof(char *);

	for (size_t i = 0; i < 4; i++)
		size += texts[i] ? strlen(texts[i]) + 1 : 0;
	for (size_t i = 0; i < n_cells; i++)
		size += cells[i].len + 1;
	struct kt_row *row = kt_zalloc(size);
	char *at = (char *)(row + 1) + n_cells * sizeof(char *);

	row->cells = (char **)(row + 1);
	row->n_cells = n_cells;
	places[0] = &row->uid, places[1] = &row->namespace, places[2] = &row->name,
	places[3] = &row->owner;
	for (size_t i = 0; i < 4; i++) {
		if (!texts[i])
			continue;
		*places[i] = at;
		at = stpcpy(at, texts[i]) + 1;
	}
	for (size_t i = 0; i < n_cells; i++) {
		row->cells[i] = at;
		if (!cells[i].p) {
			row->cells[i] = row->extra[KT_MIN(cells[i].len, (size_t)KT_ROW_EXTRA - 1)];
			continue;
		}
		memcpy(at, cells[i].p, cells[i].len);
		at += cells[i].len + 1;
	}
	return row;
}

/* Order */

static size_t place_of(const struct kt_table *table, const struct kt_row *row, bool *ret_found)
{
	size_t low = 0, high = table->order.n;

	*ret_found = false;
	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = kt_table_compare(table, table->order.items[middle], row);

		if (order == 0) {
			*ret_found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void insert_at(struct kt_table *table, size_t place, struct kt_row *row)
{
	kt_vec_reserve(&table->order, 1);
	memmove(&table->order.items[place + 1], &table->order.items[place],
	        (table->order.n - place) * sizeof(row));
	table->order.items[place] = row;
	table->order.n++;
	row->shown = true;
	if (table->order.n > 1 && place <= table->cursor && table->settled)
		table->cursor++;
}

static void take_out(struct kt_table *table, struct kt_row *row)
{
	bool found;
	size_t place = place_of(table, row, &found);

	if (!row->shown)
		return;
	kt_assert(found);
	kt_vec_remove(&table->order, place);
	row->shown = false;
	if (place < table->cursor || (table->cursor && table->cursor >= table->order.n))
		table->cursor--;
}

static bool passes(const struct kt_table *table, const struct kt_row *row)
{
	char joined[1024];
	size_t len = 0;

	if (table->faults_only && row->state != KT_ROW_ERROR && row->state != KT_ROW_PENDING)
		return false;
	if (!kt_filter_is_set(&table->filter))
		return true;
	if (table->show_namespace)
		len = (size_t)snprintf(joined, sizeof(joined), "%s ", row->namespace);
	for (size_t i = 0; i < row->n_cells && len < sizeof(joined) - 2; i++) {
		if (i < table->columns.n && table->columns.items[i].sort == KT_SORT_AGE)
			continue;
		len += (size_t)snprintf(joined + len, sizeof(joined) - len, "%s ", row->cells[i]);
	}
	return kt_filter_matches(&table->filter, joined, KT_MIN(len, sizeof(joined) - 1));
}

static void widen(struct kt_table *table, const struct kt_row *row)
{
	for (size_t i = 0; i < row->n_cells && i < table->columns.n; i++)
		table->columns.items[i].width = KT_MAX(table->columns.items[i].width,
		        kt_text_width(row->cells[i], strlen(row->cells[i])));
	table->namespace_width = KT_MAX(table->namespace_width, (int)strlen(row->namespace));
}

void kt_table_put(struct kt_table *table, struct kt_row *row, int64_t now_ns)
{
	struct kt_row *old = kt_map_get(&table->rows, row->uid);
	bool was_current = old && kt_table_current(table) == old;
	bool found;

	row->round = table->round;
	row->changed_ns = now_ns;
	row->added = !old;
	if (old) {
		row->marked = old->marked;
		memcpy(row->extra, old->extra, sizeof(row->extra));
		row->added = old->added && now_ns - old->changed_ns < KT_TABLE_CHANGE_NS &&
		             old->changed_ns;
		take_out(table, old);
		table->by_state[old->state]--;
	}
	table->by_state[row->state]++;
	table->version++;
	widen(table, row);
	kt_map_set(&table->rows, row->uid, row);
	if (passes(table, row))
		insert_at(table, place_of(table, row, &found), row);
	if (was_current && row->shown)
		table->cursor = place_of(table, row, &found);
}

void kt_table_remove(struct kt_table *table, const char *uid)
{
	struct kt_row *row = kt_map_get(&table->rows, uid);

	if (!row)
		return;
	take_out(table, row);
	table->n_marked -= row->marked;
	table->by_state[row->state]--;
	table->version++;
	kt_map_del(&table->rows, uid);
}

void kt_table_round_begin(struct kt_table *table)
{
	table->round++;
}

void kt_table_round_end(struct kt_table *table)
{
	size_t it = 0;
	void *value;

	while (kt_map_next(&table->rows, &it, NULL, &value)) {
		struct kt_row *row = value;

		if (row->round == table->round)
			continue;
		take_out(table, row);
		table->n_marked -= row->marked;
		table->by_state[row->state]--;
		table->version++;
		kt_map_del(&table->rows, row->uid);
	}
	table->settled = true;
}

static int compare_places(const void *a, const void *b, void *table)
{
	return kt_table_compare(table, *(struct kt_row *const *)a, *(struct kt_row *const *)b);
}

void kt_table_refilter(struct kt_table *table)
{
	struct kt_row *current = kt_table_current(table);
	size_t it = 0;
	void *value;

	table->order.n = 0;
	while (kt_map_next(&table->rows, &it, NULL, &value)) {
		struct kt_row *row = value;

		row->shown = passes(table, row);
		if (row->shown)
			kt_vec_push(&table->order, row);
	}
	if (table->order.n)
		qsort_r(table->order.items, table->order.n, sizeof(struct kt_row *), compare_places,
		        table);
	table->cursor = 0;
	if (current && current->shown) {
		bool found;

		table->cursor = place_of(table, current, &found);
	}
}

void kt_table_show_extra(struct kt_table *table)
{
	size_t it = 0;
	void *row;

	for (size_t i = 0; i < table->columns.n; i++)
		if (table->columns.items[i].extra)
			table->columns.items[i].hidden = false;
	while (kt_map_next(&table->rows, &it, NULL, &row))
		widen(table, row);
	kt_table_refilter(table);
}

void kt_table_sort(struct kt_table *table, int column, bool descending)
{
	table->sort_column = column;
	table->descending = descending;
	kt_table_refilter(table);
}

/* Cursor and marks */

struct kt_row *kt_table_current(const struct kt_table *table)
{
	return table->cursor < table->order.n ? table->order.items[table->cursor] : NULL;
}

struct kt_row **kt_table_chosen(const struct kt_table *table)
{
	struct kt_row **rows = kt_new_array(struct kt_row *, table->n_marked + 2);
	size_t it = 0, n = 0;
	void *value;

	while (table->n_marked && kt_map_next(&table->rows, &it, NULL, &value))
		if (((struct kt_row *)value)->marked)
			rows[n++] = value;
	if (!n)
		rows[0] = kt_table_current(table);
	return rows;
}

void kt_table_move_to(struct kt_table *table, size_t index)
{
	table->cursor = table->order.n ? KT_MIN(index, table->order.n - 1) : 0;
}

void kt_table_move(struct kt_table *table, int64_t by)
{
	int64_t to = (int64_t)table->cursor + by;

	table->settled = true;
	kt_table_move_to(table, to < 0 ? 0 : (size_t)to);
}

bool kt_table_select_name(struct kt_table *table, const char *namespace, const char *name)
{
	for (size_t i = 0; i < table->order.n; i++) {
		const struct kt_row *row = table->order.items[i];

		if (!strcmp(row->name, name) &&
		        (!namespace || !strcmp(row->namespace, namespace))) {
			table->cursor = i;
			return true;
		}
	}
	return false;
}

static void set_mark(struct kt_table *table, struct kt_row *row, bool marked)
{
	if (row->marked == marked)
		return;
	row->marked = marked;
	if (marked)
		table->n_marked++;
	else
		table->n_marked--;
}

void kt_table_mark(struct kt_table *table)
{
	struct kt_row *row = kt_table_current(table);

	if (!row)
		return;
	set_mark(table, row, !row->marked);
	free(table->mark_from);
	table->mark_from = kt_strdup(row->uid);
	kt_table_move(table, 1);
}

void kt_table_mark_range(struct kt_table *table)
{
	struct kt_row *from = table->mark_from ? kt_map_get(&table->rows, table->mark_from) : NULL;
	bool found;

	if (!from || !from->shown || !kt_table_current(table)) {
		kt_table_mark(table);
		return;
	}
	size_t a = place_of(table, from, &found), b = table->cursor;

	for (size_t i = KT_MIN(a, b); i <= KT_MAX(a, b); i++)
		set_mark(table, table->order.items[i], true);
}

void kt_table_mark_clear(struct kt_table *table)
{
	size_t it = 0;
	void *value;

	while (kt_map_next(&table->rows, &it, NULL, &value))
		((struct kt_row *)value)->marked = false;
	table->n_marked = 0;
}
