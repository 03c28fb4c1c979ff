/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/rules/table.h"

#include "base/mem.h"

extern const struct kt_rules kt_rules_core_pod;

const struct kt_rules *const kt_rules_table[] = {
	&kt_rules_core_pod,
};
const size_t kt_rules_table_n = KT_ARRAY_SIZE(kt_rules_table);
