/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an object counts for against a ResourceQuota. */
#ifndef KT_API_SERVER_ADMISSION_RESOURCE_QUOTA_USAGE_H
#define KT_API_SERVER_ADMISSION_RESOURCE_QUOTA_USAGE_H

#include "api/server/admission/admission.h"

/* {resource: quantity} of one object; a new tree, NULL when it counts for nothing. */
json_t *kt_quota_usage(struct kt_rule_context *c, const struct kt_kind *kind, const json_t *object);
/* Is the object within the quota's scopes? */
bool kt_quota_matches(const json_t *quota, const struct kt_kind *kind, const json_t *object);
/* "must specify limits.memory for: a; requests.cpu for: a", or NULL: what the quota limits, every
 * container must state. Arena. */
const char *kt_quota_missing(struct kt_rule_context *c, const json_t *hard,
        const struct kt_kind *kind, const json_t *object);

#endif
