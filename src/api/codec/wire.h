/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Protobuf's wire format, as far as Kubernetes uses it (varints, 64-bit, length-delimited), and the
 * "k8s\0" envelope. Readers borrow the bytes; any thread. Source: protobuf encoding guide;
 * apimachinery's runtime.Unknown.
 */
#ifndef KT_API_CODEC_WIRE_H
#define KT_API_CODEC_WIRE_H

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

struct wire_field {
	uint32_t number;
	enum wire_type type;
	uint64_t varint;    /* WIRE_VARINT, and the bits of fixed ones */
	struct kt_sv bytes; /* WIRE_BYTES */
};

/* Cuts one field off *rest: 1, 0 at the end, -EINVAL when malformed. */
int wire_next(struct kt_sv *rest, struct wire_field *ret_field);

void wire_put_varint(struct kt_str *out, uint64_t value);
void wire_put_tag(struct kt_str *out, uint32_t number, enum wire_type type);
void wire_put_uint(struct kt_str *out, uint32_t number, uint64_t value);
void wire_put_bytes(struct kt_str *out, uint32_t number, const void *data, size_t len);

/*
 * Nested messages are written in place: begin, write the content, end (which inserts the length).
 * size_t at = wire_begin(out, number); …; wire_end(out, at);
 */
size_t wire_begin(struct kt_str *out, uint32_t number);
void wire_end(struct kt_str *out, size_t at);

struct wire_envelope {
	struct kt_sv api_version, kind, raw;
};
/* -EINVAL when the bytes do not start with "k8s\0" or are malformed. */
int wire_open(struct kt_sv bytes, struct wire_envelope *ret_envelope, struct kt_err *err);

#endif
