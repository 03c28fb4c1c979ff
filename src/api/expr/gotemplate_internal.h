/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What gotemplate_parse.c, gotemplate.c and gotemplate_functions.c share. All nodes live in the
 * template's arena. */
#ifndef KT_API_EXPR_GOTEMPLATE_INTERNAL_H
#define KT_API_EXPR_GOTEMPLATE_INTERNAL_H

#include "api/expr/gotemplate.h"

#include "base/mem.h"
#include "base/vec.h"

#define GT_DEPTH_MAX 64        /* of blocks, parentheses and templates in templates */
#define GT_STEPS_MAX 10000000u /* nodes evaluated: `range 1000000000` ends */

enum gt_operand_kind {
	GT_DOT,      /* . and .a.b */
	GT_VARIABLE, /* $x.a.b */
	GT_LITERAL,
	GT_NIL,
	GT_FUNCTION,
	GT_PARENS, /* (pipeline).a.b */
};

struct gt_field {
	const char *name;
	struct gt_field *next;
};

struct gt_operand {
	enum gt_operand_kind kind;
	const char *name; /* of the variable or function */
	json_t *literal;  /* the template's */
	struct gt_pipe *parens;
	struct gt_field *fields;
	size_t at, start, end; /* bytes of the source: what messages point at, and all of it */
	struct gt_operand *next;
};

struct gt_command {
	struct gt_operand *operands;
	size_t start, end;
	struct gt_command *next;
};

struct gt_pipe {
	const char *variables[2];
	int n_variables;
	bool assigns; /* = instead of := */
	struct gt_command *commands;
	size_t start, end;
};

enum gt_kind { GT_TEXT, GT_ACTION, GT_IF, GT_RANGE, GT_WITH, GT_TEMPLATE, GT_BREAK, GT_CONTINUE };

struct gt_node {
	enum gt_kind kind;
	const char *text; /* GT_TEXT, and the name of GT_TEMPLATE */
	size_t len;
	struct gt_pipe *pipe; /* may be NULL for GT_TEMPLATE */
	struct gt_node *body, *otherwise;
	size_t at, start, end;
	struct gt_node *next;
};

struct gt_definition {
	const char *name;
	struct gt_node *body;
	struct gt_definition *next;
};

struct kt_gotemplate {
	struct kt_arena arena;
	const char *source;
	struct gt_node *root;
	struct gt_definition *definitions;
	json_t *literals; /* owns what operands point at */
};

bool gt_is_function(const char *name);
/* One call with all its values; new reference. NULL with err `wrong number of args for …`. */
json_t *gt_call(const char *name, json_t *const *args, size_t n, struct kt_err *err);
bool gt_truth(const json_t *value);
/* As an action prints it: nothing there is <no value>. */
void gt_print(struct kt_str *out, const json_t *value);

#endif
