/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What differs between two values of a type, as sets of fields. Built bottom-up, so equal parts
 * cost no memory. */
#include "api/machinery/patch.h"
#include "api/machinery/typed_internal.h"

enum { ADDED, REMOVED, MODIFIED, N_SETS };

struct sets {
	struct kt_fieldset *set[N_SETS];
};

struct comparer {
	struct kt_arena *arena;
	json_t *empty; /* {} of a struct that Go would have written */
};

static struct sets compare(struct comparer *c, const struct kt_type *type,
        const struct kt_field *field, const json_t *old, const json_t *new);

static bool is_some(const struct sets *sets)
{
	return sets->set[ADDED] || sets->set[REMOVED] || sets->set[MODIFIED];
}

static void attach(
        struct comparer *c, struct sets *parent, const char *key, const struct sets *child)
{
	for (size_t i = 0; i < N_SETS; i++) {
		if (!child->set[i])
			continue;
		if (!parent->set[i])
			parent->set[i] = kt_fieldset_node(c->arena, false);
		kt_fieldset_attach(c->arena, parent->set[i], key, child->set[i]);
	}
}

static void add_member(struct comparer *c, struct sets *sets, int which)
{
	if (!sets->set[which])
		sets->set[which] = kt_fieldset_node(c->arena, true);
	sets->set[which]->member = true;
}

static bool is_zero(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_NULL:
	case JSON_FALSE:
		return true;
	case JSON_STRING:
		return !json_string_length(value);
	case JSON_INTEGER:
		return !json_integer_value(value);
	case JSON_OBJECT:
		return !json_object_size(value);
	case JSON_ARRAY:
		return !json_array_size(value);
	default:
		return false;
	}
}

static bool same(const json_t *a, const json_t *b)
{
	if (json_is_null(a) || json_is_null(b))
		return is_zero(a) && is_zero(b);
	return kt_json_equal(a, b);
}

static struct sets leaf(struct comparer *c, const json_t *old, const json_t *new)
{
	struct sets result = {0};

	if (!old)
		add_member(c, &result, ADDED);
	else if (!new)
		add_member(c, &result, REMOVED);
	else if (!same(old, new))
		add_member(c, &result, MODIFIED);
	return result;
}

/* A member as Go's encoder would have it: what cannot be absent stands for itself when its parent
 * is there. */
static const json_t *seen(
        struct comparer *c, const json_t *parent, const struct kt_field *field, const json_t *value)
{
	if (value || !parent || !field || (field->flags & KT_FIELD_POINTER) ||
	        ((field->flags | field->type->flags) & KT_FIELD_UNSTRUCTURED))
		return value;
	if (field->type->shape == KT_SHAPE_OBJECT)
		return c->empty;
	return field->flags & KT_FIELD_OMIT_EMPTY ? NULL : json_null();
}

static void compare_member(struct comparer *c, struct sets *result, const struct kt_type *type,
        const char *name, const json_t *old_parent, const json_t *new_parent)
{
	const struct kt_field *field;
	const struct kt_type *below = kt_typed_member(type, name, &field);
	const json_t *old = seen(c, old_parent, field, json_object_get(old_parent, name));
	const json_t *new = seen(c, new_parent, field, json_object_get(new_parent, name));
	struct sets child = compare(c, below, field, old, new);

	if (is_some(&child))
		attach(c, result, kt_typed_field_key(c->arena, name), &child);
}

static struct sets compare_map(
        struct comparer *c, const struct kt_type *type, const json_t *old, const json_t *new)
{
	struct sets result = {0};
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t) new, name, value)
		compare_member(c, &result, type, name, old, new);
	json_object_foreach((json_t *)(uintptr_t)old, name, value)
		if (!json_object_get(new, name))
			compare_member(c, &result, type, name, old, new);
	return result;
}

/* Elements that share their key are compared as a heap: as many, and all equal. */
static struct sets compare_repeated(struct comparer *c, const struct kt_elements *old,
        const struct kt_elements *new, const char *key)
{
	struct sets result = {0};
	size_t i = 0, j = 0;

	if (!kt_typed_find(old, key)) {
		add_member(c, &result, ADDED);
		return result;
	}
	if (!kt_typed_find(new, key)) {
		add_member(c, &result, REMOVED);
		return result;
	}
	for (;;) {
		while (i < old->n && strcmp(old->items[i].key, key))
			i++;
		while (j < new->n && strcmp(new->items[j].key, key))
			j++;
		if (i == old->n || j == new->n ||
		        !kt_json_equal(old->items[i].value, new->items[j].value))
			break;
		i++;
		j++;
	}
	if (i < old->n || j < new->n)
		add_member(c, &result, MODIFIED);
	return result;
}

static void compare_element(struct comparer *c, struct sets *result, const struct kt_field *field,
        const struct kt_elements *old, const struct kt_elements *new, const char *key)
{
	const struct kt_element *a = kt_typed_find(old, key);
	const struct kt_element *b = kt_typed_find(new, key);
	struct sets child;

	if (kt_typed_is_repeated(old, key) || kt_typed_is_repeated(new, key))
		child = compare_repeated(c, old, new, key);
	else
		child = compare(c, field->list_type == KT_LIST_SET ? NULL : field->type->elem, NULL,
		        a ? a->value : NULL, b ? b->value : NULL);
	if (is_some(&child))
		attach(c, result, key, &child);
}

static struct sets compare_list(
        struct comparer *c, const struct kt_field *field, const json_t *old, const json_t *new)
{
	struct kt_elements a = kt_typed_elements(c->arena, field, old);
	struct kt_elements b = kt_typed_elements(c->arena, field, new);
	struct sets result = {0};

	for (size_t i = 0; i < b.n; i++)
		compare_element(c, &result, field, &a, &b, b.items[i].key);
	for (size_t i = 0; i < a.n; i++)
		if (!kt_typed_find(&b, a.items[i].key))
			compare_element(c, &result, field, &a, &b, a.items[i].key);
	kt_typed_elements_finish(&a);
	kt_typed_elements_finish(&b);
	return result;
}

static bool is_empty(const json_t *value)
{
	return !json_object_size(value) && !json_array_size(value) && !json_is_string(value) &&
	       !json_is_number(value) && !json_is_boolean(value);
}

static struct sets compare(struct comparer *c, const struct kt_type *type,
        const struct kt_field *field, const json_t *old, const json_t *new)
{
	struct sets result = {0};
	enum kt_typed_relation relation;

	if (old == new)
		return result;
	relation = kt_typed_relation(type, field, new ? new : old);
	if (relation != KT_TYPED_LEAF && is_empty(old) && is_empty(new))
		relation = KT_TYPED_LEAF;
	switch (relation) {
	case KT_TYPED_MAP:
		result = compare_map(c, type, json_is_object(old) ? old : NULL,
		        json_is_object(new) ? new : NULL);
		break;
	case KT_TYPED_SET:
	case KT_TYPED_KEYED:
		if (old && new &&kt_json_equal(old, new))
			return result;
		result = compare_list(c, field, old, new);
		break;
	default:
		return leaf(c, old, new);
	}
	if (!old)
		add_member(c, &result, ADDED);
	else if (!new)
		add_member(c, &result, REMOVED);
	return result;
}

static bool listed(const char *const *names, const char *name)
{
	for (; names && *names; names++)
		if (!strcmp(*names, name))
			return true;
	return false;
}

static json_t *metadata_without(const json_t *object, const char *const *names)
{
	json_t *metadata = json_object_get(object, "metadata");
	json_t *result = json_is_object(metadata) ? json_copy(metadata) : json_object();

	for (; names && *names; names++)
		json_object_del(result, *names);
	return result;
}

/* metadata is always there on both sides. */
static void compare_metadata(struct comparer *c, struct sets *result, const struct kt_type *type,
        const json_t *old, const json_t *new, const struct kt_typed_skip *skip)
{
	kt_auto_json json_t *a = metadata_without(old, skip->metadata);
	kt_auto_json json_t *b = metadata_without(new, skip->metadata);
	const struct kt_field *field;
	const struct kt_type *below = kt_typed_member(type, "metadata", &field);
	struct sets child = compare(c, below, field, a, b);

	if (is_some(&child))
		attach(c, result, "f:metadata", &child);
}

void kt_typed_compare(struct kt_arena *arena, const struct kt_type *type, const json_t *old,
        const json_t *new, const struct kt_typed_skip *skip, struct kt_comparison *ret_comparison)
{
	kt_auto_json json_t *empty = json_object();
	struct comparer c = {arena, empty};
	struct sets result = {0};
	const char *name;
	json_t *value;

	if (!old)
		old = empty;
	json_object_foreach((json_t *)(uintptr_t) new, name, value)
		if (strcmp(name, "metadata") && !listed(skip->root, name))
			compare_member(&c, &result, type, name, old, new);
	json_object_foreach((json_t *)(uintptr_t)old, name, value)
		if (!json_object_get(new, name) && strcmp(name, "metadata") &&
		        !listed(skip->root, name))
			compare_member(&c, &result, type, name, old, new);
	compare_metadata(&c, &result, type, old, new, skip);
	*ret_comparison = (struct kt_comparison){
	        result.set[ADDED], result.set[REMOVED], result.set[MODIFIED]};
}
