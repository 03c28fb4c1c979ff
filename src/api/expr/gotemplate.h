/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The template language of -o go-template: text with {{actions}} – fields, variables, pipelines,
 * if, range, with, define, block and template, break and continue, trimming by {{- and -}},
 * comments – and its functions: and, or, not, len, index, slice, print, printf, println, html, js,
 * urlquery, eq, ne, lt, le, gt, ge, and kubectl's exists and base64decode. Data is JSON; methods
 * and functions of the data do not exist. Parsed once, immutable, any thread; nesting and steps are
 * limited. Source: documentation of text/template; error texts as kubectl prints them.
 */
#ifndef KT_API_EXPR_GOTEMPLATE_H
#define KT_API_EXPR_GOTEMPLATE_H

#include "base/err.h"
#include "base/json.h"
#include "base/str.h"

struct kt_gotemplate;

/* -EINVAL `template: output:1: unclosed action`. */
int kt_gotemplate_parse(const char *text, struct kt_gotemplate **ret_template, struct kt_err *err);
void kt_gotemplate_destroy(struct kt_gotemplate *template); /* NULL is ignored */

/* Appends to out; with an error, what was written before it stays. */
int kt_gotemplate_print(const struct kt_gotemplate *template, const json_t *data,
        struct kt_str *out, struct kt_err *err);

#endif
