/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one list of admission plugins. */
#ifndef KT_API_SERVER_ADMISSION_PLUGINS_H
#define KT_API_SERVER_ADMISSION_PLUGINS_H

#include "api/server/admission/admission.h"

/* One order serves both rounds: it is the mutating order of upstream with the validating-only
 * plugins in their places. */
#define KT_ADMISSION_PLUGINS(X) \
	X(namespace_lifecycle) \
	X(limit_ranger) \
	X(service_account) \
	X(node_restriction) \
	X(taint_nodes_by_condition) \
	X(pod_security) \
	X(priority) \
	X(default_toleration_seconds) \
	X(default_storage_class) \
	X(storage_object_in_use_protection) \
	X(persistent_volume_claim_resize) \
	X(runtime_class) \
	X(certificate_approval) \
	X(certificate_signing) \
	X(certificate_subject_restriction) \
	X(default_ingress_class) \
	X(mutating_webhook) \
	X(validating_policy) \
	X(validating_webhook) \
	X(resource_quota)

#define KT_DECLARE(name) extern const struct kt_admission_plugin kt_admission_##name;
KT_ADMISSION_PLUGINS(KT_DECLARE)
#undef KT_DECLARE

#endif
