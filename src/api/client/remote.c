/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/client/remote.h"

#include "api/client/remote_internal.h"
#include "base/log.h"

#include <errno.h>

struct remote_call {
	struct kt_transfer transfer;
	struct kt_call *call; /* NULL: cancelled */
};

static void call_release(struct kt_transfer *t)
{
	free(kt_container_of(t, struct remote_call, transfer));
}

static void call_on_piece(struct kt_transfer *t, struct kt_sv piece)
{
	struct remote_call *c = kt_container_of(t, struct remote_call, transfer);

	if (c->call)
		c->call->on_data(c->call, piece);
}

static void call_on_end(struct kt_transfer *t, struct kt_err *err)
{
	struct remote_call *c = kt_container_of(t, struct remote_call, transfer);
	struct kt_call *call = c->call;

	if (!call)
		return;
	call->status = (int)t->status;
	call->ret_content_type = kt_steal(&t->content_type);
	if (t->warnings.len)
		call->ret_warnings = kt_str_steal(&t->warnings);
	if (!call->on_data || t->body.len)
		call->ret_body = kt_buf_from_str(&t->body);
	kt_err_move(&call->err, err);
	call->impl = NULL;
	c->call = NULL;
	call->done(call);
}

static void remote_call(struct kt_client *client, struct kt_call *call)
{
	struct kt_remote *remote = kt_container_of(client, struct kt_remote, base);
	struct remote_call *c = kt_new(struct remote_call);
	struct kt_transfer_request request = {
	        .method = call->method,
	        .path = call->path,
	        .content_type = call->content_type,
	        .accept = call->accept,
	        .user_agent = call->user_agent,
	        .body = call->body,
	        .timeout_ms = call->timeout_ms ? call->timeout_ms
	                      : call->on_data  ? 0
	                                       : remote->timeout_ms,
	};

	c->call = call;
	call->impl = c;
	c->transfer.streams = call->on_data != NULL;
	c->transfer.on_piece = call_on_piece;
	c->transfer.on_end = call_on_end;
	c->transfer.release = call_release;
	kt_transfer_start(&c->transfer, remote, call->loop, &request);
}

static void remote_cancel(struct kt_client *client, struct kt_call *call)
{
	struct remote_call *c = call->impl;

	(void)client;
	if (!c)
		return;
	call->impl = NULL;
	c->call = NULL;
	kt_transfer_cancel(&c->transfer);
}

static void remote_destroy(struct kt_client *client)
{
	struct kt_remote *remote = kt_container_of(client, struct kt_remote, base);

	kt_remote_loops_destroy(remote);
	kt_remote_auth_close(remote);
	kt_endpoint_finish(&remote->endpoint);
	pthread_mutex_destroy(&remote->lock);
	free(remote->user_agent);
	free(remote->url);
	free(remote->connect_to);
	free(remote->host_header);
	free(remote);
}

static const struct kt_client_ops remote_ops = {
        .call = remote_call,
        .cancel = remote_cancel,
        .watch = kt_remote_watch,
        .watch_stop = kt_remote_watch_stop,
        .destroy = remote_destroy,
};

static char *dup_or_null(const char *text)
{
	return text ? kt_strdup(text) : NULL;
}

/* NULL for an empty one. */
static char **copy_texts(char *const *from)
{
	size_t n = 0;

	while (from && from[n])
		n++;
	if (!n)
		return NULL;
	char **to = kt_new_array(char *, n + 1);

	for (size_t i = 0; i < n; i++)
		to[i] = kt_strdup(from[i]);
	return to;
}

static void copy_endpoint(struct kt_endpoint *to, const struct kt_endpoint *from)
{
	*to = (struct kt_endpoint){
	        .context = dup_or_null(from->context),
	        .cluster = dup_or_null(from->cluster),
	        .user = dup_or_null(from->user),
	        .namespace = dup_or_null(from->namespace),
	        .server = dup_or_null(from->server),
	        .tls_server_name = dup_or_null(from->tls_server_name),
	        .proxy_url = dup_or_null(from->proxy_url),
	        .ca_pem = dup_or_null(from->ca_pem),
	        .client_cert_pem = dup_or_null(from->client_cert_pem),
	        .client_key_pem = dup_or_null(from->client_key_pem),
	        .token = dup_or_null(from->token),
	        .token_file = dup_or_null(from->token_file),
	        .username = dup_or_null(from->username),
	        .password = dup_or_null(from->password),
	        .exec = json_deep_copy(from->exec),
	        .impersonate_user = dup_or_null(from->impersonate_user),
	        .impersonate_uid = dup_or_null(from->impersonate_uid),
	        .impersonate_groups = copy_texts(from->impersonate_groups),
	        .impersonate_extra = copy_texts(from->impersonate_extra),
	        .insecure = from->insecure,
	};
}

static bool is_loopback(const char *host)
{
	return !strcmp(host, "localhost") || kt_starts_with(host, "127.") || !strcmp(host, "::1") ||
	       !strcmp(host, "[::1]");
}

/* The URL to ask. With another name to verify, that name stands in the URL and curl is told where
 * to connect instead. */
static int make_url(struct kt_remote *remote, struct kt_err *err)
{
	const struct kt_endpoint *e = &remote->endpoint;
	CURLU *url = kt_curl.url();
	char *host = NULL, *port = NULL, *text = NULL;
	int r = 0;

	if (!e->server ||
	        kt_curl.url_set(url, CURLUPART_URL, e->server, CURLU_DEFAULT_SCHEME) != CURLUE_OK ||
	        kt_curl.url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
	        kt_curl.url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK) {
		r = kt_fail(err, EINVAL, "invalid configuration: server \"%s\" is no URL",
		        e->server ? e->server : "");
	} else {
		remote->is_loopback = is_loopback(host);
		if (e->tls_server_name) {
			remote->connect_to =
			        kt_asprintf("%s:%s:%s:%s", e->tls_server_name, port, host, port);
			remote->host_header = kt_asprintf("%s:%s", host, port);
			kt_curl.url_set(url, CURLUPART_HOST, e->tls_server_name, 0);
		}
		if (kt_curl.url_get(url, CURLUPART_URL, &text, 0) == CURLUE_OK)
			remote->url = kt_strdup(text);
		for (size_t len = remote->url ? strlen(remote->url) : 0;
		        len && remote->url[len - 1] == '/'; len--)
			remote->url[len - 1] = 0;
	}
	if (r >= 0 && !remote->url)
		r = kt_fail(err, EINVAL,
		        "invalid configuration: tls-server-name \"%s\" is no host name",
		        e->tls_server_name);
	kt_curl.free(host);
	kt_curl.free(port);
	kt_curl.free(text);
	kt_curl.url_cleanup(url);
	return r;
}

int kt_remote_client_create(
        const struct kt_remote_options *options, struct kt_client **ret_client, struct kt_err *err)
{
	int r = kt_curl_load(err);

	if (r < 0)
		return r;
	struct kt_remote *remote = kt_new(struct kt_remote);

	remote->base.ops = &remote_ops;
	remote->ca.fd = remote->cert.fd = remote->key.fd = -1;
	remote->timeout_ms = options->timeout_ms;
	remote->follow_redirects = options->follow_redirects;
	remote->user_agent =
	        kt_strdup(options->user_agent ? options->user_agent : "kube-tui/" KT_VERSION);
	pthread_mutex_init(&remote->lock, NULL);
	copy_endpoint(&remote->endpoint, options->endpoint);
	r = make_url(remote, err);
	if (r >= 0)
		r = kt_remote_auth_open(remote, err);
	if (r < 0) {
		remote_destroy(&remote->base);
		return r;
	}
	*ret_client = &remote->base;
	return 0;
}
