/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/codec/wire.h"

#include <errno.h>

static int get_varint(struct kt_sv *rest, uint64_t *ret_value)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		unsigned char c;

		if (rest->len == 0)
			return -EINVAL;
		c = (unsigned char)*rest->p;
		rest->p++;
		rest->len--;
		value |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80)) {
			*ret_value = value;
			return 0;
		}
	}
	return -EINVAL;
}

static int get_fixed(struct kt_sv *rest, size_t n, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (rest->len < n)
		return -EINVAL;
	for (size_t i = n; i > 0; i--)
		value = value << 8 | (unsigned char)rest->p[i - 1];
	rest->p += n;
	rest->len -= n;
	*ret_value = value;
	return 0;
}

int wire_next(struct kt_sv *rest, struct wire_field *ret_field)
{
	uint64_t tag, value = 0;
	struct wire_field field = {0};

	if (rest->len == 0)
		return 0;
	if (get_varint(rest, &tag) < 0 || tag >> 3 == 0 || tag >> 3 > UINT32_MAX >> 3)
		return -EINVAL;
	field.number = (uint32_t)(tag >> 3);
	switch (tag & 7) {
	case WIRE_VARINT:
		if (get_varint(rest, &value) < 0)
			return -EINVAL;
		break;
	case WIRE_FIXED64:
		if (get_fixed(rest, 8, &value) < 0)
			return -EINVAL;
		break;
	case WIRE_FIXED32:
		if (get_fixed(rest, 4, &value) < 0)
			return -EINVAL;
		break;
	case WIRE_BYTES:
		if (get_varint(rest, &value) < 0 || value > rest->len)
			return -EINVAL;
		field.bytes = (struct kt_sv){rest->p, (size_t)value};
		rest->p += value;
		rest->len -= value;
		break;
	default:
		return -EINVAL;
	}
	field.type = (enum wire_type)(tag & 7);
	field.varint = value;
	*ret_field = field;
	return 1;
}

void wire_put_varint(struct kt_str *out, uint64_t value)
{
	while (value >= 0x80) {
		kt_str_putc(out, (char)(value | 0x80));
		value >>= 7;
	}
	kt_str_putc(out, (char)value);
}

void wire_put_tag(struct kt_str *out, uint32_t number, enum wire_type type)
{
	wire_put_varint(out, (uint64_t)number << 3 | type);
}

void wire_put_uint(struct kt_str *out, uint32_t number, uint64_t value)
{
	wire_put_tag(out, number, WIRE_VARINT);
	wire_put_varint(out, value);
}

void wire_put_bytes(struct kt_str *out, uint32_t number, const void *data, size_t len)
{
	wire_put_tag(out, number, WIRE_BYTES);
	wire_put_varint(out, len);
	kt_str_add(out, data, len);
}

size_t wire_begin(struct kt_str *out, uint32_t number)
{
	wire_put_tag(out, number, WIRE_BYTES);
	return out->len;
}

void wire_end(struct kt_str *out, size_t at)
{
	unsigned char length[10];
	size_t n = 0;
	uint64_t value = out->len - at;
	size_t content = out->len - at;

	while (value >= 0x80) {
		length[n++] = (unsigned char)(value | 0x80);
		value >>= 7;
	}
	length[n++] = (unsigned char)value;
	kt_str_add(out, length, n); /* room for the length; the content moves up over it */
	memmove(out->data + at + n, out->data + at, content);
	memcpy(out->data + at, length, n);
}

static int open_type_meta(struct kt_sv rest, struct wire_envelope *envelope)
{
	struct wire_field field;
	int r;

	while ((r = wire_next(&rest, &field)) > 0) {
		if (field.type != WIRE_BYTES)
			continue;
		if (field.number == 1)
			envelope->api_version = field.bytes;
		else if (field.number == 2)
			envelope->kind = field.bytes;
	}
	return r;
}

int wire_open(struct kt_sv bytes, struct wire_envelope *ret_envelope, struct kt_err *err)
{
	struct wire_envelope envelope = {0};
	struct wire_field field;
	struct kt_sv rest = bytes;
	int r;

	if (bytes.len < 4 || memcmp(bytes.p, "k8s", 4) != 0)
		return kt_fail(err, EINVAL,
		        "provided data does not appear to be a protobuf message, expected prefix "
		        "[107 56 115 0]");
	rest.p += 4;
	rest.len -= 4;
	while ((r = wire_next(&rest, &field)) > 0) {
		if (field.type != WIRE_BYTES)
			continue;
		if (field.number == 1 && open_type_meta(field.bytes, &envelope) < 0)
			return kt_fail(err, EINVAL, "unexpected EOF");
		if (field.number == 2)
			envelope.raw = field.bytes;
	}
	if (r < 0)
		return kt_fail(err, EINVAL, "unexpected EOF");
	*ret_envelope = envelope;
	return 0;
}
