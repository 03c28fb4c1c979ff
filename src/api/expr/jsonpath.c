/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/expr/jsonpath.h"

#include "api/expr/jsonpath_internal.h"
#include "api/machinery/go_text.h"
#include "api/machinery/patch.h"

#include <errno.h>

struct evaluation {
	bool missing_ok;
	struct kt_err *err;
};

static int walk(struct evaluation *e, const struct jp_nodes *nodes, const json_t *input,
        json_t **ret_output);

static int eval_field(struct evaluation *e, const char *name, const json_t *input, json_t *output)
{
	for (size_t i = 0; i < json_array_size(input); i++) {
		json_t *value = json_object_get(json_array_get(input, i), name);

		if (value)
			json_array_append(output, value);
	}
	if (!json_array_size(output) && !e->missing_ok)
		return kt_fail(e->err, ENOENT, "%s is not found", name);
	return 0;
}

static void append_children(json_t *output, const json_t *value)
{
	const char *key;
	json_t *child;
	size_t i;

	json_object_foreach((json_t *)(uintptr_t)value, key, child)
		json_array_append(output, child);
	json_array_foreach(value, i, child)
		json_array_append(output, child);
}

/* Every map and list that is not empty, outermost first. */
static void append_containers(json_t *output, json_t *value)
{
	const char *key;
	json_t *child;
	size_t i;

	if (!json_object_size(value) && !json_array_size(value))
		return;
	json_array_append(output, value);
	json_object_foreach(value, key, child)
		append_containers(output, child);
	json_array_foreach(value, i, child)
		append_containers(output, child);
}

static const char *go_type(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "map[string]interface {}";
	case JSON_STRING:
		return "string";
	case JSON_INTEGER:
		return "int64";
	case JSON_REAL:
		return "float64";
	default:
		return "bool";
	}
}

static int eval_slice(
        struct evaluation *e, const struct jp_node *node, const json_t *list, json_t *output)
{
	int64_t n = (int64_t)json_array_size(list);
	int64_t start = node->bounds[0].known ? node->bounds[0].value : 0;
	int64_t end = node->bounds[1].known ? node->bounds[1].value : n;
	int64_t step = node->bounds[2].known ? node->bounds[2].value : 1;

	if (json_is_null(list))
		return 0;
	if (!json_is_array(list))
		return kt_fail(e->err, EINVAL, "%s is not array or slice", go_type(list));
	start += start < 0 ? n : 0;
	if (node->single)
		end = start + 1;
	else
		end += end < 0 ? n : 0;
	if (start == end)
		return 0;
	if (start >= n || start < 0)
		return kt_fail(e->err, EINVAL, "array index out of bounds: index %lld, length %lld",
		        (long long)start, (long long)n);
	if (end > n || end < 0)
		return kt_fail(e->err, EINVAL, "array index out of bounds: index %lld, length %lld",
		        (long long)end - 1, (long long)n);
	if (start > end)
		return kt_fail(e->err, EINVAL,
		        "starting index %lld is greater than ending index %lld", (long long)start,
		        (long long)end);
	if (step <= 0)
		return kt_fail(e->err, EINVAL, "step must be > 0");
	for (int64_t i = start; i < end; i += step)
		json_array_append(output, json_array_get(list, (size_t)i));
	return 0;
}

static int compare_scalars(const json_t *a, const json_t *b, bool *ret_comparable)
{
	*ret_comparable = true;
	if (json_is_number(a) && json_is_number(b)) {
		double x = json_number_value(a), y = json_number_value(b);

		if (json_is_integer(a) && json_is_integer(b))
			return (json_integer_value(a) > json_integer_value(b)) -
			       (json_integer_value(a) < json_integer_value(b));
		return (x > y) - (x < y);
	}
	if (json_is_string(a) && json_is_string(b))
		return strcmp(json_string_value(a), json_string_value(b));
	*ret_comparable = json_is_boolean(a) && json_is_boolean(b);
	return (int)json_is_true(a) - (int)json_is_true(b);
}

static int compare(
        struct evaluation *e, enum jp_operator operator, const json_t * a, const json_t *b)
{
	bool comparable;
	int order = compare_scalars(a, b, &comparable);

	if (!comparable && (json_is_null(a) || json_is_null(b)))
		return operator== JP_NE ? !(json_is_null(a) && json_is_null(b))
		                        : json_is_null(a) && json_is_null(b);
	if (!comparable)
		return kt_fail(e->err, EINVAL, "incompatible types for comparison");
	switch (operator) {
	case JP_EQ:
		return order == 0;
	case JP_NE:
		return order != 0;
	case JP_LT:
		return order < 0;
	case JP_LE:
		return order <= 0;
	case JP_GT:
		return order > 0;
	case JP_GE:
		return order >= 0;
	default:
		return 1;
	}
}

static json_t *one(json_t *value)
{
	json_t *list = json_array();

	json_array_append(list, value);
	return list;
}

/* 1, 0 or a negative code. */
static int test_comparison(
        struct evaluation *e, const struct jp_condition *condition, json_t *value)
{
	struct evaluation inner = {true, e->err};
	kt_auto_json json_t *input = one(value);
	kt_auto_json json_t *left = NULL;
	kt_auto_json json_t *right = NULL;
	int code = walk(&inner, &condition->left, input, &left);

	if (code < 0)
		return code;
	if (condition->operator== JP_EXISTS)
		return json_array_size(left) > 0;
	if (!json_array_size(left))
		return 0;
	if (json_array_size(left) > 1)
		return kt_fail(e->err, EINVAL, "can only compare one element at a time");
	code = walk(&inner, &condition->right, input, &right);
	if (code < 0)
		return code;
	if (!json_array_size(right))
		return 0;
	if (json_array_size(right) > 1)
		return kt_fail(e->err, EINVAL, "can only compare one element at a time");
	return compare(e, condition->operator, json_array_get(left, 0), json_array_get(right, 0));
}

/* && binds tighter than ||. */
static int test_condition(struct evaluation *e, const struct jp_condition *condition, json_t *value)
{
	int all = 1;

	for (; condition; condition = condition->next) {
		int code = all ? test_comparison(e, condition, value) : 0;

		if (code < 0)
			return code;
		all = all && code;
		if (condition->or_next && all)
			return 1;
		if (condition->or_next)
			all = 1;
	}
	return all;
}

static int eval_filter(
        struct evaluation *e, const struct jp_node *node, const json_t *value, json_t *output)
{
	size_t i;
	json_t *element;

	if (json_is_null(value))
		return 0;
	if (!json_is_array(value))
		return kt_fail(e->err, EINVAL, "%s is not array or slice and cannot be filtered",
		        go_type(value));
	json_array_foreach(value, i, element) {
		int code = test_condition(e, node->condition, element);

		if (code < 0)
			return code;
		if (code)
			json_array_append(output, element);
	}
	return 0;
}

static int eval_union(
        struct evaluation *e, const struct jp_node *node, const json_t *input, json_t *output)
{
	for (size_t i = 0; i < node->n_branches; i++) {
		kt_auto_json json_t *part = NULL;
		int code = walk(e, &node->branches[i], input, &part);

		if (code < 0)
			return code;
		json_array_extend(output, part);
	}
	return 0;
}

static int eval_each(
        struct evaluation *e, const struct jp_node *node, const json_t *input, json_t *output)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < json_array_size(input); i++) {
		json_t *value = json_array_get(input, i);

		if (node->kind == JP_WILDCARD)
			append_children(output, value);
		else if (node->kind == JP_RECURSIVE)
			append_containers(output, value);
		else if (node->kind == JP_SLICE)
			code = eval_slice(e, node, value, output);
		else
			code = eval_filter(e, node, value, output);
	}
	return code;
}

static int eval_node(
        struct evaluation *e, const struct jp_node *node, const json_t *input, json_t *output)
{
	switch (node->kind) {
	case JP_TEXT:
		json_array_append_new(output, json_string_nocheck(node->text));
		return 0;
	case JP_LITERAL:
		json_array_append(output, node->value);
		return 0;
	case JP_FIELD:
		return eval_field(e, node->text, input, output);
	case JP_UNION:
		return eval_union(e, node, input, output);
	default:
		return eval_each(e, node, input, output);
	}
}

static int walk(struct evaluation *e, const struct jp_nodes *nodes, const json_t *input,
        json_t **ret_output)
{
	json_t *current = json_incref((json_t *)(uintptr_t)input);

	for (size_t i = 0; i < nodes->n; i++) {
		json_t *output = json_array();
		int code = eval_node(e, &nodes->items[i], current, output);

		json_decref(current);
		current = output;
		if (code < 0) {
			json_decref(current);
			return code;
		}
	}
	*ret_output = current;
	return 0;
}

void kt_jsonpath_value_text(struct kt_str *out, const json_t *value)
{
	if (json_is_object(value) || json_is_array(value))
		kt_json_write(out, value, KT_JSON_SORT | KT_JSON_HTML);
	else
		kt_go_percent_v(out, value);
}

static void print_results(struct kt_str *out, const json_t *results)
{
	for (size_t i = 0; i < json_array_size(results); i++) {
		if (i)
			kt_str_putc(out, ' ');
		kt_jsonpath_value_text(out, json_array_get(results, i));
	}
}

/* Receives what each expression of the template selects, in order; text stands alone as one string.
 */
typedef void take_results(void *arg, const json_t *results);

static int run(struct evaluation *e, const struct jp_nodes *nodes, json_t *data, take_results *take,
        void *arg)
{
	for (size_t i = 0; i < nodes->n; i++) {
		const struct jp_node *node = &nodes->items[i];
		kt_auto_json json_t *input = one(data);
		kt_auto_json json_t *results = NULL;
		int code;

		if (node->kind == JP_TEXT) {
			results = json_pack("[s]", node->text);
			take(arg, results);
			continue;
		}
		code = walk(e, &node->branches[0], input, &results);
		if (code < 0)
			return code;
		if (node->kind != JP_RANGE) {
			take(arg, results);
			continue;
		}
		for (size_t j = 0; code == 0 && j < json_array_size(results); j++)
			code = run(e, &node->body, json_array_get(results, j), take, arg);
		if (code < 0)
			return code;
	}
	return 0;
}

static void take_text(void *arg, const json_t *results)
{
	print_results(arg, results);
}

static void take_values(void *arg, const json_t *results)
{
	json_array_extend(arg, (json_t *)(uintptr_t)results);
}

int kt_jsonpath_print(const struct kt_jsonpath *path, const json_t *data, bool missing_ok,
        struct kt_str *out, struct kt_err *err)
{
	struct evaluation e = {missing_ok, err};
	size_t len = out->len;
	int code = run(&e, &path->root, (json_t *)(uintptr_t)data, take_text, out);

	if (code < 0)
		kt_str_truncate(out, len);
	return code;
}

json_t *kt_jsonpath_find(
        const struct kt_jsonpath *path, const json_t *data, bool missing_ok, struct kt_err *err)
{
	struct evaluation e = {missing_ok, err};
	json_t *values = json_array();

	if (run(&e, &path->root, (json_t *)(uintptr_t)data, take_values, values) == 0)
		return values;
	json_decref(values);
	return NULL;
}
