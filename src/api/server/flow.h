/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Flow control: how many requests are worked on at once. Requests of the cluster's own components
 * and of system:masters are exempt, as in the priority level `exempt`; watches count only until
 * their stream begins. Above the limit: 429.
 */
#ifndef KT_API_SERVER_FLOW_H
#define KT_API_SERVER_FLOW_H

#include "api/server/pipeline.h"

/* kube-apiserver's --max-requests-inflight and --max-mutating-requests-inflight together */
#define KT_FLOW_REQUESTS_MAX 600

int kt_flow_enter(struct kt_request *request);
void kt_flow_leave(struct kt_request *request);

#endif
