/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/machinery/fieldset.h"

#include "api/machinery/typed.h"

#include <errno.h>

#define PATH_DEPTH_MAX KT_JSON_DEPTH_MAX

struct kt_fieldset *kt_fieldset_node(struct kt_arena *arena, bool member)
{
	struct kt_fieldset *node = kt_arena_new(arena, struct kt_fieldset);

	node->member = member;
	return node;
}

/* Where key is or would be among the children. */
static uint32_t find(const struct kt_fieldset *set, const char *key, bool *ret_found)
{
	uint32_t low = 0, high = set->n;

	*ret_found = false;
	/* most are built in order */
	if (high && strcmp(set->children[high - 1]->key, key) < 0)
		return high;
	while (low < high) {
		uint32_t middle = (low + high) / 2;
		int order = strcmp(set->children[middle]->key, key);

		if (!order) {
			*ret_found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void kt_fieldset_attach(struct kt_arena *arena, struct kt_fieldset *parent, const char *key,
        struct kt_fieldset *child)
{
	bool found;
	uint32_t at = find(parent, key, &found);

	child->key = key;
	if (found) {
		parent->children[at] = child;
		return;
	}
	if (parent->n == parent->cap) {
		uint32_t cap = parent->cap ? parent->cap * 2 : 4;
		struct kt_fieldset **children =
		        kt_arena_alloc(arena, cap * sizeof(struct kt_fieldset *));

		if (parent->n)
			memcpy(children, parent->children,
			        parent->n * sizeof(struct kt_fieldset *));
		parent->children = children;
		parent->cap = cap;
	}
	memmove(parent->children + at + 1, parent->children + at,
	        (parent->n - at) * sizeof(struct kt_fieldset *));
	parent->children[at] = child;
	parent->n++;
}

const struct kt_fieldset *kt_fieldset_child(const struct kt_fieldset *set, const char *key)
{
	bool found = false;
	uint32_t at = set && set->n ? find(set, key, &found) : 0;

	return found ? set->children[at] : NULL;
}

bool kt_fieldset_is_empty(const struct kt_fieldset *set)
{
	if (!set)
		return true;
	if (set->member)
		return false;
	for (uint32_t i = 0; i < set->n; i++)
		if (!kt_fieldset_is_empty(set->children[i]))
			return false;
	return true;
}

bool kt_fieldset_equal(const struct kt_fieldset *a, const struct kt_fieldset *b)
{
	if (a == b)
		return true;
	if (!a || !b)
		return kt_fieldset_is_empty(a) && kt_fieldset_is_empty(b);
	if (a->member != b->member || a->n != b->n)
		return false;
	for (uint32_t i = 0; i < a->n; i++)
		if (strcmp(a->children[i]->key, b->children[i]->key) ||
		        !kt_fieldset_equal(a->children[i], b->children[i]))
			return false;
	return true;
}

/* Appends at the end: callers walk in key order. A copy, since the same node may hang below another
 * parent. */
static void append(struct kt_arena *arena, struct kt_fieldset *parent, const char *key,
        const struct kt_fieldset *child)
{
	struct kt_fieldset *copy;

	if (!child)
		return;
	copy = kt_arena_new(arena, struct kt_fieldset);
	*copy = *child;
	kt_fieldset_attach(arena, parent, key, copy);
}

static const struct kt_fieldset *finished(const struct kt_fieldset *set)
{
	return set->member || set->n ? set : NULL;
}

const struct kt_fieldset *kt_fieldset_union(
        struct kt_arena *arena, const struct kt_fieldset *a, const struct kt_fieldset *b)
{
	struct kt_fieldset *result;
	uint32_t i = 0, j = 0;

	if (!a || !b || a == b)
		return a ? a : b;
	result = kt_fieldset_node(arena, a->member || b->member);
	while (i < a->n || j < b->n) {
		int order = i == a->n   ? 1
		            : j == b->n ? -1
		                        : strcmp(a->children[i]->key, b->children[j]->key);
		const struct kt_fieldset *left = order <= 0 ? a->children[i++] : NULL;
		const struct kt_fieldset *right = order >= 0 ? b->children[j++] : NULL;

		append(arena, result, left ? left->key : right->key,
		        kt_fieldset_union(arena, left, right));
	}
	return finished(result);
}

const struct kt_fieldset *kt_fieldset_difference(
        struct kt_arena *arena, const struct kt_fieldset *a, const struct kt_fieldset *b)
{
	struct kt_fieldset *result;

	if (!a || !b)
		return a;
	result = kt_fieldset_node(arena, a->member && !b->member);
	for (uint32_t i = 0; i < a->n; i++) {
		const char *key = a->children[i]->key;

		append(arena, result, key,
		        kt_fieldset_difference(arena, a->children[i], kt_fieldset_child(b, key)));
	}
	return finished(result);
}

const struct kt_fieldset *kt_fieldset_intersection(
        struct kt_arena *arena, const struct kt_fieldset *a, const struct kt_fieldset *b)
{
	struct kt_fieldset *result;

	if (!a || !b)
		return NULL;
	result = kt_fieldset_node(arena, a->member && b->member);
	for (uint32_t i = 0; i < a->n; i++) {
		const char *key = a->children[i]->key;

		append(arena, result, key,
		        kt_fieldset_intersection(arena, a->children[i], kt_fieldset_child(b, key)));
	}
	return finished(result);
}

const struct kt_fieldset *kt_fieldset_without(
        struct kt_arena *arena, const struct kt_fieldset *a, const struct kt_fieldset *b)
{
	struct kt_fieldset *result;

	if (!a || !b)
		return a;
	if (b->member)
		return NULL;
	result = kt_fieldset_node(arena, a->member);
	for (uint32_t i = 0; i < a->n; i++) {
		const char *key = a->children[i]->key;

		append(arena, result, key,
		        kt_fieldset_without(arena, a->children[i], kt_fieldset_child(b, key)));
	}
	return finished(result);
}

const struct kt_fieldset *kt_fieldset_with_parents(
        struct kt_arena *arena, const struct kt_fieldset *set, const struct kt_type *type)
{
	struct kt_fieldset *result;

	if (!set)
		return NULL;
	result = kt_fieldset_node(arena, set->member);
	for (uint32_t i = 0; i < set->n; i++) {
		const struct kt_fieldset *child = set->children[i];
		const struct kt_field *field = NULL;
		const struct kt_type *below = kt_typed_descend(type, child->key, &field);
		const struct kt_fieldset *deep = kt_fieldset_with_parents(arena, child, below);

		append(arena, result, child->key, deep);
		if (deep && field)
			result->children[result->n - 1]->member = true;
	}
	return finished(result);
}

int kt_fieldset_parse(
        struct kt_arena *arena, const json_t *fields, const struct kt_fieldset **ret_set)
{
	struct kt_fieldset *node;
	const char *key;
	json_t *value;

	if (!json_is_object(fields))
		return -EINVAL;
	node = kt_fieldset_node(arena, false);
	json_object_foreach((json_t *)(uintptr_t)fields, key, value) {
		const struct kt_fieldset *child;
		struct kt_fieldset *copy;

		if (!strcmp(key, ".")) {
			node->member = true;
			continue;
		}
		if (!key[0] || key[1] != ':' || !strchr("fkvi", key[0]))
			continue; /* of a kind that a later version may know */
		if (kt_fieldset_parse(arena, value, &child) < 0)
			return -EINVAL;
		copy = kt_arena_new(arena, struct kt_fieldset);
		if (child)
			*copy = *child;
		else
			copy->member = true; /* an empty object is a member without children */
		kt_fieldset_attach(arena, node, key, copy);
	}
	*ret_set = finished(node);
	return 0;
}

static json_t *node_json(const struct kt_fieldset *set, json_t *leaf)
{
	json_t *object;

	if (!set->n)
		return json_incref(leaf);
	object = json_object();
	if (set->member)
		json_object_set_nocheck(object, ".", leaf);
	for (uint32_t i = 0; i < set->n; i++)
		json_object_set_new_nocheck(
		        object, set->children[i]->key, node_json(set->children[i], leaf));
	return object;
}

json_t *kt_fieldset_json(const struct kt_fieldset *set)
{
	/* One empty object serves all leaves; nobody changes a fieldsV1 in place. */
	json_t *leaf = json_object();
	json_t *result = set && set->n ? node_json(set, leaf) : json_incref(leaf);

	json_decref(leaf);
	return result;
}

static void print_key(struct kt_str *out, const char *json)
{
	kt_auto_json json_t *key = kt_json_tree(kt_json_doc(json, strlen(json)));
	const char *name;
	json_t *value;
	size_t n = 0;

	kt_str_putc(out, '[');
	json_object_foreach(key, name, value) {
		kt_str_printf(out, "%s%s=", n++ ? "," : "", name);
		kt_json_write(out, value, 0);
	}
	kt_str_putc(out, ']');
}

void kt_fieldset_print_element(struct kt_str *out, const char *key)
{
	switch (key[0]) {
	case 'f':
		kt_str_printf(out, ".%s", key + 2);
		break;
	case 'k':
		print_key(out, key + 2);
		break;
	case 'v':
		kt_str_printf(out, "[=%s]", key + 2);
		break;
	default:
		kt_str_printf(out, "[%s]", key + 2);
	}
}

static void each(const struct kt_fieldset *set, struct kt_str *path,
        void (*visit)(void *arg, const char *path), void *arg)
{
	size_t len = path->len;

	if (set->member)
		visit(arg, kt_str_text(path));
	for (uint32_t i = 0; i < set->n; i++) {
		kt_fieldset_print_element(path, set->children[i]->key);
		each(set->children[i], path, visit, arg);
		kt_str_truncate(path, len);
	}
}

void kt_fieldset_each(
        const struct kt_fieldset *set, void (*visit)(void *arg, const char *path), void *arg)
{
	kt_auto_str path = KT_STR_INIT;

	if (set)
		each(set, &path, visit, arg);
}
