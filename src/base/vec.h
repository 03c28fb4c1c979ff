/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A growing array of any type: `KT_VEC(int) v = {0}; kt_vec_push(&v, 3); v.items[0];
 * kt_vec_finish(&v);`
 */
#ifndef KT_BASE_VEC_H
#define KT_BASE_VEC_H

#include "base/mem.h"

#define KT_VEC(type) \
	struct { \
		type *items; \
		size_t n; \
		size_t cap; \
	}

#define kt_vec_reserve(v, more) \
	do { \
		if ((v)->n + (more) > (v)->cap) { \
			size_t kt_cap_ = KT_MAX((v)->cap * 2, (v)->n + (more)); \
			kt_cap_ = KT_MAX(kt_cap_, (size_t)8); \
			(v)->items = kt_reallocarray((v)->items, kt_cap_, sizeof(*(v)->items)); \
			(v)->cap = kt_cap_; \
		} \
	} while (0)
#define kt_vec_push(v, item) \
	do { \
		kt_vec_reserve(v, 1); \
		(v)->items[(v)->n++] = (item); \
	} while (0)
#define kt_vec_finish(v) \
	do { \
		free((v)->items); \
		(v)->items = NULL; \
		(v)->n = (v)->cap = 0; \
	} while (0)
/* Removes item i, keeping the order. */
#define kt_vec_remove(v, i) \
	do { \
		size_t kt_i_ = (i); \
		memmove(&(v)->items[kt_i_], &(v)->items[kt_i_ + 1], \
		        ((v)->n - kt_i_ - 1) * sizeof(*(v)->items)); \
		(v)->n--; \
	} while (0)

#endif
