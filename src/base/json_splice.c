/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The splicer: a document with one value replaced, the other bytes as they were. */
#include "base/json.h"

#include "base/json_lex.h"

#include <errno.h>

/* Where a key is, or would go, in an object. */
struct spot {
	const char *cut_from, *cut_to; /* what a removal takes away, with one comma */
	struct kt_json_at value;       /* p NULL: absent */
	const char *close;             /* the object's closing brace */
	bool empty;
};

/* Finds key; false when object is no well-formed object. */
static bool locate(struct kt_json_at object, const char *key, struct spot *ret_spot)
{
	const char *end = object.p + object.len;
	const char *open = json_skip_space(object.p, end), *behind = open + 1;
	struct spot spot = {.empty = true};
	struct kt_json_iter it = {0};
	struct kt_json_at value;
	struct kt_sv found;

	if (open >= end || *open != '{')
		return false;
	while (kt_json_next_member(object, &it, &found, &value)) {
		/* The key with its quotes is a string value like any other. */
		struct kt_json_at quoted = {found.p - 1, found.len + 2};
		if (!spot.value.p && kt_json_string_is(quoted, key)) {
			spot.value = value;
			spot.cut_from = spot.empty ? quoted.p : behind;
			spot.cut_to = it.p;
		}
		spot.empty = false;
		behind = it.p;
	}
	const char *close = json_skip_space(behind, end);
	if (close >= end || *close != '}')
		return false;
	spot.close = close;
	/* The first member takes the comma behind it along. */
	if (spot.cut_from && *spot.cut_from == '"') {
		const char *comma = json_skip_space(spot.cut_to, end);
		if (comma < end && *comma == ',')
			spot.cut_to = json_skip_space(comma + 1, end);
	}
	*ret_spot = spot;
	return true;
}

static void add_key(struct kt_str *out, const char *key)
{
	kt_json_write_string(out, key, strlen(key));
	kt_str_putc(out, ':');
}

/* `"a":{"b":value}` for the keys that do not exist yet. */
static void add_missing(struct kt_str *out, const char *const *path, const struct kt_sv *value)
{
	size_t depth = 0;

	add_key(out, path[0]);
	for (path++; *path; path++, depth++) {
		kt_str_putc(out, '{');
		add_key(out, *path);
	}
	kt_str_add(out, value->p, value->len);
	while (depth--)
		kt_str_putc(out, '}');
}

static void add_range(struct kt_str *out, const char *from, const char *to)
{
	kt_str_add(out, from, (size_t)(to - from));
}

int kt_json_splice(struct kt_str *out, struct kt_json_at doc, const char *const *path,
        const struct kt_sv *value, struct kt_err *err)
{
	const char *from = doc.p, *end = doc.p + doc.len;
	struct kt_json_at at = doc;
	struct spot spot;

	if (!doc.p)
		return kt_fail(err, EINVAL, "no document");
	if (!path[0] && !value)
		return kt_fail(err, EINVAL, "a whole document cannot be removed");
	for (; *path; path++) {
		if (!locate(at, *path, &spot))
			return kt_fail(err, EINVAL, "the parent of \"%s\" is not an object", *path);
		if (!spot.value.p)
			break;
		if (!path[1] && !value) {
			add_range(out, from, spot.cut_from);
			add_range(out, spot.cut_to, end);
			return 0;
		}
		at = spot.value;
	}
	if (!*path) {
		add_range(out, from, at.p);
		kt_str_add(out, value->p, value->len);
		add_range(out, at.p + at.len, end);
		return 0;
	}
	if (!value) {
		add_range(out, from, end);
		return 0;
	}
	add_range(out, from, spot.close);
	if (!spot.empty)
		kt_str_putc(out, ',');
	add_missing(out, path, value);
	add_range(out, spot.close, end);
	return 0;
}
