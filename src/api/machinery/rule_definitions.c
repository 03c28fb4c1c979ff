/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/machinery/rule_definitions.h"

#include "api/expr/cel.h"
#include "api/schema/crd.h"

#define RULE_COST_MAX 10000000.0
#define DEFINITION_COST_MAX 100000000.0
#define TOLD_MAX 4 /* rules named when all together are too dear */
#define ADVICE \
	" (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where " \
	"arrays, maps, and strings are " \
	"declared)"

struct dear {
	const char *path;
	double cost;
};

struct checker {
	struct kt_field_errors *errors;
	bool compile;
	double cost;
	struct dear dearest[TOLD_MAX]; /* dearest first */
	size_t n_dearest;
};

/* Where the walk is. */
struct place {
	const struct kt_type *type;
	const json_t *schema;
	const char *path;
	const char *uncorrelatable; /* path of the list or map that loses track of its old elements;
	                               NULL: none */
	double times;               /* the product of the limits of all lists and maps around */
	bool unlimited; /* one of them has none: only the size of a request bounds the number */
};

static const char *const reasons[] = {"FieldValueDuplicate", "FieldValueForbidden",
        "FieldValueInvalid", "FieldValueRequired", NULL};

static const char *text_of(const json_t *rule, const char *key)
{
	const char *text = json_string_value(json_object_get(rule, key));

	return text ? text : "";
}

static bool is_blank(const char *text)
{
	return strspn(text, " \t\r\n") == strlen(text);
}

static bool breaks_line(const char *text)
{
	struct kt_sv trimmed = kt_sv_trim(kt_sv_of(text));

	return trimmed.len && memchr(trimmed.p, '\n', trimmed.len);
}

/* The next part of ".a.b['c']"; NULL when the text is no path. */
static const char *next_part(const char *p, struct kt_str *out)
{
	kt_str_clear(out);
	if (*p == '.') {
		for (p++; *p && *p != '.' && *p != '['; p++) {
			p += *p == '\\' && p[1];
			kt_str_putc(out, *p);
		}
		return out->len ? p : NULL;
	}
	if (p[0] != '[' || p[1] != '\'')
		return NULL;
	for (p += 2; *p && *p != '\''; p++) {
		p += *p == '\\' && p[1];
		kt_str_putc(out, *p);
	}
	return out->len && p[0] == '\'' && p[1] == ']' ? p + 2 : NULL;
}

static bool is_field_path(const json_t *schema, const char *path)
{
	kt_auto_str part = KT_STR_INIT;

	while (path && *path) {
		const json_t *property;

		path = next_part(path, &part);
		if (!path)
			return false;
		property =
		        json_object_get(json_object_get(schema, "properties"), kt_str_text(&part));
		if (!property)
			property = json_object_get(schema, "additionalProperties");
		if (!json_is_object(property))
			return false;
		schema = property;
	}
	return path != NULL;
}

static void check_message(struct checker *c, const json_t *rule, const char *at)
{
	const char *text = text_of(rule, "rule"), *message = text_of(rule, "message");
	const char *expression = text_of(rule, "messageExpression");
	struct kt_arena *arena = c->errors->arena;

	if (is_blank(text))
		kt_field_required(
		        c->errors, kt_path(arena, "%s.rule", at), "rule is not specified");
	else if (*message && is_blank(message))
		kt_field_invalid(c->errors, kt_path(arena, "%s.message", at),
		        json_object_get(rule, "message"), "must be non-empty if specified");
	else if (breaks_line(message))
		kt_field_invalid(c->errors, kt_path(arena, "%s.message", at),
		        json_object_get(rule, "message"), "must not contain line breaks");
	else if (breaks_line(text) && is_blank(message) && is_blank(expression))
		kt_field_required(c->errors, kt_path(arena, "%s.message", at),
		        "message or messageExpression must be specified if rule contains line "
		        "breaks");
	if (*expression && is_blank(expression))
		kt_field_required(c->errors, kt_path(arena, "%s.messageExpression", at),
		        "must be non-empty if specified");
}

static void check_reason(struct checker *c, const json_t *rule, const char *at)
{
	const json_t *reason = json_object_get(rule, "reason");

	for (size_t i = 0; reason && reasons[i]; i++)
		if (!strcmp(reasons[i], text_of(rule, "reason")))
			return;
	if (reason)
		kt_field_not_supported(
		        c->errors, kt_path(c->errors->arena, "%s.reason", at), reason, reasons);
}

static void check_field_path(
        struct checker *c, const struct place *place, const json_t *rule, const char *at)
{
	const char *path = text_of(rule, "fieldPath");
	const char *wrong = NULL;

	if (!*path)
		return;
	if (is_blank(path))
		wrong = "must be non-empty if specified";
	else if (breaks_line(path))
		wrong = "must not contain line breaks";
	else if (!is_field_path(place->schema, path))
		wrong = "must be a valid path";
	if (wrong)
		kt_field_invalid(c->errors, kt_path(c->errors->arena, "%s.fieldPath", at),
		        json_object_get(rule, "fieldPath"), "%s", wrong);
}

/* A rule as Go prints its struct. */
static json_t *as_go(const json_t *rule)
{
	json_t *reason = json_object_get(rule, "reason"),
	       *optional = json_object_get(rule, "optionalOldSelf");

	return json_pack("{sssssssOsssO}", "Rule", text_of(rule, "rule"), "Message",
	        text_of(rule, "message"), "MessageExpression", text_of(rule, "messageExpression"),
	        "Reason", reason ? reason : json_null(), "FieldPath", text_of(rule, "fieldPath"),
	        "OptionalOldSelf", optional ? optional : json_null());
}

static void add_invalid(struct checker *c, const json_t *rule, const char *path, const char *prefix,
        const char *text)
{
	kt_auto_json json_t *value = as_go(rule);

	kt_field_invalid(c->errors, path, value, "%s%s", prefix, text);
}

static const char *cost_text(struct checker *c, const char *what, double cost, double max)
{
	struct kt_arena *arena = c->errors->arena;
	double factor = cost / max;

	if (factor > 100)
		return kt_arena_printf(
		        arena, "%s exceeds budget by factor of more than 100x" ADVICE, what);
	return kt_arena_printf(arena,
	        factor < 1.5 ? "%s exceeds budget by factor of %fx" ADVICE
	                     : "%s exceeds budget by factor of %.1fx" ADVICE,
	        what, factor);
}

static void note_dear(struct checker *c, const char *path, double cost)
{
	size_t at = c->n_dearest;

	while (at && c->dearest[at - 1].cost < cost)
		at--;
	if (at == TOLD_MAX)
		return;
	if (c->n_dearest < TOLD_MAX)
		c->n_dearest++;
	memmove(&c->dearest[at + 1], &c->dearest[at],
	        (c->n_dearest - at - 1) * sizeof(c->dearest[0]));
	c->dearest[at] = (struct dear){path, cost};
}

static void add_unused_old_self(struct checker *c, const json_t *rule, const char *at)
{
	const json_t *optional = json_object_get(rule, "optionalOldSelf");

	if (optional && !json_is_null(optional))
		kt_field_invalid(c->errors, kt_path(c->errors->arena, "%s.optionalOldSelf", at),
		        optional, "may not be set if oldSelf is not used in rule");
}

static void check_old_self(struct checker *c, const struct place *place, const json_t *rule,
        const struct kt_cel *cel, const char *at)
{
	struct kt_arena *arena = c->errors->arena;

	if (kt_cel_uses(cel, "oldSelf")) {
		if (place->uncorrelatable)
			kt_field_invalid(c->errors, kt_path(arena, "%s.rule", at),
			        json_object_get(rule, "rule"),
			        "oldSelf cannot be used on the uncorrelatable portion of the "
			        "schema within %s",
			        place->uncorrelatable);
	} else {
		add_unused_old_self(c, rule, at);
	}
}

static void check_message_expression(
        struct checker *c, const json_t *rule, const struct kt_cel_env *env, const char *at)
{
	const char *path = kt_path(c->errors->arena, "%s.messageExpression", at);
	kt_auto_cel struct kt_cel *cel = NULL;
	kt_auto_err err = KT_ERR_INIT;

	if (is_blank(text_of(rule, "messageExpression")))
		return;
	if (kt_cel_compile(text_of(rule, "messageExpression"), env, &cel, &err) < 0)
		add_invalid(c, rule, path,
		        "messageExpression compilation failed: ", kt_err_message(&err));
	else if (strcmp(kt_cel_type(cel), "string") && strcmp(kt_cel_type(cel), "dyn"))
		add_invalid(c, rule, path, "", "messageExpression must evaluate to a string");
}

static void compile_rule(
        struct checker *c, const struct place *place, const json_t *rule, const char *at)
{
	const struct kt_cel_variable variables[] = {{.name = "self", .type = place->type},
	        {.name = "oldSelf",
	                .type = place->type,
	                .optional = kt_jbool(rule, "optionalOldSelf", false)}};
	const struct kt_cel_env env = {
	        .variables = variables, .n_variables = KT_ARRAY_SIZE(variables)};
	const char *path = kt_path(c->errors->arena, "%s.rule", at);
	kt_auto_cel struct kt_cel *cel = NULL;
	kt_auto_err err = KT_ERR_INIT;
	double cost;

	if (is_blank(text_of(rule, "rule")))
		return;
	if (kt_cel_compile(text_of(rule, "rule"), &env, &cel, &err) < 0) {
		add_invalid(c, rule, path, "compilation failed: ", kt_err_message(&err));
		add_unused_old_self(c, rule, at);
		return;
	}
	if (strcmp(kt_cel_type(cel), "bool") && strcmp(kt_cel_type(cel), "dyn"))
		add_invalid(c, rule, path, "", "cel expression must evaluate to a bool");
	cost = kt_cel_estimate(cel) *
	       (place->unlimited ? kt_cel_estimate_count(place->type) : place->times);
	if (cost > RULE_COST_MAX)
		kt_field_forbidden(c->errors, path, "%s",
		        cost_text(c, "estimated rule cost", cost, RULE_COST_MAX));
	c->cost += cost;
	note_dear(c, path, cost);
	check_message_expression(c, rule, &env, at);
	check_old_self(c, place, rule, cel, at);
}

static const char *rule_path(struct checker *c, const struct place *place, size_t i)
{
	return kt_path(c->errors->arena, "%s.x-kubernetes-validations[%zu]", place->path, i);
}

/* Expressions are read only where all that is around them is right. */
static void check_rules(struct checker *c, const struct place *place)
{
	const json_t *rules = json_object_get(place->schema, "x-kubernetes-validations");
	size_t before = c->errors->n, i;
	json_t *rule;

	json_array_foreach(rules, i, rule) {
		const char *at = rule_path(c, place, i);

		check_message(c, rule, at);
		check_reason(c, rule, at);
		check_field_path(c, place, rule, at);
	}
	if (!c->compile || c->errors->n > before)
		return;
	json_array_foreach(rules, i, rule)
		compile_rule(c, place, rule, rule_path(c, place, i));
}

static void walk(struct checker *c, const struct place *place);

static void walk_properties(struct checker *c, const struct place *place)
{
	json_t *properties = json_object_get(place->schema, "properties"), *schema;
	const char *name;

	json_object_foreach(properties, name, schema) {
		const struct kt_field *field = place->type->shape == KT_SHAPE_OBJECT
		                                       ? kt_type_field(place->type, kt_sv_of(name))
		                                       : NULL;
		struct place inner = *place;

		inner.type = field ? field->type : NULL;
		inner.schema = schema;
		inner.path = kt_path(c->errors->arena, "%s.properties[%s]", place->path, name);
		walk(c, &inner);
	}
}

/* Elements of a list, values of a map. */
static void walk_elements(
        struct checker *c, const struct place *place, const char *key, bool correlatable)
{
	struct place inner = *place;

	inner.schema = json_object_get(place->schema, key);
	if (!json_is_object(inner.schema))
		return;
	inner.type = place->type->elem;
	inner.path = kt_path(c->errors->arena, "%s.%s", place->path, key);
	inner.times *= kt_cel_estimate_size(place->type);
	inner.unlimited |= !kt_cel_size_is_limited(place->type);
	if (!correlatable && !inner.uncorrelatable)
		inner.uncorrelatable = place->path;
	walk(c, &inner);
}

static void walk(struct checker *c, const struct place *place)
{
	static const struct kt_type unknown = {.shape = KT_SHAPE_ANY};
	struct place here = *place;

	if (!here.type)
		here.type = &unknown;
	check_rules(c, &here);
	walk_properties(c, &here);
	walk_elements(
	        c, &here, "items", kt_streq(text_of(here.schema, "x-kubernetes-list-type"), "map"));
	walk_elements(c, &here, "additionalProperties",
	        !kt_streq(text_of(here.schema, "x-kubernetes-map-type"), "atomic"));
}

void kt_rule_definitions_check(
        const json_t *schema, const char *path, bool compile, struct kt_field_errors *errors)
{
	struct checker c = {.errors = errors, .compile = compile};
	const struct place root = {
	        .type = kt_crd_compile_schema(errors->arena, schema, "definition.Root"),
	        .schema = schema,
	        .path = path,
	        .times = 1};

	walk(&c, &root);
	if (c.cost <= DEFINITION_COST_MAX)
		return;
	for (size_t i = 0; i < c.n_dearest && c.dearest[i].cost > 0; i++)
		kt_field_forbidden(errors, c.dearest[i].path,
		        "contributed to estimated rule cost total exceeding cost limit for entire "
		        "OpenAPIv3 schema");
	kt_field_forbidden(errors, path, "%s",
	        cost_text(&c,
	                "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 "
	                "schema",
	                c.cost, DEFINITION_COST_MAX));
}
