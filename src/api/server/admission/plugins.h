/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every admission plugin, by its file. */
#ifndef KT_API_SERVER_ADMISSION_PLUGINS_H
#define KT_API_SERVER_ADMISSION_PLUGINS_H

#include "api/server/admission/admission.h"

extern const struct kt_admission_plugin kt_admission_namespace_lifecycle;
extern const struct kt_admission_plugin kt_admission_limit_ranger;
extern const struct kt_admission_plugin kt_admission_service_account;
extern const struct kt_admission_plugin kt_admission_node_restriction;
extern const struct kt_admission_plugin kt_admission_taint_nodes_by_condition;
extern const struct kt_admission_plugin kt_admission_pod_security;
extern const struct kt_admission_plugin kt_admission_priority;
extern const struct kt_admission_plugin kt_admission_default_toleration_seconds;
extern const struct kt_admission_plugin kt_admission_default_storage_class;
extern const struct kt_admission_plugin kt_admission_storage_object_in_use_protection;
extern const struct kt_admission_plugin kt_admission_persistent_volume_claim_resize;
extern const struct kt_admission_plugin kt_admission_runtime_class;
extern const struct kt_admission_plugin kt_admission_certificate_approval;
extern const struct kt_admission_plugin kt_admission_certificate_signing;
extern const struct kt_admission_plugin kt_admission_certificate_subject_restriction;
extern const struct kt_admission_plugin kt_admission_default_ingress_class;
extern const struct kt_admission_plugin kt_admission_resource_quota;

#endif
