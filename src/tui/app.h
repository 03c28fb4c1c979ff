/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The terminal UI. It runs on the calling thread, which then owns the terminal and one loop; the
 * first frame is painted before the cluster is there. Returns when the person leaves; the terminal
 * is then as it was.
 */
#ifndef KT_TUI_APP_H
#define KT_TUI_APP_H

#include "api/client/client.h"

struct kt_tui_options {
	/* An embedded cluster: `start` runs on a thread of its own after the first frame and brings
	 * the client (the caller keeps owning both). NULL: the kubeconfig below, or `client`. */
	int (*start)(void *arg, struct kt_client **ret_client, struct kt_err *err);
	void *start_arg;
	struct kt_client *client; /* already connected; borrowed. NULL: start, or the kubeconfig */
	const char *kubeconfig, *context, *namespace; /* as kubectl's options; NULL: its defaults */
	const char *cluster, *user; /* for the header; NULL: the kubeconfig's names */
	const char *command;        /* first view, as typed behind `:`; NULL: pods */
	const char *theme;          /* name or path; NULL: $K9S_SKIN, else stock */
	bool readonly, all_namespaces, no_mouse;
};

/* -ENOTTY, -EINVAL with a message for a person when there is no usable terminal. */
int kt_tui_run(const struct kt_tui_options *options, struct kt_err *err);

#endif
