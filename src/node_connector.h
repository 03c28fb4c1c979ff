/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ties the API server's node connector to the simulated nodes: logs and usage. Any thread may ask;
 * attach and detach on the nodes' thread. */
#ifndef KT_NODE_CONNECTOR_H
#define KT_NODE_CONNECTOR_H

#include "api/server/server.h"
#include "runtime/simulated/simulated.h"

void kt_node_connector_init(struct kt_node_connector *connector);
void kt_node_connector_attach(struct kt_node_connector *connector, struct kt_simulated *simulated);
/* Afterwards every question is answered with -ENOENT. */
void kt_node_connector_detach(struct kt_node_connector *connector);
void kt_node_connector_finish(struct kt_node_connector *connector);

#endif
