/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one list of all rules, sorted by group and kind (table.c); rules_* objects are defined in the
 * file of their group. */
#ifndef KT_API_SERVER_RULES_TABLE_H
#define KT_API_SERVER_RULES_TABLE_H

#include "api/server/rules/rules.h"

extern const struct kt_rules *const kt_rules_table[];
extern const size_t kt_rules_table_n;

#endif
