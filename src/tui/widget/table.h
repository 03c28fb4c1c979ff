/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The table: rows of text cells with a cursor, marks, sorting and a filter. It owns its rows, keeps
 * them in order as they come and go (a change costs one binary search, not a sort), and keeps the
 * cursor on the same row by its uid. Only what is seen is drawn. UI thread only.
 */
#ifndef KT_TUI_WIDGET_TABLE_H
#define KT_TUI_WIDGET_TABLE_H

#include "base/map.h"
#include "base/vec.h"
#include "tui/filter.h"
#include "tui/screen.h"
#include "tui/theme.h"

struct kt_rect {
	int row, column, rows, columns;
};

enum kt_row_state {
	KT_ROW_PLAIN,
	KT_ROW_PENDING,
	KT_ROW_ERROR,
	KT_ROW_COMPLETED,
	KT_ROW_KILLED,
	KT_ROW_STATES
};

/* SINCE: a duration that goes on growing. */
enum kt_column_sort { KT_SORT_TEXT, KT_SORT_AGE, KT_SORT_DURATION, KT_SORT_SINCE };

#define KT_ROW_EXTRA 2

struct kt_table_column {
	char *name;
	bool wide;   /* shown only in wide mode, or where it fits */
	bool extra;  /* cells come from the row's extra, in the order of these columns */
	bool hidden; /* nothing is known for it yet */
	bool drawn;  /* of this width of the screen */
	bool right;  /* cells end at its right edge */
	enum kt_column_sort sort;
	int width; /* of the widest cell seen */
	int tight; /* of the widest cell on the screen, where there is no room for all; else 0 */
};

struct kt_row {
	char *uid, *namespace, *name; /* namespace "" for cluster-scoped */
	char **cells;
	size_t n_cells;
	int64_t created_ns; /* wall; 0: not known. Cells of an age column are made from it while
	                       drawing */
	int64_t read_ns;    /* wall; when its cells were told; 0: not known */
	int64_t changed_ns; /* loop time of the last change; 0: none yet */
	bool added;         /* that change was its appearing */
	bool marked, shown;
	enum kt_row_state state;
	unsigned round;               /* of the listing that saw it last */
	char extra[KT_ROW_EXTRA][12]; /* texts of extra columns, set at any time; see
	                                 kt_table_show_extra() */
	char *owner;                  /* its controller as JSON {apiVersion, kind, name}; NULL */
};

struct kt_table {
	KT_VEC(struct kt_table_column) columns;
	struct kt_map rows;            /* uid -> row */
	KT_VEC(struct kt_row *) order; /* what is shown, sorted */
	size_t cursor, top;
	char *mark_from; /* uid of the row marked last */
	int sort_column; /* -1: namespace and name */
	bool descending, wide, faults_only, show_namespace;
	bool settled; /* the first listing is complete or a key was pressed: from now on the cursor
	                 stays with its row */
	int picked_column;   /* by Shift-Left and Shift-Right; -1 */
	size_t first_column; /* horizontal scroll: columns hidden behind the name */
	struct kt_filter filter;
	unsigned round;
	size_t n_marked;
	uint64_t version;               /* counts changes of rows */
	size_t by_state[KT_ROW_STATES]; /* how many rows of each, shown or not */
	int namespace_width;
	struct kt_rect area; /* where it was drawn */
	int header_at[64];   /* screen column of each drawn header cell, for the mouse; -1 not drawn
	                      */
};

void kt_table_init(struct kt_table *table);
void kt_table_finish(struct kt_table *table);
void kt_table_clear(struct kt_table *table);
void kt_table_clear_columns(struct kt_table *table);
void kt_table_add_column(
        struct kt_table *table, const char *name, bool wide, enum kt_column_sort sort);
/* A hidden column whose cells are the rows' extra texts. */
void kt_table_add_extra_column(struct kt_table *table, const char *name);
/* The extra texts were set: shows their columns, puts the rows in order again. */
void kt_table_show_extra(struct kt_table *table);
int kt_table_find_column(const struct kt_table *table, const char *name);
/* "column:NAME": the text of that cell; false when name is no such or there is none. */
bool kt_table_put_cell(const struct kt_table *table, const struct kt_row *row, const char *name,
        struct kt_str *out);

/* A row in one piece of memory; owner may be NULL. A cell without text is the extra one of
 * number len. */
struct kt_row *kt_row_create(const char *uid, const char *namespace, const char *name,
        const struct kt_sv *cells, size_t n_cells, const char *owner);
/* Takes the row; one of the same uid is replaced (its mark stays). now_ns 0: no change colour. */
void kt_table_put(struct kt_table *table, struct kt_row *row, int64_t now_ns);
void kt_table_remove(struct kt_table *table, const char *uid);
/* A listing anew: rows not put between begin and end are removed. */
void kt_table_round_begin(struct kt_table *table);
void kt_table_round_end(struct kt_table *table);

struct kt_row *kt_table_current(const struct kt_table *table); /* NULL: empty */
/* Marked rows, or the current one. Heap array of borrowed rows, NULL-terminated. */
struct kt_row **kt_table_chosen(const struct kt_table *table);
void kt_table_move(struct kt_table *table, int64_t by);
void kt_table_move_to(struct kt_table *table, size_t index);
bool kt_table_select_name(struct kt_table *table, const char *namespace, const char *name);
void kt_table_sort(struct kt_table *table, int column, bool descending); /* column -1: by name */
void kt_table_refilter(struct kt_table *table); /* after filter or faults_only changed */
void kt_table_mark(struct kt_table *table);
void kt_table_mark_range(struct kt_table *table);
void kt_table_mark_clear(struct kt_table *table);

/* The usual keys: arrows, hjkl, g, G, pages, Shift-arrows, mouse. True when it was one of them. */
bool kt_table_key(struct kt_table *table, const struct kt_key *key);
void kt_table_draw(struct kt_table *table, const struct kt_theme *theme, struct kt_rect area,
        int64_t now_ns, int64_t wall_ns);
/* Text of a cell as it is shown now. buffer is for ages. */
const char *kt_table_cell(const struct kt_table *table, const struct kt_row *row, size_t column,
        int64_t wall_ns, char buffer[40]);
/* All shown rows as comma-separated values. */
void kt_table_csv(const struct kt_table *table, struct kt_str *out, int64_t wall_ns);

#define KT_TABLE_CHANGE_NS (2 * INT64_C(1000000000)) /* how long a change is coloured */

#endif
