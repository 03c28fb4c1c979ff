/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a pod consists of and leans on: its containers with their state, and the objects its spec
 * names. Pure. */
#ifndef KT_TUI_POD_PARTS_H
#define KT_TUI_POD_PARTS_H

#include "base/json.h"
#include "base/vec.h"
#include "tui/widget/table.h"

struct kt_pod_container {
	char *name, *text; /* "Running", "CrashLoopBackOff, 3 restarts" */
	enum kt_row_state state;
};

struct kt_pod_reference {
	const char *plural; /* "configmaps", "secrets", "persistentvolumeclaims",
	                       "serviceaccounts" */
	char *name;
	bool optional;
};

struct kt_pod_parts {
	KT_VEC(struct kt_pod_container) containers;
	KT_VEC(struct kt_pod_reference) references; /* each once, by kind and name */
	KT_VEC(char *) labels;                      /* "key=value" */
	char *node;                                 /* "": none yet */
};

struct kt_pod_parts *kt_pod_parts_create(const json_t *pod);
void kt_pod_parts_destroy(struct kt_pod_parts *parts);
/* Whether the labels have all of {key: value}; nothing is selected by an empty one. */
bool kt_pod_parts_selected(const struct kt_pod_parts *parts, char *const *selector, size_t n);

/* State of one container by its status (NULL: none yet), as text of its own. */
const char *kt_container_state(const json_t *status, enum kt_row_state *ret_state);

#endif
