/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The readline prompt. Source: the GNU Readline manual; ~/.inputrc may say `$if kube-tui`. */
#ifndef KT_TUI_COMMAND_REPL_H
#define KT_TUI_COMMAND_REPL_H

#include "tui/command/session.h"

/* Reads lines until end of input or `exit`; returns the exit code of the last command. Without a
 * terminal on standard input it is a script: no prompt, no history, stops at the first failure.
 * history_path NULL: kept in memory only. */
int kt_repl_run(struct kt_session *session, const char *cluster_name, const char *history_path);

#endif
