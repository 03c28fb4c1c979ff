/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trees to canonical JSON: what Go's encoder writes for the same struct. */
#include "api/codec/tree.h"

static void put_value(
        struct kt_str *out, const struct kt_type *type, const json_t *value, bool sorted);

static void put_raw(struct kt_str *out, const json_t *value)
{
	kt_json_write(out, value, KT_JSON_HTML);
}

static void put_key(struct kt_str *out, const char *key, bool *first)
{
	if (!*first)
		kt_str_putc(out, ',');
	*first = false;
	kt_json_write_string(out, key, strlen(key));
	kt_str_putc(out, ':');
}

/* The keys of an object, bytewise sorted; heap array, keys borrowed. */
static const char **sorted_keys(const json_t *object, size_t *ret_n)
{
	const char **keys = kt_new_array(const char *, json_object_size(object) + 1);
	const char *key;
	json_t *value;
	size_t n = 0;

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
		keys[n++] = key;
	qsort(keys, n, sizeof(keys[0]), kt_strp_cmp);
	*ret_n = n;
	return keys;
}

static void put_map(struct kt_str *out, const struct kt_type *elem, const json_t *map, bool sorted)
{
	size_t n;
	kt_auto_free const char **keys = sorted_keys(map, &n);
	bool first = true;

	kt_str_putc(out, '{');
	for (size_t i = 0; i < n; i++) {
		put_key(out, keys[i], &first);
		put_value(out, elem, json_object_get(map, keys[i]), sorted);
	}
	kt_str_putc(out, '}');
}

static void put_list(
        struct kt_str *out, const struct kt_type *elem, const json_t *list, bool sorted)
{
	size_t i;
	json_t *value;

	kt_str_putc(out, '[');
	json_array_foreach(list, i, value) {
		if (i)
			kt_str_putc(out, ',');
		put_value(out, elem, value, sorted);
	}
	kt_str_putc(out, ']');
}

/* Whether the field appears: Go's omitempty, which never drops a struct that is no pointer. */
static bool field_shown(const struct kt_field *field, const json_t *value)
{
	bool absent = !value || json_is_null(value);

	if (!(field->flags & KT_FIELD_OMIT_EMPTY))
		return true;
	if (absent)
		return field->type->shape == KT_SHAPE_OBJECT && !(field->flags & KT_FIELD_POINTER);
	return (field->flags & KT_FIELD_POINTER) || !kt_codec_is_zero(field->type, value);
}

static void put_field(
        struct kt_str *out, const struct kt_field *field, const json_t *value, bool sorted)
{
	if ((!value || json_is_null(value)) && (field->flags & KT_FIELD_POINTER))
		kt_str_puts(out, "null");
	else
		put_value(out, field->type, value, sorted);
}

static void put_fields(struct kt_str *out, const struct kt_type *type, const json_t *object,
        bool sorted, bool *first)
{
	for (size_t i = 0; i < type->n_fields; i++) {
		const struct kt_field *field = &type->fields[sorted ? type->by_name[i] : i];
		const json_t *value;

		if (field->flags & KT_FIELD_INLINE) {
			put_fields(out, field->type, object, sorted, first);
			continue;
		}
		value = json_object_get(object, field->name);
		if (!field_shown(field, value))
			continue;
		put_key(out, field->name, first);
		put_field(out, field, value, sorted);
	}
}

/* An object of a CRD's type: as it is, keys sorted, fields with their own types (metadata is a Go
 * struct). */
static void put_unstructured(struct kt_str *out, const struct kt_type *type, const json_t *object)
{
	size_t n;
	kt_auto_free const char **keys = sorted_keys(object, &n);
	bool first = true;

	kt_str_putc(out, '{');
	for (size_t i = 0; i < n; i++) {
		const struct kt_field *field = kt_type_field(type, kt_sv_of(keys[i]));
		const json_t *value = json_object_get(object, keys[i]);

		put_key(out, keys[i], &first);
		if (field && !json_is_null(value))
			put_value(out, field->type, value, true);
		else
			kt_json_write(out, value, KT_JSON_HTML | KT_JSON_SORT);
	}
	kt_str_putc(out, '}');
}

static void put_object(
        struct kt_str *out, const struct kt_type *type, const json_t *object, bool sorted)
{
	bool first = true;

	if (type->flags & KT_FIELD_UNSTRUCTURED) {
		put_unstructured(out, type, object);
		return;
	}
	kt_str_putc(out, '{');
	put_fields(out, type, object, sorted, &first);
	kt_str_putc(out, '}');
}

static void put_schema_union(
        struct kt_str *out, const struct kt_type *type, const json_t *value, bool sorted)
{
	if (json_is_object(value))
		put_object(out, type->elem, value, sorted);
	else if (json_is_array(value) && type->shape == KT_SHAPE_SCHEMA_OR_ARRAY)
		put_list(out, type->elem, value, sorted);
	else
		put_raw(out, value);
}

static void put_zero(struct kt_str *out, const struct kt_type *type)
{
	kt_auto_json json_t *zero = kt_codec_zero(type);

	if (zero)
		put_raw(out, zero);
	else
		kt_str_puts(out, "null");
}

static void put_value(
        struct kt_str *out, const struct kt_type *type, const json_t *value, bool sorted)
{
	if (type->shape == KT_SHAPE_OBJECT &&
	        (json_is_object(value) || !value || json_is_null(value))) {
		put_object(out, type, value, sorted);
	} else if (!value || json_is_null(value)) {
		if (type->flags & KT_FIELD_UNSTRUCTURED)
			kt_str_puts(out, "null");
		else
			put_zero(out, type);
	} else if (type->shape == KT_SHAPE_MAP && json_is_object(value)) {
		put_map(out, type->elem, value, sorted);
	} else if (type->shape == KT_SHAPE_LIST && json_is_array(value)) {
		put_list(out, type->elem, value, sorted);
	} else if (type->shape >= KT_SHAPE_SCHEMA_OR_ARRAY &&
	           type->shape <= KT_SHAPE_SCHEMA_OR_STRINGS) {
		put_schema_union(out, type, value, sorted);
	} else if ((type->shape == KT_SHAPE_TIME || type->shape == KT_SHAPE_MICRO_TIME) &&
	           kt_codec_is_zero(type, value)) {
		kt_str_puts(out, "null");
	} else {
		kt_json_write(out, value, KT_JSON_HTML);
	}
}

void kt_codec_encode_json(struct kt_str *out, const struct kt_type *type, const json_t *tree)
{
	put_value(out, type, tree, false);
}

json_t *kt_codec_canonical(const struct kt_type *type, const json_t *tree)
{
	kt_auto_str text = KT_STR_INIT;

	kt_codec_encode_json(&text, type, tree);
	return kt_json_parse((struct kt_sv){text.data, text.len}, NULL, NULL);
}
