/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Structural validation of custom resources, in the words of upstream's OpenAPI validator. */
#include "api/expr/regex.h"
#include "api/machinery/go_text.h"
#include "api/machinery/limits.h"
#include "api/machinery/openapi_format.h"
#include "api/machinery/patch.h"

#include <math.h>

#define DEPTH_MAX 128

struct validator {
	struct kt_field_errors *errors;
	int depth;
	size_t applied; /* checks that schemas have applied, whatever their outcome */
};

static void check_type(struct validator *v, const struct kt_type *type,
        const struct kt_field *field, const json_t *value, const json_t *old, const char *path);
static void check_schema(
        struct validator *v, const json_t *schema, const json_t *value, const char *path);

static const char *type_name(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		return "string";
	case JSON_INTEGER:
		return "integer";
	case JSON_REAL:
		return json_real_value(value) == floor(json_real_value(value)) ? "integer"
		                                                               : "number";
	case JSON_OBJECT:
		return "object";
	case JSON_ARRAY:
		return "array";
	case JSON_NULL:
		return "null";
	default:
		return "boolean";
	}
}

static const char *join(struct validator *v, const char *path, const char *name)
{
	return *path ? kt_path(v->errors->arena, "%s.%s", path, name) : name;
}

static void add_invalid(struct validator *v, const char *path, const json_t *value, const char *fmt,
        ...) __attribute__((format(printf, 4, 5)));

static void add_invalid(
        struct validator *v, const char *path, const json_t *value, const char *fmt, ...)
{
	kt_auto_str text = KT_STR_INIT;
	va_list ap;

	kt_str_printf(&text, "%s in body ", path);
	va_start(ap, fmt);
	kt_str_vprintf(&text, fmt, ap);
	va_end(ap);
	kt_field_invalid(v->errors, path, value, "%s", kt_str_text(&text));
}

/* wanted: "integer", "integer,string", a format … */
static void add_wrong_type(
        struct validator *v, const char *path, const char *wanted, const char *shown)
{
	kt_auto_str text = KT_STR_INIT;

	kt_str_puts(&text, "Invalid value: ");
	kt_go_quote(&text, kt_sv_of(shown));
	kt_str_printf(&text, ": %s in body must be of type %s: ", path, wanted);
	kt_go_quote(&text, kt_sv_of(shown));
	kt_field_error_add(v->errors, KT_FIELD_ERROR_TYPE_INVALID, path, kt_str_text(&text));
}

static const char *number_text(struct validator *v, const json_t *value, double limit)
{
	kt_auto_str text = KT_STR_INIT;

	if (json_is_integer(value))
		kt_str_printf(&text, "%lld", (long long)limit);
	else
		kt_go_float(&text, limit);
	return kt_arena_strdup(v->errors->arena, kt_str_text(&text));
}

/* Whole numbers are compared with the limit cut to a whole number, as upstream does. */
static double limit_for(const json_t *value, double limit)
{
	return json_is_integer(value) ? trunc(limit) : limit;
}

static void check_number(
        struct validator *v, const struct kt_limits *limits, const json_t *value, const char *path)
{
	double number = json_number_value(value), limit;

	if (limits->has_maximum) {
		limit = limit_for(value, limits->maximum);
		if (number > limit || (limits->exclusive_maximum && number == limit))
			add_invalid(v, path, value, "should be less than %s%s",
			        limits->exclusive_maximum ? "" : "or equal to ",
			        number_text(v, value, limit));
	}
	if (limits->has_minimum) {
		limit = limit_for(value, limits->minimum);
		if (number < limit || (limits->exclusive_minimum && number == limit))
			add_invalid(v, path, value, "should be greater than %s%s",
			        limits->exclusive_minimum ? "" : "or equal to ",
			        number_text(v, value, limit));
	}
	limit = limit_for(value, limits->multiple_of);
	if (limits->multiple_of != 0 && limit != 0 && fmod(number, limit) != 0 &&
	        fabs(number / limit - round(number / limit)) > 1e-9)
		add_invalid(
		        v, path, value, "should be a multiple of %s", number_text(v, value, limit));
}

static int64_t count_runes(struct kt_sv text)
{
	int64_t n = 0;

	for (size_t i = 0; i < text.len; i++)
		n += ((unsigned char)text.p[i] & 0xc0) != 0x80;
	return n;
}

static void check_string(
        struct validator *v, const struct kt_limits *limits, const json_t *value, const char *path)
{
	struct kt_sv text = {json_string_value(value), json_string_length(value)};
	int64_t n = count_runes(text);

	if (limits->length_max >= 0 && n > limits->length_max)
		kt_field_too_long(v->errors, path, (size_t)limits->length_max);
	if (limits->length_min >= 0 && n < limits->length_min)
		add_invalid(v, path, value, "should be at least %lld chars long",
		        (long long)limits->length_min);
	if (limits->pattern && !kt_regex_is_match(limits->pattern, text))
		add_invalid(v, path, value, "should match '%s'", limits->pattern);
	if (limits->format && !kt_openapi_format_is(limits->format, text))
		add_wrong_type(v, path, limits->format, json_string_value(value));
}

static bool has_duplicates(const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		for (size_t j = 0; j < i; j++)
			if (kt_json_equal(json_array_get(list, i), json_array_get(list, j)))
				return true;
	return false;
}

static void check_list(
        struct validator *v, const struct kt_limits *limits, const json_t *value, const char *path)
{
	int64_t n = (int64_t)json_array_size(value);

	if (limits->items_min >= 0 && n < limits->items_min) {
		kt_auto_json json_t *count = json_integer(n);

		add_invalid(v, path, count, "should have at least %lld items",
		        (long long)limits->items_min);
	}
	if (limits->items_max >= 0 && n > limits->items_max)
		kt_field_too_many(v->errors, path, (size_t)n, (size_t)limits->items_max);
	if (limits->unique_items && has_duplicates(value))
		add_invalid(v, path, value, "shouldn't contain duplicates");
}

static void check_object(
        struct validator *v, const struct kt_limits *limits, const json_t *value, const char *path)
{
	int64_t n = (int64_t)json_object_size(value);

	if (limits->properties_min >= 0 && n < limits->properties_min) {
		kt_auto_json json_t *count = json_integer(n);

		add_invalid(v, path, count, "should have at least %lld properties",
		        (long long)limits->properties_min);
	}
	if (limits->properties_max >= 0 && n > limits->properties_max)
		kt_field_too_many(v->errors, path, (size_t)n, (size_t)limits->properties_max);
}

static void check_enum(
        struct validator *v, const json_t *values, const json_t *value, const char *path)
{
	kt_auto_str detail = KT_STR_INIT;
	kt_auto_str text = KT_STR_INIT;

	for (size_t i = 0; i < json_array_size(values); i++) {
		const json_t *entry = json_array_get(values, i);

		if (kt_json_equal(entry, value))
			return;
		if (i)
			kt_str_puts(&detail, ", ");
		/* upstream prints every value as text in quotes */
		if (json_is_string(entry)) {
			kt_go_value(&detail, entry);
		} else {
			kt_auto_str plain = KT_STR_INIT;

			if (json_is_null(entry))
				kt_str_puts(&plain, "null");
			else
				kt_go_percent_v(&plain, entry);
			kt_go_quote(&detail, (struct kt_sv){plain.data, plain.len});
		}
	}
	kt_str_puts(&text, "Unsupported value: ");
	kt_go_value(&text, value);
	kt_str_printf(&text, ": supported values: %s", kt_str_text(&detail));
	kt_field_error_add(v->errors, KT_FIELD_ERROR_NOT_SUPPORTED, path, kt_str_text(&text));
}

/* How many errors a schema would give; they are not kept, or kept where `keep` says so. */
static size_t try_schema(
        struct validator *v, const json_t *schema, const json_t *value, const char *path, bool keep)
{
	size_t before = v->errors->n, found;

	check_schema(v, schema, value, path);
	found = v->errors->n - before;
	if (!keep)
		v->errors->n = before;
	return found;
}

static void add_junctor(struct validator *v, const char *path, const char *text)
{
	kt_auto_str message = KT_STR_INIT;

	kt_str_printf(&message, "Invalid value: \"\": \"%s\" %s", path, text);
	kt_field_error_add(v->errors, KT_FIELD_ERROR_INVALID, "<nil>", kt_str_text(&message));
}

static void check_all_of(
        struct validator *v, const json_t *schemas, const json_t *value, const char *path)
{
	size_t failed = 0;

	for (size_t i = 0; i < json_array_size(schemas); i++)
		failed += try_schema(v, json_array_get(schemas, i), value, path, true) > 0;
	if (failed)
		add_junctor(v, path,
		        failed == json_array_size(schemas) && failed > 1
		                ? "must validate all the schemas (allOf). None validated"
		                : "must validate all the schemas (allOf)");
}

/* anyOf and oneOf: when none fits, the errors of the nearest miss are told as well: of the first
 * that has looked at most of the value. */
static void check_some_of(
        struct validator *v, const json_t *schemas, const json_t *value, const char *path, bool one)
{
	size_t valid = 0, best = 0, most = 0, before = v->applied;
	kt_auto_str text = KT_STR_INIT;

	for (size_t i = 0; i < json_array_size(schemas); i++) {
		size_t n = try_schema(v, json_array_get(schemas, i), value, path, false);
		size_t applied = v->applied - before;

		v->applied = before;
		valid += n == 0;
		if (n && applied > most) {
			most = applied;
			best = i;
		}
	}
	if (valid == 1 || (valid && !one))
		return;
	if (!valid)
		try_schema(v, json_array_get(schemas, best), value, path, true);
	if (!one)
		kt_str_puts(&text, "must validate at least one schema (anyOf)");
	else if (!valid)
		kt_str_puts(
		        &text, "must validate one and only one schema (oneOf). Found none valid");
	else
		kt_str_printf(&text,
		        "must validate one and only one schema (oneOf). Found %zu valid "
		        "alternatives",
		        valid);
	add_junctor(v, path, kt_str_text(&text));
}

static void check_junctors(
        struct validator *v, const json_t *schema, const json_t *value, const char *path)
{
	const json_t *all = json_object_get(schema, "allOf");
	const json_t *any = json_object_get(schema, "anyOf");
	const json_t *one = json_object_get(schema, "oneOf");
	const json_t *not = json_object_get(schema, "not");

	if (json_array_size(any))
		check_some_of(v, any, value, path, false);
	if (json_array_size(one))
		check_some_of(v, one, value, path, true);
	if (json_array_size(all))
		check_all_of(v, all, value, path);
	if (json_is_object(not )) {
		size_t applied = v->applied;

		if (!try_schema(v, not, value, path, false))
			add_junctor(v, path, "must not validate the schema (not)");
		v->applied = applied;
	}
}

static void check_limits(
        struct validator *v, const struct kt_limits *limits, const json_t *value, const char *path)
{
	if (limits->enum_json)
		check_enum(v, limits->enum_json, value, path);
	if (json_is_number(value))
		check_number(v, limits, value, path);
	else if (json_is_string(value))
		check_string(v, limits, value, path);
	else if (json_is_array(value))
		check_list(v, limits, value, path);
	else if (json_is_object(value))
		check_object(v, limits, value, path);
	if (limits->junctors)
		check_junctors(v, limits->junctors, value, path);
}

/* A schema inside allOf and the like: value validations only, so it is read as it stands. */
static void check_schema(
        struct validator *v, const json_t *schema, const json_t *value, const char *path)
{
	struct kt_limits limits = {
	        .format = kt_jstr(schema, "format"),
	        .pattern = kt_jstr(schema, "pattern"),
	        .exclusive_minimum = kt_jbool(schema, "exclusiveMinimum", false),
	        .exclusive_maximum = kt_jbool(schema, "exclusiveMaximum", false),
	        .has_minimum = json_object_get(schema, "minimum") != NULL,
	        .has_maximum = json_object_get(schema, "maximum") != NULL,
	        .minimum = json_number_value(json_object_get(schema, "minimum")),
	        .maximum = json_number_value(json_object_get(schema, "maximum")),
	        .multiple_of = json_number_value(json_object_get(schema, "multipleOf")),
	        .length_min = kt_jint(schema, "minLength", -1),
	        .length_max = kt_jint(schema, "maxLength", -1),
	        .items_min = kt_jint(schema, "minItems", -1),
	        .items_max = kt_jint(schema, "maxItems", -1),
	        .properties_min = kt_jint(schema, "minProperties", -1),
	        .properties_max = kt_jint(schema, "maxProperties", -1),
	        .unique_items = kt_jbool(schema, "uniqueItems", false),
	        .enum_json = json_object_get(schema, "enum"),
	        .junctors = schema,
	};
	const char *wanted = kt_jstr(schema, "type");
	const char *found = type_name(value);
	const char *name;
	json_t *member;
	size_t i;

	if (++v->depth > DEPTH_MAX)
		goto out;
	/* The schema itself, its junctors, its enum; its type; what goes with the value's type. */
	v->applied += 3u + (wanted != NULL) + (!json_is_boolean(value) && !json_is_null(value));
	if (wanted && strcmp(wanted, found) &&
	        !(!strcmp(wanted, "number") && !strcmp(found, "integer")))
		add_wrong_type(v, path, wanted, found);
	check_limits(v, &limits, value, path);
	if (json_is_object(value)) {
		json_array_foreach(json_object_get(schema, "required"), i, member)
			if (json_is_string(member) &&
			        !json_object_get(value, json_string_value(member)))
				kt_field_required(
				        v->errors, join(v, path, json_string_value(member)), "");
		json_object_foreach(json_object_get(schema, "properties"), name, member)
			if (json_object_get(value, name))
				check_schema(v, member, json_object_get(value, name),
				        join(v, path, name));
	}
	if (json_is_object(json_object_get(schema, "items")))
		json_array_foreach(value, i, member)
			check_schema(v, json_object_get(schema, "items"), member,
			        kt_path(v->errors->arena, "%s[%zu]", path, i));
out:
	v->depth--;
}

static void check_members(struct validator *v, const struct kt_type *type, const json_t *value,
        const json_t *old, const char *path)
{
	const char *name;
	json_t *member;

	for (uint16_t i = 0; i < type->n_fields; i++) {
		const struct kt_field *field = &type->fields[i];

		member = json_object_get(value, field->name);
		if (!member && (field->flags & KT_FIELD_REQUIRED))
			kt_field_required(v->errors, join(v, path, field->name), "");
		else if (member && (field->flags & field->type->flags & KT_FIELD_UNSTRUCTURED))
			check_type(v, field->type, field, member, json_object_get(old, field->name),
			        join(v, path, field->name));
	}
	if (!(type->flags & KT_FIELD_EMBEDDED))
		return;
	for (int i = 0; i < 2; i++) {
		name = i ? "kind" : "apiVersion";
		if (!json_string_length(json_object_get(value, name)))
			kt_field_required(v->errors, join(v, path, name), "must not be empty");
	}
}

static void check_duplicates(
        struct validator *v, const struct kt_field *field, const json_t *value, const char *path)
{
	kt_auto_json json_t *keys = json_array();

	for (size_t i = 0; i < json_array_size(value); i++) {
		json_t *element = json_array_get(value, i);
		json_t *key = json_incref(element);

		if (field->list_type == KT_LIST_MAP) {
			json_decref(key);
			key = json_object();
			for (size_t k = 0; field->map_keys && field->map_keys[k]; k++)
				if (json_object_get(element, field->map_keys[k]))
					json_object_set(key, field->map_keys[k],
					        json_object_get(element, field->map_keys[k]));
		}
		size_t seen = 0;

		for (size_t j = 0; j < json_array_size(keys); j++)
			seen += kt_json_equal(json_array_get(keys, j), key);
		if (seen == 1) /* a third one is not told again */
			kt_field_duplicate(
			        v->errors, kt_path(v->errors->arena, "%s[%zu]", path, i), key);
		json_array_append_new(keys, key);
	}
}

const json_t *kt_validate_old_element(
        const struct kt_field *field, const json_t *old, const json_t *element)
{
	if (!field || field->list_type != KT_LIST_MAP)
		return NULL;
	for (size_t i = 0; i < json_array_size(old); i++) {
		const json_t *candidate = json_array_get(old, i);
		bool same = field->map_keys != NULL;

		for (size_t k = 0; same && field->map_keys[k]; k++)
			same = kt_json_equal(json_object_get(candidate, field->map_keys[k]),
			        json_object_get(element, field->map_keys[k]));
		if (same)
			return candidate;
	}
	return NULL;
}

static void check_elements(struct validator *v, const struct kt_type *type,
        const struct kt_field *field, const json_t *value, const json_t *old, const char *path)
{
	json_t *element;
	size_t i;

	json_array_foreach(value, i, element)
		check_type(v, type->elem, NULL, element,
		        kt_validate_old_element(field, old, element),
		        kt_path(v->errors->arena, "%s[%zu]", path, i));
	if (field && field->list_type != KT_LIST_ATOMIC)
		check_duplicates(v, field, value, path);
}

static const char *wanted_type(const struct kt_type *type)
{
	switch (type->shape) {
	case KT_SHAPE_OBJECT:
	case KT_SHAPE_MAP:
		return "object";
	case KT_SHAPE_LIST:
		return "array";
	case KT_SHAPE_STRING:
		return "string";
	case KT_SHAPE_INT32:
	case KT_SHAPE_INT64:
		return "integer";
	case KT_SHAPE_DOUBLE:
		return "number";
	case KT_SHAPE_BOOL:
		return "boolean";
	case KT_SHAPE_INT_OR_STRING:
		return "integer,string";
	default:
		return NULL;
	}
}

static bool fits(const char *wanted, const char *found)
{
	if (!wanted || !strcmp(wanted, found))
		return true;
	if (!strcmp(wanted, "number"))
		return !strcmp(found, "integer");
	return !strcmp(wanted, "integer,string") &&
	       (!strcmp(found, "integer") || !strcmp(found, "string"));
}

/* What did not change since `old` is not held against the object: the schema may have become
 * stricter. */
static void check_type(struct validator *v, const struct kt_type *type,
        const struct kt_field *field, const json_t *value, const json_t *old, const char *path)
{
	const char *wanted = wanted_type(type);
	const char *found = type_name(value);
	const char *name;
	json_t *member;

	if (old && kt_json_equal(old, value))
		return;
	if (json_is_null(value) && ((type->flags | (field ? field->flags : 0)) & KT_FIELD_NULLABLE))
		return;
	if (!fits(wanted, found)) {
		add_wrong_type(v, path, wanted, found);
		if (type->limits && type->limits->enum_json)
			check_enum(v, type->limits->enum_json, value, path);
		return;
	}
	if (++v->depth > DEPTH_MAX) {
		kt_field_invalid(v->errors, path, NULL, "is nested too deeply");
		v->depth--;
		return;
	}
	if (type->limits)
		check_limits(v, type->limits, value, path);
	if (type->shape == KT_SHAPE_OBJECT)
		check_members(v, type, value, old, path);
	else if (type->shape == KT_SHAPE_MAP)
		json_object_foreach((json_t *)(uintptr_t)value, name, member)
			check_type(v, type->elem, NULL, member, json_object_get(old, name),
			        join(v, path, name));
	else if (type->shape == KT_SHAPE_LIST)
		check_elements(v, type, field, value, old, path);
	v->depth--;
}

int kt_validate_structure(const struct kt_type *type, const json_t *value, const char *path,
        struct kt_field_errors *errors)
{
	struct validator v = {.errors = errors};
	size_t before = errors->n;

	check_type(&v, type, NULL, value, NULL, path);
	return (int)(errors->n - before);
}

/* After these kinds of errors rules might not make sense. */
static bool is_blocking(const struct kt_field_errors *errors, size_t from)
{
	for (size_t i = from; i < errors->n; i++) {
		switch (errors->items[i].type) {
		case KT_FIELD_ERROR_NOT_SUPPORTED:
		case KT_FIELD_ERROR_REQUIRED:
		case KT_FIELD_ERROR_TOO_LONG:
		case KT_FIELD_ERROR_TOO_MANY:
		case KT_FIELD_ERROR_TYPE_INVALID:
			return true;
		default:
			break;
		}
	}
	return false;
}

/* The errors from `from` on, found with the part as the root, stand below `name`. */
static void move_below(struct kt_field_errors *errors, size_t from, const char *name)
{
	for (size_t i = from; i < errors->n; i++) {
		const char *field = errors->items[i].field;

		if (!*field || !strcmp(field, "<nil>"))
			errors->items[i].field = name;
		else
			errors->items[i].field = kt_path(
			        errors->arena, "%s%s%s", name, field[0] == '[' ? "" : ".", field);
	}
}

void kt_validate_custom_part(const struct kt_type *type, const json_t *value, const json_t *old,
        const char *part, struct kt_field_errors *errors)
{
	struct validator v = {.errors = errors};
	size_t before = errors->n;

	if (!part) {
		check_type(&v, type, NULL, value, old, "");
		return;
	}
	const struct kt_field *field = kt_type_field(type, kt_sv_of(part));
	if (!field || !json_object_get(value, part))
		return;
	check_type(&v, field->type, field, json_object_get(value, part), json_object_get(old, part),
	        "");
	move_below(errors, before, part);
}

void kt_validate_custom_rules(const struct kt_type *type, const json_t *value, const json_t *old,
        size_t from, struct kt_field_errors *errors, struct kt_field_errors *warnings)
{
	if (!kt_type_has_rules(type))
		return;
	if (is_blocking(errors, from))
		kt_field_invalid(errors, "<nil>", json_null(),
		        "some validation rules were not checked because the object was invalid; "
		        "correct the existing "
		        "errors to complete validation");
	else
		kt_validate_rules(type, value, old, "", errors, warnings);
}

void kt_validate_custom(const struct kt_type *type, const json_t *value, const json_t *old,
        struct kt_field_errors *errors, struct kt_field_errors *warnings)
{
	size_t before = errors->n;

	kt_validate_custom_part(type, value, old, NULL, errors);
	kt_validate_custom_rules(type, value, old, before, errors, warnings);
}
