/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/buf.h"

#include "base/log.h"

struct kt_buf *kt_buf_alloc(size_t len)
{
	kt_assert(len < UINT32_MAX);
	struct kt_buf *buf = kt_alloc(sizeof(*buf) + len + 1);

	atomic_init(&buf->refs, 1);
	buf->len = (uint32_t)len;
	buf->data[len] = '\0';
	return buf;
}

struct kt_buf *kt_buf_create(const void *data, size_t len)
{
	struct kt_buf *buf = kt_buf_alloc(len);

	if (len)
		memcpy(buf->data, data, len);
	return buf;
}

struct kt_buf *kt_buf_from_str(struct kt_str *s)
{
	struct kt_buf *buf = kt_buf_create(s->data, s->len);

	kt_str_clear(s);
	return buf;
}

struct kt_buf *kt_buf_ref(struct kt_buf *buf)
{
	if (buf) {
		unsigned before = atomic_fetch_add_explicit(&buf->refs, 1, memory_order_relaxed);
		kt_assert(before > 0 && before < UINT32_MAX / 2);
	}
	return buf;
}

void kt_buf_unref(struct kt_buf *buf)
{
	if (!buf)
		return;
	unsigned before = atomic_fetch_sub_explicit(&buf->refs, 1, memory_order_acq_rel);
	kt_assert(before > 0);
	if (before == 1)
		free(buf);
}
