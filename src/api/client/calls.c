/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/client/calls.h"

#include "base/mem.h"

struct owned_call {
	struct kt_call call;
	struct kt_calls *calls;
	struct owned_call *next, *prev;
	char *path;
	kt_call_done_fn *done;
	void *arg;
	void (*drop)(void *arg);
};

struct kt_calls {
	struct kt_client *client;
	struct kt_loop *loop;
	char *user_agent;
	struct owned_call *first;
	size_t n;
};

struct kt_calls *kt_calls_create(
        struct kt_client *client, struct kt_loop *loop, const char *user_agent)
{
	struct kt_calls *calls = kt_new(struct kt_calls);

	calls->client = client;
	calls->loop = loop;
	calls->user_agent = kt_strdup(user_agent);
	return calls;
}

static void unlink_call(struct owned_call *owned)
{
	struct kt_calls *calls = owned->calls;

	if (owned->prev)
		owned->prev->next = owned->next;
	else
		calls->first = owned->next;
	if (owned->next)
		owned->next->prev = owned->prev;
	calls->n--;
}

static void free_call(struct owned_call *owned)
{
	kt_call_finish(&owned->call);
	kt_buf_unref(owned->call.body);
	free(owned->path);
	free(owned);
}

void kt_calls_destroy(struct kt_calls *calls)
{
	struct owned_call *owned;

	if (!calls)
		return;
	while ((owned = calls->first)) {
		kt_client_cancel(calls->client, &owned->call);
		unlink_call(owned);
		if (owned->drop)
			owned->drop(owned->arg);
		free_call(owned);
	}
	free(calls->user_agent);
	free(calls);
}

size_t kt_calls_under_way(const struct kt_calls *calls)
{
	return calls->n;
}

static void call_done(struct kt_call *call)
{
	struct owned_call *owned = kt_container_of(call, struct owned_call, call);

	unlink_call(owned);
	if (owned->done)
		owned->done(owned->arg, call);
	free_call(owned);
}

static void send_owned(
        struct kt_calls *calls, const struct kt_call_spec *spec, struct kt_str *body, char *path)
{
	struct owned_call *owned = kt_new(struct owned_call);

	owned->calls = calls;
	owned->path = path;
	owned->done = spec->done;
	owned->arg = spec->arg;
	owned->drop = spec->drop;
	owned->call.method = spec->method;
	owned->call.path = path;
	owned->call.content_type = spec->content_type;
	owned->call.user_agent = calls->user_agent;
	owned->call.loop = calls->loop;
	owned->call.done = call_done;
	if (body)
		owned->call.body = kt_buf_from_str(body);
	owned->next = calls->first;
	if (calls->first)
		calls->first->prev = owned;
	calls->first = owned;
	calls->n++;
	kt_client_call(calls->client, &owned->call);
}

void kt_calls_send(struct kt_calls *calls, const struct kt_call_spec *spec, const char *path, ...)
{
	va_list ap;

	va_start(ap, path);
	send_owned(calls, spec, spec->body, kt_vasprintf(path, ap));
	va_end(ap);
}

void kt_calls_send_json(struct kt_calls *calls, const struct kt_call_spec *spec, const json_t *body,
        const char *path, ...)
{
	kt_auto_str text = KT_STR_INIT;
	va_list ap;

	kt_json_write(&text, body, 0);
	va_start(ap, path);
	send_owned(calls, spec, &text, kt_vasprintf(path, ap));
	va_end(ap);
}

struct kt_json_at kt_call_answer(const struct kt_call *call)
{
	if (call->ret_object)
		return kt_object_doc(call->ret_object);
	if (call->ret_body)
		return kt_json_doc(call->ret_body->data, call->ret_body->len);
	return (struct kt_json_at){0};
}

int64_t kt_call_revision(const struct kt_call *call)
{
	struct kt_sv text;
	int64_t revision;

	if (call->ret_object)
		return call->ret_object->revision;
	if (!kt_json_string_sv(
	            kt_json_find(kt_call_answer(call), "metadata", "resourceVersion", NULL), &text))
		return 0;
	return kt_sv_int64(text, &revision) < 0 ? 0 : revision;
}
