/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/machinery/selector_internal.h"

#include <errno.h>

/* The end of the term that starts at p: the next comma that no backslash precedes. */
static size_t term_length(const char *p)
{
	size_t i = 0;

	while (p[i] && p[i] != ',')
		i += p[i] == '\\' && p[i + 1] ? 2 : 1;
	return i;
}

static bool split_term(struct kt_sv term, struct kt_sv *ret_field, enum operator* ret_operator,
        struct kt_sv *ret_value)
{
	for (size_t i = 0; i < term.len; i++) {
		bool eq = i + 1 < term.len && term.p[i + 1] == '=';
		size_t width = 0;

		if (term.p[i] == '!' && eq) {
			*ret_operator = OP_NOT_EQUALS;
			width = 2;
		} else if (term.p[i] == '=') {
			*ret_operator = OP_EQUALS;
			width = eq ? 2 : 1;
		}
		if (width) {
			*ret_field = (struct kt_sv){term.p, i};
			*ret_value = (struct kt_sv){term.p + i + width, term.len - i - width};
			return true;
		}
	}
	return false;
}

static int unescape(struct kt_sv value, struct kt_str *out, struct kt_err *err)
{
	for (size_t i = 0; i < value.len; i++) {
		char c = value.p[i];

		if (c == ',' || c == '=')
			return kt_fail(err, EINVAL,
			        "invalid field selector: unescaped character in value: %d", c);
		if (c == '\\') {
			if (++i == value.len)
				return kt_fail(err, EINVAL,
				        "invalid field selector: invalid escape sequence: \\");
			c = value.p[i];
			if (!strchr("\\,=", c))
				return kt_fail(err, EINVAL,
				        "invalid field selector: invalid escape sequence: \\%c", c);
		}
		kt_str_putc(out, c);
	}
	return 0;
}

/* Has the kind nothing to select by but what all metadata has? */
static bool is_generic(const struct kt_kind *kind)
{
	bool generic = !(kind->flags & KT_KIND_CUSTOM);

	for (size_t i = 0; generic && i < kind->n_selectable; i++)
		generic = kt_starts_with(kind->selectable[i].field, "metadata.");
	return generic;
}

/* Upstream's hand-written kinds have one text, those with nothing but names another. */
static int fail_unknown(const struct kt_kind *kind, const char *field, struct kt_err *err)
{
	if (is_generic(kind))
		return kt_fail(err, EINVAL,
		        "\"%s\" is not a known field selector: only \"metadata.name\", "
		        "\"metadata.namespace\"",
		        field);
	return kt_fail(err, EINVAL, "field label not supported: %s", field);
}

static const char *zero_text(const struct kt_kind *kind, const char *path)
{
	const struct kt_field *field =
	        kind && kind->type ? kt_type_field_path(kind->type, path) : NULL;

	if (!field || (kind->flags & KT_KIND_CUSTOM))
		return "";
	switch (field->type->shape) {
	case KT_SHAPE_BOOL:
		return "false";
	case KT_SHAPE_INT32:
	case KT_SHAPE_INT64:
	case KT_SHAPE_UINT32:
	case KT_SHAPE_UINT64:
		return "0";
	default:
		return "";
	}
}

static int resolve(const struct kt_kind *kind, struct requirement *r, struct kt_err *err)
{
	r->path = NULL;
	r->absent = "";
	if (!kind)
		return 0;
	for (size_t i = 0; i < kind->n_selectable; i++) {
		if (strcmp(kind->selectable[i].field, r->key))
			continue;
		r->path = kind->selectable[i].path;
		r->path += r->path[0] == '.';
		r->absent = zero_text(kind, r->path);
		return 0;
	}
	if (!strcmp(r->key, "metadata.name"))
		return 0;
	/* Upstream knows no scope here: of a cluster's objects the namespace is "". */
	if (!strcmp(r->key, "metadata.namespace") &&
	        ((kind->flags & KT_KIND_NAMESPACED) || is_generic(kind)))
		return 0;
	return fail_unknown(kind, r->key, err);
}

static int add_term(struct kt_selector *selector, struct kt_sv term, const char *text,
        const struct kt_kind *kind, struct kt_err *err)
{
	kt_auto_str value = KT_STR_INIT;
	struct kt_sv field, raw;
	struct requirement r = {0};
	int code;

	if (!split_term(term, &field, &r.operator, & raw))
		return kt_fail(err, EINVAL, "invalid selector: '%s'; can't understand '%.*s'", text,
		        (int)term.len, term.p);
	code = unescape(raw, &value, err);
	if (code < 0)
		return code;
	r.key = kt_sv_dup(field);
	code = resolve(kind, &r, err);
	if (code < 0) {
		free(r.key);
		return code;
	}
	r.values = kt_new_array(char *, 1);
	r.values[r.n_values++] = kt_str_steal(&value);
	return kt_selector_add(selector, &r, err);
}

static int compare_terms(const void *a, const void *b)
{
	const struct kt_sv *x = a, *y = b;

	return kt_sv_cmp(*x, *y);
}

int kt_field_selector_parse(const char *text, const struct kt_kind *kind,
        struct kt_selector **ret_selector, struct kt_err *err)
{
	struct kt_selector *selector = kt_new(struct kt_selector);
	KT_VEC(struct kt_sv) terms = {0};
	int code = 0;

	selector->by_fields = true;
	for (const char *p = text; *p;) {
		size_t len = term_length(p);

		if (len)
			kt_vec_push(&terms, ((struct kt_sv){p, len}));
		p += len + (p[len] == ',');
	}
	if (terms.n) /* upstream sorts them: of several wrong ones the first of these is named */
		qsort(terms.items, terms.n, sizeof(*terms.items), compare_terms);
	for (size_t i = 0; code == 0 && i < terms.n; i++)
		code = add_term(selector, terms.items[i], text, kind, err);
	kt_vec_finish(&terms);
	if (code < 0) {
		kt_selector_destroy(selector);
		return code;
	}
	*ret_selector = selector;
	return 0;
}
