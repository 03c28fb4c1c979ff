/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Trees to protobuf, byte for byte as gogo-protobuf writes Kubernetes' messages: by number, zero
 * values of non-pointers too. */
#include "api/codec/tree.h"

#include "api/codec/wire.h"
#include "base/time.h"

#include <errno.h>

static const char PREFIX[4] = {'k', '8', 's', 0};

static void put_fields(struct kt_str *out, const struct kt_type *type, const json_t *object);
static void put_message(
        struct kt_str *out, uint32_t number, const struct kt_type *type, const json_t *value);

static bool absent(const json_t *value)
{
	return !value || json_is_null(value);
}

static void put_text(struct kt_str *out, uint32_t number, const json_t *value)
{
	const char *text = json_string_value(value);

	wire_put_bytes(out, number, text ? text : "", text ? json_string_length(value) : 0);
}

/* Time{1: seconds, 2: nanos}; the zero time is an empty message. */
static void put_time(struct kt_str *out, uint32_t number, const json_t *value)
{
	size_t at = wire_begin(out, number);
	const char *text = json_string_value(value);
	struct kt_instant instant;

	if (text && kt_instant_parse(kt_sv_of(text), &instant) == 0) {
		wire_put_uint(out, 1, (uint64_t)instant.seconds);
		wire_put_uint(out, 2, (uint64_t)instant.nanos);
	}
	wire_end(out, at);
}

static void put_duration(struct kt_str *out, uint32_t number, const json_t *value)
{
	size_t at = wire_begin(out, number);
	const char *text = json_string_value(value);
	int64_t ns = 0;

	if (text && kt_duration_parse(kt_sv_of(text), &ns) < 0)
		ns = 0;
	wire_put_uint(out, 1, (uint64_t)ns);
	wire_end(out, at);
}

static void put_int_or_string(struct kt_str *out, uint32_t number, const json_t *value)
{
	size_t at = wire_begin(out, number);

	wire_put_uint(out, 1, json_is_string(value));
	wire_put_uint(out, 2, (uint64_t)json_integer_value(value));
	put_text(out, 3, value);
	wire_end(out, at);
}

static void put_json_bytes(struct kt_str *out, uint32_t number, const json_t *value)
{
	size_t at = wire_begin(out, number);
	kt_auto_str text = KT_STR_INIT;

	if (!absent(value)) {
		kt_json_write(&text, value, 0);
		wire_put_bytes(out, 1, text.data, text.len);
	}
	wire_end(out, at);
}

static void put_bytes(struct kt_str *out, uint32_t number, const json_t *value)
{
	kt_auto_str bytes = KT_STR_INIT;

	if (json_is_string(value) &&
	        kt_base64_decode(&bytes,
	                (struct kt_sv){json_string_value(value), json_string_length(value)}) == 0)
		wire_put_bytes(out, number, bytes.data, bytes.len);
	else
		wire_put_bytes(out, number, "", 0);
}

static void put_schema_union(
        struct kt_str *out, uint32_t number, const struct kt_type *type, const json_t *value)
{
	size_t at = wire_begin(out, number), i;
	json_t *element;

	if (type->shape == KT_SHAPE_SCHEMA_OR_BOOL) {
		wire_put_uint(out, 1, !json_is_false(value));
		if (json_is_object(value))
			put_message(out, 2, type->elem, value);
	} else if (json_is_object(value)) {
		put_message(out, 1, type->elem, value);
	}
	json_array_foreach(value, i, element) {
		if (type->shape == KT_SHAPE_SCHEMA_OR_STRINGS)
			put_text(out, 2, element);
		else
			put_message(out, 2, type->elem, element);
	}
	wire_end(out, at);
}

static void put_double(struct kt_str *out, uint32_t number, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	wire_put_tag(out, number, WIRE_FIXED64);
	for (int i = 0; i < 8; i++)
		kt_str_putc(out, (char)(bits >> (8 * i)));
}

/* A single value of any shape but list and map; absent values are written as zero. */
static void put_single(
        struct kt_str *out, uint32_t number, const struct kt_type *type, const json_t *value)
{
	size_t at;

	switch (type->shape) {
	case KT_SHAPE_OBJECT:
		put_message(out, number, type, value);
		break;
	case KT_SHAPE_STRING:
		put_text(out, number, value);
		break;
	case KT_SHAPE_INT32:
	case KT_SHAPE_INT64:
	case KT_SHAPE_UINT32:
	case KT_SHAPE_UINT64:
		wire_put_uint(out, number, (uint64_t)json_integer_value(value));
		break;
	case KT_SHAPE_DOUBLE:
		put_double(out, number, json_number_value(value));
		break;
	case KT_SHAPE_BOOL:
		wire_put_uint(out, number, json_is_true(value));
		break;
	case KT_SHAPE_BYTES:
		put_bytes(out, number, value);
		break;
	case KT_SHAPE_QUANTITY:
		at = wire_begin(out, number);
		if (absent(value))
			wire_put_bytes(out, 1, "0", 1);
		else
			put_text(out, 1, value);
		wire_end(out, at);
		break;
	case KT_SHAPE_INT_OR_STRING:
		put_int_or_string(out, number, value);
		break;
	case KT_SHAPE_TIME:
	case KT_SHAPE_MICRO_TIME:
		put_time(out, number, value);
		break;
	case KT_SHAPE_DURATION:
		put_duration(out, number, value);
		break;
	case KT_SHAPE_SCHEMA_OR_ARRAY:
	case KT_SHAPE_SCHEMA_OR_BOOL:
	case KT_SHAPE_SCHEMA_OR_STRINGS:
		put_schema_union(out, number, type, value);
		break;
	default:
		put_json_bytes(out, number, value);
		break;
	}
}

static void put_elements(
        struct kt_str *out, uint32_t number, const struct kt_type *elem, const json_t *list)
{
	json_t *element;
	size_t i;

	json_array_foreach(list, i, element)
		put_single(out, number, elem, element);
}

/* A named list (ExtraValue, Verbs) is a message of its own: {1: items}. */
static void put_wrapped(
        struct kt_str *out, uint32_t number, const struct kt_type *type, const json_t *list)
{
	size_t at = wire_begin(out, number);

	put_elements(out, 1, type->elem, list);
	wire_end(out, at);
}

static void put_value(
        struct kt_str *out, uint32_t number, const struct kt_type *type, const json_t *value)
{
	if (type->shape == KT_SHAPE_LIST)
		put_wrapped(out, number, type, value);
	else
		put_single(out, number, type, value);
}

static void put_map(
        struct kt_str *out, uint32_t number, const struct kt_type *type, const json_t *map)
{
	size_t n = 0;
	kt_auto_free const char **keys = kt_new_array(const char *, json_object_size(map) + 1);
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)map, key, value)
		keys[n++] = key;
	qsort(keys, n, sizeof(keys[0]), kt_strp_cmp);
	for (size_t i = 0; i < n; i++) {
		size_t at = wire_begin(out, number);

		wire_put_bytes(out, 1, keys[i], strlen(keys[i]));
		put_value(out, 2, type->elem, json_object_get(map, keys[i]));
		wire_end(out, at);
	}
}

static void put_message(
        struct kt_str *out, uint32_t number, const struct kt_type *type, const json_t *value)
{
	size_t at = wire_begin(out, number);

	put_fields(out, type, value);
	wire_end(out, at);
}

/* gogo leaves out nil pointers, nil bytes and empty repeated fields, and writes everything else. */
static void put_field(struct kt_str *out, const struct kt_field *field, const json_t *value)
{
	const struct kt_type *type = field->type;

	if (type->shape == KT_SHAPE_LIST && !type->name)
		put_elements(out, field->number, type->elem, value);
	else if (type->shape == KT_SHAPE_MAP)
		put_map(out, field->number, type, value);
	else if (!absent(value) ||
	         !((field->flags & KT_FIELD_POINTER) || type->shape == KT_SHAPE_BYTES))
		put_value(out, field->number, type, value);
}

static void put_fields(struct kt_str *out, const struct kt_type *type, const json_t *object)
{
	for (size_t i = 0; i < type->n_fields; i++) {
		const struct kt_field *field = &type->fields[type->by_number[i]];

		if (field->number == 0)
			continue; /* apiVersion and kind travel in the envelope */
		if (field->flags & KT_FIELD_INLINE)
			put_message(out, field->number, field->type, object);
		else
			put_field(out, field, json_object_get(object, field->name));
	}
}

bool kt_codec_has_protobuf(const struct kt_type *type)
{
	return type->shape == KT_SHAPE_OBJECT && !(type->flags & KT_FIELD_UNSTRUCTURED) &&
	       type->n_fields && type->fields[type->by_number[type->n_fields - 1]].number != 0;
}

int kt_codec_encode_protobuf(
        struct kt_str *out, const struct kt_type *type, const json_t *tree, struct kt_err *err)
{
	const char *api_version = kt_jstr(tree, "apiVersion"), *kind = kt_jstr(tree, "kind");
	size_t at;

	if (!kt_codec_has_protobuf(type))
		return kt_fail(err, ENOTSUP, "%s has no protobuf form",
		        type->name ? type->name : "a custom resource");
	kt_str_add(out, PREFIX, sizeof(PREFIX));
	at = wire_begin(out, 1);
	wire_put_bytes(
	        out, 1, api_version ? api_version : "", api_version ? strlen(api_version) : 0);
	wire_put_bytes(out, 2, kind ? kind : "", kind ? strlen(kind) : 0);
	wire_end(out, at);
	at = wire_begin(out, 2);
	put_fields(out, type, tree);
	wire_end(out, at);
	wire_put_bytes(out, 3, "", 0); /* contentEncoding, contentType: gogo writes them empty */
	wire_put_bytes(out, 4, "", 0);
	return 0;
}

int kt_codec_encode_protobuf_watch(struct kt_str *out, const char *event_type,
        const struct kt_type *type, const json_t *tree, struct kt_err *err)
{
	kt_auto_str object = KT_STR_INIT, event = KT_STR_INIT;
	int r = kt_codec_encode_protobuf(&object, type, tree, err);
	size_t at;
	unsigned char length[4];

	if (r < 0)
		return r;
	wire_put_bytes(&event, 1, event_type, strlen(event_type));
	at = wire_begin(&event, 2);
	wire_put_bytes(&event, 1, object.data, object.len);
	wire_end(&event, at);
	for (int i = 0; i < 4; i++)
		length[i] = (unsigned char)(event.len >> (24 - 8 * i));
	kt_str_add(out, length, sizeof(length));
	kt_str_add(out, event.data, event.len);
	return 0;
}
