/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the UI knows of single kinds, one row each: where Enter leads, what lies below it in xray,
 * whether pulses has a tile for it and the server tells its usage. A kind without a row, a custom
 * one say, has a table, opens its description, and lies above all that it owns. Keys of single
 * kinds are in keys.c.
 */
#ifndef KT_TUI_KINDS_H
#define KT_TUI_KINDS_H

#include "tui/ui.h"

enum kt_enter {
	KT_ENTER_DESCRIBE,
	KT_ENTER_SELECTED,   /* `to` by spec.selector of the object */
	KT_ENTER_OWNED,      /* `to` that it controls */
	KT_ENTER_INSIDE,     /* `to` in the namespace of this name */
	KT_ENTER_ON_NODE,    /* `to` whose spec.nodeName it is */
	KT_ENTER_DEFINED,    /* the kind it defines */
	KT_ENTER_CONTAINERS, /* its containers */
};

enum kt_xray_way { KT_XRAY_BY_OWNER, KT_XRAY_BY_SELECTOR, KT_XRAY_BY_NODE };

struct kt_ui_kind {
	const char *plural, *group;
	enum kt_enter enter;
	const char *to;
	enum kt_xray_way way; /* from it to the pods below */
	const char *below;    /* kinds, blank-separated; NULL: any */
	bool pulse, usage;
};

extern const struct kt_ui_kind kt_ui_kinds[]; /* ends with plural NULL; in pulses' order */
const struct kt_ui_kind *kt_ui_kind_of(const struct kt_resource *resource); /* NULL: no row */

#endif
