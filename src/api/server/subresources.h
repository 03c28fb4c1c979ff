/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sub-resources and virtual resources that are more than a view of their object: scale, binding,
 * eviction, token, log, reviews. status, approval, finalize, resize and ephemeralcontainers
 * exchange the object itself and take the common operations; the rules (rules/) see the
 * sub-resource's name.
 */
#ifndef KT_API_SERVER_SUBRESOURCES_H
#define KT_API_SERVER_SUBRESOURCES_H

#include "api/server/pipeline.h"

/* What kt_subresource_operation() may add to the offers of accept.h. */
#define KT_OFFER_TEXT (1u << 16) /* the answer is no object: no negotiation */
#define KT_OFFER_REST (1u << 17) /* the path may go on behind the sub-resource */

/* The Scale of an object (a new tree), and its replicas put into the object. */
json_t *kt_scale_of(const struct kt_request_state *state, const json_t *object);
void kt_scale_take(const struct kt_request_state *state, json_t *object, const json_t *scale);
const struct kt_type *kt_scale_type(void);

/* NULL: the common operation of the verb. */
const struct kt_operation *kt_subresource_operation(const struct kt_kind *kind,
        const struct kt_subresource *subresource, uint16_t verb, unsigned *ret_offers);
const struct kt_operation *kt_virtual_operation(const struct kt_kind *kind, uint16_t verb);

extern const struct kt_operation kt_operation_scale_get;
extern const struct kt_operation kt_operation_scale_update;
extern const struct kt_operation kt_operation_scale_patch;
extern const struct kt_operation kt_operation_binding;
extern const struct kt_operation kt_operation_eviction;
extern const struct kt_operation kt_operation_token;
extern const struct kt_operation kt_operation_log;
extern const struct kt_operation kt_operation_connect;
extern const struct kt_operation kt_operation_review;
extern const struct kt_operation kt_operation_component_statuses;
extern const struct kt_operation kt_operation_node_metrics;
extern const struct kt_operation kt_operation_pod_metrics;

#endif
