/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/cells_table.h"
static const struct kt_cell_entry entries[] = {
	{NULL, NULL},
};
const struct kt_cell_group kt_cells_network = {entries};
