/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Limits of the kind tables, checked where a kind has nothing beyond them. */
#include "api/server/rules/check.h"

static bool is_text(const struct kt_type *type)
{
	return type->shape == KT_SHAPE_STRING;
}

static void check_number(
        struct kt_rule_context *c, const struct kt_at *at, const struct kt_limits *limits)
{
	int64_t value = kt_at_int(at);
	if (limits->has_minimum && limits->has_maximum)
		kt_check_between(c, at, (int64_t)limits->minimum, (int64_t)limits->maximum);
	else if (limits->has_minimum && value < (int64_t)limits->minimum)
		kt_add_invalid(
		        c, at, "must be greater than or equal to %lld", (long long)limits->minimum);
	else if (limits->has_maximum && value > (int64_t)limits->maximum)
		kt_add_invalid(
		        c, at, "must be less than or equal to %lld", (long long)limits->maximum);
}

static void check_own(
        struct kt_rule_context *c, const struct kt_at *at, const struct kt_limits *limits)
{
	bool empty = is_text(at->type) ? !*kt_at_text(at) : !at->value;
	if (limits->length_min > 0 && empty) {
		kt_add_required(c, at, "");
		return;
	}
	if (limits->items_min > 0 && kt_at_n(at) == 0) {
		kt_add_required(c, at, "");
		return;
	}
	if (limits->items_max > 0 && kt_at_n(at) > (size_t)limits->items_max)
		kt_add_too_many(c, at, (size_t)limits->items_max);
	if (limits->length_max > 0 && strlen(kt_at_text(at)) > (size_t)limits->length_max)
		kt_add_too_long(c, at, (size_t)limits->length_max);
	if (empty)
		return;
	if (limits->enum_values && is_text(at->type))
		kt_check_in(c, at, limits->enum_values);
	if (limits->format && is_text(at->type))
		kt_check_format(c, at, limits->format);
	check_number(c, at, limits);
}

void kt_check_limits(struct kt_rule_context *c, const struct kt_at *at, const json_t *old)
{
	const struct kt_type *type = at->type;
	if (!type || !at->value)
		return;
	if (type->shape == KT_SHAPE_LIST && type->elem && type->elem->shape == KT_SHAPE_OBJECT) {
		KT_EACH(element, at) {
			kt_check_limits(c, &element, json_array_get(old, kt_i_element));
		}
		return;
	}
	if (type->shape != KT_SHAPE_OBJECT)
		return;
	for (size_t i = 0; i < type->n_fields; i++) {
		const struct kt_field *field = &type->fields[i];
		if (!at->up && kt_is_one_of(field->name,
		                       (const char *const[]){"metadata", "status", NULL}))
			continue;
		struct kt_at member = kt_at(at, field->name);
		const json_t *before = json_object_get(old, field->name);
		if (field->limits)
			check_own(c, &member, field->limits);
		if (c->operation == KT_RULE_UPDATE && (field->flags & KT_FIELD_IMMUTABLE))
			kt_check_immutable(c, &member, before);
		kt_check_limits(c, &member, before);
	}
}
