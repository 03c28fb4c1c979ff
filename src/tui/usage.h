/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * CPU and memory of pods, nodes and a pod's containers as two more columns of their table, where
 * the cluster serves metrics: asked for with the table and then every KT_USAGE_MS (a large table
 * more seldom). The columns are hidden until the first answer. UI thread.
 */
#ifndef KT_TUI_USAGE_H
#define KT_TUI_USAGE_H

#include "tui/ui.h"

#define KT_USAGE_MS 15000

struct kt_usage {
	struct kt_ui *ui;
	struct kt_client *client; /* of the call under way */
	struct kt_table *table;
	char *path; /* NULL: not started */
	struct kt_call call;
	struct kt_timer timer;
	bool under_way;
	bool of_pod; /* rows are the containers of one pod */
};

/* The columns for a kind, NULL-terminated; NULL: it has none. */
const char *const *kt_usage_columns(const struct kt_resource *resource);
void kt_usage_init(struct kt_usage *usage, struct kt_ui *ui, struct kt_table *table);
void kt_usage_start(
        struct kt_usage *usage, const struct kt_resource *resource, const char *namespace);
/* Of a pod's containers, whose rows have no namespace. */
void kt_usage_start_pod(struct kt_usage *usage, const char *namespace, const char *pod);
extern const char *const kt_usage_names[]; /* the columns */
/* Now: the rows are there. Nothing when it is not started. */
void kt_usage_ask(struct kt_usage *usage);
void kt_usage_finish(struct kt_usage *usage);

#endif
