/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/admission/plugins.h"

/* One order serves both rounds: it is the mutating order of upstream with the validating-only
 * plugins in their places. */
const struct kt_admission_plugin *const kt_admission_plugins[] = {
        &kt_admission_namespace_lifecycle,
        &kt_admission_limit_ranger,
        &kt_admission_service_account,
        &kt_admission_node_restriction,
        &kt_admission_taint_nodes_by_condition,
        &kt_admission_pod_security,
        &kt_admission_priority,
        &kt_admission_default_toleration_seconds,
        &kt_admission_default_storage_class,
        &kt_admission_storage_object_in_use_protection,
        &kt_admission_persistent_volume_claim_resize,
        &kt_admission_runtime_class,
        &kt_admission_certificate_approval,
        &kt_admission_certificate_signing,
        &kt_admission_certificate_subject_restriction,
        &kt_admission_default_ingress_class,
        &kt_admission_mutating_webhook,
        &kt_admission_validating_policy,
        &kt_admission_validating_webhook,
        &kt_admission_resource_quota,
        NULL,
};
