/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values: from and to JSON, access to lists and maps, equality and order. */
#include "api/expr/cel_internal.h"

#include "api/machinery/go_text.h"
#include "base/time.h"

#include <math.h>

struct cel_value cel_string(struct cel_run *run, const char *text, size_t len)
{
	return cel_sv((struct kt_sv){kt_arena_strndup(run->arena, text, len), len});
}

struct cel_value cel_str(struct cel_run *run, const struct kt_str *text)
{
	return cel_string(run, kt_str_text(text), text->len);
}

struct cel_value cel_optional(struct cel_run *run, const struct cel_value *value)
{
	struct cel_value *copy = value ? kt_arena_new(run->arena, struct cel_value) : NULL;

	if (copy)
		*copy = *value;
	return (struct cel_value){.kind = CEL_OPTIONAL, .optional = copy};
}

struct cel_value cel_list_new(struct cel_run *run, size_t n, struct cel_value **ret_items)
{
	struct cel_list *list = kt_arena_new(run->arena, struct cel_list);

	list->items = kt_arena_alloc(run->arena, (n + 1) * sizeof(*list->items));
	list->n = n;
	*ret_items = list->items;
	return (struct cel_value){.kind = CEL_LIST, .list = list};
}

static struct cel_value bytes_of(struct cel_run *run, const json_t *value)
{
	kt_auto_str out = KT_STR_INIT;
	struct cel_value result;

	kt_base64_decode(&out, (struct kt_sv){json_string_value(value), json_string_length(value)});
	result = cel_str(run, &out);
	result.kind = CEL_BYTES;
	return result;
}

/* Strings that a schema's format makes something else; what does not parse stays a string. */
static struct cel_value string_of(
        struct cel_run *run, const json_t *value, const struct kt_type *type)
{
	struct kt_sv text = {json_string_value(value), json_string_length(value)};
	const char *format = type && type->shape == KT_SHAPE_STRING && type->limits
	                             ? type->limits->format
	                             : NULL;
	struct cel_value result = cel_sv(text);
	int64_t ns;

	if (type && type->shape == KT_SHAPE_BYTES)
		format = "byte";
	if (kt_streq(format, "byte"))
		return bytes_of(run, value);
	if (type && (type->shape == KT_SHAPE_TIME || type->shape == KT_SHAPE_MICRO_TIME))
		format = "date-time";
	if (kt_streq(format, "date")) {
		text = kt_sv_of(
		        kt_arena_printf(run->arena, "%.*sT00:00:00Z", (int)text.len, text.p));
		format = "date-time";
	}
	if (kt_streq(format, "date-time") && kt_time_parse(text, &ns) == 0)
		result = (struct cel_value){.kind = CEL_TIMESTAMP, .i = ns};
	else if ((kt_streq(format, "duration") || (type && type->shape == KT_SHAPE_DURATION)) &&
	         kt_duration_parse(text, &ns) == 0)
		result = (struct cel_value){.kind = CEL_DURATION, .i = ns};
	return result;
}

struct cel_value cel_of_json(struct cel_run *run, const json_t *value, const struct kt_type *type)
{
	struct cel_list *list;
	struct cel_map *map;

	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_TRUE:
	case JSON_FALSE:
		return cel_bool(json_is_true(value));
	case JSON_INTEGER:
		if (type && type->shape == KT_SHAPE_DOUBLE)
			return cel_double((double)json_integer_value(value));
		return cel_int(json_integer_value(value));
	case JSON_REAL:
		if (type && (type->shape == KT_SHAPE_INT64 || type->shape == KT_SHAPE_INT32) &&
		        fabs(json_real_value(value)) < 9e18)
			return cel_int((int64_t)json_real_value(value));
		return cel_double(json_real_value(value));
	case JSON_STRING:
		return string_of(run, value, type);
	case JSON_ARRAY:
		list = kt_arena_new(run->arena, struct cel_list);
		*list = (struct cel_list){.json = value,
		        .n = json_array_size(value),
		        .elem = type && type->shape == KT_SHAPE_LIST ? type->elem : NULL};
		return (struct cel_value){.kind = CEL_LIST, .list = list};
	case JSON_OBJECT:
		map = kt_arena_new(run->arena, struct cel_map);
		*map = (struct cel_map){.json = value, .n = json_object_size(value)};
		if (type && (type->shape == KT_SHAPE_OBJECT || type->shape == KT_SHAPE_MAP))
			map->type = type;
		return (struct cel_value){.kind = CEL_MAP, .map = map};
	default:
		return cel_null();
	}
}

struct cel_value cel_list_at(struct cel_run *run, const struct cel_list *list, size_t i)
{
	return list->items ? list->items[i]
	                   : cel_of_json(run, json_array_get(list->json, i), list->elem);
}

size_t cel_map_size(const struct cel_map *map)
{
	return map->n;
}

static struct cel_value member(
        struct cel_run *run, const struct cel_map *map, const char *key, const json_t *value)
{
	const struct kt_type *type = NULL;

	if (map->type && map->type->shape == KT_SHAPE_MAP) {
		type = map->type->elem;
	} else if (map->type) {
		const struct kt_field *field = kt_type_field(map->type, kt_sv_of(key));

		type = field ? field->type : NULL;
	}
	return cel_of_json(run, value, type);
}

bool cel_map_next(struct cel_run *run, const struct cel_map *map, struct cel_map_iter *iter,
        struct cel_value *ret_key, struct cel_value *ret_value)
{
	json_t *object = (json_t *)(uintptr_t)map->json;

	if (!object) {
		if (iter->i >= map->n)
			return false;
		*ret_key = map->keys[iter->i];
		*ret_value = map->values[iter->i++];
		return true;
	}
	iter->it =
	        iter->started ? json_object_iter_next(object, iter->it) : json_object_iter(object);
	iter->started = true;
	if (!iter->it)
		return false;
	*ret_key = cel_sv(kt_sv_of(json_object_iter_key(iter->it)));
	*ret_value =
	        member(run, map, json_object_iter_key(iter->it), json_object_iter_value(iter->it));
	return true;
}

bool cel_map_get(struct cel_run *run, const struct cel_map *map, const struct cel_value *key,
        struct cel_value *ret_value)
{
	if (map->json) {
		const char *name;
		const json_t *value;

		if (key->kind != CEL_STRING)
			return false;
		name = kt_arena_strndup(run->arena, key->s.p ? key->s.p : "", key->s.len);
		value = json_object_get(map->json, name);
		if (value)
			*ret_value = member(run, map, name, value);
		return value != NULL;
	}
	for (size_t i = 0; i < map->n; i++) {
		if (cel_equal(run, &map->keys[i], key)) {
			*ret_value = map->values[i];
			return true;
		}
	}
	return false;
}

static bool is_number(const struct cel_value *v)
{
	return v->kind == CEL_INT || v->kind == CEL_UINT || v->kind == CEL_DOUBLE;
}

static int compare_int_double(int64_t i, double d)
{
	if (d >= 9223372036854775808.0)
		return -1;
	if (d < -9223372036854775808.0)
		return 1;
	return i < (int64_t)d   ? -1
	       : i > (int64_t)d ? 1
	       : d > floor(d)   ? (i >= 0 || d > 0        ? -1
	                                  : d > (double)i ? -1
	                                                  : 1)
	                        : 0;
}

static int compare_numbers(const struct cel_value *a, const struct cel_value *b)
{
	if (a->kind == CEL_DOUBLE && b->kind == CEL_DOUBLE)
		return (a->d > b->d) - (a->d < b->d);
	if (a->kind == CEL_INT && b->kind == CEL_DOUBLE)
		return compare_int_double(a->i, b->d);
	if (b->kind == CEL_INT && a->kind == CEL_DOUBLE)
		return -compare_int_double(b->i, a->d);
	if (a->kind == CEL_INT && b->kind == CEL_INT)
		return (a->i > b->i) - (a->i < b->i);
	if (a->kind == CEL_UINT && b->kind == CEL_UINT)
		return (a->u > b->u) - (a->u < b->u);
	if (a->kind == CEL_INT)
		return a->i < 0 || (uint64_t)a->i < b->u ? -1 : (uint64_t)a->i > b->u;
	if (b->kind == CEL_INT)
		return -compare_numbers(b, a);
	return a->kind == CEL_UINT ? ((double)a->u > b->d) - ((double)a->u < b->d)
	                           : (a->d > (double)b->u) - (a->d < (double)b->u);
}

static bool equal_lists(struct cel_run *run, const struct cel_list *a, const struct cel_list *b)
{
	if (a->n != b->n || cel_charge(run, a->n) < 0)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		struct cel_value x = cel_list_at(run, a, i), y = cel_list_at(run, b, i);

		if (!cel_equal(run, &x, &y))
			return false;
	}
	return true;
}

static bool equal_maps(struct cel_run *run, const struct cel_map *a, const struct cel_map *b)
{
	struct cel_map_iter iter = {0};
	struct cel_value key, x, y;

	if (a->n != b->n || cel_charge(run, a->n) < 0)
		return false;
	while (cel_map_next(run, a, &iter, &key, &x))
		if (!cel_map_get(run, b, &key, &y) || !cel_equal(run, &x, &y))
			return false;
	return true;
}

static bool equal_same_kind(
        struct cel_run *run, const struct cel_value *a, const struct cel_value *b)
{
	switch (a->kind) {
	case CEL_BOOL:
		return a->b == b->b;
	case CEL_STRING:
	case CEL_BYTES:
		return kt_sv_eq(a->s, b->s);
	case CEL_LIST:
		return equal_lists(run, a->list, b->list);
	case CEL_MAP:
		return equal_maps(run, a->map, b->map);
	case CEL_TIMESTAMP:
	case CEL_DURATION:
		return a->i == b->i;
	case CEL_TYPE:
		return a->type == b->type;
	case CEL_OPTIONAL:
		if (!a->optional || !b->optional)
			return a->optional == b->optional;
		return cel_equal(run, a->optional, b->optional);
	case CEL_QUANTITY:
		return kt_quantity_cmp(*a->quantity, *b->quantity) == 0;
	case CEL_URL:
		return kt_sv_eq(a->url->text, b->url->text);
	case CEL_IP:
	case CEL_CIDR:
		return a->ip->family == b->ip->family && a->ip->prefix_len == b->ip->prefix_len &&
		       !memcmp(a->ip->bytes, b->ip->bytes, a->ip->family == 4 ? 4 : 16);
	case CEL_SEMVER:
		return a->semver->major == b->semver->major &&
		       a->semver->minor == b->semver->minor &&
		       a->semver->patch == b->semver->patch &&
		       kt_sv_eq(a->semver->pre, b->semver->pre);
	case CEL_FORMAT:
		return !strcmp(a->format, b->format);
	default:
		return true; /* null */
	}
}

static bool is_nan(const struct cel_value *v)
{
	return v->kind == CEL_DOUBLE && isnan(v->d);
}

bool cel_equal(struct cel_run *run, const struct cel_value *a, const struct cel_value *b)
{
	if (is_number(a) && is_number(b)) {
		if (is_nan(a) || is_nan(b))
			return false;
		return compare_numbers(a, b) == 0;
	}
	return a->kind == b->kind && equal_same_kind(run, a, b);
}

bool cel_compare(const struct cel_value *a, const struct cel_value *b, int *ret_order)
{
	if (is_nan(a) || is_nan(b))
		return false;
	if (is_number(a) && is_number(b)) {
		*ret_order = compare_numbers(a, b);
		return true;
	}
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case CEL_BOOL:
		*ret_order = (int)a->b - (int)b->b;
		return true;
	case CEL_STRING:
	case CEL_BYTES:
		*ret_order = kt_sv_cmp(a->s, b->s);
		return true;
	case CEL_TIMESTAMP:
	case CEL_DURATION:
		*ret_order = (a->i > b->i) - (a->i < b->i);
		return true;
	default:
		return false;
	}
}

static json_t *list_json(const struct cel_list *list)
{
	json_t *result = json_array();

	if (list->json)
		json_array_extend(result, (json_t *)(uintptr_t)list->json);
	for (size_t i = 0; !list->json && i < list->n; i++)
		json_array_append_new(result, cel_to_json(&list->items[i]));
	return result;
}

static json_t *map_json(const struct cel_map *map)
{
	json_t *result = json_object();

	if (map->json)
		json_object_update(result, (json_t *)(uintptr_t)map->json);
	for (size_t i = 0; !map->json && i < map->n; i++) {
		kt_auto_json json_t *key = cel_to_json(&map->keys[i]);
		kt_auto_str text = KT_STR_INIT;

		kt_go_percent_v(&text, key);
		json_object_set_new(result, kt_str_text(&text), cel_to_json(&map->values[i]));
	}
	return result;
}

static json_t *base64_json(struct kt_sv bytes)
{
	kt_auto_str out = KT_STR_INIT;

	kt_base64_encode(&out, bytes.p, bytes.len);
	return json_string(kt_str_text(&out));
}

static json_t *text_json(const struct cel_value *value)
{
	kt_auto_arena arena = {0};
	struct cel_run run = {.arena = &arena, .cost_max = UINT64_MAX};
	struct cel_value text;

	if (cel_to_string(&run, value, &text) < 0)
		return json_string(cel_kind_name(value->kind));
	return json_stringn_nocheck(text.s.p ? text.s.p : "", text.s.len);
}

json_t *cel_to_json(const struct cel_value *value)
{
	switch (value->kind) {
	case CEL_BOOL:
		return json_boolean(value->b);
	case CEL_INT:
		return json_integer(value->i);
	case CEL_UINT:
		return value->u > INT64_MAX ? json_real((double)value->u)
		                            : json_integer((int64_t)value->u);
	case CEL_DOUBLE:
		return isfinite(value->d) ? json_real(value->d) : json_null();
	case CEL_STRING:
		return json_stringn_nocheck(value->s.p ? value->s.p : "", value->s.len);
	case CEL_BYTES:
		return base64_json(value->s);
	case CEL_LIST:
		return list_json(value->list);
	case CEL_MAP:
		return map_json(value->map);
	case CEL_OPTIONAL:
		return value->optional ? cel_to_json(value->optional) : json_null();
	case CEL_NULL:
		return json_null();
	default:
		return text_json(value);
	}
}
