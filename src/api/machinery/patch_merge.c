/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Equality of JSON values, the merge patch (RFC 7386) and its inverse. */
#include "api/machinery/patch_internal.h"

bool kt_json_equal(const json_t *a, const json_t *b)
{
	json_t *object = (json_t *)(uintptr_t)a;

	if (a == b)
		return true;
	if (!a || !b)
		return false;
	if (json_is_number(a) && json_is_number(b))
		return json_is_integer(a) && json_is_integer(b)
		               ? json_integer_value(a) == json_integer_value(b)
		               : json_number_value(a) == json_number_value(b);
	if (json_typeof(a) != json_typeof(b))
		return false;
	if (json_is_string(a))
		return json_string_length(a) == json_string_length(b) &&
		       !memcmp(json_string_value(a), json_string_value(b), json_string_length(a));
	if (json_is_array(a)) {
		if (json_array_size(a) != json_array_size(b))
			return false;
		for (size_t i = 0; i < json_array_size(a); i++)
			if (!kt_json_equal(json_array_get(a, i), json_array_get(b, i)))
				return false;
		return true;
	}
	if (!json_is_object(a))
		return true;
	if (json_object_size(a) != json_object_size(b))
		return false;
	for (void *it = json_object_iter(object); it; it = json_object_iter_next(object, it))
		if (!kt_json_equal(json_object_iter_value(it),
		            json_object_get(b, json_object_iter_key(it))))
			return false;
	return true;
}

json_t *kt_patch_merge(const json_t *document, const json_t *patch, struct kt_err *err)
{
	json_t *members = (json_t *)(uintptr_t)patch;
	json_t *result;
	const char *key;
	json_t *value;

	if (!json_is_object(patch))
		return json_deep_copy(patch);
	result = json_is_object(document) ? json_deep_copy(document) : json_object();
	json_object_foreach(members, key, value) {
		if (json_is_null(value))
			json_object_del(result, key);
		else
			json_object_set_new(result, key,
			        kt_patch_merge(json_object_get(result, key), value, err));
	}
	return result;
}

enum diff_part { DIFF_CHANGES = 1, DIFF_DELETIONS = 2 };

/* NULL when nothing differs. */
static json_t *diff(const json_t *from, const json_t *to, unsigned parts)
{
	kt_auto_json json_t *patch = json_object();
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)to, key, value) {
		const json_t *old = json_object_get(from, key);

		if (json_is_object(value) && json_is_object(old)) {
			json_t *sub = diff(old, value, parts);

			if (sub)
				json_object_set_new(patch, key, sub);
		} else if ((parts & DIFF_CHANGES) && !kt_json_equal(old, value)) {
			json_object_set_new(patch, key, json_deep_copy(value));
		}
	}
	json_object_foreach((json_t *)(uintptr_t)from, key, value)
		if ((parts & DIFF_DELETIONS) && !json_object_get(to, key))
			json_object_set_new(patch, key, json_null());
	return json_object_size(patch) ? kt_steal(&patch) : NULL;
}

json_t *kt_diff_merge(const json_t *from, const json_t *to)
{
	json_t *patch = diff(from, to, DIFF_CHANGES | DIFF_DELETIONS);

	return patch ? patch : json_object();
}

static void overlay(json_t *patch, const json_t *over)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)over, key, value) {
		json_t *mine = json_object_get(patch, key);

		if (json_is_object(mine) && json_is_object(value))
			overlay(mine, value);
		else
			json_object_set(patch, key, value);
	}
}

json_t *kt_diff_three_way_merge(
        const json_t *last_applied, const json_t *modified, const json_t *live)
{
	json_t *patch = diff(last_applied, modified, DIFF_DELETIONS);
	kt_auto_json json_t *changes = diff(live, modified, DIFF_CHANGES);

	if (!patch)
		patch = json_object();
	overlay(patch, changes);
	return patch;
}
