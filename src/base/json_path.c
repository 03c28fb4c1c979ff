/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading trees by dotted path. */
#include "base/json.h"

json_t *kt_jget(const json_t *root, const char *dotted_path)
{
	/* jansson's getters of a constant tree return mutable children; so does this one. */
	json_t *at = (json_t *)(uintptr_t)root;
	struct kt_sv rest = kt_sv_of(dotted_path), part;
	int64_t index;

	while (at && kt_sv_split(&rest, '.', &part)) {
		if (json_is_object(at))
			at = json_object_getn(at, part.p, part.len);
		else if (json_is_array(at) && kt_sv_int64(part, &index) == 0 && index >= 0)
			at = json_array_get(at, (size_t)index);
		else
			at = NULL;
	}
	return at;
}

const char *kt_jstr(const json_t *root, const char *dotted_path)
{
	return json_string_value(kt_jget(root, dotted_path));
}

int64_t kt_jint(const json_t *root, const char *dotted_path, int64_t fallback)
{
	const json_t *value = kt_jget(root, dotted_path);

	return json_is_integer(value) ? json_integer_value(value) : fallback;
}

bool kt_jbool(const json_t *root, const char *dotted_path, bool fallback)
{
	const json_t *value = kt_jget(root, dotted_path);

	return json_is_boolean(value) ? json_is_true(value) : fallback;
}
