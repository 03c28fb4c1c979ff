/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Xray: the objects of a kind as a tree of what they own, down to containers and the ConfigMaps,
 * Secrets, claims and service accounts that pods name, live and coloured by health; what is missing
 * or broken colours all that is above. Any kind may be the root, custom ones too; Services lead to
 * the pods they select, Nodes to those they carry. UI thread.
 */
#ifndef KT_TUI_VIEW_XRAY_H
#define KT_TUI_VIEW_XRAY_H

#include "tui/ui.h"

/* namespace "": all; filter as typed behind `/`, NULL: none. */
struct kt_view *kt_xray_view_create(struct kt_ui *ui, const struct kt_resource *resource,
        const char *namespace, const char *filter);

#endif
