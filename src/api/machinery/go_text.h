/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Values as Go's fmt prints them, because clients read them in messages: %q of strings, %v of
 * numbers and booleans, compact JSON for the rest. Pure; any thread.
 */
#ifndef KT_API_MACHINERY_GO_TEXT_H
#define KT_API_MACHINERY_GO_TEXT_H

#include "base/json.h"
#include "base/str.h"

/* strconv.Quote: double quotes, \n \t …, \x and \u for what is not printable. */
void kt_go_quote(struct kt_str *out, struct kt_sv text);
/* strconv.FormatFloat(value, 'g', -1, 64) with %v's exponent rule: the shortest text that reads
 * back the same. */
void kt_go_float(struct kt_str *out, double value);
/* A bad value in a field error: strings quoted, numbers and booleans bare, null, others as JSON. */
void kt_go_value(struct kt_str *out, const json_t *value);
/* The same with map[a:1 b:[x y]] for objects and [x y] for lists, strings bare: %v of decoded JSON.
 */
void kt_go_percent_v(struct kt_str *out, const json_t *value);

/* What is wrong with JSON, out of a message of kt_json_parse(): Go's decoder does not say where. A
 * part of the argument. */
const char *kt_go_json_reason(const char *message);

#endif
