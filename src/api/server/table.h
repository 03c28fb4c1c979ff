/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Server-side tables (meta.k8s.io Table): columns from the kind's table, cells by path or by a
 * named function of cells.h.
 */
#ifndef KT_API_SERVER_TABLE_H
#define KT_API_SERVER_TABLE_H

#include "api/schema/schema.h"
#include "base/err.h"

enum kt_include { KT_INCLUDE_METADATA, KT_INCLUDE_OBJECT, KT_INCLUDE_NONE };

/* The includeObject parameter; NULL is Metadata. 400 for an unknown one. */
int kt_table_include(const char *text, enum kt_include *ret_include, struct kt_err *err);
/* columnDefinitions; a kind without columns gets Name and Created At. */
json_t *kt_table_columns(const struct kt_kind *kind);
/* One row {cells, object} of a tree from kt_versions_hub(). now_ns: Unix time, for ages. version:
 * of meta.k8s.io. */
json_t *kt_table_row(const struct kt_kind *kind, json_t *object, enum kt_include include,
        const char *version, int64_t now_ns);
/* A whole Table with the one row of a bookmark's empty object. */
json_t *kt_table_of_bookmark(const struct kt_kind *kind, json_t *object, const char *version,
        bool columns, int64_t now_ns);
/* {kind: PartialObjectMetadata, …}: metadata is shared with object. */
json_t *kt_table_partial(json_t *object, const char *version);

#endif
