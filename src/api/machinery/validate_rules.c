/* SPDX-License-Identifier: GPL-3.0-or-later */
/* x-kubernetes-validations: walking an object by its type and asking CEL at each place that has
 * rules. */
#include "api/expr/cel.h"
#include "api/machinery/limits.h"
#include "api/machinery/patch.h"
#include "base/map.h"

#include <ctype.h>
#include <errno.h>

#define COST_MAX 10000000 /* for all rules on one object */

struct walker {
	struct kt_field_errors *errors, *warnings;
	struct kt_map compiled; /* expressions seen in this walk, by address of the rule and which
	                           of its texts */
	uint64_t cost;
	bool spent;
};

/* One place with rules. */
struct place {
	const struct kt_type *type;
	const json_t *value, *old;
	const char *path;
};

bool kt_type_has_rules(const struct kt_type *type)
{
	if (!(type->flags & KT_FIELD_UNSTRUCTURED))
		return false;
	if (type->limits && type->limits->n_rules)
		return true;
	if (type->elem && kt_type_has_rules(type->elem))
		return true;
	for (uint16_t i = 0; i < type->n_fields; i++)
		if (kt_type_has_rules(type->fields[i].type))
			return true;
	return false;
}

static void destroy_cel(void *cel)
{
	kt_cel_destroy(cel);
}

/* The compiled text, kept for the walk; NULL with err. Definitions are checked when they are
 * stored, so failing is rare. */
static struct kt_cel *compile(struct walker *w, const struct kt_type *type,
        const struct kt_cel_rule *rule, const char *text, struct kt_err *err)
{
	const struct kt_cel_variable variables[] = {{.name = "self", .type = type},
	        {.name = "oldSelf", .type = type, .optional = rule->optional_old_self}};
	const struct kt_cel_env env = {
	        .variables = variables, .n_variables = KT_ARRAY_SIZE(variables)};
	kt_auto_free char *key = kt_asprintf("%p %d", (const void *)rule, text == rule->rule);
	struct kt_cel *cel = kt_map_get(&w->compiled, key);

	if (cel || kt_cel_compile(text, &env, &cel, err) < 0)
		return cel;
	kt_map_set(&w->compiled, key, cel);
	return cel;
}

static struct kt_cel_run run_for(
        const struct walker *w, const struct kt_cel_binding *bindings, size_t n)
{
	uint64_t left = COST_MAX - w->cost;

	return (struct kt_cel_run){.bindings = bindings,
	        .n_bindings = n,
	        .cost_max = KT_MIN(left, (uint64_t)KT_CEL_COST_MAX)};
}

static const char *trimmed(struct kt_arena *arena, const char *text)
{
	struct kt_sv s = kt_sv_trim(kt_sv_of(text ? text : ""));

	return kt_arena_strndup(arena, s.p ? s.p : "", s.len);
}

static const char *type_name(const struct kt_type *type)
{
	switch (type->shape) {
	case KT_SHAPE_OBJECT:
	case KT_SHAPE_MAP:
		return "object";
	case KT_SHAPE_LIST:
		return "array";
	case KT_SHAPE_STRING:
		return "string";
	case KT_SHAPE_INT64:
		return "integer";
	case KT_SHAPE_DOUBLE:
		return "number";
	case KT_SHAPE_BOOL:
		return "boolean";
	default:
		return "";
	}
}

static const char *shown_path(const char *path)
{
	return *path ? path : "<nil>";
}

/* ".a.b['c']" behind path, as field paths are printed. */
static const char *with_field_path(struct kt_arena *arena, const char *path, const char *field_path)
{
	kt_auto_str out = KT_STR_INIT;

	kt_str_puts(&out, path);
	for (const char *p = field_path; p && *p; p++) {
		if (*p == '.' && !out.len)
			continue;
		if (*p == '\\' && p[1])
			p++;
		else if (*p == '\'')
			continue;
		kt_str_putc(&out, *p);
	}
	return kt_arena_strdup(arena, kt_str_text(&out));
}

/* What messageExpression says, unless it says nothing usable. */
static const char *expressed(struct walker *w, const struct place *place,
        const struct kt_cel_rule *rule, const struct kt_cel_binding *bindings, size_t n)
{
	struct kt_cel_run run = run_for(w, bindings, n);
	kt_auto_json json_t *value = NULL;
	struct kt_cel *cel;
	const char *text;

	if (!rule->message_expression || !*rule->message_expression)
		return NULL;
	cel = compile(w, place->type, rule, rule->message_expression, NULL);
	if (!cel || kt_cel_eval(cel, &run, &value, NULL) < 0 || !json_is_string(value))
		return NULL;
	w->cost += run.cost;
	text = trimmed(w->errors->arena, json_string_value(value));
	return *text && !strchr(text, '\n') ? text : NULL;
}

static void report_failure(struct walker *w, struct kt_field_errors *to, const struct place *place,
        const struct kt_cel_rule *rule, const struct kt_cel_binding *bindings, size_t n)
{
	struct kt_arena *arena = w->errors->arena;
	const char *path = shown_path(with_field_path(arena, place->path, rule->field_path));
	const char *text = expressed(w, place, rule, bindings, n);
	const json_t *value =
	        json_is_object(place->value) || json_is_array(place->value) ? NULL : place->value;

	if (!text && rule->message && *rule->message)
		text = trimmed(arena, rule->message);
	if (!text)
		text = kt_arena_printf(arena, "failed rule: %s", trimmed(arena, rule->rule));
	if (kt_streq(rule->reason, "FieldValueForbidden"))
		kt_field_forbidden(to, path, "%s", text);
	else if (kt_streq(rule->reason, "FieldValueRequired"))
		kt_field_required(to, path, text);
	else if (kt_streq(rule->reason, "FieldValueDuplicate"))
		kt_field_duplicate(to, path, value);
	else
		kt_field_invalid(to, path, value, "%s", text);
}

static void report_error(struct walker *w, const struct place *place,
        const struct kt_cel_rule *rule, const char *message)
{
	struct kt_arena *arena = w->errors->arena;
	const char *text =
	        trimmed(arena, rule->message && *rule->message ? rule->message : rule->rule);
	kt_auto_json json_t *shown = json_string(type_name(place->type));
	const char *path = shown_path(place->path);

	if (kt_starts_with(message, "no such overload"))
		kt_field_invalid(w->errors, path, shown,
		        "'%s': call arguments did not match a supported operator, function or "
		        "macro signature for rule: %s",
		        message, text);
	else if (kt_starts_with(message, "operation cancelled"))
		kt_field_invalid(w->errors, path, shown,
		        "'%s': no further validation rules will be run due to call cost exceeds "
		        "limit for rule: %s",
		        message, text);
	else
		kt_field_invalid(w->errors, path, shown, "%s evaluating rule: %s", message, text);
}

static void check_rule(struct walker *w, const struct place *place, const struct kt_cel_rule *rule)
{
	const struct kt_cel_binding bindings[] = {{"self", place->value}, {"oldSelf", place->old}};
	struct kt_cel_run run = run_for(w, bindings, KT_ARRAY_SIZE(bindings));
	kt_auto_err err = KT_ERR_INIT;
	struct kt_cel *cel = compile(w, place->type, rule, rule->rule, &err);
	bool transition = cel && kt_cel_uses(cel, "oldSelf");
	bool unchanged = place->old && kt_json_equal(place->old, place->value);
	int code;

	if (!cel) {
		report_error(w, place, rule, kt_err_message(&err));
		return;
	}
	if (transition && !place->old && !rule->optional_old_self)
		return;
	code = kt_cel_test(cel, &run, &err);
	w->cost += run.cost;
	if (code == -EOVERFLOW)
		w->spent = true;
	if (code < 0 && !(unchanged && !transition))
		report_error(w, place, rule, kt_err_message(&err));
	else if (code == 0 && (transition || !unchanged))
		report_failure(w, w->errors, place, rule, bindings, KT_ARRAY_SIZE(bindings));
	else if (code == 0 && w->warnings)
		report_failure(w, w->warnings, place, rule, bindings, KT_ARRAY_SIZE(bindings));
}

static void walk(struct walker *w, const struct place *place, const struct kt_field *field);

static void walk_members(struct walker *w, const struct place *place)
{
	const struct kt_type *type = place->type;
	struct kt_arena *arena = w->errors->arena;

	for (uint16_t i = 0; i < type->n_fields; i++) {
		const struct kt_field *field = &type->fields[i];
		const json_t *value = json_object_get(place->value, field->name);
		struct place inner = {
		        field->type, value, json_object_get(place->old, field->name), field->name};

		if (!value || json_is_null(value))
			continue;
		if (*place->path)
			inner.path = kt_path(arena, "%s.%s", place->path, field->name);
		walk(w, &inner, field);
	}
}

static void walk_entries(struct walker *w, const struct place *place)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)place->value, key, value) {
		struct place inner = {place->type->elem, value, json_object_get(place->old, key),
		        kt_path_key(w->errors->arena, place->path, key)};

		walk(w, &inner, NULL);
	}
}

static void walk_elements(struct walker *w, const struct place *place, const struct kt_field *field)
{
	size_t i;
	json_t *value;

	json_array_foreach(place->value, i, value) {
		struct place inner = {place->type->elem, value,
		        kt_validate_old_element(field, place->old, value),
		        kt_path(w->errors->arena, "%s[%zu]", place->path, i)};

		walk(w, &inner, NULL);
	}
}

static void walk(struct walker *w, const struct place *place, const struct kt_field *field)
{
	const struct kt_limits *limits = place->type->limits;

	if (w->spent || !kt_type_has_rules(place->type))
		return;
	for (size_t i = 0; limits && i < limits->n_rules && !w->spent; i++)
		check_rule(w, place, &limits->rules[i]);
	if (place->type->shape == KT_SHAPE_OBJECT)
		walk_members(w, place);
	else if (place->type->shape == KT_SHAPE_MAP)
		walk_entries(w, place);
	else if (place->type->shape == KT_SHAPE_LIST)
		walk_elements(w, place, field);
}

void kt_validate_rules(const struct kt_type *type, const json_t *value, const json_t *old,
        const char *path, struct kt_field_errors *errors, struct kt_field_errors *warnings)
{
	struct walker w = {.errors = errors, .warnings = warnings};
	struct place root = {type, value, old, path};

	kt_map_init(&w.compiled, destroy_cel);
	walk(&w, &root, NULL);
	kt_map_finish(&w.compiled);
}
