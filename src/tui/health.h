/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a row of a server's table says about its object's health: read from columns by name (STATUS,
 * READY, PHASE, REASON …), the same for every kind. Pure.
 */
#ifndef KT_TUI_HEALTH_H
#define KT_TUI_HEALTH_H

#include "tui/widget/table.h"

enum kt_row_state kt_health_of(
        const struct kt_table *table, const struct kt_row *row, bool deleting);
enum kt_column_sort kt_column_sort_of(const char *name);

#endif
