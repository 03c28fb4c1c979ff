/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/machinery/limits.h"

static bool is_nullable(const struct kt_field *field)
{
	return (field->flags | field->type->flags) & KT_FIELD_NULLABLE;
}

static json_t *default_value(const struct kt_field *field)
{
	return kt_json_tree(kt_json_doc(field->default_json, strlen(field->default_json)));
}

static void default_field(const struct kt_field *field, json_t *tree)
{
	json_t *value;

	if (field->flags & KT_FIELD_INLINE) {
		kt_type_default(field->type, tree);
		return;
	}
	value = json_object_get(tree, field->name);
	/* A CRD's null where null is not allowed: the default takes its place. */
	if (field->default_json && (!value || (json_is_null(value) && !is_nullable(field)))) {
		json_object_set_new(tree, field->name, default_value(field));
		value = json_object_get(tree, field->name);
	}
	if (value)
		kt_type_default(field->type, value);
}

void kt_type_default(const struct kt_type *type, json_t *tree)
{
	json_t *value;
	size_t i;
	const char *key;

	switch (type->shape) {
	case KT_SHAPE_OBJECT:
		if (json_is_object(tree))
			for (i = 0; i < type->n_fields; i++)
				default_field(&type->fields[i], tree);
		break;
	case KT_SHAPE_MAP:
		if (json_is_object(tree) && type->elem)
			json_object_foreach(tree, key, value)
				kt_type_default(type->elem, value);
		break;
	case KT_SHAPE_LIST:
		if (json_is_array(tree) && type->elem)
			json_array_foreach(tree, i, value)
				kt_type_default(type->elem, value);
		break;
	default:
		break;
	}
}

static void drop_member_nulls(const struct kt_type *type, json_t *tree)
{
	for (size_t i = 0; i < type->n_fields; i++) {
		const struct kt_field *field = &type->fields[i];
		json_t *value = json_object_get(tree, field->name);

		if (json_is_null(value) && !is_nullable(field) && !field->default_json)
			json_object_del(tree, field->name);
		else if (value)
			kt_type_drop_nulls(field->type, value);
	}
}

void kt_type_drop_nulls(const struct kt_type *type, json_t *tree)
{
	json_t *value;
	const char *key;
	size_t i;

	if (type->shape == KT_SHAPE_OBJECT) {
		drop_member_nulls(type, tree);
	} else if (type->shape == KT_SHAPE_MAP && type->elem) {
		json_object_foreach(tree, key, value)
			kt_type_drop_nulls(type->elem, value);
	} else if (type->shape == KT_SHAPE_LIST && type->elem) {
		json_array_foreach(tree, i, value)
			kt_type_drop_nulls(type->elem, value);
	}
}

static bool keeps_unknown(const struct kt_type *type, const char *key)
{
	if (type->flags & KT_FIELD_PRESERVE)
		return true;
	if (!(type->flags & KT_FIELD_EMBEDDED))
		return false;
	return !strcmp(key, "apiVersion") || !strcmp(key, "kind") || !strcmp(key, "metadata");
}

static void prune_object(const struct kt_type *type, json_t *tree)
{
	const char *key;
	json_t *value;
	void *next;

	json_object_foreach_safe(tree, next, key, value) {
		const struct kt_field *field = kt_type_field(type, kt_sv_of(key));

		if (field)
			kt_type_prune(field->type, value);
		else if (!keeps_unknown(type, key))
			json_object_del(tree, key);
	}
}

void kt_type_prune(const struct kt_type *type, json_t *tree)
{
	const char *key;
	json_t *value;
	size_t i;

	switch (type->shape) {
	case KT_SHAPE_OBJECT:
		if (json_is_object(tree))
			prune_object(type, tree);
		break;
	case KT_SHAPE_MAP:
		if (json_is_object(tree) && type->elem)
			json_object_foreach(tree, key, value)
				kt_type_prune(type->elem, value);
		break;
	case KT_SHAPE_LIST:
		if (json_is_array(tree) && type->elem)
			json_array_foreach(tree, i, value)
				kt_type_prune(type->elem, value);
		break;
	default:
		break;
	}
}
