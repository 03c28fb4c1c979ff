/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From what a person names (POD, TYPE/NAME, -l) to pods and containers: for logs, exec and the
 * like. */
#ifndef KT_TUI_COMMAND_PODS_H
#define KT_TUI_COMMAND_PODS_H

#include "tui/command/session.h"

/* Pods behind word: a pod's name, or TYPE/NAME of anything with a selector; NULL: by the option
 * selector. Newest ready ones first, as kubectl picks. A new array; NULL with err. */
json_t *kt_pods_of(struct kt_command_context *ctx, const char *word, struct kt_err *err);

/* The container meant: `wanted` if it exists; else the annotated default or the first, which is
 * said on the err stream when there are several. Borrowed from pod. */
const char *kt_pod_container(
        struct kt_command_context *ctx, const json_t *pod, const char *wanted, struct kt_err *err);

#endif
