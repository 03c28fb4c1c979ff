/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One request of the UI and its answer as a tree, later, on the UI's loop. Cancelled with the UI.
 * UI thread.
 *
 * A key never does nothing: while the answer is awaited the bottom line says so
 * (kt_pending_path()), and a GET that got no answer, or one that the server is too busy, is made
 * again a few times, which is told, before it counts as failed.
 */
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
	bool opens;  /* the answer opens something: it is dropped when the person has gone elsewhere
	              */
	bool silent; /* nobody waits for it: neither waiting nor trying again is told */
};

struct kt_pending;
struct kt_pending *kt_request(struct kt_ui *ui, const struct kt_request *request);
/* What a key asks for to open something with it. */
void kt_fetch(struct kt_ui *ui, const char *path, kt_fetched_fn *done, void *arg,
        void (*free_arg)(void *arg));
/* done is not called any more. NULL is ignored. Only before done ran. */
void kt_pending_cancel(struct kt_pending *pending);
void kt_pending_cancel_all(struct kt_ui *ui);
/* Esc: gives up what a key asked for and what is told as awaited; false when there is none. */
bool kt_pending_forget(struct kt_ui *ui);
/* What a key has been waiting for so long that it should be told; NULL: nothing. Borrowed. */
const char *kt_pending_path(const struct kt_ui *ui);

#endif
