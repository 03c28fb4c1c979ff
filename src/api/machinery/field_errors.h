/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Validation errors with field paths, worded and ordered as upstream's field.ErrorList: validators
 * append, the pipeline turns the list into a 422 Status (`Pod "x" is invalid: [a, b]` with causes).
 * Also a builder for paths. One request, one thread; memory comes from the request's arena.
 */
#ifndef KT_API_MACHINERY_FIELD_ERRORS_H
#define KT_API_MACHINERY_FIELD_ERRORS_H

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

enum kt_field_error_type {
	KT_FIELD_ERROR_REQUIRED,      /* "Required value" */
	KT_FIELD_ERROR_INVALID,       /* "Invalid value: …" */
	KT_FIELD_ERROR_NOT_SUPPORTED, /* "Unsupported value: …: supported values: …" */
	KT_FIELD_ERROR_DUPLICATE,     /* "Duplicate value: …" */
	KT_FIELD_ERROR_FORBIDDEN,     /* "Forbidden: …" */
	KT_FIELD_ERROR_TOO_LONG,      /* "Too long: may not be more than N bytes" */
	KT_FIELD_ERROR_TOO_MANY,      /* "Too many: N: must have at most M items" */
	KT_FIELD_ERROR_NOT_FOUND,     /* "Not found: …" */
	KT_FIELD_ERROR_TYPE_INVALID,  /* "Invalid value: "string": … in body must be of type …"
	                                 (CRDs) */
	KT_FIELD_ERROR_INTERNAL,
};

struct kt_field_error {
	enum kt_field_error_type type;
	const char *field;
	const char *message; /* without the field */
};

struct kt_field_errors {
	struct kt_arena *arena;
	struct kt_field_error *items;
	size_t n, cap;
};

/* Paths are arena strings: kt_path(a, "%s.containers[%zu]", parent, i). */
#define kt_path kt_arena_printf
/* parent[key] for map keys, as upstream prints them. */
const char *kt_path_key(struct kt_arena *arena, const char *parent, const char *key);

/* value: the bad value as upstream prints it (strings quoted, numbers bare, objects as JSON); NULL:
 * none. */
void kt_field_invalid(struct kt_field_errors *errors, const char *field, const json_t *value,
        const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void kt_field_required(struct kt_field_errors *errors, const char *field,
        const char *detail); /* detail may be "" */
void kt_field_forbidden(struct kt_field_errors *errors, const char *field, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
void kt_field_duplicate(struct kt_field_errors *errors, const char *field, const json_t *value);
void kt_field_not_found(struct kt_field_errors *errors, const char *field, const json_t *value);
/* supported: NULL-terminated; printed quoted in the order given (upstream's lists are sorted for
 * most fields, not for all). */
void kt_field_not_supported(struct kt_field_errors *errors, const char *field, const json_t *value,
        const char *const *supported);
void kt_field_too_long(struct kt_field_errors *errors, const char *field, size_t max);
void kt_field_too_many(
        struct kt_field_errors *errors, const char *field, size_t actual, size_t max);
void kt_field_error_add(struct kt_field_errors *errors, enum kt_field_error_type type,
        const char *field, const char *message);

/* The texts joined as upstream joins them: one as it is, several as "[a, b]", equal ones once. */
void kt_field_errors_text(const struct kt_field_errors *errors, struct kt_str *out);

/* 422: `KIND "NAME" is invalid: …` with one cause per error. kind is "Deployment.apps" for a group.
 * Returns the code; 0 when empty. */
int kt_field_errors_fail(const struct kt_field_errors *errors, const char *group, const char *kind,
        const char *name, struct kt_err *err);

#endif
