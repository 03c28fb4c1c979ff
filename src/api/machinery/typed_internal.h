/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the typed*.c files share. */
#ifndef KT_API_MACHINERY_TYPED_INTERNAL_H
#define KT_API_MACHINERY_TYPED_INTERNAL_H

#include "api/machinery/typed.h"
#include "base/map.h"

/* The elements of a set or keyed list with their keys. Above KT_ELEMENTS_LINEAR of them there is an
 * index. */
#define KT_ELEMENTS_LINEAR 24
struct kt_element {
	const char *key;
	json_t *value; /* borrowed */
};
struct kt_elements {
	struct kt_element *items;
	size_t n;
	struct kt_map *index; /* key -> first element */
};

struct kt_elements kt_typed_elements(
        struct kt_arena *arena, const struct kt_field *field, const json_t *list);
void kt_typed_elements_finish(struct kt_elements *elements);
/* The first element of that key, or NULL. */
const struct kt_element *kt_typed_find(const struct kt_elements *elements, const char *key);
bool kt_typed_is_repeated(const struct kt_elements *elements, const char *key);

/* The type of a member of a map or struct; NULL: free-form. */
const struct kt_type *kt_typed_member(
        const struct kt_type *type, const char *name, const struct kt_field **ret_field);
const char *kt_typed_field_key(struct kt_arena *arena, const char *name);

#endif
