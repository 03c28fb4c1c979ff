/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The live table of any kind. UI thread. */
#ifndef KT_TUI_VIEW_RESOURCE_H
#define KT_TUI_VIEW_RESOURCE_H

#include "tui/ui.h"

struct kt_resource_view_options {
	const struct kt_resource *resource;          /* copied as far as needed */
	const char *namespace;                       /* "": all */
	const char *filter;                          /* as typed behind `/`; NULL */
	const char *label_selector, *field_selector; /* NULL: none */
	const char *fields;    /* like a field selector, of any field: "a.b=c,d!=e"; NULL */
	const char *owner_uid; /* only what this object controls; NULL */
	const char *of;        /* "deployment/web": for the title; NULL */
	const char *select;    /* name to put the cursor on; NULL */
};

/* "deployment/web", or with the group where the singular alone would mean another kind. */
void kt_resource_put_target(
        struct kt_ui *ui, const struct kt_resource *resource, const char *name, struct kt_str *out);
struct kt_view *kt_resource_view_create(
        struct kt_ui *ui, const struct kt_resource_view_options *options);

#endif
