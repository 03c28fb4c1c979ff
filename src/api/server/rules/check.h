/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What validators are written with. A kt_at is a value together with where it stands and what type
 * it has; validators walk from a kt_at to its members, ask for values, and append errors at it.
 * Paths are rendered only when there is an error, so that a valid object costs no string work.
 *
 * A kt_at lives on the stack and points at its parent: it must not outlive the block that holds the
 * parent. Absent values read as Go's zero values ("" , 0, false, empty); kt_at_has() tells an
 * explicit zero of a pointer field from an absent one. Enumerations, minima and maxima, formats
 * come from the kind tables (kt_check_limits); the order of checks and whatever depends on two
 * fields is code.
 */
#ifndef KT_API_SERVER_RULES_CHECK_H
#define KT_API_SERVER_RULES_CHECK_H

#include "api/server/rules/rules.h"

struct kt_at {
	const struct kt_at *up; /* NULL at the object itself */
	const char *name;       /* member or map key; NULL: an element */
	size_t index;
	bool is_key;                  /* printed as parent[key] */
	json_t *value;                /* NULL: absent */
	const struct kt_type *type;   /* NULL when the table knows no such field */
	const struct kt_field *field; /* of a member */
};

/* The object itself. */
struct kt_at kt_at_root(const struct kt_rule_context *c, const json_t *object);
/* A value that is no member of its parent: old versions, values that stand elsewhere. path may be
 * NULL (an unnamed root). */
struct kt_at kt_at_alone(const struct kt_type *type, const json_t *value, const char *path);
struct kt_at kt_at(const struct kt_at *object, const char *name);
struct kt_at kt_at_index(const struct kt_at *list, size_t index);
struct kt_at kt_at_key(const struct kt_at *map, const char *key);
/* Another value at the same place: kt_at_with(&at, old_value). */
struct kt_at kt_at_with(const struct kt_at *at, const json_t *value);
/* The same place with "[key]" behind it, for errors about one key of a map or list. */
const char *kt_at_path(struct kt_rule_context *c, const struct kt_at *at);

/* What the caller wrote at a place of the object that is validated; NULL: nothing. */
const json_t *kt_at_sent(const struct kt_rule_context *c, const struct kt_at *at);

static inline bool kt_at_has(const struct kt_at *at)
{
	return at->value != NULL;
}
const char *kt_at_text(const struct kt_at *at); /* "" when absent or no string */
int64_t kt_at_int(const struct kt_at *at);
bool kt_at_bool(const struct kt_at *at);
size_t kt_at_n(const struct kt_at *at); /* elements or members */
bool kt_at_is(const struct kt_at *at, const char *text);
/* Members by name in one go. */
const char *kt_text_of(const json_t *object, const char *name); /* "" when absent */
bool kt_bool_of(const json_t *object, const char *name);
bool kt_is_one_of(const char *text, const char *const *list);

#define KT_EACH(element, list) \
	for (size_t kt_i_##element = 0; kt_i_##element < kt_at_n(list); kt_i_##element++) \
		for (struct kt_at element = kt_at_index((list), kt_i_##element), \
		                  *kt_o_##element = &element; \
		        kt_o_##element; kt_o_##element = NULL)
/* Over a map's members in byte order of their keys, as deterministic as upstream's sorted walks. */
struct kt_keys {
	const char **names;
	size_t n;
};
struct kt_keys kt_at_keys(struct kt_rule_context *c, const struct kt_at *map);

/* Errors, named as in upstream's field package. */
void kt_add_required(struct kt_rule_context *c, const struct kt_at *at, const char *detail);
void kt_add_invalid(struct kt_rule_context *c, const struct kt_at *at, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
/* The bad value is printed as this text instead of the value at the place. */
void kt_add_invalid_text(struct kt_rule_context *c, const struct kt_at *at, const char *text,
        const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void kt_add_invalid_value(struct kt_rule_context *c, const struct kt_at *at, const json_t *value,
        const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* The bad value that is printed stands at another place than the error. */
void kt_add_invalid_other(struct kt_rule_context *c, const struct kt_at *at,
        const struct kt_at *bad, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void kt_add_forbidden(struct kt_rule_context *c, const struct kt_at *at, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
/* Forbidden, with what differs between the old value and the new one (of at's type) behind it. */
void kt_add_changed(struct kt_rule_context *c, const struct kt_at *at, const json_t *old,
        const json_t *now, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void kt_add_duplicate(struct kt_rule_context *c, const struct kt_at *at);
void kt_add_not_found(struct kt_rule_context *c, const struct kt_at *at);
void kt_add_not_supported(
        struct kt_rule_context *c, const struct kt_at *at, const char *const *supported);
void kt_add_too_long(struct kt_rule_context *c, const struct kt_at *at, size_t max_bytes);
void kt_add_too_many(struct kt_rule_context *c, const struct kt_at *at, size_t max);

/* Checks; each returns true when nothing was wrong. */
bool kt_check_required(
        struct kt_rule_context *c, const struct kt_at *at); /* "" or nothing: Required value */
bool kt_check_format(struct kt_rule_context *c, const struct kt_at *at,
        const char *format); /* also "" is checked */
bool kt_check_required_format(
        struct kt_rule_context *c, const struct kt_at *at, const char *format);
bool kt_check_optional_format(
        struct kt_rule_context *c, const struct kt_at *at, const char *format); /* "" is fine */
bool kt_check_in(struct kt_rule_context *c, const struct kt_at *at, const char *const *supported);
/* By the table's enumeration. optional: absent and "" are fine. */
bool kt_check_enum(struct kt_rule_context *c, const struct kt_at *at);
bool kt_check_optional_enum(struct kt_rule_context *c, const struct kt_at *at);
bool kt_check_non_negative(struct kt_rule_context *c,
        const struct kt_at *at); /* "must be greater than or equal to 0" */
bool kt_check_positive(
        struct kt_rule_context *c, const struct kt_at *at); /* "must be greater than zero" */
bool kt_check_between(struct kt_rule_context *c, const struct kt_at *at, int64_t min, int64_t max);
bool kt_check_port(struct kt_rule_context *c, const struct kt_at *at); /* 1-65535 */
bool kt_check_absolute(
        struct kt_rule_context *c, const struct kt_at *at); /* "must be an absolute path" */
/* "field is immutable" when the values differ; absent equals the zero value. */
bool kt_check_immutable(struct kt_rule_context *c, const struct kt_at *at, const json_t *old);
/* All limits the table states, below `at`, in table order; old (may be NULL) is the stored value
 * there. For kinds whose rules a table can state. */
void kt_check_limits(struct kt_rule_context *c, const struct kt_at *at, const json_t *old);
bool kt_same(const json_t *a,
        const json_t
                *b); /* semantic equality: NULL equals {} , [] and zero values inside objects */

#endif
