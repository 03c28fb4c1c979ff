/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JSON patch (RFC 6902) with the liberties the real server's library takes; see patch.h. */
#include "api/machinery/patch.h"

#include "api/status.h"

#include <errno.h>

struct pointer {
	json_t *container; /* borrowed */
	char *key;
};

static void pointer_finish(struct pointer *pointer)
{
	free(pointer->key);
}
#define auto_pointer __attribute__((cleanup(pointer_finish))) struct pointer

/* What the operations of one patch may still do: a few hundred bytes of them could otherwise double
 * a document until no memory is left, or nest it until no stack is. */
struct budget {
	size_t copied_bytes; /* of copies; also the library's limit */
	size_t walked_bytes; /* of what is moved */
};

/* Takes the size of a value that shall lie `level` deep off *left. False: too large or too deep. */
static bool spend(const json_t *value, size_t level, size_t *left)
{
	const char *key;
	json_t *child;
	size_t i, bytes = json_is_string(value) ? 2 + json_string_length(value) : 8;

	if (level > KT_JSON_DEPTH_MAX || bytes > *left)
		return false;
	*left -= bytes;
	if (json_is_object(value)) {
		json_object_foreach((json_t *)(uintptr_t)value, key, child) {
			bytes = strlen(key) + 4;
			if (bytes > *left)
				return false;
			*left -= bytes;
			if (!spend(child, level + 1, left))
				return false;
		}
	} else {
		json_array_foreach(value, i, child) {
			if (!spend(child, level + 1, left))
				return false;
		}
	}
	return true;
}

static size_t level_of(const char *path)
{
	size_t level = 0;

	for (; *path; path++)
		level += *path == '/';
	return level;
}

static int fail_operation(struct kt_err *err)
{
	/* Upstream tells no more than this, whatever was wrong. */
	kt_fail_reason(err, KT_REASON_INVALID, EINVAL,
	        "the server rejected our request due to an error in our request");
	kt_err_set_about(err, NULL, NULL, NULL, NULL); /* nothing about what object it was */
	return -EINVAL;
}

/* One reference token with ~1 and ~0 undone. */
static char *token(const char *p, size_t len)
{
	kt_auto_str out = KT_STR_INIT;

	for (size_t i = 0; i < len; i++) {
		if (p[i] == '~' && i + 1 < len && (p[i + 1] == '0' || p[i + 1] == '1'))
			kt_str_putc(&out, p[++i] == '1' ? '/' : '~');
		else
			kt_str_putc(&out, p[i]);
	}
	return kt_str_steal(&out);
}

/* Decimal with sign, leading zeros allowed. */
static bool parse_index(const char *text, long *ret_index)
{
	char *end;
	const char *digits = text + (*text == '-' || *text == '+');

	if (!*digits || strspn(digits, "0123456789") != strlen(digits) || strlen(digits) > 9)
		return false;
	*ret_index = strtol(text, &end, 10);
	return true;
}

/* An existing element; negative counts from the end. */
static bool element_index(const json_t *array, const char *key, size_t *ret_index)
{
	long n = (long)json_array_size(array), index;

	if (!parse_index(key, &index))
		return false;
	if (index < 0)
		index += n;
	if (index < 0 || index >= n)
		return false;
	*ret_index = (size_t)index;
	return true;
}

static json_t *get(json_t *container, const char *key)
{
	size_t index;

	if (json_is_object(container))
		return json_object_get(container, key);
	if (json_is_array(container) && element_index(container, key, &index))
		return json_array_get(container, index);
	return NULL;
}

/* What stands before the first slash is not looked at. */
static bool resolve(json_t *document, const char *path, struct pointer *ret_pointer)
{
	const char *slash = strchr(path, '/');
	json_t *at = document;

	while (slash) {
		const char *next = strchr(slash + 1, '/');
		char *key = token(slash + 1, next ? (size_t)(next - slash - 1) : strlen(slash + 1));

		if (!next) {
			ret_pointer->container = at;
			ret_pointer->key = key;
			return json_is_object(at) || json_is_array(at);
		}
		at = get(at, key);
		free(key);
		slash = at ? next : NULL;
	}
	return false;
}

static bool add(const struct pointer *to, json_t *value)
{
	long n = (long)json_array_size(to->container), index;

	if (json_is_object(to->container))
		return json_object_set(to->container, to->key, value) == 0;
	if (!strcmp(to->key, "-"))
		return json_array_append(to->container, value) == 0;
	if (!parse_index(to->key, &index))
		return false;
	if (index < 0)
		index += n + 1;
	if (index < 0 || index > n)
		return false;
	return json_array_insert(to->container, (size_t)index, value) == 0;
}

static bool remove_at(const struct pointer *from)
{
	size_t index;

	if (json_is_object(from->container))
		return json_object_del(from->container, from->key) == 0;
	return element_index(from->container, from->key, &index) &&
	       json_array_remove(from->container, index) == 0;
}

/* A missing key of an object is added: that is what the real server does. */
static bool replace(const struct pointer *to, json_t *value)
{
	size_t index;

	if (json_is_object(to->container))
		return json_object_set(to->container, to->key, value) == 0;
	return element_index(to->container, to->key, &index) &&
	       json_array_set(to->container, index, value) == 0;
}

static bool test(const struct pointer *at, const json_t *value)
{
	const json_t *found = get(at->container, at->key);

	return found ? kt_json_equal(found, value) : json_is_null(value);
}

static bool copy_or_move(
        json_t *document, const json_t *operation, bool move, struct budget *budget)
{
	const char *from_path = kt_jstr(operation, "from"), *path = kt_jstr(operation, "path");
	kt_auto_json json_t *value = NULL;
	auto_pointer from = {0};
	auto_pointer to = {0};
	json_t *found;

	if (!from_path || !resolve(document, from_path, &from))
		return false;
	found = get(from.container, from.key);
	if (!found && (move || json_is_array(from.container)))
		return false;
	if (found &&
	        !spend(found, level_of(path), move ? &budget->walked_bytes : &budget->copied_bytes))
		return false;
	if (move)
		value = json_incref(found);
	else
		value = found ? json_deep_copy(found) : json_null();
	if (move)
		remove_at(&from);
	return resolve(document, path, &to) && add(&to, value);
}

static bool apply_at(const struct pointer *at, const char *op, json_t *value)
{
	if (!strcmp(op, "add"))
		return add(at, value);
	if (!strcmp(op, "remove"))
		return remove_at(at);
	if (!strcmp(op, "replace"))
		return replace(at, value);
	if (!strcmp(op, "test"))
		return test(at, value);
	return false;
}

/* The whole document: only replace and test know it. */
static bool apply_root(json_t **document, const char *op, const json_t *value)
{
	if (!strcmp(op, "test"))
		return kt_json_equal(*document, value);
	if (strcmp(op, "replace"))
		return false;
	json_decref(*document);
	*document = json_deep_copy(value);
	return true;
}

static bool apply_operation(json_t **document, const json_t *operation, struct budget *budget)
{
	const char *op = kt_jstr(operation, "op");
	const char *path = kt_jstr(operation, "path");
	json_t *given = json_object_get(operation, "value");
	kt_auto_json json_t *value = NULL;
	size_t any_bytes = SIZE_MAX;
	auto_pointer at = {0};

	if (!op || !path || (given && !spend(given, level_of(path), &any_bytes)))
		return false;
	value = given ? json_deep_copy(given) : json_null();
	if (!*path)
		return apply_root(document, op, value);
	if (!strcmp(op, "copy") || !strcmp(op, "move"))
		return copy_or_move(*document, operation, !strcmp(op, "move"), budget);
	return resolve(*document, path, &at) && apply_at(&at, op, value);
}

static const char *go_type(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "object";
	case JSON_ARRAY:
		return "array";
	case JSON_STRING:
		return "string";
	case JSON_INTEGER:
	case JSON_REAL:
		return "number";
	default:
		return "bool";
	}
}

json_t *kt_patch_json(const json_t *document, const json_t *patch, struct kt_err *err)
{
	kt_auto_json json_t *result = json_deep_copy(document);
	struct budget budget = {KT_PATCH_COPY_BYTES_MAX, KT_PATCH_MOVE_BYTES_MAX};
	size_t n = json_array_size(patch);

	if (!json_is_array(patch) && !json_is_null(patch)) {
		kt_fail_reason(err, KT_REASON_BAD_REQUEST, EINVAL,
		        "error decoding patch: json: cannot unmarshal %s into Go value of type "
		        "[]handlers.jsonPatchOp",
		        go_type(patch));
		return NULL;
	}
	if (n > KT_PATCH_OPERATIONS_MAX) {
		kt_fail_reason(err, KT_REASON_REQUEST_ENTITY_TOO_LARGE, EFBIG,
		        "Request entity too large: The allowed maximum operations in a JSON patch "
		        "is %d, got %zu",
		        KT_PATCH_OPERATIONS_MAX, n);
		return NULL;
	}
	for (size_t i = 0; i < n; i++) {
		const json_t *operation = json_array_get(patch, i);

		if (!json_is_object(operation) && !json_is_null(operation)) {
			kt_fail_reason(err, KT_REASON_BAD_REQUEST, EINVAL,
			        "error decoding patch: json: cannot unmarshal %s into Go value of "
			        "type handlers.jsonPatchOp",
			        go_type(operation));
			return NULL;
		}
		if (!apply_operation(&result, operation, &budget)) {
			fail_operation(err);
			return NULL;
		}
	}
	return kt_steal(&result);
}
