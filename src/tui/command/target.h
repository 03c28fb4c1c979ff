/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a command is to act on, from its arguments: TYPE[,TYPE…] [NAME…], TYPE/NAME…, -f
 * FILE|FOLDER|-, -l SELECTOR, -A. The rules and refusals are those of kubectl's resource builder. A
 * list is the command's; free it with kt_targets_finish().
 */
#ifndef KT_TUI_COMMAND_TARGET_H
#define KT_TUI_COMMAND_TARGET_H

#include "tui/command/session.h"

struct kt_target {
	const struct kt_resource *resource; /* the session's; NULL for an object whose kind the
	                                       server does not know */
	char *namespace;                    /* NULL for cluster-scoped, or over all namespaces */
	char *name;                         /* NULL: a collection */
	json_t *object;                     /* as read from a file; NULL */
	char *source;                       /* "deploy.yaml" for messages; NULL */
	/* filled in by kt_targets_fetch(): the live object or the Table/list asked for */
	json_t *live;
	/* what it was read from cannot be used; it has no resource then. Said at its turn: the
	 * others are not kept from theirs. */
	struct kt_err error;
};

struct kt_targets {
	struct kt_target *items;
	size_t n;
	bool several_types; /* rows are shown with their type: pod/x */
	bool by_name;       /* every target was named: a missing one is an error */
};

enum kt_target_flags {
	KT_TARGET_NEED_NAME = 1,    /* TYPE alone is refused unless -l or --all is given */
	KT_TARGET_FILES = 2,        /* -f is allowed */
	KT_TARGET_NONE_IS_FINE = 8, /* files without an object are no error */
	KT_TARGET_LIVE = 4,         /* kt_targets_run: every object is read before fn is called */
};

/* Reads ctx->argv from `first` on together with the options filename, recursive, selector,
 * field-selector, all, all-namespaces, as far as the command has them. 0, or a code with err in
 * kubectl's words. */
int kt_targets_parse(struct kt_command_context *ctx, int first, unsigned flags,
        struct kt_targets *ret_targets, struct kt_err *err);
/* Collections become their objects (selectors applied), names are fetched: each target gets `live`.
 */
int kt_targets_fetch(
        struct kt_command_context *ctx, struct kt_targets *targets, struct kt_err *err);
void kt_targets_finish(struct kt_targets *targets);

/* What is done to one object: 0, or a code with err. */
typedef int kt_target_fn(
        struct kt_command_context *ctx, struct kt_target *target, void *arg, struct kt_err *err);

/* Checks the options of a write, parses, and calls fn for every object: collections become their
 * objects, and with KT_TARGET_LIVE named ones are read just before. An error of one object is
 * printed and does not keep the others from their turn. An exit code. */
int kt_targets_run(struct kt_command_context *ctx, unsigned flags, kt_target_fn *fn, void *arg);
/* The same over targets there are already. */
int kt_targets_each(struct kt_command_context *ctx, struct kt_targets *targets, unsigned flags,
        kt_target_fn *fn, void *arg);

/* Path of the object, or of the collection. Heap. */
char *kt_target_path(const struct kt_target *target, const char *sub);
/* "deployment.apps/web": what kubectl prints before " created". Heap. */
char *kt_target_label(const struct kt_target *target);
/* "configmap \"x\" deleted from default namespace", or its name for -o name. */
void kt_target_say_deleted(struct kt_command_context *ctx, const struct kt_target *target);
/* Query text of -l and --field-selector: "labelSelector=…&fieldSelector=…", "" without them. Heap.
 */
char *kt_targets_query(const struct kt_command_context *ctx);

/* A list that the server refused (400, 404): says which one, as kubectl does. */
void kt_targets_wrap_list(const struct kt_command_context *ctx, const struct kt_target *collection,
        struct kt_err *err);

/* All documents of -f (or of -k) in order; List objects are taken apart. Each target has object,
 * source and resource, or error. */
int kt_targets_read_files(struct kt_command_context *ctx, unsigned flags,
        struct kt_targets *targets, struct kt_err *err);

struct kt_target *kt_targets_push(struct kt_targets *targets);
/* The target's error, which moves to err; 0 without one. */
int kt_target_error(struct kt_target *target, struct kt_err *err);

#endif
