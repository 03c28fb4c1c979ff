/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/rules/names.h"

#include "base/str.h"

bool kt_names_has(const struct kt_names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->items[i], name) == 0)
			return true;
	return false;
}

bool kt_names_add(struct kt_names *names, const char *name)
{
	if (kt_names_has(names, name))
		return false;
	if (names->n == names->cap) {
		size_t cap = KT_MAX(names->cap * 2, (size_t)8);
		const char **items = kt_arena_alloc(names->arena, cap * sizeof(*items));
		if (names->n)
			memcpy(items, names->items, names->n * sizeof(*items));
		names->items = items;
		names->cap = cap;
	}
	names->items[names->n++] = name;
	return true;
}

bool kt_has_backsteps(const char *path)
{
	struct kt_sv rest = kt_sv_of(path), part;
	while (kt_sv_split(&rest, '/', &part))
		if (kt_sv_is(part, ".."))
			return true;
	return false;
}
