/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The key table: which key stands for which command line in which screen. Dispatch, the menu and
 * the help page are made from it. The keys are k9s'. {target} and the like are filled in by the
 * view (view->ops->expand).
 */
#ifndef KT_TUI_KEYS_H
#define KT_TUI_KEYS_H

#include "tui/ui.h"

enum kt_binding_flags {
	KT_BINDING_WRITES = 1, /* not there when read-only */
	KT_BINDING_MENU = 2,   /* shown in the menu */
	KT_BINDING_SCALES = 4, /* only for kinds with a scale sub-resource */
};

struct kt_binding {
	unsigned contexts;     /* enum kt_key_context */
	const char *resources; /* "pods deployments": only for these; NULL: all */
	uint32_t key;
	const char *line;    /* command line */
	const char *help;    /* "Describe"; NULL: not told */
	const char *section; /* of the help page: "Resource", "General", "Navigation" */
	unsigned flags;
};

extern const struct kt_binding kt_bindings[]; /* ends with line NULL; the first that fits counts */

const struct kt_binding *kt_binding_find(
        const struct kt_ui *ui, const struct kt_view *view, uint32_t key);
bool kt_binding_applies(
        const struct kt_ui *ui, const struct kt_view *view, const struct kt_binding *binding);
/* "Ctrl-D", "Shift-J", "Enter", "?". */
void kt_key_name(uint32_t key, char ret_name[32]);

/* Words the UI itself understands at the `:` prompt, beside kinds and the command table. */
struct kt_ui_verb {
	const char *name;
	const char *aliases;                                 /* blank-separated; NULL */
	const char *help;                                    /* NULL: only for keys */
	void (*run)(struct kt_ui *ui, const char *argument); /* NULL: the view on top knows it */
	bool writes;                                         /* refused when read-only */
};
extern const struct kt_ui_verb *const kt_ui_verbs[]; /* actions.c; ends with NULL */
const struct kt_ui_verb *kt_ui_verb_find(const char *word);

#endif
