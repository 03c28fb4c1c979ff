/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory: allocation that cannot fail, cleanup attributes, arenas.
 *
 * An allocation that the system refuses ends the process: nothing acknowledged is lost by that (the
 * store answers only after a sync), and no code path has to be written, and never be tested, for
 * it. Sizes that come from outside are limited before they get here.
 */
#ifndef KT_BASE_MEM_H
#define KT_BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *kt_alloc(size_t size_bytes) __attribute__((malloc, returns_nonnull));
void *kt_zalloc(size_t size_bytes) __attribute__((malloc, returns_nonnull));
void *kt_calloc(size_t n, size_t size_bytes) __attribute__((malloc, returns_nonnull));
void *kt_realloc(void *p, size_t size_bytes) __attribute__((returns_nonnull));
void *kt_reallocarray(void *p, size_t n, size_t size_bytes) __attribute__((returns_nonnull));
char *kt_strdup(const char *s) __attribute__((malloc, nonnull, returns_nonnull));
char *kt_strndup(const char *s, size_t len) __attribute__((malloc, returns_nonnull));
void *kt_memdup(const void *p, size_t len) __attribute__((malloc, returns_nonnull));
char *kt_asprintf(const char *fmt, ...)
        __attribute__((format(printf, 1, 2), malloc, returns_nonnull));
char *kt_vasprintf(const char *fmt, va_list ap)
        __attribute__((format(printf, 1, 0), malloc, returns_nonnull));

#define kt_new(type) ((type *)kt_zalloc(sizeof(type)))
#define kt_new_array(type, n) ((type *)kt_calloc((n), sizeof(type)))

/* Takes the value out of *pp, leaving NULL: how ownership leaves a kt_auto_* variable. */
#define kt_steal(pp) \
	__extension__({ \
		__typeof__(*(pp)) kt_p_ = *(pp); \
		*(pp) = NULL; \
		kt_p_; \
	})
#define kt_steal_fd(pfd) \
	__extension__({ \
		int kt_fd_ = *(pfd); \
		*(pfd) = -1; \
		kt_fd_; \
	})

void kt_free_p(void *pp);  /* pp: address of any pointer from malloc */
void kt_close_p(int *pfd); /* -1 is ignored; keeps errno */
void kt_fclose_p(FILE **pf);

#define kt_auto_free __attribute__((cleanup(kt_free_p)))
#define kt_auto_close __attribute__((cleanup(kt_close_p)))
#define kt_auto_fclose __attribute__((cleanup(kt_fclose_p)))

/* Defines name_p(type **pp) for `cleanup`: calls fn when *pp is not NULL. */
#define KT_DEFINE_CLEANUP(type, fn) \
	static inline __attribute__((unused)) void fn##_p(type **pp) \
	{ \
		if (*pp) \
			fn(*pp); \
	}

#define KT_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define kt_container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
/* A NULL-terminated array of heap strings; NULL is ignored. */
void kt_strv_free(char **strings);

#define KT_MIN(a, b) ((a) < (b) ? (a) : (b))
#define KT_MAX(a, b) ((a) > (b) ? (a) : (b))

/* An arena: many small allocations that die together. Embed it; init/finish. Not thread-safe. */
struct kt_arena_chunk;
struct kt_arena {
	struct kt_arena_chunk *chunks;
	size_t used_bytes; /* in the newest chunk */
};

void kt_arena_init(struct kt_arena *arena);
void kt_arena_finish(struct kt_arena *arena);
/* Frees all but one chunk, for the next round. */
void kt_arena_reset(struct kt_arena *arena);
void *kt_arena_alloc(struct kt_arena *arena, size_t size_bytes)
        __attribute__((returns_nonnull)); /* zeroed, 16-aligned */
char *kt_arena_strndup(struct kt_arena *arena, const char *s, size_t len)
        __attribute__((returns_nonnull));
char *kt_arena_strdup(struct kt_arena *arena, const char *s) __attribute__((returns_nonnull));
char *kt_arena_printf(struct kt_arena *arena, const char *fmt, ...)
        __attribute__((format(printf, 2, 3), returns_nonnull));
#define kt_arena_new(arena, type) ((type *)kt_arena_alloc((arena), sizeof(type)))
#define kt_auto_arena __attribute__((cleanup(kt_arena_finish))) struct kt_arena

#endif
