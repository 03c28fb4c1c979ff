/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One request of the UI and its answer as a tree, later, on the UI's loop. Cancelled with the UI.
 * UI thread. */
#ifndef KT_TUI_FETCH_H
#define KT_TUI_FETCH_H

#include "tui/ui.h"

#include "base/json.h"

/* object is borrowed; NULL with err. */
typedef void kt_fetched_fn(struct kt_ui *ui, void *arg, json_t *object, struct kt_err *err);

struct kt_request {
	const char *method, *path, *content_type; /* copied; content_type NULL: JSON */
	const json_t *body;                       /* may be NULL */
	kt_fetched_fn *done;
	void *arg;
	void (*free_arg)(void *arg); /* after done, and when it is cancelled */
};

struct kt_pending;
struct kt_pending *kt_request(struct kt_ui *ui, const struct kt_request *request);
void kt_fetch(struct kt_ui *ui, const char *path, kt_fetched_fn *done, void *arg,
        void (*free_arg)(void *arg));
/* done is not called any more. NULL is ignored. Only before done ran. */
void kt_pending_cancel(struct kt_pending *pending);
void kt_pending_cancel_all(struct kt_ui *ui);

#endif
