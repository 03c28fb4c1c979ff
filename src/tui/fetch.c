/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/fetch.h"

struct kt_pending {
	struct kt_ui *ui;
	struct kt_client *client;
	struct kt_call call;
	char *method, *path, *content_type;
	kt_fetched_fn *done;
	void *arg;
	void (*free_arg)(void *arg);
};

static void forget(struct kt_pending *pending)
{
	struct kt_ui *ui = pending->ui;

	for (size_t i = 0; i < ui->pending.n; i++) {
		if (ui->pending.items[i] == pending) {
			kt_vec_remove(&ui->pending, i);
			break;
		}
	}
	kt_buf_unref(pending->call.body);
	kt_call_finish(&pending->call);
	if (pending->free_arg)
		pending->free_arg(pending->arg);
	free(pending->method);
	free(pending->path);
	free(pending->content_type);
	free(pending);
}

static void on_done(struct kt_call *call)
{
	struct kt_pending *pending = kt_container_of(call, struct kt_pending, call);
	struct kt_err *err = &call->err;
	kt_auto_json json_t *tree = NULL;

	if (!err->code)
		tree = kt_json_parse(kt_call_body(call), NULL, err);
	pending->done(pending->ui, pending->arg, tree, err);
	kt_ui_dirty(pending->ui);
	forget(pending);
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
	        .free_arg = request->free_arg};
	if (request->content_type)
		pending->content_type = kt_strdup(request->content_type);
	kt_vec_push(&ui->pending, pending);
	if (!ui->client) {
		kt_ui_flash(ui, KT_FLASH_WARN, "there is no cluster yet");
		forget(pending);
		return NULL;
	}
	pending->call = (struct kt_call){.method = pending->method,
	        .path = pending->path,
	        .content_type = pending->content_type,
	        .loop = ui->loop,
	        .done = on_done};
	if (request->body) {
		kt_auto_str text = KT_STR_INIT;

		kt_json_write(&text, request->body, 0);
		pending->call.body = kt_buf_from_str(&text);
	}
	kt_client_call(ui->client, &pending->call);
	return pending;
}

void kt_fetch(struct kt_ui *ui, const char *path, kt_fetched_fn *done, void *arg,
        void (*free_arg)(void *arg))
{
	kt_request(ui, &(struct kt_request){.method = "GET",
	                       .path = path,
	                       .done = done,
	                       .arg = arg,
	                       .free_arg = free_arg});
}

void kt_pending_cancel(struct kt_pending *pending)
{
	if (!pending)
		return;
	kt_client_cancel(pending->client, &pending->call);
	forget(pending);
}

void kt_pending_cancel_all(struct kt_ui *ui)
{
	while (ui->pending.n)
		kt_pending_cancel(ui->pending.items[ui->pending.n - 1]);
}
