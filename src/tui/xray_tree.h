/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tree behind xray: objects below what controls, selects or carries them, pods with their
 * containers and the objects they name. Made anew from the rows of some live tables whenever these
 * changed; lines are copies and stay good until the next making. UI thread.
 */
#ifndef KT_TUI_XRAY_TREE_H
#define KT_TUI_XRAY_TREE_H

#include "tui/kinds.h"
#include "tui/live.h"
#include "tui/pod_parts.h"

#define KT_XRAY_DEPTH_MAX 16

struct kt_xray_source {
	char *word;  /* for kt_ui_resource(): "pods", "jobsets.jobset.x-k8s.io" */
	char *label; /* singular */
	struct kt_table table;
	struct kt_live live;
	bool started, referred; /* referred: only shown where a pod names it */
};

enum kt_xray_mode { KT_XRAY_USUAL, KT_XRAY_ALL, KT_XRAY_ROOTS }; /* what is open by itself */

struct kt_xray_line {
	const char *key; /* of the node, unique */
	const char *label, *namespace, *name, *text;
	size_t source;                  /* index; of a container its pod's */
	const char *container;          /* NULL: an object */
	enum kt_row_state state, worst; /* own; with all below */
	size_t faults;                  /* below */
	int depth;
	unsigned more; /* bit d: at depth d another sibling follows */
	bool has_children, open;
};

struct kt_xray_tree {
	KT_VEC(struct kt_xray_source *) sources; /* 0: the roots */
	enum kt_xray_way way;                    /* from the roots to the pods */
	enum kt_xray_mode mode;
	struct kt_map toggled;   /* keys that are not as the mode has them */
	struct kt_map parts;     /* uid of a pod -> struct kt_pod_parts */
	struct kt_map selectors; /* uid of a root -> struct kt_xray_selector */
	struct kt_filter filter;
	KT_VEC(struct kt_xray_line) lines;
	size_t roots;          /* before filtering */
	size_t rows;           /* that the lines were made from, hidden ones as well */
	uint64_t made;         /* version of the rows the lines were made from */
	struct kt_arena arena; /* of the lines */
};

void kt_xray_tree_init(struct kt_xray_tree *tree);
void kt_xray_tree_finish(struct kt_xray_tree *tree);
/* A kind; the first is that of the roots. Not started. */
struct kt_xray_source *kt_xray_tree_add(
        struct kt_xray_tree *tree, struct kt_ui *ui, const char *word, const char *label);
uint64_t kt_xray_tree_version(const struct kt_xray_tree *tree);
void kt_xray_tree_make(struct kt_xray_tree *tree);
void kt_xray_tree_toggle(struct kt_xray_tree *tree, const char *key);

#endif
