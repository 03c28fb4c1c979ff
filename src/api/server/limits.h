/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every limit of the API server's front, each with its reason. A limit protects the process from
 * one client; none of them is reached by kubectl, client-go, helm or k9s in ordinary use.
 */
#ifndef KT_API_SERVER_LIMITS_H
#define KT_API_SERVER_LIMITS_H

/* The body kube-apiserver takes: 3 MiB, above which the answer is 413. */
#define KT_HTTP_BODY_BYTES_MAX (3 * 1024 * 1024)
/* One object as it is kept: etcd's --max-request-bytes, above which upstream answers 500. */
#define KT_STORED_BYTES_MAX (3 * 512 * 1024)
/* Bodies being received at one time by the whole server; above it new ones get 429. 64 uploads of
 * full size. */
#define KT_HTTP_BODIES_BYTES_MAX (64 * KT_HTTP_BODY_BYTES_MAX)
/* A request that is no watch has to be over by then, webhooks included: kube-apiserver's
 * --request-timeout. */
#define KT_REQUEST_TIMEOUT_MS INT64_C(60000)
/* Request line and all header fields together. The longest honest ones are list selectors and
 * impersonation headers. */
#define KT_HTTP_HEAD_BYTES_MAX (64 * 1024)
#define KT_HTTP_HEADERS_MAX 256
/* What one chunk's extension or a trailer section may cost; nobody sends any. */
#define KT_HTTP_CHUNK_LINE_BYTES_MAX 256
#define KT_HTTP_TRAILER_BYTES_MAX 8192

/* HTTP/2 streams at one time: client-go keeps one stream per watch, k9s and controllers some fifty.
 * Go's server says 250. */
#define KT_HTTP2_STREAMS_MAX 250
/* Before the first answer to a known user: enough for kubectl's discovery, little for an attacker.
 */
#define KT_HTTP2_STREAMS_UNKNOWN_MAX 100
/* CVE-2023-44487: streams a client may cancel at once, and then per second. An informer shutting
 * down cancels some fifty. */
#define KT_HTTP2_RESET_BURST 1000
#define KT_HTTP2_RESET_PER_S 33
/* Receive windows: a 3 MiB body in a dozen round trips, and at most 1 MiB unread per connection. */
#define KT_HTTP2_STREAM_WINDOW (256 * 1024)
#define KT_HTTP2_CONNECTION_WINDOW (1024 * 1024)
#define KT_HTTP2_SETTINGS_MAX 32

/* Connections at one time: two descriptors' worth of the usual soft limit of 1024 stay free for
 * files. */
#define KT_HTTP_CONNECTIONS_MAX 920
/* Accepted beyond that, for as long as it takes to close others that say nothing. */
#define KT_HTTP_CONNECTIONS_SPARE 40
#define KT_HTTP_LISTEN_BACKLOG 512
/* No descriptor is free: the listener rests that long. */
#define KT_HTTP_ACCEPT_PAUSE_MS 50
/* From accept to the end of the TLS handshake; a handshake on a slow phone line takes 3 s. */
#define KT_HTTP_HANDSHAKE_MS 10000
/* For a request's head (HTTP/1.1), and between two pieces of a body: kube-apiserver's
 * ReadHeaderTimeout. */
#define KT_HTTP_RECEIVE_MS 32000
/* A connection without a request: client-go reuses idle ones for 90 s. */
#define KT_HTTP_IDLE_MS 120000
/* After the last answer of a connection that is closed with input unread, so that the answer is not
 * lost to a reset: for the next piece of it, and for all of them. nginx's lingering_timeout and
 * lingering_time. */
#define KT_HTTP_LINGER_MS 5000
#define KT_HTTP_LINGER_MAX_MS 30000
/* A peer that acknowledges nothing for so long is gone (TCP_USER_TIMEOUT), and how soon a silent
 * one is asked. */
#define KT_HTTP_TCP_USER_TIMEOUT_MS 60000
#define KT_HTTP_TCP_KEEPALIVE_S 60
/* Requests of one HTTP/1.1 connection that may wait behind the one being answered, in bytes. */
#define KT_HTTP1_PIPELINE_BYTES_MAX (128 * 1024)
/* TLS records read in one turn of the loop before others get theirs. */
#define KT_HTTP_READS_PER_TURN 32

/* Bodies above this are compressed for clients that accept gzip, as kube-apiserver does: below it
 * the link is not the cost. */
#define KT_HTTP_GZIP_BYTES_MIN (128 * 1024)
/* Its level as well: JSON shrinks eightfold already, and higher levels cost ten times the time. */
#define KT_HTTP_GZIP_LEVEL 1

/* For the account `default` of a namespace that was just made: kube-apiserver asks ten times, 100
 * to 200 ms apart. */
#define KT_DEFAULT_ACCOUNT_WAIT_MS 1500

#endif
