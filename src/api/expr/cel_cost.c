/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Estimating what an expression may cost before it ever runs. */
#include "api/expr/cel_internal.h"

#define REQUEST_MAX_BYTES (3.0 * 1024 * 1024)
#define DEPTH_MAX 32

/* Of a value: what computing it costs, how large it may be (characters, elements), and what its
 * elements are. */
struct estimate {
	double cost, size;
	const struct kt_type *schema;
};

/* The fewest bytes a value of the type takes as JSON. */
static double min_bytes(const struct kt_type *type, int depth)
{
	double bytes = 2;

	switch (type ? type->shape : KT_SHAPE_ANY) {
	case KT_SHAPE_INT64:
	case KT_SHAPE_DOUBLE:
	case KT_SHAPE_ANY:
		return 1;
	case KT_SHAPE_BOOL:
		return 4;
	case KT_SHAPE_OBJECT:
		for (uint16_t i = 0; depth < DEPTH_MAX && i < type->n_fields; i++)
			if ((type->fields[i].flags & KT_FIELD_REQUIRED) &&
			        !type->fields[i].default_json)
				bytes += (double)strlen(type->fields[i].name) + 4 +
				         min_bytes(type->fields[i].type, depth + 1);
		return bytes;
	default:
		return bytes;
	}
}

static double max_enum(const json_t *values)
{
	size_t longest = 0;

	for (size_t i = 0; i < json_array_size(values); i++)
		longest = KT_MAX(longest, json_string_length(json_array_get(values, i)));
	return (double)longest;
}

static double string_size(const struct kt_limits *limits)
{
	if (limits && limits->enum_json)
		return max_enum(limits->enum_json);
	if (limits && limits->length_max >= 0)
		return (double)limits->length_max;
	if (limits && (kt_streq(limits->format, "date") || kt_streq(limits->format, "date-time") ||
	                      kt_streq(limits->format, "duration")))
		return 32;
	return REQUEST_MAX_BYTES - 2;
}

double kt_cel_estimate_size(const struct kt_type *type)
{
	const struct kt_limits *limits = type ? type->limits : NULL;

	switch (type ? type->shape : KT_SHAPE_ANY) {
	case KT_SHAPE_STRING:
	case KT_SHAPE_BYTES:
		return string_size(limits);
	case KT_SHAPE_LIST:
		if (limits && limits->items_max >= 0)
			return (double)limits->items_max;
		return (REQUEST_MAX_BYTES - 2) / (min_bytes(type->elem, 0) + 1);
	case KT_SHAPE_MAP:
		if (limits && limits->properties_max >= 0)
			return (double)limits->properties_max;
		return (REQUEST_MAX_BYTES - 2) / (min_bytes(type->elem, 0) + 6);
	default:
		return 1;
	}
}

bool kt_cel_size_is_limited(const struct kt_type *type)
{
	const struct kt_limits *limits = type ? type->limits : NULL;

	switch (type ? type->shape : KT_SHAPE_ANY) {
	case KT_SHAPE_LIST:
		return limits && limits->items_max >= 0;
	case KT_SHAPE_MAP:
		return limits && limits->properties_max >= 0;
	default:
		return true;
	}
}

double kt_cel_estimate_count(const struct kt_type *type)
{
	return REQUEST_MAX_BYTES / (min_bytes(type, 0) + 1); /* a comma between two of them */
}

static double of_literal(const struct cel_value *value)
{
	return value->kind == CEL_STRING || value->kind == CEL_BYTES ? (double)value->s.len : 1;
}

static struct estimate visit(const struct cel_node *node, int depth);

static struct estimate visit_macro(const struct cel_node *node, int depth)
{
	struct estimate range = visit(node->args[0], depth), body = visit(node->args[1], depth);
	struct estimate filter = node->filter ? visit(node->filter, depth) : (struct estimate){0};

	if (node->macro >= MACRO_BIND)
		return (struct estimate){range.cost + body.cost + 1, body.size, body.schema};
	return (struct estimate){range.cost + 1 + range.size * (body.cost + filter.cost + 1),
	        range.size, node->macro == MACRO_FILTER ? range.schema : NULL};
}

static bool is_one_of(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (!strcmp(*names, name))
			return true;
	return false;
}

/* What the call itself costs, beside its arguments. */
static double call_cost(const struct cel_node *node, const struct estimate *args)
{
	static const char *const whole[] = {"lowerAscii", "upperAscii", "trim", "reverse",
	        "quantity", "isQuantity", "url", "isURL", "ip", "isIP", "cidr", "isCIDR", "semver",
	        "isSemver", "validate", "charAt", "substring", NULL};
	static const char *const lists[] = {"isSorted", "sum", "min", "max", NULL};
	static const char *const free_of_charge[] = {"_&&_", "_||_", "_?_:_", NULL};

	if (is_one_of(node->text, free_of_charge))
		return 0;
	if (!strcmp(node->text, "contains") || !strcmp(node->text, "indexOf") ||
	        !strcmp(node->text, "lastIndexOf"))
		return 1 + args[0].size * 0.1 * (1 + (node->n_args > 1 ? args[1].size : 0) * 0.1);
	if (!strcmp(node->text, "matches") || !strcmp(node->text, "find") ||
	        !strcmp(node->text, "findAll"))
		return (1 + args[0].size * 0.1) *
		       (1 + (node->n_args > 1 ? args[1].size : 0) * 0.25);
	if (!strcmp(node->text, "startsWith") || !strcmp(node->text, "endsWith"))
		return 1 + (node->n_args > 1 ? args[1].size : 0) * 0.1;
	if (!strcmp(node->text, "_==_") || !strcmp(node->text, "_!=_"))
		return 1 + KT_MIN(args[0].size, args[1].size) * 0.1;
	if (!strcmp(node->text, "_+_"))
		return 1 + (args[0].size + args[1].size) * 0.1;
	if (!strcmp(node->text, "@in"))
		return 1 + (node->args[1]->type && node->args[1]->type->kind == CEL_MAP
		                           ? 0
		                           : args[1].size);
	if (!strcmp(node->text, "split") || !strcmp(node->text, "replace") ||
	        is_one_of(node->text, whole))
		return 1 + args[0].size * 0.1;
	return is_one_of(node->text, lists) ? 1 + args[0].size : 1;
}

static double result_size(const struct cel_node *node, const struct estimate *args)
{
	enum cel_kind kind = node->type ? node->type->kind : CEL_DYN;

	if (!strcmp(node->text, "_?_:_"))
		return KT_MAX(args[1].size, args[2].size);
	if (!strcmp(node->text, "_+_"))
		return kind == CEL_STRING || kind == CEL_LIST ? args[0].size + args[1].size : 1;
	if (kind == CEL_STRING || kind == CEL_LIST)
		return node->n_args ? args[0].size : 1;
	return 1;
}

static struct estimate visit_call(const struct cel_node *node, int depth)
{
	struct estimate args[8] = {0}, result = {0};

	for (size_t i = 0; i < node->n_args && i < KT_ARRAY_SIZE(args); i++) {
		args[i] = visit(node->args[i], depth);
		result.cost += args[i].cost;
	}
	if (!strcmp(node->text, "_?_:_"))
		result.cost = args[0].cost + KT_MAX(args[1].cost, args[2].cost);
	result.cost += call_cost(node, args);
	result.size = result_size(node, args);
	return result;
}

static struct estimate visit_parts(const struct cel_node *node, int depth)
{
	struct estimate result = {
	        .cost = 10, .size = node->kind == NODE_LIST ? (double)node->n_args : 1};

	for (size_t i = 0; i < node->n_args; i++)
		result.cost += visit(node->args[i], depth).cost;
	return result;
}

static struct estimate visit(const struct cel_node *node, int depth)
{
	struct estimate result = {.cost = 1, .size = 1};

	if (depth > KT_CEL_DEPTH_MAX * 4)
		return result;
	switch (node->kind) {
	case NODE_LITERAL:
		return (struct estimate){0, of_literal(&node->literal), NULL};
	case NODE_MACRO:
		result = visit_macro(node, depth + 1);
		break;
	case NODE_CALL:
		result = visit_call(node, depth + 1);
		break;
	case NODE_LIST:
	case NODE_MAP:
		return visit_parts(node, depth + 1);
	case NODE_SELECT:
		result.cost = visit(node->args[0], depth + 1).cost + (node->test_only ? 0 : 1);
		break;
	case NODE_IDENT:
		break;
	}
	/* a type that came from a schema knows its bounds */
	if (node->type && node->type->schema && !node->test_only)
		result.size = kt_cel_estimate_size(node->type->schema);
	return result;
}

double kt_cel_estimate(const struct kt_cel *cel)
{
	return visit(cel->root, 0).cost;
}
