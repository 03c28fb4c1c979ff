/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trees as parsed or patched -> trees as a type holds them. */
#include "api/codec/tree.h"

#include "api/machinery/quantity.h"
#include "base/time.h"

#include <errno.h>
#include <math.h>

#define REPORTS_MAX 100 /* unknown fields named in one answer */
#define ZERO_TIME "0001-01-01T00:00:00Z"

void kt_codec_path(struct kt_str *out, const struct codec_at *at)
{
	if (!at)
		return;
	kt_codec_path(out, at->parent);
	if (at->name)
		kt_str_printf(out, "%s%s", out->len ? "." : "", at->name);
	else
		kt_str_printf(out, "[%zu]", at->index);
}

/* Go names the way by fields only. */
static void go_path(struct kt_str *out, const struct codec_at *at)
{
	if (!at)
		return;
	go_path(out, at->parent);
	if (at->owner)
		kt_str_printf(out, ".%s", at->name);
}

const char *kt_codec_json_kind(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "object";
	case JSON_ARRAY:
		return "array";
	case JSON_STRING:
		return "string";
	case JSON_INTEGER:
	case JSON_REAL:
		return "number";
	case JSON_TRUE:
	case JSON_FALSE:
		return "bool";
	case JSON_NULL:
		break;
	}
	return "null";
}

static void go_type_name(struct kt_str *out, const struct kt_type *type)
{
	const char *dot;

	if (type->shape != KT_SHAPE_OBJECT || !type->name) {
		kt_str_puts(out, type->go_name ? type->go_name : "");
		return;
	}
	dot = strrchr(type->name, '.');
	while (dot > type->name && dot[-1] != '.')
		dot--;
	kt_str_puts(out, dot);
}

static json_t *fail_type(struct codec_walk *walk, const struct kt_type *type, const json_t *value,
        const struct codec_at *at)
{
	const struct codec_at *owner = at;
	kt_auto_str what = KT_STR_INIT, where = KT_STR_INIT;
	kt_auto_free char *number = NULL;

	go_type_name(&what, type);
	while (owner && !owner->owner)
		owner = owner->parent;
	if (json_is_integer(value))
		number = kt_asprintf(" %" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_real(value))
		number = kt_asprintf(" %g", json_real_value(value));
	if (number && (type->shape == KT_SHAPE_STRING || type->shape == KT_SHAPE_BOOL ||
	                      type->shape == KT_SHAPE_OBJECT))
		number[0] = '\0';
	if (owner) {
		kt_str_puts(&where, owner->owner->go_name ? owner->owner->go_name : "");
		go_path(&where, at);
		kt_fail(walk->err, EINVAL,
		        "json: cannot unmarshal %s%s into Go struct field %s of type %s",
		        kt_codec_json_kind(value), number ? number : "", kt_str_text(&where),
		        kt_str_text(&what));
	} else {
		kt_fail(walk->err, EINVAL, "json: cannot unmarshal %s%s into Go value of type %s",
		        kt_codec_json_kind(value), number ? number : "", kt_str_text(&what));
	}
	return NULL;
}

json_t *kt_codec_zero(const struct kt_type *type)
{
	switch (type->shape) {
	case KT_SHAPE_OBJECT: {
		json_t *object = json_object();

		for (size_t i = 0; i < type->n_fields; i++) {
			const struct kt_field *field = &type->fields[i];

			if (field->type->shape == KT_SHAPE_OBJECT &&
			        !(field->flags & (KT_FIELD_POINTER | KT_FIELD_INLINE)) &&
			        !(type->flags & KT_FIELD_UNSTRUCTURED))
				json_object_set_new_nocheck(
				        object, field->name, kt_codec_zero(field->type));
		}
		return object;
	}
	case KT_SHAPE_STRING:
	case KT_SHAPE_BYTES:
		return json_string("");
	case KT_SHAPE_INT32:
	case KT_SHAPE_INT64:
	case KT_SHAPE_UINT32:
	case KT_SHAPE_UINT64:
	case KT_SHAPE_DOUBLE:
	case KT_SHAPE_INT_OR_STRING:
		return json_integer(0);
	case KT_SHAPE_BOOL:
	case KT_SHAPE_SCHEMA_OR_BOOL:
		return json_false();
	case KT_SHAPE_QUANTITY:
		return json_string("0");
	case KT_SHAPE_DURATION:
		return json_string("0s");
	default: /* lists, maps, times and what holds any JSON: null */
		return NULL;
	}
}

bool kt_codec_is_zero(const struct kt_type *type, const json_t *value)
{
	if (!value || json_is_null(value))
		return true;
	switch (type->shape) {
	case KT_SHAPE_STRING:
	case KT_SHAPE_BYTES:
		return json_is_string(value) && json_string_length(value) == 0;
	case KT_SHAPE_INT32:
	case KT_SHAPE_INT64:
	case KT_SHAPE_UINT32:
	case KT_SHAPE_UINT64:
	case KT_SHAPE_DOUBLE:
	case KT_SHAPE_INT_OR_STRING:
		return json_is_number(value) && json_number_value(value) == 0;
	case KT_SHAPE_BOOL:
		return json_is_false(value);
	case KT_SHAPE_QUANTITY:
		return json_is_string(value) && strcmp(json_string_value(value), "0") == 0;
	case KT_SHAPE_DURATION:
		return json_is_string(value) && strcmp(json_string_value(value), "0s") == 0;
	case KT_SHAPE_TIME:
	case KT_SHAPE_MICRO_TIME:
		return json_is_string(value) && strcmp(json_string_value(value), ZERO_TIME) == 0;
	case KT_SHAPE_LIST:
		return json_is_array(value) && json_array_size(value) == 0;
	case KT_SHAPE_MAP:
		return json_is_object(value) && json_object_size(value) == 0;
	default:
		return false;
	}
}

/* --- scalars --- */

static json_t *take_integer(struct codec_walk *walk, const struct kt_type *type, json_t *value,
        const struct codec_at *at)
{
	json_int_t n;

	if (!json_is_number(value))
		return fail_type(walk, type, value, at);
	if (json_is_real(value)) /* Go refuses 1.5 and 1e3 alike, and what is past int64 */
		return fail_type(walk, type, value, at);
	n = json_integer_value(value);
	if ((type->shape == KT_SHAPE_INT32 && (n < INT32_MIN || n > INT32_MAX)) ||
	        (type->shape == KT_SHAPE_UINT32 && (n < 0 || n > UINT32_MAX)) ||
	        (type->shape == KT_SHAPE_UINT64 && n < 0))
		return fail_type(walk, type, value, at);
	return json_incref(value);
}

static json_t *take_quantity(struct codec_walk *walk, json_t *value)
{
	kt_auto_str text = KT_STR_INIT;
	struct kt_quantity quantity;
	char canonical[KT_QUANTITY_TEXT_MAX];
	int r;

	if (json_is_string(value))
		r = kt_quantity_parse(
		        (struct kt_sv){json_string_value(value), json_string_length(value)},
		        &quantity, walk->err);
	else {
		kt_json_write(&text, value, 0);
		r = kt_quantity_parse(
		        (struct kt_sv){kt_str_text(&text), text.len}, &quantity, walk->err);
	}
	if (r < 0)
		return NULL;
	kt_quantity_format(quantity, canonical);
	/* Of what is canonical but for a sign, upstream keeps the sign. */
	if (json_is_string(value) && json_string_value(value)[0] == '+' &&
	        strcmp(json_string_value(value) + 1, canonical) == 0)
		return json_incref(value);
	return json_string(canonical);
}

static json_t *take_int_or_string(struct codec_walk *walk, json_t *value, const struct codec_at *at)
{
	static const struct kt_type int32 = {.shape = KT_SHAPE_INT32, .go_name = "int32"};

	if (json_is_string(value))
		return json_incref(value);
	if (json_is_number(value))
		return take_integer(walk, &int32, value, at);
	return fail_type(walk, &int32, value, at);
}

/* Go's layouts: a time may have any fraction, a micro time must have exactly six digits. */
static bool has_six_digits(const char *text)
{
	const char *dot = strchr(text, '.');

	return dot && strspn(dot + 1, "0123456789") == 6;
}

static json_t *take_time(struct codec_walk *walk, const struct kt_type *type, json_t *value,
        const struct codec_at *at)
{
	bool micro = type->shape == KT_SHAPE_MICRO_TIME;
	const char *layout =
	        micro ? "2006-01-02T15:04:05.000000Z07:00" : "2006-01-02T15:04:05Z07:00";
	char text[KT_TIME_TEXT_MAX];
	struct kt_instant instant;

	if (!json_is_string(value))
		return fail_type(walk, type, value, at);
	if (strcmp(json_string_value(value), ZERO_TIME) == 0)
		return json_incref(value);
	if (kt_instant_parse((struct kt_sv){json_string_value(value), json_string_length(value)},
	            &instant) < 0) {
		kt_fail(walk->err, EINVAL,
		        "parsing time \"%s\" as \"%s\": cannot parse \"%s\" as \"2006\"",
		        json_string_value(value), layout, json_string_value(value));
		return NULL;
	}
	if (micro && !has_six_digits(json_string_value(value))) {
		kt_fail(walk->err, EINVAL,
		        "parsing time \"%s\" as \"%s\": cannot parse \"%s\" as \".000000\"",
		        json_string_value(value), layout,
		        json_string_value(value) + KT_MIN((size_t)19, json_string_length(value)));
		return NULL;
	}
	if (micro)
		kt_instant_format_micro(instant, text);
	else
		kt_instant_format(instant, text);
	return json_string(text);
}

static json_t *take_duration(struct codec_walk *walk, const struct kt_type *type, json_t *value,
        const struct codec_at *at)
{
	char text[KT_TIME_TEXT_MAX];
	int64_t ns;

	if (!json_is_string(value))
		return fail_type(walk, type, value, at);
	if (kt_duration_parse(
	            (struct kt_sv){json_string_value(value), json_string_length(value)}, &ns) < 0) {
		kt_fail(walk->err, EINVAL, "time: invalid duration \"%s\"",
		        json_string_value(value));
		return NULL;
	}
	kt_duration_format(ns, text);
	return json_string(text);
}

static json_t *take_bytes(struct codec_walk *walk, const struct kt_type *type, json_t *value,
        const struct codec_at *at)
{
	kt_auto_str bytes = KT_STR_INIT, text = KT_STR_INIT;
	const char *p;

	if (!json_is_string(value))
		return fail_type(walk, type, value, at);
	p = json_string_value(value);
	if (kt_base64_decode(&bytes, (struct kt_sv){p, json_string_length(value)}) < 0) {
		size_t good = strspn(
		        p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/\r\n");

		kt_fail(walk->err, EINVAL, "illegal base64 data at input byte %zu", good);
		return NULL;
	}
	kt_base64_encode(&text, bytes.data, bytes.len);
	return json_stringn(kt_str_text(&text), text.len);
}

/* --- containers --- */

/* null is the zero value of an element, except in a CRD's types where it stays; NULL then too. */
static json_t *take_element(struct codec_walk *walk, const struct kt_type *type, json_t *element,
        const struct codec_at *at)
{
	if (!json_is_null(element))
		return kt_codec_take(walk, type->elem, element, at);
	return type->flags & KT_FIELD_UNSTRUCTURED ? NULL : kt_codec_zero(type->elem);
}

static json_t *take_list(struct codec_walk *walk, const struct kt_type *type, json_t *value,
        const struct codec_at *at)
{
	json_t *list, *element;
	size_t i;

	if (!json_is_array(value))
		return fail_type(walk, type, value, at);
	list = json_array();
	json_array_foreach(value, i, element) {
		struct codec_at here = {.parent = at, .index = i};
		json_t *taken = take_element(walk, type, element, &here);

		if (!taken && !json_is_null(element)) {
			json_decref(list);
			return NULL;
		}
		json_array_append_new(list, taken ? taken : json_null());
	}
	return list;
}

static bool seen_twice(const struct codec_walk *walk, const char *path)
{
	for (size_t i = 0; walk->duplicates && i < walk->duplicates->texts.n; i++)
		if (strcmp(walk->duplicates->texts.items[i], path) == 0)
			return true;
	return false;
}

static void report(struct codec_walk *walk, const char *what, const struct codec_at *at)
{
	kt_auto_str path = KT_STR_INIT;

	if (walk->strict == KT_STRICT_IGNORE || !walk->reports ||
	        walk->reports->texts.n >= REPORTS_MAX)
		return;
	kt_codec_path(&path, at);
	kt_warnings_add(walk->reports, "%s \"%s\"", what, kt_str_text(&path));
}

static void report_duplicate(struct codec_walk *walk, const struct codec_at *at)
{
	kt_auto_str path = KT_STR_INIT;

	if (!walk->duplicates || walk->duplicates->texts.n == 0)
		return;
	kt_codec_path(&path, at);
	if (seen_twice(walk, kt_str_text(&path)))
		report(walk, "duplicate field", at);
}

static json_t *take_map(struct codec_walk *walk, const struct kt_type *type, json_t *value,
        const struct codec_at *at)
{
	json_t *map, *element;
	const char *key;

	if (!json_is_object(value))
		return fail_type(walk, type, value, at);
	map = json_object();
	json_object_foreach(value, key, element) {
		struct codec_at here = {.parent = at, .name = key};
		json_t *taken = take_element(walk, type, element, &here);

		report_duplicate(walk, &here);
		if (!taken && !json_is_null(element)) {
			json_decref(map);
			return NULL;
		}
		json_object_set_new_nocheck(map, key, taken ? taken : json_null());
	}
	return map;
}

/* Whether an absent field says the same. The items of a list kind are the exception: an empty list
 * shows them as []. */
static bool droppable(const struct kt_type *type, const struct kt_field *field, const json_t *taken)
{
	if ((type->flags & KT_FIELD_UNSTRUCTURED) || (field->flags & KT_FIELD_POINTER))
		return false;
	if (strcmp(field->name, "items") == 0 && kt_ends_with(type->go_name, "List"))
		return false;
	return kt_codec_is_zero(field->type, taken);
}

/* One member of a struct into object; false on a wrong type. */
static bool take_member(struct codec_walk *walk, const struct kt_type *type, json_t *object,
        const char *key, json_t *value, const struct codec_at *at)
{
	const struct kt_field *field = kt_type_field(type, kt_sv_of(key));
	struct codec_at here = {.parent = at, .name = key, .owner = type};
	json_t *taken;

	report_duplicate(walk, &here);
	if (!field) {
		if (type->flags & KT_FIELD_PRESERVE)
			json_object_set_nocheck(object, key, value);
		else
			report(walk, "unknown field", &here);
		return true;
	}
	if (json_is_null(value)) {
		if (type->flags & KT_FIELD_UNSTRUCTURED)
			json_object_set_nocheck(object, key, value);
		return true;
	}
	taken = kt_codec_take(walk, field->type, value, &here);
	if (!taken)
		return false;
	if (droppable(type, field, taken))
		json_decref(taken);
	else
		json_object_set_new_nocheck(object, key, taken);
	return true;
}

/* Structs that are no pointers are there even when the body does not name them. */
static void add_structs(const struct kt_type *type, json_t *object)
{
	for (size_t i = 0; i < type->n_fields; i++) {
		const struct kt_field *field = &type->fields[i];

		if (field->type->shape != KT_SHAPE_OBJECT || (field->flags & KT_FIELD_POINTER))
			continue;
		if (field->flags & KT_FIELD_INLINE)
			add_structs(field->type, object);
		else if (!json_object_get(object, field->name))
			json_object_set_new_nocheck(
			        object, field->name, kt_codec_zero(field->type));
	}
}

static bool take_sorted(struct codec_walk *walk, const struct kt_type *type, json_t *object,
        json_t *value, const struct codec_at *at)
{
	size_t n = 0, count = json_object_size(value);
	kt_auto_free const char **keys = kt_new_array(const char *, count + 1);
	const char *key;
	json_t *member;
	bool ok = true;

	json_object_foreach(value, key, member)
		keys[n++] = key;
	qsort(keys, n, sizeof(keys[0]), kt_strp_cmp);
	for (size_t i = 0; i < n && ok; i++)
		ok = take_member(walk, type, object, keys[i], json_object_get(value, keys[i]), at);
	return ok;
}

static json_t *take_object(struct codec_walk *walk, const struct kt_type *type, json_t *value,
        const struct codec_at *at)
{
	json_t *object, *member;
	const char *key;
	bool ok = true;

	if (!json_is_object(value))
		return fail_type(walk, type, value, at);
	object = json_object();
	if (walk->sorted) {
		ok = take_sorted(walk, type, object, value, at);
	} else {
		json_object_foreach(value, key, member) {
			ok = take_member(walk, type, object, key, member, at);
			if (!ok)
				break;
		}
	}
	if (!ok) {
		json_decref(object);
		return NULL;
	}
	if (!(type->flags & KT_FIELD_UNSTRUCTURED))
		add_structs(type, object);
	return object;
}

/* Go decodes these with code of their own that does not know the strict mode: what is unknown in
 * there goes without a word. */
static json_t *take_schema_union(struct codec_walk *strict, const struct kt_type *type,
        json_t *value, const struct codec_at *at)
{
	struct codec_walk silent = *strict, *walk = &silent;
	json_t *list, *element;
	size_t i;

	silent.strict = KT_STRICT_IGNORE;
	if (json_is_object(value))
		return kt_codec_take(walk, type->elem, value, at);
	if (type->shape == KT_SHAPE_SCHEMA_OR_BOOL && json_is_boolean(value))
		return json_incref(value);
	if (type->shape == KT_SHAPE_SCHEMA_OR_BOOL || !json_is_array(value)) {
		kt_fail(walk->err, EINVAL,
		        type->shape == KT_SHAPE_SCHEMA_OR_BOOL ? "boolean or JSON schema expected"
		                                               : "array or JSON schema expected");
		return NULL;
	}
	if (type->shape == KT_SHAPE_SCHEMA_OR_STRINGS)
		return json_incref(value);
	list = json_array();
	json_array_foreach(value, i, element) {
		struct codec_at here = {.parent = at, .index = i};
		json_t *taken = kt_codec_take(walk, type->elem, element, &here);

		if (!taken) {
			json_decref(list);
			return NULL;
		}
		json_array_append_new(list, taken);
	}
	return list;
}

/* Values of a CRD's types are not checked here but by validation, so a wrong type stays as it is.
 */
static bool fits_container(const struct kt_type *type, const json_t *value)
{
	return type->shape == KT_SHAPE_LIST ? json_is_array(value) : json_is_object(value);
}

json_t *kt_codec_take(struct codec_walk *walk, const struct kt_type *type, json_t *value,
        const struct codec_at *at)
{
	bool container = type->shape == KT_SHAPE_OBJECT || type->shape == KT_SHAPE_MAP ||
	                 type->shape == KT_SHAPE_LIST;

	if ((type->flags & KT_FIELD_UNSTRUCTURED) && (!container || !fits_container(type, value)))
		return json_incref(value);
	switch (type->shape) {
	case KT_SHAPE_OBJECT:
		return take_object(walk, type, value, at);
	case KT_SHAPE_MAP:
		return take_map(walk, type, value, at);
	case KT_SHAPE_LIST:
		return take_list(walk, type, value, at);
	case KT_SHAPE_STRING:
		return json_is_string(value) ? json_incref(value)
		                             : fail_type(walk, type, value, at);
	case KT_SHAPE_INT32:
	case KT_SHAPE_INT64:
	case KT_SHAPE_UINT32:
	case KT_SHAPE_UINT64:
		return take_integer(walk, type, value, at);
	case KT_SHAPE_DOUBLE:
		return json_is_number(value) ? json_incref(value)
		                             : fail_type(walk, type, value, at);
	case KT_SHAPE_BOOL:
		return json_is_boolean(value) ? json_incref(value)
		                              : fail_type(walk, type, value, at);
	case KT_SHAPE_BYTES:
		return take_bytes(walk, type, value, at);
	case KT_SHAPE_QUANTITY:
		return take_quantity(walk, value);
	case KT_SHAPE_INT_OR_STRING:
		return take_int_or_string(walk, value, at);
	case KT_SHAPE_TIME:
	case KT_SHAPE_MICRO_TIME:
		return take_time(walk, type, value, at);
	case KT_SHAPE_DURATION:
		return take_duration(walk, type, value, at);
	case KT_SHAPE_SCHEMA_OR_ARRAY:
	case KT_SHAPE_SCHEMA_OR_BOOL:
	case KT_SHAPE_SCHEMA_OR_STRINGS:
		return take_schema_union(walk, type, value, at);
	case KT_SHAPE_RAW:
	case KT_SHAPE_JSON:
	case KT_SHAPE_FIELDS_V1:
	case KT_SHAPE_ANY:
		break;
	}
	return json_incref(value);
}

int kt_codec_normalize(json_t *tree, const struct kt_type *type, enum kt_strict strict,
        json_t **ret_tree, struct kt_warnings *warnings, struct kt_err *err)
{
	kt_auto_warnings reports = {0};
	struct codec_walk walk = {.strict = strict, .reports = &reports, .err = err};
	kt_auto_json json_t *taken = kt_codec_take(&walk, type, tree, NULL);

	if (!taken)
		return -EINVAL;
	if (reports.texts.n && strict == KT_STRICT_STRICT) {
		kt_auto_str all = KT_STR_INIT;

		for (size_t i = 0; i < reports.texts.n; i++)
			kt_str_printf(&all, "%s%s", i ? ", " : "", reports.texts.items[i]);
		return kt_fail(err, EINVAL, "strict decoding error: %s", kt_str_text(&all));
	}
	for (size_t i = 0; i < reports.texts.n; i++)
		kt_warnings_add(warnings, "%s", reports.texts.items[i]);
	*ret_tree = kt_steal(&taken);
	return 0;
}
