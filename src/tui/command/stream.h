/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A watch that a command prints: one streamed answer, a JSON document per line. */
#ifndef KT_TUI_COMMAND_STREAM_H
#define KT_TUI_COMMAND_STREAM_H

#include "tui/command/session.h"

/* The event ({type, object}) is borrowed. */
typedef void kt_stream_fn(void *arg, json_t *event);

/* Until the server ends it or a person interrupts, which is 0. path has watch=true; accept may be
 * NULL. */
int kt_stream_watch(struct kt_command_context *ctx, const char *path, const char *accept,
        kt_stream_fn *fn, void *arg, struct kt_err *err);

#endif
