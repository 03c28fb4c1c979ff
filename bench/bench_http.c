/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench: kt_server */
/*
 * One pod over HTTPS: requests per second on one kept-alive connection, by HTTP/1.1 (one at a time,
 * and pipelined) and HTTP/2 (many streams). The pipeline behind is a fixed answer, so this is the
 * transport's share. The floor is a bare TLS exchange of as many bytes, with no HTTP in it.
 */
#include "bench/bench.h"

#include "api/server/http/http_server.h"
#include "api/server/pki.h"
#include "base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	POD_BYTES = 3000,
	REQUEST_BYTES = 120,
	ROUNDS = 5,
	ROUND_MS = 400,
	STREAMS = 64,
	PIPELINED = 16
};
#define PATH "/api/v1/namespaces/default/pods/web-7d4b9c6f5-x2x8q"
#define WRK_PER_S \
	149000.0 /* a bare epoll server on one thread, 2 KiB bodies, no TLS, 32 connections under \
	            wrk */

static struct kt_buf *pod;
static struct kt_pki *pki;

void kt_server_handle(struct kt_request *request)
{
	request->status = 200;
	kt_request_answer_header(request, "content-type", "application/json");
	kt_request_answer_header(request, "cache-control", "no-cache, private");
	kt_request_answer_add(request, kt_buf_ref(pod));
	request->done(request);
}

void kt_request_abort(struct kt_request *request)
{
	(void)request;
}

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "%s\n", what);
	exit(1);
}

struct link {
	int fd;
	gnutls_session_t tls;
	gnutls_certificate_credentials_t credentials;
};

static void link_open(struct link *link, int port, const char *alpn)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	gnutls_datum_t name = {(unsigned char *)(uintptr_t)alpn, (unsigned)strlen(alpn)};
	int one = 1, r;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	link->fd = socket(AF_INET, SOCK_STREAM, 0);
	must(connect(link->fd, (struct sockaddr *)&address, sizeof(address)) == 0, "connect");
	setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	gnutls_init(&link->tls, GNUTLS_CLIENT);
	gnutls_certificate_allocate_credentials(&link->credentials);
	gnutls_set_default_priority(link->tls);
	gnutls_credentials_set(link->tls, GNUTLS_CRD_CERTIFICATE, link->credentials);
	gnutls_alpn_set_protocols(link->tls, &name, 1, 0);
	gnutls_transport_set_int(link->tls, link->fd);
	do {
		r = gnutls_handshake(link->tls);
	} while (r < 0 && !gnutls_error_is_fatal(r));
	must(r == 0, "handshake");
}

static void link_close(struct link *link)
{
	close(link->fd);
	gnutls_deinit(link->tls);
	gnutls_certificate_free_credentials(link->credentials);
}

static void link_send(struct link *link, const char *data, size_t len)
{
	must(gnutls_record_send(link->tls, data, len) == (ssize_t)len, "send");
}

static size_t link_read(struct link *link, char *data, size_t size)
{
	ssize_t n;

	do {
		n = gnutls_record_recv(link->tls, data, size);
	} while (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED);
	must(n > 0, "read");
	return (size_t)n;
}

/* Answers end with the pod's last byte: each has the same length once the first is known. */
static double run_http1(int port, int at_once)
{
	static const char one[] =
	        "GET " PATH " HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n\r\n";
	kt_auto_str batch = KT_STR_INIT;
	struct link link;
	char data[65536];
	size_t answer_len = 0, seen = 0;
	long n = 0;
	int64_t start;

	link_open(&link, port, "http/1.1");
	link_send(&link, one, sizeof(one) - 1);
	while (seen < POD_BYTES || !memmem(data, seen, "\r\n\r\n", 4))
		seen += link_read(&link, data + seen, sizeof(data) - seen);
	answer_len = (size_t)((char *)memmem(data, seen, "\r\n\r\n", 4) - data) + 4 + POD_BYTES;
	must(seen == answer_len, "first answer");
	for (int i = 0; i < at_once; i++)
		kt_str_puts(&batch, one);
	start = bench_now_ns();
	while (bench_now_ns() - start < (int64_t)ROUND_MS * 1000000) {
		size_t left = answer_len * (size_t)at_once;

		link_send(&link, batch.data, batch.len);
		while (left)
			left -= link_read(&link, data, KT_MIN(left, sizeof(data)));
		n += at_once;
	}
	link_close(&link);
	return (double)n * 1e9 / (double)(bench_now_ns() - start);
}

struct http2_client {
	struct link link;
	nghttp2_session *session;
	long n;
	bool over;
	size_t under_way;
};

static ssize_t h2_send(
        nghttp2_session *session, const uint8_t *data, size_t len, int flags, void *arg)
{
	struct http2_client *c = arg;

	(void)session;
	(void)flags;
	link_send(&c->link, (const char *)data, len);
	return (ssize_t)len;
}

static void h2_request(struct http2_client *c)
{
#define FIELD(n, v) \
	{ \
		(uint8_t *)(uintptr_t)(n), (uint8_t *)(uintptr_t)(v), sizeof(n) - 1, \
		        sizeof(v) - 1, 0 \
	}
	const nghttp2_nv nv[] = {
	        FIELD(":method", "GET"),
	        FIELD(":path", PATH),
	        FIELD(":scheme", "https"),
	        FIELD(":authority", "127.0.0.1"),
	        FIELD("accept", "application/json"),
	};
#undef FIELD

	must(nghttp2_submit_request(c->session, NULL, nv, KT_ARRAY_SIZE(nv), NULL, NULL) > 0,
	        "submit");
	c->under_way++;
}

static int h2_closed(nghttp2_session *session, int32_t stream_id, uint32_t error_code, void *arg)
{
	struct http2_client *c = arg;

	(void)session;
	(void)stream_id;
	must(error_code == 0, "stream");
	c->n++;
	c->under_way--;
	if (!c->over)
		h2_request(c);
	return 0;
}

static double run_http2(int port, int streams)
{
	struct http2_client c = {0};
	nghttp2_session_callbacks *callbacks;
	char data[65536];
	int64_t start;

	link_open(&c.link, port, "h2");
	nghttp2_session_callbacks_new(&callbacks);
	nghttp2_session_callbacks_set_send_callback(callbacks, h2_send);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, h2_closed);
	nghttp2_session_client_new(&c.session, callbacks, &c);
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_submit_settings(c.session, NGHTTP2_FLAG_NONE, NULL, 0);
	nghttp2_session_set_local_window_size(c.session, NGHTTP2_FLAG_NONE, 0, 1 << 24);
	for (int i = 0; i < streams; i++)
		h2_request(&c);
	start = bench_now_ns();
	while (c.under_way) {
		size_t n;

		nghttp2_session_send(c.session);
		n = link_read(&c.link, data, sizeof(data));
		must(nghttp2_session_mem_recv(c.session, (const uint8_t *)data, n) == (ssize_t)n,
		        "recv");
		c.over = bench_now_ns() - start >= (int64_t)ROUND_MS * 1000000;
	}
	nghttp2_session_del(c.session);
	link_close(&c.link);
	return (double)c.n * 1e9 / (double)(bench_now_ns() - start);
}

struct floor_server {
	int fd, port;
	gnutls_certificate_credentials_t credentials;
};

/* Reads REQUEST_BYTES, writes POD_BYTES, until the client leaves. */
static void *run_floor_server(void *arg)
{
	struct floor_server *server = arg;
	int fd = accept(server->fd, NULL, NULL), one = 1, r;
	gnutls_session_t tls;
	char data[4096];

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	gnutls_init(&tls, GNUTLS_SERVER | GNUTLS_NO_SIGNAL);
	gnutls_set_default_priority(tls);
	gnutls_credentials_set(tls, GNUTLS_CRD_CERTIFICATE, server->credentials);
	gnutls_transport_set_int(tls, fd);
	do {
		r = gnutls_handshake(tls);
	} while (r < 0 && !gnutls_error_is_fatal(r));
	for (size_t got = 0; r == 0;) {
		ssize_t n = gnutls_record_recv(tls, data, REQUEST_BYTES - got);

		if (n <= 0)
			break;
		got += (size_t)n;
		if (got < REQUEST_BYTES)
			continue;
		got = 0;
		if (gnutls_record_send(tls, pod->data, POD_BYTES) < 0)
			break;
	}
	gnutls_deinit(tls);
	close(fd);
	return NULL;
}

static double run_floor(int port, int at_once)
{
	struct floor_server server;
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t len = sizeof(address);
	const char *cert = kt_pki_pem(pki, KT_PKI_SERVER_CERT),
	           *key = kt_pki_pem(pki, KT_PKI_SERVER_KEY);
	gnutls_datum_t cert_data = {(unsigned char *)(uintptr_t)cert, (unsigned)strlen(cert)};
	gnutls_datum_t key_data = {(unsigned char *)(uintptr_t)key, (unsigned)strlen(key)};
	char data[POD_BYTES] = {0};
	pthread_t thread;
	struct link link;
	long n = 0;
	int64_t start;
	double rate;

	(void)port;
	(void)at_once;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server.fd = socket(AF_INET, SOCK_STREAM, 0);
	must(bind(server.fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	                listen(server.fd, 1) == 0,
	        "floor");
	getsockname(server.fd, (struct sockaddr *)&address, &len);
	gnutls_certificate_allocate_credentials(&server.credentials);
	gnutls_certificate_set_x509_key_mem(
	        server.credentials, &cert_data, &key_data, GNUTLS_X509_FMT_PEM);
	pthread_create(&thread, NULL, run_floor_server, &server);
	link_open(&link, ntohs(address.sin_port), "x");
	start = bench_now_ns();
	for (; bench_now_ns() - start < (int64_t)ROUND_MS * 1000000; n++) {
		size_t left = POD_BYTES;

		link_send(&link, data, REQUEST_BYTES);
		while (left)
			left -= link_read(&link, data, left);
	}
	rate = (double)n * 1e9 / (double)(bench_now_ns() - start);
	link_close(&link);
	pthread_join(thread, NULL);
	gnutls_certificate_free_credentials(server.credentials);
	close(server.fd);
	return rate;
}

static double handshakes_per_s(int port)
{
	int64_t start = bench_now_ns();
	long n = 0;

	for (; bench_now_ns() - start < 1000000000; n++) {
		struct link link;

		link_open(&link, port, "h2");
		link_close(&link);
	}
	return (double)n * 1e9 / (double)(bench_now_ns() - start);
}

/* The best round: what the code can do, without what else the machine does. */
static double best(double (*run)(int port, int at_once), int port, int at_once)
{
	double rate = 0;

	for (int i = 0; i < ROUNDS; i++) {
		double one = run(port, at_once);

		rate = one > rate ? one : rate;
	}
	return rate;
}

int main(void)
{
	struct kt_http_server *http = NULL;
	kt_auto_err err = KT_ERR_INIT;
	int64_t start = bench_now_ns();
	double floor;
	int port;

	must(kt_pki_open(NULL, NULL, &pki, &err) == 0, kt_err_message(&err));
	bench_report("pki: all keys and certificates", (double)(bench_now_ns() - start) / 1e6, "ms",
	        "wanted", 5);
	struct kt_http_server_options options = {
	        .cert_pem = kt_pki_pem(pki, KT_PKI_SERVER_CERT),
	        .key_pem = kt_pki_pem(pki, KT_PKI_SERVER_KEY),
	        .client_ca_pem = kt_pki_pem(pki, KT_PKI_CA_CERT),
	        .n_threads = 1,
	};
	pod = kt_buf_alloc(POD_BYTES);
	memset(pod->data, 'x', POD_BYTES);
	must(kt_http_server_create(&options, &http, &err) == 0, kt_err_message(&err));
	port = kt_http_server_port(http);
	floor = best(run_floor, 0, 1);
	bench_report("HTTP/1.1, one connection, one at a time", best(run_http1, port, 1),
	        "requests/s", "bare TLS exchange", floor);
	bench_report("HTTP/1.1, one connection, 16 pipelined", best(run_http1, port, PIPELINED),
	        "requests/s", "bare TLS exchange", floor);
	bench_report("HTTP/2, one connection, one at a time", best(run_http2, port, 1),
	        "requests/s", "bare TLS exchange", floor);
	bench_report("HTTP/2, one connection, 64 streams", best(run_http2, port, STREAMS),
	        "requests/s", "epoll without TLS, wrk", WRK_PER_S);
	bench_report("TLS handshakes, client on the same cores", handshakes_per_s(port),
	        "per second", NULL, 0);
	kt_http_server_destroy(http, 0);
	kt_pki_close(pki);
	kt_buf_unref(pod);
	return 0;
}
