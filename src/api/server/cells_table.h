/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The named cell functions: one table per file, listed in cells.c. */
#ifndef KT_API_SERVER_CELLS_TABLE_H
#define KT_API_SERVER_CELLS_TABLE_H

#include "api/server/cells.h"

typedef json_t *kt_cell_fn(const struct kt_cell_context *context);

struct kt_cell_entry {
	const char *name; /* as in the kind tables */
	kt_cell_fn *fn;
};
struct kt_cell_group {
	const struct kt_cell_entry *entries; /* ends with NULL */
};

extern const struct kt_cell_group kt_cells_pod, kt_cells_core, kt_cells_workloads, kt_cells_policy,
        kt_cells_network, kt_cells_cluster;
extern const struct kt_cell_group *const kt_cell_groups[]; /* NULL-terminated */

/* "3d4h"; "<unknown>" without a time. */
json_t *kt_cell_age_of(const struct kt_cell_context *context, const char *time_text);
/* Text, or "<none>" when there is none. */
json_t *kt_cell_text_or_none(const char *text);
/* A LabelSelector as text; "<none>" when empty. */
json_t *kt_cell_selector_text(const json_t *selector);
/* {k: v} as "k=v,l=w", sorted; "<none>" when empty. */
json_t *kt_cell_map_text(const json_t *map);
/* The same appended to out, nothing when empty. */
void kt_cell_put_map(struct kt_str *out, const json_t *map);
/* The strings at `path` of each element (NULL: the elements themselves); with max > 0 only so many,
 * then " + N more...". "" when empty. */
json_t *kt_cell_joined(const json_t *array, const char *path, const char *separator, size_t max);

#endif
