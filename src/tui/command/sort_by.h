/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * --sort-by: objects in the order of what a JSONPath finds in them. As kubectl: quantities by their
 * value, other strings with their numbers by value (pod-9 before pod-10), objects without the field
 * first.
 */
#ifndef KT_TUI_COMMAND_SORT_BY_H
#define KT_TUI_COMMAND_SORT_BY_H

#include "base/err.h"
#include "base/json.h"

/* A new array of the items in order; the path begins at member `below` of each item (NULL: the item
 * itself). ret_found: whether any item has the field. NULL with err for a path that is none. */
json_t *kt_sort_by(const json_t *items, const char *path, const char *below, bool *ret_found,
        struct kt_err *err);

#endif
