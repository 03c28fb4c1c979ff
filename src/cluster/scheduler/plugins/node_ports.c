/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NodePorts: two pods of a node may not ask for the same host port. */
#include "cluster/scheduler/plugin.h"

static bool is_any(struct kt_sv ip)
{
	return !ip.len || kt_sv_is(ip, "0.0.0.0");
}

static bool conflict(const struct kt_host_port *a, const struct kt_host_port *b)
{
	return a->port == b->port && kt_sv_eq(a->protocol, b->protocol) &&
	       (is_any(a->ip) || is_any(b->ip) || kt_sv_eq(a->ip, b->ip));
}

static enum kt_plugin_code pre_filter(
        struct kt_cycle *cycle, void **state, struct kt_reasons *reasons)
{
	(void)state;
	(void)reasons;
	return cycle->pod->host_ports.n ? KT_PLUGIN_OK : KT_PLUGIN_SKIP;
}

static bool pod_conflicts(const struct kt_pod_info *pod, const struct kt_pod_info *other)
{
	for (size_t i = 0; i < pod->host_ports.n; i++)
		for (size_t j = 0; j < other->host_ports.n; j++)
			if (conflict(&pod->host_ports.items[i], &other->host_ports.items[j]))
				return true;
	return false;
}

static enum kt_plugin_code filter(struct kt_cycle *cycle, void *state,
        const struct kt_node_info *node, struct kt_reasons *reasons)
{
	(void)state;
	for (size_t i = 0; i < node->pods.n; i++) {
		if (!pod_conflicts(cycle->pod, node->pods.items[i]))
			continue;
		kt_vec_push(&reasons->texts,
		        "node(s) didn't have free ports for the requested pod ports");
		return KT_PLUGIN_UNSCHEDULABLE;
	}
	return KT_PLUGIN_OK;
}

const struct kt_plugin kt_plugin_node_ports = {
        .name = "NodePorts",
        .wakes = KT_EVENT_NODE_ADDED | KT_EVENT_POD_REMOVED,
        .pre_filter = pre_filter,
        .filter = filter,
};
