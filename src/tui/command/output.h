/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Output forms of commands: the server's table, wide, yaml, json, name, jsonpath, custom-columns.
 * One printer is made per run from the -o option and fed objects or Tables; all of it goes to the
 * context's out stream, with control characters of cluster data shown escaped in tables.
 */
#ifndef KT_TUI_COMMAND_OUTPUT_H
#define KT_TUI_COMMAND_OUTPUT_H

#include "tui/command/session.h"

#define KT_ACCEPT_TABLE "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"

/* Aligned columns as kubectl prints them: three blanks between, columns never narrower than before.
 * Cells are shown escaped. */
struct kt_table_writer;
struct kt_table_writer *kt_table_writer_create(FILE *out);
/* Blanks between columns, before the first row; kubectl's older tables have two. */
void kt_table_writer_set_padding(struct kt_table_writer *writer, size_t padding);
void kt_table_writer_cell(struct kt_table_writer *writer, const char *text);
void kt_table_writer_end_row(struct kt_table_writer *writer);
void kt_table_writer_flush(struct kt_table_writer *writer);
void kt_table_writer_destroy(struct kt_table_writer *writer); /* flushes; NULL is ignored */

enum kt_output_kind {
	KT_OUTPUT_TABLE, /* no -o, and -o wide */
	KT_OUTPUT_NAME,
	KT_OUTPUT_JSON,
	KT_OUTPUT_YAML,
	KT_OUTPUT_JSONPATH,
	KT_OUTPUT_TEMPLATE,
	KT_OUTPUT_COLUMNS,
};

struct kt_printer;

/* From the options output, no-headers, show-labels, show-kind, label-columns, sort-by,
 * show-managed-fields as far as the command has them. with_type: rows say pod/x; with_namespace: a
 * NAMESPACE column. */
int kt_printer_create(struct kt_command_context *ctx, bool with_type, bool with_namespace,
        struct kt_printer **ret_printer, struct kt_err *err);
void kt_printer_destroy(struct kt_printer *printer); /* flushes; NULL is ignored */
/* Rows say pod/x; --show-kind makes them do so anyway. */
void kt_printer_set_with_type(struct kt_printer *printer, bool with_type);
/* What was held back until all columns are known. */
void kt_printer_flush(struct kt_printer *printer);
enum kt_output_kind kt_printer_kind(const struct kt_printer *printer);

/* A meta.k8s.io/v1 Table of one resource. */
void kt_printer_table(
        struct kt_printer *printer, const struct kt_resource *resource, const json_t *table);
/* What comes next happened as this ("ADDED", --output-watch-events): tables have it before their
 * rows, json and yaml around the object. NULL: not told. Borrowed. */
void kt_printer_set_event(struct kt_printer *printer, const char *event);
/* One object. name, json, yaml, jsonpath and custom-columns only. done: what happened to it
 * ("created") for -o name-less output. */
int kt_printer_object(struct kt_printer *printer, const struct kt_resource *resource,
        const json_t *object, struct kt_err *err);

/* The object with fields in the order of its kind, keys of maps sorted. New reference. */
json_t *kt_in_type_order(const json_t *object);

/* What a mutating command says about one object: "deployment.apps/web created", or -o's form of the
 * object. */
int kt_print_result(struct kt_command_context *ctx, const struct kt_resource *resource,
        const json_t *object, const char *done, struct kt_err *err);

#endif
