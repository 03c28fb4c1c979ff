/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The transport alone: a pipeline of our own stands behind it, libcurl and raw TLS connections
 * before it. */
#include "api/server/http/http_server.h"
#include "api/server/limits.h"
#include "api/server/pki.h"
#include "base/log.h"
#include "support/support.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

static struct kt_pki *pki;
static struct kt_http_server *http;
static struct pem_file {
	int fd;
	char path[32];
} ca_file;
static atomic_int n_aborted, n_stream_closed;

/* A stream of `left` pieces, each ready one turn of the loop later; endless when left < 0. */
struct test_stream {
	struct kt_stream base;
	struct kt_timer timer;
	int left;
	int ready;
	bool fails;
};

static void stream_tick(struct kt_timer *timer)
{
	struct test_stream *s = kt_container_of(timer, struct test_stream, timer);

	s->ready++;
	kt_loop_post(s->base.loop, s->base.wake);
}

static int stream_pull(struct kt_stream *base, struct kt_buf **ret_piece)
{
	struct test_stream *s = kt_container_of(base, struct test_stream, base);

	if (!s->timer.fn)
		kt_timer_init(&s->timer, base->loop, stream_tick);
	if (s->left == 0)
		return s->fails ? -EIO : -ENODATA;
	if (s->ready == 0) {
		kt_timer_set_after_ms(&s->timer, s->left < 0 ? 3600000 : 0);
		return 0;
	}
	s->ready--;
	s->left--;
	*ret_piece = kt_buf_create("{\"type\":\"ADDED\"}\n", 17);
	return 1;
}

static void stream_close(struct kt_stream *base)
{
	struct test_stream *s = kt_container_of(base, struct test_stream, base);

	if (s->timer.fn)
		kt_timer_cancel(&s->timer);
	atomic_fetch_add(&n_stream_closed, 1);
	free(s);
}

static void answer_text(struct kt_request *request, const char *text, size_t len)
{
	request->status = 200;
	kt_request_answer_header(request, "Content-Type", "text/plain");
	kt_request_answer_add(request, kt_buf_create(text, len));
}

static void answer_echo(struct kt_request *request)
{
	const char *header = kt_request_header(request, "x-test");
	kt_auto_str text = KT_STR_INIT;

	kt_str_printf(&text, "%s %s user=%s x-test=%s body=%u ", request->method, request->target,
	        request->user ? request->user->name : "-", header ? header : "-",
	        request->body ? request->body->len : 0);
	for (char **group = request->user ? request->user->groups : NULL; group && *group; group++)
		kt_str_printf(&text, "[%s]", *group);
	if (request->body && request->body->len < 100)
		kt_str_add(&text, request->body->data, request->body->len);
	answer_text(request, text.data, text.len);
}

static void answer_stream(struct kt_request *request, int n, bool fails)
{
	struct test_stream *s = kt_new(struct test_stream);

	s->base.pull = stream_pull;
	s->base.close = stream_close;
	s->left = n;
	s->ready = n < 0 ? 1 : 0;
	s->fails = fails;
	request->status = 200;
	request->stream = &s->base;
}

static void answer_big(struct kt_request *request)
{
	size_t total = strtoul(strchr(request->target, '=') + 1, NULL, 10);

	request->status = 200;
	for (size_t n = 0; n < total;) {
		size_t len = KT_MIN(total - n, (size_t)30000);
		struct kt_buf *segment = kt_buf_alloc(len);

		for (size_t i = 0; i < len; i++)
			segment->data[i] = (char)('a' + (n + i) % 23);
		kt_request_answer_add(request, segment);
		n += len;
	}
}

struct later {
	struct kt_timer timer;
	struct kt_request *request;
};

static void on_later(struct kt_timer *timer)
{
	struct later *later = kt_container_of(timer, struct later, timer);
	struct kt_request *request = later->request;

	answer_echo(request);
	free(later);
	request->done(request);
}

void kt_server_handle(struct kt_request *request)
{
	kt_assert(kt_loop_is_current(request->loop));
	if (kt_starts_with(request->target, "/later")) {
		struct later *later = kt_new(struct later);

		later->request = request;
		kt_timer_init(&later->timer, request->loop, on_later);
		kt_timer_set_after_ms(&later->timer, 1);
		return;
	}
	if (kt_starts_with(request->target, "/never"))
		return; /* until it is aborted */
	if (kt_starts_with(request->target, "/big"))
		answer_big(request);
	else if (kt_starts_with(request->target, "/stream?n="))
		answer_stream(request, atoi(request->target + 10), false);
	else if (kt_starts_with(request->target, "/broken"))
		answer_stream(request, 2, true);
	else if (kt_starts_with(request->target, "/endless"))
		answer_stream(request, -1, false);
	else
		answer_echo(request);
	request->done(request);
}

void kt_request_abort(struct kt_request *request)
{
	if (!kt_starts_with(request->target, "/never"))
		return; /* on its way */
	atomic_fetch_add(&n_aborted, 1);
	request->status = 499;
	request->done(request);
}

/* The GnuTLS build of libcurl takes PEM from files alone: an unnamed one in memory serves. */
static struct pem_file pem_file(const char *text)
{
	struct pem_file file = {.fd = memfd_create("pem", MFD_CLOEXEC)};

	assert_int_equal(write(file.fd, text, strlen(text)), strlen(text));
	snprintf(file.path, sizeof(file.path), "/proc/self/fd/%d", file.fd);
	return file;
}

static int set_up(void **state)
{
	(void)state;
	curl_global_init(CURL_GLOBAL_ALL);
	assert_int_equal(kt_pki_open(NULL, NULL, &pki, NULL), 0);
	ca_file = pem_file(kt_pki_pem(pki, KT_PKI_CA_CERT));
	struct kt_http_server_options options = {
	        .cert_pem = kt_pki_pem(pki, KT_PKI_SERVER_CERT),
	        .key_pem = kt_pki_pem(pki, KT_PKI_SERVER_KEY),
	        .client_ca_pem = kt_pki_pem(pki, KT_PKI_CA_CERT),
	};
	assert_int_equal(kt_http_server_create(&options, &http, NULL), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	kt_http_server_destroy(http, 1000);
	kt_pki_close(pki);
	close(ca_file.fd);
	curl_global_cleanup();
	return 0;
}

struct answer {
	long status;
	long version;
	struct kt_str body, headers;
	CURLcode code;
};

static size_t collect(char *data, size_t size, size_t n, void *arg)
{
	kt_str_add(arg, data, size * n);
	return size * n;
}

static CURL *new_curl(const char *path, long version, struct answer *answer)
{
	CURL *curl = curl_easy_init();
	kt_auto_free char *url =
	        kt_asprintf("https://127.0.0.1:%d%s", kt_http_server_port(http), path);

	*answer = (struct answer){0};
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, version);
	curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file.path);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer->body);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, collect);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, &answer->headers);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, 30L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	return curl;
}

static void perform(CURL *curl, struct answer *answer)
{
	answer->code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
	curl_easy_getinfo(curl, CURLINFO_HTTP_VERSION, &answer->version);
}

static void answer_finish(struct answer *answer)
{
	kt_str_finish(&answer->body);
	kt_str_finish(&answer->headers);
}

static const long versions[] = {CURL_HTTP_VERSION_1_1, CURL_HTTP_VERSION_2TLS};
static const long seen[] = {CURL_HTTP_VERSION_1_1, CURL_HTTP_VERSION_2_0};
#define EACH_VERSION(v) for (size_t v = 0; v < KT_ARRAY_SIZE(versions); v++)

static void test_get(void **state)
{
	(void)state;
	EACH_VERSION(v)
	{
		struct answer answer;
		CURL *curl = new_curl("/a?b=c", versions[v], &answer);
		struct curl_slist *headers = curl_slist_append(NULL, "X-Test: Value");

		curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
		perform(curl, &answer);
		assert_int_equal(answer.code, CURLE_OK);
		assert_int_equal(answer.status, 200);
		assert_int_equal(answer.version, seen[v]);
		assert_string_equal(
		        kt_str_text(&answer.body), "GET /a?b=c user=- x-test=Value body=0 ");
		assert_non_null(strstr(kt_str_text(&answer.headers), "audit-id: "));
		assert_non_null(strstr(kt_str_text(&answer.headers), " GMT\r\n"));
		assert_non_null(strstr(kt_str_text(&answer.headers), "content-length: 38\r\n"));
		curl_easy_cleanup(curl);
		curl_slist_free_all(headers);
		answer_finish(&answer);
	}
}

static void test_keep_alive_and_later(void **state)
{
	(void)state;
	EACH_VERSION(v)
	{
		struct answer answer;
		CURL *curl = new_curl("/later", versions[v], &answer);

		for (int i = 0; i < 50; i++) {
			long connects = 0;

			perform(curl, &answer);
			assert_int_equal(answer.status, 200);
			curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &connects);
			assert_int_equal(connects, i == 0 ? 1 : 0);
		}
		curl_easy_cleanup(curl);
		answer_finish(&answer);
	}
}

static void test_bodies(void **state)
{
	static const size_t sizes[] = {1, 1000, 200000, KT_HTTP_BODY_BYTES_MAX};

	(void)state;
	EACH_VERSION(v)
	{
		for (size_t i = 0; i < KT_ARRAY_SIZE(sizes); i++) {
			struct answer answer;
			CURL *curl = new_curl("/p", versions[v], &answer);
			kt_auto_free char *body = kt_zalloc(sizes[i]);
			kt_auto_free char *expected =
			        kt_asprintf("POST /p user=- x-test=- body=%zu ", sizes[i]);

			memset(body, 'x', sizes[i]);
			curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)sizes[i]);
			curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
			perform(curl, &answer);
			assert_int_equal(answer.status, 200);
			assert_true(kt_starts_with(kt_str_text(&answer.body), expected));
			curl_easy_cleanup(curl);
			answer_finish(&answer);
		}
	}
}

struct upload {
	size_t left;
};

static size_t give(char *data, size_t size, size_t n, void *arg)
{
	struct upload *upload = arg;
	size_t len = KT_MIN(size * n, upload->left);

	memset(data, 'y', len);
	upload->left -= len;
	return len;
}

/* Length told beforehand and not: both end in 413 with a Status, and the answer is not lost. */
static void test_too_large(void **state)
{
	(void)state;
	EACH_VERSION(v)
	{
		for (int chunked = 0; chunked < 2; chunked++) {
			struct answer answer;
			CURL *curl = new_curl("/p", versions[v], &answer);
			struct upload upload = {KT_HTTP_BODY_BYTES_MAX + 1};

			curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
			curl_easy_setopt(curl, CURLOPT_READFUNCTION, give);
			curl_easy_setopt(curl, CURLOPT_READDATA, &upload);
			if (!chunked)
				curl_easy_setopt(
				        curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)upload.left);
			perform(curl, &answer);
			assert_int_equal(answer.status, 413);
			assert_non_null(strstr(kt_str_text(&answer.body),
			        "Request entity too large: limit is 3145728"));
			curl_easy_cleanup(curl);
			answer_finish(&answer);
		}
	}
}

/* Header fields past the limit are told so; the connection of HTTP/2 goes on. */
static void test_large_heads(void **state)
{
	(void)state;
	EACH_VERSION(v)
	{
		struct answer answer;
		CURL *curl = new_curl("/x", versions[v], &answer);
		struct curl_slist *headers = NULL;

		for (int i = 0; i < KT_HTTP_HEADERS_MAX; i++) {
			kt_auto_free char *line = kt_asprintf("X-%d: v", i);

			headers = curl_slist_append(headers, line);
		}
		curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
		perform(curl, &answer);
		assert_int_equal(answer.code, CURLE_OK);
		assert_int_equal(answer.status, 431);
		curl_easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
		perform(curl, &answer);
		assert_int_equal(answer.status, 200);
		curl_easy_cleanup(curl);
		curl_slist_free_all(headers);
		answer_finish(&answer);
	}
}

static void test_streams(void **state)
{
	(void)state;
	EACH_VERSION(v)
	{
		struct answer answer;
		CURL *curl = new_curl("/stream?n=300", versions[v], &answer);
		int closed = atomic_load(&n_stream_closed);

		perform(curl, &answer);
		assert_int_equal(answer.code, CURLE_OK);
		assert_int_equal(answer.body.len, 300 * 17);
		assert_null(strstr(kt_str_text(&answer.headers), "content-length"));
		curl_easy_cleanup(curl);
		answer_finish(&answer);
		curl = new_curl("/broken", versions[v], &answer);
		perform(curl, &answer);
		assert_int_not_equal(answer.code, CURLE_OK);
		curl_easy_cleanup(curl);
		answer_finish(&answer);
		assert_true(atomic_load(&n_stream_closed) > closed);
	}
}

static void test_large_answers_and_gzip(void **state)
{
	static const size_t sizes[] = {1000, KT_HTTP_GZIP_BYTES_MIN, 5000000};

	(void)state;
	EACH_VERSION(v)
	{
		for (size_t i = 0; i < KT_ARRAY_SIZE(sizes); i++) {
			for (int gzip = 0; gzip < 2; gzip++) {
				kt_auto_free char *path = kt_asprintf("/big?n=%zu", sizes[i]);
				struct answer answer;
				CURL *curl = new_curl(path, versions[v], &answer);

				if (gzip)
					curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "gzip");
				perform(curl, &answer);
				assert_int_equal(answer.code, CURLE_OK);
				assert_int_equal(answer.body.len, sizes[i]);
				for (size_t at = 0; at < sizes[i]; at += 997)
					assert_int_equal(answer.body.data[at], 'a' + at % 23);
				assert_int_equal(strstr(kt_str_text(&answer.headers),
				                         "content-encoding: gzip") != NULL,
				        gzip && sizes[i] > KT_HTTP_GZIP_BYTES_MIN);
				curl_easy_cleanup(curl);
				answer_finish(&answer);
			}
		}
	}
}

static void test_head(void **state)
{
	(void)state;
	EACH_VERSION(v)
	{
		struct answer answer;
		CURL *curl = new_curl("/big?n=5000", versions[v], &answer);

		curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
		perform(curl, &answer);
		assert_int_equal(answer.code, CURLE_OK);
		assert_int_equal(answer.body.len, 0);
		assert_non_null(strstr(kt_str_text(&answer.headers), "content-length: 5000"));
		perform(curl, &answer);
		assert_int_equal(answer.status, 200);
		curl_easy_cleanup(curl);
		answer_finish(&answer);
	}
}

static void test_client_certificates(void **state)
{
	static const char *const groups[] = {"dev", "ops", NULL};
	kt_auto_free char *cert = NULL, *key = NULL;
	struct kt_pki *foreign = NULL;
	struct pem_file files[4];

	(void)state;
	assert_int_equal(kt_pki_issue_client(pki, "jane", groups, &cert, &key, NULL), 0);
	assert_int_equal(kt_pki_open(NULL, NULL, &foreign, NULL), 0);
	files[0] = pem_file(cert);
	files[1] = pem_file(key);
	files[2] = pem_file(kt_pki_pem(foreign, KT_PKI_ADMIN_CERT));
	files[3] = pem_file(kt_pki_pem(foreign, KT_PKI_ADMIN_KEY));
	EACH_VERSION(v)
	{
		for (int with_token = 0; with_token < 3; with_token++) {
			struct answer answer;
			CURL *curl = new_curl("/who", versions[v], &answer);
			struct curl_slist *headers =
			        curl_slist_append(NULL, "Authorization: Bearer x");
			const struct pem_file *pair = with_token == 0 ? files : files + 2;

			curl_easy_setopt(curl, CURLOPT_SSLCERT, pair[0].path);
			curl_easy_setopt(curl, CURLOPT_SSLKEY, pair[1].path);
			if (with_token == 2)
				curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
			perform(curl, &answer);
			/* GnuTLS clients leave a certificate at home that the server's list of CAs
			 * does not name. */
			if (with_token == 0)
				assert_string_equal(kt_str_text(&answer.body),
				        "GET /who user=jane x-test=- body=0 "
				        "[dev][ops][system:authenticated]");
			else
				assert_true(answer.status == 401 ||
				            strstr(kt_str_text(&answer.body), "user=- "));
			curl_easy_cleanup(curl);
			curl_slist_free_all(headers);
			answer_finish(&answer);
		}
	}
	for (int i = 0; i < 4; i++)
		close(files[i].fd);
	kt_pki_close(foreign);
}

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
	        cmocka_unit_test(test_get),
	        cmocka_unit_test(test_keep_alive_and_later),
	        cmocka_unit_test(test_bodies),
	        cmocka_unit_test(test_too_large),
	        cmocka_unit_test(test_large_heads),
	        cmocka_unit_test(test_streams),
	        cmocka_unit_test(test_large_answers_and_gzip),
	        cmocka_unit_test(test_head),
	        cmocka_unit_test(test_client_certificates),
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
