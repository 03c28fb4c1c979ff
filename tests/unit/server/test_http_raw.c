/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What clients do to connections, and what becomes of them: raw TLS beside libcurl. */
#include "http_harness.h"

#include <pthread.h>

/* A TLS connection without any HTTP library. */
struct raw {
	int fd;
	gnutls_session_t tls;
	gnutls_certificate_credentials_t credentials;
};

static void raw_open(struct raw *raw, const char *alpn)
{
	struct sockaddr_in address = {
	        .sin_family = AF_INET, .sin_port = htons((uint16_t)kt_http_server_port(http))};
	gnutls_datum_t name = {(unsigned char *)(uintptr_t)alpn, (unsigned)strlen(alpn)};
	int r;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	raw->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(raw->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	gnutls_init(&raw->tls, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL);
	gnutls_certificate_allocate_credentials(&raw->credentials);
	gnutls_set_default_priority(raw->tls);
	gnutls_credentials_set(raw->tls, GNUTLS_CRD_CERTIFICATE, raw->credentials);
	gnutls_alpn_set_protocols(raw->tls, &name, 1, 0);
	gnutls_transport_set_int(raw->tls, raw->fd);
	do {
		r = gnutls_handshake(raw->tls);
	} while (r < 0 && !gnutls_error_is_fatal(r));
	assert_int_equal(r, 0);
}

static void raw_send(struct raw *raw, const void *data, size_t len)
{
	assert_int_equal(gnutls_record_send(raw->tls, data, len), len);
}

/* Reads until `text` was seen (true) or the connection ended (false). */
static bool raw_read_until(struct raw *raw, struct kt_str *out, const char *text)
{
	char piece[4096];

	for (;;) {
		ssize_t n;

		if (text && memmem(kt_str_text(out), out->len, text, strlen(text)))
			return true;
		n = gnutls_record_recv(raw->tls, piece, sizeof(piece));
		if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED)
			continue;
		if (n <= 0)
			return false;
		kt_str_add(out, piece, (size_t)n);
	}
}

static void raw_close(struct raw *raw)
{
	close(raw->fd);
	gnutls_deinit(raw->tls);
	gnutls_certificate_free_credentials(raw->credentials);
}

static void test_pipelining_in_order(void **state)
{
	kt_auto_str text = KT_STR_INIT, out = KT_STR_INIT;
	struct raw raw;
	const char *at;

	(void)state;
	raw_open(&raw, "http/1.1");
	for (int i = 0; i < 100; i++)
		kt_str_printf(&text, "GET /%s/%d HTTP/1.1\r\nHost: a\r\n%s\r\n",
		        i % 3 ? "now" : "later", i, i == 99 ? "Connection: close\r\n" : "");
	raw_send(&raw, text.data, text.len);
	assert_false(raw_read_until(&raw, &out, NULL));
	at = kt_str_text(&out);
	for (int i = 0; i < 100; i++) {
		kt_auto_free char *expected =
		        kt_asprintf("GET /%s/%d user", i % 3 ? "now" : "later", i);

		at = strstr(at, expected);
		assert_non_null(at);
	}
	raw_close(&raw);
}

static void test_expect_continue(void **state)
{
	static const char head[] = "POST /p HTTP/1.1\r\nHost: a\r\nExpect: "
	                           "100-continue\r\nTransfer-Encoding: chunked\r\n\r\n";
	kt_auto_str out = KT_STR_INIT;
	struct raw raw;

	(void)state;
	raw_open(&raw, "http/1.1");
	raw_send(&raw, head, sizeof(head) - 1);
	assert_true(raw_read_until(&raw, &out, "HTTP/1.1 100 Continue\r\n\r\n"));
	raw_send(&raw, "5\r\nhello\r\n0\r\n\r\n", 15);
	assert_true(raw_read_until(&raw, &out, "body=5 hello"));
	raw_close(&raw);
}

static void test_bad_request(void **state)
{
	kt_auto_str out = KT_STR_INIT;
	struct raw raw;

	(void)state;
	raw_open(&raw, "http/1.1");
	raw_send(&raw, "GET / HTTP/1.1\nHost: a\n\n", 24);
	assert_false(raw_read_until(&raw, &out, NULL));
	assert_true(kt_starts_with(kt_str_text(&out), "HTTP/1.1 400 Bad Request\r\n"));
	assert_non_null(strstr(kt_str_text(&out), "connection: close\r\n"));
	raw_close(&raw);
}

static void test_plain_http(void **state)
{
	struct sockaddr_in address = {
	        .sin_family = AF_INET, .sin_port = htons((uint16_t)kt_http_server_port(http))};
	char text[200] = "";
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(write(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27), 27);
	assert_true(recv(fd, text, sizeof(text) - 1, 0) > 0);
	assert_non_null(strstr(text, "Client sent an HTTP request to an HTTPS server."));
	close(fd);
}

/* A client that leaves: the request is aborted, the stream closed. Another request on the same
 * worker shows that it has happened. */
static void test_disconnect(void **state)
{
	int aborted = atomic_load(&n_aborted), closed = atomic_load(&n_stream_closed);
	kt_auto_str out = KT_STR_INIT;

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct raw never, endless;

		raw_open(&never, "http/1.1");
		raw_send(&never, "GET /never HTTP/1.1\r\nHost: a\r\n\r\n", 32);
		raw_open(&endless, "http/1.1");
		raw_send(&endless, "GET /endless HTTP/1.1\r\nHost: a\r\n\r\n", 34);
		assert_true(raw_read_until(&endless, &out, "ADDED"));
		raw_close(&never);
		raw_close(&endless);
	}
	for (int i = 0; i < 10000 && (atomic_load(&n_aborted) < aborted + 2 ||
	                                     atomic_load(&n_stream_closed) < closed + 2);
	        i++) {
		struct answer answer;
		CURL *curl = new_curl("/", CURL_HTTP_VERSION_1_1, &answer);

		perform(curl, &answer);
		curl_easy_cleanup(curl);
		answer_finish(&answer);
	}
	assert_int_equal(atomic_load(&n_aborted), aborted + 2);
	assert_int_equal(atomic_load(&n_stream_closed), closed + 2);
}

/* Many streams of one HTTP/2 connection, answered in any order. */
static void test_multiplexing(void **state)
{
	enum { N = 60 };
	struct answer answers[N];
	CURL *curls[N];
	CURLM *multi = curl_multi_init();
	int running = 1;
	long connects = 0;

	(void)state;
	curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
	for (int i = 0; i < N; i++) {
		curls[i] = new_curl(i % 3 == 0   ? "/later"
		                    : i % 3 == 1 ? "/stream?n=20"
		                                 : "/big?n=300000",
		        CURL_HTTP_VERSION_2TLS, &answers[i]);
		curl_easy_setopt(curls[i], CURLOPT_PIPEWAIT, 1L);
		curl_multi_add_handle(multi, curls[i]);
	}
	while (running) {
		assert_int_equal(curl_multi_perform(multi, &running), CURLM_OK);
		if (running)
			curl_multi_poll(multi, NULL, 0, 1000, NULL);
	}
	for (int i = 0; i < N; i++) {
		long n = 0;

		curl_easy_getinfo(curls[i], CURLINFO_RESPONSE_CODE, &answers[i].status);
		curl_easy_getinfo(curls[i], CURLINFO_NUM_CONNECTS, &n);
		connects += n;
		assert_int_equal(answers[i].status, 200);
		assert_true(i % 3 == 0 || answers[i].body.len == (i % 3 == 1 ? 340 : 300000));
		curl_multi_remove_handle(multi, curls[i]);
		curl_easy_cleanup(curls[i]);
		answer_finish(&answers[i]);
	}
	assert_int_equal(connects, 1);
	curl_multi_cleanup(multi);
}

static void test_port_taken(void **state)
{
	struct kt_http_server_options options = {
	        .cert_pem = kt_pki_pem(pki, KT_PKI_SERVER_CERT),
	        .key_pem = kt_pki_pem(pki, KT_PKI_SERVER_KEY),
	        .port = kt_http_server_port(http),
	};
	struct kt_http_server *other = NULL;
	kt_auto_err err = KT_ERR_INIT;

	(void)state;
	assert_int_equal(kt_http_server_create(&options, &other, &err), -EADDRINUSE);
	assert_null(other);
	options.port_is_wish = true;
	assert_int_equal(kt_http_server_create(&options, &other, NULL), 0);
	assert_int_not_equal(kt_http_server_port(other), options.port);
	kt_http_server_destroy(other, 0);
}

static void *destroy(void *arg)
{
	kt_http_server_destroy(arg, 10000);
	return NULL;
}

/* Stopping ends streams as streams end, and lets answers under way go out. */
static void test_graceful_stop(void **state)
{
	struct kt_http_server *kept = http;

	(void)state;
	for (int h2 = 0; h2 < 2; h2++) {
		kt_auto_str out = KT_STR_INIT;
		pthread_t thread;
		struct raw raw;
		struct kt_http_server_options options = {
		        .cert_pem = kt_pki_pem(pki, KT_PKI_SERVER_CERT),
		        .key_pem = kt_pki_pem(pki, KT_PKI_SERVER_KEY),
		};

		assert_int_equal(kt_http_server_create(&options, &http, NULL), 0);
		raw_open(&raw, h2 ? "h2" : "http/1.1");
		if (h2) {
			/* preface, empty SETTINGS */
			raw_send(&raw, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33);
			assert_true(raw_read_until(&raw, &out, "\4\1"));
		} else {
			raw_send(&raw, "GET /endless HTTP/1.1\r\nHost: a\r\n\r\n", 34);
			assert_true(raw_read_until(&raw, &out, "ADDED"));
		}
		assert_int_equal(pthread_create(&thread, NULL, destroy, http), 0);
		assert_false(raw_read_until(&raw, &out, NULL));
		assert_true(h2 || kt_ends_with(kt_str_text(&out), "\r\n0\r\n\r\n"));
		raw_close(&raw);
		pthread_join(thread, NULL);
	}
	http = kept;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_pipelining_in_order),
	        cmocka_unit_test(test_expect_continue),
	        cmocka_unit_test(test_bad_request),
	        cmocka_unit_test(test_plain_http),
	        cmocka_unit_test(test_disconnect),
	        cmocka_unit_test(test_multiplexing),
	        cmocka_unit_test(test_port_taken),
	        cmocka_unit_test(test_graceful_stop),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
