/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * `assert COMMAND… [== TEXT | != TEXT | contains TEXT | succeeds | fails] [within TIME]`: runs the
 * command and looks at what it printed (blanks at the ends taken off) or at its exit code. With
 * `within` it runs again after each change of the type it names until it holds or the time is over.
 */
#ifndef KT_TUI_COMMAND_ASSERT_H
#define KT_TUI_COMMAND_ASSERT_H

#include "tui/command/script.h"

int kt_assert_run(struct kt_script *script, int argc, char **argv);

#endif
