/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables that are made here and not by the server: contexts, aliases, containers, themes. UI
 * thread. */
#ifndef KT_TUI_VIEW_LIST_H
#define KT_TUI_VIEW_LIST_H

#include "tui/ui.h"

struct kt_list_view_options {
	const char *title, *crumb;
	unsigned context;           /* further key contexts */
	const char *const *columns; /* NULL-terminated */
	const char *const *extra;   /* columns behind them whose cells are the rows' extra; NULL */
	const char *enter; /* command line; {name} and {N} (the N-th cell) are filled in; NULL:
	                      nothing */
	const char *target, *ns; /* what {target} and {ns} stand for; NULL */
	void *arg;               /* what feeds the table; finish() is called at its end; NULL */
	void (*finish)(void *arg);
};

struct kt_view *kt_list_view_create(struct kt_ui *ui, const struct kt_list_view_options *options);
void kt_list_view_add(
        struct kt_view *view, const char *name, const char *const *cells, enum kt_row_state state);
struct kt_table *kt_list_view_table(struct kt_view *view);
/* Told where rows would be, as long as there are none. */
void kt_list_view_tell(struct kt_view *view, const char *text);

#endif
