/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The API server: kinds, storage, authentication, authorization, admission and the pipeline, wired
 * together. It has no thread and no socket of its own: http/http_server.h and inprocess.h bring
 * requests; both may do so from several threads.
 */
#ifndef KT_API_SERVER_SERVER_H
#define KT_API_SERVER_SERVER_H

#include "api/client/client.h"
#include "api/server/request.h"
#include "api/storage/storage.h"
#include "base/err.h"
#include "base/loop.h"

struct kt_server;

/* How logs, exec and the like reach a node's kubelet; runtime/ implements it, main.c wires it. */
struct kt_node_connector {
	/* GET …/pods/NAME/log. options: container, follow, previous, sinceSeconds, sinceTime,
	 * timestamps, tailLines, limitBytes as query text. The stream yields plain text. Any
	 * thread. */
	int (*logs)(void *arg, const char *node, const char *namespace, const char *pod,
	        const char *query, struct kt_stream **ret_stream, struct kt_err *err);
	/* Usage of a node or of all pods of it as metrics.k8s.io objects; a new tree. */
	json_t *(*node_metrics)(void *arg, const char *node, struct kt_err *err);
	json_t *(*pod_metrics)(
	        void *arg, const char *namespace, const char *pod, struct kt_err *err);
	void *arg;
};

struct kt_server_options {
	struct kt_storage *storage; /* owned by the caller, outlives the server */
	struct kt_loop *loop; /* for timers (bookmarks, expiry) and watches of its own (CRDs, RBAC);
	                         a thread runs it */
	const char *data_dir; /* certificates and keys; NULL: in memory only */
	const char *advertise_address;        /* one more address in the server's certificate */
	int secure_port;                      /* when it is known already; kt_server_advertise() */
	const char *service_cluster_ip_range; /* NULL: 10.96.0.0/16 */
	const char *service_node_port_range;  /* NULL: 30000-32767 */
	const char *service_account_issuer;   /* NULL: https://kubernetes.default.svc */
	const char *token_auth_file;          /* CSV token,user,uid,"group1,group2"; NULL: none */
	const char *enable_admission_plugins, *disable_admission_plugins;
	const char *audit_policy_file, *audit_log_path;
	bool anonymous_auth;                   /* true by default in main */
	const struct kt_node_connector *nodes; /* may be NULL */
	const struct kt_pki *pki;              /* outlives the server; NULL: opened in data_dir */
};

int kt_server_create(
        const struct kt_server_options *options, struct kt_server **ret_server, struct kt_err *err);
/* Writes what an empty cluster holds (namespaces, bootstrap roles, priority classes, service
 * kubernetes, …) where it is missing. Blocks on `loop` until stored; call before serving. */
int kt_server_bootstrap(struct kt_server *server, struct kt_err *err);
/* Tells the cluster where the server is reached: Endpoints and EndpointSlice of Service kubernetes,
 * and its target port. Called on `loop` by whoever listens, once the port is known; the write is on
 * its way when this returns. Without it, as in a cluster that only its own process reaches, there
 * are none. */
void kt_server_advertise(struct kt_server *server, const char *address, int port);
void kt_server_destroy(struct kt_server *server);

/* A client that enters the pipeline directly as user; see api/client/client.h. */
struct kt_client *kt_inprocess_client_create(
        struct kt_server *server, struct kt_user *user, const char *user_agent);

#endif
