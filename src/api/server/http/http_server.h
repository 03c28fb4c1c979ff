/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * HTTPS in front of the pipeline: HTTP/2 (libnghttp2) and HTTP/1.1 by ALPN, TLS by GnuTLS, on our
 * own epoll connections. A few threads, each with its own loop and its own connections; a request
 * stays on its connection's loop.
 *
 * Limits (limits.h): header bytes, body bytes (3 MiB: 413), streams per connection, requests before
 * authentication, idle and handshake time. Slow readers slow down only themselves: streams are
 * pulled as their windows open. Source: RFC 9110, 9112, 9113; CVE-2023-44487 for the stream reset
 * limits.
 */
#ifndef KT_API_SERVER_HTTP_HTTP_SERVER_H
#define KT_API_SERVER_HTTP_HTTP_SERVER_H

#include "api/server/server.h"

struct kt_http_server;

struct kt_http_server_options {
	struct kt_server *server;
	const char *address;              /* "127.0.0.1" */
	int port;                         /* 0: any free one */
	bool port_is_wish;                /* taken: another is used instead of failing */
	int n_threads;                    /* 0: 2 */
	const char *cert_file, *key_file; /* server certificate chain and key, PEM */
	const char *client_ca_file; /* client certificates signed by it are identities: CN user, O
	                               groups */
	const char *cert_pem, *key_pem, *client_ca_pem; /* the same as text, for servers without a
	                                                   folder; used where no file is named */
};

int kt_http_server_create(const struct kt_http_server_options *options,
        struct kt_http_server **ret_http, struct kt_err *err);
int kt_http_server_port(const struct kt_http_server *http);
/* Stops accepting, ends streams, lets answers go out for at most grace_ms, frees everything. */
void kt_http_server_destroy(struct kt_http_server *http, int grace_ms);

#endif
