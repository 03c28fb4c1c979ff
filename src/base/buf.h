/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Immutable, reference-counted bytes. Any thread may ref and unref; nobody writes after creation.
 */
#ifndef KT_BASE_BUF_H
#define KT_BASE_BUF_H

#include "base/mem.h"
#include "base/str.h"

#include <stdatomic.h>
#include <stdint.h>

struct kt_buf {
	atomic_uint refs;
	uint32_t len;
	char data[]; /* a NUL follows the last byte */
};

struct kt_buf *kt_buf_create(const void *data, size_t len);
/* Uninitialised bytes that the caller fills before sharing it. */
struct kt_buf *kt_buf_alloc(size_t len);
struct kt_buf *kt_buf_from_str(struct kt_str *s); /* copies, then empties s */
struct kt_buf *kt_buf_ref(struct kt_buf *buf);
void kt_buf_unref(struct kt_buf *buf); /* NULL is ignored */
KT_DEFINE_CLEANUP(struct kt_buf, kt_buf_unref)
#define kt_auto_buf __attribute__((cleanup(kt_buf_unref_p)))

#endif
