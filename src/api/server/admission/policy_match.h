/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Does a write fall under a policy's matchResources (resource rules and selectors)? Used by
 * admission policies; webhooks share the rules. */
#ifndef KT_API_SERVER_ADMISSION_POLICY_MATCH_H
#define KT_API_SERVER_ADMISSION_POLICY_MATCH_H

#include "api/server/admission/admission.h"

struct kt_policy_subject {
	struct kt_admission_context *a;
	const json_t *object, *old; /* either may be NULL */
	json_t *namespace_object;   /* of the object's namespace; NULL for cluster-scoped ones;
	                               borrowed */
};

/* Does one of the rules (operations, apiGroups, apiVersions, resources, scope, resourceNames) mean
 * this write, if its resource were `kind`? */
bool kt_policy_any_rule(
        const struct kt_admission_context *a, const struct kt_kind *kind, const json_t *rules);
bool kt_policy_rule_matches(
        const struct kt_admission_context *a, const struct kt_kind *kind, const json_t *rule);

/* match may be NULL: everything. Its resourceRules absent: no restriction by resource. */
bool kt_policy_matches(const struct kt_policy_subject *subject, const json_t *match);
const char *kt_policy_operation(const struct kt_admission_context *a); /* "CREATE", … */

#endif
