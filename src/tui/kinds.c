/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/kinds.h"

/* clang-format off: one kind, one line or two */
const struct kt_ui_kind kt_ui_kinds[] = {
        {"nodes", "", KT_ENTER_ON_NODE, "pods", KT_XRAY_BY_NODE, "pods", .pulse = true,
                .usage = true},
        {"namespaces", "", KT_ENTER_INSIDE, "pods", .pulse = true},
        {"pods", "", KT_ENTER_CONTAINERS, NULL, KT_XRAY_BY_OWNER, "", .pulse = true, .usage = true},
        {"deployments", "apps", KT_ENTER_SELECTED, "pods", KT_XRAY_BY_OWNER, "replicasets pods",
                .pulse = true},
        {"statefulsets", "apps", KT_ENTER_SELECTED, "pods", KT_XRAY_BY_OWNER, "pods",
                .pulse = true},
        {"daemonsets", "apps", KT_ENTER_SELECTED, "pods", KT_XRAY_BY_OWNER, "pods", .pulse = true},
        {"replicasets", "apps", KT_ENTER_SELECTED, "pods", KT_XRAY_BY_OWNER, "pods", .pulse = true},
        {"jobs", "batch", KT_ENTER_SELECTED, "pods", KT_XRAY_BY_OWNER, "pods", .pulse = true},
        {"cronjobs", "batch", KT_ENTER_OWNED, "jobs", KT_XRAY_BY_OWNER, "jobs pods", .pulse = true},
        {"services", "", KT_ENTER_SELECTED, "pods", KT_XRAY_BY_SELECTOR, "pods", .pulse = true},
        {"persistentvolumes", "", .pulse = true},
        {"persistentvolumeclaims", "", .pulse = true},
        {"horizontalpodautoscalers", "autoscaling", .pulse = true},
        {"events", "", .pulse = true},
        {"replicationcontrollers", "", KT_ENTER_SELECTED, "pods", KT_XRAY_BY_OWNER, "pods",
                .pulse = false},
        {"customresourcedefinitions", "apiextensions.k8s.io", KT_ENTER_DEFINED, .pulse = false},
        {.plural = NULL},
};
/* clang-format on */

const struct kt_ui_kind *kt_ui_kind_of(const struct kt_resource *resource)
{
	for (const struct kt_ui_kind *kind = kt_ui_kinds; kind->plural; kind++)
		if (!strcmp(kind->plural, resource->plural) &&
		        !strcmp(kind->group, resource->group))
			return kind;
	return NULL;
}
