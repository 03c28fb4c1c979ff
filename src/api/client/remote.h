/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A client of any Kubernetes API server over HTTPS (libcurl, HTTP/2 where the server has it). See
 * client.h for the contract. Calls may come from several loops; each loop gets connections of its
 * own.
 */
#ifndef KT_API_CLIENT_REMOTE_H
#define KT_API_CLIENT_REMOTE_H

#include "api/client/client.h"
#include "api/client/kubeconfig.h"

struct kt_remote_options {
	const struct kt_endpoint *endpoint; /* copied */
	const char *user_agent;             /* "kube-tui/0.1.0 (linux/amd64)"; copied */
	int timeout_ms;                     /* of a call without its own; 0: none */
	bool follow_redirects;              /* never for an API server */
};

int kt_remote_client_create(
        const struct kt_remote_options *options, struct kt_client **ret_client, struct kt_err *err);

#endif
