/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The cells of server-side tables. A column with a path reads the object; a column with the name of
 * a cell function has its value computed here, one function per name (cells.c and cells_*.c), as
 * kubectl's users know it.
 */
#ifndef KT_API_SERVER_CELLS_H
#define KT_API_SERVER_CELLS_H

#include "api/schema/schema.h"
#include "base/json.h"

struct kt_cell_context {
	const struct kt_kind *kind;
	json_t *object;
	int64_t now_ns; /* Unix time */
};

/* One cell; a new reference. */
json_t *kt_cell(const struct kt_cell_context *context, const struct kt_column *column);
/* TableRow.conditions: a pod that is over is marked Completed. NULL: none. */
json_t *kt_cell_row_conditions(const struct kt_cell_context *context);

#endif
