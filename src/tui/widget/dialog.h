/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A question over the screen: text, fields (choice, tick, line of text, list), Cancel and OK. One
 * at a time. UI thread. */
#ifndef KT_TUI_WIDGET_DIALOG_H
#define KT_TUI_WIDGET_DIALOG_H

#include "tui/ui.h"
#include "tui/widget/line.h"

#define KT_DIALOG_FIELDS_MAX 8

enum kt_field_kind { KT_ASK_TEXT, KT_ASK_CHOICE, KT_ASK_TICK, KT_ASK_LIST };

struct kt_ask {
	const char *label;
	enum kt_field_kind kind;
	const char *const *choices; /* NULL-terminated; copied */
	const char *text;           /* first value of a text field; copied */
	size_t choice;
	bool ticked;
};

struct kt_dialog_options {
	const char *title, *text; /* copied; text may have several lines */
	const struct kt_ask *asks;
	size_t n_asks;
	bool careful; /* Cancel has the focus at first */
	/* OK: values by kt_dialog_…; the dialog is closed afterwards. */
	void (*done)(struct kt_ui *ui, void *arg);
	void *arg;
	void (*free_arg)(void *arg);
};

void kt_dialog_open(struct kt_ui *ui, const struct kt_dialog_options *options);
void kt_dialog_close(struct kt_ui *ui);
/* A view goes, and with it what was asked about it; one that is answered right now stays. */
void kt_dialog_abandon(struct kt_ui *ui);
void kt_dialog_key(struct kt_ui *ui, const struct kt_key *key);
void kt_dialog_draw(struct kt_ui *ui);

/* Values, inside of done(). */
const char *kt_dialog_text(const struct kt_ui *ui, size_t field);
const char *kt_dialog_choice(const struct kt_ui *ui, size_t field);
bool kt_dialog_ticked(const struct kt_ui *ui, size_t field);

#endif
