/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one list of controllers. */
#ifndef KT_CLUSTER_CONTROLLERS_TABLE_H
#define KT_CLUSTER_CONTROLLERS_TABLE_H

#include "cluster/controllers/reconciler.h"

/* Created in this order, destroyed in the opposite one. */
#define KT_CONTROLLERS(X) \
	X(service_account) \
	X(root_ca) \
	X(replica_set) \
	X(replication_controller) \
	X(deployment) \
	X(endpoint_slice) \
	X(endpoints) \
	X(stateful_set) \
	X(daemon_set) \
	X(job) \
	X(cron_job) \
	X(ttl_after_finished) \
	X(node_lifecycle) \
	X(taint_eviction) \
	X(pod_gc) \
	X(resource_quota) \
	X(disruption) \
	X(cluster_role_aggregation) \
	X(admission_policy_status) \
	X(storage_protection) \
	X(persistent_volume) \
	X(horizontal_pod_autoscaler) \
	X(service_account_token) \
	X(ephemeral_volume) \
	X(endpoint_slice_mirroring) \
	X(certificate_approval) \
	X(certificate_signing) \
	X(namespace) \
	X(garbage_collector)

#define KT_DECLARE(name) extern const struct kt_controller kt_controller_##name;
KT_CONTROLLERS(KT_DECLARE)
#undef KT_DECLARE

#endif
