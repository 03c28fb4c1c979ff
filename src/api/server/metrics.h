/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the server counts, and /metrics in Prometheus' text format. Counters are per verb and code
 * class; any thread. Names and meanings are kube-apiserver's, so that dashboards made for it show
 * something.
 */
#ifndef KT_API_SERVER_METRICS_H
#define KT_API_SERVER_METRICS_H

#include "api/server/pipeline.h"

struct kt_metrics;

struct kt_metrics *kt_metrics_create(void);
void kt_metrics_destroy(struct kt_metrics *metrics);
void kt_metrics_begin(struct kt_request *request);
void kt_metrics_request(struct kt_request *request);
/* Everything as text. */
void kt_metrics_write(struct kt_server *server, struct kt_str *out);

#endif
