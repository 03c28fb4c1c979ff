/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Static types: enough to name undeclared things, undefined fields and calls that no overload
 * takes. */
#include "api/expr/cel_internal.h"

#define SCOPE_DEPTH_MAX 200

struct scope {
	const char *name;
	const struct cel_type *type;
	const struct scope *outer;
};

struct checker {
	struct kt_cel *cel;
	const struct kt_cel_env *env;
	struct cel_errors *errors;
	const struct scope *scope;
};

static const struct cel_type basic[CEL_KINDS] = {
        [CEL_DYN] = {.kind = CEL_DYN},
        [CEL_NULL] = {.kind = CEL_NULL},
        [CEL_BOOL] = {.kind = CEL_BOOL},
        [CEL_INT] = {.kind = CEL_INT},
        [CEL_UINT] = {.kind = CEL_UINT},
        [CEL_DOUBLE] = {.kind = CEL_DOUBLE},
        [CEL_STRING] = {.kind = CEL_STRING},
        [CEL_BYTES] = {.kind = CEL_BYTES},
        [CEL_TIMESTAMP] = {.kind = CEL_TIMESTAMP},
        [CEL_DURATION] = {.kind = CEL_DURATION},
        [CEL_TYPE] = {.kind = CEL_TYPE},
        [CEL_QUANTITY] = {.kind = CEL_QUANTITY},
        [CEL_URL] = {.kind = CEL_URL},
        [CEL_IP] = {.kind = CEL_IP},
        [CEL_CIDR] = {.kind = CEL_CIDR},
        [CEL_SEMVER] = {.kind = CEL_SEMVER},
        [CEL_FORMAT] = {.kind = CEL_FORMAT},
        [CEL_AUTHORIZER] = {.kind = CEL_AUTHORIZER},
        [CEL_PATH_CHECK] = {.kind = CEL_PATH_CHECK},
        [CEL_GROUP_CHECK] = {.kind = CEL_GROUP_CHECK},
        [CEL_RESOURCE_CHECK] = {.kind = CEL_RESOURCE_CHECK},
        [CEL_DECISION] = {.kind = CEL_DECISION},
};
#define DYN (&basic[CEL_DYN])
#define BOOL (&basic[CEL_BOOL])

static const char *const kind_names[CEL_KINDS] = {
        "dyn",
        "null",
        "bool",
        "int",
        "uint",
        "double",
        "string",
        "bytes",
        "list",
        "map",
        "object",
        "timestamp",
        "duration",
        "type",
        "optional_type",
        "kubernetes.Quantity",
        "kubernetes.URL",
        "net.IP",
        "net.CIDR",
        "kubernetes.Semver",
        "kubernetes.NamedFormat",
        "kubernetes.authorization.Authorizer",
        "kubernetes.authorization.PathCheck",
        "kubernetes.authorization.GroupCheck",
        "kubernetes.authorization.ResourceCheck",
        "kubernetes.authorization.Decision",
};

const char *cel_kind_name(enum cel_kind kind)
{
	if (kind == CEL_TIMESTAMP)
		return "google.protobuf.Timestamp";
	if (kind == CEL_DURATION)
		return "google.protobuf.Duration";
	return kind == CEL_NULL ? "null_type" : kind_names[kind];
}

void cel_type_print(struct kt_str *out, const struct cel_type *type)
{
	kt_str_puts(out, kind_names[type->kind]);
	if (type->kind == CEL_LIST || type->kind == CEL_OPTIONAL || type->kind == CEL_MAP) {
		kt_str_putc(out, '(');
		cel_type_print(out, type->a ? type->a : DYN);
		if (type->kind == CEL_MAP) {
			kt_str_puts(out, ", ");
			cel_type_print(out, type->b ? type->b : DYN);
		}
		kt_str_putc(out, ')');
	}
}

static const struct cel_type *make(struct kt_arena *arena, enum cel_kind kind,
        const struct cel_type *a, const struct cel_type *b)
{
	struct cel_type *type = kt_arena_new(arena, struct cel_type);

	*type = (struct cel_type){kind, a, b, NULL};
	return type;
}

static const struct cel_type *type_of_string(const struct kt_type *schema)
{
	const char *format = schema->limits ? schema->limits->format : NULL;

	if (kt_streq(format, "date-time") || kt_streq(format, "date"))
		return &basic[CEL_TIMESTAMP];
	if (kt_streq(format, "duration"))
		return &basic[CEL_DURATION];
	return &basic[kt_streq(format, "byte") ? CEL_BYTES : CEL_STRING];
}

static const struct cel_type *plain_type_of_schema(
        struct kt_arena *arena, const struct kt_type *schema)
{
	struct cel_type *object;

	switch (schema ? schema->shape : KT_SHAPE_ANY) {
	case KT_SHAPE_OBJECT:
		object = kt_arena_new(arena, struct cel_type);
		*object = (struct cel_type){.kind = CEL_OBJECT, .schema = schema};
		return object;
	case KT_SHAPE_MAP:
		return make(arena, CEL_MAP, &basic[CEL_STRING],
		        cel_type_of_schema(arena, schema->elem));
	case KT_SHAPE_LIST:
		return make(arena, CEL_LIST, cel_type_of_schema(arena, schema->elem), NULL);
	case KT_SHAPE_STRING:
		return type_of_string(schema);
	case KT_SHAPE_INT32:
	case KT_SHAPE_INT64:
	case KT_SHAPE_UINT32:
	case KT_SHAPE_UINT64:
		return &basic[CEL_INT];
	case KT_SHAPE_DOUBLE:
		return &basic[CEL_DOUBLE];
	case KT_SHAPE_BOOL:
		return &basic[CEL_BOOL];
	case KT_SHAPE_BYTES:
		return &basic[CEL_BYTES];
	case KT_SHAPE_TIME:
	case KT_SHAPE_MICRO_TIME:
		return &basic[CEL_TIMESTAMP];
	case KT_SHAPE_DURATION:
		return &basic[CEL_DURATION];
	case KT_SHAPE_QUANTITY:
		return &basic[CEL_STRING];
	default:
		return DYN;
	}
}

const struct cel_type *cel_type_of_schema(struct kt_arena *arena, const struct kt_type *schema)
{
	const struct cel_type *plain = plain_type_of_schema(arena, schema);
	struct cel_type *type;

	if (!schema || plain->kind == CEL_DYN || plain->schema)
		return plain;
	type = kt_arena_new(arena, struct cel_type);
	*type = *plain;
	type->schema = schema; /* its limits bound the cost */
	return type;
}

const char *cel_unescape_name(struct kt_arena *arena, const char *name)
{
	static const struct {
		const char *word, *text;
	} parts[] = {
	        {"__underscores__", "__"}, {"__dot__", "."}, {"__dash__", "-"}, {"__slash__", "/"}};
	kt_auto_str out = KT_STR_INIT;
	size_t len = strlen(name);

	if (!strstr(name, "__"))
		return name;
	/* __namespace__ and other words of the language */
	if (len > 4 && kt_starts_with(name, "__") && kt_ends_with(name, "__") &&
	        !strstr(kt_arena_strndup(arena, name + 2, len - 4), "__")) {
		bool known = false;

		for (size_t i = 0; i < KT_ARRAY_SIZE(parts); i++)
			known |= !strcmp(parts[i].word, name);
		if (!known)
			return kt_arena_strndup(arena, name + 2, len - 4);
	}
	for (const char *p = name; *p;) {
		size_t i = 0;

		while (i < KT_ARRAY_SIZE(parts) && strncmp(p, parts[i].word, strlen(parts[i].word)))
			i++;
		if (i == KT_ARRAY_SIZE(parts)) {
			kt_str_putc(&out, *p++);
		} else {
			kt_str_puts(&out, parts[i].text);
			p += strlen(parts[i].word);
		}
	}
	return kt_arena_strdup(arena, kt_str_text(&out));
}

static void check(struct checker *c, struct cel_node *node);

static const struct cel_type *lookup(struct checker *c, const char *name)
{
	for (const struct scope *s = c->scope; s; s = s->outer)
		if (!strcmp(s->name, name))
			return s->type;
	for (size_t i = 0; i < c->env->n_variables; i++) {
		const struct kt_cel_variable *variable = &c->env->variables[i];
		const struct cel_type *type;

		if (strcmp(variable->name, name))
			continue;
		if (variable->authorizer)
			return &basic[CEL_AUTHORIZER];
		type = cel_type_of_schema(&c->cel->arena, variable->type);
		return variable->optional ? make(&c->cel->arena, CEL_OPTIONAL, type, NULL) : type;
	}
	if (c->env->policy_variables && !strcmp(name, "variables"))
		return DYN;
	return NULL;
}

static bool type_named(const char *name, enum cel_kind *ret_kind)
{
	static const enum cel_kind kinds[] = {CEL_BOOL, CEL_INT, CEL_UINT, CEL_DOUBLE, CEL_STRING,
	        CEL_BYTES, CEL_LIST, CEL_MAP, CEL_TYPE, CEL_NULL, CEL_OPTIONAL, CEL_TIMESTAMP,
	        CEL_DURATION};

	for (size_t i = 0; i < KT_ARRAY_SIZE(kinds); i++) {
		if (!strcmp(name, cel_kind_name(kinds[i]))) {
			*ret_kind = kinds[i];
			return true;
		}
	}
	return false;
}

static void check_ident(struct checker *c, struct cel_node *node)
{
	enum cel_kind kind;

	node->type = lookup(c, node->text);
	if (node->type)
		return;
	if (type_named(node->text, &kind)) {
		node->kind = NODE_LITERAL;
		node->literal = (struct cel_value){.kind = CEL_TYPE, .type = kind};
		node->type = &basic[CEL_TYPE];
		return;
	}
	cel_error_add(
	        c->errors, node->pos, "undeclared reference to '%s' (in container '')", node->text);
	node->type = DYN;
}

/* "sets", "google.protobuf.Timestamp": a chain of names that is no variable. */
static bool qualified(struct checker *c, const struct cel_node *node, struct kt_str *out)
{
	if (node->kind == NODE_IDENT && !lookup(c, node->text)) {
		kt_str_puts(out, node->text);
		return true;
	}
	if (node->kind != NODE_SELECT || node->test_only || node->optional ||
	        !qualified(c, node->args[0], out))
		return false;
	kt_str_printf(out, ".%s", node->text);
	return true;
}

static const struct cel_type *field_type(
        struct checker *c, struct cel_node *node, const struct cel_type *target)
{
	const struct kt_field *field;
	const char *name;

	switch (target->kind) {
	case CEL_OBJECT:
		name = node->text;
		field = kt_type_field(target->schema, kt_sv_of(name));
		if (!field) {
			name = cel_unescape_name(&c->cel->arena, name);
			field = kt_type_field(target->schema, kt_sv_of(name));
		}
		if (field) {
			node->text = name;
			return cel_type_of_schema(&c->cel->arena, field->type);
		}
		cel_error_add(c->errors, node->pos, "undefined field '%s'", node->text);
		return DYN;
	case CEL_MAP:
		return target->b ? target->b : DYN;
	case CEL_OPTIONAL:
		return field_type(c, node, target->a ? target->a : DYN);
	case CEL_DYN:
		return DYN;
	case CEL_AUTHORIZER:
		if (!strcmp(node->text, "requestResource"))
			return &basic[CEL_RESOURCE_CHECK];
		/* fall through */
	default: {
		kt_auto_str text = KT_STR_INIT;

		cel_type_print(&text, target);
		cel_error_add(c->errors, node->pos, "type '%s' does not support field selection",
		        kt_str_text(&text));
		return DYN;
	}
	}
}

static bool is_policy_variables(struct checker *c, const struct cel_node *node)
{
	if (node->kind != NODE_IDENT || !c->env->policy_variables ||
	        strcmp(node->text, "variables"))
		return false;
	for (const struct scope *s = c->scope; s; s = s->outer)
		if (!strcmp(s->name, "variables"))
			return false;
	return true;
}

static void check_policy_variable(struct checker *c, struct cel_node *node)
{
	for (const char *const *name = c->env->policy_variables; *name; name++)
		if (!strcmp(*name, node->text))
			return;
	cel_error_add(c->errors, node->pos, "undefined field '%s'", node->text);
}

static void check_select(struct checker *c, struct cel_node *node)
{
	kt_auto_str name = KT_STR_INIT;
	enum cel_kind kind;
	const struct cel_type *type;

	if (qualified(c, node, &name) && type_named(kt_str_text(&name), &kind)) {
		node->kind = NODE_LITERAL;
		node->literal = (struct cel_value){.kind = CEL_TYPE, .type = kind};
		node->type = &basic[CEL_TYPE];
		return;
	}
	check(c, node->args[0]);
	node->type = DYN;
	if (is_policy_variables(c, node->args[0]))
		check_policy_variable(c, node);
	else
		node->type = field_type(c, node, node->args[0]->type);
	type = node->type;
	if (node->test_only)
		node->type = BOOL;
	else if ((node->optional || node->args[0]->type->kind == CEL_OPTIONAL) &&
	         type->kind != CEL_OPTIONAL)
		node->type = make(&c->cel->arena, CEL_OPTIONAL, type, NULL);
}

/* The common type of several; dyn when they differ. */
static const struct cel_type *join(const struct cel_type *a, const struct cel_type *b)
{
	if (!a)
		return b;
	if (a->kind != b->kind)
		return DYN;
	return a->kind == CEL_LIST && a->a == DYN ? b : a;
}

static void check_list(struct checker *c, struct cel_node *node)
{
	const struct cel_type *elem = NULL;

	for (size_t i = 0; i < node->n_args; i++) {
		const struct cel_type *type;

		check(c, node->args[i]);
		type = node->args[i]->type;
		if (node->optional_items && node->optional_items[i] && type->kind == CEL_OPTIONAL)
			type = type->a ? type->a : DYN;
		elem = join(elem, type);
	}
	node->type = make(&c->cel->arena, CEL_LIST, elem ? elem : DYN, NULL);
}

static void check_map(struct checker *c, struct cel_node *node)
{
	const struct cel_type *key = NULL, *value = NULL;

	for (size_t i = 0; i + 1 < node->n_args; i += 2) {
		check(c, node->args[i]);
		check(c, node->args[i + 1]);
		key = join(key, node->args[i]->type);
		value = join(value, node->optional_items[i / 2] ? DYN : node->args[i + 1]->type);
	}
	node->type = make(&c->cel->arena, CEL_MAP, key ? key : DYN, value ? value : DYN);
}

static void check_in_scope(
        struct checker *c, struct cel_node *node, const char *name, const struct cel_type *type)
{
	struct scope scope = {name, type, c->scope};

	c->scope = &scope;
	check(c, node);
	c->scope = scope.outer;
}

static void range_types(const struct cel_type *range, bool two, const struct cel_type **ret_first,
        const struct cel_type **ret_second)
{
	*ret_first = *ret_second = DYN;
	if (range->kind == CEL_LIST) {
		*ret_second = range->a ? range->a : DYN;
		*ret_first = two ? &basic[CEL_INT] : *ret_second;
	} else if (range->kind == CEL_MAP) {
		*ret_first = range->a ? range->a : DYN;
		*ret_second = range->b ? range->b : DYN;
	}
}

static const struct cel_type *macro_type(
        struct checker *c, const struct cel_node *node, const struct cel_type *range)
{
	const struct cel_type *body = node->args[1]->type;

	switch (node->macro) {
	case MACRO_ALL:
	case MACRO_EXISTS:
	case MACRO_EXISTS_ONE:
		return BOOL;
	case MACRO_FILTER:
		return range->kind == CEL_MAP    ? make(&c->cel->arena, CEL_LIST, range->a, NULL)
		       : range->kind == CEL_LIST ? range
		                                 : DYN;
	case MACRO_MAP:
	case MACRO_TRANSFORM_LIST:
		return make(&c->cel->arena, CEL_LIST, body, NULL);
	case MACRO_TRANSFORM_MAP:
		return make(&c->cel->arena, CEL_MAP,
		        range->kind == CEL_LIST ? &basic[CEL_INT] : range->a, body);
	case MACRO_OPT_MAP:
		return make(&c->cel->arena, CEL_OPTIONAL, body, NULL);
	default:
		return body;
	}
}

static void check_predicate(struct checker *c, const struct cel_node *node)
{
	const struct cel_node *body = node->args[1];
	kt_auto_str text = KT_STR_INIT;

	if (node->macro > MACRO_EXISTS_ONE && node->macro != MACRO_FILTER)
		return;
	if (body->type->kind == CEL_BOOL || body->type->kind == CEL_DYN)
		return;
	cel_type_print(&text, body->type);
	cel_error_add(
	        c->errors, body->pos, "expected type 'bool' but found '%s'", kt_str_text(&text));
}

static void check_macro(struct checker *c, struct cel_node *node)
{
	const struct cel_type *range, *first, *second;
	struct scope outer;

	check(c, node->args[0]);
	range = node->args[0]->type;
	if (node->macro == MACRO_BIND) {
		check_in_scope(c, node->args[1], node->var, range);
		node->type = node->args[1]->type;
		return;
	}
	range_types(range, node->var2 != NULL, &first, &second);
	if (node->macro >= MACRO_OPT_MAP)
		first = range->kind == CEL_OPTIONAL && range->a ? range->a : DYN;
	else if (range->kind != CEL_LIST && range->kind != CEL_MAP && range->kind != CEL_DYN) {
		kt_auto_str text = KT_STR_INIT;

		cel_type_print(&text, range);
		cel_error_add(c->errors, node->args[0]->pos,
		        "expression of type '%s' cannot be range of a comprehension (must be list, "
		        "map, or dynamic)",
		        kt_str_text(&text));
	}
	outer = (struct scope){node->var, first, c->scope};
	c->scope = &outer;
	if (node->filter)
		check_in_scope(c, node->filter, node->var2 ? node->var2 : node->var,
		        node->var2 ? second : first);
	check_in_scope(
	        c, node->args[1], node->var2 ? node->var2 : node->var, node->var2 ? second : first);
	c->scope = outer.outer;
	check_predicate(c, node);
	node->type = macro_type(c, node, range);
}

/* What A and B stand for in one call. */
struct bindings {
	const struct cel_type *a, *b;
};

static bool bind(const struct cel_type **slot, const struct cel_type *type)
{
	if (!*slot || (*slot)->kind == CEL_DYN) {
		*slot = type;
		return true;
	}
	if (type->kind == CEL_DYN || (*slot)->kind == type->kind)
		return true;
	/* null may stand for whatever can be absent */
	return type->kind == CEL_NULL || (*slot)->kind == CEL_NULL;
}

static bool fits(char code, const struct cel_type *type, struct bindings *bindings)
{
	switch (code) {
	case 'A':
		return bind(&bindings->a, type);
	case 'B':
		return bind(&bindings->b, type);
	case 'L':
		return type->kind == CEL_DYN ||
		       (type->kind == CEL_LIST && bind(&bindings->a, type->a ? type->a : DYN));
	case 'M':
		return type->kind == CEL_DYN ||
		       (type->kind == CEL_MAP && bind(&bindings->a, type->a ? type->a : DYN) &&
		               bind(&bindings->b, type->b ? type->b : DYN));
	case 'o':
		return type->kind == CEL_DYN ||
		       (type->kind == CEL_OPTIONAL && bind(&bindings->a, type->a ? type->a : DYN));
	default:
		return type->kind == CEL_DYN || cel_code_fits(code, type->kind);
	}
}

static const struct cel_type *result_type(
        struct checker *c, const char *code, const struct bindings *bindings)
{
	enum cel_kind kind;

	if (cel_code_kind(*code, &kind))
		return &basic[kind];
	switch (*code) {
	case 'A':
		return bindings->a ? bindings->a : DYN;
	case 'B':
		return bindings->b ? bindings->b : DYN;
	case 'L':
		return make(&c->cel->arena, CEL_LIST,
		        code[1] ? result_type(c, code + 1, bindings) : DYN, NULL);
	case 'o':
		return make(&c->cel->arena, CEL_OPTIONAL,
		        code[1] ? result_type(c, code + 1, bindings) : DYN, NULL);
	default:
		return DYN;
	}
}

static bool overload_fits(const struct cel_function *function, const struct cel_node *node,
        struct bindings *ret_bindings)
{
	*ret_bindings = (struct bindings){0};
	if (strlen(function->args) != node->n_args)
		return false;
	for (size_t i = 0; i < node->n_args; i++)
		if (!fits(function->args[i], node->args[i]->type, ret_bindings))
			return false;
	return true;
}

static void fail_overload(struct checker *c, const struct cel_node *node)
{
	kt_auto_str text = KT_STR_INIT;

	for (size_t i = 0; i < node->n_args; i++) {
		if (i == (node->member ? 1 : 0))
			kt_str_puts(&text, node->member ? ".(" : "(");
		else if (i)
			kt_str_puts(&text, ", ");
		cel_type_print(&text, node->args[i]->type);
	}
	if (node->n_args == (node->member ? 1 : 0))
		kt_str_puts(&text, node->member ? ".(" : "(");
	kt_str_putc(&text, ')');
	cel_error_add(c->errors, node->pos, "found no matching overload for '%s' applied to '%s'",
	        node->text, kt_str_text(&text));
}

static void check_overloads(struct checker *c, struct cel_node *node)
{
	const struct cel_type *type = NULL;
	bool several = false;

	for (const struct cel_function *f = node->function;
	        f->name && !strcmp(f->name, node->text) && f->member == node->member; f++) {
		struct bindings bindings;
		const struct cel_type *result;

		if (!overload_fits(f, node, &bindings))
			continue;
		result = result_type(c, f->result, &bindings);
		several |= type && type->kind != result->kind;
		type = type ? type : result;
	}
	if (!type)
		fail_overload(c, node);
	node->type = several || !type ? DYN : type;
}

/* sets.contains(a, b): a name with dots, not a member of `sets`. */
static void resolve_qualified(struct checker *c, struct cel_node *node)
{
	kt_auto_str name = KT_STR_INIT;

	if (!node->member || !qualified(c, node->args[0], &name))
		return;
	kt_str_printf(&name, ".%s", node->text);
	if (!cel_function_find(kt_str_text(&name), false))
		return;
	node->text = kt_arena_strdup(&c->cel->arena, kt_str_text(&name));
	node->member = false;
	node->args++;
	node->n_args--;
}

static const struct cel_type *bool_or_error(struct checker *c, const struct cel_node *node)
{
	for (size_t i = 0; i < node->n_args; i++) {
		if (node->args[i]->type->kind != CEL_BOOL && node->args[i]->type->kind != CEL_DYN) {
			fail_overload(c, node);
			break;
		}
	}
	return BOOL;
}

static const struct cel_type *conditional_type(struct checker *c, const struct cel_node *node)
{
	enum cel_kind kind = node->args[0]->type->kind;

	if (kind != CEL_BOOL && kind != CEL_DYN)
		fail_overload(c, node);
	return join(node->args[1]->type, node->args[2]->type);
}

static const struct cel_type *index_type(struct checker *c, const struct cel_node *node)
{
	const struct cel_type *target = node->args[0]->type;
	const struct cel_type *result = DYN;
	bool optional = node->optional || target->kind == CEL_OPTIONAL;

	if (target->kind == CEL_OPTIONAL && target->a)
		target = target->a;
	if (target->kind == CEL_LIST && target->a)
		result = target->a;
	else if (target->kind == CEL_MAP && target->b)
		result = target->b;
	else if (target->kind != CEL_DYN && target->kind != CEL_OBJECT)
		fail_overload(c, node);
	return optional ? make(&c->cel->arena, CEL_OPTIONAL, result, NULL) : result;
}

/* A literal pattern is compiled once and refused early. */
static void prepare_regex(struct checker *c, struct cel_node *node)
{
	kt_auto_err err = KT_ERR_INIT;
	struct cel_node *pattern = node->n_args > 1 ? node->args[1] : NULL;

	if (!pattern || pattern->kind != NODE_LITERAL || pattern->literal.kind != CEL_STRING)
		return;
	if (strcmp(node->text, "matches") && strcmp(node->text, "find") &&
	        strcmp(node->text, "findAll"))
		return;
	if (kt_regex_compile(pattern->literal.s, &node->regex, &err) < 0)
		cel_error_add(c->errors, pattern->pos, "invalid matches argument: %s",
		        kt_err_message(&err));
	else
		kt_vec_push(&c->cel->regexes, node->regex);
}

static void check_call(struct checker *c, struct cel_node *node)
{
	resolve_qualified(c, node);
	for (size_t i = 0; i < node->n_args; i++)
		check(c, node->args[i]);
	if (!strcmp(node->text, "_&&_") || !strcmp(node->text, "_||_")) {
		node->type = bool_or_error(c, node);
		return;
	}
	if (!strcmp(node->text, "_?_:_")) {
		node->type = conditional_type(c, node);
		return;
	}
	if (!strcmp(node->text, "_[_]")) {
		node->type = index_type(c, node);
		return;
	}
	node->function = cel_function_find(node->text, node->member);
	if (!node->function) {
		cel_error_add(c->errors, node->pos,
		        "undeclared reference to '%s' (in container '')", node->text);
		node->type = DYN;
		return;
	}
	check_overloads(c, node);
	prepare_regex(c, node);
}

static void check(struct checker *c, struct cel_node *node)
{
	switch (node->kind) {
	case NODE_LITERAL:
		node->type = &basic[node->literal.kind];
		break;
	case NODE_IDENT:
		check_ident(c, node);
		break;
	case NODE_SELECT:
		check_select(c, node);
		break;
	case NODE_CALL:
		check_call(c, node);
		break;
	case NODE_LIST:
		check_list(c, node);
		break;
	case NODE_MAP:
		check_map(c, node);
		break;
	case NODE_MACRO:
		check_macro(c, node);
		break;
	}
}

void cel_check(struct kt_cel *cel, const struct kt_cel_env *env, struct cel_errors *errors)
{
	struct checker c = {.cel = cel, .env = env, .errors = errors};
	kt_auto_str text = KT_STR_INIT;

	check(&c, cel->root);
	cel_type_print(&text, cel->root->type);
	cel->type_text = kt_arena_strdup(&cel->arena, kt_str_text(&text));
}
