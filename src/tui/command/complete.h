/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Completion of a line of the prompt: commands, options, types, live names, namespaces, containers,
 * field paths, files. One function for the prompt, the terminal UI's `:` line and the shells'
 * completion scripts (`kube-tui __complete WORD…`). It may ask the server; answers are limited in
 * number and time.
 */
#ifndef KT_TUI_COMMAND_COMPLETE_H
#define KT_TUI_COMMAND_COMPLETE_H

#include "tui/command/session.h"

struct kt_candidate {
	char *text;
	char *help; /* may be NULL */
};

struct kt_candidates {
	struct kt_candidate *items; /* sorted by text */
	size_t n;
	size_t word_start; /* byte in the line where the completed word begins */
	bool files;        /* file names fit here too: left to readline or the shell */
};

/* line up to the cursor. */
void kt_complete(
        struct kt_session *session, const char *line, struct kt_candidates *ret_candidates);
void kt_candidates_finish(struct kt_candidates *candidates);

#endif
