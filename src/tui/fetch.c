/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/fetch.h"

#include <errno.h>

enum { TRIES = 4, RETRY_FIRST_MS = 500, PATIENCE_MS = 300, ANSWER_MS = 5000 };

struct kt_pending {
	struct kt_ui *ui;
	struct kt_client *client;
	struct kt_call call;
	char *method, *path, *content_type;
	kt_fetched_fn *done;
	void *arg;
	void (*free_arg)(void *arg);
	bool opens, silent, under_way;
	uint64_t moves; /* of the UI when it began */
	int64_t began_ns;
	int tries;
	struct kt_timer timer;
};

static void send(struct kt_pending *pending);

static void forget(struct kt_pending *pending)
{
	struct kt_ui *ui = pending->ui;

	for (size_t i = 0; i < ui->pending.n; i++) {
		if (ui->pending.items[i] == pending) {
			kt_vec_remove(&ui->pending, i);
			break;
		}
	}
	kt_timer_cancel(&pending->timer);
	kt_buf_unref(pending->call.body);
	kt_call_finish(&pending->call);
	if (pending->free_arg)
		pending->free_arg(pending->arg);
	free(pending->method);
	free(pending->path);
	free(pending->content_type);
	free(pending);
}

/* Somewhere else than when the key was pressed: what it asked for would come as a surprise. */
static bool went_elsewhere(const struct kt_pending *pending)
{
	const struct kt_ui *ui = pending->ui;

	return pending->moves != ui->moves || ui->dialog;
}

static bool may_pass(const struct kt_call *call)
{
	return call->err.code && (!call->status || call->status == 429 || call->status == 503) &&
	       call->err.code != -EPROTO; /* a certificate stays as bad as it is */
}

static bool try_again(struct kt_pending *pending)
{
	if (strcmp(pending->method, "GET") != 0 || !may_pass(&pending->call) ||
	        ++pending->tries == TRIES)
		return false;
	if (!pending->silent)
		kt_ui_flash(pending->ui, KT_FLASH_WARN, "trying again: %s",
		        kt_err_message(&pending->call.err));
	kt_timer_set_after_ms(&pending->timer, RETRY_FIRST_MS << (pending->tries - 1));
	return true;
}

static void on_done(struct kt_call *call)
{
	struct kt_pending *pending = kt_container_of(call, struct kt_pending, call);
	struct kt_ui *ui = pending->ui;
	struct kt_err *err = &call->err;
	kt_auto_json json_t *tree = NULL;

	pending->under_way = false;
	kt_ui_dirty(ui);
	if (pending->opens && went_elsewhere(pending)) {
		forget(pending);
		return;
	}
	if (try_again(pending))
		return;
	if (!err->code)
		tree = kt_json_parse(kt_call_body(call), NULL, err);
	if (tree && pending->tries)
		kt_ui_flash_clear(ui); /* it came after all */
	pending->done(ui, pending->arg, tree, err);
	forget(pending);
}

static void send(struct kt_pending *pending)
{
	struct kt_buf *body = pending->call.body;

	pending->call.body = NULL;
	kt_call_finish(&pending->call);
	pending->call = (struct kt_call){.method = pending->method,
	        .path = pending->path,
	        .content_type = pending->content_type,
	        .body = body,
	        .timeout_ms = pending->opens ? ANSWER_MS : 0,
	        .loop = pending->ui->loop,
	        .done = on_done};
	pending->under_way = true;
	kt_client_call(pending->client, &pending->call);
}

/* Time to try again, or to tell that somebody waits. */
static void on_time(struct kt_timer *timer)
{
	struct kt_pending *pending = kt_container_of(timer, struct kt_pending, timer);

	if (pending->under_way)
		kt_ui_dirty(pending->ui);
	else
		send(pending);
}

struct kt_pending *kt_request(struct kt_ui *ui, const struct kt_request *request)
{
	struct kt_pending *pending = kt_new(struct kt_pending);

	*pending = (struct kt_pending){.ui = ui,
	        .client = ui->client,
	        .method = kt_strdup(request->method),
	        .path = kt_strdup(request->path),
	        .done = request->done,
	        .arg = request->arg,
	        .free_arg = request->free_arg,
	        .opens = request->opens,
	        .silent = request->silent,
	        .moves = ui->moves,
	        .began_ns = kt_ui_now(ui)};
	if (request->content_type)
		pending->content_type = kt_strdup(request->content_type);
	kt_timer_init(&pending->timer, ui->loop, on_time);
	kt_vec_push(&ui->pending, pending);
	if (!ui->client) {
		kt_ui_flash(ui, KT_FLASH_WARN, "there is no cluster yet");
		forget(pending);
		return NULL;
	}
	if (request->body) {
		kt_auto_str text = KT_STR_INIT;

		kt_json_write(&text, request->body, 0);
		pending->call.body = kt_buf_from_str(&text);
	}
	send(pending);
	kt_timer_set_after_ms(&pending->timer, PATIENCE_MS);
	return pending;
}

void kt_fetch(struct kt_ui *ui, const char *path, kt_fetched_fn *done, void *arg,
        void (*free_arg)(void *arg))
{
	kt_request(ui, &(struct kt_request){.method = "GET",
	                       .path = path,
	                       .done = done,
	                       .arg = arg,
	                       .free_arg = free_arg,
	                       .opens = true});
}

void kt_pending_cancel(struct kt_pending *pending)
{
	if (!pending)
		return;
	if (pending->under_way)
		kt_client_cancel(pending->client, &pending->call);
	forget(pending);
}

void kt_pending_cancel_all(struct kt_ui *ui)
{
	while (ui->pending.n)
		kt_pending_cancel(ui->pending.items[ui->pending.n - 1]);
}

/* Whether somebody sits and waits for it. */
static bool is_awaited(const struct kt_pending *pending)
{
	return !pending->silent && !(pending->opens && went_elsewhere(pending)) &&
	       kt_ui_now(pending->ui) - pending->began_ns >= PATIENCE_MS * KT_NS_PER_MS;
}

bool kt_pending_forget(struct kt_ui *ui)
{
	bool found = false;

	for (size_t i = ui->pending.n; i > 0; i--) {
		struct kt_pending *pending = ui->pending.items[i - 1];

		if (!pending->opens || !is_awaited(pending))
			continue;
		kt_pending_cancel(pending);
		found = true;
	}
	return found;
}

const char *kt_pending_path(const struct kt_ui *ui)
{
	for (size_t i = 0; i < ui->pending.n; i++)
		if (is_awaited(ui->pending.items[i]))
			return ui->pending.items[i]->path;
	return NULL;
}
