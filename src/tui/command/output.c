/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/command/output.h"

#include "tui/command/kyaml.h"

#include "api/expr/gotemplate.h"
#include "api/expr/jsonpath.h"
#include "api/machinery/go_text.h"
#include "api/schema/schema.h"
#include "base/path.h"
#include "base/vec.h"
#include "base/yaml.h"

#include <ctype.h>
#include <errno.h>

struct custom_column {
	char *header;
	struct kt_jsonpath *path;
};

struct kt_printer {
	struct kt_command_context *ctx;
	enum kt_output_kind kind;
	bool wide, with_type, with_namespace, no_headers, show_labels, managed_fields;
	KT_VEC(char *) label_columns;
	struct kt_jsonpath *path;
	bool is_kyaml;
	bool as_json; /* what the path finds, as a list */
	struct kt_gotemplate *template;
	char *template_text;
	KT_VEC(struct custom_column) columns;
	struct kt_table_writer *table;
	const struct kt_resource *last; /* whose header was printed */
	bool columns_header_done;
	size_t n_yaml;
	const char *event;
	bool in_row; /* its first cell is written */
};

static int parse_columns(struct kt_printer *printer, const char *spec, struct kt_err *err)
{
	struct kt_sv rest = kt_sv_of(spec), part;

	printer->kind = KT_OUTPUT_COLUMNS;
	while (kt_sv_split(&rest, ',', &part)) {
		const char *colon = memchr(part.p, ':', part.len);

		if (!colon)
			return kt_fail(err, EINVAL,
			        "unexpected custom-columns spec: %.*s, expected "
			        "<header>:<json-path-expr>",
			        (int)part.len, part.p);
		kt_auto_free char *expression =
		        kt_strndup(colon + 1, (size_t)(part.p + part.len - colon - 1));
		struct custom_column column = {
		        .header = kt_strndup(part.p, (size_t)(colon - part.p)),
		};
		int r = kt_jsonpath_parse(expression, true, &column.path, err);

		kt_vec_push(&printer->columns, column);
		if (r < 0)
			return r;
	}
	return printer->columns.n
	               ? 0
	               : kt_fail(err, EINVAL,
	                         "custom-columns format specified but no custom columns given");
}

/* The first line of a custom-columns file holds the headers, the second the paths. */
static int parse_columns_file(struct kt_printer *printer, const char *path, struct kt_err *err)
{
	kt_auto_str text = KT_STR_INIT, spec = KT_STR_INIT;
	struct kt_sv rest, headers, paths;

	kt_auto_err why = KT_ERR_INIT;

	if (kt_read_file(path, 1 << 20, &text, &why) < 0) {
		kt_auto_free char *problem = kt_open_problem(path, why.code);

		return kt_fail(err, why.code, "error reading template %s, %s", path, problem);
	}
	rest = (struct kt_sv){kt_str_text(&text), text.len};
	if (!kt_sv_split(&rest, '\n', &headers) || !kt_sv_split(&rest, '\n', &paths))
		return kt_fail(err, EINVAL, "custom-columns file %s needs two lines", path);
	for (;;) {
		headers = kt_sv_trim(headers);
		paths = kt_sv_trim(paths);
		if (!headers.len || !paths.len)
			break;
		size_t h = 0, p = 0;

		while (h < headers.len && !isspace((unsigned char)headers.p[h]))
			h++;
		while (p < paths.len && !isspace((unsigned char)paths.p[p]))
			p++;
		kt_str_printf(&spec, "%s%.*s:%.*s", spec.len ? "," : "", (int)h, headers.p, (int)p,
		        paths.p);
		headers = (struct kt_sv){headers.p + h, headers.len - h};
		paths = (struct kt_sv){paths.p + p, paths.len - p};
	}
	return parse_columns(printer, kt_str_text(&spec), err);
}

static int parse_jsonpath(struct kt_printer *printer, const char *text, struct kt_err *err)
{
	printer->kind = KT_OUTPUT_JSONPATH;
	printer->template_text = kt_strdup(text);
	if (kt_jsonpath_parse(text, false, &printer->path, err) < 0) {
		kt_auto_err why = KT_ERR_INIT;

		kt_err_move(&why, err);
		return kt_fail(
		        err, why.code, "error parsing jsonpath %s, %s", text, kt_err_message(&why));
	}
	return 0;
}

static int parse_jsonpath_list(struct kt_printer *printer, const char *text, struct kt_err *err)
{
	printer->as_json = true;
	return parse_jsonpath(printer, text, err);
}

static int parse_template(struct kt_printer *printer, const char *text, struct kt_err *err)
{
	kt_auto_err why = KT_ERR_INIT;

	printer->kind = KT_OUTPUT_TEMPLATE;
	printer->template_text = kt_strdup(text);
	if (kt_gotemplate_parse(text, &printer->template, &why) < 0)
		return kt_fail(
		        err, why.code, "error parsing template %s, %s", text, kt_err_message(&why));
	return 0;
}

/* Forms that have an argument: behind "=", or in --template. */
static const struct form {
	const char *name;
	const char *noun; /* what it is said to miss */
	bool file;        /* the argument names a file with it */
	int (*parse)(struct kt_printer *printer, const char *text, struct kt_err *err);
} FORMS[] = {
        {"custom-columns", "custom-columns", false, parse_columns},
        {"custom-columns-file", "custom-columns", false, parse_columns_file},
        {"go-template", "template", false, parse_template},
        {"go-template-file", "template", true, parse_template},
        {"jsonpath", "template", false, parse_jsonpath},
        {"jsonpath-as-json", "template", false, parse_jsonpath_list},
        {"jsonpath-file", "template", true, parse_jsonpath},
        {"template", "template", false, parse_template},
        {"templatefile", "template", true, parse_template},
};

static int parse_form(
        struct kt_printer *printer, const struct form *form, const char *text, struct kt_err *err)
{
	kt_auto_str content = KT_STR_INIT;

	if (!text || !*text)
		text = kt_opt_string(printer->ctx, "template");
	if (!text || !*text)
		return !strcmp(form->noun, "template")
		               ? kt_fail(err, EINVAL,
		                         "template format specified but no template given")
		               : kt_fail(err, EINVAL,
		                         "custom-columns format specified but no custom columns "
		                         "given");
	if (!form->file)
		return form->parse(printer, text, err);
	kt_auto_err why = KT_ERR_INIT;

	if (kt_read_file(text, 1 << 20, &content, &why) < 0) {
		kt_auto_free char *problem = kt_open_problem(text, why.code);

		return kt_fail(err, why.code, "error reading --template %s, %s", text, problem);
	}
	return form->parse(printer, kt_str_text(&content), err);
}

static int refuse_format(const char *output, struct kt_err *err)
{
	return kt_fail(err, EINVAL,
	        "unable to match a printer suitable for the output format \"%s\", allowed formats "
	        "are: custom-columns,custom-columns-file,go-template,go-template-file,json,"
	        "jsonpath,jsonpath-as-json,jsonpath-file,kyaml,name,template,templatefile,wide,"
	        "yaml",
	        output);
}

static int parse_long_form(struct kt_printer *printer, const char *output, struct kt_err *err)
{
	size_t len = strcspn(output, "=");

	for (size_t i = 0; i < KT_ARRAY_SIZE(FORMS); i++)
		if (strlen(FORMS[i].name) == len && !strncmp(FORMS[i].name, output, len))
			return parse_form(
			        printer, &FORMS[i], output[len] ? output + len + 1 : NULL, err);
	return refuse_format(output, err);
}

static int parse_output(struct kt_printer *printer, const char *output, struct kt_err *err)
{
	if ((!output || !*output) && kt_opt_given(printer->ctx, "template"))
		output = "go-template";
	if (!output || !*output || !strcmp(output, "wide")) {
		printer->wide = output && *output;
		return 0;
	}
	if (!strcmp(output, "name"))
		printer->kind = KT_OUTPUT_NAME;
	else if (!strcmp(output, "json"))
		printer->kind = KT_OUTPUT_JSON;
	else if (!strcmp(output, "yaml") || !strcmp(output, "kyaml"))
		printer->kind = KT_OUTPUT_YAML;
	else
		return parse_long_form(printer, output, err);
	printer->is_kyaml = !strcmp(output, "kyaml");
	return 0;
}

static void read_label_columns(struct kt_printer *printer)
{
	const struct kt_strings *lists = kt_opt_strings(printer->ctx, "label-columns");

	for (size_t i = 0; i < lists->n; i++) {
		struct kt_sv rest = kt_sv_of(lists->items[i]), part;

		while (kt_sv_split(&rest, ',', &part))
			kt_vec_push(&printer->label_columns, kt_sv_dup(part));
	}
}

int kt_printer_create(struct kt_command_context *ctx, bool with_type, bool with_namespace,
        struct kt_printer **ret_printer, struct kt_err *err)
{
	struct kt_printer *printer = kt_new(struct kt_printer);

	printer->ctx = ctx;
	printer->with_type = with_type || kt_opt_bool(ctx, "show-kind");
	printer->with_namespace = with_namespace;
	printer->no_headers = kt_opt_bool(ctx, "no-headers");
	printer->show_labels = kt_opt_bool(ctx, "show-labels");
	printer->managed_fields = kt_opt_bool(ctx, "show-managed-fields");
	printer->table = kt_table_writer_create(ctx->out);
	read_label_columns(printer);
	if (parse_output(printer, kt_opt_string(ctx, "output"), err) < 0) {
		kt_printer_destroy(printer);
		return err->code;
	}
	*ret_printer = printer;
	return 0;
}

void kt_printer_set_with_type(struct kt_printer *printer, bool with_type)
{
	printer->with_type = with_type || kt_opt_bool(printer->ctx, "show-kind");
}

void kt_printer_set_event(struct kt_printer *printer, const char *event)
{
	printer->event = event;
}

void kt_printer_flush(struct kt_printer *printer)
{
	kt_table_writer_flush(printer->table);
	fflush(printer->ctx->out);
}

void kt_printer_destroy(struct kt_printer *printer)
{
	if (!printer)
		return;
	kt_table_writer_destroy(printer->table);
	kt_jsonpath_destroy(printer->path);
	kt_gotemplate_destroy(printer->template);
	free(printer->template_text);
	for (size_t i = 0; i < printer->columns.n; i++) {
		free(printer->columns.items[i].header);
		kt_jsonpath_destroy(printer->columns.items[i].path);
	}
	kt_vec_finish(&printer->columns);
	for (size_t i = 0; i < printer->label_columns.n; i++)
		free(printer->label_columns.items[i]);
	kt_vec_finish(&printer->label_columns);
	free(printer);
}

enum kt_output_kind kt_printer_kind(const struct kt_printer *printer)
{
	return printer->kind;
}

/* Tables */

static bool column_shown(const struct kt_printer *printer, const json_t *column)
{
	return printer->wide || kt_jint(column, "priority", 0) == 0;
}

#define EVENT_WIDTH 11 /* of kubectl's first column with --output-watch-events */

static void put_cell(struct kt_printer *printer, const char *text, const char *event)
{
	kt_auto_free char *with_event =
	        printer->event && !printer->in_row
	                ? kt_asprintf("%-*s%s", EVENT_WIDTH, event, text ? text : "")
	                : NULL;

	kt_table_writer_cell(printer->table, with_event ? with_event : text);
	printer->in_row = true;
}

static void end_row(struct kt_printer *printer)
{
	kt_table_writer_end_row(printer->table);
	printer->in_row = false;
}

static char *upper(const char *text)
{
	char *copy = kt_strdup(text ? text : "");

	for (char *p = copy; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	return copy;
}

static void print_header(
        struct kt_printer *printer, const struct kt_resource *resource, const json_t *definitions)
{
	json_t *column;
	size_t i;

	if (printer->with_namespace && resource->namespaced)
		put_cell(printer, "NAMESPACE", "EVENT");
	json_array_foreach(definitions, i, column) {
		kt_auto_free char *name = upper(kt_jstr(column, "name"));

		if (column_shown(printer, column))
			put_cell(printer, name, "EVENT");
	}
	for (i = 0; i < printer->label_columns.n; i++) {
		const char *key = printer->label_columns.items[i], *slash = strrchr(key, '/');
		kt_auto_free char *name = upper(slash ? slash + 1 : key);

		kt_table_writer_cell(printer->table, name);
	}
	if (printer->show_labels)
		kt_table_writer_cell(printer->table, "LABELS");
	end_row(printer);
}

/* A cell as kubectl prints it: strings bare, the rest as JSON. Heap. */
static char *cell_text(const json_t *value)
{
	struct kt_str out = KT_STR_INIT;

	if (json_is_string(value))
		return kt_strdup(json_string_value(value));
	if (!value || json_is_null(value))
		return kt_strdup("<none>");
	kt_json_write(&out, value, 0);
	return kt_str_steal(&out);
}

static void print_labels(struct kt_printer *printer, const json_t *labels)
{
	kt_auto_str text = KT_STR_INIT;
	const char *key;
	json_t *value;

	for (size_t i = 0; i < printer->label_columns.n; i++) {
		const char *label =
		        json_string_value(json_object_get(labels, printer->label_columns.items[i]));

		kt_table_writer_cell(printer->table, label ? label : "");
	}
	if (!printer->show_labels)
		return;
	KT_VEC(const char *) keys = {0};

	json_object_foreach((json_t *)(uintptr_t)labels, key, value)
		kt_vec_push(&keys, key);
	if (keys.n)
		qsort(keys.items, keys.n, sizeof(*keys.items), kt_strp_cmp);
	for (size_t i = 0; i < keys.n; i++)
		kt_str_printf(&text, "%s%s=%s", i ? "," : "", keys.items[i],
		        json_string_value(json_object_get(labels, keys.items[i])));
	kt_table_writer_cell(printer->table, text.len ? kt_str_text(&text) : "<none>");
	kt_vec_finish(&keys);
}

static void print_row(struct kt_printer *printer, const struct kt_resource *resource,
        const json_t *definitions, const json_t *row)
{
	const json_t *cells = json_object_get(row, "cells");
	json_t *column;
	size_t i;

	if (printer->with_namespace && resource->namespaced)
		put_cell(printer, kt_jstr(row, "object.metadata.namespace"), printer->event);
	json_array_foreach(definitions, i, column) {
		kt_auto_free char *text = cell_text(json_array_get(cells, i));

		if (!column_shown(printer, column))
			continue;
		if (printer->with_type && kt_streq(kt_jstr(column, "format"), "name")) {
			kt_auto_free char *typed =
			        *resource->group ? kt_asprintf("%s.%s/%s", resource->singular,
			                                   resource->group, text)
			                         : kt_asprintf("%s/%s", resource->singular, text);

			put_cell(printer, typed, printer->event);
			continue;
		}
		put_cell(printer, text, printer->event);
	}
	print_labels(printer, kt_jget(row, "object.metadata.labels"));
	end_row(printer);
}

void kt_printer_table(
        struct kt_printer *printer, const struct kt_resource *resource, const json_t *table)
{
	const json_t *definitions = json_object_get(table, "columnDefinitions");
	json_t *row;
	size_t i;

	if (printer->last != resource && json_array_size(json_object_get(table, "rows")) > 0) {
		if (printer->last) {
			/* another type starts a table of its own, as in `get all` */
			kt_table_writer_destroy(printer->table);
			printer->table = kt_table_writer_create(printer->ctx->out);
			if (!printer->no_headers)
				fputc('\n', printer->ctx->out);
		}
		if (!printer->no_headers)
			print_header(printer, resource, definitions);
		printer->last = resource;
	}
	json_array_foreach(json_object_get(table, "rows"), i, row)
		print_row(printer, resource, definitions, row);
}

/* Objects */

static int print_custom(struct kt_printer *printer, const json_t *object, struct kt_err *err)
{
	if (!printer->columns_header_done && !printer->no_headers) {
		for (size_t i = 0; i < printer->columns.n; i++)
			kt_table_writer_cell(printer->table, printer->columns.items[i].header);
		kt_table_writer_end_row(printer->table);
	}
	printer->columns_header_done = true;
	for (size_t i = 0; i < printer->columns.n; i++) {
		kt_auto_json json_t *found =
		        kt_jsonpath_find(printer->columns.items[i].path, object, true, err);
		kt_auto_str text = KT_STR_INIT;
		json_t *value;
		size_t j;

		if (!found)
			return err->code;
		json_array_foreach(found, j, value) {
			kt_str_puts(&text, j ? "," : "");
			if (json_is_null(value))
				kt_str_puts(&text, "<none>");
			else
				kt_go_percent_v(&text, value);
		}
		kt_table_writer_cell(printer->table, text.len ? kt_str_text(&text) : "<none>");
	}
	kt_table_writer_end_row(printer->table);
	return 0;
}

/* The value with fields in the order of its type and the keys of maps sorted. New reference. */
static json_t *in_type_order(const json_t *value, const struct kt_type *type);

static void put_fields(json_t *out, const json_t *object, const struct kt_type *type)
{
	for (size_t i = 0; i < type->n_fields; i++) {
		const struct kt_field *field = &type->fields[i];
		json_t *value = json_object_get(object, field->name);

		if (field->flags & KT_FIELD_INLINE)
			put_fields(out, object, field->type);
		else if (value)
			json_object_set_new(out, field->name, in_type_order(value, field->type));
	}
}

static json_t *in_key_order(const json_t *object, const struct kt_type *type)
{
	KT_VEC(const char *) keys = {0};
	json_t *out = json_object(), *value;
	const char *key;

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
		kt_vec_push(&keys, key);
	if (keys.n)
		qsort(keys.items, keys.n, sizeof(*keys.items), kt_strp_cmp);
	for (size_t i = 0; i < keys.n; i++)
		json_object_set_new(out, keys.items[i],
		        in_type_order(json_object_get(object, keys.items[i]),
		                type && type->shape == KT_SHAPE_MAP ? type->elem : NULL));
	kt_vec_finish(&keys);
	return out;
}

static json_t *in_type_order(const json_t *value, const struct kt_type *type)
{
	if (json_is_array(value)) {
		json_t *out = json_array(), *item;
		size_t i;

		json_array_foreach(value, i, item)
			json_array_append_new(out,
			        in_type_order(item,
			                type && type->shape == KT_SHAPE_LIST ? type->elem : NULL));
		return out;
	}
	if (!json_is_object(value))
		return json_incref((json_t *)(uintptr_t)value);
	if (!type || type->shape != KT_SHAPE_OBJECT)
		return in_key_order(value, type);
	json_t *out = json_object();

	static const char *const HEAD[] = {"kind", "apiVersion"};

	/* before the others where they are the type's and not fields like those of a reference */
	for (size_t i = 0; i < KT_ARRAY_SIZE(HEAD); i++)
		if (json_object_get(value, "metadata") && json_object_get(value, HEAD[i]))
			json_object_set(out, HEAD[i], json_object_get(value, HEAD[i]));
	put_fields(out, value, type);
	return out;
}

/* The object without managedFields, unless they were asked for. New reference. */
static json_t *shown_object(const struct kt_printer *printer, const json_t *object)
{
	json_t *copy = json_copy((json_t *)(uintptr_t)object);
	json_t *metadata = json_copy(json_object_get(object, "metadata")), *items, *item;
	size_t i;

	if (printer->managed_fields) {
		json_decref(metadata);
		return copy;
	}
	if (metadata) {
		json_object_del(metadata, "managedFields");
		json_object_set_new(copy, "metadata", metadata);
	}
	items = json_object_get(copy, "items");
	if (json_is_array(items)) {
		json_t *shown = json_array();

		json_array_foreach(items, i, item)
			json_array_append_new(shown, shown_object(printer, item));
		json_object_set_new(copy, "items", shown);
	}
	return copy;
}

static const struct kt_type *type_of(const json_t *object)
{
	const char *api_version = kt_jstr(object, "apiVersion"), *kind = kt_jstr(object, "kind");
	const char *slash = api_version ? strchr(api_version, '/') : NULL;
	kt_auto_free char *group = kt_strndup(
	        api_version ? api_version : "", slash ? (size_t)(slash - api_version) : 0);

	return api_version && kind ? kt_type_for_body(group, slash ? slash + 1 : api_version, kind)
	                           : NULL;
}

json_t *kt_in_type_order(const json_t *object)
{
	return in_type_order(object, type_of(object));
}

/* {type, object}: kubectl prints what came over the wire. */
static int print_event(struct kt_printer *printer, const json_t *object)
{
	kt_auto_json json_t *event = json_pack(
	        "{s:O, s:s}", "object", (json_t *)(uintptr_t)object, "type", printer->event);
	kt_auto_json json_t *ordered = in_type_order(object, NULL);
	kt_auto_json json_t *head =
	        json_pack("{s:s, s:O}", "type", printer->event, "object", ordered);
	kt_auto_str text = KT_STR_INIT;

	if (printer->kind == KT_OUTPUT_JSON) {
		kt_json_write(&text, head, 0);
		kt_str_putc(&text, '\n');
	} else {
		kt_str_puts(&text, printer->n_yaml++ ? "---\n" : "");
		kt_yaml_write(&text, event);
	}
	fputs(kt_str_text(&text), printer->ctx->out);
	return 0;
}

static int print_document(struct kt_printer *printer, const json_t *object)
{
	if (printer->event)
		return print_event(printer, object);
	kt_auto_json json_t *shown = shown_object(printer, object);
	kt_auto_json json_t *ordered =
	        in_type_order(shown, printer->ctx->command->prints_typed ? type_of(shown) : NULL);
	kt_auto_str text = KT_STR_INIT;

	if (printer->kind == KT_OUTPUT_JSON) {
		kt_json_write(&text, ordered, KT_JSON_PRETTY);
		kt_str_putc(&text, '\n');
	} else if (printer->is_kyaml) {
		kt_kyaml_write(&text, ordered);
	} else {
		if (printer->n_yaml++)
			kt_str_puts(&text, "---\n");
		kt_yaml_write(&text, shown);
	}
	fputs(kt_str_text(&text), printer->ctx->out);
	return 0;
}

/* What it printed before an error stays to be seen. */
static int print_template(struct kt_printer *printer, const json_t *object, struct kt_err *err)
{
	kt_auto_str text = KT_STR_INIT;
	int r = kt_gotemplate_print(printer->template, object, &text, err);

	fwrite(kt_str_text(&text), 1, text.len, printer->ctx->out);
	if (r < 0) {
		kt_auto_str quoted = KT_STR_INIT;

		kt_go_quote(&quoted, kt_sv_of(printer->template_text));
		return kt_wrap(err, "error executing template %s", kt_str_text(&quoted));
	}
	return 0;
}

static bool missing_is_fine(const struct kt_printer *printer)
{
	return !kt_opt_given(printer->ctx, "allow-missing-template-keys") ||
	       kt_opt_bool(printer->ctx, "allow-missing-template-keys");
}

static int print_found(struct kt_printer *printer, const json_t *object, struct kt_err *err)
{
	kt_auto_json json_t *found =
	        kt_jsonpath_find(printer->path, object, missing_is_fine(printer), err);
	kt_auto_str text = KT_STR_INIT;

	if (!found)
		return err->code;
	kt_json_write(&text, found, KT_JSON_PRETTY | KT_JSON_SORT);
	fprintf(printer->ctx->out, "%s\n", kt_str_text(&text));
	return 0;
}

int kt_printer_object(struct kt_printer *printer, const struct kt_resource *resource,
        const json_t *object, struct kt_err *err)
{
	kt_auto_str text = KT_STR_INIT;

	switch (printer->kind) {
	case KT_OUTPUT_NAME:
		fprintf(printer->ctx->out, "%s%s%s/%s\n", resource->singular,
		        *resource->group ? "." : "", resource->group,
		        kt_jstr(object, "metadata.name"));
		return 0;
	case KT_OUTPUT_JSON:
	case KT_OUTPUT_YAML:
		return print_document(printer, object);
	case KT_OUTPUT_TEMPLATE:
		return print_template(printer, object, err);
	case KT_OUTPUT_JSONPATH:
		if (printer->as_json)
			return print_found(printer, object, err);
		if (kt_jsonpath_print(printer->path, object, missing_is_fine(printer), &text, err) <
		        0) {
			kt_auto_str quoted = KT_STR_INIT;

			kt_go_quote(&quoted, kt_sv_of(printer->template_text));
			return kt_wrap(err, "error executing jsonpath %s", kt_str_text(&quoted));
		}
		fputs(kt_str_text(&text), printer->ctx->out);
		return 0;
	case KT_OUTPUT_COLUMNS:
		return print_custom(printer, object, err);
	case KT_OUTPUT_TABLE:
		break;
	}
	return kt_fail(err, EINVAL, "a table needs the server's columns");
}

int kt_print_result(struct kt_command_context *ctx, const struct kt_resource *resource,
        const json_t *object, const char *done, struct kt_err *err)
{
	const char *dry_run = kt_opt_string(ctx, "dry-run");
	struct kt_printer *printer;

	if (!kt_opt_string(ctx, "output")) {
		fprintf(ctx->out, "%s%s%s/%s %s%s\n", resource->singular,
		        *resource->group ? "." : "", resource->group,
		        kt_jstr(object, "metadata.name"), done,
		        kt_streq(dry_run, "server")   ? " (server dry run)"
		        : kt_streq(dry_run, "client") ? " (dry run)"
		                                      : "");
		return 0;
	}
	if (kt_printer_create(ctx, false, false, &printer, err) < 0)
		return err->code;
	int r = kt_printer_object(printer, resource, object, err);

	kt_printer_destroy(printer);
	return r;
}
