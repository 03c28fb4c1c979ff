/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which kind has a description of its own. */
#include "tui/command/describe.h"

static const struct {
	const char *group, *kind;
	kt_describe_fn *fn;
} KINDS[] = {
        {"", "Pod", kt_describe_pod},
        {"", "ReplicationController", kt_describe_replicaset},
        {"", "Service", kt_describe_service},
        {"", "Endpoints", kt_describe_endpoints},
        {"", "Node", kt_describe_node},
        {"", "Namespace", kt_describe_namespace},
        {"", "ConfigMap", kt_describe_configmap},
        {"", "Secret", kt_describe_secret},
        {"", "ServiceAccount", kt_describe_serviceaccount},
        {"", "ResourceQuota", kt_describe_quota},
        {"", "LimitRange", kt_describe_limits},
        {"", "PersistentVolumeClaim", kt_describe_pvc},
        {"", "PersistentVolume", kt_describe_pv},
        {"apps", "Deployment", kt_describe_deployment},
        {"apps", "ReplicaSet", kt_describe_replicaset},
        {"apps", "StatefulSet", kt_describe_statefulset},
        {"apps", "DaemonSet", kt_describe_daemonset},
        {"batch", "Job", kt_describe_job},
        {"batch", "CronJob", kt_describe_cronjob},
        {"autoscaling", "HorizontalPodAutoscaler", kt_describe_hpa},
        {"policy", "PodDisruptionBudget", kt_describe_pdb},
        {"scheduling.k8s.io", "PriorityClass", kt_describe_priorityclass},
        {"networking.k8s.io", "Ingress", kt_describe_ingress},
        {"networking.k8s.io", "IngressClass", kt_describe_ingressclass},
        {"networking.k8s.io", "NetworkPolicy", kt_describe_networkpolicy},
        {"discovery.k8s.io", "EndpointSlice", kt_describe_endpointslice},
        {"storage.k8s.io", "StorageClass", kt_describe_storageclass},
        {"rbac.authorization.k8s.io", "Role", kt_describe_role},
        {"rbac.authorization.k8s.io", "ClusterRole", kt_describe_role},
        {"rbac.authorization.k8s.io", "RoleBinding", kt_describe_binding},
        {"rbac.authorization.k8s.io", "ClusterRoleBinding", kt_describe_binding},
};

kt_describe_fn *kt_describe_fn_of(const char *group, const char *kind)
{
	for (size_t i = 0; i < KT_ARRAY_SIZE(KINDS); i++)
		if (kt_streq(KINDS[i].group, group) && kt_streq(KINDS[i].kind, kind))
			return KINDS[i].fn;
	return NULL;
}
