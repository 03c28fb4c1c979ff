/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Trees seen through their type, as server-side apply sees them: which parts are structs, maps,
 * sets and keyed lists and which are atomic; comparing, merging, collecting and removing fields.
 * Built-in types follow Go's encoding: a struct that is no pointer is there as soon as its parent
 * is, and a list or map without omitempty is null rather than absent. Pure; results of merge and
 * remove may share parts of their inputs, which therefore must not be changed afterwards.
 */
#ifndef KT_API_MACHINERY_TYPED_H
#define KT_API_MACHINERY_TYPED_H

#include "api/machinery/fieldset.h"

/* How a value is taken apart. */
enum kt_typed_relation {
	KT_TYPED_LEAF,
	KT_TYPED_MAP /* and structs */,
	KT_TYPED_SET,
	KT_TYPED_KEYED
};

enum kt_typed_relation kt_typed_relation(
        const struct kt_type *type, const struct kt_field *field, const json_t *value);

/* The type behind a path element of a value of `type` (NULL: free-form); ret_field is set for named
 * struct fields, else NULL. */
const struct kt_type *kt_typed_descend(
        const struct kt_type *type, const char *key, const struct kt_field **ret_field);

struct kt_comparison {
	const struct kt_fieldset *added, *removed, *modified;
};

/* Root fields that are not looked at, NULL-terminated; and those of metadata. */
struct kt_typed_skip {
	const char *const *root;
	const char *const *metadata;
};

/* old NULL: an object that was just made. */
void kt_typed_compare(struct kt_arena *arena, const struct kt_type *type, const json_t *old,
        const json_t *new, const struct kt_typed_skip *skip, struct kt_comparison *ret_comparison);

const struct kt_fieldset *kt_typed_fields(
        struct kt_arena *arena, const struct kt_type *type, const json_t *value);
/* New reference. */
json_t *kt_typed_merge(const struct kt_type *type, const json_t *left, const json_t *right);
/* The value without the members of `set`; new reference. */
json_t *kt_typed_remove(
        const struct kt_type *type, const json_t *value, const struct kt_fieldset *set);

/* What is wrong with a value before it may be applied, as upstream words it: one line per error;
 * empty: nothing. */
void kt_typed_check(const struct kt_type *type, const json_t *value, struct kt_str *ret_errors);

/* The key of an element of a set or keyed list ("k:{…}", "v:…"); arena string. */
const char *kt_typed_element_key(
        struct kt_arena *arena, const struct kt_field *field, const json_t *element);

/* ".spec", `[name="a"]` for a serialized path element (fieldset.c). */
void kt_fieldset_print_element(struct kt_str *out, const char *key);

#endif
