/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * CustomResourceDefinitions at run time: a definition compiles to the same structs as the built-in
 * tables, one kind per served version, so that everything after it takes the very same path.
 *
 * A struct kt_crd owns its kinds, types and strings in one arena. It is immutable and
 * reference-counted: who keeps a struct kt_kind of it keeps a reference (kt_crd_of_kind finds the
 * holder). Any thread may ref, unref and read. Types of a CRD carry KT_FIELD_UNSTRUCTURED;
 * metadata, also of embedded resources, is the built-in ObjectMeta. Source: KEP-1152 (structural
 * schemas), the apiextensions/v1 API reference.
 */
#ifndef KT_API_SCHEMA_CRD_H
#define KT_API_SCHEMA_CRD_H

#include "api/machinery/field_errors.h"
#include "api/schema/schema.h"
#include "base/json.h"
#include "base/mem.h"

#include <stdatomic.h>

struct kt_crd_version {
	const char *name;
	const char *deprecation_warning; /* NULL: not deprecated */
	const json_t *schema; /* openAPIV3Schema, {} without one; the definition's own tree */
};

struct kt_crd {
	atomic_uint refs;
	struct kt_kind_set set; /* served versions, highest first (v2, v1, v1beta1, …) */
	const char *name;       /* "things.example.com" */
	const char *storage_version;
	const struct kt_crd_version *versions; /* parallel to set.kinds */
	struct kt_arena arena;
	json_t *definition; /* keeps what the tables borrow: junctors, enums */
	/* Objects of this revision and older may have been stored through another definition. Set
	 * by who serves it, before anybody else sees it. */
	int64_t since_revision;
};

/* The definition must have passed kt_crd_validate; what is odd nevertheless is left out of the
 * tables. Holds a copy of it. */
struct kt_crd *kt_crd_compile(const json_t *definition);
struct kt_crd *kt_crd_ref(struct kt_crd *crd);
void kt_crd_unref(struct kt_crd *crd);
KT_DEFINE_CLEANUP(struct kt_crd, kt_crd_unref)
#define kt_auto_crd __attribute__((cleanup(kt_crd_unref_p)))

/* NULL for built-in kinds. Borrowed. */
struct kt_crd *kt_crd_of_kind(const struct kt_kind *kind);

/* One schema to a type, for tests and other users of structural schemas; lives in arena and borrows
 * schema. */
const struct kt_type *kt_crd_compile_schema(
        struct kt_arena *arena, const json_t *schema, const char *name);

/*
 * What upstream's validation says about a definition that was decoded and defaulted, in upstream's
 * words and order. old: the stored definition on update, NULL on create. CEL rules are not compiled
 * here.
 */
void kt_crd_validate(const json_t *definition, const json_t *old, struct kt_field_errors *errors);

/* Defaulting that depends on other fields: names.singular, names.listKind, the first status of a
 * new definition. */
void kt_crd_default(json_t *definition);

/* Orders versions as discovery does: v2 > v1 > v2beta1 > v1alpha1 > others by name. <0: a comes
 * first. */
int kt_version_compare(const char *a, const char *b);

#endif
