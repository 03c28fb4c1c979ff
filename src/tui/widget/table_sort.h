/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How two rows compare under a table's sorting: a total order (ties end at the uid). Inside of the
 * table widget. */
#ifndef KT_TUI_WIDGET_TABLE_SORT_H
#define KT_TUI_WIDGET_TABLE_SORT_H

#include "tui/widget/table.h"

int kt_table_compare(const struct kt_table *table, const struct kt_row *a, const struct kt_row *b);
/* Cells as a person sorts them: numbers with units by value, others as text. */
/* Seconds in "5m10s"; false: it does not begin with such. */
bool kt_duration_value(const char *text, double *ret_value);
int kt_cell_compare(const char *a, const char *b, enum kt_column_sort sort);

#endif
