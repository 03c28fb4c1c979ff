/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/document_type.h"

#include "api/schema/crd.h"

enum { DEPTH_MAX = 64 };

struct expanding {
	const json_t *schemas;
	const char *names[DEPTH_MAX]; /* the references that lead to where it is */
	size_t depth;
};

static json_t *expand(struct expanding *x, const json_t *schema);

char *kt_document_path(const char *group, const char *version)
{
	return *group ? kt_asprintf("/openapi/v3/apis/%s/%s", group, version)
	              : kt_asprintf("/openapi/v3/api/%s", version);
}

/* "#/components/schemas/NAME", bare or as the one member of allOf; NULL without. */
static const char *reference_of(const json_t *schema)
{
	const json_t *all = json_object_get(schema, "allOf");
	const char *reference = kt_jstr(schema, "$ref");

	if (!reference && json_array_size(all) == 1)
		reference = kt_jstr(json_array_get(all, 0), "$ref");
	const char *slash = reference ? strrchr(reference, '/') : NULL;

	return slash ? slash + 1 : NULL;
}

static json_t *anything(void)
{
	return json_pack("{s:b}", "x-kubernetes-preserve-unknown-fields", 1);
}

/* What a reference stands for, with what is said beside it. */
static json_t *follow(struct expanding *x, const json_t *schema, const char *name)
{
	const json_t *target = json_object_get(x->schemas, name);
	json_t *value;
	const char *key;

	for (size_t i = 0; i < x->depth; i++)
		if (!strcmp(x->names[i], name))
			return anything();
	if (!target || x->depth == DEPTH_MAX)
		return anything();
	x->names[x->depth++] = name;
	json_t *out = expand(x, target);

	x->depth--;
	json_object_foreach((json_t *)(uintptr_t)schema, key, value)
		if (strcmp(key, "$ref") != 0 && strcmp(key, "allOf") != 0)
			json_object_set(out, key, value);
	return out;
}

/* Descriptions are shown in one line. */
static json_t *one_line(const char *text)
{
	kt_auto_free char *line = kt_strdup(text);

	for (char *at = line; *at; at++)
		if (*at == '\n')
			*at = ' ';
	return json_string(line);
}

static json_t *expand_all(struct expanding *x, const json_t *properties)
{
	json_t *out = json_object(), *value;
	const char *key;

	json_object_foreach((json_t *)(uintptr_t)properties, key, value)
		json_object_set_new(out, key, expand(x, value));
	return out;
}

/* Quantity and IntOrString are told as a choice of string and number. */
static bool is_text_or_number(const json_t *schema)
{
	const json_t *one = json_object_get(schema, "oneOf"), *item;
	size_t i, texts = 0, numbers = 0;

	json_array_foreach((json_t *)(uintptr_t)one, i, item) {
		const char *type = kt_jstr(item, "type");

		texts += kt_streq(type, "string");
		numbers += kt_streq(type, "number") || kt_streq(type, "integer");
	}
	return texts == 1 && numbers == 1 && json_array_size(one) == 2;
}

static json_t *expand(struct expanding *x, const json_t *schema)
{
	const char *name = reference_of(schema), *key;
	json_t *value;

	if (!json_is_object(schema))
		return anything();
	if (name)
		return follow(x, schema, name);
	json_t *out = json_object();

	json_object_foreach((json_t *)(uintptr_t)schema, key, value) {
		if (!strcmp(key, "properties"))
			json_object_set_new(out, key, expand_all(x, value));
		else if (json_is_object(value) &&
		         (!strcmp(key, "items") || !strcmp(key, "additionalProperties")))
			json_object_set_new(out, key, expand(x, value));
		else if (json_is_string(value) && !strcmp(key, "description"))
			json_object_set_new(out, key, one_line(json_string_value(value)));
		else
			json_object_set(out, key, value);
	}
	if (is_text_or_number(schema))
		json_object_set_new(out, "x-kubernetes-int-or-string", json_true());
	/* an object of which nothing is told holds anything */
	if (kt_streq(kt_jstr(out, "type"), "object") && !json_object_get(out, "properties") &&
	        !json_object_get(out, "additionalProperties"))
		json_object_set_new(out, "x-kubernetes-preserve-unknown-fields", json_true());
	return out;
}

static bool is_of_kind(
        const json_t *schema, const char *group, const char *version, const char *kind)
{
	json_t *each;
	size_t i;

	json_array_foreach(json_object_get(schema, "x-kubernetes-group-version-kind"), i, each)
		if (kt_streq(kt_jstr(each, "group"), group) &&
		        kt_streq(kt_jstr(each, "version"), version) &&
		        kt_streq(kt_jstr(each, "kind"), kind))
			return true;
	return false;
}

const struct kt_type *kt_document_type(struct kt_arena *arena, const json_t *document,
        const char *group, const char *version, const char *kind, json_t **ret_schema)
{
	struct expanding x = {.schemas = kt_jget(document, "components.schemas")};
	const char *name;
	json_t *schema;

	json_object_foreach((json_t *)(uintptr_t)x.schemas, name, schema) {
		if (!is_of_kind(schema, group, version, kind))
			continue;
		json_t *whole = expand(&x, schema);
		kt_auto_free char *full = kt_asprintf("%s/%s.%s", group, version, kind);

		*ret_schema = whole;
		return kt_crd_compile_schema(arena, whole, kt_arena_strdup(arena, full));
	}
	return NULL;
}
