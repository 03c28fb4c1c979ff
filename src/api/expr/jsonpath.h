/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kubectl's JSONPath dialect: text with {expressions}, {range}…{end}, filters, slices, unions,
 * recursive descent. Used by -o jsonpath, custom-columns, --sort-by, wait --for=jsonpath, printer
 * columns of CRDs. Filters may join comparisons with && and ||, which kubectl does not know. Parsed
 * once, immutable, any thread; nesting is limited. Source: the kubectl reference, "JSONPath
 * Support"; error texts as kubectl prints them.
 */
#ifndef KT_API_EXPR_JSONPATH_H
#define KT_API_EXPR_JSONPATH_H

#include "base/err.h"
#include "base/json.h"
#include "base/str.h"

#include <stdbool.h>

struct kt_jsonpath;

/* A whole template. relaxed: ".spec.x", "spec.x" and "{.spec.x}" all mean the expression, as
 * custom-columns and columns take it. */
int kt_jsonpath_parse(
        const char *text, bool relaxed, struct kt_jsonpath **ret_path, struct kt_err *err);
void kt_jsonpath_destroy(struct kt_jsonpath *path);

/* Prints the template for data. missing_ok: absent keys print nothing; else -ENOENT `x is not
 * found`. */
int kt_jsonpath_print(const struct kt_jsonpath *path, const json_t *data, bool missing_ok,
        struct kt_str *out, struct kt_err *err);
/* What the expressions select: a new array of references into data. */
json_t *kt_jsonpath_find(
        const struct kt_jsonpath *path, const json_t *data, bool missing_ok, struct kt_err *err);

/* One value as kubectl prints it: strings bare, maps and lists as compact JSON. */
void kt_jsonpath_value_text(struct kt_str *out, const json_t *value);

#endif
