/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The language of the prompt, of `-c` and of FILE.kt: commands of the table, one per line, with
 * what people know from a shell:
 *
 *  - NAME=value: a variable; $NAME and ${NAME} stand for it, and for the environment's where it is
 *    not set;
 *  - $(COMMAND): what the command prints, without its last line ends; outside quotes and outside an
 *    assignment every word of it is one;
 *  - a ; b, a && b, a || b;
 *  - get pods | grep x: everything behind | goes to /bin/sh;
 *  - get pods > f, >> f, < f; apply -f - <<END: lines up to END are the command's standard input;
 *  - !cmd: /bin/sh runs it;
 *  - source FILE ARGUMENT…: $1, $2 … stand for its arguments in it;
 *  - assert COMMAND… == TEXT within 10s; also !=, contains, succeeds, fails;
 *  - # comment.
 *
 * Words split at blanks; '…' is literal, "…" replaces variables, \ takes the next character as it
 * is. A script stops at the first line that fails. One thread.
 */
#ifndef KT_TUI_COMMAND_SCRIPT_H
#define KT_TUI_COMMAND_SCRIPT_H

#include "tui/command/session.h"
#include "tui/command/words.h"

struct kt_script {
	struct kt_session *session;
	FILE *in, *out, *err;
	const char *name; /* for messages: the file, or "-c" */
	bool stop_at_error;
	bool exit_asked; /* the line `exit` or `quit` */
	bool given_up;   /* set by `more` with its NULL: the statement is not run */
	int depth;       /* of source and of $( */
	int output_code; /* exit code of the last $(COMMAND) */
	int n_arguments; /* $1, $2 … that are set */
};

/* $1 and so on, for the lines that follow. */
void kt_script_set_arguments(struct kt_script *script, int argc, char *const *argv);

/* More lines for a here-document: returns a heap line without its end, NULL at the end of input. */
typedef char *kt_script_more_fn(void *arg);

/* One line (with its here-documents). Returns the exit code of its last command. */
int kt_script_line(struct kt_script *script, const char *line, kt_script_more_fn *more, void *arg);
/* A whole text; errors name the line. */
int kt_script_text(struct kt_script *script, const char *text);
int kt_script_file(struct kt_script *script, const char *path);

/* What $NAME and $(COMMAND) stand for in the script. */
struct kt_expansion kt_script_expansion(struct kt_script *script);

/* True when the line ends inside quotes or $( or in a backslash: the prompt asks for more. */
bool kt_script_is_open(const char *line);

#endif
