/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/schema/schema.h"

#include "api/schema/tables.h"

#include <stdio.h>
#include <stdlib.h>

static int compare_type_name(const void *key, const void *item)
{
	const struct kt_type *const *type = item;

	return strcmp(key, (*type)->name);
}

const struct kt_type *kt_type_lookup(const char *full_name)
{
	const struct kt_type *const *found = bsearch(full_name, kt_table_types, kt_table_types_n,
	        sizeof(kt_table_types[0]), compare_type_name);

	return found ? *found : NULL;
}

struct gvk_key {
	const char *group, *version, *kind;
};

static int compare_gvk(const void *key, const void *item)
{
	const struct gvk_key *a = key;
	const struct kt_table_gvk *b = item;
	int order = strcmp(a->group, b->group);

	if (order == 0)
		order = strcmp(a->version, b->version);
	return order ? order : strcmp(a->kind, b->kind);
}

static const struct kt_type *find_gvk(const char *group, const char *version, const char *kind)
{
	const struct gvk_key key = {group, version, kind};
	const struct kt_table_gvk *found = bsearch(
	        &key, kt_table_gvks, kt_table_gvks_n, sizeof(kt_table_gvks[0]), compare_gvk);

	return found ? found->type : NULL;
}

const struct kt_type *kt_type_for_body(const char *group, const char *version, const char *kind)
{
	const struct kt_type *type = find_gvk(group, version, kind);

	/* apimachinery's kinds are registered in every group */
	return type ? type : find_gvk("meta.k8s.io", "v1", kind);
}

const struct kt_kind *kt_builtin_kind(const char *group, const char *version, const char *kind)
{
	for (size_t i = 0; i < kt_builtin_kinds.n_kinds; i++) {
		const struct kt_kind *k = &kt_builtin_kinds.kinds[i];

		if (*k->kind == *kind && strcmp(k->kind, kind) == 0 &&
		        strcmp(k->group, group) == 0 && strcmp(k->version, version) == 0)
			return k;
	}
	return NULL;
}

const struct kt_kind *kt_builtin_resource(
        const char *group, const char *version, const char *plural)
{
	for (size_t i = 0; i < kt_builtin_kinds.n_kinds; i++) {
		const struct kt_kind *k = &kt_builtin_kinds.kinds[i];

		if (strcmp(k->plural, plural) == 0 && strcmp(k->group, group) == 0 &&
		        strcmp(k->version, version) == 0)
			return k;
	}
	return NULL;
}

static const struct kt_field *own_field(const struct kt_type *type, struct kt_sv name)
{
	size_t low = 0, high = type->n_fields;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct kt_field *field = &type->fields[type->by_name[middle]];
		int order = kt_sv_cmp(name, kt_sv_of(field->name));

		if (order == 0)
			return field;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct kt_field *kt_type_field(const struct kt_type *type, struct kt_sv name)
{
	const struct kt_field *field = own_field(type, name);

	if (field && !(field->flags & KT_FIELD_INLINE))
		return field;
	for (size_t i = 0; i < type->n_fields; i++) {
		if (!(type->fields[i].flags & KT_FIELD_INLINE))
			continue;
		field = kt_type_field(type->fields[i].type, name);
		if (field)
			return field;
	}
	return NULL;
}

const struct kt_field *kt_type_field_number(const struct kt_type *type, uint32_t number)
{
	size_t low = 0, high = type->n_fields;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct kt_field *field = &type->fields[type->by_number[middle]];

		if (field->number == number)
			return number ? field : NULL;
		if (number < field->number)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static const struct kt_type *enter_elements(const struct kt_type *type)
{
	while (type->shape == KT_SHAPE_LIST || type->shape == KT_SHAPE_MAP)
		type = type->elem;
	return type;
}

const struct kt_field *kt_type_field_path(const struct kt_type *type, const char *path)
{
	struct kt_sv rest = kt_sv_of(path), part;
	const struct kt_field *field = NULL;

	while (kt_sv_split(&rest, '.', &part)) {
		if (field)
			type = field->type;
		type = enter_elements(type);
		if (type->shape != KT_SHAPE_OBJECT)
			return NULL;
		field = kt_type_field(type, part);
		if (!field)
			return NULL;
	}
	return field;
}

const struct kt_subresource *kt_kind_subresource(const struct kt_kind *kind, const char *name)
{
	for (size_t i = 0; i < kind->n_subresources; i++)
		if (strcmp(kind->subresources[i].name, name) == 0)
			return &kind->subresources[i];
	return NULL;
}

void kt_kind_api_version(const struct kt_kind *kind, char *ret_text, size_t size)
{
	snprintf(ret_text, size, "%s%s%s", kind->group, *kind->group ? "/" : "", kind->version);
}
