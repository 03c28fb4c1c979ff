/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Inside of a session: what commands share besides command.h. A session belongs to one thread at a
 * time.
 */
#ifndef KT_TUI_COMMAND_SESSION_H
#define KT_TUI_COMMAND_SESSION_H

#include "tui/command/command.h"
#include "tui/command/discovery.h"

/* Read once and kept. NULL with err. */
const struct kt_discovery *kt_session_discovery(struct kt_session *session, struct kt_err *err);
/* A command starts: what was read before it may be read again, once, for a kind that is unknown.
 * Resources of earlier readings live as long as the session. */
void kt_session_start_command(struct kt_session *session);
/* How long each request of a first discovery may take; 0: as long as it wants. */
void kt_session_limit_discovery(struct kt_session *session, int timeout_ms);

/* A resource by the word a person typed; looks again in fresh discovery before it says
 * `the server doesn't have a resource type "x"`. */
const struct kt_resource *kt_session_resource(
        struct kt_session *session, const char *word, struct kt_err *err);
/* The same by the kind of an object; NULL without an error when the server has no such kind. */
const struct kt_resource *kt_session_resource_of_kind(
        struct kt_session *session, const char *api_version, const char *kind, struct kt_err *err);

/* The same without a server, for --local: only kinds that are built in. NULL: it is none of them.
 */
const struct kt_resource *kt_session_builtin_resource(
        struct kt_session *session, const char *api_version, const char *kind);

/* One request and its JSON answer (new reference), NULL with err. body may be NULL; content_type
 * NULL: JSON. Warnings of the server go to the context's err stream as kubectl prints them. */
json_t *kt_session_request(struct kt_command_context *ctx, const char *method, const char *path,
        const char *content_type, const json_t *body, struct kt_err *err);
/* --request-timeout; 0: none. */
int kt_request_timeout_ms(const struct kt_command_context *ctx);
/* GET with an Accept header of its own. */
json_t *kt_session_get(
        struct kt_command_context *ctx, const char *path, const char *accept, struct kt_err *err);

/* A session of its own when the options name another server, context or namespace; NULL in
 * *ret_session when not. */
int kt_session_derive(struct kt_session *session, const struct kt_command_context *ctx,
        struct kt_session **ret_session, struct kt_err *err);

/* Asked for from a SIGINT until the next command starts. Borrowed. */
struct kt_cancel *kt_session_cancel(struct kt_session *session);

/* The address of the server; "the embedded cluster" without one. */
const char *kt_session_server(const struct kt_session *session);
/* "error: TEXT" and where the command's help is; an exit code. */
int kt_command_refuse(struct kt_command_context *ctx, const char *fmt, ...)
        __attribute__((format(printf, 2, 3)));
/* One of several errors: "Error from server (Invalid): …" or the message alone. */
void kt_command_say(struct kt_command_context *ctx, const struct kt_err *err);

/* "open x: no such file or directory": kubectl's words for a file that cannot be read. Heap. */
char *kt_open_problem(const char *path, int code);
/* Only commands that read may run. */
bool kt_session_readonly(const struct kt_session *session);

const char *kt_session_context(
        const struct kt_session *session); /* name of the kubeconfig context; "" embedded */
const char *kt_session_kubeconfig(const struct kt_session *session); /* NULL: the default files */
/* Variables of scripts and the prompt. */
const char *kt_session_variable(const struct kt_session *session, const char *name);
void kt_session_set_variable(struct kt_session *session, const char *name, const char *value);

/* Index of the first word that is no option: the command may stand behind global options, as in
 * `kubectl -n x get`. -1: none. */
int kt_command_position(int argc, char *const *argv);
/* Whether somebody who typed this may have meant that name. */
bool kt_command_is_like(const char *typed, const char *name);
/* Names the commands that look like the word: "Did you mean this?". False when there are none. out
 * may be NULL. */
bool kt_command_suggest(const char *word, FILE *out);
const struct kt_command *kt_command_find(
        const struct kt_command *const *commands, const char *word);

#endif
