/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Output forms of commands: table (the server's), wide, yaml, json, name, jsonpath, custom-columns, go-template. One printer is made
 * per run from -o and fed objects or tables; everything goes to the context's out stream, with terminal escapes in cluster
 * data shown escaped.
 */
#ifndef KT_TUI_COMMAND_OUTPUT_H
#define KT_TUI_COMMAND_OUTPUT_H

#include "tui/command/session.h"

/* A table printer that aligns columns as kubectl does (tabwriter: three blanks between). Cells are shown escaped. */
struct kt_table_writer;
struct kt_table_writer *kt_table_writer_create(FILE *out);
void kt_table_writer_cell(struct kt_table_writer *writer, const char *text);
void kt_table_writer_end_row(struct kt_table_writer *writer);
void kt_table_writer_destroy(struct kt_table_writer *writer); /* flushes */

#endif
