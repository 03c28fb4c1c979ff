/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A command line of the command table under way: it runs on a thread and session of its own, its
 * output comes back through a pipe (which bounds it: a command that writes faster than the UI reads
 * waits). All functions: UI thread.
 */
#ifndef KT_TUI_JOB_H
#define KT_TUI_JOB_H

#include "tui/ui.h"

struct kt_job;

struct kt_job_options {
	const char *line;      /* as for the prompt: pipes and quotes work */
	const char *namespace; /* of the session; NULL: the UI's */
	void (*on_output)(void *arg, struct kt_sv piece);
	void (*on_done)(void *arg, int exit_code); /* the job is gone after this */
	void *arg;
};

struct kt_job *kt_job_start(struct kt_ui *ui, const struct kt_job_options *options);
/* Ends it; no callback comes any more. NULL is ignored. */
void kt_job_cancel(struct kt_job *job);
/* All of them, at the end: returns when their threads have ended. */
void kt_job_cancel_all(struct kt_ui *ui);

#endif
