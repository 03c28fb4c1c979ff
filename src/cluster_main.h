/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A whole cluster in this process: store, API server, HTTPS, scheduler, controllers and simulated
 * nodes, each group on a loop and thread of its own. The background process of `up` and the
 * terminal UI's embedded mode both start it from here.
 *
 * create starts everything and returns when the API answers; wait_ready when the nodes are Ready.
 * All functions on one thread. Where a cluster lives on disk, who runs it and its kubeconfig
 * context: cluster_state.h.
 */
#ifndef KT_CLUSTER_MAIN_H
#define KT_CLUSTER_MAIN_H

#include "api/client/client.h"
#include "base/err.h"

enum kt_component {
	KT_COMPONENT_API = 1 << 0, /* always there */
	KT_COMPONENT_SCHEDULER = 1 << 1,
	KT_COMPONENT_CONTROLLERS = 1 << 2,
	KT_COMPONENT_NODES = 1 << 3,
};
#define KT_COMPONENTS_ALL \
	(KT_COMPONENT_API | KT_COMPONENT_SCHEDULER | KT_COMPONENT_CONTROLLERS | KT_COMPONENT_NODES)

/* "api,scheduler": -EINVAL names the word that is none. */
int kt_components_parse(const char *list, unsigned *ret_components, struct kt_err *err);

struct kt_cluster_options {
	const char *name;     /* "dev" */
	const char *data_dir; /* created; holds the store and the keys. NULL: everything in memory,
	                         nothing on disk */
	unsigned components;  /* enum kt_component; 0: all */
	int nodes;            /* simulated */
	int port;             /* 0: any */
	bool port_is_wish;    /* taken: another */
	const char *token_auth_file, *service_cluster_ip_range, *service_node_port_range;
	const char *enable_admission_plugins, *disable_admission_plugins;
	const char *audit_policy_file, *audit_log_path;
};

struct kt_cluster;

int kt_cluster_create(const struct kt_cluster_options *options, struct kt_cluster **ret_cluster,
        struct kt_err *err);
/* Blocks until all nodes are Ready, or for timeout_ms (-ETIMEDOUT). At once without nodes. */
int kt_cluster_wait_ready(struct kt_cluster *cluster, int timeout_ms, struct kt_err *err);
int kt_cluster_port(const struct kt_cluster *cluster);
int kt_cluster_nodes(const struct kt_cluster *cluster);
/* "https://127.0.0.1:PORT" */
const char *kt_cluster_url(const struct kt_cluster *cluster);
/* How clients reach it as administrator, PEM texts included; borrowed. */
struct kt_endpoint;
const struct kt_endpoint *kt_cluster_endpoint(const struct kt_cluster *cluster);
/* In-process, as administrator; the caller destroys it before the cluster. user_agent:
 * "kube-tui/0.1.0 …". */
struct kt_client *kt_cluster_client(struct kt_cluster *cluster, const char *user_agent);
/* Ends connections, stops every part in order and waits for its threads. */
void kt_cluster_destroy(struct kt_cluster *cluster);

#endif
