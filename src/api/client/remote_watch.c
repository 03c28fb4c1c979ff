/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A watch on a remote server. From revision 0 the server is asked to stream what exists
 * (sendInitialEvents); one that does not know how is listed in pages first and watched from the
 * list's revision.
 */
#include "api/client/remote_internal.h"
#include "api/status.h"
#include "base/log.h"

#include <errno.h>

enum step { STEP_INITIAL, STEP_LIST, STEP_WATCH };

struct remote_watch {
	struct kt_transfer transfer; /* under way, unless between two steps */
	struct kt_remote *remote;
	struct kt_watch *watch; /* NULL: stopped */
	enum step step;
	bool restart;    /* after release: the next step begins with a fresh transfer */
	bool whole_list; /* a continue token was too old: list without pages */
	struct kt_str line;
	struct kt_err err; /* of an ERROR event */
	char *continue_token;
	int64_t revision;
	KT_VEC(struct kt_object *) items;
};

static void start_step(struct remote_watch *w);

static void drop_items(struct remote_watch *w)
{
	for (size_t i = 0; i < w->items.n; i++)
		kt_object_unref(w->items.items[i]);
	w->items.n = 0;
}

static void on_release(struct kt_transfer *t)
{
	struct remote_watch *w = kt_container_of(t, struct remote_watch, transfer);

	if (w->watch && w->restart) {
		w->restart = false;
		start_step(w);
		return;
	}
	drop_items(w);
	kt_vec_finish(&w->items);
	kt_str_finish(&w->line);
	kt_err_clear(&w->err);
	free(w->continue_token);
	free(w);
}

static bool parse_type(struct kt_json_at event, enum kt_watch_type *ret_type)
{
	static const struct {
		const char *name;
		enum kt_watch_type type;
	} types[] = {
	        {"ADDED", KT_WATCH_ADDED},
	        {"MODIFIED", KT_WATCH_MODIFIED},
	        {"DELETED", KT_WATCH_DELETED},
	        {"BOOKMARK", KT_WATCH_BOOKMARK},
	};
	struct kt_json_at type = kt_json_member(event, "type");

	for (size_t i = 0; i < KT_ARRAY_SIZE(types); i++) {
		if (kt_json_string_is(type, types[i].name)) {
			*ret_type = types[i].type;
			return true;
		}
	}
	return false;
}

/* One line of the stream. An ERROR event and a line that makes no sense end the watch; why stays in
 * w->err. */
static int take_line(struct remote_watch *w, struct kt_sv line)
{
	kt_auto_object struct kt_object *object = NULL;
	struct kt_json_at event, at;
	enum kt_watch_type type;
	int64_t code = 500;

	line = kt_sv_trim(line);
	if (line.len == 0)
		return 0;
	/* No tree: an event costs a scan. Malformed bytes have no type, or make no object. */
	event = kt_json_doc(line.p, line.len);
	at = kt_json_member(event, "object");
	if (kt_json_string_is(kt_json_member(event, "type"), "ERROR")) {
		kt_json_int64(kt_json_member(at, "code"), &code);
		return kt_err_of_status(&w->err, (int)code, (struct kt_sv){at.p, at.len});
	}
	if (!parse_type(event, &type) || !at.p)
		return kt_fail(&w->err, EPROTO,
		        "unable to decode an event from the watch stream: it has no known type");
	if (kt_object_create(KT_SV(""), (struct kt_sv){at.p, at.len}, &object, &w->err) < 0)
		return kt_wrap(&w->err, "unable to decode an event from the watch stream");
	w->watch->on_event(w->watch, type, object);
	return 0;
}

static void on_piece(struct kt_transfer *t, struct kt_sv piece)
{
	struct remote_watch *w = kt_container_of(t, struct remote_watch, transfer);
	struct kt_sv rest = piece;

	while (rest.len) {
		const char *end = memchr(rest.p, '\n', rest.len);
		size_t len = end ? (size_t)(end - rest.p) + 1 : rest.len;
		int r;

		if (w->line.len + len > KT_REMOTE_LINE_BYTES_MAX) {
			t->too_large = true;
			return;
		}
		/* A line that is whole in this piece is read in place. */
		if (!end || w->line.len)
			kt_str_add(&w->line, rest.p, len);
		if (!end)
			return;
		r = take_line(w, w->line.len ? (struct kt_sv){w->line.data, w->line.len}
		                             : (struct kt_sv){rest.p, len});
		kt_str_clear(&w->line);
		rest.p += len;
		rest.len -= len;
		if (!w->watch)
			return; /* stopped by the callback */
		if (r < 0) {
			t->too_large = true; /* curl stops reading; w->err says why */
			return;
		}
	}
}

static void end_watch(struct remote_watch *w, struct kt_err *err)
{
	struct kt_watch *watch = w->watch;

	w->watch = NULL;
	watch->impl = NULL;
	watch->on_end(watch, err);
}

/* "PodList" -> "Pod": items of a list do not repeat what they are. */
static struct kt_object *item_object(
        struct kt_json_at item, const char *api_version, const char *kind, struct kt_err *err)
{
	kt_auto_str text = KT_STR_INIT;
	struct kt_object *object = NULL;

	if (item.len < 2 || item.p[0] != '{') {
		kt_fail(err, EPROTO, "an item of the list is no object");
		return NULL;
	}
	if (!kt_json_member(item, "kind").p && kind && *kind) {
		kt_str_printf(&text, "{\"kind\":\"%.*s\",\"apiVersion\":\"%s\",",
		        (int)(strlen(kind) - (kt_ends_with(kind, "List") ? 4 : 0)), kind,
		        api_version ? api_version : "");
		kt_str_add(&text, item.p + 1, item.len - 1);
	} else {
		kt_str_add(&text, item.p, item.len);
	}
	if (kt_object_create(KT_SV(""), (struct kt_sv){text.data, text.len}, &object, err) < 0)
		return NULL;
	return object;
}

static int take_items(struct remote_watch *w, struct kt_json_at list, struct kt_err *err)
{
	kt_auto_free char *api_version = kt_json_string_dup(kt_json_member(list, "apiVersion"));
	kt_auto_free char *kind = kt_json_string_dup(kt_json_member(list, "kind"));
	struct kt_json_at items = kt_json_member(list, "items"), item;
	struct kt_json_iter it = {0};

	while (items.p && kt_json_next_element(items, &it, &item)) {
		struct kt_object *object = item_object(item, api_version, kind, err);

		if (!object)
			return err->code;
		kt_vec_push(&w->items, object);
	}
	return 0;
}

static int take_page(struct remote_watch *w, struct kt_err *err)
{
	struct kt_json_at list = kt_json_doc(kt_str_text(&w->transfer.body), w->transfer.body.len);
	kt_auto_free char *token =
	        kt_json_string_dup(kt_json_find(list, "metadata", "continue", NULL));
	kt_auto_free char *revision =
	        kt_json_string_dup(kt_json_find(list, "metadata", "resourceVersion", NULL));
	int r = take_items(w, list, err);

	if (r < 0)
		return r;
	if (!revision || kt_sv_int64(kt_sv_of(revision), &w->revision) < 0)
		return kt_fail(err, EPROTO, "the list has no resourceVersion");
	free(kt_steal(&w->continue_token));
	if (token && *token)
		w->continue_token = kt_steal(&token);
	return 0;
}

/* The list is complete: its items as ADDED events, then the bookmark that says so. False: stopped
 * meanwhile. */
static bool emit_items(struct remote_watch *w)
{
	kt_auto_free char *json =
	        kt_asprintf("{\"metadata\":{\"resourceVersion\":\"%lld\",\"annotations\":{\"k8s.io/"
	                    "initial-events-end\":\"true\"}}}",
	                (long long)w->revision);
	kt_auto_object struct kt_object *bookmark = NULL;

	for (size_t i = 0; i < w->items.n && w->watch; i++)
		w->watch->on_event(w->watch, KT_WATCH_ADDED, w->items.items[i]);
	drop_items(w);
	if (w->watch && kt_object_create(KT_SV(""), kt_sv_of(json), &bookmark, NULL) == 0)
		w->watch->on_event(w->watch, KT_WATCH_BOOKMARK, bookmark);
	return w->watch != NULL;
}

static void end_list(struct remote_watch *w, struct kt_err *err)
{
	if (err->code == -ESTALE && w->continue_token) {
		drop_items(w);
		free(kt_steal(&w->continue_token));
		w->whole_list = true;
		w->restart = true;
		return;
	}
	if (!err->code)
		take_page(w, err);
	if (err->code) {
		end_watch(w, err);
		return;
	}
	if (!w->continue_token) {
		if (!emit_items(w))
			return;
		w->step = STEP_WATCH;
	}
	w->restart = true;
}

/* Answers of servers that cannot stream what exists: an unknown or switched-off option, or an etcd
 * that reports no progress. */
static bool cannot_send_initial(const struct kt_transfer *t)
{
	return t->status == 400 || t->status == 422 || t->status == 504;
}

static void on_end(struct kt_transfer *t, struct kt_err *err)
{
	struct remote_watch *w = kt_container_of(t, struct remote_watch, transfer);

	if (!w->watch)
		return;
	if (w->step == STEP_LIST) {
		end_list(w, err);
	} else if (w->step == STEP_INITIAL && cannot_send_initial(t)) {
		atomic_store(&w->remote->no_watch_list, true);
		w->step = STEP_LIST;
		w->restart = true;
	} else if (w->err.code) {
		end_watch(w, &w->err);
	} else {
		end_watch(w, err);
	}
}

static void add_query(const struct remote_watch *w, struct kt_str *path)
{
	kt_str_puts(path, w->watch->path);
	kt_str_putc(path, strchr(w->watch->path, '?') ? '&' : '?');
	if (w->step == STEP_INITIAL)
		kt_str_puts(path, "watch=1&allowWatchBookmarks=true&sendInitialEvents=true&"
		                  "resourceVersionMatch=NotOlderThan&resourceVersion=");
	else if (w->step == STEP_WATCH)
		kt_str_printf(path, "watch=1&allowWatchBookmarks=true&resourceVersion=%lld",
		        (long long)w->revision);
	else if (!w->whole_list)
		kt_str_printf(path, "limit=%d", KT_REMOTE_LIST_LIMIT);
	if (w->step == STEP_LIST && w->continue_token) {
		kt_auto_free char *escaped = kt_curl.easy_escape(NULL, w->continue_token, 0);

		kt_str_printf(path, "&continue=%s", escaped);
	}
}

static void start_step(struct remote_watch *w)
{
	kt_auto_str path = KT_STR_INIT;
	struct kt_transfer_request request = {.method = "GET"};

	add_query(w, &path);
	request.path = kt_str_text(&path);
	/* A watch lasts as long as the server likes; a page has to come. */
	request.timeout_ms = w->step == STEP_LIST ? w->remote->timeout_ms : 0;
	w->transfer = (struct kt_transfer){
	        .streams = w->step != STEP_LIST,
	        .on_piece = on_piece,
	        .on_end = on_end,
	        .release = on_release,
	};
	kt_transfer_start(&w->transfer, w->remote, w->watch->loop, &request);
}

void kt_remote_watch(struct kt_client *client, struct kt_watch *watch)
{
	struct kt_remote *remote = kt_container_of(client, struct kt_remote, base);
	struct remote_watch *w = kt_new(struct remote_watch);

	w->remote = remote;
	w->watch = watch;
	w->revision = watch->from_revision;
	if (watch->from_revision)
		w->step = STEP_WATCH;
	else
		w->step = atomic_load(&remote->no_watch_list) ? STEP_LIST : STEP_INITIAL;
	watch->impl = w;
	start_step(w);
}

void kt_remote_watch_stop(struct kt_client *client, struct kt_watch *watch)
{
	struct remote_watch *w = watch->impl;

	(void)client;
	if (!w)
		return;
	watch->impl = NULL;
	w->watch = NULL;
	kt_transfer_cancel(&w->transfer);
}
