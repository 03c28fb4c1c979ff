/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/mem.h"

#include "base/log.h"

#include <errno.h>
#include <stdint.h>
#include <unistd.h>

static void *checked(void *p)
{
	if (!p) {
		static const char text[] = "kube-tui: out of memory\n";
		/* Nothing can be done about a failing write here. */
		if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
			_exit(134);
		abort();
	}
	return p;
}

/* malloc(0) may return NULL, which is no failure: ask for one byte at least. */
void *kt_alloc(size_t size_bytes)
{
	return checked(malloc(size_bytes ? size_bytes : 1));
}

void *kt_zalloc(size_t size_bytes)
{
	return checked(calloc(1, size_bytes ? size_bytes : 1));
}

void *kt_calloc(size_t n, size_t size_bytes)
{
	return checked(n && size_bytes ? calloc(n, size_bytes) : calloc(1, 1));
}

void *kt_realloc(void *p, size_t size_bytes)
{
	return checked(realloc(p, size_bytes ? size_bytes : 1));
}

void *kt_reallocarray(void *p, size_t n, size_t size_bytes)
{
	if (!n || !size_bytes)
		return kt_realloc(p, 1);
	return checked(reallocarray(p, n, size_bytes));
}

char *kt_strdup(const char *s)
{
	return kt_memdup(s, strlen(s) + 1);
}

char *kt_strndup(const char *s, size_t len)
{
	kt_assert(len < SIZE_MAX);
	char *copy = kt_alloc(len + 1);

	if (len)
		memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

void *kt_memdup(const void *p, size_t len)
{
	void *copy = kt_alloc(len);

	if (len)
		memcpy(copy, p, len);
	return copy;
}

char *kt_asprintf(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *text = kt_vasprintf(fmt, ap);
	va_end(ap);
	return text;
}

char *kt_vasprintf(const char *fmt, va_list ap)
{
	char *text = NULL;

	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	return checked(text);
}

void kt_free_p(void *pp)
{
	/* Every object pointer has the same representation here; memcpy keeps aliasing rules
	 * intact. */
	void *p;

	memcpy(&p, pp, sizeof(p));
	free(p);
}

void kt_close_p(int *pfd)
{
	int saved = errno;

	/* close(2) frees the descriptor whatever it returns; writers sync before they get here. */
	if (*pfd >= 0 && close(*pfd) < 0 && errno == EBADF)
		kt_assert(!"descriptor closed twice");
	*pfd = -1;
	errno = saved;
}

void kt_fclose_p(FILE **pf)
{
	if (*pf && fclose(*pf) != 0)
		kt_log_debug("base", "closing a stream: %s", strerror(errno));
	*pf = NULL;
}

/* Chunks double from a small one: many arenas live long and hold little (a watch's request, a
 * role's rules). */
enum { CHUNK_SIZE_MIN = 1024 - 32, CHUNK_SIZE = 16 * 1024, ALIGNMENT = 16 };

struct kt_arena_chunk {
	struct kt_arena_chunk *next;
	size_t size;
	_Alignas(ALIGNMENT) char data[];
};

void kt_arena_init(struct kt_arena *arena)
{
	*arena = (struct kt_arena){0};
}

static void free_chunks(struct kt_arena_chunk *chunk)
{
	while (chunk) {
		struct kt_arena_chunk *next = chunk->next;
		free(chunk);
		chunk = next;
	}
}

void kt_arena_finish(struct kt_arena *arena)
{
	free_chunks(arena->chunks);
	*arena = (struct kt_arena){0};
}

void kt_arena_reset(struct kt_arena *arena)
{
	struct kt_arena_chunk *keep = arena->chunks;

	if (keep) {
		free_chunks(keep->next);
		keep->next = NULL;
		/* A chunk that one huge allocation made is no good measure of the next round. */
		if (keep->size > 64 * CHUNK_SIZE) {
			free(keep);
			arena->chunks = NULL;
		}
	}
	arena->used_bytes = 0;
}

static struct kt_arena_chunk *new_chunk(size_t size)
{
	struct kt_arena_chunk *chunk = kt_alloc(sizeof(*chunk) + size);

	chunk->size = size;
	chunk->next = NULL;
	return chunk;
}

void *kt_arena_alloc(struct kt_arena *arena, size_t size_bytes)
{
	kt_assert(size_bytes < SIZE_MAX / 2);
	size_t size = (size_bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	struct kt_arena_chunk *top = arena->chunks;

	if (top && top->size - arena->used_bytes >= size) {
		char *p = top->data + arena->used_bytes;
		arena->used_bytes += size;
		return memset(p, 0, size);
	}
	if (top && size > CHUNK_SIZE / 4) {
		/* A large block gets a chunk of its own behind the open one, which stays open. */
		struct kt_arena_chunk *own = new_chunk(size);
		own->next = top->next;
		top->next = own;
		return memset(own->data, 0, size);
	}
	size_t next = top ? KT_MIN(2 * top->size, (size_t)CHUNK_SIZE) : CHUNK_SIZE_MIN;
	struct kt_arena_chunk *chunk = new_chunk(KT_MAX(size, next));
	chunk->next = top;
	arena->chunks = chunk;
	arena->used_bytes = size;
	return memset(chunk->data, 0, size);
}

char *kt_arena_strndup(struct kt_arena *arena, const char *s, size_t len)
{
	char *copy = kt_arena_alloc(arena, len + 1);

	if (len)
		memcpy(copy, s, len);
	return copy;
}

char *kt_arena_strdup(struct kt_arena *arena, const char *s)
{
	return kt_arena_strndup(arena, s, strlen(s));
}

char *kt_arena_printf(struct kt_arena *arena, const char *fmt, ...)
{
	va_list ap, again;

	va_start(ap, fmt);
	va_copy(again, ap);
	int len = vsnprintf(NULL, 0, fmt, ap);
	kt_assert(len >= 0);
	char *text = kt_arena_alloc(arena, (size_t)len + 1);
	len = vsnprintf(text, (size_t)len + 1, fmt, again);
	kt_assert(len >= 0);
	va_end(again);
	va_end(ap);
	return text;
}

void kt_strv_free(char **strings)
{
	for (char **string = strings; string && *string; string++)
		free(*string);
	free(strings);
}
