/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The audit log: one audit.k8s.io/v1 Event per line for requests that the policy file selects.
 * Bodies of Secrets, ConfigMaps and tokens are never written. Written by the request's thread under
 * a lock, one write(2) per event.
 */
#ifndef KT_API_SERVER_AUDIT_H
#define KT_API_SERVER_AUDIT_H

#include "api/server/pipeline.h"

struct kt_audit;

/* *ret_audit is NULL when no log path is given. */
int kt_audit_create(const char *policy_file, const char *log_path, struct kt_audit **ret_audit,
        struct kt_err *err);
void kt_audit_destroy(struct kt_audit *audit);
void kt_audit_request(struct kt_request *request);

#endif
