/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Protobuf to trees. Unknown fields are skipped; a repeated single field keeps the last value, as
 * protobuf asks. */
#include "api/codec/tree.h"

#include "api/codec/wire.h"
#include "api/machinery/quantity.h"
#include "base/time.h"

#include <errno.h>

#define DEPTH_MAX 128 /* nested messages; schemas inside schemas are the deepest that exist */

static json_t *get_value(
        const struct kt_type *type, const struct wire_field *in, int depth, struct kt_err *err);
static bool get_fields(struct kt_sv rest, const struct kt_type *type, json_t *object, int depth,
        struct kt_err *err);

static json_t *malformed(struct kt_err *err)
{
	kt_fail(err, EINVAL, "unexpected EOF");
	return NULL;
}

static json_t *get_text(struct kt_sv bytes, struct kt_err *err)
{
	json_t *text = json_stringn(bytes.p ? bytes.p : "", bytes.len);

	if (!text)
		kt_fail(err, EINVAL, "string field contains invalid UTF-8");
	return text;
}

/* The numbered fields of a small message: last of each; false when malformed. */
static bool get_small(struct kt_sv rest, struct wire_field fields[4])
{
	struct wire_field field;
	int r;

	memset(fields, 0, 4 * sizeof(fields[0]));
	while ((r = wire_next(&rest, &field)) > 0)
		if (field.number < 4)
			fields[field.number] = field;
	return r == 0;
}

static json_t *get_time(const struct kt_type *type, struct kt_sv bytes, struct kt_err *err)
{
	struct wire_field fields[4];
	char text[KT_TIME_TEXT_MAX];
	struct kt_instant instant;
	int64_t seconds, nanos;

	if (!get_small(bytes, fields))
		return malformed(err);
	if (bytes.len == 0)
		return json_null();
	seconds = (int64_t)fields[1].varint;
	nanos = (int64_t)fields[2].varint;
	if (seconds > KT_TIME_SECONDS_MAX || seconds < KT_TIME_SECONDS_MIN || nanos < 0 ||
	        nanos > 999999999) {
		kt_fail(err, EINVAL, "time out of range");
		return NULL;
	}
	instant = (struct kt_instant){.seconds = seconds, .nanos = (int32_t)nanos};
	if (type->shape == KT_SHAPE_MICRO_TIME)
		kt_instant_format_micro(instant, text);
	else
		kt_instant_format(instant, text);
	return json_string(text);
}

static json_t *get_quantity(struct kt_sv bytes, struct kt_err *err)
{
	struct wire_field fields[4];
	struct kt_quantity quantity;
	char text[KT_QUANTITY_TEXT_MAX];

	if (!get_small(bytes, fields))
		return malformed(err);
	if (fields[1].bytes.len == 0)
		return json_string("0");
	if (kt_quantity_parse(fields[1].bytes, &quantity, err) < 0)
		return NULL;
	kt_quantity_format(quantity, text);
	return json_string(text);
}

static json_t *get_int_or_string(struct kt_sv bytes, struct kt_err *err)
{
	struct wire_field fields[4];

	if (!get_small(bytes, fields))
		return malformed(err);
	if (fields[1].varint)
		return get_text(fields[3].bytes, err);
	return json_integer((int32_t)fields[2].varint);
}

static json_t *get_duration(struct kt_sv bytes, struct kt_err *err)
{
	struct wire_field fields[4];
	char text[KT_TIME_TEXT_MAX];

	if (!get_small(bytes, fields))
		return malformed(err);
	kt_duration_format((int64_t)fields[1].varint, text);
	return json_string(text);
}

static json_t *get_json(struct kt_sv bytes, struct kt_err *err)
{
	struct wire_field fields[4];

	if (!get_small(bytes, fields))
		return malformed(err);
	if (fields[1].bytes.len == 0)
		return json_null();
	return kt_json_parse(fields[1].bytes, NULL, err);
}

static json_t *get_schema_union(
        const struct kt_type *type, struct kt_sv rest, int depth, struct kt_err *err)
{
	kt_auto_json json_t *list = json_array();
	kt_auto_json json_t *schema = NULL;
	bool allows = false;
	struct wire_field field;
	int r;

	while ((r = wire_next(&rest, &field)) > 0) {
		uint32_t schema_number = type->shape == KT_SHAPE_SCHEMA_OR_BOOL ? 2 : 1;
		json_t *element;

		if (field.type == WIRE_VARINT) {
			allows = field.varint != 0;
			continue;
		}
		if (field.number == 2 && type->shape == KT_SHAPE_SCHEMA_OR_STRINGS)
			element = get_text(field.bytes, err);
		else
			element = get_value(type->elem, &field, depth - 1, err);
		if (!element)
			return NULL;
		if (field.number == schema_number) {
			json_decref(schema);
			schema = element;
		} else {
			json_array_append_new(list, element);
		}
	}
	if (r < 0)
		return malformed(err);
	if (schema)
		return kt_steal(&schema);
	return type->shape == KT_SHAPE_SCHEMA_OR_BOOL ? json_boolean(allows) : kt_steal(&list);
}

static json_t *get_wrapped(
        const struct kt_type *type, struct kt_sv rest, int depth, struct kt_err *err)
{
	kt_auto_json json_t *list = json_array();
	struct wire_field field;
	int r;

	while ((r = wire_next(&rest, &field)) > 0) {
		json_t *element = get_value(type->elem, &field, depth - 1, err);

		if (!element)
			return NULL;
		json_array_append_new(list, element);
	}
	return r < 0 ? malformed(err) : kt_steal(&list);
}

static json_t *get_base64(struct kt_sv bytes)
{
	kt_auto_str text = KT_STR_INIT;

	kt_base64_encode(&text, bytes.p, bytes.len);
	return json_stringn(kt_str_text(&text), text.len);
}

static json_t *get_object(
        const struct kt_type *type, struct kt_sv bytes, int depth, struct kt_err *err)
{
	json_t *object = kt_codec_zero(type);

	if (!get_fields(bytes, type, object, depth - 1, err)) {
		json_decref(object);
		return NULL;
	}
	return object;
}

static json_t *get_number(const struct kt_type *type, const struct wire_field *in)
{
	double real;

	switch (type->shape) {
	case KT_SHAPE_BOOL:
		return json_boolean(in->varint != 0);
	case KT_SHAPE_INT32:
		return json_integer((int32_t)in->varint);
	case KT_SHAPE_DOUBLE:
		memcpy(&real, &in->varint, sizeof(real));
		return json_real(real);
	default:
		return json_integer((json_int_t)in->varint);
	}
}

static json_t *get_value(
        const struct kt_type *type, const struct wire_field *in, int depth, struct kt_err *err)
{
	bool number = type->shape >= KT_SHAPE_INT32 && type->shape <= KT_SHAPE_BOOL;

	if (depth <= 0) {
		kt_fail(err, EINVAL, "exceeded max depth");
		return NULL;
	}
	if (number == (in->type == WIRE_BYTES)) {
		kt_fail(err, EINVAL, "proto: wrong wireType = %d for field %u", in->type,
		        in->number);
		return NULL;
	}
	if (number)
		return get_number(type, in);
	switch (type->shape) {
	case KT_SHAPE_OBJECT:
		return get_object(type, in->bytes, depth, err);
	case KT_SHAPE_LIST:
		return get_wrapped(type, in->bytes, depth, err);
	case KT_SHAPE_STRING:
		return get_text(in->bytes, err);
	case KT_SHAPE_BYTES:
		return get_base64(in->bytes);
	case KT_SHAPE_QUANTITY:
		return get_quantity(in->bytes, err);
	case KT_SHAPE_INT_OR_STRING:
		return get_int_or_string(in->bytes, err);
	case KT_SHAPE_TIME:
	case KT_SHAPE_MICRO_TIME:
		return get_time(type, in->bytes, err);
	case KT_SHAPE_DURATION:
		return get_duration(in->bytes, err);
	case KT_SHAPE_SCHEMA_OR_ARRAY:
	case KT_SHAPE_SCHEMA_OR_BOOL:
	case KT_SHAPE_SCHEMA_OR_STRINGS:
		return get_schema_union(type, in->bytes, depth, err);
	default:
		return get_json(in->bytes, err);
	}
}

static bool get_map_entry(
        const struct kt_type *elem, struct kt_sv rest, json_t *map, int depth, struct kt_err *err)
{
	struct wire_field field;
	kt_auto_json json_t *value = NULL;
	struct kt_sv key = {"", 0};
	int r;

	while ((r = wire_next(&rest, &field)) > 0) {
		if (field.number == 1 && field.type == WIRE_BYTES) {
			key = field.bytes;
		} else if (field.number == 2) {
			json_decref(value);
			value = get_value(elem, &field, depth - 1, err);
			if (!value)
				return false;
		}
	}
	if (r < 0 || !kt_utf8_valid(key.p, key.len) || memchr(key.p, 0, key.len)) {
		malformed(err);
		return false;
	}
	if (!value)
		value = kt_codec_zero(elem);
	json_object_setn_new_nocheck(map, key.p, key.len, value ? kt_steal(&value) : json_null());
	return true;
}

/* The container of a repeated field, made when its first element comes. */
static json_t *member(json_t *object, const char *name, json_t *(*make)(void))
{
	json_t *found = json_object_get(object, name);

	if (!found) {
		found = make();
		json_object_set_new_nocheck(object, name, found);
	}
	return found;
}

static bool get_field(const struct kt_field *field, const struct wire_field *in, json_t *object,
        int depth, struct kt_err *err)
{
	const struct kt_type *type = field->type;
	json_t *value;

	if (type->shape == KT_SHAPE_MAP) {
		if (in->type == WIRE_BYTES)
			return get_map_entry(type->elem, in->bytes,
			        member(object, field->name, json_object), depth, err);
		malformed(err);
		return false;
	}
	if (type->shape == KT_SHAPE_LIST && !type->name) {
		value = get_value(type->elem, in, depth, err);
		if (value)
			json_array_append_new(member(object, field->name, json_array), value);
		return value != NULL;
	}
	value = get_value(type, in, depth, err);
	if (!value)
		return false;
	if (json_is_null(value) ||
	        (!(field->flags & KT_FIELD_POINTER) && kt_codec_is_zero(type, value)))
		json_decref(value);
	else
		json_object_set_new_nocheck(object, field->name, value);
	return true;
}

static bool get_fields(struct kt_sv rest, const struct kt_type *type, json_t *object, int depth,
        struct kt_err *err)
{
	struct wire_field in;
	int r;

	if (depth <= 0) {
		kt_fail(err, EINVAL, "exceeded max depth");
		return false;
	}
	while ((r = wire_next(&rest, &in)) > 0) {
		const struct kt_field *field = kt_type_field_number(type, in.number);

		if (!field)
			continue;
		if (field->flags & KT_FIELD_INLINE) {
			if (in.type != WIRE_BYTES)
				return malformed(err) != NULL;
			if (!get_fields(in.bytes, field->type, object, depth - 1, err))
				return false;
		} else if (!get_field(field, &in, object, depth, err)) {
			return false;
		}
	}
	if (r < 0)
		malformed(err);
	return r == 0;
}

int kt_protobuf_decode(
        struct kt_sv message, const struct kt_type *type, json_t **ret_tree, struct kt_err *err)
{
	struct wire_envelope envelope;
	kt_auto_json json_t *object = NULL;

	if (wire_open(message, &envelope, err) < 0)
		return -EINVAL;
	object = kt_codec_zero(type);
	if (envelope.kind.len)
		json_object_set_new(
		        object, "kind", json_stringn(envelope.kind.p, envelope.kind.len));
	if (envelope.api_version.len)
		json_object_set_new(object, "apiVersion",
		        json_stringn(envelope.api_version.p, envelope.api_version.len));
	if (!get_fields(envelope.raw, type, object, DEPTH_MAX, err))
		return -EINVAL;
	*ret_tree = kt_steal(&object);
	return 0;
}
