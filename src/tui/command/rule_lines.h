/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rules of RBAC one by one, as kubectl lists them: a line for every group, resource and name with
 * all its verbs, and one for every path and verb; in the order of their texts. Pure.
 */
#ifndef KT_TUI_COMMAND_RULE_LINES_H
#define KT_TUI_COMMAND_RULE_LINES_H

#include "base/json.h"

struct kt_rule_line {
	char *sort;     /* what the order goes by */
	char *resource; /* "deployments.apps/scale"; "" for a path */
	char *url, *name;
	char *verbs; /* "get list" */
};

/* rules: array of objects with apiGroups, resources, resourceNames, nonResourceURLs, verbs. */
struct kt_rule_line *kt_rule_lines(const json_t *rules, size_t *ret_n);
void kt_rule_lines_free(struct kt_rule_line *lines, size_t n);

#endif
