/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/server/rules/check.h"

#include "api/codec/codec.h"
#include "api/machinery/names.h"
#include "api/server/rules/unversioned.h"

/* Finds a member of an object type, also behind inlined structs. */
static const struct kt_field *find_field(const struct kt_type *type, const char *name)
{
	const struct kt_field *field = kt_type_field(type, kt_sv_of(name));
	for (size_t i = 0; !field && i < type->n_fields; i++)
		if (type->fields[i].flags & KT_FIELD_INLINE)
			field = find_field(type->fields[i].type, name);
	return field;
}

struct kt_at kt_at_alone(const struct kt_type *type, const json_t *value, const char *path)
{
	return (struct kt_at){.name = path, .value = (json_t *)(uintptr_t)value, .type = type};
}

struct kt_at kt_at_root(const struct kt_rule_context *c, const json_t *object)
{
	return kt_at_alone(c->kind ? c->kind->type : NULL, object, NULL);
}

struct kt_at kt_at(const struct kt_at *object, const char *name)
{
	struct kt_at at = {
	        .up = object, .name = name, .value = json_object_get(object->value, name)};
	if (object->type && object->type->shape == KT_SHAPE_OBJECT) {
		at.field = find_field(object->type, name);
		at.type = at.field ? at.field->type : NULL;
	}
	return at;
}

struct kt_at kt_at_index(const struct kt_at *list, size_t index)
{
	return (struct kt_at){
	        .up = list,
	        .index = index,
	        .value = json_array_get(list->value, index),
	        .type = list->type ? list->type->elem : NULL,
	};
}

struct kt_at kt_at_key(const struct kt_at *map, const char *key)
{
	return (struct kt_at){
	        .up = map,
	        .name = key,
	        .is_key = true,
	        .value = json_object_get(map->value, key),
	        .type = map->type ? map->type->elem : NULL,
	};
}

struct kt_at kt_at_with(const struct kt_at *at, const json_t *value)
{
	struct kt_at other = *at;
	other.value = (json_t *)(uintptr_t)value;
	return other;
}

const char *kt_at_path(struct kt_rule_context *c, const struct kt_at *at)
{
	if (!at->up)
		return at->name ? at->name : "";
	const char *parent = kt_at_path(c, at->up);
	if (!at->name)
		return kt_path(c->arena, "%s[%zu]", parent, at->index);
	if (at->is_key)
		return kt_path(c->arena, "%s[%s]", parent, at->name);
	return parent[0] ? kt_path(c->arena, "%s.%s", parent, at->name) : at->name;
}

const char *kt_at_text(const struct kt_at *at)
{
	const char *text = json_string_value(at->value);
	return text ? text : "";
}

int64_t kt_at_int(const struct kt_at *at)
{
	return json_integer_value(at->value);
}

bool kt_at_bool(const struct kt_at *at)
{
	return json_is_true(at->value);
}

size_t kt_at_n(const struct kt_at *at)
{
	return json_is_array(at->value) ? json_array_size(at->value) : json_object_size(at->value);
}

bool kt_at_is(const struct kt_at *at, const char *text)
{
	return strcmp(kt_at_text(at), text) == 0;
}

const char *kt_text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	return text ? text : "";
}

bool kt_bool_of(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

bool kt_is_one_of(const char *text, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(text, *list) == 0)
			return true;
	return false;
}

struct kt_keys kt_at_keys(struct kt_rule_context *c, const struct kt_at *map)
{
	struct kt_keys keys = {0};
	size_t n = json_object_size(map->value);
	if (!n)
		return keys;
	keys.names = kt_arena_alloc(c->arena, n * sizeof(*keys.names));
	const char *key;
	json_t *value;
	json_object_foreach(map->value, key, value) {
		keys.names[keys.n++] = key;
	}
	qsort(keys.names, keys.n, sizeof(*keys.names), kt_strp_cmp);
	return keys;
}

/* Errors */

const json_t *kt_at_sent(const struct kt_rule_context *c, const struct kt_at *at)
{
	if (!c->sent || !c->subject)
		return NULL;
	if (!at->up && at->name) /* a place that was named by its path */
		return kt_jget(c->subject, at->name) == at->value ? kt_jget(c->sent, at->name)
		                                                  : NULL;
	if (!at->up)
		return at->value == c->subject ? c->sent : NULL;
	const json_t *parent = kt_at_sent(c, at->up);
	return at->name ? json_object_get(parent, at->name) : json_array_get(parent, at->index);
}

/* An empty list, map or byte string that was written out is not the nil that prints as null. */
static json_t *shown_empty(const struct kt_rule_context *c, const struct kt_at *at)
{
	const json_t *sent = kt_at_sent(c, at);
	size_t n = json_is_string(sent) ? json_string_length(sent)
	                                : json_array_size(sent) + json_object_size(sent);
	bool is_empty = sent && !json_is_null(sent) && n == 0;
	return is_empty ? json_deep_copy(sent) : json_null();
}

/* A struct or a list in upstream's own names; the caller ends the reference. */
static json_t *printable(const struct kt_at *at, const json_t *value, const json_t *sent)
{
	json_t *borrowed = (json_t *)(uintptr_t)value;
	enum kt_shape shape = at->type ? at->type->shape : KT_SHAPE_ANY;
	bool fits = json_is_array(value) ? shape == KT_SHAPE_LIST
	                                 : shape == KT_SHAPE_OBJECT || shape == KT_SHAPE_MAP;

	if (fits && (json_is_array(value) || json_is_object(value)))
		return kt_unversioned(at->type, value, sent);
	return json_incref(borrowed);
}

/* What Go prints for an absent value: its type's zero, or null for pointers, lists and maps. The
 * caller ends the reference. */
static json_t *shown(const struct kt_rule_context *c, const struct kt_at *at)
{
	if (at->value)
		return printable(at, at->value, kt_at_sent(c, at));
	if (!at->type || (at->field && (at->field->flags & KT_FIELD_POINTER)))
		return at->type ? json_null() : json_string("");
	json_t *zero;
	switch (at->type->shape) {
	case KT_SHAPE_OBJECT:
		return json_object();
	case KT_SHAPE_LIST:
	case KT_SHAPE_MAP:
	case KT_SHAPE_BYTES:
		return shown_empty(c, at);
	default:
		zero = kt_codec_zero(at->type);
		return zero ? zero : json_null();
	}
}

void kt_add_required(struct kt_rule_context *c, const struct kt_at *at, const char *detail)
{
	kt_field_required(&c->errors, kt_at_path(c, at), detail);
}

static const char *arena_vprintf(struct kt_rule_context *c, const char *fmt, va_list ap)
{
	kt_auto_free char *text = kt_vasprintf(fmt, ap);
	return kt_arena_strdup(c->arena, text);
}

void kt_add_invalid(struct kt_rule_context *c, const struct kt_at *at, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	const char *detail = arena_vprintf(c, fmt, ap);
	va_end(ap);
	kt_auto_json json_t *value = shown(c, at);
	kt_field_invalid(&c->errors, kt_at_path(c, at), value, "%s", detail);
}

void kt_add_invalid_text(
        struct kt_rule_context *c, const struct kt_at *at, const char *text, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	const char *detail = arena_vprintf(c, fmt, ap);
	va_end(ap);
	kt_auto_json json_t *value = json_string_nocheck(text);
	kt_field_invalid(&c->errors, kt_at_path(c, at), value, "%s", detail);
}

void kt_add_invalid_value(struct kt_rule_context *c, const struct kt_at *at, const json_t *value,
        const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	const char *detail = arena_vprintf(c, fmt, ap);
	va_end(ap);
	kt_auto_json json_t *printed = printable(at, value, NULL);
	kt_field_invalid(&c->errors, kt_at_path(c, at), printed, "%s", detail);
}

void kt_add_invalid_other(struct kt_rule_context *c, const struct kt_at *at,
        const struct kt_at *bad, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	const char *detail = arena_vprintf(c, fmt, ap);
	va_end(ap);
	kt_auto_json json_t *value = shown(c, bad);
	kt_field_invalid(&c->errors, kt_at_path(c, at), value, "%s", detail);
}

void kt_add_changed(struct kt_rule_context *c, const struct kt_at *at, const json_t *old,
        const json_t *now, const char *fmt, ...)
{
	kt_auto_str diff = KT_STR_INIT;
	va_list ap;
	va_start(ap, fmt);
	const char *detail = arena_vprintf(c, fmt, ap);
	va_end(ap);
	kt_unversioned_diff(&diff, at->type, old, now, kt_at_sent(c, at));
	kt_field_forbidden(&c->errors, kt_at_path(c, at), "%s\n%s", detail, kt_str_text(&diff));
}

void kt_add_forbidden(struct kt_rule_context *c, const struct kt_at *at, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	const char *detail = arena_vprintf(c, fmt, ap);
	va_end(ap);
	kt_field_forbidden(&c->errors, kt_at_path(c, at), "%s", detail);
}

void kt_add_duplicate(struct kt_rule_context *c, const struct kt_at *at)
{
	kt_auto_json json_t *value = shown(c, at);
	kt_field_duplicate(&c->errors, kt_at_path(c, at), value);
}

void kt_add_not_found(struct kt_rule_context *c, const struct kt_at *at)
{
	kt_auto_json json_t *value = shown(c, at);
	kt_field_not_found(&c->errors, kt_at_path(c, at), value);
}

void kt_add_not_supported(
        struct kt_rule_context *c, const struct kt_at *at, const char *const *supported)
{
	kt_auto_json json_t *value = shown(c, at);
	kt_field_not_supported(&c->errors, kt_at_path(c, at), value, supported);
}

void kt_add_too_long(struct kt_rule_context *c, const struct kt_at *at, size_t max_bytes)
{
	kt_field_too_long(&c->errors, kt_at_path(c, at), max_bytes);
}

void kt_add_too_many(struct kt_rule_context *c, const struct kt_at *at, size_t max)
{
	kt_field_too_many(&c->errors, kt_at_path(c, at), kt_at_n(at), max);
}

/* Checks */

bool kt_check_required(struct kt_rule_context *c, const struct kt_at *at)
{
	if (json_is_string(at->value) ? *json_string_value(at->value) != '\0' : kt_at_has(at))
		return true;
	kt_add_required(c, at, "");
	return false;
}

bool kt_check_format(struct kt_rule_context *c, const struct kt_at *at, const char *format)
{
	struct kt_messages messages = {0};
	size_t n = kt_format_check(format, kt_sv_of(kt_at_text(at)), &messages);
	for (size_t i = 0; i < n; i++)
		kt_add_invalid(c, at, "%s", messages.items[i]);
	return n == 0;
}

bool kt_check_required_format(struct kt_rule_context *c, const struct kt_at *at, const char *format)
{
	return kt_check_required(c, at) && kt_check_format(c, at, format);
}

bool kt_check_optional_format(struct kt_rule_context *c, const struct kt_at *at, const char *format)
{
	return *kt_at_text(at) == '\0' || kt_check_format(c, at, format);
}

bool kt_check_in(struct kt_rule_context *c, const struct kt_at *at, const char *const *supported)
{
	if (kt_is_one_of(kt_at_text(at), supported))
		return true;
	kt_add_not_supported(c, at, supported);
	return false;
}

static const char *const *enum_of(const struct kt_at *at)
{
	const struct kt_limits *limits = at->field ? at->field->limits : NULL;
	if (!limits && !at->name && at->up) { /* an element: the list's own */
		limits = at->up->type ? at->up->type->limits : NULL;
		if (!limits && at->up->field)
			limits = at->up->field->limits;
	}
	return limits ? limits->enum_values : NULL;
}

bool kt_check_enum(struct kt_rule_context *c, const struct kt_at *at)
{
	const char *const *values = enum_of(at);
	return !values || kt_check_in(c, at, values);
}

bool kt_check_optional_enum(struct kt_rule_context *c, const struct kt_at *at)
{
	return *kt_at_text(at) == '\0' || kt_check_enum(c, at);
}

bool kt_check_non_negative(struct kt_rule_context *c, const struct kt_at *at)
{
	if (kt_at_int(at) >= 0)
		return true;
	kt_add_invalid(c, at, "must be greater than or equal to 0");
	return false;
}

bool kt_check_positive(struct kt_rule_context *c, const struct kt_at *at)
{
	if (kt_at_int(at) > 0)
		return true;
	kt_add_invalid(c, at, "must be greater than zero");
	return false;
}

bool kt_check_between(struct kt_rule_context *c, const struct kt_at *at, int64_t min, int64_t max)
{
	if (kt_at_int(at) >= min && kt_at_int(at) <= max)
		return true;
	kt_add_invalid(
	        c, at, "must be between %lld and %lld, inclusive", (long long)min, (long long)max);
	return false;
}

bool kt_check_port(struct kt_rule_context *c, const struct kt_at *at)
{
	return kt_check_between(c, at, 1, 65535);
}

bool kt_check_absolute(struct kt_rule_context *c, const struct kt_at *at)
{
	if (kt_at_text(at)[0] == '/')
		return true;
	kt_add_invalid(c, at, "must be an absolute path");
	return false;
}

static bool is_zero(const json_t *value)
{
	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_NULL:
	case JSON_FALSE:
		return true;
	case JSON_STRING:
		return *json_string_value(value) == '\0';
	case JSON_INTEGER:
		return json_integer_value(value) == 0;
	case JSON_ARRAY:
		return json_array_size(value) == 0;
	case JSON_OBJECT:
		return json_object_size(value) == 0;
	default:
		return false;
	}
}

static bool is_nothing(const json_t *value)
{
	return !value || json_is_null(value) || (json_is_array(value) && !json_array_size(value));
}

static bool same_value(const json_t *a, const json_t *b);

/* Every member of a is in b, or is nothing. */
static bool has_members_of(const json_t *a, const json_t *b)
{
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)a, key, value) {
		if (!same_value(value, json_object_get(b, key)))
			return false;
	}
	return true;
}

static bool same_value(const json_t *a, const json_t *b)
{
	if (is_nothing(a) || is_nothing(b))
		return is_nothing(a) && is_nothing(b);
	if (json_is_object(a) && json_is_object(b))
		return has_members_of(a, b) && has_members_of(b, a);
	if (!json_is_array(a) || !json_is_array(b))
		return json_equal(a, b) != 0;
	if (json_array_size(a) != json_array_size(b))
		return false;
	for (size_t i = 0; i < json_array_size(a); i++) {
		if (!same_value(json_array_get(a, i), json_array_get(b, i)))
			return false;
	}
	return true;
}

bool kt_same(const json_t *a, const json_t *b)
{
	if (!a || !b)
		return is_zero(a) && is_zero(b);
	return json_equal(a, b) || same_value(a, b);
}

bool kt_check_immutable(struct kt_rule_context *c, const struct kt_at *at, const json_t *old)
{
	if (kt_same(at->value, old))
		return true;
	kt_add_invalid(c, at, "field is immutable");
	return false;
}
