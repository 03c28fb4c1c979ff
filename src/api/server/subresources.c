/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/subresources.h"

#define CONNECT_VERBS \
	(KT_VERB_GET | KT_VERB_CREATE | KT_VERB_UPDATE | KT_VERB_PATCH | KT_VERB_DELETE)

static const struct {
	const char *subresource;
	uint16_t verbs;
	const struct kt_operation *operation;
	unsigned offers;
} subresources[] = {
        {"attach", CONNECT_VERBS, &kt_operation_connect, KT_OFFER_TEXT},
        {"binding", KT_VERB_CREATE, &kt_operation_binding, 0},
        {"eviction", KT_VERB_CREATE, &kt_operation_eviction, 0},
        {"exec", CONNECT_VERBS, &kt_operation_connect, KT_OFFER_TEXT},
        {"log", KT_VERB_GET, &kt_operation_log, KT_OFFER_TEXT},
        {"portforward", CONNECT_VERBS, &kt_operation_connect, KT_OFFER_TEXT},
        {"proxy", CONNECT_VERBS, &kt_operation_connect, KT_OFFER_TEXT | KT_OFFER_REST},
        {"scale", KT_VERB_GET, &kt_operation_scale_get, 0},
        {"scale", KT_VERB_UPDATE, &kt_operation_scale_update, 0},
        {"scale", KT_VERB_PATCH, &kt_operation_scale_patch, 0},
        {"token", KT_VERB_CREATE, &kt_operation_token, 0},
};

const struct kt_operation *kt_subresource_operation(const struct kt_kind *kind,
        const struct kt_subresource *subresource, uint16_t verb, unsigned *ret_offers)
{
	(void)kind;
	for (size_t i = 0; i < KT_ARRAY_SIZE(subresources); i++)
		if (kt_streq(subresources[i].subresource, subresource->name) &&
		        (subresources[i].verbs & verb)) {
			*ret_offers = subresources[i].offers;
			return subresources[i].operation;
		}
	return NULL;
}

static const struct {
	const char *group, *plural; /* plural NULL: all of the group */
	uint16_t verbs;
	const struct kt_operation *operation;
} virtuals[] = {
        {"", "bindings", KT_VERB_CREATE, &kt_operation_binding},
        {"", "componentstatuses", KT_VERB_GET | KT_VERB_LIST, &kt_operation_component_statuses},
        {"authentication.k8s.io", NULL, KT_VERB_CREATE, &kt_operation_review},
        {"authorization.k8s.io", NULL, KT_VERB_CREATE, &kt_operation_review},
        {"metrics.k8s.io", "nodes", KT_VERB_GET | KT_VERB_LIST, &kt_operation_node_metrics},
        {"metrics.k8s.io", "pods", KT_VERB_GET | KT_VERB_LIST, &kt_operation_pod_metrics},
};

const struct kt_operation *kt_virtual_operation(const struct kt_kind *kind, uint16_t verb)
{
	for (size_t i = 0; i < KT_ARRAY_SIZE(virtuals); i++)
		if (kt_streq(virtuals[i].group, kind->group) &&
		        (!virtuals[i].plural || kt_streq(virtuals[i].plural, kind->plural)) &&
		        (virtuals[i].verbs & verb))
			return virtuals[i].operation;
	return NULL;
}
