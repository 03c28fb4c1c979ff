/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every controller's entry; controllers.c lists them. */
#ifndef KT_CLUSTER_CONTROLLERS_TABLE_H
#define KT_CLUSTER_CONTROLLERS_TABLE_H

#include "cluster/controllers/reconciler.h"

extern const struct kt_controller kt_controller_service_account;
extern const struct kt_controller kt_controller_root_ca;
extern const struct kt_controller kt_controller_replica_set;
extern const struct kt_controller kt_controller_replication_controller;
extern const struct kt_controller kt_controller_deployment;
extern const struct kt_controller kt_controller_endpoint_slice;
extern const struct kt_controller kt_controller_endpoints;
extern const struct kt_controller kt_controller_stateful_set;
extern const struct kt_controller kt_controller_daemon_set;
extern const struct kt_controller kt_controller_job;
extern const struct kt_controller kt_controller_cron_job;
extern const struct kt_controller kt_controller_ttl_after_finished;
extern const struct kt_controller kt_controller_node_lifecycle;
extern const struct kt_controller kt_controller_taint_eviction;
extern const struct kt_controller kt_controller_pod_gc;
extern const struct kt_controller kt_controller_resource_quota;
extern const struct kt_controller kt_controller_disruption;
extern const struct kt_controller kt_controller_cluster_role_aggregation;
extern const struct kt_controller kt_controller_storage_protection;
extern const struct kt_controller kt_controller_persistent_volume;
extern const struct kt_controller kt_controller_horizontal_pod_autoscaler;
extern const struct kt_controller kt_controller_service_account_token;
extern const struct kt_controller kt_controller_ephemeral_volume;
extern const struct kt_controller kt_controller_endpoint_slice_mirroring;
extern const struct kt_controller kt_controller_certificate_signing;
extern const struct kt_controller kt_controller_namespace;
extern const struct kt_controller kt_controller_garbage_collector;

#endif
