/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What saving would do: a coloured diff that Enter applies and `e` leaves. UI thread. */
#ifndef KT_TUI_VIEW_REVIEW_H
#define KT_TUI_VIEW_REVIEW_H

#include "tui/ui.h"

struct kt_review_options {
	const char *title;
	const char *before, *after; /* texts */
	const char *warnings;       /* of the server, one per line; NULL */
	void (*apply)(void *arg);   /* the review is still open then */
	void *arg;
};

struct kt_view *kt_review_view_create(struct kt_ui *ui, const struct kt_review_options *options);

#endif
