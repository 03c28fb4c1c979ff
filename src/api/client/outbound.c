/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/client/outbound.h"

#include "api/client/outbound_words.h"
#include "api/client/remote_internal.h"

#include <errno.h>

/* CA bundles kept as files in memory: a connection that is kept alive is known by the file's name,
 * so a name must never come to mean another bundle. Beyond these, a connection serves one call. */
#define BUNDLES_MAX 128

struct bundle {
	char *text;
	struct kt_remote_pem pem;
};

struct kt_outbound {
	struct kt_client *client; /* the remote whose loops carry the transfers */
	pthread_mutex_t lock;     /* protects bundles; taken alone */
	struct bundle bundles[BUNDLES_MAX];
	size_t n_bundles;
};

/* A call under way. */
struct post {
	struct kt_transfer transfer;
	struct kt_outbound_call *call; /* NULL: cancelled */
	struct kt_remote_pem own;      /* a bundle that the pool has no place for */
	char ca_path[sizeof(((struct kt_remote_pem *)NULL)->path)];
	struct kt_err err;
};

int kt_outbound_create(struct kt_outbound **ret_outbound, struct kt_err *err)
{
	/* No request goes there: every one has a URL of its own. */
	static char server[] = "https://webhook.invalid";
	const struct kt_endpoint endpoint = {.server = server};
	const struct kt_remote_options options = {.endpoint = &endpoint};
	struct kt_outbound *outbound = kt_new(struct kt_outbound);
	int r = kt_remote_client_create(&options, &outbound->client, err);

	if (r < 0) {
		free(outbound);
		return r;
	}
	pthread_mutex_init(&outbound->lock, NULL);
	*ret_outbound = outbound;
	return 0;
}

void kt_outbound_destroy(struct kt_outbound *outbound)
{
	if (!outbound)
		return;
	kt_client_destroy(outbound->client);
	for (size_t i = 0; i < outbound->n_bundles; i++) {
		free(outbound->bundles[i].text);
		kt_remote_pem_finish(&outbound->bundles[i].pem);
	}
	pthread_mutex_destroy(&outbound->lock);
	free(outbound);
}

/* 1: found or made in the pool; 0: the pool is full. */
static int bundle_path(struct kt_outbound *outbound, struct post *post, const char *text)
{
	int r = 0;

	pthread_mutex_lock(&outbound->lock);
	for (size_t i = 0; !r && i < outbound->n_bundles; i++)
		if (!strcmp(outbound->bundles[i].text, text)) {
			memcpy(post->ca_path, outbound->bundles[i].pem.path, sizeof(post->ca_path));
			r = 1;
		}
	if (!r && outbound->n_bundles < BUNDLES_MAX) {
		struct bundle *bundle = &outbound->bundles[outbound->n_bundles];

		r = kt_remote_pem_make(&bundle->pem, text, &post->err);
		if (r >= 0) {
			bundle->text = kt_strdup(text);
			memcpy(post->ca_path, bundle->pem.path, sizeof(post->ca_path));
			outbound->n_bundles++;
			r = 1;
		}
	}
	pthread_mutex_unlock(&outbound->lock);
	return r;
}

static int find_bundle(struct kt_outbound *outbound, struct post *post)
{
	const char *text = post->call->ca_pem;
	int r;

	if (!text)
		return 0;
	r = bundle_path(outbound, post, text);
	if (r)
		return r;
	r = kt_remote_pem_make(&post->own, text, &post->err);
	memcpy(post->ca_path, post->own.path, sizeof(post->ca_path));
	return r;
}

/* "HOST:PORT:WHERE:PORT" for curl; empty words stand for any host and port. */
static void set_place(struct post *post)
{
	struct kt_transfer *t = &post->transfer;
	kt_auto_free char *place = kt_asprintf("::%s", post->call->connect_to);

	t->connect_to = kt_curl.slist_append(NULL, place);
	kt_curl.easy_setopt(t->easy, CURLOPT_CONNECT_TO, t->connect_to);
	kt_curl.easy_setopt(t->easy, CURLOPT_PROXY, "");
}

static void configure(struct kt_transfer *t)
{
	struct post *post = kt_container_of(t, struct post, transfer);

	kt_curl.easy_setopt(t->easy, CURLOPT_URL, post->call->url);
	kt_curl.easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, "https");
	kt_curl.easy_setopt(t->easy, CURLOPT_CERTINFO, 1L); /* to say what is wrong with it */
	if (kt_outbound_is_loopback(post->call->url))
		kt_curl.easy_setopt(t->easy, CURLOPT_PROXY, "");
	if (post->call->connect_to)
		set_place(post);
	if (*post->ca_path) {
		kt_curl.easy_setopt(t->easy, CURLOPT_CAINFO, post->ca_path);
		kt_curl.easy_setopt(t->easy, CURLOPT_CAPATH, NULL);
	}
	if (post->own.fd >= 0) {
		kt_curl.easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, 1L);
		kt_curl.easy_setopt(t->easy, CURLOPT_FORBID_REUSE, 1L);
	}
}

static void on_code(struct kt_transfer *t, CURLcode code)
{
	struct post *post = kt_container_of(t, struct post, transfer);
	const struct kt_outbound_failure failure = {
	        .easy = t->easy,
	        .code = code,
	        .text = t->error,
	        .url = post->call ? post->call->url : "",
	        .connect_to = post->call ? post->call->connect_to : NULL,
	        .too_large = t->too_large,
	};

	if (code != CURLE_OK && post->call && !post->err.code)
		kt_outbound_fail(&failure, &post->err);
}

static void on_end(struct kt_transfer *t, struct kt_err *err)
{
	struct post *post = kt_container_of(t, struct post, transfer);
	struct kt_outbound_call *call = post->call;

	(void)err; /* worded for kubectl's users */
	if (!call)
		return;
	post->call = NULL;
	call->impl = NULL;
	if (post->err.code) {
		kt_err_move(&call->err, &post->err);
	} else {
		call->status = (int)t->status;
		call->content_type = kt_steal(&t->content_type);
		call->answer = t->body;
		t->body = KT_STR_INIT;
	}
	call->done(call);
}

static void release(struct kt_transfer *t)
{
	struct post *post = kt_container_of(t, struct post, transfer);

	kt_remote_pem_finish(&post->own);
	kt_err_clear(&post->err);
	free(post);
}

void kt_outbound_post(struct kt_outbound *outbound, struct kt_outbound_call *call)
{
	struct kt_remote *remote = kt_container_of(outbound->client, struct kt_remote, base);
	struct post *post = kt_new(struct post);
	const struct kt_transfer_request request = {
	        .method = "POST",
	        .path = "/",
	        .accept = "application/json, */*",
	        .user_agent = call->user_agent,
	        .body = call->body,
	        .timeout_ms = call->timeout_ms,
	};

	post->call = call;
	post->own.fd = -1;
	call->impl = post;
	call->status = 0;
	post->transfer.body_max =
	        call->answer_bytes_max ? call->answer_bytes_max : KT_OUTBOUND_ANSWER_BYTES_MAX;
	post->transfer.configure = configure;
	post->transfer.on_code = on_code;
	post->transfer.on_end = on_end;
	post->transfer.release = release;
	find_bundle(outbound, post); /* its failure is told when the transfer ends */
	kt_transfer_start(&post->transfer, remote, call->loop, &request);
}

void kt_outbound_cancel(struct kt_outbound_call *call)
{
	struct post *post = call->impl;

	if (!post)
		return;
	call->impl = NULL;
	post->call = NULL;
	kt_transfer_cancel(&post->transfer);
}

void kt_outbound_call_finish(struct kt_outbound_call *call)
{
	kt_str_finish(&call->answer);
	free(kt_steal(&call->content_type));
	kt_err_clear(&call->err);
}
