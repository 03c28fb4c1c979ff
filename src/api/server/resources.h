/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which resources are served now: the built-in kinds and those of established
 * CustomResourceDefinitions, on one path.
 *
 * A custom kind comes with a reference to its struct kt_crd, so that a request keeps its schema
 * while the definition changes. Lookups take a short lock; any thread.
 */
#ifndef KT_API_SERVER_RESOURCES_H
#define KT_API_SERVER_RESOURCES_H

#include "api/schema/crd.h"
#include "base/err.h"

struct kt_server;
struct kt_resources;

/* aggregated: kinds that another part of the program answers (metrics.k8s.io) are served too. */
struct kt_resources *kt_resources_create(bool aggregated);
void kt_resources_destroy(struct kt_resources *resources);

/* NULL when it is not served. *ret_crd gets a reference for a custom kind, else NULL. */
const struct kt_kind *kt_resources_find(struct kt_resources *resources, const char *group,
        const char *version, const char *plural, struct kt_crd **ret_crd);
bool kt_resources_is_builtin_group(const char *group);
bool kt_resources_is_served(const struct kt_resources *resources, const struct kt_kind *builtin);
/* All served custom kinds: references; the caller unrefs each and frees the array. */
struct kt_crd **kt_resources_custom(struct kt_resources *resources, size_t *ret_n);
/* Puts the definition in place of the one of the same name; NULL removes it. Takes over the
 * reference. */
void kt_resources_set_custom(struct kt_resources *resources, const char *name, struct kt_crd *crd);
/* Counts changes, for caches of discovery documents. */
uint64_t kt_resources_generation(struct kt_resources *resources);

#endif
