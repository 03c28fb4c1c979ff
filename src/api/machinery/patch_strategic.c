/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The strategic merge patch. Lists with a merge key are merged element by element; what the patch
 * names comes in the patch's order, what only the server has keeps its place relative to it.
 * Source: the API conventions and kubectl's documentation of directives.
 */
#include "api/machinery/patch_internal.h"

#include "api/machinery/go_text.h"
#include "api/status.h"

#include <errno.h>

static int fail_plain(struct kt_err *err, const char *format, const json_t *value, const char *tail)
{
	kt_auto_str text = KT_STR_INIT;

	kt_go_percent_v(&text, value);
	kt_fail_reason(err, KT_REASON_UNKNOWN, EINVAL, format, kt_str_text(&text), tail);
	if (err)
		err->status = 500;
	return -EINVAL;
}

static int fail_text(struct kt_err *err, const char *text)
{
	kt_fail_reason(err, KT_REASON_UNKNOWN, EINVAL, "%s", text);
	if (err)
		err->status = 500;
	return -EINVAL;
}

static int fail_request(struct kt_err *err, const char *text)
{
	return kt_fail_reason(err, KT_REASON_BAD_REQUEST, EINVAL, "%s", text);
}

static int fail_no_key(struct kt_err *err, const json_t *element, const char *merge_key)
{
	return fail_plain(
	        err, "map: %s does not contain declared merge key: %s", element, merge_key);
}

static int fail_patch_type(struct kt_err *err, const json_t *directive, const json_t *element)
{
	kt_auto_str type = KT_STR_INIT;
	kt_auto_str map = KT_STR_INIT;
	kt_auto_str text = KT_STR_INIT;

	kt_go_percent_v(&type, directive);
	kt_go_percent_v(&map, element);
	if (json_is_integer(directive))
		kt_str_printf(&text, "unknown patch type: %%!s(int64=%s) in map: %s",
		        kt_str_text(&type), kt_str_text(&map));
	else
		kt_str_printf(&text, "unknown patch type: %s in map: %s", kt_str_text(&type),
		        kt_str_text(&map));
	return fail_text(err, kt_str_text(&text));
}

const struct kt_field *kt_patch_field(const struct kt_type *type, const char *key)
{
	return type && type->shape == KT_SHAPE_OBJECT ? kt_type_field(type, kt_sv_of(key)) : NULL;
}

const struct kt_type *kt_patch_type(const struct kt_type *type, const struct kt_field *field)
{
	if (field)
		return field->type;
	return type && type->shape == KT_SHAPE_MAP ? type->elem : NULL;
}

static bool is_directive(const char *key)
{
	return !strcmp(key, KT_DIRECTIVE) || !strcmp(key, KT_RETAIN_KEYS) ||
	       kt_starts_with(key, KT_SET_ORDER) || kt_starts_with(key, KT_DELETE_PRIMITIVE);
}

/* An element of a list that only says what to do: to delete something, or to replace the list. */
static bool is_directive_only(const json_t *element)
{
	const json_t *directive = json_object_get(element, KT_DIRECTIVE);

	return directive &&
	       (json_object_size(element) == 1 || kt_streq(json_string_value(directive), "delete"));
}

/* A value that goes in as it is: without directives, nulls and elements to delete. */
static json_t *cleaned(const json_t *value)
{
	json_t *result;
	const char *key;
	json_t *member;
	size_t i;

	if (json_is_object(value)) {
		result = json_object();
		json_object_foreach((json_t *)(uintptr_t)value, key, member)
			if (!is_directive(key) && !json_is_null(member))
				json_object_set_new(result, key, cleaned(member));
		return result;
	}
	if (!json_is_array(value))
		return json_deep_copy(value);
	result = json_array();
	json_array_foreach(value, i, member)
		if (!is_directive_only(member))
			json_array_append_new(result, cleaned(member));
	return result;
}

/* Where an element with the same merge key (or the same scalar) stands; -1: nowhere. */
static ssize_t index_of(const json_t *list, const json_t *element, const char *merge_key)
{
	const json_t *wanted = json_is_object(element)
	                               ? json_object_get(element, merge_key ? merge_key : "")
	                               : element;

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *candidate = json_array_get(list, i);

		if (json_is_object(candidate))
			candidate = json_object_get(candidate, merge_key ? merge_key : "");
		if (candidate && wanted && kt_json_equal(candidate, wanted))
			return (ssize_t)i;
	}
	return -1;
}

/* Elements of `list` (not) in `order`, arranged as in `arrangement`. */
static json_t *part(const json_t *list, const json_t *order, bool in, const json_t *arrangement,
        const char *merge_key)
{
	json_t *result = json_array();
	size_t n = json_array_size(list);

	for (size_t at = 0; at <= json_array_size(arrangement); at++) {
		for (size_t i = 0; i < n; i++) {
			json_t *element = json_array_get(list, i);
			ssize_t place = index_of(arrangement, element, merge_key);
			size_t wanted = place < 0 ? json_array_size(arrangement) : (size_t)place;

			if (wanted == at && (index_of(order, element, merge_key) >= 0) == in)
				json_array_append(result, element);
		}
	}
	return result;
}

/* What the patch orders and what only the server has, woven by the server's order. New reference.
 */
static json_t *weave(
        const json_t *merged, const json_t *order, const json_t *server, const char *merge_key)
{
	kt_auto_json json_t *ours = part(merged, order, true, order, merge_key);
	kt_auto_json json_t *theirs = part(merged, order, false, server, merge_key);
	json_t *result = json_array();
	size_t i = 0, j = 0;

	while (i < json_array_size(theirs) || j < json_array_size(ours)) {
		json_t *left = json_array_get(theirs, i);
		json_t *right = json_array_get(ours, j);
		ssize_t a = left ? index_of(server, left, merge_key) : -1;
		ssize_t b = right ? index_of(server, right, merge_key) : -1;

		if (!right || (left && a >= 0 && b >= 0 && a < b)) {
			json_array_append(result, left);
			i++;
		} else {
			json_array_append(result, right);
			j++;
		}
	}
	return result;
}

static void append_unique(json_t *list, const json_t *more)
{
	for (size_t i = 0; i < json_array_size(more); i++)
		if (index_of(list, json_array_get(more, i), NULL) < 0)
			json_array_append(list, json_array_get(more, i));
}

static void delete_matching(json_t *list, const json_t *element, const char *merge_key)
{
	ssize_t at;

	while ((at = index_of(list, element, merge_key)) >= 0)
		json_array_remove(list, (size_t)at);
}

/* Carries out `$patch` elements; the others are collected in ret_plain. */
static int special_elements(json_t *list, const json_t *patch, const char *merge_key,
        json_t *ret_plain, bool *ret_replace, struct kt_err *err)
{
	for (size_t i = 0; i < json_array_size(patch); i++) {
		json_t *element = json_array_get(patch, i);
		const json_t *directive = json_object_get(element, KT_DIRECTIVE);
		const char *name = json_string_value(directive);

		if (!directive) {
			json_array_append(ret_plain, element);
		} else if (kt_streq(name, "delete")) {
			if (!json_object_get(element, merge_key))
				return fail_no_key(err, element, merge_key);
			delete_matching(list, element, merge_key);
		} else if (kt_streq(name, "replace")) {
			*ret_replace = true;
		} else if (kt_streq(name, "merge")) {
			return fail_text(err, "merging lists cannot yet be specified in the patch");
		} else {
			return fail_patch_type(err, directive, element);
		}
	}
	return 0;
}

static int merge_elements(
        json_t *merged, const json_t *plain, const struct kt_field *field, struct kt_err *err)
{
	for (size_t i = 0; i < json_array_size(plain); i++) {
		json_t *element = json_array_get(plain, i);
		ssize_t at;

		if (!json_object_get(element, field->merge_key))
			return fail_no_key(err, element, field->merge_key);
		at = index_of(merged, element, field->merge_key);
		if (at >= 0) {
			json_t *result = kt_patch_map(json_array_get(merged, (size_t)at), element,
			        field->type->elem, err);

			if (!result)
				return -EINVAL;
			json_array_set_new(merged, (size_t)at, result);
		} else {
			json_t *added = cleaned(element);

			/* a null key tells where it stands as well as another */
			json_object_set(added, field->merge_key,
			        json_object_get(element, field->merge_key));
			json_array_append_new(merged, added);
		}
	}
	return 0;
}

/* New list, or NULL with err. */
static json_t *merge_list(
        const json_t *list, const json_t *patch, const struct kt_field *field, struct kt_err *err)
{
	kt_auto_json json_t *server = json_copy((json_t *)(uintptr_t)list);
	kt_auto_json json_t *merged = NULL;
	kt_auto_json json_t *plain = json_array();
	const json_t *sample =
	        json_array_size(patch) ? json_array_get(patch, 0) : json_array_get(list, 0);
	bool replace = false;

	if (!field || !(field->flags & KT_FIELD_PATCH_MERGE))
		return cleaned(patch);
	if (!json_is_object(sample)) {
		merged = json_copy(server);
		append_unique(merged, patch);
		return weave(merged, patch, server, NULL);
	}
	if (!field->merge_key) {
		kt_auto_str text = KT_STR_INIT;

		kt_str_printf(&text, "cannot merge lists without merge key for %s", field->name);
		fail_text(err, kt_str_text(&text));
		return NULL;
	}
	if (special_elements(server, patch, field->merge_key, plain, &replace, err) < 0)
		return NULL;
	if (replace)
		return cleaned(plain);
	merged = json_copy(server);
	if (merge_elements(merged, plain, field, err) < 0)
		return NULL;
	return weave(merged, plain, server, field->merge_key);
}

static bool is_covered(const json_t *keys, const char *key)
{
	for (size_t i = 0; i < json_array_size(keys); i++)
		if (kt_streq(json_string_value(json_array_get(keys, i)), key))
			return true;
	return false;
}

static int retain_keys(json_t *target, const json_t *patch, struct kt_err *err)
{
	const json_t *keys = json_object_get(patch, KT_RETAIN_KEYS);
	const char *key;
	json_t *value;
	void *next;

	if (!keys)
		return 0;
	if (!json_is_array(keys))
		return fail_request(err, "invalid patch format of retainKeys");
	json_object_foreach((json_t *)(uintptr_t)patch, key, value)
		if (!json_is_null(value) && !is_directive(key) && !is_covered(keys, key))
			return fail_request(err, "invalid patch format of retainKeys");
	json_object_foreach_safe(target, next, key, value)
		if (!is_covered(keys, key))
			json_object_del(target, key);
	return 0;
}

/* Everything the patch list holds must stand in the order list, in the same order. */
static int check_order(
        const json_t *patch, const json_t *order, const char *merge_key, struct kt_err *err)
{
	size_t at = 0;

	for (size_t i = 0; i < json_array_size(patch); i++) {
		const json_t *element = json_array_get(patch, i);
		kt_auto_str list = KT_STR_INIT;

		if (kt_streq(kt_jstr(element, KT_DIRECTIVE), "delete"))
			continue;
		while (at < json_array_size(order)) {
			kt_auto_json json_t *one = json_pack("[O]", json_array_get(order, at++));

			if (index_of(one, element, merge_key) >= 0)
				goto found;
		}
		kt_go_percent_v(&list, order);
		return fail_plain(err,
		        "The order in patch list:\n%s\n doesn't match $setElementOrder list:\n%s\n",
		        patch, kt_str_text(&list));
	found:
		continue;
	}
	return 0;
}

static int apply_order(json_t *target, const json_t *patch, const char *key,
        const struct kt_type *type, struct kt_err *err)
{
	const json_t *order = json_object_get(patch, key);
	const char *name = key + strlen(KT_SET_ORDER);
	const struct kt_field *field = kt_patch_field(type, name);
	const char *merge_key = field ? field->merge_key : NULL;
	const json_t *list = json_object_get(target, name);
	const json_t *changes = json_object_get(patch, name);
	kt_auto_json json_t *server = NULL;
	kt_auto_json json_t *merged = NULL;
	json_t *woven;

	if (!json_is_array(order) || (list && !json_is_array(list)) ||
	        (changes && !json_is_array(changes)))
		return fail_request(err, "invalid patch format of setElementOrder list");
	if (check_order(changes, order, merge_key, err) < 0)
		return -EINVAL;
	if (!list && !changes)
		return 0;
	server = list ? json_copy((json_t *)(uintptr_t)list) : json_array();
	if (!changes)
		merged = json_incref(server);
	else if (!list)
		merged = cleaned(changes);
	else
		merged = merge_list(list, changes, field, err);
	if (!merged)
		return -EINVAL;
	woven = weave(merged, order, server, merge_key);
	json_object_set_new(target, name, woven);
	return 0;
}

static int delete_primitives(
        json_t *target, const char *key, const json_t *values, struct kt_err *err)
{
	json_t *list = json_object_get(target, key + strlen(KT_DELETE_PRIMITIVE));

	if (!json_is_array(values))
		return fail_request(err, "invalid patch format of primitive list");
	if (!json_is_array(list))
		return 0;
	for (size_t i = 0; i < json_array_size(values); i++)
		delete_matching(list, json_array_get(values, i), NULL);
	return 0;
}

static int merge_member(json_t *target, const char *key, const json_t *value,
        const struct kt_type *type, struct kt_err *err)
{
	const struct kt_field *field = kt_patch_field(type, key);
	const json_t *old = json_object_get(target, key);
	json_t *result;

	if (json_is_null(value)) {
		json_object_del(target, key);
		return 0;
	}
	if (json_is_object(old) && json_is_object(value))
		result = kt_patch_map(old, value, kt_patch_type(type, field), err);
	else if (json_is_array(old) && json_is_array(value))
		result = merge_list(old, value, field, err);
	else
		result = cleaned(value);
	if (!result)
		return -EINVAL;
	json_object_set_new(target, key, result);
	return 0;
}

/* `$patch` in a map. Returns NULL with err for an unknown one. */
static json_t *map_directive(const json_t *directive, const json_t *patch, struct kt_err *err)
{
	const char *name = json_string_value(directive);

	if (kt_streq(name, "replace"))
		return cleaned(patch);
	if (kt_streq(name, "delete"))
		return json_object();
	fail_patch_type(err, directive, patch);
	return NULL;
}

static bool has_order(const json_t *patch, const char *key)
{
	kt_auto_str directive = KT_STR_INIT;

	kt_str_printf(&directive, KT_SET_ORDER "%s", key);
	return json_object_get(patch, kt_str_text(&directive)) != NULL;
}

json_t *kt_patch_map(
        const json_t *document, const json_t *patch, const struct kt_type *type, struct kt_err *err)
{
	const json_t *directive = json_object_get(patch, KT_DIRECTIVE);
	json_t *members = (json_t *)(uintptr_t)patch;
	kt_auto_json json_t *result = NULL;
	const char *key;
	json_t *value;
	int code;

	if (directive)
		return map_directive(directive, patch, err);
	result = json_copy((json_t *)(uintptr_t)document);
	code = retain_keys(result, patch, err);
	json_object_foreach(members, key, value) {
		if (code < 0)
			return NULL;
		if (kt_starts_with(key, KT_SET_ORDER))
			code = apply_order(result, patch, key, type, err);
	}
	json_object_foreach(members, key, value) {
		if (code < 0)
			return NULL;
		if (kt_starts_with(key, KT_DELETE_PRIMITIVE))
			code = delete_primitives(result, key, value, err);
		else if (!is_directive(key) && !(json_is_array(value) && has_order(patch, key)))
			code = merge_member(result, key, value, type, err);
	}
	return code < 0 ? NULL : kt_steal(&result);
}

json_t *kt_patch_strategic(
        const json_t *document, const json_t *patch, const struct kt_type *type, struct kt_err *err)
{
	kt_auto_json json_t *copy = NULL;

	if (!json_is_object(patch)) {
		fail_request(err, "invalid JSON document");
		return NULL;
	}
	copy = json_deep_copy(document);
	return kt_patch_map(copy, patch, type, err);
}
