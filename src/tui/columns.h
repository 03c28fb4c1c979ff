/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which columns a live table has and where their cells come from: the server's columns as they
 * are, with the extra ones before the age, or as a wish of views.yaml has them – in its order, with
 * fields of the object by JSONPath; the server's others follow as wide ones. UI thread.
 */
#ifndef KT_TUI_COLUMNS_H
#define KT_TUI_COLUMNS_H

#include "tui/settings.h"
#include "tui/ui.h"

struct kt_columns;

/* What views.yaml says of a kind in a namespace; NULL: nothing. Borrowed until it is read again. */
const struct kt_view_wish *kt_columns_wish(
        struct kt_ui *ui, const struct kt_resource *resource, const char *namespace);
/* wish NULL: none. extra: names of extra columns, NULL-terminated; NULL. Warnings: a line each. */
struct kt_columns *kt_columns_create(
        const struct kt_view_wish *wish, const char *const *extra, struct kt_str *warnings);
void kt_columns_destroy(struct kt_columns *columns);
bool kt_columns_need_objects(const struct kt_columns *columns);
/* Puts them into the table, once, from the columnDefinitions of a Table. */
void kt_columns_lay_out(
        struct kt_columns *columns, struct kt_table *table, struct kt_json_at definitions);
/* The texts of a row of that Table, for kt_row_create(); heap: to be freed behind it. Returns how
 * many, at most max. */
size_t kt_columns_read(const struct kt_columns *columns, struct kt_json_at row, int64_t wall_ns,
        struct kt_sv *ret_texts, char **ret_heap, size_t max);

#endif
