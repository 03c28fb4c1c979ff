/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text with tabs laid out in columns, as describe prints it. A cell ends with a tab; cells at the
 * same place of neighbouring lines are one column, as wide as its widest cell and two blanks. What
 * stands behind the last tab of a line belongs to no column, so a line without the cell ends it.
 * Control characters other than tab and line end are shown as \xNN. Pure.
 */
#ifndef KT_TUI_COMMAND_DESCRIBE_TEXT_H
#define KT_TUI_COMMAND_DESCRIBE_TEXT_H

#include "base/str.h"

void kt_describe_align(struct kt_sv text, struct kt_str *out);

#endif
