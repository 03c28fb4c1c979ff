/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every admission plugin, by its file. */
#ifndef KT_API_SERVER_ADMISSION_PLUGINS_H
#define KT_API_SERVER_ADMISSION_PLUGINS_H

#include "api/server/admission/admission.h"

extern const struct kt_admission_plugin kt_admission_namespace_lifecycle;
extern const struct kt_admission_plugin kt_admission_limit_ranger;
extern const struct kt_admission_plugin kt_admission_service_account;
extern const struct kt_admission_plugin kt_admission_taint_nodes_by_condition;
extern const struct kt_admission_plugin kt_admission_priority;
extern const struct kt_admission_plugin kt_admission_default_toleration_seconds;

#endif
