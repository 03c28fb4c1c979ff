/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A shell in a container, or its main process: kubectl has the terminal for that time, as in k9s.
 * The server is asked first by our own command, so that its refusal (simulated nodes run no
 * processes) and a missing right are told here and not flashed by. UI thread.
 */
#ifndef KT_TUI_STREAM_H
#define KT_TUI_STREAM_H

#include "tui/ui.h"

/* argument: "pod/web -n default", with "-c NAME" for another container than the first. */
void kt_stream_shell(struct kt_ui *ui, const char *argument);
void kt_stream_attach(struct kt_ui *ui, const char *argument);

#endif
