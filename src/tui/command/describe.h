/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * describe: an object as a person wants to read it. describe.c has the frame (metadata, events),
 * describe_kinds.c one table of rows per kind; a kind without a table is shown whole, field by
 * field, so that nothing is hidden.
 */
#ifndef KT_TUI_COMMAND_DESCRIBE_H
#define KT_TUI_COMMAND_DESCRIBE_H

#include "tui/command/session.h"

/* Writes "Label:  value" lines with the values in one column per level. */
struct kt_describer {
	FILE *out;
	int level;      /* indentation in steps of two */
	int64_t now_ns; /* Unix time, for ages */
};

void kt_describe_row(struct kt_describer *d, const char *label, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
void kt_describe_heading(struct kt_describer *d, const char *label);
/* A map as "k=v" lines under one label; "<none>" when empty. separator "=" for labels, ": " for
 * annotations. */
void kt_describe_map(
        struct kt_describer *d, const char *label, const json_t *map, const char *separator);
/* Anything, field by field. */
void kt_describe_tree(struct kt_describer *d, const char *label, const json_t *value);
/* "Mon, 02 Jan 2006 15:04:05 +0000" from RFC 3339, or the text itself. */
void kt_describe_time(struct kt_describer *d, const char *label, const char *rfc3339);
/* "containerStatuses" as "Container Statuses". Heap. */
char *kt_describe_words(const char *field);

/* Rows of the kind's own; false when it has no table. */
bool kt_describe_kind(struct kt_describer *d, const json_t *object);

#endif
