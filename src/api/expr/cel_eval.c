/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/expr/cel_internal.h"

#include <errno.h>

#define EVAL_DEPTH_MAX 300
#define NO_OVERLOAD "no such overload"

int cel_fail(struct cel_run *run, const char *fmt, ...)
{
	kt_auto_str text = KT_STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	kt_str_vprintf(&text, fmt, ap);
	va_end(ap);
	run->error = kt_arena_strdup(run->arena, kt_str_text(&text));
	return -EINVAL;
}

int cel_charge(struct cel_run *run, uint64_t cost)
{
	run->cost += cost;
	if (run->cost <= run->cost_max)
		return 0;
	cel_fail(run, "operation cancelled: actual cost limit exceeded");
	return -EOVERFLOW;
}

static int eval_ident(struct cel_run *run, const struct cel_node *node, struct cel_value *ret_value)
{
	for (const struct cel_scope *s = run->scope; s; s = s->outer) {
		if (!strcmp(s->name, node->text)) {
			*ret_value = s->value;
			return 0;
		}
	}
	for (size_t i = 0; i < run->cel->n_variables; i++) {
		const struct kt_cel_variable *variable = &run->cel->variables[i];

		if (strcmp(variable->name, node->text))
			continue;
		if (variable->authorizer) {
			static const struct kt_cel_question nothing_yet;

			*ret_value = (struct cel_value){
			        .kind = CEL_AUTHORIZER, .question = &nothing_yet};
			return 0;
		}
		for (size_t j = 0; j < run->host->n_bindings; j++) {
			const struct kt_cel_binding *binding = &run->host->bindings[j];
			struct cel_value value;

			if (strcmp(binding->name, node->text))
				continue;
			value = cel_of_json(run, binding->value, variable->type);
			*ret_value = variable->optional
			                     ? cel_optional(run, binding->value ? &value : NULL)
			                     : value;
			return 0;
		}
	}
	return cel_fail(run, "no such attribute(s): %s", node->text);
}

static int eval_policy_variable(
        struct cel_run *run, const struct cel_node *node, struct cel_value *ret_value)
{
	kt_auto_err err = KT_ERR_INIT;
	const json_t *value = run->host->policy_variable(run->host->arg, node->text, &err);

	if (!value)
		return cel_fail(run, "%s", err.message ? err.message : "no such key");
	*ret_value = node->test_only ? cel_bool(true) : cel_of_json(run, value, NULL);
	return 0;
}

/* map.key: the field, an optional of it, or whether it is there. */
static int select_from(struct cel_run *run, const struct cel_node *node,
        const struct cel_value *target, bool optional, struct cel_value *ret_value)
{
	struct cel_value key = cel_sv(kt_sv_of(node->text)), value;
	bool found;

	if (target->kind == CEL_OPTIONAL) {
		if (target->optional)
			return select_from(run, node, target->optional, true, ret_value);
		*ret_value = node->test_only ? cel_bool(false) : cel_optional(run, NULL);
		return 0;
	}
	if (target->kind == CEL_NULL && optional) {
		*ret_value = cel_optional(run, NULL);
		return 0;
	}
	if (target->kind == CEL_NULL && node->test_only) { /* has(null.x) */
		*ret_value = cel_bool(false);
		return 0;
	}
	if (target->kind == CEL_AUTHORIZER && !strcmp(node->text, "requestResource"))
		return cel_request_resource(run, ret_value);
	if (target->kind != CEL_MAP)
		return cel_fail(run, NO_OVERLOAD);
	found = cel_map_get(run, target->map, &key, &value);
	if (node->test_only)
		*ret_value = cel_bool(found);
	else if (optional)
		*ret_value = cel_optional(run, found ? &value : NULL);
	else if (!found)
		return cel_fail(run, "no such key: %s", node->text);
	else
		*ret_value = value;
	return 0;
}

static bool is_shadowed(const struct cel_run *run, const char *name)
{
	for (const struct cel_scope *s = run->scope; s; s = s->outer)
		if (!strcmp(s->name, name))
			return true;
	return false;
}

static int eval_select(
        struct cel_run *run, const struct cel_node *node, struct cel_value *ret_value)
{
	const struct cel_node *from = node->args[0];
	struct cel_value target;
	int code;

	if (run->host->policy_variable && from->kind == NODE_IDENT &&
	        !strcmp(from->text, "variables") && !is_shadowed(run, "variables"))
		return eval_policy_variable(run, node, ret_value);
	code = cel_eval_node(run, from, &target);
	return code < 0 ? code : select_from(run, node, &target, node->optional, ret_value);
}

static bool list_index(const struct cel_value *index, int64_t *ret_i)
{
	if (index->kind == CEL_INT)
		*ret_i = index->i;
	else if (index->kind == CEL_UINT && index->u <= INT64_MAX)
		*ret_i = (int64_t)index->u;
	else if (index->kind == CEL_DOUBLE && index->d >= 0 && index->d < 4e9 &&
	         index->d == (double)(int64_t)index->d)
		*ret_i = (int64_t)index->d;
	else
		return false;
	return true;
}

static int index_into(struct cel_run *run, const struct cel_value *target,
        const struct cel_value *index, bool optional, struct cel_value *ret_value)
{
	struct cel_value value;
	int64_t i;

	if (target->kind == CEL_OPTIONAL) {
		if (target->optional)
			return index_into(run, target->optional, index, true, ret_value);
		*ret_value = cel_optional(run, NULL);
		return 0;
	}
	if (target->kind == CEL_MAP) {
		bool found = cel_map_get(run, target->map, index, &value);

		if (!found && !optional) {
			struct cel_value text = {.kind = CEL_STRING};

			cel_to_string(run, index, &text);
			return cel_fail(run, "no such key: %.*s", (int)text.s.len,
			        text.s.p ? text.s.p : "");
		}
		*ret_value = optional ? cel_optional(run, found ? &value : NULL) : value;
		return 0;
	}
	if (target->kind != CEL_LIST)
		return cel_fail(run, NO_OVERLOAD);
	if (!list_index(index, &i))
		return cel_fail(
		        run, "unsupported index type '%s' in list", cel_kind_name(index->kind));
	if (i < 0 || (size_t)i >= target->list->n) {
		if (!optional)
			return cel_fail(run, "index out of bounds: %lld", (long long)i);
		*ret_value = cel_optional(run, NULL);
		return 0;
	}
	value = cel_list_at(run, target->list, (size_t)i);
	*ret_value = optional ? cel_optional(run, &value) : value;
	return 0;
}

static int eval_index(struct cel_run *run, const struct cel_node *node, struct cel_value *ret_value)
{
	struct cel_value target, index;
	int code = cel_eval_node(run, node->args[0], &target);

	if (code == 0)
		code = cel_eval_node(run, node->args[1], &index);
	return code < 0 ? code : index_into(run, &target, &index, node->optional, ret_value);
}

/* && and || are commutative in their errors: one side alone may decide. */
static int eval_logic(
        struct cel_run *run, const struct cel_node *node, bool decides, struct cel_value *ret_value)
{
	struct cel_value left, right;
	const char *error = NULL;
	int code = cel_eval_node(run, node->args[0], &left);
	int failed = code;

	if (code == -EOVERFLOW)
		return code;
	if (code == 0 && left.kind != CEL_BOOL)
		failed = cel_fail(run, NO_OVERLOAD);
	if (failed == 0 && left.b == decides) {
		*ret_value = left;
		return 0;
	}
	if (failed < 0)
		error = run->error;
	code = cel_eval_node(run, node->args[1], &right);
	if (code == -EOVERFLOW)
		return code;
	if (code == 0 && right.kind != CEL_BOOL)
		code = cel_fail(run, NO_OVERLOAD);
	if (code == 0 && right.b == decides) {
		*ret_value = right;
		return 0;
	}
	if (failed < 0) {
		run->error = error;
		return failed;
	}
	if (code == 0)
		*ret_value = right;
	return code;
}

static int eval_conditional(
        struct cel_run *run, const struct cel_node *node, struct cel_value *ret_value)
{
	struct cel_value condition;
	int code = cel_eval_node(run, node->args[0], &condition);

	if (code < 0)
		return code;
	if (condition.kind != CEL_BOOL)
		return cel_fail(run, NO_OVERLOAD);
	return cel_eval_node(run, node->args[condition.b ? 1 : 2], ret_value);
}

static bool args_fit(const struct cel_function *function, const struct cel_value *args, size_t n)
{
	if (strlen(function->args) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!cel_code_fits(function->args[i], args[i].kind))
			return false;
	return true;
}

static int match_with(struct cel_run *run, const struct cel_node *node,
        const struct cel_value *args, struct cel_value *ret_value)
{
	size_t start, end;
	int found = kt_regex_find(node->regex, args[0].s, 0, &start, &end);

	if (found < 0)
		return cel_fail(run, "regular expression takes too many steps");
	*ret_value = cel_bool(found);
	return cel_charge(run, args[0].s.len / 10 + 1);
}

static int eval_call(struct cel_run *run, const struct cel_node *node, struct cel_value *ret_value)
{
	struct cel_value args[8];
	int code;

	if (!strcmp(node->text, "_&&_"))
		return eval_logic(run, node, false, ret_value);
	if (!strcmp(node->text, "_||_"))
		return eval_logic(run, node, true, ret_value);
	if (!strcmp(node->text, "_?_:_"))
		return eval_conditional(run, node, ret_value);
	if (!strcmp(node->text, "_[_]"))
		return eval_index(run, node, ret_value);
	if (node->n_args > KT_ARRAY_SIZE(args))
		return cel_fail(run, NO_OVERLOAD);
	for (size_t i = 0; i < node->n_args; i++) {
		code = cel_eval_node(run, node->args[i], &args[i]);
		if (code < 0)
			return code;
	}
	if (node->regex && !strcmp(node->text, "matches") && args[0].kind == CEL_STRING)
		return match_with(run, node, args, ret_value);
	for (const struct cel_function *f = node->function;
	        f && f->name && !strcmp(f->name, node->text) && f->member == node->member; f++)
		if (args_fit(f, args, node->n_args))
			return f->call(run, args, node->n_args, ret_value);
	return cel_fail(run, NO_OVERLOAD);
}

static int eval_list(struct cel_run *run, const struct cel_node *node, struct cel_value *ret_value)
{
	struct cel_value *items;
	struct cel_list *list;
	size_t n = 0;

	*ret_value = cel_list_new(run, node->n_args, &items);
	for (size_t i = 0; i < node->n_args; i++) {
		struct cel_value value;
		int code = cel_eval_node(run, node->args[i], &value);

		if (code < 0)
			return code;
		if (!node->optional_items || !node->optional_items[i])
			items[n++] = value;
		else if (value.kind != CEL_OPTIONAL)
			return cel_fail(run,
			        "cannot initialize optional list element from non-optional value");
		else if (value.optional)
			items[n++] = *value.optional;
	}
	list = (struct cel_list *)(uintptr_t)ret_value->list;
	list->n = n;
	return cel_charge(run, node->n_args);
}

static struct cel_map *map_new(struct cel_run *run, size_t cap, struct cel_value *ret_value)
{
	struct cel_map *map = kt_arena_new(run->arena, struct cel_map);

	map->keys = kt_arena_alloc(run->arena, (cap + 1) * sizeof(*map->keys));
	map->values = kt_arena_alloc(run->arena, (cap + 1) * sizeof(*map->values));
	*ret_value = (struct cel_value){.kind = CEL_MAP, .map = map};
	return map;
}

static int map_put(struct cel_run *run, struct cel_map *map, const struct cel_value *key,
        const struct cel_value *value)
{
	struct cel_value old;

	if (cel_map_get(run, map, key, &old))
		return cel_fail(run, "insert failed: key already exists");
	map->keys[map->n] = *key;
	map->values[map->n++] = *value;
	return cel_charge(run, 1 + map->n / 8);
}

static int eval_map(struct cel_run *run, const struct cel_node *node, struct cel_value *ret_value)
{
	struct cel_map *map = map_new(run, node->n_args / 2, ret_value);

	for (size_t i = 0; i + 1 < node->n_args; i += 2) {
		struct cel_value key, value;
		int code = cel_eval_node(run, node->args[i], &key);

		if (code == 0)
			code = cel_eval_node(run, node->args[i + 1], &value);
		if (code == 0 && node->optional_items[i / 2]) {
			if (value.kind != CEL_OPTIONAL)
				return cel_fail(run,
				        "cannot initialize optional entry from non-optional value");
			if (!value.optional)
				continue;
			value = *value.optional;
		}
		if (code == 0)
			code = map_put(run, map, &key, &value);
		if (code < 0)
			return code;
	}
	return 0;
}

/* A range: what the first and the second variable of a comprehension are at each step. */
struct range {
	const struct cel_list *list;
	const struct cel_map *map;
	struct cel_map_iter iter;
	size_t i;
	bool two;
};

static bool range_next(struct cel_run *run, struct range *range, struct cel_value *ret_first,
        struct cel_value *ret_second)
{
	if (range->map)
		return cel_map_next(run, range->map, &range->iter, ret_first, ret_second);
	if (range->i >= range->list->n)
		return false;
	*ret_first = *ret_second = cel_list_at(run, range->list, range->i);
	if (range->two)
		*ret_first = cel_int((int64_t)range->i);
	range->i++;
	return true;
}

static size_t range_size(const struct range *range)
{
	return range->map ? cel_map_size(range->map) : range->list->n;
}

static int range_begin(struct cel_run *run, const struct cel_node *node, struct range *ret_range)
{
	struct cel_value value;
	int code = cel_eval_node(run, node->args[0], &value);

	if (code < 0)
		return code;
	*ret_range = (struct range){.two = node->var2 != NULL};
	if (value.kind == CEL_LIST)
		ret_range->list = value.list;
	else if (value.kind == CEL_MAP)
		ret_range->map = value.map;
	else
		return cel_fail(run, NO_OVERLOAD);
	return 0;
}

/* Evaluates with the loop's variables bound. */
static int eval_bound(struct cel_run *run, const struct cel_node *node, const struct cel_node *body,
        const struct cel_value *first, const struct cel_value *second, struct cel_value *ret_value)
{
	struct cel_scope one = {node->var, *first, run->scope};
	struct cel_scope two = {node->var2, *second, &one};
	struct cel_scope *outer = run->scope;
	int code;

	run->scope = node->var2 ? &two : &one;
	code = cel_charge(run, 1);
	if (code == 0)
		code = cel_eval_node(run, body, ret_value);
	run->scope = outer;
	return code;
}

static int test_bound(struct cel_run *run, const struct cel_node *node, const struct cel_node *body,
        const struct cel_value *first, const struct cel_value *second)
{
	struct cel_value value;
	int code = eval_bound(run, node, body, first, second, &value);

	if (code < 0)
		return code;
	return value.kind == CEL_BOOL ? value.b : cel_fail(run, NO_OVERLOAD);
}

/* all, exists: an error counts only when no element decides. */
static int eval_quantifier(
        struct cel_run *run, const struct cel_node *node, struct cel_value *ret_value)
{
	bool decides = node->macro == MACRO_EXISTS;
	struct cel_value first, second;
	const char *error = NULL;
	struct range range;
	int code = range_begin(run, node, &range);

	if (code < 0)
		return code;
	while (range_next(run, &range, &first, &second)) {
		code = test_bound(run, node, node->args[1], &first, &second);
		if (code == -EOVERFLOW)
			return code;
		if (code < 0) {
			error = run->error;
		} else if ((code == 1) == decides) {
			*ret_value = cel_bool(decides);
			return 0;
		}
	}
	if (error) {
		run->error = error;
		return -EINVAL;
	}
	*ret_value = cel_bool(!decides);
	return 0;
}

static int eval_exists_one(
        struct cel_run *run, const struct cel_node *node, struct cel_value *ret_value)
{
	struct cel_value first, second;
	struct range range;
	size_t n = 0;
	int code = range_begin(run, node, &range);

	if (code < 0)
		return code;
	while (range_next(run, &range, &first, &second)) {
		code = test_bound(run, node, node->args[1], &first, &second);
		if (code < 0)
			return code;
		n += code == 1;
	}
	*ret_value = cel_bool(n == 1);
	return 0;
}

/* map, filter, transformList */
static int eval_to_list(
        struct cel_run *run, const struct cel_node *node, struct cel_value *ret_value)
{
	const struct cel_node *condition =
	        node->macro == MACRO_FILTER ? node->args[1] : node->filter;
	struct cel_value first, second, *items;
	struct range range;
	size_t n = 0;
	int code = range_begin(run, node, &range);

	if (code < 0)
		return code;
	*ret_value = cel_list_new(run, range_size(&range), &items);
	while (range_next(run, &range, &first, &second)) {
		code = condition ? test_bound(run, node, condition, &first, &second) : 1;
		if (code == 0)
			continue;
		if (code > 0 && node->macro == MACRO_FILTER)
			items[n++] = first;
		else if (code > 0)
			code = eval_bound(run, node, node->args[1], &first, &second, &items[n++]);
		if (code < 0)
			return code;
	}
	((struct cel_list *)(uintptr_t)ret_value->list)->n = n;
	return 0;
}

static int put_entries(struct cel_run *run, struct cel_map *map, const struct cel_value *entry)
{
	struct cel_map_iter iter = {0};
	struct cel_value key, value;

	if (entry->kind != CEL_MAP || entry->map->n != 1)
		return cel_fail(run, "transformMapEntry must make a map of one entry");
	while (cel_map_next(run, entry->map, &iter, &key, &value))
		if (map_put(run, map, &key, &value) < 0)
			return -EINVAL;
	return 0;
}

/* transformMap, transformMapEntry */
static int eval_to_map(
        struct cel_run *run, const struct cel_node *node, struct cel_value *ret_value)
{
	struct cel_value first, second, value;
	struct cel_map *map;
	struct range range;
	int code = range_begin(run, node, &range);

	if (code < 0)
		return code;
	map = map_new(run, range_size(&range), ret_value);
	while (range_next(run, &range, &first, &second)) {
		code = node->filter ? test_bound(run, node, node->filter, &first, &second) : 1;
		if (code == 0)
			continue;
		if (code > 0)
			code = eval_bound(run, node, node->args[1], &first, &second, &value);
		if (code == 0)
			code = node->macro == MACRO_TRANSFORM_MAP
			               ? map_put(run, map, &first, &value)
			               : put_entries(run, map, &value);
		if (code < 0)
			return code;
	}
	return 0;
}

/* optMap, optFlatMap */
static int eval_optional_map(
        struct cel_run *run, const struct cel_node *node, struct cel_value *ret_value)
{
	struct cel_value target, value;
	int code = cel_eval_node(run, node->args[0], &target);

	if (code < 0)
		return code;
	if (target.kind != CEL_OPTIONAL)
		return cel_fail(run, NO_OVERLOAD);
	if (!target.optional) {
		*ret_value = target;
		return 0;
	}
	code = eval_bound(run, node, node->args[1], target.optional, target.optional, &value);
	if (code < 0)
		return code;
	*ret_value = node->macro == MACRO_OPT_MAP ? cel_optional(run, &value) : value;
	return 0;
}

static int eval_macro(struct cel_run *run, const struct cel_node *node, struct cel_value *ret_value)
{
	struct cel_value value;
	int code;

	switch (node->macro) {
	case MACRO_ALL:
	case MACRO_EXISTS:
		return eval_quantifier(run, node, ret_value);
	case MACRO_EXISTS_ONE:
		return eval_exists_one(run, node, ret_value);
	case MACRO_MAP:
	case MACRO_FILTER:
	case MACRO_TRANSFORM_LIST:
		return eval_to_list(run, node, ret_value);
	case MACRO_TRANSFORM_MAP:
	case MACRO_TRANSFORM_MAP_ENTRY:
		return eval_to_map(run, node, ret_value);
	case MACRO_BIND:
		code = cel_eval_node(run, node->args[0], &value);
		return code < 0 ? code
		                : eval_bound(run, node, node->args[1], &value, &value, ret_value);
	default:
		return eval_optional_map(run, node, ret_value);
	}
}

int cel_eval_node(struct cel_run *run, const struct cel_node *node, struct cel_value *ret_value)
{
	int code = cel_charge(run, 1);

	if (code < 0)
		return code;
	if (++run->depth > EVAL_DEPTH_MAX) {
		run->depth--;
		return cel_fail(run, "expression is nested too deeply");
	}
	switch (node->kind) {
	case NODE_LITERAL:
		*ret_value = node->literal;
		break;
	case NODE_IDENT:
		code = eval_ident(run, node, ret_value);
		break;
	case NODE_SELECT:
		code = eval_select(run, node, ret_value);
		break;
	case NODE_CALL:
		code = eval_call(run, node, ret_value);
		break;
	case NODE_LIST:
		code = eval_list(run, node, ret_value);
		break;
	case NODE_MAP:
		code = eval_map(run, node, ret_value);
		break;
	case NODE_MACRO:
		code = eval_macro(run, node, ret_value);
		break;
	}
	run->depth--;
	return code;
}
