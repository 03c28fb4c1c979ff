/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A collection of objects kept in a table as the server shows them: listed in pages, then watched,
 * listed again when the watch is too old, tried again when the server is away. The server's own
 * columns, or those of columns.h; only metadata comes with a row. UI thread.
 */
#ifndef KT_TUI_LIVE_H
#define KT_TUI_LIVE_H

#include "tui/columns.h"
#include "tui/ui.h"

#include "base/json.h"

struct kt_live {
	struct kt_ui *ui;
	struct kt_client *client; /* of the call under way */
	struct kt_table *table;
	char *path;      /* collection without query */
	char *selectors; /* "labelSelector=…&fieldSelector=…", may be "" */
	char *query;     /* path and query of the call */
	char *next;      /* continue token */
	struct kt_call call;
	struct kt_str line;
	struct kt_timer retry;
	struct kt_buf *page; /* a page of the list, whose rows are taken a few at a time so */
	struct kt_json_at page_rows; /* that keys get their turn; NULL: none */
	struct kt_json_iter page_it;
	struct kt_timer slice;
	int64_t revision;
	int64_t retry_ms;
	bool under_way, watching, complete, heard; /* heard: the watch brought something */
	char *problem;                             /* why there is nothing (more); NULL */
	/* NULL: every row. object is what comes with it: whole, or its metadata. */
	bool (*keep)(void *arg, const struct kt_row *row, struct kt_json_at object);
	void *keep_arg;
	struct kt_columns *columns;
	bool whole; /* rows come with the whole object, for seen() and keep() */
	/* Each row before it is put, with its object; NULL. */
	void (*seen)(void *arg, const struct kt_row *row, struct kt_json_at object);
	void *seen_arg;
	void (*listed)(void *arg); /* all rows are there; NULL */
	void *listed_arg;
	void (*removed)(void *arg); /* a row was taken out; NULL */
	void *removed_arg;
};

void kt_live_init(struct kt_live *live, struct kt_ui *ui, struct kt_table *table);
/* Others than the server's; takes them. Before kt_live_start(). */
void kt_live_use_columns(struct kt_live *live, struct kt_columns *columns);
void kt_live_start(struct kt_live *live, const char *path, const char *selectors);
void kt_live_stop(struct kt_live *live);
void kt_live_finish(struct kt_live *live);

#endif
