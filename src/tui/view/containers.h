/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The containers of a pod. UI thread. */
#ifndef KT_TUI_VIEW_CONTAINERS_H
#define KT_TUI_VIEW_CONTAINERS_H

#include "tui/ui.h"

struct kt_view *kt_containers_view_create(struct kt_ui *ui, const json_t *pod);

#endif
