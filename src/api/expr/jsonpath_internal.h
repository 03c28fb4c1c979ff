/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What jsonpath_parse.c and jsonpath.c (evaluation) share. */
#ifndef KT_API_EXPR_JSONPATH_INTERNAL_H
#define KT_API_EXPR_JSONPATH_INTERNAL_H

#include "api/expr/jsonpath.h"
#include "base/mem.h"

#define KT_JSONPATH_DEPTH_MAX 64

enum jp_kind {
	JP_TEXT,    /* text */
	JP_LITERAL, /* value: a number or boolean */
	JP_FIELD,   /* text */
	JP_WILDCARD,
	JP_RECURSIVE,
	JP_SLICE,
	JP_UNION,  /* branches */
	JP_FILTER, /* condition */
	JP_RANGE,  /* branches: one list, what is ranged over; body */
	JP_LIST,   /* one {action}: branches[0] */
};

enum jp_operator { JP_EXISTS, JP_EQ, JP_NE, JP_LT, JP_LE, JP_GT, JP_GE };

struct jp_nodes {
	struct jp_node *items;
	size_t n, cap;
};

/* left OP right, joined with the next by && or ||. */
struct jp_condition {
	struct jp_nodes left, right;
	enum jp_operator operator;
	bool or_next;
	struct jp_condition *next;
};

struct jp_bound {
	int64_t value;
	bool known;
};

struct jp_node {
	enum jp_kind kind;
	char *text;
	json_t *value;
	struct jp_bound bounds[3];
	bool single; /* [n], not a slice */
	struct jp_condition *condition;
	struct jp_nodes *branches; /* arena array */
	size_t n_branches;
	struct jp_nodes body;
};

struct kt_jsonpath {
	struct kt_arena arena;
	struct jp_nodes root;
	json_t *literals; /* owns what JP_LITERAL nodes point at */
};

#endif
