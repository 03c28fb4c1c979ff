/* SPDX-License-Identifier: GPL-3.0-or-later */
/* apply view-last-applied and set-last-applied: the annotation in which a client-side apply keeps
 * the manifest. */
#ifndef KT_TUI_COMMAND_APPLY_LAST_H
#define KT_TUI_COMMAND_APPLY_LAST_H

#include "tui/command/command.h"

#define KT_LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"

extern const struct kt_command kt_command_view_last_applied;
extern const struct kt_command kt_command_set_last_applied;

#endif
