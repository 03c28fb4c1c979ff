/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Deletion: options, preconditions, grace, finalizers; shared by delete, deletecollection (which
 * deletes one by one) and eviction. Source: the garbage collection and finalizers pages of the
 * Kubernetes documentation.
 */
#ifndef KT_API_SERVER_DELETE_H
#define KT_API_SERVER_DELETE_H

#include "api/server/pipeline.h"

/* Decodes DeleteOptions from the body, or else from the query, into state->body; sets dry_run. */
int kt_delete_decode(struct kt_request *request);
/* With state->current and old loaded: what becomes of the object. Adds the operation. */
int kt_delete_plan(struct kt_request *request);
/* True when an object that is being deleted has to stay for now though it has no finalizers in its
 * metadata: a namespace. */
bool kt_delete_is_deferred(const struct kt_kind *kind, json_t *object);

#endif
