/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a kind's tables say about values: defaults, what is not there to be kept, and limits.
 * Built-in kinds and CRDs take the same path; a CRD's validation words are those of upstream's
 * OpenAPI validator.
 *
 * Trees are changed in place (default, prune) or only read (validate). No state; any thread.
 * Patterns run in PCRE2 with match and depth limits, expressions with a cost limit.
 */
#ifndef KT_API_MACHINERY_LIMITS_H
#define KT_API_MACHINERY_LIMITS_H

#include "api/machinery/field_errors.h"
#include "api/schema/schema.h"

/* Puts the declarative default of every absent field into `tree`, going into objects, list elements
 * and map values that are there. For types of a CRD a null that is not nullable is replaced by its
 * default. */
void kt_type_default(const struct kt_type *type, json_t *tree);
/* Removes the nulls that are neither nullable nor have a default, in types of a CRD: what a body
 * brings is taken so; what server-side apply makes is not. */
void kt_type_drop_nulls(const struct kt_type *type, json_t *tree);

/* Removes fields the type does not know; subtrees that preserve unknown fields keep them. Meant for
 * types of a CRD. A nested embedded object keeps apiVersion, kind and metadata. */
void kt_type_prune(const struct kt_type *type, json_t *tree);

/* Checks `value` against the type: types, required fields, limits of struct kt_limits. path "" is
 * the root. Returns the number of errors appended. */
int kt_validate_structure(const struct kt_type *type, const json_t *value, const char *path,
        struct kt_field_errors *errors);

/* The whole of a custom resource: structure, then the rules (x-kubernetes-validations) unless an
 * error makes them meaningless. old: what is stored, NULL on create. What did not change since is
 * forgiven; forgiven rule failures go to `warnings` (may be NULL), to be told as "FIELD: MESSAGE".
 */
void kt_validate_custom(const struct kt_type *type, const json_t *value, const json_t *old,
        struct kt_field_errors *errors, struct kt_field_errors *warnings);

/* The two steps of it, for who has more to say in between: the structure of the object, or of its
 * member `part` alone, whose messages then take it for the root; and the rules, when no error from
 * the `from`-th on makes them meaningless. */
void kt_validate_custom_part(const struct kt_type *type, const json_t *value, const json_t *old,
        const char *part, struct kt_field_errors *errors);
void kt_validate_custom_rules(const struct kt_type *type, const json_t *value, const json_t *old,
        size_t from, struct kt_field_errors *errors, struct kt_field_errors *warnings);

/* Only the rules; path as in kt_validate_structure. */
void kt_validate_rules(const struct kt_type *type, const json_t *value, const json_t *old,
        const char *path, struct kt_field_errors *errors, struct kt_field_errors *warnings);
/* Does the type or anything below it have rules? */
bool kt_type_has_rules(const struct kt_type *type);

/* The element of `old` that has the same keys, for lists of type map; NULL otherwise. */
const json_t *kt_validate_old_element(
        const struct kt_field *field, const json_t *old, const json_t *element);

#endif
