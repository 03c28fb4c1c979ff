/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `create deployment`, `create configmap` …: common objects by a few words, each a subcommand of
 * create. */
#ifndef KT_TUI_COMMAND_CREATE_KINDS_H
#define KT_TUI_COMMAND_CREATE_KINDS_H

#include "tui/command/target.h"

extern const struct kt_command *const kt_create_kinds[]; /* NULL-terminated */

/* Sends one object to the server (or only shows it) as create's options say; used by every
 * subcommand. */
int kt_create_object(
        struct kt_command_context *ctx, const struct kt_target *target, struct kt_err *err);
/* The same with another word for what was done: "exposed". */
int kt_create_object_as(struct kt_command_context *ctx, const struct kt_target *target,
        const char *done, struct kt_err *err);

/* What the functions of create_kinds.c, create_rights.c and create_ways.c share. */

/* Sends the object to the resource named by `word`; takes it over. An exit code. */
int kt_create_finish(struct kt_command_context *ctx, const char *word, json_t *object);
/* The one NAME; NULL when there is another number of words, which is said then. */
const char *kt_create_name(struct kt_command_context *ctx);
const char *kt_create_name_before_dash(struct kt_command_context *ctx);
json_t *kt_create_object_of(const char *api_version, const char *kind, const char *name);
/* One container per image; the words behind -- are their command. New reference. */
json_t *kt_create_containers(const struct kt_command_context *ctx, const struct kt_strings *images);
/* Values of a repeatable option, taken apart at commas. New reference. */
json_t *kt_create_words(const struct kt_command_context *ctx, const char *option);
/* 0, or why it names no environment variable. */
int kt_check_variable_name(const char *name, struct kt_err *err);
/* "a=b,c=d"; NULL with err `Invalid <what> "x"`. New reference. */
json_t *kt_create_map(const char *text, const char *what, struct kt_err *err);

/* What run and expose share (run.c). */

/* The options --overrides, --override-type. */
#define KT_OPTION_OVERRIDES \
	{.name = "overrides", \
	        .type = KT_OPTION_STRING, \
	        .value_name = "JSON", \
	        .help = "a patch of what is created"}, \
	{ \
		.name = "override-type", .type = KT_OPTION_STRING, .fallback = "merge", \
		.value_name = "merge|strategic|json", .help = "how --overrides is meant", \
		.completion = KT_COMPLETE_WORDS, .words = kt_override_words \
	}
extern const char *const kt_override_words[];
/* "a=b,c=d", or run=NAME. New reference; NULL with err. */
json_t *kt_run_labels(const char *text, const char *name, struct kt_err *err);
/* Creates what --overrides makes of the object, which is taken over; done: "created". */
int kt_run_create(
        struct kt_command_context *ctx, const char *word, json_t *object, const char *done);

typedef int kt_create_fn(struct kt_command_context *ctx);
kt_create_fn kt_create_namespace, kt_create_serviceaccount, kt_create_deployment,
        kt_create_configmap, kt_create_secret, kt_create_secret_tls, kt_create_secret_docker;
kt_create_fn kt_create_role, kt_create_clusterrole, kt_create_rolebinding,
        kt_create_clusterrolebinding, kt_create_quota, kt_create_poddisruptionbudget,
        kt_create_priorityclass, kt_create_token;
kt_create_fn kt_create_service, kt_create_service_clusterip, kt_create_service_nodeport,
        kt_create_service_loadbalancer, kt_create_service_externalname, kt_create_ingress,
        kt_create_cronjob, kt_create_job;

#endif
