/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Pod Security Standards: what a pod may not do at a level. Source: the Kubernetes
 * documentation of the same name. */
#ifndef KT_API_SERVER_ADMISSION_POD_SECURITY_H
#define KT_API_SERVER_ADMISSION_POD_SECURITY_H

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

enum kt_pod_level { KT_POD_PRIVILEGED, KT_POD_BASELINE, KT_POD_RESTRICTED };

/* Appends the findings of a pod spec to `reasons` ("host namespaces, privileged") and, with what
 * exactly, to `details`. True when the pod is fine. minor: of the standard's version, INT_MAX for
 * latest. */
bool kt_pod_security_check(enum kt_pod_level level, int minor, const json_t *meta,
        const json_t *spec, struct kt_str *reasons, struct kt_str *details);

#endif
