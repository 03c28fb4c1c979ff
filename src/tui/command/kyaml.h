/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * -o kyaml: YAML in flow style, with every string quoted, so that no value is taken for another
 * type and no indentation can be lost. Source: KEP-5295; the form is kubectl 1.35's.
 */
#ifndef KT_TUI_COMMAND_KYAML_H
#define KT_TUI_COMMAND_KYAML_H

#include "base/json.h"
#include "base/str.h"

/* One document with its "---" before it; keys in the order they have. */
void kt_kyaml_write(struct kt_str *out, const json_t *value);

#endif
