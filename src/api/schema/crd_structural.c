/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The rules of structural schemas. Two passes, as upstream has them: what makes a schema
 * structural, then what its keywords may say; messages come in that order.
 */
#include "api/expr/regex.h"
#include "api/machinery/limits.h"
#include "api/machinery/rule_definitions.h"
#include "api/schema/crd_internal.h"

static const char *const known_types[] = {
        "array", "boolean", "integer", "number", "object", "string", NULL};
static const char *const list_types[] = {"atomic", "set", "map", NULL};
static const char *const map_types[] = {"atomic", "granular", NULL};

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static bool truth(const json_t *schema, const char *key)
{
	return json_is_true(json_object_get(schema, key));
}

static bool one_of(const char *value, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(*list, value) == 0)
			return true;
	return false;
}

static const char *below(struct kt_field_errors *errors, const char *path, const char *key)
{
	return kt_path(errors->arena, "%s.%s", path, key);
}

/* Calls visit for each schema directly inside: properties, items, additionalProperties. */
struct inside {
	const json_t *schema;
	const char *path;
	enum { INSIDE_PROPERTY, INSIDE_ITEM, INSIDE_ADDITIONAL } what;
};

static size_t list_inside(
        const json_t *schema, const char *path, struct kt_field_errors *errors, struct inside **ret)
{
	json_t *properties = json_object_get(schema, "properties"), *property;
	const json_t *items = json_object_get(schema, "items"),
	             *additional = json_object_get(schema, "additionalProperties");
	size_t n = 0, count = json_object_size(properties), k = 0;
	struct inside *out = kt_arena_alloc(errors->arena, (count + 2) * sizeof(*out));
	const char **names = kt_arena_alloc(errors->arena, (count + 1) * sizeof(*names)), *name;

	json_object_foreach(properties, name, property)
		names[k++] = name;
	qsort(names, k, sizeof(names[0]), kt_strp_cmp);
	for (size_t i = 0; i < k; i++)
		out[n++] = (struct inside){json_object_get(properties, names[i]),
		        kt_path(errors->arena, "%s.properties[%s]", path, names[i]),
		        INSIDE_PROPERTY};
	if (json_is_object(items))
		out[n++] = (struct inside){items, below(errors, path, "items"), INSIDE_ITEM};
	if (json_is_object(additional))
		out[n++] = (struct inside){
		        additional, below(errors, path, "additionalProperties"), INSIDE_ADDITIONAL};
	*ret = out;
	return n;
}

/* --- pass one: structural --- */

static void check_unsupported_keywords(
        const json_t *schema, const char *path, struct kt_field_errors *errors)
{
	static const char *const keywords[] = {"definitions", "dependencies", "patternProperties",
	        "id", "$schema", "$ref", "additionalItems"};

	for (size_t i = 0; i < KT_ARRAY_SIZE(keywords); i++) {
		const json_t *value = json_object_get(schema, keywords[i]);

		if (value && !(json_is_string(value) && json_string_length(value) == 0))
			kt_field_forbidden(errors, below(errors, path, keywords[i]),
			        "%s is not supported", keywords[i]);
	}
}

/* Inside allOf, anyOf, oneOf and not a schema may only narrow values. */
static void check_value_only(
        const json_t *schema, const char *path, struct kt_field_errors *errors);

static void check_junctor(const json_t *list, const char *path, struct kt_field_errors *errors)
{
	json_t *entry;
	size_t i;

	json_array_foreach(list, i, entry)
		check_value_only(entry, kt_path(errors->arena, "%s[%zu]", path, i), errors);
}

/* int-or-string may say so itself: anyOf: [{type: integer}, {type: string}] */
static bool is_int_or_string_any_of(const json_t *owner)
{
	const json_t *list = json_object_get(owner, "anyOf");

	return truth(owner, "x-kubernetes-int-or-string") && json_array_size(list) == 2 &&
	       strcmp(text_of(json_array_get(list, 0), "type"), "integer") == 0 &&
	       strcmp(text_of(json_array_get(list, 1), "type"), "string") == 0;
}

static void check_junctors(const json_t *schema, const char *path, struct kt_field_errors *errors)
{
	const json_t *negated = json_object_get(schema, "not");

	check_junctor(json_object_get(schema, "allOf"), below(errors, path, "allOf"), errors);
	if (!is_int_or_string_any_of(schema))
		check_junctor(
		        json_object_get(schema, "anyOf"), below(errors, path, "anyOf"), errors);
	check_junctor(json_object_get(schema, "oneOf"), below(errors, path, "oneOf"), errors);
	if (json_is_object(negated))
		check_value_only(negated, below(errors, path, "not"), errors);
}

static void check_value_only(const json_t *schema, const char *path, struct kt_field_errors *errors)
{
	static const char *const empty_keys[] = {"description", "type", "title"};
	struct inside *inside;
	size_t n = list_inside(schema, path, errors, &inside);

	for (size_t i = 0; i < n; i++)
		check_value_only(inside[i].schema, inside[i].path, errors);
	check_junctors(schema, path, errors);
	for (size_t i = 0; i < KT_ARRAY_SIZE(empty_keys); i++)
		if (*text_of(schema, empty_keys[i]))
			kt_field_forbidden(errors, below(errors, path, empty_keys[i]),
			        "must be empty to be structural");
	if (json_object_get(schema, "default"))
		kt_field_forbidden(errors, below(errors, path, "default"),
		        "must be undefined to be structural");
	if (truth(schema, "nullable"))
		kt_field_forbidden(
		        errors, below(errors, path, "nullable"), "must be false to be structural");
	if (truth(schema, "x-kubernetes-preserve-unknown-fields"))
		kt_field_forbidden(errors,
		        below(errors, path, "x-kubernetes-preserve-unknown-fields"),
		        "must be undefined to be structural");
	if (truth(schema, "x-kubernetes-embedded-resource"))
		kt_field_forbidden(errors, below(errors, path, "x-kubernetes-embedded-resource"),
		        "must be false to be structural");
	if (truth(schema, "x-kubernetes-int-or-string"))
		kt_field_forbidden(errors, below(errors, path, "x-kubernetes-int-or-string"),
		        "must be false to be structural");
	if (json_object_get(schema, "additionalProperties"))
		kt_field_forbidden(errors, below(errors, path, "additionalProperties"),
		        "must be undefined to be structural");
}

static void check_embedded(const json_t *schema, const char *path, struct kt_field_errors *errors)
{
	const char *type = text_of(schema, "type");

	if (!truth(schema, "x-kubernetes-embedded-resource"))
		return;
	if (!truth(schema, "x-kubernetes-preserve-unknown-fields") &&
	        json_object_size(json_object_get(schema, "properties")) == 0)
		kt_field_required(errors, below(errors, path, "properties"),
		        "must not be empty if x-kubernetes-embedded-resource is true without "
		        "x-kubernetes-preserve-unknown-fields");
	if (!*type)
		kt_field_required(errors, below(errors, path, "type"),
		        "must be object if x-kubernetes-embedded-resource is true");
	else if (strcmp(type, "object") != 0)
		kt_field_invalid(errors, below(errors, path, "type"),
		        json_object_get(schema, "type"),
		        "must be object if x-kubernetes-embedded-resource is true");
}

/* metadata of the root and of embedded resources is implied; only its name may be narrowed. */
static void check_type_meta(const json_t *schema, const char *path, struct kt_field_errors *errors)
{
	static const char *const strings[] = {"apiVersion", "kind"};
	const json_t *properties = json_object_get(schema, "properties");
	json_t *metadata = json_object_get(properties, "metadata"), *value;
	const char *key;
	bool more = false;

	for (size_t i = 0; i < KT_ARRAY_SIZE(strings); i++) {
		const json_t *property = json_object_get(properties, strings[i]);

		if (property && strcmp(text_of(property, "type"), "string") != 0)
			kt_field_invalid(errors,
			        kt_path(errors->arena, "%s.properties[%s].type", path, strings[i]),
			        json_object_get(property, "type"), "must be string");
	}
	if (!metadata)
		return;
	if (strcmp(text_of(metadata, "type"), "object") != 0)
		kt_field_invalid(errors,
		        kt_path(errors->arena, "%s.properties[metadata].type", path),
		        json_object_get(metadata, "type"), "must be object");
	json_object_foreach(metadata, key, value)
		more |= strcmp(key, "type") != 0 && strcmp(key, "properties") != 0 &&
		        strcmp(key, "description") != 0;
	json_object_foreach(json_object_get(metadata, "properties"), key, value)
		more |= strcmp(key, "name") != 0 && strcmp(key, "generateName") != 0;
	if (more)
		kt_field_forbidden(errors, kt_path(errors->arena, "%s.properties[metadata]", path),
		        "must not specify anything other than name and generateName, but metadata "
		        "is implicitly specified");
}

enum level { LEVEL_ROOT, LEVEL_FIELD, LEVEL_ITEM };

/* What has no structural form at all; with any of it the other structural rules are not looked at.
 */
static void check_form(const json_t *schema, const char *path, struct kt_field_errors *errors)
{
	struct inside *inside;
	size_t n = list_inside(schema, path, errors, &inside);

	if (json_is_array(json_object_get(schema, "items")))
		kt_field_forbidden(errors, below(errors, path, "items"),
		        "items must be a schema object and not an array");
	check_unsupported_keywords(schema, path, errors);
	for (size_t i = 0; i < n; i++)
		check_form(inside[i].schema, inside[i].path, errors);
}

static void check_structural(
        const json_t *schema, const char *path, enum level level, struct kt_field_errors *errors)
{
	const char *type = text_of(schema, "type");
	bool untyped_is_fine = truth(schema, "x-kubernetes-int-or-string") ||
	                       truth(schema, "x-kubernetes-preserve-unknown-fields");
	struct inside *inside;
	size_t n = list_inside(schema, path, errors, &inside);

	if (strcmp(type, "array") == 0 && !json_object_get(schema, "items"))
		kt_field_required(errors, below(errors, path, "items"), "must be specified");
	for (size_t i = 0; i < n; i++) {
		bool meta = level == LEVEL_ROOT && inside[i].what == INSIDE_PROPERTY &&
		            strcmp(inside[i].path + strlen(path), ".properties[metadata]") == 0;

		if (!meta)
			check_structural(inside[i].schema, inside[i].path,
			        inside[i].what == INSIDE_ITEM ? LEVEL_ITEM : LEVEL_FIELD, errors);
	}
	check_junctors(schema, path, errors);
	check_embedded(schema, path, errors);
	if (level == LEVEL_ROOT || truth(schema, "x-kubernetes-embedded-resource"))
		check_type_meta(schema, path, errors);
	if (json_is_false(json_object_get(schema, "x-kubernetes-preserve-unknown-fields")))
		kt_field_invalid(errors,
		        below(errors, path, "x-kubernetes-preserve-unknown-fields"),
		        json_object_get(schema, "x-kubernetes-preserve-unknown-fields"),
		        "must be true or undefined");
	if (level == LEVEL_ROOT && !*type)
		kt_field_required(
		        errors, below(errors, path, "type"), "must not be empty at the root");
	else if (level == LEVEL_ROOT && strcmp(type, "object") != 0)
		kt_field_invalid(errors, below(errors, path, "type"),
		        json_object_get(schema, "type"), "must be object at the root");
	else if (!*type && !untyped_is_fine)
		kt_field_required(errors, below(errors, path, "type"),
		        level == LEVEL_ITEM ? "must not be empty for specified array items"
		                            : "must not be empty for specified object fields");
}

/* --- defaults: values of their own schema, with nothing to prune --- */

/* The validator's paths start at the value; here they go on from the default's. */
static void add_below(
        struct kt_field_errors *errors, const char *path, const struct kt_field_errors *found)
{
	for (size_t i = 0; i < found->n; i++) {
		const char *inner = found->items[i].field;
		const char *field = inner && *inner ? below(errors, path, inner) : path;

		kt_field_error_add(errors, found->items[i].type, field, found->items[i].message);
	}
}

/* No value is of a type that does not exist. */
static void add_unknown_type(
        const json_t *schema, const char *path, const json_t *value, struct kt_field_errors *errors)
{
	static const char *const names[] = {
	        "object", "array", "string", "integer", "number", "boolean", "boolean", "null"};
	const char *found = names[json_typeof(value)];

	kt_field_error_add(errors, KT_FIELD_ERROR_TYPE_INVALID, path,
	        kt_path(errors->arena, "Invalid value: \"%s\":  in body must be of type %s: \"%s\"",
	                found, text_of(schema, "type"), found));
}

static void check_default(const json_t *schema, const char *path, struct kt_field_errors *errors)
{
	const json_t *value = json_object_get(schema, "default");
	const struct kt_type *type = kt_crd_compile_schema(errors->arena, schema, NULL);
	struct kt_field_errors found = {.arena = errors->arena};
	kt_auto_json json_t *pruned = json_deep_copy(value);

	if (*text_of(schema, "type") && !one_of(text_of(schema, "type"), known_types)) {
		add_unknown_type(schema, path, value, errors);
		return;
	}
	kt_type_prune(type, pruned);
	if (!json_equal(pruned, value)) {
		kt_field_invalid(errors, path, value, "must not have unknown fields");
		return;
	}
	if (json_is_null(value) && (type->flags & KT_FIELD_NULLABLE))
		return;
	if (kt_validate_structure(type, value, "", &found))
		add_below(errors, path, &found);
	else
		kt_validate_rules(type, value, NULL, path, errors, NULL);
}

static void check_defaults(const json_t *schema, const char *path, struct kt_field_errors *errors)
{
	struct inside *inside;
	size_t n = list_inside(schema, path, errors, &inside);

	if (json_object_get(schema, "default"))
		check_default(schema, below(errors, path, "default"), errors);
	for (size_t i = 0; i < n; i++)
		check_defaults(inside[i].schema, inside[i].path, errors);
}

/* --- pass two: keywords --- */

static void check_pattern(const json_t *schema, const char *path, struct kt_field_errors *errors)
{
	const char *pattern = text_of(schema, "pattern");
	kt_auto_regex struct kt_regex *regex = NULL;
	kt_auto_err err = KT_ERR_INIT;

	if (!*pattern || kt_regex_compile(kt_sv_of(pattern), &regex, &err) == 0)
		return;
	kt_field_invalid(errors, below(errors, path, "pattern"), json_object_get(schema, "pattern"),
	        "must be a valid regular expression, but isn't: %s", kt_err_message(&err));
}

static bool has_name(const json_t *list, const char *name)
{
	json_t *entry;
	size_t i;

	json_array_foreach(list, i, entry)
		if (kt_streq(json_string_value(entry), name))
			return true;
	return false;
}

static bool has_duplicates(const json_t *list)
{
	json_t *entry, *earlier;
	size_t i, j;

	json_array_foreach(list, i, entry)
		json_array_foreach(list, j, earlier)
			if (j < i && json_equal(entry, earlier))
				return true;
	return false;
}

static void check_map_keys(const json_t *schema, const char *path, struct kt_field_errors *errors)
{
	const json_t *keys = json_object_get(schema, "x-kubernetes-list-map-keys"),
	             *items = json_object_get(schema, "items");
	const char *field = below(errors, path, "x-kubernetes-list-map-keys");
	json_t *key;
	size_t i;

	if (json_array_size(keys) == 0)
		kt_field_required(
		        errors, field, "must not be empty if x-kubernetes-list-type is map");
	if (!json_is_object(items)) {
		kt_field_required(errors, below(errors, path, "items"),
		        "must have a schema if x-kubernetes-list-type is map");
		return;
	}
	if (strcmp(text_of(items, "type"), "object") != 0) {
		kt_auto_json json_t *type = json_string(text_of(items, "type"));

		kt_field_invalid(errors, below(errors, path, "items.type"), type,
		        "must be object if parent array's x-kubernetes-list-type is map");
		return;
	}
	json_array_foreach(keys, i, key)
		if (json_is_string(key) && !json_object_get(json_object_get(items, "properties"),
		                                   json_string_value(key))) {
			kt_field_invalid(errors, field, keys,
			        "entries must all be names of item properties");
			return;
		}
	if (has_duplicates(keys))
		kt_field_invalid(errors, field, keys, "must not contain duplicate entries");
	json_array_foreach(keys, i, key) {
		const char *name = json_string_value(key);
		const json_t *property =
		        json_object_get(json_object_get(items, "properties"), name ? name : "");

		if (property && !json_object_get(property, "default") &&
		        !has_name(json_object_get(items, "required"), name))
			kt_field_required(errors,
			        kt_path(errors->arena, "%s.items.properties[%s].default", path,
			                name),
			        "this property is in x-kubernetes-list-map-keys, so it must have a "
			        "default or be a required property");
	}
}

/* Elements of a set compare whole, so they must be scalars or atomic. */
static void check_set_items(const json_t *schema, const char *path, struct kt_field_errors *errors)
{
	const json_t *items = json_object_get(schema, "items");
	const char *type = text_of(items, "type");
	kt_auto_json json_t *null = json_null();

	if (strcmp(type, "object") == 0 &&
	        strcmp(text_of(items, "x-kubernetes-map-type"), "atomic") != 0) {
		const json_t *map_type = json_object_get(items, "x-kubernetes-map-type");

		kt_field_invalid(errors, below(errors, path, "items.x-kubernetes-map-type"),
		        map_type ? map_type : null,
		        "must be atomic as item of a list with x-kubernetes-list-type=set");
	}
	if (strcmp(type, "array") == 0 &&
	        strcmp(text_of(items, "x-kubernetes-list-type"), "atomic") != 0 &&
	        json_object_get(items, "x-kubernetes-list-type"))
		kt_field_invalid(errors, below(errors, path, "items.x-kubernetes-list-type"),
		        json_object_get(items, "x-kubernetes-list-type"),
		        "must be atomic as item of a list with x-kubernetes-list-type=set");
	if (truth(items, "nullable"))
		kt_field_forbidden(errors, below(errors, path, "items.nullable"),
		        "cannot be nullable when x-kubernetes-list-type is set");
}

static void need_type(const json_t *schema, const char *path, const char *want, const char *keyword,
        struct kt_field_errors *errors)
{
	const char *type = text_of(schema, "type");
	kt_auto_free char *message = kt_asprintf("must be %s if %s is specified", want, keyword);

	if (!*type)
		kt_field_required(errors, below(errors, path, "type"), message);
	else if (strcmp(type, want) != 0)
		kt_field_invalid(errors, below(errors, path, "type"),
		        json_object_get(schema, "type"), "%s", message);
}

static void check_list_keywords(
        const json_t *schema, const char *path, struct kt_field_errors *errors)
{
	const json_t *list_type = json_object_get(schema, "x-kubernetes-list-type");
	const json_t *map_type = json_object_get(schema, "x-kubernetes-map-type");
	bool has_keys = json_array_size(json_object_get(schema, "x-kubernetes-list-map-keys")) > 0;
	const char *type = text_of(schema, "x-kubernetes-list-type");

	if (list_type)
		need_type(schema, path, "array", "x-kubernetes-list-type", errors);
	if (list_type && !one_of(type, list_types)) {
		const char *field = below(errors, path, "x-kubernetes-list-type");
		kt_auto_json json_t *value = json_string(type);

		/* in the order upstream lists them, which is not sorted */
		kt_auto_str text = KT_STR_INIT;
		kt_auto_str message = KT_STR_INIT;

		kt_json_write(&text, value, 0);
		kt_str_printf(&message,
		        "Unsupported value: %s: supported values: \"atomic\", \"set\", \"map\"",
		        kt_str_text(&text));
		kt_field_error_add(errors, KT_FIELD_ERROR_NOT_SUPPORTED, field,
		        kt_arena_strdup(errors->arena, kt_str_text(&message)));
	}
	if (has_keys && strcmp(type, "map") != 0) {
		if (!list_type)
			kt_field_required(errors, below(errors, path, "x-kubernetes-list-type"),
			        "must be map if x-kubernetes-list-map-keys is non-empty");
		else
			kt_field_invalid(errors, below(errors, path, "x-kubernetes-list-type"),
			        list_type,
			        "must be map if x-kubernetes-list-map-keys is non-empty");
	}
	if (strcmp(type, "map") == 0)
		check_map_keys(schema, path, errors);
	if (strcmp(type, "set") == 0 && strcmp(text_of(schema, "type"), "array") == 0)
		check_set_items(schema, path, errors);
	if (map_type)
		need_type(schema, path, "object", "x-kubernetes-map-type", errors);
	if (map_type && !one_of(text_of(schema, "x-kubernetes-map-type"), map_types))
		kt_field_not_supported(
		        errors, below(errors, path, "x-kubernetes-map-type"), map_type, map_types);
}

static void check_keywords(const json_t *schema, const char *path, struct kt_field_errors *errors)
{
	const char *type = text_of(schema, "type");
	struct inside *inside;
	size_t n;

	if (truth(schema, "uniqueItems"))
		kt_field_forbidden(errors, below(errors, path, "uniqueItems"),
		        "uniqueItems cannot be set to true since the runtime complexity becomes "
		        "quadratic");
	if (json_object_get(schema, "additionalProperties") &&
	        json_object_size(json_object_get(schema, "properties")) > 0)
		kt_field_forbidden(errors, below(errors, path, "additionalProperties"),
		        "additionalProperties and properties are mutual exclusive");
	n = list_inside(schema, path, errors, &inside);
	for (size_t i = 0; i < n; i++)
		check_keywords(inside[i].schema, inside[i].path, errors);
	if (*type && !one_of(type, known_types))
		kt_field_not_supported(errors, below(errors, path, "type"),
		        json_object_get(schema, "type"), known_types);
	if (strcmp(type, "null") == 0)
		kt_field_forbidden(errors, below(errors, path, "type"),
		        "type cannot be set to null, use nullable as an alternative");
	check_list_keywords(schema, path, errors);
	check_pattern(schema, path, errors);
}

void crd_validate_schema(
        const json_t *schema, const char *path, bool has_status, struct kt_field_errors *errors)
{
	const char *type = text_of(schema, "type");
	bool structural;
	size_t before;

	if (has_status && *type && strcmp(type, "object") != 0)
		kt_field_invalid(errors, below(errors, path, "type"),
		        json_object_get(schema, "type"),
		        "only \"object\" is allowed as the type at the root of the schema if the "
		        "status subresource is enabled");
	if (truth(schema, "nullable"))
		kt_field_forbidden(errors, below(errors, path, "nullable"),
		        "nullable cannot be true at the root");
	before = errors->n;
	check_form(schema, path, errors);
	if (errors->n == before)
		check_structural(schema, path, LEVEL_ROOT, errors);
	structural = errors->n == before;
	check_defaults(schema, path, errors);
	check_keywords(schema, path, errors);
	kt_rule_definitions_check(schema, path, structural, errors);
}
