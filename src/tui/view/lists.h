/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The UI's own tables: kinds and their short names, contexts of the kubeconfig, themes. UI thread.
 */
#ifndef KT_TUI_VIEW_LISTS_H
#define KT_TUI_VIEW_LISTS_H

#include "tui/ui.h"

struct kt_view *kt_aliases_view_create(struct kt_ui *ui);
struct kt_view *kt_contexts_view_create(struct kt_ui *ui);
struct kt_view *kt_themes_view_create(struct kt_ui *ui);

#endif
