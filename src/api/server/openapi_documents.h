/* SPDX-License-Identifier: GPL-3.0-or-later */
/* /openapi/v2 and /openapi/v3, made on first demand and kept until the set of definitions changes.
 */
#ifndef KT_API_SERVER_OPENAPI_DOCUMENTS_H
#define KT_API_SERVER_OPENAPI_DOCUMENTS_H

#include "api/server/pipeline.h"

struct kt_openapi_cache;

struct kt_openapi_cache *kt_openapi_cache_create(void);
void kt_openapi_cache_destroy(struct kt_openapi_cache *cache);
int kt_openapi_write_v2(struct kt_request *request);
int kt_openapi_write_v3(struct kt_request *request);

#endif
