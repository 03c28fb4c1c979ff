/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * /bin/sh, for what stands behind a pipe and behind `!` in the script language. Unlike popen(3) and
 * system(3) it writes where the script writes, and has the signals a program expects. One thread.
 */
#ifndef KT_TUI_COMMAND_SHELL_H
#define KT_TUI_COMMAND_SHELL_H

#include "base/err.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct kt_shell {
	pid_t pid;
	FILE *in; /* NULL: it reads our standard input */
};

/* out: what it prints; flushed before. piped: its input is what is written to ret_shell->in. */
int kt_shell_open(
        const char *command, FILE *out, bool piped, struct kt_shell *ret_shell, struct kt_err *err);
/* Ends its input and waits for its end. Its exit code as a shell counts it. ^C is not for us
 * meanwhile when it reads the terminal. */
int kt_shell_close(struct kt_shell *shell);

#endif
