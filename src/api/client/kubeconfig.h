/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kubeconfig files: reading with kubectl's precedence (a file given, else every file of
 * $KUBECONFIG, else ~/.kube/config), and adding or removing one context without disturbing what
 * others wrote. Writers hold kubectl's FILE.lock. A loaded kubeconfig is one thread's.
 */
#ifndef KT_API_CLIENT_KUBECONFIG_H
#define KT_API_CLIENT_KUBECONFIG_H

#include "base/err.h"
#include "base/json.h"

struct kt_kubeconfig;

/* Everything needed to reach one server; heap strings, NULL where not set. Data fields win over
 * files and are decoded (PEM). */
struct kt_endpoint {
	char *context, *cluster, *user; /* names, for display */
	char *namespace;                /* of the context; NULL: "default" */
	char *server;                   /* "https://127.0.0.1:6443" */
	char *tls_server_name, *proxy_url;
	char *ca_pem, *client_cert_pem, *client_key_pem;
	char *token, *token_file, *username, *password;
	json_t *exec; /* credential plug-in: command, args, env, apiVersion */
	char *impersonate_user;
	char **impersonate_groups; /* NULL-terminated; may be NULL */
	char *impersonate_uid;
	char **impersonate_extra; /* "key=value" each, NULL-terminated; may be NULL */
	bool insecure;            /* insecure-skip-tls-verify */
};
void kt_endpoint_finish(struct kt_endpoint *endpoint);

/* path NULL: the default files; missing default files are an empty kubeconfig. */
int kt_kubeconfig_load(const char *path, struct kt_kubeconfig **ret_config, struct kt_err *err);
void kt_kubeconfig_destroy(struct kt_kubeconfig *config);
const char *kt_kubeconfig_current_context(const struct kt_kubeconfig *config); /* NULL: none */
/* The merged Config object (clusters, contexts, users, current-context); borrowed. */
const json_t *kt_kubeconfig_tree(const struct kt_kubeconfig *config);
/* context NULL: the current one. -ENOENT `context "x" does not exist`, or without any context
 * kubectl's words. */
int kt_kubeconfig_endpoint(const struct kt_kubeconfig *config, const char *context,
        struct kt_endpoint *ret_endpoint, struct kt_err *err);

/* The same with the cluster or the user of another context. */
struct kt_kubeconfig_choice {
	const char *context, *cluster, *user; /* NULL or "": of the context; the current one */
};
int kt_kubeconfig_endpoint_of(const struct kt_kubeconfig *config,
        const struct kt_kubeconfig_choice *choice, struct kt_endpoint *ret_endpoint,
        struct kt_err *err);

/* Writes context, cluster and user of the same name into the file (path NULL: the one kubectl would
 * write), makes it current and remembers nothing: the previous current context is returned for the
 * caller to keep (heap or NULL). */
int kt_kubeconfig_add(const char *path, const char *name, const struct kt_endpoint *endpoint,
        char **ret_previous, struct kt_err *err);
/* Removes the three entries; when name is current, `restore` becomes current if it exists (NULL:
 * unset). */
int kt_kubeconfig_remove(
        const char *path, const char *name, const char *restore, struct kt_err *err);
/* -ENOENT when there is none. */
int kt_kubeconfig_use_context(const char *path, const char *name, struct kt_err *err);

/* The same without a look whether there is such a context; "": none. */
int kt_kubeconfig_set_current(const char *path, const char *name, struct kt_err *err);

/* The file kubectl names in its messages: what is written when nothing is there yet. Heap. */
char *kt_kubeconfig_file(const char *path);
/* Sets the fields (an object of strings; "" takes one away) of a context, which is made when there
 * is none. */
int kt_kubeconfig_set_context(const char *path, const char *name, const json_t *fields,
        bool *ret_created, struct kt_err *err);
/* Changes one entry of "contexts", "clusters" or "users", which is made when there is none: fn gets
 * what it says ({server: …}) and returns 0, or a code with err, and nothing is written then. */
typedef int kt_kubeconfig_change_fn(json_t *value, void *arg, struct kt_err *err);
int kt_kubeconfig_change(const char *path, const char *list, const char *name,
        kt_kubeconfig_change_fn *fn, void *arg, struct kt_err *err);
/* Takes one entry out of "contexts", "clusters" or "users". -ENOENT without err's words. */
int kt_kubeconfig_delete(const char *path, const char *list, const char *name, struct kt_err *err);
/* Where it was the current context, the new name is. */
int kt_kubeconfig_rename_context(
        const char *path, const char *from, const char *to, struct kt_err *err);

#endif
