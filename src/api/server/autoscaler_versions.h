/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * HorizontalPodAutoscalers of autoscaling/v1 and v2. Version 1 knows one target, the use of the
 * processor; what else there is travels in annotations: metrics in version 1's own flat shape,
 * conditions, and the behavior as upstream's unversioned struct. Trees are converted in place.
 * Source: Kubernetes' documentation of the two APIs.
 */
#ifndef KT_API_SERVER_AUTOSCALER_VERSIONS_H
#define KT_API_SERVER_AUTOSCALER_VERSIONS_H

#include "base/json.h"

void kt_autoscaler_v1_to_v2(json_t *tree);
void kt_autoscaler_v2_to_v1(json_t *tree);

#endif
