/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The output of a command line as text: describe, YAML, anything else of the command table. UI
 * thread. */
#ifndef KT_TUI_VIEW_OUTPUT_H
#define KT_TUI_VIEW_OUTPUT_H

#include "tui/ui.h"
#include "tui/widget/text.h"

struct kt_output_view_options {
	const char *line; /* run at once */
	const char *title, *crumb;
	const char *target, *ns; /* "pod/web", "-n default": for `e` and `m`; NULL */
	enum kt_highlight highlight;
};

struct kt_view *kt_output_view_create(
        struct kt_ui *ui, const struct kt_output_view_options *options);
/* A text that is there already. */
struct kt_view *kt_text_view_create(struct kt_ui *ui, const char *title, const char *crumb,
        struct kt_sv content, enum kt_highlight highlight);

#endif
