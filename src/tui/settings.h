/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What k9s' config.yaml (the person's and the context's), views.yaml and jumps.yaml choose, as far
 * as it has a meaning here. Not heeded: ui.enableMouse (k9s writes its default, off, into every
 * file), timing, probing and image scans. Owned by kt_custom, which finds the files; a later file
 * counts. UI thread.
 */
#ifndef KT_TUI_SETTINGS_H
#define KT_TUI_SETTINGS_H

#include "base/json.h"
#include "base/vec.h"

#include <stdbool.h>

#define KT_FAVOURITES_MAX 9

/* A column of views.yaml: HEADER[:EXPR][|FLAGS]. */
struct kt_column_wish {
	char *name, *path; /* path: relaxed JSONPath; NULL: the server's column of this name */
	bool wide, hidden, right, time;
};

struct kt_view_wish {
	char *key;  /* "v1/pods", "apps/v1/deployments@kube.*", an alias */
	char *sort; /* a column; NULL */
	bool descending;
	KT_VEC(struct kt_column_wish) columns;
};

struct kt_jump {
	char *source, *target, *labels, *fields, *namespace; /* "" where not given */
};

struct kt_settings {
	bool readonly, headless, crumbsless, full_screen, stays_on_ctrl_c;
	bool logs_wrap, logs_still, logs_times;
	int64_t logs_tail;               /* 0: not given */
	char *skin, *view, *dump_folder; /* NULL: not given */
	KT_VEC(char *) favourites;       /* namespaces */
	KT_VEC(struct kt_view_wish) views;
	KT_VEC(struct kt_jump) jumps;
};

void kt_settings_finish(struct kt_settings *settings);

/* text: what was passed over, and where ("v1/pods"). */
typedef void kt_settings_warn_fn(void *arg, const char *where, const char *text);
void kt_settings_read_config(struct kt_settings *settings, const json_t *tree);
void kt_settings_read_views(
        struct kt_settings *settings, const json_t *tree, kt_settings_warn_fn *warn, void *arg);
void kt_settings_read_jumps(
        struct kt_settings *settings, const json_t *tree, kt_settings_warn_fn *warn, void *arg);

/* False with *ret_reason when it is no column. */
bool kt_column_wish_parse(
        const char *text, struct kt_column_wish *ret_wish, const char **ret_reason);

#endif
