/* SPDX-License-Identifier: GPL-3.0-or-later */
/* /livez, /readyz and /healthz, whole and check by check. */
#ifndef KT_API_SERVER_HEALTH_H
#define KT_API_SERVER_HEALTH_H

#include "api/server/pipeline.h"

int kt_health_write(struct kt_request *request);
/* The path of each check as a key of the set. */
void kt_health_paths(json_t *set);

#endif
