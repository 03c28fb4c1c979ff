/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What tools/compile_kinds.py generates beside kt_builtin_kinds: the indexes that the look-ups of
 * schema.c search. Only schema.c and the OpenAPI generator include this.
 */
#ifndef KT_API_SCHEMA_TABLES_H
#define KT_API_SCHEMA_TABLES_H

#include "api/schema/schema.h"

/* A type that stands for a whole body: it has apiVersion and kind. Types of apimachinery have the
 * group "meta.k8s.io". */
struct kt_table_gvk {
	const char *group, *version, *kind;
	const struct kt_type *type;
};

extern const struct kt_type *const kt_table_types[]; /* sorted by name */
extern const size_t kt_table_types_n;
extern const struct kt_table_gvk kt_table_gvks[]; /* sorted by group, version, kind */
extern const size_t kt_table_gvks_n;

#endif
