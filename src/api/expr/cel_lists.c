/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lists, sets and optionals. */
#include "api/expr/cel_internal.h"

#include <errno.h>

#define CALL_ARGS \
	struct cel_run *run, const struct cel_value *args, size_t n, struct cel_value *ret_value
#define NO_OVERLOAD "no such overload"

int cel_string_index_of(CALL_ARGS);
int cel_string_last_index_of(CALL_ARGS);
int cel_string_reverse(CALL_ARGS);

static int f_is_sorted(CALL_ARGS)
{
	const struct cel_list *list = args[0].list;

	(void)n;
	*ret_value = cel_bool(true);
	for (size_t i = 1; i < list->n; i++) {
		struct cel_value a = cel_list_at(run, list, i - 1), b = cel_list_at(run, list, i);
		int order;

		if (!cel_compare(&a, &b, &order))
			return cel_fail(run, NO_OVERLOAD);
		if (order > 0) {
			*ret_value = cel_bool(false);
			break;
		}
	}
	return cel_charge(run, list->n);
}

static int f_sum(CALL_ARGS)
{
	const struct cel_list *list = args[0].list;
	struct cel_value pair[2];

	(void)n;
	pair[0] = cel_int(0);
	for (size_t i = 0; i < list->n; i++) {
		const struct cel_function *add;

		pair[1] = cel_list_at(run, list, i);
		if (i == 0) {
			pair[0] = pair[1];
			continue;
		}
		if (pair[0].kind != pair[1].kind)
			return cel_fail(run, NO_OVERLOAD);
		for (add = cel_function_find("_+_", false); add->name && !strcmp(add->name, "_+_");
		        add++)
			if (cel_code_fits(add->args[0], pair[0].kind) &&
			        cel_code_fits(add->args[1], pair[1].kind))
				break;
		if (!add->name || strcmp(add->name, "_+_"))
			return cel_fail(run, NO_OVERLOAD);
		struct cel_value total;

		if (add->call(run, pair, 2, &total) < 0)
			return -EINVAL;
		pair[0] = total;
	}
	*ret_value = pair[0];
	return cel_charge(run, list->n);
}

static int extreme(struct cel_run *run, const struct cel_list *list, int sign, const char *name,
        struct cel_value *ret_value)
{
	if (!list->n)
		return cel_fail(run, "%s called on empty list", name);
	*ret_value = cel_list_at(run, list, 0);
	for (size_t i = 1; i < list->n; i++) {
		struct cel_value item = cel_list_at(run, list, i);
		int order;

		if (!cel_compare(&item, ret_value, &order))
			return cel_fail(run, NO_OVERLOAD);
		if (order * sign > 0)
			*ret_value = item;
	}
	return cel_charge(run, list->n);
}

static int f_max(CALL_ARGS)
{
	(void)n;
	return extreme(run, args[0].list, 1, "max", ret_value);
}

static int f_min(CALL_ARGS)
{
	(void)n;
	return extreme(run, args[0].list, -1, "min", ret_value);
}

static int f_index_of(CALL_ARGS)
{
	(void)n;
	*ret_value = cel_int(-1);
	for (size_t i = 0; i < args[0].list->n && ret_value->i < 0; i++) {
		struct cel_value item = cel_list_at(run, args[0].list, i);

		if (cel_equal(run, &item, &args[1]))
			*ret_value = cel_int((int64_t)i);
	}
	return cel_charge(run, args[0].list->n);
}

static int f_last_index_of(CALL_ARGS)
{
	(void)n;
	*ret_value = cel_int(-1);
	for (size_t i = args[0].list->n; i-- > 0 && ret_value->i < 0;) {
		struct cel_value item = cel_list_at(run, args[0].list, i);

		if (cel_equal(run, &item, &args[1]))
			*ret_value = cel_int((int64_t)i);
	}
	return cel_charge(run, args[0].list->n);
}

static int slice(struct cel_run *run, const struct cel_list *list, int64_t start, int64_t end,
        struct cel_value *ret_value)
{
	struct cel_value *items;

	if (start < 0 || end < 0)
		return cel_fail(run, "cannot slice(%lld, %lld), negative indexes not supported",
		        (long long)start, (long long)end);
	if (start > end)
		return cel_fail(run,
		        "cannot slice(%lld, %lld), start index must be less than or equal to end "
		        "index",
		        (long long)start, (long long)end);
	if ((size_t)end > list->n)
		return cel_fail(run, "cannot slice(%lld, %lld), list is length %zu",
		        (long long)start, (long long)end, list->n);
	*ret_value = cel_list_new(run, (size_t)(end - start), &items);
	for (int64_t i = start; i < end; i++)
		*items++ = cel_list_at(run, list, (size_t)i);
	return cel_charge(run, (uint64_t)(end - start));
}

static int f_slice(CALL_ARGS)
{
	(void)n;
	return slice(run, args[0].list, args[1].i, args[2].i, ret_value);
}

static int f_reverse(CALL_ARGS)
{
	const struct cel_list *list = args[0].list;
	struct cel_value *items;

	(void)n;
	*ret_value = cel_list_new(run, list->n, &items);
	for (size_t i = list->n; i-- > 0;)
		*items++ = cel_list_at(run, list, i);
	return cel_charge(run, list->n);
}

static int f_distinct(CALL_ARGS)
{
	const struct cel_list *list = args[0].list;
	struct cel_value *items;
	size_t kept = 0;

	(void)n;
	*ret_value = cel_list_new(run, list->n, &items);
	for (size_t i = 0; i < list->n; i++) {
		struct cel_value item = cel_list_at(run, list, i);
		size_t j = 0;

		while (j < kept && !cel_equal(run, &items[j], &item))
			j++;
		if (j == kept)
			items[kept++] = item;
		if (cel_charge(run, kept) < 0)
			return -EOVERFLOW;
	}
	((struct cel_list *)(uintptr_t)ret_value->list)->n = kept;
	return 0;
}

static int compare_items(const void *a, const void *b)
{
	int order = 0;

	cel_compare(a, b, &order);
	return order;
}

static int f_sort(CALL_ARGS)
{
	const struct cel_list *list = args[0].list;
	struct cel_value *items;
	int order;

	(void)n;
	*ret_value = cel_list_new(run, list->n, &items);
	for (size_t i = 0; i < list->n; i++) {
		items[i] = cel_list_at(run, list, i);
		if (!cel_compare(&items[i], &items[0], &order))
			return cel_fail(run, "list elements must be comparable");
	}
	if (list->n)
		qsort(items, list->n, sizeof(*items), compare_items);
	return cel_charge(run, list->n * 4);
}

static int flatten(struct cel_run *run, const struct cel_list *list, int64_t depth,
        struct cel_value *items, size_t *n, size_t cap)
{
	for (size_t i = 0; i < list->n; i++) {
		struct cel_value item = cel_list_at(run, list, i);

		if (item.kind == CEL_LIST && depth > 0) {
			if (flatten(run, item.list, depth - 1, items, n, cap) < 0)
				return -EOVERFLOW;
			continue;
		}
		if (cel_charge(run, 1) < 0)
			return -EOVERFLOW;
		if (items && *n < cap)
			items[*n] = item;
		(*n)++;
	}
	return 0;
}

static int f_flatten(CALL_ARGS)
{
	int64_t depth = n > 1 ? args[1].i : 1;
	struct cel_value *items;
	size_t total = 0, written = 0;

	if (depth < 0)
		return cel_fail(run, "level must be non-negative");
	if (flatten(run, args[0].list, depth, NULL, &total, 0) < 0)
		return -EOVERFLOW;
	*ret_value = cel_list_new(run, total, &items);
	return flatten(run, args[0].list, depth, items, &written, total);
}

static int f_range(CALL_ARGS)
{
	struct cel_value *items;

	(void)n;
	if (args[0].i < 0 || args[0].i > 100000)
		return cel_fail(run, "lists.range() size out of range: %lld", (long long)args[0].i);
	if (cel_charge(run, (uint64_t)args[0].i) < 0)
		return -EOVERFLOW;
	*ret_value = cel_list_new(run, (size_t)args[0].i, &items);
	for (int64_t i = 0; i < args[0].i; i++)
		items[i] = cel_int(i);
	return 0;
}

/* Is every element of b in a? */
static int contains_all(
        struct cel_run *run, const struct cel_list *a, const struct cel_list *b, bool any)
{
	for (size_t i = 0; i < b->n; i++) {
		struct cel_value wanted = cel_list_at(run, b, i);
		bool found = false;

		for (size_t j = 0; j < a->n && !found; j++) {
			struct cel_value item = cel_list_at(run, a, j);

			if (cel_charge(run, 1) < 0)
				return -EOVERFLOW;
			found = cel_equal(run, &item, &wanted);
		}
		if (found == any)
			return any;
	}
	return !any;
}

static int f_sets_contains(CALL_ARGS)
{
	int code = contains_all(run, args[0].list, args[1].list, false);

	(void)n;
	*ret_value = cel_bool(code == 1);
	return code < 0 ? code : 0;
}

static int f_sets_intersects(CALL_ARGS)
{
	int code = contains_all(run, args[0].list, args[1].list, true);

	(void)n;
	*ret_value = cel_bool(code == 1);
	return code < 0 ? code : 0;
}

static int f_sets_equivalent(CALL_ARGS)
{
	int code = contains_all(run, args[0].list, args[1].list, false);

	(void)n;
	if (code == 1)
		code = contains_all(run, args[1].list, args[0].list, false);
	*ret_value = cel_bool(code == 1);
	return code < 0 ? code : 0;
}

/* Optionals. */

static int f_optional_of(CALL_ARGS)
{
	(void)n;
	*ret_value = cel_optional(run, &args[0]);
	return 0;
}

static int f_optional_none(CALL_ARGS)
{
	(void)args;
	(void)n;
	*ret_value = cel_optional(run, NULL);
	return 0;
}

static bool is_zero(const struct cel_value *v)
{
	switch (v->kind) {
	case CEL_NULL:
		return true;
	case CEL_BOOL:
		return !v->b;
	case CEL_INT:
	case CEL_DURATION:
		return !v->i;
	case CEL_UINT:
		return !v->u;
	case CEL_DOUBLE:
		return v->d == 0;
	case CEL_STRING:
	case CEL_BYTES:
		return !v->s.len;
	case CEL_LIST:
		return !v->list->n;
	case CEL_MAP:
		return !cel_map_size(v->map);
	default:
		return false;
	}
}

static int f_optional_of_non_zero(CALL_ARGS)
{
	(void)n;
	*ret_value = cel_optional(run, is_zero(&args[0]) ? NULL : &args[0]);
	return 0;
}

static int f_has_value(CALL_ARGS)
{
	(void)run;
	(void)n;
	*ret_value = cel_bool(args[0].optional != NULL);
	return 0;
}

static int f_value(CALL_ARGS)
{
	(void)n;
	if (!args[0].optional)
		return cel_fail(run, "optional.none() dereference");
	*ret_value = *args[0].optional;
	return 0;
}

static int f_or(CALL_ARGS)
{
	(void)run;
	(void)n;
	*ret_value = args[0].optional ? args[0] : args[1];
	return 0;
}

static int f_or_value(CALL_ARGS)
{
	(void)run;
	(void)n;
	*ret_value = args[0].optional ? *args[0].optional : args[1];
	return 0;
}

const struct cel_function cel_list_functions[] = {
        {"isSorted", true, "L", "b", f_is_sorted},
        {"sum", true, "L", "A", f_sum},
        {"max", true, "L", "A", f_max},
        {"min", true, "L", "A", f_min},
        {"indexOf", true, "ss", "i", cel_string_index_of},
        {"indexOf", true, "ssi", "i", cel_string_index_of},
        {"indexOf", true, "LA", "i", f_index_of},
        {"lastIndexOf", true, "ss", "i", cel_string_last_index_of},
        {"lastIndexOf", true, "ssi", "i", cel_string_last_index_of},
        {"lastIndexOf", true, "LA", "i", f_last_index_of},
        {"reverse", true, "s", "s", cel_string_reverse},
        {"reverse", true, "L", "LA", f_reverse},
        {"slice", true, "Lii", "LA", f_slice},
        {"distinct", true, "L", "LA", f_distinct},
        {"sort", true, "L", "LA", f_sort},
        {"flatten", true, "L", "L*", f_flatten},
        {"flatten", true, "Li", "L*", f_flatten},
        {"lists.range", false, "i", "Li", f_range},
        {"sets.contains", false, "LL", "b", f_sets_contains},
        {"sets.intersects", false, "LL", "b", f_sets_intersects},
        {"sets.equivalent", false, "LL", "b", f_sets_equivalent},
        {"optional.of", false, "A", "oA", f_optional_of},
        {"optional.none", false, "", "o*", f_optional_none},
        {"optional.ofNonZeroValue", false, "A", "oA", f_optional_of_non_zero},
        {"hasValue", true, "o", "b", f_has_value},
        {"value", true, "o", "A", f_value},
        {"or", true, "oo", "oA", f_or},
        {"orValue", true, "oA", "A", f_or_value},
        {0},
};
