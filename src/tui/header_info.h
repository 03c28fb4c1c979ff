/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where the header's facts come from: /version once, nodes and their usage now and then (the
 * metrics API cannot be watched: every 15 s, as k9s asks). UI thread.
 */
#ifndef KT_TUI_HEADER_INFO_H
#define KT_TUI_HEADER_INFO_H

#include "tui/ui.h"

struct kt_info;

struct kt_info *kt_info_create(struct kt_ui *ui);
void kt_info_destroy(struct kt_info *info);
void kt_info_refresh(struct kt_info *info); /* at once, with the UI's present client */

/* "100m", "3940Mi", "4": in units. */
double kt_usage_value(const char *text);

#endif
