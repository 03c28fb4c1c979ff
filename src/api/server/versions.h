/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One object, several API versions: what is stored is in the storage version of its kind; requests
 * may speak another one. Trees of one version become trees of another by functions listed in
 * versions.c (two built-in kinds need one); versions of a custom resource differ in apiVersion
 * alone, or are converted by a webhook (webhook_versions.h).
 *
 * What was stored before a definition became what it is, is read through it all the same: pruned
 * and defaulted by the storage version. It is written back when somebody writes it.
 */
#ifndef KT_API_SERVER_VERSIONS_H
#define KT_API_SERVER_VERSIONS_H

#include "api/schema/schema.h"
#include "api/storage/object.h"

/* The kind that objects of `kind` are stored as; itself for most. */
const struct kt_kind *kt_versions_stored_kind(const struct kt_kind *kind);
/* Is the object in the kind's version? */
bool kt_versions_is_same(const struct kt_kind *kind, const struct kt_object *object);
/* Are the object's bytes what a client of this kind reads? */
bool kt_versions_is_native(const struct kt_kind *kind, const struct kt_object *object);
/* A new tree of the object in the kind's version. */
json_t *kt_versions_tree(const struct kt_kind *kind, const struct kt_object *object);
/* What Tables and partial metadata are made of: the stored tree, less what stands in a field of
 * upstream's unversioned struct; of a custom resource the tree in the kind's version. */
json_t *kt_versions_hub(const struct kt_kind *kind, const struct kt_object *object);
/* A new tree of an object in another version of its kind. */
json_t *kt_versions_convert(const struct kt_kind *kind, const json_t *tree);
/* A tree in `kind`'s version as a tree of kt_versions_stored_kind(kind); a new reference. */
json_t *kt_versions_to_stored(const struct kt_kind *kind, json_t *tree);

#endif
