/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The transport alone: a pipeline of our own (kt_server_handle() below) stands behind one HTTP
 * server of the whole program; libcurl stands before it. Included by one file of a program.
 */
#ifndef KT_TESTS_UNIT_SERVER_HTTP_HARNESS_H
#define KT_TESTS_UNIT_SERVER_HTTP_HARNESS_H

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

static inline void stream_tick(struct kt_timer *timer)
{
	struct test_stream *s = kt_container_of(timer, struct test_stream, timer);

	s->ready++;
	kt_loop_post(s->base.loop, s->base.wake);
}

static inline int stream_pull(struct kt_stream *base, struct kt_buf **ret_piece)
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

static inline void stream_close(struct kt_stream *base)
{
	struct test_stream *s = kt_container_of(base, struct test_stream, base);

	if (s->timer.fn)
		kt_timer_cancel(&s->timer);
	atomic_fetch_add(&n_stream_closed, 1);
	free(s);
}

static inline void answer_text(struct kt_request *request, const char *text, size_t len)
{
	request->status = 200;
	kt_request_answer_header(request, "Content-Type", "text/plain");
	kt_request_answer_add(request, kt_buf_create(text, len));
}

static inline void answer_echo(struct kt_request *request)
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

static inline void answer_stream(struct kt_request *request, int n, bool fails)
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

static inline void answer_big(struct kt_request *request)
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

static inline void on_later(struct kt_timer *timer)
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
static inline struct pem_file pem_file(const char *text)
{
	struct pem_file file = {.fd = memfd_create("pem", MFD_CLOEXEC)};

	assert_int_equal(write(file.fd, text, strlen(text)), strlen(text));
	snprintf(file.path, sizeof(file.path), "/proc/self/fd/%d", file.fd);
	return file;
}

static inline int set_up(void **state)
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

static inline int tear_down(void **state)
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

static inline size_t collect(char *data, size_t size, size_t n, void *arg)
{
	kt_str_add(arg, data, size * n);
	return size * n;
}

static inline CURL *new_curl(const char *path, long version, struct answer *answer)
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

static inline void perform(CURL *curl, struct answer *answer)
{
	answer->code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
	curl_easy_getinfo(curl, CURLINFO_HTTP_VERSION, &answer->version);
}

static inline void answer_finish(struct answer *answer)
{
	kt_str_finish(&answer->body);
	kt_str_finish(&answer->headers);
}

static const long versions[] = {CURL_HTTP_VERSION_1_1, CURL_HTTP_VERSION_2TLS};
static const long seen[] = {CURL_HTTP_VERSION_1_1, CURL_HTTP_VERSION_2_0};
#define EACH_VERSION(v) for (size_t v = 0; v < KT_ARRAY_SIZE(versions); v++)

#endif
