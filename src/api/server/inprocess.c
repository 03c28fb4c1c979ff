/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The client inside the server's own process: calls become requests that enter the pipeline on the
 * loop of the call, watches read a feed and hand on references to stored objects.
 */
#include "api/client/client.h"
#include "api/server/operations.h"
#include "api/server/server_impl.h"
#include "api/server/watch_feed.h"
#include "base/log.h"

#include <errno.h>

#define EVENTS_PER_TURN 256 /* of one watch, before other work of the loop has its turn */

struct inprocess {
	struct kt_client client;
	struct kt_server *server;
	struct kt_user *user;
	char *user_agent;
};

/* One call under way. Freed by its own last callback. */
struct flight {
	struct kt_task start;
	struct kt_call *call; /* NULL: cancelled */
	struct kt_request *request;
	struct inprocess *inprocess;
	struct kt_task pull; /* streamed answers */
};

static struct inprocess *inprocess_of(struct kt_client *client)
{
	return kt_container_of(client, struct inprocess, client);
}

static void take_body(struct kt_call *call, struct kt_request *request)
{
	if (request->answer.n == 1) {
		call->ret_body = kt_buf_ref(request->answer.items[0]);
		return;
	}
	struct kt_buf *body = kt_buf_alloc(request->answer_len);
	size_t at = 0;
	for (size_t i = 0; i < request->answer.n; i++) {
		const struct kt_buf *segment = request->answer.items[i];
		memcpy(body->data + at, segment->data, segment->len);
		at += segment->len;
	}
	body->data[at] = '\0';
	call->ret_body = body;
}

/* The text of `299 - "text"`. */
static void add_warning(struct kt_str *out, const char *value)
{
	const char *p = strchr(value, '"');

	if (out->len)
		kt_str_putc(out, '\n');
	for (p = p ? p + 1 : ""; *p && *p != '"'; p++) {
		if (*p == '\\' && p[1])
			p++;
		kt_str_putc(out, *p);
	}
}

static void take_headers(struct kt_call *call, const struct kt_request *request)
{
	kt_auto_str warnings = KT_STR_INIT;

	for (size_t i = 0; i < request->answer_headers.n; i++) {
		const struct kt_header *header = &request->answer_headers.items[i];
		if (kt_streq(header->name, "content-type") && !call->ret_content_type) {
			call->ret_content_type = kt_strdup(header->value);
		} else if (kt_streq(header->name, "warning")) {
			add_warning(&warnings, header->value);
		}
	}
	if (warnings.len)
		call->ret_warnings = kt_str_steal(&warnings);
}

static void finish_call(struct flight *flight)
{
	struct kt_call *call = flight->call;

	kt_request_destroy(flight->request);
	free(flight);
	if (call) {
		call->impl = NULL;
		call->done(call);
	}
}

static void pull_some(struct kt_task *task)
{
	struct flight *flight = kt_container_of(task, struct flight, pull);
	struct kt_stream *stream = flight->request->stream;

	for (;;) {
		struct kt_buf *piece = NULL;
		int status = flight->call ? stream->pull(stream, &piece) : -ECANCELED;
		if (status == 0)
			return;
		if (status < 0) {
			finish_call(flight);
			return;
		}
		if (flight->call->on_data)
			flight->call->on_data(
			        flight->call, (struct kt_sv){piece->data, piece->len});
		kt_buf_unref(piece);
	}
}

static void on_answer(struct kt_request *request)
{
	struct flight *flight = request->arg;
	struct kt_call *call = flight->call;

	if (!call) {
		finish_call(flight);
		return;
	}
	call->status = request->status;
	take_headers(call, request);
	if (request->stream) {
		request->stream->loop = call->loop;
		request->stream->wake = &flight->pull;
		kt_loop_post(call->loop, &flight->pull);
		return;
	}
	if (request->ret_object)
		call->ret_object = kt_object_ref(request->ret_object);
	if (request->answer.n)
		take_body(call, request);
	if (request->status >= 300) {
		struct kt_sv body = {call->ret_body ? call->ret_body->data : "",
		        call->ret_body ? call->ret_body->len : 0};
		kt_err_of_status(&call->err, request->status, body);
	}
	finish_call(flight);
}

static struct kt_request *make_request(struct inprocess *inprocess, struct kt_loop *loop,
        const char *method, const char *path, const char *user_agent)
{
	struct kt_request *request = kt_request_create(inprocess->server, loop);

	request->method = kt_strdup(method);
	request->target = kt_strdup(path);
	request->user = kt_user_ref(inprocess->user);
	request->in_process = true;
	kt_request_add_header(
	        request, "user-agent", user_agent ? user_agent : inprocess->user_agent);
	return request;
}

static void start_call(struct kt_task *task)
{
	struct flight *flight = kt_container_of(task, struct flight, start);
	struct kt_call *call = flight->call;

	if (!call) {
		finish_call(flight);
		return;
	}
	flight->request = make_request(
	        flight->inprocess, call->loop, call->method, call->path, call->user_agent);
	if (call->content_type)
		kt_request_add_header(flight->request, "content-type", call->content_type);
	if (call->accept)
		kt_request_add_header(flight->request, "accept", call->accept);
	if (call->body)
		flight->request->body = kt_buf_ref(call->body);
	flight->request->arg = flight;
	flight->request->done = on_answer;
	kt_server_handle(flight->request);
}

static void client_call(struct kt_client *client, struct kt_call *call)
{
	struct flight *flight = kt_new(struct flight);

	flight->inprocess = inprocess_of(client);
	flight->call = call;
	kt_task_init(&flight->start, start_call);
	kt_task_init(&flight->pull, pull_some);
	call->impl = flight;
	kt_loop_post(call->loop, &flight->start);
}

static void client_cancel(struct kt_client *client, struct kt_call *call)
{
	struct flight *flight = call->impl;

	(void)client;
	if (!flight)
		return;
	flight->call = NULL;
	call->impl = NULL;
	if (flight->request)
		kt_request_abort(flight->request);
	/* A stream waits for its wake, which may never come: this one does. */
	if (flight->request && flight->request->stream)
		kt_loop_post(call->loop, &flight->pull);
}

/* A watch under way. */
struct watching {
	struct kt_task wake;
	struct kt_watch *watch;     /* NULL: stopped */
	struct kt_request *request; /* until its answer is looked at */
	struct kt_stream *stream;   /* then; many watches live long, and the request is larger */
	struct inprocess *inprocess;
	char *path;
	bool is_running; /* a callback of it is on the stack */
};

static void watching_free(struct watching *watching)
{
	kt_request_destroy(watching->request);
	if (watching->stream)
		watching->stream->close(watching->stream);
	free(watching->path);
	free(watching);
}

static void end_watch(struct watching *watching, struct kt_err *err)
{
	struct kt_watch *watch = watching->watch;

	watching_free(watching);
	if (watch) {
		watch->impl = NULL;
		watch->on_end(watch, err);
	}
}

/* Of a bookmark only the revision matters. */
static struct kt_object *bookmark_object(int64_t revision)
{
	struct kt_object *object = NULL;
	char json[80];

	snprintf(json, sizeof(json), "{\"metadata\":{\"resourceVersion\":\"%lld\"}}",
	        (long long)revision);
	kt_object_create(KT_SV(""), kt_sv_of(json), &object, NULL);
	return object;
}

static void deliver(struct watching *watching, struct kt_watch_item *item)
{
	struct kt_watch *watch = watching->watch;
	struct kt_object *object = item->object;

	if (item->type == KT_WATCH_BOOKMARK)
		object = bookmark_object(item->revision);
	if (object) {
		watching->is_running = true;
		watch->on_event(watch, item->type, object);
		watching->is_running = false;
	}
	kt_object_unref(object);
}

static void take_stream(struct watching *watching)
{
	watching->stream = kt_steal(&watching->request->stream);
	kt_request_destroy(kt_steal(&watching->request));
}

static void pump(struct watching *watching)
{
	struct kt_watch_feed *feed = kt_watch_stream_feed(watching->stream);
	struct kt_loop *loop = watching->watch->loop;

	for (int n = 0; n < EVENTS_PER_TURN; n++) {
		kt_auto_err err = KT_ERR_INIT;
		struct kt_watch_item item;
		int status = kt_watch_feed_next(feed, loop, &watching->wake, &item, &err);
		if (status == 0)
			return;
		if (status < 0) {
			end_watch(watching, &err);
			return;
		}
		deliver(watching, &item);
		if (!watching->watch) {
			watching_free(watching);
			return;
		}
	}
	kt_loop_post(loop, &watching->wake);
}

static void on_watch_answer(struct kt_request *request)
{
	struct watching *watching = request->arg;
	kt_auto_err err = KT_ERR_INIT;

	if (request->stream && kt_watch_stream_feed(request->stream)) {
		watching->request = request;
		return;
	}
	if (request->answer.n)
		kt_err_of_status(&err, request->status,
		        (struct kt_sv){
		                request->answer.items[0]->data, request->answer.items[0]->len});
	else
		kt_fail(&err, EIO, "the watch was answered with status %d", request->status);
	watching->request = request;
	end_watch(watching, &err);
}

static void on_wake(struct kt_task *task)
{
	struct watching *watching = kt_container_of(task, struct watching, wake);

	if (!watching->watch) {
		watching_free(watching);
		return;
	}
	if (!watching->stream) {
		struct kt_request *request = make_request(
		        watching->inprocess, watching->watch->loop, "GET", watching->path, NULL);
		request->arg = watching;
		request->done = on_watch_answer;
		struct kt_watch *watch = watching->watch;
		kt_server_handle(request);
		/* A refusal has ended it already. */
		if (watch->impl != watching)
			return;
		take_stream(watching);
	}
	pump(watching);
}

static void client_watch(struct kt_client *client, struct kt_watch *watch)
{
	struct watching *watching = kt_new(struct watching);
	bool query = strchr(watch->path, '?') != NULL;
	kt_auto_str path = KT_STR_INIT;

	kt_str_printf(
	        &path, "%s%cwatch=1&allowWatchBookmarks=true", watch->path, query ? '&' : '?');
	if (watch->from_revision > 0)
		kt_str_printf(&path, "&resourceVersion=%lld", (long long)watch->from_revision);
	watching->inprocess = inprocess_of(client);
	watching->watch = watch;
	watching->path = kt_str_steal(&path);
	kt_task_init(&watching->wake, on_wake);
	watch->impl = watching;
	kt_loop_post(watch->loop, &watching->wake);
}

static void client_watch_stop(struct kt_client *client, struct kt_watch *watch)
{
	struct watching *watching = watch->impl;

	(void)client;
	if (!watching)
		return;
	watch->impl = NULL;
	watching->watch = NULL;
	/* Its next wake frees it; inside a callback the loop around that does. */
	if (!watching->is_running)
		kt_loop_post(watch->loop, &watching->wake);
}

static void client_destroy(struct kt_client *client)
{
	struct inprocess *inprocess = inprocess_of(client);

	kt_user_unref(inprocess->user);
	free(inprocess->user_agent);
	free(inprocess);
}

static const struct kt_client_ops inprocess_ops = {
        .call = client_call,
        .cancel = client_cancel,
        .watch = client_watch,
        .watch_stop = client_watch_stop,
        .destroy = client_destroy,
};

struct kt_client *kt_inprocess_client_create(
        struct kt_server *server, struct kt_user *user, const char *user_agent)
{
	struct inprocess *inprocess = kt_new(struct inprocess);

	inprocess->client.ops = &inprocess_ops;
	inprocess->server = server;
	inprocess->user = kt_user_ref(user);
	inprocess->user_agent = kt_strdup(user_agent);
	return &inprocess->client;
}
