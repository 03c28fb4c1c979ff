/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/machinery/field_errors.h"

#include "api/machinery/go_text.h"
#include "api/status.h"
#include "base/log.h"
#include "base/map.h"

#include <errno.h>

static const struct {
	const char *text;   /* before the value */
	const char *reason; /* of the Status cause */
} types[] = {
        [KT_FIELD_ERROR_REQUIRED] = {"Required value", "FieldValueRequired"},
        [KT_FIELD_ERROR_INVALID] = {"Invalid value", "FieldValueInvalid"},
        [KT_FIELD_ERROR_NOT_SUPPORTED] = {"Unsupported value", "FieldValueNotSupported"},
        [KT_FIELD_ERROR_DUPLICATE] = {"Duplicate value", "FieldValueDuplicate"},
        [KT_FIELD_ERROR_FORBIDDEN] = {"Forbidden", "FieldValueForbidden"},
        [KT_FIELD_ERROR_TOO_LONG] = {"Too long", "FieldValueTooLong"},
        [KT_FIELD_ERROR_TOO_MANY] = {"Too many", "FieldValueTooMany"},
        [KT_FIELD_ERROR_NOT_FOUND] = {"Not found", "FieldValueNotFound"},
        [KT_FIELD_ERROR_TYPE_INVALID] = {"Invalid value", "FieldValueTypeInvalid"},
        [KT_FIELD_ERROR_INTERNAL] = {"Internal error", "InternalError"},
};

const char *kt_path_key(struct kt_arena *arena, const char *parent, const char *key)
{
	return kt_arena_printf(arena, "%s[%s]", parent, key);
}

void kt_field_error_add(struct kt_field_errors *errors, enum kt_field_error_type type,
        const char *field, const char *message)
{
	if (errors->n == errors->cap) {
		size_t cap = KT_MAX(errors->cap * 2, (size_t)8);
		struct kt_field_error *items = kt_arena_alloc(errors->arena, cap * sizeof(*items));

		if (errors->n)
			memcpy(items, errors->items, errors->n * sizeof(*items));
		errors->items = items;
		errors->cap = cap;
	}
	errors->items[errors->n++] =
	        (struct kt_field_error){type, field, kt_arena_strdup(errors->arena, message)};
}

/* "Type: value: detail", each part only where there is one. */
static void add(struct kt_field_errors *errors, enum kt_field_error_type type, const char *field,
        const json_t *value, const char *detail)
{
	kt_auto_str text = KT_STR_INIT;

	kt_str_puts(&text, types[type].text);
	if (value) {
		kt_str_puts(&text, ": ");
		kt_go_value(&text, value);
	}
	if (detail && *detail)
		kt_str_printf(&text, ": %s", detail);
	kt_field_error_add(errors, type, field, kt_str_text(&text));
}

void kt_field_invalid(struct kt_field_errors *errors, const char *field, const json_t *value,
        const char *fmt, ...)
{
	kt_auto_str detail = KT_STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	kt_str_vprintf(&detail, fmt, ap);
	va_end(ap);
	add(errors, KT_FIELD_ERROR_INVALID, field, value, kt_str_text(&detail));
}

void kt_field_required(struct kt_field_errors *errors, const char *field, const char *detail)
{
	add(errors, KT_FIELD_ERROR_REQUIRED, field, NULL, detail);
}

void kt_field_forbidden(struct kt_field_errors *errors, const char *field, const char *fmt, ...)
{
	kt_auto_str detail = KT_STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	kt_str_vprintf(&detail, fmt, ap);
	va_end(ap);
	add(errors, KT_FIELD_ERROR_FORBIDDEN, field, NULL, kt_str_text(&detail));
}

void kt_field_duplicate(struct kt_field_errors *errors, const char *field, const json_t *value)
{
	add(errors, KT_FIELD_ERROR_DUPLICATE, field, value, NULL);
}

void kt_field_not_found(struct kt_field_errors *errors, const char *field, const json_t *value)
{
	add(errors, KT_FIELD_ERROR_NOT_FOUND, field, value, NULL);
}

void kt_field_not_supported(struct kt_field_errors *errors, const char *field, const json_t *value,
        const char *const *supported)
{
	kt_auto_str detail = KT_STR_INIT;

	if (supported && supported[0])
		kt_str_puts(&detail, "supported values: ");
	for (size_t i = 0; supported && supported[i]; i++) {
		if (i)
			kt_str_puts(&detail, ", ");
		kt_go_quote(&detail, kt_sv_of(supported[i]));
	}
	add(errors, KT_FIELD_ERROR_NOT_SUPPORTED, field, value, kt_str_text(&detail));
}

void kt_field_too_long(struct kt_field_errors *errors, const char *field, size_t max)
{
	kt_auto_str detail = KT_STR_INIT;

	kt_str_printf(&detail, "may not be more than %zu bytes", max);
	add(errors, KT_FIELD_ERROR_TOO_LONG, field, NULL, kt_str_text(&detail));
}

void kt_field_too_many(struct kt_field_errors *errors, const char *field, size_t actual, size_t max)
{
	kt_auto_str detail = KT_STR_INIT;

	kt_str_printf(
	        &detail, "%zu: must have at most %zu item%s", actual, max, max == 1 ? "" : "s");
	add(errors, KT_FIELD_ERROR_TOO_MANY, field, NULL, kt_str_text(&detail));
}

void kt_field_errors_text(const struct kt_field_errors *errors, struct kt_str *out)
{
	struct kt_map seen;
	kt_auto_str joined = KT_STR_INIT;

	kt_map_init(&seen, NULL);
	for (size_t i = 0; i < errors->n; i++) {
		const struct kt_field_error *e = &errors->items[i];
		kt_auto_str line = KT_STR_INIT;

		kt_str_printf(&line, "%s: %s", e->field, e->message);
		if (kt_map_has(&seen, kt_str_text(&line)))
			continue; /* upstream's aggregate names an equal text once */
		kt_map_set(&seen, kt_str_text(&line), &seen);
		kt_str_printf(&joined, "%s%s", joined.len ? ", " : "", kt_str_text(&line));
	}
	kt_str_printf(out, seen.n > 1 ? "[%s]" : "%s", kt_str_text(&joined));
	kt_map_finish(&seen);
}

int kt_field_errors_fail(const struct kt_field_errors *errors, const char *group, const char *kind,
        const char *name, struct kt_err *err)
{
	kt_auto_str text = KT_STR_INIT;
	kt_auto_str quoted = KT_STR_INIT;
	int code;

	if (!errors->n)
		return 0;
	kt_field_errors_text(errors, &text);
	kt_go_quote(&quoted, kt_sv_of(name ? name : ""));
	code = kt_fail_reason(err, KT_REASON_INVALID, EINVAL, "%s%s%s %s is invalid: %s", kind,
	        group && *group ? "." : "", group ? group : "", kt_str_text(&quoted),
	        kt_str_text(&text));
	for (size_t i = 0; err && i < errors->n; i++)
		kt_err_add_cause(err, types[errors->items[i].type].reason, errors->items[i].field,
		        errors->items[i].message);
	return code;
}
