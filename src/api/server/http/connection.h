/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One TLS connection on its worker's loop: handshake, reading, writing, time-outs. What the bytes
 * mean is the protocol's business (http1.c, http2.c), chosen by ALPN.
 *
 * Bytes go out through one buffer of a TLS record or two: the protocol is asked for more only when
 * the last ones are with the kernel, so a slow reader holds back its own streams and nothing else.
 * A connection is closed only from its own events (io, timer, task), never from within a protocol
 * hook: hooks return an error.
 */
#ifndef KT_API_SERVER_HTTP_CONNECTION_H
#define KT_API_SERVER_HTTP_CONNECTION_H

#include "api/server/http/http_server.h"
#include "base/str.h"

#include <gnutls/gnutls.h>

struct kt_http_exchange;
struct kt_http_conn;

#define KT_HTTP_TLS_RECORD 16384
#define KT_HTTP_OUT_MAX (2 * KT_HTTP_TLS_RECORD + 64)

/* Shared by all workers; read-only after start but for the counters. */
struct kt_http_shared {
	struct kt_server *server;
	gnutls_certificate_credentials_t credentials;
	gnutls_priority_t priorities;
	atomic_uint n_conns;
	atomic_size_t body_bytes;
};

struct kt_http_worker {
	struct kt_http_shared *shared;
	struct kt_loop *loop;
	struct kt_http_conn *conns; /* list */
	atomic_uint n_conns;        /* also those that are still to begin */
	size_t n_exchanges;         /* all that are not freed, also of connections that are gone */
	bool draining;
	/* A connection ended; when draining, an exchange did. */
	void (*on_change)(struct kt_http_worker *worker);
	char date[40]; /* of the Date field, for date_s */
	int64_t date_s;
};

enum kt_http_phase {
	KT_HTTP_HANDSHAKE,
	KT_HTTP_OPEN,
	KT_HTTP_LINGER, /* the last answer is out; input is read and dropped until the peer closes
	                 */
};

struct kt_http_protocol {
	int (*open)(struct kt_http_conn *conn);
	/* All bytes are used or kept by the protocol. Negative: close. */
	int (*input)(struct kt_http_conn *conn, const char *data, size_t len);
	/* Appends to conn->out as long as it has room; sets conn->finished when nothing will
	 * follow. */
	int (*produce)(struct kt_http_conn *conn);
	/* The exchange has its answer / its stream may have more; the connection will call produce
	 * soon. */
	void (*answer)(struct kt_http_conn *conn, struct kt_http_exchange *exchange);
	void (*wake)(struct kt_http_conn *conn, struct kt_http_exchange *exchange);
	/* No new requests; what is under way ends, streams are cut at a piece's end. */
	void (*drain)(struct kt_http_conn *conn);
	/* A request took too long to arrive. Negative: close the connection. */
	int (*expire)(struct kt_http_conn *conn, struct kt_http_exchange *exchange);
	void (*close)(struct kt_http_conn *conn);
};
extern const struct kt_http_protocol kt_http1_protocol, kt_http2_protocol;

struct kt_http_conn {
	struct kt_http_worker *worker;
	struct kt_http_conn *prev, *next;
	int fd;
	struct kt_io io;
	bool io_added;
	struct kt_timer timer;
	struct kt_task start;
	struct kt_task again; /* produce, and read on */
	gnutls_session_t tls;
	enum kt_http_phase phase;
	const struct kt_http_protocol *protocol;
	void *state; /* the protocol's */

	char remote[64];
	struct kt_user *user; /* of the client certificate; NULL: none */
	bool bad_certificate; /* one was shown and does not verify */

	struct kt_http_exchange *exchanges;
	size_t n_exchanges;
	size_t n_receiving; /* of them: the request is not complete */
	int64_t active_ns;  /* loop time of the last byte in or request out */

	char *raw; /* ciphertext read ahead */
	size_t raw_off, raw_len;
	char *out; /* plain text to send; KT_HTTP_OUT_MAX */
	size_t out_off, out_len;
	size_t out_retry; /* GnuTLS must be called again with the same bytes */
	bool hold_input;  /* the protocol has enough for now */
	bool more_input;  /* read on at the next turn, also when epoll says nothing */
	bool finished;
	bool plain_http; /* the first byte was no TLS */
	bool closed;
};

/* Takes over fd; any thread. */
void kt_http_conn_open(struct kt_http_worker *worker, int fd, const char *remote);
/* Asks for a call of produce on the next turn. */
void kt_http_conn_kick(struct kt_http_conn *conn);
void kt_http_conn_close(struct kt_http_conn *conn);
void kt_http_conn_drain(struct kt_http_conn *conn);
static inline size_t kt_http_conn_room(const struct kt_http_conn *conn)
{
	return KT_HTTP_OUT_MAX - conn->out_len;
}
void kt_http_conn_out(struct kt_http_conn *conn, const void *data, size_t len); /* len <= room */

/* tls.c */
int kt_http_tls_open(struct kt_http_shared *shared, const struct kt_http_server_options *options,
        struct kt_err *err);
void kt_http_tls_close(struct kt_http_shared *shared);
int kt_http_tls_session(struct kt_http_conn *conn, gnutls_session_t *ret_session);
/* After the handshake: protocol and identity. */
const struct kt_http_protocol *kt_http_tls_protocol(gnutls_session_t session);
void kt_http_tls_identify(struct kt_http_conn *conn);

#endif
