/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/drill.h"

#include "tui/fetch.h"
#include "tui/kinds.h"
#include "tui/view/containers.h"
#include "tui/view/resource.h"

#include "api/expr/gotemplate.h"
#include "base/json.h"

struct drilling {
	char *namespace, *name, *of;
	const char *to;
	enum kt_enter enter;
	bool is_jump;
	char *target, *labels, *fields, *where; /* of a jump; templates on the object */
};

/* The command that lists the same; what only the UI can choose by stands behind it as a remark. */
static void echo(struct kt_ui *ui, const struct kt_resource_view_options *options)
{
	const struct kt_resource *resource = options->resource;
	kt_auto_free char *name = kt_resource_full_name(resource);
	kt_auto_str line = KT_STR_INIT;

	kt_str_printf(&line, "get %s", name);
	if (options->select)
		kt_str_printf(&line, " %s", options->select);
	if (resource->namespaced && options->namespace && *options->namespace)
		kt_str_printf(&line, " -n %s", options->namespace);
	else if (resource->namespaced)
		kt_str_puts(&line, " -A");
	if (options->label_selector)
		kt_str_printf(&line, " -l '%s'", options->label_selector);
	if (options->field_selector)
		kt_str_printf(&line, " --field-selector %s", options->field_selector);
	if (options->owner_uid)
		kt_str_printf(&line, "  # owned by %s", options->of);
	else if (options->fields)
		kt_str_printf(&line, "  # where %s", options->fields);
	kt_ui_echo(ui, kt_str_text(&line));
}

static void push(struct kt_ui *ui, const char *plural, struct kt_resource_view_options *options)
{
	options->resource = kt_ui_resource(ui, plural);
	if (!options->resource) {
		kt_ui_flash(ui, KT_FLASH_ERROR, "the server doesn't have a resource type \"%s\"",
		        plural);
		return;
	}
	echo(ui, options);
	kt_ui_push(ui, kt_resource_view_create(ui, options));
}

/* {matchLabels, matchExpressions} or a plain map, as the text of a label selector. */
static void selector_text(const json_t *selector, struct kt_str *out)
{
	const json_t *labels = json_object_get(selector, "matchLabels"), *expression, *value;
	bool plain = !labels && !json_object_get(selector, "matchExpressions");
	const char *name;
	size_t i, k;

	json_object_foreach((json_t *)(uintptr_t)(plain ? selector : labels), name, value)
		kt_str_printf(out, "%s%s=%s", out->len ? "," : "", name,
		        json_string_value(value) ? json_string_value(value) : "");
	json_array_foreach(json_object_get(selector, "matchExpressions"), i, expression) {
		const char *key = kt_jstr(expression, "key"),
		           *operator= kt_jstr(expression, "operator");

		if (!key || !operator)
			continue;
		kt_str_puts(out, out->len ? "," : "");
		if (!strcmp(operator, "Exists") || !strcmp(operator, "DoesNotExist")) {
			kt_str_printf(out, "%s%s", *operator== 'D' ? "!" : "", key);
			continue;
		}
		kt_str_printf(out, "%s %s (", key, !strcmp(operator, "In") ? "in" : "notin");
		json_array_foreach(json_object_get(expression, "values"), k, value)
			kt_str_printf(out, "%s%s", k ? "," : "",
			        json_string_value(value) ? json_string_value(value) : "");
		kt_str_putc(out, ')');
	}
}

static void free_drilling(void *arg)
{
	struct drilling *drilling = arg;

	free(drilling->namespace);
	free(drilling->name);
	free(drilling->of);
	free(drilling->target);
	free(drilling->labels);
	free(drilling->fields);
	free(drilling->where);
	free(drilling);
}

static int fill_in(const char *text, const json_t *object, struct kt_str *out, struct kt_err *err)
{
	struct kt_gotemplate *template;

	if (kt_gotemplate_parse(text, &template, err) < 0)
		return err->code;
	int r = kt_gotemplate_print(template, object, out, err);

	kt_gotemplate_destroy(template);
	return r;
}

static void jump(struct kt_ui *ui, const struct drilling *drilling, const json_t *object)
{
	kt_auto_str labels = KT_STR_INIT, fields = KT_STR_INIT, where = KT_STR_INIT;
	kt_auto_err err = KT_ERR_INIT;

	if (fill_in(drilling->labels, object, &labels, &err) < 0 ||
	        fill_in(drilling->fields, object, &fields, &err) < 0 ||
	        fill_in(drilling->where, object, &where, &err) < 0) {
		kt_ui_flash(ui, KT_FLASH_ERROR, "jumps.yaml: %s", kt_err_message(&err));
		return;
	}
	const char *namespace = kt_str_text(&where);

	push(ui, drilling->target,
	        &(struct kt_resource_view_options){.namespace = !*namespace ? drilling->namespace
	                                                        : !strcmp(namespace, "all")
	                                                                ? ""
	                                                                : namespace,
	                .label_selector = labels.len ? kt_str_text(&labels) : NULL,
	                .fields = fields.len ? kt_str_text(&fields) : NULL,
	                .of = drilling->of});
}

/* The object is here. */
static void on_object(struct kt_ui *ui, void *arg, json_t *object, struct kt_err *err)
{
	struct drilling *drilling = arg;
	kt_auto_str selector = KT_STR_INIT;

	if (!object) {
		kt_ui_flash(ui, KT_FLASH_ERROR, "%s", kt_err_message(err));
		return;
	}
	if (drilling->is_jump) {
		jump(ui, drilling, object);
		return;
	}
	if (drilling->enter == KT_ENTER_CONTAINERS) {
		kt_auto_free char *line =
		        kt_asprintf("describe pod/%s -n %s", drilling->name, drilling->namespace);

		kt_ui_echo(ui, line);
		kt_ui_push(ui, kt_containers_view_create(ui, object));
		return;
	}
	if (drilling->enter == KT_ENTER_DEFINED) {
		kt_auto_free char *full = kt_asprintf("%s.%s", kt_jstr(object, "spec.names.plural"),
		        kt_jstr(object, "spec.group"));

		push(ui, full, &(struct kt_resource_view_options){.namespace = ui->namespace});
		return;
	}
	selector_text(kt_jget(object, "spec.selector"), &selector);
	if (!selector.len) {
		kt_ui_flash(ui, KT_FLASH_WARN, "%s selects no pods", drilling->of);
		return;
	}
	push(ui, drilling->to,
	        &(struct kt_resource_view_options){.namespace = drilling->namespace,
	                .label_selector = kt_str_text(&selector),
	                .of = drilling->of});
}

/* kind: where to, by its row; jump: as the person wants it; one of them. */
static void fetch(struct kt_ui *ui, const struct kt_resource *resource, const struct kt_row *row,
        const struct kt_ui_kind *kind, const struct kt_jump *jump)
{
	struct drilling *drilling = kt_new(struct drilling);
	kt_auto_free char *path = kt_resource_path(
	        resource, *row->namespace ? row->namespace : NULL, row->name, NULL);

	drilling->namespace = kt_strdup(row->namespace);
	drilling->name = kt_strdup(row->name);
	drilling->of = kt_asprintf("%s/%s", resource->singular, row->name);
	if (kind) {
		drilling->enter = kind->enter;
		drilling->to = kind->to;
	} else {
		drilling->is_jump = true;
		drilling->target = kt_strdup(jump->target);
		drilling->labels = kt_strdup(jump->labels);
		drilling->fields = kt_strdup(jump->fields);
		drilling->where = kt_strdup(jump->namespace);
	}
	kt_fetch(ui, path, on_object, drilling, free_drilling);
}

static void describe(struct kt_ui *ui, const struct kt_resource *resource, const struct kt_row *row)
{
	kt_auto_str line = KT_STR_INIT;

	kt_str_puts(&line, "describe ");
	kt_resource_put_target(ui, resource, row->name, &line);
	if (*row->namespace)
		kt_str_printf(&line, " -n %s", row->namespace);
	kt_ui_run(ui, kt_str_text(&line));
}

static void enter_kind(struct kt_ui *ui, const struct kt_resource *resource,
        const struct kt_row *row, const struct kt_ui_kind *kind)
{
	kt_auto_free char *of = kt_asprintf("%s/%s", resource->singular, row->name);
	kt_auto_free char *field = kt_asprintf("spec.nodeName=%s", row->name);
	struct kt_resource_view_options options = {.namespace = row->namespace, .of = of};

	switch (kind->enter) {
	case KT_ENTER_DESCRIBE:
		describe(ui, resource, row);
		return;
	case KT_ENTER_INSIDE:
		kt_ui_use_namespace(ui, row->name);
		options = (struct kt_resource_view_options){.namespace = row->name};
		break;
	case KT_ENTER_ON_NODE:
		options.field_selector = field;
		break;
	case KT_ENTER_OWNED:
		options.owner_uid = row->uid;
		break;
	case KT_ENTER_SELECTED:
	case KT_ENTER_DEFINED:
	case KT_ENTER_CONTAINERS:
		fetch(ui, resource, row, kind, NULL);
		return;
	}
	push(ui, kind->to, &options);
}

static void enter(struct kt_ui *ui, const struct kt_resource *resource, const struct kt_row *row)
{
	const struct kt_settings *settings = &ui->custom.settings;
	const struct kt_ui_kind *kind = kt_ui_kind_of(resource);

	for (size_t i = settings->jumps.n; i > 0; i--) { /* what was read last counts */
		const struct kt_jump *jump = &settings->jumps.items[i - 1];

		if (kt_ui_is_kind(ui, kt_sv_of(jump->source), resource)) {
			fetch(ui, resource, row, NULL, jump);
			return;
		}
	}
	if (kind)
		enter_kind(ui, resource, row, kind);
	else
		describe(ui, resource, row);
}

static void owner(struct kt_ui *ui, const struct kt_row *row)
{
	kt_auto_json json_t *reference =
	        row->owner ? kt_json_parse(kt_sv_of(row->owner), NULL, NULL) : NULL;
	const struct kt_resource *resource =
	        reference ? kt_ui_resource_of_kind(ui, kt_jstr(reference, "apiVersion"),
	                            kt_jstr(reference, "kind"))
	                  : NULL;

	if (!resource) {
		kt_ui_flash(ui, KT_FLASH_WARN, "%s %s", row->name,
		        reference ? "has an owner of a kind the server does not serve"
		                  : "has no owner");
		return;
	}
	kt_auto_free char *plural =
	        *resource->group ? kt_asprintf("%s.%s", resource->plural, resource->group)
	                         : kt_strdup(resource->plural);

	push(ui, plural,
	        &(struct kt_resource_view_options){
	                .namespace = row->namespace, .select = kt_jstr(reference, "name")});
}

void kt_drill(struct kt_ui *ui, const struct kt_resource *resource, const struct kt_row *row,
        const char *how, const char *argument)
{
	kt_auto_free char *of = kt_asprintf("%s/%s", resource->singular, row->name);

	if (!strcmp(how, "enter"))
		enter(ui, resource, row);
	else if (!strcmp(how, "owner"))
		owner(ui, row);
	else
		push(ui, argument,
		        &(struct kt_resource_view_options){
		                .namespace = row->namespace, .owner_uid = row->uid, .of = of});
}
