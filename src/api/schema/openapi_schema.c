/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Types to schema objects. */
#include "api/schema/crd.h"
#include "api/schema/openapi_internal.h"
#include "api/schema/tables.h"

static json_t *type_schema(struct openapi *doc, const struct kt_type *type);

json_t *openapi_gvk(const char *group, const char *version, const char *kind)
{
	return json_pack("{s:s, s:s, s:s}", "group", group, "kind", kind, "version", version);
}

json_t *openapi_ref_name(struct openapi *doc, const char *name)
{
	return json_pack("{s:o}", "$ref",
	        json_sprintf("#/%s/%s", doc->v3 ? "components/schemas" : "definitions", name));
}

json_t *openapi_ref(struct openapi *doc, const struct kt_type *type)
{
	if (!json_object_get(doc->schemas, type->name)) {
		/* first a place, since schemas may contain themselves */
		json_object_set_new(doc->schemas, type->name, json_object());
		json_object_set_new(doc->schemas, type->name, type_schema(doc, type));
	}
	return openapi_ref_name(doc, type->name);
}

static json_t *scalar(const char *type, const char *format)
{
	return format ? json_pack("{s:s, s:s}", "type", type, "format", format)
	              : json_pack("{s:s}", "type", type);
}

/* What a scalar looks like in place; NULL for shapes that have a named schema. */
static json_t *scalar_schema(const struct kt_type *type)
{
	switch (type->shape) {
	case KT_SHAPE_STRING:
		return scalar("string", NULL);
	case KT_SHAPE_INT32:
	case KT_SHAPE_UINT32:
		return scalar("integer", "int32");
	case KT_SHAPE_INT64:
	case KT_SHAPE_UINT64:
		return scalar("integer", "int64");
	case KT_SHAPE_DOUBLE:
		return scalar("number", "double");
	case KT_SHAPE_BOOL:
		return scalar("boolean", NULL);
	case KT_SHAPE_BYTES:
		return scalar("string", "byte");
	case KT_SHAPE_ANY:
		return json_object();
	default:
		return NULL;
	}
}

/* The named schemas of apimachinery's special types. */
static json_t *special_schema(const struct openapi *doc, const struct kt_type *type)
{
	switch (type->shape) {
	case KT_SHAPE_QUANTITY:
		return doc->v3 ? json_pack("{s:[{s:s},{s:s}]}", "oneOf", "type", "string", "type",
		                         "number")
		               : scalar("string", NULL);
	case KT_SHAPE_INT_OR_STRING:
		return doc->v3 ? json_pack("{s:s, s:[{s:s},{s:s}]}", "format", "int-or-string",
		                         "oneOf", "type", "integer", "type", "string")
		               : scalar("string", "int-or-string");
	case KT_SHAPE_TIME:
	case KT_SHAPE_MICRO_TIME:
		return scalar("string", "date-time");
	case KT_SHAPE_DURATION:
		return scalar("string", NULL);
	case KT_SHAPE_RAW:
	case KT_SHAPE_FIELDS_V1:
		return scalar("object", NULL);
	default: /* JSON and the unions of schemas: anything */
		return json_object();
	}
}

static bool is_wrapper(const struct kt_type *type)
{
	return type->shape == KT_SHAPE_LIST && type->name;
}

/* The zero value that stands as `default` of what Go always writes; NULL: none. */
static json_t *zero_default(const struct kt_type *type)
{
	switch (type->shape) {
	case KT_SHAPE_STRING:
		return json_string("");
	case KT_SHAPE_INT32:
	case KT_SHAPE_INT64:
	case KT_SHAPE_UINT32:
	case KT_SHAPE_UINT64:
	case KT_SHAPE_DOUBLE:
		return json_integer(0);
	case KT_SHAPE_BOOL:
		return json_false();
	case KT_SHAPE_OBJECT:
		return json_object();
	default:
		return NULL;
	}
}

static json_t *in_place(struct openapi *doc, const struct kt_type *type);

static json_t *element_schema(struct openapi *doc, const struct kt_type *elem)
{
	json_t *schema = in_place(doc, elem), *zero;

	if (!doc->v3)
		return schema;
	zero = zero_default(elem);
	if (zero && json_object_get(schema, "$ref"))
		schema = json_pack("{s:[o]}", "allOf", schema);
	if (zero)
		json_object_set_new(schema, "default", zero);
	return schema;
}

/* A type where it is used: scalars, lists and maps in place, all else by reference. */
static json_t *in_place(struct openapi *doc, const struct kt_type *type)
{
	json_t *schema = scalar_schema(type);

	if (schema)
		return schema;
	if (type->shape == KT_SHAPE_LIST)
		return json_pack(
		        "{s:s, s:o}", "type", "array", "items", element_schema(doc, type->elem));
	if (type->shape == KT_SHAPE_MAP)
		return json_pack("{s:s, s:o}", "type", "object", "additionalProperties",
		        element_schema(doc, type->elem));
	return type->name ? openapi_ref(doc, type) : type_schema(doc, type);
}

static void add_strings(json_t *schema, const char *key, const char *const *values)
{
	json_t *list = json_array();

	for (size_t i = 0; values && values[i]; i++)
		json_array_append_new(list, json_string(values[i]));
	json_object_set_new(schema, key, list);
}

static void add_list_marks(json_t *schema, const struct kt_field *field, const char *owner)
{
	static const char *const names[] = {"atomic", "set", "map"};
	bool items_of_list = strcmp(field->name, "items") == 0 && kt_ends_with(owner, "List");

	if (field->type->shape != KT_SHAPE_LIST || is_wrapper(field->type) || items_of_list)
		return;
	json_object_set_new(schema, "x-kubernetes-list-type", json_string(names[field->list_type]));
	if (field->map_keys)
		add_strings(schema, "x-kubernetes-list-map-keys", field->map_keys);
}

static void add_patch_marks(json_t *schema, const struct kt_field *field)
{
	bool merge = field->flags & KT_FIELD_PATCH_MERGE,
	     replace = field->flags & KT_FIELD_PATCH_REPLACE_KEYS;

	if (field->merge_key)
		json_object_set_new(
		        schema, "x-kubernetes-patch-merge-key", json_string(field->merge_key));
	if (merge || replace)
		json_object_set_new(schema, "x-kubernetes-patch-strategy",
		        json_sprintf("%s%s%s", merge ? "merge" : "", merge && replace ? "," : "",
		                replace ? "retainKeys" : ""));
	else if (field->flags & KT_FIELD_PATCH_REPLACE)
		json_object_set_new(schema, "x-kubernetes-patch-strategy", json_string("replace"));
	if (field->flags & (KT_FIELD_ATOMIC | KT_FIELD_GRANULAR))
		json_object_set_new(schema, "x-kubernetes-map-type",
		        json_string(field->flags & KT_FIELD_ATOMIC ? "atomic" : "granular"));
}

static void add_enum(json_t *schema, const struct kt_field *field)
{
	json_t *target = schema;

	if (!field->limits || !field->limits->enum_values)
		return;
	if (field->type->shape == KT_SHAPE_LIST)
		target = json_object_get(schema, "items");
	else if (field->type->shape == KT_SHAPE_MAP)
		target = json_object_get(schema, "additionalProperties");
	add_strings(target, "enum", field->limits->enum_values);
}

static void add_default(json_t *schema, const struct kt_field *field)
{
	json_t *zero;

	if (field->default_json) {
		kt_auto_json json_t *value =
		        kt_json_parse(kt_sv_of(field->default_json), NULL, NULL);

		if (value)
			json_object_set(schema, "default", value);
		return;
	}
	if (field->flags & KT_FIELD_POINTER)
		return;
	if ((field->flags & KT_FIELD_OMIT_EMPTY) && field->type->shape != KT_SHAPE_OBJECT)
		return;
	zero = zero_default(field->type);
	if (zero)
		json_object_set_new(schema, "default", zero);
}

static json_t *field_schema(struct openapi *doc, const struct kt_field *field, const char *owner)
{
	json_t *schema = in_place(doc, field->type);

	if (doc->v3 && json_object_get(schema, "$ref"))
		schema = json_pack("{s:[o]}", "allOf", schema);
	if (*field->doc)
		json_object_set_new(schema, "description", json_string(field->doc));
	add_enum(schema, field);
	add_list_marks(schema, field, owner);
	add_patch_marks(schema, field);
	if (doc->v3)
		add_default(schema, field);
	return schema;
}

static void add_properties(struct openapi *doc, const struct kt_type *type, json_t *properties,
        json_t *required, const char *owner)
{
	for (size_t i = 0; i < type->n_fields; i++) {
		const struct kt_field *field = &type->fields[i];

		if (field->flags & KT_FIELD_INLINE) {
			add_properties(doc, field->type, properties, required, owner);
			continue;
		}
		json_object_set_new(properties, field->name, field_schema(doc, field, owner));
		if (field->flags & KT_FIELD_REQUIRED)
			json_array_append_new(required, json_string(field->name));
	}
}

static void add_gvks(struct openapi *doc, const struct kt_type *type, json_t *schema)
{
	json_t *list = json_array(), *entry;
	size_t n;
	bool everywhere = strcmp(type->go_name, "DeleteOptions") == 0 ||
	                  strcmp(type->go_name, "WatchEvent") == 0;

	if (everywhere)
		json_array_append_new(list, openapi_gvk("", "v1", type->go_name));
	json_array_foreach(doc->group_versions, n, entry)
		if (everywhere && *kt_jstr(entry, "group"))
			json_array_append_new(
			        list, openapi_gvk(kt_jstr(entry, "group"),
			                      kt_jstr(entry, "version"), type->go_name));
	for (size_t i = 0; i < kt_table_gvks_n && !everywhere; i++) {
		const struct kt_table_gvk *gvk = &kt_table_gvks[i];

		if (gvk->type == type)
			json_array_append_new(list,
			        openapi_gvk(strcmp(gvk->group, "meta.k8s.io") ? gvk->group : "",
			                gvk->version, gvk->kind));
	}
	if (json_array_size(list))
		json_object_set(schema, "x-kubernetes-group-version-kind", list);
	json_decref(list);
}

static json_t *type_schema(struct openapi *doc, const struct kt_type *type)
{
	json_t *schema, *properties, *required;

	if (type->shape != KT_SHAPE_OBJECT)
		return special_schema(doc, type);
	schema = json_pack("{s:s}", "type", "object");
	if (*type->doc)
		json_object_set_new(schema, "description", json_string(type->doc));
	properties = json_object();
	required = json_array();
	add_properties(doc, type, properties, required, type->go_name);
	if (json_object_size(properties))
		json_object_set(schema, "properties", properties);
	if (json_array_size(required))
		json_object_set(schema, "required", required);
	json_decref(properties);
	json_decref(required);
	if (type->flags & KT_FIELD_ATOMIC)
		json_object_set_new(schema, "x-kubernetes-map-type", json_string("atomic"));
	add_gvks(doc, type, schema);
	return schema;
}

/* --- custom resources: their own schema, with what it leaves unsaid --- */

/* v2 has no word for these; kubectl would refuse the document. */
static void strip_for_v2(json_t *schema)
{
	static const char *const unknown[] = {
	        "oneOf", "anyOf", "not", "allOf", "nullable", "default", "example"};
	json_t *value;
	const char *key;
	size_t i;

	/* null has no type there, so a value that may be null has none either */
	if (kt_jbool(schema, "nullable", false))
		json_object_del(schema, "type");
	if (kt_jbool(schema, "nullable", false) ||
	        kt_jbool(schema, "x-kubernetes-preserve-unknown-fields", false)) {
		json_object_del(schema, "properties");
		json_object_del(schema, "items");
		json_object_del(schema, "additionalProperties");
	}
	for (i = 0; i < KT_ARRAY_SIZE(unknown); i++)
		json_object_del(schema, unknown[i]);
	json_object_foreach(json_object_get(schema, "properties"), key, value)
		strip_for_v2(value);
	if (json_is_object(json_object_get(schema, "items")))
		strip_for_v2(json_object_get(schema, "items"));
	if (json_is_object(json_object_get(schema, "additionalProperties")))
		strip_for_v2(json_object_get(schema, "additionalProperties"));
}

static json_t *described(json_t *schema, const char *doc)
{
	json_object_set_new(schema, "description", json_string(doc));
	return schema;
}

static void add_type_meta(struct openapi *doc, json_t *properties, const char *meta_type)
{
	json_t *meta = openapi_ref(doc, kt_type_lookup(meta_type));

	json_object_set_new(properties, "apiVersion",
	        described(scalar("string", NULL),
	                "APIVersion defines the group and version that this object is in."));
	json_object_set_new(properties, "kind",
	        described(scalar("string", NULL), "Kind names what this object is."));
	if (doc->v3)
		meta = json_pack("{s:[o]}", "allOf", meta);
	json_object_set_new(properties, "metadata", described(meta, "Standard object's metadata."));
}

char *openapi_list_name(const struct kt_kind *kind)
{
	const char *dot = strrchr(kind->type->name, '.');

	return kt_asprintf(
	        "%.*s.%s", (int)(dot - kind->type->name), kind->type->name, kind->list_kind);
}

static void add_custom_list(struct openapi *doc, const struct kt_kind *kind)
{
	kt_auto_free char *name = openapi_list_name(kind);
	json_t *properties = json_object();
	json_t *items = openapi_ref_name(doc, kind->type->name);

	add_type_meta(doc, properties, "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta");
	if (doc->v3)
		items = json_pack("{s:[o]}", "allOf", items);
	json_object_set_new(
	        properties, "items", json_pack("{s:s, s:o}", "type", "array", "items", items));
	json_object_set_new(doc->schemas, name,
	        json_pack("{s:s, s:s, s:[s], s:o, s:[o]}", "type", "object", "description",
	                "A list of these objects.", "required", "items", "properties", properties,
	                "x-kubernetes-group-version-kind",
	                openapi_gvk(kind->group, kind->version, kind->list_kind)));
}

/* Without any property kubectl takes what is there as it is; with one it would refuse all others.
 * So in v2 a free object is published with none, not even kind and metadata. */
static bool is_free_in_v2(const struct openapi *doc, const json_t *schema)
{
	return !doc->v3 && kt_jbool(schema, "x-kubernetes-preserve-unknown-fields", false);
}

void openapi_add_custom(struct openapi *doc, const struct kt_kind *kind)
{
	const struct kt_crd *crd = kt_crd_of_kind(kind);
	const json_t *published = crd->versions[kind->index].schema;
	bool is_free = is_free_in_v2(doc, published);
	json_t *schema = json_is_object(published) && !is_free ? json_deep_copy(published)
	                                                       : json_object(),
	       *properties;

	if (!doc->v3)
		strip_for_v2(schema);
	json_object_set_new(schema, "type", json_string("object"));
	properties = json_object_get(schema, "properties");
	if (!json_is_object(properties) && !is_free) {
		properties = json_object();
		json_object_set_new(schema, "properties", properties);
	}
	if (!is_free)
		add_type_meta(doc, properties, "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
	json_object_set_new(schema, "x-kubernetes-group-version-kind",
	        json_pack("[o]", openapi_gvk(kind->group, kind->version, kind->kind)));
	json_object_set_new(doc->schemas, kind->type->name, schema);
	add_custom_list(doc, kind);
}
