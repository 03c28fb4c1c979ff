/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The client's side of strategic merge: from the last applied, the new and the live object to a
 * patch. */
#include "api/machinery/patch_internal.h"

static json_t *diff_map(
        const json_t *last, const json_t *modified, const json_t *live, const struct kt_type *type);

static const json_t *find(const json_t *list, const json_t *element, const char *merge_key)
{
	const json_t *wanted = merge_key ? json_object_get(element, merge_key) : element;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *candidate = json_array_get(list, i);
		const json_t *value = merge_key ? json_object_get(candidate, merge_key) : candidate;

		if (value && wanted && kt_json_equal(value, wanted))
			return candidate;
	}
	return NULL;
}

static bool same_order(const json_t *a, const json_t *b, const char *merge_key)
{
	if (json_array_size(a) != json_array_size(b))
		return false;
	for (size_t i = 0; i < json_array_size(a); i++) {
		const json_t *x = json_array_get(a, i), *y = json_array_get(b, i);

		if (!kt_json_equal(merge_key ? json_object_get(x, merge_key) : x,
		            merge_key ? json_object_get(y, merge_key) : y))
			return false;
	}
	return true;
}

static void set_with_prefix(json_t *patch, const char *prefix, const char *key, json_t *value)
{
	kt_auto_str name = KT_STR_INIT;

	kt_str_printf(&name, "%s%s", prefix, key);
	json_object_set_new(patch, kt_str_text(&name), value);
}

/* {merge_key: value} of every element. */
static json_t *keys_of(const json_t *list, const char *merge_key)
{
	json_t *keys = json_array();

	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *element = json_array_get(list, i);

		json_array_append_new(
		        keys, json_pack("{sO}", merge_key, json_object_get(element, merge_key)));
	}
	return keys;
}

static void diff_keyed(json_t *patch, const struct kt_field *field, const json_t *last,
        const json_t *modified, const json_t *live)
{
	const char *merge_key = field->merge_key;
	json_t *changes = json_array();

	for (size_t i = 0; i < json_array_size(modified); i++) {
		json_t *element = json_array_get(modified, i);
		const json_t *old = find(live, element, merge_key);
		json_t *change;

		if (!json_object_get(element, merge_key))
			continue; /* the server refuses it by name */
		change = old ? diff_map(find(last, element, merge_key), element, old,
		                       field->type->elem)
		             : json_deep_copy(element);
		if (change) {
			json_object_set(change, merge_key, json_object_get(element, merge_key));
			json_array_append_new(changes, change);
		}
	}
	for (size_t i = 0; i < json_array_size(last); i++) {
		json_t *element = json_array_get(last, i);
		json_t *value = json_object_get(element, merge_key);

		if (value && !find(modified, element, merge_key))
			json_array_append_new(changes,
			        json_pack("{sssO}", KT_DIRECTIVE, "delete", merge_key, value));
	}
	if (json_array_size(changes) || !same_order(live, modified, merge_key))
		set_with_prefix(patch, KT_SET_ORDER, field->name, keys_of(modified, merge_key));
	if (json_array_size(changes))
		json_object_set(patch, field->name, changes);
	json_decref(changes);
}

static void diff_primitives(json_t *patch, const struct kt_field *field, const json_t *last,
        const json_t *modified, const json_t *live)
{
	kt_auto_json json_t *added = json_array();
	kt_auto_json json_t *gone = json_array();

	for (size_t i = 0; i < json_array_size(modified); i++)
		if (!find(live, json_array_get(modified, i), NULL))
			json_array_append(added, json_array_get(modified, i));
	for (size_t i = 0; i < json_array_size(last); i++)
		if (!find(modified, json_array_get(last, i), NULL))
			json_array_append(gone, json_array_get(last, i));
	if (json_array_size(gone))
		set_with_prefix(patch, KT_DELETE_PRIMITIVE, field->name, json_deep_copy(gone));
	if (json_array_size(added) || json_array_size(gone) || !same_order(live, modified, NULL))
		set_with_prefix(patch, KT_SET_ORDER, field->name, json_deep_copy(modified));
	if (json_array_size(added))
		json_object_set_new(patch, field->name, json_deep_copy(added));
}

static json_t *sorted_keys(const json_t *object)
{
	size_t n = json_object_size(object), i = 0;
	kt_auto_free const char **keys = kt_new_array(const char *, n + 1);
	json_t *result = json_array();
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
		keys[i++] = key;
	qsort(keys, n, sizeof(*keys), kt_strp_cmp);
	for (i = 0; i < n; i++)
		json_array_append_new(result, json_string_nocheck(keys[i]));
	return result;
}

static void diff_object(json_t *patch, const char *key, const struct kt_field *field,
        const json_t *last, const json_t *modified, const json_t *live, const struct kt_type *type)
{
	json_t *sub = diff_map(last, modified, live, type);

	if (!sub)
		return;
	if (field && (field->flags & KT_FIELD_PATCH_REPLACE_KEYS))
		json_object_set_new(sub, KT_RETAIN_KEYS, sorted_keys(modified));
	json_object_set_new(patch, key, sub);
}

static void diff_member(json_t *patch, const char *key, const json_t *last, const json_t *modified,
        const json_t *live, const struct kt_type *type)
{
	const struct kt_field *field = kt_patch_field(type, key);

	if (json_is_object(modified) && json_is_object(live)) {
		diff_object(patch, key, field, last, modified, live, kt_patch_type(type, field));
	} else if (json_is_array(modified) && json_is_array(live) && field &&
	           (field->flags & KT_FIELD_PATCH_MERGE)) {
		if (field->merge_key)
			diff_keyed(patch, field, last, modified, live);
		else
			diff_primitives(patch, field, last, modified, live);
	} else if (!kt_json_equal(modified, live)) {
		json_object_set_new(patch, key, json_deep_copy(modified));
	}
}

/* NULL when there is nothing to change. */
static json_t *diff_map(
        const json_t *last, const json_t *modified, const json_t *live, const struct kt_type *type)
{
	kt_auto_json json_t *patch = json_object();
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)modified, key, value)
		diff_member(patch, key, json_object_get(last, key), value,
		        json_object_get(live, key), type);
	json_object_foreach((json_t *)(uintptr_t)last, key, value)
		if (!json_object_get(modified, key))
			json_object_set_new(patch, key, json_null());
	return json_object_size(patch) ? kt_steal(&patch) : NULL;
}

json_t *kt_diff_three_way(const json_t *last_applied, const json_t *modified, const json_t *live,
        const struct kt_type *type, struct kt_err *err)
{
	json_t *patch;

	(void)err;
	if (!type)
		return kt_diff_three_way_merge(last_applied, modified, live);
	patch = diff_map(last_applied, modified, live, type);
	return patch ? patch : json_object();
}
