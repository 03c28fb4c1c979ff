/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/rules/table.h"

#include "base/mem.h"

/* Sorted by group, then kind. */
#define ALL_RULES(X) \
	X(core_config_map) \
	X(core_endpoints) \
	X(core_event) \
	X(core_limit_range) \
	X(core_namespace) \
	X(core_node) \
	X(core_persistent_volume) \
	X(core_persistent_volume_claim) \
	X(core_pod) \
	X(core_pod_template) \
	X(core_replication_controller) \
	X(core_resource_quota) \
	X(core_secret) \
	X(core_service) \
	X(core_service_account) \
	X(admission_mutating_webhooks) \
	X(admission_policy) \
	X(admission_policy_binding) \
	X(admission_validating_webhooks) \
	X(apiextensions_definition) \
	X(apiregistration_api_service) \
	X(apps_controller_revision) \
	X(apps_daemon_set) \
	X(apps_deployment) \
	X(apps_replica_set) \
	X(apps_stateful_set) \
	X(autoscaling_horizontal_pod_autoscaler) \
	X(batch_cron_job) \
	X(batch_job) \
	X(certificates_signing_request) \
	X(coordination_lease) \
	X(discovery_endpoint_slice) \
	X(events_event) \
	X(flowcontrol_flow_schema) \
	X(flowcontrol_priority_level) \
	X(networking_ip_address) \
	X(networking_ingress) \
	X(networking_ingress_class) \
	X(networking_network_policy) \
	X(networking_service_cidr) \
	X(node_runtime_class) \
	X(policy_pod_disruption_budget) \
	X(rbac_cluster_role) \
	X(rbac_cluster_role_binding) \
	X(rbac_role) \
	X(rbac_role_binding) \
	X(resource_device_class) \
	X(resource_claim) \
	X(resource_claim_template) \
	X(resource_slice) \
	X(scheduling_priority_class) \
	X(storage_csi_driver) \
	X(storage_csi_node) \
	X(storage_capacity) \
	X(storage_storage_class) \
	X(storage_volume_attachment) \
	X(storage_volume_attributes_class)

#define DECLARE(name) extern const struct kt_rules kt_rules_##name;
#define ENTRY(name) &kt_rules_##name,

ALL_RULES(DECLARE)

const struct kt_rules *const kt_rules_table[] = {ALL_RULES(ENTRY)};
const size_t kt_rules_table_n = KT_ARRAY_SIZE(kt_rules_table);
