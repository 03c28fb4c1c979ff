/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/view/list.h"

#include "tui/health.h"
#include "tui/save.h"

struct list_view {
	struct kt_view view;
	struct kt_view_ops ops; /* with its own context */
	char *title, *enter, *target, *ns, *told;
	struct kt_table table;
	void *arg;
	void (*finish)(void *arg);
};

static struct list_view *of_view(const struct kt_view *view)
{
	return kt_container_of((struct kt_view *)(uintptr_t)view, struct list_view, view);
}

static void title(struct kt_view *view, struct kt_str *out)
{
	struct list_view *v = of_view(view);

	kt_str_printf(out, "%s[%zu]", v->title, v->table.order.n);
}

static void draw(struct kt_view *view, struct kt_rect area)
{
	struct list_view *v = of_view(view);

	kt_table_draw(&v->table, &view->ui->theme, area, kt_ui_now(view->ui),
	        kt_loop_wall_ns(view->ui->loop));
	if (v->told && !v->table.rows.n)
		kt_draw_text(area.row + KT_MIN(2, area.rows - 1), area.column + 2, area.columns - 4,
		        v->told, strlen(v->told),
		        kt_ui_style(view->ui, KT_ROLE_ROW_COMPLETED, KT_ROLE_TABLE_BG), true);
}

static bool expand(struct kt_view *view, const char *name, struct kt_str *out)
{
	struct list_view *v = of_view(view);
	const struct kt_row *row = kt_table_current(&v->table);

	if (!strcmp(name, "target") && v->target)
		kt_str_puts(out, v->target);
	else if (!strcmp(name, "ns") && v->target)
		kt_str_puts(out, v->ns ? v->ns : "");
	else if (!row)
		return false;
	else if (!strcmp(name, "name") || !strcmp(name, "names"))
		kt_str_puts(out, row->name);
	else if (*name >= '0' && *name <= '9' && strtoul(name, NULL, 10) < row->n_cells)
		kt_str_puts(out, row->cells[strtoul(name, NULL, 10)]);
	else
		return kt_table_put_cell(&v->table, row, name, out);
	return true;
}

static void enter(struct list_view *v)
{
	struct kt_ui *ui = v->view.ui; /* the view may be gone when the line ran */
	kt_auto_str line = KT_STR_INIT;

	for (const char *c = v->enter; c && *c; c++) {
		const char *close = *c == '{' ? strchr(c, '}') : NULL;

		if (!close) {
			kt_str_putc(&line, *c);
			continue;
		}
		kt_auto_free char *name = kt_strndup(c + 1, (size_t)(close - c - 1));

		if (!expand(&v->view, name, &line))
			return;
		c = close;
	}
	if (line.len) {
		ui->of_key = true;
		kt_ui_run(ui, kt_str_text(&line));
		ui->of_key = false;
	}
}

static bool key(struct kt_view *view, const struct kt_key *pressed)
{
	if (pressed->code == KT_KEY_ENTER) {
		enter(of_view(view));
		return true;
	}
	return kt_table_key(&of_view(view)->table, pressed);
}

static void filter(struct kt_view *view, const char *text)
{
	kt_filter_set(&of_view(view)->table.filter, text);
	kt_table_refilter(&of_view(view)->table);
	kt_ui_dirty(view->ui);
}

static const char *filter_text(const struct kt_view *view)
{
	return of_view(view)->table.filter.text;
}

static bool leave(struct kt_view *view)
{
	if (!filter_text(view))
		return false;
	filter(view, "");
	return true;
}

static bool verb(struct kt_view *view, const char *name, const char *argument)
{
	struct list_view *v = of_view(view);

	if (!strcmp(name, "sort")) {
		int column = *argument ? kt_table_find_column(&v->table, argument)
		                       : v->table.picked_column;

		if (column >= 0)
			kt_table_sort(&v->table, column,
			        column == v->table.sort_column && !v->table.descending);
	} else if (!strcmp(name, "save")) {
		kt_auto_str csv = KT_STR_INIT;
		kt_auto_free char *file = kt_asprintf("%s.csv", view->crumb);

		kt_table_csv(&v->table, &csv, kt_loop_wall_ns(view->ui->loop));
		kt_save_dump(view->ui, file, (struct kt_sv){kt_str_text(&csv), csv.len});
	} else {
		return false;
	}
	return true;
}

static void destroy(struct kt_view *view)
{
	struct list_view *v = of_view(view);

	if (v->finish)
		v->finish(v->arg);
	kt_table_finish(&v->table);
	free(v->told);
	free(v->title);
	free(v->enter);
	free(v->target);
	free(v->ns);
	free(v);
}

static char *dup_or_null(const char *text)
{
	return text ? kt_strdup(text) : NULL;
}

struct kt_view *kt_list_view_create(struct kt_ui *ui, const struct kt_list_view_options *options)
{
	struct list_view *v = kt_new(struct list_view);

	v->ops = (struct kt_view_ops){.context = KT_IN_TABLE | options->context,
	        .title = title,
	        .draw = draw,
	        .key = key,
	        .verb = verb,
	        .expand = expand,
	        .filter = filter,
	        .filter_text = filter_text,
	        .leave = leave,
	        .destroy = destroy};
	v->view = (struct kt_view){.ops = &v->ops, .ui = ui, .crumb = kt_strdup(options->crumb)};
	v->title = kt_strdup(options->title);
	v->enter = dup_or_null(options->enter);
	v->target = dup_or_null(options->target);
	v->ns = dup_or_null(options->ns);
	kt_table_init(&v->table);
	for (const char *const *name = options->columns; *name; name++)
		kt_table_add_column(&v->table, *name, false, kt_column_sort_of(*name));
	for (const char *const *name = options->extra; name && *name; name++)
		kt_table_add_extra_column(&v->table, *name);
	v->arg = options->arg;
	v->finish = options->finish;
	return &v->view;
}

void kt_list_view_add(
        struct kt_view *view, const char *name, const char *const *cells, enum kt_row_state state)
{
	struct list_view *v = of_view(view);
	struct kt_sv texts[16];
	size_t n = 0;

	for (; n < v->table.columns.n && n < KT_ARRAY_SIZE(texts); n++)
		texts[n] = kt_sv_of(cells[n] ? cells[n] : "");
	struct kt_row *row = kt_row_create(name, "", name, texts, n, NULL);

	row->state = state;
	kt_table_put(&v->table, row, 0);
}

struct kt_table *kt_list_view_table(struct kt_view *view)
{
	return &of_view(view)->table;
}

void kt_list_view_tell(struct kt_view *view, const char *text)
{
	struct list_view *v = of_view(view);

	free(v->told);
	v->told = dup_or_null(text);
	kt_ui_dirty(view->ui);
}
