/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Merging one value into another and taking fields out of a value, by type. */
#include "api/machinery/typed_internal.h"

static json_t *merge(const struct kt_type *type, const struct kt_field *field, const json_t *left,
        const json_t *right);

static json_t *share(const json_t *value)
{
	return json_incref((json_t *)(uintptr_t)value);
}

static json_t *merge_map(const struct kt_type *type, const json_t *left, const json_t *right)
{
	json_t *result =
	        json_is_object(left) ? json_copy((json_t *)(uintptr_t)left) : json_object();
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)right, name, value) {
		const struct kt_field *field;
		const struct kt_type *below = kt_typed_member(type, name, &field);

		json_object_set_new(
		        result, name, merge(below, field, json_object_get(left, name), value));
	}
	return result;
}

/* Is there an element of the right list at or behind `from` that the left one has too? */
static const struct kt_element *next_shared(
        const struct kt_elements *left, const struct kt_elements *right, size_t *from)
{
	for (; *from < right->n; (*from)++)
		if (kt_typed_find(left, right->items[*from].key))
			return &right->items[(*from)++];
	return NULL;
}

static void append_merged(json_t *result, const struct kt_field *field,
        const struct kt_elements *left, const struct kt_element *element)
{
	const struct kt_element *other = kt_typed_find(left, element->key);

	if (!other || kt_typed_is_repeated(left, element->key) || field->list_type == KT_LIST_SET)
		json_array_append(result, element->value);
	else
		json_array_append_new(
		        result, merge(field->type->elem, NULL, other->value, element->value));
}

/*
 * Both orders are kept where they agree. Elements only on the left stay where they are between
 * those both have; where the two disagree about the order of those, the right one wins.
 */
static json_t *merge_list(
        const struct kt_field *field, const json_t *left_list, const json_t *right_list)
{
	kt_auto_arena arena = {0};
	struct kt_elements left, right;
	const struct kt_element *shared;
	json_t *result = json_array();
	size_t i = 0, j = 0, from = 0;

	kt_arena_init(&arena);
	left = kt_typed_elements(&arena, field, left_list);
	right = kt_typed_elements(&arena, field, right_list);
	shared = next_shared(&left, &right, &from);
	while (i < left.n || j < right.n) {
		bool known = i < left.n && kt_typed_find(&right, left.items[i].key);

		if (i < left.n && j < right.n && !strcmp(left.items[i].key, right.items[j].key)) {
			append_merged(result, field, &left, &right.items[j]);
			if (shared && !strcmp(shared->key, right.items[j].key))
				shared = next_shared(&left, &right, &from);
			i++;
			j++;
		} else if (known && !(shared && !strcmp(shared->key, left.items[i].key))) {
			i++; /* comes where the right list has it */
		} else if (i < left.n && !known) {
			json_array_append(result, left.items[i++].value);
		} else {
			append_merged(result, field, &left, &right.items[j]);
			if (shared && !strcmp(shared->key, right.items[j].key))
				shared = next_shared(&left, &right, &from);
			j++;
		}
	}
	kt_typed_elements_finish(&left);
	kt_typed_elements_finish(&right);
	return result;
}

static json_t *merge(const struct kt_type *type, const struct kt_field *field, const json_t *left,
        const json_t *right)
{
	if (!right || !left)
		return share(right ? right : left);
	switch (kt_typed_relation(type, field, right)) {
	case KT_TYPED_MAP:
		if (json_is_object(left) && json_object_size(left) &&
		        (json_is_object(right) || json_is_null(right)))
			return merge_map(type, left, right);
		return share(right);
	case KT_TYPED_SET:
	case KT_TYPED_KEYED:
		if (json_is_array(left) && json_array_size(left))
			return merge_list(field, left, right);
		return share(right);
	default:
		return share(right);
	}
}

json_t *kt_typed_merge(const struct kt_type *type, const json_t *left, const json_t *right)
{
	return merge(type, NULL, left, right);
}

static json_t *remove_fields(const struct kt_type *type, const struct kt_field *field,
        const json_t *value, const struct kt_fieldset *set);

static json_t *remove_from_map(
        const struct kt_type *type, const json_t *value, const struct kt_fieldset *set)
{
	json_t *result = json_copy((json_t *)(uintptr_t)value);

	for (uint32_t i = 0; i < set->n; i++) {
		const struct kt_fieldset *child = set->children[i];
		const char *name = child->key + 2;
		const json_t *member = child->key[0] == 'f' ? json_object_get(value, name) : NULL;
		const struct kt_field *field;
		const struct kt_type *below = kt_typed_member(type, name, &field);
		json_t *left;

		if (!member)
			continue;
		left = child->member ? NULL : remove_fields(below, field, member, child);
		if (left)
			json_object_set_new(result, name, left);
		else
			json_object_del(result, name);
	}
	return result;
}

static json_t *remove_from_list(
        const struct kt_field *field, const json_t *value, const struct kt_fieldset *set)
{
	kt_auto_arena arena = {0};
	struct kt_elements elements;
	json_t *result = json_array();

	kt_arena_init(&arena);
	elements = kt_typed_elements(&arena, field, value);
	for (size_t i = 0; i < elements.n; i++) {
		const struct kt_fieldset *child = kt_fieldset_child(set, elements.items[i].key);

		if (!child)
			json_array_append(result, elements.items[i].value);
		else if (!child->member)
			json_array_append_new(result, remove_fields(field->type->elem, NULL,
			                                      elements.items[i].value, child));
	}
	kt_typed_elements_finish(&elements);
	return result;
}

/* NULL when nothing is left of a value that held something. */
static json_t *remove_fields(const struct kt_type *type, const struct kt_field *field,
        const json_t *value, const struct kt_fieldset *set)
{
	json_t *result;

	switch (set ? kt_typed_relation(type, field, value) : KT_TYPED_LEAF) {
	case KT_TYPED_MAP:
		if (!json_is_object(value))
			return share(value);
		result = remove_from_map(type, value, set);
		break;
	case KT_TYPED_SET:
	case KT_TYPED_KEYED:
		result = remove_from_list(field, value, set);
		break;
	default:
		return share(value);
	}
	if (json_object_size(result) || json_array_size(result) ||
	        (!json_object_size(value) && !json_array_size(value)))
		return result;
	json_decref(result);
	return NULL;
}

json_t *kt_typed_remove(
        const struct kt_type *type, const json_t *value, const struct kt_fieldset *set)
{
	json_t *result = set ? remove_fields(type, NULL, value, set) : share(value);

	return result ? result : json_object();
}
