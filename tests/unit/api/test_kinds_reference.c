/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tables field by field against the published schemas: every field, its type, number, merge
 * key, list type, flags. */
#include "support/support.h"

#include "api/schema/schema.h"
#include "base/json.h"
#include "base/path.h"

#include <ctype.h>

static int n_fields, n_wrong;

static void wrong(const char *type, const char *field, const char *what)
{
	if (n_wrong++ < 30)
		print_message("%s.%s: %s\n", type, field, what);
}

static const char *ref_of(const json_t *schema)
{
	const char *ref = kt_jstr(schema, "allOf.0.$ref");
	const char *plain = json_string_value(json_object_get(schema, "$ref"));

	if (!ref)
		ref = plain;
	return ref ? strrchr(ref, '/') + 1 : NULL;
}

static bool same_type(const struct kt_type *type, const json_t *schema)
{
	const char *ref = ref_of(schema), *kind = kt_jstr(schema, "type"),
	           *format = kt_jstr(schema, "format");

	if (ref)
		return kt_streq(type->name, ref);
	if (kt_streq(kind, "array"))
		return type->shape == KT_SHAPE_LIST &&
		       same_type(type->elem, json_object_get(schema, "items"));
	if (json_object_get(schema, "additionalProperties"))
		return type->shape == KT_SHAPE_MAP &&
		       same_type(type->elem, json_object_get(schema, "additionalProperties"));
	switch (type->shape) {
	case KT_SHAPE_STRING:
		return kt_streq(kind, "string") && !format;
	case KT_SHAPE_BYTES:
		return kt_streq(format, "byte");
	case KT_SHAPE_INT32:
		return kt_streq(format, "int32");
	case KT_SHAPE_INT64:
		return kt_streq(format, "int64");
	case KT_SHAPE_BOOL:
		return kt_streq(kind, "boolean");
	case KT_SHAPE_DOUBLE:
		return kt_streq(kind, "number");
	default:
		return false;
	}
}

static bool has_word(const char *list, const char *word)
{
	struct kt_sv rest = kt_sv_of(list ? list : ""), part;

	while (kt_sv_split(&rest, ',', &part))
		if (kt_sv_is(part, word))
			return true;
	return false;
}

static bool in_list(const json_t *list, const char *name)
{
	json_t *entry;
	size_t i;

	json_array_foreach(list, i, entry)
		if (kt_streq(json_string_value(entry), name))
			return true;
	return false;
}

static void check_field(
        const char *type_name, const struct kt_field *field, const json_t *schema, bool required)
{
	static const char *const list_types[] = {"atomic", "set", "map"};
	const char *list_type =
	        json_string_value(json_object_get(schema, "x-kubernetes-list-type"));
	const char *strategy =
	        json_string_value(json_object_get(schema, "x-kubernetes-patch-strategy"));
	const char *map_type = json_string_value(json_object_get(schema, "x-kubernetes-map-type"));
	const json_t *keys = json_object_get(schema, "x-kubernetes-list-map-keys");
	json_t *key;
	size_t i;

	n_fields++;
	if (!same_type(field->type, schema))
		wrong(type_name, field->name, "type");
	if (required != !!(field->flags & KT_FIELD_REQUIRED))
		wrong(type_name, field->name, "required");
	if (list_type && field->type->shape == KT_SHAPE_LIST &&
	        strcmp(list_type, list_types[field->list_type]) != 0)
		wrong(type_name, field->name, "list type");
	json_array_foreach(keys, i, key)
		if (!field->map_keys || !kt_streq(field->map_keys[i], json_string_value(key)))
			wrong(type_name, field->name, "map keys");
	if (!kt_streq(field->merge_key,
	            json_string_value(json_object_get(schema, "x-kubernetes-patch-merge-key"))))
		wrong(type_name, field->name, "merge key");
	if (has_word(strategy, "merge") != !!(field->flags & KT_FIELD_PATCH_MERGE) ||
	        has_word(strategy, "retainKeys") !=
	                !!(field->flags & KT_FIELD_PATCH_REPLACE_KEYS) ||
	        has_word(strategy, "replace") != !!(field->flags & KT_FIELD_PATCH_REPLACE))
		wrong(type_name, field->name, "patch strategy");
	if (kt_streq(map_type, "atomic") != !!(field->flags & KT_FIELD_ATOMIC) ||
	        kt_streq(map_type, "granular") != !!(field->flags & KT_FIELD_GRANULAR))
		wrong(type_name, field->name, "map type");
	if (json_object_get(schema, "enum") && !(field->limits && field->limits->enum_values))
		wrong(type_name, field->name, "enum");
}

static void check_schema(const char *name, const json_t *schema)
{
	const struct kt_type *type = kt_type_lookup(name);
	json_t *properties = json_object_get(schema, "properties"), *property;
	const char *field_name;

	if (!properties)
		return;
	if (!type) {
		wrong(name, "", "type is missing");
		return;
	}
	if (kt_streq(kt_jstr(schema, "x-kubernetes-map-type"), "atomic") !=
	        !!(type->flags & KT_FIELD_ATOMIC))
		wrong(name, "", "map type");
	json_object_foreach(properties, field_name, property) {
		const struct kt_field *field = kt_type_field(type, kt_sv_of(field_name));

		if (!field)
			wrong(name, field_name, "is missing");
		else
			check_field(name, field, property,
			        in_list(json_object_get(schema, "required"), field_name));
	}
	for (size_t i = 0; i < type->n_fields; i++)
		if (!(type->fields[i].flags & KT_FIELD_INLINE) &&
		        !json_object_get(properties, type->fields[i].name))
			wrong(name, type->fields[i].name, "is not published");
}

static void fields_are_as_published(void **state)
{
	KT_TEST_NEEDS_SHARED(file, "reference/openapi-v3.json");
	kt_auto_str text = KT_STR_INIT;
	kt_auto_json json_t *documents = NULL;
	const char *path, *name;
	json_t *document, *schema;

	(void)state;
	n_fields = n_wrong = 0;
	assert_int_equal(kt_read_file(file, 64 << 20, &text, NULL), 0);
	documents = kt_json_parse((struct kt_sv){text.data, text.len}, NULL, NULL);
	assert_non_null(documents);
	json_object_foreach(documents, path, document)
		json_object_foreach(kt_jget(document, "components.schemas"), name, schema)
			check_schema(name, schema);
	print_message("%d fields\n", n_fields);
	assert_true(n_fields > 2500);
	assert_int_equal(n_wrong, 0);
}

/* "k8s.io.api.core.v1" + "Pod" -> the table's name of that type. */
static const struct kt_type *type_of_message(const char *package, const char *message)
{
	kt_auto_free char *name = kt_asprintf("io.k8s.%s.%s", package + strlen("k8s.io."), message);
	char *underscore = strstr(name, "apiextensions_apiserver");

	if (!underscore)
		underscore = strstr(name, "kube_aggregator");
	if (underscore)
		*strchr(underscore, '_') = '-';
	return kt_type_lookup(name);
}

static bool same_name(const char *json, const char *proto)
{
	for (; *json && *proto;) {
		if (!isalnum((unsigned char)*json)) { /* x-kubernetes-list-type, $ref */
			json++;
			continue;
		}
		if (tolower((unsigned char)*json++) != tolower((unsigned char)*proto++))
			return false;
	}
	return !*json && !*proto;
}

static void check_number(const struct kt_type *type, const char *field_name, uint32_t number)
{
	const struct kt_field *field = kt_type_field_number(type, number);

	n_fields++;
	if (!field || !same_name(field->name, field_name))
		wrong(type->name, field_name, "number");
}

static void numbers_are_as_published(void **state)
{
	KT_TEST_NEEDS_SHARED(file, "reference/protobuf-tags.tsv");
	kt_auto_str text = KT_STR_INIT;
	struct kt_sv rest, line;

	(void)state;
	n_fields = n_wrong = 0;
	assert_int_equal(kt_read_file(file, 64 << 20, &text, NULL), 0);
	rest = (struct kt_sv){text.data, text.len};
	kt_sv_split(&rest, '\n', &line);
	while (kt_sv_split(&rest, '\n', &line)) {
		struct kt_sv columns = line, part[4];
		size_t n = 0;
		int64_t number;

		while (n < 4 && kt_sv_split(&columns, '\t', &part[n]))
			n++;
		if (n < 4)
			continue;
		kt_auto_free char *package = kt_sv_dup(part[0]), *message = kt_sv_dup(part[1]),
		                  *field = kt_sv_dup(part[2]);
		const struct kt_type *type = type_of_message(package, message);

		if (!type || type->shape != KT_SHAPE_OBJECT)
			continue;
		assert_int_equal(kt_sv_int64(part[3], &number), 0);
		check_number(type, field, (uint32_t)number);
	}
	print_message("%d numbers\n", n_fields);
	assert_true(n_fields > 2000);
	assert_int_equal(n_wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(fields_are_as_published),
	        cmocka_unit_test(numbers_are_as_published),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
