/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two texts line by line as a unified diff with three lines around each change, without file names,
 * as it stands in the messages about fields that may not change. Which lines count as the same is
 * decided as Python's difflib does it, popular lines of long texts included, because clients see
 * the outcome. Pure; any thread. Limits: the texts are of one object, so at most some ten thousand
 * lines. Source: Python's documentation of difflib.SequenceMatcher.
 */
#ifndef KT_API_MACHINERY_LINE_DIFF_H
#define KT_API_MACHINERY_LINE_DIFF_H

#include "base/str.h"

/* Appends nothing when the texts are equal. */
void kt_line_diff(struct kt_str *out, const char *old_text, const char *new_text);

#endif
