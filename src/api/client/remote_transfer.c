/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One HTTP exchange with curl: its options, what comes back, what it means. */
#include "api/client/remote_internal.h"
#include "api/status.h"

#include <errno.h>
#include <strings.h>

static bool is_success(long status)
{
	return status >= 200 && status < 300;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct kt_transfer *t = arg;
	size_t len = size * n;

	if (t->dead)
		return 0;
	if (!t->status)
		kt_curl.easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &t->status);
	if (t->streams && is_success(t->status)) {
		t->on_piece(t, (struct kt_sv){data, len});
		return t->dead || t->too_large ? 0 : len;
	}
	if (t->body.len + len > (t->body_max ? t->body_max : KT_REMOTE_ANSWER_BYTES_MAX)) {
		t->too_large = true;
		return 0;
	}
	kt_str_add(&t->body, data, len);
	return len;
}

/* `299 - "text", 299 - "text"`: the quoted texts, one per line. */
static void take_warnings(struct kt_str *out, struct kt_sv value)
{
	const char *p = value.p, *end = value.p + value.len;

	while (p < end && (p = memchr(p, '"', (size_t)(end - p)))) {
		if (out->len)
			kt_str_putc(out, '\n');
		for (p++; p < end && *p != '"'; p++) {
			if (*p == '\\' && p + 1 < end)
				p++;
			kt_str_putc(out, *p == '\n' ? ' ' : *p);
		}
		p++;
		/* a date may follow the text, in quotes too */
		const char *comma = p < end ? memchr(p, ',', (size_t)(end - p)) : NULL;
		p = comma ? comma + 1 : end;
	}
}

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
	struct kt_transfer *t = arg;
	struct kt_sv line = {data, size * n}, name, value = line;

	if (line.len >= 5 && !strncasecmp(line.p, "HTTP/", 5)) {
		/* an interim answer came before: what it said does not count */
		free(kt_steal(&t->content_type));
		kt_str_clear(&t->warnings);
		t->status = 0;
	} else if (kt_sv_split(&value, ':', &name) && value.p) {
		value = kt_sv_trim(value);
		if (name.len == 12 && !strncasecmp(name.p, "content-type", 12)) {
			free(t->content_type);
			t->content_type = kt_sv_dup(value);
		} else if (name.len == 7 && !strncasecmp(name.p, "warning", 7)) {
			take_warnings(&t->warnings, value);
		}
	}
	return line.len;
}

static void add_header(struct kt_transfer *t, const char *name, const char *value)
{
	kt_auto_free char *line = kt_asprintf("%s: %s", name, value);

	t->headers = kt_curl.slist_append(t->headers, line);
}

static void add_headers(struct kt_transfer *t, const struct kt_transfer_request *request)
{
	const struct kt_endpoint *e = &t->remote->endpoint;

	add_header(t, "Accept", request->accept ? request->accept : "application/json");
	add_header(
	        t, "User-Agent", request->user_agent ? request->user_agent : t->remote->user_agent);
	t->headers =
	        kt_curl.slist_append(t->headers, "Expect:"); /* no round trip before each body */
	if (request->body)
		add_header(t, "Content-Type",
		        request->content_type ? request->content_type : "application/json");
	if (t->remote->host_header)
		add_header(t, "Host", t->remote->host_header);
	if (e->impersonate_user)
		add_header(t, "Impersonate-User", e->impersonate_user);
	for (char **group = e->impersonate_groups; group && *group; group++)
		add_header(t, "Impersonate-Group", *group);
	if (e->impersonate_uid)
		add_header(t, "Impersonate-Uid", e->impersonate_uid);
	for (char **extra = e->impersonate_extra; extra && *extra; extra++) {
		kt_auto_free char *name =
		        kt_asprintf("Impersonate-Extra-%.*s", (int)strcspn(*extra, "="), *extra);

		add_header(t, name, strchr(*extra, '=') ? strchr(*extra, '=') + 1 : "");
	}
}

static void set_body(struct kt_transfer *t, const struct kt_transfer_request *request)
{
	CURL *easy = t->easy;

	if (!strcmp(request->method, "GET") && !request->body) {
		kt_curl.easy_setopt(easy, CURLOPT_HTTPGET, 1L);
		return;
	}
	if (request->body || strcmp(request->method, "DELETE")) {
		kt_curl.easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
		        (curl_off_t)(request->body ? request->body->len : 0));
		kt_curl.easy_setopt(
		        easy, CURLOPT_POSTFIELDS, request->body ? request->body->data : "");
	}
	kt_curl.easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

static void set_connection(struct kt_transfer *t)
{
	struct kt_remote *remote = t->remote;
	CURL *easy = t->easy;

	kt_curl.easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	kt_curl.easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
	kt_curl.easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	kt_curl.easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	kt_curl.easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 30L);
	kt_curl.easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 10L);
	kt_curl.easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)KT_REMOTE_CONNECT_MS);
	kt_curl.easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	kt_curl.easy_setopt(easy, CURLOPT_FOLLOWLOCATION, remote->follow_redirects ? 1L : 0L);
	if (remote->endpoint.proxy_url)
		kt_curl.easy_setopt(easy, CURLOPT_PROXY, remote->endpoint.proxy_url);
	else if (remote->is_loopback)
		kt_curl.easy_setopt(easy, CURLOPT_PROXY,
		        ""); /* as Go: the environment's proxy is never asked for this machine */
	if (!remote->is_loopback)
		kt_curl.easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
	if (remote->connect_to) {
		t->connect_to = kt_curl.slist_append(NULL, remote->connect_to);
		kt_curl.easy_setopt(easy, CURLOPT_CONNECT_TO, t->connect_to);
	}
	kt_curl.easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, remote->endpoint.insecure ? 0L : 1L);
	kt_curl.easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, remote->endpoint.insecure ? 0L : 2L);
	if (remote->ca.fd >= 0) {
		kt_curl.easy_setopt(easy, CURLOPT_CAINFO, remote->ca.path);
		kt_curl.easy_setopt(easy, CURLOPT_CAPATH,
		        NULL); /* or the system's CAs would be trusted beside */
	}
}

int kt_transfer_set_up(
        struct kt_transfer *t, const struct kt_transfer_request *request, struct kt_err *err)
{
	kt_auto_free char *url = kt_asprintf(
	        "%s%s%s", t->remote->url, *request->path == '/' ? "" : "/", request->path);
	CURL *easy = t->easy;
	int r;

	kt_curl.easy_setopt(easy, CURLOPT_ERRORBUFFER, t->error);
	kt_curl.easy_setopt(easy, CURLOPT_URL, url);
	kt_curl.easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	kt_curl.easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	kt_curl.easy_setopt(easy, CURLOPT_WRITEDATA, t);
	kt_curl.easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	kt_curl.easy_setopt(easy, CURLOPT_HEADERDATA, t);
	if (request->timeout_ms > 0)
		kt_curl.easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
	set_connection(t);
	set_body(t, request);
	add_headers(t, request);
	r = kt_remote_auth_apply(t->remote, t, err);
	kt_curl.easy_setopt(easy, CURLOPT_HTTPHEADER, t->headers);
	if (t->configure)
		t->configure(t);
	return r;
}

void kt_transfer_tear_down(struct kt_transfer *t)
{
	kt_curl.easy_cleanup(t->easy);
	kt_curl.slist_free_all(t->headers);
	kt_curl.slist_free_all(t->connect_to);
	kt_str_finish(&t->body);
	kt_str_finish(&t->warnings);
	free(t->content_type);
	kt_err_clear(&t->unmade);
}

/* "host:port" of the server, as kubectl names it. */
static const char *server_name(const struct kt_remote *remote)
{
	const char *slashes = strstr(remote->endpoint.server, "://");

	return slashes ? slashes + 3 : remote->endpoint.server;
}

static int fail_transport(struct kt_transfer *t, CURLcode code, struct kt_err *err)
{
	const char *text = *t->error ? t->error : kt_curl.easy_strerror(code);
	long os_errno = 0;

	kt_curl.easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &os_errno);
	switch (code) {
	case CURLE_COULDNT_CONNECT:
		if (os_errno == ECONNREFUSED)
			return kt_fail(err, ECONNREFUSED,
			        "The connection to the server %s was refused - did you specify the "
			        "right host or port?",
			        server_name(t->remote));
		return kt_fail(err, os_errno ? (int)os_errno : EHOSTUNREACH,
		        "Unable to connect to the server: %s", text);
	case CURLE_COULDNT_RESOLVE_HOST:
		return kt_fail(err, EHOSTUNREACH,
		        "Unable to connect to the server: lookup %s: no such host",
		        server_name(t->remote));
	case CURLE_OPERATION_TIMEDOUT:
		return kt_fail(err, ETIMEDOUT, "the server %s did not answer within %d ms",
		        server_name(t->remote), t->timeout_ms);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
		return kt_fail(err, EPROTO, "Unable to connect to the server: %s", text);
	default:
		return kt_fail(err, t->too_large ? EFBIG : ECONNRESET,
		        "the connection to the server %s broke: %s", server_name(t->remote),
		        t->too_large ? "the answer is too large" : text);
	}
}

void kt_transfer_outcome(struct kt_transfer *t, CURLcode code, struct kt_err *err)
{
	kt_curl.easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &t->status);
	if (t->on_code)
		t->on_code(t, code);
	if (t->unmade.code) {
		t->status = 0;
		kt_err_move(err, &t->unmade);
	} else if (code != CURLE_OK) {
		t->status = 0;
		fail_transport(t, code, err);
	} else if (!is_success(t->status)) {
		kt_err_of_status(
		        err, (int)t->status, (struct kt_sv){kt_str_text(&t->body), t->body.len});
	}
}
