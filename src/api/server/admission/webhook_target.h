/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where a webhook is. clientConfig.url is what it says. clientConfig.service is the name
 * NAME.NAMESPACE.svc, which the certificate has to be for, at one of the ready endpoints of the
 * service, drawn by lot: this process is on no pod network, so cluster IPs lead nowhere, while
 * endpoints that are real addresses do. Pods of simulated nodes listen on nothing: they are
 * answered with "no route to host" at once instead of a wait.
 */
#ifndef KT_API_SERVER_ADMISSION_WEBHOOK_TARGET_H
#define KT_API_SERVER_ADMISSION_WEBHOOK_TARGET_H

#include "api/server/admission/webhook_set.h"

struct kt_webhook_target {
	char *url;        /* with ?timeout= */
	char *connect_to; /* "10.0.0.1:9443"; NULL: as the URL says */
};
void kt_webhook_target_finish(struct kt_webhook_target *target);

/* The error follows `failed to call webhook: `. */
int kt_webhook_target_find(const struct kt_webhook *hook, const struct kt_admission_context *a,
        struct kt_webhook_target *ret_target, struct kt_err *err);

#endif
