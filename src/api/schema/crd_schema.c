/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Structural schemas to types. */
#include "api/schema/crd_internal.h"

#define OBJECT_META "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"

static const struct kt_type *make_type(
        struct kt_arena *arena, const json_t *schema, const char *name, bool root);

static bool get_number(const json_t *schema, const char *key, double *ret_value)
{
	const json_t *value = json_object_get(schema, key);

	if (!json_is_number(value))
		return false;
	*ret_value = json_number_value(value);
	return true;
}

static int64_t get_count(const json_t *schema, const char *key)
{
	return kt_jint(schema, key, -1);
}

static const struct kt_cel_rule *make_rules(
        struct kt_arena *arena, const json_t *list, size_t *ret_n)
{
	size_t n = json_array_size(list), i;
	struct kt_cel_rule *rules;
	json_t *entry;

	*ret_n = n;
	if (n == 0)
		return NULL;
	rules = kt_arena_alloc(arena, n * sizeof(*rules));
	json_array_foreach(list, i, entry)
		rules[i] = (struct kt_cel_rule){
		        .rule = crd_string(arena, entry, "rule"),
		        .message = crd_string(arena, entry, "message"),
		        .message_expression = crd_string(arena, entry, "messageExpression"),
		        .reason = crd_string(arena, entry, "reason"),
		        .field_path = crd_string(arena, entry, "fieldPath"),
		        .optional_old_self = kt_jbool(entry, "optionalOldSelf", false),
		};
	return rules;
}

static bool has_junctors(const json_t *schema)
{
	return json_object_get(schema, "allOf") || json_object_get(schema, "anyOf") ||
	       json_object_get(schema, "oneOf") || json_object_get(schema, "not");
}

/* NULL when the schema limits nothing. */
static const struct kt_limits *make_limits(struct kt_arena *arena, const json_t *schema)
{
	struct kt_limits limits = {
	        .format = crd_string(arena, schema, "format"),
	        .pattern = crd_string(arena, schema, "pattern"),
	        .exclusive_minimum = kt_jbool(schema, "exclusiveMinimum", false),
	        .exclusive_maximum = kt_jbool(schema, "exclusiveMaximum", false),
	        .length_min = get_count(schema, "minLength"),
	        .length_max = get_count(schema, "maxLength"),
	        .items_min = get_count(schema, "minItems"),
	        .items_max = get_count(schema, "maxItems"),
	        .properties_min = get_count(schema, "minProperties"),
	        .properties_max = get_count(schema, "maxProperties"),
	        .unique_items = kt_jbool(schema, "uniqueItems", false),
	        .junctors = has_junctors(schema) ? schema : NULL,
	        .enum_json = json_object_get(schema, "enum"),
	};
	struct kt_limits *out;

	limits.has_minimum = get_number(schema, "minimum", &limits.minimum);
	limits.has_maximum = get_number(schema, "maximum", &limits.maximum);
	if (!get_number(schema, "multipleOf", &limits.multiple_of))
		limits.multiple_of = 0;
	limits.rules = make_rules(
	        arena, json_object_get(schema, "x-kubernetes-validations"), &limits.n_rules);
	if (!limits.format && !limits.pattern && !limits.has_minimum && !limits.has_maximum &&
	        limits.multiple_of == 0 && limits.length_min < 0 && limits.length_max < 0 &&
	        limits.items_min < 0 && limits.items_max < 0 && limits.properties_min < 0 &&
	        limits.properties_max < 0 && !limits.unique_items && !limits.n_rules &&
	        !limits.junctors && !limits.enum_json)
		return NULL;
	out = kt_arena_new(arena, struct kt_limits);
	*out = limits;
	return out;
}

static enum kt_shape shape_of(const json_t *schema)
{
	const char *type = kt_jstr(schema, "type");
	const json_t *additional = json_object_get(schema, "additionalProperties");

	if (kt_jbool(schema, "x-kubernetes-int-or-string", false))
		return KT_SHAPE_INT_OR_STRING;
	if (!type)
		return KT_SHAPE_ANY;
	if (strcmp(type, "string") == 0)
		return KT_SHAPE_STRING;
	if (strcmp(type, "integer") == 0)
		return KT_SHAPE_INT64;
	if (strcmp(type, "number") == 0)
		return KT_SHAPE_DOUBLE;
	if (strcmp(type, "boolean") == 0)
		return KT_SHAPE_BOOL;
	if (strcmp(type, "array") == 0)
		return KT_SHAPE_LIST;
	if (strcmp(type, "object") == 0)
		return json_is_object(additional) || json_is_true(additional) ? KT_SHAPE_MAP
		                                                              : KT_SHAPE_OBJECT;
	return KT_SHAPE_ANY;
}

static bool is_required(const json_t *schema, const char *name)
{
	json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(schema, "required"), i, entry)
		if (json_is_string(entry) && strcmp(json_string_value(entry), name) == 0)
			return true;
	return false;
}

static uint16_t type_flags(const json_t *schema)
{
	uint16_t flags = KT_FIELD_UNSTRUCTURED;

	if (kt_jbool(schema, "nullable", false))
		flags |= KT_FIELD_NULLABLE;
	if (kt_jbool(schema, "x-kubernetes-preserve-unknown-fields", false))
		flags |= KT_FIELD_PRESERVE;
	if (kt_jbool(schema, "x-kubernetes-embedded-resource", false))
		flags |= KT_FIELD_EMBEDDED;
	if (kt_streq(kt_jstr(schema, "x-kubernetes-map-type"), "atomic"))
		flags |= KT_FIELD_ATOMIC;
	return flags;
}

static void fill_field(struct kt_arena *arena, struct kt_field *field, const char *name,
        const json_t *owner, const json_t *schema)
{
	const char *list_type = kt_jstr(schema, "x-kubernetes-list-type");
	const json_t *fallback = json_object_get(schema, "default");

	field->name = kt_arena_strdup(arena, name);
	field->type = make_type(arena, schema, NULL, false);
	field->limits = field->type->limits;
	field->flags = type_flags(schema) | KT_FIELD_POINTER | KT_FIELD_OMIT_EMPTY;
	if (is_required(owner, name))
		field->flags |= KT_FIELD_REQUIRED;
	if (kt_streq(list_type, "set"))
		field->list_type = KT_LIST_SET;
	else if (kt_streq(list_type, "map"))
		field->list_type = KT_LIST_MAP;
	field->map_keys = crd_strings(arena, json_object_get(schema, "x-kubernetes-list-map-keys"));
	if (fallback) {
		kt_auto_str text = KT_STR_INIT;

		kt_json_write(&text, fallback, 0);
		field->default_json = kt_arena_strdup(arena, kt_str_text(&text));
	}
	field->doc = field->type->doc;
}

/* apiVersion, kind and metadata of a root or an embedded resource, unless the schema describes them
 * itself. */
static size_t add_type_meta(struct kt_arena *arena, struct kt_field *fields, const json_t *schema)
{
	static const struct kt_type string = {.shape = KT_SHAPE_STRING,
	        .go_name = "string",
	        .doc = "",
	        .flags = KT_FIELD_UNSTRUCTURED};
	const json_t *properties = json_object_get(schema, "properties");
	const uint16_t flags = KT_FIELD_UNSTRUCTURED | KT_FIELD_POINTER | KT_FIELD_OMIT_EMPTY;
	static const char *const names[] = {"apiVersion", "kind", "metadata"};
	static const char *const docs[] = {"Group and version of this object.",
	        "The kind of this object.", "Name, labels and the rest of the standard metadata."};

	for (size_t i = 0; i < KT_ARRAY_SIZE(names); i++) {
		const json_t *property = json_object_get(properties, names[i]);
		const struct kt_type *type = i == 2 ? kt_type_lookup(OBJECT_META) : &string;

		fields[i] = (struct kt_field){.name = names[i],
		        .type = type,
		        .flags = flags,
		        .doc = docs[i],
		        .limits = property && i < 2 ? make_limits(arena, property) : NULL};
		if (is_required(schema, names[i]))
			fields[i].flags |= KT_FIELD_REQUIRED;
	}
	return KT_ARRAY_SIZE(names);
}

struct name_at {
	const char *name;
	uint16_t at;
};

static int compare_name_at(const void *a, const void *b)
{
	const struct name_at *left = a, *right = b;

	return strcmp(left->name, right->name);
}

static void add_indexes(struct kt_arena *arena, struct kt_type *type)
{
	struct name_at *sorted = kt_new_array(struct name_at, (size_t)type->n_fields + 1);
	uint16_t *by_name = kt_arena_alloc(arena, ((size_t)type->n_fields + 1) * sizeof(*by_name));

	for (uint16_t i = 0; i < type->n_fields; i++)
		sorted[i] = (struct name_at){type->fields[i].name, i};
	qsort(sorted, type->n_fields, sizeof(sorted[0]), compare_name_at);
	for (uint16_t i = 0; i < type->n_fields; i++)
		by_name[i] = sorted[i].at;
	free(sorted);
	type->by_name = type->by_number = by_name;
}

static void add_fields(
        struct kt_arena *arena, struct kt_type *type, const json_t *schema, bool root)
{
	json_t *properties = json_object_get(schema, "properties"), *property;
	size_t n = 0, room = KT_MIN(json_object_size(properties), (size_t)UINT16_MAX - 3) + 3;
	struct kt_field *fields = kt_arena_alloc(arena, room * sizeof(*fields));
	bool with_meta = root || (type->flags & KT_FIELD_EMBEDDED);
	const char *name;

	if (with_meta)
		n = add_type_meta(arena, fields, schema);
	json_object_foreach(properties, name, property) {
		if (with_meta && (strcmp(name, "apiVersion") == 0 || strcmp(name, "kind") == 0 ||
		                         strcmp(name, "metadata") == 0))
			continue;
		if (n < room)
			fill_field(arena, &fields[n++], name, schema, property);
	}
	type->fields = fields;
	type->n_fields = (uint16_t)n;
	add_indexes(arena, type);
}

static const struct kt_type any_type = {.shape = KT_SHAPE_ANY,
        .doc = "",
        .flags = KT_FIELD_UNSTRUCTURED | KT_FIELD_PRESERVE | KT_FIELD_NULLABLE};

static const struct kt_type *make_type(
        struct kt_arena *arena, const json_t *schema, const char *name, bool root)
{
	struct kt_type *type = kt_arena_new(arena, struct kt_type);
	const json_t *additional = json_object_get(schema, "additionalProperties"),
	             *items = json_object_get(schema, "items");

	type->shape = root ? KT_SHAPE_OBJECT : shape_of(schema);
	type->name = name;
	type->go_name = name ? strrchr(name, '.') + 1 : "";
	type->flags = type_flags(schema);
	type->limits = make_limits(arena, schema);
	type->doc = crd_string(arena, schema, "description");
	if (!type->doc)
		type->doc = "";
	if (type->shape == KT_SHAPE_LIST)
		type->elem =
		        json_is_object(items) ? make_type(arena, items, NULL, false) : &any_type;
	else if (type->shape == KT_SHAPE_MAP)
		type->elem = json_is_object(additional) ? make_type(arena, additional, NULL, false)
		                                        : &any_type;
	else if (type->shape == KT_SHAPE_OBJECT || (type->flags & KT_FIELD_EMBEDDED)) {
		type->shape = KT_SHAPE_OBJECT;
		add_fields(arena, type, schema, root);
	}
	return type;
}

const struct kt_type *crd_root_type(struct kt_arena *arena, const json_t *schema, const char *name)
{
	const struct kt_type *made = make_type(arena, schema, name, true);
	struct kt_type *type;

	if (schema)
		return made;
	type = kt_arena_new(arena, struct kt_type);
	*type = *made;
	type->flags |= KT_FIELD_PRESERVE;
	return type;
}

const struct kt_type *kt_crd_compile_schema(
        struct kt_arena *arena, const json_t *schema, const char *name)
{
	return make_type(arena, schema, name, name != NULL);
}
