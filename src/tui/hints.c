/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/hints.h"

#include "base/vec.h"
#include "base/yaml.h"

/* Lines */

struct line {
	struct kt_sv text;
	size_t column;    /* of its key, behind dashes */
	struct kt_sv key; /* len 0: none */
	bool has_value;
};

static struct line read_line(struct kt_sv text)
{
	struct line line = {.text = text};
	size_t at = 0;

	while (at < text.len && text.p[at] == ' ')
		at++;
	while (at + 1 < text.len && text.p[at] == '-' && text.p[at + 1] == ' ')
		at += 2;
	if (at + 1 == text.len && text.p[at] == '-')
		at = text.len + 1;
	line.column = at;
	for (size_t i = at; i < text.len; i++) {
		if (text.p[i] != ':' || (i + 1 < text.len && text.p[i + 1] != ' '))
			continue;
		line.key = (struct kt_sv){text.p + at, i - at};
		line.has_value =
		        kt_sv_trim((struct kt_sv){text.p + i + 1, text.len - i - 1}).len > 0;
		break;
	}
	return line;
}

static struct kt_sv line_before(const char *text, size_t *at)
{
	size_t end = *at - 1, start = end;

	while (start > 0 && text[start - 1] != '\n')
		start--;
	*at = start;
	return (struct kt_sv){text + start, end - start};
}

static size_t line_start(const char *text, size_t cursor)
{
	while (cursor > 0 && text[cursor - 1] != '\n')
		cursor--;
	return cursor;
}

/* The keys above a column, outermost first, joined by dots. */
static void parents(const char *text, size_t start, size_t column, struct kt_str *out)
{
	KT_VEC(struct kt_sv) keys = {0};

	while (start > 0 && column > 0) {
		struct line line = read_line(line_before(text, &start));

		if (!line.key.len || line.column >= column || line.has_value)
			continue;
		kt_vec_push(&keys, line.key);
		column = line.column;
	}
	while (keys.n) {
		kt_str_printf(out, "%s%.*s", out->len ? "." : "", (int)keys.items[keys.n - 1].len,
		        keys.items[keys.n - 1].p);
		keys.n--;
	}
	kt_vec_finish(&keys);
}

char *kt_hints_path(const char *text, size_t cursor)
{
	size_t start = line_start(text, cursor);
	struct line line = read_line((struct kt_sv){text + start, strcspn(text + start, "\n")});
	kt_auto_str path = KT_STR_INIT;

	parents(text, start, line.column, &path);
	if (line.key.len)
		kt_str_printf(&path, "%s%.*s", path.len ? "." : "", (int)line.key.len, line.key.p);
	return kt_str_steal(&path);
}

/* Types */

static const struct kt_type *inner(const struct kt_type *type)
{
	while (type && type->shape == KT_SHAPE_LIST)
		type = type->elem;
	return type;
}

const struct kt_field *kt_hints_field(const struct kt_type *type, const char *text, size_t cursor)
{
	kt_auto_free char *path = kt_hints_path(text, cursor);

	return type && *path ? kt_type_field_path(type, path) : NULL;
}

static const char *shape_name(const struct kt_type *type)
{
	switch (type->shape) {
	case KT_SHAPE_OBJECT:
		return type->go_name ? type->go_name : "object";
	case KT_SHAPE_MAP:
		return "map";
	case KT_SHAPE_LIST:
		return "list";
	case KT_SHAPE_INT32:
	case KT_SHAPE_INT64:
	case KT_SHAPE_UINT32:
	case KT_SHAPE_UINT64:
		return "integer";
	case KT_SHAPE_DOUBLE:
		return "number";
	case KT_SHAPE_BOOL:
		return "true or false";
	case KT_SHAPE_QUANTITY:
		return "quantity";
	case KT_SHAPE_INT_OR_STRING:
		return "integer or string";
	case KT_SHAPE_TIME:
	case KT_SHAPE_MICRO_TIME:
		return "time";
	default:
		return "string";
	}
}

static bool is_nested(const struct kt_type *type)
{
	return type->shape == KT_SHAPE_OBJECT || type->shape == KT_SHAPE_LIST ||
	       type->shape == KT_SHAPE_MAP;
}

/* Hints */

static bool begins(const char *text, struct kt_sv prefix)
{
	return strlen(text) >= prefix.len && !strncasecmp(text, prefix.p, prefix.len);
}

static void add_hint(struct kt_hints *hints, char *text, char *label, const char *doc)
{
	hints->items = kt_reallocarray(hints->items, hints->n + 1, sizeof(*hints->items));
	hints->items[hints->n++] = (struct kt_hint){text, label, doc ? doc : ""};
}

/* Where a key is to come: the line's begin, its column. */
struct spot {
	const char *text;
	size_t start, column;
};

static bool begins_item(const struct line *line)
{
	size_t at = 0;

	while (at < line->text.len && line->text.p[at] == ' ')
		at++;
	return at < line->column && at < line->text.len && line->text.p[at] == '-';
}

/* Whether a line beside the spot has this key; *ret_end when no line further on can. */
static bool is_sibling(
        const struct line *line, const struct spot *spot, const char *key, bool *ret_end)
{
	bool blank = !kt_sv_trim(line->text).len;

	*ret_end = !blank && line->column < spot->column;
	return !blank && line->column == spot->column && kt_sv_is(line->key, key);
}

static bool is_there_already(const struct spot *spot, const char *key)
{
	size_t at = spot->start;
	bool end = false, own = false;

	/* upwards, up to the line that begins this item of a list */
	const struct line here = read_line(
	        (struct kt_sv){spot->text + spot->start, strcspn(spot->text + spot->start, "\n")});

	own = begins_item(&here);
	while (!own && !end && at > 0) {
		struct line line = read_line(line_before(spot->text, &at));

		if (is_sibling(&line, spot, key, &end))
			return true;
		own = line.column == spot->column && begins_item(&line);
	}
	/* downwards, up to the next item */
	end = false;
	for (const char *next = strchr(spot->text + spot->start, '\n'); next && !end;) {
		struct line line = read_line((struct kt_sv){next + 1, strcspn(next + 1, "\n")});

		if (line.column == spot->column && begins_item(&line))
			return false;
		if (is_sibling(&line, spot, key, &end))
			return true;
		next = strchr(next + 1, '\n');
	}
	return false;
}

static void add_fields(struct kt_hints *hints, const struct kt_type *type, struct kt_sv prefix,
        const struct spot *spot)
{
	for (uint16_t i = 0; i < type->n_fields; i++) {
		const struct kt_field *field = &type->fields[i];

		if (field->flags & KT_FIELD_INLINE)
			add_fields(hints, field->type, prefix, spot);
		else if (begins(field->name, prefix) && !is_there_already(spot, field->name))
			add_hint(hints,
			        kt_asprintf(
			                "%s:%s", field->name, is_nested(field->type) ? "" : " "),
			        kt_asprintf("%-22s %s", field->name, shape_name(field->type)),
			        field->doc);
	}
}

/* Values that a custom resource's schema lists. */
static void add_listed(struct kt_hints *hints, const json_t *list, struct kt_sv prefix)
{
	json_t *value;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)list, i, value) {
		kt_auto_str text = KT_STR_INIT;

		if (json_is_string(value))
			kt_str_puts(&text, json_string_value(value));
		else
			kt_json_write(&text, value, 0);
		if (begins(kt_str_text(&text), prefix))
			add_hint(hints, kt_strdup(kt_str_text(&text)),
			        kt_strdup(kt_str_text(&text)), "");
	}
}

static void add_default(struct kt_hints *hints, const char *json, struct kt_sv prefix)
{
	kt_auto_free char *text = kt_json_string_dup(kt_json_doc(json, strlen(json)));
	const char *value = text ? text : json;

	if (*value && *value != '{' && *value != '[' && begins(value, prefix))
		add_hint(hints, kt_strdup(value), kt_asprintf("%-22s the default", value), "");
}

static void add_values(struct kt_hints *hints, const struct kt_field *field, struct kt_sv prefix)
{
	static const char *const truths[] = {"true", "false", NULL};
	const struct kt_limits *limits = field->limits ? field->limits : field->type->limits;
	const char *const *values = field->type->shape == KT_SHAPE_BOOL ? truths
	                            : limits                            ? limits->enum_values
	                                                                : NULL;

	for (; values && *values; values++)
		if (begins(*values, prefix))
			add_hint(hints, kt_strdup(*values), kt_strdup(*values), "");
	add_listed(hints, limits ? limits->enum_json : NULL, prefix);
	if (!hints->n && field->default_json)
		add_default(hints, field->default_json, prefix);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(((const struct kt_hint *)a)->text, ((const struct kt_hint *)b)->text);
}

void kt_hints_at(
        const struct kt_type *type, const char *text, size_t cursor, struct kt_hints *ret_hints)
{
	size_t start = line_start(text, cursor);
	struct line line = read_line((struct kt_sv){text + start, cursor - start});
	kt_auto_str path = KT_STR_INIT;

	*ret_hints = (struct kt_hints){.start = cursor};
	if (!type)
		return;
	if (line.key.len) { /* behind the colon: a value */
		const struct kt_field *field = kt_hints_field(type, text, cursor);
		size_t at = (size_t)(line.key.p + line.key.len - text) + 1;

		while (at < cursor && text[at] == ' ')
			at++;
		ret_hints->start = at;
		if (field)
			add_values(ret_hints, field, (struct kt_sv){text + at, cursor - at});
	} else {
		size_t column = KT_MIN(line.column, cursor - start);

		parents(text, start, column, &path);
		const struct kt_field *parent =
		        path.len ? kt_type_field_path(type, kt_str_text(&path)) : NULL;
		const struct kt_type *of = path.len ? parent ? inner(parent->type) : NULL : type;

		ret_hints->start = start + column;
		if (of && of->shape == KT_SHAPE_OBJECT)
			add_fields(ret_hints, of,
			        (struct kt_sv){text + start + column, cursor - start - column},
			        &(struct spot){text, start, column});
	}
	if (ret_hints->n)
		qsort(ret_hints->items, ret_hints->n, sizeof(*ret_hints->items), by_text);
}

void kt_hints_finish(struct kt_hints *hints)
{
	for (size_t i = 0; i < hints->n; i++) {
		free(hints->items[i].text);
		free(hints->items[i].label);
	}
	free(hints->items);
	*hints = (struct kt_hints){0};
}

/* Checks */

struct checking {
	const struct kt_yaml_doc *doc;
	kt_fault_fn *fault;
	void *arg;
	struct kt_str path;
};

static size_t find_line(const struct kt_yaml_doc *doc, const char *path)
{
	kt_auto_free char *copy = kt_strdup(path);

	while (*copy) {
		for (size_t i = 0; i < doc->n_positions; i++)
			if (!strcmp(doc->positions[i].path, copy))
				return doc->positions[i].line ? doc->positions[i].line - 1 : 0;
		char *dot = strrchr(copy, '.'), *bracket = strrchr(copy, '[');
		char *cut = KT_MAX(dot, bracket);

		*(cut ? cut : copy) = '\0';
	}
	return 0;
}

static void tell(struct checking *c, bool error, const char *text)
{
	c->fault(c->arg, find_line(c->doc, kt_str_text(&c->path)), error, text);
}

static bool fits(const struct kt_type *type, const json_t *value)
{
	switch (type->shape) {
	case KT_SHAPE_OBJECT:
	case KT_SHAPE_MAP:
		return json_is_object(value);
	case KT_SHAPE_LIST:
		return json_is_array(value);
	case KT_SHAPE_INT32:
	case KT_SHAPE_INT64:
	case KT_SHAPE_UINT32:
	case KT_SHAPE_UINT64:
		return json_is_integer(value);
	case KT_SHAPE_DOUBLE:
		return json_is_number(value);
	case KT_SHAPE_BOOL:
		return json_is_boolean(value);
	case KT_SHAPE_STRING:
	case KT_SHAPE_BYTES:
	case KT_SHAPE_TIME:
	case KT_SHAPE_MICRO_TIME:
	case KT_SHAPE_DURATION:
		return json_is_string(value);
	case KT_SHAPE_QUANTITY:
	case KT_SHAPE_INT_OR_STRING:
		return json_is_string(value) || json_is_number(value);
	default:
		return true;
	}
}

static void check(struct checking *c, const struct kt_type *type, const struct kt_limits *limits,
        const json_t *value);

static void check_members(struct checking *c, const struct kt_type *type, const json_t *object)
{
	size_t len = c->path.len;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, key, value) {
		const struct kt_field *field = kt_type_field(type, kt_sv_of(key));

		kt_str_printf(&c->path, "%s%s", len ? "." : "", key);
		if (field) {
			check(c, field->type, field->limits, value);
		} else if (!(type->flags & KT_FIELD_PRESERVE)) {
			kt_auto_free char *text =
			        kt_asprintf("unknown field \"%s\"", kt_str_text(&c->path));

			tell(c, true, text);
		}
		kt_str_truncate(&c->path, len);
	}
}

static void check_text(struct checking *c, const struct kt_limits *limits, const char *text)
{
	kt_auto_str message = KT_STR_INIT;

	for (const char *const *value = limits->enum_values; value && *value; value++)
		if (!strcmp(*value, text))
			return;
	kt_str_printf(&message, "\"%s\" is none of", text);
	for (const char *const *value = limits->enum_values; value && *value; value++)
		kt_str_printf(&message, "%s %s", value == limits->enum_values ? "" : ",", *value);
	tell(c, true, kt_str_text(&message));
}

/* What a custom resource's schema says of one value; lists are told as the server does. */
static void check_listed(struct checking *c, const json_t *list, const json_t *value)
{
	kt_auto_str message = KT_STR_INIT;
	json_t *item;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)list, i, item)
		if (json_equal(item, value))
			return;
	kt_json_write(&message, value, 0);
	kt_str_puts(&message, " is none of");
	json_array_foreach((json_t *)(uintptr_t)list, i, item) {
		kt_str_puts(&message, i ? ", " : " ");
		kt_json_write(&message, item, 0);
	}
	tell(c, true, kt_str_text(&message));
}

static void check_number(struct checking *c, const struct kt_limits *limits, double value)
{
	const char *path = kt_str_text(&c->path);
	kt_auto_free char *text = NULL;

	if (limits->has_minimum && (value < limits->minimum ||
	                                   (limits->exclusive_minimum && value <= limits->minimum)))
		text = kt_asprintf("%s: should be greater than %s%.15g", path,
		        limits->exclusive_minimum ? "" : "or equal to ", limits->minimum);
	else if (limits->has_maximum &&
	         (value > limits->maximum ||
	                 (limits->exclusive_maximum && value >= limits->maximum)))
		text = kt_asprintf("%s: should be less than %s%.15g", path,
		        limits->exclusive_maximum ? "" : "or equal to ", limits->maximum);
	if (text)
		tell(c, true, text);
}

static void check_limits(struct checking *c, const struct kt_limits *limits, const json_t *value)
{
	if (json_is_string(value) && limits->enum_values && *json_string_value(value))
		check_text(c, limits, json_string_value(value));
	if (json_array_size(limits->enum_json))
		check_listed(c, limits->enum_json, value);
	if (json_is_number(value))
		check_number(c, limits, json_number_value(value));
}

/* Fields that must be there and for which nothing stands in; of a built-in kind the server has the
 * last word. */
static void check_required(struct checking *c, const struct kt_type *type, const json_t *object)
{
	for (uint16_t i = 0; i < type->n_fields; i++) {
		const struct kt_field *field = &type->fields[i];

		if (!(field->flags & KT_FIELD_REQUIRED) || field->default_json ||
		        !(field->flags & KT_FIELD_UNSTRUCTURED) ||
		        json_object_get(object, field->name))
			continue;
		kt_auto_free char *text = kt_asprintf("%s%s%s: Required value",
		        kt_str_text(&c->path), c->path.len ? "." : "", field->name);

		tell(c, true, text);
	}
}

static void check(struct checking *c, const struct kt_type *type, const struct kt_limits *limits,
        const json_t *value)
{
	size_t len = c->path.len, i;
	const char *key;
	json_t *item;

	if (json_is_null(value))
		return;
	if (!fits(type, value)) {
		kt_auto_free char *text =
		        kt_asprintf("%s: %s is expected", kt_str_text(&c->path), shape_name(type));

		tell(c, true, text);
		return;
	}
	if (!limits)
		limits = type->limits;
	if (limits)
		check_limits(c, limits, value);
	if (type->shape == KT_SHAPE_OBJECT) {
		check_members(c, type, value);
		check_required(c, type, value);
	}
	if (type->shape == KT_SHAPE_LIST) {
		json_array_foreach((json_t *)(uintptr_t)value, i, item) {
			kt_str_printf(&c->path, "[%zu]", i);
			check(c, type->elem, NULL, item);
			kt_str_truncate(&c->path, len);
		}
	}
	if (type->shape == KT_SHAPE_MAP && type->elem) {
		json_object_foreach((json_t *)(uintptr_t)value, key, item) {
			kt_str_printf(&c->path, "%s%s", len ? "." : "", key);
			check(c, type->elem, NULL, item);
			kt_str_truncate(&c->path, len);
		}
	}
}

/* "line 3, column 5: …" */
static size_t line_of_error(const char *message)
{
	const char *at = strstr(message, "line ");
	unsigned long line = at ? strtoul(at + 5, NULL, 10) : 1;

	return line ? line - 1 : 0;
}

struct duplicates {
	kt_fault_fn *fault;
	void *arg;
};

static void on_duplicate(void *arg, const char *path, unsigned line)
{
	struct duplicates *d = arg;
	kt_auto_free char *text = kt_asprintf("\"%s\" is there twice", path);

	d->fault(d->arg, line ? line - 1 : 0, true, text);
}

bool kt_hints_check(const struct kt_type *type, const char *text, kt_fault_fn *fault, void *arg)
{
	struct duplicates duplicates = {fault, arg};
	struct kt_yaml_options options = {
	        .positions = true, .on_duplicate = on_duplicate, .arg = &duplicates};
	struct kt_yaml_docs docs = {0};
	kt_auto_err err = KT_ERR_INIT;

	if (kt_yaml_parse(kt_sv_of(text), &options, &docs, &err) < 0) {
		const char *reason = strstr(kt_err_message(&err), ": ");

		fault(arg, line_of_error(kt_err_message(&err)), true,
		        reason ? reason + 2 : kt_err_message(&err));
		return false;
	}
	bool one = docs.n == 1 && json_is_object(docs.docs[0].value);

	if (!one) {
		fault(arg, 0, true, "one object is expected");
	} else if (type) {
		struct checking c = {&docs.docs[0], fault, arg, KT_STR_INIT};

		check(&c, type, NULL, docs.docs[0].value);
		kt_str_finish(&c.path);
	}
	kt_yaml_docs_finish(&docs);
	return one;
}

size_t kt_hints_line_of(const char *text, const char *path)
{
	struct kt_yaml_options options = {.positions = true};
	struct kt_yaml_docs docs = {0};
	size_t line = 0;

	if (kt_yaml_parse(kt_sv_of(text), &options, &docs, NULL) == 0 && docs.n)
		line = find_line(&docs.docs[0], path);
	kt_yaml_docs_finish(&docs);
	return line;
}
