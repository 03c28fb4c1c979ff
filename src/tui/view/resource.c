/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/view/resource.h"

#include "tui/drill.h"
#include "tui/live.h"
#include "tui/save.h"
#include "tui/usage.h"

#include "base/time.h"

#include <ctype.h>

struct resource_view {
	struct kt_view view;
	struct kt_resource resource; /* own copy */
	char *namespace, *label_selector, *field_selector, *owner_uid, *fields, *of, *select;
	struct kt_table table;
	struct kt_live live;
	struct kt_usage usage;
};

static struct resource_view *of_view(const struct kt_view *view)
{
	return kt_container_of((struct kt_view *)(uintptr_t)view, struct resource_view, view);
}

static char *dup_or_null(const char *text)
{
	return text && *text ? kt_strdup(text) : NULL;
}

static char **dup_list(char *const *list)
{
	size_t n = 0;

	while (list && list[n])
		n++;
	char **copy = kt_new_array(char *, n + 1);

	for (size_t i = 0; i < n; i++)
		copy[i] = kt_strdup(list[i]);
	return copy;
}

static void free_list(char **list)
{
	for (char **item = list; item && *item; item++)
		free(*item);
	free(list);
}

static void copy_resource(struct kt_resource *to, const struct kt_resource *from)
{
	*to = (struct kt_resource){.group = kt_strdup(from->group),
	        .version = kt_strdup(from->version),
	        .plural = kt_strdup(from->plural),
	        .singular = kt_strdup(from->singular),
	        .kind = kt_strdup(from->kind),
	        .namespaced = from->namespaced,
	        .preferred = from->preferred,
	        .subresources = dup_list(from->subresources),
	        .verbs = dup_list(from->verbs)};
}

/* Title: Pods(default)[12] */
static void title(struct kt_view *view, struct kt_str *out)
{
	struct resource_view *v = of_view(view);
	size_t all = v->table.rows.n, shown = v->table.order.n;

	kt_str_printf(
	        out, "%c%s", toupper((unsigned char)*v->resource.plural), v->resource.plural + 1);
	if (v->resource.namespaced || v->of)
		kt_str_printf(out, "(%s%s%s)",
		        v->resource.namespaced ? *v->namespace ? v->namespace : "all" : "",
		        v->of && v->resource.namespaced ? " " : "", v->of ? v->of : "");
	if (shown == all)
		kt_str_printf(out, "[%zu]", all);
	else
		kt_str_printf(out, "[%zu/%zu]", shown, all);
	if (v->table.faults_only)
		kt_str_puts(out, " faults");
	if (!v->live.complete && (v->live.under_way || v->live.page))
		kt_str_puts(out, " …");
}

static void draw_message(struct resource_view *v, struct kt_rect area)
{
	struct kt_ui *ui = v->view.ui;
	const char *text = v->live.problem   ? v->live.problem
	                   : ui->start_error ? ui->start_error
	                                     : NULL;
	enum kt_role role = text ? KT_ROLE_ROW_ERROR : KT_ROLE_ROW_COMPLETED;
	kt_auto_free char *none = kt_asprintf("No resources found in %s namespace", v->namespace);

	if (v->table.order.n && !v->live.problem)
		return;
	if (!text && ui->starting)
		text = "The cluster is starting…";
	if (!text && v->live.complete)
		text = v->table.rows.n                           ? "No row passes the filter"
		       : v->resource.namespaced && *v->namespace ? none
		                                                 : "No resources found";
	if (text)
		kt_draw_text(
		        area.row + (v->table.order.n ? area.rows - 1 : KT_MIN(2, area.rows - 1)),
		        area.column + 2, area.columns - 4, text, strlen(text),
		        kt_ui_style(ui, role, KT_ROLE_TABLE_BG), true);
}

static void draw(struct kt_view *view, struct kt_rect area)
{
	struct resource_view *v = of_view(view);

	kt_table_draw(&v->table, &view->ui->theme, area, kt_ui_now(view->ui),
	        kt_loop_wall_ns(view->ui->loop));
	draw_message(v, area);
	if (v->select && kt_table_select_name(&v->table, NULL, v->select)) {
		free(v->select);
		v->select = NULL;
		kt_ui_dirty(view->ui);
	}
}

static bool is_loading(const struct kt_view *view)
{
	const struct resource_view *v = of_view(view);

	return !v->live.complete && !v->table.order.n;
}

static bool key(struct kt_view *view, const struct kt_key *pressed)
{
	return kt_table_key(&of_view(view)->table, pressed);
}

/* Placeholders of command lines */

void kt_resource_put_target(
        struct kt_ui *ui, const struct kt_resource *resource, const char *name, struct kt_str *out)
{
	const struct kt_resource *found = kt_ui_resource(ui, resource->singular);

	if (found && !strcmp(found->plural, resource->plural) &&
	        !strcmp(found->group, resource->group))
		kt_str_printf(out, "%s/%s", resource->singular, name);
	else if (*resource->group)
		kt_str_printf(out, "%s.%s/%s", resource->plural, resource->group, name);
	else
		kt_str_printf(out, "%s/%s", resource->plural, name);
}

static void put_target(struct resource_view *v, const char *name, struct kt_str *out)
{
	kt_resource_put_target(v->view.ui, &v->resource, name, out);
}

static bool put_chosen(struct resource_view *v, bool with_type, struct kt_str *out)
{
	struct kt_row **rows = kt_table_chosen(&v->table);
	bool same = rows[0] != NULL;

	for (size_t i = 0; rows[i]; i++) {
		same = same && !strcmp(rows[i]->namespace, rows[0]->namespace);
		if (i)
			kt_str_putc(out, ' ');
		if (with_type)
			put_target(v, rows[i]->name, out);
		else
			kt_str_puts(out, rows[i]->name);
	}
	if (rows[0] && !same)
		kt_ui_flash(v->view.ui, KT_FLASH_WARN,
		        "the marked rows are in several namespaces: mark those of one");
	free(rows);
	return same;
}

static bool expand(struct kt_view *view, const char *name, struct kt_str *out)
{
	struct resource_view *v = of_view(view);
	struct kt_row *row = kt_table_current(&v->table);

	if (!strcmp(name, "where")) {
		kt_str_printf(out, "%s%s", *v->namespace ? "-n " : "-A", v->namespace);
		return true;
	}
	if (!row)
		return false;
	if (!strcmp(name, "row")) {
		return true;
	} else if (!strcmp(name, "target")) {
		put_target(v, row->name, out);
	} else if (!strcmp(name, "targets") || !strcmp(name, "names")) {
		return put_chosen(v, !strcmp(name, "targets"), out);
	} else if (!strcmp(name, "ns")) {
		if (*row->namespace)
			kt_str_printf(out, "-n %s", row->namespace);
	} else if (!strcmp(name, "name")) {
		kt_str_puts(out, row->name);
	} else if (!strcmp(name, "namespace")) {
		kt_str_puts(out, row->namespace);
	} else if (!strcmp(name, "node")) {
		int column = kt_table_find_column(&v->table, "Node");

		if (column < 0 || (size_t)column >= row->n_cells || row->cells[column][0] == '<')
			return false;
		kt_str_puts(out, row->cells[column]);
	} else {
		return kt_table_put_cell(&v->table, row, name, out);
	}
	return true;
}

/* Filtering */

static char *selectors(const struct resource_view *v)
{
	kt_auto_str query = KT_STR_INIT;
	kt_auto_str labels = KT_STR_INIT;

	if (v->label_selector)
		kt_str_puts(&labels, v->label_selector);
	if (v->table.filter.selector)
		kt_str_printf(&labels, "%s%s", labels.len ? "," : "", v->table.filter.selector);
	if (labels.len) {
		kt_str_puts(&query, "labelSelector=");
		kt_url_escape(&query, kt_str_text(&labels));
	}
	if (v->field_selector) {
		kt_str_printf(&query, "%sfieldSelector=", query.len ? "&" : "");
		kt_url_escape(&query, v->field_selector);
	}
	return kt_str_steal(&query);
}

static void start(struct resource_view *v)
{
	kt_auto_free char *path = kt_resource_path(&v->resource,
	        v->resource.namespaced && *v->namespace ? v->namespace : NULL, NULL, NULL);
	kt_auto_free char *query = selectors(v);

	kt_live_start(&v->live, path, query);
	kt_usage_start(&v->usage, &v->resource, v->namespace);
}

static void filter(struct kt_view *view, const char *text)
{
	struct resource_view *v = of_view(view);
	kt_auto_free char *before = dup_or_null(v->table.filter.selector);

	kt_filter_set(&v->table.filter, text);
	if (!kt_streq(before, v->table.filter.selector))
		start(v);
	kt_table_refilter(&v->table);
	kt_ui_dirty(view->ui);
}

static const char *filter_text(const struct kt_view *view)
{
	return of_view(view)->table.filter.text;
}

static bool leave(struct kt_view *view)
{
	struct resource_view *v = of_view(view);

	if (v->table.filter.text) {
		filter(view, "");
		return true;
	}
	if (v->table.n_marked) {
		kt_table_mark_clear(&v->table);
		return true;
	}
	return false;
}

/* UI commands */

static void sort(struct resource_view *v, const char *name)
{
	struct kt_table *table = &v->table;
	int column = *name                       ? kt_table_find_column(table, name)
	             : table->picked_column >= 0 ? table->picked_column
	                                         : table->sort_column;
	bool by_name = !strcmp(name, "Name") || !strcmp(name, "Namespace");

	if (by_name)
		column = !strcmp(name, "Name") && table->show_namespace ? column : -1;
	else if (column < 0)
		return;
	kt_table_sort(table, column, column == table->sort_column && !table->descending);
}

static void save(struct resource_view *v)
{
	kt_auto_str csv = KT_STR_INIT;
	kt_auto_free char *name = kt_asprintf("%s-%s-%lld.csv", v->resource.plural,
	        *v->namespace ? v->namespace : "all",
	        (long long)(kt_loop_wall_ns(v->view.ui->loop) / KT_NS_PER_S));

	kt_table_csv(&v->table, &csv, kt_loop_wall_ns(v->view.ui->loop));
	kt_save_dump(v->view.ui, name, (struct kt_sv){kt_str_text(&csv), csv.len});
}

static void mark(struct kt_table *table, const char *argument)
{
	if (!strcmp(argument, "range"))
		kt_table_mark_range(table);
	else if (!strcmp(argument, "clear"))
		kt_table_mark_clear(table);
	else
		kt_table_mark(table);
}

static bool verb(struct kt_view *view, const char *name, const char *argument)
{
	struct resource_view *v = of_view(view);

	if (!strcmp(name, "connected")) {
		start(v);
	} else if (!strcmp(name, "enter") || !strcmp(name, "owner") || !strcmp(name, "owned")) {
		struct kt_row *row = kt_table_current(&v->table);

		if (row)
			kt_drill(view->ui, &v->resource, row, name, argument);
	} else if (!strcmp(name, "mark")) {
		mark(&v->table, argument);
	} else if (!strcmp(name, "wide")) {
		v->table.wide = !v->table.wide;
	} else if (!strcmp(name, "faults")) {
		v->table.faults_only = !v->table.faults_only;
		kt_table_refilter(&v->table);
	} else if (!strcmp(name, "sort")) {
		sort(v, argument);
	} else if (!strcmp(name, "save")) {
		save(v);
	} else if (!strcmp(name, "refresh")) {
		start(v);
	} else {
		return false;
	}
	return true;
}

static const struct kt_resource *resource(const struct kt_view *view)
{
	return &of_view(view)->resource;
}

/* "spec.nodeName=a" of an object. */
static bool field_is(struct kt_json_at object, struct kt_sv part)
{
	const char *equals = memchr(part.p, '=', part.len);
	bool not = equals && equals > part.p && equals[-1] == '!';
	struct kt_sv path, value, key;

	if (!equals)
		return true;
	path = (struct kt_sv){part.p, (size_t)(equals - part.p) - not };
	value = (struct kt_sv){equals + 1, part.len - (size_t)(equals + 1 - part.p)};
	if (value.len && *value.p == '=') /* == */
		value = (struct kt_sv){value.p + 1, value.len - 1};
	while (object.p && kt_sv_split(&path, '.', &key)) {
		kt_auto_free char *name = kt_sv_dup(key);

		object = kt_json_member(object, name);
	}
	kt_auto_free char *text = object.p && kt_json_is_string(object)
	                                  ? kt_json_string_dup(object)
	                                  : kt_strndup(object.p ? object.p : "", object.len);

	return kt_sv_is(value, text ? text : "") != not ;
}

static bool has_fields(void *arg, const struct kt_row *row, struct kt_json_at object)
{
	struct kt_sv rest = kt_sv_of(((struct resource_view *)arg)->fields), part;

	(void)row;
	while (kt_sv_split(&rest, ',', &part))
		if (!field_is(object, part))
			return false;
	return true;
}

static bool is_owned(void *arg, const struct kt_row *row, struct kt_json_at object)
{
	struct resource_view *v = arg;

	(void)object;

	return row->owner && strstr(row->owner, v->owner_uid);
}

static void destroy(struct kt_view *view)
{
	struct resource_view *v = of_view(view);

	kt_usage_finish(&v->usage);
	kt_live_finish(&v->live);
	kt_table_finish(&v->table);
	free(v->resource.group);
	free(v->resource.version);
	free(v->resource.plural);
	free(v->resource.singular);
	free(v->resource.kind);
	free_list(v->resource.subresources);
	free_list(v->resource.verbs);
	free(v->namespace);
	free(v->label_selector);
	free(v->field_selector);
	free(v->owner_uid);
	free(v->fields);
	free(v->of);
	free(v->select);
	free(v);
}

static const struct kt_view_ops OPS = {
        .context = KT_IN_TABLE | KT_IN_RESOURCE,
        .title = title,
        .draw = draw,
        .key = key,
        .verb = verb,
        .expand = expand,
        .is_loading = is_loading,
        .filter = filter,
        .filter_text = filter_text,
        .resource = resource,
        .leave = leave,
        .destroy = destroy,
};

static void on_listed(void *arg)
{
	kt_usage_ask(&((struct resource_view *)arg)->usage);
}

static void use_columns(struct resource_view *v)
{
	struct kt_ui *ui = v->view.ui;
	const struct kt_view_wish *wish = kt_columns_wish(ui, &v->resource, v->namespace);
	kt_auto_str warnings = KT_STR_INIT;

	kt_live_use_columns(
	        &v->live, kt_columns_create(wish, kt_usage_columns(&v->resource), &warnings));
	if (warnings.len)
		kt_ui_flash(ui, KT_FLASH_WARN, "views.yaml: %s", kt_str_text(&warnings));
}

struct kt_view *kt_resource_view_create(
        struct kt_ui *ui, const struct kt_resource_view_options *options)
{
	struct resource_view *v = kt_new(struct resource_view);

	v->view = (struct kt_view){
	        .ops = &OPS, .ui = ui, .crumb = kt_strdup(options->resource->plural)};
	copy_resource(&v->resource, options->resource);
	v->namespace =
	        kt_strdup(options->namespace && v->resource.namespaced ? options->namespace : "");
	v->label_selector = dup_or_null(options->label_selector);
	v->field_selector = dup_or_null(options->field_selector);
	v->owner_uid = dup_or_null(options->owner_uid);
	v->fields = dup_or_null(options->fields);
	v->of = dup_or_null(options->of);
	v->select = dup_or_null(options->select);
	kt_table_init(&v->table);
	v->table.show_namespace = v->resource.namespaced && !*v->namespace;
	kt_filter_set(&v->table.filter, options->filter);
	kt_live_init(&v->live, ui, &v->table);
	kt_usage_init(&v->usage, ui, &v->table);
	use_columns(v);
	v->live.listed = on_listed;
	v->live.listed_arg = v;
	if (v->owner_uid) {
		v->live.keep = is_owned;
		v->live.keep_arg = v;
	} else if (v->fields) {
		v->live.whole = true;
		v->live.keep = has_fields;
		v->live.keep_arg = v;
	}
	if (ui->client)
		start(v);
	return &v->view;
}
