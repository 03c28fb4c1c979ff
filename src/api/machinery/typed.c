/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Taking values apart by their type: relations, keys of elements, collecting fields, checking. */
#include "api/machinery/typed.h"

#include "api/machinery/go_text.h"
#include "api/machinery/typed_internal.h"

#define MAP_KEYS_MAX 8

enum kt_typed_relation kt_typed_relation(
        const struct kt_type *type, const struct kt_field *field, const json_t *value)
{
	unsigned flags = type ? type->flags | (field ? field->flags : 0u) : 0;

	if (!type)
		return json_is_object(value) ? KT_TYPED_MAP : KT_TYPED_LEAF;
	switch (type->shape) {
	case KT_SHAPE_OBJECT:
	case KT_SHAPE_MAP:
		return flags & KT_FIELD_ATOMIC ? KT_TYPED_LEAF : KT_TYPED_MAP;
	case KT_SHAPE_LIST:
		if (!field || field->list_type == KT_LIST_ATOMIC)
			return KT_TYPED_LEAF;
		return field->list_type == KT_LIST_SET ? KT_TYPED_SET : KT_TYPED_KEYED;
	case KT_SHAPE_RAW:
	case KT_SHAPE_JSON:
	case KT_SHAPE_ANY:
	case KT_SHAPE_FIELDS_V1:
		return json_is_object(value) && !(flags & KT_FIELD_ATOMIC) ? KT_TYPED_MAP
		                                                           : KT_TYPED_LEAF;
	default:
		return KT_TYPED_LEAF;
	}
}

const struct kt_type *kt_typed_member(
        const struct kt_type *type, const char *name, const struct kt_field **ret_field)
{
	*ret_field = NULL;
	if (!type)
		return NULL;
	if (type->shape == KT_SHAPE_MAP)
		return type->elem;
	if (type->shape != KT_SHAPE_OBJECT)
		return NULL;
	*ret_field = kt_type_field(type, kt_sv_of(name));
	return *ret_field ? (*ret_field)->type : NULL;
}

const struct kt_type *kt_typed_descend(
        const struct kt_type *type, const char *key, const struct kt_field **ret_field)
{
	*ret_field = NULL;
	if (key[0] == 'f')
		return kt_typed_member(type, key + 2, ret_field);
	return type && type->shape == KT_SHAPE_LIST ? type->elem : NULL;
}

static json_t *default_of(const struct kt_type *elem, const char *name)
{
	const struct kt_field *field = elem ? kt_type_field(elem, kt_sv_of(name)) : NULL;

	if (!field || !field->default_json)
		return NULL;
	return kt_json_tree(kt_json_doc(field->default_json, strlen(field->default_json)));
}

/* The value of one key of an element, its default when absent; new reference or NULL. */
static json_t *key_value(const struct kt_field *field, const json_t *element, const char *name)
{
	json_t *value = json_object_get(element, name);

	return value ? json_incref(value) : default_of(field->type->elem, name);
}

static size_t sorted_keys(const struct kt_field *field, const char *names[MAP_KEYS_MAX])
{
	size_t n = 0;

	for (; field->map_keys && field->map_keys[n] && n < MAP_KEYS_MAX; n++) {
		size_t at = n;

		for (; at && strcmp(names[at - 1], field->map_keys[n]) > 0; at--)
			names[at] = names[at - 1];
		names[at] = field->map_keys[n];
	}
	return n;
}

const char *kt_typed_element_key(
        struct kt_arena *arena, const struct kt_field *field, const json_t *element)
{
	const char *names[MAP_KEYS_MAX];
	kt_auto_str text = KT_STR_INIT;
	size_t n, written = 0;

	if (field->list_type == KT_LIST_SET) {
		kt_str_puts(&text, "v:");
		kt_json_write(&text, element, 0);
		return kt_arena_strndup(arena, text.data, text.len);
	}
	n = sorted_keys(field, names);
	kt_str_puts(&text, "k:{");
	for (size_t i = 0; i < n; i++) {
		kt_auto_json json_t *value = key_value(field, element, names[i]);

		if (!value)
			continue;
		if (written++)
			kt_str_putc(&text, ',');
		kt_json_write_string(&text, names[i], strlen(names[i]));
		kt_str_putc(&text, ':');
		kt_json_write(&text, value, 0);
	}
	kt_str_putc(&text, '}');
	return kt_arena_strndup(arena, text.data, text.len);
}

struct kt_elements kt_typed_elements(
        struct kt_arena *arena, const struct kt_field *field, const json_t *list)
{
	struct kt_elements result = {.n = json_array_size(list)};
	struct kt_map seen;

	result.items = kt_arena_alloc(arena, (result.n + 1) * sizeof(*result.items));
	for (size_t i = 0; i < result.n; i++) {
		result.items[i].value = json_array_get(list, i);
		result.items[i].key = kt_typed_element_key(arena, field, result.items[i].value);
	}
	if (result.n <= KT_ELEMENTS_LINEAR)
		return result;
	result.index = kt_arena_new(arena, struct kt_map);
	kt_map_init(&seen, NULL);
	for (size_t i = result.n; i-- > 0;)
		kt_map_set(&seen, result.items[i].key, &result.items[i]);
	*result.index = seen;
	return result;
}

void kt_typed_elements_finish(struct kt_elements *elements)
{
	if (elements->index)
		kt_map_finish(elements->index);
	elements->index = NULL;
}

const struct kt_element *kt_typed_find(const struct kt_elements *elements, const char *key)
{
	if (elements->index)
		return kt_map_get(elements->index, key);
	for (size_t i = 0; i < elements->n; i++)
		if (!strcmp(elements->items[i].key, key))
			return &elements->items[i];
	return NULL;
}

bool kt_typed_is_repeated(const struct kt_elements *elements, const char *key)
{
	const struct kt_element *first = kt_typed_find(elements, key);

	if (!first || elements->n < 2)
		return false;
	for (size_t i = (size_t)(first - elements->items) + 1; i < elements->n; i++)
		if (!strcmp(elements->items[i].key, key))
			return true;
	return false;
}

const char *kt_typed_field_key(struct kt_arena *arena, const char *name)
{
	size_t len = strlen(name);
	char *key = kt_arena_alloc(arena, len + 3);

	key[0] = 'f';
	key[1] = ':';
	memcpy(key + 2, name, len);
	return key;
}

static bool is_empty_container(const json_t *value)
{
	return json_is_null(value) || (json_is_object(value) && !json_object_size(value)) ||
	       (json_is_array(value) && !json_array_size(value));
}

static struct kt_fieldset *collect(struct kt_arena *arena, const struct kt_type *type,
        const struct kt_field *field, const json_t *value);

static struct kt_fieldset *collect_map(
        struct kt_arena *arena, const struct kt_type *type, const json_t *value)
{
	struct kt_fieldset *node = kt_fieldset_node(arena, false);
	const char *name;
	json_t *member;

	json_object_foreach((json_t *)(uintptr_t)value, name, member) {
		const struct kt_field *field;
		const struct kt_type *below = kt_typed_member(type, name, &field);
		struct kt_fieldset *child = collect(arena, below, field, member);
		bool own = !field || json_is_null(member) ||
		           (json_is_object(member) && !json_object_size(member));

		if (!child && own)
			child = kt_fieldset_node(arena, true);
		if (!child)
			continue;
		child->member |= own;
		kt_fieldset_attach(arena, node, kt_typed_field_key(arena, name), child);
	}
	return node->n ? node : NULL;
}

static struct kt_fieldset *collect_list(
        struct kt_arena *arena, const struct kt_field *field, const json_t *value)
{
	struct kt_fieldset *node = kt_fieldset_node(arena, false);
	struct kt_elements elements = kt_typed_elements(arena, field, value);

	for (size_t i = 0; i < elements.n; i++) {
		const struct kt_element *element = &elements.items[i];
		struct kt_fieldset *child = NULL;

		if (!kt_typed_is_repeated(&elements, element->key))
			child = field->list_type == KT_LIST_SET
			                ? NULL
			                : collect(arena, field->type->elem, NULL, element->value);
		if (!child)
			child = kt_fieldset_node(arena, true);
		child->member = true;
		kt_fieldset_attach(arena, node, element->key, child);
	}
	kt_typed_elements_finish(&elements);
	return node->n ? node : NULL;
}

static struct kt_fieldset *collect(struct kt_arena *arena, const struct kt_type *type,
        const struct kt_field *field, const json_t *value)
{
	switch (kt_typed_relation(type, field, value)) {
	case KT_TYPED_MAP:
		return json_is_object(value) ? collect_map(arena, type, value)
		                             : kt_fieldset_node(arena, true);
	case KT_TYPED_SET:
	case KT_TYPED_KEYED:
		return is_empty_container(value) ? NULL : collect_list(arena, field, value);
	default:
		return kt_fieldset_node(arena, true);
	}
}

const struct kt_fieldset *kt_typed_fields(
        struct kt_arena *arena, const struct kt_type *type, const json_t *value)
{
	return collect(arena, type, NULL, value);
}

/* Checks before an apply. */

struct checker {
	struct kt_arena *arena;
	struct kt_str path;
	struct kt_str *errors;
	size_t n;
	struct kt_str first;
};

static void report(struct checker *checker, const char *text)
{
	kt_auto_str line = KT_STR_INIT;

	kt_str_printf(&line, "%s: %s", kt_str_text(&checker->path), text);
	if (checker->n++ == 0) {
		kt_str_puts(&checker->first, kt_str_text(&line));
		return;
	}
	if (checker->n == 2)
		kt_str_printf(checker->errors, "errors:\n  %s", kt_str_text(&checker->first));
	kt_str_printf(checker->errors, "\n  %s", kt_str_text(&line));
}

static void report_value(
        struct checker *checker, const char *format, const json_t *value, bool quote)
{
	kt_auto_str text = KT_STR_INIT;
	kt_auto_str message = KT_STR_INIT;

	if (quote)
		kt_go_value(&text, value);
	else
		kt_go_percent_v(&text, value);
	kt_str_printf(&message, format, kt_str_text(&text));
	report(checker, kt_str_text(&message));
}

static const char *go_type(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		return "string";
	case JSON_INTEGER:
		return "int64";
	case JSON_REAL:
		return "float64";
	case JSON_OBJECT:
		return "map[string]interface {}";
	case JSON_ARRAY:
		return "[]interface {}";
	case JSON_NULL:
		return "<nil>";
	default:
		return "bool";
	}
}

static void check(struct checker *checker, const struct kt_type *type, const struct kt_field *field,
        const json_t *value);

static void check_scalar(struct checker *checker, const struct kt_type *type, const json_t *value)
{
	kt_auto_str text = KT_STR_INIT;

	if (json_is_null(value))
		return;
	switch (type->shape) {
	case KT_SHAPE_INT32:
	case KT_SHAPE_INT64:
	case KT_SHAPE_UINT32:
	case KT_SHAPE_UINT64:
	case KT_SHAPE_DOUBLE:
		if (json_is_number(value))
			return;
		kt_str_printf(&text, "expected numeric (int or float), got %s", go_type(value));
		break;
	case KT_SHAPE_BOOL:
		if (json_is_boolean(value))
			return;
		kt_str_printf(&text, "expected boolean, got %s", go_type(value));
		break;
	case KT_SHAPE_STRING:
	case KT_SHAPE_BYTES:
	case KT_SHAPE_TIME:
	case KT_SHAPE_MICRO_TIME:
	case KT_SHAPE_DURATION:
		if (json_is_string(value))
			return;
		report_value(checker, "expected string, got &value.valueUnstructured{Value:%s}",
		        value, true);
		return;
	case KT_SHAPE_QUANTITY:
	case KT_SHAPE_INT_OR_STRING:
		if (!json_is_object(value) && !json_is_array(value))
			return;
		report_value(checker, "expected any scalar, got &{%s}", value, false);
		return;
	default:
		return;
	}
	report(checker, kt_str_text(&text));
}

static void check_map(struct checker *checker, const struct kt_type *type, const json_t *value)
{
	size_t len = checker->path.len;
	const char *name;
	json_t *member;

	if (json_is_null(value))
		return;
	if (!json_is_object(value)) {
		report_value(checker, "expected map, got &{%s}", value, false);
		return;
	}
	json_object_foreach((json_t *)(uintptr_t)value, name, member) {
		const struct kt_field *field;
		const struct kt_type *below = kt_typed_member(type, name, &field);

		kt_str_printf(&checker->path, ".%s", name);
		if (below)
			check(checker, below, field, member);
		else if (type->shape == KT_SHAPE_OBJECT &&
		         !(type->flags & (KT_FIELD_PRESERVE | KT_FIELD_EMBEDDED)))
			report(checker, "field not declared in schema");
		kt_str_truncate(&checker->path, len);
	}
}

static void check_list(struct checker *checker, const struct kt_type *type,
        const struct kt_field *field, const json_t *value)
{
	size_t len = checker->path.len;
	bool keyed = kt_typed_relation(type, field, value) != KT_TYPED_LEAF;
	struct kt_elements elements = {0};

	if (json_is_null(value))
		return;
	if (!json_is_array(value)) {
		report_value(checker, "expected list, got &{%s}", value, false);
		return;
	}
	if (keyed)
		elements = kt_typed_elements(checker->arena, field, value);
	for (size_t i = 0; i < json_array_size(value); i++) {
		if (keyed &&
		        kt_typed_find(&elements, elements.items[i].key) != &elements.items[i]) {
			kt_auto_str text = KT_STR_INIT;

			kt_str_puts(&text, "duplicate entries for key ");
			kt_fieldset_print_element(&text, elements.items[i].key);
			report(checker, kt_str_text(&text));
			continue;
		}
		if (keyed)
			kt_fieldset_print_element(&checker->path, elements.items[i].key);
		else
			kt_str_printf(&checker->path, "[%zu]", i);
		if (keyed && !strcmp(elements.items[i].key, "k:{}"))
			report(checker, "associative list with keys has an element that omits all "
			                "key fields");
		else
			check(checker, type->elem, NULL, json_array_get(value, i));
		kt_str_truncate(&checker->path, len);
	}
	kt_typed_elements_finish(&elements);
}

static void check(struct checker *checker, const struct kt_type *type, const struct kt_field *field,
        const json_t *value)
{
	switch (type->shape) {
	case KT_SHAPE_OBJECT:
	case KT_SHAPE_MAP:
		check_map(checker, type, value);
		break;
	case KT_SHAPE_LIST:
		check_list(checker, type, field, value);
		break;
	default:
		check_scalar(checker, type, value);
	}
}

void kt_typed_check(const struct kt_type *type, const json_t *value, struct kt_str *ret_errors)
{
	kt_auto_arena arena = {0};
	struct checker checker = {.arena = &arena, .errors = ret_errors};

	kt_arena_init(&arena);
	check(&checker, type, NULL, value);
	if (checker.n == 1)
		kt_str_puts(ret_errors, kt_str_text(&checker.first));
	kt_str_finish(&checker.path);
	kt_str_finish(&checker.first);
}
