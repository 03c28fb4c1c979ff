/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What selector.c (parsing labels), selector_fields.c (parsing fields), selector_match.c and
 * selector_object.c share; nobody else includes it. */
#ifndef KT_API_MACHINERY_SELECTOR_INTERNAL_H
#define KT_API_MACHINERY_SELECTOR_INTERNAL_H

#include "api/machinery/selector.h"
#include "base/vec.h"

enum operator{
	OP_EQUALS,
	OP_DOUBLE_EQUALS,
	OP_NOT_EQUALS,
	OP_IN,
	OP_NOT_IN,
	OP_EXISTS,
	OP_NOT_EXISTS,
	OP_GT,
	OP_LT,
};

struct requirement {
	char *key;
	enum operator operator;
	char **values; /* sorted, without repetition */
	size_t n_values;
	int64_t number;   /* of > and < */
	const char *path; /* field selectors: where the value is; from the kind's table or equal to
	                     key */
	const char *absent; /* field selectors: the value of an absent field: "", "false" or "0" */
};

struct kt_selector {
	bool by_fields;
	bool nothing; /* a null LabelSelector */
	KT_VEC(struct requirement) requirements;
};

/* Checks and adds r, taking its memory also on failure. */
int kt_selector_add(struct kt_selector *selector, struct requirement *r, struct kt_err *err);

/* Does a label or field, present or not, with this value fit? */
bool kt_requirement_satisfied(const struct requirement *r, bool present, struct kt_sv value);

#endif
