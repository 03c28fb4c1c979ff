/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tui/view/output.h"

#include "tui/job.h"
#include "tui/save.h"

struct output_view {
	struct kt_view view;
	char *line, *title, *target, *ns;
	struct kt_text text;
	struct kt_job *job;
	bool managed; /* managedFields are shown */
	bool fresh;   /* the next output replaces the text */
	int exit_code;
};

static struct output_view *of_view(const struct kt_view *view)
{
	return kt_container_of((struct kt_view *)(uintptr_t)view, struct output_view, view);
}

static void title(struct kt_view *view, struct kt_str *out)
{
	struct output_view *v = of_view(view);

	kt_str_puts(out, v->title);
	if (v->job)
		kt_str_puts(out, " …");
	if (kt_filter_is_set(&v->text.filter))
		kt_str_printf(out, " [%zu hits]", kt_text_hits(&v->text));
}

static void draw(struct kt_view *view, struct kt_rect area)
{
	kt_text_draw(&of_view(view)->text, &view->ui->theme, area);
}

static bool key(struct kt_view *view, const struct kt_key *pressed)
{
	return kt_text_key(&of_view(view)->text, pressed);
}

static void on_output(void *arg, struct kt_sv piece)
{
	struct output_view *v = arg;
	size_t top = v->text.top;

	if (v->fresh)
		kt_text_clear(&v->text);
	if (v->fresh)
		v->text.top = top; /* a refresh keeps the place */
	v->fresh = false;
	kt_text_add(&v->text, piece);
}

static void on_done(void *arg, int exit_code)
{
	struct output_view *v = arg;

	v->job = NULL;
	v->exit_code = exit_code;
	if (v->fresh)
		on_output(
		        v, exit_code ? KT_SV("(nothing, but it failed)\n") : KT_SV("(nothing)\n"));
}

static void run(struct output_view *v)
{
	kt_auto_free char *line =
	        kt_asprintf("%s%s", v->line, v->managed ? " --show-managed-fields" : "");

	kt_job_cancel(v->job);
	v->fresh = true;
	v->job = kt_job_start(v->view.ui,
	        &(struct kt_job_options){
	                .line = line, .on_output = on_output, .on_done = on_done, .arg = v});
}

static void save(struct output_view *v)
{
	kt_auto_free char *name = kt_asprintf("%s-%lld.%s", v->view.crumb,
	        (long long)(kt_loop_wall_ns(v->view.ui->loop) / KT_NS_PER_S),
	        v->text.highlight == KT_YAML ? "yaml" : "txt");

	kt_save_dump(
	        v->view.ui, name, (struct kt_sv){kt_str_text(&v->text.bytes), v->text.bytes.len});
}

static bool verb(struct kt_view *view, const char *name, const char *argument)
{
	struct output_view *v = of_view(view);

	(void)argument;
	if (!strcmp(name, "refresh") && v->line) {
		run(v);
	} else if (!strcmp(name, "managed") && v->text.highlight == KT_YAML && v->line) {
		v->managed = !v->managed;
		run(v);
	} else if (!strcmp(name, "wrap")) {
		v->text.wrap = !v->text.wrap;
	} else if (!strcmp(name, "next") || !strcmp(name, "previous-hit")) {
		kt_text_next_hit(&v->text, !strcmp(name, "next"));
	} else if (!strcmp(name, "save")) {
		save(v);
	} else if (!strcmp(name, "copy")) {
		kt_copy(view->ui, (struct kt_sv){kt_str_text(&v->text.bytes), v->text.bytes.len});
	} else {
		return false;
	}
	return true;
}

static bool expand(struct kt_view *view, const char *name, struct kt_str *out)
{
	struct output_view *v = of_view(view);
	const char *text = !strcmp(name, "target")            ? v->target
	                   : !strcmp(name, "ns") && v->target ? v->ns ? v->ns : ""
	                                                      : NULL;

	if (text)
		kt_str_puts(out, text);
	return text != NULL;
}

static void filter(struct kt_view *view, const char *text)
{
	kt_text_filter(&of_view(view)->text, text);
	kt_ui_dirty(view->ui);
}

static const char *filter_text(const struct kt_view *view)
{
	return of_view(view)->text.filter.text;
}

static bool leave(struct kt_view *view)
{
	if (!of_view(view)->text.filter.text)
		return false;
	filter(view, "");
	return true;
}

static void destroy(struct kt_view *view)
{
	struct output_view *v = of_view(view);

	kt_job_cancel(v->job);
	kt_text_finish(&v->text);
	free(v->line);
	free(v->title);
	free(v->target);
	free(v->ns);
	free(v);
}

#define COMMON \
	.title = title, .draw = draw, .key = key, .verb = verb, .expand = expand, \
	.filter = filter, .filter_text = filter_text, .leave = leave, .destroy = destroy

static const struct kt_view_ops OPS = {.context = KT_IN_TEXT, COMMON};
static const struct kt_view_ops YAML_OPS = {.context = KT_IN_TEXT | KT_IN_YAML, COMMON};

static struct output_view *create(
        struct kt_ui *ui, const char *title_text, const char *crumb, enum kt_highlight highlight)
{
	struct output_view *v = kt_new(struct output_view);

	v->view = (struct kt_view){.ops = highlight == KT_YAML ? &YAML_OPS : &OPS,
	        .ui = ui,
	        .crumb = kt_strdup(crumb)};
	v->title = kt_strdup(title_text);
	kt_text_init(&v->text, highlight);
	return v;
}

struct kt_view *kt_output_view_create(
        struct kt_ui *ui, const struct kt_output_view_options *options)
{
	struct output_view *v = create(ui, options->title, options->crumb, options->highlight);

	v->line = kt_strdup(options->line);
	v->target = options->target ? kt_strdup(options->target) : NULL;
	v->ns = options->ns ? kt_strdup(options->ns) : NULL;
	run(v);
	return &v->view;
}

struct kt_view *kt_text_view_create(struct kt_ui *ui, const char *title_text, const char *crumb,
        struct kt_sv content, enum kt_highlight highlight)
{
	struct output_view *v = create(ui, title_text, crumb, highlight);

	kt_text_add(&v->text, content);
	return &v->view;
}
