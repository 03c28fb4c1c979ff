/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sets of field paths, the FieldsV1 of managedFields: a tree whose edges are path elements in their
 * serialized form ("f:spec", `k:{"name":"a"}`, `v:"x"`) and whose nodes may be members. NULL is the
 * empty set. Nodes live in an arena and are never changed once built by these functions, so results
 * may share parts of their inputs. Source: the structured-merge-diff specification. Shared by
 * fieldset.c, typed*.c and managed*.c.
 */
#ifndef KT_API_MACHINERY_FIELDSET_H
#define KT_API_MACHINERY_FIELDSET_H

#include "api/schema/schema.h"
#include "base/json.h"
#include "base/mem.h"

struct kt_fieldset {
	const char *key; /* of the edge to this node; NULL at the root */
	bool member;
	uint32_t n, cap;
	struct kt_fieldset **children; /* sorted by key */
};

/* While building: a node, and a child attached at its place (replacing one of the same key). */
struct kt_fieldset *kt_fieldset_node(struct kt_arena *arena, bool member);
void kt_fieldset_attach(struct kt_arena *arena, struct kt_fieldset *parent, const char *key,
        struct kt_fieldset *child);
const struct kt_fieldset *kt_fieldset_child(const struct kt_fieldset *set, const char *key);

bool kt_fieldset_is_empty(const struct kt_fieldset *set);
bool kt_fieldset_equal(const struct kt_fieldset *a, const struct kt_fieldset *b);
const struct kt_fieldset *kt_fieldset_union(
        struct kt_arena *arena, const struct kt_fieldset *a, const struct kt_fieldset *b);
const struct kt_fieldset *kt_fieldset_difference(
        struct kt_arena *arena, const struct kt_fieldset *a, const struct kt_fieldset *b);
const struct kt_fieldset *kt_fieldset_intersection(
        struct kt_arena *arena, const struct kt_fieldset *a, const struct kt_fieldset *b);
/* Members of b take everything below them with them. */
const struct kt_fieldset *kt_fieldset_without(
        struct kt_arena *arena, const struct kt_fieldset *a, const struct kt_fieldset *b);
/* Every named struct field on the way to a member becomes a member. */
const struct kt_fieldset *kt_fieldset_with_parents(
        struct kt_arena *arena, const struct kt_fieldset *set, const struct kt_type *type);

/* FieldsV1 both ways. Keys are borrowed from the tree. -EINVAL for what is no FieldsV1. */
int kt_fieldset_parse(
        struct kt_arena *arena, const json_t *fields, const struct kt_fieldset **ret_set);
json_t *kt_fieldset_json(const struct kt_fieldset *set);

/* Calls visit with the path of each member in its printed form:
 * `.spec.ports[port=80,protocol="TCP"].name`. */
void kt_fieldset_each(
        const struct kt_fieldset *set, void (*visit)(void *arg, const char *path), void *arg);

#endif
