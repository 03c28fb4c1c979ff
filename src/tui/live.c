/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/live.h"

#include "tui/health.h"

#include "base/json.h"
#include "base/time.h"

#include <errno.h>

#define ACCEPT_TABLE "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"

enum {
	FIRST_PAGE = 500,
	PAGE = 2000,
	RETRY_FIRST_MS = 500,
	RETRY_MAX_MS = 15000,
	CELLS_MAX = 64,
	SLICE_ROWS = 250
};

static void begin_list(struct kt_live *live);
static void begin_watch(struct kt_live *live);

/* Rows */

static char *text_of(struct kt_json_at object, const char *key)
{
	char *text = kt_json_string_dup(kt_json_member(object, key));

	return text ? text : kt_strdup("");
}

static char *controller_of(struct kt_json_at metadata)
{
	struct kt_json_at owners = kt_json_member(metadata, "ownerReferences"), owner;
	struct kt_json_iter it = {0};

	while (owners.p && kt_json_next_element(owners, &it, &owner))
		if (kt_json_bool(kt_json_member(owner, "controller"), false))
			return kt_strndup(owner.p, owner.len);
	return NULL;
}

static struct kt_row *read_row(struct kt_live *live, struct kt_json_at at)
{
	struct kt_json_at metadata = kt_json_find(at, "object", "metadata", NULL);
	struct kt_sv texts[CELLS_MAX];
	char *heap[CELLS_MAX];
	size_t n = kt_columns_read(
	        live->columns, at, kt_loop_wall_ns(live->ui->loop), texts, heap, CELLS_MAX);
	kt_auto_free char *uid = text_of(metadata, "uid"),
	                  *namespace = text_of(metadata, "namespace"),
	                  *name = text_of(metadata, "name");
	kt_auto_free char *created = text_of(metadata, "creationTimestamp"),
	                  *owner = controller_of(metadata);

	if (!*uid) { /* nodes' metrics and the like have none */
		free(uid);
		uid = kt_asprintf("%s/%s", namespace, name);
	}
	struct kt_row *row = kt_row_create(uid, namespace, name, texts, n, owner);

	for (size_t i = 0; i < n; i++)
		free(heap[i]);
	if (kt_time_parse(kt_sv_of(created), &row->created_ns) < 0)
		row->created_ns = 0;
	row->read_ns = kt_loop_wall_ns(live->ui->loop);
	row->state = kt_health_of(
	        live->table, row, kt_json_member(metadata, "deletionTimestamp").p != NULL);
	return row;
}

static void note_revision(struct kt_live *live, struct kt_json_at metadata)
{
	struct kt_sv text;
	int64_t revision;

	if (!kt_json_string_sv(kt_json_member(metadata, "resourceVersion"), &text) ||
	        kt_sv_int64(text, &revision) < 0)
		return;
	live->revision = revision;
	live->ui->facts.revision = KT_MAX(live->ui->facts.revision, revision);
}

static void put_row(struct kt_live *live, struct kt_json_at at, int64_t now_ns)
{
	struct kt_row *row = read_row(live, at);

	if (live->keep && !live->keep(live->keep_arg, row, kt_json_member(at, "object"))) {
		kt_table_remove(live->table, row->uid);
		free(row);
		return;
	}
	if (live->seen)
		live->seen(live->seen_arg, row, kt_json_member(at, "object"));
	kt_table_put(live->table, row, now_ns);
}

/* Calls */

static void set_problem(struct kt_live *live, const char *text)
{
	free(live->problem);
	live->problem = text ? kt_strdup(text) : NULL;
	kt_ui_dirty(live->ui);
}

static void end_call(struct kt_live *live)
{
	live->under_way = live->watching = false;
	kt_call_finish(&live->call);
	kt_str_clear(&live->line);
}

static void begin_call(struct kt_live *live, char *query, void (*done)(struct kt_call *),
        void (*on_data)(struct kt_call *, struct kt_sv))
{
	free(live->query);
	live->query = query;
	live->client = live->ui->client;
	live->under_way = true;
	live->call = (struct kt_call){.method = "GET",
	        .path = query,
	        .accept = ACCEPT_TABLE,
	        .loop = live->ui->loop,
	        .done = done,
	        .on_data = on_data};
	kt_client_call(live->client, &live->call);
}

static void try_later(struct kt_live *live, const struct kt_err *err)
{
	set_problem(live, kt_err_message(err));
	kt_timer_set_after_ms(&live->retry, live->retry_ms);
	live->retry_ms = KT_MIN(live->retry_ms * 2, RETRY_MAX_MS);
}

static void on_retry(struct kt_timer *timer)
{
	begin_list(kt_container_of(timer, struct kt_live, retry));
}

static void begin_page(struct kt_live *live, struct kt_buf *body)
{
	struct kt_json_at page = kt_json_doc(body->data, body->len),
	                  metadata = kt_json_member(page, "metadata");

	live->page = kt_buf_ref(body);
	live->page_rows = kt_json_member(page, "rows");
	live->page_it = (struct kt_json_iter){0};
	if (!live->table->columns.n)
		kt_columns_lay_out(
		        live->columns, live->table, kt_json_member(page, "columnDefinitions"));
	note_revision(live, metadata);
	free(live->next);
	live->next = kt_json_string_dup(kt_json_member(metadata, "continue"));
	if (live->next && !*live->next) {
		free(live->next);
		live->next = NULL;
	}
}

static void end_page(struct kt_live *live)
{
	kt_timer_cancel(&live->slice);
	kt_buf_unref(live->page);
	live->page = NULL;
}

static void take_slice(struct kt_live *live)
{
	struct kt_json_at row;
	int n = 0;

	while (n < SLICE_ROWS && live->page_rows.p &&
	        kt_json_next_element(live->page_rows, &live->page_it, &row)) {
		put_row(live, row, 0);
		n++;
	}
	kt_ui_dirty(live->ui);
	if (n == SLICE_ROWS) {
		kt_timer_set_after_ms(&live->slice, 0);
		return;
	}
	end_page(live);
	if (live->next) {
		begin_list(live);
		return;
	}
	kt_table_round_end(live->table);
	live->complete = true;
	if (live->listed)
		live->listed(live->listed_arg);
	begin_watch(live);
}

static void on_slice(struct kt_timer *timer)
{
	take_slice(kt_container_of(timer, struct kt_live, slice));
}

static void on_page(struct kt_call *call)
{
	struct kt_live *live = kt_container_of(call, struct kt_live, call);
	kt_auto_err err = KT_ERR_INIT;
	kt_auto_buf struct kt_buf *body = kt_buf_ref(call->ret_body);

	kt_err_move(&err, &call->err);
	end_call(live);
	if (err.code || !body) {
		free(live->next);
		live->next = NULL;
		try_later(live, &err);
		return;
	}
	live->retry_ms = RETRY_FIRST_MS;
	set_problem(live, NULL);
	begin_page(live, body);
	take_slice(live);
}

static void begin_list(struct kt_live *live)
{
	kt_auto_str query = KT_STR_INIT;

	if (!live->ui->client)
		return;
	kt_str_printf(&query, "%s?limit=%d&includeObject=%s", live->path,
	        live->next ? PAGE : FIRST_PAGE, live->whole ? "Object" : "Metadata");
	if (*live->selectors)
		kt_str_printf(&query, "&%s", live->selectors);
	if (live->next) {
		kt_str_puts(&query, "&continue=");
		kt_url_escape(&query, live->next);
	} else {
		kt_table_round_begin(live->table);
	}
	begin_call(live, kt_str_steal(&query), on_page, NULL);
}

static void take_event(struct kt_live *live, struct kt_json_at event)
{
	struct kt_json_at type = kt_json_member(event, "type"),
	                  object = kt_json_member(event, "object");
	struct kt_json_at rows = kt_json_member(object, "rows"), row = {0};
	struct kt_json_iter it = {0};

	if (kt_json_string_is(type, "ERROR")) {
		live->revision = 0; /* list again */
		return;
	}
	note_revision(live, kt_json_member(object, "metadata"));
	if (!rows.p || !kt_json_next_element(rows, &it, &row))
		return;
	note_revision(live, kt_json_find(row, "object", "metadata", NULL));
	if (kt_json_string_is(type, "BOOKMARK"))
		return;
	if (kt_json_string_is(type, "DELETED")) {
		kt_auto_free char *uid =
		        text_of(kt_json_find(row, "object", "metadata", NULL), "uid");

		kt_table_remove(live->table, uid);
		if (live->removed)
			live->removed(live->removed_arg);
		return;
	}
	put_row(live, row, kt_ui_now(live->ui));
}

static void on_watch_data(struct kt_call *call, struct kt_sv piece)
{
	struct kt_live *live = kt_container_of(call, struct kt_live, call);
	size_t used = 0;
	char *end;

	live->heard = true;
	kt_str_add(&live->line, piece.p, piece.len);
	while (used < live->line.len &&
	        (end = memchr(live->line.data + used, '\n', live->line.len - used))) {
		take_event(live, kt_json_doc(live->line.data + used,
		                         (size_t)(end - live->line.data) - used));
		used = (size_t)(end - live->line.data) + 1;
	}
	if (used) {
		memmove(live->line.data, live->line.data + used, live->line.len - used);
		kt_str_truncate(&live->line, live->line.len - used);
	}
	kt_ui_dirty(live->ui);
}

static void on_watch_end(struct kt_call *call)
{
	struct kt_live *live = kt_container_of(call, struct kt_live, call);
	kt_auto_err err = KT_ERR_INIT;
	bool too_old = call->status == 410 || !live->revision;

	kt_err_move(&err, &call->err);
	end_call(live);
	if (too_old)
		begin_list(live);
	else if (err.code)
		try_later(live, &err);
	else if (live->heard)
		begin_watch(live);
	else /* a server that ends at once is not asked at once */
		kt_timer_set_after_ms(&live->retry, live->retry_ms);
}

static void begin_watch(struct kt_live *live)
{
	char *query = kt_asprintf("%s?watch=true&allowWatchBookmarks=true&resourceVersion=%lld&"
	                          "includeObject=%s%s%s",
	        live->path, (long long)live->revision, live->whole ? "Object" : "Metadata",
	        *live->selectors ? "&" : "", live->selectors);

	live->watching = true;
	live->heard = false;
	begin_call(live, query, on_watch_end, on_watch_data);
}

void kt_live_init(struct kt_live *live, struct kt_ui *ui, struct kt_table *table)
{
	*live = (struct kt_live){.ui = ui, .table = table, .retry_ms = RETRY_FIRST_MS};
	kt_timer_init(&live->retry, ui->loop, on_retry);
	kt_timer_init(&live->slice, ui->loop, on_slice);
	live->columns = kt_columns_create(NULL, NULL, NULL);
}

void kt_live_use_columns(struct kt_live *live, struct kt_columns *columns)
{
	kt_columns_destroy(live->columns);
	live->columns = columns;
	live->whole = live->whole || kt_columns_need_objects(columns);
}

void kt_live_start(struct kt_live *live, const char *path, const char *selectors)
{
	char *new_path = kt_strdup(path), *new_selectors = kt_strdup(selectors);

	kt_live_stop(live);
	free(live->path);
	free(live->selectors);
	live->path = new_path;
	live->selectors = new_selectors;
	live->complete = false;
	begin_list(live);
}

void kt_live_stop(struct kt_live *live)
{
	kt_timer_cancel(&live->retry);
	end_page(live);
	if (live->under_way) {
		kt_client_cancel(live->client, &live->call);
		end_call(live);
	}
	free(live->next);
	live->next = NULL;
	live->retry_ms = RETRY_FIRST_MS;
	set_problem(live, NULL);
}

void kt_live_finish(struct kt_live *live)
{
	kt_live_stop(live);
	kt_str_finish(&live->line);
	kt_columns_destroy(live->columns);
	live->columns = NULL;
	free(live->path);
	free(live->selectors);
	free(live->query);
	live->path = live->selectors = live->query = NULL;
}
