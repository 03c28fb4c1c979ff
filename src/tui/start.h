/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Getting to a cluster without holding the UI up: the embedded cluster's start and the reading of
 * discovery run on a thread and come back as tasks of the UI's loop. UI thread.
 */
#ifndef KT_TUI_START_H
#define KT_TUI_START_H

#include "tui/ui.h"

struct kt_start;

/* Brings the client of the options (start function, given client, kubeconfig), then discovery. */
void kt_start_begin(struct kt_ui *ui);         /* sets ui->start */
void kt_start_destroy(struct kt_start *start); /* waits for its threads */
/* Reads discovery anew (after a switch of context, after a CRD came). */
void kt_start_discover(struct kt_ui *ui);
/* A line whose first word nobody knows: what the server serves is read again, then the line is run
 * again. False when that was done already or cannot be. */
bool kt_start_await(struct kt_ui *ui, const char *line);

#endif
