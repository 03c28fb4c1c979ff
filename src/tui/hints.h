/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the kind tables know about a line of YAML: which fields or values may stand at the cursor,
 * and what is wrong in the text (broken YAML, unknown fields, wrong types, values not in a list).
 * Works on text that is not whole yet. Pure.
 */
#ifndef KT_TUI_HINTS_H
#define KT_TUI_HINTS_H

#include "api/schema/schema.h"

#include <stdbool.h>

struct kt_hint {
	char *text;      /* what is put in: "replicas: ", "Always" */
	char *label;     /* "replicas  integer" */
	const char *doc; /* may be "" */
};

struct kt_hints {
	struct kt_hint *items; /* sorted */
	size_t n;
	size_t start; /* byte where the word to complete begins */
};

/* type: of the whole object; NULL gives no hints. */
void kt_hints_at(
        const struct kt_type *type, const char *text, size_t cursor, struct kt_hints *ret_hints);
void kt_hints_finish(struct kt_hints *hints);
/* Dotted path of the line the cursor is on ("spec.template.spec.containers.image"); heap. */
char *kt_hints_path(const char *text, size_t cursor);
/* The field there, for its type and description; NULL. */
const struct kt_field *kt_hints_field(const struct kt_type *type, const char *text, size_t cursor);

typedef void kt_fault_fn(void *arg, size_t line, bool error, const char *text); /* line from 0 */
/* Calls fault for everything wrong. True when the text is one document of YAML. */
bool kt_hints_check(const struct kt_type *type, const char *text, kt_fault_fn *fault, void *arg);
/* Line (from 0) of "spec.template.spec.containers[0].image" in the text, or of the closest field
 * above it; 0 when there is none. */
size_t kt_hints_line_of(const char *text, const char *path);

#endif
