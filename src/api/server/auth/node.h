/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The Node authorizer: a node (user system:node:NAME of system:nodes) may do what a kubelet does,
 * reading only its own Node, the pods bound to it and what those pods name: Secrets, ConfigMaps,
 * claims, their volumes and service accounts' tokens. What the pods name is looked up in storage at
 * each such request; kubelets make few of them. Any thread.
 */
#ifndef KT_API_SERVER_AUTH_NODE_H
#define KT_API_SERVER_AUTH_NODE_H

#include "api/server/auth/authorize.h"

/* NULL when user is no node. Points into user. */
const char *kt_node_of_user(const struct kt_user *user);
/* *ret_reason as kt_authorize(); only for users that are nodes. */
bool kt_node_authorize(struct kt_storage *storage, const char *node,
        const struct kt_attributes *attributes, char **ret_reason);

#endif
