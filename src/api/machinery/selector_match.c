/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/machinery/selector_internal.h"

static bool has_value(const struct requirement *r, struct kt_sv value)
{
	for (size_t i = 0; i < r->n_values; i++)
		if (kt_sv_is(value, r->values[i]))
			return true;
	return false;
}

static bool compare_number(const struct requirement *r, struct kt_sv value)
{
	int64_t number;

	if (kt_sv_int64(value, &number) < 0)
		return false;
	return r->operator== OP_GT ? number > r->number : number<r->number;
}

bool kt_requirement_satisfied(const struct requirement *r, bool present, struct kt_sv value)
{
	switch (r->operator) {
	case OP_EQUALS:
	case OP_DOUBLE_EQUALS:
	case OP_IN:
		return present && has_value(r, value);
	case OP_NOT_EQUALS:
	case OP_NOT_IN:
		return !present || !has_value(r, value);
	case OP_EXISTS:
		return present;
	case OP_NOT_EXISTS:
		return !present;
	case OP_GT:
	case OP_LT:
		return present && compare_number(r, value);
	}
	return false;
}

bool kt_selector_is_empty(const struct kt_selector *selector)
{
	return !selector || (!selector->nothing && !selector->requirements.n);
}

bool kt_selector_matches_labels(const struct kt_selector *selector, const json_t *labels)
{
	if (!selector)
		return true;
	if (selector->nothing)
		return false;
	for (size_t i = 0; i < selector->requirements.n; i++) {
		const struct requirement *r = &selector->requirements.items[i];
		const json_t *value = json_object_get(labels, r->key);
		const char *text = json_string_value(value);

		if (!kt_requirement_satisfied(r, value != NULL, kt_sv_of(text ? text : "")))
			return false;
	}
	return true;
}

const char *kt_selector_exact(const struct kt_selector *selector, const char *field)
{
	for (size_t i = 0; selector && i < selector->requirements.n; i++) {
		const struct requirement *r = &selector->requirements.items[i];

		if ((r->operator== OP_EQUALS || r->operator== OP_DOUBLE_EQUALS) &&
		        !strcmp(r->key, field))
			return r->values[0];
	}
	return NULL;
}

static void add_escaped(struct kt_str *out, const char *value)
{
	for (; *value; value++) {
		if (strchr("\\,=", *value))
			kt_str_putc(out, '\\');
		kt_str_putc(out, *value);
	}
}

static void add_set(struct kt_str *out, const struct requirement *r)
{
	kt_str_printf(out, "%s %s (", r->key, r->operator== OP_IN ? "in" : "notin");
	for (size_t i = 0; i < r->n_values; i++)
		kt_str_printf(out, "%s%s", i ? "," : "", r->values[i]);
	kt_str_putc(out, ')');
}

static void add_text(struct kt_str *out, const struct requirement *r, bool escape)
{
	static const char *const signs[] = {[OP_EQUALS] = "=",
	        [OP_DOUBLE_EQUALS] = "==",
	        [OP_NOT_EQUALS] = "!=",
	        [OP_GT] = ">",
	        [OP_LT] = "<"};

	switch (r->operator) {
	case OP_EXISTS:
		kt_str_puts(out, r->key);
		break;
	case OP_NOT_EXISTS:
		kt_str_printf(out, "!%s", r->key);
		break;
	case OP_IN:
	case OP_NOT_IN:
		add_set(out, r);
		break;
	default:
		kt_str_printf(out, "%s%s", r->key, signs[r->operator]);
		if (escape)
			add_escaped(out, r->values[0]);
		else
			kt_str_puts(out, r->values[0]);
	}
}

char *kt_selector_text(const struct kt_selector *selector)
{
	kt_auto_str out = KT_STR_INIT;

	for (size_t i = 0; selector && i < selector->requirements.n; i++) {
		if (i)
			kt_str_putc(&out, ',');
		add_text(&out, &selector->requirements.items[i], selector->by_fields);
	}
	return kt_str_steal(&out);
}
