/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Field management: who owns which field (metadata.managedFields, FieldsV1) and server-side apply
 * as a structured merge driven by the type tables. Source: KEP-555, the structured-merge-diff
 * specification.
 *
 * kt_managed_update() belongs after decoding and defaulting and before mutating admission and the
 * kind's own rules: what those fill in belongs to nobody, as with the real server. A PUT or PATCH
 * that sets managedFields to [{}] resets it; an object without managedFields is not tracked again
 * before somebody applies to it ("before-first-apply" then owns what was there). Nobody owns
 * apiVersion, kind,
 * metadata.{name,namespace,uid,resourceVersion,generation,creationTimestamp,managedFields,…}, nor
 * status in the main resource, nor spec in the status sub-resource.
 *
 * Trees are not changed unless said. All functions are pure; any thread. A fieldsV1 tree shares one
 * object among its leaves: do not change it in place.
 */
#ifndef KT_API_MACHINERY_MANAGED_H
#define KT_API_MACHINERY_MANAGED_H

#include "api/schema/schema.h"
#include "base/err.h"
#include "base/json.h"

struct kt_apply {
	const struct kt_type *type;
	const struct kt_kind *kind; /* says whether status is written on its own; NULL: built-in
	                               types with a status do */
	const char *api_version;    /* of the request: "apps/v1" */
	const char *subresource;    /* NULL or "status" … */
	const char *manager;
	bool force;
	int64_t now_ns; /* Unix time for managedFields entries; 0: entries get none, as those of
	                   /scale do */
};

/* Server-side apply of `config` onto `live` (NULL: create). Returns the merged object with
 * managedFields updated. A conflict is 409 with one FieldManagerConflict cause per field; other
 * refusals as upstream (unknown fields, wrong types, duplicate keys are 500). */
json_t *kt_apply_merge(
        const struct kt_apply *apply, const json_t *live, const json_t *config, struct kt_err *err);

/* After a create, update or patch by apply->manager: gives the changed fields of `object` to it and
 * takes them from others. Changes metadata.managedFields of object. old NULL: create. Fields that
 * did not change keep their owners; time moves only when the set changed. */
int kt_managed_update(
        const struct kt_apply *apply, json_t *object, const json_t *old, struct kt_err *err);

#endif
