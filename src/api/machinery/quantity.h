/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Quantities ("250m", "1.5Gi", "2e3"): exact values with up to nine decimals and the format they
 * were written in, which the canonical text keeps. Finer values are rounded away from zero; values
 * past 2^63-1 in binary units are cut to it, as upstream does. Plain values, no ownership, any
 * thread. Source: apimachinery's documentation of resource.Quantity.
 */
#ifndef KT_API_MACHINERY_QUANTITY_H
#define KT_API_MACHINERY_QUANTITY_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define KT_QUANTITY_TEXT_MAX 64

enum kt_quantity_format {
	KT_QUANTITY_DECIMAL_SI,       /* 500m, 2k, 3M */
	KT_QUANTITY_BINARY_SI,        /* 1Ki, 2Gi */
	KT_QUANTITY_DECIMAL_EXPONENT, /* 2e3 */
};

__extension__ typedef __int128 kt_int128;

struct kt_quantity {
	kt_int128 nano; /* the value times 10^9 */
	enum kt_quantity_format format;
};

/* -EINVAL with upstream's text ("quantities must match the regular expression …"). Blanks around
 * are ignored. */
int kt_quantity_parse(struct kt_sv text, struct kt_quantity *ret_quantity, struct kt_err *err);
void kt_quantity_format(struct kt_quantity q, char ret_text[KT_QUANTITY_TEXT_MAX]);

struct kt_quantity kt_quantity_from_int64(int64_t value, enum kt_quantity_format format);
struct kt_quantity kt_quantity_from_milli(int64_t milli, enum kt_quantity_format format);
/* Rounded up, as Value() and MilliValue() do; cut to the range of int64. */
int64_t kt_quantity_value(struct kt_quantity q);
int64_t kt_quantity_milli(struct kt_quantity q);
double kt_quantity_double(struct kt_quantity q);

int kt_quantity_cmp(struct kt_quantity a, struct kt_quantity b); /* <0, 0, >0 */
int kt_quantity_sign(struct kt_quantity q);
/* The format is a's, or b's when a is zero. */
struct kt_quantity kt_quantity_add(struct kt_quantity a, struct kt_quantity b);
struct kt_quantity kt_quantity_sub(struct kt_quantity a, struct kt_quantity b);

/* Shortcuts for texts known to be valid: unparsable text counts as zero. */
int64_t kt_quantity_text_value(const char *text);
int64_t kt_quantity_text_milli(const char *text);

#endif
