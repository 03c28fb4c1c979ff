/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list of commands and the options all of them take: the only one. */
#include "tui/command/command.h"

#include <stddef.h>

#define COMMANDS(X) \
	X(annotate) \
	X(api_resources) \
	X(api_versions) \
	X(apply) \
	X(attach) \
	X(auth) \
	X(autoscale) \
	X(certificate) \
	X(cluster_info) \
	X(codec) \
	X(completion) \
	X(config) \
	X(cordon) \
	X(cp) \
	X(create) \
	X(debug) \
	X(delete) \
	X(describe) \
	X(diff) \
	X(down) \
	X(drain) \
	X(edit) \
	X(events) \
	X(exec) \
	X(explain) \
	X(expose) \
	X(get) \
	X(help) \
	X(label) \
	X(list) \
	X(logs) \
	X(patch) \
	X(port_forward) \
	X(proxy) \
	X(replace) \
	X(rollout) \
	X(run_pod) \
	X(scale) \
	X(set) \
	X(snapshot) \
	X(taint) \
	X(top) \
	X(uncordon) \
	X(up) \
	X(version) \
	X(wait) \
	X(complete_line) \
	X(manual)

#define DECLARE(name) extern const struct kt_command kt_command_##name;
COMMANDS(DECLARE)

#define ENTRY(name) &kt_command_##name,
const struct kt_command *const kt_commands[] = {COMMANDS(ENTRY) NULL};

const struct kt_option kt_global_options[] = {
        {.name = "namespace",
                .letter = 'n',
                .type = KT_OPTION_STRING,
                .value_name = "NAMESPACE",
                .help = "the namespace of this command",
                .completion = KT_COMPLETE_NAMESPACE},
        {.name = "context",
                .type = KT_OPTION_STRING,
                .value_name = "CONTEXT",
                .help = "the kubeconfig context to use",
                .completion = KT_COMPLETE_CONTEXT},
        {.name = "cluster",
                .type = KT_OPTION_STRING,
                .value_name = "CLUSTER",
                .help = "the kubeconfig cluster to use"},
        {.name = "user",
                .type = KT_OPTION_STRING,
                .value_name = "USER",
                .help = "the kubeconfig user to use"},
        {.name = "kubeconfig",
                .type = KT_OPTION_STRING,
                .value_name = "FILE",
                .help = "the kubeconfig file to use",
                .completion = KT_COMPLETE_FILE},
        {.name = "server",
                .letter = 's',
                .type = KT_OPTION_STRING,
                .value_name = "URL",
                .help = "address of the API server"},
        {.name = "token", .type = KT_OPTION_STRING, .value_name = "TOKEN", .help = "bearer token"},
        {.name = "certificate-authority",
                .type = KT_OPTION_STRING,
                .value_name = "FILE",
                .help = "CA certificate of the server",
                .completion = KT_COMPLETE_FILE},
        {.name = "client-certificate",
                .type = KT_OPTION_STRING,
                .value_name = "FILE",
                .help = "client certificate",
                .completion = KT_COMPLETE_FILE},
        {.name = "client-key",
                .type = KT_OPTION_STRING,
                .value_name = "FILE",
                .help = "key of the client certificate",
                .completion = KT_COMPLETE_FILE},
        {.name = "insecure-skip-tls-verify",
                .type = KT_OPTION_BOOL,
                .help = "do not check the server's certificate"},
        {.name = "tls-server-name",
                .type = KT_OPTION_STRING,
                .value_name = "NAME",
                .help = "the name that must be in the server's certificate"},
        {.name = "username",
                .type = KT_OPTION_STRING,
                .value_name = "NAME",
                .help = "name for basic authentication"},
        {.name = "password",
                .type = KT_OPTION_STRING,
                .value_name = "PASSWORD",
                .help = "password for basic authentication"},
        {.name = "as", .type = KT_OPTION_STRING, .value_name = "USER", .help = "act as this user"},
        {.name = "as-group",
                .type = KT_OPTION_STRINGS,
                .value_name = "GROUP",
                .help = "act as a member of this group"},
        {.name = "as-uid",
                .type = KT_OPTION_STRING,
                .value_name = "UID",
                .help = "act as the user with this uid"},
        {.name = "as-user-extra",
                .type = KT_OPTION_STRINGS,
                .value_name = "KEY=VALUE",
                .help = "act as a user with this extra attribute"},
        {.name = "request-timeout",
                .type = KT_OPTION_STRING,
                .fallback = "0",
                .value_name = "TIME",
                .help = "give up on a request after this time; 0: never"},
        {.name = "warnings-as-errors",
                .type = KT_OPTION_BOOL,
                .help = "end with an error when the server warns"},
        {.name = "v",
                .letter = 'v',
                .type = KT_OPTION_INT,
                .fallback = "0",
                .value_name = "LEVEL",
                .help = "6 and more: show each request"},
        {.name = "cache-dir",
                .type = KT_OPTION_STRING,
                .value_name = "DIR",
                .help = "as kubectl has it; nothing is cached"},
        {.name = "disable-compression",
                .type = KT_OPTION_BOOL,
                .help = "as kubectl has it; nothing is compressed"},
        {.name = "help", .letter = 'h', .type = KT_OPTION_BOOL, .help = "help for the command"},
        {.name = NULL},
};
