/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command/sort_by.h"

#include "api/expr/jsonpath.h"
#include "api/machinery/quantity.h"

#include <ctype.h>

enum { SHORT_LIST = 12 }; /* kubectl orders lists of at most so many by insertion */

struct key {
	json_t *value; /* NULL sorts first */
	json_t *item;  /* borrowed */
	size_t index;
};

/* Runs of digits by their value, the rest bytewise. */
static int compare_natural(const char *a, const char *b)
{
	while (*a && *b) {
		if (!isdigit((unsigned char)*a) || !isdigit((unsigned char)*b)) {
			if (*a != *b)
				return (unsigned char)*a - (unsigned char)*b;
			a++, b++;
			continue;
		}
		const char *p = a + strspn(a, "0"), *q = b + strspn(b, "0");
		size_t n = strspn(p, "0123456789"), m = strspn(q, "0123456789");
		int order = n != m ? (n > m) - (n < m) : strncmp(p, q, n);

		if (order)
			return order;
		if (p - a != q - b)
			return p - a < q - b ? -1 : 1;
		a = p + n;
		b = q + m;
	}
	return (*a != '\0') - (*b != '\0');
}

static int compare_texts(const char *a, const char *b)
{
	struct kt_quantity x, y;

	if (kt_quantity_parse(kt_sv_of(a), &x, NULL) == 0 &&
	        kt_quantity_parse(kt_sv_of(b), &y, NULL) == 0)
		return kt_quantity_cmp(x, y);
	return compare_natural(a, b);
}

static int compare_values(const json_t *a, const json_t *b)
{
	if (json_is_number(a) && json_is_number(b)) {
		double x = json_number_value(a), y = json_number_value(b);

		return (x > y) - (x < y);
	}
	if (json_is_string(a) && json_is_string(b))
		return compare_texts(json_string_value(a), json_string_value(b));
	return (int)json_is_true(a) - (int)json_is_true(b);
}

static bool is_less(const struct key *a, const struct key *b)
{
	if (!a->value || !b->value)
		return !a->value;
	return compare_values(a->value, b->value) < 0;
}

static void insertion_sort(struct key *keys, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		for (size_t j = i; j > 0 && is_less(&keys[j], &keys[j - 1]); j--) {
			struct key swapped = keys[j];

			keys[j] = keys[j - 1];
			keys[j - 1] = swapped;
		}
	}
}

static int compare_keys(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	int order = (x->value != NULL) - (y->value != NULL);

	if (!order && x->value)
		order = compare_values(x->value, y->value);
	return order ? order : (x->index > y->index) - (x->index < y->index);
}

static int find_keys(const json_t *items, const struct kt_jsonpath *path, const char *below,
        struct key *keys, struct kt_err *err)
{
	json_t *item;
	size_t i;

	json_array_foreach(items, i, item) {
		kt_auto_json json_t *found = kt_jsonpath_find(
		        path, below ? json_object_get(item, below) : item, true, err);

		if (!found)
			return err->code;
		keys[i] = (struct key){json_incref(json_array_get(found, 0)), item, i};
	}
	return 0;
}

json_t *kt_sort_by(const json_t *items, const char *path, const char *below, bool *ret_found,
        struct kt_err *err)
{
	size_t n = json_array_size(items);
	struct kt_jsonpath *parsed = NULL;
	json_t *out = NULL;

	*ret_found = false;
	if (kt_jsonpath_parse(path, true, &parsed, err) < 0)
		return NULL;
	struct key *keys = kt_new_array(struct key, n + 1);

	if (find_keys(items, parsed, below, keys, err) == 0) {
		if (n <= SHORT_LIST)
			insertion_sort(keys, n);
		else
			qsort(keys, n, sizeof(*keys), compare_keys);
		out = json_array();
		for (size_t i = 0; i < n; i++) {
			json_array_append(out, keys[i].item);
			*ret_found |= keys[i].value != NULL;
		}
	}
	for (size_t i = 0; i < n; i++)
		json_decref(keys[i].value);
	free(keys);
	kt_jsonpath_destroy(parsed);
	return out;
}
