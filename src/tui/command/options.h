/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Options that many verbs share, so that each is worded once. */
#ifndef KT_TUI_COMMAND_OPTIONS_H
#define KT_TUI_COMMAND_OPTIONS_H

#include "tui/command/command.h"

#define KT_OPTION_FILENAME \
	{ \
		.name = "filename", .letter = 'f', .type = KT_OPTION_STRINGS, \
		.value_name = "FILE", \
		.help = "a file or folder of manifests, - for standard input", \
		.completion = KT_COMPLETE_FILE \
	}
#define KT_OPTION_RECURSIVE \
	{ \
		.name = "recursive", .letter = 'R', .type = KT_OPTION_BOOL, \
		.help = "folders below -f too" \
	}
#define KT_OPTION_SELECTOR \
	{ \
		.name = "selector", .letter = 'l', .type = KT_OPTION_STRING, \
		.value_name = "SELECTOR", .help = "only objects with these labels" \
	}
#define KT_OPTION_FIELD_SELECTOR \
	{ \
		.name = "field-selector", .type = KT_OPTION_STRING, .value_name = "SELECTOR", \
		.help = "only objects with these fields" \
	}
#define KT_OPTION_ALL \
	{ \
		.name = "all", .type = KT_OPTION_BOOL, \
		.help = "all objects of the type in the namespace" \
	}
#define KT_OPTION_ALL_NAMESPACES \
	{ \
		.name = "all-namespaces", .letter = 'A', .type = KT_OPTION_BOOL, \
		.help = "in every namespace" \
	}
#define KT_OPTION_OUTPUT \
	{.name = "output", \
	        .letter = 'o', \
	        .type = KT_OPTION_STRING, \
	        .value_name = "FORMAT", \
	        .help = "json, yaml, name, jsonpath=…, go-template=…, custom-columns=…", \
	        .completion = KT_COMPLETE_OUTPUT}, \
	        {.name = "show-managed-fields", \
	                .type = KT_OPTION_BOOL, \
	                .help = "managedFields in json and yaml"}, \
	        {.name = "allow-missing-template-keys", \
	                .type = KT_OPTION_BOOL, \
	                .fallback = "true", \
	                .help = "templates print nothing for what is not there"}, \
	{ \
		.name = "template", .type = KT_OPTION_STRING, .value_name = "TEMPLATE", \
		.help = "the template of -o go-template or -o jsonpath, or its file" \
	}
#define KT_OPTION_DRY_RUN \
	{ \
		.name = "dry-run", .type = KT_OPTION_STRING, .value_name = "none|client|server", \
		.fallback = "none", .help = "only show what would happen", .optional_value = true, \
		.bare = "client", .completion = KT_COMPLETE_WORDS, .words = kt_dry_run_words \
	}
#define KT_OPTION_FIELD_MANAGER(default_name) \
	{ \
		.name = "field-manager", .type = KT_OPTION_STRING, .value_name = "NAME", \
		.fallback = (default_name), .help = "the manager that owns the fields written" \
	}
#define KT_OPTION_VALIDATE \
	{ \
		.name = "validate", .type = KT_OPTION_STRING, .value_name = "strict|warn|ignore", \
		.fallback = "strict", .help = "what the server does with unknown fields", \
		.optional_value = true, .bare = "strict", .completion = KT_COMPLETE_WORDS, \
		.words = kt_validate_words \
	}
#define KT_OPTION_SAVE_CONFIG \
	{ \
		.name = "save-config", .type = KT_OPTION_BOOL, \
		.help = "remember the manifest for a later apply" \
	}
#define KT_OPTION_LOCAL \
	{ \
		.name = "local", .type = KT_OPTION_BOOL, \
		.help = "change the manifest of -f and ask no server" \
	}
#define KT_OPTION_RESOURCE_VERSION \
	{ \
		.name = "resource-version", .type = KT_OPTION_STRING, .value_name = "VERSION", \
		.help = "only if the object still has this version" \
	}
#define KT_OPTION_TIMEOUT(default_text, what) \
	{ \
		.name = "timeout", .type = KT_OPTION_DURATION, .value_name = "TIME", \
		.fallback = (default_text), .help = (what) \
	}
#define KT_OPTION_CASCADE \
	{ \
		.name = "cascade", .type = KT_OPTION_STRING, .fallback = "background", \
		.value_name = "background|foreground|orphan", \
		.help = "what becomes of objects owned by it", .optional_value = true, \
		.bare = "background", .completion = KT_COMPLETE_WORDS, .words = kt_cascade_words \
	}
#define KT_OPTION_GRACE_PERIOD \
	{ \
		.name = "grace-period", .type = KT_OPTION_INT, .fallback = "-1", \
		.value_name = "SECONDS", .help = "time to end by itself; -1: the object's own" \
	}
#define KT_OPTION_CONTAINER \
	{ \
		.name = "container", .letter = 'c', .type = KT_OPTION_STRING, \
		.value_name = "CONTAINER", .help = "this container of the pod", \
		.completion = KT_COMPLETE_CONTAINER \
	}
#define KT_OPTION_END \
	{ \
		.name = NULL \
	}

extern const char *const kt_dry_run_words[];
extern const char *const kt_validate_words[];
extern const char *const kt_cascade_words[];

/* Query text of a write: "?fieldManager=…&fieldValidation=…&dryRun=All", from the options the
 * command has. Heap. */
char *kt_write_query(const struct kt_command_context *ctx);
/* 0, or EINVAL with kubectl's words for a bad --dry-run or --validate. */
int kt_check_write_options(const struct kt_command_context *ctx, struct kt_err *err);
/* The propagation policy that a --cascade means. */
const char *kt_propagation(const char *cascade);
int kt_check_cascade(const struct kt_command_context *ctx, struct kt_err *err);
/* " (dry run)", " (server dry run)" or "". */
const char *kt_dry_run_note(const struct kt_command_context *ctx);
/* Also with --local: nothing is sent then either. */
bool kt_is_dry_run_client(const struct kt_command_context *ctx);

#endif
