/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/rules/custom.h"

#include "api/machinery/go_text.h"
#include "api/machinery/limits.h"

/* Go's name of a decoded value's type. */
static const char *go_type(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "map[string]interface {}";
	case JSON_ARRAY:
		return "[]interface {}";
	case JSON_STRING:
		return "string";
	case JSON_INTEGER:
		return "int64";
	case JSON_REAL:
		return "float64";
	case JSON_NULL:
		return "<nil>";
	default:
		return "bool";
	}
}

/* The value at a path such as ".spec.replicas"; *ret_why says what is in the way of it. */
static const json_t *value_at(struct kt_rule_context *c, const json_t *object, const char *path,
        const char *wanted, const char **ret_why)
{
	struct kt_sv rest = kt_sv_of(path + 1), part;
	const char *expected = "map[string]interface {}";
	int depth = 0;

	*ret_why = NULL;
	while (object && json_is_object(object) && kt_sv_split(&rest, '.', &part)) {
		object = json_object_get(object, kt_arena_strndup(c->arena, part.p, part.len));
		depth = (int)(part.p + part.len - path);
	}
	if (!object || (json_is_null(object) && rest.len))
		return NULL;
	if (!rest.len)
		expected = wanted;
	if (!strcmp(go_type(object), expected) && !rest.len)
		return object;
	kt_auto_str text = KT_STR_INIT;
	kt_str_printf(&text, "%.*s accessor error: ", depth, path);
	kt_go_percent_v(&text, object);
	kt_str_printf(&text, " is of the type %s, expected %s", go_type(object), expected);
	*ret_why = kt_arena_strdup(c->arena, kt_str_text(&text));
	return NULL;
}

static void check_replicas(struct kt_rule_context *c, const json_t *object, const char *path)
{
	const char *why;
	const json_t *value = path ? value_at(c, object, path, "int64", &why) : NULL;
	json_int_t replicas = json_integer_value(value);

	if (!path)
		return;
	if (why) {
		kt_auto_json json_t *zero = json_integer(0);
		kt_field_invalid(&c->errors, path, zero, "%s", why);
	} else if (replicas < 0) {
		kt_field_invalid(&c->errors, path, value, "should be a non-negative integer");
	} else if (replicas > INT32_MAX) {
		kt_field_invalid(
		        &c->errors, path, value, "should be less than or equal to %d", INT32_MAX);
	}
}

static void check_label_selector(struct kt_rule_context *c, const json_t *object, const char *path)
{
	const char *why;

	if (!path || !*path)
		return;
	value_at(c, object, path, "string", &why);
	if (why) {
		kt_auto_json json_t *empty = json_string("");
		kt_field_invalid(&c->errors, path, empty, "%s", why);
	}
}

static void check_scale(struct kt_rule_context *c, const json_t *object, bool only_status)
{
	const struct kt_subresource *scale = kt_kind_subresource(c->kind, "scale");

	if (!scale)
		return;
	if (!only_status)
		check_replicas(c, object, scale->replicas_path);
	check_replicas(c, object, scale->status_replicas_path);
	check_label_selector(c, object, scale->label_selector_path);
}

void kt_custom_validate(struct kt_rule_context *c, const json_t *object, const json_t *old)
{
	struct kt_field_errors forgiven = {.arena = c->arena};
	bool only_status = old && c->subresource && !strcmp(c->subresource, "status");
	size_t before = c->errors.n;

	kt_validate_custom_part(
	        c->kind->type, object, old, only_status ? "status" : NULL, &c->errors);
	check_scale(c, object, only_status);
	kt_validate_custom_rules(c->kind->type, object, old, before, &c->errors, &forgiven);
	for (size_t i = 0; i < forgiven.n; i++)
		kt_rule_warn(c, "%s: %s", forgiven.items[i].field, forgiven.items[i].message);
}
