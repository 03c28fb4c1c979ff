/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pulses: the cluster at a glance. A tile for each kind of KINDS with how many objects there are
 * and how they fare, and two for CPU and memory with their course; live, by the same watches and
 * rules of health as the tables. Enter opens the kind. UI thread.
 */
#ifndef KT_TUI_VIEW_PULSES_H
#define KT_TUI_VIEW_PULSES_H

#include "tui/ui.h"

/* namespace "": all. */
struct kt_view *kt_pulses_view_create(struct kt_ui *ui, const char *namespace);

#endif
