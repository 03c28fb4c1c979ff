/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * API Priority and Fairness: the stored FlowSchemas say which flow a request belongs to, the
 * PriorityLevelConfigurations how many of them are worked on at once and who waits (flow_seats.h).
 * Every answer names both in its headers. Above the limits, and after a quarter of the request
 * time-out in a queue: 429.
 *
 * Requests of the cluster's own components come from within and are exempt, as are those of the
 * level `exempt`; streams that last (exec, proxy, logs that follow) are not counted, watches only
 * until their stream begins. What is stored is followed on the server's loop: a change counts a
 * moment after it was stored. The two mandatory schemas and levels, `exempt` and `catch-all`, are
 * in force also while they are deleted.
 */
#ifndef KT_API_SERVER_FLOW_H
#define KT_API_SERVER_FLOW_H

#include "api/server/pipeline.h"

/* kube-apiserver's --max-requests-inflight and --max-mutating-requests-inflight together: the seats
 * that are shared among the levels */
#define KT_FLOW_REQUESTS_MAX 600
/* In a queue: a quarter of the request time-out. */
#define KT_FLOW_WAIT_MS (KT_REQUEST_TIMEOUT_MS / 4)

struct kt_flow;

int kt_flow_create(struct kt_server *server, struct kt_flow **ret_flow, struct kt_err *err);
void kt_flow_destroy(struct kt_flow *flow);
/* Takes in everything stored up to now; on the server's loop. */
int kt_flow_sync(struct kt_flow *flow, struct kt_err *err);

int kt_flow_enter(struct kt_request *request);
void kt_flow_leave(struct kt_request *request);
/* The client went away: a waiting request ends soon with done(). On the request's loop. */
void kt_flow_abort(struct kt_request *request);
void kt_flow_metrics(struct kt_flow *flow, struct kt_str *out);

#endif
