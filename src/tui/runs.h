/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * When a pod's container began its present run, as it changes: the pod is watched. For a log that
 * is followed beyond the end of a run. UI thread.
 */
#ifndef KT_TUI_RUNS_H
#define KT_TUI_RUNS_H

#include "tui/ui.h"

struct kt_runs;

/* container NULL: the newest run of any in the pod. started_at as the pod has it; NULL: it does not
 * run. NULL when there is no cluster. */
struct kt_runs *kt_runs_watch(struct kt_ui *ui, const char *namespace, const char *pod,
        const char *container, void (*fn)(void *arg, const char *started_at), void *arg);
void kt_runs_unwatch(struct kt_runs *runs); /* not from within fn; NULL is ignored */

#endif
