/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The command table. A verb is one file command/<verb>.c with one const struct kt_command; table.c
 * lists them. The command line, the prompt (repl), the terminal UI's `:` prompt and its keys, the
 * help page, shell completion and the manual all read it.
 *
 * A command runs on the calling thread with a context; it writes to the context's streams, never to
 * stdout directly, heeds `cancel` in anything that may take over a second, and returns an exit
 * code. Errors go through kt_command_fail().
 */
#ifndef KT_TUI_COMMAND_COMMAND_H
#define KT_TUI_COMMAND_COMMAND_H

#include "api/client/client.h"
#include "base/map.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdio.h>

enum kt_exit { KT_EXIT_OK = 0, KT_EXIT_ERROR = 1, KT_EXIT_USAGE = 2 };

enum kt_option_type {
	KT_OPTION_BOOL,
	KT_OPTION_STRING,
	KT_OPTION_STRINGS, /* repeatable */
	KT_OPTION_INT,
	KT_OPTION_DURATION,
};

/* What completes an argument or an option's value. */
enum kt_completion {
	KT_COMPLETE_NONE,
	KT_COMPLETE_FILE,
	KT_COMPLETE_RESOURCE,         /* kinds: pods, deploy, … */
	KT_COMPLETE_NAME,             /* live names of the resource named before */
	KT_COMPLETE_RESOURCE_OR_NAME, /* TYPE, TYPE/NAME, then NAMEs */
	KT_COMPLETE_POD,
	KT_COMPLETE_CONTAINER,
	KT_COMPLETE_NODE,
	KT_COMPLETE_NAMESPACE,
	KT_COMPLETE_CONTEXT,
	KT_COMPLETE_CLUSTER,    /* embedded clusters */
	KT_COMPLETE_FIELD_PATH, /* spec.template.spec… of the resource named before */
	KT_COMPLETE_OUTPUT,     /* -o formats */
	KT_COMPLETE_COMMAND,
	KT_COMPLETE_WORDS, /* the option's own `words` */
};

struct kt_option {
	const char *name; /* "namespace" */
	char letter;      /* 'n' or 0 */
	enum kt_option_type type;
	const char *fallback;   /* text of the default; NULL: unset */
	const char *value_name; /* "NAMESPACE" in help */
	const char *help;
	enum kt_completion completion;
	const char *const *words; /* for KT_COMPLETE_WORDS */
	bool optional_value; /* --dry-run, -o= … may stand without a value (then `bare` is it) */
	const char *bare;
};

struct kt_command_context;

struct kt_command {
	const char *name;
	const char *const *aliases; /* NULL-terminated; may be NULL */
	const char *group;   /* help section: "Look", "Change", …; NULL: not shown to people */
	const char *usage;   /* "get TYPE [NAME…] [flags]" */
	const char *summary; /* one line */
	const char *help;    /* paragraphs and examples, plain text */
	const struct kt_option
	        *options; /* ends with name NULL; global options are added by the parser */
	const enum kt_completion
	        *arguments; /* per position; the last repeats; ends with KT_COMPLETE_NONE */
	const struct kt_command *const
	        *subcommands; /* NULL-terminated: rollout status, config view */
	bool prints_typed;    /* -o json has fields in the order of the kind's description, as
	                         kubectl prints what it made itself */
	bool needs_client;    /* the context's client is connected before run */
	bool reads; /* changes neither a cluster nor the kubeconfig, nor do its subcommands: runs
	               where the session is read-only */
	/* NULL: the command is only a name for its subcommands */
	int (*run)(struct kt_command_context *ctx);
};

extern const struct kt_command *const kt_commands[]; /* NULL-terminated, alphabetical */
extern const struct kt_option
        kt_global_options[]; /* --namespace, --context, --kubeconfig, --server, --token, … */

/* One run of one command. */
struct kt_command_context {
	const struct kt_command *command;
	const char *path; /* "rollout status": the command as it is called */
	bool reads;       /* it, or the command it belongs to, only reads */
	int argc;         /* positional arguments */
	char **argv;
	int dash_at;           /* index of the first argument after "--"; -1: none */
	struct kt_map options; /* long name -> char * or, for STRINGS, struct kt_strings * */
	struct kt_session
	        *session; /* namespace, context, variables, discovery cache; lasts over commands */
	FILE *in, *out, *err;
	bool out_is_tty, in_is_tty;
	int columns;                    /* width of the terminal */
	size_t n_warnings;              /* that the server has given */
	const struct kt_cancel *cancel; /* asked for by SIGINT; borrowed */
};

struct kt_strings {
	char **items;
	size_t n;
};

/* Parses words (argv without the program name) against the table and runs. The words are not
 * changed. */
int kt_command_run(
        struct kt_session *session, int argc, char *const *argv, FILE *in, FILE *out, FILE *err);

bool kt_opt_bool(const struct kt_command_context *ctx, const char *name);
const char *kt_opt_string(const struct kt_command_context *ctx, const char *name); /* NULL: unset */
const struct kt_strings *kt_opt_strings(
        const struct kt_command_context *ctx, const char *name); /* never NULL */
int64_t kt_opt_int(const struct kt_command_context *ctx, const char *name);
bool kt_opt_given(const struct kt_command_context *ctx, const char *name);
/* Prints "error: …" and returns KT_EXIT_ERROR; err may be NULL; Status errors as kubectl prints
 * them ("Error from server (NotFound): …"). */
int kt_command_fail(struct kt_command_context *ctx, const struct kt_err *err, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));

/* The session: what lasts between commands of one prompt, script or terminal UI. */
struct kt_session_options {
	const char *kubeconfig, *context, *namespace;
	struct kt_client *client; /* embedded cluster: borrowed; NULL: connected by kubeconfig when
	                             first needed */
	bool readonly;            /* refuses commands that do not only read */
};
struct kt_session *kt_session_create(const struct kt_session_options *options);
void kt_session_destroy(struct kt_session *session);
struct kt_client *kt_session_client(struct kt_session *session, struct kt_err *err);
const char *kt_session_namespace(const struct kt_session *session);
void kt_session_set_namespace(struct kt_session *session, const char *namespace);

#endif
