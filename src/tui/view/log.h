/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Logs: the `logs` command with its options on keys. UI thread. */
#ifndef KT_TUI_VIEW_LOG_H
#define KT_TUI_VIEW_LOG_H

#include "tui/ui.h"

/* line: "logs -f pod/web -c app -n default". */
struct kt_view *kt_log_view_create(struct kt_ui *ui, const char *line);

#endif
