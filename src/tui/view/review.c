/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/view/review.h"

#include "tui/diff.h"
#include "tui/widget/text.h"

enum { CONTEXT_LINES = 4 };

struct review_view {
	struct kt_view view;
	char *title;
	size_t changed;
	struct kt_text text;
	void (*apply)(void *arg);
	void *arg;
};

static struct review_view *of_view(const struct kt_view *view)
{
	return kt_container_of((struct kt_view *)(uintptr_t)view, struct review_view, view);
}

static void title(struct kt_view *view, struct kt_str *out)
{
	kt_str_printf(out, "%s[%zu lines]", of_view(view)->title, of_view(view)->changed);
}

static void draw(struct kt_view *view, struct kt_rect area)
{
	struct kt_ui *ui = view->ui;
	static const char hint[] = "Enter applies it to the cluster, e goes back to the editor";

	kt_text_draw(&of_view(view)->text, &ui->theme,
	        (struct kt_rect){area.row, area.column, area.rows - 1, area.columns});
	kt_draw_cell(area.row + area.rows - 1, area.column, area.columns, hint,
	        kt_ui_style(ui, KT_ROLE_LOGO_INFO, KT_ROLE_BODY_BG));
}

static bool key(struct kt_view *view, const struct kt_key *pressed)
{
	return kt_text_key(&of_view(view)->text, pressed);
}

static bool verb(struct kt_view *view, const char *name, const char *argument)
{
	struct review_view *v = of_view(view);

	(void)argument;
	if (strcmp(name, "confirm") != 0)
		return false;
	v->apply(v->arg);
	return true;
}

static void destroy(struct kt_view *view)
{
	struct review_view *v = of_view(view);

	kt_text_finish(&v->text);
	free(v->title);
	free(v);
}

static const struct kt_view_ops OPS = {.context = KT_IN_DIFF,
        .title = title,
        .draw = draw,
        .key = key,
        .verb = verb,
        .destroy = destroy};

struct kt_view *kt_review_view_create(struct kt_ui *ui, const struct kt_review_options *options)
{
	struct review_view *v = kt_new(struct review_view);
	kt_auto_str diff = KT_STR_INIT;
	struct kt_sv rest = kt_sv_of(options->warnings), line;

	v->view = (struct kt_view){.ops = &OPS, .ui = ui, .crumb = kt_strdup("diff")};
	v->title = kt_strdup(options->title);
	v->apply = options->apply;
	v->arg = options->arg;
	while (options->warnings && *options->warnings && kt_sv_split(&rest, '\n', &line))
		if (line.len)
			kt_str_printf(&diff, "! Warning: %.*s\n", (int)line.len, line.p);
	v->changed = kt_lines_diff(options->before, options->after, CONTEXT_LINES, &diff);
	kt_text_init(&v->text, KT_DIFF);
	kt_text_add(&v->text, (struct kt_sv){kt_str_text(&diff), diff.len});
	return &v->view;
}
