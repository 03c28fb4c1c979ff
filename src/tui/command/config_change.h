/* SPDX-License-Identifier: GPL-3.0-or-later */
/* config set-cluster, set-credentials, set and unset: entries and fields of the kubeconfig. */
#ifndef KT_TUI_COMMAND_CONFIG_CHANGE_H
#define KT_TUI_COMMAND_CONFIG_CHANGE_H

#include "tui/command/command.h"

extern const struct kt_command kt_command_config_cluster, kt_command_config_credentials,
        kt_command_config_set, kt_command_config_unset;

#endif
